// Messages in the form of ICU: `{name}`, `{count, plural, =0 {…} one {…} other {…}}`,
// `{kind, select, a {…} other {…}}`. `#` stands for the number inside a plural. A quote before a brace takes
// its meaning away: `'{'`.

import { numberFormat, pluralRules } from './intl';

export type Values = Readonly<Record<string, string | number>>;

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'value'; name: string }
  | { kind: 'hash' }
  | { kind: 'choice'; name: string; plural: boolean; cases: ReadonlyMap<string, readonly Part[]> };

/** What is wrong with a message, with the place where it was found. */
export class MessageError extends Error {}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  parts(nested: boolean, plural: boolean): Part[] {
    const parts: Part[] = [];
    let text = '';
    const flush = (): void => {
      if (text !== '') parts.push({ kind: 'text', text });
      text = '';
    };
    while (this.at < this.text.length) {
      const character = this.text[this.at] ?? '';
      if (character === "'" && /[{}#]/.test(this.text[this.at + 1] ?? '')) {
        text += this.text[this.at + 1] ?? '';
        this.at += this.text[this.at + 2] === "'" ? 3 : 2;
      } else if (character === '{') {
        flush();
        parts.push(this.argument());
      } else if (character === '}') {
        if (!nested) throw new MessageError(`a brace too many at ${this.at}`);
        break;
      } else if (character === '#' && plural) {
        flush();
        parts.push({ kind: 'hash' });
        this.at += 1;
      } else {
        text += character;
        this.at += 1;
      }
    }
    flush();
    return parts;
  }

  private argument(): Part {
    this.expect('{');
    const name = this.word();
    if (this.take('}')) return { kind: 'value', name };
    this.expect(',');
    const type = this.word();
    if (type !== 'plural' && type !== 'select') throw new MessageError(`unknown kind ${type}`);
    this.expect(',');
    const cases = new Map<string, readonly Part[]>();
    while (!this.take('}')) {
      const label = this.word();
      this.expect('{');
      cases.set(label, this.parts(true, type === 'plural'));
      this.expect('}');
    }
    if (!cases.has('other')) throw new MessageError(`${name} has no case for other`);
    return { kind: 'choice', name, plural: type === 'plural', cases };
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private word(): string {
    this.blanks();
    const found = /^[=A-Za-z0-9_]+/.exec(this.text.slice(this.at))?.[0];
    if (found === undefined) throw new MessageError(`a name was expected at ${this.at}`);
    this.at += found.length;
    this.blanks();
    return found;
  }

  private take(character: string): boolean {
    this.blanks();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) throw new MessageError(`${character} was expected at ${this.at}`);
  }
}

/** Reads a message; throws a MessageError when it is malformed. */
export function parse(message: string): readonly Part[] {
  return new Reader(message).parts(false, false);
}

/** The names of the values that a message needs. */
export function names(message: string): Set<string> {
  const found = new Set<string>();
  const visit = (parts: readonly Part[]): void => {
    for (const part of parts) {
      if (part.kind === 'value' || part.kind === 'choice') found.add(part.name);
      if (part.kind === 'choice') part.cases.forEach(visit);
    }
  };
  visit(parse(message));
  return found;
}

const parsed = new Map<string, readonly Part[]>();

/** A message with its values, by the plural rules of the language. */
export function format(message: string, values: Values, locale: string): string {
  let parts = parsed.get(message);
  if (parts === undefined) {
    parts = parse(message);
    parsed.set(message, parts);
  }
  return render(parts, values, locale, undefined);
}

function render(parts: readonly Part[], values: Values, locale: string, count: number | undefined): string {
  const shown = (value: string | number | undefined): string =>
    typeof value === 'number' ? numberFormat(locale).format(value) : (value ?? '');
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'hash') return shown(count);
      const value = values[part.name];
      if (part.kind === 'value') return shown(value);
      const number = part.plural ? Number(value) : undefined;
      const rule = number === undefined ? String(value) : pluralRules(locale).select(number);
      const chosen = part.cases.get(`=${String(value)}`) ?? part.cases.get(rule) ?? part.cases.get('other') ?? [];
      return render(chosen, values, locale, number);
    })
    .join('');
}
