// What pages say about webhooks and events.

import type { Webhook } from '../api/types';

export const EVENT_TYPES = [
  'spotwright.creative.requested.v1',
  'spotwright.variant.requested.v1',
  'spotwright.variant.rendered.v1',
  'spotwright.variant.scored.v1',
  'spotwright.creative.won.v1',
  'spotwright.placement.feedback.v1',
  'spotwright.creative.fatigued.v1',
  'spotwright.run.finished.v1',
  'spotwright.experiment.started.v1',
  'spotwright.experiment.readout.v1',
  'spotwright.experiment.srm_alarm.v1',
  'spotwright.experiment.stopped.v1',
  'spotwright.experiment.decided.v1',
  'spotwright.webhook.paused.v1',
] as const;

/** The part of a type that tells something, e.g. `variant.scored`. */
export function short(type: string): string {
  return type.replace(/^spotwright\./, '').replace(/\.v\d+$/, '');
}

export function hostOf(webhook: Pick<Webhook, 'url'>): string {
  return URL.canParse(webhook.url) ? new URL(webhook.url).host : webhook.url;
}
