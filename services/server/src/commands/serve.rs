//! `serve`: the API and the workers, all in one process or each role in its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spotwright_api::session::Links;
use spotwright_api::{ApiState, Limits};
use spotwright_bus::relay::{Relay, RelayOptions};
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::run::RunView;
use spotwright_core::domain::topology::Role;
use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::clip_hints::ClipHints;
use spotwright_core::ports::clock::{Clock as _, SystemClock};
use spotwright_core::spine::{Hearing, MessageListener, NoCheckpoints, ReportMaker, Shutdown};
use spotwright_insight::elements::Elements;
use spotwright_observations::experiment::ExperimentAnalyst;
use spotwright_observations::table_file::TableFile;
use spotwright_render::{Letters, Measure, Studio, Watermarker};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Event, Payload};
use spotwright_schemas::ids::KeyId;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::accounts::configured_pepper;
use super::processors;
use crate::clip_hints::Hints;
use crate::config::Config;
use crate::control::{Control, OperatingSystem, Pictures};
use crate::drift::DriftWatch;
use crate::foundation::Foundation;
use crate::listener::{Bounds, Listener};
use crate::prices::Prices;
use crate::video_jobs::FolderVideoJobs;
use crate::wiring::{EngineSetup, Running, World};
use crate::{
    descriptors, experiments, health, measures, model_watch, sandbox, telemetry, video_sources, webhooks,
};

/// How often stored answers and sessions of the API are looked through.
const FORGET: Duration = Duration::from_hours(1);

/// Connections to health and metrics.
const ADMIN_CONNECTIONS: usize = 32;

/// Copies of videos with a watermark that are made at the same time.
const WATERMARKS_AT_ONCE: usize = 2;

/// Longest wait for work under way after the signal to stop.
const DRAIN: Duration = Duration::from_mins(1);

/// The roles with these names; those that do everything when none is named.
///
/// # Errors
/// [`Code::Option`] for a name that is no role.
pub fn roles(names: &[String]) -> Result<Vec<Role>, Problem> {
    if names.is_empty() {
        return Ok(Role::ALL.to_vec());
    }
    crate::cli::named(names, &Role::NAMED, "--role", "role", Role::as_str)
}

/// Serves until told to stop by SIGTERM or SIGINT, then finishes what is under way.
///
/// # Errors
/// What keeps a role from starting; see [`Foundation::open`].
pub async fn execute(config: &Config, roles: &[Role], demo: bool) -> Result<(), Problem> {
    if demo && !Role::are_whole(roles) {
        let message = "needs every role in this process; leave `--role` out";
        return Err(Problem::new(Code::Option, "--demo", message));
    }
    // From now on, so that a signal that comes while the process starts is not lost on it.
    let told = told_to_stop();
    let foundation = Arc::new(Foundation::open(config, roles).await?);
    if foundation.alone {
        foundation.store.recover().await.map_err(|error| failed(&error))?;
    }
    let metrics = measures::install(roles)?;
    let (stop, shutdown) = Shutdown::new();
    let mut tasks: JoinSet<Result<(), Problem>> = JoinSet::new();
    let working: Vec<Role> = roles.iter().copied().filter(|role| !role.kinds().is_empty()).collect();
    if !working.is_empty() {
        let (world, click_model) = World::with_hot_model(config, &foundation.artifacts, &foundation.folder)?;
        if config.models.reload_ms > 0 {
            let every = Duration::from_millis(config.models.reload_ms);
            tasks.spawn(model_watch::watch(click_model, every, shutdown.clone()));
        }
        for notice in &world.notices {
            tracing::info!("{notice}");
        }
        let mut setup = EngineSetup::new(Arc::clone(&foundation.store), workers(config), config);
        setup.bus = Arc::clone(&foundation.bus);
        setup.roles = working;
        setup.observations = Some(Arc::clone(&foundation.observations));
        setup.outcomes = Some(Arc::new(DriftWatch::new(Arc::new(SystemClock))));
        let running = Running::start(setup, &world);
        let mut stopping = shutdown.clone();
        tasks.spawn(async move {
            stopping.wait().await;
            running.stop().await;
            Ok(())
        });
    }
    if roles.contains(&Role::Market) {
        experiments::start(config, &foundation, &shutdown, &mut tasks)?;
    }
    if roles.contains(&Role::Relay) {
        let poll = Duration::from_millis(config.engine.poll_ms);
        let relay = Relay::new(
            Arc::clone(&foundation.store),
            Arc::clone(&foundation.bus),
            Arc::new(NoCheckpoints),
            RelayOptions { poll, ..RelayOptions::default() },
        );
        let shutdown = shutdown.clone();
        tasks.spawn(async move {
            relay.run(shutdown).await;
            Ok(())
        });
    }
    if roles.contains(&Role::Relay) {
        let pepper = match (demo, config.serve.pepper.is_empty()) {
            (true, _) => Some(super::demo::pepper(config)?),
            (false, false) => Some(configured_pepper(config)?),
            (false, true) => None,
        };
        webhooks::start(config, pepper, &foundation, &shutdown, &mut tasks)?;
    }
    if roles.contains(&Role::Api) {
        serve_api(config, demo, &foundation, &shutdown, &mut tasks).await?;
    }
    if !config.serve.admin_address.is_empty() {
        let router = health::router(Arc::clone(&foundation), metrics, roles);
        // Places of its own: whatever clients of the API do, those who run it look in.
        let bounds = Bounds::of(ADMIN_CONNECTIONS);
        let listener = Listener::bind("serve.admin_address", &config.serve.admin_address).await?;
        listen(listener, router, bounds, &shutdown, &mut tasks);
    }
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    tracing::info!(roles = names.join(","), "ready");
    wait(stop, told, tasks).await
}

fn workers(config: &Config) -> usize {
    if config.engine.workers > 0 { config.engine.workers } else { processors() }
}

fn failed(error: &impl ToString) -> Problem {
    Problem::new(Code::Store, "", error.to_string())
}

/// Who takes callbacks about clips; `None` where no source has a secret for them.
fn clip_hints(config: &Config, foundation: &Foundation) -> Result<Option<Arc<dyn ClipHints>>, Problem> {
    let secrets = video_sources::webhook_secrets(&config.video)?;
    if secrets.is_empty() {
        return Ok(None);
    }
    let store = Arc::clone(&foundation.store);
    Ok(Some(Arc::new(Hints { secrets, store, clock: Arc::new(SystemClock) })))
}

/// Starts the REST API, and the consumer that hears of ended runs.
async fn serve_api(
    config: &Config,
    demo: bool,
    foundation: &Arc<Foundation>,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<Result<(), Problem>>,
) -> Result<(), Problem> {
    let pepper = if demo { super::demo::pepper(config)? } else { configured_pepper(config)? };
    let listener = Listener::bind("serve.address", &config.serve.address).await?;
    let bounds = bounds(config);
    let limits = limits(config, bounds);
    tracing::info!(connections = bounds.connections, of_one_address = bounds.of_one_address, "places");
    let letters = Letters::load(&[])?;
    let measure = Measure::new(letters.clone(), Arc::clone(&foundation.artifacts));
    let control = Control::new(Arc::clone(&foundation.store), Arc::new(letters.clone()));
    let links = Links::default();
    if !demo {
        super::first_owner::offer(config, foundation, &pepper).await?;
    }
    let demo = if demo { Some(super::demo::found(&foundation.accounts, &pepper).await?) } else { None };
    let (videos, studio) = single_clips(config, foundation, shutdown, tasks)?;
    let prices = Prices::configured(config, &foundation.artifacts, &studio)?;
    let state = ApiState {
        videos: Some(videos),
        watermarks: Arc::new(Watermarker::new(studio, WATERMARKS_AT_ONCE)),
        prices: Arc::new(prices),
        clip_hints: clip_hints(config, foundation)?,
        accounts: Arc::clone(&foundation.accounts),
        log: Arc::clone(&foundation.log),
        webhooks: Arc::clone(&foundation.webhooks),
        webhook_sender: webhooks::sender(config)?,
        observations: Arc::clone(&foundation.observations),
        reviews: Arc::clone(&foundation.reviews),
        brands: Arc::clone(&foundation.brands),
        experiments: Arc::clone(&foundation.experiments),
        analyst: Arc::new(ExperimentAnalyst),
        artifacts: Arc::clone(&foundation.artifacts),
        pictures: Arc::new(Pictures::new(letters.clone(), sandbox::pictures(&config.sandbox)?)),
        runs: Arc::new(control.with_fitting(Arc::new(measure))),
        letters: Arc::new(letters),
        readiness: Arc::clone(&foundation.readiness),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OperatingSystem),
        pepper,
        people: Arc::clone(&foundation.people),
        audit: Arc::clone(&foundation.audit),
        links: links.clone(),
        demo: demo.as_ref().map(super::demo::Demo::organization),
        limits,
        run_defaults: config.run.sizes(),
        shutdown: shutdown.clone(),
    };
    // The API's answer to unknown addresses stays: the router that is merged last brings it.
    let router = spotwright_portal::router().merge(spotwright_api::router(state));
    let router = router.layer(axum::middleware::from_fn(measures::request));
    if !spotwright_portal::is_built() {
        tracing::warn!("the portal is not built; infra/portal_web.sh build does it");
    }
    if let Some(demo) = demo {
        demo.print_link(&links, &SystemClock, &config.serve.address)?;
        let (filling, mut stopping) = (demo.fill(router.clone()), shutdown.clone());
        tasks.spawn(async move {
            tokio::select! {
                ended = filling => ended,
                () = stopping.wait() => Ok(()),
            }
        });
    }
    listen(listener, router, bounds, shutdown, tasks);
    for hearing in hearings(foundation) {
        tasks.spawn(hearing.run(shutdown.clone()));
    }
    let reports = ReportMaker {
        accounts: Arc::clone(&foundation.accounts),
        observations: Arc::clone(&foundation.observations),
        artifacts: Arc::clone(&foundation.artifacts),
        clock: Arc::new(SystemClock),
        analysis: Arc::new(Elements),
        writer: Arc::new(TableFile),
    };
    tasks.spawn(reports.run(shutdown.clone()));
    tasks.spawn(forget(Arc::clone(foundation), shutdown.clone()));
    Ok(())
}

/// What one process allows, with so many connections.
fn limits(config: &Config, bounds: Bounds) -> Limits {
    let usual = Limits::default();
    Limits {
        // A request has a connection: more than half of them never belong to one kind of work.
        requests: usual.requests.min(bounds.connections / 2),
        streams: usual.streams.min(bounds.connections / 2),
        asset_bytes: config.serve.asset_quota_mb.saturating_mul(1_000_000),
        ..usual
    }
}

/// Those who hear of messages on behalf of the API: of ended runs, which its event streams read in the log.
fn hearings(foundation: &Foundation) -> impl Iterator<Item = Hearing> + use<> {
    let (store, bus) = (Arc::clone(&foundation.store), Arc::clone(&foundation.bus));
    let listener: Arc<dyn MessageListener> =
        Arc::new(EndedRuns { accounts: Arc::clone(&foundation.accounts) });
    Role::Api.consumers().iter().map(move |&consumer| Hearing {
        store: Arc::clone(&store),
        bus: Arc::clone(&bus),
        consumer,
        listener: Arc::clone(&listener),
    })
}

/// Starts the studio for clips that clients order one by one.
fn single_clips(
    config: &Config,
    foundation: &Foundation,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<Result<(), Problem>>,
) -> Result<(Arc<FolderVideoJobs>, Studio), Problem> {
    let options = spotwright_render::Options {
        folder: foundation.folder.join("clips-studio"),
        micros_per_second: config.render.price_micros_per_second,
        ..spotwright_render::Options::default()
    };
    let signer = crate::provenance::signer(&config.provenance)?;
    let studio = Studio::signing(options, Arc::clone(&foundation.artifacts), signer)
        .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    let jobs = FolderVideoJobs::open(
        &foundation.folder.join("clips-ordered"),
        studio.clone(),
        Arc::clone(&foundation.artifacts),
        Arc::new(SystemClock),
        Arc::new(OperatingSystem),
    )?;
    tasks.spawn(Arc::clone(&jobs).run(shutdown.clone()));
    Ok((jobs, studio))
}

/// Drops stored answers that no repetition can ask for any more, and sessions that have ended.
async fn forget(foundation: Arc<Foundation>, mut shutdown: Shutdown) -> Result<(), Problem> {
    while !shutdown.is_set() {
        match foundation.accounts.forget_answers().await {
            Ok(forgotten) => tracing::debug!(forgotten, "stored answers were dropped"),
            Err(error) => tracing::warn!(%error, "stored answers cannot be dropped yet"),
        }
        match foundation.people.forget_sessions(SystemClock.now_micros()).await {
            Ok(forgotten) => tracing::debug!(forgotten, "sessions that have ended were dropped"),
            Err(error) => tracing::warn!(%error, "sessions that have ended cannot be dropped yet"),
        }
        tokio::select! {
            () = shutdown.wait() => {}
            () = tokio::time::sleep(FORGET) => {}
        }
    }
    Ok(())
}

/// Places of the API's listener, by configuration or by what descriptors there are.
fn bounds(config: &Config) -> Bounds {
    let serve = &config.serve;
    let most = descriptors::connections(descriptors::raise(), workers(config));
    if serve.connections > most {
        tracing::warn!(
            configured = serve.connections,
            most,
            "serve.connections is more than the limit of file descriptors allows beside the work"
        );
    }
    let connections = if serve.connections > 0 { serve.connections.min(most) } else { most };
    let usual = Bounds::of(connections);
    let of_one_address = match serve.connections_per_address {
        0 => usual.of_one_address,
        asked => asked.min(connections),
    };
    Bounds { of_one_address, ..usual }
}

/// Serves a router until the service stops.
fn listen(
    listener: Listener,
    router: axum::Router,
    bounds: Bounds,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<Result<(), Problem>>,
) {
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        listener.serve(router, bounds, shutdown).await;
        Ok(())
    });
}

/// Waits for a signal or for a task that fails, then for everybody to finish.
async fn wait(
    stop: tokio::sync::watch::Sender<bool>,
    told: impl Future<Output = ()>,
    mut tasks: JoinSet<Result<(), Problem>>,
) -> Result<(), Problem> {
    let mut first = Ok(());
    tokio::select! {
        () = told => tracing::info!("stopping: work under way is finished first"),
        Some(ended) = tasks.join_next() => first = outcome(ended),
    }
    stop.send_replace(true);
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            if first.is_ok() {
                first = outcome(ended);
            }
        }
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("work under way did not end in time; its leases will run out");
    }
    first
}

fn outcome(ended: Result<Result<(), Problem>, tokio::task::JoinError>) -> Result<(), Problem> {
    ended.map_err(|error| failed(&error))?
}

/// The first SIGTERM or SIGINT; SIGTERM is listened for from the call on.
fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async move {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        {
            let Ok(mut terminate) = terminate else {
                drop(interrupt.await);
                return;
            };
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        drop(interrupt.await);
    }
}

/// Tells the span of a whole run when it hears of its end.
struct EndedRuns {
    accounts: Arc<dyn AccountStore>,
}

#[async_trait]
impl MessageListener for EndedRuns {
    async fn heard(&self, run: &RunView, event: &Event) {
        let Payload::RunFinished(finished) = &event.payload else { return };
        if run.organization.is_sandbox() {
            // Its times are those of a clock that no trace goes by.
            return;
        }
        // Read on behalf of the service; no key was presented.
        let context = OrganizationContext { organization: run.organization, key: KeyId(Uuid::nil()) };
        match self.accounts.run(context, run.id).await {
            Ok(record) => telemetry::run_ended(run.id, run.organization, record.created_at, finished.reason),
            Err(error) => tracing::debug!(%error, run.id = %run.id, "the span of a run is left out"),
        }
    }
}
