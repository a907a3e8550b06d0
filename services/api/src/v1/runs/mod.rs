//! Runs: executions of the agent loop.

pub(crate) mod campaigns;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod estimate;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod questions;
pub(crate) mod resume;
pub(crate) mod signals;
pub(crate) mod trace;
pub(crate) mod variants;
pub(crate) mod winners;

use serde::Serialize;
use spotwright_core::domain::account::{OrderedRun, RunOrder, RunRecord};
use spotwright_core::domain::run::Stage;
use spotwright_schemas::Problem;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::money::{Currency, Micros};
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use super::variants::revisions::RevisesView;
use crate::language::Language;
use crate::openapi::foreign;
use crate::problem;

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: Uuid,
    /// Where it stands: `requested`, `planning`, `waiting_for_answers`, `drafting`, `waiting_for_approval`,
    /// `scoring`, `selecting`, `rendering`, `playing`, `observing`, `learning` or `finished`.
    #[schema(value_type = String)]
    stage: Stage,
    /// Whether it takes no new work until it is resumed.
    paused: bool,
    /// Whether it is being ended: it starts nothing new, waits for what is charged, and then is `finished`.
    cancelling: bool,
    /// The generation it is in, from 1; 0 before the first.
    generation: u32,
    /// What was ordered; `null` for a run that was not ordered through the API.
    order: Option<Order>,
    /// The variant that a person has edited, where the run makes a revision of one; `null` otherwise.
    revises: Option<RevisesView>,
    /// Variants of the current generation by state.
    counts: RunCounts,
    /// Its money.
    money: RunMoney,
    /// Sequence number of its newest event.
    events: u64,
    /// Why it ended; `null` while it goes on.
    #[schema(value_type = Option<foreign::StopReason>)]
    stopped: Option<StopReason>,
    /// What ended it, when it failed.
    #[schema(value_type = Option<foreign::Problem>)]
    failure: Option<Problem>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What a run was ordered with.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Order {
    /// The brief.
    brief: Uuid,
    /// How many generations.
    generations: u32,
    /// How many variants in each generation.
    variants: u32,
    /// How many of them are rendered final and placed.
    winners: u32,
    /// Seed of everything random.
    seed: u64,
    /// Views that the market offers in each generation.
    opportunities: u64,
}

/// Variants of the current generation by state, and its placements.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct RunCounts {
    /// Drafted and not yet previewed.
    drafted: u64,
    /// Previewed and not yet scored.
    previewed: u64,
    /// Scored and not selected.
    scored: u64,
    /// Selected and not yet rendered.
    selected: u64,
    /// Rendered and not yet judged.
    rendered: u64,
    /// Won.
    won: u64,
    /// Did not pass the final gate, or were rejected by a person.
    rejected: u64,
    /// Failed.
    failed: u64,
    /// Withdrawn: they say what a product feed has made untrue.
    withdrawn: u64,
    /// Placements made, but for those that ended before they were shown.
    placed: u64,
    /// Placements whose feedback was taken in.
    observed: u64,
}

/// The money of a run in millionths of its currency.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct RunMoney {
    /// ISO 4217 code; `null` for a run that was not ordered through the API.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Most that may be spent.
    #[schema(value_type = i64)]
    budget_micros: Micros,
    /// The cap that the order names, if it names one; the budget is the smaller of it and the brief's.
    #[schema(value_type = Option<i64>)]
    max_spend_micros: Option<Micros>,
    /// Spent so far; all that it cost, once it is finished.
    #[schema(value_type = i64)]
    settled_micros: Micros,
    /// Set aside.
    #[schema(value_type = i64)]
    reserved_micros: Micros,
}

impl From<RunOrder> for Order {
    fn from(order: RunOrder) -> Self {
        Self {
            brief: order.brief.0,
            generations: order.generations,
            variants: order.variants,
            winners: order.winners,
            seed: order.seed,
            opportunities: order.opportunities,
        }
    }
}

impl Run {
    /// The run as somebody reads it who asks for a language: what ended it is told as every problem is.
    fn read_in(mut self, language: Language) -> Self {
        if let Some(failure) = &mut self.failure {
            failure.message = problem::told(failure, language);
        }
        self
    }
}

impl From<RunRecord> for Run {
    fn from(run: RunRecord) -> Self {
        let counts = run.counts;
        // The workflow keeps what ended a run under `failure`; another workflow may keep nothing.
        let failure = run.outcome.get("failure").cloned();
        Self {
            id: run.id.0,
            stage: run.stage,
            paused: run.paused,
            cancelling: run.cancelling,
            generation: run.generation,
            order: run.order.map(Order::from),
            revises: run.order.and_then(|order| order.revises).map(RevisesView::from),
            counts: RunCounts {
                drafted: counts.drafted,
                previewed: counts.previewed,
                scored: counts.scored,
                selected: counts.selected,
                rendered: counts.rendered,
                won: counts.won,
                rejected: counts.rejected,
                failed: counts.failed,
                withdrawn: counts.withdrawn,
                placed: counts.placed,
                observed: counts.observed,
            },
            money: RunMoney {
                currency: run.order.map(|order| order.currency),
                budget_micros: run.budget,
                max_spend_micros: run.order.and_then(|order| order.max_spend),
                settled_micros: run.settled,
                reserved_micros: run.reserved,
            },
            events: run.messages,
            stopped: run.stopped,
            failure: failure.and_then(|failure| serde_json::from_value(failure).ok()),
            created_at: time(run.created_at),
        }
    }
}

impl From<OrderedRun> for Run {
    /// A run as it is at the moment of its order.
    fn from(ordered: OrderedRun) -> Self {
        Self {
            id: ordered.id.0,
            stage: Stage::Requested,
            paused: false,
            cancelling: false,
            generation: 0,
            order: Some(ordered.order.into()),
            revises: ordered.order.revises.map(RevisesView::from),
            counts: RunCounts::default(),
            money: RunMoney {
                currency: Some(ordered.order.currency),
                budget_micros: ordered.budget,
                max_spend_micros: ordered.order.max_spend,
                settled_micros: Micros::ZERO,
                reserved_micros: Micros::ZERO,
            },
            events: 0,
            stopped: None,
            failure: None,
            created_at: time(ordered.created_at),
        }
    }
}
