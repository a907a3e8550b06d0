//! Reading a brief and its pictures from disk, before anything is written.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use spotwright_core::domain::copy_rules::terms;
use spotwright_render::picture::{self, ImportedPicture};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::{Brief, MAX_BRIEF_BYTES, is_same_name};
use spotwright_schemas::error::Code;

/// Largest accepted picture file in bytes.
const MAX_PICTURE_BYTES: u64 = 20_000_000;

/// A brief that can be worked on.
#[derive(Debug)]
pub struct LoadedBrief {
    /// The validated brief.
    pub brief: Brief,
    /// Its pictures, re-encoded, in the brief's order.
    pub pictures: Vec<ImportedPicture>,
}

/// Reads and checks the brief at `path` and every picture it names: that it is valid, that an ad may
/// say something of what it states, that every picture can be used.
///
/// Nothing is written. At most the accepted number of bytes is read of any file.
///
/// # Errors
/// The problem of the first field that is wrong; codes SW01xx and SW02xx.
pub fn load(path: &Path) -> Result<LoadedBrief, Problem> {
    let brief = parse(path)?;
    terms::expect_sayable(&brief)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(|error| unreadable(path, &error))?;
    let mut pictures = Vec::with_capacity(brief.product.pictures.len());
    for (idx, picture) in brief.product.pictures.iter().enumerate() {
        let field = format!("product.pictures[{idx}].file");
        let bytes = read_picture(&folder, &picture.file, &field)?;
        pictures.push(picture::import(&bytes, &field)?);
    }
    Ok(LoadedBrief { brief, pictures })
}

/// Reads and checks the brief at `path`, not its pictures.
///
/// # Errors
/// The problem of the first field that is wrong; codes SW01xx.
pub fn parse(path: &Path) -> Result<Brief, Problem> {
    let refused = |message: String| Err(Problem::new(Code::BriefUnreadable, "", message));
    let read: fn(&[u8]) -> Result<Brief, Problem> = match path.extension().and_then(|ending| ending.to_str())
    {
        Some("json") => Brief::from_json,
        Some("yaml" | "yml") => Brief::from_yaml,
        _ => return refused("the name of a brief must end in `.yaml`, `.yml` or `.json`".to_owned()),
    };
    // Looked at before it is opened: opening a pipe would wait for somebody to write.
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return refused(format!("`{}` must be a file, not a folder, device or pipe", path.display()));
    }
    let bytes = read_at_most(path, MAX_BRIEF_BYTES + 1).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_BRIEF_BYTES {
        let message = format!("is {} bytes; at most {MAX_BRIEF_BYTES} are accepted", metadata.len());
        return Err(Problem::new(Code::BriefTooLarge, "", message));
    }
    read(&bytes)
}

fn read_picture(folder: &Path, name: &str, field: &str) -> Result<Vec<u8>, Problem> {
    let unreadable = |message: String| Problem::new(Code::PictureUnreadable, field, message);
    let path: PathBuf = located(folder, name)
        .canonicalize()
        .map_err(|error| unreadable(format!("`{name}` must be a file that can be opened: {error}")))?;
    // Links are followed before the check, so that a link cannot lead out of the folder.
    if !path.starts_with(folder) {
        return Err(Problem::new(
            Code::PicturePath,
            field,
            "leads out of the brief's folder; keep pictures beside the brief",
        ));
    }
    let metadata =
        fs::metadata(&path).map_err(|error| unreadable(format!("`{name}` cannot be opened: {error}")))?;
    if !metadata.is_file() {
        return Err(unreadable(format!("`{name}` must be a file, not a folder, device or pipe")));
    }
    if metadata.len() > MAX_PICTURE_BYTES {
        let message = format!("is {} bytes; at most {MAX_PICTURE_BYTES} are accepted", metadata.len());
        return Err(Problem::new(Code::PictureSize, field, message));
    }
    read_at_most(&path, MAX_PICTURE_BYTES)
        .map_err(|error| unreadable(format!("`{name}` cannot be read: {error}")))
}

/// Where a picture lies: under its name, or under one that only spells its letters in another way, as
/// happens between file systems.
fn located(folder: &Path, name: &str) -> PathBuf {
    let exact = folder.join(name);
    if exact.exists() {
        return exact;
    }
    let mut found = folder.to_path_buf();
    for part in name.split('/') {
        let entries = fs::read_dir(&found).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let Some(same) = names.find(|other| is_same_name(other, part)) else { return exact };
        found.push(same);
    }
    found
}

fn read_at_most(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::BriefUnreadable, "", format!("`{}` cannot be read: {error}", path.display()))
}
