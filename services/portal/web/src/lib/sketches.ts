// Where picture and words stand in each layout, on a sheet of 90 by 160: enough to choose by, no rendering.

import type { Layout } from '../api/types';

export interface Part {
  as: 'picture' | 'blur' | 'cutout' | 'words' | 'small' | 'plate' | 'ground' | 'button' | 'mark';
  x: number;
  y: number;
  w: number;
  h: number;
  /** Roundness of corners. */
  r?: number;
}

/** Dark or light type, whichever is read more easily on a color such as `#3B2417`. */
export function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  return 0.2126 * red ** 2.2 + 0.7152 * green ** 2.2 + 0.0722 * blue ** 2.2 > 0.36 ? '#15181E' : '#FFFFFF';
}

const part = (as: Part['as'], x: number, y: number, w: number, h: number, r = 0): Part => ({ as, x, y, w, h, r });
const full = part('picture', 0, 0, 90, 160);
const blur = part('blur', 0, 0, 90, 160);
const ground = part('ground', 0, 0, 90, 160);
const button = part('button', 20, 128, 50, 16, 8);

export const SKETCHES: Readonly<Record<Layout, readonly Part[]>> = {
  full_bleed: [full, part('words', 8, 104, 66, 8), part('words', 8, 117, 52, 8)],
  card: [blur, part('picture', 9, 24, 72, 84, 5), part('words', 12, 118, 66, 8), part('words', 12, 131, 44, 8)],
  poster: [ground, part('words', 8, 16, 74, 12), part('words', 8, 34, 58, 12), part('picture', 0, 66, 90, 62)],
  headline: [full, part('words', 8, 20, 70, 8), part('words', 8, 33, 50, 8)],
  plates: [full, part('plate', 6, 100, 66, 14, 2), part('words', 10, 104, 58, 6), part('plate', 6, 117, 50, 14, 2), part('words', 10, 121, 42, 6)],
  ribbon: [full, part('plate', 0, 96, 90, 28), part('words', 8, 102, 70, 6), part('words', 8, 112, 48, 6)],
  framed: [ground, part('picture', 10, 14, 70, 92), part('words', 10, 116, 66, 7), part('words', 10, 128, 46, 7)],
  circle: [ground, part('picture', 14, 24, 62, 62, 31), part('words', 14, 104, 62, 8), part('words', 22, 117, 46, 8)],
  arch: [ground, part('picture', 16, 20, 58, 86, 29), part('words', 14, 116, 62, 8), part('words', 22, 129, 46, 8)],
  duo: [full, part('plate', 42, 70, 42, 44, 4), part('picture', 44, 72, 38, 40, 3), part('words', 8, 124, 66, 8)],
  triptych: [ground, part('picture', 0, 0, 29, 118), part('picture', 31, 0, 28, 118), part('picture', 61, 0, 29, 118), part('words', 8, 128, 70, 8)],
  phone: [ground, part('plate', 24, 18, 42, 86, 7), part('picture', 27, 22, 36, 78, 4), part('words', 12, 116, 66, 8), part('words', 20, 129, 50, 8)],
  spotlight: [ground, part('words', 10, 18, 70, 8), part('words', 20, 31, 50, 8), part('mark', 18, 62, 54, 54, 27), part('cutout', 28, 62, 34, 52, 8)],
  pedestal: [ground, part('cutout', 28, 30, 34, 54, 8), part('plate', 16, 84, 58, 20, 2), part('words', 12, 116, 66, 8), part('words', 22, 129, 46, 8)],
  giant_word: [ground, part('words', 2, 50, 86, 34), part('cutout', 28, 44, 34, 70, 8), part('small', 12, 130, 66, 6)],
  statement: [ground, part('words', 8, 50, 74, 14), part('words', 8, 70, 62, 14), part('words', 8, 90, 70, 14)],
  number: [ground, part('words', 12, 40, 66, 44, 4), part('small', 12, 98, 66, 7), part('small', 12, 110, 46, 7)],
  checklist: [ground, part('words', 8, 22, 70, 9), part('mark', 8, 56, 9, 9, 5), part('small', 22, 57, 58, 7), part('mark', 8, 78, 9, 9, 5), part('small', 22, 79, 50, 7), part('mark', 8, 100, 9, 9, 5), part('small', 22, 101, 54, 7)],
  bubble: [blur, part('plate', 8, 40, 58, 28, 8), part('words', 14, 48, 46, 5), part('words', 14, 57, 34, 5), part('mark', 26, 80, 56, 24, 8), part('small', 32, 88, 44, 6)],
  ticket: [ground, part('picture', 0, 0, 90, 84), part('plate', 10, 92, 70, 44, 6), part('words', 18, 102, 54, 8), part('words', 18, 116, 38, 8)],
  price_tag: [full, part('plate', 34, 30, 48, 28, 5), part('words', 46, 40, 30, 9), part('mark', 38, 41, 6, 6, 3)],
  burst: [full, part('mark', 44, 22, 40, 40, 20), part('words', 52, 36, 24, 11), part('small', 8, 118, 66, 8)],
  place: [ground, part('mark', 25, 26, 40, 40, 20), part('picture', 29, 30, 32, 32, 16), part('mark', 42, 64, 6, 22, 3), part('words', 14, 104, 62, 8), part('words', 22, 117, 46, 8)],
  side_band: [part('picture', 34, 0, 56, 160), part('ground', 0, 0, 34, 160), part('words', 5, 50, 24, 7), part('words', 5, 62, 20, 7), part('words', 5, 74, 24, 7)],
  end_card: [ground, part('picture', 20, 20, 50, 56, 5), part('words', 14, 88, 62, 9), part('small', 22, 104, 46, 6), button],
  end_product: [ground, part('cutout', 22, 22, 46, 58, 23), part('words', 14, 94, 62, 9), button],
  end_type: [ground, part('words', 10, 46, 70, 14), part('words', 10, 66, 52, 14), part('small', 10, 92, 60, 7), button],
  end_ticket: [ground, part('words', 14, 22, 62, 9), part('plate', 10, 46, 70, 60, 6), part('words', 20, 62, 50, 12), part('small', 20, 84, 36, 7), button],
};
