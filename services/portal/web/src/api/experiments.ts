// What a read-out tells beside its verdict, none of which decides: segments, an adjusted comparison, and what the ads
// added over the holdout. `null` in read-outs that were stored before, and where the source cannot tell.

import type { ReadOut, ReadOutComparison } from './types';

export interface Sentences {
  en: string;
  zh: string;
}

export interface SegmentComparison {
  arm: string;
  lift: number | null;
  ci: [number, number] | null;
  p_value: number | null;
  adjusted_p_value: number | null;
  stands_out: boolean;
}

export interface SegmentRow {
  segment: string;
  label: Sentences;
  units: number;
  arms: { name: string; role: string; units: number; impressions: number; clicks: number; conversions: number; spend_micros: number; value: number | null }[];
  comparisons: SegmentComparison[];
}

export interface Segments {
  exploratory: boolean;
  tested: number;
  sentence: Sentences;
  rows: SegmentRow[];
}

export interface Adjusted {
  covariate: string;
  comparisons: ReadOutComparison[];
  reductions: { arm: string; variance_reduction: number | null }[];
}

export interface IncrementalityRow {
  /** `null`: all arms together. */
  arm: string | null;
  units: number;
  conversions: number;
  attributed: number;
  rate: number;
  difference: number | null;
  difference_ci: [number, number] | null;
  lift: number | null;
  lift_ci: [number, number] | null;
  p_value: number | null;
  adjusted_p_value: number | null;
  added: number | null;
  added_ci: [number, number] | null;
  cost_per_added_micros: number | null;
  reason: string | null;
}

export interface Incrementality {
  outcome: string;
  holdout: { units: number; conversions: number; rate: number };
  rows: IncrementalityRow[];
  sentence: Sentences;
}

export type FullReadOut = Omit<ReadOut, 'segments' | 'adjusted' | 'incrementality'> & { segments?: Segments | null; adjusted?: Adjusted | null; incrementality?: Incrementality | null };
