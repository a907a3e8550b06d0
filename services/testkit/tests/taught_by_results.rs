//! Results of real platforms teach: every sample of an export moves beliefs in the direction of its numbers, once
//! however often it is handed in, and a corrected one stands in its place.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use spotwright_core::domain::observation::{
    AdKey, ImportRecord, Link, NewObservation, ProductKey, SourceKind,
};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::observations::{NewImport, ObservationStore as _, TakenIn};
use spotwright_core::ports::step_store::{Commit, StepStore as _};
use spotwright_creative::learn::{Beliefs, with_imported};
use spotwright_observations::{Asked, DateOrder, DecimalMark, Given, Reading, Window, export, record};
use spotwright_schemas::ids::ImportId;
use spotwright_schemas::script::{Angle, Direction, Hook};
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;

/// Files with their truth beside them, of this project and of the data folder.
#[expect(clippy::disallowed_methods, reason = "the data folder is told through the environment")]
fn samples() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../observations/tests/samples");
    let data = std::env::var("SPOTWRIGHT_DATA").map(|data| Path::new(&data).join("exports"));
    let mut files = Vec::new();
    for folder in [Some(own), data.ok()].into_iter().flatten() {
        let Ok(listed) = std::fs::read_dir(&folder) else {
            eprintln!("skipped: there is no folder {}", folder.display());
            continue;
        };
        files.extend(
            listed
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|ending| ending == "csv" || ending == "xlsx")),
        );
    }
    files.sort();
    files
}

/// Reads a file and answers what it asks.
fn read(path: &Path) -> Reading {
    let bytes = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut given = Given::default();
    for _ in 0..4 {
        let reading = export::read(&bytes, name, &given).unwrap();
        if reading.is_complete() {
            return reading;
        }
        for question in &reading.asked {
            match question.asked {
                Asked::Currency => given.currency = Some("USD".to_owned()),
                Asked::TimeZone => given.time_zone = Some("UTC".to_owned()),
                Asked::Window => {
                    given.window = Some(Window { start: date(2026, 9, 1), end: date(2026, 9, 30) });
                }
                Asked::NumberFormat => given.decimal_mark = Some(DecimalMark::Point),
                Asked::DateOrder => given.date_order = Some(DateOrder::MonthFirst),
            }
        }
    }
    panic!("{name} asks on and on");
}

const GOOD: Direction = Direction { angle: Angle::Problem, hook: Hook::Question };
const POOR: Direction = Direction { angle: Angle::Proof, hook: Hook::Number };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_moves_beliefs_in_the_direction_of_its_numbers() {
    let files = samples();
    assert!(files.len() >= 11);
    let mut taught = 0;
    for file in files {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        let run = fixtures::run(1);
        store.create_run(&run, Commit::default()).await.unwrap();
        let variants = [1, 2].map(|number| fixtures::variant(run.id, 1, number, VariantState::Won));
        let commit = Commit { variants: variants.to_vec(), ..Commit::default() };
        store.amend(run.id, 1, commit).await.unwrap();
        let product = ProductKey::of(&run.request.brief);

        let reading = read(&file);
        let report = record::report(&reading, "sample");
        let mut rows = record::rows(&reading).unwrap();
        let mut sums: BTreeMap<AdKey, (u64, u64)> = BTreeMap::new();
        for row in &rows {
            let own = &row.observation;
            if let (Some(impressions), Some(clicks)) = (own.impressions, own.clicks) {
                let sum = sums.entry(own.ad.clone()).or_default();
                *sum = (sum.0 + impressions, sum.1 + clicks);
            }
        }
        let rate = |sum: &(u64, u64)| sum.1 as f64 / sum.0 as f64;
        let mut ads: Vec<(&AdKey, &(u64, u64))> = sums.iter().filter(|(_, sum)| sum.0 > 0).collect();
        ads.sort_by(|a, b| rate(b.1).total_cmp(&rate(a.1)));
        let (Some(best), Some(worst)) = (ads.first(), ads.last()) else {
            println!("{}: no ad with impressions and clicks", file.display());
            continue;
        };
        let differ = rate(best.1) > rate(worst.1);
        let (best_ad, worst_ad) = (best.0.clone(), worst.0.clone());
        let told = [(&best_ad, GOOD, *best.1, 0), (&worst_ad, POOR, *worst.1, 1)];
        for row in &mut rows {
            let of = told.iter().find(|(ad, ..)| **ad == row.observation.ad);
            row.link = of.map(|(_, direction, _, idx)| Link {
                variant: variants[*idx].id,
                direction: *direction,
                product: product.clone(),
            });
        }
        let taken = async |number: u64, rows: Vec<NewObservation>| -> ImportRecord {
            let id = ImportId::derive(number, "import", 0);
            let import = NewImport { id, report: report.clone(), rows, atomic: false, mapping: None };
            match store.take_in(run.organization, None, import).await.unwrap() {
                TakenIn::Done(written) => written.into_inner(),
                TakenIn::Refused(rows) => panic!("{rows:?}"),
            }
        };
        let beliefs = async || {
            let evidence = store.evidence(run.organization, &product, SourceKind::Imported).await.unwrap();
            let rows: Vec<_> =
                evidence.iter().map(|own| (own.direction, own.impressions, own.clicks)).collect();
            with_imported(&Beliefs::default(), &rows)
        };
        let n = rows.len() as u64;
        assert_eq!(taken(1, rows.clone()).await.report.counts.new, n, "{}", file.display());
        let first = beliefs().await;
        let prior = Beliefs::default().posterior(GOOD).mean();
        let (now, seen) = (first.posterior(GOOD).mean(), rate(&told[0].2));
        assert!((now - prior) * (seen - prior) > 0.0, "{}: {prior} {now} {seen}", file.display());
        assert_eq!(taken(2, rows.clone()).await.report.counts.unchanged, n);
        assert_eq!(beliefs().await, first, "handed in twice, it is the same");
        if differ {
            assert!(first.posterior(GOOD).mean() > first.posterior(POOR).mean(), "{}", file.display());
            // A later file in which the two have changed places.
            for row in &mut rows {
                let own = &mut row.observation;
                if own.ad == best_ad {
                    own.clicks = own.clicks.map(|_| 0);
                } else if own.ad == worst_ad {
                    own.clicks = own.impressions.map(|impressions| impressions / 2);
                }
            }
            let counts = taken(3, rows).await.report.counts;
            assert!(counts.replaced > 0 && counts.new == 0, "{counts:?}");
            let corrected = beliefs().await;
            assert!(
                corrected.posterior(GOOD).mean() < corrected.posterior(POOR).mean(),
                "{}",
                file.display()
            );
        }
        taught += 1;
    }
    assert!(taught >= 11, "{taught}");
}
