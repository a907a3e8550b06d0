//! Winners of a run go to the market and into launch packs, and both targets keep the contract.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::publish_target::{Publication, PublishError, PublishTarget};
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::spine::NoCheckpoints;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::launch::{Manifest, Platform};
use spotwright_schemas::money::Micros;
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::{launch_pack, run};
use spotwright_server::config::Config;
use spotwright_server::outputs::FinishedRun;
use spotwright_server::publish::{LaunchPack, MarketTarget, publications};
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::wiring::{Workspace, World};
use spotwright_testkit::conformance::publish_target::{
    Seen, a_refused_winner_changes_nothing, publishing_again_changes_nothing,
};

/// A small still, so that what stand-ins render can be published.
const STILL: &[u8] = &[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A];

/// A finished run with its files.
struct Finished {
    out: PathBuf,
    workspace: Workspace,
    winners: Vec<Publication>,
    _folder: tempfile::TempDir,
}

async fn finished(brief: &str) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = RunArguments {
        brief: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(brief)),
        out: Some(out.clone()),
        generations: Some(1),
        variants: Some(3),
        winners: Some(2),
        seed: 7,
        threads: Some(2),
        ..RunArguments::default()
    };
    let mut config = Config::load(None).unwrap();
    env!("CARGO_BIN_EXE_spotwright-fault-child").clone_into(&mut config.sandbox.program);
    let summary = run::execute_in(&arguments, &config, Arc::new(NoCheckpoints), |workspace| {
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        let video = StandInVideo { artifacts: Some(artifacts.clone()), witness: None, price: Micros(20_000) };
        Ok(World {
            footage: None,
            voice: None,
            language_model: Arc::new(CopyEngine),
            video: Arc::new(video),
            gate: Arc::new(StandInGate { artifacts: Some(artifacts) }),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            studio: None,
            notices: Vec::new(),
        })
    });
    assert!(summary.await.unwrap().succeeded());
    let workspace = Workspace::open(&out).await.unwrap();
    let run = workspace.store.runs().await.unwrap()[0];
    let loaded = FinishedRun::load(workspace.store.as_ref(), run).await.unwrap();
    let still = workspace.artifacts.put(STILL).unwrap();
    let mut winners = publications(&loaded).unwrap();
    for winner in &mut winners {
        winner.still = still.clone();
    }
    assert_eq!(winners.len(), 2);
    Finished { out, workspace, winners, _folder: folder }
}

/// Every file below a folder, temporary ones included.
fn see(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                seen.insert(name, Vec::new());
                open.push(path);
            } else {
                seen.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    seen
}

fn pack(finished: &Finished, folder: &Path, platforms: &[Platform]) -> LaunchPack {
    LaunchPack::new(finished.workspace.artifacts.clone(), folder, platforms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_targets_keep_the_contract() {
    let finished = finished("coffee-en/brief.yaml").await;
    let good = &finished.winners[0];
    let market = MarketTarget::new(finished.workspace.store.clone());
    publishing_again_changes_nothing(&market, &finished.winners, &Seen::new).await;
    let stranger = Publication { variant: VariantId::derive(9, "nobody", 9), ..good.clone() };
    a_refused_winner_changes_nothing(&market, good, &stranger, &Seen::new).await;

    let folder = finished.out.join("pack");
    let target = pack(&finished, &folder, &Platform::ALL);
    publishing_again_changes_nothing(&target, &finished.winners, &|| see(&folder)).await;
    let mut lost = Publication { number: 60, video: ArtifactHash::of(b"never rendered"), ..good.clone() };
    a_refused_winner_changes_nothing(&target, good, &lost, &|| see(&folder)).await;
    lost.video = good.video.clone();
    lost.still = good.video.clone();
    a_refused_winner_changes_nothing(&target, good, &lost, &|| see(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pack_is_whole_in_chinese_and_every_file_is_what_the_manifest_says() {
    let finished = finished("coffee-zh/brief.yaml").await;
    let folder = finished.out.join("pack");
    let target = pack(&finished, &folder, &Platform::ALL);
    for winner in &finished.winners {
        for place in target.publish(winner).await.unwrap() {
            let folder = folder.join(&place.id);
            let text = std::fs::read(folder.join("manifest.json")).unwrap();
            let manifest: Manifest = serde_json::from_slice(&text).unwrap();
            assert_eq!((manifest.variant, manifest.run), (winner.variant, winner.run));
            assert_eq!(manifest.platform.as_str(), place.account);
            for file in &manifest.files {
                let bytes = std::fs::read(folder.join(&file.name)).unwrap();
                assert_eq!(
                    (ArtifactHash::of(&bytes).0, bytes.len() as u64),
                    (file.blake3.clone(), file.bytes)
                );
            }
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), manifest.files.len() + 1);
            let written = std::fs::read_to_string(folder.join("primary_text.txt")).unwrap();
            assert_eq!(written.trim_end(), manifest.primary_text.text);
            assert!(!manifest.claims.is_empty());
        }
    }
    assert!(see(&folder).keys().all(|name| !name.contains(".part-")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_edited_is_a_conflict_and_stays() {
    let finished = finished("coffee-en/brief.yaml").await;
    let folder = finished.out.join("pack");
    let target = pack(&finished, &folder, &[Platform::MetaReels]);
    let place = target.publish(&finished.winners[0]).await.unwrap().remove(0);
    let edited = folder.join(&place.id).join("primary_text.txt");
    std::fs::write(&edited, "my own words\n").unwrap();
    let again = target.publish(&finished.winners[0]).await;
    assert!(matches!(again, Err(PublishError::Conflict(_))), "{again:?}");
    assert_eq!(std::fs::read_to_string(&edited).unwrap(), "my own words\n");
    // The other winner is not in the way.
    target.publish(&finished.winners[1]).await.unwrap();
}

#[tokio::test]
async fn a_folder_without_a_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = launch_pack::execute(folder.path(), &folder.path().join("pack"), &[], true).await;
    assert_eq!(refused.unwrap_err().code.as_str(), "SW0302");
    assert!(!folder.path().join("pack").exists());
}
