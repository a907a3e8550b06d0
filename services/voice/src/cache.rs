//! Sentences that were spoken before, by everything that decides how they sound.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Most bytes of sentences that are kept: some 3,000 sentences.
const MOST_BYTES: u64 = 512 << 20;

/// What the model answered for one sentence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    /// Samples in 16 bits.
    pub(crate) pcm: Vec<i16>,
    /// Duration of every symbol, and of the silence before and behind.
    pub(crate) durations: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    samples: usize,
    durations: Vec<f32>,
}

/// A folder of sentences. Failures of the disk cost time and nothing else.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, and makes room when it holds too much.
    pub(crate) fn open(folder: &Path) -> Self {
        if let Err(error) = std::fs::create_dir_all(folder) {
            tracing::warn!(folder = %folder.display(), %error, "spoken sentences cannot be kept");
        }
        make_room(folder, MOST_BYTES);
        Self { folder: folder.to_owned() }
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// The sentence of this key; `None` for one that is unknown or damaged.
    pub(crate) fn get(&self, key: &str) -> Option<Heard> {
        let bytes = std::fs::read(self.file(key)).ok()?;
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let Header { samples, durations } = serde_json::from_slice(&bytes[..line]).ok()?;
        let body = &bytes[line + 1..];
        if body.len() != samples * 2 {
            return None;
        }
        let pcm = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(Heard { pcm, durations })
    }

    /// Keeps a sentence; it appears whole or not at all.
    pub(crate) fn put(&self, key: &str, heard: &Heard) {
        let header = Header { samples: heard.pcm.len(), durations: heard.durations.clone() };
        let written = || -> std::io::Result<()> {
            let mut bytes = serde_json::to_vec(&header)?;
            bytes.push(b'\n');
            bytes.extend(heard.pcm.iter().flat_map(|sample| sample.to_le_bytes()));
            let file = tempfile::NamedTempFile::new_in(&self.folder)?;
            std::fs::write(file.path(), &bytes)?;
            file.persist(self.file(key)).map_err(|error| error.error)?;
            Ok(())
        };
        if let Err(error) = written() {
            tracing::warn!(folder = %self.folder.display(), %error, "a spoken sentence could not be kept");
        }
    }
}

/// Removes the sentences that were written first until three quarters of the bound are left.
fn make_room(folder: &Path, most: u64) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((about.modified().ok()?, about.len(), entry.path()))
        })
        .collect();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    if total <= most {
        return;
    }
    files.sort();
    for (_, size, path) in files {
        if total <= most / 4 * 3 {
            break;
        }
        if std::fs::remove_file(path).is_ok() {
            total -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_come_back_as_they_went_and_damaged_ones_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(folder.path());
        let heard = Heard { pcm: vec![0, 1, -7, i16::MAX], durations: vec![1.0, 2.5] };
        assert_eq!(cache.get("a"), None);
        cache.put("a", &heard);
        assert_eq!(cache.get("a"), Some(heard));
        let whole = std::fs::read(folder.path().join("a")).expect("a file");
        std::fs::write(folder.path().join("a"), &whole[..whole.len() - 1]).expect("written");
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn the_oldest_sentences_make_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(folder.path());
        for idx in 0..8_i16 {
            cache.put(&idx.to_string(), &Heard { pcm: vec![idx; 500], durations: Vec::new() });
        }
        make_room(folder.path(), 4_200);
        let left = (0..8).filter(|idx| cache.get(&idx.to_string()).is_some()).count();
        assert_eq!(left, 3, "three quarters of what four take");
    }
}
