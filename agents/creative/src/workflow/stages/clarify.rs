//! Clarifying: questions about the brief, asked before anything is planned on what they leave open.

use std::time::Duration;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{LaterStep, NewStep};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::clarify::{Answer, Question, fact_of_answer};
use crate::learn::{Taught, TaughtBy, remember};
use crate::workflow::decide::Decision;
use crate::workflow::trace::Chapter;

/// Whether a planning step is the one that ends the wait for answers.
pub(in crate::workflow) fn ends_the_wait(key: &str) -> bool {
    key.ends_with("-due")
}

impl Decision<'_> {
    /// Waits for answers, at most as long as the run's request says: the end of the wait is a step, so that
    /// it is as durable as any other work, and comes by the database's clock.
    pub(in crate::workflow) fn ask(&mut self, questions: Vec<Question>) {
        let within = self.run.request.people.answers_within_seconds;
        let detail = json!({ "questions": questions, "answers_within_seconds": within });
        self.trace(Chapter::Asked, 0, "brief.questioned", None, detail);
        self.state.heard.questions = questions;
        self.enter(Stage::WaitingForAnswers);
        if let Some(seconds) = within {
            let key = format!("g{}-due", self.generation);
            let step = NewStep { kind: StepKind::Plan, key, input: json!({}) };
            self.commit.later.push(LaterStep { step, delay: Duration::from_secs(u64::from(seconds)) });
        }
    }

    /// Takes an answer in, or the wish to go on with the default.
    pub(in crate::workflow) fn answered(
        &mut self,
        question: &str,
        text: Option<&str>,
        by: &str,
    ) -> Result<(), Problem> {
        if self.run.stage != Stage::WaitingForAnswers {
            return Err(Problem::new(Code::RunState, "", "the run waits for no answers"));
        }
        let heard = &self.state.heard;
        let Some(asked) = heard.questions.iter().find(|asked| asked.id == question).cloned() else {
            let asked: Vec<&str> = heard.questions.iter().map(|asked| asked.id.as_str()).collect();
            let message = format!("the run has asked {} and nothing else", asked.join(", "));
            return Err(Problem::new(Code::RequestValue, "signal.question", message));
        };
        if heard.answers.iter().any(|answer| answer.question == question) {
            return Err(Problem::new(Code::RunState, "signal.question", "the question was answered before"));
        }
        let fact = text.map(|text| fact_of_answer(&self.run.request.brief, question, text)).transpose()?;
        let number = heard.answers.len() as u32;
        let default = fact.is_none().then_some(asked.default);
        let detail = json!({ "question": question, "fact": fact, "default": default, "by": by });
        self.trace(Chapter::Answered, number, "question.answered", None, detail);
        if let Some(fact) = &fact {
            let lesson = Taught {
                kind: TaughtBy::Answer,
                generation: self.generation,
                variant: None,
                direction: None,
                structure: None,
                reason: question.to_owned(),
                before: String::new(),
                after: fact.text.clone(),
            };
            remember(&mut self.state.heard.taught, lesson);
        }
        self.state.heard.answers.push(Answer { question: question.to_owned(), fact, by: by.to_owned() });
        if self.state.heard.open_questions().next().is_none() {
            self.plan_on_answers();
        }
        Ok(())
    }

    /// The time for answers is over: what is open stays with its default.
    pub(in crate::workflow) fn answers_due(&mut self) {
        if self.run.stage == Stage::WaitingForAnswers && !self.ending {
            self.plan_on_answers();
        }
    }

    fn plan_on_answers(&mut self) {
        self.enter(Stage::Planning);
        let key = format!("g{}-answered", self.generation);
        self.new_step(NewStep { kind: StepKind::Plan, key, input: json!({}) });
    }
}
