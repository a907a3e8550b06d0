//! The click model: archive weights, a brief's own taste and its level, updated in closed form.
//!
//! Log-odds of advertisement a of one brief:
//!
//! ```text
//! η(a) = level + transfer·s(a) + x(a)·d + h(a)·b + t(a)·c + v(a)·f + u(a)
//! ```
//!
//! | term | meaning | prior |
//! |---|---|---|
//! | level | the brief's level | `level_impressions` pseudo-impressions at `level_ctr` |
//! | s(a) = x(a)·m | the archive's taste, m the fitted weights | transfer has mean 1 (English) or ½ (Chinese) and `transfer_sd` |
//! | d | error of m | the fit's posterior covariance |
//! | b, c | the brief's own taste in the headline's and the whole text's vector | independent, `headline_sd`, `text_sd` |
//! | f | the brief's own taste in frame statistics | independent, mean 0, `frame_sd` |
//! | u(a) | what is particular to a | independent, `residual_sd` |
//!
//! Everything is Gaussian, so the posterior given a brief's history is one Cholesky factorization
//! of the size of the history (Rasmussen and Williams, Gaussian Processes for Machine Learning,
//! 2006, algorithm 2.1).
//!
//! An advertisement with k clicks of n impressions enters as one working observation (one Newton
//! step of logistic regression, taken at a shrunk rate):
//!
//! ```text
//! r = (k + g·level_ctr) / (n + g)      information = n r (1 − r)
//! z = logit r + (k/n − r) / (r (1 − r)),   variance 1 / information
//! ```
//!
//! with g = 300 pseudo-impressions. The fit on the archive uses (k + ½)/(n + 1) instead, which is
//! the same for its thousands of impressions per row; at the ladder's 100 impressions it would
//! raise the level by more than half, because weight and outcome go together. The information of
//! an advertisement grows with every impression and does not depend on other advertisements, so
//! history never widens an interval (in log-odds; property-tested).

mod explain;
mod texts;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::locale::Language;
use spotwright_schemas::outcome::Score;

use crate::encoder::TextEncoder;
use crate::error::Error;
use crate::features::{N_FRAME_FEATURES, frame_features, frame_values};
use crate::last_layer::LastLayer;
use crate::linear::{Cholesky, dot};

use texts::{Prepared, Texts};

/// Longest headline in characters, by the port.
pub const MAX_HEADLINE_CHARS: usize = 2_000;
/// Longest text in characters, by the port.
pub const MAX_TEXT_CHARS: usize = crate::encoder::MAX_TEXT_CHARS;
/// Most different advertisements a history may hold; the update is cubic in it (about 2 s at the
/// limit on one core, unmeasured on others).
pub const MAX_HISTORY: usize = 2_000;
/// Pseudo-impressions at which an observed rate is shrunk before it becomes a working observation.
const WORKING_IMPRESSIONS: f64 = 300.0;
/// Standard normal quantile of 0.95: both ends of a 90 % interval.
const Z_90: f64 = 1.644_853_626_951_472_2;
/// Predicted log-odds stay within ±13.8, click rates within [1e-6, 1 − 1e-6].
const MAX_LOG_ODDS: f64 = 13.8;
/// Intervals never become narrower than this, in log-odds: below it rounding would decide.
const MIN_SD: f64 = 1e-6;
/// Counts above 2^53 are not whole numbers in `f64`.
const MAX_COUNT: u64 = 1 << 53;

/// A [`ClickModel`] with a Bayesian last layer on a frozen text encoder.
pub struct RidgeClickModel {
    encoder: Arc<dyn TextEncoder>,
    layer: LastLayer,
    id: String,
    description: String,
    /// What is known of headlines and texts, by content. Saves time and never changes a score.
    prepared: Mutex<HashMap<[u8; 32], Arc<Prepared>>>,
    /// What follows from the histories of the last few briefs, by content, the latest last. All variants of
    /// a generation are scored one by one on the same history. Saves time and never changes a score.
    conditioned: Mutex<Vec<Conditioned>>,
}

/// A history's content and what follows from it.
type Conditioned = ([u8; 32], Option<Arc<Posterior>>);

/// Histories that are remembered; one of a thousand advertisements takes 5 MB.
const MAX_CONDITIONED: usize = 16;

/// Everything the posterior needs of one advertisement.
#[derive(Clone)]
struct Advertisement {
    identity: [u8; 32],
    texts: Arc<Prepared>,
    frames: [f64; N_FRAME_FEATURES],
    transfer: f64,
}

/// An advertisement that was shown, with all its rows added up.
#[derive(Clone)]
struct Shown {
    advertisement: Advertisement,
    /// Its first row in the history.
    row: usize,
    impressions: u64,
    clicks: u64,
}

/// The brief's history, conditioned on.
struct Posterior {
    advertisements: Vec<Advertisement>,
    factor: Cholesky,
    /// (K + noise)⁻¹ (z − prior mean).
    weights: Vec<f64>,
    /// Mean over the shown advertisements of their prior covariance with each of them.
    mean_covariance: Vec<f64>,
    /// Posterior mean log-odds, averaged over the shown advertisements.
    level: f64,
}

impl RidgeClickModel {
    /// Joins an encoder and a layer that was fitted on its vectors. `file_hash`: BLAKE3 of the
    /// layer's file, part of the model's id.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when the layer was fitted for another encoder.
    pub fn new(
        encoder: Arc<dyn TextEncoder>,
        layer: LastLayer,
        file_hash: &blake3::Hash,
    ) -> Result<Self, Error> {
        layer.check_encoder(encoder.as_ref())?;
        let id = format!("{}-ridge@{:.12}", encoder.name(), file_hash.to_hex());
        let description = format!(
            "Bayesian ridge on {} headline vectors, fitted on randomized English headline tests and \
             updated with the brief's own clicks; frame statistics and whole texts are learned from \
             the brief only.",
            encoder.name()
        );
        Ok(Self {
            encoder,
            layer,
            id,
            description,
            prepared: Mutex::default(),
            conditioned: Mutex::default(),
        })
    }

    fn level_mean(&self) -> f64 {
        logit(self.layer.priors.level_ctr)
    }

    /// Variance of the level: that of a click rate observed over `level_impressions`.
    fn level_variance(&self) -> f64 {
        let rate = self.layer.priors.level_ctr;
        1.0 / (self.layer.priors.level_impressions * rate * (1.0 - rate))
    }

    fn advertisement(&self, input: &ScoreInput, place: Place) -> Result<Advertisement, ClickModelError> {
        let mut made = self.advertisements(&[(input, place)])?;
        made.pop().ok_or_else(|| ClickModelError::Model("a text was left without a vector".to_owned()))
    }

    /// Checks every input, then reads the texts of all together.
    fn advertisements(&self, inputs: &[(&ScoreInput, Place)]) -> Result<Vec<Advertisement>, ClickModelError> {
        let frames =
            inputs.iter().map(|(input, place)| check(input, *place)).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<Texts<'_>> =
            inputs.iter().map(|(input, _place)| (input.headline.as_str(), input.text.as_str())).collect();
        let prepared = self.prepare(&texts).map_err(|error| ClickModelError::Model(error.to_string()))?;
        Ok(inputs
            .iter()
            .zip(prepared)
            .zip(frames)
            .map(|(((input, _place), texts), frames)| Advertisement {
                identity: identity(input),
                texts,
                frames,
                transfer: match input.locale.language() {
                    Language::English => 1.0,
                    // An English-fitted taste carries over to Chinese or it does not; no data here
                    // says which, so half of it is expected.
                    Language::Chinese => 0.5,
                },
            })
            .collect())
    }

    /// Whether every input is one that [`ClickModel::score`] takes, without reading it.
    ///
    /// # Errors
    /// [`ClickModelError::Input`], as [`ClickModel::score`].
    pub fn check(inputs: &[ScoreInput]) -> Result<(), ClickModelError> {
        inputs
            .iter()
            .enumerate()
            .try_for_each(|(index, input)| check(input, Place::Input(index)).map(|_frames| ()))
    }

    /// How likely `a` is to have the higher click rate of two advertisements of one brief without
    /// history: mean and standard deviation of η(a) − η(b).
    ///
    /// # Errors
    /// As [`ClickModel::score`]; `a` is input 0.
    pub fn difference(&self, a: &ScoreInput, b: &ScoreInput) -> Result<(f64, f64), ClickModelError> {
        let [a, b] = [self.advertisement(a, Place::Input(0))?, self.advertisement(b, Place::Input(1))?];
        Ok(self.difference_of(&a, &b))
    }

    /// [`RidgeClickModel::difference`] of every pair: bit-equal, and faster than one by one, because
    /// all texts are encoded together, each once, on the threads of the pool that this is called from.
    ///
    /// # Errors
    /// As [`ClickModel::score`]; the first of pair i is input 2 i, the second input 2 i + 1.
    pub fn differences(&self, pairs: &[[ScoreInput; 2]]) -> Result<Vec<(f64, f64)>, ClickModelError> {
        let inputs: Vec<(&ScoreInput, Place)> =
            pairs.iter().flatten().enumerate().map(|(index, input)| (input, Place::Input(index))).collect();
        let advertisements = self.advertisements(&inputs)?;
        Ok(advertisements.chunks_exact(2).map(|pair| self.difference_of(&pair[0], &pair[1])).collect())
    }

    fn difference_of(&self, a: &Advertisement, b: &Advertisement) -> (f64, f64) {
        let mean = self.prior_mean(a) - self.prior_mean(b);
        let variance = self.covariance(a, a) + self.covariance(b, b) - 2.0 * self.covariance(a, b);
        (mean, variance.max(0.0).sqrt())
    }

    /// As [`RidgeClickModel::difference`], of the archive's taste alone: without what is particular
    /// to each advertisement or to the brief.
    ///
    /// # Errors
    /// As [`RidgeClickModel::difference`].
    pub fn taste_difference(&self, a: &ScoreInput, b: &ScoreInput) -> Result<(f64, f64), ClickModelError> {
        let a = self.advertisement(a, Place::Input(0))?;
        let b = self.advertisement(b, Place::Input(1))?;
        let mean = a.texts.archive_appeal - b.texts.archive_appeal;
        let variance: f64 =
            a.texts.whitened.iter().zip(&b.texts.whitened).map(|(x, y)| (x - y).powi(2)).sum();
        Ok((mean, variance.sqrt()))
    }

    /// Prior mean of η.
    fn prior_mean(&self, advertisement: &Advertisement) -> f64 {
        self.level_mean() + advertisement.transfer * advertisement.texts.archive_appeal
    }

    /// Prior covariance of η(a) and η(b) without the level's part.
    fn covariance(&self, a: &Advertisement, b: &Advertisement) -> f64 {
        let priors = &self.layer.priors;
        let residual = if a.identity == b.identity { priors.residual_sd.powi(2) } else { 0.0 };
        let (x, y) = (&a.texts, &b.texts);
        dot(&x.whitened, &y.whitened)
            + priors.transfer_sd.powi(2) * x.archive_appeal * y.archive_appeal
            + priors.headline_sd.powi(2) * dot(&x.headline, &y.headline)
            + priors.text_sd.powi(2) * dot(&x.text, &y.text)
            + priors.frame_sd.powi(2) * dot(&a.frames, &b.frames)
            + residual
    }

    /// Rows of equal advertisements are added up, rows without impressions dropped, and the rest
    /// ordered by content, so that neither the order nor the division of the history matters.
    fn pool(&self, history: &[ObservedInput]) -> Result<Vec<Shown>, ClickModelError> {
        let mut pooled = BTreeMap::<[u8; 32], (usize, u64, u64)>::new();
        for (index, observed) in history.iter().enumerate() {
            let error = |field, message: String| ClickModelError::Input { index, field, message };
            check_counts(observed).map_err(|message| error("history.clicks", message))?;
            // Checked here as well as below, so that rows that add nothing are still valid rows.
            check_length(&observed.input.headline, MAX_HEADLINE_CHARS)
                .map_err(|message| error("history.headline", message))?;
            check_length(&observed.input.text, MAX_TEXT_CHARS)
                .map_err(|message| error("history.text", message))?;
            frame_features(&observed.input.statistics)
                .map_err(|field| error(field, "not finite, in the history".to_owned()))?;
            let entry = pooled.entry(identity(&observed.input)).or_insert((index, 0, 0));
            entry.1 = entry.1.saturating_add(observed.impressions);
            entry.2 = entry.2.saturating_add(observed.clicks);
            if entry.1 > MAX_COUNT {
                return Err(error("history.impressions", format!("more than {MAX_COUNT} in all")));
            }
        }
        pooled.retain(|_identity, (_, impressions, _)| *impressions > 0);
        if pooled.len() > MAX_HISTORY {
            let message = format!("{} different advertisements; at most {MAX_HISTORY}", pooled.len());
            return Err(ClickModelError::Input { index: MAX_HISTORY, field: "history", message });
        }
        let rows: Vec<(usize, u64, u64)> = pooled.into_values().collect();
        let inputs: Vec<(&ScoreInput, Place)> =
            rows.iter().map(|&(row, _, _)| (&history[row].input, Place::History(row))).collect();
        let shown = self.advertisements(&inputs)?.into_iter().zip(rows);
        Ok(shown
            .map(|(advertisement, (row, impressions, clicks))| Shown {
                advertisement,
                row,
                impressions,
                clicks,
            })
            .collect())
    }

    /// The posterior given a history, worked out once for all inputs that are scored on it.
    fn posterior(&self, history: &[ObservedInput]) -> Result<Option<Arc<Posterior>>, ClickModelError> {
        if history.is_empty() {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        for observed in history {
            hasher.update(&identity(&observed.input));
            hasher.update(&observed.impressions.to_le_bytes());
            hasher.update(&observed.clicks.to_le_bytes());
        }
        let key = *hasher.finalize().as_bytes();
        // A poisoned lock only means that another thread panicked between two whole operations.
        let conditioned = || self.conditioned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, posterior)) = conditioned().iter().find(|(known, _)| *known == key) {
            return Ok(posterior.clone());
        }
        let posterior = self.condition(&self.pool(history)?)?.map(Arc::new);
        let mut all = conditioned();
        all.retain(|(known, _)| *known != key);
        if all.len() >= MAX_CONDITIONED {
            all.remove(0);
        }
        all.push((key, posterior.clone()));
        Ok(posterior)
    }

    fn condition(&self, pooled: &[Shown]) -> Result<Option<Posterior>, ClickModelError> {
        if pooled.is_empty() {
            return Ok(None);
        }
        let n = pooled.len();
        let level_variance = self.level_variance();
        let mut matrix = Vec::with_capacity(n * (n + 1) / 2);
        let mut sums = vec![0.0; n];
        let mut surprise = Vec::with_capacity(n);
        for (i, shown) in pooled.iter().enumerate() {
            for (j, other) in pooled[..=i].iter().enumerate() {
                let covariance = self.covariance(&shown.advertisement, &other.advertisement) + level_variance;
                matrix.push(covariance);
                sums[i] += covariance;
                if i != j {
                    sums[j] += covariance;
                }
            }
            let (response, information) = working_observation(
                shown.impressions as f64,
                shown.clicks as f64,
                self.layer.priors.level_ctr,
            );
            if let Some(diagonal) = matrix.last_mut() {
                *diagonal += 1.0 / information;
            }
            surprise.push(response - self.prior_mean(&shown.advertisement));
        }
        let factor = Cholesky::factor(matrix, n).ok_or_else(|| {
            ClickModelError::Model("the history's covariance is not positive definite".to_owned())
        })?;
        let weights = factor.solve(&surprise);
        let mean_covariance: Vec<f64> = sums.iter().map(|sum| sum / n as f64).collect();
        let advertisements: Vec<Advertisement> =
            pooled.iter().map(|shown| shown.advertisement.clone()).collect();
        let prior_level = advertisements.iter().map(|shown| self.prior_mean(shown)).sum::<f64>() / n as f64;
        let level = prior_level + dot(&mean_covariance, &weights);
        Ok(Some(Posterior { advertisements, factor, weights, mean_covariance, level }))
    }

    fn score_one(&self, advertisement: &Advertisement, posterior: Option<&Posterior>) -> Score {
        let prior = self.covariance(advertisement, advertisement);
        let (log_odds, variance, level, appeal_variance) = match posterior {
            None => (self.prior_mean(advertisement), prior + self.level_variance(), self.level_mean(), prior),
            Some(posterior) => self.posterior_of(advertisement, posterior),
        };
        let log_odds = log_odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS);
        let level = level.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS);
        let half_width = Z_90 * variance.max(0.0).sqrt().max(MIN_SD);
        Score {
            appeal: log_odds - level,
            appeal_sd: appeal_variance.max(0.0).sqrt(),
            level,
            predicted_ctr: sigmoid(log_odds),
            interval: [sigmoid(log_odds - half_width), sigmoid(log_odds + half_width)],
            model: self.id.clone(),
        }
    }

    /// Mean and variance of η(a), the brief's level, and the variance of η(a) − level.
    fn posterior_of(&self, advertisement: &Advertisement, posterior: &Posterior) -> (f64, f64, f64, f64) {
        let n = posterior.advertisements.len() as f64;
        let level_variance = self.level_variance();
        let with_shown: Vec<f64> = posterior
            .advertisements
            .iter()
            .map(|shown| self.covariance(advertisement, shown) + level_variance)
            .collect();
        let log_odds = self.prior_mean(advertisement) + dot(&with_shown, &posterior.weights);
        let own = self.covariance(advertisement, advertisement) + level_variance;
        let explained = posterior.factor.forward(&with_shown);
        let variance = own - dot(&explained, &explained);

        // The contrast η(a) − mean of the shown: its prior variance less what the history explains.
        let mean_with_shown = with_shown.iter().sum::<f64>() / n;
        let mean_of_shown = posterior.mean_covariance.iter().sum::<f64>() / n;
        let contrast: Vec<f64> =
            with_shown.iter().zip(&posterior.mean_covariance).map(|(own, mean)| own - mean).collect();
        let explained = posterior.factor.forward(&contrast);
        let appeal_variance = own - 2.0 * mean_with_shown + mean_of_shown - dot(&explained, &explained);
        (log_odds, variance, posterior.level, appeal_variance)
    }
}

impl ClickModel for RidgeClickModel {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn description(&self) -> String {
        self.description.clone()
    }

    fn score(&self, inputs: &[ScoreInput], history: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        let inputs: Vec<(&ScoreInput, Place)> =
            inputs.iter().enumerate().map(|(index, input)| (input, Place::Input(index))).collect();
        let advertisements = self.advertisements(&inputs)?;
        let posterior = self.posterior(history)?;
        Ok(advertisements
            .iter()
            .map(|advertisement| self.score_one(advertisement, posterior.as_deref()))
            .collect())
    }

    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        self.explain_all(inputs, history)
    }
}

/// Where an input stands, for errors.
#[derive(Clone, Copy)]
enum Place {
    Input(usize),
    History(usize),
}

impl Place {
    const fn headline(self) -> &'static str {
        match self {
            Self::Input(_) => "headline",
            Self::History(_) => "history.headline",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Input(_) => "text",
            Self::History(_) => "history.text",
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Input(_) => "",
            Self::History(_) => ", in the history",
        }
    }

    const fn error(self, field: &'static str, message: String) -> ClickModelError {
        let (Self::Input(index) | Self::History(index)) = self;
        ClickModelError::Input { index, field, message }
    }
}

/// The frame features of an input whose texts and figures are within the port's limits.
fn check(input: &ScoreInput, place: Place) -> Result<[f64; N_FRAME_FEATURES], ClickModelError> {
    check_length(&input.headline, MAX_HEADLINE_CHARS)
        .map_err(|message| place.error(place.headline(), message))?;
    check_length(&input.text, MAX_TEXT_CHARS).map_err(|message| place.error(place.text(), message))?;
    frame_features(&input.statistics)
        .map_err(|field| place.error(field, format!("not finite{}", place.suffix())))
}

fn check_length(text: &str, max_chars: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("empty".to_owned());
    }
    if text.chars().nth(max_chars).is_some() {
        return Err(format!("longer than {max_chars} characters"));
    }
    Ok(())
}

fn check_counts(observed: &ObservedInput) -> Result<(), String> {
    if observed.clicks > observed.impressions {
        return Err(format!("{} clicks of {} impressions", observed.clicks, observed.impressions));
    }
    Ok(())
}

/// Content hash: advertisements with equal content are the same advertisement.
fn identity(input: &ScoreInput) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&content_hash(&[&input.headline, &input.text, input.locale.tag()]));
    for value in frame_values(&input.statistics) {
        hasher.update(&value.to_bits().to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn content_hash(texts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Working response and information of `k` clicks of `n` impressions; see the module's page.
fn working_observation(n: f64, k: f64, prior_ctr: f64) -> (f64, f64) {
    let rate = (k + WORKING_IMPRESSIONS * prior_ctr) / (n + WORKING_IMPRESSIONS);
    let spread = rate * (1.0 - rate);
    (logit(rate) + (k / n - rate) / spread, n * spread)
}

/// Log-odds of a probability in (0, 1).
#[must_use]
pub fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

/// Probability of log-odds.
#[must_use]
pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
