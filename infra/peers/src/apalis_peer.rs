//! `apalis` with `apalis-postgres`: a job queue with middleware.

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage, queries::push_tasks};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::workload::{self, CONCURRENCY, CONNECTIONS, Figures, Input, Peer, Sizes, Witness};

const QUEUE: &str = "steps";

async fn enqueue(pool: &PgPool, input: Input) -> anyhow::Result<()> {
    let task = TaskBuilder::new(serde_json::to_vec(&input)?).build();
    let mut connection = pool.acquire().await?;
    push_tasks(&mut *connection, QUEUE, vec![task]).await?;
    Ok(())
}

async fn step(input: Input, pool: Data<PgPool>, witness: Data<Witness>) -> Result<(), BoxDynError> {
    witness.work(input).await;
    if let Some(next) = input.next() {
        enqueue(&pool, next).await?;
    }
    witness.done();
    Ok(())
}

struct Running {
    pool: PgPool,
    stop: oneshot::Sender<()>,
    working: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn start(pool: &PgPool, name: &str, concurrency: usize, witness: &Witness) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let backend = PostgresStorage::<Input>::new(pool)
            .with_config(Config::default().queue(QUEUE).batch_size(concurrency))
            .with_pubsub();
        let worker = WorkerBuilder::new(name)
            .backend(backend)
            .data(pool.clone())
            .data(witness.clone())
            .concurrency(concurrency)
            .parallelize(tokio::spawn)
            .build(step);
        let until = async move {
            drop(stopped.await);
            Ok::<(), std::io::Error>(())
        };
        // On a thread of its own: the worker's future is not `Send` in the eyes of the compiler.
        let handle = tokio::runtime::Handle::current();
        let working = tokio::task::spawn_blocking(move || {
            handle.block_on(worker.run_until(until)).map_err(|error| anyhow::anyhow!("{error}"))
        });
        Self { pool: pool.clone(), stop, working }
    }
}

impl Peer for Running {
    async fn enqueue(&self, _: u64, input: Input) -> anyhow::Result<()> {
        enqueue(&self.pool, input).await
    }

    async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.working.await?
    }
}

pub async fn measure(url: &str, sizes: &Sizes) -> anyhow::Result<Figures> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
    PostgresStorage::setup(&pool).await?;
    let witness = Witness::new();
    let running = Running::start(&pool, "chains", CONCURRENCY, &witness);
    let steps_per_second = workload::chains(&running, &witness, sizes).await?;
    running.stop().await?;
    let witness = Witness::new();
    let running = Running::start(&pool, "latency", 2, &witness);
    let (p50, p99) = workload::latency(&running, &witness, sizes).await?;
    running.stop().await?;
    let one = sleeps(&pool, sizes, 1).await?;
    let two = sleeps(&pool, sizes, 2).await?;
    Ok(Figures {
        name: "apalis",
        version: "apalis 1.0.0, apalis-postgres 1.0.0",
        settings: format!(
            "LISTEN/NOTIFY and its standard polling, batch and concurrency {CONCURRENCY} (chains), 2 (latency), pool of {CONNECTIONS}, otherwise as it comes"
        ),
        guarantee: "at least once; a job belongs to a worker that sends heartbeats, its end is accepted by the worker's name and not by a fence; what follows is enqueued in a transaction of its own, and ends are collected and written in batches, so a crash repeats jobs and enqueues what follows twice",
        steps_per_second,
        enqueue_to_start_p50_ms: p50,
        enqueue_to_start_p99_ms: p99,
        one_worker_seconds: one,
        two_workers_seconds: two,
        two_worker_speedup: one / two,
    })
}

/// Each worker takes one job at a time.
async fn sleeps(pool: &PgPool, sizes: &Sizes, workers: usize) -> anyhow::Result<f64> {
    let witness = Witness::new();
    for _ in 0..sizes.sleeps {
        enqueue(pool, Input::sleeping()).await?;
    }
    let started = Instant::now();
    let all: Vec<Running> = (0..workers)
        .map(|worker| Running::start(pool, &format!("sleeps-{workers}-{worker}"), 1, &witness))
        .collect();
    let took = workload::sleeps(&witness, sizes, started).await?;
    for running in all {
        running.stop().await?;
    }
    Ok(took)
}
