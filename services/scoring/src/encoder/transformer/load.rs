//! Reading the weights of a transformer from the model files.

use pulp::Arch;
use safetensors::{Dtype, SafeTensors};

use super::super::e5_file::ModelFile;
use super::super::products::Weights;
use super::{Layer, N_BUCKETS, Norm, Shape, Transformer, Words, add};

impl Transformer {
    /// Reads the weights of a model file.
    pub(in crate::encoder) fn load(bytes: &[u8], shape: &Shape) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let source = Source { tensors };
        let words_shape = source.shape("embeddings.word_embeddings.weight")?;
        let width = *words_shape.get(1).ok_or("the word table has no columns")?;
        if width == 0 || shape.n_heads == 0 || !width.is_multiple_of(shape.n_heads) {
            return Err("the width is not a multiple of the number of heads".to_owned());
        }
        let mut positions = source.vector("embeddings.position_embeddings.weight")?;
        positions.drain(..(shape.first_position * width).min(positions.len()));
        if source.has("embeddings.token_type_embeddings.weight") {
            let types = source.vector("embeddings.token_type_embeddings.weight")?;
            for row in positions.chunks_exact_mut(width) {
                add(row, types.get(..width).ok_or("the token type table is too small")?);
            }
        }
        let relative = "encoder.relative_attention_bias.weight";
        let relative_bias = if source.has(relative) {
            let values = source.vector(relative)?;
            if values.len() != N_BUCKETS * shape.n_heads {
                return Err(format!("tensor `{relative}` has another shape"));
            }
            Some(values)
        } else {
            None
        };
        let layers = (0..shape.n_layers)
            .map(|idx| source.layer(idx, shape, width))
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self {
            arch: Arch::new(),
            width,
            n_heads: shape.n_heads,
            words: Words::Floats(source.vector("embeddings.word_embeddings.weight")?),
            positions,
            norm: source.norm("embeddings.LayerNorm", width, shape.epsilon)?,
            layers,
            relative_bias,
        })
    }

    /// Builds the network from 4-bit weights; those of the layers become floats.
    pub(in crate::encoder) fn from_blocks(file: &ModelFile) -> Result<Self, String> {
        let shape = file.shape;
        let width = shape.width;
        let mut positions = file.floats("emb.pos", shape.positions * width)?;
        // Of the types, texts have the first.
        let types = file.floats("emb.type", shape.types * width)?;
        for row in positions.chunks_exact_mut(width) {
            add(row, types.get(..width).ok_or("the token type table is too small")?);
        }
        let norm = |name: &str| {
            let scale = file.floats(&format!("{name}.w"), width)?;
            let shift = file.floats(&format!("{name}.b"), width)?;
            Ok::<_, String>(Norm { scale, shift, epsilon: shape.epsilon })
        };
        let layer = |idx: usize| {
            let linear = |parts: &[&str], n_inputs: usize, n_outputs: usize| {
                let (mut rows, mut bias) = (Vec::new(), Vec::new());
                for part in parts {
                    rows.extend(file.matrix(&format!("l{idx}.{part}.w"), n_outputs, n_inputs)?);
                    bias.extend(file.floats(&format!("l{idx}.{part}.b"), n_outputs)?);
                }
                Weights::new(&rows, bias, n_inputs)
            };
            Ok::<_, String>(Layer {
                qkv: linear(&["q", "k", "v"], width, width)?,
                output: linear(&["ao"], width, width)?,
                attention_norm: norm(&format!("l{idx}.aln"))?,
                up: linear(&["fi"], width, shape.inner_width)?,
                down: linear(&["fo"], shape.inner_width, width)?,
                norm: norm(&format!("l{idx}.oln"))?,
            })
        };
        Ok(Self {
            arch: Arch::new(),
            width,
            n_heads: shape.heads,
            words: Words::Blocks(file.blocks("emb.word", shape.pieces, width)?),
            positions,
            norm: norm("emb.ln")?,
            layers: (0..shape.layers).map(layer).collect::<Result<_, _>>()?,
            relative_bias: None,
        })
    }
}

/// Named tensors of a model file.
struct Source<'a> {
    tensors: SafeTensors<'a>,
}

impl Source<'_> {
    fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, String> {
        let tensor = self.tensors.tensor(name).map_err(|_error| format!("tensor `{name}` is missing"))?;
        Ok(tensor.shape().to_vec())
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.tensor(name).map_err(|_error| format!("tensor `{name}` is missing"))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("tensor `{name}` does not hold 32-bit floats"));
        }
        let values = tensor
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        Ok(values.collect())
    }

    fn sized(&self, name: &str, len: usize) -> Result<Vec<f32>, String> {
        let values = self.vector(name)?;
        if values.len() == len { Ok(values) } else { Err(format!("tensor `{name}` has another shape")) }
    }

    fn norm(&self, name: &str, width: usize, epsilon: f32) -> Result<Norm, String> {
        Ok(Norm {
            scale: self.sized(&format!("{name}.weight"), width)?,
            shift: self.sized(&format!("{name}.bias"), width)?,
            epsilon,
        })
    }

    /// Linear maps side by side.
    fn linear(&self, names: &[String], n_inputs: usize) -> Result<Weights, String> {
        let mut bias = Vec::new();
        let mut rows = Vec::new();
        for name in names {
            let part = self.vector(&format!("{name}.bias"))?;
            rows.extend(self.sized(&format!("{name}.weight"), part.len() * n_inputs)?);
            bias.extend(part);
        }
        Weights::new(&rows, bias, n_inputs)
    }

    fn layer(&self, idx: usize, shape: &Shape, width: usize) -> Result<Layer, String> {
        let prefix = format!("encoder.layer.{idx}");
        let full = |name: &str| format!("{prefix}.{name}");
        let [query, key, value, output] = shape.names.attention.map(full);
        let qkv = self.linear(&[query, key, value], width)?;
        let up = self.linear(&[full("intermediate.dense")], width)?;
        let down = self.linear(&[full("output.dense")], up.n_outputs())?;
        let output = self.linear(&[output], width)?;
        if qkv.n_outputs() != 3 * width || output.n_outputs() != width || down.n_outputs() != width {
            return Err(format!("the tensors of `{prefix}` do not fit together"));
        }
        Ok(Layer {
            qkv,
            output,
            attention_norm: self.norm(&full(shape.names.attention_norm), width, shape.epsilon)?,
            up,
            down,
            norm: self.norm(&full("output.LayerNorm"), width, shape.epsilon)?,
        })
    }
}
