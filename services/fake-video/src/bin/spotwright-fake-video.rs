//! The provider as a process of its own: prints its address in one line and serves until it is ended.
//!
//! ```text
//! spotwright-fake-video --port 8188 --dialect comfyui --speed 20 --fault create:2:status=503
//! curl -s http://127.0.0.1:8188/__log
//! ```

use std::io::Write as _;
use std::net::IpAddr;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use spotwright_fake_video::{FakeProvider, Flavor, Options};

/// A provider of generated clips for tests: everything it makes is simulated.
#[derive(Parser)]
#[command(name = "spotwright-fake-video")]
struct Arguments {
    /// Address that is listened on.
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// Port that is listened on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The dialect whose address is printed; all are spoken.
    #[arg(long, value_enum, default_value_t = Spoken::Kling)]
    dialect: Spoken,
    /// How many times as fast as the clock jobs run.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Time stands still but for `POST /__advance?ms=N`. Tokens are judged by a clock that stands, too.
    #[arg(long)]
    logical: bool,
    /// Milliseconds that a job waits.
    #[arg(long)]
    queue_ms: Option<i64>,
    /// Milliseconds that a job takes.
    #[arg(long)]
    work_ms: Option<i64>,
    /// Shorter side of Kling's clips in pixels.
    #[arg(long)]
    short_side: Option<u32>,
    /// Kling's video tasks at once.
    #[arg(long)]
    parallel: Option<u32>,
    /// Bearer of `/v1/videos`.
    #[arg(long)]
    server_key: Option<String>,
    /// Signs callbacks: `whsec_` and base64.
    #[arg(long)]
    webhook_secret: Option<String>,
    /// ComfyUI without `/api/jobs`.
    #[arg(long)]
    no_jobs_api: bool,
    /// A fault, ROUTE:CALL:FAULT, e.g. `create:2:code=1303` or `download:*:not-mp4`; may be repeated.
    #[arg(long = "fault")]
    faults: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Spoken {
    KlingLegacy,
    Kling,
    VllmOmni,
    Sglang,
    TensorrtLlm,
    Comfyui,
}

impl Arguments {
    fn options(&self) -> Options {
        let base = if self.logical { Options::logical() } else { Options::real(self.speed) };
        Options {
            address: self.address,
            port: self.port,
            queue_ms: self.queue_ms.unwrap_or(base.queue_ms),
            work_ms: self.work_ms.unwrap_or(base.work_ms),
            short_side: self.short_side,
            parallel_videos: self.parallel.unwrap_or(base.parallel_videos),
            server_key: self.server_key.clone(),
            webhook_secret: self.webhook_secret.clone(),
            jobs_api: !self.no_jobs_api,
            flavor: match self.dialect {
                Spoken::Sglang => Flavor::Sglang,
                Spoken::TensorrtLlm => Flavor::TensorrtLlm,
                _ => Flavor::VllmOmni,
            },
            ..base
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let provider = FakeProvider::start(arguments.options()).await;
    let provider = provider.map_err(|error| format!("cannot listen: {error}"))?;
    for fault in &arguments.faults {
        provider.plan().read(fault).map_err(|error| error.to_string())?;
    }
    let mut out = std::io::stdout().lock();
    let told = writeln!(out, "{}", provider.base_url()).and_then(|()| out.flush());
    told.map_err(|error| format!("cannot tell the address: {error}"))?;
    drop(out);
    provider.serve().await;
    Ok(())
}
