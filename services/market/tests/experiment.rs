//! Laws of experiments in the market, seen through its port.

use std::collections::HashMap;
use std::sync::LazyLock;

use spotwright_core::domain::experiment::exposure::Exposure;
use spotwright_core::ports::experiments::{DayOrder, ExperimentMarket};
use spotwright_core::ports::marketplace::{Campaign, CampaignCreative};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_experiment::analysis::mismatch::{Period, mismatch};
use spotwright_market::experiment::KnownEffects;
use spotwright_market::simulator::{Options, Simulator};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::experiment::ExperimentPhase;
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::{Angle, Direction, Hook, Line, Provenance, Role, Script};
use spotwright_schemas::{Currency, Locale, Micros};

static MARKET: LazyLock<Simulator> = LazyLock::new(|| Simulator::new(Options::default()).expect("card"));

fn creative(index: u64) -> CampaignCreative {
    let provenance = || Provenance {
        provider: "copy_engine".into(),
        model: "pattern".into(),
        prompt_hash: String::new(),
        fallback: false,
    };
    let line = |role: Role| Line {
        role,
        caption: format!("Fresh beans number {index}, {role:?} of today"),
        detail: String::new(),
        voice: String::new(),
        picture: String::new(),
        rests_on: vec![],
        provenance: provenance(),
    };
    CampaignCreative {
        placement: PlacementId::derive(1, "placement", index),
        variant: VariantId::derive(1, "variant", index),
        script: Script {
            locale: Locale::EnUs,
            direction: Direction { angle: Angle::ALL[0], hook: Hook::ALL[0] },
            structure: None,
            idea: String::new(),
            learned_from: None,
            lines: Role::ALL.map(line).to_vec(),
            primary_text: "Beans".to_owned(),
        },
        statistics: FrameStatistics::default(),
        predicted_ctr: 0.015,
    }
}

fn order(day: u32, seed: u64) -> DayOrder {
    DayOrder {
        campaign: Campaign {
            seed: 7,
            generation: day,
            category: "coffee".into(),
            locale: Locale::EnUs,
            objective: Objective::Clicks,
            placement: PlacementKind::SimulatedFeed,
            budget: Micros(20_000_000),
            currency: Currency::USD,
            opportunities: 6_000,
            creatives: (0..3).map(creative).collect(),
        },
        seed,
        organic_conversions: 0.05,
        phase: ExperimentPhase { phase: 1, from_day: 1, weights: vec![2.0, 1.0, 1.0], holdout: 0.2 },
    }
}

/// Days one after another.
fn played(market: &dyn ExperimentMarket, days: u32, seed: u64) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    for day in 1..=days {
        let next = market.play_day(&order(day, seed), &exposures).expect("a day");
        exposures.extend(next);
    }
    exposures
}

#[test]
fn equal_days_are_played_equally_and_other_seeds_divide_anew() {
    let (one, again, other) = (played(&*MARKET, 3, 1), played(&*MARKET, 3, 1), played(&*MARKET, 3, 2));
    assert_eq!(one, again);
    let arms = |exposures: &[Exposure]| -> HashMap<u64, u32> {
        exposures.iter().map(|own| (own.unit, own.arm)).collect()
    };
    let (one, other) = (arms(&one), arms(&other));
    let both: Vec<_> = one.iter().filter_map(|(unit, arm)| Some((arm, other.get(unit)?))).collect();
    let same = both.iter().filter(|(a, b)| a == b).count();
    assert!(both.len() > 200 && same * 2 < both.len(), "{same} of {}", both.len());
}

#[test]
fn a_user_stays_in_an_arm_and_is_in_one_row_a_day() {
    let exposures = played(&*MARKET, 4, 1);
    let (mut arms, mut rows) = (HashMap::new(), HashMap::new());
    for own in &exposures {
        assert_eq!(*arms.entry(own.unit).or_insert(own.arm), own.arm);
        *rows.entry((own.day, own.unit)).or_insert(0) += 1;
        let share = [0.4, 0.2, 0.2, 0.2][own.arm as usize];
        assert!((own.propensity - share).abs() < 1e-12);
        let hours = 24.0 * f64::from(own.day - 1)..24.0 * f64::from(own.day);
        assert!(hours.contains(&own.hour) && own.last_hour >= own.hour);
    }
    assert!(rows.values().all(|rows| *rows == 1));
    assert!(rows.len() > arms.len(), "users come again");
}

#[test]
fn who_buys_without_an_ad_does_not_depend_on_the_arm_and_a_purchase_after_a_click_counts_once() {
    let exposures = played(&*MARKET, 6, 1);
    let rate = |ghosts: bool| {
        let of: Vec<&Exposure> = exposures.iter().filter(|own| (own.arm == 3) == ghosts).collect();
        // A purchase that is attributed would have been there at the same rate.
        let free = of.iter().filter(|own| own.conversions == 0).count() as f64;
        (of.iter().map(|own| f64::from(own.organic)).sum::<f64>() / free, free)
    };
    let ((ghosts, n), (exposed, m)) = (rate(true), rate(false));
    let error = (0.05 * 0.95 * (1.0 / n + 1.0 / m)).sqrt();
    assert!((ghosts - exposed).abs() < 4.0 * error, "{ghosts} {exposed} ± {error}");
    assert!((exposed - 0.05).abs() < 4.0 * (0.05 * 0.95 / m).sqrt(), "{exposed}");
    assert!(exposures.iter().all(|own| own.organic == 0 || own.conversions == 0));
    let none = MARKET.play_day(&DayOrder { organic_conversions: 0.0, ..order(1, 1) }, &[]).expect("a day");
    assert!(none.iter().all(|own| own.organic == 0));
    let clicks = |exposures: &[Exposure]| exposures.iter().map(|own| own.clicks).sum::<u32>();
    let with: Vec<Exposure> = exposures.iter().filter(|own| own.day == 1).copied().collect();
    assert_eq!(clicks(&none), clicks(&with), "it changes nothing else");
}

#[test]
fn a_user_is_of_one_segment_and_every_segment_is_met() {
    let exposures = played(&*MARKET, 3, 1);
    let mut of_user = HashMap::new();
    for own in &exposures {
        assert_eq!(*of_user.entry(own.unit).or_insert(own.segment), own.segment);
    }
    let segments: std::collections::BTreeSet<&str> =
        exposures.iter().map(|own| own.segment.as_str()).collect();
    assert!(segments.contains("commuters") && segments.len() == 5, "{segments:?}");
}

#[test]
fn money_and_counts_add_up_and_ghosts_cost_nothing() {
    let exposures = played(&*MARKET, 3, 1);
    for day in 1..=3 {
        let spend: i64 = exposures.iter().filter(|own| own.day == day).map(|own| own.spend.0).sum();
        assert!((1..=20_000_000).contains(&spend), "{spend}");
    }
    for own in &exposures {
        assert!(own.clicks <= own.impressions && own.conversions <= own.clicks);
        assert!(own.clicks > 0 || own.spend == Micros::ZERO);
        assert_eq!(own.impressions == 0, own.arm == 3, "the holdout, and nobody else, is shown nothing");
    }
    assert!(exposures.iter().any(|own| own.arm == 3));
}

#[test]
fn who_is_exposed_does_not_depend_on_the_arm() {
    // Arm B has e² times the odds: if that moved bids or fatigue moved exposure by arm, the counts would
    // tell.
    let market = KnownEffects { market: MARKET.clone(), log_odds: vec![0.0, 2.0, 0.0] };
    let mut alarms = 0;
    for seed in 0..20 {
        let mut units = vec![0_u64; 4];
        let exposures = played(&market, 2, seed);
        let arms: HashMap<u64, u32> = exposures.iter().map(|own| (own.unit, own.arm)).collect();
        for arm in arms.values() {
            units[*arm as usize] += 1;
        }
        let period = Period { units, weights: vec![0.4, 0.2, 0.2, 0.2] };
        alarms += u32::from(mismatch(&[period]).expect("a test").p_value.is_some_and(|p| p < 0.01));
    }
    // 20 tests at 1 %: three or more are seen in 0.1 % of all worlds.
    assert!(alarms <= 2, "{alarms}");
}

#[test]
fn a_known_lift_is_there_and_earlier_clicks_do_not_depend_on_it() {
    let market = KnownEffects { market: MARKET.clone(), log_odds: vec![0.0, 1.0, 0.0] };
    let exposures = played(&market, 6, 3);
    let sums = |arm: u32| {
        exposures.iter().filter(|own| own.arm == arm).fold([0.0_f64; 4], |[n, i, c, e], own| {
            [
                n + 1.0,
                i + f64::from(own.impressions),
                c + f64::from(own.clicks),
                e + f64::from(own.earlier_clicks),
            ]
        })
    };
    let (a, b, c) = (sums(0), sums(1), sums(2));
    let rate = |sums: [f64; 4]| sums[2] / sums[1];
    assert!(rate(b) / rate(a) > 1.8, "{} {}", rate(b), rate(a));
    assert!((rate(c) / rate(a) - 1.0).abs() < 0.5, "{} {}", rate(c), rate(a));
    let earlier = |sums: [f64; 4]| sums[3] / sums[0];
    assert!((earlier(b) / earlier(a) - 1.0).abs() < 0.25, "{} {}", earlier(b), earlier(a));
    let market: &dyn ExperimentMarket = &*MARKET;
    let mut strange = exposures[0];
    strange.unit = u64::MAX >> 1;
    assert!(market.play_day(&order(7, 3), &[strange]).is_err(), "a user of another market");
}
