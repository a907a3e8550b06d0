// Numbers, money and times as people read them.

import { language, t } from './i18n.svelte';
import { dateFormat, numberFormat } from './intl';

/** A share, e.g. 1.63%. */
export function percent(value: number, digits = 2): string {
  const options = { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
  return numberFormat(language.locale, options).format(value);
}

/** Two ends of an interval of shares without the sign, e.g. 1.49–1.78. */
export function range(low: number, high: number): string {
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const number = numberFormat(language.locale, options);
  return `${number.format(low * 100)}–${number.format(high * 100)}`;
}

/** A change with its sign, e.g. +32% or −3.5%. */
export function signed(value: number, digits = 1): string {
  const options = { style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: digits } as const;
  return numberFormat(language.locale, options).format(value).replace('-', '−');
}

/** A probability of which only the first digits matter, e.g. < 0.1%. */
export function chance(value: number): string {
  if (value < 0.001) return `< ${percent(0.001, 1)}`;
  return value > 0.999 ? `> ${percent(0.999, 1)}` : percent(value, 1);
}

export function count(value: number): string {
  return numberFormat(language.locale).format(value);
}

/** Millionths of a currency, e.g. $101.27; without a currency the bare number. */
export function money(micros: number, currency: string | null | undefined): string {
  if (!currency) return numberFormat(language.locale, { minimumFractionDigits: 2 }).format(micros / 1e6);
  const options = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } as const;
  return numberFormat(language.locale, options).format(micros / 1e6);
}

export function dateTime(text: string): string {
  const options = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return dateFormat(language.locale, options).format(new Date(text));
}

export function date(text: string): string {
  return dateFormat(language.locale, { dateStyle: 'medium' }).format(new Date(text));
}

export function clock(text: string): string {
  const options = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false } as const;
  return dateFormat(language.locale, options).format(new Date(text));
}

/** How long ago, e.g. 12 s. */
export function ago(text: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(text)) / 1000));
  if (seconds < 60) return t('time.seconds', { n: seconds });
  if (seconds < 3600) return t('time.minutes', { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t('time.hours', { n: Math.floor(seconds / 3600) });
  return date(text);
}

/** Minutes and seconds that are left, e.g. 1:42. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return t('time.hours', { n: Math.floor(minutes / 60) });
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}

export function bytes(value: number): string {
  const mega = value / 1e6;
  const digits = mega >= 10 ? 0 : 1;
  return `${numberFormat(language.locale, { maximumFractionDigits: digits }).format(mega)} MB`;
}
