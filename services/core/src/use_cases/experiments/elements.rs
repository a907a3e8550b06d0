//! What the arms of experiments are made of, and how they did: what attribution to elements is computed from.

use std::collections::BTreeMap;

use spotwright_schemas::Problem;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{ArmRole, ExperimentMetric, ReadOut};
use spotwright_schemas::script::Role;

use crate::domain::account::Scope;
use crate::domain::experiment::Experiment;
use crate::domain::variant::VariantBody;
use crate::ports::accounts::{AccountError, AccountStore, Page};
use crate::ports::experiments::ExperimentStore;
use crate::use_cases::principal::Principal;

/// Newest experiments that are looked at.
pub const MOST_EXPERIMENTS: u32 = 200;

/// An arm of an experiment that was read out.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementArm {
    /// The experiment and its phase.
    pub experiment: String,
    /// Values of its elements by their names.
    pub elements: BTreeMap<String, String>,
    /// The metric.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// The arms of the newest experiments of one kind of source that were decided by `metric`, as the last
/// read-out of their present phase tells them. Experiments whose users were not divided as configured are
/// left out, and arms without a variant or a known value.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; those of the store.
pub async fn arms(
    experiments: &dyn ExperimentStore,
    accounts: &dyn AccountStore,
    by: &Principal,
    source: FeedbackSource,
    metric: ExperimentMetric,
) -> Result<Vec<ElementArm>, Problem> {
    by.expect(Scope::ResultsRead)?;
    let page = Page { before: None, limit: MOST_EXPERIMENTS };
    let mut arms = Vec::new();
    for found in experiments.experiments(by.organization, page).await? {
        let experiment = found.row;
        let design = &experiment.design;
        if design.source != source || design.primary != metric || experiment.srm_alarm {
            continue;
        }
        let read_outs = experiments.read_outs(by.organization, experiment.id).await?;
        let Some(last) = read_outs.last().filter(|last| last.phase == experiment.phase()) else { continue };
        arms.extend(of_read_out(accounts, by, &experiment, last).await?);
    }
    Ok(arms)
}

async fn of_read_out(
    accounts: &dyn AccountStore,
    by: &Principal,
    experiment: &Experiment,
    last: &ReadOut,
) -> Result<Vec<ElementArm>, Problem> {
    let mut arms = Vec::new();
    for arm in last.arms.iter().filter(|arm| arm.role != ArmRole::Holdout) {
        let own = experiment.design.arms.iter().find(|own| own.name == arm.name);
        let (Some(variant), Some(value), Some(standard_error)) =
            (own.and_then(|own| own.variant), arm.value, arm.standard_error)
        else {
            continue;
        };
        match accounts.variant(by.context(), variant).await {
            Ok((variant, _)) => arms.push(ElementArm {
                experiment: format!("{}/{}", experiment.id, last.phase),
                elements: elements_of(&variant.body),
                value,
                standard_error,
            }),
            // It was deleted since.
            Err(AccountError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(arms)
}

/// What a variant is made of: the form of its opening, its angle and structure, the words of its call to
/// action, its visual style and its voice.
fn elements_of(body: &VariantBody) -> BTreeMap<String, String> {
    let script = &body.script;
    let named = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let style = named(serde_json::to_value(body.storyboard.style).unwrap_or_default());
    let voice = body.voice.as_ref().and_then(|voice| voice.lines.first());
    let call = script.lines.iter().find(|line| line.role == Role::Cta).map(|line| line.caption.clone());
    let mut elements = vec![
        ("hook", script.direction.hook.as_str().to_owned()),
        ("angle", script.direction.angle.as_str().to_owned()),
        ("visual_style", style),
        ("voice", voice.map_or_else(|| "none".to_owned(), |line| line.voice.clone())),
    ];
    elements.extend(script.structure.map(|structure| ("structure", structure.as_str().to_owned())));
    elements.extend(call.map(|call| ("call_to_action", call)));
    elements.into_iter().map(|(element, value)| (element.to_owned(), value)).collect()
}
