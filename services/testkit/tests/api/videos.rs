//! Single clips: in the manner of `/v1/videos`, and in Kling's shape.

use std::sync::Mutex;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::video_jobs::{VideoJob, VideoJobState, VideoJobs, VideoOrder};
use spotwright_schemas::Problem;
use spotwright_schemas::ids::OrganizationId;

use crate::harness::{Server, Tenant, problem};

/// What every clip holds.
pub(crate) const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isommp42clip";

/// Makes every clip at once.
pub(crate) struct Clips {
    video: ArtifactHash,
    jobs: Mutex<Vec<VideoJob>>,
}

impl Clips {
    pub(crate) fn new(artifacts: &dyn ArtifactStore) -> Self {
        Self { video: artifacts.put(MP4).unwrap(), jobs: Mutex::default() }
    }
}

#[async_trait]
impl VideoJobs for Clips {
    async fn order(&self, organization: OrganizationId, order: VideoOrder) -> Result<VideoJob, Problem> {
        let mut jobs = self.jobs.lock().unwrap();
        let id = format!("{:032x}", jobs.len() + 1);
        let state = VideoJobState::Done {
            video: self.video.clone(),
            bytes: MP4.len() as u64,
            completed_at: 2_000_000,
        };
        let job = VideoJob { id, organization, order, created_at: 1_000_000, state };
        jobs.push(job.clone());
        Ok(job)
    }

    async fn find(&self, organization: OrganizationId, name: &str) -> Result<Option<VideoJob>, Problem> {
        let jobs = self.jobs.lock().unwrap();
        let mut own = jobs.iter().filter(|job| job.organization == organization);
        let named = |job: &&VideoJob| job.id == name || job.order.external_id.as_deref() == Some(name);
        Ok(own.find(named).cloned())
    }

    async fn list(&self, organization: OrganizationId, limit: usize) -> Result<Vec<VideoJob>, Problem> {
        let jobs = self.jobs.lock().unwrap();
        Ok(jobs.iter().rev().filter(|job| job.organization == organization).take(limit).cloned().collect())
    }

    async fn remove(&self, organization: OrganizationId, id: &str) -> Result<Option<VideoJob>, Problem> {
        let mut jobs = self.jobs.lock().unwrap();
        let at = jobs.iter().position(|job| job.organization == organization && job.id == id);
        Ok(at.map(|at| jobs.remove(at)))
    }
}

/// Orders a clip; its id.
pub(crate) async fn ordered(server: &Server, tenant: &Tenant) -> String {
    let video = server.post("/v1/videos", &tenant.key, &json!({ "prompt": "a cup" })).await;
    video["id"].as_str().unwrap().to_owned()
}

/// The path of the link to a clip's file.
pub(crate) async fn link(server: &Server, tenant: &Tenant, id: &str) -> String {
    let task = server.get(&format!("/kling/v1/videos/text2video/{id}"), &tenant.key).await;
    let url = task["data"]["task_result"]["videos"][0]["url"].as_str().unwrap().to_owned();
    url.strip_prefix(server.url.as_str()).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_is_ordered_by_json_or_by_a_form_and_fetched() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let order = json!({ "prompt": "a cup", "seconds": "5", "size": "1280x720", "seed": 9, "user": "mine" });
    let video = server.post("/v1/videos", &tenant.key, &order).await;
    assert_eq!(
        (&video["status"], &video["seconds"], &video["size"]),
        (&json!("completed"), &json!("5"), &json!("1280x720"))
    );
    assert_eq!((&video["simulated"], &video["seed"]), (&json!(true), &json!(9)));
    assert_eq!(server.get("/v1/videos/mine", &tenant.key).await["id"], video["id"]);

    let field =
        |head: &str, value: &str| format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n{value}\r\n");
    let mut form: String =
        [("prompt", "a cup"), ("num_frames", "84"), ("fps", "16"), ("guidance_scale", "5.0")]
            .map(|(name, value)| field(&format!("name=\"{name}\""), value))
            .concat();
    form.push_str(&field("name=\"input_reference\"; filename=\"cup.png\"", "picture, cup"));
    form.push_str("--x--\r\n");
    let request = server.request("POST", "/v1/videos", Some(&tenant.key));
    let request = request.header("content-type", "multipart/form-data; boundary=x").body(form);
    let second: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(second["seconds"], "5.25");
    assert_eq!(server.get("/v1/videos", &tenant.key).await["data"].as_array().unwrap().len(), 2);

    let path = format!("/v1/videos/{}/content", video["id"].as_str().unwrap());
    let content = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(content.headers()["content-type"], "video/mp4");
    assert_eq!(content.bytes().await.unwrap(), MP4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_orders_name_their_field() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    for (path, order, field) in [
        ("/v1/videos", json!({ "prompt": "" }), "prompt"),
        ("/v1/videos", json!({ "prompt": "a", "size": "10x10" }), "size"),
        ("/v1/videos", json!({ "prompt": "a", "input_reference": "http://127.0.0.1/x" }), "input_reference"),
        ("/kling/v1/videos/text2video", json!({ "prompt": "a", "duration": "2" }), "duration"),
        ("/kling/v1/videos/text2video", json!({ "prompt": "a", "aspect_ratio": "4:5" }), "aspect_ratio"),
        ("/kling/v1/videos/image2video", json!({ "image": "***" }), "image"),
    ] {
        let sent = server.request("POST", path, Some(&tenant.key)).json(&order).send().await.unwrap();
        let (status, body) = problem(sent).await;
        assert_eq!((status, &body["param"]), (StatusCode::BAD_REQUEST, &json!(field)), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_for_thirty_days_and_for_its_clip_alone() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let order = json!({ "prompt": "a cup", "duration": "5", "external_task_id": "shot-1", "mode": "pro" });
    let task = server.post("/kling/v1/videos/text2video", &tenant.key, &order).await;
    assert_eq!((&task["code"], &task["data"]["task_status"]), (&json!(0), &json!("succeed")));
    let path = link(&server, &tenant, "shot-1").await;
    let fetched = server.request("GET", &path, None).send().await.unwrap();
    assert_eq!(fetched.bytes().await.unwrap(), MP4);

    let (before, token) = path.rsplit_once('/').unwrap();
    let tampered = format!("{before}/{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let stranger = server.tenant("stranger").await;
    let other = path.replace(&tenant.id.to_string(), &stranger.id.to_string());
    for wrong in [tampered, other, format!("{before}/x")] {
        let answer = server.request("GET", &wrong, None).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    server.clock.advance_micros(31 * 24 * 3600 * 1_000_000);
    let late = server.request("GET", &path, None).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::NOT_FOUND);
}
