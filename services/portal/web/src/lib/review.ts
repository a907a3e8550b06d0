// Comments on a video, as the player and the list beside it show them.

import type { Comment, SharedComment } from '../api/types';
import { nameOf } from './authors';

export interface Note {
  id: string;
  /** Its number among those of the video, from 1, oldest first. */
  n: number;
  text: string;
  seconds: number | undefined;
  /** Place on the picture, from 0 to 1, from the left and from the top. */
  at: { x: number; y: number } | undefined;
  open: boolean;
  by: string;
  created_at: string;
  /** The video was changed since. */
  outdated: boolean;
  /** Said by a member and seen by reviewers with a link. */
  shared: boolean;
  /** The link whose reviewers see it. */
  share: string | undefined;
}

/** Where a comment that is being written is to stand. */
export interface Pin {
  seconds: number;
  at: { x: number; y: number } | undefined;
}

function placed(one: { x?: number | null; y?: number | null }): Note['at'] {
  return one.x === null || one.x === undefined || one.y === null || one.y === undefined ? undefined : { x: one.x, y: one.y };
}

function numbered<T extends { created_at: string }>(all: readonly T[], make: (one: T, n: number) => Note): Note[] {
  return all.toSorted((a, b) => a.created_at.localeCompare(b.created_at)).map((one, idx) => make(one, idx + 1));
}

export function notesOf(all: readonly Comment[]): Note[] {
  return numbered(all, (one, n) => ({
    id: one.id, n, text: one.text, seconds: one.seconds ?? undefined, at: placed(one), open: one.state === 'open', by: nameOf(one.by), created_at: one.created_at, outdated: one.outdated,
    shared: one.by.kind !== 'reviewer' && one.share !== null && one.share !== undefined, share: one.share ?? undefined,
  }));
}

/** As a reviewer sees them: who of the organization has no name is called by the organization's. */
export function sharedNotesOf(all: readonly SharedComment[], organization: string): Note[] {
  return numbered(all, (one, n) => ({
    id: one.id, n, text: one.text, seconds: one.seconds ?? undefined, at: placed(one), open: one.state === 'open', by: one.by ?? organization, created_at: one.created_at, outdated: one.outdated, shared: false, share: undefined,
  }));
}

/** Minutes and seconds with a tenth, e.g. 0:02.4. */
export function timecode(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
}
