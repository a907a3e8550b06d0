//! Generated shots from the brief to the finished ad: shared, paid once, and never a reason to stop.

mod source;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::run::Stage;
use spotwright_core::ports::clip_source::{Cancelled, ClipErrorKind, RendererClass};
use spotwright_creative::workflow::{AskedClip, TryEnd};
use spotwright_schemas::brief::GeneratedShots;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::Footage;

use source::{Fate, Scripted, Submission};
use world::{Plan, World};

const PRICE: i64 = 350_000;

/// How the tries at the run's clips ended, by the trace.
async fn tries(world: &World) -> Vec<(String, TryEnd, Micros)> {
    let mut ends = Vec::new();
    for line in world.trace("clip.tried").await {
        for tried in line.detail["tries"].as_array().expect("tries") {
            let ended = serde_json::from_value(tried["ended"].clone()).expect("an end");
            let cost = Micros(tried["cost"].as_i64().expect("a cost"));
            ends.push((tried["source"].as_str().expect("a source").to_owned(), ended, cost));
        }
    }
    ends
}

fn made(asked: &[AskedClip]) -> usize {
    asked.iter().filter(|asked| asked.ended.as_ref().is_some_and(|end| end.clip.is_some())).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_the_wish_is_as_before() {
    let world = World::new(&Plan::new(GeneratedShots::None, [Scripted::new("kling", PRICE)])).await;
    let view = world.finish().await;
    assert_eq!(view.settled, Micros::ZERO);
    assert!(world.clips().await.is_nothing() && view.state.get("clips").is_none());
    assert_eq!(world.finals().len(), 3);
    let asked = world.finals().into_iter().flat_map(|request| request.storyboard.shots);
    assert!(asked.into_iter().all(|shot| shot.footage.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_distinct_clip_is_made_and_paid_once_and_stands_in_every_ad() {
    let plan = Plan::new(GeneratedShots::All, [Scripted::new("kling", PRICE)]);
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    let source = &plan.sources[0];
    assert!(clips.asked.len() >= 3 && made(&clips.asked) == clips.asked.len(), "{clips:?}");
    assert_eq!(source.arrived(), clips.asked.len());
    assert_eq!(source.arrived_twice(), Vec::<String>::new());
    assert_eq!(view.settled, source.billed());
    assert_eq!(view.settled, Micros(PRICE * clips.asked.len() as i64));
    assert!(clips.waiting.is_empty());
    let finals = world.finals();
    assert_eq!(finals.len(), 3);
    let mut shown = BTreeSet::new();
    for shot in finals.iter().flat_map(|request| &request.storyboard.shots) {
        match &shot.footage {
            Some(Footage::Clip { clip, start_frame: 0, .. }) => drop(shown.insert(clip.clone())),
            None => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shown.len(), clips.asked.len());
    let wished = |request: &&spotwright_core::ports::video_backend::RenderRequest| {
        request.storyboard.shots.iter().any(|shot| matches!(shot.footage, Some(Footage::Generated(_))))
    };
    // Previews are made before the clips, and show the shots' pictures.
    assert!(world.previews().len() >= 3);
    assert_eq!(world.previews().iter().filter(wished).count(), 0);
    let report = clips.report(Currency::USD).expect("a report");
    assert_eq!((report.made, report.cost), (clips.asked.len() as u32, view.settled));
    assert_eq!(world.trace("clip.made").await.len(), clips.asked.len());
    assert_eq!(world.trace("variant.footage").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_takes_what_was_made_for_nothing() {
    let plan = Plan::new(GeneratedShots::Opening, [Scripted::new("kling", PRICE)]);
    let world = World::new(&plan).await;
    world.finish().await;
    let before = plan.sources[0].arrived();
    let world = world.next(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert!(before > 0 && plan.sources[0].arrived() == before);
    assert_eq!(view.settled, Micros::ZERO);
    assert!(clips.asked.iter().all(|asked| asked.ended.as_ref().is_some_and(|end| end.from_library)));
    // A source that did not make them does not answer for them.
    let other = Plan::new(GeneratedShots::Opening, [Scripted::new("other", PRICE)]);
    let world = world.next(&other).await;
    world.finish().await;
    assert!(other.sources[0].arrived() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_source_the_pictures_stand_in_and_the_run_says_so() {
    let world = World::new(&Plan::new(GeneratedShots::Scenes, [])).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert!(!clips.asked.is_empty() && made(&clips.asked) == 0);
    assert_eq!(view.settled, Micros::ZERO);
    let report = clips.report(Currency::USD).expect("a report");
    assert_eq!(report.fell_back.len(), 1);
    assert!(
        report.notices.iter().any(|told| told.contains("no source of clips is configured")),
        "{report:?}"
    );
    let footage = world.finals().into_iter().flat_map(|request| request.storyboard.shots);
    assert!(footage.into_iter().all(|shot| shot.footage.is_none()));
    assert_eq!(world.finals().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_asked_in_order_and_each_says_why_it_gave_nothing() {
    let keyless = Scripted::new("keyless", 10)
        .submissions(std::iter::repeat_n(Submission::Refused(ClipErrorKind::Authentication), 9));
    let broken = Scripted::new("broken", 20)
        .fates(std::iter::repeat_n(Fate::Fails(ClipErrorKind::Failed, Some(Micros(5))), 9));
    let mut foreign = Scripted::new("foreign", 1);
    foreign.currency = Currency::CNY;
    let mut barred = Scripted::new("barred", 1);
    barred.licence.excluded = vec!["EU".to_owned()];
    let plan = Plan {
        territories: vec!["US".to_owned(), "DE".to_owned()],
        ..Plan::new(GeneratedShots::Opening, [Scripted::new("dear", PRICE), keyless, broken, foreign, barred])
    };
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    let count = clips.asked.len();
    assert!(count > 0 && made(&clips.asked) == count);
    let ends = tries(&world).await;
    let counted = |source: &str, end: TryEnd| {
        ends.iter().filter(|tried| (tried.0.as_str(), tried.1) == (source, end)).count()
    };
    assert_eq!(counted("keyless", TryEnd::Operator), count);
    assert_eq!(counted("broken", TryEnd::Failed), count);
    assert_eq!(ends.len(), 2 * count);
    let billed: Micros = plan.sources.iter().map(|source| source.billed()).sum();
    assert_eq!((view.settled, billed), (billed, Micros((PRICE + 5) * count as i64)));
    for line in world.trace("clip.routed").await {
        assert_eq!(line.detail["sources"], serde_json::json!(["keyless", "broken", "dear"]));
        let left = line.detail["left_out"].as_array().expect("a list");
        let reason = |source: &str| {
            let row = left.iter().find(|row| row["source"] == source).expect("left out");
            row["why"]["reason"].as_str().expect("a reason").to_owned()
        };
        assert_eq!((reason("foreign").as_str(), reason("barred").as_str()), ("other_currency", "territory"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_around_a_submission_pays_once() {
    for (submission, finds) in [
        (Submission::DiesBefore, true),
        (Submission::DiesAfter, true),
        (Submission::AnswerLost, true),
        (Submission::DiesBefore, false),
        (Submission::DiesAfter, false),
        (Submission::AnswerLost, false),
    ] {
        let mut source = Scripted::new("kling", PRICE).submissions([submission.clone()]);
        source.finds = finds;
        let plan = Plan::new(GeneratedShots::Opening, [source]);
        let world = World::new(&plan).await;
        let view = world.finish().await;
        let clips = world.clips().await;
        let source = &plan.sources[0];
        assert_eq!(source.arrived_twice(), Vec::<String>::new(), "{submission:?}");
        assert_eq!(view.settled, Micros(PRICE * clips.asked.len() as i64), "{submission:?}");
        if finds {
            assert_eq!(made(&clips.asked), clips.asked.len(), "{submission:?}");
            assert_eq!(view.settled, source.billed());
        } else {
            // It may have been made: it counts as spent and is not sent again.
            assert_eq!(made(&clips.asked), clips.asked.len() - 1, "{submission:?}");
            assert_eq!(tries(&world).await, [("kling".to_owned(), TryEnd::Lost, Micros(PRICE))]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_busy_or_away_costs_time_and_nothing_else() {
    let kinds = [ClipErrorKind::Busy, ClipErrorKind::TooFast, ClipErrorKind::Unavailable];
    let refusals = kinds.into_iter().cycle().take(40).map(Submission::Refused);
    let plan = Plan::new(GeneratedShots::Opening, [Scripted::new("kling", PRICE).submissions(refusals)]);
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert_eq!(made(&clips.asked), clips.asked.len());
    assert_eq!(view.settled, plan.sources[0].billed());
    assert!(tries(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hangs_is_called_off_at_the_deadline_and_the_next_source_makes_the_clip() {
    for (cancelled, cost) in [(Cancelled::MayGoOn, 10), (Cancelled::Free, 0)] {
        let mut slow = Scripted::new("a-slow-one", 10).fates(std::iter::repeat_n(Fate::Hangs, 9));
        slow.cancelled = cancelled;
        // Time passes for both alike, and only one of them has little of it.
        let ages = Duration::from_hours(1_000_000);
        let plan = Plan {
            deadlines: BTreeMap::from([("kling".to_owned(), ages)]),
            ..Plan::new(GeneratedShots::Opening, [slow, Scripted::new("kling", PRICE)])
        };
        let world = World::new(&plan).await;
        let clock = Arc::clone(&world.clock);
        let slow = Arc::clone(&plan.sources[0]);
        world
            .work_until(|view| {
                if slow.arrived() > 0 {
                    // Ten minutes of logical time with every look at the run.
                    clock.advance_micros(600_000_000);
                }
                view.stage == Stage::Finished
            })
            .await;
        let view = world.finish().await;
        let clips = world.clips().await;
        assert!(!clips.asked.is_empty() && made(&clips.asked) == clips.asked.len(), "{clips:?}");
        let late = tries(&world).await;
        assert!(late.iter().all(|tried| tried.1 == TryEnd::TooLate && tried.2 == Micros(cost)), "{late:?}");
        assert_eq!(slow.n_cancelled(), slow.arrived());
        let billed: Micros = plan.sources.iter().map(|source| source.billed()).sum();
        assert_eq!(view.settled, billed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_content_policy_refuses_is_asked_of_nobody_else() {
    let strict = Scripted::new("a-strict-one", 10)
        .submissions([Submission::Refused(ClipErrorKind::Policy)])
        .fates(std::iter::repeat_n(Fate::Fails(ClipErrorKind::Policy, Some(Micros::ZERO)), 9));
    let plan = Plan::new(GeneratedShots::Opening, [strict, Scripted::new("kling", PRICE)]);
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert_eq!((made(&clips.asked), view.settled), (0, Micros::ZERO));
    assert_eq!(plan.sources[1].arrived(), 0);
    let report = clips.report(Currency::USD).expect("a report");
    assert!(report.fell_back.iter().all(|fell_back| fell_back.why.contains("content policy")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_looks_otherwise_is_made_once_more_and_then_its_picture_is_shown() {
    // Whatever the order of the comparisons: the first clip of the product is made again, and every clip
    // after that is refused twice.
    let plan = Plan {
        alike: std::iter::repeat_n(false, 400).collect(),
        ..Plan::new(GeneratedShots::All, [Scripted::new("kling", PRICE), Scripted::new("other", 2 * PRICE)])
    };
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let unlike = tries(&world).await;
    assert!(!unlike.is_empty() && unlike.len() % 2 == 0);
    assert!(unlike.iter().all(|tried| tried.0 == "kling" && tried.1 == TryEnd::UnlikeProduct));
    assert_eq!(plan.sources[1].arrived(), 0);
    assert_eq!(plan.sources[0].arrived_twice(), Vec::<String>::new(), "another seed is another job");
    assert_eq!(view.settled, plan.sources[0].billed());
    for line in world.trace("clip.tried").await {
        let seeds: BTreeSet<u64> = line.detail["tries"]
            .as_array()
            .expect("tries")
            .iter()
            .filter_map(|tried| tried["seed"].as_u64())
            .collect();
        assert_eq!(seeds.len(), 2);
        assert_eq!(line.detail["tries"][0]["fidelity"]["pass"], false);
    }
    let report = world.clips().await.report(Currency::USD).expect("a report");
    assert!(report.fell_back.iter().any(|fell_back| fell_back.why.contains("another shape")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_of_a_shot_bounds_its_tries_together() {
    let mut plan = Plan {
        alike: std::iter::repeat_n(false, 400).collect(),
        ..Plan::new(GeneratedShots::All, [Scripted::new("kling", PRICE)])
    };
    plan.wish.max_price = Some(Micros(2 * PRICE - 1));
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let ends = tries(&world).await;
    let unlike = ends.iter().filter(|tried| tried.1 == TryEnd::UnlikeProduct).count();
    let priced = ends.iter().filter(|tried| tried.1 == TryEnd::Price).count();
    assert!(unlike > 0 && unlike == priced, "{ends:?}");
    assert_eq!(view.settled, plan.sources[0].billed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_leaves_pictures_and_a_finished_run() {
    let plan = Plan {
        budget: Micros(2 * PRICE + 2_000_000),
        ..Plan::new(GeneratedShots::All, [Scripted::new("kling", PRICE)])
    };
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert!(view.settled <= plan.budget);
    assert_eq!(view.settled, plan.sources[0].billed());
    let made = made(&clips.asked);
    assert!(made >= 1 && made < clips.asked.len(), "{made} of {}", clips.asked.len());
    assert!(tries(&world).await.iter().all(|tried| tried.1 == TryEnd::Price));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_clip_for_the_shot_is_paid_and_not_shown() {
    let plan = Plan {
        whole: vec![false],
        ..Plan::new(
            GeneratedShots::Opening,
            [Scripted::new("kling", PRICE), Scripted::new("other", 2 * PRICE)],
        )
    };
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert_eq!(made(&clips.asked), clips.asked.len());
    assert_eq!(tries(&world).await, [("kling".to_owned(), TryEnd::Unusable, Micros(PRICE))]);
    let billed: Micros = plan.sources.iter().map(|source| source.billed()).sum();
    assert_eq!(view.settled, billed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_provider_forgot_is_asked_for_again_only_where_it_costs_nothing() {
    for price in [PRICE, 0] {
        let source = Scripted::new("kling", price).fates([Fate::Forgotten]);
        let plan = Plan::new(GeneratedShots::Opening, [source]);
        let world = World::new(&plan).await;
        let view = world.finish().await;
        let clips = world.clips().await;
        let count = clips.asked.len();
        assert_eq!(view.settled, Micros(price * count as i64), "what is forgotten counts as spent");
        if price == 0 {
            assert_eq!((made(&clips.asked), plan.sources[0].arrived_twice().len()), (count, 2));
        } else {
            assert_eq!((made(&clips.asked), plan.sources[0].arrived_twice().len()), (count - 1, 0));
            assert_eq!(tries(&world).await, [("kling".to_owned(), TryEnd::Lost, Micros(PRICE))]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_lost_and_not_charged_is_made_again_and_paid_once() {
    let source = Scripted::new("house", PRICE).fates([Fate::ForgottenForFree]);
    let plan = Plan::new(GeneratedShots::Opening, [source]);
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    let count = clips.asked.len();
    assert_eq!((made(&clips.asked), plan.sources[0].arrived_twice().len()), (count, 2));
    assert_eq!(view.settled, plan.sources[0].billed());
    assert_eq!(view.settled, Micros(PRICE * count as i64));
    assert!(tries(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_ended_calls_its_jobs_off_and_tells_what_they_cost() {
    for (cancelled, cost) in [(Cancelled::MayGoOn, PRICE), (Cancelled::Free, 0)] {
        let mut source = Scripted::new("kling", PRICE).fates(std::iter::repeat_n(Fate::Hangs, 50));
        source.cancelled = cancelled;
        let plan = Plan::new(GeneratedShots::Opening, [source]);
        let world = World::new(&plan).await;
        let source = Arc::clone(&plan.sources[0]);
        world.work_until(|_| source.arrived() > 0).await;
        // The restart of every process between the submission and the end.
        world.cancel().await;
        let view = world.finish().await;
        assert_eq!(source.n_cancelled(), source.arrived());
        assert_eq!(view.settled, Micros(cost * source.arrived() as i64));
        assert_eq!(view.settled, source.billed());
        assert_eq!(world.finals().len(), 0);
        assert!(tries(&world).await.iter().all(|tried| tried.1 == TryEnd::Cancelled));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_for_a_gpu_is_passed_on_to_where_one_is() {
    let mut gpu = Scripted::new("candle", 0);
    gpu.capabilities.class = RendererClass::Gpu;
    let gpu = gpu.submissions([Submission::Refused(ClipErrorKind::BadRequest)]);
    let plan = Plan::new(GeneratedShots::Opening, [gpu, Scripted::new("kling", PRICE)]);
    let world = World::new(&plan).await;
    let view = world.finish().await;
    let clips = world.clips().await;
    assert_eq!(made(&clips.asked), clips.asked.len());
    assert_eq!(tries(&world).await, [("candle".to_owned(), TryEnd::Refused, Micros::ZERO)]);
    assert_eq!((view.settled, plan.sources[1].arrived()), (Micros(PRICE), 1));
    assert_eq!(plan.sources[0].arrived(), clips.asked.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_an_hour_of_logical_time_is_within_a_deadline_of_two() {
    let plan = Plan {
        deadline: Duration::from_hours(2),
        ..Plan::new(
            GeneratedShots::All,
            [Scripted::new("kling", PRICE).fates(std::iter::repeat_n(Fate::Done(60), 99))],
        )
    };
    let world = World::new(&plan).await;
    let clock = Arc::clone(&world.clock);
    let mut hours = 0;
    let source = Arc::clone(&plan.sources[0]);
    world
        .work_until(|view| {
            if source.arrived() > 0 && hours == 0 {
                hours = 1;
                clock.advance_micros(3_600_000_000);
            }
            view.stage == Stage::Finished
        })
        .await;
    let clips = world.clips().await;
    assert_eq!(made(&clips.asked), clips.asked.len());
    assert!(tries(&world).await.is_empty());
    assert!(world.variants().await.iter().any(|variant| variant.body.final_render.is_some()));
}
