//! The click model's contract, on the shipped weights with hashed features.

#[path = "common/advertisements.rs"]
mod advertisements;

use advertisements::{input, logit, model, observed};
use proptest::prelude::*;
use spotwright_core::ports::click_model::{ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::outcome::Score;

fn width(score: &Score) -> f64 {
    logit(score.interval[1]) - logit(score.interval[0])
}

fn bits(score: &Score) -> [u64; 6] {
    let [low, high] = score.interval;
    [score.appeal, score.appeal_sd, score.level, score.predicted_ctr, low, high].map(f64::to_bits)
}

#[test]
fn scores_do_not_depend_on_what_else_is_scored_or_on_the_order_of_history() {
    let inputs: Vec<ScoreInput> = (0..12).map(input).collect();
    let history: Vec<ObservedInput> = (0..9).map(|n| observed(n, 100 + 37 * n as u64, n as u64)).collect();
    let together = model().score(&inputs, &history).unwrap();
    let reversed: Vec<ObservedInput> = history.iter().rev().cloned().collect();
    for (input, expected) in inputs.iter().zip(&together) {
        let alone = model().score(std::slice::from_ref(input), &reversed).unwrap();
        assert_eq!(bits(&alone[0]), bits(expected));
        assert_eq!(alone[0].model, expected.model);
    }
}

#[test]
fn nothing_is_remembered_between_calls() {
    let model = model();
    let before = model.score(&[input(1)], &[]).unwrap();
    model.score(&[input(1)], &[observed(1, 5_000, 900)]).unwrap();
    assert_eq!(model.score(&[input(1)], &[]).unwrap(), before);
}

#[test]
fn dividing_a_row_in_two_changes_nothing() {
    let whole = model().score(&[input(0), input(3)], &[observed(0, 300, 9)]).unwrap();
    let divided = model()
        .score(&[input(0), input(3)], &[observed(0, 100, 4), observed(0, 0, 0), observed(0, 200, 5)])
        .unwrap();
    assert_eq!(whole, divided);
}

#[test]
fn clicks_teach_level_and_taste() {
    let model = model();
    let fresh = ScoreInput { text: "Another text".to_owned(), ..input(0) };
    let other = ScoreInput { text: "Something else".to_owned(), ..input(4) };
    let inputs = [fresh, other];
    let prior = model.score(&inputs, &[]).unwrap();
    // The first headline is clicked twice as often as the level, the other half as often.
    let good = model.score(&inputs, &[observed(0, 20_000, 800), observed(4, 20_000, 200)]).unwrap();
    let bad = model.score(&inputs, &[observed(0, 20_000, 200), observed(4, 20_000, 800)]).unwrap();
    let difference = |scores: &[Score]| scores[0].appeal - scores[1].appeal;
    assert!(difference(&good) > difference(&prior), "{good:?} {prior:?}");
    assert!(difference(&bad) < difference(&prior), "{bad:?} {prior:?}");
    assert!(good[0].level > prior[0].level, "{good:?} {prior:?}");
}

#[test]
fn a_long_history_of_small_rows_finds_the_level_without_bias() {
    // 1 click per 100 impressions on average, spread as 0, 1 and 2 clicks.
    let history: Vec<ObservedInput> = (0..60).map(|n| observed(n, 100, [0, 1, 2, 1][n % 4])).collect();
    let scores = model().score(&[input(0)], &history).unwrap();
    let level = 1.0 / (1.0 + (-scores[0].level).exp());
    assert!((0.0075..0.0125).contains(&level), "{level}");
}

#[test]
fn bad_inputs_name_the_input_and_the_field() {
    let model = model();
    let field = |inputs: &[ScoreInput], history: &[ObservedInput]| match model.score(inputs, history) {
        Err(ClickModelError::Input { index, field, .. }) => (index, field),
        other => panic!("{other:?}"),
    };
    let with = |change: fn(&mut ScoreInput)| {
        let mut bad = input(1);
        change(&mut bad);
        bad
    };
    let empty = with(|bad| bad.headline = " \n".to_owned());
    assert_eq!(field(&[input(0), empty.clone()], &[]), (1, "headline"));
    assert_eq!(field(&[with(|bad| bad.headline = "x".repeat(2_001))], &[]), (0, "headline"));
    assert_eq!(field(&[with(|bad| bad.text = String::new())], &[]), (0, "text"));
    assert_eq!(field(&[with(|bad| bad.text = "字".repeat(1 << 20))], &[]), (0, "text"));
    assert_eq!(field(&[with(|bad| bad.statistics.motion = f64::NAN)], &[]), (0, "statistics.motion"));
    assert_eq!(
        field(&[with(|bad| bad.statistics.loudness_lufs = f64::NEG_INFINITY)], &[]),
        (0, "statistics.loudness_lufs")
    );
    assert_eq!(field(&[], &[observed(0, 5, 6)]), (0, "history.clicks"));
    assert_eq!(field(&[], &[observed(0, u64::MAX, 6)]), (0, "history.impressions"));
    let bad_row = ObservedInput { input: empty, impressions: 0, clicks: 0 };
    assert_eq!(field(&[], &[observed(0, 5, 1), bad_row]), (1, "history.headline"));
}

#[test]
fn odd_texts_and_extreme_numbers_still_give_ordered_intervals() {
    let odd = ["🚀", "a", "\u{200b}\u{202e}x", "مرحبا 你好 hello", &"é".repeat(2_000), "0"];
    let mut inputs: Vec<ScoreInput> = odd
        .iter()
        .map(|text| ScoreInput { headline: (*text).to_owned(), text: (*text).to_owned(), ..input(0) })
        .collect();
    inputs[0].statistics.brightness = 1e300;
    inputs[1].statistics.cut_rate = -1e300;
    let most = 1 << 52;
    for history in [vec![], vec![observed(0, most, most)], vec![observed(0, most, 0), observed(1, 1, 1)]] {
        for score in model().score(&inputs, &history).unwrap() {
            let [low, high] = score.interval;
            assert!(
                0.0 < low && low < score.predicted_ctr && score.predicted_ctr < high && high < 1.0,
                "{score:?}"
            );
            assert!(score.appeal.is_finite() && score.appeal_sd.is_finite() && score.level.is_finite());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn more_history_never_widens_the_interval(
        rows in proptest::collection::vec((0_usize..10, 0_u64..5_000, 0.0..1.0_f64), 0..8),
        more in (0_u64..5_000, 0.0..1.0_f64),
        about in 0_usize..10,
    ) {
        let model = model();
        let row = |n: usize, impressions: u64, share: f64| observed(n, impressions, (impressions as f64 * share) as u64);
        let mut history: Vec<ObservedInput> = rows.iter().map(|&(n, i, share)| row(n, i, share)).collect();
        let inputs = [input(about), input(about + 1)];
        let before = model.score(&inputs, &history).unwrap();
        history.push(row(about, more.0, more.1));
        let after = model.score(&inputs, &history).unwrap();
        // The advertisement it is about, and every other one.
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(width(after) <= width(before) * (1.0 + 1e-7), "{before:?} {after:?}");
            prop_assert!(after.interval[0] < after.predicted_ctr && after.predicted_ctr < after.interval[1]);
            prop_assert!((logit(after.predicted_ctr) - after.level - after.appeal).abs() < 1e-6);
        }
    }
}
