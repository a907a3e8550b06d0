// Revisions as the API has them; for the time until the generated types do.

import type { VariantDetail } from './types';

export interface LineChange {
  line: number;
  caption?: string;
  detail?: string;
  voice?: string;
}

export interface ShotChange {
  shot: number;
  layout?: string;
  motion?: string;
  caption_motion?: string;
  picture?: string;
  frames?: number;
}

/** Lines and shots have the numbers of the original, wherever they are moved to. */
export interface RevisionChanges {
  lines?: LineChange[];
  shots?: ShotChange[];
  order?: number[];
  style?: string;
  button?: string;
}

export interface EditFinding {
  field: string;
  rule: string;
  severity: 'error' | 'warning';
  subject: string;
  message: string;
  law: string;
  span: [number, number] | null;
  rewrite: string;
}

export interface TextFit {
  characters: number;
  limit: number;
  lines: number | null;
  ink: [number, number, number, number] | null;
}

export interface ShotFit {
  shot: number;
  frames: number;
  least_frames: number;
  most_frames: number;
  caption: TextFit;
  detail: TextFit;
  fault: string | null;
}

export interface RevisionCheck {
  pass: boolean;
  findings: EditFinding[];
  fits: ShotFit[];
  buttons: string[];
  pictures: string[];
  script: VariantDetail['script'] | null;
  storyboard: VariantDetail['storyboard'] | null;
}

export interface Revises {
  variant: string;
  run: string;
}

export type Revised<T> = T & { revises?: Revises | null; revised_by?: string[] };

export const LAYOUTS = [
  'full_bleed', 'card', 'poster', 'headline', 'plates', 'ribbon', 'framed', 'circle', 'arch', 'duo', 'triptych', 'phone', 'spotlight',
  'pedestal', 'giant_word', 'statement', 'number', 'checklist', 'bubble', 'ticket', 'price_tag', 'burst', 'place', 'side_band',
] as const;
export const END_LAYOUTS = ['end_card', 'end_product', 'end_type', 'end_ticket'] as const;
export const MOTIONS = ['push_in', 'pull_out', 'pan_right', 'pan_left'] as const;
export const CAPTION_MOTIONS = ['slide_up', 'words', 'grow', 'lines'] as const;
export const STYLES = ['editorial', 'sale', 'premium', 'playful', 'tech', 'documentary'] as const;
