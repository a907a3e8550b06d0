//! The gallery: every layout in every style, in both languages and four shapes, with photographs, with products
//! on white, and without a picture, to be looked at.

mod page;
mod stand_ins;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::RgbImage;
use image::imageops::{self, FilterType};
use serde::Serialize;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Color, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};
use spotwright_schemas::storyboard_file::{Aspect, Backdrop};

use crate::error::Error;
use crate::layout::Picture;
use crate::studio::Studio;
use crate::{backdrop, picture};

/// Frames per second and length of the shots that are drawn, and the frame that is shown: all texts are at rest.
const FPS: u32 = 30;
const FRAMES: u32 = 90;
const SHOWN: u32 = 84;
/// Layouts side by side on a sheet.
const COLUMNS: u32 = 7;
/// Longer side of a layout on a sheet, in pixels.
const SMALL: u32 = 426;
/// Colors of each style's brand: primary and accent.
const PALETTES: [[&str; 2]; 6] = [
    ["#1F3A5F", "#F2B544"],
    ["#C8102E", "#FFC72C"],
    ["#3B2417", "#C9A36A"],
    ["#2B6CB0", "#FF8FA3"],
    ["#0F766E", "#38E1C6"],
    ["#4A5240", "#B5452C"],
];

/// What a picture of the gallery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A photograph.
    Photograph,
    /// A product on a plain ground, which is cut out.
    Packshot,
    /// A drawn background: there is no picture.
    None,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Photograph, Self::Packshot, Self::None];

    /// The kind as a part of file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Photograph => "photograph",
            Self::Packshot => "packshot",
            Self::None => "none",
        }
    }
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Options {
    /// Languages.
    pub locales: Vec<Locale>,
    /// Shapes.
    pub aspects: Vec<Aspect>,
    /// Styles.
    pub styles: Vec<VisualStyle>,
    /// Layouts.
    pub layouts: Vec<Layout>,
    /// Imported pictures as PNG, used in turn. Those that can be cut out stand for packshots, the others for
    /// photographs; where there is none of a kind, a drawn stand-in shows it.
    pub pictures: Vec<Vec<u8>>,
}

/// What was drawn.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The page with everything on it.
    pub index: PathBuf,
    /// Contact sheets.
    pub sheets: Vec<PathBuf>,
    /// Single frames.
    pub frames: usize,
    /// Layouts that could not be drawn, and why.
    pub refused: Vec<String>,
    /// Kinds of pictures that stand-ins show, drawn by the program.
    pub stand_ins: Vec<Kind>,
}

/// One sheet: one style in one language and shape with one kind of picture.
#[derive(Debug, Clone, Copy)]
struct Sheet {
    locale: Locale,
    aspect: Aspect,
    kind: Kind,
    style: VisualStyle,
}

impl Sheet {
    fn name(&self) -> String {
        let style = word(&self.style);
        format!("{}-{}-{}-{style}", self.locale.tag(), self.aspect.file_part(), self.kind.as_str())
    }
}

/// The word of an enum as storyboards write it.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Draws the gallery into `out`: `index.html`, a contact sheet for each style, language, shape and kind of
/// picture, and every single frame. Uses all processors.
///
/// # Errors
/// [`Error`] for files that cannot be written and pictures that cannot be read; a layout that refuses its texts
/// is counted in the report.
pub fn draw(
    studio: &Studio,
    store: &dyn ArtifactStore,
    options: &Options,
    out: &Path,
) -> Result<Report, Error> {
    std::fs::create_dir_all(out.join("frames"))?;
    let mut stand_ins = Vec::new();
    let mut shown = Vec::new();
    for kind in Kind::ALL {
        shown.push((kind, pictures_of(kind, store, options, &mut stand_ins)?));
    }
    let mut sheets = Vec::new();
    for &locale in &options.locales {
        for &aspect in &options.aspects {
            for kind in Kind::ALL {
                sheets.extend(options.styles.iter().map(|&style| Sheet { locale, aspect, kind, style }));
            }
        }
    }
    let (next, refused) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<(), Error> {
        while let Some(sheet) = sheets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let pictures = shown.iter().find(|(kind, _)| *kind == sheet.kind).map(|(_, found)| found);
            let faults = draw_sheet(studio, sheet, options, pictures.map_or(&[][..], Vec::as_slice), out)?;
            refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(faults);
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(sheets.len().max(1));
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(Error::Compositing("a thread ended early".to_owned())))
        })
    })?;
    let mut refused = refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    refused.sort();
    let index = out.join("index.html");
    std::fs::write(&index, page::html(&sheets, &options.layouts, &stand_ins, &refused))?;
    let frames = sheets.len() * options.layouts.len() - refused.len();
    let sheets = sheets.iter().map(|sheet| out.join(format!("{}.png", sheet.name()))).collect();
    Ok(Report { index, sheets, frames, refused, stand_ins })
}

/// Stores the pictures of a kind and answers their hashes.
fn pictures_of(
    kind: Kind,
    store: &dyn ArtifactStore,
    options: &Options,
    stand_ins: &mut Vec<Kind>,
) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    if kind == Kind::None {
        let size = FrameSize { width: 720, height: 1280 };
        for colors in PALETTES {
            let palette = Palette { primary: color(colors[0]), accent: color(colors[1]) };
            for which in Backdrop::ALL {
                found.push(store.put(&backdrop::draw(which, palette, size)?)?.0);
            }
        }
        return Ok(found);
    }
    for (idx, png) in options.pictures.iter().enumerate() {
        let rgb = picture::decode(png, &format!("pictures[{idx}]"))?.picture.into_rgb8();
        let seen = Picture::new(rgb.width() as usize, rgb.height() as usize, rgb.as_raw());
        if seen.cutout().is_some() == (kind == Kind::Packshot) {
            found.push(store.put(png)?.0);
        }
    }
    if found.is_empty() {
        stand_ins.push(kind);
        for png in stand_ins::draw(kind)? {
            found.push(store.put(&png)?.0);
        }
    }
    Ok(found)
}

/// Draws a sheet and its single frames; answers what could not be drawn.
fn draw_sheet(
    studio: &Studio,
    sheet: &Sheet,
    options: &Options,
    pictures: &[String],
    out: &Path,
) -> Result<Vec<String>, Error> {
    let mut refused = Vec::new();
    // Backgrounds are drawn in the colors of each style's brand.
    let place = VisualStyle::ALL.iter().position(|style| *style == sheet.style).unwrap_or(0);
    let pictures = match sheet.kind {
        Kind::None => pictures.chunks(Backdrop::ALL.len()).nth(place).unwrap_or(pictures),
        Kind::Photograph | Kind::Packshot => pictures,
    };
    let size = sheet.aspect.size();
    let longer = size.width.max(size.height);
    let small = FrameSize { width: size.width * SMALL / longer, height: size.height * SMALL / longer };
    let rows = (options.layouts.len() as u32).div_ceil(COLUMNS);
    let columns = COLUMNS.min(options.layouts.len() as u32);
    let mut all = RgbImage::new(small.width * columns, small.height * rows);
    for (idx, &layout) in options.layouts.iter().enumerate() {
        let Some(picture) = pictures.get(idx % pictures.len().max(1)) else { continue };
        let board = board(sheet, layout, picture);
        let name = format!("{}-{}", sheet.name(), word(&layout));
        let rgb = match studio.frame(&board, 0, SHOWN, size) {
            Ok(rgb) => rgb,
            Err(error) => {
                refused.push(format!("{name}: {error}"));
                continue;
            }
        };
        let Some(frame) = RgbImage::from_raw(size.width, size.height, rgb) else { continue };
        save(&frame, &out.join("frames").join(format!("{name}.png")))?;
        let seen = imageops::resize(&frame, small.width, small.height, FilterType::Triangle);
        let (x, y) = (idx as u32 % COLUMNS * small.width, idx as u32 / COLUMNS * small.height);
        imageops::replace(&mut all, &seen, i64::from(x), i64::from(y));
    }
    save(&all, &out.join(format!("{}.png", sheet.name())))?;
    Ok(refused)
}

fn save(picture: &RgbImage, file: &Path) -> Result<(), Error> {
    picture.save(file).map_err(|error| Error::Compositing(format!("{}: {error}", file.display())))
}

fn color(text: &str) -> Color {
    Color::parse(text).unwrap_or(Color { r: 31, g: 58, b: 95 })
}

/// A storyboard of one shot.
fn board(sheet: &Sheet, layout: Layout, picture: &str) -> Storyboard {
    let words = words::of(sheet.locale, layout);
    let place = VisualStyle::ALL.iter().position(|style| *style == sheet.style).unwrap_or(0);
    let shot = Shot {
        role: words.role,
        frames: FRAMES,
        layout,
        picture: picture.to_owned(),
        motion: Motion::PushIn,
        caption: words.caption.to_owned(),
        detail: words.detail.to_owned(),
        footage: None,
        caption_motion: CaptionMotion::SlideUp,
        button: words.button.to_owned(),
        brand: words.brand.to_owned(),
        disclaimer: words.disclaimer.to_owned(),
        ai_label: words.role == Role::Hook,
        overlays: Vec::new(),
        voice: None,
    };
    Storyboard {
        locale: sheet.locale,
        size: sheet.aspect.size(),
        fps: FPS,
        palette: Palette { primary: color(PALETTES[place][0]), accent: color(PALETTES[place][1]) },
        style: sheet.style,
        packshots: Packshots::OnScenes,
        placement: PlacementKind::SimulatedFeed,
        names: vec![words.brand.to_owned()],
        shots: vec![shot],
        audio: Audio { seed: 1, tempo: 104, loudness_lufs: -14.0 },
    }
}
