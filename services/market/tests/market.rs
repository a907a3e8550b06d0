//! Laws of the simulated marketplace, seen through its public interface.

use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use spotwright_core::ports::marketplace::{
    Campaign, CampaignCreative, Held, HoldSpan, MarketError, MarketReport, Marketplace,
};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_market::audience::TextTasteMode;
use spotwright_market::audience::card::Card;
use spotwright_market::evaluate::{true_ctr, true_parts};
use spotwright_market::simulator::{Options, Simulator};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::outcome::Delivery;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Hook, Line, Provenance, Role, Script};
use spotwright_schemas::{Currency, Locale, Micros};

static MARKET: LazyLock<Simulator> = LazyLock::new(|| Simulator::new(Options::default()).expect("card"));

fn line(role: Role, caption: String) -> Line {
    let provenance = Provenance {
        provider: "copy_engine".into(),
        model: "pattern".into(),
        prompt_hash: String::new(),
        fallback: false,
    };
    let (voice, picture) = (String::new(), String::new());
    Line { role, caption, detail: String::new(), voice, picture, rests_on: vec![], provenance }
}

/// A creative whose texts carry `word`; texts of one structure whatever the word.
fn creative(index: u64, word: &str, direction: Direction) -> CampaignCreative {
    let lines = Role::ALL.map(|role| line(role, format!("Fresh zq{word} beans, {role:?} of today"))).to_vec();
    CampaignCreative {
        placement: PlacementId::derive(1, "placement", index),
        variant: VariantId::derive(1, "variant", index),
        script: Script {
            locale: Locale::EnUs,
            direction,
            structure: None,
            idea: String::new(),
            learned_from: None,
            lines,
            primary_text: format!("Beans {word}"),
        },
        statistics: statistics(),
        predicted_ctr: 0.015,
    }
}

fn statistics() -> FrameStatistics {
    FrameStatistics {
        brightness: 0.45,
        contrast: 0.2,
        saturation: 0.25,
        motion: 0.06,
        cut_rate: 0.4,
        text_area: 0.15,
        opening_brightness: 0.45,
        loudness_lufs: -16.0,
    }
}

fn direction(index: usize) -> Direction {
    Direction { angle: Angle::ALL[index % 6], hook: Hook::ALL[(index / 6 + index) % 6] }
}

/// Letters only, so that a word never brings digits into a text.
fn word(index: u64) -> String {
    (0..8).map(|i| char::from(b'a' + (Stream::new(index, "word").bits(i) % 26) as u8)).collect()
}

fn campaign(creatives: u64) -> Campaign {
    Campaign {
        seed: 7,
        generation: 1,
        category: "coffee".into(),
        locale: Locale::EnUs,
        objective: Objective::Clicks,
        placement: PlacementKind::SimulatedFeed,
        budget: Micros(60_000_000),
        currency: Currency::USD,
        opportunities: 60_000,
        creatives: (0..creatives).map(|i| creative(i, &word(i), direction(i as usize))).collect(),
    }
}

#[test]
fn identical_creatives_get_statistically_equal_click_rates() {
    let mut large = campaign(1);
    large.opportunities = 400_000;
    large.budget = Micros(400_000_000);
    let mut twin = large.creatives[0].clone();
    twin.placement = PlacementId::derive(1, "placement", 99);
    large.creatives.push(twin);
    let mut chi_square = 0.0;
    let seeds = 12;
    for seed in 0..seeds {
        large.seed = seed;
        let report = MARKET.play(&large).unwrap();
        let [a, b] = [report.creatives[0].delivery, report.creatives[1].delivery];
        let (n, m) = (a.impressions as f64, b.impressions as f64);
        let pooled = (a.clicks + b.clicks) as f64 / (n + m);
        let z = (a.clicks as f64 / n - b.clicks as f64 / m)
            / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        chi_square += z * z;
    }
    // 99.9 % point of chi-square with 12 degrees of freedom. Rotation favors the arm that was
    // lucky so far, which biases both rates but not enough to be seen here.
    assert!(chi_square < 32.9, "{chi_square}");
}

#[test]
fn predictions_change_bids_but_never_a_click() {
    // One creative, so that both campaigns show the same thing whenever both win.
    let honest = campaign(1);
    let mut wild = honest.clone();
    wild.creatives[0].predicted_ctr = 0.06;
    let (_, left) = MARKET.play_logged(&honest).unwrap();
    let (_, right) = MARKET.play_logged(&wild).unwrap();
    assert_ne!(left, right, "predictions do matter for bids");
    let key = |shown: &spotwright_market::simulator::Shown| (shown.opportunity, shown.creative, shown.slot);
    let first: HashMap<_, _> = left.iter().map(|shown| (key(shown), shown)).collect();
    let mut compared = 0;
    for shown in &right {
        if let Some(other) = first.get(&key(shown)).filter(|other| other.remembered == shown.remembered) {
            assert_eq!(shown.clicked, other.clicked);
            assert_eq!((shown.user, shown.segment), (other.user, other.segment));
            compared += 1;
        }
    }
    assert!(compared > 1_000, "{compared}");
}

#[test]
fn reports_do_not_depend_on_the_number_of_threads() {
    let play = |threads: usize| {
        let pool = pool(threads);
        pool.install(|| MARKET.play(&campaign(5)).unwrap())
    };
    assert_eq!(play(1), play(2));
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("two threads")
}

#[test]
fn latent_spread_within_a_brief_is_what_the_card_says() {
    let card = Card::embedded().unwrap().0;
    let variance = card.fit.spread * card.fit.spread * card.shares.latent;
    let (mut excess, mut free) = (0.0, 0.0);
    for brief in 0..400_u64 {
        let mut campaign = campaign(0);
        campaign.category = word(10_000 + brief);
        let log_odds: Vec<f64> = (0..6_u64)
            .map(|i| {
                let direction = Direction { angle: Angle::ALL[i as usize], hook: Hook::ALL[i as usize] };
                let creative = creative(i, &word(100_000 + 10 * brief + i), direction);
                let [_, _, latent] = true_parts(&MARKET, &campaign, &creative).unwrap();
                let rate = true_ctr(&MARKET, &campaign, &creative).unwrap();
                // Everything but the latent part is equal here, so the true rate follows it.
                assert!(rate > 0.0 && rate < 1.0);
                latent
            })
            .collect();
        let mean = log_odds.iter().sum::<f64>() / 6.0;
        excess += log_odds.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        free += 5.0;
    }
    assert!((excess / free / variance - 1.0).abs() < 0.1, "{} {variance}", excess / free);
}

#[test]
fn true_rates_follow_the_parts() {
    let campaign = campaign(30);
    let rows: Vec<(f64, f64)> = campaign
        .creatives
        .iter()
        .map(|creative| {
            let parts: f64 = true_parts(&MARKET, &campaign, creative).unwrap().iter().sum();
            let rate = true_ctr(&MARKET, &campaign, creative).unwrap();
            (parts, (rate / (1.0 - rate)).ln())
        })
        .collect();
    let offsets: Vec<f64> = rows.iter().map(|(parts, log_odds)| log_odds - parts).collect();
    let mean = offsets.iter().sum::<f64>() / offsets.len() as f64;
    // Tastes of segments average out over users, but hours weigh segments a little differently.
    assert!(offsets.iter().all(|offset| (offset - mean).abs() < 0.05), "{offsets:?}");
}

#[test]
fn clicks_of_rested_users_in_the_first_slot_come_at_the_true_rate() {
    let mut large = campaign(1);
    large.opportunities = 300_000;
    large.budget = Micros(2_000_000_000);
    let (_, log) = MARKET.play_logged(&large).unwrap();
    let fresh: Vec<_> = log.iter().filter(|shown| shown.slot == 0 && shown.remembered == 0.0).collect();
    let clicks = fresh.iter().filter(|shown| shown.clicked).count() as f64;
    let truth = true_ctr(&MARKET, &large, &large.creatives[0]).unwrap();
    let n = fresh.len() as f64;
    let z = (clicks - n * truth) / (n * truth * (1.0 - truth)).sqrt();
    assert!(n > 20_000.0 && z.abs() < 4.0, "{n} {clicks} {truth} {z}");
    let tired = log.iter().filter(|shown| shown.slot == 0 && shown.remembered > 2.0);
    let (tired, tired_clicks) = tired.fold((0, 0), |(n, k), shown| (n + 1, k + i32::from(shown.clicked)));
    assert!(f64::from(tired_clicks) / f64::from(tired) < 0.8 * truth, "{tired} {tired_clicks}");
}

#[test]
fn text_taste_can_be_switched_off_and_reversed() {
    let campaign = campaign(0);
    let mut asks = creative(1, "abc", direction(0));
    asks.script.lines[0].caption = "Why do you wait? You won't believe what 3 beans did".into();
    let text = |mode| {
        let market = Simulator::new(Options { text_taste: mode, ..Options::default() }).unwrap();
        true_parts(&market, &campaign, &asks).unwrap()[0]
    };
    let fitted = text(TextTasteMode::Fitted);
    assert!(fitted != 0.0);
    assert_eq!(text(TextTasteMode::Off), 0.0);
    assert_eq!(text(TextTasteMode::Reversed), -fitted);
}

#[test]
fn a_usual_campaign_climbs_the_ladder_and_reports_a_simulation() {
    let campaign = campaign(5);
    let report = MARKET.play(&campaign).unwrap();
    assert!(report.marketplace.contains("simulator"));
    assert_eq!(report.audience, MARKET.audience());
    let impressions: u64 = report.creatives.iter().map(|row| row.delivery.impressions).sum();
    assert!((8_000..30_000).contains(&impressions), "{impressions}");
    let spend: i64 = report.creatives.iter().map(|row| row.delivery.spend.0).sum();
    assert!(spend <= campaign.budget.0 && spend > campaign.budget.0 * 7 / 10, "{spend}");
    for row in &report.creatives {
        assert!(row.ladder.len() >= 2, "{row:?}");
        assert!(row.ladder.windows(2).all(|pair| pair[0].impressions < pair[1].impressions));
        let sum: u64 = row.segments.iter().map(|segment| segment.delivery.impressions).sum();
        assert_eq!(sum, row.delivery.impressions);
        assert!(row.frequency >= 1.0);
    }
}

#[test]
fn the_next_generation_meets_other_people_with_the_same_tastes() {
    let first = campaign(3);
    let next = Campaign { generation: 2, ..first.clone() };
    assert_ne!(MARKET.play(&first).unwrap(), MARKET.play(&next).unwrap());
    let other = Campaign { seed: 8, ..first.clone() };
    let truth = |campaign: &Campaign| true_ctr(&MARKET, campaign, &campaign.creatives[0]).unwrap();
    assert_eq!(truth(&first), truth(&other));
}

#[test]
fn without_competitors_every_auction_is_won_at_the_floor() {
    let market = Simulator::new(Options { competitors: 0, ..Options::default() }).unwrap();
    let mut campaign = campaign(2);
    campaign.opportunities = 2_000;
    let report = market.play(&campaign).unwrap();
    assert_eq!((report.won, report.competitors), (2_000, 0));
    assert!(Simulator::new(Options { competitors: 1_001, ..Options::default() }).is_err());
}

#[test]
fn spend_follows_traffic() {
    for seed in 0..6 {
        let campaign = Campaign { seed, ..campaign(4) };
        let (report, log) = MARKET.play_logged(&campaign).unwrap();
        let spend: i64 = report.creatives.iter().map(|row| row.delivery.spend.0).sum();
        assert!(spend > campaign.budget.0 * 9 / 10, "{spend}");
        for quarter in 1..4 {
            let until = campaign.opportunities * quarter / 4;
            let shown = log.iter().filter(|shown| shown.opportunity < until).count() as f64;
            let share = shown / log.len() as f64;
            assert!((share - quarter as f64 / 4.0).abs() < 0.12, "seed {seed}, quarter {quarter}: {share}");
        }
    }
}

#[test]
fn more_money_buys_more_impressions_at_higher_prices() {
    let poor = Campaign { budget: Micros(20_000_000), ..campaign(3) };
    let rich = Campaign { budget: Micros(200_000_000), ..campaign(3) };
    let [poor, rich] = [poor, rich].map(|campaign| MARKET.play(&campaign).unwrap());
    let impressions =
        |report: &MarketReport| -> u64 { report.creatives.iter().map(|row| row.delivery.impressions).sum() };
    assert!(impressions(&rich) > 2 * impressions(&poor));
    assert!(rich.mean_cpm > poor.mean_cpm);
}

#[test]
fn impossible_campaigns_are_refused() {
    let good = campaign(2);
    let mut bad = vec![
        Campaign { creatives: vec![], ..good.clone() },
        Campaign { budget: Micros(0), ..good.clone() },
        Campaign { budget: Micros(-5), ..good.clone() },
        Campaign { opportunities: 0, ..good.clone() },
        Campaign { generation: 0, ..good.clone() },
        campaign(65),
    ];
    for predicted in [0.0, 1.0, f64::NAN] {
        let mut campaign = good.clone();
        campaign.creatives[0].predicted_ctr = predicted;
        bad.push(campaign);
    }
    let mut unfinished = good.clone();
    unfinished.creatives[1].statistics.motion = f64::INFINITY;
    bad.push(unfinished);
    let mut silent = good;
    silent.creatives[0].script.lines.clear();
    bad.push(silent);
    for campaign in bad {
        assert!(matches!(MARKET.play(&campaign), Err(MarketError::Refused(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn money_and_counts_add_up_in_any_campaign(
        seed in 0_u64..1_000_000,
        generation in 1_u32..6,
        budget in prop_oneof![1_i64..100, 1_000_i64..1_000_000, 1_000_000_i64..2_000_000_000],
        opportunities in 1_u64..6_000,
        predicted in prop::collection::vec(0.0005_f64..0.3, 1..9),
        conversions in any::<bool>(),
    ) {
        let mut campaign = campaign(predicted.len() as u64);
        campaign.seed = seed;
        campaign.generation = generation;
        campaign.budget = Micros(budget);
        campaign.opportunities = opportunities;
        campaign.objective = if conversions { Objective::Conversions } else { Objective::Clicks };
        campaign.currency = [Currency::USD, Currency::CNY, Currency::JPY][(seed % 3) as usize];
        for (creative, predicted) in campaign.creatives.iter_mut().zip(&predicted) {
            creative.predicted_ctr = *predicted;
        }
        let (report, log) = MARKET.play_logged(&campaign).unwrap();
        let mut spend = 0;
        for row in &report.creatives {
            let delivery = row.delivery;
            prop_assert!(delivery.conversions <= delivery.clicks && delivery.clicks <= delivery.impressions);
            prop_assert!(delivery.spend.0 >= 0);
            prop_assert_eq!(row.segments.iter().map(|s| s.delivery.spend.0).sum::<i64>(), delivery.spend.0);
            prop_assert!(row.ladder.iter().all(|rung| (0.0..=1.0).contains(&rung.probability)));
            spend += delivery.spend.0;
        }
        prop_assert!(spend <= budget);
        prop_assert!(report.won <= report.auctions && log.len() as u64 <= report.won);
        prop_assert_eq!(log.iter().filter(|s| s.clicked).map(|s| s.price).sum::<i64>(), spend);
    }
}

#[test]
fn decisions_add_up_to_the_report_and_are_taken_as_often_as_they_say() {
    let mut campaign = campaign(4);
    campaign.opportunities = 200_000;
    campaign.budget = Micros(200_000_000);
    let report = MARKET.play(&campaign).unwrap();
    let decisions = MARKET.decisions(&campaign, &Held::default()).unwrap();
    assert_eq!(decisions, MARKET.decisions(&campaign, &Held::default()).unwrap());
    assert_eq!(report.budget, campaign.budget);
    assert!(decisions.windows(2).all(|pair| pair[0].hour <= pair[1].hour));
    assert_eq!(decisions.iter().map(|row| row.chosen).sum::<u64>(), campaign.opportunities);
    for row in &report.creatives {
        let own: Vec<_> = decisions.iter().filter(|row_of| row_of.placement == row.placement).collect();
        assert!(own.iter().all(|decision| decision.variant == row.variant));
        assert!(own.iter().all(|decision| decision.propensity > 0.0 && decision.propensity <= 1.0));
        assert!(own.iter().all(|d| d.clicks <= d.impressions && d.impressions <= d.chosen));
        assert_eq!(own.iter().map(|decision| decision.impressions).sum::<u64>(), row.delivery.impressions);
        assert_eq!(own.iter().map(|decision| decision.clicks).sum::<u64>(), row.delivery.clicks);
    }
    // Inverse propensities estimate how many opportunities were decided by chance, for each creative
    // that could have been chosen all along.
    let by_chance: Vec<_> = decisions.iter().filter(|decision| decision.propensity < 1.0).collect();
    let total: u64 = by_chance.iter().map(|decision| decision.chosen).sum();
    assert!(total > 50_000, "{total}");
    let estimated: Vec<f64> = campaign
        .creatives
        .iter()
        .map(|creative| {
            let own = by_chance.iter().filter(|decision| decision.placement == creative.placement);
            own.map(|decision| decision.chosen as f64 / decision.propensity).sum()
        })
        .collect();
    let best = estimated.iter().copied().fold(0.0, f64::max);
    assert!((best / total as f64 - 1.0).abs() < 0.05, "{estimated:?} of {total}");
}

#[test]
fn a_held_creative_takes_no_impressions_and_the_report_says_when() {
    let campaign = campaign(4);
    let free = MARKET.play(&campaign).unwrap();
    assert!(free.holds.is_empty() && free.creatives[1].delivery.impressions > 0);

    let held = Held::default();
    held.set(0b10);
    let report = MARKET.play_held(&campaign, &held).unwrap();
    assert_eq!(report.creatives[1].delivery, Delivery::default());
    assert_eq!((report.creatives[1].auctions, report.creatives[1].won), (0, 0));
    assert!(report.creatives[0].delivery.impressions > 0, "the others go on");
    assert_eq!(report.holds.len(), 1);
    assert_eq!(
        (report.holds[0].placement, report.holds[0].until_hour),
        (campaign.creatives[1].placement, None)
    );

    held.set(u64::MAX);
    let nothing = MARKET.play_held(&campaign, &held).unwrap();
    assert!(nothing.creatives.iter().all(|row| row.delivery == Delivery::default()));
    assert_eq!((nothing.won, nothing.auctions), (0, campaign.opportunities), "the time goes on without them");
}

#[test]
fn what_was_held_for_a_while_is_played_again_the_same_way() {
    let campaign = campaign(3);
    let span =
        HoldSpan { placement: campaign.creatives[0].placement, from_hour: 6.125, until_hour: Some(12.125) };
    let report = MARKET.play_held(&campaign, &Held::as_then(vec![span.clone()])).unwrap();
    assert_eq!(report.holds, [span]);
    let again = Held::as_then(report.holds.clone());
    assert_eq!(MARKET.play_held(&campaign, &again).unwrap(), report);
    let free = MARKET.play(&campaign).unwrap();
    assert!(report.creatives[0].delivery.impressions < free.creatives[0].delivery.impressions);
    let decisions = MARKET.decisions(&campaign, &again).unwrap();
    let own = || decisions.iter().filter(|row| row.placement == campaign.creatives[0].placement);
    assert!(own().all(|row| row.hour < 6.125 || row.hour >= 12.125));
    let seen: u64 = own().map(|row| row.impressions).sum();
    assert_eq!(seen, report.creatives[0].delivery.impressions);
}

#[test]
fn the_course_of_a_campaign_adds_up_to_its_report() {
    let campaign = campaign(3);
    let report = MARKET.play(&campaign).unwrap();
    let course = report.course.unwrap();
    assert_eq!(course.pacing.len(), 24);
    let last = course.pacing.last().unwrap();
    let spend: i64 = report.creatives.iter().map(|row| row.delivery.spend.0).sum();
    let impressions: u64 = report.creatives.iter().map(|row| row.delivery.impressions).sum();
    assert_eq!((last.planned, last.spent), (campaign.budget, Micros(spend)));
    assert_eq!((last.won, last.impressions), (report.won, impressions));
    assert!(
        course.pacing.windows(2).all(|pair| pair[0].spent <= pair[1].spent && pair[0].hour < pair[1].hour)
    );
    let prices: Vec<_> =
        course.prices.iter().map(|price| (price.own_cpm.unwrap(), price.market_cpm.unwrap())).collect();
    assert!(prices.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    let sums = report.creatives.iter().fold((0, 0), |sum, row| (sum.0 + row.auctions, sum.1 + row.won));
    assert_eq!(sums, (report.auctions, report.won));
    assert!(report.creatives.iter().all(|row| row.delivery.impressions <= row.won));
}
