// A run as it goes: its record, variants and events, from the stream of the service.

import { ApiError, ask, askAll } from '../api/client';
import type { Run, RunQuestion, Signal, VariantDetail, VariantSummary } from '../api/types';
import { connection } from './connection.svelte';
import { isOver } from './runs';

const TYPES = [
  'creative.requested',
  'variant.requested',
  'variant.rendered',
  'variant.scored',
  'creative.won',
  'placement.feedback',
  'creative.fatigued',
  'run.finished',
];
/** Events of stages that send none are noticed by looking. */
const LOOK_MS = 2_000;
/** Several events in a row are one reason to load. */
const GATHER_MS = 250;
/** Variants asked for at the same time. */
const AT_ONCE = 6;
/** How often what was read so far is shown while more is read. */
const SHOW_MS = 600;
/** Events kept for the list. */
const KEPT = 200;

export interface LiveEvent {
  sequence: number;
  type: string;
  time: string;
  data: Record<string, unknown>;
}

export class LiveRun {
  run = $state.raw<Run | undefined>(undefined);
  /** Those that were read so far. */
  variants = $state.raw<VariantDetail[]>([]);
  /** How many there are. */
  total = $state(0);
  questions = $state.raw<RunQuestion[]>([]);
  events = $state.raw<LiveEvent[]>([]);
  error = $state.raw<ApiError | undefined>(undefined);
  /** Whether the stream is open. */
  live = $state(false);
  private stream: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private loading = false;
  private known = new Map<string, { mark: string; detail: VariantDetail }>();
  private answered = -1;
  private loaded = '';

  constructor(readonly id: string) {}

  open(): () => void {
    void this.load();
    this.follow();
    // A page that the browser keeps for the way back must not keep its connection.
    const hide = (): void => this.stream?.close();
    const show = (event: PageTransitionEvent): void => {
      if (!event.persisted) return;
      this.follow();
      this.soon();
    };
    addEventListener('pagehide', hide);
    addEventListener('pageshow', show);
    return () => {
      removeEventListener('pagehide', hide);
      removeEventListener('pageshow', show);
      this.closed = true;
      this.stream?.close();
      clearTimeout(this.timer);
      clearTimeout(this.gathering);
    };
  }

  /** Loads what has changed; called again by itself while the run goes on. */
  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    clearTimeout(this.timer);
    const began = performance.now();
    try {
      const run = await ask<Run>(`/v1/runs/${this.id}`);
      const answers = run.stage === 'waiting_for_answers' || this.answered < 0;
      if (answers) {
        this.questions = (await ask<{ questions: RunQuestion[] }>(`/v1/runs/${this.id}/questions`)).questions;
        this.answered = 1;
      } else if (this.questions.some((question) => !question.closed)) {
        this.questions = (await ask<{ questions: RunQuestion[] }>(`/v1/runs/${this.id}/questions`)).questions;
      }
      this.run = run;
      this.error = undefined;
      // A run that has not moved has no variant that did; ten thousand of them are not read for nothing.
      const mark = JSON.stringify([run.events, run.stage, run.stopped, run.counts]);
      if (mark !== this.loaded) {
        await this.loadVariants();
        this.loaded = mark;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.run) this.error = error;
    } finally {
      this.loading = false;
      const run = this.run;
      if (!this.closed && (!run || !isOver(run))) this.timer = setTimeout(() => void this.load(), Math.max(LOOK_MS, 2 * (performance.now() - began)));
    }
  }

  /** Tells the run something; throws an ApiError when it is refused. */
  async tell(signal: Signal): Promise<void> {
    const taken = await ask<{ run: Run }>(`/v1/runs/${this.id}/signals`, {
      method: 'POST',
      body: { id: crypto.randomUUID(), signal },
    });
    this.run = taken.run;
    this.known.clear();
    this.loaded = '';
    this.soon();
  }

  private async loadVariants(): Promise<void> {
    const list = await askAll<VariantSummary>(`/v1/runs/${this.id}/variants`);
    this.total = list.length;
    // The newest generation is what most pages show.
    const stale = list.filter((one) => this.known.get(one.id)?.mark !== this.markOf(one)).sort((a, b) => b.generation - a.generation || a.number - b.number);
    let shownAt = performance.now();
    // Several readers take from one queue, so that a slow answer holds up only one of them.
    const queue = stale.values();
    const read = async (): Promise<void> => {
      for (const one of queue) {
        if (this.closed) return;
        const detail = await ask<VariantDetail>(`/v1/variants/${one.id}`);
        this.known.set(one.id, { mark: this.markOf(one), detail });
        // Thousands of them must not make the page draw itself thousands of times.
        if (performance.now() - shownAt < SHOW_MS) continue;
        shownAt = performance.now();
        this.show(list);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, read));
    if (stale.length > 0 || this.variants.length !== list.length) this.show(list);
  }

  private show(list: readonly VariantSummary[]): void {
    this.variants = list.flatMap((one) => this.known.get(one.id)?.detail ?? []);
  }

  /** Changes when something of a variant has: results of a placement come without a new state. */
  private markOf(one: VariantSummary): string {
    const observed = one.state === 'won' ? `${this.run?.counts.observed ?? 0}/${this.run?.stage ?? ''}` : '';
    return [one.state, one.score?.predicted_ctr, one.video?.hash, one.preview?.hash, one.primary_text, observed].join(' ');
  }

  private follow(): void {
    const stream = new EventSource(`/v1/runs/${this.id}/events`);
    this.stream = stream;
    stream.onopen = () => {
      this.live = true;
      connection.heard();
    };
    stream.onerror = () => {
      this.live = false;
      // The browser asks again by itself, with the last id; a stream that it gave up has ended.
      if (stream.readyState === EventSource.CLOSED) this.soon();
    };
    for (const type of TYPES) {
      stream.addEventListener(`spotwright.${type}.v1`, (event) => {
        this.note(type, event.data as string);
        this.loaded = '';
        if (type === 'run.finished') {
          stream.close();
          this.live = false;
        }
        this.soon();
      });
    }
  }

  private note(type: string, text: string): void {
    const event = JSON.parse(text) as { sequence: number; time?: string; data: Record<string, unknown> };
    if (this.events.some((known) => known.sequence === event.sequence)) return;
    const noted = { sequence: event.sequence, type, time: event.time ?? '', data: event.data };
    this.events = [noted, ...this.events].slice(0, KEPT);
  }

  private soon(): void {
    clearTimeout(this.gathering);
    if (!this.closed) this.gathering = setTimeout(() => void this.load(), GATHER_MS);
  }
}
