//! `/v1/videos` in three flavors.

use serde_json::{Value, json};
use spotwright_fake_video::{Fault, Options, Route, recognize};
use spotwright_schemas::money::{Currency, Micros};

use crate::client::{World, look, product, send};

const FIELDS: [(&str, &str); 6] = [
    ("prompt", "a red cup"),
    ("size", "96x160"),
    ("num_frames", "33"),
    ("fps", "16"),
    ("seed", "7"),
    ("user", "shot-1"),
];

fn id(created: &Value) -> String {
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn vllm_omni_makes_what_the_form_asks_for() {
    let world = World::start().await;
    let created = world.form("/v1/videos", &FIELDS, None).await.json();
    assert_eq!((&created["status"], &created["progress"]), (&json!("queued"), &json!(0)));
    let path = format!("/v1/videos/{}", id(&created));
    assert_eq!(world.get(&format!("{path}/content")).await.status, 400);
    world.pass(17).await;
    let running = world.get(&path).await.json();
    assert_eq!((&running["status"], &running["progress"]), (&json!("in_progress"), &json!(50)));
    world.pass(15).await;
    let done = world.get(&path).await.json();
    assert_eq!(
        (&done["status"], &done["progress"], &done["seed"]),
        (&json!("completed"), &json!(100), &json!(7))
    );
    assert_eq!((&done["seconds"], &done["size"]), (&json!("2.062"), &json!("96x160")));
    let file = world.get(&format!("{path}/content")).await;
    assert_eq!(file.headers["content-type"], "video/mp4");
    let clip = look(&file.body);
    assert_eq!((clip.frames(), clip.fps(), clip.size()), (33, 16.0, (96, 160)));
    let others = [("a red cup", 7), ("a red cup", 8), ("a shoe", 7)];
    assert_eq!(recognize(clip.marks[16], &others), Some(("a red cup", 7)));
    // 10,000 micros a second, 33/16 seconds.
    assert_eq!(world.provider.bill(Currency::USD), Micros(20_625));
    assert_eq!(world.provider.generations_of("shot-1").len(), 1);
}

#[tokio::test]
async fn vllm_omni_takes_forms_only_and_makes_one_frame_unless_told_more() {
    let world = World::start().await;
    assert_eq!(world.post("/v1/videos", json!({"prompt": "a"})).await.status, 422);
    let fields = [("prompt", "a"), ("seconds", "2"), ("size", "64x64")];
    let created = world.form("/v1/videos", &fields, None).await.json();
    world.pass(60).await;
    let clip = look(&world.get(&format!("/v1/videos/{}/content", id(&created))).await.body);
    assert_eq!(clip.frames(), 1);
}

#[tokio::test]
async fn a_reference_picture_is_what_the_clip_shows() {
    let world = World::start().await;
    let picture = product(64, 64);
    let created = world.form("/v1/videos", &FIELDS, Some(("input_reference", &picture))).await.json();
    world.pass(60).await;
    let clip = look(&world.get(&format!("/v1/videos/{}/content", id(&created))).await.body);
    let [left, right] = clip.halves[0];
    assert!(left[0] > 150 && right[2] > 150, "{left:?} {right:?}");
    let data = format!("{{\"image_url\":\"data:image/png;base64,{}\"}}", crate::client::base64(&picture));
    let both = [FIELDS[0], ("image_reference", data.as_str())];
    assert_eq!(world.form("/v1/videos", &both, Some(("input_reference", &picture))).await.status, 400);
    assert_eq!(world.form("/v1/videos", &both, None).await.status, 200);
    assert_eq!(world.form("/v1/videos", &FIELDS, Some(("input_reference", b"no picture"))).await.status, 400);
}

#[tokio::test]
async fn sglang_counts_whole_seconds_has_its_own_seed_and_tells_of_deleted_jobs() {
    let world = World::start().await;
    let path = "/sglang/v1/videos";
    let asked = |seconds: Value| json!({"prompt": "a", "size": "64x96", "seconds": seconds});
    assert_eq!(world.post(path, asked(json!("2"))).await.status, 422);
    assert_eq!(world.form(path, &FIELDS, None).await.status, 422);
    let created = world.post(path, asked(json!(2))).await.json();
    assert_eq!((&created["seconds"], &created["seed"]), (&json!("2"), &json!(1024)));
    world.pass(60).await;
    let job = format!("{path}/{}", id(&created));
    let clip = look(&world.get(&format!("{job}/content")).await.body);
    assert_eq!((clip.frames(), clip.fps()), (48, 24.0));
    assert_eq!(world.delete(&job).await.json()["deleted"], true);
    assert_eq!(world.get(&job).await.json()["status"], "deleted");
    assert_eq!(world.get(&format!("{job}/content")).await.status, 404);
}

#[tokio::test]
async fn tensorrt_llm_takes_json_and_forgets_deleted_jobs() {
    let world = World::start().await;
    let path = "/tensorrt_llm/v1/videos";
    let asked = json!({"prompt": "a", "size": "64x96", "seconds": 1.5, "fps": 8, "seed": 3});
    let created = world.post(path, asked).await.json();
    let job = format!("{path}/{}", id(&created));
    world.pass(60).await;
    assert_eq!(look(&world.get(&format!("{job}/content")).await.body).frames(), 12);
    assert_eq!(world.delete(&job).await.status, 200);
    assert_eq!(world.get(&job).await.status, 404);
    assert_eq!(world.delete(&job).await.status, 404);
}

#[tokio::test]
async fn jobs_wait_for_the_one_gpu_and_a_deleted_one_frees_it_unpaid() {
    let world = World::start().await;
    let one = id(&world.form("/v1/videos", &FIELDS, None).await.json());
    let two = id(&world.form("/v1/videos", &FIELDS, None).await.json());
    world.pass(10).await;
    let status = async |id: &str| world.get(&format!("/v1/videos/{id}")).await.json()["status"].clone();
    assert_eq!((status(&one).await, status(&two).await), (json!("in_progress"), json!("queued")));
    assert_eq!(world.delete(&format!("/v1/videos/{one}")).await.status, 200);
    world.pass(1).await;
    assert_eq!(status(&two).await, json!("in_progress"));
    world.pass(60).await;
    // Equal requests under one key: what was stopped was not paid, so nothing was paid twice.
    assert_eq!(world.provider.bill(Currency::USD), Micros(20_625));
    assert!(world.provider.duplicates().is_empty());
    let listed = world.get("/v1/videos").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_delete_that_leaves_the_gpu_running_is_paid() {
    let world = World::start().await;
    world.provider.plan().on(Route::Create).fault(Fault::CancelIgnored);
    let one = id(&world.form("/v1/videos", &FIELDS, None).await.json());
    let two = id(&world.form("/v1/videos", &FIELDS, None).await.json());
    world.pass(10).await;
    assert_eq!(world.delete(&format!("/v1/videos/{one}")).await.json()["deleted"], true);
    world.pass(1).await;
    assert_eq!(world.get(&format!("/v1/videos/{two}")).await.json()["status"], "queued");
    world.pass(100).await;
    let ends: Vec<String> = world.provider.log().generations.into_iter().map(|one| one.end).collect();
    assert_eq!(ends, ["done", "done"]);
    assert_eq!(world.provider.bill(Currency::USD), Micros(41_250));
    assert_eq!(world.provider.duplicates(), ["shot-1"]);
}

#[tokio::test]
async fn a_synchronous_call_is_answered_with_the_clip() {
    let world = World::with(Options::real(100)).await;
    let answer = world.form("/v1/videos/sync", &FIELDS, None).await;
    assert_eq!((answer.status, look(&answer.body).frames()), (200, 33));
    assert_eq!(world.form("/sglang/v1/videos/sync", &FIELDS, None).await.status, 405);
}

#[tokio::test]
async fn a_key_is_asked_for_where_one_is_set() {
    let world = World::with(Options { server_key: Some("k".to_owned()), ..Options::logical() }).await;
    let ask = async |path: &str, key: &str| {
        send("GET", &world.url(path), &[("authorization", key)], Vec::new()).await.unwrap().status
    };
    assert_eq!(ask("/v1/models", "Bearer other").await, 401);
    assert_eq!(ask("/v1/models", "Bearer k").await, 200);
    assert_eq!(ask("/health", "").await, 200);
}
