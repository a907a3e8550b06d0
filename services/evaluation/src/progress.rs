//! How far long work is: a bar on a terminal, JSON lines otherwise. Both go to standard error.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Shows how much of a known amount of work is done.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// What is done, e.g. `minilm: encoded texts`.
    what: String,
    total: usize,
    /// Percent that was shown last; lines are written when it changes.
    shown: Option<usize>,
}

impl Progress {
    /// Begins at nothing of `total`.
    pub(crate) fn new(what: impl Into<String>, total: usize) -> Self {
        let what = what.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64).with_message(what.clone());
            let template = "{spinner} {bar:32} {percent:>3} %  {msg}: {pos} of {len}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        let mut progress = Self { bar, what, total, shown: None };
        progress.show(0);
        progress
    }

    /// `done` of the total are done.
    pub(crate) fn show(&mut self, done: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.tick();
            return;
        }
        let percent = done * 100 / self.total.max(1);
        if self.shown != Some(percent) {
            self.shown = Some(percent);
            let share = done as f64 / self.total.max(1) as f64;
            let event = json!({ "progress": {
                "share": (share * 1_000.0).round() / 1_000.0,
                "text": format!("{}: {done} of {}", self.what, self.total),
            } });
            // Progress is not worth failing for.
            let _ignored = writeln!(std::io::stderr(), "{event}");
        }
    }

    /// Runs `write`, which writes to the terminal too, without the bar in its way.
    pub(crate) fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
