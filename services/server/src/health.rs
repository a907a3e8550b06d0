//! Health and metrics of one process, for those who run it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use spotwright_core::domain::topology::{Role, StepKind};
use spotwright_core::ports::clock::{Clock as _, SystemClock};

use crate::foundation::Foundation;

/// Longest wait for the database before what it would tell is left out.
const READY: Duration = Duration::from_secs(2);

/// Most messages of the outbox that are counted.
const OUTBOX: usize = 1_000;

/// What the pages are made of.
#[derive(Clone)]
struct Pages {
    foundation: Arc<Foundation>,
    metrics: PrometheusHandle,
    roles: Arc<[Role]>,
}

/// `/healthz`: the process lives. `/readyz`: it can do its work. `/metrics`: Prometheus text.
pub fn router(foundation: Arc<Foundation>, metrics: PrometheusHandle, roles: &[Role]) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(report))
        .with_state(Pages { foundation, metrics, roles: roles.into() })
}

async fn ready(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.foundation.readiness.check().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => {
            tracing::warn!(%error, cause = error.cause(), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
        }
    }
}

async fn report(State(pages): State<Pages>) -> impl IntoResponse {
    let mut text = pages.metrics.render();
    text.push_str("# TYPE spotwright_role gauge\n");
    for role in pages.roles.iter() {
        // Writing to a string does not fail.
        let _written = writeln!(text, "spotwright_role{{role=\"{}\"}} 1", role.as_str());
    }
    // Without a broker nothing goes through its client.
    let counts = pages.foundation.bus_counts().unwrap_or_default();
    for (name, value) in [
        ("published", counts.published),
        ("confirmed", counts.confirmed),
        ("returned", counts.returned),
        ("refused", counts.nacked),
        ("reconnects", counts.reconnects),
        ("retried", counts.retried),
        ("dead_lettered", counts.dead_lettered),
    ] {
        let _written =
            writeln!(text, "# TYPE spotwright_bus_{name}_total counter\nspotwright_bus_{name}_total {value}");
    }
    if pages.roles.contains(&Role::Relay) {
        outbox(&pages.foundation, &mut text).await;
        waiting(&pages.foundation, &mut text).await;
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// What waits in the outbox, told by the relay's process; left out when the database does not answer.
async fn outbox(foundation: &Foundation, text: &mut String) {
    let Ok(Ok(unsent)) = tokio::time::timeout(READY, foundation.store.unsent(None, OUTBOX)).await else {
        return;
    };
    let now = SystemClock.now_micros();
    let oldest = unsent.first().map_or(0, |(_, message)| now - message.event.time.as_microsecond());
    for (name, value) in
        [("messages", unsent.len() as f64), ("oldest_seconds", oldest.max(0) as f64 / 1_000_000.0)]
    {
        let _written =
            writeln!(text, "# TYPE spotwright_outbox_{name} gauge\nspotwright_outbox_{name} {value}");
    }
}

/// How many steps wait for a provider, for their time or for a paused run, told by the relay's process; left
/// out when the database does not answer.
async fn waiting(foundation: &Foundation, text: &mut String) {
    let Ok(Ok(counts)) = tokio::time::timeout(READY, foundation.store.waiting_steps()).await else {
        return;
    };
    text.push_str("# TYPE spotwright_waiting_steps gauge\n");
    for kind in StepKind::ALL {
        let count = counts.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count);
        let _written = writeln!(text, "spotwright_waiting_steps{{kind=\"{}\"}} {count}", kind.as_str());
    }
}
