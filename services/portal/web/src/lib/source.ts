// Reading a brief's file in the browser: what it says, and where each fact stands in it.

import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';

/** A fault in the text itself, with its line. */
export interface Fault {
  line: number;
  message: string;
}

export interface Span {
  from: number;
  to: number;
  /** The fact's place in the document, from 0. */
  fact: number;
}

/** Largest source in characters: the service takes no larger body. */
export const LARGEST = 300_000;

function parsed(text: string, lines: LineCounter): Document {
  // Aliases can make a small text large; a brief needs none.
  return parseDocument(text, { lineCounter: lines, maxAliasCount: 0, uniqueKeys: true } as never);
}

/** Reads YAML or JSON, which is a part of it. */
export function read(text: string): { document: unknown } | { fault: Fault } {
  const lines = new LineCounter();
  const document = parsed(text, lines);
  const [error] = document.errors;
  if (error) return { fault: { line: lines.linePos(error.pos[0]).line, message: error.message.split('\n')[0] ?? '' } };
  if (!isMap(document.contents)) return { fault: { line: 1, message: '' } };
  try {
    return { document: document.toJS({ maxAliasCount: 0 }) as unknown };
  } catch (error) {
    return { fault: { line: 1, message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Where the texts of the facts stand in a source, in its order. */
export function spans(text: string): Span[] {
  const document = parsed(text, new LineCounter());
  const found: Span[] = [];
  for (let fact = 0; fact < 200; fact += 1) {
    const node = document.getIn(['product', 'facts', fact, 'text'], true);
    if (node === undefined) break;
    if (isScalar(node) && node.range) found.push({ from: node.range[0], to: node.range[1], fact });
  }
  return found;
}
