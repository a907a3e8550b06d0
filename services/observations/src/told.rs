//! An analysis and a reading as CSV.

use std::fmt::Write as _;

use spotwright_experiment::analysis::EffectInterval;
use spotwright_experiment::analysis::report::Analysis;

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

/// One line for each variant and method: what [`Analysis::comparisons`] holds.
#[must_use]
pub fn analysis(analysis: &Analysis) -> String {
    let mut text =
        "metric,arm,method,estimate,low,high,p_value,adjusted_p_value,chance_to_win,expected_loss,\
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
            let _ = writeln!(text, "{metric},{arm},{method},{},{reason}", numbers.join(","));
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
