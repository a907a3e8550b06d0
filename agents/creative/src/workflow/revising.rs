//! What a variant becomes by a person's changes: the request of a run that makes it.

use spotwright_core::domain::revision::{Changes, Revising, Revision};
use spotwright_core::domain::run::{Involvement, RunRequest, RunView};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::letters::Letters;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::script::Script;

use super::state::AgentState;
use crate::revision::{Attempt, Original, attempt, button_texts, fits, untrue_findings};

/// What `variant` of `run` becomes when `by` makes these changes, judged beside the other variants of its
/// generation. Nothing is measured.
///
/// Pure. The request asks for one generation of one variant, with the run's seed and market.
///
/// # Errors
/// [`Code::RunState`] for a variant that says what is no longer true; [`Code::StoreFormat`].
pub fn revising(
    run: &RunView,
    variant: &Variant,
    generation: &[Variant],
    changes: &Changes,
    by: &str,
    letters: &dyn Letters,
) -> Result<Revising, Problem> {
    if variant.state == VariantState::Withdrawn {
        let message = "the variant was withdrawn: it says what is no longer true of the product";
        return Err(Problem::new(Code::RunState, "", message));
    }
    let state = AgentState::of(run)?;
    let informed = state.informed(run);
    let source = &informed.request;
    let stands = |other: &&Variant| {
        other.id != variant.id && !matches!(other.state, VariantState::Rejected | VariantState::Withdrawn)
    };
    let others: Vec<Script> =
        generation.iter().filter(stands).map(|other| other.body.script.clone()).collect();
    let original = Original {
        brief: &source.brief,
        script: &variant.body.script,
        storyboard: &variant.body.storyboard,
        pictures: &source.pictures,
        others: &others,
    };
    let Attempt { revised, mut findings } = attempt(&original, changes, letters);
    findings.extend(untrue_findings(original.brief, &revised, &state.heard.untrue));
    let fits = fits(&original, &revised);
    let buttons = button_texts(&source.brief).into_iter().map(str::to_owned).collect();
    let revision = Revision {
        of: variant.id,
        run: run.id,
        by: by.to_owned(),
        script: revised.script,
        storyboard: revised.storyboard,
        changes: revised.changes,
    };
    let request = RunRequest {
        brief: source.brief.clone(),
        pictures: source.pictures.clone(),
        generations: 1,
        variants: 1,
        winners: 1,
        seed: source.seed,
        opportunities: source.opportunities,
        remarks: Vec::new(),
        people: Involvement::default(),
        revision: Some(Box::new(revision)),
    };
    Ok(Revising { request, findings, fits, buttons })
}
