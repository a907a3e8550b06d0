//! Reading a brief and its pictures from disk, before anything is written.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use spotwright_core::domain::copy_rules::terms;
use spotwright_core::ports::letters::check_brief;
use spotwright_render::Letters;
use spotwright_render::picture::{self, ImportedPicture, PictureImport};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::{Brief, MAX_BRIEF_BYTES, is_same_name};
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::Palette;

use crate::config::Config;
use crate::sandbox;

/// Largest accepted picture file in bytes.
const MAX_PICTURE_BYTES: u64 = 20_000_000;

/// A brief that can be worked on.
#[derive(Debug)]
pub struct LoadedBrief {
    /// The validated brief.
    pub brief: Brief,
    /// Its usable pictures, re-encoded, in the brief's order; at least one.
    pub pictures: Vec<ImportedPicture>,
    /// What the person should know, though it stops nothing, each with its field.
    pub warnings: Vec<Problem>,
}

/// As [`load_with`], with the fonts of this machine and the configured sandbox for pictures.
///
/// # Errors
/// As [`load_with`] and [`sandbox::pictures`]; [`Code::Prerequisite`] when the fonts are not installed.
pub fn load(path: &Path, config: &Config) -> Result<LoadedBrief, Problem> {
    load_with(path, &Letters::load(&[])?, &sandbox::pictures(&config.sandbox)?)
}

/// Reads and checks the brief at `path`, every picture it names, and whether `letters` can draw what
/// it says.
///
/// Nothing is written beside the scratch files of `pictures`, which decodes every picture in a caged child
/// process. At most the accepted number of bytes is read of any file. Pictures that would
/// not pass the quality gate are left out with a warning as long as another one is there.
///
/// # Errors
/// The problem of the first field that is wrong; codes SW01xx and SW02xx.
pub fn load_with(path: &Path, letters: &Letters, pictures: &PictureImport) -> Result<LoadedBrief, Problem> {
    let brief = parse(path)?;
    terms::expect_sayable(&brief)?;
    check_brief(letters, &brief)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(|error| unreadable(path, &error))?;
    let mut loaded = LoadedBrief { brief, pictures: Vec::new(), warnings: Vec::new() };
    for (idx, named) in loaded.brief.product.pictures.iter().enumerate() {
        let field = format!("product.pictures[{idx}].file");
        let bytes = read_picture(&folder, &named.file, &field)?;
        let imported = pictures.import(&bytes, &field)?;
        let colors = loaded.brief.brand.colors;
        let palette = Palette { primary: colors.primary, accent: colors.accent };
        let verdict = picture::unusable(&imported, palette, letters)
            .map_err(|error| Problem::new(Code::Render, &field, error.to_string()))?;
        if let Some(reason) = verdict {
            let message = format!("`{}` is left out: {reason}", named.file);
            loaded.warnings.push(Problem::new(Code::PictureUnusable, &field, message));
        } else {
            let told = imported.remarks.iter().map(|remark| format!("`{}`: {remark}", named.file));
            let told = told.map(|message| Problem::new(Code::PictureAdjusted, &field, message));
            loaded.warnings.extend(told);
            loaded.pictures.push(imported);
        }
    }
    if loaded.pictures.is_empty() {
        let reasons: Vec<&str> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
        let message = format!("no picture can be used: {}", reasons.join("; "));
        return Err(Problem::new(Code::PictureUnusable, "product.pictures", message));
    }
    Ok(loaded)
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
