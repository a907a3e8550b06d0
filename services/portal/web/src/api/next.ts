// Shapes of the API that the generated description has not got yet. Each has the name that it will have there, so
// that an import from `types` can take its place.

import type { FigureSource, Run } from './types';

// Experiments.

export type ExperimentState = 'draft' | 'running' | 'paused' | 'stopped' | 'decided' | 'archived';
export type ExperimentMetric = 'ctr' | 'cvr' | 'cpc' | 'cpa' | 'revenue_per_impression';
export type StoppingRule = 'always_valid' | 'fixed_horizon' | 'bayesian';
export type VerdictName = 'mismatch' | 'too_early' | 'winner' | 'guardrail' | 'control' | 'no_difference' | 'undecided';
export type ExperimentChoice = 'adopt' | 'keep_control' | 'inconclusive';
export type ArmRole = 'control' | 'treatment' | 'holdout';

export interface ExperimentGuardrail {
  metric: ExperimentMetric;
  /** Relative change for the worse that is tolerated. */
  margin: number;
}

export interface ExperimentStopping {
  rule: StoppingRule;
  minimum_days: number;
  minimum_units: number;
  maximum_days: number;
}

export interface ExperimentTraffic {
  opportunities_per_day: number;
  daily_budget_micros: number;
  /** Seconds of the clock on the wall for each logical day; 0 plays at full speed. */
  day_seconds: number;
}

export interface ExperimentOrder {
  name: string;
  run: string;
  hypothesis: string;
  primary: ExperimentMetric;
  guardrails?: ExperimentGuardrail[];
  smallest_effect?: number;
  alpha?: number;
  power?: number;
  /** The control first. */
  arms: { name?: string; variant: string; weight?: number }[];
  holdout?: number;
  stopping?: ExperimentStopping;
  seed?: number;
  traffic?: ExperimentTraffic;
  conversion_value_micros?: number;
}

export interface ExperimentDesign {
  hypothesis: string;
  primary: ExperimentMetric;
  guardrails: ExperimentGuardrail[];
  smallest_effect: number;
  alpha: number;
  power: number;
  tuning?: number | null;
  stopping: ExperimentStopping;
  /** The control first. */
  arms: { name: string; variant: string; role: ArmRole }[];
  seed: number;
  traffic: ExperimentTraffic;
  conversion_value_micros?: number | null;
}

export interface ExperimentVerdict {
  verdict: VerdictName;
  arm?: string | null;
  metric?: string | null;
}

export interface ExperimentPhase {
  phase: number;
  from_day: number;
  weights: number[];
  holdout: number;
}

export interface Experiment {
  id: string;
  name: string;
  state: ExperimentState;
  phase: number;
  /** The last day that was played; 0 before the first. */
  day: number;
  source: FigureSource;
  run: string;
  currency: string;
  design: ExperimentDesign;
  phases: ExperimentPhase[];
  verdict?: ExperimentVerdict | null;
  srm_alarm: boolean;
  stopped_because?: 'person' | 'maximum_days' | 'arm_withdrawn' | 'decided' | 'failed' | null;
  decision?: { choice: ExperimentChoice; arm?: string | null; reason: string; at: string; agrees: boolean } | null;
  created_at: string;
  started_at?: string | null;
  stopped_at?: string | null;
  next_day_at?: string | null;
}

export interface ReadOutArm {
  name: string;
  role: ArmRole;
  units: number;
  impressions: number;
  clicks: number;
  conversions: number;
  spend_micros: number;
  revenue_micros?: number | null;
  /** The primary metric: a rate, or micros. */
  value?: number | null;
  /** Its share of users, the holdout's included. */
  weight: number;
}

export interface ReadOutComparison {
  arm: string;
  method: StoppingRule;
  lift?: number | null;
  ci?: number[] | null;
  p_value?: number | null;
  adjusted_p_value?: number | null;
  chance_to_win?: number | null;
  expected_loss?: number | null;
}

export interface ReadOut {
  day: number;
  phase: number;
  phase_day: number;
  source: FigureSource;
  at: string;
  currency: string;
  primary: { metric: ExperimentMetric; goal: 'increase' | 'decrease' };
  arms: ReadOutArm[];
  comparisons: ReadOutComparison[];
  srm: { p_value?: number | null; warning: boolean; alarm: boolean; observed: number[]; expected: number[] };
  guardrails: { metric: ExperimentMetric; arm: string; margin: number; state: 'breached' | 'held' | 'open'; lift?: number | null; ci?: number[] | null }[];
  gates: { gate: 'days' | 'units' | 'successes'; arm?: string | null; needed: number; have: number; passed: boolean }[];
  required?: { units: number[]; total: number; days_left?: number | null } | null;
  verdict: ExperimentVerdict;
  standing: ExperimentVerdict;
  sentence: { en: string; zh: string };
}

export interface ExperimentDecision {
  at: string;
  by: Author;
  kind: 'created' | 'started' | 'paused' | 'resumed' | 'reallocated' | 'srm_alarm' | 'verdict' | 'stopped' | 'decided' | 'archived';
  text: string;
  phase: number;
  day: number;
  detail?: Record<string, unknown> | null;
}

// Approvals, comments, share links.

export interface Author {
  kind: 'person' | 'key' | 'reviewer' | 'service';
  id?: string | null;
  name?: string | null;
}

export type ApprovalState = 'none' | 'waiting' | 'approved' | 'changes_requested' | 'void' | 'superseded';
export type ApprovalAnswer = 'approved' | 'changes_requested';

export interface Approval {
  variant: string;
  run: string;
  id?: string | null;
  state: ApprovalState;
  /** What was asked about or decided on. */
  content_hash: string;
  /** What the variant is now. */
  current_hash: string;
  asked?: { at: string; by: Author; note?: string | null } | null;
  /** Oldest first. */
  decisions: { decision: ApprovalAnswer; at: string; by: Author; note?: string | null }[];
  open_comments: number;
}

export interface Comment {
  id: string;
  variant: string;
  run: string;
  text: string;
  seconds?: number | null;
  x?: number | null;
  y?: number | null;
  state: 'open' | 'resolved';
  by: Author;
  created_at: string;
  changed?: { at: string; by: Author } | null;
  share?: string | null;
  content_hash: string;
  outdated: boolean;
}

export type ShareScope = 'view' | 'comment' | 'approve';

export interface Share {
  id: string;
  name: string;
  run: string;
  variants?: string[] | null;
  scope: ShareScope;
  state: 'active' | 'expired' | 'revoked';
  created_at: string;
  created_by: Author;
  expires_at: string;
  revoked_at?: string | null;
}

export interface ShareMade {
  share: Share;
  token?: string | null;
}

export interface SharedVariant {
  id: string;
  generation: number;
  number: number;
  primary_text: string;
  content_hash: string;
  seconds?: number | null;
  width: number;
  height: number;
  watermarked: boolean;
  preview_url?: string | null;
  poster_url?: string | null;
  state: 'none' | 'waiting' | 'approved' | 'changes_requested' | 'void';
  open_comments: number;
}

export interface SharedReview {
  name: string;
  organization: string;
  scope: ShareScope;
  expires_at: string;
  variants: SharedVariant[];
}

export interface SharedComment {
  id: string;
  text: string;
  seconds?: number | null;
  x?: number | null;
  y?: number | null;
  state: 'open' | 'resolved';
  /** A name; none where the organization's member has none. */
  by?: string | null;
  mine: boolean;
  created_at: string;
  outdated: boolean;
}

// Brands.

export interface BrandFact {
  id: string;
  kind: string;
  text: string;
  evidence?: { source: string; quote?: string | null } | null;
}

export interface BrandKit {
  name: string;
  colors?: { primary: string; accent: string } | null;
  tone?: string | null;
  banned_words?: string[];
  tone_examples?: string[];
  voice?: { enabled: boolean; name?: string | null; pronunciations?: { written: string; spoken: string }[] } | null;
}

export interface BrandBody {
  kit: BrandKit;
  logo?: string | null;
  facts?: BrandFact[];
  must_say?: string[];
  must_not_say?: string[];
}

export interface Brand extends BrandBody {
  id: string;
  version: number;
  archived: boolean;
  created_at: string;
  updated_at: string;
}

// Estimates and the hard cap.

export interface MaxSpend {
  amount_micros: number;
  currency: string;
}

export interface RunEstimate {
  object: 'run_estimate';
  currency: string;
  budget_micros: number;
  max_spend_micros?: number | null;
  cap_micros: number;
  cost: { low_micros: number; expected_micros: number; high_micros: number };
  reaches_cap: boolean;
  seconds?: { low: number; expected: number; high: number } | null;
  basis: 'measured' | 'quotes';
  work: {
    kind: 'language_model' | 'clips' | 'renders' | 'media';
    provider?: string | null;
    calls?: { low: number; expected: number; high: number } | null;
    /** Of one usual call. */
    quote_micros?: number | null;
    low_micros: number;
    expected_micros: number;
    high_micros: number;
    basis: 'quote' | 'measured' | 'budget';
  }[];
  measured_runs: { run: string; spent_micros: number; media_micros: number; seconds: number }[];
}

export type RunMoney = Run['money'] & { max_spend_micros?: number | null };

// Campaigns.

export type CampaignStatus = 'waiting' | 'active' | 'paused' | 'ended';
export type CampaignAct = 'pause' | 'resume' | 'end';

export interface ExternalReference {
  platform: string;
  account: string;
  id: string;
}

export interface CampaignView {
  id: string;
  run: string;
  generation: number;
  name: string;
  status: CampaignStatus;
  objective: string;
  placement: string;
  source: FigureSource;
  currency?: string | null;
  budget_micros?: number | null;
  impressions: number;
  clicks: number;
  conversions: number;
  spend_micros: number;
  auctions?: number | null;
  won?: number | null;
  win_rate?: number | null;
  ads: number;
  created_at: string;
  external_refs: ExternalReference[];
  allowed: CampaignAct[];
}

export interface AdDelivery {
  impressions: number;
  clicks: number;
  conversions: number;
  /** In millionths of the currency. */
  spend: number;
}

export interface LadderStep {
  rung: number;
  impressions: number;
  clicks: number;
  probability: number;
  decision: 'promoted' | 'held' | 'stopped';
}

export interface Ad {
  id: string;
  campaign: string;
  ad_group: string;
  run: string;
  generation: number;
  variant: string;
  placement: string;
  status: CampaignStatus;
  source: FigureSource;
  currency?: string | null;
  delivery?: AdDelivery | null;
  auctions?: number | null;
  won?: number | null;
  win_rate?: number | null;
  frequency?: number | null;
  fatigued: boolean;
  rung?: number | null;
  ladder: LadderStep[];
  segments: { segment: string; delivery: AdDelivery }[];
  external_refs: ExternalReference[];
  allowed: CampaignAct[];
}

export interface CampaignDelivery {
  campaign: string;
  source: FigureSource;
  marketplace: string;
  currency: string;
  budget_micros: number;
  spend_micros: number;
  auctions: number;
  won: number;
  win_rate: number;
  competitors: number;
  mean_cpm_micros: number;
  prices: { quantile: number; own_cpm_micros: number; market_cpm_micros: number }[];
  pacing: { hour: number; planned_micros: number; spent_micros: number; impressions: number; won: number }[];
  climbs: ({ ad: string; variant: string } & LadderStep)[];
  holds: { ad: string; from_hour: number; until_hour?: number | null }[];
}

// Reports.

export interface ReportFilters {
  source: FigureSource;
  run?: string | null;
  from?: string | null;
  to?: string | null;
}

export interface Report {
  id: string;
  kind: 'elements' | 'performance' | 'ledger';
  format: 'json' | 'csv';
  filters: ReportFilters;
  state: 'queued' | 'running' | 'done' | 'failed' | 'expired';
  rows?: number | null;
  bytes?: number | null;
  created_at: string;
  expires_at?: string | null;
  download?: string | null;
}

export interface Operation {
  id: string;
  kind: string;
  stage: 'queued' | 'running' | 'done' | 'failed';
  progress: number;
  deadline?: string | null;
  error?: { code: string; field: string; message: string } | null;
  retryable: boolean;
  charge_micros: number;
  /** The report. */
  result?: string | null;
  created_at: string;
  ended_at?: string | null;
}

export interface ReportOrdered {
  operation: Operation;
  report: Report;
}

export interface ElementRow {
  source: FigureSource;
  element: 'hook' | 'angle' | 'structure' | 'call_to_action' | 'visual_style' | 'voice';
  value: string;
  variants: number;
  impressions: number;
  clicks: number;
  ctr: number;
  ctr_low: number;
  ctr_high: number;
  lift?: number | null;
  lift_low?: number | null;
  lift_high?: number | null;
  p_value?: number | null;
  p_adjusted?: number | null;
  significant: boolean;
  enough: boolean;
}
