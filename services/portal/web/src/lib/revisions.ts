// An edit of an ad as plain values: its fields, what they change of the original, and texts side by side.

import type { CaptionMotion, Layout, Motion, RevisionChanges, VariantDetail, VisualStyle } from '../api/types';

export interface LineFields {
  caption: string;
  detail: string;
  voice: string;
}

export interface ShotFields {
  layout: Layout;
  motion: Motion;
  caption_motion: CaptionMotion;
  picture: string;
  frames: number;
}

/** Lines and shots by the numbers of the original; `order` holds those numbers as they follow one another. */
export interface EditFields {
  lines: LineFields[];
  shots: ShotFields[];
  order: number[];
  style: VisualStyle;
  button: string;
}

export function fieldsOf({ script, storyboard }: Pick<VariantDetail, 'script' | 'storyboard'>): EditFields {
  return {
    lines: script.lines.map(({ caption, detail, voice }) => ({ caption, detail, voice: voice ?? '' })),
    shots: storyboard.shots.map(({ layout, motion, caption_motion, picture, frames }) => ({ layout, motion, caption_motion, picture, frames })),
    order: storyboard.shots.map((_, idx) => idx),
    style: storyboard.style ?? 'editorial',
    button: storyboard.shots.at(-1)?.button ?? '',
  };
}

/** The entries of `now` that differ. */
function differing<T extends object>(was: T, now: T): Partial<T> {
  const names = Object.keys(was) as (keyof T)[];
  return Object.fromEntries(names.filter((name) => was[name] !== now[name]).map((name) => [name, now[name]])) as Partial<T>;
}

/** What is changed of the original, in the form of the API. */
export function changesOf(was: EditFields, now: EditFields): RevisionChanges {
  const changes: RevisionChanges = {};
  const lines = now.lines.map((line, idx) => ({ line: idx, ...differing(was.lines[idx] ?? line, line) })).filter((one) => Object.keys(one).length > 1);
  const shots = now.shots.map((shot, idx) => ({ shot: idx, ...differing(was.shots[idx] ?? shot, shot) })).filter((one) => Object.keys(one).length > 1);
  if (lines.length > 0) changes.lines = lines;
  if (shots.length > 0) changes.shots = shots;
  if (now.order.some((number, idx) => number !== was.order[idx])) changes.order = [...now.order];
  if (now.style !== was.style) changes.style = now.style;
  if (now.button !== was.button) changes.button = now.button;
  return changes;
}

export function isNothing(changes: RevisionChanges): boolean {
  return Object.keys(changes).length === 0;
}

/** Moves a shot by one place; the first and the last stay where they are. The order as it was where it cannot move. */
export function moved(order: readonly number[], shot: number, by: -1 | 1): number[] {
  const at = order.indexOf(shot);
  const to = at + by;
  if (at < 1 || at > order.length - 2 || to < 1 || to > order.length - 2) return [...order];
  const next = [...order];
  [next[at], next[to]] = [next[to] ?? shot, shot];
  return next;
}

export interface Piece {
  text: string;
  kind: 'same' | 'gone' | 'new';
}

/** Words with what follows them; in writing without gaps, characters. */
function tokens(text: string): string[] {
  return text.match(/[\p{Script=Han}\p{P}]|[^\s\p{Script=Han}\p{P}]+|\s+/gu) ?? [];
}

/** Two texts as one: what both have, what is gone, what is new. */
export function pieces(before: string, after: string): Piece[] {
  const [a, b] = [tokens(before), tokens(after)];
  // Lengths of the longest common parts of the ends.
  const longest = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = longest[i];
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const found: Piece[] = [];
  const add = (text: string, kind: Piece['kind']): void => {
    const last = found.at(-1);
    if (last?.kind === kind) last.text += text;
    else found.push({ text, kind });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add(a[i] ?? '', 'same');
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      add(a[i] ?? '', 'gone');
      i += 1;
    } else {
      add(b[j] ?? '', 'new');
      j += 1;
    }
  }
  return found;
}
