//! The part of `bench pipeline` about claims: their cost under a backlog, what a second worker adds,
//! and how long a small organization waits beside a large one.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::step_store::{Commit, NewStep, StepEnd, StepStore};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::OrganizationId;

use super::bench_pipeline::{bench_run, failed};

/// Ready steps of the large backlog, and how many of them one commit creates.
const BACKLOG: u64 = 100_000;
const BATCH: u64 = 1_000;
/// Ready steps of the small backlog.
const FEW: u64 = 100;
/// Claims timed under each backlog.
const CLAIMS: u64 = 300;
/// Steps of 50 ms for the workers.
const SLEEPS: u64 = 40;
const SLEEP: Duration = Duration::from_millis(50);
/// Steps of the large and of the small organization, each of 5 ms.
const LARGE: u64 = 10_000;
const SMALL: u64 = 10;
/// Steps of the large one that are done when the small one comes.
const BEFORE: u64 = 100;
const SHORT: Duration = Duration::from_millis(5);
const LEASE: Duration = Duration::from_mins(10);

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Claims {
    /// 99th percentile of one claim with 100 steps ready, in milliseconds.
    pub few_p99_ms: f64,
    /// The same with 100,000 steps ready.
    pub backlog_p99_ms: f64,
    /// Their ratio.
    pub backlog_ratio: f64,
    /// Steps of 50 ms that two workers finish per second, over what one finishes.
    pub two_worker_speedup: f64,
    /// Mean wait of ten steps of a small organization beside 10,000 of a large one, over their mean
    /// wait alone.
    pub small_organization_ratio: f64,
}

/// Measures on an empty store.
///
/// # Errors
/// `Code::Store` when the store fails.
pub(super) async fn measure(store: Arc<dyn StepStore>, brief: &Brief) -> Result<Claims, Problem> {
    let bench = Bench { store, brief };
    bench.fill(1, 0, StepKind::Plan, FEW + CLAIMS).await?;
    let few = bench.claim_p99(StepKind::Plan).await?;
    bench.fill(2, 0, StepKind::Draft, BACKLOG).await?;
    let many = bench.claim_p99(StepKind::Draft).await?;
    bench.fill(3, 0, StepKind::Score, SLEEPS).await?;
    let one = bench.work(StepKind::Score, 1, SLEEP, SLEEPS, None).await?.0;
    bench.fill(4, 0, StepKind::Score, SLEEPS).await?;
    let two = bench.work(StepKind::Score, 2, SLEEP, SLEEPS, None).await?.0;
    let small = OrganizationId::derive(1, "bench", 0);
    bench.fill(5, 1, StepKind::Render, SMALL).await?;
    let (_, lone) = bench.work(StepKind::Render, 2, SHORT, SMALL, Some(small)).await?;
    bench.fill(6, 0, StepKind::Render, LARGE).await?;
    // The large one has been at work for a while when the small one comes.
    bench.work(StepKind::Render, 2, Duration::ZERO, BEFORE, None).await?;
    bench.fill(7, 1, StepKind::Render, SMALL).await?;
    let (_, beside) = bench.work(StepKind::Render, 2, SHORT, SMALL, Some(small)).await?;
    Ok(Claims {
        few_p99_ms: few,
        backlog_p99_ms: many,
        backlog_ratio: many / few,
        two_worker_speedup: one / two,
        small_organization_ratio: beside / lone,
    })
}

struct Bench<'a> {
    store: Arc<dyn StepStore>,
    brief: &'a Brief,
}

impl Bench<'_> {
    /// Makes ready steps of one kind in a run of an organization.
    async fn fill(&self, seed: u64, organization: u64, kind: StepKind, steps: u64) -> Result<(), Problem> {
        let mut run = bench_run(self.brief, 1, 1_000_000 + seed);
        run.organization = OrganizationId::derive(organization, "bench", 0);
        self.store.create_run(&run, Commit::default()).await.map_err(|error| failed(&error))?;
        let mut version = self.store.run(run.id).await.map_err(|error| failed(&error))?.version;
        let keys: Vec<u64> = (0..steps).collect();
        for batch in keys.chunks(BATCH as usize) {
            let steps = batch.iter().map(|key| NewStep { kind, key: key.to_string(), input: json!({}) });
            let commit = Commit { steps: steps.collect(), ..Commit::default() };
            self.store.amend(run.id, version, commit).await.map_err(|error| failed(&error))?;
            version += 1;
        }
        Ok(())
    }

    /// 99th percentile of single claims, in milliseconds.
    async fn claim_p99(&self, kind: StepKind) -> Result<f64, Problem> {
        let mut times = Vec::with_capacity(CLAIMS as usize);
        for _ in 0..CLAIMS {
            let asked = SystemClock.now_micros();
            self.store.claim(&[kind], LEASE, 1).await.map_err(|error| failed(&error))?;
            times.push(SystemClock.now_micros() - asked);
        }
        times.sort_unstable();
        Ok(times[times.len() * 99 / 100] as f64 / 1_000.0)
    }

    /// Lets workers claim, wait and complete until `steps` of the watched organization (of all,
    /// without one) are done; seconds in all, and the mean seconds until a watched step was done.
    async fn work(
        &self,
        kind: StepKind,
        workers: u64,
        time: Duration,
        steps: u64,
        watched: Option<OrganizationId>,
    ) -> Result<(f64, f64), Problem> {
        let started = SystemClock.now_micros();
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::<Result<(), Problem>>::new();
        for _ in 0..workers {
            let (store, done) = (Arc::clone(&self.store), Arc::clone(&done));
            tasks.spawn(async move {
                loop {
                    let finished = |done: &std::sync::Mutex<Vec<i64>>| {
                        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len() as u64 >= steps
                    };
                    if finished(&done) {
                        return Ok(());
                    }
                    let Some(step) = store.claim(&[kind], LEASE, 1).await.map_err(|e| failed(&e))?.pop()
                    else {
                        return Ok(());
                    };
                    tokio::time::sleep(time).await;
                    loop {
                        let version = store.run(step.run).await.map_err(|e| failed(&e))?.version;
                        let end = StepEnd::Done(json!({}));
                        match store.complete(&step, end, version, Commit::default()).await {
                            Err(spotwright_core::ports::step_store::StoreError::Conflict) => {}
                            written => break written.map_err(|e| failed(&e))?,
                        }
                    }
                    if watched.is_none_or(|watched| watched == step.organization) {
                        let now = SystemClock.now_micros() - started;
                        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(now);
                    }
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| failed(&error))??;
        }
        let seconds = (SystemClock.now_micros() - started) as f64 / 1e6;
        let done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mean = done.iter().sum::<i64>() as f64 / done.len().max(1) as f64 / 1e6;
        Ok((seconds, mean))
    }
}
