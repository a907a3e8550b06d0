//! Results of real platforms teach: the next generation of a run, and later runs of the product, always apart from
//! what the market simulates.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::ports::marketplace::{
    Campaign, Held, MarketError, MarketReport, Marketplace, PlacementDecision,
};
use spotwright_core::ports::step_store::StepStore as _;
use spotwright_core::use_cases::Principal;
use spotwright_core::use_cases::results::{Handed, Taken, put_external_refs, take_in};
use spotwright_creative::workflow::{AgentState, first_commit};
use spotwright_observations::{Given, export, record};
use spotwright_schemas::ids::{ImportId, OrganizationId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::script::Direction;
use spotwright_server::config::Config;
use spotwright_server::standins::Witness;
use spotwright_server::wiring::{EngineSetup, Running};
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fleet::{orders, stand_ins};

/// A market that plays its first campaign only when the test lets it.
struct Waits {
    inner: Arc<dyn Marketplace>,
    asked: Mutex<Option<mpsc::Sender<Campaign>>>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Marketplace for Waits {
    fn play_held(&self, campaign: &Campaign, held: &Held) -> Result<MarketReport, MarketError> {
        if let Some(asked) = self.asked.lock().unwrap().take() {
            asked.send(campaign.clone()).unwrap();
            self.go.lock().unwrap().recv_timeout(Duration::from_mins(1)).unwrap();
        }
        self.inner.play_held(campaign, held)
    }

    fn decisions(&self, campaign: &Campaign, held: &Held) -> Result<Vec<PlacementDecision>, MarketError> {
        self.inner.decisions(campaign, held)
    }
}

struct Rig {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    orders: Vec<NewRun>,
}

async fn rig(n: u64) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.sqlite")).await.unwrap();
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let mut orders = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, n).unwrap();
    let organization = orders[0].organization;
    for order in &mut orders {
        order.organization = organization;
    }
    Rig { folder, store, orders }
}

impl Rig {
    /// Plays order `idx` to its end; `between` is called while the first campaign is held.
    async fn play(
        &self,
        idx: usize,
        between: impl AsyncFnOnce(&Campaign),
    ) -> (AgentState, Vec<(u32, Value)>) {
        let run = &self.orders[idx];
        self.store.create_run(run, first_commit(run, jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
        let witness = Arc::new(Witness::open(&self.folder.path().join(format!("witness{idx}"))).unwrap());
        let mut world = stand_ins(&witness);
        let ((asked, campaign), (go, wait)) = (mpsc::channel(), mpsc::channel());
        let (asked, go_on) = (Mutex::new(Some(asked)), Mutex::new(wait));
        world.marketplace = Arc::new(Waits { inner: world.marketplace, asked, go: go_on });
        let mut setup = EngineSetup::new(self.store.clone(), 2, &Config::load(None).unwrap());
        setup.observations = Some(self.store.clone());
        let running = Running::start(setup, &world);
        let campaign = tokio::task::spawn_blocking(move || campaign.recv_timeout(Duration::from_mins(1)));
        let campaign = campaign.await.unwrap().unwrap();
        between(&campaign).await;
        go.send(()).unwrap();
        while self.store.open_work(run.id).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running.stop().await;
        let view = self.store.run(run.id).await.unwrap();
        assert_eq!(view.stage, Stage::Finished);
        let trace = self.store.trace(run.id).await.unwrap();
        let told = trace.into_iter().filter(|line| line.what == "results.imported");
        let told = told.map(|line| (line.generation, line.detail)).collect();
        (AgentState::of(&view).unwrap(), told)
    }

    fn organization(&self) -> OrganizationId {
        self.orders[0].organization
    }

    /// Hands in what TikTok reported of two ads.
    async fn report(&self, number: u64, clicks: [u64; 2]) {
        let file = format!(
            "Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n\
             Autumn,A,1799,2026-09-07,148.60,40000,{}\nAutumn,B,1800,2026-09-07,150.00,40000,{}\n",
            clicks[0], clicks[1]
        );
        let given = Given {
            currency: Some("EUR".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            ..Given::default()
        };
        let reading = export::read(file.as_bytes(), "a.csv", &given).unwrap();
        let handed = Handed {
            report: record::report(&reading, "a.csv"),
            rows: record::rows(&reading).unwrap(),
            atomic: true,
            dry_run: false,
            mapping: None,
        };
        let principal = Principal::service(self.organization(), "test");
        let id = ImportId::derive(number, "import", 0);
        let taken = take_in(&principal, self.store.as_ref(), None, id, handed).await.unwrap();
        assert!(matches!(taken, Taken::Done(_)));
    }
}

fn reported(state: &AgentState) -> Vec<(Direction, u64, u64)> {
    state.beliefs.imported().iter().map(|row| (row.direction, row.impressions, row.clicks)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_teach_the_next_generation_and_later_runs() {
    let rig = rig(3).await;
    let principal = Principal::service(rig.organization(), "test");
    let mut ads = Vec::new();
    let (state, told) = rig
        .play(0, async |campaign| {
            // Two winners of different directions.
            let first = &campaign.creatives[0];
            let other = campaign.creatives.iter().find(|own| own.script.direction != first.script.direction);
            for (creative, id) in [first, other.expect("another direction")].into_iter().zip(["1799", "1800"])
            {
                let own =
                    ExternalRef { platform: "tiktok".to_owned(), account: String::new(), id: id.to_owned() };
                put_external_refs(&principal, rig.store.as_ref(), creative.variant, &[own]).await.unwrap();
                ads.push(creative.script.direction);
            }
            rig.report(1, [1_600, 200]).await;
            // Handed in twice, it is the same.
            rig.report(2, [1_600, 200]).await;
        })
        .await;
    let mut expected = vec![(ads[0], 40_000, 1_600), (ads[1], 40_000, 200)];
    expected.sort();
    assert_eq!(reported(&state), expected);
    assert!(state.beliefs.posterior(ads[0]).mean() > 2.0 * state.beliefs.posterior(ads[1]).mean());
    // The second generation's plan says what it rests on; the first had nothing to rest on.
    assert_eq!(told.iter().map(|(generation, _)| *generation).collect::<Vec<_>>(), [2]);
    assert_eq!(told[0].1["source"], "imported");
    assert!(told[0].1["notice"].as_str().unwrap().contains("80000 impressions and 1800 clicks"), "{told:?}");
    // What the market simulated is there beside it, and not in it.
    let simulated = state.beliefs.counts().iter().map(|row| row.impressions).sum::<u64>();
    assert!(simulated > 0 && simulated != 80_000);

    // A later run of the product begins with it, from its first generation on.
    let (later, told) = rig.play(1, async |_| {}).await;
    assert_eq!((reported(&later), told[0].0), (expected, 1));
    let trace = rig.store.trace(rig.orders[1].id).await.unwrap();
    let plan = trace.iter().find(|line| line.what == "generation.planned").unwrap();
    let assignments = plan.detail["assignments"].as_array().unwrap();
    assert!(assignments.iter().all(|own| own["reason"] != "coverage"), "{assignments:?}");

    // A corrected report stands in the place of the first.
    rig.report(3, [200, 1_600]).await;
    let (corrected, _) = rig.play(2, async |_| {}).await;
    assert!(corrected.beliefs.posterior(ads[1]).mean() > 2.0 * corrected.beliefs.posterior(ads[0]).mean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_reports_nothing_is_said_of_them() {
    let rig = rig(1).await;
    let (state, told) = rig.play(0, async |_| {}).await;
    assert_eq!((reported(&state), told), (Vec::new(), Vec::new()));
}
