//! What operators watch.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the bus was opened, over all its connections. Each only grows.
#[derive(Debug, Default)]
pub struct BusCounters {
    published: AtomicU64,
    confirmed: AtomicU64,
    returned: AtomicU64,
    nacked: AtomicU64,
    reconnects: AtomicU64,
    retried: AtomicU64,
    dead_lettered: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusCounts {
    /// Messages handed to the broker, retries and dead letters included.
    pub published: u64,
    /// Of these, taken in by a queue.
    pub confirmed: u64,
    /// Of these, returned because no queue takes them; watch for any.
    pub returned: u64,
    /// Of these, refused, mostly because a queue is full; watch for any.
    pub nacked: u64,
    /// Connections made anew after one was lost.
    pub reconnects: u64,
    /// Deliveries put off by their consumer.
    pub retried: u64,
    /// Deliveries given up by their consumer, or not readable. Those that the broker gave up after
    /// its delivery limit are not in here: only the queue of dead letters has them.
    pub dead_lettered: u64,
}

/// One of the counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Count {
    Published,
    Confirmed,
    Returned,
    Nacked,
    Reconnects,
    Retried,
    DeadLettered,
}

impl BusCounters {
    pub(super) fn add(&self, count: Count) {
        let counter = match count {
            Count::Published => &self.published,
            Count::Confirmed => &self.confirmed,
            Count::Returned => &self.returned,
            Count::Nacked => &self.nacked,
            Count::Reconnects => &self.reconnects,
            Count::Retried => &self.retried,
            Count::DeadLettered => &self.dead_lettered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counts, one after the other.
    #[must_use]
    pub fn read(&self) -> BusCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BusCounts {
            published: read(&self.published),
            confirmed: read(&self.confirmed),
            returned: read(&self.returned),
            nacked: read(&self.nacked),
            reconnects: read(&self.reconnects),
            retried: read(&self.retried),
            dead_lettered: read(&self.dead_lettered),
        }
    }
}
