//! A collector of OpenTelemetry spans on a loopback port: takes them in over OTLP as protobuf over
//! HTTP, decodes them with the protocol's own definitions, and keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A span as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// The roles of the process that sent it.
    pub(crate) roles: String,
    /// The process that sent it.
    pub(crate) process: String,
    /// Its attributes as text.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The span.
    pub(crate) span: Span,
}

/// The collector; serves until its runtime ends.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<Taken>>>);

impl Collector {
    /// Starts on a free port; the endpoint for the configuration.
    pub(crate) async fn start() -> (Self, String) {
        let collector = Self::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, endpoint)
    }

    /// What came in so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.0.lock().unwrap().clone()
    }
}

/// The values of an attribute.
pub(crate) fn values(spans: &[Taken], attribute: &str) -> BTreeSet<String> {
    spans.iter().filter_map(|taken| taken.attributes.get(attribute).cloned()).collect()
}

/// Every span is in the trace that bears the run's id, and hangs below another one or below the span
/// of the run, which is there once.
pub(crate) fn expect_one_trace(spans: &[Taken], run: &str) {
    let bytes = uuid::Uuid::parse_str(run).unwrap();
    assert!(spans.iter().all(|taken| taken.span.trace_id == bytes.as_bytes()), "{spans:#?}");
    let ids: BTreeSet<&[u8]> = spans.iter().map(|taken| taken.span.span_id.as_slice()).collect();
    assert_eq!(ids.len(), spans.len());
    let (roots, others): (Vec<&Taken>, Vec<&Taken>) =
        spans.iter().partition(|taken| taken.span.parent_span_id.is_empty());
    assert_eq!(roots.len(), 1, "{roots:#?}");
    let root = &roots[0].span;
    assert_eq!(root.name, "run");
    for taken in others {
        assert!(ids.contains(taken.span.parent_span_id.as_slice()), "{taken:#?}");
        assert!(taken.span.start_time_unix_nano >= root.start_time_unix_nano, "{taken:#?}");
        assert!(taken.span.end_time_unix_nano >= taken.span.start_time_unix_nano, "{taken:#?}");
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut spans = collector.0.lock().unwrap();
    for resource_spans in request.resource_spans {
        let resource =
            texts(&resource_spans.resource.map(|resource| resource.attributes).unwrap_or_default());
        let named = |name: &str| resource.get(name).cloned().unwrap_or_default();
        for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Taken {
                roles: named("spotwright.roles"),
                process: named("process.pid"),
                attributes: texts(&span.attributes),
                span,
            });
        }
    }
    StatusCode::OK
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    };
    let pair = |attribute: &KeyValue| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        Some((attribute.key.clone(), text(value)))
    };
    attributes.iter().filter_map(pair).collect()
}
