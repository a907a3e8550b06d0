//! A provider inside the test process that answers as it is told and writes down what it was asked, and
//! artifacts in memory.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![expect(dead_code, reason = "each test program uses its part")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use spotwright_clips::Server;
use spotwright_clips::prices::{Per, Price, Row};
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::{ClipRequest, ClipTask, Reference, ReferenceKind};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::FrameSize;

/// What the provider was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path with query.
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer of the provider.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

pub(crate) fn json(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string().into_bytes())
}

pub(crate) fn file(bytes: &[u8]) -> Answer {
    (200, vec![("content-type", "video/mp4".to_owned())], bytes.to_vec())
}

type Script = Box<dyn Fn(&Asked, usize) -> Answer + Send + Sync>;

struct Shared {
    script: Script,
    asked: Mutex<Vec<Asked>>,
}

/// A provider on this machine.
pub(crate) struct Provider {
    pub(crate) base: String,
    shared: Arc<Shared>,
}

impl Provider {
    /// Answers with what `script` makes of a request and its number, from 0 on.
    pub(crate) async fn start(script: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let shared = Arc::new(Shared { script: Box::new(script), asked: Mutex::default() });
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, shared }
    }

    pub(crate) fn server(&self) -> Server {
        Server::at(&self.base)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().unwrap()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method,
        path: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authorization: header("authorization"),
        content_type: header("content-type"),
        body: body.to_vec(),
    };
    let number = {
        let mut all = shared.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let (status, headers, body) = (shared.script)(&asked, number);
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Artifacts in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<ArtifactHash, Vec<u8>>>);

impl ArtifactStore for Memory {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        let hash = ArtifactHash::of(bytes);
        self.0.lock().unwrap().insert(hash.clone(), bytes.to_vec());
        Ok(hash)
    }

    fn adopt(&self, file: &std::path::Path) -> Result<ArtifactHash, ArtifactError> {
        self.put(&std::fs::read(file)?)
    }

    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let found = self.0.lock().unwrap().get(hash).cloned();
        found.ok_or_else(|| ArtifactError::Missing(hash.clone()))
    }

    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        Err(ArtifactError::Missing(hash.clone()))
    }
}

/// The head of a PNG, which is all that is looked at; `salt` makes it another file.
pub(crate) fn png(width: u32, height: u32, salt: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend_from_slice(&width.to_be_bytes());
    bytes.extend_from_slice(&height.to_be_bytes());
    bytes.extend_from_slice(&[8, 2, 0, 0, 0, salt]);
    bytes
}

/// A whole MP4 by its structure.
pub(crate) fn mp4() -> Vec<u8> {
    let boxed = |name: &[u8; 4], body: &[u8]| {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    };
    [boxed(b"ftyp", b"isom"), boxed(b"moov", &[0; 20]), boxed(b"mdat", &[7; 100])].concat()
}

/// A WAV of silence, 8 kHz, 16 bits.
pub(crate) fn wav(ms: u32) -> Vec<u8> {
    let data = ms * 16;
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(data + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000_u32.to_le_bytes());
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(&[2, 0, 16, 0]);
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&data.to_le_bytes());
    wav.resize(wav.len() + data as usize, 0);
    wav
}

/// A vertical shot of 5 s from words alone.
pub(crate) fn request() -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: "steam rises from a cup of coffee".to_owned(),
        negative_prompt: String::new(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 720, height: 1_280 },
        frames: 150,
        fps: 30,
        seed: 42,
        sound: false,
    }
}

pub(crate) fn reference(name: &str, kind: ReferenceKind, artifact: ArtifactHash) -> Reference {
    Reference { name: name.to_owned(), kind, artifact }
}

pub(crate) fn row(model: &str, micros: i64) -> Row {
    Row {
        model: model.to_owned(),
        licence: None,
        currency: Currency::USD,
        prices_of: "2026-11-28".to_owned(),
        prices: vec![Price {
            task: None,
            resolution: None,
            sound: None,
            reference_clip: None,
            per: Per::Second,
            amount: Micros(micros),
        }],
        unit_price: Some(Micros(140_000)),
        only_made: false,
    }
}

/// Compares with a file under `tests/golden`. A missing file is written and fails the test once, so that it is
/// looked at before it is kept.
pub(crate) fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let Ok(wanted) = std::fs::read_to_string(&path) else {
        std::fs::write(&path, format!("{found}\n")).unwrap();
        panic!("{} was written: look at it, and run the test again", path.display());
    };
    assert_eq!(found.trim_end(), wanted.trim_end(), "{name}");
}

pub(crate) fn golden_json(name: &str, found: &Value) {
    golden(name, &serde_json::to_string_pretty(&sorted(found)).unwrap());
}

/// The same with the fields of every object by name: whether a map keeps their order is a feature that another
/// crate of the program switches on.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
