//! Columns beside the text vectors: how a headline is built, and what the frames look like.

use spotwright_core::ports::video_backend::FrameStatistics;

/// Copy-structure features of a headline, in the order of [`structure_features`].
pub const STRUCTURE_FEATURES: [&str; 8] = [
    "log_characters",
    "question_marks",
    "exclamation_marks",
    "has_digit",
    "second_person",
    "negation",
    "demonstrative",
    "capital_words",
];

/// Copy-structure features: logarithm of 1 + characters; counts (at most 3) of question marks,
/// exclamation marks and words in capitals; 0/1 flags for a digit, the second person, a negation
/// and a demonstrative, in English and Chinese. Not standardized.
#[must_use]
pub fn structure_features(headline: &str) -> [f64; STRUCTURE_FEATURES.len()] {
    let lower = headline.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|w| !w.is_empty())
        .collect();
    let any = |english: &[&str], chinese: &[&str]| {
        let found = words.iter().any(|word| english.contains(word))
            || chinese.iter().any(|word| lower.contains(word));
        f64::from(u8::from(found))
    };
    let count = |characters: &[char]| headline.matches(characters).take(3).count() as f64;
    let capital_words = headline
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().nth(1).is_some() && word.chars().all(char::is_uppercase))
        .take(3)
        .count() as f64;
    [
        (headline.chars().count() as f64).ln_1p(),
        count(&['?', '？']),
        count(&['!', '！']),
        f64::from(u8::from(headline.chars().any(char::is_numeric))),
        any(&["you", "your", "you're", "you’re", "yours"], &["你", "您"]),
        any(
            &["not", "no", "never", "don't", "don’t", "isn't", "isn’t", "can't", "can’t"],
            &["不", "没", "别"],
        ),
        any(&["this", "these", "that", "those"], &["这", "那"]),
        capital_words,
    ]
}

/// Number of frame features.
pub const N_FRAME_FEATURES: usize = 8;

/// Name, center and scale of each frame statistic. The click-test archive holds no videos, so these
/// are not measured: they are the middle and about half the usual range of short advertising
/// videos, chosen so that a standardized statistic is mostly within ±2.
const FRAME_SCALES: [(&str, f64, f64); N_FRAME_FEATURES] = [
    ("statistics.brightness", 0.45, 0.15),
    ("statistics.contrast", 0.20, 0.08),
    ("statistics.saturation", 0.25, 0.12),
    ("statistics.motion", 0.10, 0.10),
    ("statistics.cut_rate", 0.40, 0.25),
    ("statistics.text_area", 0.08, 0.06),
    ("statistics.opening_brightness", 0.45, 0.20),
    ("statistics.loudness_lufs", -16.0, 6.0),
];

/// Names of the frame statistics, in the order of [`frame_features`].
pub(crate) const FRAME_FEATURES: [&str; N_FRAME_FEATURES] = {
    let mut names = [""; N_FRAME_FEATURES];
    let mut idx = 0;
    while idx < N_FRAME_FEATURES {
        names[idx] = FRAME_SCALES[idx].0;
        idx += 1;
    }
    names
};

/// Standardized statistics are cut off here, so that one odd video cannot dominate.
const FRAME_CLIP: f64 = 4.0;
/// At or below this loudness (LUFS) a video counts as having no sound yet and the feature is 0.
const SILENCE_LUFS: f64 = -60.0;

/// Standardizes frame statistics: (value − center) / scale, cut off at ±4. Loudness is 0 for
/// videos without sound.
///
/// # Errors
/// The name of the first field that is not finite.
pub fn frame_features(statistics: &FrameStatistics) -> Result<[f64; N_FRAME_FEATURES], &'static str> {
    let values = frame_values(statistics);
    let mut features = [0.0; N_FRAME_FEATURES];
    for ((feature, value), (name, center, scale)) in features.iter_mut().zip(values).zip(FRAME_SCALES) {
        if !value.is_finite() {
            return Err(name);
        }
        *feature = ((value - center) / scale).clamp(-FRAME_CLIP, FRAME_CLIP);
    }
    if statistics.loudness_lufs <= SILENCE_LUFS {
        features[N_FRAME_FEATURES - 1] = 0.0;
    }
    Ok(features)
}

/// The statistics in the order of the frame features.
pub(crate) const fn frame_values(statistics: &FrameStatistics) -> [f64; N_FRAME_FEATURES] {
    [
        statistics.brightness,
        statistics.contrast,
        statistics.saturation,
        statistics.motion,
        statistics.cut_rate,
        statistics.text_area,
        statistics.opening_brightness,
        statistics.loudness_lufs,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_read_in_both_languages() {
        let english = structure_features("Why YOU can't stop: 3 THINGS!");
        assert_eq!(english[1..], [0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 2.0]);
        let chinese = structure_features("这杯咖啡，你不想试试？");
        assert_eq!(chinese[1..], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        assert_eq!(structure_features("!!!!!!!!")[2], 3.0);
    }

    #[test]
    fn frame_features_are_bounded_and_name_what_is_not_finite() {
        let mut statistics =
            FrameStatistics { loudness_lufs: -70.0, brightness: 1e300, ..Default::default() };
        let features = frame_features(&statistics).unwrap();
        assert_eq!((features[0], features[7]), (4.0, 0.0));
        statistics.motion = f64::NAN;
        assert_eq!(frame_features(&statistics), Err("statistics.motion"));
    }
}
