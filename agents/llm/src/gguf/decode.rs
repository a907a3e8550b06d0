//! Decoding under a grammar: prompt in, text out.
//!
//! One prompt is read once; each candidate continues from a copy of that state, which shares the
//! weights. Sampling is top-k, then top-p, at a temperature, with a repetition penalty before the
//! grammar's mask; its random numbers are a function of the stream and the token's position.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::{Matcher, ParserFactory};
use spotwright_schemas::random::Stream;
use toktrie::{InferenceCapabilities, SimpleVob, TokenId};

use super::Error;
use super::vocabulary::Vocabulary;

const TOP_K: usize = 40;
const TOP_P: f64 = 0.9;
const TEMPERATURE: f64 = 0.7;
const REPETITION_PENALTY: f32 = 1.1;
const REPETITION_WINDOW: usize = 64;

/// Most tokens of one candidate, forced ones included.
pub(super) const MAX_NEW_TOKENS: usize = 96;

/// Weights, vocabulary and grammar compiler of one model.
pub(super) struct Engine {
    weights: ModelWeights,
    vocabulary: Vocabulary,
    factory: ParserFactory,
    /// Longest sequence in tokens.
    context: usize,
}

/// A prompt that has been read.
pub(super) struct ReadPrompt {
    weights: ModelWeights,
    logits: Vec<f32>,
    tokens: Vec<TokenId>,
}

impl ReadPrompt {
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }
}

/// Set when nobody waits for the answer any more.
pub(super) type Abandoned = Arc<AtomicBool>;

impl Engine {
    pub(super) fn new(weights: ModelWeights, vocabulary: Vocabulary, context: usize) -> Result<Self, Error> {
        let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        let mut factory =
            ParserFactory::new(&vocabulary.env, capabilities, &SlicedBiasComputer::general_slices())
                .map_err(|error| Error::Inference(format!("grammar engine: {error}")))?;
        factory.quiet();
        // The defaults stop short of a caption's complement; both stay bounded.
        factory.limits_mut().initial_lexer_fuel = 10_000_000;
        factory.limits_mut().step_lexer_fuel = 2_000_000;
        Ok(Self { weights, vocabulary, factory, context })
    }

    pub(super) const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Reads a prompt once for any number of candidates.
    pub(super) fn read_prompt(&self, text: &str) -> Result<ReadPrompt, Error> {
        let tokens = self.vocabulary.encode(text)?;
        if tokens.is_empty() || tokens.len() + MAX_NEW_TOKENS > self.context {
            let message =
                format!("the prompt has {} tokens; the context holds {}", tokens.len(), self.context);
            return Err(Error::Inference(message));
        }
        let mut weights = self.weights.clone();
        weights.clear_kv_cache();
        let logits = forward(&mut weights, &tokens, 0)?;
        Ok(ReadPrompt { weights, logits, tokens })
    }

    /// Continues a prompt under a grammar. `None` where the text did not come to its end within
    /// [`MAX_NEW_TOKENS`].
    pub(super) fn continue_prompt(
        &self,
        prompt: &ReadPrompt,
        grammar: TopLevelGrammar,
        random: Stream,
        abandoned: &Abandoned,
    ) -> Result<Option<(String, usize)>, Error> {
        let mut matcher = Matcher::new(self.factory.create_parser(grammar));
        let mut weights = prompt.weights.clone();
        let mut tokens = prompt.tokens.clone();
        let mut logits = prompt.logits.clone();
        let start = tokens.len();
        let mut pending = matcher.consume_ff_tokens();
        loop {
            if let Some(error) = matcher.get_error() {
                return Err(Error::Inference(format!("grammar engine: {error}")));
            }
            if abandoned.load(Ordering::Relaxed) {
                return Err(Error::Inference("nobody waits for the answer".to_owned()));
            }
            let position = tokens.len();
            tokens.extend(&pending);
            if matcher.is_stopped() {
                break;
            }
            if tokens.len() - start > MAX_NEW_TOKENS {
                return Ok(None);
            }
            if !pending.is_empty() {
                logits = forward(&mut weights, &pending, position)?;
            }
            let mask = matcher
                .compute_mask_or_eos()
                .map_err(|error| Error::Inference(format!("grammar engine: {error}")))?;
            let window = &tokens[tokens.len().saturating_sub(REPETITION_WINDOW)..];
            let draw = random.uniform((tokens.len() - start) as u64);
            let token = sample(&logits, window, &mask, self.vocabulary.size, draw)
                .ok_or_else(|| Error::Inference("the grammar allows no token".to_owned()))?;
            matcher
                .consume_token(token)
                .map_err(|error| Error::Inference(format!("grammar engine: {error}")))?;
            pending = vec![token];
            pending.extend(matcher.consume_ff_tokens());
        }
        let written = &tokens[start..];
        let bytes = self.vocabulary.env.tok_trie().decode(without_end(written, self.vocabulary.eos));
        Ok(String::from_utf8(bytes).ok().map(|text| (text, written.len())))
    }
}

fn without_end(tokens: &[TokenId], eos: TokenId) -> &[TokenId] {
    match tokens.split_last() {
        Some((last, rest)) if *last == eos => rest,
        _ => tokens,
    }
}

fn forward(weights: &mut ModelWeights, tokens: &[TokenId], position: usize) -> Result<Vec<f32>, Error> {
    let mut run = || -> candle_core::Result<Vec<f32>> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        weights.forward(&input, position)?.flatten_all()?.to_vec1()
    };
    run().map_err(|error| Error::Inference(error.to_string()))
}

/// Draws a token; `draw` is uniform in [0, 1). Ties are broken by the smaller id, so that equal
/// logits give equal tokens everywhere. `None` where the mask allows nothing.
fn sample(
    logits: &[f32],
    recent: &[TokenId],
    mask: &SimpleVob,
    vocabulary_size: usize,
    draw: f64,
) -> Option<TokenId> {
    let mut allowed: Vec<(f32, TokenId)> = Vec::new();
    for (id, &logit) in logits.iter().enumerate().take(vocabulary_size) {
        let id = id as TokenId;
        if id as usize >= mask.len() || !mask.is_allowed(id) || logit.is_nan() {
            continue;
        }
        let penalized = if !recent.contains(&id) {
            logit
        } else if logit > 0.0 {
            logit / REPETITION_PENALTY
        } else {
            logit * REPETITION_PENALTY
        };
        allowed.push((penalized, id));
    }
    let order = |a: &(f32, TokenId), b: &(f32, TokenId)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if allowed.len() > TOP_K {
        allowed.select_nth_unstable_by(TOP_K - 1, order);
        allowed.truncate(TOP_K);
    }
    allowed.sort_unstable_by(order);
    let highest = f64::from(allowed.first()?.0);
    let weights: Vec<f64> =
        allowed.iter().map(|(logit, _)| ((f64::from(*logit) - highest) / TEMPERATURE).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut kept = 0;
    let mut mass = 0.0;
    for weight in &weights {
        kept += 1;
        mass += weight;
        if mass >= TOP_P * total {
            break;
        }
    }
    let mut rest = draw * mass;
    for ((_, id), weight) in allowed.iter().zip(&weights).take(kept) {
        rest -= weight;
        if rest < 0.0 {
            return Some(*id);
        }
    }
    Some(allowed[kept - 1].1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_allowed_tokens_are_drawn() {
        let mask = SimpleVob::from_slice(&[true, false, true, false]);
        for draw in [0.0, 0.5, 0.999_999] {
            let token = sample(&[1.0, 9.0, 2.0, 9.0], &[], &mask, 4, draw).unwrap();
            assert!(token == 0 || token == 2);
        }
        assert_eq!(sample(&[1.0; 4], &[], &SimpleVob::alloc(4), 4, 0.5), None);
        assert_eq!(sample(&[f32::NAN; 4], &[], &mask, 4, 0.5), None);
    }

    #[test]
    fn repeated_tokens_lose_against_equal_ones() {
        let mask = SimpleVob::from_slice(&[true, true]);
        let count = |recent: &[TokenId]| {
            (0..1000)
                .filter(|i| sample(&[3.0, 3.0], recent, &mask, 2, f64::from(*i) / 1e3) == Some(0))
                .count()
        };
        assert_eq!(count(&[]), 500);
        assert!(count(&[0]) < 450);
    }

    proptest! {
        #[test]
        fn any_logits_give_an_allowed_token(
            logits in prop::collection::vec(-50_f32..50.0, 1..100), draw in 0.0_f64..1.0, seed: u64,
        ) {
            let stream = Stream::new(seed, "mask");
            let bits: Vec<bool> = (0..logits.len()).map(|i| stream.uniform(i as u64) < 0.5).collect();
            let token = sample(&logits, &[0, 1], &SimpleVob::from_slice(&bits), logits.len(), draw);
            prop_assert_eq!(token.is_some(), bits.iter().any(|bit| *bit));
            prop_assert!(token.is_none_or(|token| bits[token as usize]));
        }
    }
}
