//! Placing: winners in the market, the generation's campaign, and what the audience did.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spotwright_core::domain::campaign::Hold;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, VariantState};
use spotwright_core::ports::marketplace::{Campaign, Held, MarketReport};
use spotwright_core::ports::step_store::{ClaimedStep, LedgerEntry, LedgerKind, NewStep};
use spotwright_core::spine::{PaidCalls, StepError};
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{CreativeFatigued, FeedbackSource, Payload, PlacementFeedback, StopReason};
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Delivery;

use crate::workflow::agent::{CreativeAgent, in_background, parse, permanent};
use crate::workflow::decide::Decision;
use crate::workflow::play::campaign;
use crate::workflow::state::placement_id;
use crate::workflow::trace::{Chapter, line};

/// Smallest media budget of a generation that is worth an auction: one unit of the currency.
pub(in crate::workflow) const SMALLEST_CAMPAIGN: Micros = Micros(1_000_000);

/// How long a paused campaign waits before it is looked at again.
const OPENING: Duration = Duration::from_secs(1);

/// How often a campaign under way is looked at.
const LISTENING: Duration = Duration::from_millis(200);

/// A placement of the generation that is played.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedVariant {
    /// The placement.
    pub placement: PlacementId,
    /// The variant that it shows.
    pub variant: VariantId,
    /// Whether the variant was withdrawn after it was placed.
    pub is_withdrawn: bool,
}

/// What a campaign is played with.
#[derive(Serialize, Deserialize)]
pub(in crate::workflow) struct PlayInput {
    pub(in crate::workflow) budget: Micros,
}

/// The report of a campaign whose every advertisement was withdrawn before the market began.
fn nothing_played(budget: Micros) -> MarketReport {
    MarketReport {
        source: FeedbackSource::Simulated,
        marketplace: "none: every winner was withdrawn".to_owned(),
        audience: String::new(),
        auctions: 0,
        won: 0,
        competitors: 0,
        mean_cpm: Micros::ZERO,
        budget,
        creatives: Vec::new(),
        holds: Vec::new(),
        course: None,
    }
}

impl CreativeAgent {
    pub(in crate::workflow) async fn play(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
    ) -> Result<MarketReport, StepError> {
        let (run, state) = self.run_of(step).await?;
        // The market opens when the campaign goes on. One of a run that is being ended is played, and takes no
        // impressions.
        if state.holds.campaign == Some(Hold::Paused) && !calls.stop().is_set() {
            return Err(StepError::Waiting { delay: OPENING, progress: Value::Null });
        }
        let PlayInput { budget } = parse(step.input.clone()).map_err(StepError::Permanent)?;
        let variants = self.ports.store.variants_of(run.id, run.generation).await?;
        let campaign = campaign(&run, &variants, run.generation, budget).map_err(StepError::Permanent)?;
        if campaign.creatives.is_empty() {
            return Ok(nothing_played(budget));
        }
        let held = Arc::new(Held::default());
        held.set(state.holds.bits(&campaign));
        let (market, told, asked) =
            (Arc::clone(&self.ports.marketplace), Arc::clone(&held), campaign.clone());
        let playing = in_background(move || market.play_held(&asked, &told));
        let mut playing = std::pin::pin!(playing);
        let played = loop {
            tokio::select! {
                played = &mut playing => break played?,
                () = tokio::time::sleep(LISTENING) => self.listen(step, &campaign, &held).await,
            }
        };
        played.map_err(|error| permanent(Code::Market, error.to_string()))
    }

    /// Tells the market what people wish meanwhile. What cannot be read now is told with the next look.
    async fn listen(&self, step: &ClaimedStep, campaign: &Campaign, held: &Held) {
        match self.run_of(step).await {
            Ok((_, state)) => held.set(state.holds.bits(campaign)),
            Err(error) => tracing::debug!(run.id = %step.run, %error, "the run cannot be looked at"),
        }
    }
}

impl Decision<'_> {
    /// Places a winner. One that was withdrawn since it won is not placed, and what follows from that was decided
    /// when it was withdrawn.
    pub(in crate::workflow) fn won(&mut self, variant: VariantId, state: VariantState) {
        if self.ending || self.run.stage != Stage::Rendering || state != VariantState::Won {
            return;
        }
        let id = placement_id(self.run.id, self.generation, variant);
        let campaign = format!("{}/g{}", self.run.id, self.generation);
        self.commit.placements.push(Placement {
            id,
            run: self.run.id,
            campaign,
            variant,
            generation: self.generation,
            delivery: None,
            observed: false,
            ended: false,
            held: None,
        });
        let counts = self.run.counts;
        if counts.selected + counts.rendered == 0 && counts.placed + 1 == counts.won {
            self.play();
        }
    }

    /// Sets the generation's share of what is left aside and lets the market play.
    pub(in crate::workflow) fn play(&mut self) {
        let free = self.run.budget - self.run.settled - self.run.reserved;
        let generations_left = i64::from(self.run.request.generations.saturating_sub(self.generation)) + 1;
        let budget = Micros(free.0 / generations_left);
        if budget < SMALLEST_CAMPAIGN {
            self.finish(StopReason::BudgetExhausted, None);
            return;
        }
        let reference = self.campaign_reference();
        self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Reserve, reference, amount: budget });
        let key = format!("g{}", self.generation);
        self.new_step(NewStep { kind: StepKind::Play, key, input: json!({ "budget": budget }) });
        self.enter(Stage::Playing);
    }

    pub(in crate::workflow) fn campaign_reference(&self) -> String {
        format!("play:{}:g{}", self.run.id, self.generation)
    }

    pub(in crate::workflow) fn played(&mut self, report: MarketReport, placements: &[PlacedVariant]) {
        let generation = self.generation;
        let mut spend = Micros::ZERO;
        let mut n_shown = 0;
        self.end_withdrawn(&report, placements);
        for (idx, row) in report.creatives.iter().enumerate() {
            let is_own = |own: &PlacedVariant| own.placement == row.placement && own.variant == row.variant;
            if !placements.iter().any(is_own) {
                continue;
            }
            n_shown += 1;
            let Delivery { impressions, clicks, conversions, spend: cost } = row.delivery;
            spend += cost;
            self.trace(Chapter::Played, idx as u32, "placement.delivered", Some(row.variant), json!(row));
            self.commit.deliveries.push((row.placement, row.clone()));
            self.tell(
                "market",
                Payload::PlacementFeedback(PlacementFeedback {
                    placement: row.placement,
                    variant: row.variant,
                    generation,
                    source: report.source,
                    impressions,
                    clicks,
                    conversions,
                    spend: cost,
                }),
            );
            if row.fatigued {
                let fatigued =
                    CreativeFatigued { variant: row.variant, generation, frequency: row.frequency };
                self.tell("market", Payload::CreativeFatigued(fatigued));
            }
        }
        let detail = json!({
            "marketplace": report.marketplace, "audience": report.audience, "auctions": report.auctions,
            "won": report.won, "competitors": report.competitors, "mean_cpm": report.mean_cpm, "spend": spend,
        });
        self.trace(Chapter::Published, 0, "campaign.played", None, detail);
        let reference = self.campaign_reference();
        self.commit.ledger.push(LedgerEntry { kind: LedgerKind::Settle, reference, amount: spend });
        // What became of each advertisement is stored with its placement, and the rest with the campaign.
        let report = MarketReport { creatives: Vec::new(), ..report };
        self.commit.played = Some((generation, report.clone()));
        self.state.reports.push(MarketReport { course: None, ..report });
        self.enter(Stage::Observing);
        if n_shown == 0 && !self.ending {
            // Nothing was shown, so nobody will report.
            self.enter(Stage::Learning);
            self.generation_step(StepKind::Learn);
        }
        if self.state.cancelling {
            self.finish(StopReason::Cancelled, None);
        }
    }

    /// Ends the placements of withdrawn variants: with what the market delivered where it had begun before the
    /// withdrawal, and without a delivery else.
    fn end_withdrawn(&mut self, report: &MarketReport, placements: &[PlacedVariant]) {
        for own in placements.iter().filter(|own| own.is_withdrawn) {
            let row = report.creatives.iter().find(|row| row.placement == own.placement);
            let detail = json!({ "placement": own.placement, "delivery": row.map(|row| row.delivery) });
            let what = "placement.ended";
            let mut entry = line(self.generation, Chapter::Withdrawn, 0, what, Some(own.variant), detail);
            entry.order = format!("{}/{}", entry.order, own.placement);
            self.commit.trace.push(entry);
            self.commit.ended.push(own.placement);
        }
    }

    pub(in crate::workflow) fn feedback(&mut self, feedback: &PlacementFeedback) {
        if !self.is_current(Stage::Observing, feedback.generation) {
            return;
        }
        let detail = json!({ "source": feedback.source, "impressions": feedback.impressions, "clicks": feedback.clicks, "conversions": feedback.conversions, "spend": feedback.spend });
        // Sorted by the placement's id, which does not depend on the order of arrival.
        let mut entry =
            line(self.generation, Chapter::Observed, 0, "placement.observed", Some(feedback.variant), detail);
        entry.order = format!("{}/{}", entry.order, feedback.placement);
        self.commit.trace.push(entry);
        self.commit.observed.push(feedback.placement);
        let counts = self.run.counts;
        if counts.observed + 1 == counts.placed {
            self.enter(Stage::Learning);
            self.generation_step(StepKind::Learn);
        }
    }

    pub(in crate::workflow) fn fatigued(&mut self, fatigued: &CreativeFatigued) {
        let detail = json!({ "frequency": fatigued.frequency });
        let mut entry = line(
            fatigued.generation,
            Chapter::Fatigued,
            0,
            "creative.fatigued",
            Some(fatigued.variant),
            detail,
        );
        entry.order = format!("{}/{}", entry.order, fatigued.variant);
        self.commit.trace.push(entry);
    }
}
