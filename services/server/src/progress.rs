//! Progress: a bar on a terminal, one JSON line per change otherwise. Both go to standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_schemas::locale::Locale;

use crate::words::Words;

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    last: String,
}

impl Progress {
    /// A bar when standard error is a terminal, JSON lines otherwise.
    #[must_use]
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1_000);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:32} {percent:>3} %  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last: String::new() }
    }

    /// Shows where `run` stands, when that has changed.
    pub fn show(&mut self, run: &RunView) {
        let share = share(run);
        if let Some(bar) = &self.bar {
            let words = Words::of(run.request.brief.locale);
            bar.set_position((share * 1_000.0) as u64);
            bar.set_message(words.progress(run));
            bar.tick();
            return;
        }
        // Lines of JSON are for programs, whatever the brief speaks.
        let text = Words::of(Locale::EnUs).progress(run);
        if text != self.last {
            eprintln!(
                "{}",
                json!({ "progress": { "share": (share * 1_000.0).round() / 1_000.0, "text": text } })
            );
            self.last = text;
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// Share of the work done, in [0, 1]. Rendering weighs most because it takes longest.
fn share(run: &RunView) -> f64 {
    if run.stage == Stage::Finished {
        return 1.0;
    }
    let counts = run.counts;
    let scored = f64::from(run.request.variants).max(1.0);
    let winners = f64::from(run.request.winners.min(run.request.variants)).max(1.0);
    let within = match run.stage {
        Stage::Requested | Stage::Planning | Stage::WaitingForAnswers => 0.0,
        Stage::Drafting => 0.02,
        Stage::WaitingForApproval => 0.05,
        Stage::Scoring => 0.05 + 0.25 * (counts.scored as f64 / scored).min(1.0),
        Stage::Selecting => 0.30,
        Stage::Rendering => 0.30 + 0.60 * ((counts.won + counts.rendered) as f64 / winners).min(1.0),
        Stage::Playing => 0.92,
        _ => 0.97,
    };
    (f64::from(run.generation.saturating_sub(1)) + within) / f64::from(run.request.generations.max(1))
}
