//! The fitted last layer: weights with their uncertainty, and the priors around them, as one
//! safetensors file.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::encoder::TextEncoder;
use crate::error::Error;
use crate::features::{STRUCTURE_FEATURES, structure_features};
use crate::linear::{add_scaled, dot};

/// Name of the file format, in the file's metadata under `format`.
pub const FORMAT: &str = "spotwright.ridge.v2";
/// Tokens of a headline that count.
pub const HEADLINE_TOKENS: usize = 64;
/// Tokens of the whole text on screen that count.
pub const TEXT_TOKENS: usize = 128;
/// Larger model files are refused.
const MAX_FILE_BYTES: usize = 4 << 20;

/// Spreads and levels around the fitted weights. All standard deviations are in log-odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priors {
    /// Click rate of an average brief, in (0, 1).
    pub level_ctr: f64,
    /// How much `level_ctr` counts before a brief has history, in impressions.
    pub level_impressions: f64,
    /// What is particular to one advertisement and in none of the columns.
    pub residual_sd: f64,
    /// A brief's own taste in headlines, per unit vector.
    pub headline_sd: f64,
    /// A brief's own taste in the whole text, per unit vector.
    pub text_sd: f64,
    /// A brief's own taste in each standardized frame statistic.
    pub frame_sd: f64,
    /// How far the archive's taste may be stretched or reversed in a brief.
    pub transfer_sd: f64,
}

impl Priors {
    const FIELDS: usize = 7;

    const fn to_array(self) -> [f64; Self::FIELDS] {
        [
            self.level_ctr,
            self.level_impressions,
            self.residual_sd,
            self.headline_sd,
            self.text_sd,
            self.frame_sd,
            self.transfer_sd,
        ]
    }

    const fn from_array(values: [f64; Self::FIELDS]) -> Self {
        let [level_ctr, level_impressions, residual_sd, headline_sd, text_sd, frame_sd, transfer_sd] = values;
        Self { level_ctr, level_impressions, residual_sd, headline_sd, text_sd, frame_sd, transfer_sd }
    }

    fn check(&self) -> Result<(), String> {
        let values = self.to_array();
        if !values.iter().all(|value| value.is_finite() && (0.0..=1e9).contains(value)) {
            return Err("a prior is negative, too large or not finite".to_owned());
        }
        if !(self.level_ctr > 1e-6 && self.level_ctr < 0.5 && self.level_impressions >= 1.0) {
            return Err("the level's prior is out of range".to_owned());
        }
        if values[2..].iter().any(|&sd| sd > 10.0) {
            return Err("a prior standard deviation is above 10 log-odds".to_owned());
        }
        Ok(())
    }
}

/// The fitted last layer of one encoder.
///
/// Columns: each block of the encoder's vector of the headline without its mean over the fitted
/// headlines, scaled to length 1; then [`STRUCTURE_FEATURES`], (value − center) × scale. A layer
/// that does not use structure has scale 0 there.
///
/// The weights' posterior covariance is kept as Σ = t I − Σₖ cₖ vₖ vₖᵀ: t the variance in directions
/// of which the archive says little, vₖ the directions of which it says most and cₖ < t how much
/// less is uncertain there.
#[derive(Debug, Clone)]
pub struct LastLayer {
    pub(crate) encoder: String,
    pub(crate) n_blocks: usize,
    /// Mean vector of the fitted headlines.
    pub(crate) center: Vec<f64>,
    pub(crate) structure_center: Vec<f64>,
    pub(crate) structure_scale: Vec<f64>,
    /// Posterior mean of the weights, times the slope by which ridge shrinks too much.
    pub(crate) mean: Vec<f64>,
    /// t.
    pub(crate) tail_variance: f64,
    /// cₖ.
    pub(crate) reductions: Vec<f64>,
    /// vₖ, one after the other, in units of 1/32767.
    pub(crate) directions: Vec<i16>,
    pub(crate) priors: Priors,
}

/// Largest entry of a direction, which has length 1.
const DIRECTION_UNIT: f64 = 32_767.0;

/// Rounds a unit vector for [`LastLayer::directions`].
#[cfg(feature = "training")]
pub(crate) fn rounded_direction(vector: &[f64]) -> impl Iterator<Item = i16> + '_ {
    vector.iter().map(|value| (value * DIRECTION_UNIT).round().clamp(-DIRECTION_UNIT, DIRECTION_UNIT) as i16)
}

/// Blocks of `vector` without `center`, each scaled to length 1 (zero when nothing is left).
pub(crate) fn block_features(vector: &[f32], center: &[f64], n_blocks: usize) -> Vec<f64> {
    let mut features: Vec<f64> =
        vector.iter().zip(center).map(|(value, center)| f64::from(*value) - center).collect();
    for block in features.chunks_mut((center.len() / n_blocks.max(1)).max(1)) {
        let length = dot(block, block).sqrt();
        let scale = if length > 1e-9 { 1.0 / length } else { 0.0 };
        for value in block {
            *value *= scale;
        }
    }
    features
}

impl LastLayer {
    /// The priors in the file.
    #[must_use]
    pub const fn priors(&self) -> &Priors {
        &self.priors
    }

    /// Name of the encoder whose vectors the layer reads.
    #[must_use]
    pub fn encoder(&self) -> &str {
        &self.encoder
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.mean.len()
    }

    /// The weights of the columns, in log-odds; for linear scoring without uncertainty.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.mean
    }

    /// The columns of a headline whose vector is `vector`.
    #[must_use]
    pub fn columns(&self, vector: &[f32], headline: &str) -> Vec<f64> {
        let mut columns = block_features(vector, &self.center, self.n_blocks);
        columns.extend(
            structure_features(headline)
                .iter()
                .zip(&self.structure_center)
                .zip(&self.structure_scale)
                .map(|((value, center), scale)| (value - center) * scale),
        );
        columns
    }

    /// The vector of a text as a direction of length 1, for similarities between texts.
    pub(crate) fn direction(&self, vector: &[f32]) -> Vec<f64> {
        let mut features = block_features(vector, &self.center, self.n_blocks);
        let scale = 1.0 / (self.n_blocks as f64).sqrt();
        for value in &mut features {
            *value *= scale;
        }
        features
    }

    /// The archive's relative log-odds of a headline; 0 is the archive's average.
    #[must_use]
    pub fn archive_appeal(&self, columns: &[f64]) -> f64 {
        dot(columns, &self.mean)
    }

    /// Σ½ x, so that xᵀ Σ y is the dot product of two such vectors:
    /// √t (x − Σₖ (1 − √(1 − cₖ/t)) (vₖ·x) vₖ).
    #[must_use]
    pub fn whiten(&self, columns: &[f64]) -> Vec<f64> {
        let n = columns.len().max(1);
        let mut whitened = columns.to_vec();
        let mut direction = vec![0.0; n];
        for (reduction, rounded) in self.reductions.iter().zip(self.directions.chunks_exact(n)) {
            for (value, rounded) in direction.iter_mut().zip(rounded) {
                *value = f64::from(*rounded) / DIRECTION_UNIT;
            }
            let kept = (1.0 - reduction / self.tail_variance).max(0.0).sqrt();
            let along = dot(columns, &direction);
            add_scaled(&mut whitened, &direction, (kept - 1.0) * along);
        }
        let scale = self.tail_variance.sqrt();
        for value in &mut whitened {
            *value *= scale;
        }
        whitened
    }

    /// Serializes: weights as `f32`, directions as `i16`, priors as `f64`, little-endian. Equal layers give equal bytes.
    ///
    /// # Errors
    /// [`Error::Fit`] when the layer holds a number that is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let narrow =
            |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect() };
        let vectors = [
            ("center", narrow(&self.center), self.center.len()),
            ("structure_center", narrow(&self.structure_center), self.structure_center.len()),
            ("structure_scale", narrow(&self.structure_scale), self.structure_scale.len()),
            ("mean", narrow(&self.mean), self.mean.len()),
            ("reductions", narrow(&self.reductions), self.reductions.len()),
            ("tail_variance", narrow(&[self.tail_variance]), 1),
        ];
        let priors: Vec<u8> = self.priors.to_array().iter().flat_map(|value| value.to_le_bytes()).collect();
        let directions: Vec<u8> = self.directions.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut views = Vec::new();
        for (name, bytes, len) in &vectors {
            views.push((*name, view(Dtype::F32, *len, bytes)?));
        }
        views.push(("directions", view(Dtype::I16, self.directions.len(), &directions)?));
        views.push(("priors", view(Dtype::F64, Priors::FIELDS, &priors)?));
        // One entry only: a map with more would be written in an order that changes.
        let metadata =
            HashMap::from([("format".to_owned(), format!("{FORMAT}:{}:{}", self.n_blocks, self.encoder))]);
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|error| Error::Fit(format!("serialize: {error}")))?;
        Self::from_bytes(&bytes, "fitted model").map_err(|error| Error::Fit(error.to_string()))?;
        Ok(bytes)
    }

    /// Reads a model file. `name` is used in errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: larger than 4 MiB, not safetensors, of another format, or a tensor is
    /// missing, has another shape or type, or holds a number that is not finite or out of range.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let fail = |message: String| Error::model_file(name, message);
        if bytes.len() > MAX_FILE_BYTES {
            return Err(fail(format!("{} bytes; at most {MAX_FILE_BYTES} are read", bytes.len())));
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| fail(error.to_string()))?;
        let format =
            metadata.metadata().as_ref().and_then(|map| map.get("format")).cloned().unwrap_or_default();
        let (n_blocks, encoder) = format
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix(':')?.split_once(':'))
            .and_then(|(n_blocks, encoder)| Some((n_blocks.parse::<usize>().ok()?, encoder.to_owned())))
            .ok_or_else(|| fail(format!("format is `{format:.60}`, expected `{FORMAT}:…`")))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let read = |tensor: &str| read_f32(&tensors, tensor).map_err(fail);
        let layer = Self {
            encoder,
            n_blocks,
            center: read("center")?,
            structure_center: read("structure_center")?,
            structure_scale: read("structure_scale")?,
            mean: read("mean")?,
            tail_variance: read("tail_variance")?.first().copied().unwrap_or(f64::NAN),
            reductions: read("reductions")?,
            directions: read_i16(&tensors, "directions").map_err(fail)?,
            priors: read_priors(&tensors).map_err(fail)?,
        };
        layer.check_shapes().map_err(|message| fail(message.to_owned()))?;
        Ok(layer)
    }

    fn check_shapes(&self) -> Result<(), &'static str> {
        let (n, n_structure) = (self.center.len(), STRUCTURE_FEATURES.len());
        if n == 0
            || self.n_blocks == 0
            || n % self.n_blocks != 0
            || self.structure_center.len() != n_structure
            || self.structure_scale.len() != n_structure
            || self.mean.len() != n + n_structure
            || self.directions.len() != self.reductions.len() * self.mean.len()
        {
            return Err("the tensors' shapes do not fit together");
        }
        let reduces = |reduction: &f64| (0.0..=self.tail_variance).contains(reduction);
        if !(self.tail_variance > 0.0 && self.reductions.iter().all(reduces)) {
            return Err("the posterior's variances are out of range");
        }
        Ok(())
    }

    /// Whether the layer was fitted on vectors of `encoder`.
    pub(crate) fn check_encoder(&self, encoder: &dyn TextEncoder) -> Result<(), Error> {
        if self.encoder != encoder.name()
            || self.center.len() != encoder.dimensions()
            || self.n_blocks != encoder.blocks()
        {
            return Err(Error::model_file(
                format!("{}-ridge", self.encoder),
                format!("fitted for another encoder than `{}`", encoder.name()),
            ));
        }
        Ok(())
    }
}

fn view(dtype: Dtype, len: usize, bytes: &[u8]) -> Result<TensorView<'_>, Error> {
    TensorView::new(dtype, vec![len], bytes).map_err(|error| Error::Fit(format!("serialize: {error}")))
}

fn read_f32(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f64>, String> {
    let tensor = tensors.tensor(name).map_err(|_error| format!("tensor `{name}` is missing"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape().len() != 1 {
        return Err(format!("tensor `{name}` is not a vector of 32-bit floats"));
    }
    let values: Vec<f64> = tensor
        .data()
        .chunks_exact(4)
        .map(|bytes| f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
        .collect();
    // Weights of a working model are far below 1,000; larger ones could overflow later sums.
    if values.iter().all(|value| value.is_finite() && value.abs() <= 1e3) {
        Ok(values)
    } else {
        Err(format!("tensor `{name}` holds a number that is not finite or above 1000"))
    }
}

fn read_i16(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<i16>, String> {
    let tensor = tensors.tensor(name).map_err(|_error| format!("tensor `{name}` is missing"))?;
    if tensor.dtype() != Dtype::I16 || tensor.shape().len() != 1 {
        return Err(format!("tensor `{name}` is not a vector of 16-bit integers"));
    }
    Ok(tensor.data().chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect())
}

fn read_priors(tensors: &SafeTensors<'_>) -> Result<Priors, String> {
    let tensor = tensors.tensor("priors").map_err(|_error| "tensor `priors` is missing".to_owned())?;
    if tensor.dtype() != Dtype::F64 || tensor.shape() != [Priors::FIELDS] {
        return Err(format!("tensor `priors` is not {} 64-bit floats", Priors::FIELDS));
    }
    let mut values = [0.0; Priors::FIELDS];
    for (value, bytes) in values.iter_mut().zip(tensor.data().chunks_exact(8)) {
        let mut array = [0_u8; 8];
        array.copy_from_slice(bytes);
        *value = f64::from_le_bytes(array);
    }
    let priors = Priors::from_array(values);
    priors.check()?;
    Ok(priors)
}
