//! The life of a job in every dialect, step by step: quote, submit, poll, find, fetch, cancel.

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::artifacts::ArtifactStore as _;
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, ClipErrorKind, ClipSource, JobId, JobState, RendererClass,
};
use spotwright_fake_video::{Fault, Route};
use spotwright_schemas::money::Micros;

use crate::servers::{Server, request};
use crate::world::{Plan, World};

/// A world whose time stands still but for the provider's own.
async fn still(server: Server) -> (World, Arc<dyn ClipSource>) {
    let world = World::new(Plan { speed: 0, ..Plan::new(server) }).await;
    let source = world.source();
    (world, source)
}

async fn pass(world: &World, seconds: u64) {
    world.provider.advance(Duration::from_secs(seconds)).await;
}

async fn done(source: &dyn ClipSource, job: &JobId) -> (Vec<u8>, Option<Micros>, Option<u64>) {
    let JobState::Done { outputs, charged, seed } = source.poll(job).await.unwrap() else {
        panic!("{job:?} is not done")
    };
    (source.fetch(job, &outputs[0]).await.unwrap(), charged, seed)
}

#[tokio::test]
async fn a_clip_is_quoted_made_and_fetched_in_every_dialect() {
    for server in Server::ALL {
        let (world, source) = still(server).await;
        let can = source.capabilities();
        assert_eq!((can.class, can.repeatable), (RendererClass::Remote, false), "{server:?}");
        assert!(can.abilities.contains(&Ability::TextToVideo) && can.max_seconds >= 10.0, "{server:?}");
        let asked = request("one");
        let quote = source.quote(&asked).unwrap();
        assert_eq!(source.find(&asked, "key-1").await.unwrap(), None, "{server:?}");
        let job = source.submit(&asked, "key-1").await.unwrap();
        assert_eq!(source.poll(&job).await.unwrap(), JobState::Queued, "{server:?}");
        pass(&world, 10).await;
        assert!(matches!(source.poll(&job).await.unwrap(), JobState::Running { .. }), "{server:?}");
        pass(&world, 60).await;
        let (clip, charged, seed) = done(&*source, &job).await;
        assert_eq!(&clip[4..8], b"ftyp", "{server:?}");
        assert_eq!(charged.unwrap_or(quote.at_most), world.bill(), "{server:?}");
        assert!(world.bill() > Micros::ZERO, "{server:?}");
        assert_eq!(seed, server.tells_seed().then_some(42), "{server:?}");
        let log = world.provider.log();
        assert_eq!(log.generations.len(), 1, "{server:?}");
        let generation = &log.generations[0];
        assert_eq!(generation.prompt, asked.prompt, "{server:?}");
        // What is charged for failed and stopped work is stated in the source's row.
        world.provider.plan().on(Route::Create).fault(Fault::Fails);
        let job = source.submit(&request("two"), "key-2").await.unwrap();
        pass(&world, 60).await;
        let JobState::Failed(error) = source.poll(&job).await.unwrap() else { panic!("{server:?}") };
        assert_eq!((error.kind, error.charged), (ClipErrorKind::Failed, Some(Micros::ZERO)), "{server:?}");
    }
}

#[tokio::test]
async fn a_picture_goes_along_where_the_clip_begins_with_one() {
    for server in Server::ALL {
        let (world, source) = still(server).await;
        let mut asked = request("framed");
        asked.first_frame = Some(world.artifacts.put(&picture()).unwrap());
        if server.is_comfy() {
            world.provider.plan().on(Route::Upload).fault(Fault::Status(503));
            let error = source.submit(&asked, "key-1").await.unwrap_err();
            assert!(error.is_retryable() && !error.may_have_begun, "{error:?}");
            world.provider.plan().clear();
        }
        let job = source.submit(&asked, "key-1").await.unwrap_or_else(|e| panic!("{server:?}: {e}"));
        pass(&world, 60).await;
        let (clip, ..) = done(&*source, &job).await;
        assert_eq!(&clip[4..8], b"ftyp", "{server:?}");
        let uploads = world.provider.log().calls_on(Route::Upload).count();
        assert_eq!(uploads, 2 * usize::from(server.is_comfy()), "{server:?}");
    }
}

#[tokio::test]
async fn a_job_is_found_again_by_another_process_or_it_cannot_be_told() {
    for server in Server::ALL {
        let (world, source) = still(server).await;
        let asked = request("one");
        let job = source.submit(&asked, "key-1").await.unwrap();
        source.submit(&request("two"), "key-2").await.unwrap();
        // This process remembers its jobs, another knows what the server lists.
        assert_eq!(source.find(&asked, "key-1").await.unwrap(), Some(job.clone()), "{server:?}");
        let other = world.source();
        let found = other.find(&asked, "key-1").await;
        if server.can_be_found() {
            assert_eq!(found.unwrap(), Some(job.clone()), "{server:?}");
            assert_eq!(other.find(&request("three"), "key-3").await.unwrap(), None, "{server:?}");
        } else {
            assert_eq!(found.unwrap_err().kind, ClipErrorKind::BadAnswer, "{server:?}");
        }
        // Sent again under its key, it is the same job, where the provider has keys.
        if server.is_kling() {
            assert_eq!(other.submit(&asked, "key-1").await.unwrap(), job, "{server:?}");
        }
        assert_eq!(world.provider.log().generations.len(), 2, "{server:?}");
    }
}

#[tokio::test]
async fn a_job_is_called_off_and_nobody_promises_more_than_the_provider_does() {
    for server in Server::ALL {
        let (world, source) = still(server).await;
        let waits = source.submit(&request("waits"), "key-1").await.unwrap();
        let waiting = source.cancel(&waits).await.unwrap();
        let runs = source.submit(&request("runs"), "key-2").await.unwrap();
        pass(&world, 10).await;
        let running = source.cancel(&runs).await.unwrap();
        world.provider.plan().on(Route::Create).fault(Fault::CancelIgnored);
        let lies = source.submit(&request("lies"), "key-3").await.unwrap();
        pass(&world, 10).await;
        let lying = source.cancel(&lies).await.unwrap();
        pass(&world, 3_600).await;
        let free = if server.is_comfy() { Cancelled::Free } else { Cancelled::MayGoOn };
        assert_eq!((waiting, running, lying), (free, free, Cancelled::MayGoOn), "{server:?}");
        assert!(world.charged("lies").0 > Micros::ZERO, "{server:?}");
        let went_on = server.is_kling();
        assert_eq!(world.charged("runs").0 > Micros::ZERO, went_on, "{server:?}");
    }
}

fn picture() -> Vec<u8> {
    include_bytes!("../../../../examples/coffee-en/coffee.png").to_vec()
}
