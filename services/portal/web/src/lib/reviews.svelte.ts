// Variants that wait for somebody's yes.

import { ApiError, ask } from '../api/client';
import type { Approval, Listing } from '../api/types';
import { session } from './session.svelte';

const LOOK_MS = 30_000;

export interface RunReviews {
  run: string;
  of: Approval[];
}

class Reviews {
  waiting = $state.raw<Approval[]>([]);
  /** By run: what is looked at together is one row. */
  readonly runs = $derived<RunReviews[]>([...Map.groupBy(this.waiting, (one) => one.run)].map(([run, of]) => ({ run, of })));

  get may(): boolean {
    return session.may('approvals:write') && session.may('runs:read');
  }

  /** Looks again and again until the returned function is called. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const look = async (): Promise<void> => {
      if (!document.hidden && !session.expired && this.may) await this.load();
      if (!over) timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }

  async load(): Promise<void> {
    if (!this.may) return;
    try {
      const { data } = await ask<Listing<Approval>>('/v1/approvals?state=waiting&limit=200');
      // What was changed since it was asked about is not what somebody may say yes to.
      this.waiting = data.filter((one) => one.state === 'waiting');
    } catch (error) {
      // What was known stays; the page of the approvals says what is wrong.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

export const reviews = new Reviews();
