//! The layouts: where picture, texts and ornaments stand, and how they come in.
//!
//! A layout stands differently in a proof shot than in an opening, so that neighboring shots of one
//! video never look alike. In the opening the caption can be read from the first frame on, since
//! players show that frame before anybody presses play.
//!
//! Every length is a multiple of one unit, 1/720 of the width or 1/1280 of the height, whichever is
//! smaller, so that previews and finals show the same picture. Texts stay inside the placement's
//! safe zone and 6 % away from the sides.

mod bare;
mod field;
pub(crate) mod grounds;
mod header;
mod lettering;
mod on_brand;
mod on_picture;
mod overlays;
mod picture;
mod plates;
mod product;
mod shapes;
mod stack;
mod timing;
mod windows;
mod words;

use std::sync::Arc;

use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    CaptionMotion, Color, FrameSize, Layout, Shot, Storyboard, VisualStyle,
};

pub(crate) use overlays::{OverlayPictures, with_transparency};
pub(crate) use picture::Picture;

use crate::error::Error;
use crate::footage::ClipLook;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Scene, Sprite, TextBox, TextKind, Window};
use crate::text::{Block, Fonts, Style};
use crate::transition::{self, Transition};

const WHITE: Color = Color { r: 255, g: 255, b: 255 };
const BLACK: Color = Color { r: 0, g: 0, b: 0 };
/// Length of a text's entrance in seconds.
const ENTRANCE: f64 = 0.44;
/// When a caption begins to come behind a cut, in seconds: so much before it that it can be read as soon as
/// what covers the cut is gone.
const CUT: f64 = -0.14;
/// Length of a word's entrance that follows the voice.
const WORD: f64 = 0.26;
/// How much larger the type of a flat frame is than its height alone would have it.
const FLAT: f64 = 1.35;
/// Share of the safe width that texts have in a wide frame with a picture beside them.
const COLUMN: f64 = 0.47;
/// Least width, as a share of the height, of a frame in which texts and a window stand side by side.
const SQUARE: f64 = 0.95;
/// Brightest gray that text grounds over pictures are darkened to; white on it has 5.4:1.
const GROUND: f64 = 105.0;

/// What a shot is built from.
pub(crate) struct Build<'a> {
    pub(crate) board: &'a Storyboard,
    /// Frame size to draw in; smaller than the storyboard's for previews.
    pub(crate) size: FrameSize,
    pub(crate) shot: &'a Shot,
    /// Path of the shot in the storyboard, e.g. `shots[2]`.
    pub(crate) field: &'a str,
    pub(crate) picture: Arc<Picture>,
    /// The clip that is shown in the picture's place; `picture` is its middle frame then.
    pub(crate) clip: Option<Arc<ClipLook>>,
    /// Pictures of the shot's overlays, in their order.
    pub(crate) overlays: &'a OverlayPictures,
    pub(crate) fonts: &'a Fonts,
}

/// Lays out one shot.
///
/// # Errors
/// [`Error::Problem`] for texts that cannot be shown.
pub(crate) fn build(input: &Build<'_>) -> Result<Scene, Error> {
    let mut stage = Stage::new(input);
    stage.header()?;
    let right = stage.right;
    stage.product_beside = stage.stands_beside();
    if stage.wide() || stage.product_beside {
        // Texts keep to a column of their own beside the picture.
        stage.right = (stage.left + stage.safe_width() * COLUMN).floor();
    }
    match stage.layout {
        Layout::FullBleed => stage.full_bleed()?,
        Layout::Card => stage.card()?,
        Layout::Poster => stage.poster()?,
        Layout::EndCard => stage.end_card()?,
        Layout::Headline => stage.headline()?,
        Layout::Plates => stage.plates()?,
        Layout::Ribbon => stage.ribbon()?,
        Layout::Framed => stage.framed()?,
        Layout::Circle => stage.circle()?,
        Layout::Arch => stage.arch()?,
        Layout::Duo => stage.duo()?,
        Layout::Triptych => stage.triptych()?,
        Layout::Phone => stage.phone()?,
        Layout::Spotlight => stage.spotlight()?,
        Layout::Pedestal => stage.pedestal()?,
        Layout::GiantWord => stage.giant_word()?,
        Layout::Statement => stage.statement()?,
        Layout::Number => stage.number()?,
        Layout::Checklist => stage.checklist()?,
        Layout::Bubble => stage.bubble()?,
        Layout::Ticket => stage.ticket()?,
        Layout::PriceTag => stage.price_tag()?,
        Layout::Burst => stage.starburst()?,
        Layout::Place => stage.map_pin()?,
        Layout::SideBand => stage.side_band()?,
        Layout::EndProduct => stage.end_product()?,
        Layout::EndType => stage.end_type()?,
        Layout::EndTicket => stage.end_ticket()?,
    }
    stage.right = right;
    stage.overlays()?;
    Ok(stage.finish())
}

/// Whether a shot shows nothing: a drawn background, or a picture as plain as one.
fn shows_nothing(input: &Build<'_>) -> bool {
    input.clip.is_none()
        && (input.picture.plain || crate::backdrop::is_drawn(&input.picture.raster, input.board.palette))
}

/// The layout of a shot; where it has no picture, one that is no window around nothing.
fn shown_as(layout: Layout, shows_nothing: bool) -> Layout {
    match layout {
        _ if !shows_nothing => layout,
        Layout::Card | Layout::GiantWord => Layout::Number,
        Layout::Duo | Layout::Spotlight => Layout::Statement,
        Layout::Pedestal => Layout::Circle,
        Layout::EndProduct => Layout::EndType,
        _ => layout,
    }
}

/// A rectangle of pixels: left, top, width, height.
type Rect = [f64; 4];

struct Stage<'a> {
    input: &'a Build<'a>,
    /// The layout that is built: the shot's, or the one that takes its place where there is no picture.
    layout: Layout,
    /// Whether the style draws a field where the picture would be.
    bare: bool,
    width: f64,
    height: f64,
    unit: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Brand and label, laid out first because the rest begins below them.
    header: Vec<(TextKind, Block, [f64; 2])>,
    label_pill: Option<Rect>,
    /// Whether the brand stands on a plate of its own, since what is behind it is too bright for a shade.
    brand_plate: bool,
    content_top: f64,
    /// Whether a product that was cut out stands beside the texts in a picture that fills a flat frame.
    product_beside: bool,
    /// Between which shares of a window's height a product that was cut out stands.
    product_room: [f64; 2],
    base: Raster,
    window: Option<Window>,
    shade: Vec<u8>,
    sprites: Vec<Sprite>,
    boxes: Vec<TextBox>,
}

impl<'a> Stage<'a> {
    fn new(input: &'a Build<'a>) -> Self {
        let (width, height) = (f64::from(input.size.width), f64::from(input.size.height));
        let covered = input.board.placement.spec().covered.map(f64::from);
        let top = (covered[0].max(0.04) * height).ceil();
        let nothing = shows_nothing(input);
        Self {
            input,
            layout: shown_as(input.shot.layout, nothing),
            // A picture on trial has no name: it is judged as it is.
            bare: nothing && !input.shot.picture.is_empty(),
            width,
            height,
            // Flat frames have less room for lines and are seen just as large: their type is not as small as
            // their height.
            unit: (width / 720.0).min(height / 1280.0 * FLAT),
            left: (width * 0.06).ceil(),
            right: (width * 0.94).floor(),
            top,
            bottom: ((1.0 - covered[1].max(0.04)) * height).floor(),
            header: Vec::new(),
            label_pill: None,
            brand_plate: false,
            content_top: top,
            product_beside: false,
            product_room: [0.10, 0.90],
            base: Raster::filled(input.size.width as usize, input.size.height as usize, [0, 0, 0, 255]),
            window: None,
            shade: Vec::new(),
            sprites: Vec::new(),
            boxes: Vec::new(),
        }
    }

    fn finish(mut self) -> Scene {
        let tint = self.shade_tint();
        let transition = self.transition();
        if let Some(transition) = &transition {
            let gone = f64::from(transition.frames) / f64::from(self.input.board.fps.max(1));
            for text in &mut self.boxes {
                text.settled = text.settled.max(gone);
            }
        }
        Scene {
            transition,
            base: self.base,
            window: self.window,
            tint,
            shade: self.shade,
            sprites: self.sprites,
            boxes: self.boxes,
            frames: self.input.shot.frames,
            fps: self.input.board.fps,
        }
    }

    /// How the shot takes the place of the one before; `None` for an opening, for shots too short for it, and
    /// where the label of AI-made content has to stand for its whole time.
    fn transition(&self) -> Option<Transition> {
        let shot = self.input.shot;
        let frames = (transition::LENGTH * f64::from(self.input.board.fps)).round() as u32;
        if self.opens() || shot.ai_label || frames == 0 || shot.frames < frames * 3 {
            return None;
        }
        let style = self.style();
        let [panel, edge] = transition::colors(style, self.ground(), self.accent());
        Some(Transition { style, panel, edge, motion: shot.motion, frames })
    }

    /// The color of shades under texts: the brand's, so dark that white stands on it anywhere.
    fn shade_tint(&self) -> Color {
        if self.bare {
            // A field goes into its own ground.
            return field::dark_pair(self.input.board.palette).0;
        }
        let primary = self.input.board.palette.primary;
        (8..=25)
            .map(|step| pixels::mix(primary, BLACK, f64::from(step) * 0.04))
            .find(|color| WHITE.contrast(*color) >= 17.0)
            .unwrap_or(BLACK)
    }

    /// How much of the tint a picture of this brightness (luma 0–255) needs for white text.
    fn shade_needed(&self, brightest: f64) -> f64 {
        let tint = self.shade_tint();
        let tint = f64::from(tint.r) * 0.2126 + f64::from(tint.g) * 0.7152 + f64::from(tint.b) * 0.0722;
        ((brightest - GROUND * 0.9) / (brightest - tint).max(1.0)).clamp(0.0, 0.94)
    }

    fn safe_width(&self) -> f64 {
        self.right - self.left
    }

    fn field(&self, name: &str) -> String {
        format!("{}.{name}", self.input.field)
    }

    fn set(&self, text: &str, name: &str, style: &Style) -> Result<Option<Block>, Error> {
        self.input.fonts.set(text, &self.input.board.names, style, &self.field(name))
    }

    /// Length of an entrance in seconds: at most a third of the shot.
    fn pace(&self, seconds: f64) -> f64 {
        let shot = f64::from(self.input.shot.frames) / f64::from(self.input.board.fps);
        seconds * (shot / 1.8).min(1.0)
    }

    /// Whether the shot opens the video.
    fn opens(&self) -> bool {
        self.input.shot.role == Role::Hook
    }

    /// Whether texts stand on the picture rather than on the brand color.
    fn on_picture(&self) -> bool {
        if self.bare && self.layout == Layout::Bubble {
            return false;
        }
        matches!(
            self.layout,
            Layout::FullBleed
                | Layout::Card
                | Layout::Headline
                | Layout::Plates
                | Layout::Ribbon
                | Layout::SideBand
                | Layout::Bubble
                | Layout::PriceTag
                | Layout::Burst
        )
    }

    /// A poster that proves something has its picture above its text.
    fn picture_above(&self) -> bool {
        !self.wide() && self.layout == Layout::Poster && self.input.shot.role == Role::Proof
    }

    /// Whether text and picture stand side by side: a wide frame in a layout whose texts do not stand on the
    /// picture.
    fn wide(&self) -> bool {
        if self.on_picture() {
            return false;
        }
        let bare_list = self.bare && self.layout == Layout::Checklist;
        match self.layout {
            Layout::Statement | Layout::Number | Layout::EndType | Layout::Bubble => false,
            _ if bare_list => false,
            // A window above or below its texts would be a slit in a square frame.
            Layout::Framed
            | Layout::Circle
            | Layout::Arch
            | Layout::Duo
            | Layout::Phone
            | Layout::Place
            | Layout::Spotlight
            | Layout::Pedestal
            | Layout::Checklist
            | Layout::EndCard
            | Layout::EndProduct => self.width > self.height * SQUARE,
            _ => self.width > self.height * 1.25,
        }
    }

    /// Whether the product of a flat frame that the picture fills has a half of it for itself.
    fn stands_beside(&self) -> bool {
        self.width > self.height * SQUARE
            && matches!(
                self.layout,
                Layout::FullBleed
                    | Layout::Headline
                    | Layout::Plates
                    | Layout::Ribbon
                    | Layout::Burst
                    | Layout::SideBand
                    | Layout::PriceTag
            )
            && self.product().is_some()
    }

    fn header_on_picture(&self) -> bool {
        self.on_picture() || self.picture_above()
    }

    fn still(&mut self, layer: Raster, x: f64, y: f64) {
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: Entrance::None,
            start: 0.0,
            length: 0.0,
            pulse: None,
            span: None,
            drift: None,
        });
    }

    /// Places a block of text; each line, or each word, is a layer of its own.
    fn put(&mut self, kind: TextKind, block: &Block, [x, y]: [f64; 2], come: Come) {
        let (x, y) = (x.round() as i64, y.round() as i64);
        let timed = self.timed(kind, block, come);
        let usual = self.pace(ENTRANCE);
        let (mut idx, mut word) = (0, 0);
        for line in &block.lines {
            let mut settled = 0.0_f64;
            let parts = if come.words { words::of(line) } else { vec![(line.layer.clone(), 0)] };
            let count = parts.len();
            for (part, (layer, right)) in parts.into_iter().enumerate() {
                let by_order = self.pace(come.start + come.stagger * f64::from(idx));
                let (start, length) = match &timed {
                    Some(times) => (times.get(word + part).copied().unwrap_or(by_order), usual.min(WORD)),
                    None => (by_order, usual),
                };
                idx += 1;
                settled = settled.max(start + length);
                self.sprites.push(Sprite {
                    layer,
                    x: x + line.x + right as i64,
                    y: y + line.y,
                    entrance: come.entrance,
                    start,
                    length,
                    pulse: None,
                    span: None,
                    drift: None,
                });
            }
            word += if come.words { count } else { line.words.len() };
            let [ix, iy, iw, ih] = line.ink;
            let coverage = (iy..iy + ih)
                .flat_map(|row| &line.coverage[row * line.layer.width + ix..row * line.layer.width + ix + iw])
                .copied()
                .collect();
            let settled = if matches!(come.entrance, Entrance::None) { 0.0 } else { settled };
            let rect = [x + line.x + ix as i64, y + line.y + iy as i64, iw as i64, ih as i64];
            let letters = line.letters;
            let plated = matches!(kind, TextKind::AiLabel | TextKind::Button);
            let until = f64::INFINITY;
            self.boxes.push(TextBox { kind, rect, coverage, letters, plated, settled, until });
        }
    }

    /// When the words of a caption come, one entry for each word of each line; `None` where they come by
    /// their order: in an opening, whose first frame shows them, and where the caption comes as a whole.
    fn timed(&self, kind: TextKind, block: &Block, come: Come) -> Option<Vec<f64>> {
        let in_parts = come.words || come.stagger > 0.0;
        if self.opens() || kind != TextKind::Caption || !in_parts {
            return None;
        }
        let words: Vec<&str> =
            block.lines.iter().flat_map(|line| &line.words).map(|(word, _)| word.as_str()).collect();
        let (times, led) = timing::starts(self.input.shot, self.input.board.fps, &words);
        // Lines that nobody speaks follow one another as quickly as ever.
        (led || come.words).then_some(times)
    }

    /// The caption's entrance as the shot asks; `center` is the block's. An opening's began before
    /// its first frame: what is left of it is a small movement of readable text.
    fn caption_come(&self, center: [f64; 2]) -> Come {
        let start = if self.opens() { -0.3 } else { CUT };
        match self.input.shot.caption_motion {
            CaptionMotion::SlideUp => Come::of(Entrance::Rise(64.0 * self.unit), start),
            CaptionMotion::Grow => Come::of(Entrance::Grow(center), start),
            CaptionMotion::Lines => {
                let stagger = if self.opens() { 0.04 } else { 0.12 };
                Come { stagger, ..Come::of(Entrance::Rise(44.0 * self.unit), start) }
            }
            CaptionMotion::Words => {
                let stagger = if self.opens() { 0.02 } else { 0.07 };
                Come { stagger, words: true, ..Come::of(Entrance::Rise(30.0 * self.unit), start) }
            }
        }
    }

    /// The detail follows the caption.
    fn detail_come(&self) -> Come {
        let start = if self.opens() { -0.22 } else { self.detail_start() };
        Come::of(Entrance::Rise(30.0 * self.unit), start)
    }

    /// When the detail comes, in seconds before [`Stage::pace`]: with the voice where it says it.
    fn detail_start(&self) -> f64 {
        let shot = self.input.shot;
        let detail = crate::lines::clean(&shot.detail);
        let words: Vec<&str> =
            crate::lines::spoken_words(&detail).into_iter().filter_map(|range| detail.get(range)).collect();
        match timing::starts(shot, self.input.board.fps, &words) {
            (times, true) => times.first().copied().unwrap_or(0.2).max(0.2) / self.pace(1.0).max(0.1),
            _ => 0.2,
        }
    }

    /// The mark before a caption, in the manner of the style.
    fn bar(&mut self, x: f64, y: f64, width: f64, start: f64) {
        let (u, color) = (self.unit, self.mark_color());
        let thick = |units: f64| (units * u).max(2.0);
        let layer = match self.style() {
            VisualStyle::Editorial => {
                let height = thick(9.0);
                pixels::pill((width as usize).max(2), height as usize, height / 2.0, color, 1.0)
            }
            VisualStyle::Sale => {
                let height = thick(16.0);
                shapes::filled([width, height], color, 1.0, |px, py| {
                    let shift = height - py;
                    (shift - px).max(px - (width - height + shift)) * 0.7
                })
            }
            VisualStyle::Premium | VisualStyle::Documentary => {
                pixels::pill((width as usize).max(2), thick(3.0) as usize, 0.0, color, 1.0)
            }
            VisualStyle::Playful => {
                let radius = thick(8.0);
                shapes::filled([width, radius * 2.0], color, 1.0, |px, py| {
                    let at = |idx: f64| (px - width / 2.0 - idx * radius * 3.2).hypot(py - radius) - radius;
                    at(-1.0).min(at(0.0)).min(at(1.0))
                })
            }
            VisualStyle::Tech => {
                let side = thick(14.0);
                shapes::filled([width, side], color, 1.0, |px, py| {
                    let line = (px - side * 1.6).min(width - px).min(1.5 * u - (py - side / 2.0).abs());
                    (px - side).min(-line)
                })
            }
        };
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: Entrance::Widen,
            start: self.pace(if self.opens() { -0.3 } else { start }),
            length: self.pace(0.6),
            pulse: None,
            span: None,
            drift: None,
        });
    }

    /// Sets the small print at the bottom of the safe zone; returns where the rest must end.
    fn disclaimer(&mut self, color: Color, align: f64, on_picture: bool) -> Result<f64, Error> {
        let style = Style {
            bold: false,
            serif: false,
            color,
            emphasis: None,
            sizes: [21.0 * self.unit, 12.0 * self.unit],
            max_lines: 6,
            width: self.safe_width(),
            height: 96.0 * self.unit,
            align,
            shadow: if on_picture { 0.5 } else { 0.0 },
        };
        let Some(block) = self.set(&self.input.shot.disclaimer, "disclaimer", &style)? else {
            return Ok(self.bottom - 8.0 * self.unit);
        };
        let y = self.bottom - block.height;
        self.put(TextKind::Disclaimer, &block, [self.left, y], Come::of(Entrance::None, 0.0));
        Ok(y - 18.0 * self.unit)
    }

    fn detail_style(
        &self,
        color: Color,
        emphasis: Option<Color>,
        align: f64,
        height: f64,
        on_picture: bool,
    ) -> Style {
        Style {
            bold: false,
            serif: false,
            color,
            emphasis,
            sizes: [44.0 * self.unit, 17.0 * self.unit],
            max_lines: 8,
            width: self.safe_width(),
            height,
            align,
            shadow: if on_picture { 0.6 } else { 0.0 },
        }
    }

    fn caption_style(
        &self,
        color: Color,
        emphasis: Option<Color>,
        align: f64,
        height: f64,
        largest: f64,
    ) -> Style {
        Style {
            bold: true,
            serif: self.serif(),
            color,
            emphasis,
            sizes: [largest * self.unit, 24.0 * self.unit],
            max_lines: 10,
            width: self.safe_width(),
            height,
            align,
            shadow: if self.on_picture() { 0.55 } else { 0.0 },
        }
    }
}

/// How a text comes in: entrance, first second, delay from line to line.
#[derive(Clone, Copy)]
struct Come {
    entrance: Entrance,
    start: f64,
    stagger: f64,
    /// Whether words come one by one instead of lines.
    words: bool,
}

impl Come {
    /// All at once.
    fn of(entrance: Entrance, start: f64) -> Self {
        Self { entrance, start, stagger: 0.0, words: false }
    }
}
