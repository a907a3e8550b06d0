//! Artifacts in a folder, named by their content: `ab/abcdef…`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};

/// Digits of a BLAKE3 hash.
const DIGITS: usize = 64;

/// Where files are written before they get their names.
const INCOMING: &str = "incoming";

/// Whether a name can be that of an artifact.
pub(crate) fn is_hash(hash: &ArtifactHash) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.as_str().len() == DIGITS && hash.as_str().bytes().all(plain)
}

/// A file of a folder.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its name.
    pub hash: ArtifactHash,
    /// Its length.
    pub bytes: u64,
    /// When it was written.
    pub modified: std::time::SystemTime,
}

/// Keeps artifacts in a folder.
///
/// A file is written under a temporary name, flushed, renamed, and its folder flushed, in this
/// order: what stands under a final name is whole, also after a crash. Temporary files that a crash
/// left behind are in `incoming/` and are removed by [`FolderArtifacts::open`], which is for a process
/// that has the folder to itself; several processes [`FolderArtifacts::share`] one.
#[derive(Debug)]
pub struct FolderArtifacts {
    root: PathBuf,
}

impl FolderArtifacts {
    /// Opens a folder, creates it when there is none, and clears what a crash left behind. One
    /// process may open a folder at a time; see [`crate::lock::FolderLock`].
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        let incoming = root.join(INCOMING);
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        Self::share(root)
    }

    /// Opens a folder that other processes may have open as well, and creates it when there is none.
    /// What a crash left behind stays: it cannot be told from what another process is writing.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn share(root: &Path) -> Result<Self, ArtifactError> {
        fs::create_dir_all(root.join(INCOMING))?;
        sync_folder(root)?;
        Ok(Self { root: root.to_owned() })
    }

    fn file_of(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        // Anything but a hash could point outside the folder.
        if !is_hash(hash) {
            return Err(ArtifactError::Missing(hash.clone()));
        }
        Ok(self.root.join(&hash.as_str()[..2]).join(hash.as_str()))
    }

    /// Every file, in no order.
    pub(crate) fn list(&self) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            if folder.file_name() == INCOMING || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                let hash = ArtifactHash(file.file_name().to_string_lossy().into_owned());
                let metadata = file.metadata()?;
                if is_hash(&hash) {
                    found.push(Listed { hash, bytes: metadata.len(), modified: metadata.modified()? });
                }
            }
        }
        Ok(found)
    }

    /// What it means that a file could not be opened: it is missing, unless its folder is.
    fn missing_or_io(&self, error: io::Error, hash: &ArtifactHash) -> ArtifactError {
        if error.kind() == io::ErrorKind::NotFound && self.root.join(INCOMING).is_dir() {
            ArtifactError::Missing(hash.clone())
        } else {
            ArtifactError::Io(error)
        }
    }

    /// Keeps a copy of a file.
    pub(crate) fn copy(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        let mut source = File::open(file)?;
        let mut copy = self.temporary()?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0_u8; 1 << 16];
        loop {
            let n_bytes = source.read(&mut buffer)?;
            if n_bytes == 0 {
                break;
            }
            hasher.update(&buffer[..n_bytes]);
            copy.write_all(&buffer[..n_bytes])?;
        }
        let hash = ArtifactHash(hasher.finalize().to_hex().to_string());
        if self.holds(&hash) { Ok(hash) } else { self.keep(copy, hash) }
    }

    /// Gives a flushed temporary file its final name.
    fn keep(&self, file: tempfile::NamedTempFile, hash: ArtifactHash) -> Result<ArtifactHash, ArtifactError> {
        let target = self.file_of(&hash)?;
        let folder = self.root.join(&hash.as_str()[..2]);
        if !folder.exists() {
            fs::create_dir_all(&folder)?;
            sync_folder(&self.root)?;
        }
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        sync_folder(&folder)?;
        Ok(hash)
    }

    /// Whether the bytes are there and whole. A damaged file is replaced by the next `put`.
    fn holds(&self, hash: &ArtifactHash) -> bool {
        self.get(hash).is_ok()
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.root.join(INCOMING))
    }
}

impl ArtifactStore for FolderArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        let hash = ArtifactHash::of(bytes);
        if self.holds(&hash) {
            return Ok(hash);
        }
        let mut file = self.temporary()?;
        file.write_all(bytes)?;
        self.keep(file, hash)
    }

    fn adopt(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        // Copied, not renamed: the file may lie on another file system, and a writer that still
        // holds it open could change an artifact behind its hash.
        let hash = self.copy(file)?;
        fs::remove_file(file)?;
        Ok(hash)
    }

    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let bytes = fs::read(self.file_of(hash)?).map_err(|error| self.missing_or_io(error, hash))?;
        if ArtifactHash::of(&bytes) != *hash {
            return Err(ArtifactError::Damaged(hash.clone()));
        }
        Ok(bytes)
    }

    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        let path = self.file_of(hash)?;
        fs::metadata(&path).map_err(|error| self.missing_or_io(error, hash))?;
        Ok(path)
    }

    fn probe(&self) -> Result<(), ArtifactError> {
        crate::probe_folder(&self.root.join(INCOMING))?;
        Ok(())
    }

    fn remove(&self, hash: &ArtifactHash) -> Result<(), ArtifactError> {
        let Ok(file) = self.file_of(hash) else { return Ok(()) };
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Makes names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
