//! Parts of the program that making clips never asks, the bus, and a run to make clips for.

use async_trait::async_trait;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_core::ports::event_bus::{BusError, EventBus, Subscription};
use spotwright_core::ports::fidelity::{Fidelity, FidelityReport};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::marketplace::{
    Campaign, Held, MarketError, MarketReport, Marketplace, PlacementDecision,
};
use spotwright_core::ports::quality_gate::{GateError, Inspection, QualityGate};
use spotwright_core::ports::step_store::OutboxMessage;
use spotwright_core::ports::video_backend::{Footage, RenderError, RenderRequest, VideoBackend};
use spotwright_core::spine::Shutdown;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Score;

/// Is never asked.
pub(crate) struct Nobody;

impl Letters for Nobody {
    fn undrawable(&self, _: &str) -> Vec<char> {
        Vec::new()
    }
}

#[async_trait]
impl VideoBackend for Nobody {
    fn name(&self) -> &str {
        "nobody"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &RenderRequest) -> Micros {
        Micros::ZERO
    }

    async fn lookup(&self, _: &str) -> Result<Option<Footage>, RenderError> {
        Ok(None)
    }

    async fn render(&self, _: &RenderRequest, _: &str, _: &Shutdown) -> Result<Footage, RenderError> {
        Err(RenderError::Impossible("nothing is rendered here".to_owned()))
    }
}

#[async_trait]
impl QualityGate for Nobody {
    async fn inspect(&self, _: &ArtifactHash, _: &RenderRequest) -> Result<Inspection, GateError> {
        Err(GateError::Impossible("nothing is judged here".to_owned()))
    }
}

impl ClickModel for Nobody {
    fn id(&self) -> String {
        "nobody".to_owned()
    }

    fn description(&self) -> String {
        "nothing is scored here".to_owned()
    }

    fn score(&self, _: &[ScoreInput], _: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        Ok(Vec::new())
    }

    fn explain(&self, _: &[ObservedInput], _: &[ObservedInput]) -> Result<Vec<Explanation>, ClickModelError> {
        Ok(Vec::new())
    }
}

impl Marketplace for Nobody {
    fn play_held(&self, _: &Campaign, _: &Held) -> Result<MarketReport, MarketError> {
        panic!("nothing is placed here")
    }

    fn decisions(&self, _: &Campaign, _: &Held) -> Result<Vec<PlacementDecision>, MarketError> {
        Ok(Vec::new())
    }
}

/// No clip here shows a product.
#[async_trait]
impl Fidelity for Nobody {
    async fn compare(&self, _: &ArtifactHash, _: &[ArtifactHash]) -> Result<FidelityReport, RenderError> {
        Err(RenderError::Impossible("no clip of this test shows a product".to_owned()))
    }
}

/// A bus that is never asked: no message is written.
#[async_trait]
impl EventBus for Nobody {
    async fn publish(&self, message: OutboxMessage) -> Result<MessageId, BusError> {
        Err(BusError::Unroutable(message.consumer))
    }

    async fn subscribe(&self, consumer: &str) -> Result<Box<dyn Subscription>, BusError> {
        Err(BusError::Unroutable(consumer.to_owned()))
    }
}

/// The run that clips are made for, with more money than they cost.
pub(crate) fn run() -> NewRun {
    let brief = include_bytes!("../../../../examples/coffee-en/brief.yaml");
    NewRun {
        id: RunId::derive(1, "clips", 0),
        organization: OrganizationId::derive(1, "clips", 0),
        budget: Micros(5_000_000_000),
        request: RunRequest {
            brief: Brief::from_yaml(brief).unwrap(),
            pictures: Vec::new(),
            generations: 1,
            variants: 1,
            winners: 1,
            seed: 1,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
    }
}
