//! ComfyUI.

use serde_json::{Value, json};
use spotwright_fake_video::{Fault, Options, Route, recognize};
use spotwright_schemas::money::{Currency, Micros};

use crate::client::{World, look, product};

fn graph(seed: u64) -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": seed, "steps": 4, "positive": ["50", 0],
            "negative": ["7", 0], "latent_image": ["50", 2]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red cup"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}},
        "50": {"class_type": "WanImageToVideo", "inputs": {"positive": ["6", 0], "negative": ["7", 0],
            "width": 96, "height": 160, "length": 17}},
        "57": {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 8}},
        "58": {"class_type": "SaveVideo", "inputs": {"video": ["57", 0], "filename_prefix": "video/clip"}},
    })
}

async fn prompt(world: &World, graph: Value, key: &str) -> String {
    let asked = json!({"prompt": graph, "client_id": "tests", "extra_data": {"key": key}});
    let answer = world.post("/prompt", asked).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()["prompt_id"].as_str().unwrap().to_owned()
}

fn ids(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|entry| entry[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_prompt_goes_through_the_queue_into_the_history_and_its_file_is_viewed() {
    let world = World::start().await;
    let one = prompt(&world, graph(7), "shot-1").await;
    let two = prompt(&world, graph(8), "shot-2").await;
    world.pass(10).await;
    let queue = world.get("/queue").await.json();
    assert_eq!(
        (ids(&queue["queue_running"]), ids(&queue["queue_pending"])),
        (vec![one.as_str()], vec![two.as_str()])
    );
    assert_eq!(world.get("/prompt").await.json()["exec_info"]["queue_remaining"], 2);
    assert_eq!(world.get(&format!("/history/{one}")).await.json(), json!({}));
    let job = |id: &str| format!("/api/jobs/{id}");
    assert_eq!(world.get(&job(&one)).await.json()["status"], "in_progress");
    assert_eq!(world.get(&job(&two)).await.json()["status"], "pending");
    world.pass(25).await;
    let history = world.get(&format!("/api/history/{one}")).await.json();
    let entry = &history[one.as_str()];
    assert_eq!(entry["status"]["status_str"], "success");
    let file = &entry["outputs"]["58"]["images"][0];
    assert_eq!((&file["subfolder"], &file["type"]), (&json!("video"), &json!("output")));
    assert_eq!(world.get(&job(&one)).await.json()["outputs_count"], 1);
    let view = format!("/view?filename={}&subfolder=video&type=output", file["filename"].as_str().unwrap());
    let clip = look(&world.get(&view).await.body);
    assert_eq!((clip.frames(), clip.fps(), clip.size()), (17, 8.0, (96, 160)));
    let others = [("a red cup", 7), ("a red cup", 8), ("blurry", 7)];
    assert_eq!(recognize(clip.marks[8], &others), Some(("a red cup", 7)));
    // 17/8 s at 10,000 micros.
    assert_eq!(world.provider.bill(Currency::USD), Micros(21_250));
    assert_eq!(world.get("/api/jobs?status=completed").await.json()["pagination"]["total"], 1);
}

#[tokio::test]
async fn an_uploaded_picture_is_what_the_clip_shows() {
    let world = World::start().await;
    let mut with_picture = graph(1);
    with_picture["52"] = json!({"class_type": "LoadImage", "inputs": {"image": "product.png"}});
    with_picture["50"]["inputs"]["start_image"] = json!(["52", 0]);
    let refused = world.post("/prompt", json!({"prompt": with_picture})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["node_errors"]["52"]["class_type"], "LoadImage");
    let picture = product(96, 160);
    let uploaded =
        world.form("/upload/image", &[("overwrite", "false")], Some(("image", &picture))).await.json();
    assert_eq!((&uploaded["name"], &uploaded["type"]), (&json!("product.png"), &json!("input")));
    let other = world.form("/upload/image", &[], Some(("image", &product(32, 32)))).await.json();
    assert_eq!(other["name"], "product (1).png");
    let out = [("subfolder", "../..")];
    assert_eq!(world.form("/upload/image", &out, Some(("image", &picture))).await.status, 400);
    let id = prompt(&world, with_picture, "k").await;
    world.pass(60).await;
    let clip = look(&world.get(&format!("/view?filename={id}_00001_.mp4")).await.body);
    let [left, right] = clip.halves[0];
    assert!(left[0] > 150 && right[2] > 150, "{left:?} {right:?}");
}

#[tokio::test]
async fn graphs_that_cannot_run_are_refused_with_the_node() {
    let world = World::start().await;
    let mut unknown = graph(1);
    unknown["3"]["class_type"] = json!("NoSuchNode");
    let mut unlinked = graph(1);
    unlinked["8"]["inputs"]["samples"] = json!(["99", 0]);
    let mut too_wide = graph(1);
    too_wide["50"]["inputs"]["width"] = json!(100_000);
    let mut silent = graph(1);
    silent.as_object_mut().unwrap().remove("58");
    for (graph, kind) in [
        (Value::Null, "no_prompt"),
        (json!({"1": {"inputs": {}}}), "invalid_prompt"),
        (unknown, "invalid_prompt"),
        (unlinked, "prompt_outputs_failed_validation"),
        (too_wide, "prompt_outputs_failed_validation"),
        (silent, "prompt_no_outputs"),
    ] {
        let answer = world.post("/prompt", json!({"prompt": graph})).await;
        assert_eq!((answer.status, &answer.json()["error"]["type"]), (400, &json!(kind)));
    }
    assert!(world.provider.log().generations.is_empty());
    let known = world.get("/object_info/KSampler").await.json();
    assert!(known["KSampler"].is_object());
    assert!(world.get("/system_stats").await.json()["devices"][0]["vram_total"].is_u64());
}

#[tokio::test]
async fn waiting_prompts_are_deleted_and_the_running_one_is_interrupted() {
    let world = World::start().await;
    let one = prompt(&world, graph(1), "one").await;
    let two = prompt(&world, graph(2), "two").await;
    world.pass(10).await;
    world.post("/queue", json!({"delete": [two, one]})).await;
    let queue = world.get("/queue").await.json();
    assert_eq!((ids(&queue["queue_running"]), ids(&queue["queue_pending"])), (vec![one.as_str()], vec![]));
    world.post("/interrupt", json!({})).await;
    let history = world.get(&format!("/history/{one}")).await.json();
    let status = &history[one.as_str()]["status"];
    assert_eq!(
        (&status["status_str"], &status["messages"][1][0]),
        (&json!("error"), &json!("execution_interrupted"))
    );
    assert_eq!(world.get(&format!("/history/{two}")).await.json(), json!({}));
    assert_eq!(world.get(&format!("/api/jobs/{one}")).await.json()["status"], "failed");
    world.pass(100).await;
    assert_eq!(world.provider.bill(Currency::USD), Micros(0));
}

#[tokio::test]
async fn a_restart_loses_the_queue_and_the_history_and_sending_again_is_no_duplicate() {
    let world = World::start().await;
    let done = prompt(&world, graph(1), "done").await;
    world.pass(60).await;
    let lost = prompt(&world, graph(2), "shot-2").await;
    world.pass(5).await;
    world.provider.restart(false);
    let queue = world.get("/queue").await.json();
    assert_eq!((ids(&queue["queue_running"]).len(), ids(&queue["queue_pending"]).len()), (0, 0));
    for id in [&done, &lost] {
        assert_eq!(world.get(&format!("/history/{id}")).await.json(), json!({}));
        assert_eq!(world.get(&format!("/api/jobs/{id}")).await.status, 404);
    }
    // Files are on the disk.
    assert_eq!(world.get(&format!("/view?filename={done}_00001_.mp4")).await.status, 200);
    prompt(&world, graph(2), "shot-2").await;
    world.pass(60).await;
    let ends: Vec<(String, i64)> =
        world.provider.generations_of("shot-2").into_iter().map(|one| (one.end, one.charged.0)).collect();
    assert_eq!(ends, [("lost".to_owned(), 0), ("done".to_owned(), 21_250)]);
    assert!(world.provider.duplicates().is_empty());
}

#[tokio::test]
async fn done_without_outputs_or_status_counts_as_completed() {
    let world = World::start().await;
    world.provider.plan().on(Route::Create).fault(Fault::NoOutputs);
    let id = prompt(&world, graph(1), "k").await;
    world.pass(60).await;
    let history = world.get(&format!("/history/{id}")).await.json();
    assert_eq!((&history[id.as_str()]["outputs"], history[id.as_str()].get("status")), (&json!({}), None));
    let job = world.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!((&job["status"], &job["outputs_count"]), (&json!("completed"), &json!(0)));
}

#[tokio::test]
async fn an_older_server_has_no_jobs_and_a_client_may_choose_the_id() {
    let world = World::with(Options { jobs_api: false, ..Options::logical() }).await;
    let chosen = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let answer = world.post("/api/prompt", json!({"prompt": graph(1), "prompt_id": chosen})).await.json();
    assert_eq!(answer["prompt_id"], chosen);
    assert_eq!(world.get(&format!("/api/jobs/{chosen}")).await.status, 404);
    assert_eq!(world.get("/api/jobs").await.status, 404);
    world.pass(60).await;
    assert!(world.get("/history").await.json()[chosen].is_object());
    assert_eq!(world.provider.generations_of(chosen).len(), 1);
}
