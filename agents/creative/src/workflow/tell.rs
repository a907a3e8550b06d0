//! What follows from a signal.

use jiff::Timestamp;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::signal::{Signal, Told};
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::step_store::Commit;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::decide::{Decision, cancel};
use super::heard::{HeardSignal, MAX_SIGNALS, digest};
use super::state::AgentState;

/// What follows when `by` tells a run something: commits to be tried in their order, as those of [`cancel`];
/// none when the signal was taken in before.
///
/// Pure, as `decide` is: equal arguments give equal commits. `variants` are those of the run's
/// current generation, read at its version or later; for [`Signal::Withdraw`] all of the run's, with its
/// `placements`; for [`Signal::Serving`] the `placements` of the generation. Nothing else asks for them. Each commit remembers the signal, so once one of them is
/// written the signal counts, and counts once.
///
/// # Errors
/// [`Code::RunState`] for what the run's state does not allow, [`Code::IdempotencyConflict`] for another
/// signal under a known id, [`Code::LineRefused`] for words that do not pass the critique, and
/// [`Code::NotFound`], [`Code::RequestValue`] for a signal that makes no sense.
pub fn tell(
    run: &RunView,
    told: &Told,
    by: &str,
    variants: &[Variant],
    placements: &[Placement],
    now: Timestamp,
) -> Result<Vec<Commit>, Problem> {
    let state = AgentState::of(run)?;
    let known = state.heard.knows(told.id, &told.signal)?;
    if told.signal == Signal::Cancel {
        // A run that was told to end stays so: that is all there is to remember of it.
        return cancel(run, by, now);
    }
    if let Signal::Withdraw { untrue } = &told.signal {
        // What was written since it was told first may say the old value too.
        let take_in = |decision: &mut Decision<'_>| decision.untrue(untrue, variants, placements, by);
        return withdraw(run, &state, told, known, take_in, now);
    }
    if known {
        return Ok(Vec::new());
    }
    if run.stage == Stage::Finished || run.cancelling {
        return Err(Problem::new(Code::RunState, "", "the run has ended or is being ended"));
    }
    if state.heard.signals.len() >= MAX_SIGNALS {
        let message = format!("a run takes {MAX_SIGNALS} signals in, and it has");
        return Err(Problem::new(Code::RunState, "", message));
    }
    let run = state.informed(run);
    let mut decision = Decision::new(&run, &state, now);
    match &told.signal {
        Signal::Answer { question, text } => decision.answered(question, text.as_deref(), by)?,
        Signal::Approve { variant, all } => decision.approved(*variant, *all, variants, by)?,
        Signal::Reject { variant, reason } => decision.rejected(*variant, reason, variants, by)?,
        Signal::Edit { variant, line, caption, voice } => {
            decision.edited(*variant, *line, (caption.as_deref(), voice.as_deref()), variants, by)?;
        }
        Signal::Regenerate { variant, note } => {
            decision.regenerated(*variant, note.as_deref(), variants, by)?;
        }
        Signal::Serving { generation, ad, wish } => {
            if !decision.served(*generation, *ad, *wish, placements, by)? {
                return Ok(Vec::new());
            }
        }
        // Decided on above.
        Signal::Withdraw { .. } | Signal::Cancel => {}
    }
    let signal = HeardSignal { id: told.id, digest: digest(&told.signal) };
    decision.state.heard.signals.push(signal);
    decision.changed = true;
    Ok(vec![decision.into_commit()])
}

/// What follows from a change of a product. It is taken in whatever the run's stage, and however many signals the
/// run has heard: an advertisement that says what is untrue must not go on because of a bound.
fn withdraw(
    run: &RunView,
    state: &AgentState,
    told: &Told,
    known: bool,
    decide: impl FnOnce(&mut Decision<'_>) -> Result<bool, Problem>,
    now: Timestamp,
) -> Result<Vec<Commit>, Problem> {
    let run = state.informed(run);
    let mut decision = Decision::new(&run, state, now);
    if !decide(&mut decision)? {
        return Ok(Vec::new());
    }
    if !known && state.heard.signals.len() < MAX_SIGNALS {
        let signal = HeardSignal { id: told.id, digest: digest(&told.signal) };
        decision.state.heard.signals.push(signal);
    }
    Ok(vec![decision.into_commit()])
}
