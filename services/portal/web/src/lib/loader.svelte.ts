// Something that a page loads, and what has become of it.

import { ApiError } from '../api/client';
import { connection } from './connection.svelte';

/** How long nothing is shown in the place of what is loading: shorter waits need no sign. */
const PATIENCE_MS = 150;

export class Loader<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | undefined>(undefined);
  waiting = $state(false);
  private turn = 0;

  constructor(private readonly load: () => Promise<T>) {}

  /** Loads anew; what was there stays until something newer is. */
  async reload(): Promise<void> {
    const turn = ++this.turn;
    const timer = setTimeout(() => (this.waiting = this.data === undefined), PATIENCE_MS);
    try {
      const data = await this.load();
      if (turn !== this.turn) return;
      this.data = data;
      this.error = undefined;
    } catch (error) {
      if (turn !== this.turn) return;
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      clearTimeout(timer);
      if (turn === this.turn) this.waiting = false;
    }
  }
}

/** A loader that loads with its page, and again each time the service is back. Call while a page is made. */
export function loader<T>(load: () => Promise<T>): Loader<T> {
  const made = new Loader(load);
  $effect(() => {
    void connection.returns;
    void made.reload();
  });
  return made;
}
