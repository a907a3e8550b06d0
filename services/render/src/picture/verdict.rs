//! Whether a picture makes a video that passes the quality gate, told before anything is rendered.

use std::sync::Arc;

use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};

use super::ImportedPicture;
use crate::error::Error;
use crate::gate::{FROZEN, is_black};
use crate::layout::{self, Build, Picture};
use crate::pixels::Raster;
use crate::scene::Brush;
use crate::text::Letters;

/// Why a dark picture is not used.
pub const NEARLY_BLACK: &str = "it is nearly black; a lighter picture is needed";
/// Why a picture without content is not used.
pub const FLAT: &str = "it is one flat color, or nearly so: a video of it would look frozen";

/// Most that one side of a picture may be longer than the other.
const LONGEST: u32 = 8;
/// Where the picture is tried: a quarter of the pixels of a usual final.
const SIZE: FrameSize = FrameSize { width: 360, height: 640 };
const FPS: u32 = 30;
/// Frames of a shot as short as they get.
const FRAMES: u32 = 75;
/// Changes are compared at this many times the gate's limit: encoding takes the faintest away.
const MARGIN: f64 = 3.0;
/// What is looked at: each layout, and the posters of opening and proof, which differ.
const TRIED: [(Layout, Role); 4] = [
    (Layout::FullBleed, Role::Hook),
    (Layout::Card, Role::Body),
    (Layout::Poster, Role::Hook),
    (Layout::Poster, Role::Proof),
];

/// Why the picture would not make a video that passes the gate, in words for the person who gave it;
/// `None` when it would. About 0.2 s of processor time.
///
/// Every layout is drawn without texts, as the studio would draw it in the brand's colors, and
/// measured as the gate measures: what does not change for a second is frozen, what is dark all over
/// is black.
///
/// # Errors
/// [`Error`] when the picture cannot be laid out, which is a defect.
pub fn unusable(
    picture: &ImportedPicture,
    palette: Palette,
    letters: &Letters,
) -> Result<Option<String>, Error> {
    let (short, long) = (picture.width.min(picture.height), picture.width.max(picture.height));
    if long > short * LONGEST {
        return Ok(Some(format!(
            "its sides are {long} to {short} pixels; at most {LONGEST} to 1 shows anything in a vertical video"
        )));
    }
    let rgb = super::decode(&picture.png, "picture")?.picture.into_rgb8();
    let decoded = Picture::new(rgb.width() as usize, rgb.height() as usize, rgb.as_raw());
    let decoded = Arc::new(decoded);
    let tried = TRIED.iter().flat_map(|(layout, role)| {
        // What pans past stripes and what grows out of them are different changes.
        [Motion::PushIn, Motion::PanRight].map(|motion| (*layout, *role, motion))
    });
    for (layout, role, motion) in tried {
        let board = board(palette, layout, role, motion);
        let input = Build {
            board: &board,
            size: SIZE,
            shot: &board.shots[0],
            field: "shots[0]",
            picture: Arc::clone(&decoded),
            overlays: &[],
            clip: None,
            fonts: &letters.fonts,
        };
        let scene = layout::build(&input)?;
        let mut brush = Brush::new(SIZE.width as usize, SIZE.height as usize);
        let mut before: Option<Vec<u8>> = None;
        let mut still = 0;
        for frame in (0..FRAMES).step_by(FPS as usize / 2) {
            scene.draw(frame, &mut brush)?;
            let luma = thumb(&brush.canvas);
            if is_black(&luma) {
                return Ok(Some(NEARLY_BLACK.to_owned()));
            }
            if let Some(before) = &before {
                let change: u64 = before.iter().zip(&luma).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                let frozen = (change as f64 / luma.len().max(1) as f64) < FROZEN * MARGIN;
                still = if frozen { still + 1 } else { 0 };
                // Three half seconds: longer than the gate lets a picture stand.
                if still > 2 {
                    return Ok(Some(FLAT.to_owned()));
                }
            }
            before = Some(luma);
        }
    }
    Ok(None)
}

/// Luma in the range of video, of every third pixel of every third row.
fn thumb(canvas: &Raster) -> Vec<u8> {
    let mut luma = Vec::with_capacity(canvas.width * canvas.height / 9);
    for row in (0..canvas.height).step_by(3) {
        for column in (0..canvas.width).step_by(3) {
            let [r, g, b, _] = canvas.pixel(column, row);
            let full = f64::from(r) * 0.2126 + f64::from(g) * 0.7152 + f64::from(b) * 0.0722;
            luma.push((16.0 + full * 219.0 / 255.0).round() as u8);
        }
    }
    luma
}

fn board(palette: Palette, layout: Layout, role: Role, motion: Motion) -> Storyboard {
    let shot = Shot {
        role,
        frames: FRAMES,
        layout,
        picture: String::new(),
        motion,
        caption: String::new(),
        detail: String::new(),
        footage: None,
        caption_motion: CaptionMotion::SlideUp,
        button: String::new(),
        brand: String::new(),
        disclaimer: String::new(),
        ai_label: false,
        overlays: Vec::new(),
        voice: None,
    };
    Storyboard {
        locale: Locale::EnUs,
        size: SIZE,
        fps: FPS,
        palette,
        style: VisualStyle::default(),
        packshots: Packshots::default(),
        placement: PlacementKind::SimulatedFeed,
        names: Vec::new(),
        shots: vec![shot],
        audio: Audio { seed: 0, tempo: 90, loudness_lufs: -14.0 },
    }
}
