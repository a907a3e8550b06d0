//! Why an advertisement is scored as it is: parts of the posterior mean, phrases, likeness to what
//! was shown before, and what more clicks would change.
//!
//! The prior covariance is a sum over groups of features, and the posterior mean is the prior mean
//! plus Σᵢ wᵢ k(a, i) over the shown advertisements i, so it falls apart exactly into one part per
//! group. Where a group is linear (frame statistics, the archive's weights), it falls apart further.
//!
//! More impressions of the advertisement itself are one observation more. With mean m and variance v
//! of η(a) given all others, and a working observation z of information I, the closed form is the
//! rank-1 update m + v/(v + 1/I) (z − m), variance v/(1 + v I): the same as scoring with the
//! impressions in the history (tested).

use spotwright_core::ports::click_model::{ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::explanation::{
    Contribution, Explanation, Neighbor, Outlook, PhraseEffect, Separation, TextPart,
};
use spotwright_schemas::outcome::Score;

use super::{
    Advertisement, MAX_COUNT, MAX_LOG_ODDS, MIN_SD, Place, Posterior, RidgeClickModel, Shown, Texts, Z_90,
    check_counts, sigmoid, working_observation,
};
use crate::error::Error;
use crate::features::{FRAME_FEATURES, N_FRAME_FEATURES, STRUCTURE_FEATURES};
use crate::last_layer::HEADLINE_TOKENS;
use crate::linear::{add_scaled, dot};
use crate::phrases::{phrases, pieces};

/// Earlier advertisements that are named.
const N_NEAREST: usize = 3;
/// Pieces of the whole text whose effect is measured; each costs an encoding.
const N_TEXT_PIECES: usize = 6;
/// Supposed impressions of the outlooks.
const SUPPOSED_IMPRESSIONS: u64 = 1_000;
/// Supposed click rates of the outlooks, in predicted ones.
const SUPPOSED_RATES: [f64; 2] = [0.5, 2.0];
/// More impressions are not asked for.
const MOST_IMPRESSIONS: u64 = 100_000_000;

/// The parts of one posterior mean.
struct Parts {
    /// All but `own`, by name.
    named: Vec<(String, f64)>,
    /// What the advertisement's own clicks say beyond all features.
    own: f64,
}

impl Parts {
    fn without_own(&self) -> f64 {
        self.named.iter().map(|(_, part)| part).sum()
    }

    fn contributions(self) -> Vec<Contribution> {
        self.named
            .into_iter()
            .chain([("own.clicks".to_owned(), self.own)])
            .filter(|(_, log_odds)| *log_odds != 0.0)
            .map(|(feature, log_odds)| Contribution { feature, log_odds })
            .collect()
    }
}

/// What is known of η(a) from everything but its own clicks, and these.
struct Belief {
    mean: f64,
    variance: f64,
    impressions: f64,
    clicks: f64,
    prior_ctr: f64,
}

impl Belief {
    /// Predicted rate and interval after `n` more impressions with `k` clicks.
    fn after(&self, n: f64, k: f64) -> (f64, [f64; 2]) {
        let (n, k) = (self.impressions + n, self.clicks + k);
        let (mut mean, mut variance) = (self.mean, self.variance);
        if n > 0.0 {
            let (response, information) = working_observation(n, k, self.prior_ctr);
            mean += variance / (variance + 1.0 / information) * (response - mean);
            variance /= 1.0 + variance * information;
        }
        let mean = mean.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS);
        let half_width = Z_90 * variance.max(0.0).sqrt().max(MIN_SD);
        (sigmoid(mean), [sigmoid(mean - half_width), sigmoid(mean + half_width)])
    }

    /// Fewest impressions at `rate` after which the interval leaves out `ctr`: between two powers of
    /// two of which the first does not suffice and the second does.
    fn impressions_to_leave_out(&self, ctr: f64, rate: f64) -> Option<u64> {
        let leaves_out = |n: u64| {
            let [low, high] = self.after(n as f64, n as f64 * rate).1;
            ctr < low || ctr > high
        };
        if leaves_out(0) {
            return Some(0);
        }
        let (mut fails, mut passes) = (0, 1);
        while !leaves_out(passes) {
            fails = passes;
            passes *= 2;
            if passes > MOST_IMPRESSIONS {
                return None;
            }
        }
        while passes - fails > 1 {
            let middle = u64::midpoint(fails, passes);
            if leaves_out(middle) {
                passes = middle;
            } else {
                fails = middle;
            }
        }
        Some(passes)
    }
}

impl RidgeClickModel {
    pub(super) fn explain_all(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        let places: Vec<(&ScoreInput, Place)> =
            inputs.iter().enumerate().map(|(index, shown)| (&shown.input, Place::Input(index))).collect();
        let advertisements = self.advertisements(&places)?;
        for (index, observed) in inputs.iter().enumerate() {
            let place = Place::Input(index);
            check_counts(observed).map_err(|message| place.error("clicks", message))?;
            if observed.impressions > MAX_COUNT {
                return Err(place.error("impressions", format!("more than {MAX_COUNT}")));
            }
        }
        let pooled = self.pool(history)?;
        let posterior = self.condition(&pooled)?;
        let scores: Vec<Score> =
            advertisements.iter().map(|a| self.score_one(a, posterior.as_ref())).collect();
        let mut explanations = Vec::with_capacity(inputs.len());
        for (index, (observed, advertisement)) in inputs.iter().zip(&advertisements).enumerate() {
            let damaged = |error: Error| ClickModelError::Model(error.to_string());
            let parts = self.parts(&observed.input.headline, advertisement, posterior.as_ref());
            let parts = parts.map_err(damaged)?;
            let phrases = self.phrase_effects(observed, advertisement, posterior.as_ref(), &parts)?;
            let belief = self.belief(advertisement, &pooled, posterior.as_ref())?;
            explanations.push(Explanation {
                contributions: parts.contributions(),
                phrases,
                nearest: nearest(advertisement, &pooled),
                outlooks: outlooks(&belief, observed, scores[index].predicted_ctr),
                separation: separation(&belief, observed, index, &scores),
                score: scores[index].clone(),
            });
        }
        Ok(explanations)
    }

    /// The posterior mean of η(a), part by part.
    fn parts(
        &self,
        headline: &str,
        advertisement: &Advertisement,
        posterior: Option<&Posterior>,
    ) -> Result<Parts, Error> {
        let mut named = vec![("level.archive".to_owned(), self.level_mean())];
        let vector = self.encoder.encode(headline, HEADLINE_TOKENS)?;
        let columns = self.layer.columns(&vector, headline);
        let weights = self.layer.weights();
        let n_structure = STRUCTURE_FEATURES.len();
        let n_vector = columns.len() - n_structure;
        let block = (n_vector / self.layer.n_blocks.max(1)).max(1);
        let transfer = advertisement.transfer;
        for (number, (values, weights)) in
            columns[..n_vector].chunks(block).zip(weights[..n_vector].chunks(block)).enumerate()
        {
            named.push((format!("headline.layer.{}", number + 1), transfer * dot(values, weights)));
        }
        for (name, (value, weight)) in
            STRUCTURE_FEATURES.iter().zip(columns[n_vector..].iter().zip(&weights[n_vector..]))
        {
            named.push((format!("headline.{name}"), transfer * value * weight));
        }
        let own = match posterior {
            None => 0.0,
            Some(posterior) => self.learned_parts(advertisement, posterior, &mut named),
        };
        Ok(Parts { named, own })
    }

    /// What the brief's clicks add, by group; returns what belongs to the advertisement alone.
    fn learned_parts(
        &self,
        advertisement: &Advertisement,
        posterior: &Posterior,
        named: &mut Vec<(String, f64)>,
    ) -> f64 {
        let priors = &self.layer.priors;
        let texts = &advertisement.texts;
        let mut taste = 0.0;
        let mut headline = vec![0.0; texts.headline.len()];
        let mut text = vec![0.0; texts.text.len()];
        let mut frames = [0.0; N_FRAME_FEATURES];
        let mut own = 0.0;
        for (shown, &weight) in posterior.advertisements.iter().zip(&posterior.weights) {
            let other = &shown.texts;
            let carried = priors.transfer_sd.powi(2) * texts.archive_appeal * other.archive_appeal;
            taste += weight * (dot(&texts.whitened, &other.whitened) + carried);
            add_scaled(&mut headline, &other.headline, weight);
            add_scaled(&mut text, &other.text, weight);
            add_scaled(&mut frames, &shown.frames, weight);
            if shown.identity == advertisement.identity {
                own += weight * priors.residual_sd.powi(2);
            }
        }
        let level = self.level_variance() * posterior.weights.iter().sum::<f64>();
        named.push(("level.clicks".to_owned(), level));
        named.push(("brief.archive_taste".to_owned(), taste));
        named.push((
            "brief.headline".to_owned(),
            priors.headline_sd.powi(2) * dot(&texts.headline, &headline),
        ));
        named.push(("brief.text".to_owned(), priors.text_sd.powi(2) * dot(&texts.text, &text)));
        for (name, (value, learned)) in FRAME_FEATURES.iter().zip(advertisement.frames.iter().zip(frames)) {
            let name = name.strip_prefix("statistics.").unwrap_or(name);
            named.push((format!("frames.{name}"), priors.frame_sd.powi(2) * value * learned));
        }
        own
    }

    /// Effects of leaving out one phrase after the other. What the advertisement's own clicks say
    /// stays out of it: another headline is another advertisement.
    fn phrase_effects(
        &self,
        observed: &ObservedInput,
        advertisement: &Advertisement,
        posterior: Option<&Posterior>,
        parts: &Parts,
    ) -> Result<Vec<PhraseEffect>, ClickModelError> {
        let damaged = |error: Error| ClickModelError::Model(error.to_string());
        let input = &observed.input;
        let whole = parts.without_own();
        // Part, phrase, and headline and text without it.
        let mut left_out: Vec<(TextPart, &str, String, String)> = Vec::new();
        for range in phrases(&input.headline) {
            let rest = left_over(&input.headline, &range);
            if !rest.is_empty() {
                left_out.push((TextPart::Headline, input.headline[range].trim(), rest, input.text.clone()));
            }
        }
        if posterior.is_some() {
            for range in pieces(&input.text, N_TEXT_PIECES) {
                let rest = left_over(&input.text, &range);
                if !rest.is_empty() {
                    left_out.push((TextPart::Text, input.text[range].trim(), input.headline.clone(), rest));
                }
            }
        }
        let texts: Vec<Texts<'_>> =
            left_out.iter().map(|(_, _, headline, text)| (headline.as_str(), text.as_str())).collect();
        let prepared = self.prepare(&texts).map_err(damaged)?;
        left_out
            .iter()
            .zip(prepared)
            .map(|((part, phrase, headline, _text), texts)| {
                let without = Advertisement { texts, ..advertisement.clone() };
                let without = self.parts(headline, &without, posterior).map_err(damaged)?.without_own();
                let phrase = (*phrase).to_owned();
                Ok(PhraseEffect { part: *part, phrase, log_odds: whole - without })
            })
            .collect()
    }

    fn belief(
        &self,
        advertisement: &Advertisement,
        pooled: &[Shown],
        posterior: Option<&Posterior>,
    ) -> Result<Belief, ClickModelError> {
        let is_own = |shown: &&Shown| shown.advertisement.identity == advertisement.identity;
        let own = pooled.iter().find(is_own);
        let others;
        let posterior = if own.is_some() {
            let rest: Vec<Shown> = pooled.iter().filter(|shown| !is_own(shown)).cloned().collect();
            others = self.condition(&rest)?;
            others.as_ref()
        } else {
            posterior
        };
        let (mean, variance) = match posterior {
            None => (
                self.prior_mean(advertisement),
                self.covariance(advertisement, advertisement) + self.level_variance(),
            ),
            Some(posterior) => {
                let (mean, variance, _, _) = self.posterior_of(advertisement, posterior);
                (mean, variance.max(0.0))
            }
        };
        Ok(Belief {
            mean,
            variance,
            impressions: own.map_or(0.0, |shown| shown.impressions as f64),
            clicks: own.map_or(0.0, |shown| shown.clicks as f64),
            prior_ctr: self.layer.priors.level_ctr,
        })
    }
}

/// `text` without a range, with single spaces.
fn left_over(text: &str, range: &std::ops::Range<usize>) -> String {
    let both = format!("{} {}", &text[..range.start], &text[range.end..]);
    both.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The most alike of what was shown, by the cosine of the headlines' vectors.
fn nearest(advertisement: &Advertisement, pooled: &[Shown]) -> Vec<Neighbor> {
    let own = &advertisement.texts.headline;
    let length = |direction: &[f64]| dot(direction, direction).sqrt();
    let mut neighbors: Vec<Neighbor> = pooled
        .iter()
        .filter(|shown| shown.advertisement.identity != advertisement.identity)
        .map(|shown| {
            let other = &shown.advertisement.texts.headline;
            let lengths = length(own) * length(other);
            let similarity = if lengths > 0.0 { dot(own, other) / lengths } else { 0.0 };
            Neighbor {
                history: shown.row,
                similarity: similarity.clamp(-1.0, 1.0),
                impressions: shown.impressions,
                clicks: shown.clicks,
            }
        })
        .collect();
    neighbors.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.history.cmp(&b.history)));
    neighbors.truncate(N_NEAREST);
    neighbors
}

fn outlooks(belief: &Belief, observed: &ObservedInput, predicted: f64) -> Vec<Outlook> {
    let happened = (observed.impressions > 0)
        .then_some((true, observed.impressions, observed.clicks as f64))
        .into_iter();
    let supposed = SUPPOSED_RATES.map(|times| {
        (false, SUPPOSED_IMPRESSIONS, SUPPOSED_IMPRESSIONS as f64 * (times * predicted).min(1.0))
    });
    happened
        .chain(supposed)
        .map(|(happened, impressions, clicks)| {
            let (predicted_ctr, interval) = belief.after(impressions as f64, clicks);
            Outlook { happened, impressions, clicks, predicted_ctr, interval }
        })
        .collect()
}

fn separation(
    belief: &Belief,
    observed: &ObservedInput,
    index: usize,
    scores: &[Score],
) -> Option<Separation> {
    let (rival, score) = scores
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .max_by(|(a, x), (b, y)| x.predicted_ctr.total_cmp(&y.predicted_ctr).then(b.cmp(a)))?;
    let rate = if observed.impressions > 0 {
        observed.clicks as f64 / observed.impressions as f64
    } else {
        scores[index].predicted_ctr
    };
    Some(Separation {
        rival,
        rival_ctr: score.predicted_ctr,
        rate,
        impressions: belief.impressions_to_leave_out(score.predicted_ctr, rate),
    })
}
