//! Measuring: how the texts of a shot stand in its frame, told before anything is rendered.

use std::sync::Arc;

use spotwright_core::domain::revision::{SetText, SetTexts};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::fitting::Fitting;
use spotwright_schemas::storyboard::{Shot, Storyboard};

use crate::cache::Recent;
use crate::error::Error;
use crate::layout::{self, Build, Picture};
use crate::picture;
use crate::scene::{Scene, TextBox, TextKind};
use crate::text::Letters;

/// Pictures that are kept decoded: those of a brief or two.
const PICTURES: usize = 16;

/// Lays shots out as the studio does, with the pictures that they show, and draws nothing.
pub struct Measure {
    letters: Letters,
    store: Arc<dyn ArtifactStore>,
    pictures: Recent<String, Arc<Picture>>,
}

impl Measure {
    /// A measure with these fonts, of storyboards whose pictures lie in `store`.
    #[must_use]
    pub fn new(letters: Letters, store: Arc<dyn ArtifactStore>) -> Self {
        Self { letters, store, pictures: Recent::new(PICTURES) }
    }

    fn picture(&self, hash: &str, field: &str) -> Result<Arc<Picture>, Error> {
        let key = hash.to_owned();
        if let Some(picture) = self.pictures.get(&key) {
            return Ok(picture);
        }
        let bytes = self.store.get(&ArtifactHash(key.clone()))?;
        let decoded = picture::decode(&bytes, &format!("{field}.picture"))?.picture.into_rgb8();
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let picture = Arc::new(Picture::new(width, height, decoded.as_raw()));
        self.pictures.put(key, Arc::clone(&picture));
        Ok(picture)
    }

    fn scene(&self, board: &Storyboard, idx: usize) -> Result<Scene, Error> {
        let field = format!("shots[{idx}]");
        let shot =
            board.shots.get(idx).ok_or_else(|| Error::storyboard(field.as_str(), "there is no such shot"))?;
        let picture = self.picture(&shot.picture, &field)?;
        // Overlays leave the texts where they are.
        let bare = Shot { overlays: Vec::new(), ..shot.clone() };
        layout::build(&Build {
            board,
            size: board.size,
            shot: &bare,
            field: &field,
            picture,
            clip: None,
            overlays: &[],
            fonts: &self.letters.fonts,
        })
    }
}

impl Fitting for Measure {
    fn fit(&self, board: &Storyboard, shot: usize) -> SetTexts {
        match self.scene(board, shot) {
            Ok(scene) => SetTexts {
                caption: set(&scene.boxes, TextKind::Caption),
                detail: set(&scene.boxes, TextKind::Detail),
                fault: None,
            },
            Err(error) => {
                let fault = match error {
                    Error::Problem(problem) => problem.message,
                    other => other.to_string(),
                };
                SetTexts { fault: Some(fault), ..SetTexts::default() }
            }
        }
    }
}

/// The lines of one kind of text, which have a box each, and the frame around their ink.
fn set(boxes: &[TextBox], kind: TextKind) -> Option<SetText> {
    let own = boxes.iter().filter(|text| text.kind == kind).map(|text| text.rect);
    let lines = own.clone().count() as u32;
    let around = own.reduce(|a, b| {
        let (left, top) = (a[0].min(b[0]), a[1].min(b[1]));
        let right = (a[0] + a[2]).max(b[0] + b[2]);
        let bottom = (a[1] + a[3]).max(b[1] + b[3]);
        [left, top, right - left, bottom - top]
    });
    around.map(|ink| SetText { lines, ink })
}
