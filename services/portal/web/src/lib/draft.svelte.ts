// A brief while somebody writes it: read from a source or typed, kept over reloads, sent when it is whole.

import type { Asset, Brief } from '../api/types';

export const FACT_KINDS = ['problem', 'moment', 'benefit', 'feature', 'proof', 'price', 'offer', 'origin'] as const;
export const TONES = ['warm', 'bold', 'plain', 'playful'] as const;
export const LOCALES = ['en-US', 'en-GB', 'zh-CN'] as const;
export const CURRENCIES = ['USD', 'CNY', 'EUR', 'GBP', 'HKD', 'JPY', 'SGD'] as const;
export const OBJECTIVES = [
  'clicks',
  'conversions',
  'installs',
  'leads',
  'orders',
  'bookings',
  'sign_ups',
  'store_visits',
  'plays',
  'follows',
] as const;
export const ACTIONS = [
  'shop_now',
  'order_now',
  'learn_more',
  'book_now',
  'download',
  'try_it',
  'play_now',
  'sign_up',
  'get_quote',
  'visit_store',
  'follow',
  'watch_now',
] as const;
export const PLACEMENTS = ['simulated_feed', 'tiktok_in_feed', 'meta_reels', 'meta_stories'] as const;

/** Kinds that claim nothing and so need no evidence. */
const UNPROVEN = ['problem', 'moment'];

export interface FactDraft {
  id: string;
  kind: string;
  text: string;
  source: string;
  quote: string;
}

export interface PictureDraft {
  file: string;
  alt: string;
  licence: string;
  asset?: Asset;
}

export interface Fields {
  id: string;
  locale: string;
  brand: { name: string; primary: string; accent: string; tone: string; banned: string };
  product: { name: string; category: string; facts: FactDraft[]; pictures: PictureDraft[] };
  audience: { description: string; from: string; to: string };
  objective: string;
  total: string;
  currency: string;
  url: string;
  action: string;
  placements: string[];
  disclaimer: string;
}

type Json = Record<string, unknown>;

export function needsEvidence(fact: FactDraft): boolean {
  return !UNPROVEN.includes(fact.kind) && fact.source.trim() === '';
}

export function emptyFields(): Fields {
  return {
    id: '',
    locale: 'en-US',
    brand: { name: '', primary: '#3B2417', accent: '#F2B544', tone: 'warm', banned: '' },
    product: { name: '', category: '', facts: [emptyFact()], pictures: [] },
    audience: { description: '', from: '', to: '' },
    objective: 'clicks',
    total: '100.00',
    currency: 'USD',
    url: '',
    action: 'learn_more',
    placements: ['simulated_feed'],
    disclaimer: '',
  };
}

export function emptyFact(): FactDraft {
  return { id: '', kind: 'benefit', text: '', source: '', quote: '' };
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : otherwise;
}

/** What a read document says, as far as the form has places for it. */
export function fieldsOf(document: unknown): Fields {
  const empty = emptyFields();
  const root = object(document);
  const [brand, product] = [object(root['brand']), object(root['product'])];
  const [audience, budget, colors] = [object(root['audience']), object(root['budget']), object(brand['colors'])];
  const ages = list(audience['ages']);
  return {
    id: text(root['id']),
    locale: text(root['locale'], empty.locale),
    brand: {
      name: text(brand['name']),
      primary: text(colors['primary'], empty.brand.primary),
      accent: text(colors['accent'], empty.brand.accent),
      tone: text(brand['tone'], 'plain'),
      banned: list(brand['banned_words']).map((word) => text(word)).join(', '),
    },
    product: {
      name: text(product['name']),
      category: text(product['category']),
      facts: list(product['facts']).map(object).map((fact) => ({
        id: text(fact['id']),
        kind: text(fact['kind'], 'benefit'),
        text: text(fact['text']),
        source: text(object(fact['evidence'])['source']),
        quote: text(object(fact['evidence'])['quote']),
      })),
      pictures: list(product['pictures']).map(object).map((picture) => ({
        file: text(picture['file']),
        alt: text(picture['alt']),
        licence: text(picture['licence']),
      })),
    },
    audience: { description: text(audience['description']), from: text(ages[0]), to: text(ages[1]) },
    objective: text(root['objective'], empty.objective),
    total: text(budget['total'], empty.total),
    currency: text(budget['currency'], empty.currency),
    url: text(root['destination_url']),
    action: text(root['call_to_action'], empty.action),
    placements: list(root['placements']).map((one) => text(one)),
    disclaimer: text(root['disclaimer']),
  };
}

/** A short name of small letters, for ids that people do not care about. */
export function slug(name: string, otherwise: string): string {
  const short = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return short === '' ? otherwise : short;
}

/** The brief to be sent, and for each fact in it its place in the form: claims without evidence stay behind. */
export function briefOf(fields: Fields, extra: Json): { brief: Json; places: number[] } {
  const places: number[] = [];
  const facts: Json[] = [];
  const taken = new Set(fields.product.facts.map((fact) => fact.id.trim()));
  for (const [idx, fact] of fields.product.facts.entries()) {
    if (fact.text.trim() === '' || needsEvidence(fact)) continue;
    let id = fact.id.trim();
    for (let n = idx + 1; id === '' || (fact.id.trim() === '' && taken.has(id)); n += 1) id = `fact_${n}`;
    taken.add(id);
    const evidence = fact.source.trim() === '' ? {} : { evidence: proof(fact) };
    facts.push({ id, kind: fact.kind, text: fact.text.trim(), ...evidence });
    places.push(idx);
  }
  const { brand, product, audience } = fields;
  const ages = audience.from !== '' && audience.to !== '' ? { ages: [Number(audience.from), Number(audience.to)] } : {};
  const brief: Json = {
    ...extra,
    format: 'spotwright.brief.v1',
    id: fields.id.trim() || slug(product.name, 'brief'),
    locale: fields.locale,
    brand: {
      ...object(extra['brand']),
      name: brand.name.trim(),
      colors: { primary: brand.primary, accent: brand.accent },
      tone: brand.tone,
      banned_words: brand.banned.split(/[,，、\n]/).map((word) => word.trim()).filter(Boolean),
    },
    product: {
      ...object(extra['product']),
      name: product.name.trim(),
      category: product.category.trim(),
      facts,
      pictures: product.pictures.map(({ file, alt, licence }) => ({ file, alt: alt.trim(), ...(licence.trim() ? { licence: licence.trim() } : {}) })),
    },
    audience: { ...object(extra['audience']), description: audience.description.trim(), ...ages },
    objective: fields.objective,
    budget: { total: fields.total.trim(), currency: fields.currency },
    destination_url: fields.url.trim(),
    call_to_action: fields.action,
    placements: fields.placements,
  };
  if (fields.disclaimer.trim()) brief['disclaimer'] = fields.disclaimer.trim();
  else delete brief['disclaimer'];
  delete brief['$schema'];
  return { brief, places };
}

function proof(fact: FactDraft): Json {
  const quote = fact.quote.trim();
  return { source: fact.source.trim(), ...(quote ? { quote } : {}) };
}

/** The field of the form that a problem's `param` means. */
export function fieldOf(param: string, places: readonly number[]): string {
  const path = param.replace(/^brief\.?/, '');
  return path.replace(/^product\.facts\[(\d+)\]/, (_, idx: string) => `product.facts[${places[Number(idx)] ?? idx}]`);
}

interface Kept {
  source: string;
  sourceName: string;
  fields: Fields;
  extra: Json;
  once: string;
  brand?: string;
}

export class Draft {
  source = $state('');
  sourceName = $state('');
  fields = $state<Fields>(emptyFields());
  /** What the source says beside the fields of the form; sent as it is. */
  extra = $state.raw<Json>({});
  /** Under which requests count once, however often they are sent. */
  once = $state(crypto.randomUUID());
  begun = $state(false);
  /** The brand kit that it began with; none where it is empty. */
  brand = $state('');
  private readonly name: string;

  constructor(organization: string) {
    this.name = `spotwright.draft.${organization}`;
    const kept = localStorage.getItem(this.name);
    if (!kept) return;
    try {
      const { source, sourceName, fields, extra, once, brand = '' } = JSON.parse(kept) as Kept;
      Object.assign(this, { source, sourceName, fields: { ...emptyFields(), ...fields }, extra, once, brand, begun: true });
    } catch {
      localStorage.removeItem(this.name);
    }
  }

  /** Keeps what was typed; call whenever it has changed. */
  keep(): void {
    const { source, sourceName, fields, extra, once, brand } = this;
    if (this.begun) localStorage.setItem(this.name, JSON.stringify({ source, sourceName, fields, extra, once, brand }));
  }

  take(document: unknown, source: string, sourceName: string, brand = ''): void {
    const pictures = new Map(this.fields.product.pictures.map((picture) => [picture.file, picture]));
    this.fields = fieldsOf(document);
    for (const picture of this.fields.product.pictures) {
      const asset = pictures.get(picture.file)?.asset;
      if (asset) picture.asset = asset;
    }
    Object.assign(this, { extra: object(document), source, sourceName, brand, begun: true, once: crypto.randomUUID() });
    this.keep();
  }

  begin(): void {
    Object.assign(this, { fields: emptyFields(), extra: {}, source: '', sourceName: '', brand: '', begun: true, once: crypto.randomUUID() });
    this.keep();
  }

  clear(): void {
    this.begun = false;
    localStorage.removeItem(this.name);
  }
}

export type { Brief };
