//! The files of a request, read from the artifact store before it is sent.

use std::collections::HashMap;
use std::sync::Arc;

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind, ClipRequest, ClipTask, ReferenceKind};

use crate::media::{Kind, picture_size};
use crate::words::refuse;

/// Largest file that is read for a request, in bytes.
const MAX_FILE_BYTES: usize = 256 << 20;

/// Bytes by hash.
#[derive(Debug, Default)]
pub(crate) struct Files(HashMap<ArtifactHash, Vec<u8>>);

/// A picture that was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) kind: Kind,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Which pictures a provider takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PictureRules {
    pub(crate) max_bytes: usize,
    pub(crate) min_side: u32,
    /// The longer side at most this many times the shorter one, in tenths.
    pub(crate) max_ratio_tenths: u32,
}

impl Files {
    /// Reads pictures, masks and sounds of a request, and its reference clips where `clips` says so. Blocks;
    /// takes as long as reading the files does.
    pub(crate) fn load(
        store: &dyn ArtifactStore,
        request: &ClipRequest,
        clips: bool,
    ) -> Result<Self, ClipError> {
        let mut wanted: Vec<&ArtifactHash> = request.first_frame.iter().chain(&request.last_frame).collect();
        let is_read = |kind| kind == ReferenceKind::Picture || clips;
        let references = request.references.iter().filter(|reference| is_read(reference.kind));
        wanted.extend(references.map(|reference| &reference.artifact));
        match &request.task {
            ClipTask::MotionBrush { parts } => wanted.extend(parts.iter().map(|part| &part.mask)),
            ClipTask::LipSync { sound, .. } => wanted.push(sound),
            _ => {}
        }
        let mut files = HashMap::new();
        for hash in wanted {
            if !files.contains_key(hash) {
                files.insert(hash.clone(), read(store, hash)?);
            }
        }
        Ok(Self(files))
    }

    /// The same without blocking the caller's thread.
    pub(crate) async fn load_async(
        store: &Arc<dyn ArtifactStore>,
        request: &ClipRequest,
        clips: bool,
    ) -> Result<Self, ClipError> {
        let (store, request) = (store.clone(), request.clone());
        let loaded = tokio::task::spawn_blocking(move || Self::load(&*store, &request, clips)).await;
        loaded.unwrap_or_else(|_| {
            Err(ClipError::new(ClipErrorKind::Unavailable, "reading the files of the request was ended"))
        })
    }

    pub(crate) fn bytes(&self, hash: &ArtifactHash) -> Result<&[u8], ClipError> {
        let bytes = self.0.get(hash).map(Vec::as_slice);
        bytes.ok_or_else(|| refuse(format!("the file {hash} is not part of the request")))
    }

    /// A picture within the rules; `what` names it in the refusal.
    pub(crate) fn picture(
        &self,
        what: &str,
        hash: &ArtifactHash,
        rules: PictureRules,
    ) -> Result<Picture<'_>, ClipError> {
        let bytes = self.bytes(hash)?;
        let kind = Kind::of(bytes).filter(|kind| matches!(kind, Kind::Png | Kind::Jpeg));
        let size = picture_size(bytes);
        let (Some(kind), Some((width, height))) = (kind, size) else {
            return Err(refuse(format!("{what} is neither PNG nor JPEG")));
        };
        if bytes.len() > rules.max_bytes {
            let (has, most) = (bytes.len(), rules.max_bytes);
            return Err(refuse(format!("{what} has {has} bytes, and at most {most} are taken")));
        }
        let (short, long) = (width.min(height), width.max(height));
        if short < rules.min_side {
            let least = rules.min_side;
            return Err(refuse(format!(
                "{what} is {width}×{height}, and each side must have at least {least} pixels"
            )));
        }
        if u64::from(long) * 10 > u64::from(short) * u64::from(rules.max_ratio_tenths) {
            let ratio = f64::from(rules.max_ratio_tenths) / 10.0;
            return Err(refuse(format!(
                "{what} is {width}×{height}, and one side may be at most {ratio} times the other"
            )));
        }
        Ok(Picture { bytes, kind, width, height })
    }
}

fn read(store: &dyn ArtifactStore, hash: &ArtifactHash) -> Result<Vec<u8>, ClipError> {
    let bytes = store.get(hash).map_err(|error| {
        let kind = match error {
            ArtifactError::Missing(_) | ArtifactError::Damaged(_) => ClipErrorKind::BadRequest,
            ArtifactError::Io(_) => ClipErrorKind::Unavailable,
        };
        ClipError::new(kind, format!("a file of the request cannot be read: {error}"))
    })?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(refuse(format!("the file {hash} has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}
