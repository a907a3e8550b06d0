// Verdicts of experiments that somebody may want to see or to act upon.

import { ApiError, ask, askAll } from '../api/client';
import type { Experiment, ReadOut } from '../api/pending';
import { language } from './i18n.svelte';
import { tone } from './readouts';
import { session } from './session.svelte';

const LOOK_MS = 60_000;
/** Read-outs that are fetched for this at most, the latest started first. */
const MOST = 12;

export interface Verdict {
  experiment: Experiment;
  last: ReadOut;
}

/** The first sentence of what a read-out says. */
export function headline(last: ReadOut): string {
  const sentence = language.locale === 'zh-CN' ? last.sentence.zh : last.sentence.en;
  return /^(.+?(?:[.!?](?=\s)|[。！？]|$))/su.exec(sentence)?.[1] ?? sentence;
}

class Verdicts {
  all = $state.raw<Verdict[]>([]);
  /** Running ones that ask for a decision: a winner, a fault, a guardrail that is hurt. */
  readonly due = $derived(this.all.filter((one) => one.experiment.state === 'running' && ['good', 'bad', 'warn'].includes(tone(one.last))));

  /** Looks again and again until the returned function is called. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const look = async (): Promise<void> => {
      if (!document.hidden && !session.expired && session.may('results:read')) await this.load();
      if (!over) timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }

  private async load(): Promise<void> {
    try {
      const begun = (await askAll<Experiment>('/v1/experiments')).filter((one) => one.state !== 'draft');
      const some = begun.sort((a, b) => Number(b.state === 'running') - Number(a.state === 'running') || (b.started_at ?? '').localeCompare(a.started_at ?? '')).slice(0, MOST);
      const found: Verdict[] = [];
      for (const experiment of some) {
        const { data } = await ask<{ data: ReadOut[] }>(`/v1/experiments/${experiment.id}/read-outs`);
        const last = data.filter((one) => one.phase === experiment.phase).toSorted((a, b) => a.day - b.day).at(-1);
        if (last) found.push({ experiment, last });
      }
      this.all = found;
    } catch (error) {
      // What was known stays; the page of the experiments says what is wrong.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

export const verdicts = new Verdicts();
