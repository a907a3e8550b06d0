//! Runs of sandboxes beside live ones: worked on by an agent of their own, and made to fail where their brief
//! says so.
//!
//! The agent of sandboxes is given ports that reach nobody and charge nothing. Which agent works on a run
//! follows from the id of its organization, so nothing has to be looked up before work is kept from the
//! outside world.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use spotwright_core::domain::run::RunView;
use spotwright_core::domain::sandbox::Magic;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{ClaimedStep, Commit, StepStore};
use spotwright_core::spine::{Messages, PaidCalls, StepError, StepOutcome, Undecided, Workflow};
use spotwright_schemas::event::{CreativeFatigued, Event, Payload};
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::mode::Mode;

use super::agent::CreativeAgent;

/// The type of the event that only a tired audience brings about.
const FATIGUED: &str = "spotwright.creative.fatigued.v1";

/// How often the example of an ad that was seen too often was shown to one user, on average.
const EXAMPLE_FREQUENCY: f64 = 8.0;

/// An agent for what is meant, and one for what is tried out.
pub struct ByMode {
    live: CreativeAgent,
    test: CreativeAgent,
    store: Arc<dyn StepStore>,
}

impl ByMode {
    /// Two agents over one store. `test` must reach nobody outside of the program.
    #[must_use]
    pub fn new(live: CreativeAgent, test: CreativeAgent, store: Arc<dyn StepStore>) -> Self {
        Self { live, test, store }
    }

    fn agent_of(&self, organization: OrganizationId) -> &CreativeAgent {
        match Mode::of(organization) {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }
}

/// What the brief of a run forces; nothing outside of sandboxes.
fn magic_of(run: &RunView) -> Option<Magic> {
    if !run.organization.is_sandbox() {
        return None;
    }
    // One that means nothing was refused when it was handed in.
    Magic::of(&run.request.brief.id).ok().flatten()
}

#[async_trait]
impl Workflow for ByMode {
    async fn execute(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError> {
        if step.organization.is_sandbox() {
            let run = self.store.run(step.run).await?;
            if let Some(problem) = magic_of(&run).and_then(|magic| magic.failure_of(step.kind)) {
                return Err(StepError::Permanent(problem));
            }
        }
        self.agent_of(step.organization).execute(step, calls).await
    }

    async fn after_step(
        &self,
        run: &RunView,
        step: &ClaimedStep,
        outcome: &StepOutcome,
        now: Timestamp,
    ) -> Result<Commit, Undecided> {
        let mut commit = self.agent_of(run.organization).after_step(run, step, outcome, now).await?;
        if step.kind == StepKind::Play && magic_of(run) == Some(Magic::Event(FATIGUED)) {
            tire(run, &mut commit, now);
        }
        Ok(commit)
    }

    async fn after_message(&self, run: &RunView, event: &Event, now: Timestamp) -> Result<Commit, Undecided> {
        self.agent_of(run.organization).after_message(run, event, now).await
    }
}

/// Lets the audience be tired of the first ad of a campaign, unless it is tired of one anyway.
fn tire(run: &RunView, commit: &mut Commit, now: Timestamp) {
    let is_tired = |event: &Event| matches!(event.payload, Payload::CreativeFatigued(_));
    if commit.messages.iter().any(is_tired) {
        return;
    }
    let shown = commit.messages.iter().find_map(|event| match &event.payload {
        Payload::PlacementFeedback(feedback) => Some((feedback.variant, feedback.generation)),
        _ => None,
    });
    let Some((variant, generation)) = shown else { return };
    let mut view = run.clone();
    view.messages += commit.messages.len() as u64;
    let mut messages = Messages::after(&view, now);
    let fatigued = CreativeFatigued { variant, generation, frequency: EXAMPLE_FREQUENCY };
    messages.add("market", Payload::CreativeFatigued(fatigued));
    commit.messages.extend(messages.into_events());
}
