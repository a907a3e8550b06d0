// A brand while somebody edits it, and what of it differs from a version that somebody else has stored.

import type { Brand, BrandBody, BrandFact, BrandTone } from '../api/types';
import { slug } from './draft.svelte';

export interface BrandDraft {
  name: string;
  primary: string;
  accent: string;
  tone: BrandTone;
  banned: string;
  examples: string;
  speaks: boolean;
  voice: string;
  pronunciations: { written: string; spoken: string }[];
  logo: string | null;
  facts: { id: string; kind: BrandFact['kind']; text: string; source: string; quote: string }[];
  mustSay: string;
  mustNotSay: string;
}

const lines = (text: string): string[] => text.split('\n').map((one) => one.trim()).filter(Boolean);

export function draftOf(brand: Brand | undefined): BrandDraft {
  const kit = brand?.kit;
  return {
    name: kit?.name ?? '',
    primary: kit?.colors?.primary ?? '#3B2417',
    accent: kit?.colors?.accent ?? '#F2B544',
    tone: kit?.tone ?? 'plain',
    banned: (kit?.banned_words ?? []).join('\n'),
    examples: (kit?.tone_examples ?? []).join('\n'),
    speaks: kit?.voice?.enabled ?? true,
    voice: kit?.voice?.name ?? '',
    pronunciations: (kit?.voice?.pronunciations ?? []).map((one) => ({ ...one })),
    logo: brand?.logo ?? null,
    facts: (brand?.facts ?? []).map((fact) => ({ id: fact.id, kind: fact.kind, text: fact.text, source: fact.evidence?.source ?? '', quote: fact.evidence?.quote ?? '' })),
    mustSay: (brand?.must_say ?? []).join('\n'),
    mustNotSay: (brand?.must_not_say ?? []).join('\n'),
  };
}

/** What is sent: empty optional parts are left out. */
export function bodyOf(draft: BrandDraft): BrandBody {
  const taken = new Set(draft.facts.map((fact) => fact.id).filter(Boolean));
  const spoken = draft.pronunciations.filter((one) => one.written.trim() && one.spoken.trim());
  const [banned, examples, say, not] = [draft.banned, draft.examples, draft.mustSay, draft.mustNotSay].map(lines) as [string[], string[], string[], string[]];
  const facts = draft.facts
    .filter((fact) => fact.text.trim() !== '')
    .map((fact, idx): BrandFact => {
      let id = fact.id;
      // A fact that is new has no id: one is made of its words, and of its number where it is taken.
      if (!id) {
        id = slug(fact.text, `fact-${idx + 1}`);
        for (let n = 2; taken.has(id); n += 1) id = `${slug(fact.text, 'fact').slice(0, 36)}-${n}`;
        taken.add(id);
      }
      return { id, kind: fact.kind, text: fact.text.trim(), ...(fact.source.trim() ? { evidence: { source: fact.source.trim(), ...(fact.quote.trim() ? { quote: fact.quote.trim() } : {}) } } : {}) };
    });
  return {
    kit: {
      name: draft.name.trim(),
      colors: { primary: draft.primary.toUpperCase(), accent: draft.accent.toUpperCase() },
      tone: draft.tone,
      ...(banned.length > 0 ? { banned_words: banned } : {}),
      ...(examples.length > 0 ? { tone_examples: examples } : {}),
      voice: { enabled: draft.speaks, ...(draft.voice.trim() ? { name: draft.voice.trim() } : {}), ...(spoken.length > 0 ? { pronunciations: spoken } : {}) },
    },
    ...(draft.logo ? { logo: draft.logo } : {}),
    facts,
    must_say: say,
    must_not_say: not,
  };
}

/** Parts of two drafts that are not the same, as texts side by side. */
export function differences(mine: BrandDraft, theirs: BrandDraft): { part: keyof BrandDraft; mine: string; theirs: string }[] {
  const told = (value: BrandDraft[keyof BrandDraft]): string =>
    Array.isArray(value) ? value.map((one) => ('text' in one ? one.text : `${one.written} → ${one.spoken}`)).join('\n') : String(value ?? '–');
  return (Object.keys(mine) as (keyof BrandDraft)[]).flatMap((part) =>
    JSON.stringify(mine[part]) === JSON.stringify(theirs[part]) ? [] : [{ part, mine: told(mine[part]), theirs: told(theirs[part]) }],
  );
}

/** Contrast of two colors by WCAG 2: from 1 to 21. */
export function contrast(one: string, other: string): number {
  const light = (color: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((from) => {
      const share = Number.parseInt(color.slice(from, from + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(one), light(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
