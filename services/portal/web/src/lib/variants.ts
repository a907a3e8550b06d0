// Ten thousand variants in order and in groups, each looked at once.

import type { VariantDetail } from '../api/types';
import { niceEnd, wilson } from './figures';
import { word } from './i18n.svelte';
import { aspect, hookOf, type Slot } from './runs';

/** An interval of few clicks reaches far beyond what any of them can be. */
const WIDEST = 0.2;

/** Clicked ones before predicted ones before others. */
function rate(one: VariantDetail): number {
  const delivery = one.placement?.delivery;
  if (delivery && delivery.impressions > 0) return 1 + delivery.clicks / delivery.impressions;
  return one.score?.predicted_ctr ?? -1;
}

/** The best first; equals by number. */
export function byRate(variants: readonly VariantDetail[]): VariantDetail[] {
  // Rates are worked out before: sorting asks for each some thirty times.
  return variants
    .map((one) => ({ one, rate: rate(one) }))
    .sort((a, b) => b.rate - a.rate || a.one.number - b.one.number)
    .map(({ one }) => one);
}

/** Words of the API, which have names in the language of the page. */
const GROUPS: Partial<Record<Slot, string>> = { angle: 'angle', hook: 'hook', structure: 'structure', picture: 'layout' };

function value(one: VariantDetail, which: Slot): string | null | undefined {
  const { script, storyboard } = one;
  if (which === 'first_line') return hookOf(one);
  if (which === 'angle' || which === 'hook') return script.direction[which];
  if (which === 'structure') return script.structure;
  if (which === 'picture') return storyboard.shots[0]?.layout;
  if (which === 'aspect') return aspect(storyboard.size);
  return script.lines.findLast((line) => line.role === which)?.caption;
}

/** Tells what variants have in one of their places. Few values are behind many variants: each is named once. */
export function namer(which: Slot): (one: VariantDetail) => string {
  const group = GROUPS[which];
  if (group === undefined) return (one) => value(one, which) ?? '–';
  const names = new Map<string, string>();
  return (one) => {
    const found = value(one, which);
    if (!found) return '–';
    let name = names.get(found);
    if (name === undefined) {
      name = word(group, found);
      names.set(found, name);
    }
    return name;
  };
}

export interface MatrixRow {
  name: string;
  of: VariantDetail[];
  /** Of each column that is shown, in its order. */
  cells: VariantDetail[][];
  /** In the fullest cell; at least one. */
  most: number;
}

export interface Matrix {
  /** What the columns stand for: those of the most variants first, equals as they were written. */
  columns: string[];
  /** Columns that are not shown. */
  more: number;
  rows: MatrixRow[];
}

/** Variants by what they have in two of their places, each row and cell in the order given. */
export function matrixOf(ranked: readonly VariantDetail[], rows: Slot, cols: Slot, most: number): Matrix {
  const [rowOf, columnOf] = [namer(rows), namer(cols)];
  const sizes = new Map<string, { n: number; first: number }>();
  const found = new Map<string, { of: VariantDetail[]; cells: Map<string, VariantDetail[]> }>();
  for (const one of ranked) {
    const [name, column] = [rowOf(one), columnOf(one)];
    const size = sizes.get(column);
    if (size === undefined) sizes.set(column, { n: 1, first: one.number });
    else {
      size.n += 1;
      size.first = Math.min(size.first, one.number);
    }
    let row = found.get(name);
    if (row === undefined) {
      row = { of: [], cells: new Map() };
      found.set(name, row);
    }
    row.of.push(one);
    const cell = row.cells.get(column);
    if (cell === undefined) row.cells.set(column, [one]);
    else cell.push(one);
  }
  const every = [...sizes].sort(([, a], [, b]) => b.n - a.n || a.first - b.first).map(([name]) => name);
  const columns = every.slice(0, most);
  return {
    columns,
    more: every.length - columns.length,
    rows: [...found].map(([name, row]) => {
      const cells = columns.map((column) => row.cells.get(column) ?? []);
      return { name, of: row.of, cells, most: cells.reduce((largest, cell) => Math.max(largest, cell.length), 1) };
    }),
  };
}

/** The end of the scale that holds the intervals of all, clicked or predicted. A few clicks do not stretch it. */
export function scaleEnd(variants: readonly VariantDetail[]): number {
  let largest = 0.001;
  for (const { placement, score } of variants) {
    const predicted = score?.interval[1] ?? 0;
    if (predicted > largest) largest = predicted;
    if (!placement?.delivery) continue;
    const { clicks, impressions } = placement.delivery;
    largest = Math.max(largest, Math.min(wilson(clicks, impressions)[1], WIDEST));
  }
  return niceEnd(largest);
}
