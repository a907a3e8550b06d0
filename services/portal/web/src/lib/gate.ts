// What the quality gate measured of a variant, out of the run's trace.

import { ask } from '../api/client';
import type { Listing, TraceStep, VariantDetail } from '../api/types';

export interface Check {
  id: string;
  passed: boolean;
  /** What was measured. */
  value: string;
  /** What was required. */
  limit: string;
}

/** Pages of a trace that are looked through at most. */
const MOST = 40;

/** The steps of a run's trace that are about one variant. */
export async function traceOf(variant: Pick<VariantDetail, 'id' | 'run'>): Promise<TraceStep[]> {
  const found: TraceStep[] = [];
  let cursor = '';
  for (let page = 0; page < MOST; page += 1) {
    const part = await ask<Listing<TraceStep>>(`/v1/runs/${variant.run}/trace?limit=200${cursor}`);
    found.push(...part.data.filter((one) => one.variant === variant.id));
    if (!part.has_more || !part.next_cursor) break;
    cursor = `&cursor=${encodeURIComponent(part.next_cursor)}`;
  }
  return found;
}

/** The checks of the newest report in the steps. */
export function checksOf(steps: readonly TraceStep[]): Check[] {
  let found: Check[] = [];
  for (const { detail } of steps) {
    const step = detail as Record<string, unknown>;
    const gate = (step['gate'] ?? step['report']) as Record<string, unknown> | undefined;
    const list = gate?.['checks'] ?? step['checks'];
    if (!Array.isArray(list)) continue;
    found = (list as Record<string, unknown>[]).flatMap((check) => {
      const id = check['id'] ?? check['name'];
      return typeof id === 'string' ? [{ id, passed: check['pass'] === true, value: String(check['value'] ?? ''), limit: String(check['limit'] ?? '') }] : [];
    });
  }
  return found;
}

export interface Zone {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The part of the picture that a placement leaves free, in pixels of the storyboard, as the gate required it. */
export function safeZone(checks: readonly Check[]): Zone | undefined {
  const limit = checks.find((check) => check.id === 'safe_zone')?.limit ?? '';
  const found = /(\d+),(\d+)\D+(\d+),(\d+)/.exec(limit);
  if (!found) return undefined;
  const [left = 0, top = 0, right = 0, bottom = 0] = found.slice(1).map(Number);
  return right > left && bottom > top ? { left, top, right, bottom } : undefined;
}
