//! Kling's legacy dialect against a provider in the process.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::sync::Arc;

use common::{Answer, Asked, Memory, Provider, golden_json, json, png, reference, request, row, wav};
use serde_json::json;
use spotwright_clips::Secret;
use spotwright_clips::kling::{Dialect, Kling, Options, Resolution};
use spotwright_clips::prices::{Per, Price};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    CameraMove, ClipErrorKind, ClipRequest, ClipSource, ClipTask, JobId, JobState, MovedPart, ReferenceKind,
    ShotPrompt,
};
use spotwright_core::ports::clock::{ManualClock, SystemClock};
use spotwright_schemas::money::Micros;

fn options(provider: &Provider, model: &str) -> Options {
    Options {
        access_key: Some(Secret::new("ak-1").unwrap()),
        secret_key: Some(Secret::new("sk-very-secret").unwrap()),
        ..Options::new(provider.server(), Dialect::Legacy, row(model, 100_000))
    }
}

fn source(options: Options, artifacts: Arc<Memory>) -> Kling {
    Kling::new("kling", options, artifacts, Arc::new(SystemClock)).unwrap()
}

fn created(id: &str) -> Answer {
    json(200, &json!({"code": 0, "message": "SUCCEED", "data": {"task_id": id, "task_status": "submitted"}}))
}

/// Submits, and gives the path and the body.
async fn sent(provider: &Provider, kling: &Kling, request: &ClipRequest) -> (String, serde_json::Value) {
    kling.quote(request).unwrap();
    kling.submit(request, "key-1").await.unwrap();
    let asked = provider.last();
    (asked.path.clone(), asked.json())
}

#[tokio::test]
async fn a_refused_token_is_minted_again_once() {
    let provider = Provider::start(|_, number| {
        let refusal = json!({"code": 1004, "message": "Authorization has expired"});
        if number == 0 { json(401, &refusal) } else { created("9") }
    })
    .await;
    let clock = Arc::new(ManualClock::starting_at(1_700_000_000_000_000));
    let kling =
        Kling::new("kling", options(&provider, "kling-v1-6"), Arc::new(Memory::default()), clock).unwrap();
    assert_eq!(kling.submit(&request(), "k").await.unwrap(), JobId("text2video:9".to_owned()));
    assert_eq!(provider.asked().len(), 2);
    assert!(
        provider.asked().iter().all(|asked| asked.authorization.as_ref().unwrap().starts_with("Bearer eyJ"))
    );

    let always = Provider::start(|_, _| json(401, &json!({"code": 1000, "message": "no"}))).await;
    let kling = source(options(&always, "kling-v1-6"), Arc::default());
    let error = kling.submit(&request(), "k").await.unwrap_err();
    assert_eq!((error.kind, error.may_have_begun), (ClipErrorKind::Authentication, false));
    assert_eq!(always.asked().len(), 2);
    assert!(!format!("{kling:?}").contains("very-secret"));
}

#[tokio::test]
async fn bodies_of_clips_are_as_they_were() {
    let provider = Provider::start(|_, _| created("1")).await;
    let artifacts = Arc::new(Memory::default());
    let (a, b) = (artifacts.put(&png(720, 1_280, 1)).unwrap(), artifacts.put(&png(720, 1_280, 2)).unwrap());

    let mut text = request();
    text.negative_prompt = "people".to_owned();
    text.camera = Some(CameraMove { horizontal: -4, ..CameraMove::default() });
    let mut v1 = options(&provider, "kling-v1");
    v1.cfg_scale = Some(0.5);
    let (path, body) = sent(&provider, &source(v1, artifacts.clone()), &text).await;
    assert_eq!(path, "/v1/videos/text2video");
    golden_json("kling_legacy_text.json", &body);

    let mut image = request();
    image.first_frame = Some(a.clone());
    image.last_frame = Some(b.clone());
    image.camera = Some(CameraMove { horizontal: -4, ..CameraMove::default() });
    let mut pro = options(&provider, "kling-v2-5-turbo");
    pro.resolution = Resolution::P1080;
    let (path, body) = sent(&provider, &source(pro, artifacts.clone()), &image).await;
    assert_eq!(path, "/v1/videos/image2video");
    golden_json("kling_legacy_image.json", &body);

    let mut several = request();
    several.prompt = "@cup beside @beans".to_owned();
    several.references = vec![
        reference("cup", ReferenceKind::Picture, a.clone()),
        reference("beans", ReferenceKind::Picture, b.clone()),
    ];
    let (path, body) =
        sent(&provider, &source(options(&provider, "kling-v1-6"), artifacts.clone()), &several).await;
    assert_eq!(path, "/v1/videos/multi-image2video");
    golden_json("kling_legacy_multi_image.json", &body);

    let mut omni = several;
    omni.prompt = "@cup beside @beans as in @ride".to_owned();
    omni.references.insert(1, reference("ride", ReferenceKind::Clip, b.clone()));
    omni.first_frame = Some(a);
    let mut o1 = options(&provider, "kling-video-o1");
    o1.clips_url = Some("https://ads.example.com/clips/{hash}.mp4".to_owned());
    let (path, body) = sent(&provider, &source(o1, artifacts.clone()), &omni).await;
    assert_eq!(path, "/v1/videos/omni-video");
    golden_json("kling_legacy_omni.json", &body);

    let mut shots = request();
    shots.frames = 240;
    shots.sound = true;
    shots.task = ClipTask::MultiShot {
        shots: vec![
            ShotPrompt { prompt: "beans fall".to_owned(), frames: 90 },
            ShotPrompt { prompt: "a hand lifts the cup".to_owned(), frames: 150 },
        ],
    };
    let v3 = source(options(&provider, "kling-v3"), artifacts.clone());
    let (_, body) = sent(&provider, &v3, &shots).await;
    golden_json("kling_legacy_shots.json", &body);
    shots.frames = 120;
    shots.task = ClipTask::MultiShot {
        shots: vec![
            ShotPrompt { prompt: "beans fall".to_owned(), frames: 60 },
            ShotPrompt { prompt: "a hand lifts the cup".to_owned(), frames: 60 },
        ],
    };
    assert_eq!(v3.quote(&shots).unwrap_err().message, "shot 1 takes 2 s, and each takes at least 3 s");
}

#[tokio::test]
async fn moved_parts_are_counted_from_the_bottom() {
    let provider = Provider::start(|_, _| created("1")).await;
    let artifacts = Arc::new(Memory::default());
    let mut request = request();
    request.first_frame = Some(artifacts.put(&png(720, 1_280, 1)).unwrap());
    let mask = artifacts.put(&png(720, 1_280, 2)).unwrap();
    let part = |path: Vec<(u32, u32)>| MovedPart { mask: mask.clone(), path };
    request.task = ClipTask::MotionBrush { parts: vec![part(vec![(10, 0), (20, 1_279)])] };
    let kling = source(options(&provider, "kling-v1"), artifacts.clone());
    let (path, body) = sent(&provider, &kling, &request).await;
    assert_eq!(path, "/v1/videos/image2video");
    let wanted = json!([{"x": 10, "y": 1_279}, {"x": 20, "y": 0}]);
    assert_eq!(body["dynamic_masks"][0]["trajectories"], wanted);
    golden_json("kling_legacy_brush.json", &body);
    for (parts, said) in [
        (vec![part(vec![(1, 1)])], "the path of part 1 has 1 points, not 2 to 77"),
        (vec![part(vec![(1, 1), (1, 1_280)])], "the path of part 1 leaves the picture"),
        (vec![part(vec![(1, 1), (2, 2)]); 7], "there are 7 parts, and 1 to 6 are taken"),
    ] {
        request.task = ClipTask::MotionBrush { parts };
        assert_eq!(kling.quote(&request).unwrap_err().message, said);
    }
    let other = artifacts.put(&png(720, 1_000, 2)).unwrap();
    let parts = vec![MovedPart { mask: other, path: vec![(1, 1), (2, 2)] }];
    request.task = ClipTask::MotionBrush { parts };
    let said = "the mask of part 1 has not the size of the first frame";
    assert_eq!(kling.quote(&request).unwrap_err().message, said);
}

#[tokio::test]
async fn lips_follow_a_sound_in_two_steps() {
    let provider = Provider::start(|asked: &Asked, number| match asked.path.as_str() {
        "/v1/videos/identify-face" => json(
            200,
            &json!({"code": 0, "data": {"session_id": "s1", "face_data": [
                {"face_id": "0", "start_time": 0, "end_time": 900},
                {"face_id": "1", "start_time": 1_000, "end_time": 5_200},
            ]}}),
        ),
        "/v1/videos/advanced-lip-sync" if number == 1 => {
            json(429, &json!({"code": 1303, "message": "parallel task over resource pack limit"}))
        }
        "/v1/videos/advanced-lip-sync" => created("55"),
        other => panic!("{other}"),
    })
    .await;
    let artifacts = Arc::new(Memory::default());
    let mut request = request();
    let (clip, sound) = (artifacts.put(b"clip").unwrap(), artifacts.put(&wav(2_500)).unwrap());
    request.task = ClipTask::LipSync { clip: clip.clone(), sound };
    let silent = source(options(&provider, "kling-v1-6"), artifacts.clone());
    let said = "kling-v1-6 does not make lips that follow a sound";
    assert_eq!(silent.quote(&request).unwrap_err().message, said);
    let mut options = options(&provider, "kling-v1-6");
    options.clips_url = Some("https://ads.example.com/clips/{hash}.mp4".to_owned());
    let per_job =
        Price { task: Some("identify_face".to_owned()), per: Per::Job, ..options.row.prices[0].clone() };
    options.row.prices.insert(0, per_job);
    let again = options.clone();
    let kling = source(options, artifacts.clone());
    let face = Micros(100_000);
    assert_eq!(kling.quote(&request).unwrap().at_most, Micros(600_000));
    let halfway = kling.submit(&request, "key-1").await.unwrap();
    // Another process goes on with what was paid.
    let kling = source(again, artifacts.clone());
    assert_eq!(kling.poll(&halfway).await.unwrap(), JobState::Halfway { charged: face });
    let busy = kling.go_on(&request, "key-1", &halfway).await.unwrap_err();
    assert_eq!((busy.kind, busy.charged), (ClipErrorKind::Busy, Some(face)));
    let job = kling.go_on(&request, "key-1", &halfway).await.unwrap();
    assert_eq!(job, JobId("advanced-lip-sync:55".to_owned()));
    let asked = provider.asked();
    let url = format!("https://ads.example.com/clips/{clip}.mp4");
    assert_eq!(asked[0].json(), json!({ "video_url": url }));
    // The face was paid for once.
    assert_eq!(asked.len(), 3);
    let mut body = asked[2].json();
    let sound = body["face_choose"][0]["sound_file"].take();
    assert!(sound.as_str().unwrap().starts_with("UklGR"));
    golden_json("kling_legacy_lip_sync.json", &body);
    request.task = ClipTask::LipSync { clip, sound: artifacts.put(&wav(1_900)).unwrap() };
    let said = "the sound takes 1900 ms, and 2 to 60 s are taken";
    assert_eq!(kling.quote(&request).unwrap_err().message, said);
}

#[tokio::test]
async fn speech_is_done_when_it_is_answered() {
    let provider = Provider::start(|_, _| {
        json(
            200,
            &json!({"code": 0, "data": {"task_id": "3", "task_status": "succeed", "final_unit_deduction": "0.05",
                "task_result": {"audios": [{"id": "a1", "url": "https://a.example/s.mp3", "duration": "2.1"}]}}}),
        )
    })
    .await;
    let mut options = options(&provider, "kling-v1-6");
    options.voice = Some("oversea_male1".to_owned());
    let kling = source(options, Arc::default());
    let mut request = request();
    request.task = ClipTask::Speech { text: "限时特惠".to_owned(), voice: String::new() };
    let (path, body) = sent(&provider, &kling, &request).await;
    assert_eq!(path, "/v1/audio/tts");
    golden_json("kling_legacy_speech.json", &body);
    let job = kling.submit(&request, "key-1").await.unwrap();
    let asked = provider.asked().len();
    let JobState::Done { outputs, charged, .. } = kling.poll(&job).await.unwrap() else { panic!("not done") };
    assert_eq!((outputs[0].location.as_str(), charged), ("https://a.example/s.mp3", Some(Micros(7_000))));
    assert_eq!(provider.asked().len(), asked);
    // A crash in between cannot be mended by looking.
    assert_eq!(kling.find(&request, "key-1").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
}

#[tokio::test]
async fn pictures_are_made_and_asked_for_under_their_path() {
    let provider = Provider::start(|asked: &Asked, _| {
        if asked.path == "/v1/images/generations" {
            return created("8");
        }
        assert_eq!(asked.path, "/v1/images/generations/8");
        json(
            200,
            &json!({"code": 0, "data": {"task_id": "8", "task_status": "succeed",
                "task_result": {"images": [{"index": 0, "url": "https://a.example/p.png"}]}}}),
        )
    })
    .await;
    let kling = source(options(&provider, "kling-v1-6"), Arc::default());
    let mut request = request();
    request.task = ClipTask::Picture;
    request.negative_prompt = "text".to_owned();
    let (_, body) = sent(&provider, &kling, &request).await;
    golden_json("kling_legacy_picture.json", &body);
    let job = JobId("generations:8".to_owned());
    let JobState::Done { outputs, .. } = kling.poll(&job).await.unwrap() else { panic!("not done") };
    assert_eq!(outputs[0].location, "https://a.example/p.png");
}

#[tokio::test]
async fn a_job_is_found_under_its_path() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/v1/videos/text2video/key-1" => json(
            200,
            &json!({"code": 0, "data": {"task_id": "5", "task_status": "processing",
                "task_info": {"external_task_id": "key-1"}}}),
        ),
        "/v1/videos/text2video/key%2F2" => json(404, &json!({"code": 1203, "message": "no such task"})),
        "/v1/videos/text2video/key-3" => json(503, &json!({"code": 5001, "message": "maintenance"})),
        other => panic!("{other}"),
    })
    .await;
    let kling = source(options(&provider, "kling-v1-6"), Arc::default());
    let request = request();
    assert_eq!(kling.find(&request, "key-1").await.unwrap(), Some(JobId("text2video:5".to_owned())));
    assert_eq!(kling.find(&request, "key/2").await.unwrap(), None);
    assert_eq!(kling.find(&request, "key-3").await.unwrap_err().kind, ClipErrorKind::Unavailable);
}

#[tokio::test]
async fn an_extension_is_missing_for_certain_or_cannot_be_told() {
    let provider = Provider::start(|asked: &Asked, _| {
        if asked.path == "/v1/videos/video-extend" {
            return created("6");
        }
        assert_eq!(asked.path, "/v1/videos/video-extend?pageNum=1&pageSize=500");
        let task =
            json!({"task_id": "6", "task_status": "processing", "task_info": {"parent_video": {"id": "v1"}}});
        json(200, &json!({"code": 0, "data": [task]}))
    })
    .await;
    let kling = source(options(&provider, "kling-v1-6"), Arc::default());
    let mut request = request();
    request.frames = 120;
    request.task = ClipTask::Extend { of: "v2".to_owned() };
    let (_, body) = sent(&provider, &kling, &request).await;
    golden_json("kling_legacy_extend.json", &body);
    assert_eq!(kling.find(&request, "key-1").await.unwrap(), None);
    request.task = ClipTask::Extend { of: "v1".to_owned() };
    assert_eq!(kling.find(&request, "key-1").await.unwrap_err().kind, ClipErrorKind::BadAnswer);
}
