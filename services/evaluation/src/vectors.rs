//! Vectors of texts on disk, by content: a text goes through an encoder once.
//!
//! One folder per encoder holds shards of vectors, each written whole under a temporary name and
//! renamed. A shard ends with the BLAKE3 hash of everything before it; shards that do not fit are
//! passed over, so a damaged cache costs time and never changes a figure.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::encoder::TextEncoder;
use spotwright_scoring::last_layer::HEADLINE_TOKENS;
use spotwright_scoring::whole_file;

use crate::problem::{io_problem, scoring_problem};
use crate::progress::Progress;

/// Changes whenever encoders compute something else than before.
const VERSION: &str = "1";
/// Texts between two writes.
const TEXTS_PER_SHARD: usize = 1_024;

type Key = [u8; 32];

/// The vectors of `headlines`, in order, from the cache in `folder` or by encoding.
///
/// # Errors
/// A headline cannot be encoded, or the cache cannot be written.
pub(crate) fn headline_vectors(
    encoder: &dyn TextEncoder,
    headlines: &[&str],
    folder: &Path,
) -> Result<Vec<Arc<[f32]>>, Problem> {
    let folder = folder.join("vectors").join(format!("{}-{HEADLINE_TOKENS}-v{VERSION}", encoder.name()));
    let mut known = read_shards(&folder, encoder.dimensions());
    let mut missing: Vec<&str> =
        headlines.iter().copied().filter(|text| !known.contains_key(&key(text))).collect();
    missing.sort_unstable();
    missing.dedup();
    let mut progress = (!missing.is_empty())
        .then(|| Progress::new(format!("{}: encoded texts", encoder.name()), missing.len()));
    let mut done = 0;
    for shard in missing.chunks(TEXTS_PER_SHARD) {
        // A whole shard at once, so that all threads have work until its end.
        let vectors =
            encoder.encode_batch(shard, HEADLINE_TOKENS).map_err(|error| scoring_problem(&error))?;
        write_shard(&folder, shard, &vectors)?;
        known.extend(shard.iter().map(|text| key(text)).zip(vectors));
        done += shard.len();
        if let Some(progress) = &mut progress {
            progress.show(done);
        }
    }
    drop(progress);
    headlines
        .iter()
        .map(|text| {
            known.get(&key(text)).cloned().ok_or_else(|| {
                Problem::new(Code::ModelFile, "", format!("{} gave no vector", encoder.name()))
            })
        })
        .collect()
}

fn key(text: &str) -> Key {
    *blake3::hash(text.as_bytes()).as_bytes()
}

fn read_shards(folder: &Path, dimensions: usize) -> HashMap<Key, Arc<[f32]>> {
    let mut known = HashMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return known };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "vectors")) {
        let Ok(bytes) = fs::read(path) else { continue };
        let Some((records, hash)) = bytes.split_last_chunk::<32>() else { continue };
        let size = 32 + 4 * dimensions;
        if blake3::hash(records).as_bytes() != hash || !records.len().is_multiple_of(size) {
            continue;
        }
        for record in records.chunks_exact(size) {
            let (text, values) = record.split_at(32);
            let mut key = [0; 32];
            key.copy_from_slice(text);
            let values = values
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            known.insert(key, values.collect());
        }
    }
    known
}

fn write_shard(folder: &Path, texts: &[&str], vectors: &[Arc<[f32]>]) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    for (text, vector) in texts.iter().zip(vectors) {
        bytes.extend_from_slice(&key(text));
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    fs::create_dir_all(folder).map_err(|error| io_problem(folder, &error))?;
    write_whole(&folder.join(format!("{:.16}.vectors", hash.to_hex())), &bytes)
}

/// Writes a file that is never there in part.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    whole_file::write_whole(path, bytes).map_err(|error| io_problem(path, &error))
}

#[cfg(test)]
mod tests {
    use spotwright_scoring::encoder::HashedEncoder;

    use super::*;

    #[test]
    fn cached_vectors_equal_fresh_ones_and_damaged_shards_are_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let texts = ["one", "two", "one", "three"];
        let fresh = headline_vectors(&HashedEncoder, &texts, folder.path()).unwrap();
        assert_eq!(headline_vectors(&HashedEncoder, &texts, folder.path()).unwrap(), fresh);
        assert_eq!(fresh[0], fresh[2]);
        let inside = folder.path().join("vectors").join(format!("hashed-{HEADLINE_TOKENS}-v{VERSION}"));
        let shard = fs::read_dir(&inside).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&shard).unwrap();
        bytes[40] ^= 1;
        fs::write(&shard, &bytes).unwrap();
        assert!(read_shards(&inside, 384).is_empty());
        assert_eq!(headline_vectors(&HashedEncoder, &texts, folder.path()).unwrap(), fresh);
    }
}
