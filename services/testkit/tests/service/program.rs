//! A service that runs, and requests to it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_server::brief_file;
use tokio::time::Instant;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_spotwright-fault-child");
const PEPPER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Longest time for the service to start, and for a small run to end, on a machine that has other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// A service in a folder of its own; ended with the test.
pub(crate) struct Service {
    pub(crate) folder: PathBuf,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) http: reqwest::Client,
    process: Option<Child>,
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Service {
    /// A service that was not started yet.
    pub(crate) fn new(folder: &Path) -> Self {
        // Fails only when a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { folder: folder.to_owned(), api: free_address(), admin: free_address(), http, process: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Settings of the service, as environment variables.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SPOTWRIGHT__SERVE__PEPPER", PEPPER.to_owned()),
            ("SPOTWRIGHT__SERVE__ADDRESS", self.api.to_string()),
            ("SPOTWRIGHT__SERVE__ADMIN_ADDRESS", self.admin.to_string()),
            ("SPOTWRIGHT__SERVE__FOLDER", self.folder.join("data").display().to_string()),
            ("SPOTWRIGHT__ENGINE__WORKERS", "2".to_owned()),
        ]
    }

    /// One of the program's commands on the same configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("program").args(arguments).stdin(Stdio::null());
        command.envs(self.settings());
        command
    }

    /// Runs a command to its end: whether it succeeded, and the document it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> (bool, Value) {
        let output = self.command(arguments).output().unwrap();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stderr))
        });
        (output.status.success(), document)
    }

    /// The first key of the operator; the service is not running yet.
    pub(crate) fn operator(&self) -> String {
        let (good, made) = self.run(&["operator", "--json"]);
        assert!(good, "{made}");
        made["key"].as_str().unwrap().to_owned()
    }

    /// Starts the service with at most `descriptors` open files and waits until it is ready.
    pub(crate) async fn start(&mut self, descriptors: Option<u32>) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = Command::new("sh");
        let limit = descriptors.map_or_else(String::new, |most| format!("ulimit -n {most}; "));
        command.args(["-c", &format!("{limit}exec \"$0\" program serve"), PROGRAM]);
        command.envs(self.settings()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        let began = Instant::now();
        while self.status("/readyz").await != Some(StatusCode::OK) {
            assert!(began.elapsed() < PATIENCE, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// What a public address answers; `None` without an answer.
    pub(crate) async fn status(&self, path: &str) -> Option<StatusCode> {
        self.http.get(format!("{}{path}", self.url())).send().await.ok().map(|answer| answer.status())
    }

    pub(crate) async fn post(&self, path: &str, key: &str, kind: &str, body: Vec<u8>) -> Value {
        let idempotency = ArtifactHash::of(&[path.as_bytes(), &body].concat()).0;
        let request = self.http.post(format!("{}{path}", self.url())).bearer_auth(key);
        let request = request.header("idempotency-key", idempotency).header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url())).bearer_auth(key).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// An organization's key.
    pub(crate) async fn organization(&self, operator: &str, name: &str) -> String {
        let body = json!({ "name": name }).to_string().into_bytes();
        let founded = self.post("/v1/organizations", operator, "application/json", body).await;
        founded["secret"].as_str().unwrap().to_owned()
    }

    /// Orders a small run of the example; its id.
    pub(crate) async fn order(&self, key: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
        let read = brief_file::parse(&file).unwrap();
        let mut assets = serde_json::Map::new();
        for picture in &read.product.pictures {
            let bytes = std::fs::read(file.parent().unwrap().join(&picture.file)).unwrap();
            let path = format!("/v1/assets?name={}", picture.file);
            let asset = self.post(&path, key, "image/jpeg", bytes).await;
            assets.insert(picture.file.clone(), asset["id"].clone());
        }
        let body = json!({ "brief": read, "assets": assets }).to_string().into_bytes();
        let brief = self.post("/v1/briefs", key, "application/json", body).await;
        let order = json!({ "brief": brief["id"], "generations": 1, "variants": 3, "winners": 2, "seed": 5 });
        let run = self.post("/v1/runs", key, "application/json", order.to_string().into_bytes()).await;
        run["id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a run.
    pub(crate) async fn finished(&self, key: &str, run: &str) -> Value {
        let began = Instant::now();
        loop {
            let found = self.get(&format!("/v1/runs/{run}"), key).await;
            if found["stage"] == "finished" {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{found}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Asks the service to stop and waits for its end.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
