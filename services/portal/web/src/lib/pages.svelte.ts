// A list that is fetched page by page, as far as somebody wants to see it.

import { ApiError, ask } from '../api/client';
import type { Listing } from '../api/types';
import { connection } from './connection.svelte';
import { Loader } from './loader.svelte';

const PAGE = 100;

export class Pages<T> {
  readonly loader: Loader<T[]>;
  more = $state(false);
  busy = $state(false);
  private cursor = '';
  private readonly path: () => string;

  constructor(path: () => string) {
    this.path = path;
    this.loader = new Loader(async () => {
      const page = await this.fetch('');
      return page.data;
    });
  }

  get rows(): T[] {
    return this.loader.data ?? [];
  }

  /** Fetches the next page; what is there stays when that fails. */
  async next(): Promise<ApiError | undefined> {
    this.busy = true;
    try {
      const page = await this.fetch(this.cursor);
      this.loader.data = [...this.rows, ...page.data];
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error;
    } finally {
      this.busy = false;
    }
  }

  private async fetch(cursor: string): Promise<Listing<T>> {
    const path = this.path();
    const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page = await ask<Listing<T>>(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${after}`);
    this.cursor = page.next_cursor ?? '';
    this.more = page.has_more && this.cursor !== '';
    return page;
  }
}

/** A list that loads with its page, again when its address changes, and when the service is back. */
export function pages<T>(path: () => string): Pages<T> {
  const made = new Pages<T>(path);
  $effect(() => {
    void connection.returns;
    void path();
    void made.loader.reload();
  });
  return made;
}
