//! Time as a parameter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Tells the time in microseconds since 1970-01-01 UTC.
pub trait Clock: Send + Sync {
    /// Now.
    fn now_micros(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    fn now_micros(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |elapsed| i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Another clock, moved by a fixed time: that of a sandbox at one moment.
pub struct MovedClock {
    clock: Arc<dyn Clock>,
    moved_micros: i64,
}

impl MovedClock {
    /// A clock that shows `moved_micros` more than `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, moved_micros: i64) -> Self {
        Self { clock, moved_micros }
    }
}

impl Clock for MovedClock {
    fn now_micros(&self) -> i64 {
        self.clock.now_micros().saturating_add(self.moved_micros)
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `micros`.
    #[must_use]
    pub const fn starting_at(micros: i64) -> Self {
        Self(AtomicI64::new(micros))
    }

    /// Moves the clock by `micros`, which may be negative.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
