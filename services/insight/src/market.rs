//! The market as a whole: auctions, prices and pace over all campaigns of an organization.

use std::collections::BTreeMap;

use spotwright_core::domain::campaign::{Campaign, ServingStatus};
use spotwright_core::domain::campaign_days::{WeightedPrices, mixed};
use spotwright_core::domain::report::{Cell, Column, ColumnKind, Table};
use spotwright_core::ports::marketplace::{PacePoint, PriceQuantile};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::outcome::Delivery;

/// Hours of a logical day.
const DAY_HOURS: f64 = 24.0;

/// A campaign in the market.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignRow {
    /// Its id.
    pub campaign: String,
    /// Its name.
    pub name: String,
    /// Whether people made it; otherwise a run did.
    pub is_made: bool,
    /// Where it stands.
    pub status: ServingStatus,
    /// Currency of its amounts.
    pub currency: Option<Currency>,
    /// Auctions that it could take part in.
    pub auctions: u64,
    /// Those of them that it won.
    pub won: u64,
    /// What it delivered.
    pub delivery: Delivery,
    /// What a thousand impressions cost on average; `None` without any.
    pub mean_cpm: Option<Micros>,
    /// Most that it can spend; `None` until a run's own was played.
    pub budget: Option<Micros>,
    /// What an even spend would have come to by `hour`; `None` before it was played.
    pub planned: Option<Micros>,
    /// Spend over plan by that hour; `None` where nothing was planned.
    pub pace: Option<f64>,
    /// Logical hours since its beginning; `None` before it was played.
    pub hour: Option<f64>,
}

/// All campaigns of one currency together.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrencyMarket {
    /// The currency; `None` for runs that an older program wrote without one.
    pub currency: Option<Currency>,
    /// How many campaigns.
    pub campaigns: usize,
    /// Those of them that the market shows now.
    pub running: usize,
    /// Their auctions.
    pub auctions: u64,
    /// Those that they won.
    pub won: u64,
    /// What they delivered.
    pub delivery: Delivery,
    /// Most that they can spend.
    pub budget: Micros,
    /// What a thousand impressions cost on average; `None` without any.
    pub mean_cpm: Option<Micros>,
    /// Prices per thousand impressions; empty where no campaign tells them.
    pub prices: Vec<PriceQuantile>,
    /// Spend against plan by the hour, each campaign from its own beginning on, summed.
    pub pacing: Vec<PacePoint>,
}

/// The market as an organization sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MarketView {
    /// All auctions.
    pub auctions: u64,
    /// Those that were won.
    pub won: u64,
    /// By currency, in the order of their codes.
    pub currencies: Vec<CurrencyMarket>,
    /// Each campaign, in the order given.
    pub rows: Vec<CampaignRow>,
}

/// Auctions won of all, in [0, 1]; `None` of none.
#[must_use]
pub fn win_rate(won: u64, auctions: u64) -> Option<f64> {
    (auctions > 0).then(|| won as f64 / auctions as f64)
}

/// What a thousand impressions cost on average; `None` without any.
#[must_use]
pub fn mean_cpm(delivery: Delivery) -> Option<Micros> {
    let micros = (i128::from(delivery.spend.0) * 1_000).checked_div(i128::from(delivery.impressions))?;
    i64::try_from(micros).ok().map(Micros)
}

/// The market over campaigns that were played or are to be.
#[must_use]
pub fn market(campaigns: &[Campaign]) -> MarketView {
    let mut by_currency: BTreeMap<Option<&str>, Vec<&Campaign>> = BTreeMap::new();
    for campaign in campaigns {
        by_currency.entry(campaign.currency.map(Currency::code)).or_default().push(campaign);
    }
    let rows: Vec<CampaignRow> = campaigns.iter().map(row).collect();
    MarketView {
        auctions: rows.iter().map(|row| row.auctions).sum(),
        won: rows.iter().map(|row| row.won).sum(),
        currencies: by_currency.into_values().map(|own| of_currency(&own)).collect(),
        rows,
    }
}

/// A campaign's points with hours since its own beginning.
fn paced(campaign: &Campaign) -> Vec<PacePoint> {
    let course = campaign.report.as_ref().and_then(|report| report.course.as_ref());
    let points = course.map(|course| &*course.pacing).unwrap_or_default();
    // A run's own campaigns go on where the last generation ended; each begins with a day.
    let begun = points.first().map_or(0.0, |first| ((first.hour - 1e-6) / DAY_HOURS).floor() * DAY_HOURS);
    points.iter().map(|point| PacePoint { hour: point.hour - begun, ..*point }).collect()
}

fn row(campaign: &Campaign) -> CampaignRow {
    let report = campaign.report.as_ref();
    let delivery = campaign.delivered();
    let last = paced(campaign).last().copied();
    let pace = |point: PacePoint| {
        (point.planned > Micros::ZERO).then(|| point.spent.0 as f64 / point.planned.0 as f64)
    };
    CampaignRow {
        campaign: campaign.id.to_string(),
        name: campaign.name(),
        is_made: campaign.made.is_some(),
        status: campaign.status,
        currency: campaign.currency,
        auctions: report.map_or(0, |report| report.auctions),
        won: report.map_or(0, |report| report.won),
        delivery,
        mean_cpm: mean_cpm(delivery),
        budget: campaign.budget(),
        planned: last.map(|point| point.planned),
        pace: last.and_then(pace),
        hour: last.map(|point| point.hour),
    }
}

fn of_currency(campaigns: &[&Campaign]) -> CurrencyMarket {
    let rows: Vec<CampaignRow> = campaigns.iter().map(|campaign| row(campaign)).collect();
    let mut delivery = Delivery::default();
    for row in &rows {
        delivery.impressions += row.delivery.impressions;
        delivery.clicks += row.delivery.clicks;
        delivery.conversions += row.delivery.conversions;
        delivery.spend += row.delivery.spend;
    }
    let prices = |(campaign, row): (&&'_ Campaign, &CampaignRow)| {
        let course = campaign.report.as_ref()?.course.as_ref()?;
        let told = course.prices.clone();
        Some((told, row.delivery.impressions, row.auctions))
    };
    let told: Vec<_> = campaigns.iter().zip(&rows).filter_map(prices).collect();
    let weighted: Vec<WeightedPrices<'_>> = told
        .iter()
        .map(|(prices, impressions, auctions)| WeightedPrices {
            prices,
            impressions: *impressions,
            auctions: *auctions,
        })
        .collect();
    CurrencyMarket {
        currency: campaigns.first().and_then(|campaign| campaign.currency),
        campaigns: rows.len(),
        running: rows.iter().filter(|row| row.status == ServingStatus::Active).count(),
        auctions: rows.iter().map(|row| row.auctions).sum(),
        won: rows.iter().map(|row| row.won).sum(),
        delivery,
        budget: rows.iter().filter_map(|row| row.budget).sum(),
        mean_cpm: mean_cpm(delivery),
        prices: mixed(&weighted),
        pacing: together(&campaigns.iter().map(|campaign| paced(campaign)).collect::<Vec<_>>()),
    }
}

/// Sums by the hour; a campaign that has ended stays where it ended.
fn together(campaigns: &[Vec<PacePoint>]) -> Vec<PacePoint> {
    let hour_of = |point: &PacePoint| point.hour.round() as u32;
    let mut hours: Vec<u32> = campaigns.iter().flatten().map(hour_of).collect();
    hours.sort_unstable();
    hours.dedup();
    let at = |hour: u32| {
        let mut sum = PacePoint {
            hour: f64::from(hour),
            planned: Micros::ZERO,
            spent: Micros::ZERO,
            won: 0,
            impressions: 0,
        };
        for points in campaigns {
            let Some(point) = points.iter().rev().find(|point| hour_of(point) <= hour) else { continue };
            sum.planned += point.planned;
            sum.spent += point.spent;
            sum.won += point.won;
            sum.impressions += point.impressions;
        }
        sum
    };
    hours.into_iter().map(at).collect()
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

const fn whole(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Whole }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Number }
}

const CAMPAIGNS: &[Column] = &[
    text("source"),
    text("campaign"),
    text("name"),
    text("origin"),
    text("status"),
    text("currency"),
    whole("auctions"),
    whole("won"),
    number("win_rate"),
    whole("impressions"),
    whole("clicks"),
    whole("mean_cpm_micros"),
    whole("budget_micros"),
    whole("spend_micros"),
    whole("planned_micros"),
    number("pace"),
    number("hour"),
];

/// One row for each campaign.
#[must_use]
pub fn campaign_table(source: &str, view: &MarketView) -> Table {
    let cells = |row: &CampaignRow| -> Vec<Cell> {
        vec![
            source.into(),
            row.campaign.as_str().into(),
            row.name.as_str().into(),
            (if row.is_made { "people" } else { "run" }).into(),
            row.status.as_str().into(),
            row.currency.map(Currency::code).into(),
            row.auctions.into(),
            row.won.into(),
            win_rate(row.won, row.auctions).into(),
            row.delivery.impressions.into(),
            row.delivery.clicks.into(),
            row.mean_cpm.into(),
            row.budget.into(),
            row.delivery.spend.into(),
            row.planned.into(),
            row.pace.into(),
            row.hour.into(),
        ]
    };
    Table { columns: CAMPAIGNS, rows: view.rows.iter().map(cells).collect() }
}

const PRICES: &[Column] = &[
    text("source"),
    text("currency"),
    number("quantile"),
    whole("own_cpm_micros"),
    whole("market_cpm_micros"),
];

/// One row for each quantile of each currency.
#[must_use]
pub fn price_table(source: &str, view: &MarketView) -> Table {
    let cells = |own: &CurrencyMarket, price: &PriceQuantile| -> Vec<Cell> {
        vec![
            source.into(),
            own.currency.map(Currency::code).into(),
            price.quantile.into(),
            price.own_cpm.into(),
            price.market_cpm.into(),
        ]
    };
    let of = |own: &CurrencyMarket| own.prices.iter().map(|price| cells(own, price)).collect::<Vec<_>>();
    Table { columns: PRICES, rows: view.currencies.iter().flat_map(of).collect() }
}

const PACING: &[Column] = &[
    text("source"),
    text("currency"),
    number("hour"),
    whole("planned_micros"),
    whole("spent_micros"),
    whole("impressions"),
    whole("won"),
];

/// One row for each hour of each currency.
#[must_use]
pub fn pacing_table(source: &str, view: &MarketView) -> Table {
    let cells = |own: &CurrencyMarket, point: &PacePoint| -> Vec<Cell> {
        vec![
            source.into(),
            own.currency.map(Currency::code).into(),
            point.hour.into(),
            point.planned.into(),
            point.spent.into(),
            point.impressions.into(),
            point.won.into(),
        ]
    };
    let of = |own: &CurrencyMarket| own.pacing.iter().map(|point| cells(own, point)).collect::<Vec<_>>();
    Table { columns: PACING, rows: view.currencies.iter().flat_map(of).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(hour: f64, spent: i64) -> PacePoint {
        PacePoint { hour, planned: Micros(2 * spent), spent: Micros(spent), won: 3, impressions: 2 }
    }

    #[test]
    fn a_campaign_that_has_ended_stays_in_the_sum_where_it_ended() {
        let short = vec![point(1.0, 5), point(2.0, 9)];
        let long = vec![point(1.0, 1), point(2.0, 2), point(3.0, 4)];
        let sum = together(&[short, long]);
        let spent: Vec<(f64, i64)> = sum.iter().map(|point| (point.hour, point.spent.0)).collect();
        assert_eq!(spent, [(1.0, 6), (2.0, 11), (3.0, 13)]);
        assert!(together(&[]).is_empty());
    }

    #[test]
    fn of_no_auctions_no_rate_is_known() {
        assert_eq!((win_rate(0, 0), win_rate(1, 4)), (None, Some(0.25)));
        assert_eq!(mean_cpm(Delivery::default()), None);
        let shown = Delivery { impressions: 4, spend: Micros(10), ..Delivery::default() };
        assert_eq!(mean_cpm(shown), Some(Micros(2_500)));
        assert_eq!(market(&[]), MarketView::default());
    }
}
