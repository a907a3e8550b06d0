//! Voices in an order: the first that can speak a line does.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::reason::VoiceReason;
use spotwright_core::ports::voice::{Spoken, Utterance, Voice, VoiceError};

/// Asks one voice after the other, and says of each why it was passed over.
#[derive(Clone)]
pub struct Chain {
    voices: Vec<Arc<dyn Voice>>,
}

impl Chain {
    /// The voices in their order.
    #[must_use]
    pub fn new(voices: Vec<Arc<dyn Voice>>) -> Self {
        Self { voices }
    }
}

#[async_trait]
impl Voice for Chain {
    fn name(&self) -> &str {
        "chain"
    }

    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
        let mut why = Vec::new();
        let mut may_come = self.voices.is_empty();
        for voice in &self.voices {
            match voice.speak(utterance).await {
                Ok(mut spoken) => {
                    why.append(&mut spoken.why);
                    spoken.why = why;
                    return Ok(spoken);
                }
                // What is used up comes back: another voice, or none, would be another ad.
                Err(error @ VoiceError::NoRoom(_)) => return Err(error),
                Err(VoiceError::Unavailable(reason)) => {
                    may_come = true;
                    why.push(passed_over(voice.name(), reason));
                }
                Err(VoiceError::Impossible(reason)) => why.push(passed_over(voice.name(), reason)),
            }
        }
        let reasons = VoiceReason::Nobody { passed_over: why };
        Err(if may_come { VoiceError::Unavailable(reasons) } else { VoiceError::Impossible(reasons) })
    }
}

fn passed_over(engine: &str, why: VoiceReason) -> VoiceReason {
    VoiceReason::PassedOver { engine: engine.to_owned(), why: Box::new(why) }
}

#[cfg(test)]
mod tests {
    use spotwright_core::domain::reason::VoiceFault;
    use spotwright_schemas::locale::Locale;

    use super::*;

    struct Says(&'static str, Result<f32, VoiceError>);

    #[async_trait]
    impl Voice for Says {
        fn name(&self) -> &str {
            self.0
        }

        async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
            let level = self.1.clone()?;
            Ok(Spoken {
                pcm: vec![level; 10],
                rate: 24_000,
                words: Vec::new(),
                engine: self.0.to_owned(),
                voice: utterance.voice.clone(),
                speed: utterance.speed,
                why: vec![VoiceReason::NoPronunciations],
            })
        }
    }

    fn line() -> Utterance {
        Utterance {
            text: "Hi".to_owned(),
            locale: Locale::EnUs,
            voice: String::new(),
            speed: 1.0,
            pronunciations: Vec::new(),
        }
    }

    #[tokio::test]
    async fn the_first_that_can_speaks_and_the_others_have_a_reason() {
        let away = Says("away", Err(VoiceError::unavailable(VoiceFault::Words("no file".to_owned()))));
        let chain = Chain::new(vec![Arc::new(away), Arc::new(Says("there", Ok(0.5)))]);
        let spoken = chain.speak(&line()).await.expect("speaks");
        assert_eq!(spoken.engine, "there");
        let told: Vec<String> = spoken.why.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["away: no file", "the server takes no list of pronunciations"]);
    }

    #[tokio::test]
    async fn a_voice_that_waits_for_descriptors_is_not_passed_over() {
        let full = Says("full", Err(VoiceError::NoRoom("too many open files".to_owned())));
        let chain = Chain::new(vec![Arc::new(full), Arc::new(Says("there", Ok(0.5)))]);
        assert!(matches!(chain.speak(&line()).await, Err(VoiceError::NoRoom(_))));
    }

    #[tokio::test]
    async fn at_the_end_there_are_captions_only() {
        let chain = Chain::new(vec![
            Arc::new(Says("one", Err(VoiceError::impossible(VoiceFault::EnglishOnly)))),
            Arc::new(Says("two", Err(VoiceError::unavailable(VoiceFault::Words("no file".to_owned()))))),
        ]);
        let error = chain.speak(&line()).await.expect_err("nobody");
        assert!(matches!(error, VoiceError::Unavailable(_)), "one of them may come");
        assert_eq!(
            error.to_string(),
            "one: the small voice speaks English only; two: no file; captions only"
        );
    }
}
