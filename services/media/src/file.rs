//! Files that appear whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, format};

use crate::error::Error;

/// A file being written next to its final name.
pub(crate) struct Draft {
    temporary: tempfile::TempPath,
    target: PathBuf,
}

impl Draft {
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let temporary = tempfile::Builder::new()
            .prefix(".draft-")
            .suffix(".mp4")
            .tempfile_in(folder)
            .map_err(|source| Error::io(folder, source))?
            .into_temp_path();
        Ok(Self { temporary, target: target.to_path_buf() })
    }

    /// Opens the MP4 writer on the draft.
    pub(crate) fn muxer(&self) -> Result<Output, Error> {
        let path: &Path = &self.temporary;
        format::output_as(path, "mp4").map_err(|source| Error::codec("open the mp4 writer", source))
    }

    /// Makes the draft durable under its final name.
    pub(crate) fn publish(self) -> Result<(), Error> {
        let path: &Path = &self.temporary;
        let at = |source| Error::io(&self.target, source);
        File::open(path).and_then(|file| file.sync_all()).map_err(at)?;
        self.temporary.persist(&self.target).map_err(|failure| Error::io(&self.target, failure.error))?;
        if let Some(folder) = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)
                .and_then(|file| file.sync_all())
                .map_err(|source| Error::io(&self.target, source))?;
        }
        Ok(())
    }
}

/// Muxer options shared by every file: no dates or versions, index before the data.
pub(crate) fn muxer_options() -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("fflags", "+bitexact");
    // FFmpeg writes custom metadata keys into MP4 only with `use_metadata_tags`.
    options.set("movflags", "+faststart+use_metadata_tags");
    options
}
