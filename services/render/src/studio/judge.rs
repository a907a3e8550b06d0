//! The gate over a storyboard, and the product in clips.

use std::path::Path;

use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::fidelity::FidelityReport;
use spotwright_core::ports::provenance::{ProvenanceError, Statement};
use spotwright_core::ports::video_backend::{GateCheck, GateReport};
use spotwright_media::{ClipReader, Yuv420};
use spotwright_schemas::storyboard::{Footage, Storyboard};

use super::Inner;
use crate::error::Error;
use crate::fidelity::{self, Still};
use crate::gate::{self, Plan, Verdict};
use crate::picture;
use crate::speech;

/// Frames of a clip in which the product is looked for: at equal distances, each in the middle of its part.
const LOOKED_AT: u32 = 6;

/// The check of a signed statement: there, valid, and of this produce id.
fn statement(read: Result<Statement, ProvenanceError>, produce_id: Option<&str>) -> GateCheck {
    let (pass, value) = match read {
        Ok(statement) => (
            produce_id.is_none_or(|id| statement.produce_id == id),
            format!("of {}, signed by {}", statement.produce_id, statement.signer),
        ),
        Err(error) => (false, error.to_string()),
    };
    let limit = produce_id.map_or_else(|| "valid".to_owned(), |id| format!("valid, of {id}"));
    GateCheck { id: "provenance".to_owned(), pass, value, limit }
}

impl Inner {
    /// Judges a file against its storyboard.
    pub(super) fn verdict(
        &self,
        file: &Path,
        board: &Storyboard,
        produce_id: Option<&str>,
        still: u32,
    ) -> Result<Verdict, Error> {
        let shots = self.plans(board)?;
        let mut products = Vec::new();
        for (idx, shot) in board.shots.iter().enumerate() {
            let Some(Footage::Clip { clip, start_frame, product }) = &shot.footage else { continue };
            if product.is_empty() {
                continue;
            }
            let references: Vec<ArtifactHash> = product.iter().cloned().map(ArtifactHash).collect();
            let clip = ArtifactHash(clip.clone());
            products.push((idx, self.fidelity(&clip, &references, *start_frame, shot.frames)?));
        }
        let compose = |idx: usize| -> Result<Vec<(u32, Yuv420)>, Error> { self.compose(board, idx) };
        let sound = self.envelope(board)?;
        let spoken: Vec<[f64; 2]> = speech::places(board).into_iter().map(|(_, seconds)| seconds).collect();
        let plan = Plan {
            board,
            shots: &shots,
            produce_id,
            still,
            compose: &compose,
            sound: &sound,
            spoken: &spoken,
            fidelity: &products,
        };
        let mut verdict = gate::check_plan(file, &plan, &self.memory)?;
        if let Some(provenance) = &self.provenance {
            let mut checks = std::mem::take(&mut verdict.report.checks);
            checks.push(statement(provenance.read(file), produce_id));
            verdict.report = GateReport::of(checks);
        }
        Ok(verdict)
    }

    /// Compares the product in `frames` frames of a clip from `start` on with its pictures; once for each.
    pub(super) fn fidelity(
        &self,
        clip: &ArtifactHash,
        references: &[ArtifactHash],
        start: u32,
        frames: u32,
    ) -> Result<FidelityReport, Error> {
        let names: Vec<&str> = references.iter().map(ArtifactHash::as_str).collect();
        let key = format!("{clip} {start} {frames} {}", names.join(" "));
        if let Some(report) = self.compared.get(&key) {
            return Ok(report);
        }
        let mut stills = Vec::with_capacity(references.len());
        for reference in references {
            let bytes = self.store.get(reference)?;
            let decoded = picture::decode(&bytes, "references")?.picture.into_rgb8();
            let (width, height) = (decoded.width() as usize, decoded.height() as usize);
            let still = Still::new(width, height, decoded.into_raw());
            stills.extend(still);
        }
        let mut reader = ClipReader::open(&self.store.path(clip)?, clip.as_str())?;
        let shown = if frames == u32::MAX { reader.frames().saturating_sub(start) } else { frames };
        let (width, height) = reader.size();
        let parts = LOOKED_AT.min(shown);
        let mut frames = Vec::with_capacity(parts as usize);
        for part in 0..parts {
            let middle = u64::from(shown) * u64::from(2 * part + 1) / u64::from(2 * parts);
            let number = start.saturating_add(middle as u32);
            let still = Still::new(width as usize, height as usize, reader.rgb(number)?);
            frames.extend(still.map(|still| (number, still)));
        }
        let report = fidelity::compare(&frames, &stills);
        self.compared.put(key, report.clone());
        Ok(report)
    }
}
