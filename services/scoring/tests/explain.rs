//! Explanations of scores, on the shipped weights with hashed features.

#[path = "common/advertisements.rs"]
mod advertisements;

use advertisements::{input, logit, model, observed};
use proptest::prelude::*;
use spotwright_core::ports::click_model::{ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::explanation::{Explanation, TextPart};

fn new(number: usize) -> ObservedInput {
    observed(number, 0, 0)
}

fn sum(explanation: &Explanation) -> f64 {
    explanation.contributions.iter().map(|part| part.log_odds).sum()
}

#[test]
fn a_phrase_is_worth_what_the_score_loses_without_it() {
    let model = model();
    let full = new(3);
    let without =
        ObservedInput { input: ScoreInput { headline: "Fresh beans,".to_owned(), ..input(3) }, ..new(3) };
    let explained = model.explain(&[full, without], &[]).unwrap();
    let phrases: Vec<&str> = explained[0].phrases.iter().map(|effect| effect.phrase.as_str()).collect();
    assert_eq!(phrases, ["Fresh beans,", "delivered on Monday"]);
    let difference = logit(explained[0].score.predicted_ctr) - logit(explained[1].score.predicted_ctr);
    assert!((explained[0].phrases[1].log_odds - difference).abs() < 1e-9, "{explained:?}");
    // The text is explained once there are clicks to explain it by.
    let later = model.explain(&[new(3)], &[observed(0, 5_000, 80)]).unwrap();
    assert!(later[0].phrases.iter().any(|effect| effect.part == TextPart::Text && effect.log_odds != 0.0));
}

#[test]
fn the_same_words_are_the_nearest() {
    let history = [observed(0, 900, 9), observed(11, 500, 5), observed(11, 300, 1), observed(4, 700, 2)];
    let explained = model().explain(&[new(3)], &history).unwrap();
    let nearest = &explained[0].nearest;
    // Number 11 has the headline of number 3, and another text.
    assert_eq!((nearest[0].history, nearest[0].impressions, nearest[0].clicks), (1, 800, 6));
    assert!((nearest[0].similarity - 1.0).abs() < 1e-9, "{nearest:?}");
    assert!(nearest.windows(2).all(|pair| pair[0].similarity >= pair[1].similarity));
    assert!(nearest.len() == 3 && nearest[1].similarity < 0.9, "{nearest:?}");
}

#[test]
fn clicks_in_the_frames_are_told_by_statistic() {
    let mut bright = observed(1, 20_000, 500);
    bright.input.statistics.brightness = 0.9;
    let mut dark = observed(2, 20_000, 100);
    dark.input.statistics.brightness = 0.1;
    let mut asked = new(6);
    asked.input.statistics.brightness = 0.8;
    let explained = model().explain(&[asked], &[bright, dark]).unwrap();
    let part = |name: &str| {
        let found = explained[0].contributions.iter().find(|part| part.feature == name);
        found.map_or(0.0, |part| part.log_odds)
    };
    assert!(part("frames.brightness") > 0.01, "{:?}", explained[0].contributions);
    assert!(part("frames.brightness").abs() > part("frames.contrast").abs());
    assert!(part("level.archive") < -3.0 && part("level.clicks") != 0.0);
}

#[test]
fn separation_needs_the_stated_impressions_and_not_one_less() {
    let model = model();
    let history = [observed(0, 4_000, 60), observed(4, 4_000, 30)];
    let mut asked = new(1);
    asked.impressions = 1_000;
    asked.clicks = 60;
    let explained = model.explain(&[asked, new(2)], &history).unwrap();
    let told = explained[0].separation.as_ref().unwrap();
    assert_eq!((told.rival, told.rate), (1, 0.06));
    let needed = told.impressions.unwrap();
    assert!(needed > 10, "{told:?}");
    // The stated number rests on fractions of clicks; whole clicks around it are on either side.
    let interval = |impressions: u64| {
        let clicks = (impressions as f64 * told.rate).round() as u64;
        let mut history = history.to_vec();
        history.push(observed(1, impressions, clicks));
        model.score(&[input(1)], &history).unwrap()[0].interval
    };
    assert!(interval(needed * 2)[0] > told.rival_ctr);
    assert!(interval(needed / 2)[0] < told.rival_ctr);
}

#[test]
fn bad_inputs_are_errors_as_for_scores() {
    let model = model();
    let field = |inputs: &[ObservedInput], history: &[ObservedInput]| match model.explain(inputs, history) {
        Err(ClickModelError::Input { index, field, .. }) => (index, field),
        other => panic!("{other:?}"),
    };
    let mut empty = new(1);
    empty.input.headline = " ".to_owned();
    assert_eq!(field(&[new(0), empty.clone()], &[]), (1, "headline"));
    assert_eq!(field(&[observed(0, 1, 2)], &[]), (0, "clicks"));
    assert_eq!(field(&[observed(0, u64::MAX, 2)], &[]), (0, "impressions"));
    assert_eq!(field(&[], &[empty]), (0, "history.headline"));
    let mut infinite = new(2);
    infinite.input.statistics.contrast = f64::INFINITY;
    assert_eq!(field(&[infinite], &[]), (0, "statistics.contrast"));
}

#[test]
fn one_word_and_emoji_are_explained_without_phrases() {
    for text in ["☕", "Coffee", "早"] {
        let input = ScoreInput { headline: text.to_owned(), text: text.to_owned(), ..input(0) };
        let asked = ObservedInput { input, impressions: 0, clicks: 0 };
        let explained = model().explain(&[asked], &[observed(1, 500, 4)]).unwrap();
        assert!(explained[0].phrases.is_empty(), "{explained:?}");
        assert!(explained[0].separation.is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn parts_add_up_and_outlooks_are_scores_of_a_longer_history(
        rows in proptest::collection::vec((0_usize..10, 0_u64..5_000, 0.0..0.2_f64), 0..6),
        own in (0_u64..5_000, 0.0..0.2_f64),
        about in 0_usize..10,
    ) {
        let model = model();
        let row = |n: usize, impressions: u64, share: f64| observed(n, impressions, (impressions as f64 * share) as u64);
        let mut history: Vec<ObservedInput> = rows.iter().map(|&(n, i, share)| row(n, i, share)).collect();
        let asked = row(about, own.0, own.1);
        let inputs = [asked.clone(), new(about + 1)];
        let explained = model.explain(&inputs, &history).unwrap();
        let scores = model.score(&[asked.input.clone(), inputs[1].input.clone()], &history).unwrap();
        for (explanation, score) in explained.iter().zip(&scores) {
            prop_assert_eq!(&explanation.score, score);
            prop_assert!((sum(explanation) - logit(score.predicted_ctr)).abs() < 1e-7, "{explanation:?}");
            for phrase in &explanation.phrases {
                prop_assert!(phrase.log_odds.is_finite());
            }
            for outlook in &explanation.outlooks {
                let [low, high] = outlook.interval;
                prop_assert!(0.0 < low && low < outlook.predicted_ctr && outlook.predicted_ctr < high && high < 1.0);
            }
        }
        if own.0 > 0 {
            history.push(asked.clone());
            let later = &model.score(&[asked.input], &history).unwrap()[0];
            let outlook = &explained[0].outlooks[0];
            prop_assert!(outlook.happened);
            for (ours, theirs) in [
                (outlook.predicted_ctr, later.predicted_ctr),
                (outlook.interval[0], later.interval[0]),
                (outlook.interval[1], later.interval[1]),
            ] {
                prop_assert!((logit(ours) - logit(theirs)).abs() < 1e-6, "{outlook:?} {later:?}");
            }
        }
    }
}
