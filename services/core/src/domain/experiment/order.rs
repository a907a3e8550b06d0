//! From an order to a draft.

use std::collections::BTreeSet;

use jiff::civil::Date;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{
    ArmRole, ExperimentArm, ExperimentDesign, ExperimentMetric, ExperimentOrder, ExperimentPhase, ExternalAd,
};
use spotwright_schemas::ids::{ExperimentId, OrganizationId};
use spotwright_schemas::money::Currency;

use super::{Experiment, ExperimentState};
use crate::domain::observation::PlatformName;

/// Most arms of an experiment.
pub const MOST_ARMS: usize = 8;
/// Longest name of an arm in characters: an event names them all, and holds less than 4 KiB.
pub const LONGEST_ARM_NAME: usize = 24;
/// Most guardrails.
pub const MOST_GUARDRAILS: usize = 4;
/// Most days.
pub const MOST_DAYS: u32 = 60;
/// Most advertisements of an arm.
pub const MOST_ADS: usize = 20;
/// Longest id of an advertisement in characters.
const LONGEST_AD_ID: usize = 200;
/// Largest share of users that are shown none of the arms.
pub const LARGEST_HOLDOUT: f64 = 0.5;
/// Largest amount of money in micros: a thousand million units.
const MOST_MICROS: i64 = 1_000_000_000_000_000;
/// Users in two arms at which the confidence sequence is narrowest, where nothing else was planned: the
/// default of GrowthBook's sequential tests.
const TUNING: f64 = 5_000.0;
/// Largest seed: the largest whole number that every JSON reader keeps.
const LARGEST_SEED: u64 = 9_007_199_254_740_991;

fn wrong<T>(field: impl Into<String>, message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::new(Code::RequestValue, field, message))
}

fn text(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    let length = text.chars().count();
    if (1..=most).contains(&length) && !text.chars().any(char::is_control) && text.trim() == text {
        return Ok(());
    }
    wrong(field, format!("must be 1 to {most} characters without control characters or outer blanks"))
}

fn number(field: &str, value: f64, low: f64, high: f64) -> Result<(), Problem> {
    if value.is_finite() && (low..=high).contains(&value) {
        return Ok(());
    }
    wrong(field, format!("must be within {low} and {high}"))
}

fn whole(field: &str, value: u64, low: u64, high: u64) -> Result<(), Problem> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        wrong(field, format!("must be within {low} and {high}"))
    }
}

/// Checks how users are to be divided among `arms` arms.
///
/// # Errors
/// [`Code::RequestValue`] with the field.
pub fn check_allocation(weights: &[f64], holdout: f64, arms: usize) -> Result<(), Problem> {
    if weights.len() != arms {
        return wrong("weights", format!("must have one number for each of the {arms} arms"));
    }
    for (idx, weight) in weights.iter().enumerate() {
        number(&format!("weights[{idx}]"), *weight, 0.000_1, 10_000.0)?;
    }
    number("holdout", holdout, 0.0, LARGEST_HOLDOUT)
}

/// Checks everything about an order that can be told without its run.
///
/// # Errors
/// [`Code::RequestValue`] with the field.
pub fn check(order: &ExperimentOrder) -> Result<(), Problem> {
    text("name", &order.name, 80)?;
    text("hypothesis", &order.hypothesis, 500)?;
    check_arms(order)?;
    check_metrics(order)?;
    check_source(order)?;
    number("smallest_effect", order.smallest_effect, 0.001, 10.0)?;
    number("alpha", order.alpha, 0.000_1, 0.5)?;
    number("power", order.power, 0.5, 0.999)?;
    number("holdout", order.holdout, 0.0, LARGEST_HOLDOUT)?;
    whole("seed", order.seed, 0, LARGEST_SEED)?;
    let stopping = &order.stopping;
    whole("stopping.maximum_days", stopping.maximum_days.into(), 1, MOST_DAYS.into())?;
    whole("stopping.minimum_days", stopping.minimum_days.into(), 1, stopping.maximum_days.into())?;
    whole("stopping.minimum_units", stopping.minimum_units, 2, 1_000_000)?;
    let traffic = &order.traffic;
    whole("traffic.opportunities_per_day", traffic.opportunities_per_day, 500, 50_000)?;
    if !(1..=MOST_MICROS).contains(&traffic.daily_budget_micros.0) {
        return wrong("traffic.daily_budget_micros", format!("must be within 1 and {MOST_MICROS}"));
    }
    number("traffic.organic_conversions", traffic.organic_conversions, 0.0, 0.5)?;
    whole("traffic.day_seconds", traffic.day_seconds.into(), 0, 86_400)
}

fn check_arms(order: &ExperimentOrder) -> Result<(), Problem> {
    let arms = &order.arms;
    if !(2..=MOST_ARMS).contains(&arms.len()) {
        return wrong("arms", format!("must be 2 to {MOST_ARMS}, the control first"));
    }
    for (idx, arm) in arms.iter().enumerate() {
        let name = name_of(arm.name.as_deref(), idx);
        text(&format!("arms[{idx}].name"), &name, LONGEST_ARM_NAME)?;
        number(&format!("arms[{idx}].weight"), arm.weight, 0.000_1, 10_000.0)?;
        let is_taken = |other: usize| name_of(arms[other].name.as_deref(), other) == name;
        if name == HOLDOUT || (0..idx).any(is_taken) {
            return wrong(format!("arms[{idx}].name"), "is the name of another arm, or of the holdout");
        }
        if arm.variant.is_some() && arms[..idx].iter().any(|other| other.variant == arm.variant) {
            let message = "is shown by another arm already";
            return Err(Problem::new(Code::ExperimentArm, format!("arms[{idx}].variant"), message));
        }
    }
    Ok(())
}

/// What experiments in the market need, and what those on imported results need.
fn check_source(order: &ExperimentOrder) -> Result<(), Problem> {
    match order.source {
        FeedbackSource::Simulated => check_simulated(order),
        FeedbackSource::Imported => check_imported(order),
    }
}

fn check_simulated(order: &ExperimentOrder) -> Result<(), Problem> {
    if order.starts_on.is_some() {
        return wrong("starts_on", "is for `source: imported` only");
    }
    for (idx, arm) in order.arms.iter().enumerate() {
        if arm.variant.is_none() {
            return wrong(format!("arms[{idx}].variant"), "is needed: the market shows it");
        }
        if !arm.external_ads.is_empty() {
            return wrong(format!("arms[{idx}].external_ads"), "is for `source: imported` only");
        }
    }
    Ok(())
}

fn check_imported(order: &ExperimentOrder) -> Result<(), Problem> {
    let starts_on = order.starts_on.as_deref().unwrap_or_default();
    if starts_on.len() != 10 || starts_on.parse::<Date>().is_err() {
        return wrong("starts_on", "must be the first day that counts, e.g. 2026-09-07");
    }
    if order.holdout > 0.0 {
        return wrong("holdout", "is for experiments in the market: platforms do not report ghosts");
    }
    let metrics = std::iter::once(("primary".to_owned(), order.primary)).chain(
        order
            .guardrails
            .iter()
            .enumerate()
            .map(|(idx, guardrail)| (format!("guardrails[{idx}].metric"), guardrail.metric)),
    );
    for (field, metric) in metrics {
        if !matches!(metric, ExperimentMetric::Ctr | ExperimentMetric::Cvr) {
            let message = "cannot be compared: reports sum over users, and tell how far chance moves a share of \
                           impressions (`ctr`) or clicks (`cvr`), but not amounts";
            return wrong(field, message);
        }
    }
    let mut taken: BTreeSet<&ExternalAd> = BTreeSet::new();
    for (idx, arm) in order.arms.iter().enumerate() {
        let field = format!("arms[{idx}].external_ads");
        if !(1..=MOST_ADS).contains(&arm.external_ads.len()) {
            return wrong(field, format!("must be 1 to {MOST_ADS} advertisements"));
        }
        for (at, ad) in arm.external_ads.iter().enumerate() {
            if PlatformName::parse(&ad.platform).is_none() {
                return wrong(format!("{field}[{at}].platform"), "is no name of a platform, e.g. `meta`");
            }
            text(&format!("{field}[{at}].id"), &ad.id, LONGEST_AD_ID)?;
            if !taken.insert(ad) {
                return wrong(format!("{field}[{at}]"), "is in another arm, or twice");
            }
        }
    }
    Ok(())
}

/// The name of the holdout among the arms of a read-out.
pub const HOLDOUT: &str = "holdout";

fn name_of(given: Option<&str>, idx: usize) -> String {
    given.map_or_else(|| char::from(b'A' + u8::try_from(idx).unwrap_or(0)).to_string(), str::to_owned)
}

fn check_metrics(order: &ExperimentOrder) -> Result<(), Problem> {
    if order.guardrails.len() > MOST_GUARDRAILS {
        return wrong("guardrails", format!("may be {MOST_GUARDRAILS} at most"));
    }
    for (idx, guardrail) in order.guardrails.iter().enumerate() {
        number(&format!("guardrails[{idx}].margin"), guardrail.margin, 0.0, 10.0)?;
        let is_same = |other: &ExperimentMetric| *other == guardrail.metric;
        if is_same(&order.primary) || order.guardrails[..idx].iter().any(|other| is_same(&other.metric)) {
            return wrong(format!("guardrails[{idx}].metric"), "is measured already");
        }
    }
    let mut metrics = order.guardrails.iter().map(|guardrail| guardrail.metric).chain([order.primary]);
    let needs_value = metrics.any(|metric| metric == ExperimentMetric::RevenuePerImpression);
    match order.conversion_value_micros {
        None if needs_value => wrong("conversion_value_micros", "is needed for `revenue_per_impression`"),
        Some(value) if !(1..=MOST_MICROS).contains(&value.0) => {
            wrong("conversion_value_micros", format!("must be within 1 and {MOST_MICROS}"))
        }
        _ => Ok(()),
    }
}

/// The draft of an order that was checked.
#[must_use]
pub fn draft(
    id: ExperimentId,
    organization: OrganizationId,
    order: &ExperimentOrder,
    currency: Currency,
    now: i64,
) -> Experiment {
    let arms = order.arms.iter().enumerate().map(|(idx, arm)| ExperimentArm {
        name: name_of(arm.name.as_deref(), idx),
        variant: arm.variant,
        external_ads: arm.external_ads.clone(),
        role: if idx == 0 { ArmRole::Control } else { ArmRole::Treatment },
    });
    Experiment {
        id,
        organization,
        run: order.run,
        name: order.name.clone(),
        currency,
        state: ExperimentState::Draft,
        design: ExperimentDesign {
            source: order.source,
            starts_on: order.starts_on.clone(),
            hypothesis: order.hypothesis.clone(),
            primary: order.primary,
            guardrails: order.guardrails.clone(),
            smallest_effect: order.smallest_effect,
            alpha: order.alpha,
            power: order.power,
            tuning: TUNING,
            stopping: order.stopping,
            arms: arms.collect(),
            seed: order.seed,
            traffic: order.traffic,
            conversion_value_micros: order.conversion_value_micros,
        },
        phases: vec![ExperimentPhase {
            phase: 1,
            from_day: 1,
            weights: order.arms.iter().map(|arm| arm.weight).collect(),
            holdout: order.holdout,
        }],
        day: 0,
        verdict: None,
        srm_alarm: false,
        stopped_because: None,
        decision: None,
        created_at: now,
        started_at: None,
        stopped_at: None,
        next_day_at: None,
        version: 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use spotwright_schemas::ids::{RunId, VariantId};

    use super::*;

    /// Makes one thing of an order wrong.
    type Spoil = fn(&mut Value);

    fn order(change: impl FnOnce(&mut Value)) -> ExperimentOrder {
        let variant = |number| VariantId::derive(1, "variant", number).to_string();
        let mut value = json!({
            "name": "hook", "run": RunId::derive(1, "run", 0), "hypothesis": "B is better", "primary": "ctr",
            "guardrails": [{ "metric": "cpa", "margin": 0.1 }],
            "arms": [{ "variant": variant(1) }, { "variant": variant(2), "weight": 3 }]
        });
        change(&mut value);
        serde_json::from_value(value).expect("an order")
    }

    #[test]
    fn a_draft_is_what_was_ordered() {
        let order = order(|_| ());
        check(&order).expect("right");
        let organization = OrganizationId::derive(1, "organization", 0);
        let draft = draft(ExperimentId::derive(1, "experiment", 0), organization, &order, Currency::USD, 5);
        assert_eq!((draft.state, draft.day, draft.phase()), (ExperimentState::Draft, 0, 1));
        assert_eq!(draft.phases[0].weights, [1.0, 3.0]);
        let arms: Vec<_> = draft.design.arms.iter().map(|arm| (arm.name.as_str(), arm.role)).collect();
        assert_eq!(arms, [("A", ArmRole::Control), ("B", ArmRole::Treatment)]);
    }

    fn imported(change: impl FnOnce(&mut Value)) -> ExperimentOrder {
        order(|order| {
            order["source"] = json!("imported");
            order["starts_on"] = json!("2026-09-07");
            order["guardrails"] = json!([{ "metric": "cvr", "margin": 0.1 }]);
            order["arms"] = json!([
                { "external_ads": [{ "platform": "meta", "id": "1" }, { "platform": "tiktok", "id": "1" }] },
                { "external_ads": [{ "platform": "meta", "id": "2" }] }
            ]);
            change(order);
        })
    }

    #[test]
    fn imported_results_need_ads_and_a_first_day_and_no_market() {
        check(&imported(|_| ())).expect("right");
        let cases: [(&str, Spoil); 10] = [
            ("starts_on", |order| order["starts_on"] = Value::Null),
            ("starts_on", |order| order["starts_on"] = json!("2026-02-30")),
            ("holdout", |order| order["holdout"] = json!(0.1)),
            ("primary", |order| order["primary"] = json!("cpc")),
            ("guardrails[0].metric", |order| order["guardrails"][0]["metric"] = json!("cpa")),
            ("arms[1].external_ads", |order| order["arms"][1]["external_ads"] = json!([])),
            ("arms[1].external_ads[0].platform", |order| {
                order["arms"][1]["external_ads"][0]["platform"] = json!("Meta Ads");
            }),
            ("arms[1].external_ads[0].id", |order| order["arms"][1]["external_ads"][0]["id"] = json!("")),
            ("arms[1].external_ads[0]", |order| order["arms"][1]["external_ads"][0]["id"] = json!("1")),
            ("traffic.organic_conversions", |order| order["traffic"] = json!({ "organic_conversions": 0.9 })),
        ];
        for (field, change) in cases {
            assert_eq!(check(&imported(change)).expect_err(field).field, field);
        }
        let ads = json!([{ "platform": "meta", "id": "1" }]);
        let stray = order(|order| order["arms"][1]["external_ads"] = ads);
        assert_eq!(check(&stray).expect_err("stray").field, "arms[1].external_ads");
        let early = order(|order| order["starts_on"] = json!("2026-09-07"));
        assert_eq!(check(&early).expect_err("early").field, "starts_on");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases: [(&str, Spoil); 13] = [
            ("name", |order| order["name"] = json!(" x")),
            ("hypothesis", |order| order["hypothesis"] = json!("")),
            ("arms", |order| order["arms"] = json!([])),
            ("arms[1].name", |order| order["arms"][1]["name"] = json!("A")),
            ("arms[0].name", |order| order["arms"][0]["name"] = json!("holdout")),
            ("arms[1].weight", |order| order["arms"][1]["weight"] = json!(0)),
            ("arms[1].variant", |order| order["arms"][1]["variant"] = order["arms"][0]["variant"].clone()),
            ("guardrails[0].metric", |order| order["guardrails"][0]["metric"] = json!("ctr")),
            ("guardrails[0].margin", |order| order["guardrails"][0]["margin"] = json!(-1)),
            ("conversion_value_micros", |order| order["primary"] = json!("revenue_per_impression")),
            ("alpha", |order| order["alpha"] = json!(0.9)),
            ("holdout", |order| order["holdout"] = json!(0.6)),
            ("stopping.minimum_days", |order| order["stopping"] = json!({ "maximum_days": 3 })),
        ];
        for (field, change) in cases {
            let refused = check(&order(change)).expect_err(field);
            assert_eq!(refused.field, field);
        }
        let missing: Spoil = |order| order["arms"][1] = json!({});
        assert_eq!(check(&order(missing)).expect_err("none").field, "arms[1].variant");
        assert_eq!(check_allocation(&[1.0], 0.0, 2).expect_err("one").field, "weights");
        assert_eq!(check_allocation(&[1.0, f64::NAN], 0.0, 2).expect_err("NaN").field, "weights[1]");
    }
}
