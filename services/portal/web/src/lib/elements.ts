// Elements of ads as pages call them, and the newest report about them.

import { ask } from '../api/client';
import type { ElementRow, FigureSource, Listing, Report } from '../api/types';
import { t, word } from './i18n.svelte';

/** Words of the API that have names of their own elsewhere. */
const GROUPS: Partial<Record<ElementRow['element'], string>> = { hook: 'hook', angle: 'angle', structure: 'structure', call_to_action: 'cta', visual_style: 'style' };

export function elementName(one: ElementRow): string {
  const group = GROUPS[one.element];
  if (one.element === 'voice' && one.value === 'none') return t('elements.silent');
  return group ? word(group, one.value) : one.value.replaceAll('_', ' ');
}

/** The newest report of elements that is made and still there, of all time. */
export async function newestElements(source: FigureSource, run: string): Promise<Report | undefined> {
  const { data } = await ask<Listing<Report>>('/v1/reports?limit=100');
  return data.find((one) => one.kind === 'elements' && one.format === 'json' && one.state === 'done' && one.download && one.filters.source === source && (one.filters.run ?? '') === run && !one.filters.from && !one.filters.to);
}
