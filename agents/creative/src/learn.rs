//! What the clicks teach: beliefs about directions, lessons for people, parents for breeding.
//!
//! Only counts of impressions and clicks enter. The model is beta-binomial: the click probability
//! of a direction `d` is `p_d ~ Beta(m_d k, (1 - m_d) k)`, where `m_d` is the parent mean made of
//! the brief's mean and the effects of angle and hook on the log-odds, and `k` (pseudo-impressions)
//! is fitted by moments to the spread between directions.
//!
//! Simulated counts and those of real platforms are kept apart. Where a direction has counts of a platform, they are
//! its evidence, and the market's do not count for it.

mod stratum;
mod taught;

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Hook};
use spotwright_schemas::{Language, Locale};
use statrs::function::erf::erfc;

use stratum::{MARGINAL_STRENGTH, Stratum, shrunk};
pub use taught::{
    MAX_TAUGHT, MAX_TAUGHT_LESSONS, REJECTION_IMPRESSIONS, Taught, TaughtBy, avoided, remember,
    taught_lessons, with_rejections,
};

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
    /// What the market reported: one entry per direction that was shown, in the order of [`Direction`].
    counts: Vec<DirectionCounts>,
    /// What real platforms reported of the product's ads, in the same order; never added to `counts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    imported: Vec<DirectionCounts>,
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
    /// What the market reported, in the order of [`Direction`].
    #[must_use]
    pub fn counts(&self) -> &[DirectionCounts] {
        &self.counts
    }

    /// What real platforms reported, in the order of [`Direction`].
    #[must_use]
    pub fn imported(&self) -> &[DirectionCounts] {
        &self.imported
    }

    /// Whether a real platform has reported anything.
    #[must_use]
    pub fn has_imported(&self) -> bool {
        self.imported.iter().any(|row| row.impressions > 0)
    }

    /// Whether a direction was shown at least once, by whomever.
    #[must_use]
    pub fn has_tried(&self, direction: Direction) -> bool {
        Stratum(&self.counts).has_tried(direction) || Stratum(&self.imported).has_tried(direction)
    }

    /// The posterior of a direction, tried or not, by the evidence that it has.
    #[must_use]
    pub fn posterior(&self, direction: Direction) -> Posterior {
        self.evidence(direction).posterior(direction)
    }

    /// A draw of what a direction promises, to be compared with that of others.
    ///
    /// It is a draw of its click probability; where real platforms have reported, over the mean of the kind of
    /// source that its evidence is of, because the kinds have different levels.
    #[must_use]
    pub fn promise(&self, direction: Direction, stream: Stream) -> f64 {
        let evidence = self.evidence(direction);
        self.relative(evidence, evidence.posterior(direction).draw(stream))
    }

    /// The counts that are the evidence for a direction: the platforms' where there are any.
    fn evidence(&self, direction: Direction) -> Stratum<'_> {
        let imported = Stratum(&self.imported);
        if imported.has_tried(direction) { imported } else { Stratum(&self.counts) }
    }

    fn relative(&self, stratum: Stratum<'_>, probability: f64) -> f64 {
        if self.has_imported() { probability / stratum.mean() } else { probability }
    }
}

/// The same beliefs with these reports of real platforms, in the place of those that they held.
#[must_use]
pub fn with_imported(beliefs: &Beliefs, reported: &[(Direction, u64, u64)]) -> Beliefs {
    Beliefs { counts: beliefs.counts.clone(), imported: added(&[], reported) }
}

/// Adds observations of the market as (direction, impressions, clicks); clicks beyond the impressions are cut.
#[must_use]
pub fn learn(beliefs: &Beliefs, observations: &[(Direction, u64, u64)]) -> Beliefs {
    Beliefs { counts: added(&beliefs.counts, observations), imported: beliefs.imported.clone() }
}

/// Adds observations to whichever counts are the evidence for their directions.
fn weigh(beliefs: &Beliefs, observations: &[(Direction, u64, u64)]) -> Beliefs {
    let (reported, simulated): (Vec<_>, Vec<_>) = observations
        .iter()
        .copied()
        .partition(|(direction, ..)| Stratum(&beliefs.imported).has_tried(*direction));
    Beliefs { counts: added(&beliefs.counts, &simulated), imported: added(&beliefs.imported, &reported) }
}

fn added(counts: &[DirectionCounts], observations: &[(Direction, u64, u64)]) -> Vec<DirectionCounts> {
    let mut counts = counts.to_vec();
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
    counts
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
/// confidence of at least 0.9. Empty while the evidence is thin. Those of real platforms say so, and stand in the
/// place of what the market taught of the same angle or hook form.
#[must_use]
pub fn lessons(beliefs: &Beliefs, locale: Locale) -> Vec<Lesson> {
    let (simulated, imported) = (Stratum(&beliefs.counts), Stratum(&beliefs.imported));
    let mut lessons = Vec::new();
    for (name, group) in groups(locale) {
        let is_imported = imported.total_where(|row| group.holds(row.direction)).0 > 0;
        let stratum = if is_imported { imported } else { simulated };
        lessons.extend(
            lesson(stratum, name, group, locale)
                .map(|lesson| if is_imported { lesson.of_platforms(locale) } else { lesson }),
        );
    }
    lessons.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    lessons
}

/// Directions that have something in common.
#[derive(Debug, Clone, Copy)]
enum Group {
    Angle(Angle),
    Hook(Hook),
}

impl Group {
    fn holds(self, direction: Direction) -> bool {
        match self {
            Self::Angle(angle) => direction.angle == angle,
            Self::Hook(hook) => direction.hook == hook,
        }
    }
}

fn groups(locale: Locale) -> impl Iterator<Item = (&'static str, Group)> {
    let angles = Angle::ALL.into_iter().map(move |angle| (angle_name(angle, locale), Group::Angle(angle)));
    angles.chain(Hook::ALL.into_iter().map(move |hook| (hook_name(hook, locale), Group::Hook(hook))))
}

/// What one kind of source teaches about a group; `None` while that is not sure.
fn lesson(stratum: Stratum<'_>, name: &str, group: Group, locale: Locale) -> Option<Lesson> {
    let total = stratum.totals();
    let own = stratum.total_where(|row| group.holds(row.direction));
    let rest = (total.0 - own.0, total.1 - own.1);
    if own.0 == 0 || rest.0 == 0 || total.1 == 0 {
        return None;
    }
    let (rate, rest_rate) = (own.1 as f64 / own.0 as f64, rest.1 as f64 / rest.0 as f64);
    let pooled = total.1 as f64 / total.0 as f64;
    let noise = (pooled * (1.0 - pooled) * (1.0 / own.0 as f64 + 1.0 / rest.0 as f64)).sqrt();
    let confidence = normal_cdf((rate - rest_rate).abs() / noise.max(f64::MIN_POSITIVE));
    if confidence < 0.9 {
        return None;
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
    Some(Lesson { text, impressions: own.0, clicks: own.1, confidence })
}

impl Lesson {
    /// Says that real platforms taught it.
    fn of_platforms(self, locale: Locale) -> Self {
        let text = match locale.language() {
            Language::English => format!("On real platforms: {}", self.text),
            Language::Chinese => format!("真实平台数据：{}", self.text),
        };
        Self { text, ..self }
    }
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
    /// Whether real platforms reported this, and not the market.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_imported: bool,
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
    /// Whether real platforms reported this, and not the market.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_imported: bool,
}

impl Parent {
    /// Why it was chosen, as a sentence without its final point in the brief's language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        let (mean, own) = (percent(self.direction_mean), percent(self.click_probability));
        let Self { impressions, clicks, .. } = self;
        let told = match locale.language() {
            Language::English => format!(
                "{clicks} clicks on {impressions} impressions; shrunk to its direction's {mean} this gives {own}"
            ),
            Language::Chinese => {
                format!("展示 {impressions} 次，点击 {clicks} 次；向所属方向的 {mean} 收缩后为 {own}")
            }
        };
        match (self.is_imported, locale.language()) {
            (false, _) => told,
            (true, Language::English) => format!("on real platforms, {told}"),
            (true, Language::Chinese) => format!("真实平台数据：{told}"),
        }
    }
}

/// Chooses at most `n` parents among placed variants: highest click probability after shrinking
/// each to its direction's posterior mean, so that luck on few impressions does not breed. A variant that real
/// platforms have reported of stands by that, beside others as [`Beliefs::promise`] compares directions.
/// Variants that were never shown are left out.
#[must_use]
pub fn choose_parents(beliefs: &Beliefs, placed: &[Placed], n: usize) -> Vec<Parent> {
    let mut parents: Vec<(f64, Parent)> = placed
        .iter()
        .filter(|row| row.impressions > 0)
        .map(|row| {
            let stratum = Stratum(if row.is_imported { &beliefs.imported } else { &beliefs.counts });
            let parent = stratum.posterior(row.direction).mean();
            let counts = (row.impressions, row.clicks.min(row.impressions));
            let click_probability = shrunk(counts, parent, MARGINAL_STRENGTH);
            let parent = Parent {
                variant: row.variant,
                click_probability,
                impressions: row.impressions,
                clicks: row.clicks,
                direction_mean: parent,
                is_imported: row.is_imported,
            };
            (beliefs.relative(stratum, click_probability), parent)
        })
        .collect();
    parents.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.variant.cmp(&b.1.variant)));
    parents.truncate(n);
    parents.into_iter().map(|(_, parent)| parent).collect()
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
            is_imported: false,
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
    fn reports_of_platforms_are_evidence_and_are_never_added_to_the_market() {
        let simulated = learn(&Beliefs::default(), &[(QUESTION, 5_000, 150), (NUMBER, 5_000, 50)]);
        let both = with_imported(&simulated, &[(QUESTION, 20_000, 400), (SCENE, 20_000, 900)]);
        assert_eq!(both.counts(), simulated.counts());
        // What the market said of a direction that a platform has reported of does not count.
        let alone = with_imported(&Beliefs::default(), &[(QUESTION, 20_000, 400), (SCENE, 20_000, 900)]);
        assert_eq!(both.posterior(QUESTION), alone.posterior(QUESTION));
        assert_eq!(both.posterior(NUMBER), simulated.posterior(NUMBER));
        assert!(both.posterior(SCENE).mean() > both.posterior(QUESTION).mean());
        // The kinds have different levels: 1 % is little in a market of 2 %, and 2 % on a platform of 3 % too.
        let mean_promise = |direction| {
            let stream = Stream::new(3, "promise");
            (0..2_000).map(|idx| both.promise(direction, stream.child(idx))).sum::<f64>() / 2_000.0
        };
        assert!(mean_promise(SCENE) > 1.2 && mean_promise(QUESTION) < 0.8 && mean_promise(NUMBER) < 0.8);
        // Again the same, or corrected: it stands in the place of what was there.
        let corrected = with_imported(&both, &[(QUESTION, 20_000, 900), (SCENE, 20_000, 400)]);
        assert!(corrected.posterior(QUESTION).mean() > corrected.posterior(SCENE).mean());
        assert_eq!(with_imported(&corrected, &[(QUESTION, 20_000, 400), (SCENE, 20_000, 900)]), both);
        let told = lessons(&both, Locale::EnUs);
        let scene =
            told.iter().find(|lesson| lesson.text.contains("Opening with a scene")).expect("a lesson");
        assert!(scene.text.starts_with("On real platforms: ") && scene.impressions == 20_000, "{scene:?}");
        assert_eq!(with_imported(&both, &[]), simulated);
    }

    #[test]
    fn parents_stand_by_what_platforms_report_of_them() {
        let simulated = learn(&Beliefs::default(), &[(QUESTION, 5_000, 150), (NUMBER, 5_000, 50)]);
        let beliefs = with_imported(&simulated, &[(QUESTION, 20_000, 100), (NUMBER, 20_000, 500)]);
        let placed = |index, direction, impressions, clicks| Placed {
            variant: VariantId::derive(1, "test", index),
            direction,
            impressions,
            clicks,
            is_imported: true,
        };
        let rows = [placed(0, QUESTION, 20_000, 100), placed(1, NUMBER, 20_000, 500)];
        let parents = choose_parents(&beliefs, &rows, 1);
        assert_eq!(parents[0].variant, rows[1].variant);
        assert!(parents[0].told(Locale::EnUs).starts_with("on real platforms, 500 clicks"));
    }

    #[test]
    fn beliefs_survive_json() {
        let beliefs = learn(&Beliefs::default(), &[(QUESTION, 100, 2), (NUMBER, 100, 1)]);
        let text = serde_json::to_string(&beliefs).expect("serializes");
        assert_eq!(serde_json::from_str::<Beliefs>(&text).expect("parses"), beliefs);
    }
}
