//! Moves messages from the outbox to the bus.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::event_bus::{BusError, EventBus};
use spotwright_core::ports::step_store::{OutboxMessage, StepStore, StoreError};
use spotwright_core::spine::{Checkpoints, Shutdown};
use spotwright_schemas::ids::MessageId;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How the relay works.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Most messages published and not yet confirmed, at least 1.
    pub window: usize,
    /// How often to look into the outbox without having been woken.
    pub poll: Duration,
    /// First wait after an error; doubled with each further error in a row.
    pub shortest_backoff: Duration,
    /// Longest wait after an error.
    pub longest_backoff: Duration,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            window: 256,
            poll: Duration::from_secs(1),
            shortest_backoff: Duration::from_millis(50),
            longest_backoff: Duration::from_secs(5),
        }
    }
}

/// Publishes what waits in the outbox, in order of writing, and marks what was confirmed.
///
/// A message is published again when its publish failed, and after a restart when it was confirmed
/// but not yet marked; it is never marked without a confirmation. One relay per store.
pub struct Relay {
    store: Arc<dyn StepStore>,
    bus: Arc<dyn EventBus>,
    checkpoints: Arc<dyn Checkpoints>,
    options: RelayOptions,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("options", &self.options).finish_non_exhaustive()
    }
}

type Published = (MessageId, Result<MessageId, BusError>);

/// What the relay knows while it runs.
struct Flight {
    publishes: JoinSet<Published>,
    /// Published and not yet marked: confirmed or not.
    ids: HashSet<MessageId>,
    /// Confirmed and not yet marked.
    confirmed: Vec<MessageId>,
    /// Where to read on in the outbox.
    position: Option<i64>,
    /// Whether there may be messages after `position`.
    more: bool,
    /// When to begin again from the start, because of an error or the poll.
    again_at: Instant,
    /// Whether something went wrong since the last beginning.
    failed: bool,
    backoff: Duration,
}

impl Relay {
    /// A relay from `store` to `bus`.
    #[must_use]
    pub fn new(
        store: Arc<dyn StepStore>,
        bus: Arc<dyn EventBus>,
        checkpoints: Arc<dyn Checkpoints>,
        options: RelayOptions,
    ) -> Self {
        Self { store, bus, checkpoints, options }
    }

    /// Relays until told to stop. Errors of store and bus are logged and tried again.
    ///
    /// What was confirmed by then is marked before it returns; what is still under way stays unsent
    /// and is published by the next start.
    pub async fn run(&self, mut shutdown: Shutdown) {
        let mut flight = Flight {
            publishes: JoinSet::new(),
            ids: HashSet::new(),
            confirmed: Vec::new(),
            position: None,
            more: true,
            again_at: Instant::now() + self.options.poll,
            failed: false,
            backoff: self.options.shortest_backoff,
        };
        while !shutdown.is_set() {
            // Registered before reading, so that a message written in between still wakes us.
            let woken = self.store.messages_ready().notified();
            if let Err(error) = self.fill(&mut flight).await {
                tracing::warn!(%error, "the outbox cannot be read");
                self.back_off(&mut flight);
            }
            tokio::select! {
                () = shutdown.wait() => break,
                Some(ended) = flight.publishes.join_next(), if !flight.publishes.is_empty() => {
                    self.take(&mut flight, ended);
                    while let Some(ended) = flight.publishes.try_join_next() {
                        self.take(&mut flight, ended);
                    }
                    self.mark(&mut flight).await;
                }
                () = woken => flight.more = true,
                () = tokio::time::sleep_until(flight.again_at) => {
                    self.begin_again(&mut flight);
                    self.mark(&mut flight).await;
                }
            }
        }
        while let Some(ended) = flight.publishes.try_join_next() {
            self.take(&mut flight, ended);
        }
        self.mark(&mut flight).await;
    }

    /// Publishes until the window is full or the outbox is read to its end.
    async fn fill(&self, flight: &mut Flight) -> Result<(), StoreError> {
        let window = self.options.window.max(1);
        while flight.more && flight.ids.len() < window {
            // What was read before and is not marked yet comes again; `ids` knows it.
            let late = self.store.late_positions();
            let limit = if late > 0 { window + flight.ids.len() } else { window };
            let page = self.store.unsent(flight.position.map(|position| position - late), limit).await?;
            flight.more = page.len() == limit;
            for (position, message) in page {
                if flight.ids.len() >= window {
                    flight.more = true;
                    break;
                }
                flight.position = Some(position);
                if flight.ids.insert(message.id) {
                    self.publish(&mut flight.publishes, message);
                }
            }
        }
        Ok(())
    }

    fn publish(&self, publishes: &mut JoinSet<Published>, message: OutboxMessage) {
        self.checkpoints.reached("relay.before_publish");
        let bus = Arc::clone(&self.bus);
        publishes.spawn(async move {
            let id = message.id;
            (id, bus.publish(message).await)
        });
    }

    /// Takes note of how a publish ended.
    fn take(&self, flight: &mut Flight, ended: Result<Published, tokio::task::JoinError>) {
        match ended {
            Ok((id, Ok(_))) => {
                self.checkpoints.reached("relay.after_confirm");
                flight.confirmed.push(id);
            }
            Ok((id, Err(error))) => {
                tracing::warn!(message.id = %id, %error, "message is not confirmed; it will be published again");
                flight.ids.remove(&id);
                self.back_off(flight);
            }
            Err(error) => {
                // Its id is lost with it, so all that is not confirmed is taken for not published.
                // The inbox drops what is published twice.
                tracing::error!(%error, "a publish ended abnormally");
                flight.publishes = JoinSet::new();
                flight.ids = flight.confirmed.iter().copied().collect();
                self.back_off(flight);
            }
        }
    }

    /// Marks what was confirmed; it stays in hand when the store refuses.
    async fn mark(&self, flight: &mut Flight) {
        if flight.confirmed.is_empty() {
            return;
        }
        match self.store.mark_sent(&flight.confirmed).await {
            Ok(()) => {
                self.checkpoints.reached("relay.after_mark_sent");
                for id in flight.confirmed.drain(..) {
                    flight.ids.remove(&id);
                }
            }
            Err(error) => {
                tracing::warn!(%error, messages = flight.confirmed.len(), "messages cannot be marked as sent yet");
                self.back_off(flight);
            }
        }
    }

    /// Begins again from the start of the outbox after a wait, which grows with each beginning that
    /// did not go well.
    fn back_off(&self, flight: &mut Flight) {
        if !flight.failed {
            flight.failed = true;
            flight.again_at = Instant::now() + flight.backoff;
            flight.backoff = (flight.backoff * 2).min(self.options.longest_backoff);
        }
    }

    fn begin_again(&self, flight: &mut Flight) {
        if !flight.failed {
            flight.backoff = self.options.shortest_backoff;
        }
        flight.failed = false;
        flight.position = None;
        flight.more = true;
        flight.again_at = Instant::now() + self.options.poll;
    }
}
