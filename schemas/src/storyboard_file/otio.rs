//! Timelines for editors: OpenTimelineIO's JSON, as written by its version 0.17.
//!
//! One video track with a clip per shot, one track of captions as markers on the clips, voice-over and
//! fall-backs as metadata under the key `spotwright`. Times keep the storyboard's rate.
//!
//! # Source
//! OpenTimelineIO, `docs/tutorials/otio-serialized-schema.md`: schemas `Timeline.1`, `Stack.1`, `Track.1`,
//! `Clip.2`, `ExternalReference.1`, `GeneratorReference.1`, `Marker.2`.

use serde_json::{Value, json};

use super::{PlannedShot, Source, StoryboardFile};
use crate::error::Problem;

impl StoryboardFile {
    /// One variant as an OpenTimelineIO document; `None` of a variant that the file does not make.
    /// Assets are referenced by their file names, relative to the document.
    ///
    /// # Errors
    /// As [`StoryboardFile::variants`].
    pub fn to_otio(&self, variant: &str) -> Result<Option<Value>, Problem> {
        let picks = self.variants()?;
        let Some(pick) = picks.iter().find(|pick| pick.id == variant) else { return Ok(None) };
        let shots = self.shots_of(pick)?;
        let clips: Vec<Value> =
            shots.iter().enumerate().map(|(idx, (_, shot))| self.clip(idx, shot)).collect();
        let track = json!({
            "OTIO_SCHEMA": "Track.1", "metadata": {}, "name": "picture", "source_range": null, "effects": [],
            "markers": [], "enabled": true, "color": null, "children": clips, "kind": "Video",
        });
        let stack = json!({
            "OTIO_SCHEMA": "Stack.1", "metadata": {}, "name": "tracks", "source_range": null, "effects": [],
            "markers": [], "enabled": true, "color": null, "children": [track],
        });
        let metadata = json!({
            "storyboard": self.id, "variant": variant, "locale": self.locale.tag(),
            "brand": self.brand_kit.name, "loudness_lufs": self.audio.loudness_lufs,
        });
        Ok(Some(json!({
            "OTIO_SCHEMA": "Timeline.1", "metadata": { "spotwright": metadata }, "name": variant,
            "global_start_time": null, "tracks": stack,
        })))
    }

    fn clip(&self, idx: usize, shot: &PlannedShot) -> Value {
        let from = match &shot.source {
            Source::Clip { start_frame, .. } => *start_frame,
            _ => 0,
        };
        let range = self.range(from, shot.frames);
        let markers = if shot.caption.is_empty() {
            Vec::new()
        } else {
            vec![json!({
                "OTIO_SCHEMA": "Marker.2", "metadata": {}, "name": shot.caption, "color": "GREEN",
                "comment": shot.detail, "marked_range": self.range(from, shot.frames),
            })]
        };
        json!({
            "OTIO_SCHEMA": "Clip.2", "name": format!("{:02} {}", idx + 1, shot.role.as_str()),
            "metadata": { "spotwright": { "voice_over": shot.voice_over, "button": shot.button } },
            "source_range": range, "effects": [], "markers": markers, "enabled": true, "color": null,
            "media_references": { "DEFAULT_MEDIA": self.media(&shot.source) },
            "active_media_reference_key": "DEFAULT_MEDIA",
        })
    }

    fn media(&self, source: &Source) -> Value {
        match source {
            Source::Still { asset } | Source::Clip { asset, .. } => {
                let file = self.assets.get(asset).map_or(asset.as_str(), |asset| asset.file.as_str());
                json!({
                    "OTIO_SCHEMA": "ExternalReference.1", "metadata": {}, "name": asset,
                    "available_range": null, "available_image_bounds": null, "target_url": file,
                })
            }
            Source::Generated(wanted) => generator(
                "video",
                &json!({ "prompt": wanted.prompt, "negative_prompt": wanted.negative_prompt, "seed": wanted.seed }),
            ),
            Source::Template { name } => generator("background", &json!({ "name": name.as_str() })),
        }
    }

    fn range(&self, start: u32, frames: u32) -> Value {
        let time = |value: u32| json!({ "OTIO_SCHEMA": "RationalTime.1", "rate": f64::from(self.fps), "value": f64::from(value) });
        json!({ "OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(frames) })
    }
}

fn generator(kind: &str, parameters: &Value) -> Value {
    json!({
        "OTIO_SCHEMA": "GeneratorReference.1", "metadata": {}, "name": kind, "available_range": null,
        "available_image_bounds": null, "generator_kind": kind, "parameters": parameters,
    })
}
