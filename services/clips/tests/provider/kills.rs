//! Processes that end without a word, at every named point of a step and in the middle of every call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use spotwright_core::spine::Checkpoints;
use spotwright_creative::workflow::{ClipOutcome, TryEnd};
use spotwright_fake_video::{Fault, Route};
use spotwright_schemas::money::Micros;
use tokio::sync::Notify;

use crate::servers::Server;
use crate::world::{Plan, World, until};

/// The points of a step.
const POINTS: [&str; 5] = [
    "step.after_claim",
    "call.after_intent",
    "call.after_call",
    "step.before_complete",
    "step.after_complete",
];
const CLIPS: usize = 3;

/// Ends the process when a point is reached for the n-th time.
struct Dies {
    point: &'static str,
    left: AtomicU32,
    dead: Notify,
}

impl Checkpoints for Dies {
    fn reached(&self, point: &'static str) {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.dead.notify_one();
            // The work at the point goes no further; all other work ends a moment later.
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
}

fn names() -> Vec<String> {
    (0..CLIPS).map(|idx| format!("-{idx}-")).collect()
}

/// Whether every clip is there and paid once. Where jobs cannot be told apart, a clip whose submission was cut
/// off counts as spent.
async fn check(world: World, told: &str) {
    let outcomes = world.finish().await;
    assert_eq!(outcomes.len(), CLIPS, "{told}");
    let server = world.plan.server;
    for (name, outcome) in &outcomes {
        let (charged, times) = world.charged(name);
        assert!(times <= 1, "{told}: {name} was made {times} times");
        if let Some(made) = &outcome.made {
            assert_eq!((made.cost, times), (charged, 1), "{told}");
        } else {
            assert!(!server.can_be_found(), "{told}: {outcome:?}");
            assert_eq!(outcome.tries[0].ended, TryEnd::Lost, "{told}");
            assert!(outcome.cost() >= charged, "{told}: what nobody can tell counts as spent");
        }
    }
    let spent: Micros = outcomes.values().map(ClipOutcome::cost).sum();
    let unknown: Micros = outcomes.values().filter(|one| one.made.is_none()).map(ClipOutcome::cost).sum();
    let unknown_charged: Micros =
        outcomes.iter().filter(|(_, one)| one.made.is_none()).map(|(name, _)| world.charged(name).0).sum();
    assert_eq!(spent - unknown, world.bill() - unknown_charged, "{told}");
}

/// Kills at the `nth` time of a point, and once more at the first of the next process.
async fn killed_at(server: Server, point: &'static str, nth: u32) {
    let told = format!("{server:?} {point} {nth}");
    let world = World::new(Plan { speed: 1_000, ..Plan::new(server) }).await;
    world.ask(&names()).await;
    for (round, nth) in [nth, 1].into_iter().enumerate() {
        let dies = Arc::new(Dies { point, left: AtomicU32::new(nth), dead: Notify::new() });
        let process = world.start_with(dies.clone()).await;
        let reached = tokio::select! {
            () = dies.dead.notified() => true,
            // Fewer passages than asked for: how often a job is looked at is a matter of time.
            () = process.wait_for_open_work(&world.run, 0) => false,
            () = tokio::time::sleep(Duration::from_mins(2)) => panic!("{told} neither reached nor done"),
        };
        assert!(reached || round > 0 || nth > 1, "{told} is not reached");
        if !reached {
            process.end().await;
            break;
        }
        process.kill().await;
    }
    check(world, &told).await;
}

async fn killed_at_points(nths: &[u32]) {
    for server in Server::ALL {
        let mut worlds = Vec::new();
        for point in POINTS {
            // A process that makes three clips ends three calls.
            let passed = |nth: &&u32| point != "call.after_call" || **nth < CLIPS as u32;
            worlds.extend(nths.iter().filter(passed).map(|nth| killed_at(server, point, *nth)));
        }
        join_all(worlds).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_point_of_a_step_leaves_every_clip_paid_once() {
    killed_at_points(&[1, 4]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "full profile: cargo xtask full"]
async fn a_process_killed_at_every_passage_of_every_point_leaves_every_clip_paid_once() {
    killed_at_points(&[1, 2, 3, 4, 5, 6]).await;
}

/// The process dies while it waits for an answer, which the provider gives or not.
async fn killed_in_call(server: Server, route: Route, accepted: bool) {
    let told = format!("{server:?} {route:?}, accepted: {accepted}");
    let world = World::new(Plan { speed: 1_000, ..Plan::new(server) }).await;
    world.provider.plan().on(route).nth(2).fault(Fault::Hang { accepted });
    world.ask(&names()).await;
    let process = world.start().await;
    let hung = || world.provider.log().calls.iter().any(|call| !call.faults.is_empty());
    until(async || hung()).await;
    // The provider has done its part.
    tokio::time::sleep(Duration::from_millis(20)).await;
    process.kill().await;
    check(world, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_in_the_middle_of_any_call_leaves_every_clip_paid_once() {
    for server in Server::ALL {
        let mut worlds = Vec::new();
        for route in [Route::Create, Route::Poll, Route::Download] {
            worlds.extend([true, false].map(|accepted| killed_in_call(server, route, accepted)));
        }
        join_all(worlds).await;
    }
}
