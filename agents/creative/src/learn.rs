//! What the clicks teach: beliefs about directions, lessons for people, parents for breeding.
//!
//! Only counts of impressions and clicks enter. The model is beta-binomial: the click probability
//! of a direction `d` is `p_d ~ Beta(m_d k, (1 - m_d) k)`, where `m_d` is the parent mean made of
//! the brief's mean and the effects of angle and hook on the log-odds, and `k` (pseudo-impressions)
//! is fitted by moments to the spread between directions.

mod taught;

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Hook};
use spotwright_schemas::{Language, Locale};
use statrs::function::erf::erfc;

pub use taught::{
    MAX_TAUGHT, MAX_TAUGHT_LESSONS, REJECTION_IMPRESSIONS, Taught, TaughtBy, avoided, remember,
    taught_lessons, with_rejections,
};

/// Click probability assumed before anything was shown: 1 %, the order of in-feed video.
const PRIOR_MEAN: f64 = 0.01;
/// Pseudo-impressions behind [`PRIOR_MEAN`]; a few hundred real impressions overrule it.
const PRIOR_STRENGTH: f64 = 200.0;
/// Pseudo-impressions that hold an angle's or a hook form's mean to the brief's.
const MARGINAL_STRENGTH: f64 = 1_500.0;
/// Bounds of the fitted concentration in pseudo-impressions, and its value with fewer than three
/// directions.
const CONCENTRATION: [f64; 2] = [200.0, 20_000.0];
const DEFAULT_CONCENTRATION: f64 = 1_500.0;

/// Counts of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectionCounts {
    /// Which direction.
    pub direction: Direction,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked; at most `impressions`.
    pub clicks: u64,
}

/// What is believed about the directions of one brief. Holds counts only; everything else follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beliefs {
    /// One entry per direction that was shown, in the order of [`Direction`].
    counts: Vec<DirectionCounts>,
}

/// A beta distribution of a click probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// First shape, above 0.
    pub alpha: f64,
    /// Second shape, above 0.
    pub beta: f64,
}

impl Posterior {
    /// The mean, in (0, 1).
    #[must_use]
    pub fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The standard deviation.
    #[must_use]
    pub fn sd(self) -> f64 {
        let total = self.alpha + self.beta;
        (self.alpha * self.beta / (total * total * (total + 1.0))).sqrt()
    }

    /// A draw from the distribution, as a ratio of two gamma draws.
    #[must_use]
    pub fn draw(self, stream: Stream) -> f64 {
        let (a, b) = (stream.child(0).gamma(self.alpha), stream.child(1).gamma(self.beta));
        if a + b > 0.0 { a / (a + b) } else { self.mean() }
    }
}

impl Beliefs {
    /// The counts, in the order of [`Direction`].
    #[must_use]
    pub fn counts(&self) -> &[DirectionCounts] {
        &self.counts
    }

    /// Impressions and clicks of all directions.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        self.total_where(|_| true)
    }

    /// Whether a direction was shown at least once.
    #[must_use]
    pub fn has_tried(&self, direction: Direction) -> bool {
        self.counts.iter().any(|row| row.direction == direction && row.impressions > 0)
    }

    /// The brief's mean click probability, held to 1 % by 200 pseudo-impressions.
    #[must_use]
    pub fn mean(&self) -> f64 {
        shrunk(self.totals(), PRIOR_MEAN, PRIOR_STRENGTH)
    }

    /// The posterior of a direction, tried or not.
    #[must_use]
    pub fn posterior(&self, direction: Direction) -> Posterior {
        let k = self.concentration();
        let parent = self.parent_mean(direction);
        let (impressions, clicks) = self.total_where(|row| row.direction == direction);
        Posterior {
            alpha: parent * k + clicks as f64,
            beta: (1.0 - parent) * k + (impressions - clicks) as f64,
        }
    }

    /// The mean of an angle, shrunk to the brief's.
    #[must_use]
    pub fn angle_mean(&self, angle: Angle) -> f64 {
        shrunk(self.total_where(|row| row.direction.angle == angle), self.mean(), MARGINAL_STRENGTH)
    }

    /// The mean of a hook form, shrunk to the brief's.
    #[must_use]
    pub fn hook_mean(&self, hook: Hook) -> f64 {
        shrunk(self.total_where(|row| row.direction.hook == hook), self.mean(), MARGINAL_STRENGTH)
    }

    fn parent_mean(&self, direction: Direction) -> f64 {
        let mean = logit(self.mean());
        let angle = logit(self.angle_mean(direction.angle)) - mean;
        let hook = logit(self.hook_mean(direction.hook)) - mean;
        // Half of each: a direction's own clicks stand in both marginals and would count twice.
        1.0 / (1.0 + (-(mean + 0.5 * (angle + hook))).exp())
    }

    /// Moments: the variance between directions beyond binomial noise, `v = m(1-m) / (k+1)`.
    fn concentration(&self) -> f64 {
        let shown: Vec<&DirectionCounts> = self.counts.iter().filter(|row| row.impressions > 0).collect();
        if shown.len() < 3 {
            return DEFAULT_CONCENTRATION;
        }
        let mean = self.mean();
        let noise = mean * (1.0 - mean);
        let (mut weight, mut excess) = (0.0, 0.0);
        for row in shown {
            let n = row.impressions as f64;
            let difference = row.clicks as f64 / n - mean;
            weight += n;
            excess += n * (difference * difference - noise / n);
        }
        let between = excess / weight;
        if between <= 0.0 {
            return CONCENTRATION[1];
        }
        (noise / between - 1.0).clamp(CONCENTRATION[0], CONCENTRATION[1])
    }

    fn total_where(&self, keep: impl Fn(&DirectionCounts) -> bool) -> (u64, u64) {
        self.counts
            .iter()
            .filter(|row| keep(row))
            .fold((0, 0), |(n, c), row| (n + row.impressions, c + row.clicks))
    }
}

/// Adds observations of (direction, impressions, clicks); clicks beyond the impressions are cut.
#[must_use]
pub fn learn(beliefs: &Beliefs, observations: &[(Direction, u64, u64)]) -> Beliefs {
    let mut counts = beliefs.counts.clone();
    for &(direction, impressions, clicks) in observations {
        let clicks = clicks.min(impressions);
        match counts.binary_search_by_key(&direction, |row| row.direction) {
            Ok(at) => {
                counts[at].impressions = counts[at].impressions.saturating_add(impressions);
                counts[at].clicks = counts[at].clicks.saturating_add(clicks);
            }
            Err(at) => counts.insert(at, DirectionCounts { direction, impressions, clicks }),
        }
    }
    Beliefs { counts }
}

/// Something the clicks taught, for the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// The lesson in the brief's language.
    pub text: String,
    /// Impressions behind it.
    pub impressions: u64,
    /// Clicks behind it.
    pub clicks: u64,
    /// Chance, in [0, 1], that the difference has the sign the text says (normal approximation).
    pub confidence: f64,
}

/// The lessons of a brief, surest first: angles and hook forms that differ from all others with a
/// confidence of at least 0.9. Empty while the evidence is thin.
#[must_use]
pub fn lessons(beliefs: &Beliefs, locale: Locale) -> Vec<Lesson> {
    let mut lessons = Vec::new();
    let total = beliefs.totals();
    let groups =
        Angle::ALL
            .into_iter()
            .map(|angle| (angle_name(angle, locale), beliefs.total_where(|row| row.direction.angle == angle)))
            .chain(Hook::ALL.into_iter().map(|hook| {
                (hook_name(hook, locale), beliefs.total_where(|row| row.direction.hook == hook))
            }));
    for (name, own) in groups {
        let rest = (total.0 - own.0, total.1 - own.1);
        if own.0 == 0 || rest.0 == 0 || total.1 == 0 {
            continue;
        }
        let (rate, rest_rate) = (own.1 as f64 / own.0 as f64, rest.1 as f64 / rest.0 as f64);
        let pooled = total.1 as f64 / total.0 as f64;
        let noise = (pooled * (1.0 - pooled) * (1.0 / own.0 as f64 + 1.0 / rest.0 as f64)).sqrt();
        let confidence = normal_cdf((rate - rest_rate).abs() / noise.max(f64::MIN_POSITIVE));
        if confidence < 0.9 {
            continue;
        }
        let better = rate > rest_rate;
        let (own_share, rest_share) = (percent(rate), percent(rest_rate));
        let text = match locale.language() {
            Language::English => format!(
                "{name} {} {own_share} of {} impressions; everything else {rest_share}",
                if better { "did better:" } else { "did worse:" },
                own.0
            ),
            Language::Chinese => format!(
                "{name}{}：{} 次展示的点击率为 {own_share}，其余为 {rest_share}",
                if better { "表现更好" } else { "表现较弱" },
                own.0
            ),
        };
        lessons.push(Lesson { text, impressions: own.0, clicks: own.1, confidence });
    }
    lessons.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    lessons
}

/// A placed variant and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Which variant.
    pub variant: VariantId,
    /// Its direction.
    pub direction: Direction,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
}

/// A variant the next generation is bred from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// Which variant.
    pub variant: VariantId,
    /// Its click probability, shrunk to its direction's.
    pub click_probability: f64,
    /// Times shown.
    #[serde(default)]
    pub impressions: u64,
    /// Times clicked.
    #[serde(default)]
    pub clicks: u64,
    /// The click probability of its direction, which its own is shrunk to.
    #[serde(default)]
    pub direction_mean: f64,
}

impl Parent {
    /// Why it was chosen, as a sentence without its final point in the brief's language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        let (mean, own) = (percent(self.direction_mean), percent(self.click_probability));
        let Self { impressions, clicks, .. } = self;
        match locale.language() {
            Language::English => format!(
                "{clicks} clicks on {impressions} impressions; shrunk to its direction's {mean} this gives {own}"
            ),
            Language::Chinese => {
                format!("展示 {impressions} 次，点击 {clicks} 次；向所属方向的 {mean} 收缩后为 {own}")
            }
        }
    }
}

/// Chooses at most `n` parents among placed variants: highest click probability after shrinking
/// each to its direction's posterior mean, so that luck on few impressions does not breed.
/// Variants that were never shown are left out.
#[must_use]
pub fn choose_parents(beliefs: &Beliefs, placed: &[Placed], n: usize) -> Vec<Parent> {
    let mut parents: Vec<Parent> = placed
        .iter()
        .filter(|row| row.impressions > 0)
        .map(|row| {
            let parent = beliefs.posterior(row.direction).mean();
            let counts = (row.impressions, row.clicks.min(row.impressions));
            let click_probability = shrunk(counts, parent, MARGINAL_STRENGTH);
            Parent {
                variant: row.variant,
                click_probability,
                impressions: row.impressions,
                clicks: row.clicks,
                direction_mean: parent,
            }
        })
        .collect();
    parents
        .sort_by(|a, b| b.click_probability.total_cmp(&a.click_probability).then(a.variant.cmp(&b.variant)));
    parents.truncate(n);
    parents
}

/// The angle's name for people.
#[must_use]
pub const fn angle_name(angle: Angle, locale: Locale) -> &'static str {
    match (locale.language(), angle) {
        (Language::English, Angle::Problem) => "Naming a problem",
        (Language::English, Angle::Benefit) => "Leading with a benefit",
        (Language::English, Angle::Proof) => "Leading with proof",
        (Language::English, Angle::Offer) => "Leading with the offer",
        (Language::English, Angle::Story) => "Telling the origin",
        (Language::English, Angle::Moment) => "Placing it in a moment of the day",
        (Language::Chinese, Angle::Problem) => "从痛点切入",
        (Language::Chinese, Angle::Benefit) => "从好处切入",
        (Language::Chinese, Angle::Proof) => "从依据切入",
        (Language::Chinese, Angle::Offer) => "从优惠切入",
        (Language::Chinese, Angle::Story) => "从来历切入",
        (Language::Chinese, Angle::Moment) => "从生活时刻切入",
    }
}

/// The hook form's name for people.
#[must_use]
pub const fn hook_name(hook: Hook, locale: Locale) -> &'static str {
    match (locale.language(), hook) {
        (Language::English, Hook::Question) => "Opening with a question",
        (Language::English, Hook::Number) => "Opening with a number",
        (Language::English, Hook::Contrast) => "Opening with a contrast",
        (Language::English, Hook::Command) => "Opening with a command",
        (Language::English, Hook::Scene) => "Opening with a scene",
        (Language::English, Hook::Statement) => "Opening with a statement",
        (Language::Chinese, Hook::Question) => "提问式开头",
        (Language::Chinese, Hook::Number) => "数字式开头",
        (Language::Chinese, Hook::Contrast) => "对比式开头",
        (Language::Chinese, Hook::Command) => "号召式开头",
        (Language::Chinese, Hook::Scene) => "场景式开头",
        (Language::Chinese, Hook::Statement) => "陈述式开头",
    }
}

fn shrunk((impressions, clicks): (u64, u64), mean: f64, strength: f64) -> f64 {
    (clicks as f64 + mean * strength) / (impressions as f64 + strength)
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// Standard normal distribution function.
fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Direction = Direction { angle: Angle::Problem, hook: Hook::Question };
    const NUMBER: Direction = Direction { angle: Angle::Proof, hook: Hook::Number };
    const SCENE: Direction = Direction { angle: Angle::Moment, hook: Hook::Scene };

    #[test]
    fn evidence_moves_a_direction_and_its_relatives() {
        let beliefs =
            learn(&Beliefs::default(), &[(QUESTION, 5_000, 150), (NUMBER, 5_000, 50), (SCENE, 5_000, 50)]);
        let own = beliefs.posterior(QUESTION).mean();
        let relative = beliefs.posterior(Direction { angle: Angle::Problem, hook: Hook::Scene }).mean();
        let other = beliefs.posterior(NUMBER).mean();
        assert!(own > relative && relative > other, "{own} {relative} {other}");
        assert!(own < 0.03, "shrunk below the raw rate: {own}");
    }

    #[test]
    fn the_order_of_observations_does_not_matter() {
        let rows = [(QUESTION, 100, 3), (NUMBER, 50, 9), (QUESTION, 10, 1)];
        let backwards: Vec<_> = rows.iter().rev().copied().collect();
        assert_eq!(learn(&Beliefs::default(), &rows), learn(&Beliefs::default(), &backwards));
    }

    #[test]
    fn draws_have_the_moments_of_the_posterior() {
        let posterior = Posterior { alpha: 3.0, beta: 200.0 };
        let stream = Stream::new(5, "draws");
        let draws: Vec<f64> = (0..20_000).map(|idx| posterior.draw(stream.child(idx))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - posterior.mean()).abs() < 3e-4, "{mean}");
        assert!((variance.sqrt() / posterior.sd() - 1.0).abs() < 0.03);
        let small = Posterior { alpha: 0.4, beta: 0.6 };
        let mean = (0..20_000).map(|idx| small.draw(stream.child(idx))).sum::<f64>() / 20_000.0;
        assert!((mean - 0.4).abs() < 0.01, "{mean}");
    }

    #[test]
    fn lessons_need_evidence() {
        let thin = learn(&Beliefs::default(), &[(QUESTION, 100, 2), (NUMBER, 100, 1)]);
        assert!(lessons(&thin, Locale::EnUs).is_empty());
        let rich = learn(&Beliefs::default(), &[(QUESTION, 9_000, 270), (NUMBER, 9_000, 90)]);
        let found = lessons(&rich, Locale::EnUs);
        assert_eq!(found[0].impressions, 9_000);
        assert!(found.iter().any(|lesson| lesson.text
            == "Naming a problem did better: 3.00% of 9000 impressions; everything else 1.00%"));
        assert!(
            lessons(&rich, Locale::ZhCn).iter().any(|lesson| lesson.text.starts_with("从痛点切入表现更好"))
        );
    }

    #[test]
    fn luck_on_few_impressions_does_not_breed() {
        let beliefs = learn(&Beliefs::default(), &[(QUESTION, 10_010, 203)]);
        let placed = |index, impressions, clicks| Placed {
            variant: VariantId::derive(1, "test", index),
            direction: QUESTION,
            impressions,
            clicks,
        };
        let rows = [placed(0, 10, 1), placed(1, 5_000, 150), placed(2, 5_000, 50), placed(3, 0, 0)];
        let parents = choose_parents(&beliefs, &rows, 2);
        assert_eq!(parents[0].variant, rows[1].variant);
        assert_eq!(parents.len(), 2);
        assert!(choose_parents(&beliefs, &rows, 9).len() == 3);
        let told = [Locale::EnUs, Locale::ZhCn].map(|locale| parents[0].told(locale));
        let counts = [rows[1].clicks, rows[1].impressions].map(|n| n.to_string());
        assert!(told.iter().all(|text| counts.iter().all(|n| text.contains(n))), "{told:?}");
        assert!(told[1].starts_with("展示") && !told[1].contains("impressions"), "{}", told[1]);
    }

    #[test]
    fn beliefs_survive_json() {
        let beliefs = learn(&Beliefs::default(), &[(QUESTION, 100, 2), (NUMBER, 100, 1)]);
        let text = serde_json::to_string(&beliefs).expect("serializes");
        assert_eq!(serde_json::from_str::<Beliefs>(&text).expect("parses"), beliefs);
    }
}
