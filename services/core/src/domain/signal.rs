//! Signals: what people and programs tell a run that goes on.
//!
//! A signal is told under an id of the teller's choice, so that one that is told again counts once.

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::{KeyId, OrganizationId, PersonId, PlacementId, RunId, SignalId, VariantId};

use super::campaign::ServingWish;
use super::withdrawal::Untrue;

/// Longest text of a signal, in characters.
pub const MAX_SIGNAL_TEXT: usize = 300;

/// Who tells a run something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person at the machine that works on the run.
    Person {
        /// Whose runs the person may speak of.
        organization: OrganizationId,
    },
    /// A holder of an API key.
    Key {
        /// The key.
        key: KeyId,
        /// Whose runs the key opens.
        organization: OrganizationId,
    },
    /// A member of the organization who is signed in.
    Member {
        /// Who.
        person: PersonId,
        /// Where.
        organization: OrganizationId,
    },
    /// The program itself.
    System,
}

impl Caller {
    /// Whether runs of `owner` exist for this caller.
    #[must_use]
    pub fn may_tell(&self, owner: OrganizationId) -> bool {
        match self {
            Self::Person { organization }
            | Self::Key { organization, .. }
            | Self::Member { organization, .. } => *organization == owner,
            Self::System => true,
        }
    }

    /// What is written of the caller: `person`, `key:<id>`, `person:<id>` or `system`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Person { .. } => "person".to_owned(),
            Self::Key { key, .. } => format!("key:{key}"),
            Self::Member { person, .. } => format!("person:{person}"),
            Self::System => "system".to_owned(),
        }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Signal {
    /// Answers a question about the brief.
    Answer {
        /// The question's id, e.g. `no_price`.
        question: String,
        /// The answer; without one the question's default is taken.
        #[serde(default)]
        text: Option<String>,
    },
    /// Lets scripts be rendered.
    Approve {
        /// The variant; without one every script of the generation that waits.
        #[serde(default)]
        variant: Option<VariantId>,
        /// Whether the scripts of all later generations are approved unseen.
        #[serde(default)]
        all: bool,
    },
    /// Drops a script and has another one written in its place.
    Reject {
        /// The variant.
        variant: VariantId,
        /// Why; a lesson for what is written next.
        reason: String,
    },
    /// Changes the words of a line.
    Edit {
        /// The variant.
        variant: VariantId,
        /// The line, from 0.
        line: u32,
        /// The new text on screen.
        #[serde(default)]
        caption: Option<String>,
        /// The new spoken text.
        #[serde(default)]
        voice: Option<String>,
    },
    /// Has scripts written anew.
    Regenerate {
        /// The variant; without one every script of the generation that waits.
        #[serde(default)]
        variant: Option<VariantId>,
        /// What to do differently.
        #[serde(default)]
        note: Option<String>,
    },
    /// Withdraws the variants that say what is no longer true of a product, in whatever state the run is.
    Withdraw {
        /// The product, and what changed.
        untrue: Untrue,
    },
    /// Pauses, continues or ends the campaign of a generation, or one ad of it.
    Serving {
        /// The generation.
        generation: u32,
        /// The ad; without one the campaign whole.
        #[serde(default)]
        ad: Option<PlacementId>,
        /// What is wished.
        wish: ServingWish,
    },
    /// Ends the run.
    Cancel,
}

impl Signal {
    /// The kind as written, e.g. `answer`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Edit { .. } => "edit",
            Self::Regenerate { .. } => "regenerate",
            Self::Withdraw { .. } => "withdraw",
            Self::Serving { .. } => "serving",
            Self::Cancel => "cancel",
        }
    }
}

/// A signal under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What makes it count once.
    pub id: SignalId,
    /// What is told.
    pub signal: Signal,
}

impl Told {
    /// The wish that a run ends; the same however often it is made.
    #[must_use]
    pub fn cancel(run: RunId) -> Self {
        Self { id: SignalId::child_of(run.0, "cancel", 0), signal: Signal::Cancel }
    }
}

/// What became of a signal that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was taken in.
    Now,
    /// It had been taken in before, or what it wishes is so already; nothing was written.
    Before,
}

/// A question that a run has asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedQuestion {
    /// Stable name, e.g. `no_problem`.
    pub id: String,
    /// Field of the brief the answer belongs to.
    pub field: String,
    /// The question in the brief's language.
    pub text: String,
    /// What is done without an answer, in the brief's language.
    pub default: String,
    /// Whether it waits for no answer any more: it was answered, its default was taken, or the run has gone
    /// on without.
    pub closed: bool,
    /// The answer, if one was given.
    pub answer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_written_by_its_kind_and_unknown_fields_are_refused() {
        let variant = VariantId::derive(1, "variant", 1);
        let signal = Signal::Reject { variant, reason: "too loud".to_owned() };
        let written = serde_json::to_value(&signal).expect("plain data");
        assert_eq!(written["kind"], signal.kind());
        assert_eq!(serde_json::from_value::<Signal>(written).expect("the same"), signal);
        let wrong = serde_json::json!({ "kind": "approve", "variants": [] });
        assert!(serde_json::from_value::<Signal>(wrong).is_err());
    }

    #[test]
    fn a_caller_speaks_of_the_own_organization_only() {
        let (own, other) = (OrganizationId::derive(1, "o", 1), OrganizationId::derive(1, "o", 2));
        let key = Caller::Key { key: KeyId::derive(1, "k", 1), organization: own };
        assert!(key.may_tell(own) && !key.may_tell(other));
        assert!(!Caller::Person { organization: own }.may_tell(other));
        assert!(Caller::System.may_tell(other));
    }
}
