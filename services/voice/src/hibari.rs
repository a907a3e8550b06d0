//! The small American voice: where speed counts more than sound, or nothing else is installed.
//!
//! Its network predicts spectra, 80 a second; [`crate::vocoder`] makes sound of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ort::session::Session;
use ort::value::Tensor;
use spotwright_core::domain::reason::{VoiceFault, VoiceReason};
use spotwright_core::ports::voice::{SPEEDS, Spoken, Utterance, Voice, VoiceError};
use spotwright_schemas::locale::Locale;

use crate::front_end::FrontEnd;
use crate::kokoro::{MOST_SYMBOLS, PAUSE_MS, breaths};
use crate::sentence::Sentence;
use crate::vocoder::{BINS, RATE, Spectra, sound};
use crate::{Error, runtime, runtime_library, timing};

/// Name of its only voice.
const VOICE: &str = "heart";

/// Speaks American English with a model of 8 MB, some ten times as fast as [`crate::Kokoro`]; tells no word
/// times.
#[derive(Clone)]
pub struct Hibari {
    inner: Arc<Inner>,
}

struct Inner {
    models: PathBuf,
    front_end: Arc<FrontEnd>,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    session: Session,
    symbols: HashMap<char, i64>,
}

impl Hibari {
    /// Looks whether the files are there; nothing is loaded before something is spoken.
    ///
    /// # Errors
    /// [`Error::File`] naming the first file that is missing.
    pub fn new(models: &Path) -> Result<Self, Error> {
        let folder = models.join("hibari");
        let mut needed = vec![runtime_library(models)];
        needed.extend(
            [
                "hibari.onnx",
                "vocab.json",
                "lexicon_us_gold.json.gz",
                "lexicon_us_silver.json.gz",
                "oov.onnx",
                "oov.json",
            ]
            .map(|name| folder.join(name)),
        );
        if let Some(path) = needed.into_iter().find(|path| !path.is_file()) {
            return Err(Error::File { path, what: "it is missing".to_owned() });
        }
        let front_end = FrontEnd::shared(models);
        let inner = Inner { models: models.to_owned(), front_end, loaded: Mutex::new(None) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Speaks on the calling thread. Same as [`Voice::speak`].
    ///
    /// # Errors
    /// [`Error`]; [`Error::Voice`] for a language other than English.
    pub fn speak_blocking(&self, utterance: &Utterance) -> Result<Spoken, Error> {
        if !utterance.locale.is_english() {
            return Err(Error::Voice(VoiceFault::EnglishOnly));
        }
        let speed =
            if utterance.speed.is_finite() { utterance.speed.clamp(SPEEDS[0], SPEEDS[1]) } else { 1.0 };
        let front = &self.inner.front_end;
        let mut spoken = Vec::new();
        for sentence in front.sentences(&utterance.text, Locale::EnUs, &utterance.pronunciations)? {
            for breath in breaths(sentence)? {
                let pcm = self.inner.breath(&breath, speed)?;
                // No durations: the words of this voice have no times.
                let silent = Sentence::default();
                let cut = timing::cut(&pcm, &[], &silent);
                spoken.push((silent, cut));
            }
        }
        let (pcm, words) = timing::join(&spoken, RATE, PAUSE_MS);
        let mut why = Vec::new();
        if !utterance.voice.is_empty() {
            why.push(VoiceReason::SmallVoice { asked: utterance.voice.clone() });
        }
        if utterance.locale != Locale::EnUs {
            why.push(VoiceReason::American);
        }
        let (engine, voice) = ("hibari".to_owned(), VOICE.to_owned());
        why.push(VoiceReason::NoWordTimes { engine: engine.clone() });
        Ok(Spoken { pcm, rate: RATE, words, engine, voice, speed, why })
    }
}

#[async_trait]
impl Voice for Hibari {
    fn name(&self) -> &str {
        "hibari"
    }

    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
        let (own, utterance) = (self.clone(), utterance.clone());
        tokio::task::spawn_blocking(move || own.speak_blocking(&utterance))
            .await
            .map_err(|error| VoiceError::unavailable(VoiceFault::Interrupted { words: error.to_string() }))?
            .map_err(VoiceError::from)
    }
}

impl Inner {
    fn breath(&self, sentence: &Sentence, speed: f64) -> Result<Vec<f32>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.is_none() {
            *loaded = Some(Loaded::open(&self.models)?);
        }
        let Some(loaded) = loaded.as_mut() else { return Err(Error::Model("it was not loaded".to_owned())) };
        let symbols = sentence.symbols();
        let mut ids: Vec<i64> = vec![0];
        ids.extend(symbols.chars().filter_map(|symbol| loaded.symbols.get(&symbol).copied()));
        ids.push(0);
        if ids.len() < 3 {
            return Err(Error::NoWords);
        }
        if ids.len() > MOST_SYMBOLS + 2 {
            return Err(Error::Long(ids.len()));
        }
        let spectra = loaded.run(ids, speed as f32).map_err(|error| Error::computing(&error))?;
        // The breath's own noise, so that equal lines sound equal.
        let seed = blake3::hash(symbols.as_bytes());
        let mut eight = [0_u8; 8];
        eight.copy_from_slice(&seed.as_bytes()[..8]);
        Ok(sound(&spectra, u64::from_le_bytes(eight)))
    }
}

impl Loaded {
    fn open(models: &Path) -> Result<Self, Error> {
        let folder = models.join("hibari");
        let file = folder.join("vocab.json");
        let fail = |what: String| Error::File { path: file.clone(), what };
        let text = std::fs::read(&file).map_err(|error| Error::reading(&file, &error))?;
        let symbols = serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
        let session = runtime::open(&runtime_library(models), &folder.join("hibari.onnx"), 1)?;
        Ok(Self { session, symbols })
    }

    fn run(&mut self, ids: Vec<i64>, speed: f32) -> Result<Spectra, ort::Error> {
        let outputs = self.session.run(ort::inputs![
            "ids" => Tensor::from_array(([1, ids.len()], ids))?,
            "speed" => Tensor::from_array(([1_usize], vec![speed]))?,
        ])?;
        let pitch = outputs["f0"].try_extract_tensor::<f32>()?.1.to_vec();
        let frames = pitch.len();
        // The network's order is bin by bin; here it is frame by frame.
        let part = |name: &str| -> Result<Vec<f32>, ort::Error> {
            let values = outputs[name].try_extract_tensor::<f32>()?.1;
            let at = |idx: usize| values.get(idx % BINS * frames + idx / BINS).copied().unwrap_or(0.0);
            Ok((0..BINS * frames).map(at).collect())
        };
        Ok(Spectra {
            pitch,
            voiced: part("lh")?,
            turn: part("theta")?,
            noise: part("ln")?,
            free: part("lr")?,
            phase: part("phi")?,
        })
    }
}
