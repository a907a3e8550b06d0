// Shapes of the API that the generated description has not got yet. Each has the name that it will have there,
// so that an import from `schema` can take its place.

import type { components } from './schema';

export type RoleName = 'owner' | 'admin' | 'editor' | 'approver' | 'analyst' | 'viewer';

export interface OrganizationName {
  id: string;
  name: string;
}

export interface Person {
  id: string;
  email: string;
  name: string;
}

export interface Membership {
  organization: OrganizationName;
  role: RoleName;
}

export interface SessionView {
  organization: components['schemas']['Organization'];
  demo: boolean;
  key?: string | null;
  key_name?: string | null;
  person?: Person | null;
  role?: RoleName | null;
  organizations?: Membership[];
  scopes: string[];
  csrf_token: string;
  expires_at: string;
}

export interface SignedIn {
  session?: SessionView | null;
}

export interface Member {
  id: string;
  email: string;
  name: string;
  role: RoleName;
  joined_at: string;
}

export interface Invitation {
  id: string;
  email: string;
  name?: string | null;
  role: RoleName;
  state: 'open' | 'accepted' | 'revoked' | 'expired';
  created_at: string;
  expires_at: string;
  accepted_at?: string | null;
  revoked_at?: string | null;
}

export interface InvitationMade {
  invitation: Invitation;
  token?: string | null;
  link?: string | null;
}

export interface InvitationSeen {
  organization: OrganizationName;
  email: string;
  name?: string | null;
  role: RoleName;
  known: boolean;
  expires_at: string;
}

export interface OwnSession {
  id: string;
  organization: string;
  created_at: string;
  expires_at: string;
  current: boolean;
}

export interface AuditEntry {
  id: string;
  at: string;
  who: { kind: 'person' | 'key' | 'service' | 'operator'; id?: string | null; name?: string | null };
  action: string;
  target: { kind: string; id: string };
  before?: unknown;
  after?: unknown;
  request_id?: string | null;
}

// Results.

export type FigureSource = 'simulated' | 'imported';

export interface AmountView {
  micros: number;
  currency: string;
}

export interface Observation {
  id: string;
  source: FigureSource;
  platform?: string | null;
  ad: { id?: string | null; name?: string | null; campaign?: string | null; group?: string | null };
  placement?: string | null;
  variant?: string | null;
  window: { start: string; end: string; time_zone: string };
  impressions?: number | null;
  clicks?: number | null;
  click_column?: string | null;
  conversions?: number | null;
  revenue?: AmountView | null;
  spend?: AmountView | null;
  watch: { measure: string; value: string }[];
  import?: string | null;
  revision: number;
  created_at: string;
  updated_at: string;
}

export interface RowCounts {
  new: number;
  replaced: number;
  unchanged: number;
  refused: number;
}

export interface RefusedView {
  line?: number | null;
  index?: number | null;
  column: string;
  reason: string;
  message: string;
}

export interface AskedView {
  asked: 'currency' | 'time_zone' | 'window' | 'number_format' | 'date_order';
  why: string;
  choices: string[];
}

export interface UnmatchedView {
  ad: { id?: string | null; name?: string | null };
  reason: 'unknown' | 'ambiguous';
}

export interface Import {
  /** None for a preview, and where something is asked. */
  id?: string | null;
  name: string;
  platform: string;
  language?: string | null;
  form?: string | null;
  currency?: string | null;
  time_zone?: string | null;
  click_column?: string | null;
  counts: RowCounts;
  refused: RefusedView[];
  asked: AskedView[];
  unmatched: UnmatchedView[];
  matched: number;
  notes: string[];
  unread_columns: string[];
  mapping_remembered: boolean;
  created_at?: string | null;
}

// Experiments.

export type ExperimentMetric = 'click_rate' | 'conversion_rate';

export interface ExperimentArm {
  name: string;
  weight: number;
  variant?: string | null;
  ads?: string[] | null;
}

export interface ExperimentDesign {
  hypothesis: string;
  primary: ExperimentMetric;
  guardrails: { metric: ExperimentMetric; margin: number }[];
  smallest_effect: number;
  alpha: number;
  power: number;
  stopping: { minimum_days: number; minimum_units: number; maximum_days: number };
  /** The control first. */
  arms: ExperimentArm[];
}

export type ExperimentData =
  | { kind: 'market'; run: string; days: number; users_per_day: number }
  | { kind: 'observations'; platform: string }
  | { kind: 'counts' };

export interface Experiment {
  id: string;
  name: string;
  state: 'draft' | 'running' | 'stopped';
  phase: number;
  source: FigureSource;
  data: ExperimentData;
  design: ExperimentDesign;
  created_at: string;
  started_at?: string | null;
  stopped_at?: string | null;
}

export interface ReadOutComparison {
  arm: string;
  method: 'always_valid' | 'fixed_horizon' | 'bayesian';
  lift?: number | null;
  ci?: number[] | null;
  p_value?: number | null;
  chance_to_win?: number | null;
  expected_loss?: number | null;
}

export interface ReadOut {
  day: number;
  date?: string | null;
  phase: number;
  arms: { name: string; units: number; successes: number; rate?: number | null }[];
  comparisons: ReadOutComparison[];
  srm: { p_value?: number | null; alarm: boolean };
  guardrails: { metric: string; arm: string; state: 'breached' | 'held' | 'open' }[];
  verdict: {
    verdict: 'mismatch' | 'too_early' | 'winner' | 'guardrail' | 'control' | 'no_difference' | 'undecided';
    arm?: string | null;
    metric?: string | null;
  };
  sentence: { en: string; zh: string };
}

export interface ExperimentDecision {
  at: string;
  by: string;
  kind: 'created' | 'started' | 'changed' | 'stopped' | 'noted';
  text: string;
  phase: number;
}

export interface ExperimentPlan {
  units: number[];
  total: number;
  days?: number | null;
  tuning?: number | null;
}

// Events, webhooks, requests.

export interface Webhook {
  id: string;
  url: string;
  name: string;
  events: string[];
  state: 'active' | 'disabled' | 'paused';
  paused_reason?: string | null;
  failing_since?: string | null;
  secret_version: number;
  previous_secret_until?: string | null;
  created_at: string;
  updated_at: string;
}

export interface WebhookMade {
  webhook: Webhook;
  secret: string;
}

export interface WebhookAttempt {
  at: string;
  ms: number;
  status?: number | null;
  answer?: string | null;
  error?: string | null;
}

export interface WebhookTest {
  message: string;
  taken: boolean;
  attempt: WebhookAttempt;
}

export interface WebhookDelivery {
  id: string;
  event: string;
  type: string;
  run?: string | null;
  state: 'waiting' | 'delivered' | 'failed';
  created_at: string;
  next_attempt_at?: string | null;
  delivered_at?: string | null;
  request: unknown;
  attempts: WebhookAttempt[];
}

export interface EventAt {
  position: string;
  event: { id: string; type: string; subject: string; time: string; sequence?: number; data: unknown };
}

export interface RequestSeen {
  id: string;
  at: string;
  method: string;
  route: string;
  status: number;
  code?: string | null;
  ms: number;
  key: string;
}

// Money.

export interface UsageReport {
  settled: { currency?: string | null; source: 'provider' | 'simulated'; provider?: string | null; settlements: number; settled_micros: number }[];
  reserved: { currency?: string | null; reserved_micros: number }[];
}

export interface LedgerEntry {
  run: string;
  entry: 'reserve' | 'settle' | 'release';
  amount_micros: number;
  currency?: string | null;
  reserve: string;
  source: 'provider' | 'simulated';
  provider?: string | null;
  at: string;
}

export interface RunCampaign {
  campaign: string;
  generation: number;
  source: FigureSource;
  impressions: number;
  clicks: number;
  spend_micros: number;
  placements: { variant: string; id: string; campaign: string; source: FigureSource; delivery?: components['schemas']['Delivery'] | null; ended: boolean }[];
}
