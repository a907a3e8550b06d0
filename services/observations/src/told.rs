//! An analysis as JSON and CSV, read-outs of experiments and a reading as CSV. Every number carries its
//! source.

use std::fmt::Write as _;

use serde_json::{Value, json};
use spotwright_experiment::analysis::EffectInterval;
use spotwright_experiment::analysis::report::{Analysis, Comparison};
use spotwright_experiment::analysis::sentence::sentence;
use spotwright_schemas::Language;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{ReadOut, ReadOutComparison, ReadOutMethod};

use crate::Reading;

/// A cell of CSV: quoted where it has to be, and never a formula.
fn cell(text: &str) -> String {
    // A spreadsheet runs what begins like this; numbers of ours are written by `number`.
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map(|value| format!("{value}")).unwrap_or_default()
}

/// `simulated` or `imported`.
const fn source_name(source: FeedbackSource) -> &'static str {
    match source {
        FeedbackSource::Simulated => "simulated",
        FeedbackSource::Imported => "imported",
    }
}

/// An analysis as one JSON object: its arms, comparisons by every method, checks, verdict and sentences.
#[must_use]
pub fn document(analysis: &Analysis, source: FeedbackSource, notes: &[String]) -> Value {
    let metric = &analysis.design.primary.name;
    let comparisons: Vec<Value> = analysis.comparisons.iter().flat_map(|own| methods(metric, own)).collect();
    let unavailable: Vec<Value> = analysis
        .comparisons
        .iter()
        .filter_map(|own| {
            let reason = own.unavailable?;
            Some(json!({ "arm": own.arm, "reason": reason, "message": reason.to_string() }))
        })
        .collect();
    json!({
        "source": source_name(source),
        "design": analysis.design,
        "arms": analysis.arms,
        "comparisons": comparisons,
        "unavailable": unavailable,
        "guardrails": analysis.guardrails,
        "srm": analysis.mismatch,
        "gates": analysis.gates,
        "needed": analysis.needed,
        "days_left": analysis.days_left,
        "verdict": analysis.verdict,
        "sentence": {
            "zh-CN": sentence(analysis, Language::Chinese),
            "en-US": sentence(analysis, Language::English),
        },
        "notes": notes,
    })
}

/// The comparisons of one variant, one for each method.
fn methods(metric: &str, own: &Comparison) -> Vec<Value> {
    let ends = |interval: EffectInterval| json!([interval.low, interval.high]);
    let mut methods = Vec::new();
    if let Some(read) = own.always_valid {
        methods.push(json!({ "metric": metric, "arm": own.arm, "method": "always_valid",
            "lift": read.interval.estimate, "ci": ends(read.interval), "p_value": read.p_value,
            "adjusted_p_value": own.adjusted_p_value, "has_burned_in": own.has_burned_in,
            "chance_to_win": null, "expected_loss": null }));
    }
    if let Some(read) = own.fixed_horizon {
        methods.push(json!({ "metric": metric, "arm": own.arm, "method": "fixed_horizon",
            "lift": read.interval.estimate, "ci": ends(read.interval), "p_value": read.p_value,
            "chance_to_win": null, "expected_loss": null }));
    }
    if let Some(read) = own.bayesian {
        methods.push(json!({ "metric": metric, "arm": own.arm, "method": "bayesian",
            "lift": read.interval.estimate, "ci": ends(read.interval), "p_value": null,
            "chance_to_win": own.chance_to_be_better, "expected_loss": own.expected_loss }));
    }
    if let Some(interval) = own.score_interval {
        methods.push(json!({ "metric": metric, "arm": own.arm, "method": "score_absolute",
            "lift": interval.estimate, "ci": ends(interval), "p_value": null,
            "chance_to_win": null, "expected_loss": null }));
    }
    methods
}

/// Read-outs of an experiment: one line for each day, variant and method, those with the covariate among
/// them.
#[must_use]
pub fn read_outs(read_outs: &[ReadOut]) -> String {
    let mut text = "source,day,phase,metric,arm,method,adjusted,lift,low,high,p_value,adjusted_p_value,\
                    chance_to_win,expected_loss,units,impressions,clicks,conversions,srm_p_value,verdict\n"
        .to_owned();
    for read in read_outs {
        let with_covariate = read.adjusted.iter().flat_map(|own| &own.comparisons).map(|own| (own, true));
        for (own, is_adjusted) in read.comparisons.iter().map(|own| (own, false)).chain(with_covariate) {
            text.push_str(&read_out_line(read, own, is_adjusted));
        }
    }
    text
}

fn read_out_line(read: &ReadOut, own: &ReadOutComparison, is_adjusted: bool) -> String {
    let method = match own.method {
        ReadOutMethod::AlwaysValid => "always_valid",
        ReadOutMethod::FixedHorizon => "fixed_horizon",
        ReadOutMethod::Bayesian => "bayesian",
    };
    let arm = read.arms.iter().find(|arm| arm.name == own.arm);
    let count = |of: fn(&spotwright_schemas::experiment::ReadOutArm) -> u64| {
        arm.map(|arm| of(arm).to_string()).unwrap_or_default()
    };
    let ends = own.ci.map_or((None, None), |[low, high]| (Some(low), Some(high)));
    let numbers =
        [own.lift, ends.0, ends.1, own.p_value, own.adjusted_p_value, own.chance_to_win, own.expected_loss];
    let cells = [
        source_name(read.source).to_owned(),
        read.day.to_string(),
        read.phase.to_string(),
        read.primary.metric.as_str().to_owned(),
        cell(&own.arm),
        method.to_owned(),
        is_adjusted.to_string(),
        numbers.map(number).join(","),
        count(|arm| arm.units),
        count(|arm| arm.impressions),
        count(|arm| arm.clicks),
        count(|arm| arm.conversions),
        number(read.srm.p_value),
        read.standing.verdict.as_str().to_owned(),
    ];
    cells.join(",") + "\n"
}

/// One line for each variant and method: what [`Analysis::comparisons`] holds.
#[must_use]
pub fn analysis(analysis: &Analysis, source: FeedbackSource) -> String {
    let source = source_name(source);
    let mut text =
        "source,metric,arm,method,estimate,low,high,p_value,adjusted_p_value,chance_to_win,expected_loss,\
                    unavailable\n"
            .to_owned();
    let metric = cell(&analysis.design.primary.name);
    for own in &analysis.comparisons {
        let arm = cell(&own.arm);
        let mut line = |method: &str, interval: Option<EffectInterval>, rest: [Option<f64>; 4]| {
            let (low, estimate, high) = interval
                .map_or((None, None, None), |own| (Some(own.low), Some(own.estimate), Some(own.high)));
            let numbers = [estimate, low, high].into_iter().chain(rest).map(number).collect::<Vec<_>>();
            let reason = if interval.is_none() {
                own.unavailable.map(|reason| cell(&reason.to_string())).unwrap_or_default()
            } else {
                String::new()
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{source},{metric},{arm},{method},{},{reason}", numbers.join(","));
        };
        let (fixed, always, bayesian) = (own.fixed_horizon, own.always_valid, own.bayesian);
        line(
            "always_valid",
            always.map(|read| read.interval),
            [always.map(|read| read.p_value), own.adjusted_p_value, None, None],
        );
        line(
            "fixed_horizon",
            fixed.map(|read| read.interval),
            [fixed.map(|read| read.p_value), None, None, None],
        );
        line(
            "bayesian",
            bayesian.map(|read| read.interval),
            [None, None, own.chance_to_be_better, own.expected_loss],
        );
        if own.score_interval.is_some() {
            line("score_absolute", own.score_interval, [None; 4]);
        }
    }
    text
}

/// One line for each observation.
#[must_use]
pub fn observations(reading: &Reading) -> String {
    let mut text =
        "line,source,external_ad_id,ad_name,campaign_name,group_name,window_start,window_end,currency,\
                    impressions,clicks,click_column,conversions,spend_micros,revenue_micros\n"
            .to_owned();
    for own in &reading.observations {
        let name = |value: &Option<String>| value.as_deref().map(cell).unwrap_or_default();
        let count = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let micros = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let clicks = own.counted_clicks();
        let cells = [
            own.line.to_string(),
            own.source.name().to_owned(),
            name(&own.external_ad_id),
            name(&own.ad_name),
            name(&own.campaign_name),
            name(&own.group_name),
            own.window.map(|window| window.start.to_string()).unwrap_or_default(),
            own.window.map(|window| window.end.to_string()).unwrap_or_default(),
            own.currency.clone().unwrap_or_default(),
            count(own.impressions.as_ref().and_then(|own| own.value)),
            count(clicks.and_then(|own| own.value)),
            clicks.map(|own| cell(&own.column)).unwrap_or_default(),
            own.conversions.as_ref().and_then(|own| own.value.clone()).unwrap_or_default(),
            micros(own.spend_micros),
            micros(own.revenue_micros),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}
