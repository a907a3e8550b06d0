// The REST API of the same service, with the cookie of the session.

import { connection } from '../lib/connection.svelte';
import { session } from '../lib/session.svelte';
import type { Listing, ProblemDocument } from './types';

/** An answer that was a problem, or none at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: ProblemDocument | undefined,
  ) {
    super(problem?.detail ?? 'the service did not answer');
  }

  /** The field that the problem is about. */
  get field(): string {
    return this.problem?.param ?? '';
  }
}

interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  file?: Blob;
  /** A key under which a repetition counts once; made anew where none is given. */
  once?: string;
  /** The mark of the version that is changed: another one is refused. */
  match?: string;
}

/** An answer with the mark of its version. */
export interface Tagged<T> {
  value: T;
  tag: string;
}

/** One request. Throws an ApiError for every answer but a good one. */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const { value } = await askTagged<T>(path, options);
  return value;
}

/** One request of which the version matters. */
export async function askTagged<T>(path: string, options: Options = {}): Promise<Tagged<T>> {
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') {
    headers['x-csrf-token'] = session.current?.csrf_token ?? '';
    headers['idempotency-key'] = options.once ?? crypto.randomUUID();
    if (options.match) headers['if-match'] = options.match;
  }
  let body: BodyInit | undefined;
  if (options.file) {
    headers['content-type'] = 'application/octet-stream';
    body = options.file;
  } else if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body, credentials: 'same-origin' });
  } catch {
    connection.lost();
    throw new ApiError(0, undefined);
  }
  connection.heard();
  if (response.ok) return { value: (response.status === 204 ? undefined : await response.json()) as T, tag: response.headers.get('etag') ?? '' };
  const problem = (await response.json().catch(() => undefined)) as ProblemDocument | undefined;
  if (response.status === 401 && path !== '/v1/session') session.ended();
  throw new ApiError(response.status, problem);
}

/** All rows of a list, page after page. */
export async function askAll<T>(path: string): Promise<T[]> {
  const rows: T[] = [];
  let cursor = '';
  for (;;) {
    const mark = path.includes('?') ? '&' : '?';
    const page = await ask<Listing<T>>(`${path}${mark}limit=200${cursor}`);
    rows.push(...page.data);
    if (!page.has_more || !page.next_cursor) return rows;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}
