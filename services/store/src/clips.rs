//! The library of clips in a folder: `ab/abcdef….clip`, bounded in size.
//!
//! A file holds one line of JSON about the clip and then the MP4. Its time of change is the time of its last
//! use, by the library's clock, so that processes that share the folder agree on what was used longest ago.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::ArtifactError;
use spotwright_core::ports::clip_library::{ClipKey, ClipLibrary, ClipOrigin, KeptClip};
use spotwright_core::ports::clock::Clock;

/// Where files are written before they have their name.
const INCOMING: &str = "incoming";
/// Ending of the library's files.
const ENDING: &str = "clip";
/// Hexadecimal digits of a key.
const KEY_DIGITS: usize = 64;
/// Age of a half-written file whose writer has certainly died.
const STALE: Duration = Duration::from_hours(24);

/// Clips in a folder that several processes may share.
pub struct FolderClips {
    root: PathBuf,
    room: u64,
    clock: Arc<dyn Clock>,
}

/// What stands before the MP4.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    origin: ClipOrigin,
    /// BLAKE3 of the MP4, hexadecimal.
    hash: String,
}

/// A file of the library.
struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl FolderClips {
    /// Opens the library in `root`, which is created where it is not there. Its files take at most `room`
    /// bytes together, but for one that is larger alone.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(root: &Path, room: u64, clock: Arc<dyn Clock>) -> Result<Self, ArtifactError> {
        fs::create_dir_all(root.join(INCOMING))?;
        let library = Self { root: root.to_owned(), room, clock };
        library.shrink(None)?;
        Ok(library)
    }

    fn file_of(&self, key: &ClipKey) -> Option<PathBuf> {
        let digits = key.as_str();
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != KEY_DIGITS || !digits.bytes().all(plain) {
            return None;
        }
        Some(self.root.join(&digits[..2]).join(format!("{digits}.{ENDING}")))
    }

    fn now(&self) -> SystemTime {
        let micros = u64::try_from(self.clock.now_micros()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }

    /// Removes what was used longest ago until the rest has room; `newest` stays.
    fn shrink(&self, newest: Option<&Path>) -> io::Result<()> {
        let mut kept = self.list()?;
        kept.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let mut bytes: u64 = kept.iter().map(|file| file.bytes).sum();
        for file in kept {
            if bytes <= self.room {
                break;
            }
            if newest == Some(file.path.as_path()) || (newest.is_none() && bytes == file.bytes) {
                continue;
            }
            remove(&file.path)?;
            bytes -= file.bytes;
        }
        self.clear_incoming()
    }

    fn list(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            if folder.file_name() == INCOMING || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let path = file?.path();
                if path.extension().is_none_or(|ending| ending != ENDING) {
                    continue;
                }
                match fs::metadata(&path) {
                    Ok(found) => kept.push(Kept { path, bytes: found.len(), used: found.modified()? }),
                    // Another process has removed it.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(kept)
    }

    /// Removes what writers that died have left.
    fn clear_incoming(&self) -> io::Result<()> {
        let now = self.now();
        for file in fs::read_dir(self.root.join(INCOMING))? {
            let file = file?;
            let Ok(found) = file.metadata() else { continue };
            if now.duration_since(found.modified()?).is_ok_and(|age| age > STALE) {
                remove(&file.path())?;
            }
        }
        Ok(())
    }
}

impl ClipLibrary for FolderClips {
    fn find(&self, key: &ClipKey) -> Result<Option<KeptClip>, ArtifactError> {
        let Some(path) = self.file_of(key) else { return Ok(None) };
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let Some(clip) = whole(bytes) else {
            tracing::warn!(path = %path.display(), "a damaged clip is removed from the library");
            remove(&path)?;
            return Ok(None);
        };
        // A use that cannot be noted lets the clip go a little earlier.
        if let Err(error) =
            File::options().append(true).open(&path).and_then(|file| file.set_modified(self.now()))
        {
            tracing::debug!(path = %path.display(), %error, "the use of a clip cannot be noted");
        }
        Ok(Some(clip))
    }

    fn put(&self, key: &ClipKey, clip: &KeptClip) -> Result<(), ArtifactError> {
        let Some(path) = self.file_of(key) else {
            let message = format!("`{key}` is no key of a clip");
            return Err(io::Error::new(ErrorKind::InvalidInput, message).into());
        };
        let hash = blake3::hash(&clip.mp4).to_hex().to_string();
        let header =
            serde_json::to_vec(&Header { origin: clip.origin.clone(), hash }).map_err(io::Error::from)?;
        let mut file = tempfile::NamedTempFile::new_in(self.root.join(INCOMING))?;
        for part in [header.as_slice(), b"\n", clip.mp4.as_slice()] {
            file.write_all(part)?;
        }
        file.as_file().set_modified(self.now())?;
        file.as_file().sync_all()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        self.shrink(Some(&path))?;
        Ok(())
    }
}

/// The clip of a file's bytes; `None` when they are damaged.
fn whole(mut bytes: Vec<u8>) -> Option<KeptClip> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
    bytes.drain(..=end);
    let matches = blake3::hash(&bytes).to_hex().as_str() == header.hash;
    matches.then_some(KeptClip { mp4: bytes, origin: header.origin })
}

/// Removes a file that another process may have removed.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use spotwright_core::ports::clock::ManualClock;

    use super::*;

    fn clip(bytes: usize) -> KeptClip {
        let origin = ClipOrigin {
            source: "kling".to_owned(),
            model: "kling-v3".to_owned(),
            licence: "terms".to_owned(),
            seed: 7,
            frames: 150,
        };
        KeptClip { mp4: vec![b'\n'; bytes], origin }
    }

    fn key(number: u32) -> ClipKey {
        ClipKey::of(&number)
    }

    /// Room for two clips of 1,000 bytes with what stands before them.
    const ROOM: u64 = 2_600;

    #[test]
    fn what_was_used_longest_ago_goes_first_in_every_process_that_shares_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::starting_at(1_000_000_000));
        let open = || FolderClips::open(folder.path(), ROOM, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let (library, other) = (open(), open());
        for number in [1, 2] {
            library.put(&key(number), &clip(1_000)).unwrap();
            clock.advance_micros(1_000_000);
        }
        assert_eq!(other.find(&key(1)).unwrap(), Some(clip(1_000)));
        clock.advance_micros(1_000_000);
        library.put(&key(3), &clip(1_000)).unwrap();
        let found = |number| library.find(&key(number)).unwrap().is_some();
        assert_eq!([1, 2, 3].map(found), [true, false, true]);
        other.put(&key(4), &clip(5_000)).unwrap();
        assert_eq!([1, 3, 4].map(found), [false, false, true], "one that is larger alone stays");
        drop((library, other));
        assert!(open().find(&key(4)).unwrap().is_some());
    }

    #[test]
    fn damaged_clips_and_foreign_names_are_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::starting_at(1_000_000_000));
        let library = FolderClips::open(folder.path(), ROOM, clock).unwrap();
        library.put(&key(1), &clip(100)).unwrap();
        let path = library.file_of(&key(1)).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.pop();
        fs::write(&path, bytes).unwrap();
        assert_eq!(library.find(&key(1)).unwrap(), None);
        assert!(!path.exists());
        let foreign = ClipKey("../../etc/passwd".to_owned());
        assert_eq!(library.find(&foreign).unwrap(), None);
        assert!(library.put(&foreign, &clip(1)).is_err());
    }
}
