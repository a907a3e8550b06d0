//! Kling's current dialect.

use serde_json::{Value, json};
use spotwright_schemas::money::{Currency, Micros};

use crate::client::{World, base64, look, product};

fn prompt(text: &str) -> Value {
    json!({"type": "prompt", "text": text})
}

#[tokio::test]
async fn a_clip_with_sound_is_created_and_found_by_the_clients_id() {
    let world = World::start().await;
    let asked = json!({"prompt": "shot 1, 3, a cup; shot 2, 2, steam;",
        "settings": {"resolution": "1080p", "aspect_ratio": "9:16", "duration": 5, "audio": "native"},
        "options": {"external_task_id": "shot-9"}});
    let created = world.post("/text-to-video/kling-3.0", asked).await.json();
    assert_eq!(
        (&created["data"]["status"], &created["data"]["external_id"]),
        (&json!("submitted"), &json!("shot-9"))
    );
    world.pass(60).await;
    let tasks = world.query("/tasks?external_task_ids=shot-9,unknown").await;
    let tasks = tasks["data"].as_array().unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!((&tasks[0]["id"], &tasks[0]["status"]), (&created["data"]["id"], &json!("succeeded")));
    let billing = &tasks[0]["billing"][0];
    assert_eq!(
        (&billing["charge_type"], &billing["amount"], &billing["currency"]),
        (&json!("cash"), &json!("5.25"), &json!("CNY"))
    );
    let output = &tasks[0]["outputs"][0];
    assert_eq!((&output["type"], &output["duration"]), (&json!("video"), &json!("5.0")));
    let clip = look(&world.get(output["url"].as_str().unwrap()).await.body);
    assert_eq!((clip.frames(), clip.fps()), (120, 24.0));
    assert_eq!(clip.content.audio.unwrap().rate, 48_000);
    assert_eq!(world.provider.bill(Currency::CNY), Micros(5_250_000));
}

#[tokio::test]
async fn first_and_last_frame_blend_into_one_another() {
    let world = World::start().await;
    let mirrored = {
        let picture = image::load_from_memory(&product(320, 320)).unwrap().fliph();
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let asked = json!({"contents": [prompt("it turns"),
        {"type": "first_frame", "url": base64(&product(320, 320))},
        {"type": "last_frame", "url": base64(&mirrored)}], "settings": {"duration": 3}});
    let id = world.post("/image-to-video/kling-3.0", asked).await.json()["data"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass(60).await;
    let task = world.query(&format!("/tasks?task_ids={id}")).await;
    let clip = look(&world.get(task["data"][0]["outputs"][0]["url"].as_str().unwrap()).await.body);
    assert_eq!((clip.frames(), clip.size()), (72, (96, 96)));
    let (first, last) = (clip.halves[0], *clip.halves.last().unwrap());
    assert!(first[0][0] > 150 && first[1][2] > 150, "{first:?}");
    assert!(last[0][2] > 150 && last[1][0] > 150, "{last:?}");
}

#[tokio::test]
async fn parameters_that_break_a_rule_are_refused_by_code() {
    let world = World::start().await;
    let picture = base64(&product(300, 300));
    let first = json!({"type": "first_frame", "url": picture});
    let last = json!({"type": "last_frame", "url": picture});
    let (text, image, omni) =
        ("/text-to-video/kling-3.0", "/image-to-video/kling-2.6", "/omni-video/kling-3.0-omni");
    let refused: Vec<(&str, Value, i64)> = vec![
        (text, json!({}), 1201),
        (text, json!({"prompt": "a".repeat(3_073)}), 1201),
        (text, json!({"prompt": "a", "settings": {"duration": "5"}}), 1201),
        (text, json!({"prompt": "a", "settings": {"duration": 16}}), 1201),
        (text, json!({"prompt": "a", "settings": {"resolution": "480p"}}), 1201),
        (text, json!({"prompt": "shot 1, 2, a; shot 2, 2, b;"}), 1201),
        (text, json!({"prompt": "shot 1, 5, a; and so on"}), 1201),
        ("/text-to-video/kling-3.0-turbo", json!({"prompt": "a", "settings": {"audio": "off"}}), 1201),
        ("/text-to-video/kling-9", json!({"prompt": "a"}), 1203),
        (image, json!({"contents": [first]}), 1201),
        (image, json!({"contents": [prompt("a"), last]}), 1201),
        (image, json!({"contents": [prompt("a"), first, last]}), 1201),
        (image, json!({"contents": [prompt("a"), first], "settings": {"duration": 7}}), 1201),
        (image, json!({"contents": [prompt("a"), first, {"type": "refer_image", "url": picture}]}), 1201),
        (omni, json!({"contents": [prompt("a")]}), 1201),
    ];
    for (path, body, code) in refused {
        let answer = world.post(path, body.clone()).await;
        assert_eq!(answer.json()["code"].as_i64(), Some(code), "{path} {body} {}", answer.json());
    }
    assert!(world.provider.log().generations.is_empty());
    // The JWT is for legacy paths only.
    assert_eq!(world.get("/tasks?task_ids=1").await.json()["code"], 1002);
    let taken = json!({"contents": [prompt("a"), {"type": "refer_image", "url": picture, "id": "cup"}],
        "settings": {"aspect_ratio": "9:16"}});
    assert_eq!(world.post(omni, taken).await.status, 200);
}

#[tokio::test]
async fn tasks_of_both_dialects_share_keys_slots_and_the_query_by_cursor() {
    let world = World::start().await;
    let key = json!({"external_task_id": "shot-1"});
    assert_eq!(
        world.post("/text-to-video/kling-3.0", json!({"prompt": "a", "options": key})).await.status,
        200
    );
    let again = json!({"prompt": "a", "external_task_id": "shot-1"});
    assert_eq!(world.post("/v1/videos/text2video", again).await.status, 400);
    for number in 2..=5 {
        let asked = json!({"prompt": "a", "external_task_id": format!("shot-{number}")});
        assert_eq!(world.post("/v1/videos/text2video", asked).await.status, 200);
    }
    assert_eq!(world.post("/text-to-video/kling-3.0", json!({"prompt": "a"})).await.json()["code"], 1303);
    let page = world.post("/tasks", json!({"limit": 3})).await.json();
    assert_eq!((&page["data"]["count"], &page["data"]["has_more"]), (&json!(3), &json!(true)));
    let rest = world.post("/tasks", json!({"cursor": page["data"]["next_cursor"]})).await.json();
    assert_eq!((&rest["data"]["count"], &rest["data"]["has_more"]), (&json!(2), &json!(false)));
}
