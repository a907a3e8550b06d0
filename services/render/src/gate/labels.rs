//! Labels of AI-made content: in the frames and in the metadata.

use spotwright_media::Content;
use spotwright_schemas::storyboard::Storyboard;

use super::texts::MIN_CONTRAST;
use super::watch::{Look, Sight};
use super::{Checks, Plan, ShotPlan};
use crate::label::{self, Label};
use crate::scene::{TextBox, TextKind};

/// Shortest time that the visible label is shown from the start, in seconds.
const SECONDS: f64 = 2.0;
/// Smallest height of the visible label, as a share of the shorter side.
const HEIGHT: f64 = 0.05;
/// Least agreement with the label's ink in every look.
const MIN_INK: f64 = 0.6;

/// The metadata label: there, well-formed, and of this produce id.
pub(super) fn check_metadata(checks: &mut Checks, content: &Content, produce_id: Option<&str>) {
    let written = content.metadata.get(label::KEY);
    let read = written.and_then(|text| Label::parse(text));
    let pass = read.as_ref().is_some_and(|label| produce_id.is_none_or(|id| label.produce_id == id));
    let limit = produce_id.map_or_else(|| "present".to_owned(), |id| format!("present, ProduceID {id}"));
    checks.add("ai_metadata", pass, written.map_or("absent", String::as_str), limit);
}

/// The visible label: required where the law asks for it (zh-CN), and wherever a shot asks for it.
pub(super) fn check_visible(checks: &mut Checks, plan: &Plan<'_>, sights: &[&Sight]) {
    let board = plan.board;
    if !is_label_due(board) {
        return;
    }
    label_time(checks, board);
    let shortest = board.size.width.min(board.size.height) as f64;
    let of_label = |b: &&TextBox| b.kind == TextKind::AiLabel;
    let labels = |shot: &&ShotPlan| shot.boxes.iter().any(|b| of_label(&b));
    let boxes = plan.shots.iter().take_while(labels).flat_map(|shot| shot.boxes.iter().filter(of_label));
    let share = boxes.map(|b| b.rect[3]).min().unwrap_or(0) as f64 / shortest;
    let limit = "at least 5.0 % of the shorter side";
    checks.add("ai_label_height", share >= HEIGHT, format!("{:.1} %", share * 100.0), limit);
    let seen: Vec<&Look> =
        sights.iter().flat_map(|sight| &sight.looks).filter(|look| look.kind == TextKind::AiLabel).collect();
    let readable = |look: &&&Look| look.ink.contrast >= MIN_CONTRAST && look.ink.agreement >= MIN_INK;
    let read = seen.iter().filter(readable).count();
    let value = format!("readable in {read} of {} looks", seen.len());
    let pass = seen.len() >= 2 && read == seen.len();
    checks.add(
        "ai_label_visible",
        pass,
        value,
        "readable from the first frame to the last of each labelled shot",
    );
}

/// Whether the visible label has to be there.
pub(super) fn is_label_due(board: &Storyboard) -> bool {
    board.locale.is_chinese() || board.shots.iter().any(|shot| shot.ai_label)
}

/// How long the label is there by the plan.
pub(super) fn label_time(checks: &mut Checks, board: &Storyboard) {
    let labelled: u32 = board.shots.iter().take_while(|shot| shot.ai_label).map(|shot| shot.frames).sum();
    let seconds = f64::from(labelled) / f64::from(board.fps);
    let limit = format!("at least {SECONDS:.2} s");
    checks.add("ai_label_time", seconds >= SECONDS, format!("{seconds:.2} s from the start"), limit);
}
