// Verdicts of experiments that somebody may want to see or to act upon.

import { ApiError, ask } from '../api/client';
import type { Experiment, Listing, ReadOut } from '../api/types';
import { signed } from './format';
import { language, t } from './i18n.svelte';
import { compared, isDue, letterOf } from './readouts';
import { session } from './session.svelte';

const LOOK_MS = 60_000;
/** Read-outs that are fetched for this at most: those that ask for a decision, then the latest. */
const MOST = 8;

export interface Verdict {
  experiment: Experiment;
  last: ReadOut;
}

/** The first sentence of what a read-out says. */
export function headline(last: ReadOut): string {
  const sentence = language.locale === 'zh-CN' ? last.sentence.zh : last.sentence.en;
  return /^(.+?(?:[.!?](?=\s)|[。！？]|$))/su.exec(sentence)?.[1] ?? sentence;
}

/** A verdict in a few words with its figure, for lists that say the source beside it. */
export function inShort({ experiment, last }: Verdict): string {
  const verdict = experiment.verdict ?? last.standing;
  const arm = letterOf(experiment, verdict.arm ?? experiment.design.arms[1]?.name);
  const lift = compared(last, verdict.arm ?? experiment.design.arms[1]?.name ?? '', 'always_valid')?.lift;
  const values = { arm, lift: lift === null || lift === undefined ? '' : signed(lift, 0), metric: t(`metric.${experiment.design.primary}`), day: last.phase_day, least: experiment.design.stopping.minimum_days, n: last.required?.days_left ?? 0 };
  if (verdict.verdict === 'undecided' && (last.required?.days_left ?? 0) > 0) return t('short.undecided_days', values);
  return t(`short.${verdict.verdict}`, values);
}

class Verdicts {
  /** By experiment the read-out of its last day: it is fetched anew only when another day was played. */
  private readonly read = new Map<string, { mark: string; last: ReadOut | undefined }>();
  all = $state.raw<Verdict[]>([]);
  /** Those that wait for a decision. */
  readonly due = $derived(this.all.filter((one) => isDue(one.experiment)));

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

  private async lastOf(experiment: Experiment): Promise<ReadOut | undefined> {
    const mark = `${experiment.phase} ${experiment.day}`;
    const known = this.read.get(experiment.id);
    if (known?.mark === mark) return known.last;
    const { data } = await ask<{ data: ReadOut[] }>(`/v1/experiments/${experiment.id}/readouts`);
    const last = data.filter((one) => one.phase === experiment.phase).at(-1) ?? data.at(-1);
    this.read.set(experiment.id, { mark, last });
    return last;
  }

  async load(): Promise<void> {
    try {
      const { data } = await ask<Listing<Experiment>>('/v1/experiments?limit=100');
      const some = data.filter((one) => one.day > 0 && one.state !== 'archived').sort((a, b) => Number(isDue(b)) - Number(isDue(a))).slice(0, MOST);
      const found: Verdict[] = [];
      for (const experiment of some) {
        const last = await this.lastOf(experiment);
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
