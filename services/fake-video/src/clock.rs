//! The provider's time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use spotwright_core::ports::clock::Clock;

/// Time of jobs, and beside it the time that credentials are judged by.
///
/// Jobs live on `base`, run `speed` times as fast, and moved on by [`ProviderClock::advance_ms`].
/// Credentials are judged by `base` alone: a client whose clock is `base` stays welcome however far the
/// jobs were moved on.
#[derive(Clone)]
pub(crate) struct ProviderClock {
    base: Arc<dyn Clock>,
    started_ms: i64,
    speed: u32,
    moved_ms: Arc<AtomicI64>,
}

impl fmt::Debug for ProviderClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProviderClock").field("now_ms", &self.now_ms()).finish_non_exhaustive()
    }
}

impl ProviderClock {
    pub(crate) fn new(base: Arc<dyn Clock>, speed: u32) -> Self {
        let started_ms = base.now_micros() / 1_000;
        Self { base, started_ms, speed: speed.max(1), moved_ms: Arc::new(AtomicI64::new(0)) }
    }

    /// Time of jobs, in milliseconds since 1970-01-01 UTC.
    pub(crate) fn now_ms(&self) -> i64 {
        let passed = self.wall_ms() - self.started_ms;
        self.started_ms + passed * i64::from(self.speed) + self.moved_ms.load(Ordering::SeqCst)
    }

    /// Time of credentials, in milliseconds since 1970-01-01 UTC.
    pub(crate) fn wall_ms(&self) -> i64 {
        self.base.now_micros() / 1_000
    }

    /// Moves the jobs on; time never runs backwards.
    pub(crate) fn advance_ms(&self, ms: i64) {
        self.moved_ms.fetch_add(ms.max(0), Ordering::SeqCst);
    }
}
