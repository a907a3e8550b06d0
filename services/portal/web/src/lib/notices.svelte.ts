// What happened that somebody may want to know: runs that wait, that ended, that failed.

import type { Run } from '../api/types';
import { isOver, waitsFor } from './runs';
import { session } from './session.svelte';
import { workspace } from './workspace.svelte';

export interface Notice {
  /** Changes when the same run has something new to say. */
  id: string;
  run: Run;
  kind: 'answers' | 'approval' | 'resume' | 'completed' | 'failed' | 'stopped';
}

/** As many are shown and remembered as seen. */
const KEPT = 60;

function kindOf(run: Run): Notice['kind'] | undefined {
  if (!isOver(run)) return waitsFor(run);
  if (run.stopped === 'completed' || run.stopped === 'failed') return run.stopped;
  return 'stopped';
}

class Notices {
  /** Whether the list is open. */
  showing = $state(false);
  readonly all = $derived(
    workspace.runs
      .flatMap((run): Notice[] => {
        const kind = kindOf(run);
        return kind ? [{ id: `${run.id} ${kind} ${isOver(run) ? '' : run.generation}`, run, kind }] : [];
      })
      .slice(0, KEPT),
  );
  private seen = $state.raw<ReadonlySet<string> | undefined>(undefined);
  readonly fresh = $derived(this.all.filter((one) => !(this.seen ?? this.stored()).has(one.id)));

  /** Takes all that is there as seen. */
  look(): void {
    this.seen = new Set(this.all.map((one) => one.id));
    localStorage.setItem(this.place(), JSON.stringify([...this.seen]));
  }

  private stored(): ReadonlySet<string> {
    try {
      const text: unknown = JSON.parse(localStorage.getItem(this.place()) ?? '[]');
      return new Set(Array.isArray(text) ? text.filter((one) => typeof one === 'string') : []);
    } catch {
      return new Set();
    }
  }

  private place(): string {
    return `spotwright.seen.${session.current?.organization.id ?? ''}`;
  }
}

export const notices = new Notices();
