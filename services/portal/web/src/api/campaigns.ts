// Campaigns that people make: what is ordered, what comes back, what it would likely deliver.

import type { CampaignView } from './types';

export type BidStrategy = 'maximize_clicks' | 'maximize_conversions';

export interface CampaignOrder {
  run: string;
  name?: string;
  variants?: string[];
  objective?: string;
  bid_strategy?: BidStrategy;
  budget?: { currency: string; daily_micros?: number; total_micros?: number };
  market?: { seed: number; opportunities_per_day: number };
  schedule?: { starts_at: string | null; days: number; day_seconds: number };
}

export interface CampaignPlan {
  bid_strategy: BidStrategy;
  daily_micros: number | null;
  total_micros: number | null;
  seed: number;
  opportunities_per_day: number;
  starts_at: string;
  days: number;
  day_seconds: number;
  days_played: number;
  stopped_because: 'schedule' | 'budget' | 'person' | 'no_ads' | 'failed' | null;
}

/** A campaign with who made it; `plan` is that of people. */
export type PlannedCampaign = CampaignView & { origin?: 'run' | 'people'; plan?: CampaignPlan | null };

export interface CountBand {
  low: number;
  expected: number;
  high: number;
}

export interface CampaignEstimate {
  object: 'campaign_estimate';
  source: 'simulated';
  currency: string;
  ads: number;
  days: number;
  budget_micros: number;
  /** `null` where nothing was measured yet. */
  impressions: CountBand | null;
  clicks: CountBand | null;
  spend: { low_micros: number; expected_micros: number; high_micros: number } | null;
  reaches_budget: boolean;
  basis: 'run' | 'organization' | 'none';
  measured_campaigns: { campaign: string; auctions: number; impressions: number; clicks: number; spend_micros: number; win_rate: number | null; mean_cpm_micros: number | null }[];
}
