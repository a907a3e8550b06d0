// What pages say about read-outs of an experiment.

import type { Experiment, ExperimentMetric, ReadOut, ReadOutComparison, VerdictName } from '../api/types';
import { money, percent } from './format';

/** One arm on one day of a phase, compared with the control by the method that may be read every day. */
export interface Point {
  day: number;
  lift: number;
  low: number;
  high: number;
  p: number | undefined;
}

export interface Series {
  arm: string;
  /** Its place among the arms; the control is 0. */
  idx: number;
  points: Point[];
}

/** The read-outs of one phase by day. */
export function phaseOf(readouts: readonly ReadOut[], phase: number): ReadOut[] {
  return readouts.filter((one) => one.phase === phase).toSorted((a, b) => a.day - b.day);
}

export function compared(readout: ReadOut, arm: string, method: ReadOutComparison['method']): ReadOutComparison | undefined {
  return readout.comparisons.find((one) => one.arm === arm && one.method === method);
}

/** The arms that show something, the control first. */
export function shownArms(readout: ReadOut): ReadOut['arms'] {
  return readout.arms.filter((arm) => arm.role !== 'holdout');
}

/** The always-valid lift of each arm over the control, day by day. */
export function series(readouts: readonly ReadOut[]): Series[] {
  const last = readouts.at(-1);
  const arms = last ? shownArms(last).slice(1) : [];
  return arms.map(({ name }, at) => ({
    arm: name,
    idx: at + 1,
    points: readouts.flatMap((readout) => {
      const one = compared(readout, name, 'always_valid');
      const [low, high] = one?.ci ?? [];
      if (one?.lift === null || one?.lift === undefined || low === undefined || high === undefined) return [];
      return [{ day: readout.phase_day, lift: one.lift, low, high, p: one.p_value ?? undefined }];
    }),
  }));
}

/** Whether a change of the metric is for the better. */
export function isBetter(lift: number, goal: ReadOut['primary']['goal']): boolean {
  return goal === 'increase' ? lift > 0 : lift < 0;
}

/** Metrics of which less is better. */
export function goalOf(metric: ExperimentMetric): ReadOut['primary']['goal'] {
  return metric === 'cpc' || metric === 'cpa' ? 'decrease' : 'increase';
}

/** A value of a metric as people read it: a rate, or money. */
export function metricValue(metric: ExperimentMetric, value: number | null | undefined, currency: string): string {
  if (value === null || value === undefined) return '–';
  return metric === 'ctr' || metric === 'cvr' ? percent(value) : money(value, currency);
}

/** The day from which on an arm's interval has stayed clear of zero. */
export function clearSince(points: readonly Point[]): Point | undefined {
  let found: Point | undefined;
  for (const point of points) {
    const clear = point.low > 0 || point.high < 0;
    if (!clear) found = undefined;
    else found ??= point;
  }
  return found;
}

/** Share of an arm minus its plan, with the distance at which a fair split is left once in a thousand times. */
export interface Split {
  day: number;
  /** By arm, as shares. */
  off: number[];
  alarm: number;
}

/** 99.95th percentile of the normal distribution: 0.05 % on each side. */
const ONE_IN_A_THOUSAND = 3.2905;

export function splits(readouts: readonly ReadOut[]): Split[] {
  return readouts.flatMap((readout) => {
    const units = readout.arms.reduce((sum, arm) => sum + arm.units, 0);
    const whole = readout.arms.reduce((sum, arm) => sum + arm.weight, 0);
    if (units === 0 || whole <= 0) return [];
    const plan = readout.arms.map((arm) => arm.weight / whole);
    const widest = Math.max(...plan.map((share) => share * (1 - share)));
    return [{ day: readout.phase_day, off: readout.arms.map((arm, idx) => arm.units / units - (plan[idx] ?? 0)), alarm: ONE_IN_A_THOUSAND * Math.sqrt(widest / units) }];
  });
}

/** Values of a scale around zero, so far apart that they are easy to read, and its two ends. */
export function scaleAround(low: number, high: number): { ticks: number[]; low: number; high: number } {
  const span = Math.max(high - low, 1e-6);
  const rough = span / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const [from, to] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: to - from + 1 }, (_, idx) => Number(((from + idx) * step).toPrecision(8)));
  return { ticks, low: from * step, high: to * step };
}

export const letter = (idx: number): string => String.fromCharCode(65 + (idx % 26));

export type Tone = 'good' | 'bad' | 'warn' | 'wait';

/** The tone of a verdict: what it means for whoever decides. */
export function tone(verdict: VerdictName | undefined): Tone {
  switch (verdict) {
    case 'winner':
      return 'good';
    case 'mismatch':
    case 'guardrail':
      return 'bad';
    case 'control':
      return 'warn';
    default:
      return 'wait';
  }
}

/** The letter of an arm by its name; the control is A. */
export function letterOf(experiment: Experiment, arm: string | null | undefined): string {
  return letter(Math.max(0, experiment.design.arms.findIndex((one) => one.name === arm)));
}

/** A name as it is said beside the letter: none where it is the letter itself. */
export function named(idx: number, name: string): string {
  return name === letter(idx) ? '' : name;
}

/** Whether somebody is to decide: it has said something, or it is over. */
export function isDue(experiment: Experiment): boolean {
  if (experiment.state === 'stopped') return true;
  return (experiment.state === 'running' || experiment.state === 'paused') && tone(experiment.verdict?.verdict) !== 'wait';
}

/** Where an experiment stands on the board. */
export function columnOf(experiment: Experiment): 'planned' | 'running' | 'due' | 'learnt' {
  if (experiment.state === 'draft') return 'planned';
  if (experiment.state === 'decided' || experiment.state === 'archived') return 'learnt';
  return isDue(experiment) ? 'due' : 'running';
}
