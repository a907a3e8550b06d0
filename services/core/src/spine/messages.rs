//! Numbering of messages.

use jiff::Timestamp;
use spotwright_schemas::event::{ContentType, Event, Payload, RenderStage, SpecVersion};
use spotwright_schemas::ids::MessageId;
use spotwright_schemas::mode::Mode;

use crate::domain::run::RunView;

/// Collects the messages of one commit and numbers them after those already written.
#[derive(Debug)]
pub struct Messages<'a> {
    run: &'a RunView,
    now: Timestamp,
    events: Vec<Event>,
}

impl<'a> Messages<'a> {
    /// Starts after the run's last message.
    #[must_use]
    pub const fn after(run: &'a RunView, now: Timestamp) -> Self {
        Self { run, now, events: Vec::new() }
    }

    /// Adds a message. Its id follows from what it says, so saying it twice is caught by the store.
    pub fn add(&mut self, source: &str, payload: Payload) {
        let key = message_key(&payload);
        self.events.push(Event {
            specversion: SpecVersion::V1,
            id: MessageId::child_of(self.run.id.0, &key, 0),
            source: format!("/spotwright/{source}"),
            subject: self.run.id,
            time: self.now,
            datacontenttype: ContentType::Json,
            organization: self.run.organization,
            mode: Mode::of(self.run.organization),
            sequence: self.run.messages + self.events.len() as u64 + 1,
            payload,
        });
    }

    /// The messages.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// What makes a message of a run unique: its type and what it is about.
fn message_key(payload: &Payload) -> String {
    let about = match payload {
        Payload::CreativeRequested(_) | Payload::RunFinished(_) => String::new(),
        Payload::VariantRequested(data) => format!("{}/{}", data.variant, stage(data.stage)),
        Payload::VariantRendered(data) => format!("{}/{}", data.variant, stage(data.stage)),
        Payload::VariantScored(data) => data.variant.to_string(),
        Payload::CreativeWon(data) => data.variant.to_string(),
        Payload::PlacementFeedback(data) => data.placement.to_string(),
        Payload::CreativeFatigued(data) => data.variant.to_string(),
    };
    format!("{}/{about}", payload.event_type())
}

const fn stage(stage: RenderStage) -> &'static str {
    match stage {
        RenderStage::Preview => "preview",
        RenderStage::Final => "final",
    }
}
