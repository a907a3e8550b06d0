// A picture of each run, from the first of its variants that has one.

import { ask } from '../api/client';
import type { Listing, VariantSummary } from '../api/types';

class Stills {
  private found = $state.raw<Readonly<Record<string, string>>>({});
  private asked = new Map<string, number>();

  /** Address of the run's picture, once there is one. */
  of(run: string): string | undefined {
    return this.found[run];
  }

  want(run: string, events: number): void {
    if (this.found[run] || this.asked.get(run) === events) return;
    this.asked.set(run, events);
    // A run without a picture is shown without one.
    void ask<Listing<VariantSummary>>(`/v1/runs/${run}/variants?limit=20`).then(
      ({ data }) => {
        const file = data.map((one) => one.video ?? one.preview).find((one) => one);
        if (file) this.found = { ...this.found, [run]: file.poster_url };
      },
      () => undefined,
    );
  }
}

export const stills = new Stills();
