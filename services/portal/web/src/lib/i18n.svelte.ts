// The language of the pages. English comes with them; Chinese is fetched when it is wanted.

import english from '../messages/en-US.json';
import { format, type Values } from './icu';

export type Locale = 'en-US' | 'zh-CN';
export type MessageKey = keyof typeof english;
type Messages = Readonly<Record<string, string>>;

const STORED = 'spotwright.locale';

class Language {
  locale = $state<Locale>('en-US');
  private messages = $state.raw<Messages>(english);

  /** Takes the language chosen before, or else the browser's. */
  async start(): Promise<void> {
    const stored = localStorage.getItem(STORED);
    const wanted = stored ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en-US');
    await this.choose(wanted === 'zh-CN' ? 'zh-CN' : 'en-US', stored !== null);
  }

  async choose(locale: Locale, keep = true): Promise<void> {
    this.messages = locale === 'zh-CN' ? (await import('../messages/zh-CN.json')).default : english;
    this.locale = locale;
    if (keep) localStorage.setItem(STORED, locale);
    document.documentElement.lang = locale;
  }

  text(key: string): string | undefined {
    return this.messages[key];
  }
}

export const language = new Language();

/** A message in the language of the page. */
export function t(key: MessageKey, values: Values = {}): string {
  return format(language.text(key) ?? english[key], values, language.locale);
}

/** The word for a value of the API, e.g. `word('stage', 'planning')`; the value itself where it is new. */
export function word(group: string, value: string): string {
  return language.text(`${group}.${value}`) ?? value.replaceAll('_', ' ');
}
