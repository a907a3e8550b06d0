//! Planning: directions for the variants of a generation.

use serde::{Deserialize, Serialize};
use serde_json::json;
use spotwright_core::domain::observation::Evidence;
use spotwright_core::domain::run::{Clarify, RunView, Stage};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::spine::StepError;

use crate::clarify::{self, Question};
use crate::learn;
use crate::plan::{self, Assignment, Reason};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::imported::by_direction;
use crate::workflow::state::AgentState;
use crate::workflow::trace::Chapter;

/// What planning comes to.
#[derive(Serialize, Deserialize)]
pub(in crate::workflow) struct PlanResult {
    pub(in crate::workflow) assignments: Vec<Assignment>,
    pub(in crate::workflow) questions: Vec<Question>,
    /// What real platforms have reported of the product's ads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::workflow) imported: Vec<Evidence>,
}

impl CreativeAgent {
    pub(in crate::workflow) async fn plan(
        &self,
        run: &RunView,
        state: &AgentState,
    ) -> Result<PlanResult, StepError> {
        let request = &run.request;
        if let Some(revision) = &request.revision {
            // What it says is decided: nothing is chosen and nothing asked.
            let direction = revision.script.direction;
            let assignments = vec![Assignment { number: 1, direction, reason: Reason::Wished }];
            return Ok(PlanResult { assignments, questions: Vec::new(), imported: Vec::new() });
        }
        let imported = self.imported(run).await?;
        let beliefs = learn::with_imported(&state.beliefs, &by_direction(&imported));
        let assignments = plan::plan(
            &request.brief,
            run.generation,
            request.variants as usize,
            &learn::with_rejections(&beliefs, &state.heard.taught),
            request.seed,
        );
        let questions = if run.generation == 1 { clarify::questions(&request.brief) } else { Vec::new() };
        Ok(PlanResult { assignments, questions, imported })
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

    /// Goes on to the scripts, or first asks what is open about the brief.
    pub(in crate::workflow) fn planned(
        &mut self,
        assignments: Vec<Assignment>,
        questions: Vec<Question>,
        imported: &[Evidence],
    ) {
        let asked = !self.state.heard.questions.is_empty();
        let asks = self.run.request.people.clarify == Clarify::Ask;
        if asks && !asked && !questions.is_empty() && !self.ending {
            self.ask(questions);
            return;
        }
        self.reported(imported);
        // Of those that were asked, what is still open is left to its default.
        let assumed = if asked && self.generation == 1 { self.assumed() } else { questions };
        let detail = json!({ "assignments": assignments, "questions": assumed });
        self.state.assignments = assignments;
        self.trace(Chapter::Planned, 0, "generation.planned", None, detail);
        self.enter(Stage::Drafting);
        self.generation_step(StepKind::Draft);
    }

    /// The questions whose defaults are taken.
    fn assumed(&self) -> Vec<Question> {
        let heard = &self.state.heard;
        let answered = |question: &Question| {
            heard.answers.iter().any(|answer| answer.question == question.id && answer.fact.is_some())
        };
        heard.questions.iter().filter(|question| !answered(question)).cloned().collect()
    }
}
