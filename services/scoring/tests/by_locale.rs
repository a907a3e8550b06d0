//! One model for each language: who scores what, which input an error names, what is said when the
//! multilingual encoder is missing or damaged.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::explanation::{Explanation, Separation};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::outcome::Score;
use spotwright_scoring::by_locale::ClickModelByLocale;
use spotwright_scoring::load::{E5_FOLDER, load, load_all};

/// Scores with the number of characters, names itself, counts history in the level.
struct Named(&'static str);

impl ClickModel for Named {
    fn id(&self) -> String {
        self.0.to_owned()
    }

    fn description(&self) -> String {
        "of the tests".to_owned()
    }

    fn score(&self, inputs: &[ScoreInput], history: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        let error = |index, field| ClickModelError::Input { index, field, message: "refused".to_owned() };
        if let Some(index) = history.iter().position(|row| row.clicks > row.impressions) {
            return Err(error(index, "history.clicks"));
        }
        if let Some(index) = inputs.iter().position(|input| input.headline.is_empty()) {
            return Err(error(index, "headline"));
        }
        let score = |input: &ScoreInput| Score {
            appeal: input.headline.chars().count() as f64,
            appeal_sd: 0.1,
            level: history.len() as f64,
            predicted_ctr: 0.01,
            interval: [0.005, 0.02],
            model: self.0.to_owned(),
        };
        Ok(inputs.iter().map(score).collect())
    }

    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        let alone: Vec<ScoreInput> = inputs.iter().map(|shown| shown.input.clone()).collect();
        let rival = |index: usize| Separation {
            rival: (index + 1) % inputs.len(),
            rival_ctr: 0.01,
            rate: 0.01,
            impressions: None,
        };
        let explanation = |(index, score)| Explanation {
            score,
            contributions: Vec::new(),
            phrases: Vec::new(),
            nearest: Vec::new(),
            outlooks: Vec::new(),
            separation: (inputs.len() > 1).then(|| rival(index)),
        };
        Ok(self.score(&alone, history)?.into_iter().enumerate().map(explanation).collect())
    }
}

fn input(headline: &str, locale: Locale) -> ScoreInput {
    ScoreInput {
        headline: headline.to_owned(),
        text: "text".to_owned(),
        locale,
        statistics: FrameStatistics::default(),
    }
}

fn joined() -> ClickModelByLocale {
    ClickModelByLocale::new(Arc::new(Named("english@1")), Arc::new(Named("chinese@2")))
}

#[test]
fn every_input_is_scored_by_the_model_of_its_language_in_its_place() {
    let history = [ObservedInput { input: input("一", Locale::ZhCn), impressions: 10, clicks: 1 }];
    let inputs = [
        input("one", Locale::EnUs),
        input("你好", Locale::ZhCn),
        input("three", Locale::EnGb),
        input("早上的coffee", Locale::ZhCn),
    ];
    let scores = joined().score(&inputs, &history).unwrap();
    let found: Vec<(&str, f64, f64)> =
        scores.iter().map(|score| (score.model.as_str(), score.appeal, score.level)).collect();
    assert_eq!(
        found,
        [("english@1", 3.0, 1.0), ("chinese@2", 2.0, 1.0), ("english@1", 5.0, 1.0), ("chinese@2", 9.0, 1.0)]
    );
    assert_eq!(joined().score(&inputs[1..2], &history).unwrap(), scores[1..2]);
    assert!(joined().score(&[], &history).unwrap().is_empty());
    assert_eq!(joined().id(), "en:english@1+zh:chinese@2");
}

#[test]
fn errors_name_the_input_by_its_place_among_all() {
    let inputs = [input("one", Locale::EnUs), input("二", Locale::ZhCn), input("", Locale::ZhCn)];
    let place = |result| match result {
        Err(ClickModelError::Input { index, field, .. }) => (index, field),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(joined().score(&inputs, &[])), (2, "headline"));
    let good = ObservedInput { input: input("x", Locale::EnUs), impressions: 5, clicks: 1 };
    let bad = ObservedInput { clicks: 6, ..good.clone() };
    assert_eq!(place(joined().score(&inputs, &[good.clone(), bad.clone()])), (1, "history.clicks"));
    assert_eq!(place(joined().score(&[], &[good, bad])), (1, "history.clicks"));
}

#[test]
fn without_the_multilingual_encoder_the_english_model_scores_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load_all(folder.path()).unwrap();
    assert_eq!(loaded.model.id(), load(None).unwrap().model.id());
    let notice = loaded.notice.unwrap();
    assert!(notice.contains("Chinese texts are scored by a model made for English"), "{notice}");
    assert!(notice.contains("hashed text features"), "{notice}");
}

#[test]
fn a_damaged_file_is_an_error_of_chinese_texts_only() {
    let folder = tempfile::tempdir().unwrap();
    let e5 = folder.path().join(E5_FOLDER);
    fs::create_dir(&e5).unwrap();
    fs::write(e5.join("e5-small-q4.bin"), b"E5S1 and no more").unwrap();
    let model = load_all(folder.path()).unwrap().model;
    assert!(model.id().contains("+zh:e5-ridge@"), "{}", model.id());
    assert!(model.score(&[input("Good morning", Locale::EnUs)], &[]).is_ok());
    for _ in 0..2 {
        let error = model.score(&[input("早上好", Locale::ZhCn)], &[]).unwrap_err();
        assert!(error.to_string().contains("sha256 is"), "{error}");
    }
}

#[test]
fn chinese_copy_is_scored_by_its_meaning_where_the_encoder_is_installed() {
    let Some(file) = common::optional_file("SPOTWRIGHT_MODELS", "multilingual-e5-small/e5-small-q4.bin")
    else {
        return;
    };
    let models = file.parent().and_then(Path::parent).unwrap();
    let model = load_all(models).unwrap().model;
    let score = |headline: &str, locale| model.score(&[input(headline, locale)], &[]).unwrap().remove(0);
    let curious = score("看看当他以为没人在看的时候，他做了什么。我哭了。", Locale::ZhCn);
    let dull = score("季度财务报告摘要", Locale::ZhCn);
    assert!(curious.model.starts_with("e5-ridge@"));
    assert!(curious.appeal > dull.appeal, "{curious:?} {dull:?}");
    assert!(!score("Quarterly report", Locale::EnUs).model.starts_with("e5-ridge@"));
    for odd in ["🚀🚀", "早上的coffee为什么没有味道？GO!", &"字".repeat(2_000), "\u{200b}x"] {
        let score = score(odd, Locale::ZhCn);
        let [low, high] = score.interval;
        assert!(
            0.0 < low && low < score.predicted_ctr && score.predicted_ctr < high && high < 1.0,
            "{score:?}"
        );
    }
    for bad in [String::new(), "字".repeat(2_001), "字".repeat(1 << 20)] {
        let refused = model.score(&[input(&bad, Locale::ZhCn)], &[]);
        assert!(matches!(refused, Err(ClickModelError::Input { index: 0, field: "headline", .. })));
    }
}

#[test]
fn rivals_speak_the_same_language_and_keep_their_places() {
    let shown =
        |headline: &str, locale| ObservedInput { input: input(headline, locale), impressions: 0, clicks: 0 };
    let inputs = [
        shown("one", Locale::EnUs),
        shown("二", Locale::ZhCn),
        shown("three", Locale::EnUs),
        shown("四四", Locale::ZhCn),
    ];
    let explained = joined().explain(&inputs, &[]).unwrap();
    let told: Vec<(usize, &str)> = explained
        .iter()
        .map(|row| (row.separation.as_ref().unwrap().rival, row.score.model.as_str()))
        .collect();
    let (english, chinese) = ("english@1", "chinese@2");
    assert_eq!(told, [(2, english), (3, chinese), (0, english), (1, chinese)]);
    let mut bad = inputs;
    bad[3].input.headline.clear();
    let error = joined().explain(&bad, &[]).unwrap_err();
    assert!(matches!(error, ClickModelError::Input { index: 3, field: "headline", .. }), "{error}");
    assert!(joined().explain(&[], &[]).unwrap().is_empty());
}
