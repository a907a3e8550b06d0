//! What was learned about a server: the form it can be asked in, and whether it answers at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::form::{Form, Rung};

/// Calls after which what was learned is tried again from the top: servers are updated.
const CALLS_UNTIL_FORGOTTEN: u32 = 500;

/// What is known of a server and model.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Calls since it was learned.
    calls: u32,
    /// The form that works.
    form: Form,
    /// A stricter form that may work as well: what was changed blindly is taken back.
    better: Option<Form>,
    /// Whether the server has answered anything, were it an error.
    answers: bool,
    /// Whether the last call has waited for the server in vain.
    is_down: bool,
    /// Whether the last call was refused in every form.
    refuses: bool,
}

/// How a call begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) form: Form,
    /// The form to fall back to where `form` is an attempt only.
    pub(super) proven: Option<Form>,
    /// Whether forms are tried without a hint from the server.
    pub(super) may_guess: bool,
    /// Whether the server has answered before.
    pub(super) answers: bool,
    /// Whether waiting for the server was in vain the last time.
    pub(super) is_down: bool,
}

/// What is remembered of (base URL, model).
type Servers = HashMap<(String, String), Known>;

/// Remembers how each (base URL, model) wants to be asked, for 500 calls. Cheap to clone; clones
/// share their memory.
#[derive(Debug, Clone, Default)]
pub struct RungMemory {
    servers: Arc<Mutex<Servers>>,
}

impl RungMemory {
    /// The rung that the next call begins with.
    #[must_use]
    pub fn rung(&self, base_url: &str, model: &str) -> Rung {
        self.form(base_url, model).rung
    }

    /// The form that is known to work.
    pub(super) fn form(&self, base_url: &str, model: &str) -> Form {
        self.lock().get(&key(base_url, model)).map_or_else(Form::default, |known| known.form)
    }

    /// How a call begins, which is counted.
    pub(super) fn begin(&self, base_url: &str, model: &str) -> Start {
        self.change(base_url, model, |known| {
            known.calls += 1;
            if known.calls > CALLS_UNTIL_FORGOTTEN {
                *known = Known { calls: 1, answers: known.answers, ..Known::default() };
            }
            let better = known.better.take();
            Start {
                form: better.unwrap_or(known.form),
                proven: better.map(|_| known.form),
                may_guess: !known.refuses,
                answers: known.answers,
                is_down: known.is_down,
            }
        })
    }

    /// `form` works; `better` may work, too.
    pub(super) fn learn(&self, base_url: &str, model: &str, form: Form, better: Option<Form>) {
        self.change(base_url, model, |known| {
            known.form = form;
            if better.is_some() {
                known.better = better;
            }
            (known.refuses, known.is_down, known.answers) = (false, false, true);
        });
    }

    /// No form works.
    pub(super) fn refused(&self, base_url: &str, model: &str) {
        self.change(base_url, model, |known| (known.refuses, known.answers) = (true, true));
    }

    /// The server did not answer, or answered that it cannot, for as long as a call waits.
    pub(super) fn down(&self, base_url: &str, model: &str) {
        self.change(base_url, model, |known| known.is_down = true);
    }

    fn change<T>(&self, base_url: &str, model: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        change(self.lock().entry(key(base_url, model)).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Servers> {
        // The map is whole at every step, so a panic elsewhere does not spoil it.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(base_url: &str, model: &str) -> (String, String) {
    (base_url.to_owned(), model.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_kept_and_forgotten_in_the_end() {
        let memory = RungMemory::default();
        let plain = Form { rung: Rung::PlainText, ..Form::default() };
        memory.begin("u", "m");
        memory.learn("u", "m", plain, None);
        assert_eq!(memory.rung("u", "m"), Rung::PlainText);
        assert_eq!(memory.rung("u", "other"), Rung::JsonSchema);
        for _ in 1..CALLS_UNTIL_FORGOTTEN {
            assert_eq!(memory.begin("u", "m").form, plain);
        }
        assert_eq!(memory.begin("u", "m").form, Form::default());
    }

    #[test]
    fn a_stricter_form_is_tried_once_beside_the_proven_one() {
        let memory = RungMemory::default();
        let plain = Form { rung: Rung::PlainText, system_turn: false, ..Form::default() };
        let strict = Form { rung: Rung::JsonSchema, ..plain };
        memory.learn("u", "m", plain, Some(strict));
        let start = memory.begin("u", "m");
        assert_eq!((start.form, start.proven), (strict, Some(plain)));
        let start = memory.begin("u", "m");
        assert_eq!((start.form, start.proven), (plain, None));
    }

    #[test]
    fn servers_that_refuse_or_are_down_are_known_until_they_answer() {
        let memory = RungMemory::default();
        memory.down("u", "m");
        memory.refused("u", "m");
        let start = memory.begin("u", "m");
        assert!(start.is_down && !start.may_guess);
        memory.learn("u", "m", Form::default(), None);
        let start = memory.begin("u", "m");
        assert!(!start.is_down && start.may_guess && start.answers);
    }
}
