//! The contract of [`ObservationStore`]. Each function is one test; see [`crate::observation_store_suite`].
//! The store must also be a [`StepStore`], which writes what the market reports.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use spotwright_core::domain::observation::{
    AdKey, AdNames, Amount, Evidence, ImportCounts, ImportReport, Link, NewObservation, Observation,
    ObservationRecord, PlatformName, ProductKey, RowPlace, Source, SourceKind, Window,
};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, WriteKey, Written};
use spotwright_core::ports::observations::{NewImport, ObservationFilter, ObservationStore, TakenIn};
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_schemas::ids::{ImportId, MessageId, OrganizationId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::money::Micros;

use super::accounts::{is_missing, organization};
use crate::fixtures;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! observation_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::observation_store_suite!(@each $open, $([$when])?;
                what_is_taken_in_twice_changes_nothing,
                a_correction_replaces,
                no_day_of_an_ad_is_held_twice,
                all_rows_or_none_are_taken_in_as_asked,
                a_repeated_intake_answers_as_before,
                what_the_market_reports_is_never_among_imports,
                an_ad_that_is_named_is_of_its_variant_from_then_on,
                an_ad_stands_for_one_variant,
                winners_are_found_by_their_numbers,
                a_mapping_is_remembered_for_its_header,
                observations_of_another_organization_are_missing
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::observation_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::observation_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::observations::$test(store).await;
        }
    };
}

const ALL: Page = Page { before: None, limit: 100 };

/// What the suite needs of a store.
pub trait Subject: StepStore + AccountStore + ObservationStore {}

impl<S: StepStore + AccountStore + ObservationStore> Subject for S {}

fn meta() -> PlatformName {
    PlatformName::parse("meta").expect("a name")
}

fn day(number: u8) -> Date {
    Date::new(2026, 9, number.cast_signed()).expect("a day of September")
}

/// What ad `ad` did from one day of September to another.
#[must_use]
pub fn row(ad: &str, from: u8, to: u8, impressions: u64, clicks: u64) -> NewObservation {
    let text = |what: &str| Some(what.to_owned());
    NewObservation {
        place: RowPlace::Line(u64::from(from) + 1),
        observation: Observation {
            source: Source::Imported(meta()),
            ad: AdKey::Id(ad.to_owned()),
            names: AdNames { id: text(ad), name: text("Hook A"), campaign: text("Autumn"), group: None },
            window: Window { start: day(from), end: day(to), time_zone: "Europe/Berlin".to_owned() },
            impressions: Some(impressions),
            clicks: Some(clicks),
            click_column: text("Link clicks"),
            conversions: text("1.5"),
            conversion_kind: text("unknown"),
            revenue: None,
            spend: Some(Amount { micros: Micros(1_250_000), currency: "EUR".to_owned() }),
            reach: None,
            watch: Vec::new(),
            attribution: None,
        },
        link: None,
    }
}

/// An import of rows.
#[must_use]
pub fn import(number: u64, rows: Vec<NewObservation>) -> NewImport {
    NewImport {
        id: ImportId::derive(number, "import", 0),
        report: ImportReport {
            name: format!("file {number}.csv"),
            platform: meta(),
            language: None,
            form: None,
            currency: Some("EUR".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            click_column: None,
            counts: ImportCounts::default(),
            refused: Vec::new(),
            asked: Vec::new(),
            unmatched: Vec::new(),
            matched: 0,
            notes: Vec::new(),
            unread_columns: Vec::new(),
            mapping_remembered: false,
        },
        rows,
        atomic: false,
        mapping: None,
    }
}

async fn taken<S: Subject>(store: &S, organization: OrganizationId, import: NewImport) -> ImportCounts {
    match store.take_in(organization, None, import).await.expect("taken in") {
        TakenIn::Done(written) => written.into_inner().report.counts,
        TakenIn::Refused(rows) => panic!("refused: {rows:?}"),
    }
}

async fn listed<S: Subject>(
    store: &S,
    organization: OrganizationId,
    source: SourceKind,
) -> Vec<ObservationRecord> {
    let filter = ObservationFilter { source, platform: None, variant: None, import: None };
    let rows = store.observations(organization, &filter, ALL).await.expect("observations");
    rows.into_iter().map(|row| row.row).collect()
}

const fn counts(new: u64, replaced: u64, unchanged: u64, refused: u64) -> ImportCounts {
    ImportCounts { new, replaced, unchanged, refused }
}

/// A run of the organization of the fixtures with winners `1..=n`.
async fn winners<S: Subject>(store: &S, seed: u64, n: u32) -> Vec<Variant> {
    let run = fixtures::run(seed);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let variants: Vec<Variant> =
        (1..=n).map(|number| fixtures::variant(run.id, 1, number, VariantState::Won)).collect();
    let commit = Commit { variants: variants.clone(), ..Commit::default() };
    store.amend(run.id, 1, commit).await.expect("variants");
    variants
}

/// Clause 1.
pub async fn what_is_taken_in_twice_changes_nothing<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let rows = vec![row("1", 1, 1, 1_000, 10), row("1", 2, 2, 900, 9), row("2", 1, 1, 500, 5)];
    assert_eq!(taken(&*store, own, import(1, rows.clone())).await, counts(3, 0, 0, 0));
    let before = listed(&*store, own, SourceKind::Imported).await;
    assert_eq!(taken(&*store, own, import(2, rows.clone())).await, counts(0, 0, 3, 0));
    assert_eq!(listed(&*store, own, SourceKind::Imported).await, before);
    assert_eq!(before.len(), 3);
    let newest = before.first().expect("a row");
    assert_eq!((&newest.observation, newest.revision), (&rows[2].observation, 1));
    assert_eq!(newest.import, Some(ImportId::derive(1, "import", 0)));
    assert_eq!(store.imports(own, ALL).await.expect("imports").len(), 2, "each is told");
}

/// Clause 1, late corrections.
pub async fn a_correction_replaces<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    taken(&*store, own, import(1, vec![row("1", 1, 1, 1_000, 10), row("1", 2, 2, 900, 9)])).await;
    let corrected = row("1", 1, 1, 1_010, 12);
    let rows = vec![corrected.clone(), row("1", 2, 2, 900, 9)];
    assert_eq!(store.fates(own, &rows).await.expect("fates").len(), 2, "looking writes nothing");
    assert_eq!(taken(&*store, own, import(2, rows)).await, counts(0, 1, 1, 0));
    let now = listed(&*store, own, SourceKind::Imported).await;
    assert_eq!(now.len(), 2);
    let replaced = now.iter().find(|own| own.observation.window.start == day(1)).expect("the row");
    assert_eq!((&replaced.observation, replaced.revision), (&corrected.observation, 2));
    assert_eq!(replaced.import, Some(ImportId::derive(2, "import", 0)));
}

/// Clause 2.
pub async fn no_day_of_an_ad_is_held_twice<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    taken(&*store, own, import(1, vec![row("1", 1, 1, 1_000, 10), row("1", 2, 2, 900, 9)])).await;
    let week = row("1", 1, 7, 7_000, 70);
    assert_eq!(taken(&*store, own, import(2, vec![week.clone()])).await, counts(0, 1, 0, 0));
    let now = listed(&*store, own, SourceKind::Imported).await;
    assert_eq!(now.iter().map(|own| &own.observation).collect::<Vec<_>>(), [&week.observation]);
    let rows =
        vec![row("1", 3, 3, 10, 1), row("1", 7, 9, 10, 1), row("1", 8, 8, 800, 8), row("2", 3, 3, 1, 0)];
    let record = match store.take_in(own, None, import(3, rows)).await.expect("taken in") {
        TakenIn::Done(written) => written.into_inner(),
        TakenIn::Refused(rows) => panic!("{rows:?}"),
    };
    assert_eq!(record.report.counts, counts(2, 0, 0, 2));
    let places: Vec<RowPlace> = record.report.refused.iter().map(|row| row.place).collect();
    assert_eq!(places, [RowPlace::Line(4), RowPlace::Line(8)]);
    assert_eq!(record.report.refused[0].reason, "overlapping_window");
    assert!(record.report.refused[0].message.contains("2026-09-01 to 2026-09-07"));
}

/// Clause 3.
pub async fn all_rows_or_none_are_taken_in_as_asked<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    taken(&*store, own, import(1, vec![row("1", 1, 7, 7_000, 70)])).await;
    let mut whole = import(2, vec![row("2", 1, 1, 5, 1), row("1", 3, 3, 10, 1)]);
    whole.atomic = true;
    whole.mapping = Some(("header".to_owned(), BTreeMap::new()));
    let refused = store.take_in(own, None, whole).await.expect("an answer");
    assert!(matches!(&refused, TakenIn::Refused(rows) if rows.len() == 1), "{refused:?}");
    assert_eq!(listed(&*store, own, SourceKind::Imported).await.len(), 1);
    assert_eq!(store.imports(own, ALL).await.expect("imports").len(), 1);
    assert_eq!(store.mapping(own, "header").await.expect("an answer"), None);
}

/// Clause 3, the write key.
pub async fn a_repeated_intake_answers_as_before<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let write = WriteKey { key: "a".to_owned(), fingerprint: [1; 32] };
    let first = store.take_in(own, Some(&write), import(1, vec![row("1", 1, 1, 5, 1)])).await.expect("taken");
    let TakenIn::Done(Written::Fresh(record)) = first else { panic!("{first:?}") };
    let again = store.take_in(own, Some(&write), import(2, vec![row("1", 1, 1, 5, 1)])).await.expect("taken");
    assert_eq!(again, TakenIn::Done(Written::Replayed(record.clone())));
    assert_eq!(store.import(own, record.id).await.expect("the import"), record);
    let other = WriteKey { fingerprint: [2; 32], ..write };
    let reused = store.take_in(own, Some(&other), import(3, Vec::new())).await;
    assert!(matches!(reused, Err(AccountError::KeyReused)), "{reused:?}");
}

/// Clauses 4 and 5.
pub async fn what_the_market_reports_is_never_among_imports<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = winners(&*store, 1, 1).await.remove(0);
    let placement = fixtures::placement(&variant);
    let run = variant.run;
    let placed = Commit {
        deliveries: vec![(placement.id, fixtures::delivery(&placement))],
        placements: vec![placement.clone()],
        ..Commit::default()
    };
    store.amend(run, 2, placed).await.expect("placed");
    assert_eq!(listed(&*store, own, SourceKind::Simulated).await, [], "nobody has taken it in");
    let observed = || Commit { observed: vec![placement.id], ..Commit::default() };
    let message = MessageId::child_of(run.0, "feedback", 1);
    store.consume("agent", &[message], run, 3, observed()).await.expect("taken in");
    let link = Link {
        variant: variant.id,
        direction: variant.body.script.direction,
        product: ProductKey::of(&fixtures::brief()),
    };
    let imported = NewObservation { link: Some(link.clone()), ..row("1", 1, 1, 1_000, 40) };
    taken(&*store, own, import(1, vec![imported])).await;

    let simulated = listed(&*store, own, SourceKind::Simulated).await;
    assert_eq!(simulated.len(), 1);
    let told = &simulated[0].observation;
    assert_eq!((&told.source, &told.ad), (&Source::Simulated, &AdKey::Placement(placement.id)));
    assert_eq!((told.impressions, told.clicks), (Some(300), Some(7)));
    let spend = Amount { micros: Micros(5), currency: "USD".to_owned() };
    assert_eq!((&told.spend, simulated[0].variant), (&Some(spend), Some(variant.id)));
    assert_eq!(told.window, Window::of_logical_day(1));
    assert_eq!(listed(&*store, own, SourceKind::Imported).await.len(), 1);
    let evidence = |impressions, clicks| {
        vec![Evidence { variant: variant.id, direction: link.direction, impressions, clicks }]
    };
    for (source, expected) in
        [(SourceKind::Simulated, evidence(300, 7)), (SourceKind::Imported, evidence(1_000, 40))]
    {
        assert_eq!(store.evidence(own, &link.product, source).await.expect("evidence"), expected);
    }
    // Taken in once more, by another message, it is the same row.
    let again = MessageId::child_of(run.0, "feedback", 2);
    store.consume("agent", &[again], run, 4, observed()).await.expect("taken in");
    assert_eq!(listed(&*store, own, SourceKind::Simulated).await, simulated);
}

fn named(id: &str) -> ExternalRef {
    ExternalRef { platform: "meta".to_owned(), account: "act_1".to_owned(), id: id.to_owned() }
}

/// Clause 7.
pub async fn an_ad_that_is_named_is_of_its_variant_from_then_on<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = winners(&*store, 1, 1).await.remove(0);
    let product = ProductKey::of(&fixtures::brief());
    taken(&*store, own, import(1, vec![row("1", 1, 1, 1_000, 10), row("2", 1, 1, 500, 5)])).await;
    let evidence = async || store.evidence(own, &product, SourceKind::Imported).await.expect("evidence");
    assert_eq!(evidence().await, []);
    assert_eq!(store.put_refs(own, variant.id, &[named("1")]).await.expect("named"), None);
    assert_eq!(store.refs(own, variant.id).await.expect("references"), [named("1")]);
    assert_eq!(evidence().await[0].impressions, 1_000);
    let ids = ["1".to_owned(), "2".to_owned()];
    let links = store.links(own, &meta(), &ids).await.expect("links");
    assert_eq!(links.keys().collect::<Vec<_>>(), ["1"]);
    assert_eq!((links["1"].variant, &links["1"].product), (variant.id, &product));
    // The whole set is replaced.
    assert_eq!(store.put_refs(own, variant.id, &[named("2")]).await.expect("named"), None);
    assert_eq!(evidence().await[0].impressions, 500);
    assert_eq!(store.put_refs(own, variant.id, &[]).await.expect("unnamed"), None);
    assert_eq!(evidence().await, []);
}

/// Clause 7, an ad of two variants.
pub async fn an_ad_stands_for_one_variant<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variants = winners(&*store, 1, 2).await;
    store.put_refs(own, variants[0].id, &[named("1")]).await.expect("named");
    let taken_by = store.put_refs(own, variants[1].id, &[named("2"), named("1")]).await.expect("an answer");
    assert_eq!(taken_by, Some(1));
    assert_eq!(store.refs(own, variants[1].id).await.expect("references"), []);
    assert_eq!(store.refs(own, variants[0].id).await.expect("references"), [named("1")]);
}

/// `winners_numbered`.
pub async fn winners_are_found_by_their_numbers<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let (older, newer) = (winners(&*store, 1, 2).await, winners(&*store, 2, 1).await);
    let found = store.winners_numbered(own, 1, 1, 10).await.expect("winners");
    let ids: Vec<_> = found.iter().map(|winner| winner.variant.id).collect();
    assert_eq!(ids, [newer[0].id, older[0].id], "of the newest run first");
    assert_eq!(found[0].brief, fixtures::brief());
    assert_eq!(store.winners_numbered(own, 1, 1, 1).await.expect("winners").len(), 1);
    assert_eq!(store.winners_numbered(own, 1, 3, 10).await.expect("winners").len(), 0);
}

/// `mapping`.
pub async fn a_mapping_is_remembered_for_its_header<S: Subject>(store: Arc<S>) {
    let (own, other) =
        (organization(&*store, 1).await.organization, organization(&*store, 2).await.organization);
    for (number, field) in [(1, "spend"), (2, "revenue")] {
        let mapping = BTreeMap::from([("Kosten".to_owned(), field.to_owned())]);
        let mut file = import(number, Vec::new());
        file.mapping = Some(("header".to_owned(), mapping.clone()));
        taken(&*store, own, file).await;
        assert_eq!(store.mapping(own, "header").await.expect("an answer"), Some(mapping));
    }
    assert_eq!(store.mapping(own, "another").await.expect("an answer"), None);
    assert_eq!(store.mapping(other, "header").await.expect("an answer"), None);
}

/// Clause 6.
pub async fn observations_of_another_organization_are_missing<S: Subject>(store: Arc<S>) {
    let (own, other) =
        (organization(&*store, 1).await.organization, organization(&*store, 2).await.organization);
    let variant = winners(&*store, 1, 1).await.remove(0);
    taken(&*store, own, import(1, vec![row("1", 1, 1, 1_000, 10)])).await;
    store.put_refs(own, variant.id, &[named("1")]).await.expect("named");

    assert_eq!(listed(&*store, other, SourceKind::Imported).await, []);
    assert!(store.imports(other, ALL).await.expect("imports").is_empty());
    assert!(is_missing(&store.import(other, ImportId::derive(1, "import", 0)).await));
    assert!(is_missing(&store.refs(other, variant.id).await));
    assert!(is_missing(&store.put_refs(other, variant.id, &[]).await));
    assert!(store.links(other, &meta(), &["1".to_owned()]).await.expect("links").is_empty());
    assert!(store.winners_numbered(other, 1, 1, 10).await.expect("winners").is_empty());
    let product = ProductKey::of(&fixtures::brief());
    assert_eq!(store.evidence(other, &product, SourceKind::Imported).await.expect("evidence"), []);
    // The same ad of another organization is another row.
    assert_eq!(taken(&*store, other, import(2, vec![row("1", 1, 1, 9, 0)])).await, counts(1, 0, 0, 0));
    assert_eq!(listed(&*store, own, SourceKind::Imported).await[0].observation.impressions, Some(1_000));
}
