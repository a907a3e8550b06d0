//! Logs of this process, and the spans of runs to an OpenTelemetry collector.
//!
//! The id of a run is the id of its trace: every process that works on a run adds to the same trace
//! without anything being sent along with messages. Each span hangs below the span of the whole run,
//! whose id follows from the run's too; that span itself is told when the run has ended.
//!
//! Spans wait in a queue of limited length; what does not fit is lost and counted, and work never
//! waits for a collector.

use std::borrow::Cow;
use std::future::Future;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor};
use spotwright_core::spine::TRACE;
use spotwright_schemas::address;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{OrganizationId, RunId};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Spans that may wait for the collector.
const QUEUE: usize = 8_192;
/// Most spans of one request.
const BATCH: usize = 512;
/// Longest time a span waits for others to share a request with.
const GATHER: Duration = Duration::from_secs(1);
/// Longest wait for the collector's answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest wait for the last spans when the process ends.
const FLUSH: Duration = Duration::from_secs(5);
/// How often a collector that does not answer is mentioned in the logs.
const MENTION: Duration = Duration::from_mins(1);
/// Longest error message that a span carries, in bytes.
const LONGEST: usize = 1_024;

/// Ends of steps, messages and calls that are errors.
const ERRORS: [&str; 6] = ["failed", "retried", "lost", "dropped", "dead", "cut_off"];

/// The way of spans to the collector, until a runtime is there to export them.
pub struct Telemetry {
    provider: SdkTracerProvider,
    queue: Receiver<SpanData>,
    endpoint: String,
    resource: Resource,
}

impl Telemetry {
    /// Installs logs on standard error, and spans when `endpoint` names a collector. A process can do
    /// this once; `None` without a collector.
    #[must_use]
    pub fn install(serves: bool, endpoint: &str, roles: &[String]) -> Option<Self> {
        // A service tells what it does; a command that answers on the terminal tells what is wrong.
        // What lapin calls errors are lost connections, which the bus tells of and mends.
        let level = if serves { "info" } else { "warn" };
        let filter = EnvFilter::try_from_env("SPOTWRIGHT_LOG")
            .unwrap_or_else(|_| EnvFilter::new(format!("{level},lapin=off,{TRACE}=off")));
        let logs = fmt::layer().with_writer(std::io::stderr).with_filter(filter);
        if endpoint.is_empty() {
            tracing_subscriber::registry().with(logs).init();
            return None;
        }
        let (sender, queue) = channel(QUEUE);
        let provider = SdkTracerProvider::builder().with_span_processor(Waiting(sender)).build();
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("spotwright"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(belongs));
        tracing_subscriber::registry().with(logs).with(spans).init();
        let roles = if roles.is_empty() { "all".to_owned() } else { roles.join(",") };
        let resource = Resource::builder()
            .with_service_name("spotwright")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("process.pid", i64::from(std::process::id())),
                KeyValue::new("spotwright.roles", roles),
            ])
            .build();
        let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        Some(Self { provider, queue, endpoint, resource })
    }

    fn exporter(&self) -> Result<SpanExporter, String> {
        // The exporter's client cannot be made without one. Fails only when one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.endpoint)
            .with_timeout(ANSWER);
        let mut exporter = builder.build().map_err(|error| error.to_string())?;
        exporter.set_resource(&self.resource);
        Ok(exporter)
    }
}

/// Does `work` while its spans are exported, and exports the last ones before it returns.
pub async fn around<F: Future>(telemetry: Option<Telemetry>, work: F) -> F::Output {
    let Some(telemetry) = telemetry else { return work.await };
    let exporter = match telemetry.exporter() {
        Ok(exporter) => exporter,
        Err(error) => {
            let endpoint = address::shown(&telemetry.endpoint);
            tracing::error!(error, endpoint, "spans cannot be exported");
            return work.await;
        }
    };
    let Telemetry { provider, queue, endpoint, .. } = telemetry;
    let (stop, stopped) = oneshot::channel::<()>();
    let export = Export { exporter, endpoint: address::shown(&endpoint), lost: 0, mentioned: None };
    let exporting = tokio::spawn(export.run(queue, stopped));
    let output = work.await;
    drop(stop);
    if tokio::time::timeout(FLUSH, exporting).await.is_err() {
        tracing::warn!("the collector did not take the last spans in time");
    }
    drop(provider);
    output
}

/// Tells the span of a whole run, once it has ended.
pub fn run_ended(run: RunId, organization: OrganizationId, started_micros: i64, reason: StopReason) {
    let outcome = serde_json::to_value(reason).unwrap_or_default();
    // Opened and closed: its start is the run's, its end is now.
    let _span = tracing::info_span!(
        target: TRACE,
        parent: None,
        "run",
        run.id = %run,
        organization.id = %organization,
        run.started_micros = started_micros,
        outcome = outcome.as_str().unwrap_or_default(),
    )
    .entered();
}

/// Spans of runs, and warnings and errors inside of them.
fn belongs(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        return metadata.target() == TRACE;
    }
    *metadata.level() <= Level::WARN && metadata.target().starts_with("spotwright")
}

/// Puts ended spans into the queue.
#[derive(Debug)]
struct Waiting(Sender<SpanData>);

impl SpanProcessor for Waiting {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if let Some(span) = placed(span) {
            if self.0.try_send(span).is_err() {
                metrics::counter!("spotwright_spans_total", "outcome" => "lost").increment(1);
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends spans until it is stopped and the queue is empty.
struct Export {
    exporter: SpanExporter,
    endpoint: String,
    lost: u64,
    mentioned: Option<Instant>,
}

impl Export {
    async fn run(mut self, mut queue: Receiver<SpanData>, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut open = true;
        while open {
            let due = Instant::now() + GATHER;
            while open && batch.len() < BATCH {
                let room = BATCH - batch.len();
                tokio::select! {
                    // An error means that the other end is gone, which is the signal.
                    _stop = &mut stopped, if !queue.is_closed() => queue.close(),
                    () = tokio::time::sleep_until(due), if !queue.is_closed() => break,
                    received = queue.recv_many(&mut batch, room) => open = received > 0,
                }
            }
            if !batch.is_empty() {
                self.send(std::mem::take(&mut batch)).await;
            }
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len() as u64;
        let sent = self.exporter.export(batch).await;
        let outcome = if sent.is_ok() { "exported" } else { "lost" };
        metrics::counter!("spotwright_spans_total", "outcome" => outcome).increment(spans);
        let Err(error) = sent else { return };
        self.lost += spans;
        if self.mentioned.is_none_or(|mentioned| mentioned.elapsed() >= MENTION) {
            let Self { lost, endpoint, .. } = self;
            tracing::warn!(%error, lost, endpoint, "the collector does not take spans");
            self.mentioned = Some(Instant::now());
            self.lost = 0;
        }
    }
}

/// The span at its place in its run's trace; `None` for a span that belongs to no run.
fn placed(mut span: SpanData) -> Option<SpanData> {
    // A field recorded twice holds what was recorded last.
    let mut attributes: Vec<KeyValue> = Vec::with_capacity(span.attributes.len());
    for attribute in std::mem::take(&mut span.attributes) {
        match attributes.iter_mut().find(|known| known.key == attribute.key) {
            Some(known) => known.value = attribute.value,
            None => attributes.push(attribute),
        }
    }
    let value =
        |key: &str| attributes.iter().find(|known| known.key.as_str() == key).map(|known| &known.value);
    let text = |key: &str| value(key).map(Value::as_str);
    let run: RunId = text("run.id")?.parse().ok()?;
    let root = root_span(run);
    let mut id = span.span_context.span_id();
    if let Some(Value::I64(started)) = value("run.started_micros") {
        id = root;
        span.parent_span_id = SpanId::INVALID;
        span.start_time = SystemTime::UNIX_EPOCH + Duration::from_micros((*started).max(0) as u64);
    } else if span.parent_span_id == SpanId::INVALID {
        span.parent_span_id = root;
        span.parent_span_is_remote = true;
    }
    let trace = TraceId::from_bytes(*run.0.as_bytes());
    span.span_context = SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE);
    let detail = ["step.kind", "message.kind", "call.provider"].into_iter().find_map(text);
    if let Some(detail) = detail {
        span.name = Cow::Owned(format!("{} {detail}", span.name));
    }
    span.span_kind = match () {
        () if value("message.id").is_some() => SpanKind::Consumer,
        () if value("call.key").is_some() => SpanKind::Client,
        () => SpanKind::Internal,
    };
    if value("outcome").is_none() {
        // The process stopped waiting for it, or the task ended abnormally.
        attributes.push(KeyValue::new("outcome", "cut_off"));
    }
    let value =
        |key: &str| attributes.iter().find(|known| known.key.as_str() == key).map(|known| &known.value);
    if let Some(outcome) = value("outcome").map(Value::as_str).filter(|name| ERRORS.contains(&name.as_ref()))
    {
        let mut error = value("error").map_or(outcome, Value::as_str).into_owned();
        error.truncate(error.floor_char_boundary(LONGEST));
        span.status = Status::error(error);
    }
    attributes.retain(|attribute| !matches!(attribute.key.as_str(), "error" | "run.started_micros"));
    span.attributes = attributes;
    Some(span)
}

/// Id of the span of a whole run.
fn root_span(run: RunId) -> SpanId {
    let hash = blake3::derive_key("spotwright 2026-11-22 span of a run", run.0.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    // Zero stands for none.
    bytes[7] |= 1;
    SpanId::from_bytes(bytes)
}
