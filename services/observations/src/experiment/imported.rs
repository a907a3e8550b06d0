//! Reads out experiments on imported results: sums of advertisements over days, as platforms report them.
//!
//! Nobody says who was shown what, so the unit is the impression (for `cvr`, the click), counts are divided
//! by how much more days differ than single draws would (module `clustered` of the statistics), and the
//! division of users cannot be checked.

use std::fmt::Write as _;

use jiff::civil::Date;
use spotwright_core::domain::experiment::Experiment;
use spotwright_core::domain::experiment::exposure::ImportedRow;
use spotwright_experiment::analysis::clustered::{Cluster, design_effect, effective};
use spotwright_experiment::analysis::mismatch::{Mismatch, Period};
use spotwright_experiment::analysis::moments;
use spotwright_experiment::analysis::report::{Analysis, Arm, Gate, Minimum, Observed, analyze};
use spotwright_schemas::Problem;
use spotwright_schemas::experiment::{
    ExperimentDesign, ExperimentMetric, ExperimentPhase, ReadOut, ReadOutArm, Sentences,
};
use spotwright_schemas::money::Micros;

use super::{Told, analysis_design, finite, refused, standard_error, verdict_now, wrong};

/// What is counted of a row for a metric. `None` where its report does not say, or says of more successes
/// than there were trials: conversions after a view alone have no click that they are a share of.
fn cluster(row: &ImportedRow, metric: ExperimentMetric) -> Option<Cluster> {
    let (trials, successes) = match metric {
        ExperimentMetric::Cvr => (row.clicks?, row.conversions?),
        _ => (row.impressions, row.clicks? as f64),
    };
    (successes <= trials as f64).then_some(Cluster { trials, successes })
}

/// What the rows sum to.
struct Sums {
    /// Of the metric that decides and of each guardrail, by arm.
    of_metrics: Vec<Vec<moments::Sums>>,
    /// How much more the days of the metric that decides differ than single draws would.
    design_effect: f64,
    /// Rows without what that metric needs.
    silent: usize,
}

fn sums_of(design: &ExperimentDesign, rows: &[&ImportedRow]) -> Sums {
    let metrics = std::iter::once(design.primary).chain(design.guardrails.iter().map(|own| own.metric));
    let mut sums = Sums { of_metrics: Vec::new(), design_effect: 1.0, silent: 0 };
    for (number, metric) in metrics.enumerate() {
        let mut clusters = vec![Vec::new(); design.arms.len()];
        let mut silent = 0;
        for row in rows {
            match cluster(row, metric) {
                Some(own) => clusters[row.arm as usize].push(own),
                None => silent += 1,
            }
        }
        let by = design_effect(&clusters);
        if number == 0 {
            (sums.design_effect, sums.silent) = (by, silent);
        }
        sums.of_metrics.push(clusters.iter().map(|own| effective(own, by)).collect());
    }
    sums
}

pub(super) fn read_out(
    experiment: &Experiment,
    day: u32,
    rows: &[ImportedRow],
    at: i64,
) -> Result<ReadOut, Problem> {
    let design = &experiment.design;
    let phase = experiment.phases.last().ok_or_else(|| wrong("there is no phase".to_owned()))?;
    let first: Option<Date> = design.starts_on.as_deref().and_then(|text| text.parse().ok());
    let first = first.ok_or_else(|| wrong("there is no first day".to_owned()))?;
    let (counted, early): (Vec<&ImportedRow>, Vec<&ImportedRow>) =
        rows.iter().partition(|row| row.start >= first);
    if let Some(stray) = counted.iter().find(|row| row.arm as usize >= design.arms.len()) {
        return Err(wrong(format!("the advertisement {} is of no arm", stray.ad.id)));
    }
    let Sums { of_metrics: sums, design_effect, silent } = sums_of(design, &counted);
    let arms = design.arms.iter().enumerate().map(|(arm, own)| Arm {
        name: own.name.clone(),
        primary: sums[0][arm],
        guardrails: sums[1..].iter().map(|of| of[arm]).collect(),
    });
    let observed = Observed {
        arms: arms.collect(),
        periods: vec![Period { units: vec![0; design.arms.len()], weights: phase.weights.clone() }],
        days: Some(f64::from(day)),
    };
    let mut analysis = analyze(analysis_design(design, phase), &observed).map_err(|error| refused(&error))?;
    let impressions = |arm: usize| {
        counted.iter().filter(|row| row.arm as usize == arm).map(|row| row.impressions).sum::<u64>()
    };
    analysis.mismatch = Mismatch {
        observed: (0..design.arms.len()).map(impressions).collect(),
        expected: Vec::new(),
        p_value: None,
        is_testable: false,
        warning: false,
        alarm: false,
    };
    analysis.gates.extend(event_gates(experiment, &counted));
    let verdict = verdict_now(design, &analysis)?;
    let told = Told {
        day,
        phase_day: day,
        at,
        arms: arms_of(experiment, phase, &counted, &analysis),
        adjusted: None,
        incrementality: None,
        segments: None,
        notes: notes(design.primary, design_effect, early.len(), silent),
    };
    Ok(told.read_out(experiment, phase, analysis, &verdict))
}

/// Each arm needs as many events as a proportion needs successes.
fn event_gates(experiment: &Experiment, rows: &[&ImportedRow]) -> Vec<Gate> {
    let needed = Minimum::default().successes as f64;
    let gate = |(number, arm): (usize, &spotwright_schemas::experiment::ExperimentArm)| {
        let own = rows.iter().filter(|row| row.arm as usize == number);
        let have: f64 = own
            .filter_map(|row| cluster(row, experiment.design.primary))
            .map(|cluster| cluster.successes)
            .sum();
        Gate {
            gate: "successes",
            arm: Some(arm.name.clone()),
            needed,
            have: Some(have),
            passed: have >= needed,
        }
    };
    experiment.design.arms.iter().enumerate().map(gate).collect()
}

/// The arms' sums; amounts of the experiment's currency only.
fn arms_of(
    experiment: &Experiment,
    phase: &ExperimentPhase,
    rows: &[&ImportedRow],
    analysis: &Analysis,
) -> Vec<ReadOutArm> {
    let shares = phase.shares();
    let arm = |(number, arm): (usize, &spotwright_schemas::experiment::ExperimentArm)| {
        let own: Vec<&&ImportedRow> = rows.iter().filter(|row| row.arm as usize == number).collect();
        let is_own = |row: &&&&ImportedRow| {
            row.spend.as_ref().is_some_and(|(_, currency)| currency == experiment.currency.code())
        };
        let micros = |of: fn(&ImportedRow) -> i64| own.iter().filter(is_own).map(|row| of(row)).sum::<i64>();
        let impressions: u64 = own.iter().map(|row| row.impressions).sum::<u64>();
        ReadOutArm {
            name: arm.name.clone(),
            role: arm.role,
            units: if experiment.design.primary == ExperimentMetric::Cvr {
                own.iter().filter_map(|row| row.clicks).sum()
            } else {
                impressions
            },
            impressions,
            clicks: own.iter().filter_map(|row| row.clicks).sum(),
            conversions: own.iter().filter_map(|row| row.conversions).sum::<f64>().round() as u64,
            spend_micros: Micros(micros(|row| row.spend.as_ref().map_or(0, |(spend, _)| spend.0))),
            revenue_micros: own
                .iter()
                .any(|row| row.revenue.is_some())
                .then(|| Micros(micros(|row| row.revenue.map_or(0, |revenue| revenue.0)))),
            value: analysis.arms.get(number).and_then(|own| finite(own.moments?.mean)),
            standard_error: standard_error(analysis, number),
            weight: shares.get(number).copied().unwrap_or_default(),
        }
    };
    experiment.design.arms.iter().enumerate().map(arm).collect()
}

fn notes(metric: ExperimentMetric, effect: f64, early: usize, silent: usize) -> Vec<Sentences> {
    let said = |en: String, zh: String| Sentences { en, zh };
    let (unit_en, unit_zh) =
        if metric == ExperimentMetric::Cvr { ("clicks", "点击") } else { ("impressions", "展示") };
    let mut notes = vec![said(
        format!(
            "Platforms report sums, not users: {unit_en} are the units, and because days differ {effect:.2} times as \
             much as single draws would, they count as that many times fewer. Whether users were divided by chance \
             cannot be checked."
        ),
        format!(
            "平台只报告汇总数，没有用户：以{unit_zh}为单位；由于各天之间的波动是单次抽样的 {effect:.2} 倍，\
             {unit_zh}数按此倍数折减。无法检查用户是否随机分流。"
        ),
    )];
    if early > 0 {
        notes.push(said(
            format!("{early} rows begin before the first day and are not counted: a sum cannot be divided."),
            format!("有 {early} 行的起始日早于首日，汇总数无法拆分，未计入。"),
        ));
    }
    if silent > 0 {
        notes.push(said(
            format!(
                "{silent} rows are not counted: they do not say how many there were, or have more conversions than \
                 clicks."
            ),
            format!("有 {silent} 行未计入：没有所需的数，或转化多于点击。"),
        ));
    }
    notes
}

/// The rows as CSV, in the order of arm, advertisement and day.
pub(super) fn write(experiment: &Experiment, rows: &[ImportedRow]) -> Vec<u8> {
    let mut sorted: Vec<&ImportedRow> = rows.iter().collect();
    sorted.sort_by(|a, b| (a.arm, &a.ad, a.start).cmp(&(b.arm, &b.ad, b.start)));
    let mut text =
        "source,arm,platform,external_ad_id,window_start,window_end,impressions,clicks,conversions,\
                    currency,spend_micros,revenue_micros\n"
            .to_owned();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let written = |value: Option<String>| value.unwrap_or_default();
    for row in sorted {
        let arm = experiment.design.arms.get(row.arm as usize).map_or("", |arm| arm.name.as_str());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "imported,{},{},{},{},{},{},{},{},{},{},{}",
            quoted(arm),
            row.ad.platform,
            quoted(&row.ad.id),
            row.start,
            row.end,
            row.impressions,
            written(row.clicks.map(|count| count.to_string())),
            written(row.conversions.map(|count| count.to_string())),
            written(row.spend.as_ref().map(|(_, currency)| currency.clone())),
            written(row.spend.as_ref().map(|(spend, _)| spend.0.to_string())),
            written(row.revenue.map(|revenue| revenue.0.to_string())),
        );
    }
    text.into_bytes()
}
