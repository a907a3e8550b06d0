//! Jobs that do not end in time, providers that go away, and what then is paid.

use std::time::Duration;

use spotwright_core::ports::step_store::{Commit, StepStore as _};
use spotwright_creative::workflow::{ClipOutcome, TryEnd};
use spotwright_fake_video::{Fault, Route};
use spotwright_schemas::money::Micros;

use crate::servers::Server;
use crate::world::{Plan, World, until};

/// A clip by its only name.
const NAME: &str = "the-one";

/// How the try ended, what it cost, and what the provider charged.
async fn ended(world: &World) -> (Option<TryEnd>, Micros, Micros) {
    let outcomes = world.finish().await;
    let outcome = &outcomes[NAME];
    (outcome.tries.first().map(|tried| tried.ended), outcome.cost(), world.charged(NAME).0)
}

async fn world_with(plan: Plan, faults: &[Fault]) -> World {
    let world = World::new(plan).await;
    for fault in faults {
        world.provider.plan().on(Route::Create).always().fault(*fault);
    }
    world.ask(&[NAME.to_owned()]).await;
    world
}

/// Ten minutes for a clip, which pass quickly.
fn patient(server: Server) -> Plan {
    Plan { deadline: Duration::from_mins(10), speed: 4_000, ..Plan::new(server) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_never_begins_is_called_off_and_counts_as_spent_unless_it_certainly_did_not_begin() {
    for server in Server::ALL {
        for lies in [false, true] {
            let faults = [Fault::StuckQueued, Fault::RunningWhileQueued];
            let world = world_with(patient(server), &faults[..=usize::from(lies)]).await;
            let (end, cost, charged) = ended(&world).await;
            assert_eq!((end, charged), (Some(TryEnd::TooLate), Micros::ZERO), "{server:?}");
            // Taken out of ComfyUI's queue it is free; of all others nobody can tell.
            let free = server.is_comfy() && !lies;
            assert_eq!(cost == Micros::ZERO, free, "{server:?}, lies: {lies}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_leaves_the_gpu_running_is_paid_and_one_that_stops_it_is_not_where_that_is_told() {
    for server in Server::ALL {
        for ignored in [false, true] {
            let mut plan = patient(server);
            plan.options.work_ms = 3_600_000;
            let faults = if ignored { vec![Fault::CancelIgnored] } else { Vec::new() };
            let world = world_with(plan, &faults).await;
            let (end, cost, charged) = ended(&world).await;
            assert_eq!(end, Some(TryEnd::TooLate), "{server:?}");
            assert_eq!(charged > Micros::ZERO, ignored || server.is_kling(), "{server:?}");
            if server.is_kling() || server.is_comfy() || ignored {
                assert_eq!(cost, charged, "{server:?}, ignored: {ignored}");
            } else {
                // These say `deleted`, and are known to go on all the same.
                assert!(cost > charged, "{server:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_of_kling_without_a_file_is_waited_for_and_paid() {
    for server in [Server::KlingCurrent, Server::KlingLegacy] {
        let world = world_with(patient(server), &[Fault::NoOutputs]).await;
        let (end, cost, charged) = ended(&world).await;
        assert_eq!(end, Some(TryEnd::TooLate), "{server:?}");
        assert!(cost == charged && cost > Micros::ZERO, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_always_breaks_off_is_given_up_at_the_deadline_and_paid() {
    for server in [Server::KlingCurrent, Server::VllmOmni, Server::ComfyJobs] {
        let broken = Fault::Truncated { honest_length: false };
        let plan = Plan { speed: 400, ..patient(server) };
        let world = world_with(plan, &[broken]).await;
        let (end, cost, charged) = ended(&world).await;
        assert_eq!(end, Some(TryEnd::Unusable), "{server:?}");
        assert!(cost == charged && cost > Micros::ZERO, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_starts_anew_keeps_its_jobs_or_they_count_as_spent() {
    for server in Server::ALL {
        for keeps_jobs in [true, false] {
            // Slow enough for the job to be under way when it happens.
            let world = World::new(Plan { speed: 40, ..Plan::new(server) }).await;
            world.provider.plan().on(Route::Poll).nth(2).fault(Fault::Restart { keeps_jobs });
            world.ask(&[NAME.to_owned()]).await;
            let (end, cost, charged) = ended(&world).await;
            if keeps_jobs {
                assert!(end.is_none() && cost == charged && cost > Micros::ZERO, "{server:?}");
            } else {
                // A job that vanished when it was done looks the same, and was charged.
                assert_eq!((end, charged), (Some(TryEnd::Lost), Micros::ZERO), "{server:?}");
                assert!(cost > Micros::ZERO, "{server:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_away_for_an_hour_costs_nothing_but_time() {
    for server in Server::ALL {
        let plan = Plan { deadline: Duration::from_hours(10), speed: 4_000, ..Plan::new(server) };
        let world = World::new(plan).await;
        let names: Vec<String> = (0..6).map(|idx| format!("clip-{idx}-")).collect();
        world.ask(&names).await;
        let process = world.start().await;
        // Some are under way, some are not asked for yet.
        until(async || !world.provider.log().generations.is_empty()).await;
        let before = world.provider.now_ms();
        world.provider.leave_for(Duration::from_hours(1));
        process.wait_for_open_work(&world.run, 0).await;
        assert!(world.provider.now_ms() - before >= 3_600_000, "{server:?}");
        process.end().await;
        let outcomes = world.outcomes().await;
        let told: Micros = outcomes.values().map(ClipOutcome::cost).sum();
        assert_eq!(told, world.bill(), "{server:?}");
        let without: Vec<&ClipOutcome> = outcomes.values().filter(|one| one.made.is_none()).collect();
        // A submission that was cut off may be another's where jobs cannot be told apart.
        assert!(without.is_empty() || !server.can_be_found(), "{server:?}: {without:?}");
        assert!(without.iter().all(|one| one.tries[0].ended == TryEnd::Lost), "{without:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_ended_calls_off_what_waits_and_the_ledger_says_what_it_cost() {
    for server in Server::ALL {
        let mut plan = Plan::new(server);
        plan.options.work_ms = 3_600_000;
        let world = world_with(plan, &[]).await;
        let process = world.start().await;
        until(async || world.provider.log().generations.iter().any(|one| one.started_ms.is_some())).await;
        loop {
            let version = process.store.run(world.run.id).await.unwrap().version;
            let commit = Commit { cancelling: true, cancel_waiting_steps: true, ..Commit::default() };
            if process.store.amend(world.run.id, version, commit).await.is_ok() {
                break;
            }
        }
        process.wait_for_open_work(&world.run, 0).await;
        process.end().await;
        let outcomes = world.outcomes().await;
        let tried = &outcomes[NAME].tries[0];
        assert_eq!(tried.ended, TryEnd::Cancelled, "{server:?}");
        let charged = world.charged(NAME).0;
        if server.is_kling() || server.is_comfy() {
            assert_eq!(tried.cost, charged, "{server:?}");
        } else {
            assert!(tried.cost > charged, "{server:?}: it may have gone on");
        }
    }
}
