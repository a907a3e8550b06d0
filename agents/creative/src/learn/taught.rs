//! What people teach: scripts they rejected, lines they rewrote, wishes for another draft.
//!
//! Clicks and people are kept apart. [`Beliefs`](super::Beliefs) hold clicks alone; what people said is
//! added where a plan is made ([`with_rejections`]) and where lines are written ([`avoided`],
//! [`taught_lessons`]), so that it can be told from what an audience did.

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::script::{Direction, Structure};
use spotwright_schemas::{Language, Locale};

use super::{Beliefs, weigh};

/// Most lessons that are remembered of one run; the oldest make room.
pub const MAX_TAUGHT: usize = 200;

/// Most lessons of people that are handed to whoever writes next, newest first.
pub const MAX_TAUGHT_LESSONS: usize = 12;

/// Pseudo-impressions without a click that one rejection weighs for its direction. At the prior's 1 % this is
/// as if five clicks had failed to come: enough to put a direction behind its equals, and overruled by a
/// few hundred impressions that go well.
pub const REJECTION_IMPRESSIONS: u64 = 500;

/// Which signal taught it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaughtBy {
    /// A question was answered.
    Answer,
    /// A script was rejected.
    Reject,
    /// A line was rewritten.
    Edit,
    /// A script was wanted anew.
    Regenerate,
}

/// Something a person taught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taught {
    /// Which signal.
    pub kind: TaughtBy,
    /// The generation it was about, from 1.
    pub generation: u32,
    /// The variant it was about.
    pub variant: Option<VariantId>,
    /// Its direction.
    pub direction: Option<Direction>,
    /// How its script was built.
    pub structure: Option<Structure>,
    /// Why, in the person's words; empty where no reason was given.
    pub reason: String,
    /// The caption as it was.
    pub before: String,
    /// The caption as it is now; empty where it was dropped.
    pub after: String,
}

/// Remembers a lesson.
pub fn remember(taught: &mut Vec<Taught>, lesson: Taught) {
    taught.push(lesson);
    let surplus = taught.len().saturating_sub(MAX_TAUGHT);
    taught.drain(..surplus);
}

/// Beliefs for a plan: those of the clicks, and [`REJECTION_IMPRESSIONS`] without a click for every script
/// that a person rejected.
#[must_use]
pub fn with_rejections(beliefs: &Beliefs, taught: &[Taught]) -> Beliefs {
    let rejected: Vec<(Direction, u64, u64)> = taught
        .iter()
        .filter(|lesson| lesson.kind == TaughtBy::Reject)
        .filter_map(|lesson| Some((lesson.direction?, REJECTION_IMPRESSIONS, 0)))
        .collect();
    weigh(beliefs, &rejected)
}

/// Captions that people did not want, each once.
#[must_use]
pub fn avoided(taught: &[Taught]) -> Vec<String> {
    let mut captions: Vec<String> = Vec::new();
    for lesson in taught.iter().filter(|lesson| lesson.kind != TaughtBy::Answer) {
        if !lesson.before.is_empty() && !captions.contains(&lesson.before) {
            captions.push(lesson.before.clone());
        }
    }
    captions
}

/// What people taught as sentences in the brief's language, newest first, each once, at most
/// [`MAX_TAUGHT_LESSONS`]. Their words stand in quotation marks: they are material, not instructions.
#[must_use]
pub fn taught_lessons(taught: &[Taught], locale: Locale) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for lesson in taught.iter().rev() {
        let Some(sentence) = sentence(lesson, locale) else { continue };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
        if sentences.len() == MAX_TAUGHT_LESSONS {
            break;
        }
    }
    sentences
}

/// `None` for what says nothing about writing: an answer is a fact of the brief already.
fn sentence(lesson: &Taught, locale: Locale) -> Option<String> {
    let Taught { reason, before, after, .. } = lesson;
    Some(match (locale.language(), lesson.kind) {
        (_, TaughtBy::Answer) => return None,
        (_, TaughtBy::Regenerate) if reason.is_empty() => return None,
        (Language::English, TaughtBy::Reject) => {
            format!("The advertiser rejected the opening “{before}”; the reason: “{reason}”.")
        }
        (Language::Chinese, TaughtBy::Reject) => format!("广告主退回了开头“{before}”，理由：“{reason}”。"),
        (Language::English, TaughtBy::Edit) => {
            format!("The advertiser changed the line “{before}” to “{after}”.")
        }
        (Language::Chinese, TaughtBy::Edit) => format!("广告主把“{before}”改成了“{after}”。"),
        (Language::English, TaughtBy::Regenerate) => {
            format!(
                "The advertiser wanted another script than the one that opens with “{before}”: “{reason}”."
            )
        }
        (Language::Chinese, TaughtBy::Regenerate) => {
            format!("广告主希望重写以“{before}”开头的脚本：“{reason}”。")
        }
    })
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::script::{Angle, Hook};

    use super::*;
    use crate::learn::learn;

    const PRICE: Direction = Direction { angle: Angle::Offer, hook: Hook::Number };
    const SCENE: Direction = Direction { angle: Angle::Moment, hook: Hook::Scene };

    fn lesson(kind: TaughtBy, before: &str, after: &str) -> Taught {
        Taught {
            kind,
            generation: 1,
            variant: None,
            direction: Some(PRICE),
            structure: Some(Structure::OfferFirst),
            reason: "price first looks cheap".to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn a_rejected_direction_is_believed_in_less_until_clicks_say_otherwise() {
        let clicks = learn(&Beliefs::default(), &[(PRICE, 1_000, 10), (SCENE, 1_000, 10)]);
        let rejected = with_rejections(&clicks, &[lesson(TaughtBy::Reject, "Only $18", "")]);
        assert!(rejected.posterior(PRICE).mean() < rejected.posterior(SCENE).mean());
        let liked = learn(&rejected, &[(PRICE, 5_000, 150)]);
        assert!(liked.posterior(PRICE).mean() > liked.posterior(SCENE).mean());
        let edited = with_rejections(&clicks, &[lesson(TaughtBy::Edit, "Only $18", "$18 a bag")]);
        assert_eq!(edited, clicks, "an edit is no rejection");
    }

    #[test]
    fn what_was_not_wanted_is_avoided_and_told_once() {
        let taught = [
            lesson(TaughtBy::Reject, "Only $18", ""),
            lesson(TaughtBy::Edit, "Quiet first.", "The first quiet minute."),
            lesson(TaughtBy::Reject, "Only $18", ""),
            lesson(TaughtBy::Answer, "", "$18 for a bag"),
        ];
        assert_eq!(avoided(&taught), ["Only $18", "Quiet first."]);
        for locale in [Locale::EnUs, Locale::ZhCn] {
            let told = taught_lessons(&taught, locale);
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told[0].contains("Only $18") && told[0].contains("price first looks cheap"), "{told:?}");
            assert!(told[1].contains("The first quiet minute."), "{told:?}");
        }
    }

    #[test]
    fn only_so_much_is_remembered() {
        let mut taught = Vec::new();
        for number in 0..MAX_TAUGHT + 5 {
            remember(&mut taught, lesson(TaughtBy::Reject, &number.to_string(), ""));
        }
        assert_eq!(taught.len(), MAX_TAUGHT);
        assert_eq!(taught[0].before, "5");
        assert_eq!(taught_lessons(&taught, Locale::EnUs).len(), MAX_TAUGHT_LESSONS);
    }
}
