//! `graphile_worker`: a job queue on PostgreSQL.

use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, WorkerContext, WorkerContextExt,
    WorkerOptions, WorkerUtils,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::workload::{self, CONCURRENCY, CONNECTIONS, Figures, Input, Peer, Sizes, Witness};

#[derive(Debug, Serialize, Deserialize)]
struct Step(Input);

impl TaskHandler for Step {
    const IDENTIFIER: &'static str = "step";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let witness = context.get_ext::<Witness>().expect("set at the start").clone();
        witness.work(self.0).await;
        if let Some(next) = self.0.next() {
            context.add_job(Self(next), JobSpec::default()).await.map_err(|error| error.to_string())?;
        }
        witness.done();
        Ok::<(), String>(())
    }
}

struct Running {
    utils: WorkerUtils,
    stop: oneshot::Sender<()>,
    working: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    async fn start(
        pool: &PgPool,
        concurrency: usize,
        batched: bool,
        witness: &Witness,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let mut options = WorkerOptions::default()
            .pg_pool(pool.clone())
            .concurrency(concurrency)
            .add_extension(witness.clone())
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move { drop(stopped.await) })
            .define_job::<Step>();
        if batched {
            options = options
                .local_queue(LocalQueueConfig::default().with_size(CONCURRENCY))
                .complete_job_batch_delay(Duration::from_millis(2));
        }
        let worker = options.init().await?;
        let utils = worker.create_utils();
        let working = tokio::spawn(async move { Ok(worker.run().await?) });
        Ok(Self { utils, stop, working })
    }
}

impl Peer for Running {
    async fn enqueue(&self, _: u64, input: Input) -> anyhow::Result<()> {
        self.utils.add_job(Step(input), JobSpec::default()).await?;
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.working.await?
    }
}

pub async fn measure(url: &str, sizes: &Sizes, batched: bool) -> anyhow::Result<Figures> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
    let witness = Witness::new();
    let running = Running::start(&pool, CONCURRENCY, batched, &witness).await?;
    let steps_per_second = workload::chains(&running, &witness, sizes).await?;
    running.stop().await?;
    let witness = Witness::new();
    let running = Running::start(&pool, 2, batched, &witness).await?;
    let (p50, p99) = workload::latency(&running, &witness, sizes).await?;
    running.stop().await?;
    let one = sleeps(&pool, sizes, 1, batched).await?;
    let two = sleeps(&pool, sizes, 2, batched).await?;
    let tuned = "local queue of 64, completions collected for 2 ms";
    Ok(Figures {
        name: if batched { "graphile_worker_batched" } else { "graphile_worker" },
        version: "0.14.1",
        settings: format!(
            "concurrency {CONCURRENCY} (chains), 2 (latency), pool of {CONNECTIONS}, {}",
            if batched { tuned } else { "otherwise as it comes" }
        ),
        guarantee: "at least once; a job is locked by its worker's name for 4 hours, no lease that is renewed and no fence unless recovery is turned on; what follows is enqueued in a transaction of its own before the job is deleted, so a crash between the two repeats the job and enqueues what follows twice",
        steps_per_second,
        enqueue_to_start_p50_ms: p50,
        enqueue_to_start_p99_ms: p99,
        one_worker_seconds: one,
        two_workers_seconds: two,
        two_worker_speedup: one / two,
    })
}

/// Each worker is an instance of its own that executes one job at a time.
async fn sleeps(pool: &PgPool, sizes: &Sizes, workers: usize, batched: bool) -> anyhow::Result<f64> {
    let witness = Witness::new();
    let utils =
        WorkerOptions::default().pg_pool(pool.clone()).define_job::<Step>().init().await?.create_utils();
    for _ in 0..sizes.sleeps {
        utils.add_job(Step(Input::sleeping()), JobSpec::default()).await?;
    }
    let started = Instant::now();
    let mut all = Vec::new();
    for _ in 0..workers {
        all.push(Running::start(pool, 1, batched, &witness).await?);
    }
    let took = workload::sleeps(&witness, sizes, started).await?;
    for running in all {
        running.stop().await?;
    }
    Ok(took)
}
