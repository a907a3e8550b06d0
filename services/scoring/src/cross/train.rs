//! Fitting of a [`CrossNetwork`] in candle, reproducible by seed.

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use serde::{Deserialize, Serialize};
use spotwright_schemas::random::Stream;

use super::{CrossNetwork, Rows, Shape, to_bytes};
use crate::error::Error;

/// How a network is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Passes over the rows.
    pub epochs: u32,
    /// Rows per step.
    pub batch: usize,
    /// Largest learning rate; it falls to 0 along a half cosine.
    pub learning_rate: f64,
    /// Weight decay of embeddings and wide weights, per step and learning rate.
    pub sparse_decay: f64,
    /// Weight decay of all other weights; biases are not decayed.
    pub dense_decay: f64,
    /// Seed of the start values and the order of rows.
    pub seed: u64,
}

/// A network under fitting.
struct Variables {
    shape: Shape,
    /// In the order of [`Shape::tensors`].
    variables: Vec<Var>,
}

fn tensor_error(error: &candle_core::Error) -> Error {
    Error::Encoder(error.to_string())
}

/// Fits a network to clicks (`labels`, 0 or 1, one per row) by AdamW on the mean logistic loss.
/// Equal inputs give bit-equal networks on one kind of processor.
///
/// # Errors
/// - [`Error::Rows`]: rows do not fit the shape or hold a number that is not finite.
/// - [`Error::Fit`]: labels do not fit the rows, a setting is out of range, or the fit diverged.
/// - [`Error::Encoder`]: a tensor computation went wrong.
pub fn fit(shape: Shape, rows: Rows<'_>, labels: &[f32], settings: &Settings) -> Result<Vec<u8>, Error> {
    shape.check().map_err(Error::Fit)?;
    let n = rows.check(&shape)?;
    if n == 0 || labels.len() != n {
        return Err(Error::Fit(format!("{} labels for {n} rows", labels.len())));
    }
    if !labels.iter().all(|label| *label == 0.0 || *label == 1.0) {
        return Err(Error::Fit("a label is neither 0 nor 1".to_owned()));
    }
    let rates = [settings.learning_rate, settings.sparse_decay, settings.dense_decay];
    if settings.epochs == 0
        || settings.batch == 0
        || !rates.iter().all(|rate| rate.is_finite() && *rate >= 0.0)
    {
        return Err(Error::Fit("a setting of the fit is out of range".to_owned()));
    }
    let tensors = optimize(shape, rows, labels, settings).map_err(|error| tensor_error(&error))?;
    to_bytes(&shape, &tensors)
}

fn optimize(
    shape: Shape,
    rows: Rows<'_>,
    labels: &[f32],
    settings: &Settings,
) -> candle_core::Result<Vec<Vec<f32>>> {
    let network = Variables::new(shape, labels, settings.seed)?;
    // Biases hold the level of the rates, which is not to be pulled to ½.
    let groups = [settings.sparse_decay, settings.dense_decay, 0.0];
    let mut optimizers = groups
        .iter()
        .enumerate()
        .map(|(group, decay)| {
            let own = shape
                .tensors()
                .iter()
                .zip(&network.variables)
                .filter(|((name, _), _)| decay_group(name) == group)
                .map(|(_, variable)| variable.clone())
                .collect();
            let parameters =
                ParamsAdamW { lr: settings.learning_rate, weight_decay: *decay, ..ParamsAdamW::default() };
            AdamW::new(own, parameters)
        })
        .collect::<candle_core::Result<Vec<_>>>()?;
    let n = labels.len();
    let steps = n.div_ceil(settings.batch) * settings.epochs as usize;
    let mut step = 0;
    for epoch in 0..settings.epochs {
        let order = Stream::new(settings.seed, "cross/order").child(u64::from(epoch)).permutation(n);
        for batch in order.chunks(settings.batch) {
            let (slots, dense) = gather(&shape, rows, batch);
            let targets: Vec<f32> = batch.iter().map(|&row| labels[row]).collect();
            let targets = Tensor::from_vec(targets, batch.len(), &Device::Cpu)?;
            let log_odds = network.forward(slots, dense, batch.len())?;
            let gradients = logistic_loss(&log_odds, &targets)?.backward()?;
            let rate = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
            for optimizer in &mut optimizers {
                optimizer.set_learning_rate(settings.learning_rate * rate);
                optimizer.step(&gradients)?;
            }
            step += 1;
        }
    }
    network.variables.iter().map(|variable| variable.flatten_all()?.to_vec1()).collect()
}

/// 0: decayed as sparse, 1: decayed as dense, 2: not decayed.
fn decay_group(tensor: &str) -> usize {
    match tensor {
        "embeddings" | "wide" => 0,
        name if name.ends_with("bias") => 2,
        _ => 1,
    }
}

/// Slots and dense numbers of some rows.
fn gather(shape: &Shape, rows: Rows<'_>, batch: &[usize]) -> (Vec<u32>, Vec<f32>) {
    let (slots, dense) = (shape.slots(), shape.dense);
    (
        batch.iter().flat_map(|row| &rows.slots[row * slots..(row + 1) * slots]).copied().collect(),
        batch.iter().flat_map(|row| &rows.dense[row * dense..(row + 1) * dense]).copied().collect(),
    )
}

/// Mean of ln(1 + e^z) − y·z without overflow.
fn logistic_loss(log_odds: &Tensor, targets: &Tensor) -> candle_core::Result<Tensor> {
    let tail = log_odds.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?;
    ((log_odds.relu()? + tail)? - (log_odds * targets)?)?.mean_all()
}

impl Variables {
    /// Small start values, the bias at the log-odds of the mean label.
    fn new(shape: Shape, labels: &[f32], seed: u64) -> candle_core::Result<Self> {
        let n = labels.len() as f64;
        let rate = (labels.iter().map(|label| f64::from(*label)).sum::<f64>() + 0.5) / (n + 1.0);
        let inputs = shape.inputs();
        let stream = Stream::new(seed, "cross/start");
        let variables = shape
            .tensors()
            .into_iter()
            .enumerate()
            .map(|(idx, (name, len))| {
                let draws = stream.child(idx as u64);
                let deviation = match name.as_str() {
                    "embeddings" => 0.05,
                    "hidden.0.weight" => (2.0 / inputs as f64).sqrt(),
                    "hidden.1.weight" => (2.0 / shape.hidden[0] as f64).sqrt(),
                    "head" => 0.05,
                    name if name.starts_with("cross.") && name.ends_with(".weight") => {
                        (1.0 / inputs as f64).sqrt()
                    }
                    _ => 0.0,
                };
                let values: Vec<f32> = if name == "bias" {
                    vec![(rate / (1.0 - rate)).ln() as f32]
                } else if deviation == 0.0 {
                    vec![0.0; len]
                } else {
                    (0..len).map(|at| (deviation * draws.normal(at as u64)) as f32).collect()
                };
                let tensor = Tensor::from_vec(values, len, &Device::Cpu)?;
                let tensor = match name.as_str() {
                    "embeddings" => tensor.reshape((shape.table(), shape.width))?,
                    "wide" => tensor.reshape((shape.table(), 1))?,
                    "hidden.0.weight" => tensor.reshape((shape.hidden[0], inputs))?,
                    "hidden.1.weight" => tensor.reshape((shape.hidden[1], shape.hidden[0]))?,
                    "head" => tensor.reshape((1, len))?,
                    name if name.starts_with("cross.") && name.ends_with(".weight") => {
                        tensor.reshape((inputs, inputs))?
                    }
                    _ => tensor,
                };
                Var::from_tensor(&tensor)
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { shape, variables })
    }

    /// Log-odds of `n` rows.
    fn forward(&self, slots: Vec<u32>, dense: Vec<f32>, n: usize) -> candle_core::Result<Tensor> {
        let shape = &self.shape;
        let v = |idx: usize| self.variables[idx].as_tensor();
        let slots = Tensor::from_vec(slots, (n, shape.slots()), &Device::Cpu)?;
        let fields = slots.narrow(1, 0, shape.fields)?.flatten_all()?;
        let embedded = v(0).index_select(&fields, 0)?.reshape((n, shape.fields * shape.width))?;
        let input = if shape.dense == 0 {
            embedded
        } else {
            let dense = Tensor::from_vec(dense, (n, shape.dense), &Device::Cpu)?;
            Tensor::cat(&[&embedded, &dense], 1)?
        };
        let wide = v(1).index_select(&slots.flatten_all()?, 0)?.reshape((n, shape.slots()))?.sum(1)?;
        let mut state = input.clone();
        for layer in 0..shape.layers {
            let product = state.matmul(&v(8 + 2 * layer).t()?)?.broadcast_add(v(9 + 2 * layer))?;
            state = ((&input * product)? + state)?;
        }
        let first = input.matmul(&v(2).t()?)?.broadcast_add(v(3))?.relu()?;
        let second = first.matmul(&v(4).t()?)?.broadcast_add(v(5))?.relu()?;
        let head = Tensor::cat(&[&state, &second], 1)?.matmul(&v(6).t()?)?.squeeze(1)?;
        (head + wide)?.broadcast_add(v(7))
    }
}

/// Log-odds of rows by candle, for comparing with the serving kernel.
///
/// # Errors
/// [`Error::ModelFile`], [`Error::Rows`], [`Error::Encoder`]: the file is damaged, the rows do not fit
/// it, or a tensor computation went wrong.
pub fn log_odds_by_candle(bytes: &[u8], rows: Rows<'_>) -> Result<Vec<f32>, Error> {
    let shape = *CrossNetwork::from_bytes(bytes, "network")?.shape();
    let n = rows.check(&shape)?;
    let compute = || -> candle_core::Result<Vec<f32>> {
        let stored = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let network = Variables::new(shape, &[0.0, 1.0], 0)?;
        for ((name, _), variable) in shape.tensors().iter().zip(&network.variables) {
            let tensor = stored
                .get(name)
                .ok_or_else(|| candle_core::Error::Msg(format!("tensor `{name}` is missing")))?;
            variable.set(&tensor.reshape(variable.shape())?.to_dtype(DType::F32)?)?;
        }
        network.forward(rows.slots.to_vec(), rows.dense.to_vec(), n)?.to_vec1()
    };
    compute().map_err(|error| tensor_error(&error))
}
