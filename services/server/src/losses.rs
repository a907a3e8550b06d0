//! What became of the videos that were asked for and did not come: how many were lost, at which
//! stage, and the first reason in plain words.

use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_creative::critique::Finding;
use spotwright_creative::drafting::Dropped;

use crate::outputs::FinishedRun;
use crate::words::{Failure, LostAt, Words};

/// A stage at which variants are lost.
struct Stage {
    at: LostAt,
    lost: usize,
    reason: Option<String>,
}

/// One sentence for each generation that ended with fewer winners than were asked for, and one for
/// generations that were never begun.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    let request = &finished.run.request;
    let asked = request.winners as usize;
    let mut notices = Vec::new();
    for generation in 1..=finished.run.generation {
        let made = finished.shown().winners().filter(|variant| variant.generation == generation).count();
        if made < asked {
            notices.push(shortfall(finished, generation, made, words));
        }
    }
    let missing = request.generations.saturating_sub(finished.run.generation);
    if missing > 0 {
        let reason = finished.state.failure.as_ref();
        let reason = reason.map(|problem| format!("{} {}", problem.code, problem.message));
        let reason = reason.map(|stored| (words.losses.reason)(&Failure::of(&stored)));
        notices.push((words.losses.not_begun)(missing, request.generations, reason.as_deref()));
    }
    notices
}

fn shortfall(finished: &FinishedRun, generation: u32, made: usize, words: &Words) -> String {
    let mut notice = (words.losses.short)(generation, made, finished.run.request.winners);
    let stages = stages(finished, generation, words);
    if stages.iter().all(|stage| stage.lost == 0) {
        notice.push_str(words.losses.ended_before);
    }
    for Stage { at, lost, reason } in stages.into_iter().filter(|stage| stage.lost > 0) {
        notice.push_str(&(words.losses.lost)(at, lost, reason.as_deref()));
    }
    notice
}

fn stages(finished: &FinishedRun, generation: u32, words: &Words) -> Vec<Stage> {
    let variants: Vec<&Variant> =
        finished.variants.iter().filter(|variant| variant.generation == generation).collect();
    let lost = |at: LostAt, is_lost: &dyn Fn(&Variant) -> bool, why: &dyn Fn(&Variant) -> Option<String>| {
        let lost: Vec<&&Variant> = variants.iter().filter(|variant| is_lost(variant)).collect();
        Stage { at, lost: lost.len(), reason: lost.first().and_then(|variant| why(variant)) }
    };
    let failure = |variant: &Variant| {
        variant.body.failure.as_deref().map(|stored| (words.losses.reason)(&Failure::of(stored)))
    };
    let failed = |variant: &Variant| variant.state == VariantState::Failed;
    let failed_check = |variant: &Variant| failed_check(variant, words);
    let unwritten = Stage {
        at: LostAt::Writing,
        lost: (finished.run.request.variants as usize).saturating_sub(variants.len()),
        reason: first_objection(finished, generation, words),
    };
    vec![
        unwritten,
        lost(LostAt::Preview, &|variant| failed(variant) && variant.body.preview.is_none(), &failure),
        lost(
            LostAt::Scoring,
            &|variant| failed(variant) && variant.body.preview.is_some() && variant.body.score.is_none(),
            &failure,
        ),
        lost(LostAt::Final, &|variant| failed(variant) && variant.body.score.is_some(), &failure),
        lost(
            LostAt::Gate,
            &|variant| variant.state == VariantState::Rejected && variant.final_gate.is_some(),
            &failed_check,
        ),
        lost(LostAt::Feed, &|variant| variant.state == VariantState::Withdrawn, &|variant| {
            variant.body.withdrawal.as_ref().map(words.withdrawal)
        }),
    ]
}

/// What the critique said first of the generation's scripts.
fn first_objection(finished: &FinishedRun, generation: u32, words: &Words) -> Option<String> {
    let dropped = finished
        .trace
        .iter()
        .filter(|entry| entry.generation == generation && entry.what == "script.dropped")
        .filter_map(|entry| serde_json::from_value::<Dropped>(entry.detail.clone()).ok());
    let mut findings = dropped.flat_map(|dropped| dropped.findings);
    let stops = |finding: &Finding| finding.severity == Severity::Error;
    findings.find(stops).map(|finding| (words.losses.finding)(&finding))
}

fn failed_check(variant: &Variant, words: &Words) -> Option<String> {
    let gate = variant.body.final_render.as_ref()?.gate.as_ref()?;
    let check = gate.checks.iter().find(|check| !check.pass)?;
    Some((words.losses.failed_check)(&check.id, &check.value, &check.limit))
}
