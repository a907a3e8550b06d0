//! Context × creative crosses: a deep and cross network (DCN-v2) with a wide part, on hashed fields.
//!
//! ```text
//! x₀ = [embedding of each field; dense numbers]
//! x_{l+1} = x₀ ⊙ (W_l x_l + b_l) + x_l                      cross layers
//! h = relu(V₂ relu(V₁ x₀ + c₁) + c₂)                        deep part
//! log-odds = bias + Σ wide weights of all slots + aᵀ[x_L; h]
//! ```
//!
//! A *slot* is the hash of a field and its value ([`feature`], [`slot`]); slots beyond the embedded
//! fields are crosses for the wide part only ([`crossed`]). A value that was never seen in fitting has
//! the embedding and the weight that its slot has: those it started with, near 0, or those of a value
//! whose hash collides with its own.
//!
//! [`CrossNetwork`] is the serving kernel: plain `f32` loops over one row at a time, so a row's
//! score depends on no other row. The network is fitted in candle ([`train`], feature `training`),
//! and the kernel agrees with candle's forward pass to 1e-5 of log-odds (tested; candle sums in
//! blocks, so the last bits differ).
//!
//! # Source
//! Wang et al., "DCN V2: improved deep & cross network and practical lessons for web-scale learning
//! to rank systems", WWW 2021 (parallel structure); the wide part is that of Cheng et al., "Wide &
//! deep learning for recommender systems", DLRS 2016.
//!
//! # Examples
//! ```
//! use spotwright_scoring::cross::{Rows, Shape, feature, slot};
//!
//! let shape = Shape { fields: 2, crosses: 0, dense: 1, bits: 8, width: 4, layers: 2, hidden: [8, 4] };
//! let slots: Vec<u32> =
//!     ["web", "discount"].iter().enumerate().map(|(field, value)| slot(feature(field, value), 8)).collect();
//! assert_eq!(Rows { slots: &slots, dense: &[0.5] }.check(&shape)?, 1);
//! assert!(Rows { slots: &slots, dense: &[f32::NAN] }.check(&shape).is_err());
//! # Ok::<(), spotwright_scoring::Error>(())
//! ```

#[cfg(feature = "training")]
pub mod card;
#[cfg(feature = "training")]
pub mod train;

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use spotwright_schemas::random::mix;

use crate::error::Error;

const FORMAT: &str = "spotwright-cross-1";
/// Largest file that is read; the largest allowed network has 2^20 slots of 16 numbers.
const MAX_FILE_BYTES: usize = 80 << 20;

/// Sizes of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Embedded fields, 1 to 64.
    pub fields: usize,
    /// Wide-only slots per row, at most 256.
    pub crosses: usize,
    /// Dense numbers per row, at most 64.
    pub dense: usize,
    /// The table has 2^`bits` slots; 4 to 20.
    pub bits: u32,
    /// Numbers per embedding, 1 to 16.
    pub width: usize,
    /// Cross layers, at most 4.
    pub layers: usize,
    /// Units of the two hidden layers, each 1 to 256.
    pub hidden: [usize; 2],
}

impl Shape {
    /// Length of x₀.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.fields * self.width + self.dense
    }

    /// Slots per row.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.fields + self.crosses
    }

    /// Slots of the table.
    #[must_use]
    pub const fn table(&self) -> usize {
        1 << self.bits
    }

    fn check(&self) -> Result<(), String> {
        let good = (1..=64).contains(&self.fields)
            && self.crosses <= 256
            && self.dense <= 64
            && (4..=20).contains(&self.bits)
            && (1..=16).contains(&self.width)
            && self.layers <= 4
            && self.hidden.iter().all(|units| (1..=256).contains(units));
        if good { Ok(()) } else { Err(format!("shape {self:?} is outside its limits")) }
    }

    /// Tensors in file order: name and length.
    fn tensors(&self) -> Vec<(String, usize)> {
        let n = self.inputs();
        let [first, second] = self.hidden;
        let mut tensors = vec![
            ("embeddings".to_owned(), self.table() * self.width),
            ("wide".to_owned(), self.table()),
            ("hidden.0.weight".to_owned(), first * n),
            ("hidden.0.bias".to_owned(), first),
            ("hidden.1.weight".to_owned(), second * first),
            ("hidden.1.bias".to_owned(), second),
            ("head".to_owned(), n + second),
            ("bias".to_owned(), 1),
        ];
        for layer in 0..self.layers {
            tensors.push((format!("cross.{layer}.weight"), n * n));
            tensors.push((format!("cross.{layer}.bias"), n));
        }
        tensors
    }
}

/// The hash of `value` in field number `field`.
#[must_use]
pub fn feature(field: usize, value: &str) -> u64 {
    // FNV-1a over the bytes, then a mixer, so that the upper bits depend on every byte.
    let mut hash = 0xCBF2_9CE4_8422_2325_u64 ^ mix(field as u64 + 1);
    for byte in value.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    mix(hash)
}

/// The hash of two features together, in that order.
#[must_use]
pub const fn crossed(first: u64, second: u64) -> u64 {
    mix(first.rotate_left(23) ^ mix(second ^ 0x9E37_79B9_7F4A_7C15))
}

/// The slot of a hash in a table of 2^`bits`; `bits` is 1 to 32.
#[must_use]
pub fn slot(hash: u64, bits: u32) -> u32 {
    (hash >> (64 - bits.clamp(1, 32))) as u32
}

/// A dense layer, stored by input so that the inner loop runs over outputs.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    inputs: usize,
    /// Outputs rounded up to whole vector registers; what is beyond the outputs is 0.
    stride: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    /// `weights`: outputs × inputs, row-major.
    fn new(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        let stride = bias.len().next_multiple_of(8);
        let mut by_input = vec![0.0; inputs * stride];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            for (input, weight) in row.iter().enumerate() {
                by_input[input * stride + output] = *weight;
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(stride, 0.0);
        Self { inputs, stride, weights: by_input, bias: padded }
    }

    /// `output` has `stride` numbers.
    fn apply(&self, input: &[f32], output: &mut [f32]) {
        output.copy_from_slice(&self.bias);
        for (value, weights) in input[..self.inputs].iter().zip(self.weights.chunks_exact(self.stride)) {
            for (output, weights) in output.as_chunks_mut::<8>().0.iter_mut().zip(weights.as_chunks::<8>().0)
            {
                for (output, weight) in output.iter_mut().zip(weights) {
                    *output += value * weight;
                }
            }
        }
    }
}

/// A fitted network, ready to score.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossNetwork {
    shape: Shape,
    embeddings: Vec<f32>,
    wide: Vec<f32>,
    cross: Vec<Layer>,
    hidden: [Layer; 2],
    head: Vec<f32>,
    bias: f32,
}

/// Rows to be scored or learned, flattened.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// [`Shape::slots`] per row, each below [`Shape::table`]: the embedded fields, then crosses.
    pub slots: &'a [u32],
    /// [`Shape::dense`] per row, finite.
    pub dense: &'a [f32],
}

impl Rows<'_> {
    /// Number of rows, after checking lengths, slots and numbers.
    ///
    /// # Errors
    /// [`Error::Rows`]: `shape` is outside its limits, they do not fit it, or a number is not finite.
    pub fn check(&self, shape: &Shape) -> Result<usize, Error> {
        shape.check().map_err(Error::Rows)?;
        let n = self.slots.len() / shape.slots();
        if n * shape.slots() != self.slots.len() || n * shape.dense != self.dense.len() {
            return Err(Error::Rows(format!(
                "{} slots and {} dense numbers are no whole rows of {} and {}",
                self.slots.len(),
                self.dense.len(),
                shape.slots(),
                shape.dense
            )));
        }
        if self.slots.iter().any(|slot| *slot as usize >= shape.table()) {
            return Err(Error::Rows(format!("a slot is not below {}", shape.table())));
        }
        if !self.dense.iter().all(|value| value.is_finite()) {
            return Err(Error::Rows("a dense number is not finite".to_owned()));
        }
        Ok(n)
    }
}

impl CrossNetwork {
    /// The sizes.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Log-odds of every row.
    ///
    /// # Errors
    /// [`Error::Rows`]: the rows do not fit the network, or are so large that a score is not finite.
    pub fn log_odds(&self, rows: Rows<'_>) -> Result<Vec<f32>, Error> {
        let n = rows.check(&self.shape)?;
        let mut scratch = Scratch::new(&self.shape);
        (0..n)
            .map(|row| {
                let slots = &rows.slots[row * self.shape.slots()..(row + 1) * self.shape.slots()];
                let dense = &rows.dense[row * self.shape.dense..(row + 1) * self.shape.dense];
                let log_odds = self.row(slots, dense, &mut scratch);
                if log_odds.is_finite() {
                    Ok(log_odds)
                } else {
                    Err(Error::Rows(format!("row {row}: the score is not finite")))
                }
            })
            .collect()
    }

    fn row(&self, slots: &[u32], dense: &[f32], scratch: &mut Scratch) -> f32 {
        let (n, width) = (self.shape.inputs(), self.shape.width);
        let mut log_odds = self.bias;
        for slot in slots {
            log_odds += self.wide[*slot as usize];
        }
        for (target, slot) in scratch.input.chunks_exact_mut(width).zip(&slots[..self.shape.fields]) {
            let start = *slot as usize * width;
            target.copy_from_slice(&self.embeddings[start..start + width]);
        }
        scratch.input[self.shape.fields * width..n].copy_from_slice(dense);
        scratch.state.copy_from_slice(&scratch.input);
        for layer in &self.cross {
            layer.apply(&scratch.state, &mut scratch.product);
            for ((state, input), product) in
                scratch.state.iter_mut().zip(&scratch.input).zip(&scratch.product)
            {
                *state += input * product;
            }
        }
        self.hidden[0].apply(&scratch.input, &mut scratch.first);
        scratch.first.iter_mut().for_each(|value| *value = value.max(0.0));
        self.hidden[1].apply(&scratch.first, &mut scratch.second);
        let (crossed, deep) = self.head.split_at(n);
        for (weight, value) in crossed.iter().zip(&scratch.state) {
            log_odds += weight * value;
        }
        for (weight, value) in deep.iter().zip(&scratch.second) {
            log_odds += weight * value.max(0.0);
        }
        log_odds
    }

    /// Builds a network from its tensors in the order of [`Shape::tensors`]; weights are outputs ×
    /// inputs.
    fn from_tensors(shape: Shape, tensors: &[Vec<f32>]) -> Result<Self, String> {
        shape.check()?;
        let expected = shape.tensors();
        if tensors.len() != expected.len() {
            return Err(format!("{} tensors, expected {}", tensors.len(), expected.len()));
        }
        for ((name, len), values) in expected.iter().zip(tensors) {
            if values.len() != *len {
                return Err(format!("tensor `{name}` has {} numbers, expected {len}", values.len()));
            }
            if !values.iter().all(|value| value.is_finite() && value.abs() <= 1e4) {
                return Err(format!("tensor `{name}` holds a number that is not finite or above 10000"));
            }
        }
        let n = shape.inputs();
        Ok(Self {
            shape,
            embeddings: tensors[0].clone(),
            wide: tensors[1].clone(),
            hidden: [
                Layer::new(&tensors[2], &tensors[3], n),
                Layer::new(&tensors[4], &tensors[5], shape.hidden[0]),
            ],
            head: tensors[6].clone(),
            bias: tensors[7][0],
            cross: (0..shape.layers)
                .map(|layer| Layer::new(&tensors[8 + 2 * layer], &tensors[9 + 2 * layer], n))
                .collect(),
        })
    }

    /// Reads a network. `name` is used in errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: larger than 80 MiB, not safetensors, of another format, or a tensor is
    /// missing, has another length or type, or holds a number that is not finite.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let fail = |message: String| Error::model_file(name, message);
        if bytes.len() > MAX_FILE_BYTES {
            return Err(fail(format!("{} bytes; at most {MAX_FILE_BYTES} are read", bytes.len())));
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| fail(error.to_string()))?;
        let format =
            metadata.metadata().as_ref().and_then(|map| map.get("format")).cloned().unwrap_or_default();
        let shape: Shape = format
            .strip_prefix(FORMAT)
            .and_then(|rest| serde_json::from_str(rest).ok())
            .ok_or_else(|| fail(format!("format is `{format:.60}`, expected `{FORMAT}` and a shape")))?;
        shape.check().map_err(fail)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let values = shape
            .tensors()
            .iter()
            .map(|(tensor, _)| read(&tensors, tensor))
            .collect::<Result<Vec<_>, _>>()
            .map_err(fail)?;
        Self::from_tensors(shape, &values).map_err(fail)
    }
}

fn read(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    let tensor = tensors.tensor(name).map_err(|_error| format!("tensor `{name}` is missing"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape().len() != 1 {
        return Err(format!("tensor `{name}` is not a vector of 32-bit floats"));
    }
    Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Serializes tensors in the order of [`Shape::tensors`]; equal tensors give equal bytes.
#[cfg_attr(not(feature = "training"), expect(dead_code, reason = "written by fitting, read by serving"))]
fn to_bytes(shape: &Shape, tensors: &[Vec<f32>]) -> Result<Vec<u8>, Error> {
    let fail = |message: String| Error::Fit(format!("serialize: {message}"));
    CrossNetwork::from_tensors(*shape, tensors).map_err(fail)?;
    let shape_text = serde_json::to_string(shape).map_err(|error| fail(error.to_string()))?;
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|values| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = shape
        .tensors()
        .into_iter()
        .zip(&bytes)
        .map(|((name, len), bytes)| {
            let view =
                TensorView::new(Dtype::F32, vec![len], bytes).map_err(|error| fail(error.to_string()))?;
            Ok((name, view))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    // One entry only: a map with more would be written in an order that changes.
    let metadata = HashMap::from([("format".to_owned(), format!("{FORMAT}{shape_text}"))]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| fail(error.to_string()))
}

/// Buffers of one row.
struct Scratch {
    input: Vec<f32>,
    state: Vec<f32>,
    product: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Scratch {
    fn new(shape: &Shape) -> Self {
        let padded = |n: usize| vec![0.0; n.next_multiple_of(8)];
        let n = shape.inputs();
        Self {
            input: padded(n),
            state: padded(n),
            product: padded(n),
            first: padded(shape.hidden[0]),
            second: padded(shape.hidden[1]),
        }
    }
}
