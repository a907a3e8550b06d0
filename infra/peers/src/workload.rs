//! The workload, as far as it is the same for everybody.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Time of a step in the measurement of workers.
pub const SLEEP: Duration = Duration::from_millis(50);
/// Steps executed at the same time in the measurement of chains: one for each chain.
pub const CONCURRENCY: usize = 64;
/// Connections to the database; the store of Spotwright has 8 readers beside its writers.
pub const CONNECTIONS: u32 = 20;
/// How often to look whether the work is done.
const LOOK: Duration = Duration::from_millis(1);
/// Longest time any part may take.
const LIMIT: Duration = Duration::from_secs(900);

/// Sizes of the measurement.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sizes {
    pub chains: u64,
    pub length: u64,
    pub probes: u64,
    pub sleeps: u64,
}

/// What was measured of one peer.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub name: &'static str,
    pub version: &'static str,
    /// How it was set up.
    pub settings: String,
    /// What a step that is done has cost and what it promises.
    pub guarantee: &'static str,
    pub steps_per_second: f64,
    pub enqueue_to_start_p50_ms: f64,
    pub enqueue_to_start_p99_ms: f64,
    pub one_worker_seconds: f64,
    pub two_workers_seconds: f64,
    pub two_worker_speedup: f64,
}

/// Input of a step.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Input {
    pub position: u64,
    pub length: u64,
    pub sleep_ms: u64,
}

impl Input {
    /// First step of a chain.
    pub fn chain(length: u64) -> Self {
        Self { position: 0, length, sleep_ms: 0 }
    }

    /// A step of 50 ms that nothing follows.
    pub fn sleeping() -> Self {
        Self { position: 0, length: 1, sleep_ms: SLEEP.as_millis() as u64 }
    }

    /// What follows, if anything does.
    pub fn next(self) -> Option<Self> {
        (self.position + 1 < self.length).then_some(Self { position: self.position + 1, ..self })
    }
}

/// Counts what the steps do.
#[derive(Debug, Clone)]
pub struct Witness(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    base: Instant,
    done: AtomicU64,
    started_micros: AtomicU64,
}

impl Witness {
    pub fn new() -> Self {
        Self(Arc::new(Counts {
            base: Instant::now(),
            done: AtomicU64::new(0),
            started_micros: AtomicU64::new(0),
        }))
    }

    /// The outside work of a step.
    pub async fn work(&self, input: Input) {
        self.0.started_micros.store(self.now_micros(), Ordering::SeqCst);
        if input.sleep_ms > 0 {
            tokio::time::sleep(Duration::from_millis(input.sleep_ms)).await;
        }
    }

    /// A step is done, and what follows it is written.
    pub fn done(&self) {
        self.0.done.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until that many steps are done.
    pub async fn until(&self, steps: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.0.done.load(Ordering::SeqCst) < steps {
            anyhow::ensure!(
                started.elapsed() < LIMIT,
                "{} of {steps} steps",
                self.0.done.load(Ordering::SeqCst)
            );
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    pub fn now_micros(&self) -> u64 {
        self.0.base.elapsed().as_micros() as u64
    }

    pub fn started_micros(&self) -> u64 {
        self.0.started_micros.load(Ordering::SeqCst)
    }
}

/// Something that executes steps until it is stopped.
pub trait Peer {
    /// Asks for a step.
    fn enqueue(&self, key: u64, input: Input) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Ends the workers.
    fn stop(self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Steps per second over all chains.
pub async fn chains<P: Peer>(peer: &P, witness: &Witness, sizes: &Sizes) -> anyhow::Result<f64> {
    let started = Instant::now();
    for chain in 0..sizes.chains {
        peer.enqueue(chain, Input::chain(sizes.length)).await?;
    }
    witness.until(sizes.chains * sizes.length).await?;
    Ok((sizes.chains * sizes.length) as f64 / started.elapsed().as_secs_f64())
}

/// Milliseconds from asking for a step to its start, median and 99th percentile.
pub async fn latency<P: Peer>(peer: &P, witness: &Witness, sizes: &Sizes) -> anyhow::Result<(f64, f64)> {
    let mut waits = Vec::new();
    for probe in 0..sizes.probes {
        let asked = witness.now_micros();
        peer.enqueue(1_000_000 + probe, Input::chain(1)).await?;
        witness.until(probe + 1).await?;
        waits.push(witness.started_micros().saturating_sub(asked));
    }
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize] as f64 / 1_000.0;
    Ok((at(0.5), at(0.99)))
}

/// Seconds until that many steps of 50 ms, enqueued before, are done.
pub async fn sleeps(witness: &Witness, sizes: &Sizes, started: Instant) -> anyhow::Result<f64> {
    witness.until(sizes.sleeps).await?;
    Ok(started.elapsed().as_secs_f64())
}
