//! Predicted against realized click rates: whether the click models can be believed, by model and by bins of
//! what they predict.

use spotwright_core::domain::report::{Cell, Column, ColumnKind, Exposure, Table};
use spotwright_experiment::interval::{Counts, Interval, wilson};

/// Confidence of intervals.
const CONFIDENCE: f64 = 0.95;

/// Name of the row that is all models together.
pub const ALL_MODELS: &str = "all";

/// Ads of about equal predictions, with about as many impressions as those of every other bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lowest and highest prediction in it.
    pub predicted: [f64; 2],
    /// How many ads.
    pub ads: usize,
    /// Their impressions; above 0.
    pub impressions: u64,
    /// Their clicks.
    pub clicks: u64,
    /// Mean prediction, weighted by impressions.
    pub predicted_ctr: f64,
    /// Clicks per impression with their interval.
    pub ctr: Interval,
}

/// How a model's predictions turned out.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCalibration {
    /// Id of the model, or [`ALL_MODELS`].
    pub model: String,
    /// How many ads were shown.
    pub ads: usize,
    /// Their impressions.
    pub impressions: u64,
    /// Their clicks.
    pub clicks: u64,
    /// Mean prediction, weighted by impressions; `None` without any.
    pub predicted_ctr: Option<f64>,
    /// Clicks per impression; `None` without any.
    pub ctr: Option<f64>,
    /// Predicted over realized clicks with its interval, which the realized ones make; `None` without clicks.
    pub ratio: Option<[f64; 3]>,
    /// Mean distance between predicted and realized rates of the bins, weighted by impressions; `None`
    /// without any.
    pub error: Option<f64>,
    /// Share of ads whose realized rate's interval meets the predicted one, in [0, 1]; `None` without ads.
    pub within_interval: Option<f64>,
    /// Bins by ascending prediction.
    pub bins: Vec<Bin>,
}

/// An ad that was scored and shown.
#[derive(Clone, Copy)]
struct Ad<'a> {
    model: &'a str,
    predicted: f64,
    interval: [f64; 2],
    impressions: u64,
    clicks: u64,
}

/// How predictions turned out, all models together first, then each by its id. Ads that were never shown, and
/// those without a score, are left out. At most `bins` bins each; fewer where there are fewer ads.
#[must_use]
pub fn calibration(exposures: &[Exposure], bins: usize) -> Vec<ModelCalibration> {
    let ad = |shown: &'_ Exposure| -> Option<(String, f64, [f64; 2], u64, u64)> {
        let score = shown.body.score.as_ref().filter(|_| shown.impressions > 0)?;
        Some((
            score.model.clone(),
            score.predicted_ctr,
            score.interval,
            shown.impressions,
            shown.clicks.min(shown.impressions),
        ))
    };
    let told: Vec<_> = exposures.iter().filter_map(ad).collect();
    let mut ads: Vec<Ad<'_>> = told
        .iter()
        .map(|(model, predicted, interval, impressions, clicks)| Ad {
            model,
            predicted: *predicted,
            interval: *interval,
            impressions: *impressions,
            clicks: *clicks,
        })
        .collect();
    ads.sort_by(|a, b| a.predicted.total_cmp(&b.predicted).then(a.model.cmp(b.model)));
    let mut models: Vec<&str> = ads.iter().map(|ad| ad.model).collect();
    models.sort_unstable();
    models.dedup();
    let mut rows = vec![of_model(ALL_MODELS, &ads, bins)];
    for model in models {
        let own: Vec<Ad<'_>> = ads.iter().filter(|ad| ad.model == model).copied().collect();
        rows.push(of_model(model, &own, bins));
    }
    rows
}

fn of_model(model: &str, ads: &[Ad<'_>], bins: usize) -> ModelCalibration {
    let (impressions, clicks) = sums(ads);
    let predicted_clicks: f64 = ads.iter().map(|ad| ad.predicted * ad.impressions as f64).sum();
    let is_shown = impressions > 0;
    let bins = binned(ads, impressions, bins);
    let distance = |bin: &Bin| (bin.predicted_ctr - bin.ctr.estimate).abs() * bin.impressions as f64;
    ModelCalibration {
        model: model.to_owned(),
        ads: ads.len(),
        impressions,
        clicks,
        predicted_ctr: is_shown.then(|| predicted_clicks / impressions as f64),
        ctr: is_shown.then(|| clicks as f64 / impressions as f64),
        ratio: ratio(predicted_clicks, impressions, clicks),
        error: is_shown.then(|| bins.iter().map(distance).sum::<f64>() / impressions as f64),
        within_interval: (!ads.is_empty())
            .then(|| ads.iter().filter(|ad| meets(ad)).count() as f64 / ads.len() as f64),
        bins,
    }
}

fn sums(ads: &[Ad<'_>]) -> (u64, u64) {
    (ads.iter().map(|ad| ad.impressions).sum(), ads.iter().map(|ad| ad.clicks).sum())
}

fn interval(impressions: u64, clicks: u64) -> Option<Interval> {
    wilson(Counts::new(impressions, clicks).ok()?, CONFIDENCE).ok()
}

fn ratio(predicted_clicks: f64, impressions: u64, clicks: u64) -> Option<[f64; 3]> {
    let rate = interval(impressions, clicks).filter(|_| clicks > 0)?;
    let of = |rate: f64| predicted_clicks / (rate * impressions as f64);
    Some([of(rate.estimate), of(rate.high), of(rate.low)])
}

fn meets(ad: &Ad<'_>) -> bool {
    interval(ad.impressions, ad.clicks)
        .is_some_and(|rate| rate.low <= ad.interval[1] && ad.interval[0] <= rate.high)
}

/// Cuts ads, which are in the order of their predictions, where the middle of an ad's impressions passes the
/// next share of all.
fn binned(ads: &[Ad<'_>], impressions: u64, bins: usize) -> Vec<Bin> {
    let mut groups: Vec<(usize, Vec<Ad<'_>>)> = Vec::new();
    let mut before: u64 = 0;
    for ad in ads {
        let middle = 2 * u128::from(before) + u128::from(ad.impressions);
        let place = middle * bins as u128 / (2 * u128::from(impressions)).max(1);
        let place = usize::try_from(place).unwrap_or(bins).min(bins.saturating_sub(1));
        before += ad.impressions;
        match groups.last_mut() {
            Some((last, own)) if *last == place => own.push(*ad),
            _ => groups.push((place, vec![*ad])),
        }
    }
    groups.iter().filter_map(|(_, own)| bin(own)).collect()
}

fn bin(ads: &[Ad<'_>]) -> Option<Bin> {
    let (impressions, clicks) = sums(ads);
    let weighted: f64 = ads.iter().map(|ad| ad.predicted * ad.impressions as f64).sum();
    Some(Bin {
        predicted: [ads.first()?.predicted, ads.last()?.predicted],
        ads: ads.len(),
        impressions,
        clicks,
        predicted_ctr: weighted / impressions as f64,
        ctr: interval(impressions, clicks)?,
    })
}

/// Columns of the table of bins.
const COLUMNS: &[Column] = &[
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "model", kind: ColumnKind::Text },
    Column { name: "bin", kind: ColumnKind::Whole },
    Column { name: "predicted_low", kind: ColumnKind::Number },
    Column { name: "predicted_high", kind: ColumnKind::Number },
    Column { name: "ads", kind: ColumnKind::Whole },
    Column { name: "impressions", kind: ColumnKind::Whole },
    Column { name: "clicks", kind: ColumnKind::Whole },
    Column { name: "predicted_ctr", kind: ColumnKind::Number },
    Column { name: "ctr", kind: ColumnKind::Number },
    Column { name: "ctr_low", kind: ColumnKind::Number },
    Column { name: "ctr_high", kind: ColumnKind::Number },
];

/// One row for each bin of each model.
#[must_use]
pub fn table(source: &str, models: &[ModelCalibration]) -> Table {
    let row = |model: &ModelCalibration, number: u64, bin: &Bin| -> Vec<Cell> {
        vec![
            source.into(),
            model.model.as_str().into(),
            number.into(),
            bin.predicted[0].into(),
            bin.predicted[1].into(),
            (bin.ads as u64).into(),
            bin.impressions.into(),
            bin.clicks.into(),
            bin.predicted_ctr.into(),
            bin.ctr.estimate.into(),
            bin.ctr.low.into(),
            bin.ctr.high.into(),
        ]
    };
    let of_model = |model: &ModelCalibration| -> Vec<Vec<Cell>> {
        model.bins.iter().zip(1..).map(|(bin, number)| row(model, number, bin)).collect()
    };
    Table { columns: COLUMNS, rows: models.iter().flat_map(of_model).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ad(predicted: f64, impressions: u64, clicks: u64) -> Ad<'static> {
        Ad { model: "m", predicted, interval: [predicted * 0.8, predicted * 1.2], impressions, clicks }
    }

    #[test]
    fn bins_hold_about_equal_impressions_and_every_ad_once() {
        let ads: Vec<Ad<'_>> = (1..=20).map(|n| ad(f64::from(n) / 1_000.0, 1_000, 10)).collect();
        let row = of_model("m", &ads, 10);
        assert_eq!(row.bins.len(), 10);
        assert!(row.bins.iter().all(|bin| bin.ads == 2 && bin.impressions == 2_000));
        assert!(row.bins.windows(2).all(|pair| pair[0].predicted[1] <= pair[1].predicted[0]));
        let few = of_model("m", &ads[..3], 10);
        assert_eq!(few.bins.iter().map(|bin| bin.ads).sum::<usize>(), 3);
        // An ad with most of the impressions stays whole.
        let one = of_model("m", &[ad(0.01, 90_000, 900), ad(0.02, 10, 1)], 4);
        assert_eq!(one.bins.iter().map(|bin| bin.ads).sum::<usize>(), 2);
    }

    #[test]
    fn a_model_that_is_right_has_a_ratio_of_one_and_one_that_promises_double_has_two() {
        let right = of_model("m", &[ad(0.02, 10_000, 200), ad(0.04, 10_000, 400)], 10);
        let [ratio, low, high] = right.ratio.unwrap();
        assert!((ratio - 1.0).abs() < 1e-9 && low < 1.0 && 1.0 < high, "{ratio} {low} {high}");
        assert!(right.error.unwrap() < 1e-9);
        assert_eq!(right.within_interval, Some(1.0));
        let double = of_model("m", &[ad(0.04, 10_000, 200)], 10);
        assert!((double.ratio.unwrap()[0] - 2.0).abs() < 1e-9);
        assert_eq!(double.within_interval, Some(0.0));
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        let rows = calibration(&[], 10);
        assert_eq!(rows.len(), 1);
        let all = &rows[0];
        assert_eq!((all.ads, all.ctr, all.ratio, all.error), (0, None, None, None));
        assert!(all.bins.is_empty() && table("simulated", &rows).rows.is_empty());
        let unclicked = of_model("m", &[ad(0.01, 100, 0)], 10);
        assert_eq!((unclicked.ratio, unclicked.ctr), (None, Some(0.0)));
    }
}
