//! What is asked for: path and body, with every rule of the provider checked before anything is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_source::{
    Ability, ClipError, ClipRequest, ClipTask, ReferenceKind, ShotPrompt,
};
use spotwright_schemas::storyboard::FrameSize;

use super::limits::Limits;
use super::options::{Dialect, Options};
use super::{current, legacy};
use crate::files::{Files, Picture, PictureRules};
use crate::prices::{Length, Work};
use crate::words::{check_length, refuse};

/// Longest prompt and negative prompt in characters.
pub(super) const MAX_PROMPT_CHARS: usize = 2_500;

/// Longest prompt of one of several shots in characters.
const MAX_SHOT_CHARS: usize = 512;

/// Shots of one clip at most.
const MAX_SHOTS: usize = 6;

/// A clip may be shorter than asked for by this many seconds: rounding of frames.
const TOLERANCE_SECONDS: f64 = 0.001;

/// Ratios of clips.
const CLIP_RATIOS: [(&str, f64); 3] = [("16:9", 16.0 / 9.0), ("9:16", 9.0 / 16.0), ("1:1", 1.0)];

/// Ratios of still pictures.
const PICTURE_RATIOS: [(&str, f64); 8] = [
    ("16:9", 16.0 / 9.0),
    ("9:16", 9.0 / 16.0),
    ("1:1", 1.0),
    ("4:3", 4.0 / 3.0),
    ("3:4", 3.0 / 4.0),
    ("3:2", 3.0 / 2.0),
    ("2:3", 2.0 / 3.0),
    ("21:9", 21.0 / 9.0),
];

/// Where a task is made and asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// `/{product}/{model}`; asked for at `/tasks`.
    Current(&'static str),
    /// `/v1/{group}/{name}`; asked for there.
    Legacy(&'static str, &'static str),
}

impl Path {
    pub(super) const ALL_LEGACY: [Self; 7] = [
        Self::Legacy("videos", "text2video"),
        Self::Legacy("videos", "image2video"),
        Self::Legacy("videos", "multi-image2video"),
        Self::Legacy("videos", "omni-video"),
        Self::Legacy("videos", "video-extend"),
        Self::Legacy("videos", "advanced-lip-sync"),
        Self::Legacy("images", "generations"),
    ];

    /// The first part of the id of its jobs, by which they are asked for.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Current(_) => "task",
            Self::Legacy(_, name) => name,
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub(super) enum Plan {
    /// One request that makes a task.
    Task { path: Path, body: Value },
    /// A request that answers with the result.
    Speech { body: Value },
    /// Faces are looked for first; the answer goes into the task.
    LipSync { clip_url: String, sound: String, sound_ms: u64 },
}

/// A request with everything that decides its form.
pub(super) struct Ask<'a> {
    pub(super) options: &'a Options,
    pub(super) limits: &'a Limits,
    pub(super) request: &'a ClipRequest,
    pub(super) files: &'a Files,
    pub(super) key: &'a str,
}

/// Plans a request, and says what is paid for.
pub(super) fn plan(ask: &Ask<'_>, abilities: &[Ability]) -> Result<(Plan, Vec<Work>), ClipError> {
    let request = ask.request;
    if let Some(missing) = request.needs().into_iter().find(|need| !abilities.contains(need)) {
        return Err(refuse(format!("{} does not make {}", ask.options.row.model, missing.words())));
    }
    check_length("the prompt", &request.prompt, MAX_PROMPT_CHARS)?;
    check_length("the negative prompt", &request.negative_prompt, MAX_PROMPT_CHARS)?;
    match &request.task {
        ClipTask::Generate | ClipTask::MultiShot { .. } => clip(ask),
        ClipTask::MotionBrush { parts } => {
            let seconds = brush_seconds(ask)?;
            let plan = Plan::Task { path: legacy::IMAGE, body: legacy::motion_brush(ask, parts, seconds)? };
            Ok((plan, vec![ask.work("motion_brush", u64::from(seconds) * 1_000)]))
        }
        ClipTask::Extend { of } => {
            check_length("the id of the clip", of, 200)?;
            let plan = Plan::Task { path: legacy::EXTEND, body: legacy::extend(ask, of) };
            // 4 to 5 s are added, whatever is asked for.
            if request.seconds() > 4.0 + TOLERANCE_SECONDS {
                return Err(refuse("an extension adds 4 s at least, and no more can be counted on"));
            }
            Ok((plan, vec![ask.work("extend", 5_000)]))
        }
        ClipTask::LipSync { clip, sound } => lip_sync(ask, clip, sound),
        ClipTask::Picture => {
            let plan = Plan::Task { path: legacy::PICTURE, body: legacy::picture(ask)? };
            Ok((plan, vec![ask.work("picture", 0)]))
        }
        ClipTask::Speech { text, voice } => {
            let body = legacy::speech(ask, text, voice)?;
            Ok((Plan::Speech { body }, vec![ask.work("speech", 0)]))
        }
    }
}

fn clip(ask: &Ask<'_>) -> Result<(Plan, Vec<Work>), ClipError> {
    let seconds = ask.seconds()?;
    ask.check_frames(seconds)?;
    let shots = match &ask.request.task {
        ClipTask::MultiShot { shots } => ask.shots(shots, seconds)?,
        _ => Vec::new(),
    };
    let (path, body) = match ask.options.dialect {
        Dialect::Current => current::clip(ask, seconds, &shots)?,
        Dialect::Legacy => legacy::clip(ask, seconds, &shots)?,
    };
    let work = ask.work(ask.request.task.as_str(), u64::from(seconds) * 1_000);
    Ok((Plan::Task { path, body }, vec![work]))
}

/// Models that have it draw along paths for 5 s only.
fn brush_seconds(ask: &Ask<'_>) -> Result<u32, ClipError> {
    if ask.request.seconds() > 5.0 + TOLERANCE_SECONDS {
        return Err(refuse("parts of a picture are moved for at most 5 s"));
    }
    Ok(5)
}

fn lip_sync(
    ask: &Ask<'_>,
    clip: &ArtifactHash,
    sound: &ArtifactHash,
) -> Result<(Plan, Vec<Work>), ClipError> {
    let clip_url = ask.clip_url(clip)?;
    let bytes = ask.files.bytes(sound)?;
    if bytes.len() > 5_000_000 {
        return Err(refuse("the sound has more than 5 MB"));
    }
    let sound_ms =
        crate::media::sound_ms(bytes).ok_or_else(|| refuse("the sound is none of MP3, WAV and M4A"))?;
    if !(2_000..=60_000).contains(&sound_ms) {
        return Err(refuse(format!("the sound takes {sound_ms} ms, and 2 to 60 s are taken")));
    }
    // The result is as long as the clip, of which only the request knows.
    let length_ms = ((ask.request.seconds() * 1_000.0).ceil() as u64).max(sound_ms);
    let works = vec![face_work(ask.options), ask.work("lip_sync", length_ms)];
    Ok((Plan::LipSync { clip_url, sound: STANDARD.encode(bytes), sound_ms }, works))
}

impl Ask<'_> {
    fn work(&self, task: &'static str, length_ms: u64) -> Work {
        Work {
            task,
            resolution: self.options.resolution.as_str().to_owned(),
            sound: self.request.sound,
            reference_clip: self.request.references.iter().any(|one| one.kind == ReferenceKind::Clip),
            length: Length::of_ms(length_ms),
        }
    }

    /// The shortest length that the model makes and the shot fits in.
    fn seconds(&self) -> Result<u32, ClipError> {
        let needed = self.request.seconds();
        let all = &self.limits.seconds;
        all.iter().copied().find(|&seconds| f64::from(seconds) + TOLERANCE_SECONDS >= needed).ok_or_else(
            || {
                let most = all.last().copied().unwrap_or_default();
                refuse(format!(
                    "the shot takes {needed:.2} s, and clips of {} have at most {most} s",
                    self.options.row.model
                ))
            },
        )
    }

    fn check_frames(&self, seconds: u32) -> Result<(), ClipError> {
        if self.request.last_frame.is_none() {
            return Ok(());
        }
        if self.request.first_frame.is_none() {
            return Err(refuse("a last frame needs a first frame"));
        }
        if !self.limits.last_frame_seconds.contains(&seconds) {
            let lengths = &self.limits.last_frame_seconds;
            return Err(refuse(format!("a last frame is possible in clips of {lengths:?} s")));
        }
        if self.options.resolution < self.limits.last_frame_from {
            return Err(refuse(format!(
                "a last frame is possible from {} on",
                self.limits.last_frame_from.as_str()
            )));
        }
        if self.request.sound && matches!(self.options.row.model.as_str(), "kling-2.6" | "kling-v2-6") {
            return Err(refuse("this model makes no sound to a clip with a last frame"));
        }
        Ok(())
    }

    /// Prompt and whole seconds of each shot.
    fn shots<'s>(&self, shots: &'s [ShotPrompt], seconds: u32) -> Result<Vec<(&'s str, u32)>, ClipError> {
        if !(1..=MAX_SHOTS).contains(&shots.len()) {
            return Err(refuse(format!("there are {} shots, and 1 to {MAX_SHOTS} are taken", shots.len())));
        }
        let fps = self.request.fps.max(1);
        let mut all = Vec::new();
        for (index, shot) in shots.iter().enumerate() {
            let what = format!("shot {}", index + 1);
            check_length(&format!("the prompt of {what}"), &shot.prompt, MAX_SHOT_CHARS)?;
            if shot.prompt.trim().is_empty() {
                return Err(refuse(format!("the prompt of {what} is blank")));
            }
            if shot.frames % fps != 0 {
                return Err(refuse(format!("{what} has {} frames, which are no whole seconds", shot.frames)));
            }
            let length = shot.frames / fps;
            if length < self.limits.min_shot_seconds {
                let least = self.limits.min_shot_seconds;
                return Err(refuse(format!("{what} takes {length} s, and each takes at least {least} s")));
            }
            all.push((shot.prompt.as_str(), length));
        }
        let sum: u64 = all.iter().map(|(_, length)| u64::from(*length)).sum();
        if sum != u64::from(seconds) {
            return Err(refuse(format!("the shots take {sum} s in all, and the clip has {seconds} s")));
        }
        Ok(all)
    }

    /// The ratio of clips that comes nearest.
    pub(super) fn clip_ratio(&self) -> &'static str {
        nearest(self.request.size, &CLIP_RATIOS)
    }

    /// The ratio of pictures that comes nearest.
    pub(super) fn picture_ratio(&self) -> &'static str {
        nearest(self.request.size, &PICTURE_RATIOS)
    }

    pub(super) fn look(&self, what: &str, hash: &ArtifactHash) -> Result<Picture<'_>, ClipError> {
        let max_bytes = match self.options.dialect {
            Dialect::Current => 50_000_000,
            Dialect::Legacy => 10_000_000,
        };
        self.files.picture(what, hash, PictureRules { max_bytes, min_side: 300, max_ratio_tenths: 25 })
    }

    /// A picture as the provider takes it: Base64 without `data:` before it.
    pub(super) fn encoded(&self, what: &str, hash: &ArtifactHash) -> Result<String, ClipError> {
        Ok(STANDARD.encode(self.look(what, hash)?.bytes))
    }

    /// Where the provider fetches a clip.
    pub(super) fn clip_url(&self, hash: &ArtifactHash) -> Result<String, ClipError> {
        let template = self.options.clips_url.as_ref();
        let template = template.ok_or_else(|| {
            refuse("the provider fetches clips by itself, and `clips_url` does not say from where")
        })?;
        Ok(template.replace("{hash}", hash.as_str()))
    }
}

fn nearest(size: FrameSize, ratios: &[(&'static str, f64)]) -> &'static str {
    let wanted = (f64::from(size.width.max(1)) / f64::from(size.height.max(1))).ln();
    let distance = |ratio: f64| (ratio.ln() - wanted).abs();
    let best = ratios.iter().min_by(|(_, a), (_, b)| distance(*a).total_cmp(&distance(*b)));
    best.map_or("16:9", |(name, _)| name)
}

/// Looking for a face, as prices know it.
pub(super) fn face_work(options: &Options) -> Work {
    Work {
        task: "identify_face",
        resolution: options.resolution.as_str().to_owned(),
        sound: false,
        reference_clip: false,
        length: Length::of_ms(0),
    }
}

/// The body of the second step of lip-sync.
pub(super) fn lip_sync_body(
    options: &Options,
    session: &str,
    face: &str,
    insert_ms: u64,
    end_ms: u64,
    sound: &str,
    key: &str,
) -> Value {
    let mut body = json!({
        "session_id": session,
        "face_choose": [{
            "face_id": face,
            "sound_file": sound,
            "sound_start_time": 0,
            "sound_end_time": end_ms,
            "sound_insert_time": insert_ms,
            "sound_volume": 1,
            "original_audio_volume": 0,
        }],
        "external_task_id": key,
    });
    if let Some(url) = &options.callback_url {
        body["callback_url"] = json!(url);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ratio_is_asked_for() {
        let clip = |width, height| nearest(FrameSize { width, height }, &CLIP_RATIOS);
        assert_eq!(clip(1_080, 1_920), "9:16");
        assert_eq!(clip(1_080, 1_350), "1:1");
        assert_eq!(clip(728, 160), "16:9");
        let picture = |width, height| nearest(FrameSize { width, height }, &PICTURE_RATIOS);
        assert_eq!(picture(1_080, 1_350), "3:4");
        assert_eq!(picture(728, 160), "21:9");
    }
}
