//! Voices of a server: `POST /v1/audio/speech` as OpenAI has it.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use spotwright_core::domain::reason::{VoiceFault, VoiceReason};
use spotwright_core::domain::wav::read_wav;
use spotwright_core::ports::voice::{SPEEDS, Spoken, Utterance, Voice, VoiceError};

/// Minutes of 48 kHz stereo that an answer has at most, and its bytes.
const MOST_MINUTES: u32 = 3;
const MOST_BYTES: usize = (12 * (MOST_MINUTES as usize)) << 20;
/// Characters of an error's text that are passed on.
const MOST_TEXT: usize = 200;

/// How the server is asked.
#[derive(Clone)]
pub struct HttpOptions {
    /// Address up to and with `/v1`.
    pub base_url: String,
    /// Bearer key; empty for none.
    pub api_key: String,
    /// Name of the model.
    pub model: String,
    /// The voice that speaks where a line names none that the server knows.
    pub voice: String,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

/// Asks a server to speak. It tells no word times.
pub struct HttpVoice {
    options: HttpOptions,
    client: reqwest::Client,
}

impl HttpVoice {
    /// The server of these options, over a client that the program has set up.
    #[must_use]
    pub fn new(options: HttpOptions, client: reqwest::Client) -> Self {
        Self { options, client }
    }

    async fn ask(&self, utterance: &Utterance) -> Result<Vec<u8>, VoiceError> {
        let away = |error: reqwest::Error| {
            let words = error.without_url().to_string();
            VoiceError::unavailable(VoiceFault::ServerAway { words })
        };
        let address = format!("{}/audio/speech", self.options.base_url.trim_end_matches('/'));
        let body = json!({
            "model": self.options.model,
            "input": utterance.text,
            "voice": self.options.voice,
            "speed": utterance.speed.clamp(SPEEDS[0], SPEEDS[1]),
            "response_format": "wav",
        });
        let mut request = self.client.post(address).timeout(self.options.timeout).json(&body);
        if !self.options.api_key.is_empty() {
            request = request.bearer_auth(&self.options.api_key);
        }
        let mut answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(away)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > MOST_BYTES {
                return Err(VoiceError::impossible(VoiceFault::AnswerTooLong { minutes: MOST_MINUTES }));
            }
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let text: String = String::from_utf8_lossy(&bytes).chars().take(MOST_TEXT).collect();
        let fault = VoiceFault::ServerAnswered { status: status.as_u16(), words: text };
        let later = status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 429);
        Err(if later { VoiceError::unavailable(fault) } else { VoiceError::impossible(fault) })
    }
}

#[async_trait]
impl Voice for HttpVoice {
    fn name(&self) -> &str {
        "http"
    }

    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
        let bytes = self.ask(utterance).await?;
        let (pcm, rate) = read_wav(&bytes)
            .map_err(|error| VoiceError::impossible(VoiceFault::BadSound { words: error.to_string() }))?;
        if pcm.is_empty() {
            return Err(VoiceError::impossible(VoiceFault::NoSound));
        }
        let mut why = Vec::new();
        if !utterance.voice.is_empty() && utterance.voice != self.options.voice {
            why.push(VoiceReason::ServerVoice {
                speaks: self.options.voice.clone(),
                asked: utterance.voice.clone(),
            });
        }
        if !utterance.pronunciations.is_empty() {
            why.push(VoiceReason::NoPronunciations);
        }
        let (engine, voice) = ("http".to_owned(), self.options.voice.clone());
        why.push(VoiceReason::NoWordTimes { engine: engine.clone() });
        Ok(Spoken { pcm, rate, words: Vec::new(), engine, voice, speed: utterance.speed, why })
    }
}
