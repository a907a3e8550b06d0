//! Durable work of other crates on the workload of `spotwright bench pipeline`: chains of steps in
//! which each completion creates the next step, the way from enqueueing to start on an idle system,
//! and what a second worker adds to steps of 50 ms. Run by `infra/bench_peers.sh`.

mod apalis_peer;
mod duroxide_peer;
mod graphile_peer;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sqlx::{Connection, Executor, PgConnection};

use crate::workload::{Figures, Sizes};

/// Measures peers on one PostgreSQL server and writes one JSON document.
#[derive(Debug, Parser)]
struct Arguments {
    /// A database of the server; every peer gets a scratch database of its own beside it.
    #[arg(long, env = "DATABASE_URL")]
    url: String,
    /// The document's file. Not the standard output: some peers write their logs there.
    #[arg(long)]
    out: PathBuf,
    /// Chains worked on at the same time.
    #[arg(long, default_value_t = 64)]
    chains: u64,
    /// Steps of each chain.
    #[arg(long, default_value_t = 250)]
    length: u64,
    /// Steps whose way from enqueueing to start is timed, one by one.
    #[arg(long, default_value_t = 300)]
    probes: u64,
    /// Steps of 50 ms for one and for two workers.
    #[arg(long, default_value_t = 100)]
    sleeps: u64,
    /// Longest time for one peer; one that takes longer is named as unfinished.
    #[arg(long, default_value_t = 240)]
    limit_seconds: u64,
    /// The peers to measure; all without it.
    #[arg(long = "peer", value_delimiter = ',')]
    peers: Vec<String>,
}

const PEERS: [&str; 4] = ["graphile_worker", "graphile_worker_batched", "apalis", "duroxide"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let sizes = Sizes {
        chains: arguments.chains,
        length: arguments.length,
        probes: arguments.probes,
        sleeps: arguments.sleeps,
    };
    let wanted: Vec<&str> = if arguments.peers.is_empty() {
        PEERS.to_vec()
    } else {
        arguments.peers.iter().map(String::as_str).collect()
    };
    let (mut figures, mut unfinished) = (Vec::new(), Vec::new());
    for peer in wanted {
        eprintln!("== {peer}");
        let name = format!("spotwright_peers_{}_{peer}", std::process::id());
        let url = create(&arguments.url, &name).await?;
        let limit = Duration::from_secs(arguments.limit_seconds);
        let measured = tokio::time::timeout(limit, measure(peer, &url, &sizes)).await;
        remove(&arguments.url, &name).await?;
        match measured {
            Ok(measured) => figures.push(measured.with_context(|| peer.to_owned())?),
            Err(_) => unfinished.push(peer),
        }
    }
    let server = server_version(&arguments.url).await?;
    let document =
        serde_json::json!({ "postgres": server, "sizes": sizes, "peers": figures, "unfinished": unfinished });
    std::fs::write(&arguments.out, serde_json::to_string_pretty(&document)?).context("writing the document")
}

async fn measure(peer: &str, url: &str, sizes: &Sizes) -> anyhow::Result<Figures> {
    match peer {
        "graphile_worker" => graphile_peer::measure(url, sizes, false).await,
        "graphile_worker_batched" => graphile_peer::measure(url, sizes, true).await,
        "apalis" => apalis_peer::measure(url, sizes).await,
        "duroxide" => duroxide_peer::measure(url, sizes).await,
        other => anyhow::bail!("`{other}` is no peer; there are {PEERS:?}"),
    }
}

/// Makes an empty database and says where it is.
async fn create(url: &str, name: &str) -> anyhow::Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(sqlx::AssertSqlSafe(format!("create database \"{name}\""))).await?;
    let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{server}/{name}"))
}

async fn remove(url: &str, name: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(sqlx::AssertSqlSafe(format!("drop database \"{name}\" with (force)"))).await?;
    Ok(())
}

async fn server_version(url: &str) -> anyhow::Result<serde_json::Value> {
    let mut connection = PgConnection::connect(url).await?;
    let (version, fsync, commit): (String, String, String) = sqlx::query_as(
        "select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')",
    )
    .fetch_one(&mut connection)
    .await?;
    Ok(serde_json::json!({ "version": version, "fsync": fsync, "synchronous_commit": commit }))
}
