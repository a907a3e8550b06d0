//! Every fault, as a client meets it.

use std::time::Duration;

use serde_json::{Value, json};
use spotwright_fake_video::{Dialect, Distortion, Fault, Log, Route, recognize};
use spotwright_schemas::money::{Currency, Micros};

use crate::client::{Answer, World, base64, look, product};

const TEXT: &str = "/v1/videos/text2video";

fn asked(key: &str) -> Value {
    json!({"prompt": "a red cup", "external_task_id": key})
}

/// The state of a task by its key; `None` when it is unknown.
async fn state(world: &World, key: &str) -> Option<String> {
    let answer = world.get(&format!("{TEXT}/{key}")).await;
    answer.json()["data"]["task_status"].as_str().map(str::to_owned)
}

async fn url(world: &World, key: &str) -> String {
    let answer = world.get(&format!("{TEXT}/{key}")).await.json();
    answer["data"]["task_result"]["videos"][0]["url"].as_str().unwrap().to_owned()
}

/// Makes a clip whose job has the fault, and downloads it.
async fn made_with(world: &World, key: &str, fault: Fault) -> Result<Answer, String> {
    world.provider.plan().on(Route::Create).containing(key).fault(fault);
    assert_eq!(world.post(TEXT, asked(key)).await.status, 200);
    world.pass(60).await;
    world.try_get(&url(world, key).await).await
}

#[tokio::test]
async fn every_code_is_refused_without_effect_at_the_call_it_is_planned_for() {
    let world = World::start().await;
    let codes = [
        (401, vec![1000, 1001, 1002, 1003, 1004]),
        (429, vec![1100, 1101, 1102, 1302, 1303, 1304]),
        (403, vec![1103]),
        (400, vec![1200, 1201, 1300, 1301]),
        (404, vec![1202, 1203]),
        (500, vec![5000]),
        (503, vec![5001]),
        (504, vec![5002]),
    ];
    for (status, codes) in codes {
        for code in codes {
            world.provider.plan().on(Route::Create).nth(1).fault(Fault::Code(code));
            let answer = world.post(TEXT, asked("k")).await;
            assert_eq!((answer.status, answer.json()["code"].as_u64()), (status, Some(u64::from(code))));
        }
    }
    assert!(world.provider.log().generations.is_empty());
    // Dialects without codes answer with the status in their own form.
    world.provider.plan().on(Route::Create).first(2).fault(Fault::Code(5001));
    let answer = world.form("/v1/videos", &[("prompt", "a")], None).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_u64()), (503, Some(503)));
    assert_eq!(world.post("/prompt", json!({})).await.status, 503);
    world.provider.plan().on(Route::Poll).of(Dialect::KlingLegacy).nth(2).fault(Fault::Status(504));
    assert_eq!(world.get(TEXT).await.status, 200);
    let answer = world.get(TEXT).await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (504, Some(5002)));
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_a_job_or_none() {
    let world = World::start().await;
    for (key, accepted, known) in [("taken", true, Some("submitted".to_owned())), ("not", false, None)] {
        world.provider.plan().on(Route::Create).fault(Fault::Hang { accepted });
        let waited = tokio::time::timeout(Duration::from_millis(300), world.try_post(TEXT, asked(key))).await;
        assert!(waited.is_err(), "no answer, and no end of the connection");
        assert_eq!(state(&world, key).await, known);
    }
    let log: Log = serde_json::from_slice(&world.get("/__log").await.body).unwrap();
    let statuses: Vec<Option<u16>> = log.calls_on(Route::Create).map(|call| call.status).collect();
    assert_eq!(statuses, [None, None]);
    assert_eq!(log.generations.len(), 1);
    assert_eq!(log, world.provider.log());
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_the_job_was_taken() {
    let world = World::start().await;
    for (key, accepted, known) in [("taken", true, Some("submitted".to_owned())), ("not", false, None)] {
        world.provider.plan().on(Route::Create).fault(Fault::Reset { accepted });
        let answer = world.try_post(TEXT, asked(key)).await;
        assert_ne!(answer.unwrap_err(), "no answer");
        assert_eq!(state(&world, key).await, known);
    }
    // Sent again under its key, the lost answer's job is not made twice.
    assert_eq!(world.post(TEXT, asked("taken")).await.status, 400);
    assert_eq!(world.provider.generations_of("taken").len(), 1);
}

#[tokio::test]
async fn jobs_are_stuck_lie_fail_and_vanish() {
    let world = World::start().await;
    let plan = world.provider.plan();
    for (key, fault) in [
        ("stuck", Fault::StuckQueued),
        ("liar", Fault::RunningWhileQueued),
        ("fails", Fault::Fails),
        ("vanishes", Fault::Vanishes),
        ("empty", Fault::NoOutputs),
    ] {
        plan.on(Route::Create).containing(key).fault(fault);
        assert_eq!(world.post(TEXT, asked(key)).await.status, 200);
    }
    assert_eq!(state(&world, "liar").await.as_deref(), Some("processing"));
    world.pass(100_000).await;
    assert_eq!(state(&world, "stuck").await.as_deref(), Some("submitted"));
    assert_eq!(state(&world, "fails").await.as_deref(), Some("failed"));
    assert_eq!(state(&world, "vanishes").await, None);
    assert_eq!(state(&world, "empty").await.as_deref(), Some("succeed"));
    let empty = world.get(&format!("{TEXT}/empty")).await.json();
    assert_eq!(empty["data"]["task_result"]["videos"], json!([]));
    // The liar, the vanished and the empty one are paid; the failed and the stuck one are not.
    assert_eq!(world.provider.bill(Currency::CNY), Micros(6_000_000));
    plan.on(Route::Create).fault(Fault::FailsPolicy);
    assert_eq!(world.post(TEXT, asked("policy")).await.status, 200);
    world.pass(60).await;
    let policy = world.get(&format!("{TEXT}/policy")).await.json();
    assert!(policy["data"]["task_status_msg"].as_str().unwrap().contains("risk control"));
}

#[tokio::test]
async fn files_expire_break_off_or_are_no_films() {
    let world = World::start().await;
    let expired = made_with(&world, "expired", Fault::ExpiredUrl).await.unwrap();
    assert_eq!(expired.status, 403);
    let page = made_with(&world, "page", Fault::NotMp4).await.unwrap();
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "video/mp4"));
    assert!(page.body.starts_with(b"<!doctype html>"));
    let broken = made_with(&world, "whole-length", Fault::Truncated { honest_length: false }).await;
    assert!(broken.is_err(), "the length tells more than comes");
    let half = made_with(&world, "half-length", Fault::Truncated { honest_length: true }).await.unwrap();
    assert_eq!(half.headers["content-length"], half.body.len().to_string());
    // The index stands first, so half a file still claims to be whole.
    assert_eq!(&half.body[4..8], b"ftyp");

    // On the download alone, the next one is whole again.
    let url = {
        assert_eq!(world.post(TEXT, asked("good")).await.status, 200);
        world.pass(60).await;
        url(&world, "good").await
    };
    world.provider.plan().on(Route::Download).nth(1).fault(Fault::ExpiredUrl);
    assert_eq!(world.get(&url).await.status, 403);
    let whole = world.get(&url).await.body;
    assert_eq!(look(&whole).frames(), 150);
    assert_eq!(whole.len() / 2, half.body.len());
    world.provider.plan().on(Route::Download).nth(1).fault(Fault::Slow(u32::MAX));
    assert_eq!(world.get(&url).await.body, whole);
}

#[tokio::test]
async fn clips_have_another_rate_length_size_or_picture_than_asked_for() {
    let world = World::start().await;
    let made = async |key: &str, fault: Fault| look(&made_with(&world, key, fault).await.unwrap().body);
    let clip = made("rate", Fault::WrongFps(25)).await;
    assert_eq!((clip.frames(), clip.fps()), (125, 25.0));
    assert_eq!(made("length", Fault::WrongLength(50)).await.frames(), 50);
    assert_eq!(made("single", Fault::OneFrame).await.frames(), 1);
    assert_eq!(made("size", Fault::WrongSize).await.size(), (84, 48));
    let clip = made("black", Fault::Black).await;
    assert!(clip.brightest() < 18.0, "{}", clip.brightest());
    let clip = made("frozen", Fault::Frozen).await;
    assert!(clip.motion() < 2.0 && clip.frames() == 150, "{}", clip.motion());
    let clip = made("seed", Fault::OtherSeed(99)).await;
    assert_eq!(recognize(clip.marks[50], &[("a red cup", 0), ("a red cup", 99)]), Some(("a red cup", 99)));
    assert_eq!(world.provider.log().generations.last().unwrap().seed, 99);
}

#[tokio::test]
async fn products_are_shown_in_wrong_colors_or_mirrored() {
    let world = World::start().await;
    let halves = async |key: &str, fault: Option<Fault>| {
        if let Some(fault) = fault {
            world.provider.plan().on(Route::Create).fault(fault);
        }
        let body = json!({"image": base64(&product(320, 320)), "external_task_id": key});
        assert_eq!(world.post("/v1/videos/image2video", body).await.status, 200);
        world.pass(60).await;
        let task = world.get(&format!("/v1/videos/image2video/{key}")).await.json();
        let url = task["data"]["task_result"]["videos"][0]["url"].as_str().unwrap().to_owned();
        look(&world.get(&url).await.body)
    };
    let is_red = |color: [u8; 3]| color[0] > 150 && color[2] < 80;
    let truth = halves("truth", None).await;
    assert!(is_red(truth.halves[0][0]) && !is_red(truth.halves[0][1]));
    for (key, distortion) in [("color", Distortion::Color), ("mirror", Distortion::Mirror)] {
        let clip = halves(key, Some(Fault::Distorted(distortion))).await;
        assert!(!is_red(clip.halves[0][0]) && is_red(clip.halves[0][1]), "{key}");
    }
    let squeezed = halves("shape", Some(Fault::Distorted(Distortion::Shape))).await;
    assert_eq!(squeezed.size(), truth.size());
}

#[tokio::test]
async fn a_restart_breaks_connections_and_loses_or_keeps_jobs() {
    let world = World::start().await;
    assert_eq!(world.post(TEXT, asked("one")).await.status, 200);
    world.provider.plan().on(Route::Poll).fault(Fault::Restart { keeps_jobs: true });
    assert!(world.try_get(&format!("{TEXT}/one")).await.is_err());
    assert_eq!(state(&world, "one").await.as_deref(), Some("submitted"));
    world.provider.plan().on(Route::Poll).fault(Fault::Restart { keeps_jobs: false });
    assert!(world.try_get(&format!("{TEXT}/one")).await.is_err());
    assert_eq!(state(&world, "one").await, None);
    // Lost work is not charged, and its key is free again.
    assert_eq!(world.post(TEXT, asked("one")).await.status, 200);
    world.pass(60).await;
    assert_eq!(world.provider.bill(Currency::CNY), Micros(2_000_000));
    assert!(world.provider.duplicates().is_empty());
    assert_eq!(world.provider.generations_of("one").len(), 2);
}

#[tokio::test]
async fn a_provider_that_is_away_answers_nobody_for_an_hour_and_its_jobs_go_on() {
    let world = World::start().await;
    assert_eq!(world.post(TEXT, asked("one")).await.status, 200);
    world.provider.leave_for(Duration::from_hours(1));
    assert!(world.try_get(&format!("{TEXT}/one")).await.is_err());
    world.pass(3_599).await;
    assert!(world.try_get(&format!("{TEXT}/one")).await.is_err());
    world.pass(1).await;
    assert_eq!(state(&world, "one").await.as_deref(), Some("succeed"));
}

#[tokio::test]
async fn another_process_moves_time_plans_faults_and_reads_the_log() {
    let world = World::start().await;
    let answer =
        crate::client::send("POST", &world.url("/__fault"), &[], b"create:1:code=1302\n".to_vec()).await;
    assert_eq!(answer.unwrap().status, 200);
    let answer = crate::client::send("POST", &world.url("/__fault"), &[], b"nonsense".to_vec()).await;
    assert_eq!(answer.unwrap().status, 400);
    assert_eq!(world.post(TEXT, asked("one")).await.status, 429);
    assert_eq!(world.post(TEXT, asked("one")).await.status, 200);
    assert_eq!(world.post("/__advance?ms=60000", Value::Null).await.status, 200);
    let log: Log = serde_json::from_slice(&world.get("/__log").await.body).unwrap();
    assert_eq!(log.bill(Currency::CNY), Micros(2_000_000));
    assert_eq!(log.generations_of("one")[0].end, "done");
    assert_eq!(log.calls_on(Route::Create).next().unwrap().faults, [Fault::Code(1302)]);
}
