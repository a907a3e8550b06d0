//! The arms within each segment of the audience: exploratory, corrected for how much is looked at, and never
//! deciding.

use std::collections::BTreeMap;

use spotwright_core::domain::experiment::exposure::SegmentName;
use spotwright_experiment::analysis::mismatch::Period;
use spotwright_experiment::analysis::moments::{RatioSums, Sums};
use spotwright_experiment::analysis::multiplicity::benjamini_hochberg;
use spotwright_experiment::analysis::report::{Analysis, Arm, Design, Minimum, Observed, analyze};
use spotwright_schemas::experiment::{
    ExperimentDesign, ExperimentMetric, ReadOutSegment, ReadOutSegmentArm, ReadOutSegmentLift,
    ReadOutSegments, Sentences,
};
use spotwright_schemas::money::Micros;
use spotwright_schemas::{Language, Problem};

use super::{Met, ends, finite, in_both, refused};

/// What the arms of one segment did.
#[derive(Clone)]
struct Segment {
    sums: Vec<RatioSums>,
    arms: Vec<ReadOutSegmentArm>,
    /// Clicks, or conversions where these decide, of each arm.
    events: Vec<f64>,
}

/// The arms within each segment; `None` where no user's segment is known.
pub(super) fn read(
    design: &ExperimentDesign,
    asked: &Design,
    users: &[Met],
) -> Result<Option<ReadOutSegments>, Problem> {
    let mut segments: BTreeMap<SegmentName, Segment> = BTreeMap::new();
    for user in users.iter().filter(|user| user.cell < design.arms.len()) {
        if !user.segment.as_str().is_empty() {
            segments.entry(user.segment).or_insert_with(|| Segment::of(design)).add(design, user);
        }
    }
    if segments.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(segments.len());
    for (name, segment) in &segments {
        rows.push(segment.row(design, asked, name.as_str())?);
    }
    let tested = corrected(&mut rows, design.alpha)?;
    Ok(Some(ReadOutSegments {
        exploratory: true,
        tested,
        sentence: in_both(|language| said(&rows, tested, language)),
        rows,
    }))
}

impl Segment {
    fn of(design: &ExperimentDesign) -> Self {
        let arms = design.arms.iter().map(|arm| ReadOutSegmentArm {
            name: arm.name.clone(),
            role: arm.role,
            units: 0,
            impressions: 0,
            clicks: 0,
            conversions: 0,
            spend_micros: Micros::ZERO,
            value: None,
        });
        let n_arms = design.arms.len();
        Self { sums: vec![RatioSums::default(); n_arms], arms: arms.collect(), events: vec![0.0; n_arms] }
    }

    fn add(&mut self, design: &ExperimentDesign, user: &Met) {
        let (numerator, denominator) = user.ratio(design.primary, design.conversion_value_micros);
        self.sums[user.cell].add(numerator, denominator);
        self.events[user.cell] += match design.primary {
            ExperimentMetric::Ctr | ExperimentMetric::Cpc => user.clicks,
            ExperimentMetric::Cvr | ExperimentMetric::Cpa | ExperimentMetric::RevenuePerImpression => {
                user.conversions
            }
        };
        let arm = &mut self.arms[user.cell];
        arm.units += 1;
        arm.impressions += user.impressions as u64;
        arm.clicks += user.clicks as u64;
        arm.conversions += user.conversions as u64;
        arm.spend_micros += Micros(user.spend as i64);
    }

    fn row(&self, design: &ExperimentDesign, asked: &Design, name: &str) -> Result<ReadOutSegment, Problem> {
        let arms = design.arms.iter().zip(&self.sums).map(|(arm, sums)| Arm {
            name: arm.name.clone(),
            primary: Sums::Ratio(*sums),
            guardrails: Vec::new(),
        });
        let observed = Observed {
            arms: arms.collect(),
            // Whether chance divided the users is told of all of them together.
            periods: vec![Period { units: vec![0; self.sums.len()], weights: vec![1.0; self.sums.len()] }],
            days: None,
        };
        let asked = Design { guardrails: Vec::new(), ..asked.clone() };
        let analysis = analyze(asked, &observed).map_err(|error| refused(&error))?;
        let values = analysis.arms.iter().map(|own| own.moments.and_then(|moments| finite(moments.mean)));
        let with_value =
            |(arm, value): (&ReadOutSegmentArm, Option<f64>)| ReadOutSegmentArm { value, ..arm.clone() };
        Ok(ReadOutSegment {
            segment: name.to_owned(),
            label: label(name),
            units: self.arms.iter().map(|arm| arm.units).sum(),
            arms: self.arms.iter().zip(values).map(with_value).collect(),
            comparisons: self.lifts(&analysis),
        })
    }

    fn lifts(&self, analysis: &Analysis) -> Vec<ReadOutSegmentLift> {
        let minimum = Minimum::default();
        let is_enough = |arm: usize| {
            self.arms[arm].units >= minimum.units && self.events[arm] >= minimum.successes as f64
        };
        let lift = |(own, arm): (&spotwright_experiment::analysis::report::Comparison, usize)| {
            let read = own.always_valid;
            ReadOutSegmentLift {
                arm: own.arm.clone(),
                lift: read.and_then(|read| finite(read.interval.estimate)),
                ci: read.and_then(|read| ends(read.interval)),
                p_value: read.and_then(|read| finite(read.p_value)),
                adjusted_p_value: None,
                // Until it is corrected: whether there is enough to say anything.
                stands_out: is_enough(0) && is_enough(arm),
            }
        };
        analysis.comparisons.iter().zip(1..).map(lift).collect()
    }
}

/// Corrects all p-values together; how many there are.
fn corrected(rows: &mut [ReadOutSegment], alpha: f64) -> Result<u32, Problem> {
    let lifts = || rows.iter().flat_map(|row| &row.comparisons);
    let p_values: Vec<f64> = lifts().filter_map(|own| own.p_value).collect();
    let mut adjusted = benjamini_hochberg(&p_values).map_err(|error| refused(&error))?.into_iter();
    for own in rows.iter_mut().flat_map(|row| &mut row.comparisons) {
        own.adjusted_p_value = own.p_value.and_then(|_| adjusted.next());
        own.stands_out &= own.adjusted_p_value.is_some_and(|p| p <= alpha);
    }
    Ok(u32::try_from(p_values.len()).unwrap_or(u32::MAX))
}

fn label(segment: &str) -> Sentences {
    let (en, zh) = match segment {
        "commuters" => ("Commuters", "通勤者"),
        "students" => ("Students", "学生"),
        "parents" => ("Parents", "家长"),
        "night_owls" => ("Night owls", "夜猫子"),
        "bargain_hunters" => ("Bargain hunters", "爱找优惠的人"),
        other => (other, other),
    };
    Sentences { en: en.to_owned(), zh: zh.to_owned() }
}

fn said(rows: &[ReadOutSegment], tested: u32, language: Language) -> String {
    let found: Vec<String> = rows
        .iter()
        .flat_map(|row| row.comparisons.iter().map(move |own| (row, own)))
        .filter(|(_, own)| own.stands_out)
        .map(|(row, own)| {
            let lift = own.lift.map_or_else(String::new, |lift| format!(" {:+.1}%", lift * 100.0));
            match language {
                Language::Chinese => format!("{}：{}{lift}", row.label.zh, own.arm),
                Language::English => format!("{}: {}{lift}", row.label.en, own.arm),
            }
        })
        .collect();
    match (language, found.is_empty()) {
        (Language::Chinese, true) => {
            format!("探索性结果，不作结论：共比较 {tested} 项，多重比较校正后没有哪个人群与众不同。")
        }
        (Language::Chinese, false) => format!(
            "探索性结果，不作结论：共比较 {tested} 项，多重比较校正后较突出的有：{}。请另做实验验证。",
            found.join("，")
        ),
        (Language::English, true) => {
            format!("Exploratory, and no verdict: of {tested} comparisons, none stands out after correction.")
        }
        (Language::English, false) => format!(
            "Exploratory, and no verdict: of {tested} comparisons, these stand out after correction: {}. Confirm with \
             an experiment of its own.",
            found.join(", ")
        ),
    }
}
