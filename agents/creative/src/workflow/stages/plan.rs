//! Planning: directions for the variants of a generation.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::topology::StepKind;

use crate::clarify::{self, Question};
use crate::plan::{self, Assignment};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::state::AgentState;
use crate::workflow::trace::Chapter;

/// What planning comes to.
#[derive(Serialize, Deserialize)]
pub(in crate::workflow) struct PlanResult {
    pub(in crate::workflow) assignments: Vec<Assignment>,
    pub(in crate::workflow) questions: Vec<Question>,
}

impl CreativeAgent {
    pub(in crate::workflow) fn plan(run: &RunView, state: &AgentState) -> PlanResult {
        let request = &run.request;
        let assignments = plan::plan(
            &request.brief,
            run.generation,
            request.variants as usize,
            &state.beliefs,
            request.seed,
        );
        let questions = if run.generation == 1 { clarify::questions(&request.brief) } else { Vec::new() };
        PlanResult { assignments, questions }
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn requested(&mut self) {
        if self.run.stage != Stage::Requested {
            return;
        }
        self.generation = 1;
        self.enter(Stage::Planning);
        self.generation_step(StepKind::Plan);
    }

    pub(in crate::workflow) fn planned(&mut self, assignments: Vec<Assignment>, detail: Value) {
        self.state.assignments = assignments;
        self.trace(Chapter::Planned, 0, "generation.planned", None, detail);
        self.enter(Stage::Drafting);
        self.generation_step(StepKind::Draft);
    }
}
