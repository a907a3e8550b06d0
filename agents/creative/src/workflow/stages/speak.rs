//! Speaking: the lines of a variant that is to be rendered final, by a voice, before it is rendered.
//!
//! Lines are spoken when a variant has been selected, since speech costs a second of a processor for each
//! second that is heard. A voice that fails costs its ad nothing but the voice; one that waits for
//! descriptors or memory has its step wait with it.

use serde_json::json;
use spotwright_core::domain::reason::VoiceReason;
use spotwright_core::domain::variant::{SpokenBy, Variant, VoiceReport};
use spotwright_core::domain::wav::write_wav;
use spotwright_core::ports::step_store::ClaimedStep;
use spotwright_core::ports::video_backend::Rendered;
use spotwright_core::ports::voice::{Spoken, Utterance, VoiceError};
use spotwright_core::spine::StepError;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::Storyboard;

use serde::{Deserialize, Serialize};

use crate::voice_over::{Lengths, Recording, pace, utterances, voiced};
use crate::workflow::agent::{CreativeAgent, in_background};
use crate::workflow::decide::Decision;
use crate::workflow::trace::Chapter;
use crate::workflow::voice_ports::VoicePorts;

/// The ad as it was spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpokenAd {
    /// The storyboard with its lines; as it was where nobody spoke.
    pub storyboard: Storyboard,
    /// Who spoke, and why.
    pub report: VoiceReport,
}

/// What a final render came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::workflow) struct SpokenRender {
    pub(in crate::workflow) rendered: Rendered,
    pub(in crate::workflow) spoken: SpokenAd,
}

/// The result of a final render: with speech, or without, as it was before there was any.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::workflow) enum FinalRender {
    Spoken(Box<SpokenRender>),
    Plain(Rendered),
}

impl CreativeAgent {
    /// Has the lines of a variant spoken. `None` where there is no voice, or the brief wants none.
    pub(in crate::workflow) async fn speak(
        &self,
        step: &ClaimedStep,
        variant: &Variant,
    ) -> Result<Option<SpokenAd>, StepError> {
        let Some(ports) = &self.voice else { return Ok(None) };
        let (run, _) = self.run_of(step).await?;
        let brief = &run.request.brief;
        if !brief.brand.voice.enabled {
            return Ok(None);
        }
        let (script, board) = (&variant.body.script, &variant.body.storyboard);
        let mut why = Vec::new();
        let mut recordings = recorded(ports, utterances(brief, script, 1.0), &mut why).await?;
        let faster = pace(board, &recordings);
        if faster > 1.0 {
            why.clear();
            why.push(VoiceReason::Faster { percent: (faster * 100.0).round() as u32 });
            recordings = recorded(ports, utterances(brief, script, faster), &mut why).await?;
        }
        // A person has decided on the lengths of a revision.
        let lengths = if run.request.revision.is_some() { Lengths::Kept } else { Lengths::Shared };
        let (storyboard, report) = voiced(brief, script, board, &recordings, lengths, why);
        Ok(Some(SpokenAd { storyboard, report }))
    }
}

/// Speaks and stores lines. A line that nobody can speak is left out, with the reason in `why`.
async fn recorded(
    ports: &VoicePorts,
    lines: Vec<Option<Utterance>>,
    why: &mut Vec<VoiceReason>,
) -> Result<Vec<Option<Recording>>, StepError> {
    let mut recordings = Vec::with_capacity(lines.len());
    for (idx, line) in lines.into_iter().enumerate() {
        let Some(line) = line else {
            recordings.push(None);
            continue;
        };
        match ports.voice.speak(&line).await {
            Ok(spoken) => recordings.push(Some(stored(ports, spoken).await?)),
            Err(VoiceError::NoRoom(reason)) => return Err(StepError::NoRoom(reason)),
            Err(VoiceError::Unavailable(reason) | VoiceError::Impossible(reason)) => {
                why.push(VoiceReason::Silent { shot: idx as u32 + 1, why: Box::new(reason) });
                recordings.push(None);
            }
        }
    }
    Ok(recordings)
}

async fn stored(ports: &VoicePorts, spoken: Spoken) -> Result<Recording, StepError> {
    let seconds = spoken.seconds();
    let artifacts = std::sync::Arc::clone(&ports.artifacts);
    let wav = write_wav(&spoken.pcm, spoken.rate);
    let sound = in_background(move || artifacts.put(&wav)).await?.map_err(|error| {
        if error.no_room() {
            return StepError::NoRoom(error.to_string());
        }
        let problem = Problem::new(Code::Render, "", error.to_string());
        StepError::Retry { problem, delay: std::time::Duration::from_millis(500) }
    })?;
    let Spoken { words, engine, voice, speed, why, .. } = spoken;
    let by = SpokenBy { shot: 0, engine, voice, speed, seconds, why };
    Ok(Recording { sound: sound.0, seconds, words, by })
}

impl Decision<'_> {
    /// Takes in what was said, before the render that it was made for.
    pub(in crate::workflow) fn spoken(&mut self, variant: &mut Variant, spoken: SpokenAd) {
        let detail = json!({ "lines": spoken.report.lines, "why": spoken.report.why });
        self.trace(Chapter::Spoken, variant.number, "variant.spoken", Some(variant.id), detail);
        variant.body.storyboard = spoken.storyboard;
        variant.body.voice = Some(spoken.report);
    }
}
