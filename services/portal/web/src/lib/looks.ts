// What a shot and a storyboard may look like, in the words of the API: a word that it does not know is a fault of types.

import type { CaptionMotion, Layout, Motion, VisualStyle } from '../api/types';

export const LAYOUTS = [
  'full_bleed', 'card', 'poster', 'headline', 'plates', 'ribbon', 'framed', 'circle', 'arch', 'duo', 'triptych', 'phone', 'spotlight',
  'pedestal', 'giant_word', 'statement', 'number', 'checklist', 'bubble', 'ticket', 'price_tag', 'burst', 'place', 'side_band',
] as const satisfies readonly Layout[];
export const END_LAYOUTS = ['end_card', 'end_product', 'end_type', 'end_ticket'] as const satisfies readonly Layout[];
export const MOTIONS = ['push_in', 'pull_out', 'pan_right', 'pan_left'] as const satisfies readonly Motion[];
export const CAPTION_MOTIONS = ['slide_up', 'words', 'grow', 'lines'] as const satisfies readonly CaptionMotion[];
export const STYLES = ['editorial', 'sale', 'premium', 'playful', 'tech', 'documentary'] as const satisfies readonly VisualStyle[];
