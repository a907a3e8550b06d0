//! Q8_0 copies of model files.
//!
//! The inference library has no fast kernel for Q4_1 and Q5_0, so every tensor that is not F32,
//! F16 or Q8_0 is converted to Q8_0 once. The copy is kept in the cache folder under the SHA-256 of
//! the source and names it in its metadata; a copy that is damaged or of another source is written
//! anew.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use sha2::{Digest, Sha256};

use super::Error;
use super::header::{Header, length};

/// Metadata key under which a copy names its source.
const SOURCE_KEY: &str = "spotwright.source_sha256";

/// SHA-256 of a file, hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|error| Error::io(path, &error))?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut chunk).map_err(|error| Error::io(path, &error))?;
        if n == 0 {
            break;
        }
        hasher.update(&chunk[..n]);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Reads and checks the header of a file.
pub(super) fn checked_header(path: &Path) -> Result<Header, Error> {
    let mut file = File::open(path).map_err(|error| Error::io(path, &error))?;
    let bytes = length(&mut file)?;
    Header::read(file, bytes)
}

/// The path of the Q8_0 copy of `source`, written now if there is none.
pub(super) fn cached_copy(source: &Path, sha256: &str, cache_dir: &Path) -> Result<PathBuf, Error> {
    let path = cache_dir.join(format!("{sha256}.q8_0.gguf"));
    if path.exists() {
        match checked_header(&path) {
            Ok(header) if header.text(SOURCE_KEY) == Some(sha256) => return Ok(path),
            _ => tracing::warn!(path = %path.display(), "cached model copy is damaged and written anew"),
        }
    }
    fs::create_dir_all(cache_dir).map_err(|error| Error::io(cache_dir, &error))?;
    let temporary = cache_dir.join(format!("{sha256}.{}.part", std::process::id()));
    let written = write_copy(source, sha256, &temporary)
        .and_then(|()| fs::rename(&temporary, &path).map_err(|error| Error::io(&path, &error)));
    if written.is_err() {
        // Nothing half-written stays; a file that never came to be is no second error.
        fs::remove_file(&temporary).ok();
    }
    written.map(|()| path)
}

fn write_copy(source: &Path, sha256: &str, target: &Path) -> Result<(), Error> {
    let file = File::open(source).map_err(|error| Error::io(source, &error))?;
    let mut reader = BufReader::new(file);
    let content = Content::read(&mut reader).map_err(|error| Error::Damaged(error.to_string()))?;
    let mut tensors = Vec::new();
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort();
    for name in names {
        let tensor = content
            .tensor(&mut reader, name, &Device::Cpu)
            .and_then(to_q8)
            .map_err(|error| Error::Damaged(format!("tensor {name}: {error}")))?;
        tensors.push((name.as_str(), tensor));
    }
    let source_name = Value::String(sha256.to_owned());
    // The library writes with an alignment of 32 whatever the source had.
    let alignment = Value::U32(32);
    let mut metadata: Vec<(&str, &Value)> = content
        .metadata
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), SOURCE_KEY | "general.alignment"))
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    metadata.extend([(SOURCE_KEY, &source_name), ("general.alignment", &alignment)]);
    metadata.sort_by_key(|(key, _)| *key);
    let pairs: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let io = |error: std::io::Error| Error::io(target, &error);
    let mut writer = BufWriter::new(File::create(target).map_err(io)?);
    gguf_file::write(&mut writer, &metadata, &pairs).map_err(|error| Error::Io(error.to_string()))?;
    writer.flush().map_err(io)?;
    writer.get_ref().sync_all().map_err(io)
}

fn to_q8(tensor: QTensor) -> candle_core::Result<QTensor> {
    let fits = tensor.shape().dims().last().is_some_and(|width| width.is_multiple_of(32));
    if matches!(tensor.dtype(), GgmlDType::F32 | GgmlDType::F16 | GgmlDType::Q8_0) || !fits {
        return Ok(tensor);
    }
    QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)
}
