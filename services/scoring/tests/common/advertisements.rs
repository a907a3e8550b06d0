//! Advertisements and the shipped model, for tests that score.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use spotwright_core::ports::click_model::{ClickModel, ObservedInput, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::locale::Locale;

const HEADLINES: [&str; 8] = [
    "Why your morning coffee tastes flat",
    "This one trick makes coffee taste better",
    "3 things your barista will never tell you",
    "Fresh beans, delivered on Monday",
    "Coffee",
    "早上的咖啡为什么没有味道？",
    "新鲜烘焙，次日送达",
    "☕☕☕🚀",
];

pub(crate) fn input(number: usize) -> ScoreInput {
    let headline = HEADLINES[number % HEADLINES.len()].to_owned();
    ScoreInput {
        text: format!("{headline}. Ground this morning. Offer {number}."),
        locale: if headline.is_ascii() { Locale::EnUs } else { Locale::ZhCn },
        headline,
        statistics: FrameStatistics {
            brightness: 0.3 + 0.05 * (number % 7) as f64,
            contrast: 0.2,
            saturation: 0.1 * (number % 5) as f64,
            motion: 0.1,
            cut_rate: 0.4,
            text_area: 0.1,
            opening_brightness: 0.5,
            loudness_lufs: -70.0,
        },
    }
}

pub(crate) fn observed(number: usize, impressions: u64, clicks: u64) -> ObservedInput {
    ObservedInput { input: input(number), impressions, clicks }
}

pub(crate) fn model() -> std::sync::Arc<dyn ClickModel> {
    spotwright_scoring::load::load(None).unwrap().model
}

pub(crate) fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}
