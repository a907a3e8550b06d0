//! The organization's own winners: which advertisements of a run are winners, and whose they are.

use std::sync::Arc;

use serde_json::Value;
use spotwright_core::domain::run::{Counts, NewRun, RunView, Stage};
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::marketplace::MarketReport;
use spotwright_core::ports::step_store::{Commit, RunUpdate, StepStore};
use spotwright_creative::cases::{stored_winners, winners_of};
use spotwright_creative::workflow::AgentState;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::Micros;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;

fn report(source: FeedbackSource) -> MarketReport {
    MarketReport {
        source,
        marketplace: "fixture".to_owned(),
        audience: String::new(),
        auctions: 0,
        won: 0,
        competitors: 0,
        mean_cpm: Micros::ZERO,
        budget: Micros::ZERO,
        creatives: Vec::new(),
        holds: Vec::new(),
        course: None,
    }
}

/// The state of a run whose generations were all reported on.
fn state(sources: &[FeedbackSource]) -> Value {
    let reports = sources.iter().map(|source| report(*source)).collect();
    serde_json::to_value(AgentState { reports, ..AgentState::default() }).expect("a state")
}

fn view(run: &NewRun, stage: Stage, state: Value) -> RunView {
    RunView {
        paused: false,
        cancelling: false,
        working: 0,
        id: run.id,
        organization: run.organization,
        request: Arc::new(run.request.clone()),
        version: 9,
        stage,
        generation: 2,
        state,
        messages: 9,
        counts: Counts::default(),
        settled: Micros::ZERO,
        reserved: Micros::ZERO,
        budget: run.budget,
    }
}

/// Variants of one generation with the impressions and clicks of their placements.
fn shown(run: &NewRun, generation: u32, counts: &[(u64, u64)]) -> (Vec<Variant>, Vec<Placement>) {
    let numbered = (1..).zip(counts);
    let shown = numbered.map(|(number, (impressions, clicks))| {
        let variant = fixtures::variant(run.id, generation, number, VariantState::Won);
        let mut placement = fixtures::placement(&variant);
        let mut delivery = fixtures::delivery(&placement);
        delivery.delivery.impressions = *impressions;
        delivery.delivery.clicks = *clicks;
        placement.delivery = Some(delivery);
        (variant, placement)
    });
    shown.unzip()
}

const SIMULATED: [FeedbackSource; 1] = [FeedbackSource::Simulated];

#[test]
fn an_ad_that_did_surely_better_than_the_others_is_a_winner_with_its_interval() {
    let run = fixtures::run(1);
    let (variants, placements) = shown(&run, 1, &[(4_000, 160), (4_000, 60), (4_000, 62)]);
    let winners = winners_of(&view(&run, Stage::Finished, state(&SIMULATED)), &variants, &placements);
    assert_eq!(winners.iter().map(|winner| winner.variant).collect::<Vec<_>>(), [variants[0].id]);
    let winner = &winners[0];
    assert_eq!((winner.organization, winner.run), (run.organization, run.id));
    assert_eq!((winner.lift.impressions, winner.lift.clicks), (4_000, 160));
    assert!(winner.lift.low > 1.0 && winner.lift.low < winner.lift.ratio);
    assert!(winner.lift.high > winner.lift.ratio);
    assert!(winner.summary.contains("people who drink tea"), "{}", winner.summary);
    assert_eq!(winner.source, FeedbackSource::Simulated);
}

#[test]
fn a_difference_that_chance_explains_makes_no_winner() {
    let run = fixtures::run(1);
    let finished = view(&run, Stage::Finished, state(&SIMULATED));
    for counts in [vec![(300, 12), (300, 9), (300, 8)], vec![(4_000, 160)], vec![(0, 0), (4_000, 60)]] {
        let (variants, placements) = shown(&run, 1, &counts);
        assert!(winners_of(&finished, &variants, &placements).is_empty(), "{counts:?}");
    }
}

#[test]
fn an_ad_is_compared_with_those_of_its_own_generation_and_source() {
    let run = fixtures::run(1);
    let sources = [FeedbackSource::Simulated, FeedbackSource::Imported];
    let (mut variants, mut placements) = shown(&run, 1, &[(4_000, 160), (4_000, 160)]);
    let (second, placed) = shown(&run, 2, &[(4_000, 20), (4_000, 80)]);
    variants.extend(second.clone());
    placements.extend(placed);
    let winners = winners_of(&view(&run, Stage::Finished, state(&sources)), &variants, &placements);
    assert_eq!(winners.iter().map(|winner| winner.variant).collect::<Vec<_>>(), [second[1].id]);
    assert_eq!(winners[0].source, FeedbackSource::Imported);
}

#[test]
fn a_run_under_way_and_a_generation_without_a_report_have_no_winners() {
    let run = fixtures::run(1);
    let (variants, placements) = shown(&run, 1, &[(4_000, 160), (4_000, 60)]);
    let under_way = view(&run, Stage::Observing, state(&SIMULATED));
    assert!(winners_of(&under_way, &variants, &placements).is_empty());
    let unreported = view(&run, Stage::Finished, Value::Null);
    assert!(winners_of(&unreported, &variants, &placements).is_empty());
}

#[test]
fn rows_of_another_run_are_passed_over() {
    let (run, other) = (fixtures::run(1), fixtures::run(2));
    let (variants, placements) = shown(&other, 1, &[(4_000, 160), (4_000, 60)]);
    let finished = view(&run, Stage::Finished, state(&SIMULATED));
    assert!(winners_of(&finished, &variants, &placements).is_empty());
}

/// Writes a finished run with one clear winner.
async fn played(store: &SqliteStore, run: &NewRun) {
    let (variants, placements) = shown(run, 1, &[(4_000, 160), (4_000, 60)]);
    let deliveries =
        placements.iter().filter_map(|placement| Some((placement.id, placement.delivery.clone()?)));
    let finished = Commit {
        run: Some(RunUpdate { stage: Stage::Finished, generation: 1, state: state(&SIMULATED) }),
        deliveries: deliveries.collect(),
        ..Commit::default()
    };
    let placed = placements.into_iter().map(|placement| Placement { delivery: None, ..placement }).collect();
    let opening = Commit { variants, placements: placed, ..Commit::default() };
    store.create_run(run, opening).await.expect("a run");
    let version = store.run(run.id).await.expect("the run").version;
    store.amend(run.id, version, finished).await.expect("finished");
}

#[tokio::test]
async fn an_organization_reads_its_own_winners_from_the_store_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("winners.db")).await.expect("a store");
    let own = fixtures::run(1);
    let mut foreign = fixtures::run(2);
    foreign.organization = OrganizationId::derive(2, "organization", 0);
    for run in [&own, &foreign] {
        played(&store, run).await;
    }
    for run in [&own, &foreign] {
        let winners = stored_winners(&*store, run.organization).await.expect("winners");
        assert_eq!(winners.len(), 1);
        assert!(winners.iter().all(|winner| winner.organization == run.organization && winner.run == run.id));
    }
    let nobody = OrganizationId::derive(3, "organization", 0);
    assert!(stored_winners(&*store, nobody).await.expect("none").is_empty());
}
