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
}

/// Where the words of a line came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The provider that proposed the line: `copy_engine`, `openai`, `gguf`.
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
    /// Exactly four lines: hook, body, proof, call to action.
    pub lines: Vec<Line>,
    /// Text published beside the video.
    pub primary_text: String,
}

impl Script {
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
