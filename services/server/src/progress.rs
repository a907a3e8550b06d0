//! Progress: a bar on a terminal, one JSON line per change otherwise. Both go to standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use spotwright_core::domain::run::{Approval, RunView, Stage};

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
        let text = describe(run);
        if let Some(bar) = &self.bar {
            bar.set_position((share * 1_000.0) as u64);
            bar.set_message(text);
            bar.tick();
        } else if text != self.last {
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

/// What is going on, for people.
fn describe(run: &RunView) -> String {
    let counts = run.counts;
    let total = run.request.variants;
    let what = match run.stage {
        Stage::Requested | Stage::Planning => "choosing directions".to_owned(),
        Stage::Drafting => "writing scripts".to_owned(),
        Stage::WaitingForAnswers => "waiting for answers".to_owned(),
        Stage::WaitingForApproval => format!("{} scripts wait for approval", counts.drafted),
        Stage::Scoring => format!("previews: {} of {total} scored", counts.scored),
        Stage::Selecting => "choosing variants".to_owned(),
        Stage::Rendering => {
            let wanted = run.request.winners.min(total);
            // People reject before anything is rendered, and are not told what they know.
            let seen = run.request.people.approval != Approval::None;
            let rejected = if counts.rejected == 0 || seen {
                String::new()
            } else {
                format!(", {} did not pass the gate", counts.rejected)
            };
            format!("rendering: {} of {wanted} finished{rejected}", counts.won + counts.rendered)
        }
        Stage::Playing => "the market is playing".to_owned(),
        Stage::Observing | Stage::Learning => "learning from the audience".to_owned(),
        Stage::Finished => "finished".to_owned(),
    };
    format!("generation {} of {}: {what}", run.generation.max(1), run.request.generations)
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
