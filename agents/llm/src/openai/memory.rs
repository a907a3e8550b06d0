//! What was learned about a server: which form of answer it can be asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Calls after which a lowered rung is tried again from the top: servers are updated.
const CALLS_UNTIL_FORGOTTEN: u32 = 500;

/// Forms of asking for JSON, from strict to loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// `response_format: json_schema`.
    JsonSchema,
    /// `response_format: json_object`; the shape is described in the prompt.
    JsonObject,
    /// No response format; the JSON is cut out of the text.
    PlainText,
}

impl Rung {
    /// The next looser form.
    #[must_use]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::JsonSchema => Some(Self::JsonObject),
            Self::JsonObject => Some(Self::PlainText),
            Self::PlainText => None,
        }
    }
}

/// How a server wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) rung: Rung,
    pub(super) uses_completion_tokens: bool,
    pub(super) sends_temperature: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rung: Rung::JsonSchema, uses_completion_tokens: false, sends_temperature: true }
    }
}

/// What is remembered of (base URL, model), with the calls since.
type Known = HashMap<(String, String), (Settings, u32)>;

/// Remembers how each (base URL, model) wants to be asked, for 500 calls. Cheap to clone; clones
/// share their memory.
#[derive(Debug, Clone, Default)]
pub struct RungMemory {
    known: Arc<Mutex<Known>>,
}

impl RungMemory {
    /// The rung that the next call begins with.
    #[must_use]
    pub fn rung(&self, base_url: &str, model: &str) -> Rung {
        let known = self.lock();
        known.get(&key(base_url, model)).map_or(Rung::JsonSchema, |(settings, _)| settings.rung)
    }

    /// Settings for a call, which is counted.
    pub(super) fn begin(&self, base_url: &str, model: &str) -> Settings {
        let mut known = self.lock();
        let entry = known.entry(key(base_url, model)).or_default();
        entry.1 += 1;
        if entry.1 > CALLS_UNTIL_FORGOTTEN {
            *entry = (Settings::default(), 1);
        }
        entry.0
    }

    pub(super) fn learn(&self, base_url: &str, model: &str, settings: Settings) {
        self.lock().entry(key(base_url, model)).or_default().0 = settings;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), (Settings, u32)>> {
        // The map is whole at every step, so a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(base_url: &str, model: &str) -> (String, String) {
    (base_url.to_owned(), model.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lowered_rung_is_kept_and_forgotten_in_the_end() {
        let memory = RungMemory::default();
        let plain = Settings { rung: Rung::PlainText, ..Settings::default() };
        memory.begin("u", "m");
        memory.learn("u", "m", plain);
        assert_eq!(memory.rung("u", "m"), Rung::PlainText);
        assert_eq!(memory.rung("u", "other"), Rung::JsonSchema);
        for _ in 1..CALLS_UNTIL_FORGOTTEN {
            assert_eq!(memory.begin("u", "m"), plain);
        }
        assert_eq!(memory.begin("u", "m"), Settings::default());
    }
}
