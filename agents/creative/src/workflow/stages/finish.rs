//! Ends: of a variant that cannot be made, of a generation, and of the run.

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::step_store::{LedgerEntry, LedgerKind};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Payload, RunFinished, StopReason};
use spotwright_schemas::money::Micros;

use crate::workflow::decide::Decision;
use crate::workflow::trace::Chapter;

impl Decision<'_> {
    pub(in crate::workflow) fn variant_failed(
        &mut self,
        kind: StepKind,
        mut variant: Variant,
        next: Option<Variant>,
        problem: &Problem,
    ) {
        if self.ending && problem.code == Code::RunCancelled {
            // It has not failed: it was not made.
            return;
        }
        let detail = json!({ "step": kind.as_str(), "problem": problem });
        let chapter = match kind {
            StepKind::Preview => Chapter::Previewed,
            StepKind::Score => Chapter::Scored,
            _ => Chapter::Rendered,
        };
        self.trace(chapter, variant.number, "variant.failed", Some(variant.id), detail);
        variant.state = VariantState::Failed;
        variant.body.failure = Some(problem.to_string());
        self.commit.variants.push(variant);
        if self.ending {
            return;
        }
        if problem.code == Code::BudgetExhausted {
            self.finish(StopReason::BudgetExhausted, Some(problem.clone()));
        } else if kind == StepKind::Render {
            self.replace(next);
        } else {
            self.join_scores(1);
        }
    }

    /// The generation cannot go on. Its campaign's reserve is given back; what is reserved for paid calls
    /// belongs to them until each has its end.
    pub(in crate::workflow) fn failed(&mut self, problem: Problem, campaign: Option<Micros>) {
        if let (Stage::Playing, Some(amount)) = (self.run.stage, campaign) {
            let reference = self.campaign_reference();
            self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Release, reference, amount });
        }
        self.fail(problem);
    }

    pub(in crate::workflow) fn fail(&mut self, problem: Problem) {
        if self.ending {
            return;
        }
        let reason = if problem.code == Code::BudgetExhausted {
            StopReason::BudgetExhausted
        } else {
            StopReason::Failed
        };
        self.finish(reason, Some(problem));
    }

    pub(in crate::workflow) fn finish(&mut self, reason: StopReason, problem: Option<Problem>) {
        let problem = if reason == StopReason::BudgetExhausted { self.at_the_cap(problem) } else { problem };
        let detail = json!({ "reason": reason, "problem": problem });
        self.trace(Chapter::Ended, 0, "run.finished", None, detail);
        self.state.stopped = Some(reason);
        self.state.failure = problem;
        self.commit.cancel_waiting_steps = true;
        self.messages
            .add("agent", Payload::RunFinished(RunFinished { reason, generations: self.generation }));
        self.enter(Stage::Finished);
    }

    /// Why there is no money: where the order allows less than the brief's budget, that is what to change.
    fn at_the_cap(&self, problem: Option<Problem>) -> Option<Problem> {
        let budget = &self.run.request.brief.budget;
        if self.run.budget >= budget.total {
            return problem;
        }
        let (cap, code) = (self.run.budget.to_decimal(), budget.currency.code());
        let next = problem.map_or_else(
            || "what is left is too little for a campaign".to_owned(),
            |problem| problem.message,
        );
        let message = format!("the run may spend {cap} {code}: {next}");
        Some(Problem::new(Code::SpendCap, "max_spend", message))
    }
}
