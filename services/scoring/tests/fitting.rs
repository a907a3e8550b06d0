//! Fitting: a known taste is found again, twice the same, and the audience's tests leave no trace.

use std::sync::Arc;

use spotwright_schemas::random::Stream;
use spotwright_scoring::Error;
use spotwright_scoring::card::fit_with_card;
use spotwright_scoring::data::{ClickTestRow, Split, audience_share};
use spotwright_scoring::design::{N_FOLDS, fold_of};
use spotwright_scoring::lessons::Opinions;
use spotwright_scoring::metrics::ranking;
use spotwright_scoring::refit::refit;
use spotwright_scoring::train::{Settings, TrainingTests, archive_scores, fit};

const DIMENSIONS: usize = 6;

/// Tests of five variants whose log-odds are level + taste · vector, with binomial clicks
/// approximated by their rounded mean plus Gaussian noise.
fn simulated(n_tests: usize) -> (Vec<ClickTestRow>, Vec<Arc<[f32]>>, Vec<f64>) {
    let draws = Stream::new(11, "fitting");
    let taste = [0.8, -0.5, 0.3, 0.0, 0.0, 0.2];
    let (mut rows, mut vectors, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for test in 0..n_tests {
        let of_test = draws.child(test as u64);
        let level = -4.2 + 0.4 * of_test.normal(0);
        for variant in 0..5_u64 {
            let of_variant = of_test.child(1 + variant);
            let raw: Vec<f64> = (0..DIMENSIONS as u64).map(|column| of_variant.normal(column)).collect();
            let length = raw.iter().map(|value| value * value).sum::<f64>().sqrt();
            let vector: Vec<f32> = raw.iter().map(|value| (value / length) as f32).collect();
            let appeal: f64 = vector.iter().zip(taste).map(|(value, taste)| f64::from(*value) * taste).sum();
            let rate = 1.0 / (1.0 + (-(level + appeal + 0.1 * of_variant.normal(90))).exp());
            let impressions = 4_000.0;
            let clicks = impressions * rate + (impressions * rate).sqrt() * of_variant.normal(91);
            rows.push(ClickTestRow {
                test_id: format!("test-{test}"),
                headline: format!("headline {test} {variant}"),
                lede: String::new(),
                eyecatcher_id: String::new(),
                impressions: impressions as u64,
                clicks: clicks.max(0.0) as u64,
                split: [Split::Train, Split::Train, Split::Valid, Split::Test][test % 4],
                suspect: test % 8 == 0,
                week: 201_401,
            });
            vectors.push(Arc::from(vector));
            truth.push(appeal);
        }
    }
    (rows, vectors, truth)
}

fn settings() -> Settings {
    Settings::new("simulated", 1, TrainingTests::WithoutAudience)
}

/// Of `scores` and `truth` over `rows`.
fn correlation(rows: &[usize], scores: &[f64], truth: &[f64]) -> f64 {
    let mean = |values: &[f64]| rows.iter().map(|&idx| values[idx]).sum::<f64>() / rows.len() as f64;
    let (mean_score, mean_truth) = (mean(scores), mean(truth));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for &idx in rows {
        let (x, y) = (scores[idx] - mean_score, truth[idx] - mean_truth);
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    xy / (xx * yy).sqrt()
}

#[test]
fn a_known_taste_is_found_and_ranks_unseen_tests() {
    let (rows, vectors, truth) = simulated(400);
    let fitted = fit(&rows, &vectors, &settings(), None).unwrap();
    let (layer, report) = (fitted.layer, fitted.report);
    let scores = archive_scores(&layer, &rows, &vectors).unwrap();
    let of_test: Vec<usize> = (0..rows.len()).filter(|&idx| rows[idx].split == Split::Test).collect();
    assert!(correlation(&of_test, &scores, &truth) > 0.95, "{report:?}");
    assert!((0.05..=0.15).contains(&layer.priors().residual_sd), "{:?}", layer.priors());
    assert!((0.010..0.020).contains(&layer.priors().level_ctr), "{:?}", layer.priors());
}

#[test]
fn fitting_twice_gives_identical_files() {
    let (rows, vectors, _) = simulated(120);
    let fit = || {
        let (bytes, card) = fit_with_card(&rows, &vectors, &settings(), None, "none".to_owned(), 7).unwrap();
        (bytes, serde_json::to_string(&card).unwrap())
    };
    assert_eq!(fit(), fit());
}

#[test]
fn clicks_of_the_audience_and_of_the_test_split_leave_no_trace() {
    let (rows, vectors, _) = simulated(200);
    let mut changed = rows.clone();
    let mut n_changed = 0;
    for row in &mut changed {
        if audience_share(&row.test_id) || row.split == Split::Test {
            row.clicks = row.impressions / 2;
            n_changed += 1;
        }
    }
    assert!(n_changed > 100);
    let bytes =
        |rows: &[ClickTestRow]| fit(rows, &vectors, &settings(), None).unwrap().layer.to_bytes().unwrap();
    assert_eq!(bytes(&rows), bytes(&changed));
}

#[test]
fn fitting_again_keeps_what_was_chosen_and_learns_from_more_tests() {
    let (rows, vectors, truth) = simulated(120);
    let fitted = fit(&rows, &vectors, &settings(), None).unwrap();
    let scores = |splits: &[Split]| {
        let layer = refit(&fitted, &rows, &vectors, splits).unwrap();
        assert_eq!(layer.priors(), fitted.layer.priors());
        archive_scores(&layer, &rows, &vectors).unwrap()
    };
    let first = archive_scores(&fitted.layer, &rows, &vectors).unwrap();
    let again = scores(&[Split::Train]);
    assert!(first.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-9), "the same rows, the same weights");
    let more = scores(&[Split::Train, Split::Valid]);
    let of_test: Vec<usize> = (0..rows.len()).filter(|&idx| rows[idx].split == Split::Test).collect();
    assert!(correlation(&of_test, &more, &truth) > correlation(&of_test, &first, &truth));

    let taught = fit(&rows, &blurred(&vectors), &settings(), Some(&fitted.opinions)).unwrap();
    for (fitted, splits) in [(&taught, &[Split::Train][..]), (&fitted, &[])] {
        assert!(matches!(refit(fitted, &rows, &vectors, splits), Err(Error::Fit(_))));
    }
}

/// Vectors that show only the first columns of `vectors`, with noise: what a smaller encoder sees.
fn blurred(vectors: &[Arc<[f32]>]) -> Vec<Arc<[f32]>> {
    let draws = Stream::new(12, "blurred");
    let blur = |(row, vector): (usize, &Arc<[f32]>)| -> Arc<[f32]> {
        let of_row = draws.child(row as u64);
        vector.iter().enumerate().map(|(idx, value)| value + 0.3 * of_row.normal(idx as u64) as f32).collect()
    };
    vectors.iter().enumerate().map(blur).collect()
}

#[test]
fn a_teacher_that_sees_more_makes_a_better_ranker() {
    let (mut rows, vectors, truth) = simulated(240);
    // Few impressions, so that clicks alone teach little.
    for row in &mut rows {
        (row.impressions, row.clicks) = (row.impressions / 8, row.clicks / 8);
    }
    let teacher = Opinions {
        encoder: "oracle".to_owned(),
        tests: TrainingTests::WithoutAudience,
        by_held_out: vec![truth.clone(); N_FOLDS + 1],
    };
    let agreement = |teacher| {
        let settings = Settings { structure_scales: vec![0.0], ..settings() };
        let fitted = fit(&rows, &vectors, &settings, teacher).unwrap();
        let scores = archive_scores(&fitted.layer, &rows, &vectors).unwrap();
        let of_test: Vec<usize> = (0..rows.len()).filter(|&idx| rows[idx].split == Split::Test).collect();
        correlation(&of_test, &scores, &truth)
    };
    let (alone, helped) = (agreement(None), agreement(Some(&teacher)));
    assert!(1.0 - helped < 0.5 * (1.0 - alone), "{alone} {helped}");
}

#[test]
fn opinions_move_the_weights_and_not_the_uncertainty() {
    let (rows, vectors, _) = simulated(120);
    let blurred = blurred(&vectors);
    let opinions = fit(&rows, &vectors, &settings(), None).unwrap().opinions;
    let layer = |teacher| fit(&rows, &blurred, &settings(), teacher).unwrap().layer;
    let (alone, heard) = (layer(None), layer(Some(&opinions)));
    assert_ne!(alone.weights(), heard.weights());
    let columns = alone.columns(&blurred[0], &rows[0].headline);
    assert_eq!(alone.whiten(&columns), heard.whiten(&columns));
}

#[test]
fn an_opinion_never_comes_from_the_clicks_it_is_judged_by() {
    let (rows, vectors, _) = simulated(120);
    let fitted = |row: &ClickTestRow| row.split == Split::Train && !audience_share(&row.test_id);
    let in_fold: Vec<usize> =
        (0..rows.len()).filter(|&idx| fitted(&rows[idx]) && fold_of(&rows[idx].test_id) == 2).collect();
    // Clicks change places, so that the mean weight, the unit of the penalty, stays what it is.
    let mut changed = rows.clone();
    for (&idx, &other) in in_fold.iter().zip(in_fold.iter().rev()) {
        changed[idx].clicks = rows[other].clicks;
    }
    let settings = Settings { penalties: vec![10.0], structure_scales: vec![0.0], ..settings() };
    let opinions = |rows: &[ClickTestRow]| fit(rows, &vectors, &settings, None).unwrap().opinions;
    let (before, after) = (opinions(&rows), opinions(&changed));
    for held_out in 0..=N_FOLDS {
        let pairs = before.by_held_out[held_out].iter().zip(&after.by_held_out[held_out]);
        let difference = pairs.map(|(before, after)| (before - after).abs()).fold(0.0, f64::max);
        assert_eq!(difference < 1e-9, held_out == 2, "without fold {held_out}: {difference}");
    }
}

#[test]
fn a_teacher_of_other_tests_is_refused() {
    let (rows, vectors, _) = simulated(120);
    let (more, more_vectors, _) = simulated(124);
    let opinions = fit(&rows, &vectors, &settings(), None).unwrap().opinions;
    let refused = fit(&more, &more_vectors, &settings(), Some(&opinions));
    assert!(matches!(refused, Err(Error::Fit(_))));
    // One that has seen the audience's tests would pass them on.
    let whole = Settings::new("simulated", 1, TrainingTests::Whole);
    let opinions = fit(&rows, &vectors, &whole, None).unwrap().opinions;
    assert!(matches!(fit(&rows, &vectors, &settings(), Some(&opinions)), Err(Error::Fit(_))));
}

#[test]
fn too_few_rows_and_mismatched_vectors_are_errors() {
    let (rows, vectors, _) = simulated(120);
    assert!(fit(&rows[..10], &vectors[..10], &settings(), None).is_err());
    assert!(fit(&rows, &vectors[1..], &settings(), None).is_err());
    assert!(fit(&[], &[], &settings(), None).is_err());
}

#[test]
fn ranking_counts_pairs_ties_and_significance() {
    let (template, _, _) = simulated(1);
    let row = |headline: &str, clicks: u64| ClickTestRow {
        headline: headline.to_owned(),
        clicks,
        impressions: 1_000,
        ..template[0].clone()
    };
    // Pairs: a-b (significant), a-c (not), b-c (significant); c-d have equal headlines, b-d as b-c.
    let rows = [row("a", 10), row("b", 50), row("c", 11), row("c", 12)];
    let result = ranking(&rows, &[0.0, 1.0, 0.0, -1.0], 50, 7);
    assert_eq!((result.all_pairs.pairs, result.significant_pairs.pairs), (5, 3));
    assert!((result.all_pairs.value - 3.5 / 5.0).abs() < 1e-12);
    assert!((result.significant_pairs.value - 1.0).abs() < 1e-12);
    assert_eq!((result.top_1.value, result.tests), (1.0, 1));
    assert!((result.lift_capture.value - 1.0).abs() < 1e-12);
}
