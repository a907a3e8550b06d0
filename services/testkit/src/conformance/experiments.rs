//! The contract of [`ExperimentStore`]. Each function is one test; see [`crate::experiment_store_suite`].
//! The store must also be an [`EventLog`], which is told what happens.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::experiment::machine::{Asked, Change, Command, created, decide};
use spotwright_core::domain::experiment::order::draft;
use spotwright_core::domain::experiment::{Author, EntryKind, Experiment, ExperimentState, PlayedDay};
use spotwright_core::domain::run::NewRun;
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, WriteKey, Written};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::event_log::{EventLog, LogFilter, LogPosition, Logged};
use spotwright_core::ports::experiments::{Amended, ExperimentStore};
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{
    ExperimentMetric, ExperimentOrder, ExperimentVerdict, ReadOut, ReadOutMetric, ReadOutSrm, Sentences,
    VerdictWord,
};
use spotwright_schemas::ids::{ExperimentId, OrganizationId, VariantId};
use spotwright_schemas::money::Currency;

use super::accounts::{is_missing, organization};
use crate::fixtures;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! experiment_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::experiment_store_suite!(@each $open, $([$when])?;
                a_draft_is_made_once_and_read_back,
                a_change_is_written_on_the_version_before_its_own,
                a_day_is_claimed_by_one_and_ended_under_its_fence,
                what_follows_from_a_day_is_written_together,
                experiments_of_another_organization_are_missing
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::experiment_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::experiment_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::experiments::$test(store).await;
        }
    };
}

/// What the suite needs of a store.
pub trait Subject: StepStore + AccountStore + EventLog + ExperimentStore {}

impl<S: StepStore + AccountStore + EventLog + ExperimentStore> Subject for S {}

const ALL: Page = Page { before: None, limit: 100 };

fn key(name: &str) -> WriteKey {
    WriteKey { key: name.to_owned(), fingerprint: [7; 32] }
}

/// Organization `number`, with a run.
async fn with_run<S: Subject>(store: &S, number: u64) -> (OrganizationId, NewRun) {
    let organization = organization(store, number).await.organization;
    let run = NewRun { organization, ..fixtures::run(number) };
    StepStore::create_run(store, &run, Commit::default()).await.expect("a run");
    (organization, run)
}

/// A draft of an experiment on a run.
#[must_use]
pub fn drafted(organization: OrganizationId, run: &NewRun, number: u64) -> Experiment {
    let variant = |number| VariantId::child_of(run.id.0, "variant", number);
    let order: ExperimentOrder = serde_json::from_value(serde_json::json!({
        "name": format!("experiment {number}"), "run": run.id, "hypothesis": "B is better", "primary": "ctr",
        "arms": [{ "variant": variant(1) }, { "variant": variant(2) }], "traffic": { "day_seconds": 1 }
    }))
    .expect("an order");
    draft(ExperimentId::derive(number, "experiment", 0), organization, &order, Currency::USD, 5)
}

async fn made<S: Subject>(store: &S, experiment: &Experiment) -> Experiment {
    let entry = created(experiment, Author::service());
    let write = key(&experiment.id.to_string());
    store.create_experiment(&write, experiment, &entry).await.expect("made").into_inner()
}

fn change(experiment: &Experiment, command: Command, at: i64) -> Change {
    let asked = Asked { command, text: "because".to_owned(), by: Author::service(), at };
    decide(experiment, asked).expect("allowed")
}

/// A day that was read out.
#[must_use]
pub fn read_out(day: u32) -> ReadOut {
    let standing = ExperimentVerdict::of(VerdictWord::Undecided);
    ReadOut {
        day,
        phase: 1,
        phase_day: day,
        source: FeedbackSource::Simulated,
        at: "1970-01-01T00:00:00Z".to_owned(),
        currency: "USD".to_owned(),
        primary: ReadOutMetric { metric: ExperimentMetric::Ctr, goal: "increase".to_owned() },
        arms: Vec::new(),
        comparisons: Vec::new(),
        srm: ReadOutSrm {
            p_value: Some(0.1 + 0.2),
            warning: false,
            alarm: false,
            observed: vec![10, 11],
            expected: vec![10.5, 10.5],
        },
        guardrails: Vec::new(),
        gates: Vec::new(),
        required: None,
        verdict: standing.clone(),
        standing,
        sentence: Sentences { en: "Undecided".to_owned(), zh: "尚无定论".to_owned() },
    }
}

/// `create_experiment`, `experiment`, `experiments`.
pub async fn a_draft_is_made_once_and_read_back<S: Subject>(store: Arc<S>) {
    let (organization, run) = with_run(&*store, 1).await;
    let draft = drafted(organization, &run, 1);
    let entry = created(&draft, Author::service());
    let first = store.create_experiment(&key("a"), &draft, &entry).await.expect("made");
    assert_eq!(first, Written::Fresh(draft.clone()));
    let other = drafted(organization, &run, 2);
    let again = store.create_experiment(&key("a"), &other, &entry).await.expect("made before");
    assert_eq!(again, Written::Replayed(draft.clone()));
    let reused = WriteKey { fingerprint: [8; 32], ..key("a") };
    let refused = store.create_experiment(&reused, &other, &entry).await;
    assert!(matches!(refused, Err(AccountError::KeyReused)), "{refused:?}");
    assert!(is_missing(&store.experiment(organization, other.id).await), "nothing was half-written");
    assert_eq!(store.experiment(organization, draft.id).await.expect("there"), draft);
    made(&*store, &other).await;
    let rows = store.experiments(organization, ALL).await.expect("a list");
    assert_eq!(rows.iter().map(|row| row.row.id).collect::<Vec<_>>(), [other.id, draft.id]);
    let page = Page { before: Some(rows[0].position), limit: 1 };
    let rest = store.experiments(organization, page).await.expect("a list");
    assert_eq!(rest.iter().map(|row| row.row.id).collect::<Vec<_>>(), [draft.id]);
    let log = store.decisions(organization, draft.id).await.expect("a log");
    assert_eq!(log, [entry]);
}

/// The events of an organization once there are `least` of them: what has committed is shown when every
/// transaction that could write before it has ended, in other databases of the server too.
async fn told<S: Subject>(store: &S, of: OrganizationId, filter: &LogFilter, least: usize) -> Vec<Logged> {
    for _ in 0..3_000 {
        let events = store.events_of_organization(of, LogPosition::START, filter, 10).await.expect("events");
        if events.len() >= least {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {least} events are shown after half a minute");
}

/// Clause 2.
pub async fn a_change_is_written_on_the_version_before_its_own<S: Subject>(store: Arc<S>) {
    let (organization, run) = with_run(&*store, 1).await;
    let draft = made(&*store, &drafted(organization, &run, 1)).await;
    let (start, archive) = (change(&draft, Command::Start, 10), change(&draft, Command::Archive, 11));
    assert_eq!(store.amend_experiment(&start).await.expect("an answer"), Amended::Now);
    assert_eq!(store.amend_experiment(&archive).await.expect("an answer"), Amended::Stale);
    assert_eq!(store.amend_experiment(&start).await.expect("an answer"), Amended::Stale);
    assert_eq!(store.experiment(organization, draft.id).await.expect("there"), start.experiment);
    let log = store.decisions(organization, draft.id).await.expect("a log");
    assert_eq!(
        log.iter().map(|entry| entry.kind).collect::<Vec<_>>(),
        [EntryKind::Created, EntryKind::Started]
    );
    let events = told(&*store, organization, &LogFilter::default(), 1).await;
    let types: Vec<_> = events.iter().map(|own| own.event.event_type()).collect();
    assert_eq!(types, ["spotwright.experiment.started.v1"], "a change that was not written tells nothing");
}

/// Clause 3.
pub async fn a_day_is_claimed_by_one_and_ended_under_its_fence<S: Subject>(store: Arc<S>) {
    let (organization, run) = with_run(&*store, 1).await;
    let draft = made(&*store, &drafted(organization, &run, 1)).await;
    let claim = async |now: i64| store.claim_day(now, now + 100).await.expect("an answer");
    assert_eq!(claim(1_000).await, None, "a draft has no days");
    let start = change(&draft, Command::Start, 10);
    assert_eq!(store.amend_experiment(&start).await.expect("an answer"), Amended::Now);
    assert_eq!(claim(9).await, None, "its time has not come");
    let first = claim(10).await.expect("due");
    assert_eq!(first.experiment, start.experiment);
    assert_eq!(claim(109).await, None, "it is claimed");
    let second = claim(110).await.expect("the lease has ended");
    let day = PlayedDay { read_out: read_out(1), exposures: ArtifactHash::of(b"day 1") };
    let next = change(&second.experiment, Command::Day(Box::new(day.read_out.clone())), 120);
    let late = store.end_day(&first, &next, Some(&day)).await.expect("an answer");
    assert_eq!(late, Amended::Stale);
    assert!(store.read_outs(organization, draft.id).await.expect("read-outs").is_empty());
    assert_eq!(store.end_day(&second, &next, Some(&day)).await.expect("an answer"), Amended::Now);
    assert_eq!(claim(121).await, None, "the next day comes a second later");
    let third = claim(1_000_120).await.expect("due");
    // Whoever stops it meanwhile has stopped it.
    let stop = change(&third.experiment, Command::Pause, 1_000_121);
    assert_eq!(store.amend_experiment(&stop).await.expect("an answer"), Amended::Now);
    let day = PlayedDay { read_out: read_out(2), exposures: ArtifactHash::of(b"day 2") };
    let next = change(&third.experiment, Command::Day(Box::new(day.read_out.clone())), 1_000_122);
    assert_eq!(store.end_day(&third, &next, Some(&day)).await.expect("an answer"), Amended::Stale);
    assert_eq!(claim(9_000_000).await, None, "it does not run");
}

/// Clauses 1, 4 and 5.
pub async fn what_follows_from_a_day_is_written_together<S: Subject>(store: Arc<S>) {
    let (organization, run) = with_run(&*store, 1).await;
    let draft = made(&*store, &drafted(organization, &run, 1)).await;
    store.amend_experiment(&change(&draft, Command::Start, 10)).await.expect("started");
    let mut expected = Vec::new();
    for day in 1..=3 {
        let now = 10 + i64::from(day) * 1_000_000;
        let claimed = store.claim_day(now, now + 10).await.expect("an answer").expect("due");
        let file = format!("day {day}");
        let played = PlayedDay { read_out: read_out(day), exposures: ArtifactHash::of(file.as_bytes()) };
        let next = change(&claimed.experiment, Command::Day(Box::new(played.read_out.clone())), now);
        assert_eq!(store.end_day(&claimed, &next, Some(&played)).await.expect("an answer"), Amended::Now);
        assert_eq!(store.experiment(organization, draft.id).await.expect("there"), next.experiment);
        expected.push(played);
    }
    let read_outs = store.read_outs(organization, draft.id).await.expect("read-outs");
    assert!(read_outs.iter().eq(expected.iter().map(|day| &day.read_out)));
    let files = store.exposures(organization, draft.id).await.expect("files");
    assert!(files.iter().eq(expected.iter().map(|day| &day.exposures)));
    let log = store.decisions(organization, draft.id).await.expect("a log");
    let kinds: Vec<_> = log.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Created, EntryKind::Started, EntryKind::Verdict], "news are noted once");
    let filter = LogFilter { types: vec!["spotwright.experiment.readout.v1".to_owned()], run: None };
    assert_eq!(told(&*store, organization, &filter, 3).await.len(), 3);
}

/// Clause 1.
pub async fn experiments_of_another_organization_are_missing<S: Subject>(store: Arc<S>) {
    let (organization, run) = with_run(&*store, 1).await;
    let (stranger, _) = with_run(&*store, 2).await;
    let draft = made(&*store, &drafted(organization, &run, 1)).await;
    assert!(store.experiments(stranger, ALL).await.expect("a list").is_empty());
    assert!(is_missing(&store.experiment(stranger, draft.id).await));
    assert!(is_missing(&store.read_outs(stranger, draft.id).await));
    assert!(is_missing(&store.decisions(stranger, draft.id).await));
    assert!(is_missing(&store.exposures(stranger, draft.id).await));
    let mut start = change(&draft, Command::Start, 10);
    start.experiment.organization = stranger;
    assert_eq!(store.amend_experiment(&start).await.expect("an answer"), Amended::Stale);
    let state = store.experiment(organization, draft.id).await.expect("there").state;
    assert_eq!(state, ExperimentState::Draft);
}
