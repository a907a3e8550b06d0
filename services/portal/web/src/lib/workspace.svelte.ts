// What the shell and several pages need of the organization: its runs, briefs and budget.

import { ask, askAll } from '../api/client';
import type { BriefSummary, Budget, Run, UsageReport } from '../api/types';
import { Loader } from './loader.svelte';
import { isOver, naming, waitsFor } from './runs';
import { session } from './session.svelte';

/** How often it is looked at anew while runs go on, and while none does. */
const BUSY_MS = 3_000;
const QUIET_MS = 15_000;

export interface Workspace {
  runs: Run[];
  briefs: BriefSummary[];
  budget: Budget | undefined;
  usage: UsageReport | undefined;
}

async function load(): Promise<Workspace> {
  const [runs, briefs, budget, usage] = await Promise.all([
    session.may('runs:read') ? askAll<Run>('/v1/runs') : [],
    session.may('briefs:read') ? askAll<BriefSummary>('/v1/briefs') : [],
    session.may('runs:read') ? ask<Budget>('/v1/organization/budget') : undefined,
    // Without it the parts of what was spent stay together.
    session.may('runs:read') ? ask<UsageReport>('/v1/usage').catch(() => undefined) : undefined,
  ]);
  return { runs, briefs, budget, usage };
}

class Shared {
  readonly loader = new Loader(load);
  readonly runs = $derived(this.loader.data?.runs ?? []);
  readonly briefs = $derived(this.loader.data?.briefs ?? []);
  readonly budget = $derived(this.loader.data?.budget);
  readonly usage = $derived(this.loader.data?.usage);
  readonly names = $derived(naming(this.runs, this.briefs));
  readonly going = $derived(this.runs.filter((run) => !isOver(run)));
  readonly waiting = $derived(this.runs.filter((run) => waitsFor(run) !== undefined));

  /** Looks again and again until the returned function is called. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const look = async (): Promise<void> => {
      if (!document.hidden && !session.expired) await this.loader.reload().catch(() => undefined);
      if (!over) timer = setTimeout(() => void look(), this.going.length > 0 ? BUSY_MS : QUIET_MS);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }
}

export const workspace = new Shared();
