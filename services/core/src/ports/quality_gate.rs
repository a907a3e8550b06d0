//! The quality gate: who looks at a finished video before it is published.

use async_trait::async_trait;

use super::artifacts::ArtifactHash;
use super::video_backend::{Footage, FrameStatistics, GateReport, RenderRequest, Rendered};

/// What the gate found out about a stored file.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The verdict.
    pub report: GateReport,
    /// Statistics of the frames as they were decoded.
    pub statistics: FrameStatistics,
    /// A still of the video; `None` when it cannot be decoded.
    pub poster: Option<ArtifactHash>,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a file was not judged. A file that is bad is not an error but a failed check.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GateError {
    /// Try again later: the storage failed (retryable).
    #[error("the quality gate is unavailable: {0}")]
    Unavailable(String),
    /// The disk is full, which says nothing about the file (retryable for as long as it takes).
    #[error("no room on the disk: {0}")]
    NoRoom(String),
    /// The file can never be judged, or the verdict is none (permanent).
    #[error("not judged: {0}")]
    Impossible(String),
}

/// Judges finished videos.
///
/// Contract:
/// 1. What is judged is the stored file under its hash, decoded; nothing that its maker says of it.
/// 2. Equal files and requests give equal inspections.
/// 3. What cannot be measured is a failed check, never a passed one; a report without checks is none.
/// 4. A file that is missing or damaged is [`GateError::Impossible`].
#[async_trait]
pub trait QualityGate: Send + Sync {
    /// Judges the file that was made for `request`.
    ///
    /// # Errors
    /// [`GateError`].
    async fn inspect(&self, video: &ArtifactHash, request: &RenderRequest) -> Result<Inspection, GateError>;
}

/// Has the gate judge what a backend delivered. The finished render holds the gate's verdict, statistics
/// and still, whoever made the file.
///
/// # Errors
/// What the gate answers; [`GateError::Impossible`] when it checked nothing, or when there is no still of
/// the file.
pub async fn judge(
    gate: &dyn QualityGate,
    footage: Footage,
    request: &RenderRequest,
) -> Result<Rendered, GateError> {
    let Inspection { report, statistics, poster, bytes } = gate.inspect(&footage.artifact, request).await?;
    if report.checks.is_empty() {
        return Err(GateError::Impossible("the quality gate checked nothing".to_owned()));
    }
    let Some(poster) = poster else {
        let failed = report.checks.iter().filter(|check| !check.pass);
        let told: Vec<String> = failed.map(|check| format!("{}: {}", check.id, check.value)).collect();
        return Err(GateError::Impossible(format!("the video cannot be read: {}", told.join("; "))));
    };
    let Footage { artifact, frames, cost, .. } = footage;
    Ok(Rendered { artifact, poster, statistics, frames, bytes, gate: Some(report), cost })
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::event::RenderStage;
    use spotwright_schemas::locale::Locale;
    use spotwright_schemas::money::Micros;
    use spotwright_schemas::placement::PlacementKind;
    use spotwright_schemas::storyboard::{
        Audio, Color, FrameSize, Packshots, Palette, Storyboard, VisualStyle,
    };

    use super::super::video_backend::GateCheck;
    use super::*;

    /// A gate that answers what it was told to.
    struct Told(Inspection);

    #[async_trait]
    impl QualityGate for Told {
        async fn inspect(&self, _: &ArtifactHash, _: &RenderRequest) -> Result<Inspection, GateError> {
            Ok(self.0.clone())
        }
    }

    fn judged(checks: Vec<GateCheck>, poster: Option<ArtifactHash>) -> Result<Rendered, GateError> {
        let gray = Color { r: 9, g: 9, b: 9 };
        let storyboard = Storyboard {
            locale: Locale::EnUs,
            size: FrameSize { width: 720, height: 1280 },
            fps: 30,
            palette: Palette { primary: gray, accent: gray },
            style: VisualStyle::default(),
            packshots: Packshots::default(),
            placement: PlacementKind::SimulatedFeed,
            names: Vec::new(),
            shots: Vec::new(),
            audio: Audio { seed: 1, tempo: 100, loudness_lufs: -14.0 },
        };
        let request =
            RenderRequest { storyboard, stage: RenderStage::Final, produce_id: "variant".to_owned() };
        let footage = Footage {
            artifact: ArtifactHash::of(b"video"),
            frames: 60,
            bytes: 1,
            cost: Micros(7),
            poster: Some(ArtifactHash::of(b"the maker's still")),
            statistics: Some(FrameStatistics { brightness: 1.0, ..FrameStatistics::default() }),
        };
        let report = GateReport { pass: true, checks };
        let found = Inspection { report, statistics: FrameStatistics::default(), poster, bytes: 5 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(judge(&Told(found), footage, &request))
    }

    fn check(pass: bool) -> GateCheck {
        GateCheck { id: "frame_count".to_owned(), pass, value: "1".to_owned(), limit: "2".to_owned() }
    }

    #[test]
    fn a_report_without_checks_is_no_verdict() {
        let refused = judged(Vec::new(), Some(ArtifactHash::of(b"still")));
        assert!(matches!(refused, Err(GateError::Impossible(_))), "{refused:?}");
    }

    #[test]
    fn what_the_gate_measured_stands_and_not_what_the_maker_says() {
        let still = ArtifactHash::of(b"still");
        let rendered = judged(vec![check(true)], Some(still.clone())).expect("judged");
        assert_eq!((rendered.poster, rendered.bytes), (still, 5));
        assert_eq!(rendered.statistics, FrameStatistics::default());
        assert!(rendered.gate.is_some_and(|gate| gate.passes()));
    }

    #[test]
    fn a_file_without_a_picture_is_refused_with_what_failed() {
        let refused = judged(vec![check(false)], None).expect_err("no still");
        assert!(refused.to_string().contains("frame_count"), "{refused}");
    }
}
