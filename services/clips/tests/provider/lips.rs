//! Lip-sync has two parts that are paid one by one; neither is paid twice, whatever happens between them.

use std::sync::Arc;
use std::time::Duration;

use spotwright_clips::Server as Address;
use spotwright_clips::kling::Kling;
use spotwright_clips::prices::{Per, Price};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{ClipRequest, ClipSource, ClipTask};
use spotwright_core::spine::NoCheckpoints;
use spotwright_creative::workflow::TryEnd;
use spotwright_fake_video::{Fault, Route};
use spotwright_schemas::money::Micros;

use crate::servers::{Server, request};
use crate::world::{Plan, World, until};

const NAME: &str = "lips";
/// The provider's prices: a face, and each begun 5 s of lips.
const FACE: Micros = Micros(50_000);
const LIPS: Micros = Micros(500_000);

/// A WAV of silence, 8 kHz, 16 bits.
fn wav(ms: u32) -> Vec<u8> {
    let data = ms * 16;
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(data + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000_u32.to_le_bytes());
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(&[2, 0, 16, 0]);
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&data.to_le_bytes());
    wav.resize(wav.len() + data as usize, 0);
    wav
}

/// A world in which a clip lies at the provider, and the request that moves its lips.
async fn a_world() -> (World, ClipRequest, String) {
    let world = World::new(Plan::new(Server::KlingLegacy)).await;
    let plain = world.source();
    let job = plain.submit(&request("speaker"), "speaker-1").await.unwrap();
    world.provider.advance(Duration::from_mins(1)).await;
    let id = job.0.split_once(':').unwrap().1.to_owned();
    let clips_url = format!("{}/files/{id}/0.mp4?is={{hash}}", world.provider.base_url());
    let clip = world.artifacts.put(b"stands at the provider").unwrap();
    let sound = world.artifacts.put(&wav(2_500)).unwrap();
    let asked = ClipRequest { task: ClipTask::LipSync { clip, sound }, ..request(NAME) };
    (world, asked, clips_url)
}

/// The source of a process.
fn source(world: &World, clips_url: &str) -> Arc<dyn ClipSource> {
    let address = Address { timeout_ms: 1_500, ..Address::at(world.provider.base_url()) };
    let mut options = Server::KlingLegacy.kling(address);
    options.clips_url = Some(clips_url.to_owned());
    let price = |task: &str, per, amount| Price {
        task: Some(task.to_owned()),
        per,
        amount,
        ..options.row.prices[0].clone()
    };
    let prices = vec![price("identify_face", Per::Job, FACE), price("lip_sync", Per::FiveSeconds, LIPS)];
    drop(options.row.prices.splice(0..0, prices));
    let artifacts: Arc<dyn ArtifactStore> = world.artifacts.clone();
    Arc::new(Kling::new("kling-legacy", options, artifacts, world.plan.clock.clone()).unwrap())
}

/// How often a part was asked for and taken.
fn taken(world: &World, part: &str) -> usize {
    let log = world.provider.log();
    log.calls.iter().filter(|call| call.path.ends_with(part) && call.status == Some(200)).count()
}

/// What the provider has charged for the lips.
fn charged(world: &World) -> Micros {
    // The clip that speaks was paid before.
    world.bill() - world.charged("speaker").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_face_is_paid_once_although_the_process_dies_behind_it() {
    let (world, asked, clips_url) = a_world().await;
    assert_eq!(source(&world, &clips_url).quote(&asked).unwrap().at_most, FACE + LIPS);
    // The second part hangs until the process is dead.
    world.provider.plan().on(Route::Create).nth(2).fault(Fault::Hang { accepted: false });
    world.ask_for(&[(NAME.to_owned(), asked)]).await;
    let process = world.start_of(source(&world, &clips_url), Arc::new(NoCheckpoints)).await;
    let hangs = || world.provider.log().calls.iter().any(|call| !call.faults.is_empty());
    until(async || hangs()).await;
    process.kill().await;
    let process = world.start_of(source(&world, &clips_url), Arc::new(NoCheckpoints)).await;
    process.wait_for_open_work(&world.run, 0).await;
    process.end().await;
    let outcomes = world.outcomes().await;
    let made = outcomes[NAME].made.as_ref().unwrap();
    assert_eq!((taken(&world, "/identify-face"), taken(&world, "/advanced-lip-sync")), (1, 1));
    assert_eq!((made.cost, charged(&world)), (FACE + LIPS, FACE + LIPS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_face_whose_answer_is_lost_counts_as_spent_and_nothing_more() {
    for accepted in [true, false] {
        let (world, asked, clips_url) = a_world().await;
        world.provider.plan().on(Route::Create).nth(1).fault(Fault::Hang { accepted });
        world.ask_for(&[(NAME.to_owned(), asked)]).await;
        let process = world.start_of(source(&world, &clips_url), Arc::new(NoCheckpoints)).await;
        process.wait_for_open_work(&world.run, 0).await;
        process.end().await;
        let outcomes = world.outcomes().await;
        let tried = &outcomes[NAME].tries[0];
        assert_eq!((tried.ended, tried.cost), (TryEnd::Lost, FACE));
        assert_eq!(charged(&world), if accepted { FACE } else { Micros::ZERO });
        assert_eq!(taken(&world, "/advanced-lip-sync"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lips_that_fail_or_are_refused_cost_the_face() {
    for fault in [Fault::Code(1_201), Fault::Fails] {
        let (world, asked, clips_url) = a_world().await;
        world.provider.plan().on(Route::Create).nth(2).fault(fault);
        world.ask_for(&[(NAME.to_owned(), asked)]).await;
        let process = world.start_of(source(&world, &clips_url), Arc::new(NoCheckpoints)).await;
        process.wait_for_open_work(&world.run, 0).await;
        process.end().await;
        let outcomes = world.outcomes().await;
        assert!(outcomes[NAME].made.is_none());
        assert_eq!((outcomes[NAME].cost(), charged(&world)), (FACE, FACE), "{fault:?}");
    }
}
