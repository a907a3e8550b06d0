//! Metrics of one process: those of requests are taken here, those of steps and messages where the
//! work is done; all of them are there from the start, at zero, so that rates are right from the
//! first event on.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use spotwright_core::domain::topology::Role;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use tokio::time::Instant;

/// Upper bounds of times in seconds: from a request that reads one row to a long render.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// Ends of steps that are counted.
const ENDS: [&str; 4] = ["done", "failed", "retried", "waiting"];

/// Installs the recorder of this process and names what `roles` will count.
///
/// # Errors
/// [`Code::Prerequisite`] when the process has a recorder already.
pub fn install(roles: &[Role]) -> Result<PrometheusHandle, Problem> {
    let failed = |error: metrics_exporter_prometheus::BuildError| {
        Problem::new(Code::Prerequisite, "", error.to_string())
    };
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).map_err(failed)?;
    let handle = builder.install_recorder().map_err(failed)?;
    for role in roles {
        for kind in role.kinds() {
            for end in ENDS {
                metrics::counter!("spotwright_steps_total", "kind" => kind.as_str(), "outcome" => end)
                    .absolute(0);
            }
            drop(metrics::histogram!("spotwright_step_seconds", "kind" => kind.as_str()));
        }
        for consumer in role.consumers() {
            metrics::counter!("spotwright_messages_consumed_total", "consumer" => *consumer).absolute(0);
        }
    }
    for outcome in ["exported", "lost"] {
        metrics::counter!("spotwright_spans_total", "outcome" => outcome).absolute(0);
    }
    Ok(handle)
}

/// Counts and times a request by its route, never by its path, which anybody can make up.
pub async fn request(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let started = Instant::now();
    let response = next.run(request).await;
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("spotwright_http_request_seconds", "method" => method.clone(), "route" => route.clone())
        .record(seconds);
    let status = response.status().as_str().to_owned();
    metrics::counter!("spotwright_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    response
}
