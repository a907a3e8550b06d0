// An ad while somebody edits it: undone and done again, kept over reloads, checked as it is typed.

import { ApiError, ask } from '../api/client';
import type { EditFinding, RevisionChanges, RevisionCheck, Run, ShotFit, VariantDetail } from '../api/types';
import { changesOf, fieldsOf, isNothing, moved, type EditFields, type LineFields, type ShotFields } from './revisions';

/** How long nothing is typed before it is checked. */
const CHECK_MS = 350;
/** Keystrokes in one field within this time are undone together. */
const TOGETHER_MS = 1_200;
const MOST_STEPS = 200;

interface Kept {
  fields: EditFields;
  once: string;
}

export class Edit {
  readonly original: EditFields;
  fields = $state<EditFields>({ lines: [], shots: [], order: [], style: 'editorial', button: '' });
  /** The newest answer to a check; it may be of a moment ago. */
  checked = $state.raw<RevisionCheck | undefined>(undefined);
  checking = $state(false);
  /** Why the newest check has no answer. */
  unchecked = $state.raw<ApiError | undefined>(undefined);
  private past = $state.raw<readonly string[]>([]);
  private future = $state.raw<readonly string[]>([]);
  private lastField = '';
  private lastAt = 0;
  private turn = 0;
  /** Under which the order counts once, however often it is sent. */
  private once = crypto.randomUUID() as string;
  private readonly place: string;

  readonly changes = $derived.by<RevisionChanges>(() => changesOf(this.original, this.fields));
  readonly changed = $derived(!isNothing(this.changes));
  readonly undoes = $derived(this.past.length > 0);
  readonly redoes = $derived(this.future.length > 0);

  constructor(
    readonly variant: VariantDetail,
    organization: string,
  ) {
    this.original = fieldsOf(variant);
    this.place = `spotwright.edit.${organization}.${variant.id}`;
    this.fields = this.kept() ?? structuredClone(this.original);
  }

  /** What was typed before the page was loaded anew, where it fits this ad. */
  private kept(): EditFields | undefined {
    const text = localStorage.getItem(this.place);
    if (!text) return undefined;
    try {
      const { fields, once } = JSON.parse(text) as Kept;
      const fits = fields.lines.length === this.original.lines.length && fields.order.length === this.original.order.length;
      if (!fits || fields.shots.length !== this.original.shots.length) return undefined;
      this.once = once;
      return fields;
    } catch {
      localStorage.removeItem(this.place);
      return undefined;
    }
  }

  private keep(): void {
    if (this.changed) localStorage.setItem(this.place, JSON.stringify({ fields: this.fields, once: this.once }));
    else localStorage.removeItem(this.place);
  }

  /** Notes the state before a change, once for what is typed in one go. */
  private step(field: string): void {
    const now = Date.now();
    if (field !== this.lastField || now - this.lastAt > TOGETHER_MS) {
      this.past = [...this.past.slice(1 - MOST_STEPS), JSON.stringify(this.fields)];
    }
    this.future = [];
    this.lastField = field;
    this.lastAt = now;
    this.once = crypto.randomUUID();
  }

  write(line: number, name: keyof LineFields, text: string): void {
    const fields = this.fields.lines[line];
    if (!fields || fields[name] === text) return;
    this.step(`lines[${line}].${name}`);
    fields[name] = text;
    this.keep();
  }

  show<N extends keyof ShotFields>(shot: number, name: N, value: ShotFields[N]): void {
    const fields = this.fields.shots[shot];
    if (!fields || fields[name] === value) return;
    this.step(`shots[${shot}].${name}`);
    fields[name] = value;
    this.keep();
  }

  set<N extends 'style' | 'button'>(name: N, value: EditFields[N]): void {
    if (this.fields[name] === value) return;
    this.step(name);
    this.fields[name] = value;
    this.keep();
  }

  /** Moves a shot by one place; whether it has moved. */
  move(shot: number, by: -1 | 1): boolean {
    const order = moved(this.fields.order, shot, by);
    if (order.every((number, idx) => number === this.fields.order[idx])) return false;
    this.step(`order.${shot}.${by}.${Date.now()}`);
    this.fields.order = order;
    this.keep();
    return true;
  }

  undo(): void {
    const before = this.past.at(-1);
    if (before === undefined) return;
    this.future = [...this.future, JSON.stringify(this.fields)];
    this.past = this.past.slice(0, -1);
    this.take(before);
  }

  redo(): void {
    const after = this.future.at(-1);
    if (after === undefined) return;
    this.past = [...this.past, JSON.stringify(this.fields)];
    this.future = this.future.slice(0, -1);
    this.take(after);
  }

  private take(text: string): void {
    this.fields = JSON.parse(text) as EditFields;
    this.lastField = '';
    this.once = crypto.randomUUID();
    this.keep();
  }

  /** Back to the original; that can be undone. */
  discard(): void {
    this.step('discard');
    this.lastField = '';
    this.fields = structuredClone(this.original);
    this.keep();
  }

  /** Checks whatever is typed once nobody types; call in an effect. */
  follow(): () => void {
    const body = { check: true, changes: $state.snapshot(this.changes) };
    const turn = ++this.turn;
    this.checking = true;
    const timer = setTimeout(() => void this.check(body, turn), CHECK_MS);
    return () => clearTimeout(timer);
  }

  private async check(body: unknown, turn: number): Promise<void> {
    try {
      const found = await ask<RevisionCheck>(this.path, { method: 'POST', body });
      if (turn !== this.turn) return;
      this.checked = found;
      this.unchecked = undefined;
    } catch (error) {
      if (turn !== this.turn) return;
      if (!(error instanceof ApiError)) throw error;
      this.unchecked = error;
    } finally {
      if (turn === this.turn) this.checking = false;
    }
  }

  /** Orders the run that makes it, and forgets what was typed once it is ordered. */
  async make(budget: number | undefined): Promise<Run> {
    const body = { changes: $state.snapshot(this.changes), ...(budget === undefined ? {} : { budget_micros: budget }) };
    const run = await ask<Run>(this.path, { method: 'POST', body, once: `${this.once}.${budget ?? ''}` });
    localStorage.removeItem(this.place);
    return run;
  }

  fit(shot: number): ShotFit | undefined {
    return this.checked?.fits.find((fit) => fit.shot === shot);
  }

  /** Findings about a field and what lies below it. */
  about(field: string): EditFinding[] {
    return (this.checked?.findings ?? []).filter((finding) => finding.field === field || finding.field.startsWith(`${field}.`) || finding.field.startsWith(`${field}[`));
  }

  /** Findings about no line and no shot. */
  get whole(): EditFinding[] {
    return (this.checked?.findings ?? []).filter((finding) => !/^(lines|shots)\[/.test(finding.field));
  }

  private get path(): string {
    return `/v1/variants/${encodeURIComponent(this.variant.id)}/revisions`;
  }
}
