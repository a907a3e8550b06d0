//! ComfyUI against a provider in the process.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::sync::Arc;

use common::{Asked, Memory, Provider, file, golden_json, json, mp4, png, reference, request, row};
use serde_json::{Value, json};
use spotwright_clips::comfyui::{ComfyUi, GraphSource, Options, WAN22_TI2V_5B};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, ClipErrorKind, ClipSource, JobId, JobState, ReferenceKind,
};
use spotwright_core::ports::clock::SystemClock;
use spotwright_schemas::money::Micros;

fn source(provider: &Provider, jobs_api: bool, artifacts: Arc<Memory>) -> ComfyUi {
    let options = Options { jobs_api, ..Options::new(provider.server(), row("wan2.2_ti2v_5B", 3_000)) };
    ComfyUi::new("comfy", options, artifacts, Arc::new(SystemClock)).unwrap()
}

fn queue(running: &Value, pending: &Value) -> common::Answer {
    json(200, &json!({"queue_running": running, "queue_pending": pending}))
}

#[tokio::test]
async fn a_clip_is_made_from_a_first_frame() {
    let provider = Provider::start(|asked: &Asked, _| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/upload/image") => {
            json(200, &json!({"name": "first.png", "subfolder": "spotwright", "type": "input"}))
        }
        ("POST", "/prompt") => {
            json(200, &json!({"prompt_id": asked.json()["prompt_id"], "number": 1, "node_errors": {}}))
        }
        ("GET", "/queue") => queue(&json!([]), &json!([])),
        ("GET", path) if path.starts_with("/history/") => {
            let id = path.trim_start_matches("/history/");
            json(200, &json!({ id: {
                "prompt": [1, id, {}, {}, []],
                "outputs": {"save": {"images": [{"filename": "clip_1_.mp4", "subfolder": "spotwright", "type": "output"}]}},
                "status": {"status_str": "success", "completed": true, "messages": []},
            }}))
        }
        ("GET", "/view?filename=clip_1_.mp4&subfolder=spotwright&type=output") => file(&mp4()),
        (_, other) => panic!("{other}"),
    })
    .await;
    let artifacts = Arc::new(Memory::default());
    let comfy = source(&provider, false, artifacts.clone());
    assert_eq!(comfy.capabilities().abilities, [Ability::TextToVideo, Ability::ImageToVideo]);
    let mut request = request();
    request.frames = 90;
    request.negative_prompt = "text".to_owned();
    request.first_frame = Some(artifacts.put(&png(720, 1_280, 1)).unwrap());
    assert_eq!(comfy.quote(&request).unwrap().at_most, Micros(12_000));
    let job = comfy.submit(&request, "key-1").await.unwrap();
    let asked = provider.asked();
    assert!(asked[0].text().contains("name=\"subfolder\"\r\n\r\nspotwright\r\n"));
    golden_json("comfyui_prompt.json", &asked[1].json());
    let JobState::Done { outputs, .. } = comfy.poll(&job).await.unwrap() else { panic!("not done") };
    assert_eq!(comfy.fetch(&job, &outputs[0]).await.unwrap(), mp4());
}

#[tokio::test]
async fn the_same_key_is_the_same_prompt() {
    let provider = Provider::start(|asked: &Asked, _| {
        json(200, &json!({"prompt_id": asked.json()["prompt_id"], "number": 1, "node_errors": {}}))
    })
    .await;
    let comfy = source(&provider, false, Arc::default());
    let mut request = request();
    request.frames = 90;
    let (a, again) =
        (comfy.submit(&request, "key-a").await.unwrap(), comfy.submit(&request, "key-a").await.unwrap());
    let b = comfy.submit(&request, "key-b").await.unwrap();
    assert_eq!(a, again);
    assert_ne!(a, b);
    assert!(!provider.last().json()["prompt"].to_string().contains("LoadImage"));
}

#[tokio::test]
async fn what_a_graph_has_no_place_for_is_left_away_and_told() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/upload/image" => json(200, &json!({"name": "first.png", "subfolder": "", "type": "input"})),
        _ => json(200, &json!({"prompt_id": asked.json()["prompt_id"], "number": 1, "node_errors": {}})),
    })
    .await;
    let mut graph: serde_json::Value = serde_json::from_str(WAN22_TI2V_5B).unwrap();
    graph["slots"]["negative_prompt"] = json!([]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.json");
    std::fs::write(&path, graph.to_string()).unwrap();
    let artifacts = Arc::new(Memory::default());
    let mut options = Options::new(provider.server(), row("Wan2.2-TI2V-5B", 3_000));
    options.graph = GraphSource::File(path);
    let comfy = ComfyUi::new("comfy", options, artifacts.clone(), Arc::new(SystemClock)).unwrap();
    let mut request = request();
    request.frames = 90;
    request.negative_prompt = "people".to_owned();
    request.first_frame = Some(artifacts.put(&png(720, 1_280, 1)).unwrap());
    let artifact = artifacts.put(&png(720, 1_280, 2)).unwrap();
    request.references = vec![reference("back", ReferenceKind::Picture, artifact)];
    let fitted = comfy.capabilities().fitted(&request);
    let told: Vec<String> = fitted.left_away.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["reference pictures (back)", "what must not be seen"]);
    comfy.submit(&request, "key-1").await.unwrap();
    let asked = provider.asked();
    assert_eq!(asked.iter().filter(|one| one.path == "/upload/image").count(), 1, "the first frame");
    assert!(!provider.last().text().contains("people"));
}

#[tokio::test]
async fn a_lost_prompt_is_told_so_that_it_is_sent_again() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/queue" => queue(&json!([]), &json!([[4, "server-id", {}, {"spotwright_key": "key-b"}, []]])),
        "/history" => {
            json(200, &json!({"old-id": {"prompt": [1, "old-id", {}, {"spotwright_key": "key-c"}, []]}}))
        }
        path if path.starts_with("/history/") => json(200, &json!({})),
        other => panic!("{other}"),
    })
    .await;
    let comfy = source(&provider, false, Arc::default());
    let request = request();
    assert_eq!(comfy.find(&request, "key-a").await.unwrap(), None);
    // The queue first: prompts go from there to the history.
    let paths: Vec<String> = provider.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths[0], "/queue");
    // Servers that make ids of their own still carry the key.
    assert_eq!(comfy.find(&request, "key-b").await.unwrap(), Some(JobId("server-id".to_owned())));
    assert_eq!(comfy.find(&request, "key-c").await.unwrap(), Some(JobId("old-id".to_owned())));
    let lost = comfy.poll(&JobId("gone".to_owned())).await.unwrap_err();
    assert_eq!(lost.kind, ClipErrorKind::UnknownJob);
    assert_eq!(comfy.poll(&JobId("server-id".to_owned())).await.unwrap(), JobState::Queued);
}

#[tokio::test]
async fn refused_graphs_name_the_node() {
    let provider = Provider::start(|_, _| {
        json(
            400,
            &json!({"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""},
                "node_errors": {"model": {"errors": [{"message": "Value not in list", "details": "unet_name"}]}}}),
        )
    })
    .await;
    let comfy = source(&provider, false, Arc::default());
    let mut request = request();
    request.frames = 90;
    let error = comfy.submit(&request, "k").await.unwrap_err();
    assert_eq!((error.kind, error.may_have_begun), (ClipErrorKind::BadRequest, false));
    let said = "400: Prompt outputs failed validation; node model: Value not in list: unet_name";
    assert_eq!(error.message, said);
}

#[tokio::test]
async fn the_jobs_api_is_used_where_there_is_one() {
    let provider = Provider::start(|asked: &Asked, _| match asked.path.as_str() {
        "/api/jobs/run" => json(200, &json!({"id": "run", "status": "in_progress", "outputs_count": 0})),
        "/api/jobs/done" => json(
            200,
            &json!({"id": "done", "status": "completed",
                "outputs": {"save": {"images": [{"filename": "c.mp4", "subfolder": "", "type": "output"}]}}}),
        ),
        // The server lost the status and tells completed: without a file it is not done.
        "/api/jobs/empty" => json(200, &json!({"id": "empty", "status": "completed", "outputs": {}})),
        _ => json(404, &json!({"error": "Job not found"})),
    })
    .await;
    let comfy = source(&provider, true, Arc::default());
    let poll = async |id: &str| comfy.poll(&JobId(id.to_owned())).await;
    assert_eq!(poll("run").await.unwrap(), JobState::Running { percent: None });
    assert!(matches!(poll("done").await.unwrap(), JobState::Done { .. }));
    assert!(matches!(poll("empty").await.unwrap(), JobState::Failed(_)));
    assert_eq!(poll("lost").await.unwrap_err().kind, ClipErrorKind::UnknownJob);
}

#[tokio::test]
async fn a_prompt_that_waits_is_taken_out_for_free_and_one_that_runs_may_cost() {
    let provider = Provider::start(|asked: &Asked, number| match asked.path.as_str() {
        "/queue" if asked.method == "POST" => {
            assert_eq!(asked.json(), json!({"delete": ["wait"]}));
            (200, Vec::new(), Vec::new())
        }
        "/queue" if number == 0 => queue(&json!([]), &json!([[1, "wait", {}, {}, []]])),
        "/queue" => queue(&json!([[2, "run", {}, {}, []]]), &json!([])),
        "/history/wait" => json(200, &json!({})),
        "/interrupt" => {
            assert_eq!(asked.json(), json!({"prompt_id": "run"}));
            (200, Vec::new(), Vec::new())
        }
        other => panic!("{other}"),
    })
    .await;
    let comfy = source(&provider, false, Arc::default());
    assert_eq!(comfy.cancel(&JobId("wait".to_owned())).await.unwrap(), Cancelled::Free);
    assert_eq!(comfy.cancel(&JobId("run".to_owned())).await.unwrap(), Cancelled::MayGoOn);
    assert_eq!(comfy.cancel(&JobId("gone".to_owned())).await.unwrap(), Cancelled::MayGoOn);
}
