//! Scripts: what an advertisement says, line by line, and what each line rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::brief::FactId;
use crate::locale::Locale;

/// From which side the advertisement approaches its audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Angle {
    /// Names a trouble and shows the way out.
    Problem,
    /// Leads with what the buyer gains.
    Benefit,
    /// Leads with evidence.
    Proof,
    /// Leads with the price or the offer.
    Offer,
    /// Leads with where it comes from or how it is made.
    Story,
    /// Places the product in a moment of the day.
    Moment,
}

impl Angle {
    /// Every angle.
    pub const ALL: [Self; 6] =
        [Self::Problem, Self::Benefit, Self::Proof, Self::Offer, Self::Story, Self::Moment];

    /// The name as stored and as part of keys that providers see; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Benefit => "benefit",
            Self::Proof => "proof",
            Self::Offer => "offer",
            Self::Story => "story",
            Self::Moment => "moment",
        }
    }
}

/// The form of the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Asks the viewer something.
    Question,
    /// Opens with a figure.
    Number,
    /// Sets two things against each other.
    Contrast,
    /// Tells the viewer to do something.
    Command,
    /// Describes a scene.
    Scene,
    /// Makes a plain statement.
    Statement,
}

impl Hook {
    /// Every hook form.
    pub const ALL: [Self; 6] =
        [Self::Question, Self::Number, Self::Contrast, Self::Command, Self::Scene, Self::Statement];

    /// The name as stored and as part of keys that providers see; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Number => "number",
            Self::Contrast => "contrast",
            Self::Command => "command",
            Self::Scene => "scene",
            Self::Statement => "statement",
        }
    }
}

/// A creative direction: what the agent plans and what it learns about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Direction {
    /// From which side.
    pub angle: Angle,
    /// In which form.
    pub hook: Hook,
}

/// How a script is built: what follows what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Structure {
    /// A trouble, the way out, why to believe it, what to do.
    ProblemSolution,
    /// The same place twice: without the product and with it.
    BeforeAfter,
    /// A claim and three reasons.
    ThreeReasons,
    /// The product does something in front of the viewer.
    Demonstration,
    /// Moments of one day.
    DayInTheLife,
    /// Sets the product's own facts beside what one usually does; never another brand.
    Comparison,
    /// The offer stands first and again at the end.
    OfferFirst,
    /// Who makes it, how, and what one notices.
    MakersStory,
    /// Objections of the viewer and facts that answer them.
    QuestionAnswer,
    /// What comes out of the parcel.
    Unboxing,
    /// The viewer's own view of one moment.
    PointOfView,
    /// Lines of the plot that stop before the answer.
    CliffHanger,
    /// Where and when, what is on the table, for how much.
    PlaceDishDeal,
    /// A chore, one tap, the result.
    TaskTapResult,
}

impl Structure {
    /// Every structure.
    pub const ALL: [Self; 14] = [
        Self::ProblemSolution,
        Self::BeforeAfter,
        Self::ThreeReasons,
        Self::Demonstration,
        Self::DayInTheLife,
        Self::Comparison,
        Self::OfferFirst,
        Self::MakersStory,
        Self::QuestionAnswer,
        Self::Unboxing,
        Self::PointOfView,
        Self::CliffHanger,
        Self::PlaceDishDeal,
        Self::TaskTapResult,
    ];

    /// The name in files, e.g. `problem_solution`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProblemSolution => "problem_solution",
            Self::BeforeAfter => "before_after",
            Self::ThreeReasons => "three_reasons",
            Self::Demonstration => "demonstration",
            Self::DayInTheLife => "day_in_the_life",
            Self::Comparison => "comparison",
            Self::OfferFirst => "offer_first",
            Self::MakersStory => "makers_story",
            Self::QuestionAnswer => "question_answer",
            Self::Unboxing => "unboxing",
            Self::PointOfView => "point_of_view",
            Self::CliffHanger => "cliff_hanger",
            Self::PlaceDishDeal => "place_dish_deal",
            Self::TaskTapResult => "task_tap_result",
        }
    }
}

/// The part a line plays; the order of the variants is the order on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Stops the thumb.
    Hook,
    /// Says what it is.
    Body,
    /// Says why to believe it.
    Proof,
    /// Says what to do.
    Cta,
}

impl Role {
    /// Every role, in the order on screen.
    pub const ALL: [Self; 4] = [Self::Hook, Self::Body, Self::Proof, Self::Cta];

    /// The name as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Body => "body",
            Self::Proof => "proof",
            Self::Cta => "cta",
        }
    }
}

/// Where the words of a line came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who proposed the line: `copy_engine`, `openai`, `gguf`, or `person` for one that a person edited.
    pub provider: String,
    /// Model name, or the pattern's id for the copy engine.
    pub model: String,
    /// BLAKE3 of the prompt, hexadecimal; empty for the copy engine.
    pub prompt_hash: String,
    /// True when another provider was asked first and failed.
    pub fallback: bool,
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The part the line plays.
    pub role: Role,
    /// Text on screen.
    pub caption: String,
    /// Smaller second line on screen; may be empty.
    pub detail: String,
    /// What is spoken during the shot; empty where the shot has no voice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub voice: String,
    /// What the shot should show, in the script's language; empty where anything of the product fits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub picture: String,
    /// Facts of the brief the line rests on; empty for lines that claim nothing about the product.
    pub rests_on: Vec<FactId>,
    /// Who wrote it.
    pub provenance: Provenance,
}

/// A complete script: one line per [`Role`], in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Language of every line.
    pub locale: Locale,
    /// The direction the script follows.
    pub direction: Direction,
    /// How it is built; absent in scripts of four labelled lines (the first version).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Structure>,
    /// Who, what tension, what turn, in one sentence; empty in the first version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub idea: String,
    /// Id of the case it learned from, e.g. `zh.restaurant.weeknight_pot`; absent where none was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_from: Option<String>,
    /// 4–7 lines, one per shot: the first is the hook, the last the call to action.
    pub lines: Vec<Line>,
    /// Text published beside the video.
    pub primary_text: String,
}

/// Fewest and most lines of a whole script.
pub const WHOLE_LINES: std::ops::RangeInclusive<usize> = 4..=7;

impl Script {
    /// Whether the lines are in order: a hook first, a call to action last, bodies and proofs
    /// between them; one of each in the first version, [`WHOLE_LINES`] in all otherwise.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        let roles: Vec<Role> = self.lines.iter().map(|line| line.role).collect();
        if self.structure.is_none() {
            return roles == Role::ALL;
        }
        let inner = roles.get(1..roles.len().saturating_sub(1)).unwrap_or_default();
        WHOLE_LINES.contains(&roles.len())
            && roles.first() == Some(&Role::Hook)
            && roles.last() == Some(&Role::Cta)
            && inner.iter().all(|role| matches!(role, Role::Body | Role::Proof))
    }

    /// The line that plays `role`, if the script has one.
    #[must_use]
    pub fn line(&self, role: Role) -> Option<&Line> {
        self.lines.iter().find(|line| line.role == role)
    }

    /// Everything the audience reads, in order, joined by spaces.
    #[must_use]
    pub fn full_text(&self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for line in &self.lines {
            parts.extend([line.caption.as_str(), line.detail.as_str()]);
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_names_are_those_of_the_stored_form() {
        let stored = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        for angle in Angle::ALL {
            assert_eq!(stored(serde_json::json!(angle)), angle.as_str());
        }
        for hook in Hook::ALL {
            assert_eq!(stored(serde_json::json!(hook)), hook.as_str());
        }
    }

    #[test]
    fn the_case_learned_from_is_kept_and_left_out_where_there_is_none() {
        let stored = include_str!("../golden/script/v1-1.json");
        let mut script: Script = serde_json::from_str(stored).expect("an old script reads");
        assert_eq!(script.learned_from, None);
        assert!(!serde_json::to_string(&script).expect("written").contains("learned_from"));
        script.learned_from = Some("en.coffee_tea.leaf_opens".to_owned());
        let again: Script =
            serde_json::from_str(&serde_json::to_string(&script).expect("written")).expect("read");
        assert_eq!(again, script);
    }
}
