//! Learning: beliefs, lessons and parents from what was placed, and the turn to the next generation.

use serde::{Deserialize, Serialize};
use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_core::spine::StepError;
use spotwright_schemas::event::StopReason;

use crate::learn::{self, Beliefs, Lesson, Parent, Placed};
use crate::workflow::agent::CreativeAgent;
use crate::workflow::decide::Decision;
use crate::workflow::imported::by_direction;
use crate::workflow::play::outcomes;
use crate::workflow::shown::Shown;
use crate::workflow::stages::serve::Holds;
use crate::workflow::state::has_next;
use crate::workflow::trace::Chapter;

/// Winners a generation is bred from.
const PARENTS: usize = 2;

/// What learning comes to.
#[derive(Serialize, Deserialize)]
pub(in crate::workflow) struct LearnResult {
    pub(in crate::workflow) beliefs: Beliefs,
    pub(in crate::workflow) lessons: Vec<Lesson>,
    pub(in crate::workflow) parents: Vec<Parent>,
}

impl CreativeAgent {
    pub(in crate::workflow) async fn learn(&self, step: &ClaimedStep) -> Result<LearnResult, StepError> {
        let (run, state) = self.run_of(step).await?;
        if let Some(sink) = &self.outcomes {
            let variants = self.ports.store.variants_of(run.id, run.generation).await?;
            let placements = self.ports.store.placements_of(run.id, run.generation).await?;
            sink.observe(&outcomes(&run, &variants, &placements, run.generation));
        }
        let store = self.ports.store.as_ref();
        let earlier = self.remembered.before(store, run.id, run.generation).await?.shown.len();
        let before = self.remembered.before(store, run.id, run.generation + 1).await?;
        let counted = |shown: &Shown| (shown.direction, shown.observed.impressions, shown.observed.clicks);
        let imported = self.imported(&run).await?;
        let placed: Vec<Placed> = before
            .shown
            .iter()
            .map(|shown| {
                let (direction, impressions, clicks) = counted(shown);
                let simulated =
                    Placed { variant: shown.variant, direction, impressions, clicks, is_imported: false };
                let reported = imported.iter().find(|own| own.variant == shown.variant);
                reported.map_or(simulated, |own| Placed {
                    impressions: own.impressions,
                    clicks: own.clicks,
                    is_imported: true,
                    ..simulated
                })
            })
            .collect();
        let fresh: Vec<_> = before.shown.iter().skip(earlier).map(counted).collect();
        let beliefs = learn::learn(&state.beliefs, &fresh);
        let beliefs = learn::with_imported(&beliefs, &by_direction(&imported));
        let parents = learn::choose_parents(&beliefs, &placed, PARENTS);
        let lessons = learn::lessons(&beliefs, run.request.brief.locale);
        Ok(LearnResult { beliefs, lessons, parents })
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn learned(
        &mut self,
        beliefs: Beliefs,
        lessons: Vec<Lesson>,
        parents: Vec<Parent>,
    ) {
        let locale = self.run.request.brief.locale;
        let reasons: Vec<String> = parents.iter().map(|parent| parent.told(locale)).collect();
        let detail =
            json!({ "beliefs": beliefs, "lessons": lessons, "parents": parents, "reasons": reasons });
        self.state.beliefs = beliefs;
        self.state.lessons = lessons;
        self.state.parents = parents;
        self.trace(Chapter::Learned, 0, "generation.learned", None, detail);
        self.next_generation();
    }

    fn next_generation(&mut self) {
        if self.ending {
            self.changed = true;
            return;
        }
        if !has_next(self.run, &self.run.request) {
            self.finish(StopReason::Completed, None);
            return;
        }
        self.generation += 1;
        self.state.assignments.clear();
        self.state.waiting.clear();
        self.state.holds = Holds::default();
        self.state.heard.next_generation();
        self.enter(Stage::Planning);
        self.generation_step(StepKind::Plan);
    }
}
