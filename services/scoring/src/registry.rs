//! The folder of installed click models: versions that never change, and one pointer that says which
//! of them serves.
//!
//! ```text
//! FOLDER/versions/HASH.safetensors   a model file, named by its BLAKE3
//! FOLDER/versions/HASH.card.json     its card
//! FOLDER/current                     the format, then versions, the serving one first
//! ```
//!
//! A version is written before the pointer names it, and the pointer is replaced in one step, so a
//! reader finds the old version or the new one, whole, whatever happens to the writer. The lines
//! below the first version are where a roll-back goes; the word `shipped` stands for the model that
//! comes with the program, which serves while nothing is installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::last_layer::LastLayer;
use crate::whole_file;

/// Folder of installed models below the folder of models.
pub const REGISTRY_FOLDER: &str = "click-models";
/// First line of the pointer.
const FORMAT: &str = "spotwright.current.v1";
/// The word for the model that comes with the program.
const SHIPPED: &str = "shipped";
/// Versions that can be rolled back to.
const HISTORY: usize = 32;
/// Larger cards and pointers are refused.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Larger model files are refused before they are read.
const MAX_MODEL_BYTES: u64 = 4 << 20;

/// Which model serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The one that comes with the program.
    Shipped,
    /// An installed one: BLAKE3 of its file, 64 hexadecimal digits.
    Installed(String),
}

impl Version {
    /// As the pointer names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Shipped => SHIPPED,
            Self::Installed(hash) => hash,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        match text {
            SHIPPED => Some(Self::Shipped),
            hash if hash.len() == 64 && hash.chars().all(hexadecimal) => {
                Some(Self::Installed(hash.to_owned()))
            }
            _ => None,
        }
    }
}

/// A model file that is what its name and its card say.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The fitted layer.
    pub layer: LastLayer,
    /// BLAKE3 of its file.
    pub hash: blake3::Hash,
    /// The card, as JSON.
    pub card: String,
    bytes: Vec<u8>,
}

/// Reads a model file of any kind and the card beside it, and checks that they belong together.
/// Answers the file's bytes, their hash and the card.
///
/// # Errors
/// [`Error::ModelFile`]: one of them is missing or too large, the card is damaged, or the file's hash
/// is not the one on it.
pub fn with_card(path: &Path) -> Result<(Vec<u8>, blake3::Hash, String), Error> {
    let fail = |path: &Path, message: String| Error::model_file(path.display().to_string(), message);
    let read = |path: &Path, most: u64| -> Result<Vec<u8>, Error> {
        let size = fs::metadata(path).map_err(|error| fail(path, error.to_string()))?.len();
        if size > most {
            return Err(fail(path, format!("{size} bytes; at most {most} are read")));
        }
        fs::read(path).map_err(|error| fail(path, error.to_string()))
    };
    let bytes = read(path, MAX_MODEL_BYTES)?;
    let card_path = path.with_extension("card.json");
    let card = String::from_utf8(read(&card_path, MAX_TEXT_BYTES)?)
        .map_err(|error| fail(&card_path, format!("not a card: {error}")))?;
    let parsed: serde_json::Value =
        serde_json::from_str(&card).map_err(|error| fail(&card_path, format!("not a card: {error}")))?;
    let expected = parsed["weights_blake3"].as_str().unwrap_or_default();
    let hash = blake3::hash(&bytes);
    if expected != hash.to_hex().as_str() {
        let message = format!("blake3 is {}, the card says `{expected:.64}`; train it again", hash.to_hex());
        return Err(fail(path, message));
    }
    Ok((bytes, hash, card))
}

/// Reads the file of a click model and the card beside it, and checks both.
///
/// # Errors
/// As [`with_card`], and when the file holds no click model.
pub fn checked(path: &Path) -> Result<Checked, Error> {
    let (bytes, hash, card) = with_card(path)?;
    let layer = LastLayer::from_bytes(&bytes, &path.display().to_string())?;
    Ok(Checked { layer, hash, card, bytes })
}

/// A folder of installed models.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    folder: PathBuf,
}

impl ModelFolder {
    /// The folder of installed models below `models`. Nothing is created until something is installed.
    #[must_use]
    pub fn below(models: &Path) -> Self {
        Self { folder: models.join(REGISTRY_FOLDER) }
    }

    /// Which version the pointer names.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when the pointer cannot be read or is damaged.
    pub fn current(&self) -> Result<Version, Error> {
        Ok(self.versions()?.swap_remove(0))
    }

    /// The versions in the pointer: the serving one, then those before it, newest first.
    ///
    /// # Errors
    /// As [`ModelFolder::current`].
    pub fn versions(&self) -> Result<Vec<Version>, Error> {
        let path = self.pointer();
        let fail = |message: String| Error::model_file(path.display().to_string(), message);
        let size = match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![Version::Shipped]),
            Err(error) => return Err(fail(error.to_string())),
            Ok(metadata) => metadata.len(),
        };
        if size > MAX_TEXT_BYTES {
            return Err(fail(format!("{size} bytes are no pointer")));
        }
        let text = fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) {
            return Err(fail(format!("does not begin with `{FORMAT}`")));
        }
        let versions: Option<Vec<Version>> = lines.map(Version::parse).collect();
        versions
            .filter(|versions| !versions.is_empty() && text.ends_with('\n'))
            .ok_or_else(|| fail("holds a line that names no version, or is cut off".to_owned()))
    }

    /// Reads an installed version and checks it against its name and its card.
    ///
    /// # Errors
    /// As [`checked`], and when the file is not the one that its name says.
    pub fn read(&self, version: &str) -> Result<Checked, Error> {
        let path = self.file_of(version);
        let found = checked(&path)?;
        if found.hash.to_hex().as_str() == version {
            Ok(found)
        } else {
            let message = format!("blake3 is {}, not the one it is named by", found.hash.to_hex());
            Err(Error::model_file(path.display().to_string(), message))
        }
    }

    /// Copies a model file and its card into the folder and lets the pointer name it. Installing the
    /// version that serves changes nothing.
    ///
    /// # Errors
    /// As [`checked`]; [`Error::Io`] when the folder cannot be written. The pointer is then as before.
    pub fn install(&self, model: &Path) -> Result<Version, Error> {
        let found = checked(model)?;
        let hash = found.hash.to_hex().to_string();
        let version = Version::Installed(hash.clone());
        let path = self.file_of(&hash);
        let _held = self.hold()?;
        write_whole(&path.with_extension("card.json"), found.card.as_bytes())?;
        write_whole(&path, &found.bytes)?;
        let mut versions = self.versions()?;
        if versions[0] != version {
            versions.insert(0, version.clone());
            versions.truncate(HISTORY);
            self.point_to(&versions)?;
        }
        Ok(version)
    }

    /// Lets the pointer name the version before, which is checked first.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when there is none or it is damaged; [`Error::Io`].
    pub fn roll_back(&self) -> Result<Version, Error> {
        let _held = self.hold()?;
        let versions = self.versions()?;
        let Some(before) = versions.get(1).cloned() else {
            let path = self.pointer().display().to_string();
            return Err(Error::model_file(path, "there is no version before the serving one"));
        };
        if let Version::Installed(hash) = &before {
            self.read(hash)?;
        }
        self.point_to(&versions[1..])?;
        Ok(before)
    }

    fn pointer(&self) -> PathBuf {
        self.folder.join("current")
    }

    fn file_of(&self, version: &str) -> PathBuf {
        self.folder.join("versions").join(format!("{version}.safetensors"))
    }

    /// Keeps other writers out until the file is dropped.
    fn hold(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let versions = self.folder.join("versions");
        fs::create_dir_all(&versions).map_err(|source| Error::Io { path: versions.clone(), source })?;
        let lock = || -> std::io::Result<File> {
            let file = File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| Error::Io { path: path.clone(), source })
    }

    fn point_to(&self, versions: &[Version]) -> Result<(), Error> {
        let mut text = format!("{FORMAT}\n");
        for version in versions {
            text.push_str(version.as_str());
            text.push('\n');
        }
        write_whole(&self.pointer(), text.as_bytes())
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    whole_file::write_whole(path, bytes).map_err(|source| Error::Io { path: path.to_path_buf(), source })
}
