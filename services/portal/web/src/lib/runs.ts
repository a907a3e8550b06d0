// What pages say about runs: how far they are, what they wait for, what they are called.

import type { BriefSummary, Run, VariantDetail, VariantSummary } from '../api/types';

export interface StageMark {
  id: string;
  done: number;
  of: number | undefined;
  /** Between 0 and 1. */
  share: number;
  state: 'done' | 'now' | 'later';
}

const ORDER = [
  'requested',
  'planning',
  'waiting_for_answers',
  'drafting',
  'waiting_for_approval',
  'scoring',
  'selecting',
  'rendering',
  'playing',
  'observing',
  'learning',
  'finished',
];

/** The nine stages of the present generation with their counts. */
export function stages(run: Run): StageMark[] {
  const { counts } = run;
  const variants = run.order?.variants ?? 0;
  const winners = run.order?.winners ?? 0;
  const at = ORDER.indexOf(run.stage);
  const after = (stage: string): boolean => at > ORDER.indexOf(stage);
  const gone = counts.failed;
  const written = counts.drafted + counts.previewed + counts.scored + counts.selected + counts.rendered + counts.won;
  const seen = written - counts.drafted;
  const selected = counts.selected + counts.rendered + counts.won;
  const rows: [string, number, number | undefined, boolean][] = [
    ['plan', 0, undefined, at >= ORDER.indexOf('drafting')],
    ['scripts', written + counts.rejected + gone, variants, at >= ORDER.indexOf('scoring')],
    ['previews', seen + counts.rejected + gone, variants, after('scoring')],
    ['scores', seen - counts.previewed + counts.rejected + gone, variants, after('scoring')],
    ['selection', selected, winners, after('selecting')],
    ['finals', counts.rendered + counts.won, winners, after('rendering')],
    ['gate', counts.won, winners, after('rendering')],
    ['placed', counts.placed, winners, after('playing')],
    ['results', counts.observed, winners, after('observing')],
  ];
  let open = run.stopped === undefined || run.stopped === null;
  return rows.map(([id, done, of, past]) => {
    const share = past ? 1 : of ? Math.min(1, done / of) : 0;
    const state = past || (of !== undefined && of > 0 && done >= of) ? 'done' : open ? 'now' : 'later';
    // Previews and scores go on side by side; beyond them one stage is at work at a time.
    if (state === 'now' && id !== 'previews') open = false;
    return { id, done: past && of !== undefined ? Math.max(done, 0) : done, of, share, state };
  });
}

export function isOver(run: Run): boolean {
  return run.stopped !== undefined && run.stopped !== null;
}

/** What a run waits for from a person. */
export function waitsFor(run: Run): 'answers' | 'approval' | 'resume' | undefined {
  if (isOver(run)) return undefined;
  if (run.stage === 'waiting_for_answers') return 'answers';
  if (run.stage === 'waiting_for_approval') return 'approval';
  return run.paused ? 'resume' : undefined;
}

/** The brief's name and the number of the run among those of its brief, oldest first. */
export function naming(runs: readonly Run[], briefs: readonly BriefSummary[]): Map<string, { brief: string; number: number }> {
  const names = new Map(briefs.map((brief) => [brief.id, brief.name]));
  const counted = new Map<string, number>();
  const found = new Map<string, { brief: string; number: number }>();
  for (const run of runs.toReversed()) {
    const brief = run.order?.brief ?? '';
    const number = (counted.get(brief) ?? 0) + 1;
    counted.set(brief, number);
    found.set(run.id, { brief: names.get(brief) ?? run.id.slice(0, 8), number });
  }
  return found;
}

/** The short name of a variant: generation and number. */
export function tag(variant: Pick<VariantSummary, 'generation' | 'number'>): string {
  return `g${variant.generation}-${String(variant.number).padStart(2, '0')}`;
}

export function hookOf(variant: VariantDetail): string {
  return variant.script.lines[0]?.caption ?? variant.primary_text;
}

/** What a variant has in each of its places, as the matrix has them for rows and columns. */
export const SLOTS = ['first_line', 'angle', 'hook', 'picture', 'body', 'proof', 'cta', 'aspect', 'structure'] as const;
export type Slot = (typeof SLOTS)[number];

/** Width to height in small numbers, e.g. 9:16. */
export function aspect({ width, height }: { width: number; height: number }): string {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const common = divisor(width, height) || 1;
  return `${width / common}:${height / common}`;
}
