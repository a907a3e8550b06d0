//! Servers of `/v1/videos` against a provider in the process.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::sync::Arc;

use common::{Asked, Memory, Provider, file, golden, golden_json, json, mp4, png, reference, request, row};
use serde_json::{Value, json};
use spotwright_clips::openai_videos::{Flavor, OpenAiVideos, Options, PictureField};
use spotwright_clips::{Secret, Shape};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, ClipErrorKind, ClipSource, JobId, JobState, Output, ReferenceKind,
};
use spotwright_core::ports::clock::{ManualClock, SystemClock};
use spotwright_schemas::money::Micros;

fn options(provider: &Provider, flavor: Flavor) -> Options {
    let mut options = Options::new(provider.server(), flavor, row("Wan2.2-TI2V-5B", 2_000));
    options.abilities = vec![Ability::TextToVideo, Ability::ImageToVideo];
    options.shape = Shape { fps: Some(24), max_frames: 241, ..Shape::default() };
    options
}

fn source(options: Options, artifacts: Arc<Memory>) -> OpenAiVideos {
    OpenAiVideos::new("gpu", options, artifacts, Arc::new(SystemClock)).unwrap()
}

#[tokio::test]
async fn bodies_of_every_server_are_as_they_were() {
    let provider = Provider::start(|_, _| json(200, &json!({"id": "video-1", "status": "queued"}))).await;
    let artifacts = Arc::new(Memory::default());
    let first = artifacts.put(&png(720, 1_280, 1)).unwrap();
    let mut words = request();
    words.negative_prompt = "text".to_owned();
    let mut picture = words.clone();
    picture.first_frame = Some(first);
    for (name, flavor) in
        [("vllm_omni", Flavor::VllmOmni), ("sglang", Flavor::Sglang), ("tensorrt_llm", Flavor::TensorrtLlm)]
    {
        let gpu = source(options(&provider, flavor), artifacts.clone());
        for (kind, request) in [("text", &words), ("image", &picture)] {
            assert_eq!(gpu.submit(request, "key-1").await.unwrap(), JobId("video-1".to_owned()));
            let asked = provider.last();
            assert_eq!(asked.path, "/v1/videos");
            let is_form = asked.content_type.as_ref().unwrap().starts_with("multipart/form-data");
            assert_eq!(is_form, flavor == Flavor::VllmOmni || kind == "image", "{name} {kind}");
            // The picture's bytes are no text; they are said in hexadecimal letters.
            let text = asked.body.iter().map(|&byte| match byte {
                b'\r' => String::new(),
                b'\n' | b' '..=b'~' => char::from(byte).to_string(),
                other => format!("\\x{other:02x}"),
            });
            let text: String = text.collect();
            if is_form {
                golden(&format!("{name}_{kind}.txt"), &text);
            } else {
                golden_json(&format!("{name}_{kind}.json"), &asked.json());
            }
        }
    }
    let mut newer = options(&provider, Flavor::TensorrtLlm);
    newer.picture_field = PictureField::ImageReference;
    newer.extra.insert("num_inference_steps".to_owned(), json!(20));
    source(newer, artifacts).submit(&picture, "key-1").await.unwrap();
    golden_json("tensorrt_llm_reference.json", &provider.last().json());
}

#[tokio::test]
async fn a_job_goes_through_its_states_to_a_clip() {
    let provider = Provider::start(|asked: &Asked, number| match (asked.path.as_str(), number) {
        ("/v1/videos/a", 0) => json(200, &json!({"id": "a", "status": "queued", "progress": 0})),
        // Some say so while the job still waits.
        ("/v1/videos/a", 1) => json(200, &json!({"id": "a", "status": "in_progress", "progress": 0})),
        ("/v1/videos/a", 2) => json(200, &json!({"id": "a", "status": "in_progress", "progress": 40})),
        ("/v1/videos/a", _) => {
            json(200, &json!({"id": "a", "status": "completed", "progress": 100, "seed": 1024}))
        }
        ("/v1/videos/a/content", _) => file(&mp4()),
        (other, _) => panic!("{other}"),
    })
    .await;
    let mut options = options(&provider, Flavor::VllmOmni);
    options.api_key = Some(Secret::new("server-key").unwrap());
    let gpu = source(options, Arc::default());
    assert_eq!(gpu.quote(&request()).unwrap().at_most, Micros(12_000));
    let job = JobId("a".to_owned());
    assert_eq!(gpu.poll(&job).await.unwrap(), JobState::Queued);
    assert_eq!(gpu.poll(&job).await.unwrap(), JobState::Queued);
    assert_eq!(gpu.poll(&job).await.unwrap(), JobState::Running { percent: Some(40) });
    let JobState::Done { outputs, seed, charged } = gpu.poll(&job).await.unwrap() else { panic!("not done") };
    // Another seed than was asked for is told.
    assert_eq!((seed, charged), (Some(1_024), None));
    assert_eq!(gpu.fetch(&job, &outputs[0]).await.unwrap(), mp4());
    assert_eq!(provider.last().authorization.as_deref(), Some("Bearer server-key"));
}

#[tokio::test]
async fn jobs_that_end_badly_say_so() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/v1/videos/oom" => json(200, &json!({"id": "oom", "status": "failed", "error": {"code": 500, "message": "CUDA out of memory"}})),
        "/v1/videos/nsfw" => json(200, &json!({"id": "nsfw", "status": "failed", "error": "blocked by the safety checker"})),
        "/v1/videos/gone" => json(200, &json!({"id": "gone", "status": "deleted"})),
        "/v1/videos/none" => json(404, &json!({"detail": "Video not found"})),
        "/v1/videos/odd" => json(200, &json!({"id": "odd", "status": "thinking"})),
        "/v1/videos/cut/content" => file(&mp4()[..60]),
        other => panic!("{other}"),
    })
    .await;
    let gpu = source(options(&provider, Flavor::Sglang), Arc::default());
    let failed = async |id: &str| match gpu.poll(&JobId(id.to_owned())).await.unwrap() {
        JobState::Failed(error) => (error.kind, error.message),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed("oom").await, (ClipErrorKind::Failed, "CUDA out of memory".to_owned()));
    assert_eq!(failed("nsfw").await.0, ClipErrorKind::Policy);
    assert_eq!(failed("gone").await.1, "the server says that the job is deleted");
    let error = async |id: &str| gpu.poll(&JobId(id.to_owned())).await.unwrap_err().kind;
    assert_eq!(error("none").await, ClipErrorKind::UnknownJob);
    assert_eq!(error("odd").await, ClipErrorKind::BadAnswer);
    let output = Output { id: String::new(), location: "content".to_owned() };
    let cut = gpu.fetch(&JobId("cut".to_owned()), &output).await.unwrap_err();
    assert_eq!(cut.kind, ClipErrorKind::BadAnswer);
}

#[tokio::test]
async fn refusals_have_their_class() {
    let provider = Provider::start(|_, number| match number {
        0 => json(422, &json!({"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted"}]})),
        1 => json(400, &json!({"error": {"message": "the prompt violates the content policy"}})),
        2 => (429, vec![("retry-after", "3".to_owned())], b"{\"error\":\"the queue is full\"}".to_vec()),
        3 => (429, Vec::new(), Vec::new()),
        4 => (503, Vec::new(), b"<html>".to_vec()),
        _ => (401, Vec::new(), Vec::new()),
    })
    .await;
    let gpu = source(options(&provider, Flavor::VllmOmni), Arc::default());
    for (kind, wait, began) in [
        (ClipErrorKind::BadRequest, None, false),
        (ClipErrorKind::Policy, None, false),
        (ClipErrorKind::Busy, Some(3), false),
        (ClipErrorKind::TooFast, None, false),
        (ClipErrorKind::Unavailable, None, true),
        (ClipErrorKind::Authentication, None, false),
    ] {
        let error = gpu.submit(&request(), "k").await.unwrap_err();
        assert_eq!((error.kind, error.may_have_begun), (kind, began));
        assert_eq!(error.retry_after.map(|wait| wait.as_secs()), wait);
    }
}

#[tokio::test]
async fn a_deleted_job_goes_on_unless_the_server_is_known_to_stop_it() {
    let provider = Provider::start(|asked: &Asked, _| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("DELETE", "/v1/videos/a"));
        json(200, &json!({"id": "a", "status": "deleted", "deleted": true}))
    })
    .await;
    let job = JobId("a".to_owned());
    let mut options = options(&provider, Flavor::VllmOmni);
    assert_eq!(source(options.clone(), Arc::default()).cancel(&job).await.unwrap(), Cancelled::MayGoOn);
    options.delete_stops = true;
    assert_eq!(source(options, Arc::default()).cancel(&job).await.unwrap(), Cancelled::Free);
}

/// A listed job of the usual request, with changes.
fn listed(id: &str, more: &Value) -> Value {
    let mut job = json!({"id": id, "status": "queued", "created_at": 1_700_000_100, "size": "720x1280",
        "prompt": "steam rises from a cup of coffee"});
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

async fn found(jobs: Vec<Value>) -> Result<Option<JobId>, ClipErrorKind> {
    let provider = Provider::start(move |asked: &Asked, _| {
        assert_eq!(asked.path, "/v1/videos?limit=100&order=desc");
        json(200, &json!({"data": jobs, "object": "list", "has_more": false}))
    })
    .await;
    let gpu = source(options(&provider, Flavor::VllmOmni), Arc::default());
    gpu.find(&request(), "key-1").await.map_err(|error| error.kind)
}

#[tokio::test]
async fn a_job_is_found_where_it_is_unmistakable() {
    let job = |id: &str| Ok(Some(JobId(id.to_owned())));
    assert_eq!(found(Vec::new()).await, Ok(None));
    assert_eq!(found(vec![listed("a", &json!({}))]).await, job("a"));
    let others = vec![
        listed("a", &json!({"seed": 43})),
        listed("b", &json!({"prompt": "beans"})),
        listed("c", &json!({"size": "480x832"})),
        listed("d", &json!({"user": "key-9"})),
    ];
    assert_eq!(found(others).await, Ok(None));
    let keyed =
        vec![listed("a", &json!({})), listed("b", &json!({})), listed("c", &json!({"user": "key-1"}))];
    assert_eq!(found(keyed).await, job("c"));
    let twice = vec![listed("a", &json!({})), listed("b", &json!({}))];
    assert_eq!(found(twice).await, Err(ClipErrorKind::BadAnswer));
    // SGLang tells no prompt back: a job of the same size may be this one.
    assert_eq!(found(vec![listed("a", &json!({"prompt": null}))]).await, Err(ClipErrorKind::BadAnswer));
    assert_eq!(found(vec![listed("a", &json!({"prompt": null, "size": "1x1"}))]).await, Ok(None));
}

#[tokio::test]
async fn jobs_of_other_keys_and_of_earlier_days_are_not_taken_for_this_one() {
    let provider = Provider::start(|asked: &Asked, _| match asked.method.as_str() {
        "POST" if asked.text().contains("key-a") => json(200, &json!({"id": "a", "status": "queued"})),
        // The answer is lost.
        "POST" => (500, Vec::new(), Vec::new()),
        _ => json(
            200,
            &json!({"data": [
                listed("b", &json!({"created_at": 1_700_000_001})),
                listed("a", &json!({})),
                listed("old", &json!({"created_at": 1_699_999_000})),
            ]}),
        ),
    })
    .await;
    let clock = Arc::new(ManualClock::starting_at(1_700_000_000_000_000));
    let gpu =
        OpenAiVideos::new("gpu", options(&provider, Flavor::VllmOmni), Arc::new(Memory::default()), clock);
    let gpu = gpu.unwrap();
    gpu.submit(&request(), "key-a").await.unwrap();
    assert!(gpu.submit(&request(), "key-b").await.unwrap_err().may_have_begun);
    assert_eq!(gpu.find(&request(), "key-b").await.unwrap(), Some(JobId("b".to_owned())));
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    let provider = Provider::start(|asked: &Asked, _| {
        let page: Vec<Value> = if asked.path.ends_with("after=j99") {
            vec![listed("wanted", &json!({"user": "key-1"}))]
        } else {
            (0..100).map(|index| listed(&format!("j{index}"), &json!({"user": "other"}))).collect()
        };
        json(200, &json!({"data": page, "object": "list"}))
    })
    .await;
    let gpu = source(options(&provider, Flavor::Sglang), Arc::default());
    assert_eq!(gpu.find(&request(), "key-1").await.unwrap(), Some(JobId("wanted".to_owned())));
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn dynamo_answers_with_the_result() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/v1/videos" if asked.text().contains("beans") => {
            json(200, &json!({"id": "r2", "status": "failed", "data": [], "error": "no worker"}))
        }
        "/v1/videos" => json(
            200,
            &json!({"id": "r1", "object": "video", "status": "completed", "created": 1,
                "data": [{"output_format": "mp4", "url": "/files/r1.mp4"}]}),
        ),
        "/files/r1.mp4" => file(&mp4()),
        other => panic!("{other}"),
    })
    .await;
    let artifacts = Arc::new(Memory::default());
    let gpu = source(options(&provider, Flavor::Dynamo), artifacts.clone());
    let mut request = request();
    request.negative_prompt = "text".to_owned();
    request.first_frame = Some(artifacts.put(&png(720, 1_280, 1)).unwrap());
    let job = gpu.submit(&request, "key-1").await.unwrap();
    golden_json("dynamo_image.json", &provider.last().json());
    let JobState::Done { outputs, .. } = gpu.poll(&job).await.unwrap() else { panic!("not done") };
    assert_eq!(gpu.fetch(&job, &outputs[0]).await.unwrap(), mp4());
    assert_eq!(gpu.find(&request, "key-1").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
    request.prompt = "beans".to_owned();
    let error = gpu.submit(&request, "key-2").await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ClipErrorKind::Failed, "no worker"));
}

#[tokio::test]
async fn what_a_server_does_not_take_is_left_away_and_the_rest_is_sent() {
    let provider = Provider::start(|asked: &Asked, _| match asked.method.as_str() {
        "POST" => json(200, &json!({"id": "video-1", "status": "queued", "data": [{"url": "/files/1.mp4"}]})),
        _ => json(200, &json!({"data": [listed("video-1", &json!({"prompt": "the cup by the window"}))]})),
    })
    .await;
    let artifacts = Arc::new(Memory::default());
    let [a, b, c] = [1, 2, 3].map(|salt| artifacts.put(&png(720, 1_280, salt)).unwrap());
    let mut asked = request();
    asked.prompt = "the @cup by the @window".to_owned();
    asked.first_frame = Some(a.clone());
    asked.references = vec![
        reference("cup", ReferenceKind::Picture, a),
        reference("window", ReferenceKind::Picture, b),
        reference("beans", ReferenceKind::Picture, c),
    ];
    asked.sound = true;
    for (flavor, makes_sound) in [
        (Flavor::VllmOmni, true),
        (Flavor::VllmOmni, false),
        (Flavor::Sglang, false),
        (Flavor::TensorrtLlm, false),
        (Flavor::Dynamo, false),
    ] {
        let mut options = options(&provider, flavor);
        if makes_sound {
            options.abilities.push(Ability::Sound);
        }
        let gpu = source(options, artifacts.clone());
        let fitted = gpu.capabilities().fitted(&asked);
        let told: Vec<String> = fitted.left_away.iter().map(ToString::to_string).collect();
        let pictures = "reference pictures (window, beans)";
        let silent = [pictures, "sound of its own"];
        assert_eq!(told, if makes_sound { &silent[..1] } else { &silent[..] }, "{flavor:?}");
        assert_eq!(gpu.quote(&asked), gpu.quote(&fitted.request), "{flavor:?}");
        gpu.submit(&asked, "key-1").await.unwrap();
        let whole = provider.last();
        assert_eq!(whole.path, "/v1/videos");
        gpu.submit(&fitted.request, "key-1").await.unwrap();
        assert_eq!(whole.body, provider.last().body, "{flavor:?}: fitting is what is sent");
        let text = whole.text();
        assert!(text.contains("the cup by the window"), "{flavor:?}: {text}");
        assert_eq!(text.matches("input_reference").count(), 1, "{flavor:?}: one picture");
        if flavor == Flavor::VllmOmni {
            let sound = if makes_sound { "true" } else { "false" };
            assert!(text.replace("\r\n", " ").contains(&format!("\"generate_sound\"  {sound}")), "{text}");
        }
        // A job is found by what was sent, not by what was asked for.
        if flavor != Flavor::Dynamo {
            let again = source(self::options(&provider, flavor), artifacts.clone());
            assert_eq!(again.find(&asked, "key-1").await.unwrap(), Some(JobId("video-1".to_owned())));
        }
    }
    // Pictures without a first frame are what the clip is made from: those are for another source.
    asked.first_frame = None;
    let gpu = source(options(&provider, Flavor::Sglang), artifacts);
    let said = "Wan2.2-TI2V-5B does not make a clip with things of several reference pictures";
    assert_eq!(gpu.quote(&asked).unwrap_err().message, said);
}

#[tokio::test]
async fn what_a_server_cannot_do_is_refused() {
    let provider = Provider::start(|asked, _| panic!("{}", asked.path)).await;
    let gpu = source(options(&provider, Flavor::VllmOmni), Arc::default());
    let mut request = request();
    let said = "Wan2.2-TI2V-5B does not make a clip that ends with a given picture";
    let artifacts = Arc::new(Memory::default());
    request.last_frame = Some(artifacts.put(&png(720, 1_280, 1)).unwrap());
    let frames = source(options(&provider, Flavor::VllmOmni), artifacts);
    assert_eq!(frames.quote(&request).unwrap_err().message, said);
    request.last_frame = None;
    request.frames = 400;
    let said = "the shot takes 321 frames at 24 a second, and at most 241 are made";
    assert_eq!(gpu.quote(&request).unwrap_err().message, said);
    let mut own = options(&provider, Flavor::VllmOmni);
    own.extra.insert("seed".to_owned(), json!(1));
    let refused = OpenAiVideos::new("gpu", own, Arc::new(Memory::default()), Arc::new(SystemClock));
    assert_eq!(refused.unwrap_err().key(), "extra");
}
