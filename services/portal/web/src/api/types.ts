// Names for the generated types of the REST API.

import type { components } from './schema';

type Schemas = components['schemas'];

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

export interface Listing<T> {
  data: T[];
  next_cursor?: string | null;
  has_more: boolean;
}
