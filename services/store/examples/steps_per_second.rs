//! Measures the SQLite step store: durable operations, steps and the wait from creation to claim.
//!
//! An operation is a dead letter written by one of `--callers` concurrent callers. A step is a claim
//! of one step and its completion with an empty commit, each in a run of its own. All of
//! them are answered after the commit's `fsync`. Wait: one idle worker, one step at a time, from
//! before the creating commit is asked for until the claim has answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{Commit, NewStep, StepEnd, StepStore, StoreError};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId};
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use tokio::time::Instant;

/// A brief of ordinary size; the store only carries it.
const BRIEF: &str = r##"{"format": "spotwright.brief.v1", "id": "bench", "locale": "en-US",
"brand": {"name": "Bench", "colors": {"primary": "#102030", "accent": "#F0E0D0"}},
"product": {"name": "Bench", "category": "tea", "facts": [{"id": "f", "kind": "problem", "text": "waits are long"}],
"pictures": [{"file": "p.png", "alt": "a bench"}]}, "audience": {"description": "people who measure"},
"objective": "clicks", "budget": {"total": "10.00", "currency": "USD"}, "destination_url": "https://example.com/",
"call_to_action": "learn_more", "placements": ["simulated_feed"]}"##;

/// Measures the SQLite step store.
#[derive(Debug, Parser)]
struct Options {
    /// Concurrent callers.
    #[arg(long, default_value_t = 64)]
    callers: u64,
    /// Operations, and steps, of each caller.
    #[arg(long, default_value_t = 200)]
    each: u64,
    /// Folder for the database, on the disk to be measured.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let scratch = match &options.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let store = SqliteStore::open(&scratch.path().join("bench.db")).await?;
    let operations = operations(&store, &options).await?;
    let steps = steps(&store, &options).await?;
    let mut waits = waits(&store, 300).await?;
    waits.sort();
    let quantile = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let report = json!({
        "callers": options.callers,
        "durable_operations_per_second": operations,
        "steps_per_second": steps,
        "create_to_claim_p50_ms": quantile(0.5),
        "create_to_claim_p99_ms": quantile(0.99),
    });
    let text = if options.json { report.to_string() } else { serde_json::to_string_pretty(&report)? };
    std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes())?;
    Ok(())
}

fn new_run(seed: u64) -> Result<NewRun, serde_json::Error> {
    let brief: Brief = serde_json::from_str(BRIEF)?;
    Ok(NewRun {
        id: RunId::derive(seed, "run", 0),
        organization: OrganizationId::derive(seed, "organization", 0),
        request: RunRequest {
            brief,
            pictures: Vec::new(),
            generations: 1,
            variants: 1,
            winners: 1,
            seed,
            opportunities: 1,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        },
        budget: Micros(1_000_000),
    })
}

fn step(number: u64) -> NewStep {
    NewStep { kind: StepKind::Plan, key: number.to_string(), input: json!({ "number": number }) }
}

async fn operations(store: &Arc<SqliteStore>, options: &Options) -> Result<f64, Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..options.callers {
        let (store, each) = (Arc::clone(store), options.each);
        callers.spawn(async move {
            for number in 0..each {
                let id = MessageId::derive(caller, "bench", number);
                store.dead_letter("bench", id, "measured", 1).await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok((options.callers * options.each) as f64 / begin.elapsed().as_secs_f64())
}

async fn steps(store: &Arc<SqliteStore>, options: &Options) -> Result<f64, Box<dyn std::error::Error>> {
    // One step to a run: steps of one run would wait for each other's commits.
    let mut creators = tokio::task::JoinSet::new();
    for caller in 0..options.callers {
        let (store, each) = (Arc::clone(store), options.each);
        creators.spawn(async move {
            for number in 0..each {
                let run =
                    new_run(caller * each + number).map_err(|error| StoreError::Format(error.to_string()))?;
                store.create_run(&run, Commit { steps: vec![step(number)], ..Commit::default() }).await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(ended) = creators.join_next().await {
        ended??;
    }
    let begin = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..options.callers {
        let store = Arc::clone(store);
        workers.spawn(async move {
            let mut n_steps = 0_u64;
            loop {
                let claimed = store.claim(&[StepKind::Plan], Duration::from_mins(1), 1).await?;
                let Some(step) = claimed.first() else { break };
                store.complete(step, StepEnd::Done(json!(null)), 1, Commit::default()).await?;
                n_steps += 1;
            }
            Ok::<_, StoreError>(n_steps)
        });
    }
    let mut n_steps = 0;
    while let Some(ended) = workers.join_next().await {
        n_steps += ended??;
    }
    Ok(n_steps as f64 / begin.elapsed().as_secs_f64())
}

async fn waits(store: &Arc<SqliteStore>, n_waits: u64) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let worker = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            let mut claimed = Vec::new();
            while (claimed.len() as u64) < n_waits {
                let woken = store.steps_ready().notified();
                let steps = store.claim(&[StepKind::Learn], Duration::from_mins(1), 1).await?;
                if steps.is_empty() {
                    woken.await;
                }
                claimed.extend(steps.iter().map(|_| Instant::now()));
            }
            Ok::<_, StoreError>(claimed)
        }
    });
    let mut asked = Vec::new();
    for number in 0..n_waits {
        let seed = 1_000_000 + number;
        let learn = NewStep { kind: StepKind::Learn, key: "g1".to_owned(), input: json!(null) };
        asked.push(Instant::now());
        store.create_run(&new_run(seed)?, Commit { steps: vec![learn], ..Commit::default() }).await?;
        // Idle in between, so that each wait is one of an idle system.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let claimed = worker.await??;
    Ok(asked.into_iter().zip(claimed).map(|(asked, claimed)| claimed - asked).collect())
}
