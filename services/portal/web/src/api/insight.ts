// Read models over all campaigns and ads: the market as a whole, and predictions against what came.

import type { CampaignStatus, FigureSource } from './types';

export interface MarketCurrency {
  /** `null` for runs of older versions. */
  currency: string | null;
  campaigns: number;
  running: number;
  auctions: number;
  won: number;
  win_rate: number | null;
  impressions: number;
  clicks: number;
  conversions: number;
  budget_micros: number;
  spend_micros: number;
  mean_cpm_micros: number | null;
  /** Own prices by impressions, the market's by auctions; `null` where nobody tells. */
  prices: { quantile: number; own_cpm_micros: number | null; market_cpm_micros: number | null }[];
  /** Hours of each campaign from its own beginning, summed over all campaigns of the currency. */
  pacing: { hour: number; planned_micros: number; spent_micros: number; impressions: number; won: number }[];
}

export interface MarketRow {
  campaign: string;
  name: string;
  origin: 'run' | 'people';
  status: CampaignStatus;
  /** `null` for runs of older versions. */
  currency: string | null;
  auctions: number;
  won: number;
  win_rate: number | null;
  impressions: number;
  clicks: number;
  mean_cpm_micros: number | null;
  budget_micros: number | null;
  spend_micros: number;
  planned_micros: number | null;
  /** Spent of what was planned by `hour`; `null` before it was played. */
  pace: number | null;
  hour: number | null;
}

export interface Market {
  source: FigureSource;
  campaigns: number;
  auctions: number;
  won: number;
  win_rate: number | null;
  currencies: MarketCurrency[];
  rows: MarketRow[];
}

/** Ads of about equal impressions whose predictions are next to one another. */
export interface CalibrationBin {
  bin: number;
  predicted_low: number;
  predicted_high: number;
  ads: number;
  impressions: number;
  clicks: number;
  predicted_ctr: number;
  ctr: number;
  ctr_low: number;
  ctr_high: number;
}

export interface CalibrationModel {
  /** `all` is every model together. */
  model: string;
  ads: number;
  impressions: number;
  clicks: number;
  predicted_ctr: number | null;
  ctr: number | null;
  /** Predicted clicks over clicks. */
  ratio: number | null;
  ratio_low: number | null;
  ratio_high: number | null;
  /** Mean distance of prediction and rate over the bins, weighted by impressions. */
  calibration_error: number | null;
  /** Share of ads whose rate's interval meets the predicted one. */
  within_interval: number | null;
  deciles: CalibrationBin[];
}

export interface Calibration {
  source: FigureSource;
  ads: number;
  impressions: number;
  clicks: number;
  models: CalibrationModel[];
}
