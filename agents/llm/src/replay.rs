//! Recorded answers: [`Recorder`] writes what another provider proposed, [`Replay`] reads it back.
//!
//! A recording is JSON Lines (`spotwright.llm_record.v2`): one answered request per line, found by
//! the hash of everything the request says. Errors are not recorded. A recording holds scripts and
//! fact ids but no other text of the brief and no key.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use spotwright_core::ports::language_model::{
    Extent, LanguageModel, LanguageModelError, ProposedScript, ProposedScripts, ScriptRequest,
};
use spotwright_schemas::money::Micros;

use crate::answer::Checker;

/// Largest recording that is read, in bytes.
pub const MAX_RECORDING_BYTES: u64 = 256 * 1024 * 1024;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Reading or writing failed.
    #[error("recording {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Larger than [`MAX_RECORDING_BYTES`].
    #[error("recording {0} has more than {MAX_RECORDING_BYTES} bytes")]
    TooLarge(String),
    /// A line is not a record of this version.
    #[error("recording {path}, line {line}: {message}")]
    Malformed {
        /// The file.
        path: String,
        /// Line number from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    format: RecordFormat,
    request: String,
    provider: String,
    prompt_hash: String,
    tokens: [u64; 2],
    cost_micros: i64,
    scripts: Vec<ProposedScript>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum RecordFormat {
    #[serde(rename = "spotwright.llm_record.v2")]
    V2,
}

/// BLAKE3 of everything a request says, hexadecimal.
#[must_use]
pub fn request_hash(request: &ScriptRequest<'_>) -> String {
    // serde_json keeps the order of struct fields, so equal requests give equal bytes.
    let whole = json!([
        request.brief,
        request.wishes,
        request.limits,
        request.offer_phrases,
        request.cases,
        request.lessons,
        request.parents,
        request.avoid,
        request.revisions,
        request.seed,
    ]);
    blake3::hash(whole.to_string().as_bytes()).to_hex().to_string()
}

/// Passes requests on to another provider and appends its answers to a recording.
pub struct Recorder<M> {
    inner: M,
    path: String,
    file: Arc<Mutex<File>>,
}

impl<M: LanguageModel> Recorder<M> {
    /// Opens or creates the recording at `path`. A last line without its end, left by an
    /// interrupted write, is cut off.
    ///
    /// # Errors
    /// [`RecordingError::Io`] or [`RecordingError::TooLarge`].
    pub fn open(inner: M, path: &Path) -> Result<Self, RecordingError> {
        let shown = path.display().to_string();
        let io = |source| RecordingError::Io { path: shown.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let text = read_bounded(&mut file, &shown)?;
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            tracing::warn!(path = shown, bytes = text.len() - whole, "cut off an interrupted record");
            file.set_len(whole as u64).map_err(io)?;
        }
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Self { inner, path: shown, file: Arc::new(Mutex::new(file)) })
    }
}

#[async_trait]
impl<M: LanguageModel> LanguageModel for Recorder<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn repeatable(&self) -> bool {
        self.inner.repeatable()
    }

    fn writes(&self) -> Extent {
        self.inner.writes()
    }

    fn quote(&self, request: &ScriptRequest<'_>) -> Micros {
        self.inner.quote(request)
    }

    /// Answers as the inner provider does. An answer that cannot be recorded is still given, with a
    /// warning in the log: it has been paid for.
    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let proposals = self.inner.write(request, idempotency_key).await?;
        let record = Record {
            format: RecordFormat::V2,
            request: request_hash(request),
            provider: self.inner.provider().to_owned(),
            prompt_hash: proposals.prompt_hash.clone(),
            tokens: proposals.tokens,
            cost_micros: proposals.cost.0,
            scripts: proposals.scripts.clone(),
        };
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || append(&file, &record)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(path = self.path, %error, "answer could not be recorded"),
            Err(error) => tracing::warn!(path = self.path, %error, "answer could not be recorded"),
        }
        Ok(proposals)
    }
}

/// Answers from a recording; asks nobody and charges nothing.
#[derive(Debug, Clone)]
pub struct Replay {
    records: HashMap<String, Record>,
}

impl Replay {
    /// Reads a recording. Where a request was recorded several times, the last answer counts.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        let shown = path.display().to_string();
        let mut file =
            File::open(path).map_err(|source| RecordingError::Io { path: shown.clone(), source })?;
        let text = read_bounded(&mut file, &shown)?;
        let mut records = HashMap::new();
        for (idx, line) in text.split(|b| *b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let record: Record = serde_json::from_slice(line).map_err(|error| RecordingError::Malformed {
                path: shown.clone(),
                line: idx + 1,
                message: error.to_string(),
            })?;
            records.insert(record.request.clone(), record);
        }
        Ok(Self { records })
    }

    /// Number of different requests that can be answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing can be answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[async_trait]
impl LanguageModel for Replay {
    fn provider(&self) -> &'static str {
        "replay"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _request: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    /// The recorded answer; scripts that break the request's rules, which only an edited recording
    /// holds, are dropped.
    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        _idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let hash = request_hash(request);
        let record = self
            .records
            .get(&hash)
            .ok_or_else(|| LanguageModelError::Refused(format!("nothing is recorded for request {hash}")))?;
        let checker = Checker::new(request);
        let mut scripts: Vec<ProposedScript> = Vec::new();
        for script in record.scripts.iter().take(request.wishes.len()) {
            if let Ok(script) = checker.check(script.clone(), &scripts) {
                scripts.push(script);
            }
        }
        if scripts.is_empty() {
            let message = format!("the record of request {hash} holds no usable script");
            return Err(LanguageModelError::Unusable(message));
        }
        Ok(ProposedScripts {
            scripts,
            refused: Vec::new(),
            prompt_hash: record.prompt_hash.clone(),
            tokens: record.tokens,
            cost: Micros::ZERO,
        })
    }
}

fn read_bounded(file: &mut File, path: &str) -> Result<Vec<u8>, RecordingError> {
    let mut text = Vec::new();
    file.take(MAX_RECORDING_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|source| RecordingError::Io { path: path.to_owned(), source })?;
    if text.len() as u64 > MAX_RECORDING_BYTES {
        return Err(RecordingError::TooLarge(path.to_owned()));
    }
    Ok(text)
}

fn append(file: &Mutex<File>, record: &Record) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let before = file.stream_position()?;
    let written = file.write_all(&line).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a record must not stay in front of the next one.
        file.set_len(before)?;
        file.seek(SeekFrom::Start(before))?;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::parse;
    use crate::test_requests::{SCRIPT, brief, request};

    struct Scripted;

    #[async_trait]
    impl LanguageModel for Scripted {
        fn provider(&self) -> &'static str {
            "scripted"
        }
        fn repeatable(&self) -> bool {
            true
        }
        fn quote(&self, _request: &ScriptRequest<'_>) -> Micros {
            Micros(5)
        }
        async fn write(
            &self,
            request: &ScriptRequest<'_>,
            _key: &str,
        ) -> Result<ProposedScripts, LanguageModelError> {
            let mut script = parse(SCRIPT, request, "scripted").unwrap().scripts.remove(0);
            script.idea = format!("seed {}", request.seed);
            Ok(ProposedScripts {
                scripts: vec![script],
                refused: Vec::new(),
                prompt_hash: "ab".to_owned(),
                tokens: [3, 4],
                cost: Micros(5),
            })
        }
    }

    #[tokio::test]
    async fn a_recording_gives_the_same_scripts_and_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.jsonl");
        let brief = brief();
        let mut request = request(&brief);
        let recorder = Recorder::open(Scripted, &path).unwrap();
        let first = recorder.write(&request, "k").await.unwrap();
        request.seed = 8;
        recorder.write(&request, "k").await.unwrap();
        let replay = Replay::load(&path).unwrap();
        assert_eq!(replay.len(), 2);
        request.seed = 7;
        let again = replay.write(&request, "k").await.unwrap();
        assert_eq!((again.scripts, again.cost), (first.scripts, Micros::ZERO));
        request.seed = 9;
        let missing = replay.write(&request, "k").await.unwrap_err();
        assert!(matches!(missing, LanguageModelError::Refused(text) if text.contains("nothing is recorded")));
    }

    #[tokio::test]
    async fn interrupted_and_foreign_records_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.jsonl");
        let brief = brief();
        let request = request(&brief);
        Recorder::open(Scripted, &path).unwrap().write(&request, "k").await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
        assert!(matches!(Replay::load(&path), Err(RecordingError::Malformed { line: 2, .. })));
        Recorder::open(Scripted, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        assert_eq!(Replay::load(&path).unwrap().len(), 1);
        std::fs::write(&path, [&whole[..], b"{\"format\":\"other\"}\n"].concat()).unwrap();
        assert!(matches!(Replay::load(&path), Err(RecordingError::Malformed { line: 2, .. })));
        assert!(matches!(Replay::load(folder.path()), Err(RecordingError::Io { .. })));
    }
}
