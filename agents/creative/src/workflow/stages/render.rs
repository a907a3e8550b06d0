//! Rendering: finished videos, their gate, and the publication of those that pass it.

use std::time::Duration;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::quality_gate::{GateError, judge};
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_core::ports::video_backend::{Footage, GateReport, RenderError, RenderRequest, Rendered};
use spotwright_core::spine::{PaidCalls, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{CreativeWon, Payload, RenderStage, VariantRendered};

use crate::footage::with_clips;
use crate::workflow::agent::{CreativeAgent, permanent};
use crate::workflow::decide::Decision;
use crate::workflow::stages::speak::{FinalRender, SpokenAd, SpokenRender};
use crate::workflow::trace::Chapter;

/// How long to wait before outside work is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

impl CreativeAgent {
    pub(in crate::workflow) async fn render(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
        stage: RenderStage,
    ) -> Result<FinalRender, StepError> {
        let mut variant = self.variant_of(step).await?;
        let spoken = match stage {
            RenderStage::Preview => None,
            RenderStage::Final => self.speak(step, &variant).await?,
        };
        let name = if stage == RenderStage::Preview { "preview" } else { "final" };
        if stage == RenderStage::Preview {
            // Clips are made of selected variants only: until then their shots show their pictures.
            variant.body.storyboard = with_clips(&variant.body.storyboard, |_| None);
        }
        let mut key = format!("{}-{name}", variant.id);
        if let Some(spoken) = &spoken {
            // Other speech is another video.
            variant.body.storyboard = spoken.storyboard.clone();
            let sounds = spoken.storyboard.shots.iter().filter_map(|shot| shot.voice.as_ref());
            let sounds: Vec<&str> = sounds.map(|line| line.sound.as_str()).collect();
            if !sounds.is_empty() {
                key = format!("{key}-{}", &blake3::hash(sounds.concat().as_bytes()).to_hex()[..16]);
            }
        }
        let request =
            RenderRequest { storyboard: variant.body.storyboard, stage, produce_id: variant.id.to_string() };
        let video = &self.ports.video;
        let priced = |footage: Footage| {
            let cost = footage.cost;
            (footage, cost)
        };
        let footage = calls
            .make(
                video.name(),
                &key,
                video.quote(&request),
                || async { Ok(video.lookup(&key).await.map_err(render_error)?.map(priced)) },
                || async {
                    Ok(priced(video.render(&request, &key, calls.stop()).await.map_err(render_error)?))
                },
            )
            .await?;
        let rendered = match stage {
            RenderStage::Preview => footage.into_preview().map_err(render_error)?,
            RenderStage::Final => {
                judge(self.ports.gate.as_ref(), footage, &request).await.map_err(gate_error)?
            }
        };
        Ok(match spoken {
            Some(spoken) => FinalRender::Spoken(Box::new(SpokenRender { rendered, spoken })),
            None => FinalRender::Plain(rendered),
        })
    }
}

impl Decision<'_> {
    pub(in crate::workflow) fn rendered(
        &mut self,
        mut variant: Variant,
        rendered: Rendered,
        spoken: Option<Box<SpokenAd>>,
    ) {
        if let Some(spoken) = spoken {
            self.spoken(&mut variant, *spoken);
        }
        let detail = json!({ "artifact": rendered.artifact, "frames": rendered.frames, "statistics": rendered.statistics, "gate": rendered.gate });
        self.trace(Chapter::Rendered, variant.number, "variant.rendered", Some(variant.id), detail);
        self.tell(
            "render",
            Payload::VariantRendered(VariantRendered {
                variant: variant.id,
                generation: variant.generation,
                stage: RenderStage::Final,
                artifact: rendered.artifact.0.clone(),
            }),
        );
        variant.body.final_render = Some(rendered);
        if variant.state == VariantState::Withdrawn {
            // Its run had ended when it was withdrawn, and the video was under way.
            self.commit.variants.push(variant);
            return;
        }
        variant.state = VariantState::Rendered;
        if self.ending {
            // Nobody will be told of it any more.
            self.judge(variant);
        } else {
            self.commit.variants.push(variant);
        }
    }

    pub(in crate::workflow) fn judged(&mut self, variant: Variant, next: Option<Variant>) {
        if variant.state == VariantState::Rendered && !self.judge(variant) {
            self.replace(next);
        }
    }

    /// The final gate: a variant that passed is published in the transaction that says so, unless a product feed
    /// has made untrue what it says. Whether it was published.
    pub(in crate::workflow) fn judge(&mut self, mut variant: Variant) -> bool {
        let verdict = variant.body.final_render.as_ref().and_then(|rendered| rendered.gate.clone());
        let artifact = variant.body.final_render.as_ref().map(|rendered| rendered.artifact.0.clone());
        let passed = verdict.as_ref().is_some_and(GateReport::passes);
        variant.final_gate = Some(passed);
        if let Some(untrue) = self.untrue_now(&variant) {
            self.withdraw(variant, untrue);
            return false;
        }
        if let (true, Some(artifact)) = (passed, artifact) {
            variant.state = VariantState::Won;
            let detail = json!({ "artifact": artifact });
            self.trace(Chapter::Judged, variant.number, "creative.won", Some(variant.id), detail);
            let (id, generation) = (variant.id, variant.generation);
            // The last message of a run that has ended says so.
            if self.run.stage != Stage::Finished {
                let won = CreativeWon { variant: id, generation, artifact };
                self.messages.add("agent", Payload::CreativeWon(won));
            }
            self.commit.variants.push(variant);
            return true;
        }
        variant.state = VariantState::Rejected;
        let checks = verdict.map(|gate| gate.checks).unwrap_or_default();
        let failed: Vec<_> = checks.iter().filter(|check| !check.pass).collect();
        let detail = json!({ "failed_checks": failed });
        self.trace(Chapter::Judged, variant.number, "variant.rejected", Some(variant.id), detail);
        self.commit.variants.push(variant);
        false
    }

    /// Puts the next variant in order in the place of one that dropped out, or goes on without.
    pub(in crate::workflow) fn replace(&mut self, next: Option<Variant>) {
        if self.ending {
            return;
        }
        if let Some(mut next) = next {
            self.state.waiting.retain(|id| *id != next.id);
            self.changed = true;
            next.state = VariantState::Selected;
            self.render_final(&mut next);
            self.commit.variants.push(next);
            return;
        }
        let counts = self.run.counts;
        // The variant that dropped out is still counted as selected or rendered.
        if counts.selected + counts.rendered > 1 {
            return;
        }
        let is_withdrawn = |own: &Variant| own.state == VariantState::Withdrawn;
        if counts.won == 0 && self.commit.variants.iter().any(is_withdrawn) {
            self.nothing_true();
        } else if counts.won == 0 {
            self.fail(Problem::new(Code::QualityGate, "", "no variant passed the final quality gate"));
        } else if counts.placed == counts.won {
            self.play();
        }
    }
}

fn render_error(error: RenderError) -> StepError {
    match error {
        RenderError::Unavailable(message) => {
            StepError::Retry { problem: Problem::new(Code::Render, "", message), delay: RETRY_DELAY }
        }
        RenderError::NoRoom(message) => StepError::NoRoom(message),
        RenderError::Impossible(message) => permanent(Code::Render, message),
        RenderError::Stopped => StepError::cancelled(),
    }
}

fn gate_error(error: GateError) -> StepError {
    match error {
        GateError::Unavailable(message) => {
            StepError::Retry { problem: Problem::new(Code::QualityGate, "", message), delay: RETRY_DELAY }
        }
        GateError::NoRoom(message) => StepError::NoRoom(message),
        GateError::Impossible(message) => permanent(Code::QualityGate, message),
    }
}
