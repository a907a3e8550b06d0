//! The audience card: every number that decides what the audience likes, in one hashed file.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::text;

/// The committed card.
const EMBEDDED: &str = include_str!("../../audience/card.json");
/// BLAKE3 of the committed card's bytes, hexadecimal; written beside it by `fit-audience`.
const EMBEDDED_HASH: &str = include_str!("../../audience/card.blake3");

static LOADED: LazyLock<Result<(Card, String), Error>> =
    LazyLock::new(|| Card::from_json(EMBEDDED.as_bytes(), EMBEDDED_HASH.trim()));

/// One structural taste: what a text gains when a feature is above a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stump {
    /// Name of the feature, one of [`text::FEATURES`].
    pub feature: String,
    /// The threshold; equal to it counts as below.
    pub above: f64,
    /// Change of the log-odds of a click.
    pub weight: f64,
}

/// What a text gains when it holds a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordTaste {
    /// The word in lower case.
    pub word: String,
    /// Change of the log-odds of a click.
    pub weight: f64,
}

/// Fitted taste in texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTaste {
    /// Structural part; holds for every language.
    pub stumps: Vec<Stump>,
    /// Words; English only.
    pub words: Vec<WordTaste>,
    /// The sum is kept within ± this many log-odds.
    pub limit: f64,
}

/// How the text taste was fitted, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitReport {
    /// The data and the rule that selected it.
    pub source: String,
    /// Tests used.
    pub tests: u64,
    /// Texts used.
    pub texts: u64,
    /// Folds of the cross-validation.
    pub folds: u64,
    /// Boosting steps chosen by it.
    pub steps: u64,
    /// Standard deviation of the log-odds between identical packages of one test: noise beyond the
    /// binomial one, taken out of the spread.
    pub twin_spread: f64,
    /// Noise-corrected standard deviation of the true log-odds within a test.
    pub spread: f64,
    /// Share of that variance the model explains on held-out tests.
    pub cross_validated_share: f64,
}

/// How the variance of the log-odds within a brief is divided; the three add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// Words and structure of the first line: the cross-validated share of the fit.
    pub text: f64,
    /// Effects of the frames; assumed, no data with pixels was at hand.
    pub visual: f64,
    /// The rest: what nobody outside the market can observe.
    pub latent: f64,
}

/// How the latent variance is divided over the parts of a creative; adds up to 1. Assumed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentParts {
    /// The angle, per category of product.
    pub angle: f64,
    /// The hook's form, per category of product.
    pub hook_form: f64,
    /// The exact words of the first line.
    pub hook_line: f64,
    /// The exact words of the other lines.
    pub other_lines: f64,
    /// The creative as a whole.
    pub whole: f64,
}

/// The effect of one frame statistic: `weight` × ((x − `center`) / `scale`), kept within ±2 scales.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisualTaste {
    /// Field of the frame statistics.
    pub statistic: String,
    /// Usual value.
    pub center: f64,
    /// Usual deviation.
    pub scale: f64,
    /// Log-odds per scale; negative `peaked` tastes fall off on both sides.
    pub weight: f64,
    /// True where the usual value is best: the effect is `weight` × (0.5 − z²/2).
    pub peaked: bool,
}

/// A group of people who are online at their own hours and have tastes of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Name.
    pub name: String,
    /// Share of the users; the shares add up to 1.
    pub share: f64,
    /// Log-odds of a click above the mean of the audience.
    pub click_level: f64,
    /// Log-odds of a conversion after a click above the mean.
    pub conversion_level: f64,
    /// Hours of the day at which the segment is most active, with the height of each peak.
    pub peaks: Vec<[f64; 2]>,
    /// Activity on Saturday and Sunday relative to other days.
    pub weekend: f64,
}

/// Everything that decides what the audience likes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Always `spotwright.audience.v1`.
    pub format: String,
    /// What holds only in part, for people.
    pub limits: Vec<String>,
    /// The seed from which tastes and latent qualities are drawn; never a run's seed.
    pub taste_seed: u64,
    /// How the text taste was fitted.
    pub fit: FitReport,
    /// Division of the variance within a brief.
    pub shares: Shares,
    /// Division of the latent variance.
    pub latent_parts: LatentParts,
    /// Taste in texts.
    pub text: TextTaste,
    /// Taste in pictures.
    pub visual: Vec<VisualTaste>,
    /// The segments, at least four.
    pub segments: Vec<Segment>,
    /// Standard deviation of a segment's taste for one attribute (log-odds); tastes average to 0
    /// over the audience, so they do not add to the spread of its mean.
    pub segment_taste: f64,
    /// Click rate of an average creative, by placement kind.
    pub base_ctr: std::collections::BTreeMap<String, f64>,
    /// Standard deviation of the level between categories of products (log-odds).
    pub category_spread: f64,
    /// Standard deviation between users of one segment (log-odds).
    pub user_spread: f64,
    /// Change of the log-odds with the slot, first slot first.
    pub position: Vec<f64>,
    /// Share of loaded pages on which each slot is scrolled into view.
    pub exposure: Vec<f64>,
    /// Change of the log-odds per remembered exposure of the same user to the same creative.
    pub fatigue: f64,
    /// Half-life of the memory of an exposure, in hours.
    pub fatigue_half_life_hours: f64,
    /// Conversions per click of an average creative.
    pub base_cvr: f64,
    /// Standard deviation of the conversion log-odds between creatives.
    pub conversion_spread: f64,
    /// Mean delay from click to conversion, in hours; exponential.
    pub conversion_delay_hours: f64,
    /// Conversions later than this after their click are not attributed, in hours.
    pub attribution_window_hours: f64,
}

impl Card {
    /// Name of the format.
    pub const FORMAT: &str = "spotwright.audience.v1";

    /// The card built into this program, and its hash.
    ///
    /// # Errors
    /// [`Error::Card`]: the built-in card does not match its hash or breaks a rule.
    pub fn embedded() -> Result<(&'static Self, &'static str), Error> {
        match &*LOADED {
            Ok((card, hash)) => Ok((card, hash)),
            Err(error) => Err(error.clone()),
        }
    }

    /// Reads a card whose bytes must have the BLAKE3 hash `hash` (hexadecimal).
    ///
    /// # Errors
    /// [`Error::Card`]: another hash, another format, or numbers that break a rule.
    pub fn from_json(bytes: &[u8], hash: &str) -> Result<(Self, String), Error> {
        let actual = blake3::hash(bytes).to_hex().to_string();
        if actual != hash {
            return Err(Error::Card(format!("hash is {actual}, expected {hash}")));
        }
        let card: Self = serde_json::from_slice(bytes).map_err(|error| Error::Card(error.to_string()))?;
        card.validate()?;
        Ok((card, actual))
    }

    /// The card as it is committed: pretty JSON and a final newline.
    ///
    /// # Errors
    /// [`Error::Card`]: a number is not finite.
    pub fn to_json(&self) -> Result<String, Error> {
        self.validate()?;
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::Card(error.to_string()))?;
        Ok(json + "\n")
    }

    /// Completes a fit with what is declared, not fitted.
    ///
    /// Base rates are chosen to lie within the 0.8–2.5 % of short video feeds; everything else
    /// that has no data behind it is listed in `limits`.
    #[must_use]
    pub(crate) fn from_fit(fit: FitReport, stumps: Vec<Stump>, words: Vec<WordTaste>) -> Self {
        let text = fit.cross_validated_share;
        let visual = 0.08;
        let round = |value: f64| (value * 1e6).round() / 1e6;
        let shares = Shares { text, visual, latent: round(1.0 - text - visual) };
        let visual_tastes = declared_visual(fit.spread * visual.sqrt());
        Self {
            format: Self::FORMAT.to_owned(),
            limits: [
                "text taste was fitted on English headlines; of it only the structural part applies to Chinese",
                "visual effects, segments, fatigue, positions, conversions and the division of the latent \
                 variance are assumed, not measured",
                "every generation meets the audience rested: fatigue is not carried from one campaign to the next",
            ]
            .map(str::to_owned)
            .to_vec(),
            taste_seed: 20_260_901,
            fit,
            shares,
            latent_parts: LatentParts {
                angle: 0.15,
                hook_form: 0.15,
                hook_line: 0.30,
                other_lines: 0.15,
                whole: 0.25,
            },
            text: TextTaste { stumps, words, limit: 0.3 },
            visual: visual_tastes,
            segments: declared_segments(),
            segment_taste: 0.12,
            base_ctr: [
                ("meta_reels", 0.012),
                ("meta_stories", 0.010),
                ("simulated_feed", 0.014),
                ("tiktok_in_feed", 0.013),
            ]
            .map(|(kind, rate)| (kind.to_owned(), rate))
            .into(),
            category_spread: 0.12,
            user_spread: 0.5,
            position: vec![0.0, -0.12, -0.22],
            exposure: vec![1.0, 0.75, 0.55],
            fatigue: -0.22,
            fatigue_half_life_hours: 18.0,
            base_cvr: 0.04,
            conversion_spread: 0.2,
            conversion_delay_hours: 6.0,
            attribution_window_hours: 24.0,
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::Card(what.to_owned()));
        if self.format != Self::FORMAT {
            return wrong("unknown format");
        }
        if (self.shares.text + self.shares.visual + self.shares.latent - 1.0).abs() > 1e-5 {
            return wrong("shares do not add up to 1");
        }
        if self.shares.text > self.fit.cross_validated_share {
            return wrong("the text explains more than the cross-validated share");
        }
        let parts = self.latent_parts;
        let sum = parts.angle + parts.hook_form + parts.hook_line + parts.other_lines + parts.whole;
        if (sum - 1.0).abs() > 1e-9 {
            return wrong("latent parts do not add up to 1");
        }
        if self.segments.len() < 4
            || (self.segments.iter().map(|segment| segment.share).sum::<f64>() - 1.0).abs() > 1e-9
        {
            return wrong("segments must be four or more with shares that add up to 1");
        }
        if self.position.is_empty() || self.position.len() != self.exposure.len() || self.position.len() > 8 {
            return wrong("positions and exposures must be 1 to 8 and as many");
        }
        if self.text.stumps.iter().any(|stump| !text::FEATURES.contains(&stump.feature.as_str())) {
            return wrong("a stump names an unknown feature");
        }
        if self.base_ctr.values().chain([&self.base_cvr]).any(|rate| !(1e-6..0.5).contains(rate)) {
            return wrong("a base rate is outside 0 and 0.5");
        }
        Ok(())
    }
}

/// Tastes in pictures; for independent statistics of one usual deviation each the effects have
/// the standard deviation `deviation`.
fn declared_visual(deviation: f64) -> Vec<VisualTaste> {
    // Relative weights. A peaked taste has the variance 1/2 of a linear one of equal weight,
    // because z²/2 has variance 1/2 for a standard normal z.
    let rows = [
        ("brightness", 0.45, 0.12, 0.4, true),
        ("contrast", 0.20, 0.05, 0.5, false),
        ("saturation", 0.25, 0.10, 0.4, false),
        ("motion", 0.06, 0.04, 0.5, false),
        ("cut_rate", 0.40, 0.20, 0.6, true),
        ("text_area", 0.15, 0.07, 0.7, true),
        ("opening_brightness", 0.45, 0.15, 0.4, false),
    ];
    let variance: f64 =
        rows.iter().map(|(_, _, _, weight, peaked)| weight * weight * if *peaked { 0.5 } else { 1.0 }).sum();
    rows.into_iter()
        .map(|(statistic, center, scale, weight, peaked)| VisualTaste {
            statistic: statistic.to_owned(),
            center,
            scale,
            weight: (weight * deviation / variance.sqrt() * 1e6).round() / 1e6,
            peaked,
        })
        .collect()
}

fn declared_segments() -> Vec<Segment> {
    let segment = |name: &str, share, click_level, conversion_level, peaks: &[[f64; 2]], weekend| Segment {
        name: name.to_owned(),
        share,
        click_level,
        conversion_level,
        peaks: peaks.to_vec(),
        weekend,
    };
    vec![
        segment("commuters", 0.30, -0.10, 0.05, &[[8.0, 1.0], [18.5, 1.0]], 0.7),
        segment("students", 0.22, 0.15, -0.30, &[[12.5, 0.7], [22.0, 1.0]], 1.2),
        segment("parents", 0.22, 0.00, 0.20, &[[10.0, 0.6], [21.0, 1.0]], 1.1),
        segment("night_owls", 0.14, 0.05, -0.10, &[[0.5, 1.0], [23.5, 0.8]], 1.1),
        segment("bargain_hunters", 0.12, 0.20, 0.25, &[[12.0, 1.0], [20.0, 0.8]], 1.3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_card_is_whole_and_small() {
        let (card, hash) = Card::embedded().unwrap();
        assert_eq!(hash.len(), 64);
        assert!(EMBEDDED.len() < 400_000);
        assert_eq!(card.to_json().unwrap(), EMBEDDED);
        assert!((0.10..0.30).contains(&card.fit.spread), "{}", card.fit.spread);
    }

    #[test]
    fn a_changed_card_is_refused() {
        let changed = EMBEDDED.replacen("commuters", "computers", 1);
        assert!(matches!(Card::from_json(changed.as_bytes(), EMBEDDED_HASH.trim()), Err(Error::Card(_))));
    }
}
