//! Revisions: another advertisement of one that a person edits.
//!
//! Pure. Changes name lines and shots by their numbers in the original. Words keep the rules that every script keeps,
//! and what is on screen must be drawable, readable in its time, and of the brief: its pictures, its button. What can
//! be followed is followed even where something else is wrong, so that findings and measures can be shown while
//! somebody types.

use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_core::domain::revision::{Changes, EditFinding, LineChange, ShotChange, ShotFit, TextRoom};
use spotwright_core::domain::run::StoredPicture;
use spotwright_core::domain::withdrawal::{Untrue, withdrawal};
use spotwright_core::ports::letters::{Letters, undrawable_message};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::{Brief, CallToAction};
use spotwright_schemas::script::{Line, Role, Script};
use spotwright_schemas::storyboard::{Shot, Storyboard};

use crate::copy_engine::limits;
use crate::critique::Finding;
use crate::edits::{self, Placed};
use crate::storyboard::{FPS, MAX_WHOLE_FRAMES, MIN_HOOK_FRAMES, MIN_WHOLE_FRAMES, reading_frames};
use crate::text::length;

/// Longest shot in frames: eight seconds. A picture that moves no further looks like a mistake.
const MOST_FRAMES: u32 = 8 * FPS;
/// Longest shot of a clip, unless it is longer already: clips are made of five seconds.
const CLIP_FRAMES: u32 = 5 * FPS;
/// Shortest and longest advertisement in seconds where its placement says nothing, and longest in any.
const USUAL_SECONDS: [u32; 2] = [5, 60];
const MOST_SECONDS: u32 = 30;

/// An advertisement that is edited, with what its rules need to know.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// The brief that it was written for.
    pub brief: &'a Brief,
    /// What it says.
    pub script: &'a Script,
    /// What it shows.
    pub storyboard: &'a Storyboard,
    /// The brief's pictures as stored.
    pub pictures: &'a [StoredPicture],
    /// Other scripts of its generation, which it must not repeat.
    pub others: &'a [Script],
}

/// An edited advertisement.
#[derive(Debug, Clone, PartialEq)]
pub struct Revised {
    /// What it says.
    pub script: Script,
    /// What it shows. Nobody speaks in it yet: its lines are spoken when it is rendered.
    pub storyboard: Storyboard,
    /// The changes that change something.
    pub changes: Changes,
    /// For each shot its number in the original.
    pub origins: Vec<usize>,
}

/// An edit as far as it could be followed, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The advertisement.
    pub revised: Revised,
    /// What is wrong, or worth knowing.
    pub findings: Vec<EditFinding>,
}

/// Makes an advertisement of another one by a person's changes.
///
/// Deterministic in its arguments. No changes give the original's script, and its storyboard without its voice.
///
/// # Errors
/// Everything that stops the edit, and what is worth knowing beside it.
pub fn revise(
    original: &Original<'_>,
    changes: &Changes,
    letters: &dyn Letters,
) -> Result<Revised, Vec<EditFinding>> {
    let Attempt { revised, findings } = attempt(original, changes, letters);
    if findings.iter().any(EditFinding::stops) { Err(findings) } else { Ok(revised) }
}

/// Follows changes as far as they can be followed.
#[must_use]
pub fn attempt(original: &Original<'_>, changes: &Changes, letters: &dyn Letters) -> Attempt {
    let mut desk = Desk::new(original);
    for change in &changes.lines {
        desk.reword(change);
    }
    for change in &changes.shots {
        desk.restage(change);
    }
    if let Some(style) = changes.style.filter(|style| *style != original.storyboard.style) {
        desk.board.style = style;
        desk.changes.style = Some(style);
    }
    if let Some(button) = &changes.button {
        desk.relabel(button);
    }
    desk.give_time(&changes.shots);
    let origins = desk.reorder(&changes.order);
    desk.judge(&origins, letters);
    let Desk { script, board, changes, findings, .. } = desk;
    Attempt { revised: Revised { script, storyboard: board, changes, origins }, findings }
}

/// The words that the button of a brief's advertisements may have: its call to action, another word for the same
/// deed, and that more can be learnt, which is true of every page.
#[must_use]
pub fn button_texts(brief: &Brief) -> Vec<&'static str> {
    let own = brief.call_to_action;
    let twin = match own {
        CallToAction::ShopNow => CallToAction::OrderNow,
        CallToAction::OrderNow => CallToAction::ShopNow,
        other => other,
    };
    let mut texts = Vec::new();
    for action in [own, twin, CallToAction::LearnMore] {
        let text = action.label(brief.locale);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// How the shots of an edit fit in time and by count, in their order; nothing is measured.
#[must_use]
pub fn fits(original: &Original<'_>, revised: &Revised) -> Vec<ShotFit> {
    let brief = original.brief;
    let shots = revised.storyboard.shots.iter().zip(&revised.script.lines).zip(&revised.origins);
    shots
        .filter_map(|((shot, line), origin)| {
            let [least_frames, most_frames] = bounds(brief, line, original.storyboard.shots.get(*origin)?);
            let limits = limits(brief.locale, line.role);
            Some(ShotFit {
                shot: *origin as u32,
                frames: shot.frames,
                least_frames,
                most_frames,
                caption: TextRoom { characters: length(&line.caption), limit: limits.caption },
                detail: TextRoom { characters: length(&line.detail), limit: limits.detail },
                set: None,
            })
        })
        .collect()
}

/// Whether an edit says what product feeds have made untrue; one that does would be withdrawn as soon as it is made.
#[must_use]
pub fn untrue_findings(brief: &Brief, revised: &Revised, untrue: &[Untrue]) -> Vec<EditFinding> {
    let (script, board) = (&revised.script, &revised.storyboard);
    let told = |untrue| {
        let found = withdrawal(untrue, script, board, &brief.product.facts, edits::PERSON)?;
        let lines = script.lines.iter().zip(&revised.origins);
        let field = lines
            .flat_map(|(line, origin)| edits::texts(line).map(|(name, text)| (origin, name, text)))
            .find(|(_, _, text)| !text.is_empty() && *text == found.line)
            .map_or_else(String::new, |(origin, name, _)| format!("lines[{origin}].{name}"));
        let message = format!("a product feed has made this untrue ({})", found.source);
        Some(EditFinding { subject: found.line, ..stops(field, "untrue", message) })
    };
    untrue.iter().filter_map(told).collect()
}

/// Fewest frames in which a line can be read, and most that its shot may last.
fn bounds(brief: &Brief, line: &Line, shot: &Shot) -> [u32; 2] {
    let shortest = if line.role == Role::Hook { MIN_HOOK_FRAMES } else { MIN_WHOLE_FRAMES };
    let least = reading_frames(brief, line).clamp(shortest, MAX_WHOLE_FRAMES);
    let most = if shot.footage.is_some() { CLIP_FRAMES } else { MOST_FRAMES };
    [least, most.max(shot.frames)]
}

fn stops(field: impl Into<String>, rule: &str, message: impl Into<String>) -> EditFinding {
    EditFinding {
        field: field.into(),
        rule: rule.to_owned(),
        severity: Severity::Error,
        subject: String::new(),
        message: message.into(),
        law: String::new(),
        span: None,
        rewrite: String::new(),
    }
}

/// Where an edit is made; lines and shots have the original's order until the end.
struct Desk<'a> {
    original: &'a Original<'a>,
    script: Script,
    board: Storyboard,
    changes: Changes,
    findings: Vec<EditFinding>,
}

impl<'a> Desk<'a> {
    fn new(original: &'a Original<'a>) -> Self {
        let mut board = original.storyboard.clone();
        for shot in &mut board.shots {
            shot.voice = None;
        }
        let (changes, findings) = (Changes::default(), Vec::new());
        Self { original, script: original.script.clone(), board, changes, findings }
    }

    fn stop(&mut self, field: impl Into<String>, rule: &str, message: impl Into<String>) {
        self.findings.push(stops(field, rule, message));
    }

    fn reword(&mut self, change: &LineChange) {
        let at = change.line as usize;
        let lines = self.script.lines.len();
        let Some(mut line) = self.script.lines.get(at).cloned() else {
            let message = format!("the script has {lines} lines, counted from 0");
            self.stop(format!("lines[{at}]"), "no_such_line", message);
            return;
        };
        let mut effective = LineChange { line: change.line, ..LineChange::default() };
        let texts = [
            ("caption", &change.caption, &mut line.caption, &mut effective.caption),
            ("detail", &change.detail, &mut line.detail, &mut effective.detail),
            ("voice", &change.voice, &mut line.voice, &mut effective.voice),
        ];
        let mut refused: Vec<(String, Problem)> = Vec::new();
        for (name, wanted, text, told) in texts {
            let Some(wanted) = wanted else { continue };
            let field = format!("lines[{at}].{name}");
            // Only what stands large on the screen must be there.
            let may_be_blank = name != "caption" && wanted.trim().is_empty();
            let new = if may_be_blank { Ok(String::new()) } else { edits::checked(&field, wanted) };
            match new {
                Ok(new) if new == *text => {}
                Ok(new) => {
                    text.clone_from(&new);
                    *told = Some(new);
                }
                Err(problem) => refused.push((field, problem)),
            }
        }
        for (field, problem) in refused {
            self.stop(field, "text", problem.message);
        }
        if effective == (LineChange { line: change.line, ..LineChange::default() }) {
            return;
        }
        line.provenance = edits::by_person();
        edits::cite_figures(self.original.brief, &mut line);
        if let Some(shot) = self.board.shots.get_mut(at) {
            shot.caption.clone_from(&line.caption);
            shot.detail.clone_from(&line.detail);
        }
        self.script.lines[at] = line;
        self.changes.lines.push(effective);
    }

    fn restage(&mut self, change: &ShotChange) {
        let at = change.shot as usize;
        let shots = self.board.shots.len();
        let Some(mut shot) = self.board.shots.get(at).cloned() else {
            let message = format!("the storyboard has {shots} shots, counted from 0");
            self.stop(format!("shots[{at}]"), "no_such_shot", message);
            return;
        };
        let mut effective = ShotChange { shot: change.shot, ..ShotChange::default() };
        if let Some(layout) = change.layout.filter(|layout| *layout != shot.layout) {
            if layout.is_end() == (at + 1 == shots) {
                shot.layout = layout;
                effective.layout = Some(layout);
            } else {
                let message = "the layouts with a button are for the last shot, and for it alone";
                self.stop(format!("shots[{at}].layout"), "layout_place", message);
            }
        }
        if let Some(motion) = change.motion.filter(|motion| *motion != shot.motion) {
            shot.motion = motion;
            effective.motion = Some(motion);
        }
        if let Some(motion) = change.caption_motion.filter(|motion| *motion != shot.caption_motion) {
            shot.caption_motion = motion;
            effective.caption_motion = Some(motion);
        }
        if let Some(picture) = &change.picture {
            self.show(at, picture, &mut shot, &mut effective);
        }
        if effective != (ShotChange { shot: change.shot, ..ShotChange::default() }) {
            self.board.shots[at] = shot;
            self.changes.shots.push(effective);
        }
    }

    /// A picture that is chosen stands in the place of a clip, too.
    fn show(&mut self, at: usize, picture: &str, shot: &mut Shot, effective: &mut ShotChange) {
        if !self.original.pictures.iter().any(|own| own.hash.as_str() == picture) {
            let message = "is none of the brief's pictures";
            self.stop(format!("shots[{at}].picture"), "unknown_picture", message);
            return;
        }
        if shot.picture != picture || shot.footage.is_some() {
            picture.clone_into(&mut shot.picture);
            shot.footage = None;
            effective.picture = Some(picture.to_owned());
        }
    }

    fn relabel(&mut self, button: &str) {
        let allowed = button_texts(self.original.brief);
        if !allowed.contains(&button) {
            let message = format!("the button says one of: {}", allowed.join(", "));
            self.stop("button", "button", message);
            return;
        }
        let Some(last) = self.board.shots.last_mut().filter(|last| last.button != button) else { return };
        button.clone_into(&mut last.button);
        self.changes.button = Some(button.to_owned());
    }

    /// Gives shots the lengths that are asked for, and those with other words at least the time to read them.
    fn give_time(&mut self, asked: &[ShotChange]) {
        for at in 0..self.board.shots.len().min(self.script.lines.len()) {
            let old = &self.original.storyboard.shots[at];
            let line = &self.script.lines[at];
            let [least, most] = bounds(self.original.brief, line, old);
            let reworded = self
                .original
                .script
                .lines
                .get(at)
                .is_some_and(|was| (&was.caption, &was.detail) != (&line.caption, &line.detail));
            let wanted =
                asked.iter().rev().find(|change| change.shot as usize == at && change.frames.is_some());
            match wanted.and_then(|change| change.frames) {
                Some(frames) if frames != old.frames || reworded => {
                    if !(least..=most).contains(&frames) {
                        let message = format!(
                            "is {frames}; {least} to {most} are accepted: fewer are too short to read, more too long to watch"
                        );
                        self.stop(format!("shots[{at}].frames"), "frames", message);
                    } else if frames != old.frames {
                        self.lengthen(at, frames);
                    }
                }
                None if reworded && old.frames < least => self.board.shots[at].frames = least,
                _ => {}
            }
        }
        self.check_length();
    }

    fn lengthen(&mut self, at: usize, frames: u32) {
        self.board.shots[at].frames = frames;
        let told = self.changes.shots.iter_mut().find(|change| change.shot as usize == at);
        if let Some(told) = told {
            told.frames = Some(frames);
        } else {
            let change = ShotChange { shot: at as u32, frames: Some(frames), ..ShotChange::default() };
            self.changes.shots.push(change);
        }
    }

    fn check_length(&mut self) {
        let (was, is) = (self.original.storyboard.frames(), self.board.frames());
        let [least, most] = self.board.placement.spec().seconds.unwrap_or(USUAL_SECONDS);
        let [least, most] = [least, most.min(MOST_SECONDS)].map(|seconds| seconds * self.board.fps);
        if was != is && !(least..=most.max(was)).contains(&is) {
            let message = format!("together they have {is} frames; {least} to {most} are accepted");
            self.stop("shots", "length", message);
        }
    }

    /// Moves lines and their shots; for each place, the number it had.
    fn reorder(&mut self, order: &[u32]) -> Vec<usize> {
        let count = self.board.shots.len().min(self.script.lines.len());
        let as_they_are: Vec<usize> = (0..count).collect();
        if order.is_empty() {
            return as_they_are;
        }
        let wanted: Vec<usize> = order.iter().map(|number| *number as usize).collect();
        let mut sorted = wanted.clone();
        sorted.sort_unstable();
        let keeps_ends = wanted.first() == Some(&0) && wanted.last() == count.checked_sub(1).as_ref();
        if sorted != as_they_are || !keeps_ends {
            let message = format!(
                "must hold each number from 0 to {} once; the opening stays first, the call to action last",
                count.saturating_sub(1)
            );
            self.stop("order", "order", message);
            return as_they_are;
        }
        if wanted != as_they_are {
            self.script.lines = wanted.iter().map(|at| self.script.lines[*at].clone()).collect();
            self.board.shots = wanted.iter().map(|at| self.board.shots[*at].clone()).collect();
            self.changes.order = order.to_vec();
        }
        wanted
    }

    fn judge(&mut self, origins: &[usize], letters: &dyn Letters) {
        let Original { brief, script, others, .. } = *self.original;
        // What stood beside the others before may go on doing so.
        let others: &[Script] = if self.changes.lines.is_empty() { &[] } else { others };
        for placed in edits::findings(brief, script, &self.script, origins, others) {
            let field = self.field_of(&placed, origins);
            self.findings.push(told(placed.finding, field));
        }
        for (line, origin) in self.script.lines.iter().zip(origins) {
            for (name, text) in [("caption", &line.caption), ("detail", &line.detail)] {
                let missing = letters.undrawable(text);
                if !missing.is_empty() {
                    let field = format!("lines[{origin}].{name}");
                    self.findings.push(stops(field, "undrawable", undrawable_message(&missing)));
                }
            }
        }
        if let Err(problem) = self.board.validate() {
            self.findings.push(stops(problem.field, "storyboard", problem.message));
        }
    }

    /// Path of the text that a finding is about; of the line where its words stand in none of them, or in several.
    fn field_of(&self, placed: &Placed, origins: &[usize]) -> String {
        let Some(at) = placed.line else { return String::new() };
        let origin = origins.get(at).copied().unwrap_or(at);
        if let Some(name) = placed.text {
            return format!("lines[{origin}].{name}");
        }
        if placed.finding.rule == "empty_caption" {
            return format!("lines[{origin}].caption");
        }
        let words = placed.finding.subject.as_str();
        let holding: Vec<&str> = edits::texts(&self.script.lines[at])
            .into_iter()
            .filter(|(_, text)| !words.is_empty() && text.contains(words))
            .map(|(name, _)| name)
            .collect();
        match holding.as_slice() {
            // A caption that is spoken word for word is mended in the caption first.
            [name] | [name @ "caption", "voice"] => format!("lines[{origin}].{name}"),
            _ => format!("lines[{origin}]"),
        }
    }
}

fn told(finding: Finding, field: String) -> EditFinding {
    let Finding { rule, severity, subject, message, law, span, rewrite, .. } = finding;
    EditFinding { field, rule, severity, subject, message, law, span, rewrite }
}

#[cfg(test)]
mod tests;
