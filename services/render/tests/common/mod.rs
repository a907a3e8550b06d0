//! Artifacts in a folder, storyboards and pictures for tests and the contact sheet.

use std::path::{Path, PathBuf};

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Color, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};

/// Artifacts as files named by hash.
pub(crate) struct FolderStore(pub(crate) PathBuf);

impl ArtifactStore for FolderStore {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        let hash = ArtifactHash::of(bytes);
        let mut draft = tempfile::NamedTempFile::new_in(&self.0)?;
        std::io::Write::write_all(&mut draft, bytes)?;
        draft.persist(self.0.join(hash.as_str())).map_err(|failure| failure.error)?;
        Ok(hash)
    }

    fn adopt(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        self.put(&std::fs::read(file)?)
    }

    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let bytes = std::fs::read(self.path(hash)?)?;
        if ArtifactHash::of(&bytes) == *hash { Ok(bytes) } else { Err(ArtifactError::Damaged(hash.clone())) }
    }

    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        let path = self.0.join(hash.as_str());
        if path.is_file() { Ok(path) } else { Err(ArtifactError::Missing(hash.clone())) }
    }
}

/// Caption, detail, button, brand, small print.
pub(crate) type Texts = [&'static str; 5];

/// A shot of `frames` frames.
pub(crate) fn shot(role: Role, layout: Layout, picture: &str, frames: u32, texts: Texts) -> Shot {
    let (motion, caption_motion) = match role {
        Role::Hook => (Motion::PushIn, CaptionMotion::SlideUp),
        Role::Body => (Motion::PanRight, CaptionMotion::Lines),
        Role::Proof => (Motion::PullOut, CaptionMotion::Grow),
        Role::Cta => (Motion::PushIn, CaptionMotion::SlideUp),
    };
    Shot {
        role,
        frames,
        layout,
        picture: picture.to_owned(),
        motion,
        caption: texts[0].to_owned(),
        detail: texts[1].to_owned(),
        footage: None,
        caption_motion,
        button: texts[2].to_owned(),
        brand: texts[3].to_owned(),
        disclaimer: texts[4].to_owned(),
        ai_label: true,
        overlays: Vec::new(),
        voice: None,
    }
}

/// A storyboard around shots.
pub(crate) fn board(
    locale: Locale,
    size: [u32; 2],
    fps: u32,
    colors: [&str; 2],
    shots: Vec<Shot>,
) -> Storyboard {
    let color = |text: &str| Color::parse(text).expect("a color");
    Storyboard {
        locale,
        size: FrameSize { width: size[0], height: size[1] },
        fps,
        palette: Palette { primary: color(colors[0]), accent: color(colors[1]) },
        style: VisualStyle::default(),
        packshots: Packshots::default(),
        placement: PlacementKind::SimulatedFeed,
        names: Vec::new(),
        shots,
        audio: Audio { seed: 11, tempo: 104, loudness_lufs: -14.0 },
    }
}
