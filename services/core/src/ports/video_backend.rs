//! Video backends: who turns a storyboard into a video. Who judges it stands in [`super::quality_gate`].

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::Storyboard;

use super::artifacts::ArtifactHash;
use super::letters::Letters;
use crate::spine::Shutdown;

/// Exact statistics of a video's frames and sound, computed from pixels and samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameStatistics {
    /// Mean luma, in [0, 1].
    pub brightness: f64,
    /// Mean over frames of the standard deviation of luma, in [0, 0.5].
    pub contrast: f64,
    /// Mean over frames of the mean chroma distance from gray, in [0, 1].
    pub saturation: f64,
    /// Mean absolute change of luma between neighboring sampled frames of one shot, per second, in [0, 1].
    pub motion: f64,
    /// Cuts per second.
    pub cut_rate: f64,
    /// Mean share of the frame covered by caption ink boxes, in [0, 1].
    pub text_area: f64,
    /// Mean luma of the first second, in [0, 1].
    pub opening_brightness: f64,
    /// Integrated loudness in LUFS; -70 where there is no sound yet (previews).
    pub loudness_lufs: f64,
}

/// One check of the quality gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateCheck {
    /// Stable name, e.g. `frame_count`.
    pub id: String,
    /// Whether it passed.
    pub pass: bool,
    /// What was measured.
    pub value: String,
    /// What was required.
    pub limit: String,
}

/// The quality gate's verdict on one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateReport {
    /// Whether every check passed.
    pub pass: bool,
    /// The checks.
    pub checks: Vec<GateCheck>,
}

impl GateReport {
    /// The verdict of these checks. Nothing checked is nothing passed.
    #[must_use]
    pub fn of(checks: Vec<GateCheck>) -> Self {
        Self { pass: !checks.is_empty() && checks.iter().all(|check| check.pass), checks }
    }

    /// Whether the file may be published: there are checks, and each of them passed. What the report says
    /// of itself is not enough.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.pass && Self::of(self.checks.clone()).pass
    }
}

/// A render that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// What to show. Pictures are artifacts named by hash.
    pub storyboard: Storyboard,
    /// Preview: key frames at one frame per second, small, without sound. Final: everything.
    pub stage: RenderStage,
    /// Id written into the metadata label of AI-made content; printable ASCII.
    pub produce_id: String,
}

/// What a backend hands over: a stored file and its price. Of a final video nothing else is taken from
/// the backend; the quality gate measures what is stored.
///
/// Results of earlier versions say more, which is not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Footage {
    /// The MP4.
    pub artifact: ArtifactHash,
    /// Number of video frames.
    pub frames: u32,
    /// Bytes of the MP4.
    pub bytes: u64,
    /// What the backend charged.
    pub cost: Micros,
    /// A JPEG or PNG still; needed of previews only.
    #[serde(default)]
    pub poster: Option<ArtifactHash>,
    /// Statistics of the frames; needed of previews only.
    #[serde(default)]
    pub statistics: Option<FrameStatistics>,
}

impl Footage {
    /// A preview as it is shown and scored. It is not published, so no gate looks at it.
    ///
    /// # Errors
    /// [`RenderError::Impossible`] when the still or the statistics are missing.
    pub fn into_preview(self) -> Result<Rendered, RenderError> {
        let (Some(poster), Some(statistics)) = (self.poster, self.statistics) else {
            return Err(RenderError::Impossible("the preview came without a still or statistics".to_owned()));
        };
        let Self { artifact, frames, bytes, cost, .. } = self;
        Ok(Rendered { artifact, poster, statistics, frames, bytes, gate: None, cost })
    }
}

/// A finished render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendered {
    /// The MP4.
    pub artifact: ArtifactHash,
    /// A JPEG or PNG still of it.
    pub poster: ArtifactHash,
    /// Statistics of the frames.
    pub statistics: FrameStatistics,
    /// Number of video frames.
    pub frames: u32,
    /// Bytes of the MP4.
    pub bytes: u64,
    /// Verdict of the quality gate; `None` for previews.
    pub gate: Option<GateReport>,
    /// What the backend charged.
    pub cost: Micros,
}

/// Why a render failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenderError {
    /// Try again later: full queue, provider error (retryable).
    #[error("render backend unavailable: {0}")]
    Unavailable(String),
    /// The disk is full, or descriptors or memory are used up, which says nothing about the request: the
    /// same render succeeds once there is room again (retryable for as long as it takes).
    #[error("no room: {0}")]
    NoRoom(String),
    /// The request can never be rendered (permanent).
    #[error("cannot be rendered: {0}")]
    Impossible(String),
    /// The caller asked to stop; nothing was charged (permanent).
    #[error("rendering was stopped")]
    Stopped,
}

/// Renders storyboards.
///
/// Contract:
/// 1. The same request gives the same bytes, or a backend that cannot promise this says so in
///    [`VideoBackend::repeatable`].
/// 2. `quote` is an upper bound of what one render is charged.
/// 3. `lookup` finds every render that was charged under the key, also after a crash of either
///    side; a render that was found is not rendered or charged again.
/// 4. A failed render leaves no artifact that is not whole.
/// 5. As [`Letters`] it tells which characters it cannot draw, before it is asked to render them.
/// 6. A render that is told to stop ends at its next frame with [`RenderError::Stopped`], without having
///    been charged, or goes on to its end: what is charged is delivered.
#[async_trait]
pub trait VideoBackend: Letters {
    /// The backend's name, e.g. `studio`.
    fn name(&self) -> &str;

    /// Whether equal requests give equal bytes.
    fn repeatable(&self) -> bool;

    /// The most that rendering may cost.
    fn quote(&self, request: &RenderRequest) -> Micros;

    /// What became of an earlier render with this key.
    ///
    /// # Errors
    /// [`RenderError::Unavailable`] when it cannot be told.
    async fn lookup(&self, idempotency_key: &str) -> Result<Option<Footage>, RenderError>;

    /// Renders.
    ///
    /// # Errors
    /// [`RenderError`].
    async fn render(
        &self,
        request: &RenderRequest,
        idempotency_key: &str,
        stop: &Shutdown,
    ) -> Result<Footage, RenderError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pass: bool) -> GateCheck {
        GateCheck { id: "frame_count".to_owned(), pass, value: "1".to_owned(), limit: "1".to_owned() }
    }

    #[test]
    fn a_report_passes_by_its_checks_and_not_by_its_word() {
        assert!(GateReport::of(vec![check(true), check(true)]).passes());
        assert!(!GateReport::of(vec![check(true), check(false)]).passes());
        assert!(!GateReport::of(Vec::new()).passes());
        for checks in [Vec::new(), vec![check(false)]] {
            assert!(!GateReport { pass: true, checks }.passes());
        }
        assert!(!GateReport { pass: false, checks: vec![check(true)] }.passes());
    }

    #[test]
    fn a_result_of_an_earlier_version_is_read_without_its_verdict() {
        let before = Rendered {
            artifact: ArtifactHash::of(b"video"),
            poster: ArtifactHash::of(b"still"),
            statistics: FrameStatistics::default(),
            frames: 60,
            bytes: 5,
            gate: Some(GateReport { pass: true, checks: Vec::new() }),
            cost: Micros(7),
        };
        let footage: Footage =
            serde_json::from_value(serde_json::json!(before)).expect("the fields it has are enough");
        assert_eq!((footage.artifact.clone(), footage.cost), (before.artifact, Micros(7)));
        assert_eq!(footage.into_preview().map(|preview| preview.gate).ok(), Some(None));
    }
}
