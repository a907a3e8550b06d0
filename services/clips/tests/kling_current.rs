//! Kling's current dialect against a provider in the process.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Answer, Asked, Memory, Provider, file, golden_json, json, mp4, png, reference, request};
use serde_json::json;
use spotwright_clips::Secret;
use spotwright_clips::kling::{Dialect, Kling, Options, Resolution};
use spotwright_clips::prices::Row;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    CameraMove, Cancelled, ClipErrorKind, ClipRequest, ClipSource, ClipTask, JobId, JobState, Output,
    ReferenceKind, ShotPrompt,
};
use spotwright_core::ports::clock::SystemClock;
use spotwright_schemas::money::{Currency, Micros};

const KEY: &str = "sk-current-1234567890";

fn options(provider: &Provider, model: &str) -> Options {
    let row = Row { prices: Vec::new(), ..common::row(model, 0) };
    Options {
        api_key: Some(Secret::new(KEY).unwrap()),
        ..Options::new(provider.server(), Dialect::Current, row)
    }
}

fn source(options: Options, artifacts: Arc<Memory>) -> Kling {
    Kling::new("kling", options, artifacts, Arc::new(SystemClock)).unwrap()
}

fn created(id: &str) -> Answer {
    json(200, &json!({"code": 0, "message": "SUCCEED", "data": {"id": id, "status": "submitted"}}))
}

fn task(id: &str, status: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut task = json!({"id": id, "status": status, "external_id": "key-1", "outputs": []});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"code": 0, "message": "SUCCEED", "data": [task]})
}

#[tokio::test]
async fn a_clip_is_made_from_words_and_downloaded() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/text-to-video/kling-3.0-turbo" => created("71"),
        "/tasks?task_ids=71" => json(
            200,
            &task(
                "71",
                "succeeded",
                &json!({
                    "outputs": [{"type": "video", "id": "v1", "url": "/files/v1.mp4", "duration": "5.04"}],
                    "billing": [{"charge_type": "unit", "amount": "4", "package_type": "video"}],
                }),
            ),
        ),
        "/files/v1.mp4" => file(&mp4()),
        other => panic!("{other}"),
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    let request = request();
    assert_eq!(kling.quote(&request).unwrap().at_most, Micros(560_000));
    let job = kling.submit(&request, "key-1").await.unwrap();
    assert_eq!(job, JobId("task:71".to_owned()));
    let asked = provider.last();
    assert_eq!(asked.authorization.as_deref(), Some(format!("Bearer {KEY}").as_str()));
    golden_json("kling_current_text.json", &asked.json());
    let JobState::Done { outputs, charged, .. } = kling.poll(&job).await.unwrap() else { panic!("not done") };
    assert_eq!(charged, Some(Micros(560_000)));
    // Results lie on servers of their own, and so are addresses; here it is the provider itself.
    let output =
        Output { location: format!("{}{}", provider.base, outputs[0].location), ..outputs[0].clone() };
    assert_eq!(kling.fetch(&job, &output).await.unwrap(), mp4());
    assert_eq!(provider.last().authorization, None);
    assert_eq!(kling.cancel(&job).await.unwrap(), Cancelled::MayGoOn);
}

#[tokio::test]
async fn bodies_of_every_form_are_as_they_were() {
    let provider = Provider::start(|_, _| created("1")).await;
    let artifacts = Arc::new(Memory::default());
    let (a, b) = (artifacts.put(&png(720, 1_280, 1)).unwrap(), artifacts.put(&png(720, 1_280, 2)).unwrap());

    let mut request = request();
    request.first_frame = Some(a.clone());
    request.last_frame = Some(b.clone());
    request.negative_prompt = "people".to_owned();
    request.camera = Some(CameraMove { zoom: 3, ..CameraMove::default() });
    let mut options = options(&provider, "kling-3.0");
    options.resolution = Resolution::P1080;
    options.callback_url = Some("https://ads.example.com/hooks/kling".to_owned());
    let kling = source(options.clone(), artifacts.clone());
    kling.submit(&request, "key-2").await.unwrap();
    assert_eq!(provider.last().path, "/image-to-video/kling-3.0");
    golden_json("kling_current_frames.json", &provider.last().json());

    let mut shots = common::request();
    shots.frames = 240;
    shots.sound = true;
    shots.task = ClipTask::MultiShot {
        shots: vec![
            ShotPrompt { prompt: "beans fall; slowly".to_owned(), frames: 90 },
            ShotPrompt { prompt: "a hand lifts the cup".to_owned(), frames: 150 },
        ],
    };
    kling.submit(&shots, "key-3").await.unwrap();
    golden_json("kling_current_shots.json", &provider.last().json());

    let mut omni = common::request();
    omni.prompt = "@cup beside @beans, moving as in @ride".to_owned();
    omni.references = vec![
        reference("cup", ReferenceKind::Picture, a),
        reference("beans", ReferenceKind::Picture, b.clone()),
        reference("ride", ReferenceKind::Clip, b),
    ];
    options.row.model = "kling-3.0-omni".to_owned();
    options.clips_url = Some("https://ads.example.com/clips/{hash}.mp4".to_owned());
    source(options, artifacts).submit(&omni, "key-4").await.unwrap();
    assert_eq!(provider.last().path, "/omni-video/kling-3.0-omni");
    golden_json("kling_current_omni.json", &provider.last().json());
}

/// A request that names three pictures of the product, one of which it begins with.
fn product(artifacts: &Memory) -> ClipRequest {
    let [a, b, c] = [1, 2, 3].map(|salt| artifacts.put(&png(720, 1_280, salt)).unwrap());
    ClipRequest {
        prompt: "The product is @product, from behind @product-2".to_owned(),
        negative_prompt: "people".to_owned(),
        first_frame: Some(a.clone()),
        references: vec![
            reference("product", ReferenceKind::Picture, a),
            reference("product-2", ReferenceKind::Picture, b),
            reference("product-3", ReferenceKind::Picture, c),
        ],
        sound: true,
        ..common::request()
    }
}

#[tokio::test]
async fn what_a_model_does_not_take_is_left_away_and_told() {
    let provider = Provider::start(|_, _| created("1")).await;
    let artifacts = Arc::new(Memory::default());
    let asked = product(&artifacts);
    let told = |kling: &Kling| -> Vec<String> {
        kling.capabilities().fitted(&asked).left_away.iter().map(ToString::to_string).collect()
    };
    // A model with frames only: no pictures beside the first, and sound from 1080p on.
    let mut frames = options(&provider, "kling-2.6");
    frames.resolution = Resolution::P720;
    let frames = source(frames, artifacts.clone());
    let pictures = "reference pictures (product-2, product-3)";
    assert_eq!(told(&frames), [pictures, "sound of its own", "the seed"]);
    assert_eq!(frames.quote(&asked), frames.quote(&frames.capabilities().fitted(&asked).request));
    frames.submit(&asked, "key-1").await.unwrap();
    assert_eq!(provider.last().path, "/image-to-video/kling-2.6");
    let body = provider.last().json();
    let contents = body["contents"].as_array().unwrap();
    assert_eq!(contents.len(), 2, "the prompt and the first frame: {body}");
    let words = "The product is product, from behind product-2 Not to be seen: people";
    assert_eq!(contents[0]["text"], words);
    assert_eq!(body["settings"]["audio"], "off");
    // One with references takes all, by names of which none is part of another.
    let omni = source(options(&provider, "kling-3.0-omni"), artifacts.clone());
    assert_eq!(told(&omni), ["the seed"]);
    omni.submit(&asked, "key-2").await.unwrap();
    let body = provider.last().json();
    let ids: Vec<&str> =
        body["contents"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["reference-1", "reference-2", "reference-3"]);
    let prompt = body["contents"][0]["text"].as_str().unwrap();
    assert!(prompt.starts_with("The product is @reference-1, from behind @reference-2"), "{prompt}");
    // More than it takes: those that the words name stay.
    let mut many = asked.clone();
    let more = (4..12).map(|salt| {
        let artifact = artifacts.put(&png(720, 1_280, salt)).unwrap();
        reference(&format!("scene-{salt}"), ReferenceKind::Picture, artifact)
    });
    drop(many.references.splice(0..0, more));
    let fitted = omni.capabilities().fitted(&many);
    assert_eq!(fitted.request.references.len(), 7);
    assert!(fitted.request.references.iter().any(|one| one.name == "product-2"));
    omni.submit(&many, "key-3").await.unwrap();
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_before_anything_is_sent() {
    let provider = Provider::start(|asked, _| panic!("{}", asked.path)).await;
    let artifacts = Arc::new(Memory::default());
    let turbo = source(options(&provider, "kling-3.0-turbo"), artifacts.clone());
    let omni = source(options(&provider, "kling-3.0-omni"), artifacts.clone());
    let reason = |kling: &Kling, request: &_| {
        let error = kling.quote(request).unwrap_err();
        assert_eq!(error.kind, ClipErrorKind::BadRequest);
        error.message
    };
    let plain = common::request();
    let mut long = plain.clone();
    long.frames = 451;
    assert_eq!(
        reason(&turbo, &long),
        "the shot takes 15.03 s, and clips of kling-3.0-turbo have at most 15 s"
    );
    let mut wordy = plain.clone();
    wordy.prompt = "x".repeat(2_501);
    assert_eq!(reason(&turbo, &wordy), "the prompt has 2501 characters, and at most 2500 are taken");
    let mut small = plain.clone();
    small.first_frame = Some(artifacts.put(&png(299, 600, 0)).unwrap());
    let said = "the first frame is 299×600, and each side must have at least 300 pixels";
    assert_eq!(reason(&turbo, &small), said);
    small.first_frame = Some(artifacts.put(&png(300, 751, 0)).unwrap());
    let said = "the first frame is 300×751, and one side may be at most 2.5 times the other";
    assert_eq!(reason(&turbo, &small), said);
    small.first_frame = Some(artifacts.put(b"GIF89a").unwrap());
    assert_eq!(reason(&turbo, &small), "the first frame is neither PNG nor JPEG");
    let picture = artifacts.put(&png(720, 1_280, 0)).unwrap();
    small.first_frame = Some(picture.clone());
    small.last_frame = Some(picture);
    let said = "kling-3.0-turbo does not make a clip that ends with a given picture";
    assert_eq!(reason(&turbo, &small), said);
    small.first_frame = None;
    assert_eq!(reason(&omni, &small), "a last frame needs a first frame");
    let shot = |frames| ShotPrompt { prompt: "a cup".to_owned(), frames };
    let mut shots = plain.clone();
    shots.task = ClipTask::MultiShot { shots: vec![shot(60), shot(75)] };
    assert_eq!(reason(&turbo, &shots), "shot 2 has 75 frames, which are no whole seconds");
    shots.task = ClipTask::MultiShot { shots: vec![shot(60), shot(120)] };
    assert_eq!(reason(&turbo, &shots), "the shots take 6 s in all, and the clip has 5 s");
    assert!(turbo.submit(&shots, "k").await.is_err_and(|error| !error.may_have_begun));
    assert!(provider.asked().is_empty());
}

#[tokio::test]
async fn errors_have_their_class_by_code_and_wait_as_told() {
    let provider = Provider::start(|asked, _| {
        let code: i64 = asked.json()["options"]["external_task_id"].as_str().unwrap().parse().unwrap();
        let status = match code {
            1_000..=1_004 => 401,
            1_100..=1_102 | 1_302..=1_304 => 429,
            5_000 => 500,
            _ => 400,
        };
        json(status, &json!({"code": code, "message": format!("no, {KEY}"), "request_id": "r"}))
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    for (code, kind, began) in [
        ("1002", ClipErrorKind::Authentication, false),
        ("1100", ClipErrorKind::NotAllowed, false),
        ("1102", ClipErrorKind::NoFunds, false),
        ("1201", ClipErrorKind::BadRequest, false),
        ("1301", ClipErrorKind::Policy, false),
        ("1302", ClipErrorKind::TooFast, false),
        ("1303", ClipErrorKind::Busy, false),
        ("1304", ClipErrorKind::NotAllowed, false),
        ("5000", ClipErrorKind::Unavailable, true),
    ] {
        let error = kling.submit(&common::request(), code).await.unwrap_err();
        assert_eq!((error.kind, error.may_have_begun), (kind, began), "{code}");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.message, format!("error {code}: no, [key]"));
        assert_eq!(error.retry_after, (code == "1303").then_some(Duration::from_secs(1)), "{code}");
    }
    // A plain key cannot be renewed, so that each was sent once.
    assert_eq!(provider.asked().len(), 9);
}

#[tokio::test]
async fn a_job_is_found_by_its_key_or_certainly_not_there() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/tasks?external_task_ids=key-1" => json(200, &task("71", "processing", &json!({}))),
        "/tasks?external_task_ids=key-2" => json(200, &json!({"code": 0, "data": []})),
        "/tasks?external_task_ids=key-3" => json(200, &task("72", "processing", &json!({}))),
        other => panic!("{other}"),
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    let request = request();
    assert_eq!(kling.find(&request, "key-1").await.unwrap(), Some(JobId("task:71".to_owned())));
    assert_eq!(kling.find(&request, "key-2").await.unwrap(), None);
    // The task of another key is no answer.
    assert_eq!(kling.find(&request, "key-3").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
}

#[tokio::test]
async fn a_key_that_was_used_before_is_the_job_that_was_begun() {
    let provider = Provider::start(|asked: &Asked, _| {
        if asked.path.starts_with("/tasks") {
            return json(200, &task("71", "submitted", &json!({})));
        }
        json(400, &json!({"code": 1201, "message": "external_task_id is duplicated"}))
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    assert_eq!(kling.submit(&request(), "key-1").await.unwrap(), JobId("task:71".to_owned()));
}

#[tokio::test]
async fn states_are_truthful() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/tasks?task_ids=1" => json(200, &task("1", "submitted", &json!({}))),
        "/tasks?task_ids=2" => json(200, &task("2", "succeeded", &json!({}))),
        "/tasks?task_ids=3" => json(
            200,
            &task(
                "3",
                "failed",
                &json!({
                    "message": "content security risk control",
                    "billing": [{"charge_type": "unit", "amount": "0"}],
                }),
            ),
        ),
        "/tasks?task_ids=4" => json(200, &json!({"code": 0, "data": []})),
        "/tasks?task_ids=5" => json(200, &task("5", "dreaming", &json!({}))),
        "/tasks?task_ids=6" => (200, Vec::new(), b"<html>".to_vec()),
        other => panic!("{other}"),
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    let poll = async |id: &str| kling.poll(&JobId(format!("task:{id}"))).await;
    assert_eq!(poll("1").await.unwrap(), JobState::Queued);
    assert_eq!(poll("2").await.unwrap(), JobState::Running { percent: None });
    let JobState::Failed(error) = poll("3").await.unwrap() else { panic!("not failed") };
    assert_eq!((error.kind, error.charged), (ClipErrorKind::Policy, Some(Micros(0))));
    assert_eq!(poll("4").await.unwrap_err().kind, ClipErrorKind::UnknownJob);
    assert_eq!(poll("5").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
    assert_eq!(poll("6").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
    assert_eq!(kling.poll(&JobId("nonsense".to_owned())).await.unwrap_err().kind, ClipErrorKind::UnknownJob);
}

#[tokio::test]
async fn results_are_whole_or_an_error_and_lead_nowhere_else() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/whole" => file(&mp4()),
        "/cut" => file(&mp4()[..100]),
        "/page" => (200, Vec::new(), b"<html>".to_vec()),
        "/expired" => (403, Vec::new(), b"<Error>Request has expired</Error>".to_vec()),
        "/broken" => (503, vec![("retry-after", "9".to_owned())], Vec::new()),
        "/moved" => (302, vec![("location", "/whole".to_owned())], Vec::new()),
        "/inside" => (302, vec![("location", "http://127.0.0.2:1/x".to_owned())], Vec::new()),
        "/round" => (302, vec![("location", "/round".to_owned())], Vec::new()),
        other => panic!("{other}"),
    })
    .await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    let job = JobId("task:1".to_owned());
    let fetch = async |address: String| {
        kling.fetch(&job, &Output { id: String::new(), location: address }).await.map_err(|error| error.kind)
    };
    let at = |path: &str| format!("{}{path}", provider.base);
    assert_eq!(fetch(at("/whole")).await, Ok(mp4()));
    assert_eq!(fetch(at("/moved")).await, Ok(mp4()));
    for path in ["/cut", "/page", "/expired", "/inside", "/round"] {
        assert_eq!(fetch(at(path)).await, Err(ClipErrorKind::BadAnswer), "{path}");
    }
    assert_eq!(fetch(at("/broken")).await, Err(ClipErrorKind::Unavailable));
    for address in ["http://169.254.169.254/latest", "http://127.0.0.1:1/x", "http://[::1]/x"] {
        assert_eq!(fetch(address.to_owned()).await, Err(ClipErrorKind::BadAnswer), "{address}");
    }
    assert_eq!(fetch("file:///etc/passwd".to_owned()).await, Err(ClipErrorKind::BadRequest));
}

#[tokio::test]
async fn a_lost_answer_may_have_begun_something_and_a_refused_connection_has_not() {
    let provider = Provider::start(|_, _| (200, Vec::new(), b"{".to_vec())).await;
    let kling = source(options(&provider, "kling-3.0-turbo"), Arc::default());
    let error = kling.submit(&request(), "k").await.unwrap_err();
    assert_eq!((error.kind, error.may_have_begun), (ClipErrorKind::BadAnswer, true));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut options = options(&provider, "kling-3.0-turbo");
    options.server.base_url = closed;
    let error = source(options, Arc::default()).submit(&request(), "k").await.unwrap_err();
    assert_eq!((error.kind, error.may_have_begun), (ClipErrorKind::Unavailable, false));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_their_key() {
    let provider = Provider::start(|_, _| created("1")).await;
    let make = |options: Options| {
        Kling::new("kling", options, Arc::new(Memory::default()), Arc::new(SystemClock)).unwrap_err().key()
    };
    let good = options(&provider, "kling-3.0-turbo");
    assert_eq!(make(Options { api_key: None, ..good.clone() }), "api_key");
    assert_eq!(make(Options { parallel: 0, ..good.clone() }), "parallel");
    let mut unknown = good.clone();
    unknown.row.model = "kling-9".to_owned();
    assert_eq!(make(unknown.clone()), "seconds");
    unknown.seconds = Some(vec![5]);
    assert_eq!(make(unknown.clone()), "abilities");
    unknown.abilities = Some(Vec::new());
    assert_eq!(make(unknown), "row.prices");
    let mut yuan = good;
    yuan.row.currency = Currency::CNY;
    assert_eq!(make(yuan), "row.prices");
}
