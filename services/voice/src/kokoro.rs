//! Kokoro-82M in this process: English and Mandarin.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use ort::session::Session;
use ort::value::Tensor;
use serde::Deserialize;
use spotwright_core::domain::reason::{VoiceFault, VoiceReason};
use spotwright_core::ports::voice::{SPEEDS, Spoken, Utterance, Voice, VoiceError};
use spotwright_schemas::locale::Locale;

use crate::cache::{Cache, Heard};
use crate::front_end::FrontEnd;
use crate::sentence::Sentence;
use crate::{Error, runtime, runtime_library, timing};

/// Samples per second of the model.
const RATE: u32 = 24_000;
/// Most symbols of one sentence; the model takes 510, and long ones sound hurried.
pub(crate) const MOST_SYMBOLS: usize = 400;
/// Silence between sentences, in milliseconds.
pub(crate) const PAUSE_MS: u32 = 260;
/// Numbers of a voice's style for one length of sentence, and the lengths that there are.
const STYLE: usize = 256;
const STYLES: usize = 510;
/// The model with the output of durations: part of the names of sentences in the cache.
const MODEL: &str = "kokoro-82m-int8-b9caec49";
/// The graph's output of durations.
const DURATIONS: &str = "/encoder/Clip_output_0";

/// The voices that the installation fetches, and the language that each speaks.
pub const VOICES: [(&str, Locale); 5] = [
    ("af_heart", Locale::EnUs),
    ("am_michael", Locale::EnUs),
    ("bf_emma", Locale::EnGb),
    ("zf_xiaoxiao", Locale::ZhCn),
    ("zm_yunxi", Locale::ZhCn),
];

/// The voice of a language where nobody names one.
#[must_use]
pub const fn voice_for(locale: Locale) -> &'static str {
    match locale {
        Locale::EnUs => "af_heart",
        Locale::EnGb => "bf_emma",
        Locale::ZhCn => "zf_xiaoxiao",
    }
}

/// How the voices are set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Folder of the model files; `kokoro-82m`, `onnxruntime`, `hibari` and `pypinyin` are looked for in it.
    pub models: PathBuf,
    /// Folder for spoken sentences; `None` keeps none.
    pub cache: Option<PathBuf>,
    /// Threads that one sentence may use.
    pub threads: usize,
}

/// Speaks with Kokoro-82M. Cheap to clone; clones and further ones over the same folder share the model.
#[derive(Clone)]
pub struct Kokoro {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    model: Arc<Model>,
    cache: Option<Cache>,
}

/// The model of one folder, loaded when something is spoken first.
struct Model {
    models: PathBuf,
    threads: usize,
    front_end: Arc<FrontEnd>,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    session: Session,
    symbols: HashMap<char, i64>,
    styles: HashMap<String, Vec<f32>>,
}

/// The models that are in use in this process.
static MODELS: Mutex<Vec<Weak<Model>>> = Mutex::new(Vec::new());

impl Kokoro {
    /// Looks whether the files are there; nothing is loaded before something is spoken.
    ///
    /// # Errors
    /// [`Error::File`] naming the first file that is missing.
    pub fn new(options: Options) -> Result<Self, Error> {
        if let Some(path) = missing(&options.models).into_iter().next() {
            return Err(Error::File { path, what: "it is missing".to_owned() });
        }
        let cache = options.cache.as_deref().map(Cache::open);
        let model = Model::shared(&options.models, options.threads);
        Ok(Self { inner: Arc::new(Inner { options, model, cache }) })
    }

    /// The voices that are installed, with their languages.
    ///
    /// # Errors
    /// [`Error::UsedUp`] when the folder cannot be listed for want of descriptors.
    pub fn voices(&self) -> Result<Vec<(String, Locale)>, Error> {
        listed(&self.inner.options.models)
    }

    /// Speaks on the calling thread. Same as [`Voice::speak`]. About 0.8 s of one core for each second of
    /// speech, and 2 s more for the first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn speak_blocking(&self, utterance: &Utterance) -> Result<Spoken, Error> {
        let inner = &self.inner;
        let (voice, why) = self.chosen(utterance)?;
        let speed =
            if utterance.speed.is_finite() { utterance.speed.clamp(SPEEDS[0], SPEEDS[1]) } else { 1.0 };
        let front = &inner.model.front_end;
        let mut spoken = Vec::new();
        for sentence in front.sentences(&utterance.text, utterance.locale, &utterance.pronunciations)? {
            for breath in breaths(sentence)? {
                let (breath, heard) = inner.sentence(breath, &voice, speed)?;
                let pcm: Vec<f32> = heard.pcm.iter().map(|sample| f32::from(*sample) / 32_767.0).collect();
                let cut = timing::cut(&pcm, &heard.durations, &breath);
                spoken.push((breath, cut));
            }
        }
        let (pcm, words) = timing::join(&spoken, RATE, PAUSE_MS);
        let engine = "kokoro".to_owned();
        Ok(Spoken { pcm, rate: RATE, words, engine, voice, speed, why })
    }

    /// The voice that speaks, and why it is not the one that was asked for.
    fn chosen(&self, utterance: &Utterance) -> Result<(String, Vec<VoiceReason>), Error> {
        let own = voice_for(utterance.locale);
        let there = self.voices()?;
        let speaks = |name: &str, locale: Locale| {
            there.iter().any(|(known, tongue)| known == name && tongue.language() == locale.language())
        };
        let asked = utterance.voice.as_str();
        let mut why = Vec::new();
        if !asked.is_empty() && asked != own {
            if speaks(asked, utterance.locale) {
                return Ok((asked.to_owned(), why));
            }
            why.push(VoiceReason::OtherVoice {
                asked: asked.to_owned(),
                locale: utterance.locale,
                speaks: own.to_owned(),
            });
        }
        if speaks(own, utterance.locale) {
            return Ok((own.to_owned(), why));
        }
        let other = there.iter().find(|(_, tongue)| tongue.language() == utterance.locale.language());
        let nobody = Error::Voice(VoiceFault::NoVoice { locale: utterance.locale });
        let (other, _) = other.ok_or(nobody)?;
        why.push(VoiceReason::UsualVoiceMissing { usual: own.to_owned(), speaks: other.clone() });
        Ok((other.clone(), why))
    }
}

#[async_trait]
impl Voice for Kokoro {
    fn name(&self) -> &str {
        "kokoro"
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
    /// One breath, from the cache or the model, without the symbols that the model lacks.
    fn sentence(&self, mut sentence: Sentence, voice: &str, speed: f64) -> Result<(Sentence, Heard), Error> {
        self.model.with(|loaded| {
            for word in &mut sentence.words {
                word.symbols.retain(|symbol| loaded.symbols.contains_key(&symbol));
            }
            sentence.words.retain(|word| !word.symbols.is_empty());
            if sentence.words.is_empty() {
                return Err(Error::NoWords);
            }
            let symbols = sentence.symbols();
            let key = format!("{MODEL}\n{voice}\n{speed:.3}\n{symbols}");
            let key = blake3::hash(key.as_bytes()).to_hex();
            if let Some(heard) = self.cache.as_ref().and_then(|cache| cache.get(&key)) {
                return Ok((sentence, heard));
            }
            let heard = loaded.speak(&self.options.models, &symbols, voice, speed)?;
            if let Some(cache) = &self.cache {
                cache.put(&key, &heard);
            }
            Ok((sentence, heard))
        })
    }
}

impl Model {
    fn shared(models: &Path, threads: usize) -> Arc<Self> {
        let mut known = MODELS.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|model| model.strong_count() > 0);
        if let Some(model) = known.iter().filter_map(Weak::upgrade).find(|model| model.models == models) {
            return model;
        }
        let front_end = FrontEnd::shared(models);
        let model =
            Arc::new(Self { models: models.to_owned(), threads, front_end, loaded: Mutex::new(None) });
        known.push(Arc::downgrade(&model));
        model
    }

    /// Works with the loaded model; one sentence at a time, which uses all its threads.
    fn with<T>(&self, work: impl FnOnce(&mut Loaded) -> Result<T, Error>) -> Result<T, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.is_none() {
            *loaded = Some(Loaded::open(&self.models, self.threads)?);
        }
        match loaded.as_mut() {
            Some(loaded) => work(loaded),
            None => Err(Error::Model("it was not loaded".to_owned())),
        }
    }
}

impl Loaded {
    fn open(models: &Path, threads: usize) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Vocabulary {
            vocab: HashMap<char, i64>,
        }
        let folder = models.join("kokoro-82m");
        let file = folder.join("vocab.json");
        let fail = |what: String| Error::File { path: file.clone(), what };
        let text = std::fs::read(&file).map_err(|error| Error::reading(&file, &error))?;
        let Vocabulary { vocab } = serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
        let session = runtime::open(&runtime_library(models), &folder.join("model.onnx"), threads)?;
        Ok(Self { session, symbols: vocab, styles: HashMap::new() })
    }

    fn speak(&mut self, models: &Path, symbols: &str, voice: &str, speed: f64) -> Result<Heard, Error> {
        let mut ids: Vec<i64> = vec![0];
        ids.extend(symbols.chars().filter_map(|symbol| self.symbols.get(&symbol).copied()));
        ids.push(0);
        let style = self.style(models, voice, ids.len() - 2)?;
        self.run(ids, style, speed as f32).map_err(|error| Error::computing(&error))
    }

    fn run(&mut self, ids: Vec<i64>, style: Vec<f32>, speed: f32) -> Result<Heard, ort::Error> {
        let outputs = self.session.run(ort::inputs![
            "tokens" => Tensor::from_array(([1, ids.len()], ids))?,
            "style" => Tensor::from_array(([1, STYLE], style))?,
            "speed" => Tensor::from_array(([1_usize], vec![speed]))?,
        ])?;
        let (_, audio) = outputs["audio"].try_extract_tensor::<f32>()?;
        let (_, durations) = outputs[DURATIONS].try_extract_tensor::<f32>()?;
        let pcm = audio.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16).collect();
        Ok(Heard { pcm, durations: durations.to_vec() })
    }

    /// The voice's style for a sentence of so many symbols.
    fn style(&mut self, models: &Path, voice: &str, symbols: usize) -> Result<Vec<f32>, Error> {
        if !self.styles.contains_key(voice) {
            let path = models.join("kokoro-82m").join(format!("{voice}.bin"));
            let bytes = std::fs::read(&path).map_err(|error| Error::reading(&path, &error))?;
            if bytes.len() != STYLE * STYLES * 4 {
                let what = format!("it has {} bytes, not {}", bytes.len(), STYLE * STYLES * 4);
                return Err(Error::File { path, what });
            }
            let style = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            self.styles.insert(voice.to_owned(), style);
        }
        let row = symbols.saturating_sub(1).min(STYLES - 1) * STYLE;
        let rows = self.styles.get(voice).and_then(|style| style.get(row..row + STYLE));
        rows.map(<[f32]>::to_vec).ok_or_else(|| Error::Model("the voice has no style".to_owned()))
    }
}

/// The files without which nothing can be spoken and that are missing; no voice at all is one of them.
#[must_use]
pub(crate) fn missing(models: &Path) -> Vec<PathBuf> {
    let mut needed = vec![models.join("kokoro-82m/model.onnx"), models.join("kokoro-82m/vocab.json")];
    needed.push(runtime_library(models));
    needed.extend(
        ["lexicon_us_gold.json.gz", "lexicon_us_silver.json.gz", "oov.onnx", "oov.json"]
            .map(|name| models.join("hibari").join(name)),
    );
    needed.extend(["phrases_dict.json", "pinyin_dict.json"].map(|name| models.join("pypinyin").join(name)));
    needed.retain(|path| !path.is_file());
    if installed(models).is_empty() {
        needed.push(models.join("kokoro-82m/af_heart.bin"));
    }
    needed
}

/// The voices whose files are there, by name. The first letter tells the language.
pub(crate) fn installed(models: &Path) -> Vec<(String, Locale)> {
    listed(models).unwrap_or_default()
}

/// As [`installed`]; a folder that is not there has no voices, one that cannot be listed just now is an
/// error.
fn listed(models: &Path) -> Result<Vec<(String, Locale)>, Error> {
    let folder = models.join("kokoro-82m");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::reading(&folder, &error)),
    };
    let mut voices: Vec<(String, Locale)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let name = name.strip_suffix(".bin")?.to_owned();
            let locale = match name.chars().next()? {
                'a' => Locale::EnUs,
                'b' => Locale::EnGb,
                'z' => Locale::ZhCn,
                _ => return None,
            };
            Some((name, locale))
        })
        .collect();
    voices.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(voices)
}

/// Cuts a sentence that is too long for one breath at its marks, or where it must be.
pub(crate) fn breaths(sentence: Sentence) -> Result<Vec<Sentence>, Error> {
    let length = |word: &crate::sentence::Word| word.symbols.chars().count() + 2;
    if let Some(word) = sentence.words.iter().find(|word| length(word) > MOST_SYMBOLS) {
        return Err(Error::Long(length(word)));
    }
    let mut breaths = Vec::new();
    let mut words = sentence.words;
    loop {
        let mut total = 0;
        let fits = words.iter().take_while(|word| {
            total += length(word);
            total <= MOST_SYMBOLS
        });
        let fits = fits.count();
        if fits == words.len() {
            breaths.push(Sentence { words });
            return Ok(breaths);
        }
        let at = words[..fits].iter().rposition(|word| !word.mark.is_empty()).map_or(fits, |at| at + 1);
        let rest = words.split_off(at);
        breaths.push(Sentence { words });
        words = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::Word;

    fn words(lengths: &[(usize, &'static str)]) -> Sentence {
        let word = |(length, mark): &(usize, &'static str)| Word {
            text: "w".to_owned(),
            symbols: "x".repeat(*length),
            mark,
        };
        Sentence { words: lengths.iter().map(word).collect() }
    }

    #[test]
    fn long_sentences_are_cut_at_their_marks() {
        let cut = |sentence| -> Vec<usize> {
            breaths(sentence).expect("fits").iter().map(|breath| breath.words.len()).collect()
        };
        assert_eq!(cut(words(&[(100, ""), (100, "")])), [2]);
        assert_eq!(cut(words(&[(150, ""), (150, ","), (50, ""), (150, ".")])), [2, 2]);
        assert_eq!(cut(words(&[(150, ""), (150, ""), (150, "")])), [2, 1]);
        assert!(matches!(breaths(words(&[(500, "")])), Err(Error::Long(502))));
    }

    #[test]
    fn without_files_there_is_no_voice_and_it_is_said_which() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { models: folder.path().to_owned(), cache: None, threads: 1 };
        let error = Kokoro::new(options).map(|_| ()).expect_err("no files");
        assert!(error.to_string().contains("model.onnx"), "{error}");
        assert!(matches!(VoiceError::from(error), VoiceError::Unavailable(_)));
    }
}
