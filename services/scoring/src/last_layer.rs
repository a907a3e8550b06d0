//! The fitted last layer: weights with their uncertainty, and the priors around them, as one
//! safetensors file.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::encoder::TextEncoder;
use crate::error::Error;
use crate::features::{STRUCTURE_FEATURES, structure_features};
use crate::linear::{dot, row_start};

/// Name of the file format, in the file's metadata under `format`.
pub const FORMAT: &str = "spotwright.ridge.v1";
/// Tokens of a headline that count.
pub const HEADLINE_TOKENS: usize = 64;
/// Tokens of the whole text on screen that count.
pub const TEXT_TOKENS: usize = 128;
/// Larger model files are refused.
const MAX_FILE_BYTES: usize = 1 << 20;

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
/// Columns: the encoder's vector of the headline, then [`STRUCTURE_FEATURES`]. A row is
/// (column − center) × scale.
#[derive(Debug, Clone)]
pub struct LastLayer {
    pub(crate) encoder: String,
    pub(crate) center: Vec<f64>,
    pub(crate) scale: Vec<f64>,
    /// Posterior mean of the weights.
    pub(crate) mean: Vec<f64>,
    /// Lower Cholesky factor of the weights' posterior covariance, packed rows.
    pub(crate) covariance_factor: Vec<f64>,
    pub(crate) priors: Priors,
}

/// The raw columns of a headline, before centering.
pub(crate) fn raw_columns(vector: &[f32], headline: &str) -> Vec<f64> {
    vector.iter().copied().map(f64::from).chain(structure_features(headline)).collect()
}

impl LastLayer {
    /// The priors in the file.
    #[must_use]
    pub const fn priors(&self) -> &Priors {
        &self.priors
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.mean.len()
    }

    pub(crate) fn standardize(&self, raw: &[f64]) -> Vec<f64> {
        raw.iter()
            .zip(&self.center)
            .zip(&self.scale)
            .map(|((value, center), scale)| (value - center) * scale)
            .collect()
    }

    /// The archive's relative log-odds of a headline; 0 is the archive's average.
    pub(crate) fn archive_appeal(&self, columns: &[f64]) -> f64 {
        dot(columns, &self.mean)
    }

    /// Lᵀ x, so that x' Σ y is the dot product of two such vectors.
    pub(crate) fn whiten(&self, columns: &[f64]) -> Vec<f64> {
        let mut whitened = vec![0.0; columns.len()];
        for (i, &value) in columns.iter().enumerate() {
            let row = &self.covariance_factor[row_start(i)..=row_start(i) + i];
            for (target, coefficient) in whitened.iter_mut().zip(row) {
                *target += coefficient * value;
            }
        }
        whitened
    }

    /// Serializes: weights as `f32`, priors as `f64`, little-endian. Equal layers give equal bytes.
    ///
    /// # Errors
    /// [`Error::Fit`] when the layer holds a number that is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let narrow =
            |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect() };
        let vectors = [
            ("center", narrow(&self.center), self.center.len()),
            ("scale", narrow(&self.scale), self.scale.len()),
            ("mean", narrow(&self.mean), self.mean.len()),
            ("covariance_cholesky", narrow(&self.covariance_factor), self.covariance_factor.len()),
        ];
        let priors: Vec<u8> = self.priors.to_array().iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut views = Vec::new();
        for (name, bytes, len) in &vectors {
            views.push((*name, view(Dtype::F32, *len, bytes)?));
        }
        views.push(("priors", view(Dtype::F64, Priors::FIELDS, &priors)?));
        // One entry only: a map with more would be written in an order that changes.
        let metadata = HashMap::from([("format".to_owned(), format!("{FORMAT}:{}", self.encoder))]);
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|error| Error::Fit(format!("serialize: {error}")))?;
        Self::from_bytes(&bytes, "fitted model").map_err(|error| Error::Fit(error.to_string()))?;
        Ok(bytes)
    }

    /// Reads a model file. `name` is used in errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: larger than 1 MiB, not safetensors, of another format, or a tensor is
    /// missing, has another shape or type, or holds a number that is not finite or out of range.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let fail = |message: String| Error::model_file(name, message);
        if bytes.len() > MAX_FILE_BYTES {
            return Err(fail(format!("{} bytes; at most {MAX_FILE_BYTES} are read", bytes.len())));
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| fail(error.to_string()))?;
        let format =
            metadata.metadata().as_ref().and_then(|map| map.get("format")).cloned().unwrap_or_default();
        let encoder = format
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix(':'))
            .ok_or_else(|| fail(format!("format is `{format:.60}`, expected `{FORMAT}:…`")))?
            .to_owned();
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let read = |tensor: &str| read_f32(&tensors, tensor).map_err(fail);
        let center = read("center")?;
        let layer = Self {
            encoder,
            scale: read("scale")?,
            mean: read("mean")?,
            covariance_factor: read("covariance_cholesky")?,
            priors: read_priors(&tensors).map_err(fail)?,
            center,
        };
        let n = layer.center.len();
        if n <= STRUCTURE_FEATURES.len()
            || layer.scale.len() != n
            || layer.mean.len() != n
            || layer.covariance_factor.len() != row_start(n)
        {
            return Err(fail("the tensors' shapes do not fit together".to_owned()));
        }
        Ok(layer)
    }

    /// Whether the layer was fitted on vectors of `encoder`.
    pub(crate) fn check_encoder(&self, encoder: &dyn TextEncoder) -> Result<(), Error> {
        if self.encoder != encoder.name()
            || self.n_columns() != encoder.dimensions() + STRUCTURE_FEATURES.len()
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
