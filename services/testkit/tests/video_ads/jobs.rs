//! The program's whole job on a brief that asks for generated shots, killed with `kill -9` at every named
//! point: nothing is paid twice, and the ledger is the provider's bill to the micro.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use spotwright_core::spine::POINTS;
use spotwright_fake_video::FakeProvider;
use spotwright_schemas::money::Currency;
use spotwright_testkit::faults::{EndState, Ended, Job, Kill, Providers};

use crate::server::Server;
use crate::settings;

const RENDER_PRICE: i64 = 250_000;

/// A job, its folder, and the provider that makes its clips.
struct Killed {
    folder: tempfile::TempDir,
    provider: FakeProvider,
    job: Job,
}

impl Killed {
    async fn new(server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = FakeProvider::start(settings::provider(server)).await.unwrap();
        let job = Job {
            program: PathBuf::from(env!("CARGO_BIN_EXE_spotwright-fault-child")),
            brief: settings::brief(folder.path(), "opening"),
            generations: 1,
            variants: 2,
            winners: 2,
            seed: 5,
            threads: 2,
            world: Providers::StandIns { render_price: RENDER_PRICE, line_price: 0 },
            config: Some(settings::file(folder.path(), server, provider.base_url())),
        };
        Self { folder, provider, job }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// What the ledger holds beside renders and media is what the provider charged for clips.
    fn check(&self, told: &str) {
        // It has a runtime of its own, which another's thread cannot have.
        let read =
            std::thread::scope(|scope| scope.spawn(|| EndState::read(&self.out())).join().expect("reads"));
        let end = read.unwrap_or_else(|e| panic!("{told}: {e:#}"));
        end.check().unwrap_or_else(|e| panic!("{told}: {e:#}"));
        assert_eq!(self.provider.duplicates(), Vec::<String>::new(), "{told}");
        let clips = end.settled - end.billed("gpu_billed") - media_spend(&self.out());
        assert_eq!(clips, self.provider.bill(Currency::USD).0, "{told}");
        assert!(clips > 0, "{told}");
        let open = self.provider.log().generations.into_iter().filter(|one| one.ended_ms.is_none()).count();
        assert_eq!(open, 0, "{told}: nothing is left under way");
    }

    /// Drives the job to its end.
    async fn drive(self: Arc<Self>, kills: Vec<Kill>) {
        let told = format!("{kills:?}");
        let here = self.clone();
        // The provider answers on this runtime meanwhile.
        let driven = tokio::task::spawn_blocking(move || here.job.drive(&here.out(), &kills));
        let driven = driven.await.unwrap().unwrap_or_else(|e| panic!("{told}: {e:#}"));
        assert!(driven.kills > 0, "{told}: no kill hit");
        self.check(&told);
    }
}

/// What the market was paid, by its reports.
fn media_spend(out: &std::path::Path) -> i64 {
    let reports: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("market.json")).unwrap()).unwrap();
    let creatives = reports.as_array().unwrap().iter().flat_map(|report| {
        report["creatives"].as_array().unwrap().iter().map(|row| row["delivery"]["spend"].as_i64().unwrap())
    });
    creatives.sum()
}

/// How often an undisturbed job passes each point.
async fn undisturbed(server: Server) -> BTreeMap<String, u64> {
    let killed = Arc::new(Killed::new(server).await);
    let here = killed.clone();
    let ended = tokio::task::spawn_blocking(move || here.job.start(&here.out(), false, &Kill::Never));
    let Ended::Done(reached) = ended.await.unwrap().unwrap() else { panic!("it is done") };
    killed.check("undisturbed");
    reached
}

async fn killed_at_every_point(server: Server, times: u64) {
    let reached = undisturbed(server).await;
    for point in POINTS {
        let passed = reached[*point];
        assert!(passed > 0, "no job passes {point}");
        let mut nths: Vec<u64> =
            (0..times).map(|idx| 1 + idx * (passed - 1) / times.saturating_sub(1).max(1)).collect();
        nths.dedup();
        for nth in nths {
            // How often a process passes a point depends on how often it looks at jobs.
            let nth = nth.min(passed * 3 / 4).max(1);
            let killed = Arc::new(Killed::new(server).await);
            killed.drive(vec![Kill::At(point, nth)]).await;
            eprintln!("{server:?}, {point}, {nth} of {passed}: paid once");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_killed_where_its_clips_are_paid_owes_what_the_provider_bills() {
    for (server, point, nth) in [
        (Server::KlingCurrent, "call.after_intent", 1),
        (Server::KlingLegacy, "step.before_complete", 9),
        (Server::VllmOmni, "call.after_intent", 2),
        (Server::ComfyJobs, "call.after_call", 1),
    ] {
        let killed = Arc::new(Killed::new(server).await);
        killed.drive(vec![Kill::At(point, nth), Kill::At("step.after_claim", 2)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "full profile: cargo xtask full"]
async fn a_job_killed_at_every_named_point_owes_what_the_provider_bills() {
    // Two at once, since a job waits for its provider as well. Each start has a limit of its own.
    let all = async |servers: [Server; 2]| {
        for server in servers {
            killed_at_every_point(server, 3).await;
        }
    };
    tokio::join!(
        all([Server::KlingCurrent, Server::KlingLegacy]),
        all([Server::VllmOmni, Server::ComfyJobs])
    );
}
