// A file of results on its way in: where it comes from, what was asked and answered, how headers are read.

import { ask } from '../api/client';
import type { Import, AskedView } from '../api/types';

/** Where exports come from; left out, the service finds it out by the headers. */
export const PLATFORMS = ['tiktok', 'meta', 'google_ads', 'kuaishou', 'oceanengine', 'qianchuan', 'linkedin', 'amazon_ads', 'snapchat', 'pinterest', 'other'] as const;

/** What a column may be said to hold. */
export const FIELDS = [
  'ad_id', 'ad_name', 'campaign_name', 'group_name', 'day', 'window_start', 'window_end', 'currency', 'time_zone', 'spend', 'impressions',
  'reach', 'clicks', 'conversions', 'revenue', 'ignore',
] as const;

export interface Reading {
  source: string;
  /** Answers to what was asked. */
  currency: string;
  time_zone: string;
  from: string;
  to: string;
  decimals: string;
  dates: string;
  mapping: Record<string, string>;
}

export function reading(): Reading {
  return { source: '', currency: '', time_zone: '', from: '', to: '', decimals: '', dates: '', mapping: {} };
}

/** Sends a file, to be looked at (`dry`) or to be stored. */
export function send(file: File, how: Reading, dry: boolean, once: string): Promise<Import> {
  const query = new URLSearchParams({ name: file.name });
  if (dry) query.set('dry_run', 'true');
  for (const name of ['source', 'currency', 'time_zone', 'from', 'to', 'decimals', 'dates'] as const) {
    const value = how[name].trim();
    if (value) query.set(name, value);
  }
  const mapping = Object.fromEntries(Object.entries(how.mapping).filter(([, field]) => field !== ''));
  if (Object.keys(mapping).length > 0) query.set('mapping', JSON.stringify(mapping));
  return ask<Import>(`/v1/imports?${query.toString()}`, { method: 'POST', file, once });
}

/** Whether everything that was asked has an answer. */
export function answered(asked: readonly AskedView[], how: Reading): boolean {
  const given: Record<string, string> = { currency: how.currency, time_zone: how.time_zone, window: how.from && how.to, number_format: how.decimals, date_order: how.dates };
  return asked.every((one) => (given[one.asked] ?? '').trim() !== '');
}
