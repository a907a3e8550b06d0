//! The gate on any file: judged by a caged child process, because the file may be hostile.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_core::ports::video_backend::{GateCheck, GateReport};
use spotwright_media::worker::JobFile;
use spotwright_media::{Kind, Limits, Sandbox, decode_foreign, sniff};
use spotwright_schemas::placement::PlacementKind;

use super::sound::{self, Heard, LUFS};
use super::watch::{Sight, Watch};
use super::{Checks, container, labels, stillness};
use crate::error::Error;

/// Name of the work in the child.
pub(crate) const JOB: &str = "check";
/// Most characters of a measured value: the metadata of a file may be long.
const VALUE: usize = 400;

/// What the child is asked.
#[derive(Serialize, Deserialize)]
struct Question {
    placement: PlacementKind,
}

/// Checks any file against a placement, without a plan.
///
/// Checked: it decodes whole; H.264 in 4:2:0, in a profile that every player takes, with BT.709 tags and a
/// steady frame rate; size, shape, length, bytes and bit rate of the placement; sound that starts and ends
/// with the picture, at -14 LUFS ± 0.5 and at most -1 dBTP; no black, frozen or silent stretch; the metadata
/// label of AI-made content.
///
/// The file is opened here and read by one caged child of `sandbox`, whose program begins with
/// [`crate::worker::run_if_asked`]. A playlist, a manifest, a bomb, or a file that the child could not judge
/// within its bounds is a failed check `readable` that says why. Blocks while the child runs.
#[must_use]
pub fn check_file(sandbox: &Sandbox, file: &Path, placement: PlacementKind) -> GateReport {
    match sandbox.ask::<GateReport>(file, JOB, &Question { placement }) {
        Ok(caged) => GateReport::of(caged.value.answer.checks.into_iter().map(printable).collect()),
        Err(error) => {
            let mut checks = Checks::default();
            let why = format!("{error} ({}); {}", error.code(), error.advice());
            checks.add("readable", false, why, "an MP4 that decodes");
            checks.report()
        }
    }
}

/// The child's part.
pub(crate) fn job(file: &JobFile<'_>, question: &Value) -> Value {
    // A question or an answer without its form is an answer without its form, which fails the file.
    serde_json::from_value(question.clone())
        .and_then(|Question { placement }| {
            let report = check_here(file.file(), file.limits(), placement);
            // Metadata may be longer than an answer is taken.
            let checks = report.checks.into_iter().map(printable).collect();
            serde_json::to_value(GateReport::of(checks))
        })
        .unwrap_or_default()
}

/// Checks an opened file in this process.
fn check_here(file: &File, limits: &Limits, placement: PlacementKind) -> GateReport {
    let mut watch = Watch::new(None);
    let mut checks = Checks::default();
    let decoded = is_mp4(file, limits).and_then(|()| {
        let decoded = decode_foreign(file, &mut watch).map_err(Error::from);
        let decoded = decoded.and_then(|content| watch.finish().map(|()| content));
        decoded.map_err(|error| error.to_string())
    });
    match decoded {
        Ok((content, profile)) => {
            let heard = content
                .audio
                .as_ref()
                .map(|track| Heard::of(track, &watch.sound, watch.channels, watch.rate));
            let sights: Vec<&Sight> = watch.sights.iter().flatten().map(Arc::as_ref).collect();
            if let Some(video) = container::check(&mut checks, &content, profile, placement) {
                let whole = stillness::joined(sights.iter().map(|sight| &sight.whole));
                stillness::check(&mut checks, whole, None);
                sound::check(&mut checks, video, heard.as_ref(), LUFS, None);
            }
            labels::check_metadata(&mut checks, &content, None);
        }
        Err(why) => checks.add("readable", false, why, "an MP4 that decodes"),
    }
    checks.report()
}

/// Why a file is not decoded at all.
fn is_mp4(file: &File, limits: &Limits) -> Result<(), String> {
    let sniffed = sniff(file, limits).map_err(|refusal| refusal.to_string())?;
    match sniffed.kind {
        Kind::Mp4 => Ok(()),
        other => Err(format!("{other} and not MP4")),
    }
}

/// A check whose value may be printed on a terminal, whatever the file says of itself.
fn printable(check: GateCheck) -> GateCheck {
    let value: String = check.value.chars().filter(|c| !c.is_control()).take(VALUE).collect();
    GateCheck { value, ..check }
}
