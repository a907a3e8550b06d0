//! Our read-outs against those of GrowthBook's `gbstats` 0.8.0, see `tests/data/README.md`.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use serde_json::Value;
use spotwright_experiment::analysis::effect::{Difference, effect};
use spotwright_experiment::analysis::mismatch::{Period, mismatch};
use spotwright_experiment::analysis::moments::{AdjustedSums, MeanSums, RatioSums, Sums, pooled_slope};
use spotwright_experiment::analysis::read_out::{Prior, always_valid, bayesian, fixed_horizon, newcombe};
use spotwright_experiment::analysis::{EffectInterval, Reason};
use spotwright_experiment::interval::Counts;

/// Largest difference that counts as equal, relative to values above 1.
const EQUAL: f64 = 1e-8;

fn oracle() -> Value {
    serde_json::from_str(include_str!("data/gbstats_oracle.json")).unwrap()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn arm(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The sums of both arms, and the slope that the oracle was given.
fn sums(input: &Value) -> (Sums, Sums, f64) {
    let counts = |n: &str, x: &str| {
        Sums::Proportion(Counts::new(number(input, n) as u64, number(input, x) as u64).unwrap())
    };
    match input["kind"].as_str().unwrap() {
        "proportion" => (counts("na", "xa"), counts("nb", "xb"), 0.0),
        "mean" => {
            let sums = |v: Vec<f64>| Sums::Mean(MeanSums { units: v[0] as u64, sum: v[1], squares: v[2] });
            (sums(arm(&input["a"])), sums(arm(&input["b"])), 0.0)
        }
        "ratio" => {
            let sums = |v: Vec<f64>| {
                Sums::Ratio(RatioSums {
                    units: v[0] as u64,
                    numerator: v[1],
                    numerator_squares: v[2],
                    denominator: v[3],
                    denominator_squares: v[4],
                    products: v[5],
                })
            };
            (sums(arm(&input["a"])), sums(arm(&input["b"])), 0.0)
        }
        "cuped" => {
            let sums = |v: Vec<f64>| AdjustedSums {
                units: v[0] as u64,
                outcome: v[1],
                outcome_squares: v[2],
                covariate: v[3],
                covariate_squares: v[4],
                products: v[5],
            };
            let (a, b) = (sums(arm(&input["a"])), sums(arm(&input["b"])));
            let slope = pooled_slope(&[a, b]);
            assert_close("slope", slope, number(input, "theta"));
            (Sums::Adjusted(a), Sums::Adjusted(b), slope)
        }
        other => panic!("{other}"),
    }
}

/// The oracle's scaled cases have half of the traffic in B and ran for 7 days.
fn difference(input: &Value) -> Difference {
    match input["difference_type"].as_str().unwrap() {
        "relative" => Difference::Relative,
        "absolute" => Difference::Absolute,
        "scaled" => Difference::Scaled { traffic_share: 0.5, days: 7.0 },
        other => panic!("{other}"),
    }
}

fn assert_close(what: &str, ours: f64, theirs: f64) {
    let apart = (ours - theirs).abs() / theirs.abs().max(1.0);
    assert!(apart <= EQUAL, "{what}: {ours} is not {theirs}");
}

fn assert_interval(case: &Value, ours: EffectInterval, estimate: f64) {
    assert_close(&format!("estimate of {case}"), ours.estimate, estimate);
    assert_close(&format!("low end of {case}"), ours.low, case["result"]["ci"][0].as_f64().unwrap());
    assert_close(&format!("high end of {case}"), ours.high, case["result"]["ci"][1].as_f64().unwrap());
}

fn check(case: &Value) {
    let (input, result) = (&case["input"], &case["result"]);
    let (a, b, slope) = sums(input);
    let effect = effect(&a.moments(slope).unwrap(), &b.moments(slope).unwrap(), difference(input)).unwrap();
    let alpha = number(input, "alpha");
    let expected = number(result, "expected");
    match case["case"].as_str().unwrap() {
        "frequentist_two_sided" => {
            let read = fixed_horizon(&effect, alpha).unwrap();
            assert_interval(case, read.interval, expected);
            assert_close(&format!("p of {case}"), read.p_value, number(result, "p_value"));
            let error = effect.standard_error() * effect.scale;
            assert_close("standard error", error, number(&result["uplift"], "stddev"));
        }
        "frequentist_sequential" => {
            let read = always_valid(&effect, alpha, number(input, "tuning")).unwrap();
            assert_interval(case, read.interval, expected);
            assert_close(&format!("p of {case}"), read.p_value, number(result, "p_value"));
        }
        "bayesian_effect" => {
            let prior = input["prior"].as_array().map(|prior| Prior {
                mean: prior[0].as_f64().unwrap(),
                variance: prior[1].as_f64().unwrap(),
            });
            let read = bayesian(&effect, alpha, prior).unwrap();
            assert_interval(case, read.interval, expected);
            assert_close(&format!("chance of {case}"), read.chance_to_win, number(result, "chance_to_win"));
            assert_close("risk of control", read.risk_of_control, result["risk"][0].as_f64().unwrap());
            assert_close("risk of treatment", read.risk_of_treatment, result["risk"][1].as_f64().unwrap());
        }
        other => panic!("{other}"),
    }
}

#[test]
fn all_cases_without_an_error_message_are_equal() {
    let oracle = oracle();
    let cases: Vec<&Value> = oracle["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["result"]["error_message"].is_null())
        .collect();
    assert_eq!(cases.len(), 122);
    for case in cases {
        check(case);
    }
}

/// Where `gbstats` returns an error message and a neutral result (p = 1, an interval of width 0), we say
/// why there is no read-out instead of a number that reads as "certainly no effect", and give the score
/// interval, which does not need a variance. Relative effects of a control without any success do not
/// exist for us, so that reason comes first there.
#[test]
fn cases_with_an_error_message_give_a_reason_and_a_score_interval() {
    let oracle = oracle();
    let mut n = 0;
    for case in oracle["cases"].as_array().unwrap() {
        if case["result"]["error_message"].is_null() {
            continue;
        }
        n += 1;
        let input = &case["input"];
        let (a, b, _) = sums(input);
        let wanted = match (difference(input), number(input, "xa")) {
            (Difference::Relative, 0.0) => Reason::BaselineZero,
            _ => Reason::NoVariation,
        };
        let found = effect(&a.moments(0.0).unwrap(), &b.moments(0.0).unwrap(), difference(input));
        assert_eq!(found.unwrap_err(), wanted, "{case}");
        let (Sums::Proportion(a), Sums::Proportion(b)) = (a, b) else { panic!("{case}") };
        let interval = newcombe(a, b, number(input, "alpha")).unwrap().unwrap();
        assert!(interval.low < interval.high && interval.low <= interval.estimate, "{interval:?}");
        assert!(interval.high - interval.low > 1e-4, "not certain: {interval:?}");
    }
    assert_eq!(n, 30);
}

#[test]
fn mismatches_have_the_oracles_p_values() {
    let oracle = oracle();
    let cases = oracle["srm"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let units = case["users"].as_array().unwrap().iter().map(|units| units.as_u64().unwrap()).collect();
        let found = mismatch(&[Period { units, weights: arm(&case["weights"]) }]).unwrap();
        assert_close(&case.to_string(), found.p_value.unwrap(), number(case, "p"));
    }
}

#[test]
fn newcombe_agrees_with_the_published_examples() {
    // Newcombe (1998), table II, method 10: 56/70 against 48/80, and 10/10 against 0/10.
    for ((treated, control), (low, high)) in
        [(((70, 56), (80, 48)), (0.0524, 0.3339)), (((10, 10), (10, 0)), (0.6075, 1.0))]
    {
        let counts = |(n, x): (u64, u64)| Counts::new(n, x).unwrap();
        let interval = newcombe(counts(control), counts(treated), 0.05).unwrap().unwrap();
        assert!((interval.low - low).abs() < 6e-5, "{interval:?}");
        assert!((interval.high - high).abs() < 6e-5, "{interval:?}");
    }
}
