// Names for the generated types of the REST API.

import type { components } from './schema';

type Schemas = components['schemas'];
/** A type of the description of which some members are told more closely: words where it says text. */
type Closer<T, Members> = Omit<T, keyof Members> & Members;

export type Run = Schemas['Run'];
export type RunOrder = Schemas['RunRequestBody'];
export type RunQuestion = Schemas['RunQuestion'];
export type BriefSummary = Schemas['BriefSummary'];
export type BriefDocument = Schemas['BriefDocument'];
export type Brief = Schemas['Brief'];
export type Asset = Schemas['Asset'];
export type VariantSummary = Schemas['VariantSummary'];
export type VariantDetail = Schemas['VariantDetail'];
export type ApiKey = Schemas['ApiKey'];
export type KeyMade = Schemas['KeyMade'];
export type Budget = Schemas['OrganizationBudget'];
export type ProblemDocument = Schemas['ProblemDocument'];
export type RoleName = Schemas['RoleName'];
export type Member = Schemas['Member'];
export type Invitation = Schemas['Invitation'];
export type InvitationMade = Schemas['InvitationMade'];
export type InvitationSeen = Schemas['InvitationSeen'];
export type SessionView = Schemas['SessionView'];
export type SignedIn = Schemas['SignedIn'];
export type OwnSession = Schemas['OwnSession'];
export type AuditEntry = Schemas['AuditEntry'];
export type FigureSource = Schemas['SourceName'];
export type Observation = Schemas['Observation'];
export type Import = Schemas['Import'];
export type AskedView = Schemas['AskedView'];
export type PlanRequest = Schemas['PlanRequest'];
export type ExperimentPlan = Schemas['ExperimentPlan'];
export type Webhook = Schemas['Webhook'];
export type WebhookMade = Schemas['WebhookMade'];
export type WebhookTest = Schemas['WebhookTest'];
export type WebhookDelivery = Schemas['WebhookDelivery'];
export type EventAt = Schemas['EventAt'];
export type RequestSeen = Schemas['RequestSeen'];
export type UsageReport = Schemas['UsageReport'];
export type LedgerEntry = Schemas['LedgerEntry'];
export type RunCampaign = Schemas['Campaign'];
export type TraceStep = Schemas['TraceStep'];
export type Signal = Schemas['SignalOrder'];

// Experiments.
export type Experiment = Closer<Schemas['Experiment'], { stopped_because?: 'person' | 'maximum_days' | 'arm_withdrawn' | 'decided' | 'failed' | null }>;
export type ExperimentState = Experiment['state'];
export type ExperimentMetric = Schemas['ExperimentMetric'];
export type StoppingRule = Schemas['StoppingRule'];
export type VerdictName = Schemas['VerdictWord'];
export type ExperimentChoice = Schemas['ExperimentChoice'];
export type ArmRole = Schemas['ArmRole'];
/** What an order may leave out has its default in the API, which the description does not make optional. */
export type ExperimentOrder = Pick<Schemas['ExperimentOrder'], 'name' | 'run' | 'hypothesis' | 'primary'> & Partial<Omit<Schemas['ExperimentOrder'], 'arms' | 'traffic'>> & { traffic?: Omit<Schemas['ExperimentTraffic'], 'organic_conversions'> & Partial<Pick<Schemas['ExperimentTraffic'], 'organic_conversions'>>; arms: (Partial<Schemas['ArmOrder']> & Pick<Schemas['ArmOrder'], 'variant'>)[] };
export type ExperimentDesign = Schemas['ExperimentDesign'];
export type ReadOut = Closer<Schemas['ReadOut'], { primary: Closer<Schemas['ReadOutMetric'], { goal: 'increase' | 'decrease' }>; gates: Closer<Schemas['ReadOutGate'], { gate: 'days' | 'units' | 'successes' }>[] }>;
export type ReadOutComparison = Schemas['ReadOutComparison'];
export type ExperimentDecision = Closer<Schemas['ExperimentDecision'], { by: Closer<Schemas['ExperimentAuthor'], { kind: Schemas['AuthorKindName'] }> }>;

// Approvals, comments, share links.
export type Author = Schemas['Author'];
export type ApprovalState = 'none' | 'waiting' | 'approved' | 'changes_requested' | 'void' | 'superseded';
export type Approval = Closer<Schemas['Approval'], { state: ApprovalState }>;
export type ApprovalAnswer = Schemas['DecisionWord'];
export type Comment = Schemas['Comment'];
export type Share = Closer<Schemas['ShareLink'], { state: 'active' | 'expired' | 'revoked' }>;
export type ShareScope = Schemas['ShareScopeName'];
export type ShareMade = Schemas['ShareLinkMade'];
export type SharedVariant = Closer<Schemas['SharedVariant'], { state: Exclude<ApprovalState, 'superseded'> }>;
export type SharedReview = Closer<Schemas['Shared'], { variants: SharedVariant[] }>;
export type SharedComment = Schemas['SharedComment'];

// Brands.
export type Brand = Schemas['BrandSheet'];
export type BrandBody = Schemas['BrandOrder'];
export type BrandFact = Schemas['Fact'];
export type BrandTone = Schemas['Tone'];

// Estimates and the hard cap.
export type MaxSpend = Schemas['MaxSpendBody'];
export type RunEstimate = Schemas['RunEstimateView'];

// Campaigns.
export type CampaignView = Schemas['CampaignView'];
export type CampaignStatus = CampaignView['status'];
export type CampaignAct = CampaignView['allowed'][number];
export type LadderStep = Closer<Schemas['RungView'], { decision: 'promoted' | 'held' | 'stopped' }>;
export type Ad = Closer<Schemas['AdView'], { ladder: LadderStep[] }>;
export type CampaignDelivery = Schemas['CampaignDelivery'];

// Reports.
export type Report = Schemas['ReportView'];
export type Operation = Schemas['OperationView'];
export type ReportOrdered = Schemas['ReportOrdered'];
/** A row of a report of elements: the description of a report's content leaves its columns open. */
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

// Revisions of a variant.
export type Layout = Schemas['Layout'];
export type Motion = Schemas['Motion'];
export type CaptionMotion = Schemas['CaptionMotion'];
export type VisualStyle = Schemas['VisualStyle'];
export type RevisionChanges = Schemas['RevisionChanges'];
export type EditFinding = Schemas['EditFindingView'];
export type ShotFit = Schemas['ShotFitView'];
export type RevisionCheck = Schemas['RevisionCheck'];
export type Revises = Schemas['RevisesView'];
export type Revised<T> = T & { revises?: Revises | null; revised_by?: string[] };

export interface Listing<T> {
  data: T[];
  next_cursor?: string | null;
  has_more: boolean;
}
