//! Messages on their way from the outbox to the consumers.
//!
//! # Purpose
//! [`memory::MemoryBus`] is the event bus of a single process, [`rabbit::RabbitBus`] that of several.
//! [`relay::Relay`] moves messages from the store's outbox to whichever bus there is, and marks them
//! sent once they are confirmed.
//!
//! Nothing here is the truth: the outbox is. Nothing here removes duplicates: the inbox does. A crash
//! at any point leaves a message unsent in the outbox, or sent and confirmed, or confirmed and not
//! yet marked, in which case it is published again and the inbox drops the repetition.
//!
//! # Invariants
//! - A message is marked sent only after the bus has confirmed it.
//! - The in-process bus confirms only after the consumer's verdict; RabbitMQ confirms when its queue
//!   has the message on disk, and keeps it until the verdict.
//! - A message whose consumer is not there waits in the outbox and does not hold up the others.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//!
//! use spotwright_bus::memory::MemoryBus;
//! use spotwright_core::ports::event_bus::{EventBus, Verdict};
//! # use spotwright_core::ports::step_store::OutboxMessage;
//! # use spotwright_schemas::event::{ContentType, CreativeRequested, Event, Payload, SpecVersion};
//! # use spotwright_schemas::ids::{MessageId, OrganizationId, RunId};
//! # fn message() -> OutboxMessage {
//! #     let id = MessageId::derive(1, "message", 1);
//! #     let data = CreativeRequested { brief: "tea".to_owned(), generations: 1, variants: 1 };
//! #     let event = Event {
//! #         specversion: SpecVersion::V1,
//! #         id,
//! #         source: "/spotwright/agent".to_owned(),
//! #         subject: RunId::derive(1, "run", 1),
//! #         time: jiff::Timestamp::UNIX_EPOCH,
//! #         datacontenttype: ContentType::Json,
//! #         organization: OrganizationId::derive(1, "organization", 1),
//! #         mode: spotwright_schemas::mode::Mode::Live,
//! #         sequence: 1,
//! #         payload: Payload::CreativeRequested(data),
//! #     };
//! #     OutboxMessage { id, consumer: "agent.creative-requested".to_owned(), event }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = Arc::new(MemoryBus::new());
//! let mut queue = bus.subscribe("agent.creative-requested").await?;
//! let publishing = tokio::spawn({
//!     let bus = Arc::clone(&bus);
//!     async move { bus.publish(message()).await }
//! });
//! queue.next().await?.settle(Verdict::Ack);
//! assert_eq!(publishing.await??, message().id);
//! # Ok(())
//! # }
//! ```

pub mod memory;
pub mod rabbit;
pub mod relay;
