//! Fits the audience's text taste and spread on real click tests.
//!
//! The model is componentwise boosting of stumps: each column is either "a structural feature is
//! above a threshold" or "the text holds this word", centred within its test, and each step moves
//! the column that explains most of what is left. It shares no parameters and no features with
//! the linear model on sentence embeddings that scores creatives.
//!
//! # Source
//! Bühlmann and Yu, "Boosting with the L2 loss", JASA 98 (2003). Weights and the 0.15² of extra
//! variance follow the usual logit working weights; the spread is a method-of-moments estimate.

use std::collections::BTreeMap;

use crate::audience::card::{Card, FitReport, Stump, WordTaste};
use crate::error::Error;
use crate::text;

/// One shown text of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestedText {
    /// The headline.
    pub text: String,
    /// Everything that was shown with it (headline, picture, small print) in any form that is
    /// equal for equal packages; twins of one test tell how noisy its counts are.
    pub package: String,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
}

/// One randomized test: several texts shown to the same audience.
#[derive(Debug, Clone, PartialEq)]
pub struct ClickTest {
    /// Id of the test; folds of the cross-validation follow its hash.
    pub id: String,
    /// Its texts, at least two.
    pub texts: Vec<TestedText>,
}

/// Fewest tests a fit accepts.
pub const MIN_TESTS: usize = 100;
/// Folds of the cross-validation, by test.
const FOLDS: usize = 10;
/// Most boosting steps tried.
const MAX_STEPS: usize = 1_000;
/// Share of the best column's step that is taken.
const RATE: f64 = 0.3;
/// Texts that must hold a word before it may be a column.
const MIN_WORD_TEXTS: usize = 15;
/// Ridge on each column, in units of the mean weight.
const RIDGE: f64 = 10.0;
/// Thresholds tried for each structural feature.
const MAX_THRESHOLDS: usize = 10;
/// Variance between texts that the weights assume beside binomial noise (log-odds squared).
const EXTRA_VARIANCE: f64 = 0.15 * 0.15;

#[derive(Debug, Clone, PartialEq)]
enum Column {
    Above { feature: usize, threshold: f64 },
    Word(String),
}

struct Design {
    columns: Vec<Column>,
    /// Column-major, centred within tests with the weights.
    values: Vec<Vec<f64>>,
    target: Vec<f64>,
    weight: Vec<f64>,
    fold: Vec<usize>,
}

/// Fits an audience; equal tests in equal order give an equal card.
///
/// # Errors
/// [`Error::Fit`]: fewer than [`MIN_TESTS`] usable tests (two texts with impressions), or texts
/// that differ by no more than chance.
pub fn fit(tests: &[ClickTest]) -> Result<Card, Error> {
    let usable: Vec<ClickTest> = tests
        .iter()
        .map(|test| ClickTest {
            id: test.id.clone(),
            texts: test
                .texts
                .iter()
                .filter(|text| text.impressions > 0 && text.clicks <= text.impressions)
                .cloned()
                .collect(),
        })
        .filter(|test| test.texts.len() > 1)
        .collect();
    if usable.len() < MIN_TESTS {
        return Err(Error::Fit(format!("{} usable tests, {MIN_TESTS} are needed", usable.len())));
    }
    let noise = twin_variance(&usable);
    let spread =
        (variance_between(usable.iter().map(|test| test.texts.iter().collect())) - noise).max(0.0).sqrt();
    if spread <= 0.0 {
        return Err(Error::Fit("the texts differ by no more than chance".to_owned()));
    }
    let design = design(&usable);
    let (steps, slope, explained) = cross_validate(&design);
    let every = vec![true; design.target.len()];
    let coefficients = boost(&design, &every, steps, |_, _| {});
    // Centring leaves texts − tests degrees of freedom, which is what the spread is per.
    let texts = design.target.len() as f64;
    let share = explained * texts / (texts - usable.len() as f64) / (spread * spread);
    let share = share.clamp(0.0, 1.0);
    let mut stumps = Vec::new();
    let mut words = Vec::new();
    for (column, coefficient) in design.columns.iter().zip(&coefficients) {
        let weight = rounded(coefficient * slope);
        match column {
            _ if weight == 0.0 => {}
            Column::Above { feature, threshold } => stumps.push(Stump {
                feature: text::FEATURES[*feature].to_owned(),
                above: rounded(*threshold),
                weight,
            }),
            Column::Word(word) => words.push(WordTaste { word: word.clone(), weight }),
        }
    }
    let report = FitReport {
        source: "Upworthy Research Archive (Matias et al., Scientific Data 2021, osf.io/jd64p, CC BY 4.0), \
                 exploratory tests; train tests not flagged suspect with blake3(test id)[0] < 64"
            .to_owned(),
        tests: usable.len() as u64,
        texts: design.target.len() as u64,
        folds: FOLDS as u64,
        steps: steps as u64,
        twin_spread: rounded(noise.sqrt()),
        spread: rounded(spread),
        cross_validated_share: rounded(share),
    };
    Ok(Card::from_fit(report, stumps, words))
}

/// Variance of the log-odds between texts that were shown in identical packages in one test.
///
/// It would be 0 if clicks were independent draws; what is left is noise of the tests themselves
/// (repeated views, uneven traffic) and no quality of any text, so the spread is cleared of it.
fn twin_variance(tests: &[ClickTest]) -> f64 {
    let mut twins: BTreeMap<(usize, &str), Vec<&TestedText>> = BTreeMap::new();
    for (idx, test) in tests.iter().enumerate() {
        for text in &test.texts {
            twins.entry((idx, &text.package)).or_default().push(text);
        }
    }
    variance_between(twins.into_values()).max(0.0)
}

/// Variance of the true log-odds within a group, binomial noise removed, by the method of moments;
/// 0 where no group tells anything.
///
/// For a group of K texts, g its pooled click rate and w = n g (1 − g) the inverse noise variance
/// of each text's log-odds y, Q = Σ w (y − ȳ)² has the expectation
/// K − 1 + variance × (Σ w − Σ w² / Σ w). Sums run over all groups before dividing, so groups weigh
/// by what they tell. Groups without a click are left out.
///
/// # Source
/// DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986).
fn variance_between<'a>(groups: impl Iterator<Item = Vec<&'a TestedText>>) -> f64 {
    let (mut excess, mut room) = (0.0, 0.0);
    for texts in groups.filter(|texts| texts.len() > 1) {
        let impressions: f64 = texts.iter().map(|text| text.impressions as f64).sum();
        let rate = texts.iter().map(|text| text.clicks as f64).sum::<f64>() / impressions;
        if rate <= 0.0 || rate >= 1.0 {
            continue;
        }
        let rows: Vec<(f64, f64)> = texts
            .iter()
            .map(|text| (observed(text).0, text.impressions as f64 * rate * (1.0 - rate)))
            .collect();
        let total: f64 = rows.iter().map(|(_, w)| w).sum();
        let mean = rows.iter().map(|(y, w)| y * w).sum::<f64>() / total;
        let scatter: f64 = rows.iter().map(|(y, w)| w * (y - mean) * (y - mean)).sum();
        excess += scatter - (rows.len() as f64 - 1.0);
        room += total - rows.iter().map(|(_, w)| w * w).sum::<f64>() / total;
    }
    if room > 0.0 { excess / room } else { 0.0 }
}

/// Observed log-odds of a text and the variance of its noise.
fn observed(text: &TestedText) -> (f64, f64) {
    let n = text.impressions as f64;
    let rate = (text.clicks as f64 + 0.5) / (n + 1.0);
    ((rate / (1.0 - rate)).ln(), 1.0 / (n * rate * (1.0 - rate)))
}

fn design(tests: &[ClickTest]) -> Design {
    let texts: Vec<&str> = tests.iter().flat_map(|test| &test.texts).map(|text| text.text.as_str()).collect();
    let structures: Vec<_> = texts.iter().map(|text| text::structure(text)).collect();
    let words: Vec<Vec<String>> = texts.iter().map(|text| text::words(text)).collect();
    let mut columns = Vec::new();
    let mut values: Vec<Vec<f64>> = Vec::new();
    for feature in 0..text::FEATURES.len() {
        let mut seen: Vec<f64> = structures.iter().map(|row| row[feature]).collect();
        seen.sort_by(f64::total_cmp);
        let mut thresholds: Vec<f64> =
            (1..=MAX_THRESHOLDS).map(|i| seen[i * (seen.len() - 1) / (MAX_THRESHOLDS + 1)]).collect();
        thresholds.dedup();
        // A flag that is rarely set has all its quantiles at 0; one threshold above 0 is kept.
        if seen.first() != seen.last() && !thresholds.contains(&seen[0]) {
            thresholds.insert(0, seen[0]);
        }
        for threshold in thresholds {
            if threshold < seen[seen.len() - 1] {
                columns.push(Column::Above { feature, threshold });
                values.push(structures.iter().map(|row| f64::from(row[feature] > threshold)).collect());
            }
        }
    }
    let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, list) in words.iter().enumerate() {
        for word in list {
            let rows = holders.entry(word).or_default();
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
    }
    for (word, rows) in holders {
        if rows.len() >= MIN_WORD_TEXTS {
            let mut column = vec![0.0; texts.len()];
            for row in rows {
                column[row] = 1.0;
            }
            columns.push(Column::Word(word.to_owned()));
            values.push(column);
        }
    }
    center(tests, columns, values)
}

fn center(tests: &[ClickTest], columns: Vec<Column>, mut values: Vec<Vec<f64>>) -> Design {
    let mut target = Vec::new();
    let mut weight = Vec::new();
    let mut fold = Vec::new();
    let mut bounds = Vec::new();
    for test in tests {
        let start = target.len();
        for text in &test.texts {
            let (y, noise) = observed(text);
            target.push(y);
            weight.push(1.0 / (noise + EXTRA_VARIANCE));
            fold.push(usize::from(blake3::hash(test.id.as_bytes()).as_bytes()[1]) % FOLDS);
        }
        bounds.push(start..target.len());
    }
    let remove_mean = |column: &mut [f64], weight: &[f64]| {
        for range in &bounds {
            let total: f64 = weight[range.clone()].iter().sum();
            let sum: f64 = range.clone().map(|row| weight[row] * column[row]).sum();
            for value in &mut column[range.clone()] {
                *value -= sum / total;
            }
        }
    };
    remove_mean(&mut target, &weight);
    for column in &mut values {
        remove_mean(column, &weight);
    }
    Design { columns, values, target, weight, fold }
}

/// Boosts on the rows of `rows`; `after(step, prediction)` sees every step's prediction for all rows.
fn boost(design: &Design, rows: &[bool], steps: usize, mut after: impl FnMut(usize, &[f64])) -> Vec<f64> {
    let n = design.target.len();
    let weight: Vec<f64> = (0..n).map(|row| if rows[row] { design.weight[row] } else { 0.0 }).collect();
    let ridge = RIDGE * design.weight.iter().sum::<f64>() / n as f64;
    let norms: Vec<f64> = design
        .values
        .iter()
        .map(|column| column.iter().zip(&weight).map(|(x, w)| w * x * x).sum::<f64>() + ridge)
        .collect();
    let mut coefficients = vec![0.0; design.columns.len()];
    let mut prediction = vec![0.0; n];
    for step in 1..=steps {
        let residual: Vec<f64> =
            (0..n).map(|row| weight[row] * (design.target[row] - prediction[row])).collect();
        let mut best = (0, 0.0, 0.0);
        for (idx, column) in design.values.iter().enumerate() {
            let moment: f64 = column.iter().zip(&residual).map(|(x, r)| x * r).sum();
            let gain = moment * moment / norms[idx];
            if gain > best.1 {
                best = (idx, gain, moment / norms[idx]);
            }
        }
        let (idx, _, move_by) = best;
        coefficients[idx] += RATE * move_by;
        for (sum, x) in prediction.iter_mut().zip(&design.values[idx]) {
            *sum += RATE * move_by * x;
        }
        after(step, &prediction);
    }
    coefficients
}

/// Chooses the number of steps; returns it with the slope that makes held-out predictions
/// unbiased and the variance of the true log-odds that they then explain.
///
/// With f the held-out prediction and y the observed log-odds, both centred, the slope is
/// cov(f, y) / var(f) and the explained variance cov(f, y)² / var(f): noise in y is independent of
/// f, so it does not enter the covariance. Rows carry the weights of the fit; the variance is per
/// row.
fn cross_validate(design: &Design) -> (usize, f64, f64) {
    let n = design.target.len();
    let mut held_out = vec![vec![0.0; n]; MAX_STEPS + 1];
    for fold in 0..FOLDS {
        let rows: Vec<bool> = design.fold.iter().map(|other| *other != fold).collect();
        boost(design, &rows, MAX_STEPS, |step, prediction| {
            for row in 0..n {
                if !rows[row] {
                    held_out[step][row] = prediction[row];
                }
            }
        });
    }
    let mut best = (0, 0.0, 0.0);
    let total: f64 = design.weight.iter().sum();
    for (step, prediction) in held_out.iter().enumerate() {
        let rows = prediction.iter().zip(&design.target).zip(&design.weight);
        let (cross, square) =
            rows.fold((0.0, 0.0), |(cross, square), ((f, y), w)| (cross + w * f * y, square + w * f * f));
        if square > 0.0 && cross > 0.0 && cross * cross / square / total > best.2 {
            best = (step, cross / square, cross * cross / square / total);
        }
    }
    best
}

/// Six decimals: the card stays short and does not hang on the last bit of a logarithm.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;

    /// Tests of four texts whose log-odds are `text_effect` for a question plus `sd` × normal.
    fn synthetic(tests: u64, question: f64, sd: f64) -> Vec<ClickTest> {
        let stream = Stream::new(11, "synthetic tests");
        (0..tests)
            .map(|test| ClickTest {
                id: format!("test-{test}"),
                texts: (0..4_u64)
                    .map(|row| {
                        let asks = row % 2 == 0;
                        let draws = stream.child(test).child(row);
                        let log_odds = -4.2 + if asks { question } else { 0.0 } + sd * draws.normal(0);
                        let rate = 1.0 / (1.0 + (-log_odds).exp());
                        let impressions = 20_000_u64;
                        let clicks =
                            (0..impressions).filter(|i| draws.child(1).uniform(*i) < rate).count() as u64;
                        let text = if asks { "coffee roasted today?" } else { "coffee roasted today" };
                        let package = format!("{text} {row}");
                        TestedText { text: text.to_owned(), package, impressions, clicks }
                    })
                    .collect(),
            })
            .collect()
    }

    #[test]
    fn spread_and_share_are_recovered() {
        let card = fit(&synthetic(200, 0.2, 0.15)).unwrap();
        // Two and two texts differ by 0.2: a sample variance of 0.2² / 3 beside 0.15².
        let truth = (0.15_f64.powi(2) + 0.04 / 3.0).sqrt();
        assert!((card.fit.spread / truth - 1.0).abs() < 0.1, "{} {truth}", card.fit.spread);
        assert!(card.text.stumps.iter().any(|stump| stump.feature == "question_marks"));
        let sum: f64 = card.text.stumps.iter().map(|stump| stump.weight).sum();
        assert!((sum - 0.2).abs() < 0.04, "{sum}");
    }

    #[test]
    fn noise_between_identical_packages_is_no_spread() {
        let mut tests = synthetic(200, 0.0, 0.15);
        let noisy = fit(&tests).unwrap();
        assert_eq!(noisy.fit.twin_spread, 0.0);
        for test in &mut tests {
            // The first two texts become twins: all four differ by noise alone.
            test.texts[1].package = test.texts[0].package.clone();
        }
        let twins = fit(&tests);
        let spread = twins.map_or(0.0, |card| card.fit.spread);
        assert!(spread < 0.06, "{spread}");
    }

    #[test]
    fn a_fit_repeats_exactly() {
        let tests = synthetic(120, 0.1, 0.15);
        assert_eq!(fit(&tests).unwrap(), fit(&tests).unwrap());
    }

    #[test]
    fn too_little_data_is_refused() {
        assert!(matches!(fit(&synthetic(20, 0.1, 0.1)), Err(Error::Fit(_))));
    }
}
