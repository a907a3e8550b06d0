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
export type { SessionView, SignedIn } from './pending';
export type TraceStep = Schemas['TraceStep'];
export type Signal = Schemas['SignalOrder'];

export interface Listing<T> {
  data: T[];
  next_cursor?: string | null;
  has_more: boolean;
}
