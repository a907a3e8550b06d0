// The traffic ladder: how far each ad climbed.

import type { Ad } from '../api/types';

/** Impressions that each rung grants in all. */
export const RUNGS = [100, 300, 1000, 5000] as const;

/** How many rungs an ad was promoted from. */
export function height(ad: Ad): number {
  return RUNGS.filter((rung) => ad.ladder.findLast((step) => step.rung === rung)?.decision === 'promoted').length;
}

/** The highest climbed first; among equals who was shown more. */
export function bestFirst(ads: readonly Ad[]): Ad[] {
  return ads.toSorted((a, b) => height(b) - height(a) || (b.delivery?.impressions ?? 0) - (a.delivery?.impressions ?? 0));
}
