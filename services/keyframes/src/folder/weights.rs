//! Files of weights: which of the known names is there, and whether the file ends where its header says.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::wrong;
use crate::options::OptionsError;

/// Largest header in bytes; that of the largest published part of the family has some 100,000.
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Largest file in bytes.
const MAX_FILE_BYTES: u64 = 16 << 30;

/// The weights of a part of the model.
pub(super) fn find(folder: &Path, part: &str, names: [&str; 2]) -> Result<PathBuf, OptionsError> {
    let found = names.iter().find(|name| folder.join(part).join(name).is_file());
    let Some(name) = found else {
        let message = format!("holds neither {} nor {}; other formats are not read", names[0], names[1]);
        return Err(wrong(part, message));
    };
    let path = folder.join(part).join(name);
    check(&path).map_err(|message| wrong(format!("{part}/{name}"), message))?;
    Ok(path)
}

/// Whether the file is whole: 8 bytes with the length of a JSON header, the header, and what it lists.
///
/// # Source
/// The safetensors format, README of `huggingface/safetensors`.
fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("has {size} bytes, and at most {MAX_FILE_BYTES} are read"));
    }
    let mut length = [0_u8; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES.min(size) {
        return Err("is no safetensors file".to_owned());
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).map_err(unreadable)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| "is no safetensors file".to_owned())?;
    let ends = header.as_object().into_iter().flatten().filter(|(name, _)| *name != "__metadata__");
    let end = ends.filter_map(|(_, tensor)| tensor["data_offsets"][1].as_u64()).max().unwrap_or_default();
    let expected = end.saturating_add(8 + length);
    if size == expected {
        return Ok(());
    }
    Err(format!("has {size} bytes and should have {expected}: it is not whole"))
}
