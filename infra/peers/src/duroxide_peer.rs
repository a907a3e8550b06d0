//! `duroxide` with `duroxide-pg`: workflows by replay. A chain is one orchestration that awaits its
//! activities one after the other; a step is an activity.

use std::sync::Arc;

use duroxide::runtime::registry::ActivityRegistry;
use duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationRegistry};
use duroxide_pg::PostgresProvider;
use tokio::time::Instant;

use crate::workload::{self, CONNECTIONS, Figures, Input, Peer, Sizes, Witness};

/// Dispatchers of each sort for the chains: every dispatcher polls, and more of them than connections
/// only wait for one another.
const DISPATCHERS: usize = 8;
/// Dispatchers of orchestrations beside the workers of 50 ms.
const ORCHESTRATORS: usize = 2;

struct Running {
    client: Client,
    runtime: Arc<Runtime>,
}

impl Running {
    async fn start(
        url: &str,
        orchestrators: usize,
        workers: usize,
        witness: &Witness,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(PostgresProvider::new(url).await?);
        let witness = witness.clone();
        let activities = ActivityRegistry::builder()
            .register("step", move |_: ActivityContext, input: String| {
                let witness = witness.clone();
                async move {
                    let input: Input = serde_json::from_str(&input).map_err(|error| error.to_string())?;
                    witness.work(input).await;
                    witness.done();
                    Ok(String::new())
                }
            })
            .build();
        let orchestrations = OrchestrationRegistry::builder()
            .register("chain", |context: OrchestrationContext, input: String| async move {
                let mut step: Option<Input> =
                    Some(serde_json::from_str(&input).map_err(|error| error.to_string())?);
                while let Some(current) = step {
                    let input = serde_json::to_string(&current).map_err(|error| error.to_string())?;
                    context.schedule_activity("step", input).await?;
                    step = current.next();
                }
                Ok::<_, String>(String::new())
            })
            .build();
        let options = RuntimeOptions {
            orchestration_concurrency: orchestrators,
            worker_concurrency: workers,
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::start_with_options(store.clone(), activities, orchestrations, options).await;
        Ok(Self { client: Client::new(store), runtime })
    }
}

impl Peer for Running {
    async fn enqueue(&self, key: u64, input: Input) -> anyhow::Result<()> {
        let input = serde_json::to_string(&input)?;
        self.client
            .start_orchestration(&format!("chain-{key}"), "chain", input)
            .await
            .map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.runtime.shutdown(None).await;
        Ok(())
    }
}

pub async fn measure(url: &str, sizes: &Sizes) -> anyhow::Result<Figures> {
    let witness = Witness::new();
    let running = Running::start(url, DISPATCHERS, DISPATCHERS, &witness).await?;
    let steps_per_second = workload::chains(&running, &witness, sizes).await?;
    running.stop().await?;
    let witness = Witness::new();
    let running = Running::start(url, 2, 2, &witness).await?;
    let (p50, p99) = workload::latency(&running, &witness, sizes).await?;
    running.stop().await?;
    let one = sleeps(url, sizes, 1).await?;
    let two = sleeps(url, sizes, 2).await?;
    Ok(Figures {
        name: "duroxide",
        version: "duroxide 0.1.32, duroxide-pg 0.1.38",
        settings: format!(
            "{DISPATCHERS} + {DISPATCHERS} dispatchers (chains), 2 + 2 (latency), pool of {CONNECTIONS} (DUROXIDE_PG_POOL_MAX), otherwise as it comes; its store has no wake-up signals and is polled"
        ),
        guarantee: "an activity runs at least once under a lease that is renewed and checked by token; a turn of the orchestration commits history and next activity in one transaction, after the activity's end was enqueued in another: two durable writes for a step, and the history is read and replayed at every turn, so a chain costs the square of its length",
        steps_per_second,
        enqueue_to_start_p50_ms: p50,
        enqueue_to_start_p99_ms: p99,
        one_worker_seconds: one,
        two_workers_seconds: two,
        two_worker_speedup: one / two,
    })
}

/// Each worker dispatcher executes one activity at a time; every step is an orchestration of its own.
async fn sleeps(url: &str, sizes: &Sizes, workers: usize) -> anyhow::Result<f64> {
    let witness = Witness::new();
    let started = Instant::now();
    let running = Running::start(url, ORCHESTRATORS, workers, &witness).await?;
    for key in 0..sizes.sleeps {
        running.enqueue(2_000_000 + workers as u64 * 100_000 + key, Input::sleeping()).await?;
    }
    let took = workload::sleeps(&witness, sizes, started).await?;
    running.stop().await?;
    Ok(took)
}
