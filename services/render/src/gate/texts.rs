//! Texts: inside the safe zone, whole, readable, and long enough on screen.

use spotwright_core::domain::copy_rules::reading::{CHINESE_PER_SECOND, LATIN_PER_SECOND};
use spotwright_schemas::storyboard::{OverlayContent, Storyboard};

use super::watch::{Look, Sight};
use super::{Checks, Plan, ShotPlan};
use crate::lines::is_cjk;
use crate::scene::TextBox;

/// Smallest contrast of text (WCAG 2.2, level AA).
pub(super) const MIN_CONTRAST: f64 = 4.5;
/// Least agreement of a line with its planned ink: empty boxes in place of letters agree by less than half,
/// letters over pictures by 0.8 and more.
pub(super) const MIN_GLYPHS: f64 = 0.70;
/// Least agreement of any part of a line.
pub(super) const MIN_INK: f64 = 0.40;

pub(super) fn check(checks: &mut Checks, plan: &Plan<'_>, sights: &[&Sight]) {
    safe_zone(checks, plan);
    reading_time(checks, plan.board);
    let legible = |shot: &ShotPlan| shot.boxes.iter().filter(|b| b.letters).count();
    let planned: usize = plan.shots.iter().map(legible).sum();
    let looks: Vec<&Look> = sights.iter().flat_map(|sight| &sight.looks).collect();
    let at_rest: Vec<&Look> = looks.iter().copied().filter(|look| look.rest).collect();
    let measured = at_rest.len();
    let worst = looks.iter().map(|look| look.ink.contrast).fold(f64::INFINITY, f64::min);
    let value = if measured == 0 {
        "nothing measured".to_owned()
    } else {
        format!("{worst:.2}:1 at worst, {measured} lines, {} looks", looks.len())
    };
    let pass = measured == planned && (planned == 0 || worst >= MIN_CONTRAST);
    checks.add("text_contrast", pass, value, format!("at least {MIN_CONTRAST}:1 on all {planned} lines"));

    let mut least = |id: &str, floor: f64, of: fn(&Look) -> f64| {
        let worst = at_rest.iter().map(|look| of(look)).fold(1.0, f64::min);
        let pass = measured == planned && (planned == 0 || worst >= floor);
        let limit = format!("at least {floor:.2} of the planned ink on all {planned} lines");
        checks.add(id, pass, format!("{worst:.2} at worst"), limit);
    };
    least("missing_glyphs", MIN_GLYPHS, |look| look.ink.agreement);
    least("clipped_ink", MIN_INK, |look| look.ink.weakest);
}

fn safe_zone(checks: &mut Checks, plan: &Plan<'_>) {
    let board = plan.board;
    let (width, height) = (f64::from(board.size.width), f64::from(board.size.height));
    let covered = board.placement.spec().covered.map(f64::from);
    let safe = [width * 0.06, covered[0] * height, width * 0.94, (1.0 - covered[1]) * height];
    // One pixel of tolerance for the antialiased edge of a glyph.
    let inside = |b: &TextBox| {
        let [x, y, w, h] = b.rect.map(|side| side as f64);
        x >= safe[0] - 1.0 && y >= safe[1] - 1.0 && x + w <= safe[2] + 1.0 && y + h <= safe[3] + 1.0
    };
    let mut outside = Vec::new();
    for (idx, shot) in plan.shots.iter().enumerate() {
        outside
            .extend(shot.boxes.iter().filter(|b| !inside(b)).map(|b| format!("{:?} of shot {idx}", b.kind)));
    }
    let limit = format!("inside {:.0},{:.0}–{:.0},{:.0}", safe[0], safe[1], safe[2], safe[3]);
    let value = if outside.is_empty() { "all inside".to_owned() } else { outside.join(", ") };
    checks.add("safe_zone", outside.is_empty(), value, limit);
}

pub(super) fn reading_time(checks: &mut Checks, board: &Storyboard) {
    let chars = |text: &str| {
        let chinese = text.chars().filter(|c| is_cjk(*c)).count() as f64;
        let latin = text.chars().filter(|c| !is_cjk(*c) && !c.is_whitespace()).count() as f64;
        chinese / CHINESE_PER_SECOND + latin / LATIN_PER_SECOND
    };
    let share = board.shots.iter().map(|shot| {
        let laid_over: f64 = shot
            .overlays
            .iter()
            .map(|overlay| match &overlay.shows {
                OverlayContent::Text { text, .. } => chars(text),
                _ => 0.0,
            })
            .sum();
        let needed = chars(&shot.caption) + chars(&shot.detail) + chars(&shot.button) + laid_over;
        needed / (f64::from(shot.frames) / f64::from(board.fps))
    });
    let worst = share.fold(0.0_f64, f64::max);
    let value = format!("{:.0} % of the shot's time", worst * 100.0);
    checks.add("reading_time", worst <= 1.0, value, "at most 9 Chinese or 21 Latin characters a second");
}
