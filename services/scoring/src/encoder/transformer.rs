//! The transformer under the encoders: BERT and MPNet, inference only.
//!
//! Both are stacks of post-normalized layers (Devlin et al., NAACL 2019; Song et al., NeurIPS
//! 2020): attention, residual, layer normalization, a feed-forward block with the exact (erf) GELU,
//! residual, layer normalization. MPNet adds one relative attention bias to the scores of every
//! layer and numbers positions from 2.
//!
//! Texts of different lengths go through together without padding: the matrix products run over
//! the tokens of all texts, one below the other, and attention runs per text. Only as many layers
//! are computed as are read. All loops over numbers are compiled for several kinds of processors, of
//! which the best that is there runs. No number depends on which texts go through together.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function for one kind of processor runs on the registers of the oldest"
)]

use pulp::{Arch, Simd, WithSimd};

use super::e5_file::{dequantized, row_bytes};
use super::products::{Finish, Matrix, Plain, Target, Weights, multiply};

mod load;

/// How the tensors of one kind of model are called.
pub(super) struct Names {
    /// Query, key, value and output of attention.
    pub(super) attention: [&'static str; 4],
    /// Layer normalization behind attention.
    pub(super) attention_norm: &'static str,
}

/// What distinguishes one kind of model.
pub(super) struct Shape {
    pub(super) names: Names,
    pub(super) n_heads: usize,
    /// Layers that are loaded.
    pub(super) n_layers: usize,
    pub(super) epsilon: f32,
    /// Row of the position table that belongs to the first token.
    pub(super) first_position: usize,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
    epsilon: f32,
}

struct Layer {
    /// Query, key and value side by side.
    qkv: Weights,
    output: Weights,
    attention_norm: Norm,
    up: Weights,
    down: Weights,
    norm: Norm,
}

/// Loaded weights.
pub(super) struct Transformer {
    /// Kind of processor.
    arch: Arch,
    width: usize,
    n_heads: usize,
    words: Words,
    /// Position vectors from the first token on, with the vector of token type 0 where there is one.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    /// Relative attention bias, 32 buckets by head.
    relative_bias: Option<Vec<f32>>,
}

/// The vectors of tokens.
enum Words {
    /// Row by `width`.
    Floats(Vec<f32>),
    /// Rows of 4-bit blocks, which fill a seventh of the same as floats.
    Blocks(Vec<u8>),
}

impl Words {
    fn append(&self, id: u32, width: usize, values: &mut Vec<f32>) -> Result<(), String> {
        let id = id as usize;
        let absent = || "a token id is not in the table".to_owned();
        match self {
            Self::Floats(words) => {
                values.extend_from_slice(words.get(id * width..(id + 1) * width).ok_or_else(absent)?);
            }
            Self::Blocks(blocks) => {
                let n_bytes = row_bytes(width);
                let row = blocks.get(id * n_bytes..(id + 1) * n_bytes).ok_or_else(absent)?;
                values.extend(dequantized(row));
            }
        }
        Ok(())
    }
}

/// Texts of one pass, one below the other.
struct Rows {
    /// First row of each text, and the number of rows at the end.
    starts: Vec<usize>,
    /// Row by `width`.
    values: Vec<f32>,
}

impl Transformer {
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Most tokens of one text.
    pub(super) const fn max_positions(&self) -> usize {
        self.positions.len() / self.width
    }

    /// Mean over all tokens of each text's states after each of `layers` (0 = embedding), one after
    /// the other. `layers` ascends; texts have at least one and at most `max_positions` tokens.
    pub(super) fn layer_means(&self, texts: &[&[u32]], layers: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        let mut means = vec![Vec::with_capacity(layers.len() * self.width); texts.len()];
        let last = layers.last().copied().unwrap_or(0);
        let read = self.layers.get(..last).ok_or_else(|| format!("layer {last} is not loaded"))?;
        let (mut rows, mut scratch) = (self.embed(texts)?, Scratch::default());
        for depth in 0..=last {
            if let Some(layer) = depth.checked_sub(1).and_then(|idx| read.get(idx)) {
                self.apply(layer, &mut rows, &mut scratch);
            }
            if layers.contains(&depth) {
                for (mean, span) in means.iter_mut().zip(rows.starts.windows(2)) {
                    mean.extend(mean_row(
                        &rows.values[span[0] * self.width..span[1] * self.width],
                        self.width,
                    ));
                }
            }
        }
        Ok(means)
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Rows, String> {
        let mut starts = vec![0];
        let mut values = Vec::with_capacity(texts.iter().map(|ids| ids.len()).sum::<usize>() * self.width);
        for ids in texts {
            if ids.is_empty() || ids.len() > self.max_positions() {
                return Err(format!("{} tokens", ids.len()));
            }
            for (position, &id) in ids.iter().enumerate() {
                let start = values.len();
                self.words.append(id, self.width, &mut values)?;
                add(
                    &mut values[start..],
                    &self.positions[position * self.width..(position + 1) * self.width],
                );
                self.norm.apply(&mut values[start..]);
            }
            starts.push(values.len() / self.width);
        }
        Ok(Rows { starts, values })
    }

    fn apply(&self, layer: &Layer, rows: &mut Rows, scratch: &mut Scratch) {
        let (arch, n) = (self.arch, rows.values.len() / self.width);
        let Scratch { wide, mixed, sums } = scratch;
        let qkv = sized(wide, n * layer.qkv.n_outputs());
        layer.qkv.apply(arch, &rows.values, qkv, Plain);
        let mixed = sized(mixed, rows.values.len());
        arch.dispatch(Attention { transformer: self, qkv, starts: &rows.starts, mixed });
        let sums = sized(sums, rows.values.len());
        layer.output.apply(arch, mixed, sums, Plain);
        arch.dispatch(Residual { norm: &layer.attention_norm, states: &mut rows.values, sums });
        let inner = sized(wide, n * layer.up.n_outputs());
        layer.up.apply(arch, &rows.values, inner, Gelu);
        layer.down.apply(arch, inner, sums, Plain);
        arch.dispatch(Residual { norm: &layer.norm, states: &mut rows.values, sums });
    }

    /// Attention bias of one head by distance: entry n − 1 + (key − query).
    fn offsets(&self, offsets: &mut Vec<f32>, n: usize, head: usize) {
        offsets.clear();
        match &self.relative_bias {
            None => offsets.resize(2 * n - 1, 0.0),
            Some(table) => offsets.extend(
                (0..2 * n - 1).map(|idx| table[bucket(idx as i64 - (n as i64 - 1)) * self.n_heads + head]),
            ),
        }
    }
}

/// Memory of one pass, used again by every layer.
#[derive(Default)]
struct Scratch {
    /// Queries, keys and values; then the inner states.
    wide: Vec<f32>,
    mixed: Vec<f32>,
    sums: Vec<f32>,
}

/// The first `len` numbers of `values`, which grows when it is shorter.
fn sized(values: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if values.len() < len {
        values.resize(len, 0.0);
    }
    &mut values[..len]
}

/// Scaled dot-product attention per text and head.
struct Attention<'a> {
    transformer: &'a Transformer,
    qkv: &'a [f32],
    starts: &'a [usize],
    mixed: &'a mut [f32],
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { transformer, qkv, starts, mixed } = self;
        let (width, n_heads) = (transformer.width, transformer.n_heads);
        let head_width = width / n_heads;
        // Rows that products read are filled up with zeros to whole registers.
        let value_stride = head_width.next_multiple_of(LANES);
        let scale = 1.0 / (head_width as f32).sqrt();
        let (mut keys, mut values, mut scores, mut offsets) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for span in starts.windows(2) {
            let (first, n) = (span[0], span[1] - span[0]);
            let stride = n.next_multiple_of(LANES);
            for head in 0..n_heads {
                let column = head * head_width;
                // Keys of this head, transposed, so that scores run along keys; values beside it.
                keys.clear();
                keys.resize(head_width * stride, 0.0);
                values.clear();
                values.resize(n * value_stride, 0.0);
                for token in 0..n {
                    let row = &qkv[(first + token) * 3 * width + column..][..2 * width + head_width];
                    for (line, key) in keys.chunks_exact_mut(stride).zip(&row[width..]) {
                        line[token] = *key;
                    }
                    values[token * value_stride..][..head_width].copy_from_slice(&row[2 * width..]);
                }
                scores.clear();
                scores.resize(n * stride, 0.0);
                let queries = Matrix { values: &qkv[first * 3 * width + column..], stride: 3 * width };
                let keys = Matrix { values: &keys, stride };
                multiply(simd, queries, head_width, keys, stride, Target { values: &mut scores, stride });
                transformer.offsets(&mut offsets, n, head);
                for (token, row) in scores.chunks_exact_mut(stride).enumerate() {
                    for (score, offset) in row.iter_mut().zip(&offsets[n - 1 - token..2 * n - 1 - token]) {
                        *score = *score * scale + offset;
                    }
                    row[n..].fill(f32::NEG_INFINITY);
                    softmax(row);
                }
                let scores = Matrix { values: &scores, stride };
                let values = Matrix { values: &values, stride: value_stride };
                let end = (first + n - 1) * width + column + head_width;
                let target = Target { values: &mut mixed[first * width + column..end], stride: width };
                multiply(simd, scores, n, values, head_width, target);
            }
        }
    }
}

/// states ← normalized (states + sums).
struct Residual<'a> {
    norm: &'a Norm,
    states: &'a mut [f32],
    sums: &'a [f32],
}

impl WithSimd for Residual<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.norm.scale.len();
        for (state, sums) in self.states.chunks_exact_mut(width).zip(self.sums.chunks_exact(width)) {
            add(state, sums);
            self.norm.apply(state);
        }
    }
}

const N_BUCKETS: usize = 32;

/// Bucket of a distance key − query: exact up to 7, then logarithmic up to 128; the upper half is
/// for keys behind the query (Raffel et al., JMLR 2020, as used by MPNet).
fn bucket(distance: i64) -> usize {
    let half = N_BUCKETS / 2;
    let base = if distance > 0 { half } else { 0 };
    let steps = distance.unsigned_abs() as usize;
    let exact = half / 2;
    if steps < exact {
        return base + steps;
    }
    let ratio = (steps as f32 / exact as f32).ln() / (128.0 / exact as f32).ln();
    base + (exact + (ratio * (half - exact) as f32) as usize).min(half - 1)
}

impl Norm {
    #[inline(always)]
    fn apply(&self, row: &mut [f32]) {
        let n = row.len() as f32;
        let mean = lane_sum(row, |value| value) / n;
        let variance = lane_sum(row, |value| (value - mean) * (value - mean)) / n;
        let inverse = 1.0 / (variance + self.epsilon).sqrt();
        for ((value, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
            *value = (*value - mean) * inverse * scale + shift;
        }
    }
}

#[inline(always)]
fn add(row: &mut [f32], other: &[f32]) {
    for (value, other) in row.iter_mut().zip(other) {
        *value += other;
    }
}

/// Partial sums, and to how many numbers rows are filled up.
const LANES: usize = 16;

/// Sum with 16 partial sums, in a fixed order, so that it can run on vector registers.
#[inline(always)]
fn lane_sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += of(*value);
        }
    }
    lanes.iter().sum::<f32>() + chunks.remainder().iter().map(|value| of(*value)).sum::<f32>()
}

fn mean_row(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        add(&mut sum, row);
    }
    let n = (rows.len() / width) as f32;
    for value in &mut sum {
        *value /= n;
    }
    sum
}

#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in scores.chunks(LANES) {
        for (largest, score) in largest.iter_mut().zip(chunk) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let inverse = 1.0 / lane_sum(scores, |value| value);
    for score in scores {
        *score *= inverse;
    }
}

/// e^x for x ≤ 0, to about 2e-7 of the result: 2^n times a polynomial of the remainder (the
/// coefficients of Cephes' `expf`, Moshier 1984-1992). No branches, so that loops over it
/// run on vector registers.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding this number rounds to a whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that the remainder is exact.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + coefficient;
    }
    let p = p * r * r + r + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// The activation between the two products of a feed-forward block.
#[derive(Clone, Copy)]
struct Gelu;

impl Finish for Gelu {
    #[inline(always)]
    fn finish(self, piece: &mut [f32]) {
        gelu(piece);
    }
}

/// x Φ(x) with Φ by the error function (Abramowitz and Stegun, Handbook of Mathematical Functions,
/// 1964, 7.1.26; absolute error of erf below 1.5e-7).
#[inline(always)]
fn gelu(row: &mut [f32]) {
    for value in row {
        let x = *value * std::f32::consts::FRAC_1_SQRT_2;
        let size = x.abs();
        let t = 1.0 / (1.0 + 0.327_591_1 * size);
        let mut p = 1.061_405_4;
        for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
            p = p * t + coefficient;
        }
        let erf = (1.0 - p * t * exp(-size * size)).copysign(x);
        *value = 0.5 * *value * (1.0 + erf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_gelu_are_exact_to_single_precision() {
        for step in 0..2_000 {
            let x = -f64::from(step) * 0.03;
            let (found, expected) = (f64::from(exp(x as f32)), f64::from(x as f32).exp());
            assert!((found / expected - 1.0).abs() < 3e-7, "{x}: {found} {expected}");
        }
        // Values of x Φ(x) from tables of the normal distribution.
        for (x, expected) in
            [(0.0, 0.0), (1.0, 0.841_344_7), (-1.0, -0.158_655_25), (2.0, 1.954_499_7), (-3.0, -0.004_049_7)]
        {
            let mut row = [x];
            gelu(&mut row);
            assert!((row[0] - expected).abs() < 1e-6, "{x}: {}", row[0]);
        }
    }

    #[test]
    fn distances_fall_into_the_published_buckets() {
        let found: Vec<usize> = [0, -1, -7, -8, -12, -64, -127, -500, 1, 7, 8, 200].map(bucket).to_vec();
        assert_eq!(found, [0, 1, 7, 8, 9, 14, 15, 15, 17, 23, 24, 31]);
    }
}
