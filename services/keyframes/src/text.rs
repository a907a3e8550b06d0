//! The text encoder: CLIP's transformer over words, of any size.
//!
//! candle-transformers has it for the sizes of published models only, and with the fast form of one of its
//! activations; here sizes come from the folder, so that a small one can be compared with recorded values.
//!
//! # Source
//! Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 2.4;
//! names of the weights as in `transformers`, `CLIPTextModel`, with and without its prefix `text_model`.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder};

use crate::folder::{Activation, TextSettings};

/// Computes what words mean to the model.
pub(crate) struct TextEncoder {
    words: Embedding,
    /// `[positions, width]`.
    places: Tensor,
    /// `[positions, positions]`: 0 for what came before, minus infinity for what comes after.
    mask: Tensor,
    layers: Vec<Layer>,
    last_norm: LayerNorm,
}

struct Layer {
    norms: [LayerNorm; 2],
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    wide: Linear,
    narrow: Linear,
    activation: Activation,
    heads: usize,
}

impl TextEncoder {
    /// Takes its weights out of `weights`, in single precision.
    pub(crate) fn new(settings: &TextSettings, weights: &VarBuilder<'_>) -> Result<Self> {
        let prefixed = weights.contains_tensor("text_model.embeddings.token_embedding.weight");
        let weights = if prefixed { weights.pp("text_model") } else { weights.clone() };
        let (width, length) = (settings.hidden_size, settings.max_position_embeddings);
        let embeddings = weights.pp("embeddings");
        let words = candle_nn::embedding(settings.vocab_size, width, embeddings.pp("token_embedding"))?;
        let places = embeddings.get((length, width), "position_embedding.weight")?;
        let hidden =
            |row: usize| (0..length).map(move |place| if place > row { f32::NEG_INFINITY } else { 0.0 });
        let mask: Vec<f32> = (0..length).flat_map(hidden).collect();
        let layers = (0..settings.num_hidden_layers)
            .map(|place| Layer::new(settings, &weights.pp(format!("encoder.layers.{place}"))))
            .collect::<Result<_>>()?;
        let last_norm =
            candle_nn::layer_norm(width, settings.layer_norm_eps, weights.pp("final_layer_norm"))?;
        let mask = Tensor::from_vec(mask, (length, length), weights.device())?;
        Ok(Self { words, places, mask, layers, last_norm })
    }

    /// What rows of token ids mean, each filled up to all positions: `[1, rows × positions, width]`. Rows do not
    /// know of one another.
    pub(crate) fn forward(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        let (length, width) = self.places.dims2()?;
        let ids: Vec<u32> = rows.iter().flatten().copied().collect();
        let ids = Tensor::from_vec(ids, (rows.len(), length), self.places.device())?;
        let mut values = self.words.forward(&ids)?.broadcast_add(&self.places)?;
        for layer in &self.layers {
            values = layer.forward(&values, &self.mask)?;
        }
        self.last_norm.forward(&values)?.reshape((1, rows.len() * length, width))
    }
}

impl Layer {
    fn new(settings: &TextSettings, weights: &VarBuilder<'_>) -> Result<Self> {
        let (width, inner, eps) = (settings.hidden_size, settings.intermediate_size, settings.layer_norm_eps);
        let attention = |name: &str| candle_nn::linear(width, width, weights.pp("self_attn").pp(name));
        Ok(Self {
            norms: [
                candle_nn::layer_norm(width, eps, weights.pp("layer_norm1"))?,
                candle_nn::layer_norm(width, eps, weights.pp("layer_norm2"))?,
            ],
            query: attention("q_proj")?,
            key: attention("k_proj")?,
            value: attention("v_proj")?,
            out: attention("out_proj")?,
            wide: candle_nn::linear(width, inner, weights.pp("mlp.fc1"))?,
            narrow: candle_nn::linear(inner, width, weights.pp("mlp.fc2"))?,
            activation: settings.hidden_act,
            heads: settings.num_attention_heads,
        })
    }

    fn forward(&self, values: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let values = (values + self.attend(&self.norms[0].forward(values)?, mask)?)?;
        let wide = self.wide.forward(&self.norms[1].forward(&values)?)?;
        let wide = match self.activation {
            Activation::QuickGelu => (&wide * candle_nn::ops::sigmoid(&(&wide * 1.702)?)?)?,
            Activation::Gelu => wide.gelu_erf()?,
        };
        values + self.narrow.forward(&wide)?
    }

    /// Attention of each position to itself and those before it.
    fn attend(&self, values: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (rows, length, width) = values.dims3()?;
        let size = width / self.heads;
        let split = |values: Tensor| -> Result<Tensor> {
            values.reshape((rows, length, self.heads, size))?.transpose(1, 2)?.contiguous()
        };
        let query = split((self.query.forward(values)? * (size as f64).powf(-0.5))?)?;
        let key = split(self.key.forward(values)?)?;
        let value = split(self.value.forward(values)?)?;
        let scores = query.matmul(&key.transpose(D::Minus1, D::Minus2)?.contiguous()?)?;
        let shares = candle_nn::ops::softmax(&scores.broadcast_add(mask)?.to_dtype(DType::F32)?, D::Minus1)?;
        let seen = shares.matmul(&value)?.transpose(1, 2)?.contiguous()?.reshape((rows, length, width))?;
        self.out.forward(&seen)
    }
}
