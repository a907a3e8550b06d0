//! A call as the dialects see it, and their answers.

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use serde_json::Value;

use crate::faults::Fault;

/// Bytes of a request that are read: a base64 picture of 50 MB fits.
const MAX_BODY: usize = 128 << 20;

/// One HTTP request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path without query, as it came.
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: BTreeMap<String, String>,
    /// Header names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
    /// Faults that the job gets which this call creates.
    pub(crate) job_faults: Vec<Fault>,
    /// What lies at the addresses that the body names.
    pub(crate) fetched: BTreeMap<String, Result<Bytes, String>>,
}

impl Call {
    /// Reads a request whole. `None` when it breaks off or is too large.
    pub(crate) async fn read(request: hyper::Request<hyper::body::Incoming>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = http_body_util::Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes();
        let raw_query = head.uri.query().unwrap_or_default().to_owned();
        let headers = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Some(Self {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: serde_urlencoded::from_str(&raw_query).unwrap_or_default(),
            raw_query,
            headers: headers.collect(),
            body,
            job_faults: Vec::new(),
            fetched: BTreeMap::new(),
        })
    }

    /// Parts of the path, without empty ones.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// Path and query as the client wrote them.
    pub(crate) fn target(&self) -> String {
        if self.raw_query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.raw_query)
        }
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The token of `authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.headers.get("authorization")?.strip_prefix("Bearer ").map(str::trim)
    }

    /// Bytes that a value of the body stands for: those at an `http` address, or base64 with or without a
    /// `data:` prefix.
    pub(crate) fn bytes_of(&self, value: &str) -> Result<Bytes, String> {
        if value.starts_with("http://") || value.starts_with("https://") {
            return self.fetched.get(value).cloned().unwrap_or_else(|| Err("it was not fetched".to_owned()));
        }
        let encoded = match value.strip_prefix("data:") {
            Some(rest) => rest.split_once(";base64,").map(|(_, encoded)| encoded),
            None => Some(value),
        };
        let encoded = encoded.ok_or_else(|| "the data address is not base64".to_owned())?;
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded);
        decoded.map(Bytes::from).map_err(|error| format!("it is neither an address nor base64: {error}"))
    }
}

/// What is sent back.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(u16, Value),
    Bytes {
        media_type: String,
        bytes: Bytes,
    },
    /// The first `sent` bytes of `bytes`; `content-length` tells the whole if `breaks`.
    Half {
        media_type: String,
        bytes: Bytes,
        sent: usize,
        breaks: bool,
    },
    Slow {
        media_type: String,
        bytes: Bytes,
        bytes_per_second: u32,
    },
    /// What a job made; made and spoilt before it goes out.
    Output {
        job: String,
        index: u32,
        faults: Vec<Fault>,
    },
    /// Answered when the job has ended.
    WhenDone {
        job: String,
    },
    Hang,
    Reset,
}

impl Reply {
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Json(status, _) => Some(*status),
            Self::Hang | Self::Reset => None,
            _ => Some(200),
        }
    }
}

/// Addresses in a JSON body that name pictures, masks, clips or sounds.
pub(crate) fn addresses(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(None, value, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(name: Option<&str>, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let callback = name.is_some_and(|name| name.contains("callback"));
            if !callback && (text.starts_with("http://") || text.starts_with("https://")) {
                found.push(text.clone());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(name, value, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(Some(name), value, found);
            }
        }
        _ => {}
    }
}
