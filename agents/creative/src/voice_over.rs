//! Spoken lines: what is asked of voices, and the storyboard that follows what they said.
//!
//! Pure. A shot is at least as long as its line, with a moment before it and one behind; cuts therefore fall
//! behind words and never into them. What the lines leave of the usual length is shared out as without them.

use spotwright_core::domain::reason::VoiceReason;
use spotwright_core::domain::variant::{SpokenBy, VoiceReport};
use spotwright_core::ports::voice::{SPEEDS, Utterance};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::{Role, Script};
use spotwright_schemas::speech::{SpokenLine, WordTime};
use spotwright_schemas::storyboard::{Footage, Storyboard};

use crate::storyboard::{MIN_HOOK_FRAMES, TOTAL_FRAMES, reading_frames};

/// Milliseconds between a cut and the first word: the caption comes in with it.
const LEAD_MS: u32 = 130;
/// Milliseconds between the last word and the next cut, and the end of the ad.
const TAIL_MS: u32 = 230;
const LAST_TAIL_MS: u32 = 600;
/// Longest ad in frames: as long as a storyboard without a voice may be.
const LONGEST_FRAMES: u32 = 600;
/// Seconds that a clip has at least, which a shot of it may last.
const CLIP_SECONDS: u32 = 5;
/// Steps of the pace, so that lines are found again among those that were spoken before.
const PACE_STEP: f64 = 0.05;

/// A line that was spoken and stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// BLAKE3 of the WAV file.
    pub sound: String,
    /// Its length.
    pub seconds: f64,
    /// Its words.
    pub words: Vec<WordTime>,
    /// Who spoke it, and why.
    pub by: SpokenBy,
}

/// What is asked of voices for each shot, in order; `None` where nothing is said.
#[must_use]
pub fn utterances(brief: &Brief, script: &Script, speed: f64) -> Vec<Option<Utterance>> {
    let voice = &brief.brand.voice;
    let utterance = |text: &str| Utterance {
        text: text.to_owned(),
        locale: script.locale,
        voice: voice.name.clone().unwrap_or_default(),
        speed,
        pronunciations: voice.pronunciations.clone(),
    };
    let lines = script.lines.iter();
    lines.map(|line| Some(line.voice.trim()).filter(|text| !text.is_empty()).map(utterance)).collect()
}

/// The pace at which lines of these lengths, spoken at pace 1, fit into the longest ad: 1 where they do, at
/// most the fastest of [`SPEEDS`].
#[must_use]
pub fn pace(storyboard: &Storyboard, recordings: &[Option<Recording>]) -> f64 {
    let spoken: f64 = recordings.iter().flatten().map(|recording| recording.seconds).sum();
    let fps = f64::from(storyboard.fps.max(1));
    let longest = f64::from(longest(storyboard)) / fps;
    let silent: u32 = (0..storyboard.shots.len()).map(|idx| LEAD_MS + tail(storyboard, idx)).sum();
    let room = longest - f64::from(silent) / 1_000.0;
    if spoken <= room {
        return 1.0;
    }
    let wanted = if room > 0.0 { spoken / room } else { SPEEDS[1] };
    ((wanted / PACE_STEP).ceil() * PACE_STEP).clamp(1.0, SPEEDS[1])
}

/// Who gives the shots of a spoken ad their lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// What their words take to read and to say; what is left of the usual length is shared out.
    Shared,
    /// The storyboard; a shot is longer only where its line is.
    Kept,
}

/// Puts recordings into a storyboard: one entry for each shot. Answers the storyboard and what is to be told;
/// the storyboard is unchanged where the ad would become too long for its placement.
#[must_use]
pub fn voiced(
    brief: &Brief,
    script: &Script,
    storyboard: &Storyboard,
    recordings: &[Option<Recording>],
    lengths: Lengths,
    mut why: Vec<VoiceReason>,
) -> (Storyboard, VoiceReport) {
    let mut board = storyboard.clone();
    let mut lines = Vec::new();
    let mut needed = vec![0_u32; board.shots.len()];
    for (idx, recording) in recordings.iter().enumerate().take(board.shots.len()) {
        let Some(recording) = recording else { continue };
        let start = frames(&board, LEAD_MS, false);
        let length = (recording.seconds * f64::from(board.fps)).ceil().max(1.0) as u32;
        let whole = start + length + frames(&board, tail(&board, idx), true);
        if let Some(most) = clip_frames(storyboard, idx).filter(|most| whole > *most) {
            why.push(VoiceReason::ClipTooShort {
                shot: idx as u32 + 1,
                clip_frames: most,
                line_frames: whole,
            });
            continue;
        }
        needed[idx] = whole;
        lines.push(SpokenBy { shot: idx as u32 + 1, ..recording.by.clone() });
        board.shots[idx].voice = Some(SpokenLine {
            text: script.lines.get(idx).map_or_else(String::new, |line| line.voice.trim().to_owned()),
            sound: recording.sound.clone(),
            start,
            frames: length,
            words: recording.words.clone(),
            speaker: format!("{}/{}", recording.by.engine, recording.by.voice),
        });
    }
    if lines.is_empty() {
        return (storyboard.clone(), VoiceReport { lines, why });
    }
    match lengths {
        Lengths::Shared => pace_shots(brief, script, &mut board, &needed),
        Lengths::Kept => {
            for (shot, needed) in board.shots.iter_mut().zip(needed) {
                shot.frames = shot.frames.max(needed);
            }
        }
    }
    let most = placement_frames(&board);
    if board.frames() > most {
        why.push(VoiceReason::AdTooLong { frames: board.frames(), at_most: most });
        return (storyboard.clone(), VoiceReport { lines: Vec::new(), why });
    }
    (board, VoiceReport { lines, why })
}

/// Gives each shot the longer of what its words take to read and to say, and shares out what is left of the
/// usual length.
fn pace_shots(brief: &Brief, script: &Script, board: &mut Storyboard, needed: &[u32]) {
    let planned = board.clone();
    for (idx, shot) in board.shots.iter_mut().enumerate() {
        let reading = script.lines.get(idx).map_or(0, |line| reading_frames(brief, line));
        let shortest = if shot.role == Role::Hook { MIN_HOOK_FRAMES } else { 0 };
        // A shot that was given less than its text takes to read is no worse for a voice.
        shot.frames = reading.min(planned.shots[idx].frames).max(shortest).max(needed[idx]).max(1);
    }
    let total: u32 = board.shots.iter().map(|shot| shot.frames).sum();
    let usual = TOTAL_FRAMES * board.fps / crate::storyboard::FPS;
    let spare = usual.saturating_sub(total);
    let count = board.shots.len().max(1) as u32;
    for (idx, shot) in board.shots.iter_mut().enumerate() {
        let share = spare / count + u32::from((idx as u32) < spare % count);
        let most = clip_frames(&planned, idx).unwrap_or(u32::MAX);
        shot.frames = (shot.frames + share).min(most.max(shot.frames));
    }
}

/// Frames that a shot of a clip may last: as many as were asked for.
fn clip_frames(planned: &Storyboard, idx: usize) -> Option<u32> {
    let shot = planned.shots.get(idx)?;
    let Some(Footage::Clip { start_frame, .. }) = &shot.footage else { return None };
    let second = planned.fps.max(1);
    Some((shot.frames.div_ceil(second) * second).max(CLIP_SECONDS * second).saturating_sub(*start_frame))
}

fn tail(board: &Storyboard, idx: usize) -> u32 {
    if idx + 1 == board.shots.len() { LAST_TAIL_MS } else { TAIL_MS }
}

fn frames(board: &Storyboard, milliseconds: u32, up: bool) -> u32 {
    let exact = milliseconds * board.fps;
    if up { exact.div_ceil(1_000) } else { (exact + 500) / 1_000 }
}

fn placement_frames(board: &Storyboard) -> u32 {
    board
        .placement
        .spec()
        .seconds
        .map_or(spotwright_schemas::storyboard::MAX_FRAMES, |[_, most]| most * board.fps)
}

fn longest(board: &Storyboard) -> u32 {
    (LONGEST_FRAMES * board.fps / crate::storyboard::FPS).min(placement_frames(board))
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::placement::PlacementKind;

    use super::*;
    use crate::fixtures::{coffee_en, generation};
    use crate::storyboard::{PictureRef, compose};

    fn planned() -> (Brief, Script, Storyboard) {
        let brief = coffee_en();
        let mut script = generation(&brief, 1, 4).scripts.remove(0).script;
        for line in &mut script.lines {
            line.voice = "Something to say.".to_owned();
        }
        let pictures = [PictureRef { hash: "0".repeat(64), width: 1440, height: 2560 }];
        let board = compose(&brief, &script, &pictures, 4, PlacementKind::SimulatedFeed).expect("composes");
        (brief, script, board)
    }

    fn recording(seconds: f64) -> Recording {
        let by = SpokenBy {
            shot: 0,
            engine: "kokoro".to_owned(),
            voice: "af_heart".to_owned(),
            speed: 1.0,
            seconds,
            why: Vec::new(),
        };
        let words = vec![WordTime { text: "Something".to_owned(), start_ms: 20, end_ms: 400 }];
        Recording { sound: "1".repeat(64), seconds, words, by }
    }

    #[test]
    fn every_shot_is_as_long_as_its_line_and_cuts_fall_behind_words() {
        let (brief, script, board) = planned();
        for seconds in [0.4, 2.0, 3.7, 4.6] {
            let all = vec![Some(recording(seconds)); board.shots.len()];
            let (spoken, report) = voiced(&brief, &script, &board, &all, Lengths::Shared, Vec::new());
            assert_eq!(spoken.validate(), Ok(()));
            assert_eq!((report.lines.len(), report.why.len()), (board.shots.len(), 0));
            assert!(spoken.frames() >= TOTAL_FRAMES, "{}", spoken.frames());
            for shot in &spoken.shots {
                let line = shot.voice.as_ref().expect("speaks");
                let lead = f64::from(line.start) / 30.0;
                assert!((0.05..=0.2).contains(&lead), "the caption comes in with the voice: {lead}");
                assert!(f64::from(line.frames) / 30.0 >= seconds);
                assert!(shot.frames >= line.start + line.frames + 6, "a moment before the cut");
            }
        }
    }

    #[test]
    fn lengths_that_a_person_gave_stay_where_the_voice_fits_into_them() {
        let (brief, script, mut board) = planned();
        board.shots[1].frames = 200;
        let mut all = vec![Some(recording(0.4)); board.shots.len()];
        all[2] = Some(recording(9.0));
        let (spoken, _) = voiced(&brief, &script, &board, &all, Lengths::Kept, Vec::new());
        assert_eq!(spoken.shots[1].frames, 200);
        assert!(spoken.shots[2].frames >= 270, "a line is never cut: {}", spoken.shots[2].frames);
        assert_eq!(spoken.shots[0].frames, board.shots[0].frames);
    }

    #[test]
    fn the_pace_rises_only_when_the_lines_would_take_too_long() {
        let (brief, script, board) = planned();
        let all = |seconds: f64| vec![Some(recording(seconds)); board.shots.len()];
        let shots = board.shots.len() as f64;
        assert_eq!(pace(&board, &all(12.0 / shots)), 1.0);
        let faster = pace(&board, &all(19.5 / shots));
        assert!(faster > 1.0 && faster < 1.2, "{faster}");
        assert_eq!(pace(&board, &all(60.0 / shots)), SPEEDS[1]);
        let asked = utterances(&brief, &script, faster);
        assert!(asked.iter().flatten().all(|line| line.speed == faster && line.voice.is_empty()));
    }

    #[test]
    fn shots_without_a_line_stay_silent_and_too_long_an_ad_has_captions_only() {
        let (brief, mut script, mut board) = planned();
        script.lines[1].voice.clear();
        let mut some = vec![Some(recording(2.0)); board.shots.len()];
        some[1] = None;
        assert!(utterances(&brief, &script, 1.0)[1].is_none());
        let (spoken, report) = voiced(&brief, &script, &board, &some, Lengths::Shared, Vec::new());
        assert!(spoken.shots[1].voice.is_none() && spoken.shots[0].voice.is_some());
        assert_eq!(report.lines.len(), board.shots.len() - 1);
        board.placement = PlacementKind::TiktokInFeed;
        let endless = vec![Some(recording(40.0)); board.shots.len()];
        let (silent, report) = voiced(&brief, &script, &board, &endless, Lengths::Shared, Vec::new());
        assert_eq!(silent, board);
        assert!(
            report.lines.is_empty() && matches!(report.why[0], VoiceReason::AdTooLong { .. }),
            "{report:?}"
        );
    }

    #[test]
    fn a_clip_that_is_too_short_for_its_line_is_left_alone() {
        let (brief, script, mut board) = planned();
        board.shots[1].footage =
            Some(Footage::Clip { clip: "2".repeat(64), start_frame: 0, product: Vec::new() });
        let mut all = vec![Some(recording(2.0)); board.shots.len()];
        all[1] = Some(recording(7.0));
        let (spoken, report) = voiced(&brief, &script, &board, &all, Lengths::Shared, Vec::new());
        assert!(spoken.shots[1].voice.is_none() && spoken.shots[1].frames <= 150);
        assert!(matches!(report.why[0], VoiceReason::ClipTooShort { shot: 2, .. }), "{report:?}");
    }
}
