//! Kling's legacy dialect.

use serde_json::{Value, json};
use spotwright_fake_video::{Options, mark, mint_jwt, recognize};
use spotwright_schemas::money::{Currency, Micros};

use crate::client::{World, base64, look, product, send};

const TEXT: &str = "/v1/videos/text2video";
const IMAGE: &str = "/v1/videos/image2video";

#[tokio::test]
async fn a_clip_from_words_is_created_polled_downloaded_and_shows_its_prompt() {
    let world = World::start().await;
    let asked = json!({"model_name": "kling-v2-1-master", "prompt": "a red cup", "aspect_ratio": "9:16",
        "duration": "5", "external_task_id": "shot-1"});
    let created = world.post(TEXT, asked).await.json();
    assert_eq!((created["code"].as_i64(), created["message"].as_str()), (Some(0), Some("SUCCEED")));
    let data = &created["data"];
    assert_eq!(
        (&data["task_status"], &data["task_info"]["external_task_id"]),
        (&json!("submitted"), &json!("shot-1"))
    );
    let id = data["task_id"].as_str().unwrap();

    world.pass(3).await;
    let running = world.get(&format!("{TEXT}/{id}")).await.json();
    assert_eq!(running["data"]["task_status"], "processing");
    assert!(running["data"].get("task_result").is_none());
    world.pass(60).await;
    // By the client's own key as well.
    let done = world.get(&format!("{TEXT}/shot-1")).await.json();
    assert_eq!((&done["data"]["task_status"], &done["data"]["task_id"]), (&json!("succeed"), &json!(id)));
    assert_eq!(done["data"]["final_unit_deduction"], "2");
    let video = &done["data"]["task_result"]["videos"][0];
    assert_eq!(video["duration"], "5.0");

    let file = world.get(video["url"].as_str().unwrap()).await;
    assert_eq!((file.status, file.headers["content-type"].as_str()), (200, "video/mp4"));
    let clip = look(&file.body);
    assert_eq!((clip.frames(), clip.fps(), clip.size()), (120, 24.0, (96, 170)));
    assert!(clip.motion() > 10.0, "stripes wander");
    assert!(clip.content.audio.is_none());
    let others = [("a red cup", 0), ("a blue shoe", 0), ("a red cup", 1)];
    assert_eq!(recognize(clip.marks[60], &others), Some(("a red cup", 0)));
    let wanted = mark("a red cup", 0);
    assert!(clip.marks[60].iter().zip(wanted).all(|(seen, asked)| seen.abs_diff(asked) < 12));

    let log = world.provider.log();
    assert_eq!(log.generations.len(), 1);
    assert_eq!(log.generations[0].charged, Micros(2_000_000));
    assert_eq!(world.provider.bill(Currency::CNY), Micros(2_000_000));
}

#[tokio::test]
async fn a_clip_from_a_picture_shows_it_coming_closer_at_thirty_frames() {
    let world = World::start().await;
    let image = base64(&product(400, 600));
    let asked = json!({"model_name": "kling-v1-6", "mode": "pro", "image": image, "prompt": "it turns"});
    let id = world.post(IMAGE, asked).await.json()["data"]["task_id"].as_str().unwrap().to_owned();
    world.pass(60).await;
    let done = world.get(&format!("{IMAGE}/{id}")).await.json();
    let url = done["data"]["task_result"]["videos"][0]["url"].as_str().unwrap().to_owned();
    let clip = look(&world.get(&url).await.body);
    assert_eq!((clip.frames(), clip.fps(), clip.size()), (150, 30.0, (96, 144)));
    for [left, right] in &clip.halves {
        assert!(left[0] > 150 && left[2] < 80, "red left: {left:?}");
        assert!(right[2] > 150 && right[0] < 80, "blue right: {right:?}");
    }
    assert_eq!(world.provider.bill(Currency::CNY), Micros(3_500_000));
}

#[tokio::test]
async fn tokens_are_checked_by_key_signature_and_time() {
    let world = World::start().await;
    let now = world.provider.now_ms();
    let ask = async |token: Option<String>| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> =
            bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let answer = send("GET", &world.url(TEXT), &headers, Vec::new()).await.unwrap();
        (answer.status, answer.json()["code"].as_i64().unwrap())
    };
    let (access, secret) = ("fake-access", "fake-secret");
    assert_eq!(ask(Some(mint_jwt(access, secret, now))).await, (200, 0));
    assert_eq!(ask(Some("fake-api-key".to_owned())).await, (200, 0));
    assert_eq!(ask(Some(mint_jwt(access, "another", now))).await, (401, 1000));
    assert_eq!(ask(None).await, (401, 1001));
    assert_eq!(ask(Some("no token".to_owned())).await, (401, 1002));
    assert_eq!(ask(Some(mint_jwt("another", secret, now))).await, (401, 1002));
    assert_eq!(ask(Some(mint_jwt(access, secret, now + 60_000))).await, (401, 1003));
    assert_eq!(ask(Some(mint_jwt(access, secret, now - 1_800_000))).await, (401, 1004));
}

#[tokio::test]
async fn a_key_is_used_once_and_tasks_beyond_the_pack_wait_outside() {
    let world = World::with(Options { parallel_videos: 2, ..Options::logical() }).await;
    let ask = async |key: &str| {
        let answer = world.post(TEXT, json!({"prompt": "a cup", "external_task_id": key})).await;
        (answer.status, answer.json()["code"].as_i64().unwrap())
    };
    assert_eq!(ask("one").await, (200, 0));
    assert_eq!(ask("one").await, (400, 1201));
    assert_eq!(ask("two").await, (200, 0));
    assert_eq!(ask("three").await, (429, 1303));
    world.pass(60).await;
    assert_eq!(ask("three").await, (200, 0));
    assert_eq!(world.provider.generations_of("one").len(), 1);
    assert!(world.provider.duplicates().is_empty());
    let listed = world.get(&format!("{TEXT}?pageNum=1&pageSize=2")).await.json();
    let keys: Vec<&Value> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["task_info"]["external_task_id"])
        .collect();
    assert_eq!(keys, ["three", "two"]);
}

#[tokio::test]
async fn results_are_deleted_after_thirty_days() {
    let world = World::start().await;
    let id = world.post(TEXT, json!({"prompt": "a cup"})).await.json()["data"]["task_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass(60).await;
    let done = world.get(&format!("{TEXT}/{id}")).await.json();
    let video = done["data"]["task_result"]["videos"][0].clone();
    let url = video["url"].as_str().unwrap();
    assert_eq!(world.get(url).await.status, 200);
    world.pass(30 * 24 * 3_600).await;
    assert_eq!(world.get(url).await.status, 404);
    let extended = world.post("/v1/videos/video-extend", json!({"video_id": video["id"]})).await;
    assert_eq!((extended.status, extended.json()["code"].as_i64()), (400, Some(1201)));
}

#[tokio::test]
async fn parameters_that_break_a_rule_are_refused_by_code() {
    let world = World::start().await;
    let picture = base64(&product(300, 300));
    let small = base64(&product(299, 400));
    let long = base64(&product(300, 900));
    let mask = base64(&product(300, 300));
    let point = |x: u32| json!({"x": x, "y": 10});
    let config = |pan: i32, zoom: i32| json!({"type": "simple", "config": {"pan": pan, "zoom": zoom}});
    let shot = |index: u32, duration: &str| json!({"index": index, "prompt": "a cup", "duration": duration});
    let refused: Vec<(&str, Value, i64)> = vec![
        (TEXT, json!({}), 1201),
        (TEXT, json!({"prompt": "a".repeat(2_501)}), 1201),
        (TEXT, json!({"prompt": "a", "model_name": "kling-v9"}), 1203),
        (TEXT, json!({"prompt": "a", "cfg_scale": 1.5}), 1201),
        (TEXT, json!({"prompt": "a", "cfg_scale": 0.5, "model_name": "kling-v2-master"}), 1201),
        (TEXT, json!({"prompt": "a", "mode": "best"}), 1201),
        (TEXT, json!({"prompt": "a", "aspect_ratio": "4:3"}), 1201),
        (TEXT, json!({"prompt": "a", "duration": 5}), 1201),
        (TEXT, json!({"prompt": "a", "duration": "7"}), 1201),
        (TEXT, json!({"prompt": "a", "model_name": "kling-v3", "duration": "16"}), 1201),
        (TEXT, json!({"prompt": "a", "camera_control": config(1, 2)}), 1201),
        (TEXT, json!({"prompt": "a", "camera_control": config(11, 0)}), 1201),
        (TEXT, json!({"prompt": "a", "camera_control": config(3, 0), "mode": "pro"}), 1201),
        (TEXT, json!({"prompt": "a", "camera_control": {"type": "down_back", "config": {"pan": 1}}}), 1201),
        (TEXT, json!({"prompt": "a", "sound": "on"}), 1201),
        (
            TEXT,
            json!({"model_name": "kling-v3", "multi_shot": true, "duration": "6",
            "multi_prompt": [shot(1, "3"), shot(2, "4")]}),
            1201,
        ),
        (
            TEXT,
            json!({"model_name": "kling-v3", "multi_shot": true, "duration": "5",
            "multi_prompt": [shot(1, "3"), shot(2, "2")]}),
            1201,
        ),
        (IMAGE, json!({"prompt": "a"}), 1201),
        (IMAGE, json!({"image": small}), 1201),
        (IMAGE, json!({"image": long}), 1201),
        (IMAGE, json!({"image": format!("data:image/png;base64,{picture}")}), 1201),
        (IMAGE, json!({"image": "bm8gcGljdHVyZQ=="}), 1201),
        (IMAGE, json!({"image": picture, "image_tail": picture, "model_name": "kling-v1-6"}), 1201),
        (IMAGE, json!({"image": picture, "image_tail": picture, "static_mask": mask}), 1201),
        (
            IMAGE,
            json!({"image": picture, "dynamic_masks": [{"mask": mask, "trajectories": [point(1)]}]}),
            1201,
        ),
        (
            IMAGE,
            json!({"image": picture, "dynamic_masks": [{"mask": mask,
            "trajectories": [point(1), point(301)]}]}),
            1201,
        ),
        ("/v1/videos/multi-image2video", json!({"prompt": "a", "image_list": []}), 1201),
        (
            "/v1/videos/omni-video",
            json!({"prompt": "a",
            "image_list": [{"image_url": picture, "type": "end_frame"}]}),
            1201,
        ),
        ("/v1/videos/video-extend", json!({"video_id": "clip-1"}), 1201),
        ("/v1/images/generations", json!({"prompt": "a", "n": 10}), 1201),
        ("/v1/audio/tts", json!({"text": "a".repeat(1_001), "voice_id": "v", "voice_language": "en"}), 1201),
    ];
    for (path, body, code) in refused {
        let answer = world.post(path, body.clone()).await;
        assert_eq!(answer.json()["code"].as_i64(), Some(code), "{path} {body} {}", answer.json());
        assert_eq!(answer.status, if code == 1203 { 404 } else { 400 });
        assert!(answer.json()["request_id"].is_string());
    }
    assert!(world.provider.log().generations.is_empty());
    let taken: Vec<(&str, Value)> = vec![
        (TEXT, json!({"prompt": "a", "camera_control": config(3, 0)})),
        (
            TEXT,
            json!({"model_name": "kling-v3", "multi_shot": true, "duration": "6", "sound": "on",
            "multi_prompt": [shot(1, "3"), shot(2, "3")]}),
        ),
        (IMAGE, json!({"image": picture, "image_tail": picture, "model_name": "kling-v1-6", "mode": "pro"})),
        (
            IMAGE,
            json!({"image": picture, "dynamic_masks": [{"mask": mask, "trajectories": [point(1), point(2)]}]}),
        ),
    ];
    for (path, body) in taken {
        let answer = world.post(path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path} {}", answer.json());
    }
}

#[tokio::test]
async fn masks_that_do_not_fit_the_picture_make_the_task_fail_unpaid() {
    let world = World::start().await;
    let points = json!([{"x": 1, "y": 1}, {"x": 2, "y": 2}]);
    let asked = json!({"image": base64(&product(300, 300)),
        "dynamic_masks": [{"mask": base64(&product(300, 400)), "trajectories": points}]});
    let id = world.post(IMAGE, asked).await.json()["data"]["task_id"].as_str().unwrap().to_owned();
    world.pass(60).await;
    let failed = world.get(&format!("{IMAGE}/{id}")).await.json();
    assert_eq!(failed["data"]["task_status"], "failed");
    assert!(!failed["data"]["task_status_msg"].as_str().unwrap().is_empty());
    assert_eq!(world.provider.bill(Currency::CNY), Micros(0));
}

#[tokio::test]
async fn clips_are_extended_and_lips_follow_a_spoken_line() {
    let world = World::start().await;
    let id = world.post(TEXT, json!({"prompt": "a face"})).await.json()["data"]["task_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass(60).await;
    let first = world.get(&format!("{TEXT}/{id}")).await.json();
    let clip = first["data"]["task_result"]["videos"][0]["id"].clone();
    let extended = world.post("/v1/videos/video-extend", json!({"video_id": clip})).await.json();
    assert_eq!(extended["data"]["task_info"]["parent_video"]["id"], clip);

    let line = json!({"text": "Fresh coffee for you, every single morning", "voice_id": "girl", "voice_language": "en"});
    let spoken = world.post("/v1/audio/tts", line).await.json();
    assert_eq!(spoken["data"]["task_status"], "succeed");
    let audio = &spoken["data"]["task_result"]["audios"][0];
    let wav = world.get(audio["url"].as_str().unwrap()).await;
    assert_eq!((&wav.body[..4], wav.headers["content-type"].as_str()), (b"RIFF".as_slice(), "audio/wav"));

    let faces = world.post("/v1/videos/identify-face", json!({"video_id": clip})).await.json();
    assert_eq!(faces["data"]["face_data"][0]["end_time"], 5_000);
    let face = json!({"face_id": "0", "audio_id": audio["id"], "sound_start_time": 0, "sound_end_time": 2_500,
        "sound_insert_time": 500});
    let asked = json!({"session_id": faces["data"]["session_id"], "face_choose": [face]});
    let synced = world.post("/v1/videos/advanced-lip-sync", asked.clone()).await.json();
    world.pass(60).await;
    let path = format!("/v1/videos/advanced-lip-sync/{}", synced["data"]["task_id"].as_str().unwrap());
    let url =
        world.get(&path).await.json()["data"]["task_result"]["videos"][0]["url"].as_str().unwrap().to_owned();
    assert!(look(&world.get(&url).await.body).content.audio.is_some());
    let path = format!("/v1/videos/video-extend/{}", extended["data"]["task_id"].as_str().unwrap());
    let longer = world.get(&path).await.json();
    assert_eq!(longer["data"]["task_result"]["videos"][0]["duration"], "10.0");

    world.pass(25 * 3_600).await;
    assert_eq!(world.post("/v1/videos/advanced-lip-sync", asked).await.status, 400);
    // Clip 2, extension 1, line 0.05, faces 0.05, one started 5 s of lip-sync 0.5.
    assert_eq!(world.provider.bill(Currency::CNY), Micros(3_600_000));
}

#[tokio::test]
async fn pictures_hold_a_slot_each_and_come_in_order() {
    let world = World::with(Options { parallel_pictures: 4, ..Options::logical() }).await;
    let path = "/v1/images/generations";
    let asked = json!({"prompt": "a cup", "n": 3, "aspect_ratio": "1:1"});
    let id = world.post(path, asked.clone()).await.json()["data"]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(world.post(path, asked).await.json()["code"], 1303);
    world.pass(60).await;
    let done = world.get(&format!("{path}/{id}")).await.json();
    let images = done["data"]["task_result"]["images"].as_array().unwrap().clone();
    let mut files = Vec::new();
    for (idx, image) in images.iter().enumerate() {
        assert_eq!(image["index"], idx);
        let file = world.get(image["url"].as_str().unwrap()).await.body;
        assert_eq!(image::load_from_memory(&file).unwrap().width(), 96);
        assert!(file.windows(9).any(|part| part == b"simulated"));
        files.push(file);
    }
    assert_eq!(files.len(), 3);
    assert!(files[0] != files[1] && files[1] != files[2]);
    assert_eq!(world.provider.bill(Currency::CNY), Micros(75_000));
}
