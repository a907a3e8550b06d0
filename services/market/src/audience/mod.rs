//! The audience: what people who see a creative think of it.
//!
//! Everything here follows from the [`card`] and the creative. A campaign's seed changes who is
//! online and what their dice show, never what they like.

pub mod card;

use card::{Card, VisualTaste};
use spotwright_core::ports::marketplace::CampaignCreative;
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Hook, Role};

use crate::error::Error;
use crate::text;

/// Whether the fitted taste in texts holds; for robustness checks of what was learnt from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextTasteMode {
    /// As fitted.
    #[default]
    Fitted,
    /// Texts make no difference beyond their latent quality.
    Off,
    /// What pleased displeases.
    Reversed,
}

/// A creative as the audience sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Appeal {
    /// First 64 bits of the BLAKE3 of everything the audience sees; keys the click draws.
    pub(crate) content: u64,
    /// Log-odds of a click by segment, at rest, in the first slot, for the segment's median user.
    pub(crate) click: Vec<f64>,
    /// Log-odds of a conversion after a click, by segment.
    pub(crate) conversion: Vec<f64>,
}

/// The parts of a creative's mean log-odds above the level of its brief.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parts {
    pub(crate) text: f64,
    pub(crate) visual: f64,
    pub(crate) latent: f64,
}

/// What the audience makes of a creative for a `category`, a `placement`.
///
/// # Errors
/// [`Error::Creative`]: no first line, or statistics that are not finite.
pub(crate) fn appeal(
    card: &Card,
    mode: TextTasteMode,
    category: &str,
    placement: PlacementKind,
    creative: &CampaignCreative,
) -> Result<Appeal, Error> {
    let parts = parts(card, mode, category, creative)?;
    let level = level(card, category, placement)?;
    let hook = hook_text(creative)?;
    let tastes = segment_tastes(card, creative, &text::structure(hook));
    let content = content(creative);
    let conversion = logit(card.base_cvr)
        + card.conversion_spread * Stream::new(card.taste_seed, "conversion quality").normal(content);
    Ok(Appeal {
        content,
        click: card
            .segments
            .iter()
            .zip(&tastes)
            .map(|(segment, taste)| {
                level + segment.click_level + parts.text + parts.visual + parts.latent + taste
            })
            .collect(),
        conversion: card.segments.iter().map(|segment| conversion + segment.conversion_level).collect(),
    })
}

/// The probability whose log-odds are `x`.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Relative activity of every segment in the hour that begins `hour` hours after the market
/// opened, on a Monday at midnight; never 0.
pub(crate) fn activity(card: &Card, hour: f64) -> Vec<f64> {
    let clock = hour.rem_euclid(24.0);
    let weekend = (hour / 24.0).floor().rem_euclid(7.0) >= 5.0;
    card.segments
        .iter()
        .map(|segment| {
            let peaks: f64 = segment
                .peaks
                .iter()
                .map(|[at, height]| {
                    let distance = (clock - at).abs().min(24.0 - (clock - at).abs());
                    height * (-distance * distance / 8.0).exp()
                })
                .sum();
            segment.share * (0.15 + peaks) * if weekend { segment.weekend } else { 1.0 }
        })
        .collect()
}

/// The parts of a creative's appeal.
pub(crate) fn parts(
    card: &Card,
    mode: TextTasteMode,
    category: &str,
    creative: &CampaignCreative,
) -> Result<Parts, Error> {
    check_statistics(&creative.statistics)?;
    let fitted = text_taste(card, hook_text(creative)?, creative.script.locale);
    let text = match mode {
        TextTasteMode::Fitted => fitted,
        TextTasteMode::Off => 0.0,
        TextTasteMode::Reversed => -fitted,
    };
    Ok(Parts {
        text,
        visual: card.visual.iter().map(|taste| visual_effect(taste, &creative.statistics)).sum(),
        latent: latent(card, category, creative),
    })
}

/// The fitted taste for a first line, in log-odds.
fn text_taste(card: &Card, hook: &str, locale: Locale) -> f64 {
    let structure = text::structure(hook);
    let value = |name: &str| {
        text::FEATURES.iter().position(|feature| *feature == name).map_or(0.0, |at| structure[at])
    };
    let mut sum: f64 = card
        .text
        .stumps
        .iter()
        .filter(|stump| value(&stump.feature) > stump.above)
        .map(|stump| stump.weight)
        .sum();
    if locale.is_english() {
        let words = text::words(hook);
        sum += card
            .text
            .words
            .iter()
            .filter(|taste| words.contains(&taste.word))
            .map(|taste| taste.weight)
            .sum::<f64>();
    }
    sum.clamp(-card.text.limit, card.text.limit)
}

/// The effect of one frame statistic, in log-odds.
fn visual_effect(taste: &VisualTaste, statistics: &FrameStatistics) -> f64 {
    let value = match taste.statistic.as_str() {
        "brightness" => statistics.brightness,
        "contrast" => statistics.contrast,
        "saturation" => statistics.saturation,
        "motion" => statistics.motion,
        "cut_rate" => statistics.cut_rate,
        "text_area" => statistics.text_area,
        "opening_brightness" => statistics.opening_brightness,
        _ => return 0.0,
    };
    let z = ((value - taste.center) / taste.scale).clamp(-2.0, 2.0);
    taste.weight * if taste.peaked { 0.5 - 0.5 * z * z } else { z }
}

/// The quality nobody outside the market can observe.
///
/// It is the sum of draws for the parts of the creative, so a line that is used again keeps its
/// quality: how well an angle and a form of hook suit the category, how good each line is, and
/// how well it all goes together.
fn latent(card: &Card, category: &str, creative: &CampaignCreative) -> f64 {
    let script = &creative.script;
    let locale = script.locale.tag();
    let draw = |kind: &str, parts: &[&str]| {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Stream::new(card.taste_seed, kind).normal(first_bits(&hasher.finalize()))
    };
    let name = |index: usize| index.to_string();
    let angle = name(Angle::ALL.iter().position(|angle| *angle == script.direction.angle).unwrap_or(0));
    let hook = name(Hook::ALL.iter().position(|hook| *hook == script.direction.hook).unwrap_or(0));
    let others: Vec<_> = script.lines.iter().filter(|line| line.role != Role::Hook).collect();
    let other_lines: f64 =
        others.iter().map(|line| draw("line", &[locale, &line.caption, &line.detail])).sum::<f64>()
            / (others.len().max(1) as f64).sqrt();
    let hook_line =
        script.line(Role::Hook).map_or(0.0, |line| draw("hook line", &[locale, &line.caption, &line.detail]));
    let whole = draw("whole", &[locale, &format!("{:016x}", script_bits(creative))]);
    let parts = card.latent_parts;
    let unit = parts.angle.sqrt() * draw("angle", &[locale, category, &angle])
        + parts.hook_form.sqrt() * draw("hook form", &[locale, category, &hook])
        + parts.hook_line.sqrt() * hook_line
        + parts.other_lines.sqrt() * other_lines
        + parts.whole.sqrt() * whole;
    card.fit.spread * card.shares.latent.sqrt() * unit
}

/// Each segment's own taste in the creative's attributes; averages to 0 over the audience.
fn segment_tastes(
    card: &Card,
    creative: &CampaignCreative,
    structure: &[f64; text::FEATURES.len()],
) -> Vec<f64> {
    let direction = creative.script.direction;
    let angle = Angle::ALL.iter().position(|angle| *angle == direction.angle).unwrap_or(0);
    let hook = Hook::ALL.iter().position(|hook| *hook == direction.hook).unwrap_or(0);
    let mut attributes = vec![("angle", angle), ("hook", hook)];
    attributes.push(("question", usize::from(structure[text::QUESTION_MARKS] > 0.0)));
    attributes.push(("digits", usize::from(structure[text::DIGITS] > 0.0)));
    attributes.push(("long", usize::from(structure[text::WORDS] > 8.0)));
    attributes.push(("lively", usize::from(creative.statistics.cut_rate > 0.4)));
    let draw = |segment: usize| {
        let sum: f64 = attributes
            .iter()
            .map(|(name, value)| {
                Stream::new(card.taste_seed, name).child(segment as u64).normal(*value as u64)
            })
            .sum();
        card.segment_taste * sum / (attributes.len() as f64).sqrt()
    };
    let tastes: Vec<f64> = (0..card.segments.len()).map(draw).collect();
    let mean: f64 = tastes.iter().zip(&card.segments).map(|(taste, segment)| taste * segment.share).sum();
    tastes.iter().map(|taste| taste - mean).collect()
}

/// Log-odds of a click on an average creative of this category in this placement.
pub(crate) fn level(card: &Card, category: &str, placement: PlacementKind) -> Result<f64, Error> {
    let base = card
        .base_ctr
        .get(placement.as_str())
        .ok_or_else(|| Error::Card(format!("no base rate for placement {}", placement.as_str())))?;
    let bits = first_bits(&blake3::hash(category.as_bytes()));
    Ok(logit(*base) + card.category_spread * Stream::new(card.taste_seed, "category").normal(bits))
}

fn hook_text(creative: &CampaignCreative) -> Result<&str, Error> {
    creative
        .script
        .line(Role::Hook)
        .map(|line| line.caption.as_str())
        .ok_or_else(|| Error::Creative("the script has no first line".to_owned()))
}

fn check_statistics(statistics: &FrameStatistics) -> Result<(), Error> {
    let values = [
        statistics.brightness,
        statistics.contrast,
        statistics.saturation,
        statistics.motion,
        statistics.cut_rate,
        statistics.text_area,
        statistics.opening_brightness,
        statistics.loudness_lufs,
    ];
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(Error::Creative("a frame statistic is not finite".to_owned()))
    }
}

/// Hash of what is said: texts and direction, not who wrote them.
fn script_bits(creative: &CampaignCreative) -> u64 {
    first_bits(&script_hasher(creative).finalize())
}

/// Hash of everything the audience sees.
fn content(creative: &CampaignCreative) -> u64 {
    let mut hasher = script_hasher(creative);
    let s = &creative.statistics;
    for value in
        [s.brightness, s.contrast, s.saturation, s.motion, s.cut_rate, s.text_area, s.opening_brightness]
    {
        hasher.update(&value.to_bits().to_le_bytes());
    }
    first_bits(&hasher.finalize())
}

fn script_hasher(creative: &CampaignCreative) -> blake3::Hasher {
    let script = &creative.script;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[script.direction.angle as u8, script.direction.hook as u8]);
    let texts = script
        .lines
        .iter()
        .flat_map(|line| [line.caption.as_str(), line.detail.as_str()])
        .chain([script.locale.tag(), script.primary_text.as_str()]);
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher
}

fn first_bits(hash: &blake3::Hash) -> u64 {
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}
