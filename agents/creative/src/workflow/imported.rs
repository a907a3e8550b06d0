//! What real platforms have reported of the product's ads: read where a plan is made and where parents are chosen.

use serde_json::json;
use spotwright_core::domain::observation::{Evidence, ProductKey, SourceKind};
use spotwright_core::domain::run::RunView;
use spotwright_core::ports::accounts::AccountError;
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::spine::StepError;
use spotwright_schemas::script::Direction;
use spotwright_schemas::{Language, Locale};

use super::agent::CreativeAgent;
use super::decide::Decision;
use super::trace::Chapter;
use crate::learn;

impl CreativeAgent {
    /// What platforms have reported of the product of a run, in this run's ads and in those of earlier ones.
    pub(super) async fn imported(&self, run: &RunView) -> Result<Vec<Evidence>, StepError> {
        let Some(observations) = &self.observations else { return Ok(Vec::new()) };
        let product = ProductKey::of(&run.request.brief);
        let found = observations.evidence(run.organization, &product, SourceKind::Imported).await;
        Ok(found.map_err(|error| match error {
            AccountError::Database(why) => StoreError::Database(why),
            other => StoreError::Format(other.to_string()),
        })?)
    }
}

/// Evidence as observations of directions.
pub(super) fn by_direction(evidence: &[Evidence]) -> Vec<(Direction, u64, u64)> {
    evidence.iter().map(|own| (own.direction, own.impressions, own.clicks)).collect()
}

impl Decision<'_> {
    /// Takes over what platforms have reported, in the place of what they had reported before, and says so.
    pub(super) fn reported(&mut self, evidence: &[Evidence]) {
        let beliefs = learn::with_imported(&self.state.beliefs, &by_direction(evidence));
        if evidence.is_empty() && beliefs == self.state.beliefs {
            return;
        }
        self.state.beliefs = beliefs;
        let notice = notice(evidence, self.run.request.brief.locale);
        let detail = json!({ "source": "imported", "evidence": evidence, "notice": notice });
        self.trace(Chapter::Planned, 0, "results.imported", None, detail);
    }
}

/// Says on what the plan rests.
fn notice(evidence: &[Evidence], locale: Locale) -> String {
    let impressions: u64 = evidence.iter().map(|own| own.impressions).sum();
    let clicks: u64 = evidence.iter().map(|own| own.clicks).sum();
    let ads = evidence.len();
    match locale.language() {
        Language::English => format!(
            "Results of real platforms were used: {ads} of the product's ads with {impressions} impressions and \
             {clicks} clicks. For their directions they are the evidence, and the simulated results do not count."
        ),
        Language::Chinese => format!(
            "采用了真实平台的数据：该产品的 {ads} 条广告，展示 {impressions} 次，点击 {clicks} 次。\
             这些方向以真实数据为准，模拟结果不计入。"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::Value;
    use spotwright_core::domain::run::{Counts, Involvement, RunRequest, Stage};
    use spotwright_schemas::ids::{OrganizationId, RunId, VariantId};
    use spotwright_schemas::money::Micros;
    use spotwright_schemas::script::{Angle, Hook};

    use super::*;
    use crate::fixtures::coffee_zh;
    use crate::workflow::{AgentEvent, AgentState, decide};

    const SCENE: Direction = Direction { angle: Angle::Moment, hook: Hook::Scene };

    fn planning() -> RunView {
        let request = RunRequest {
            brief: coffee_zh(),
            pictures: Vec::new(),
            generations: 2,
            variants: 4,
            winners: 2,
            seed: 1,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        };
        RunView {
            id: RunId::derive(1, "run", 0),
            organization: OrganizationId::derive(1, "organization", 0),
            budget: request.brief.budget.total,
            request: Arc::new(request),
            version: 3,
            stage: Stage::Planning,
            generation: 2,
            state: Value::Null,
            messages: 1,
            counts: Counts::default(),
            settled: Micros::ZERO,
            reserved: Micros::ZERO,
            paused: false,
            cancelling: false,
            working: 0,
        }
    }

    fn evidence(clicks: u64) -> Vec<Evidence> {
        let variant = VariantId::derive(1, "variant", 0);
        vec![Evidence { variant, direction: SCENE, impressions: 20_000, clicks }]
    }

    #[test]
    fn a_plan_takes_over_what_platforms_reported_and_says_so() {
        let run = planning();
        let planned =
            |imported| AgentEvent::Planned { assignments: Vec::new(), questions: Vec::new(), imported };
        let decided = |state: &AgentState, imported| {
            let commit = decide(&run, state, planned(imported), Timestamp::UNIX_EPOCH);
            let written = commit.run.expect("the run goes on").state;
            let state: AgentState = serde_json::from_value(written).expect("a state");
            let told = commit.trace.into_iter().find(|line| line.what == "results.imported");
            (state, told.map(|line| line.detail))
        };
        let (state, told) = decided(&AgentState::default(), evidence(500));
        assert_eq!((state.beliefs.imported()[0].clicks, state.beliefs.counts().len()), (500, 0));
        let told = told.expect("it is said");
        assert_eq!(told["source"], "imported");
        assert!(
            told["notice"].as_str().is_some_and(|notice| notice.contains("展示 20000 次，点击 500 次")),
            "{told}"
        );
        // The same again is the same, a corrected number replaces, and what is no longer there is gone.
        assert_eq!(decided(&state, evidence(500)).0.beliefs, state.beliefs);
        assert_eq!(decided(&state, evidence(900)).0.beliefs.imported()[0].clicks, 900);
        assert!(!decided(&state, Vec::new()).0.beliefs.has_imported());
        let (untouched, told) = decided(&AgentState::default(), Vec::new());
        assert_eq!((untouched.beliefs, told), (AgentState::default().beliefs, None));
    }
}
