//! The program in six processes, one role each, on PostgreSQL and RabbitMQ, ordered through the REST
//! API, chooses the winners that one process on SQLite chooses; what they did is one trace.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

mod collector;
mod s3;

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use collector::{Collector, expect_one_trace, values};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG};
use serde_json::{Value, json};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_server::brief_file;
use spotwright_testkit::database::Database;
use spotwright_testkit::faults::{Ended, Job, Kill, Providers};
use spotwright_testkit::live::rabbit_options;

const PROGRAM: &str = env!("CARGO_BIN_EXE_spotwright-fault-child");
const PEPPER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SEED: u64 = 21;

/// Longest time for the service to start, and for the run to end.
const PATIENCE: Duration = Duration::from_secs(150);

/// Processes of one service; they end with it.
struct Service {
    processes: Vec<Child>,
    settings: Vec<(&'static str, String)>,
    folder: PathBuf,
}

impl Service {
    fn new(
        folder: &Path,
        test: &str,
        database: &str,
        [api, collector]: [&str; 2],
        artifacts: Vec<(&'static str, String)>,
    ) -> Self {
        let rabbit = rabbit_options(test);
        let mut settings = vec![
            ("SPOTWRIGHT__STORE__URL", database.to_owned()),
            ("SPOTWRIGHT__BUS__URL", rabbit.url),
            ("SPOTWRIGHT__BUS__PREFIX", rabbit.topology.prefix),
            ("SPOTWRIGHT__SERVE__PEPPER", PEPPER.to_owned()),
            ("SPOTWRIGHT__SERVE__ADDRESS", api.to_owned()),
            ("SPOTWRIGHT__TELEMETRY__OTLP_ENDPOINT", collector.to_owned()),
        ];
        settings.extend(artifacts);
        Self { processes: Vec::new(), settings, folder: folder.to_path_buf() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("program").args(arguments).stdin(Stdio::null());
        // As the run that it is compared with.
        command.env("SPOTWRIGHT__VOICE__ENABLED", "false");
        command.envs(self.settings.iter().map(|(key, value)| (key, value)));
        command
    }

    fn operator_key(&self) -> String {
        let output = self.command(&["operator", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["key"].as_str().unwrap().to_owned()
    }

    fn start(&mut self, role: &str) {
        let log = File::create(self.folder.join(format!("{role}.log"))).unwrap();
        let mut command = self.command(&["serve", "--role", role]);
        command.env("SPOTWRIGHT__SERVE__FOLDER", self.folder.join(role)).stderr(log);
        self.processes.push(command.spawn().unwrap());
    }

    fn logs(&self) -> String {
        ["api", "relay", "agent", "render", "score", "market"]
            .map(|role| std::fs::read_to_string(self.folder.join(format!("{role}.log"))).unwrap_or_default())
            .join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for process in &mut self.processes {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// A client of the API.
struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Client {
    async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).header(CONTENT_TYPE, kind);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", self.key));
        let key = format!("{:x}", blake_of(path, &body));
        let answer = request.header("Idempotency-Key", key).body(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status.as_u16(), 201, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url));
        let answer = request.header(AUTHORIZATION, format!("Bearer {}", self.key)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

/// An idempotency key that names the request.
fn blake_of(path: &str, body: &[u8]) -> u128 {
    let hash = ArtifactHash::of(&[path.as_bytes(), body].concat());
    u128::from_str_radix(&hash.0[..32], 16).unwrap()
}

/// Name, text and predicted click rate of a winner.
type Chosen = BTreeSet<(u64, u64, String)>;

fn row(generation: &Value, number: &Value, score: &Value) -> (u64, u64, String) {
    (generation.as_u64().unwrap(), number.as_u64().unwrap(), score["predicted_ctr"].to_string())
}

/// The winners of the same order in one process.
fn alone(folder: &Path, brief: &Path) -> Chosen {
    let job = Job {
        program: PathBuf::from(PROGRAM),
        brief: brief.to_path_buf(),
        generations: 2,
        variants: 3,
        winners: 1,
        seed: SEED,
        threads: 2,
        world: Providers::Program,
        config: None,
    };
    let out = folder.join("alone");
    // The program itself prints its own summary, which holds no counts of named points.
    assert!(matches!(job.start(&out, false, &Kill::Never).unwrap(), Ended::Done(_)));
    let text = std::fs::read(out.join("winners.json")).unwrap();
    let winners: Value = serde_json::from_slice(&text).unwrap();
    let rows = winners["winners"].as_array().unwrap();
    rows.iter().map(|winner| row(&winner["generation"], &winner["number"], &winner["score"])).collect()
}

/// Orders the run through the API and waits for its end; its id and what it chose.
async fn ordered(client: &Client, brief: &Path) -> (String, Chosen) {
    let read = brief_file::parse(brief).unwrap();
    let mut assets = serde_json::Map::new();
    for picture in &read.product.pictures {
        let bytes = std::fs::read(brief.parent().unwrap().join(&picture.file)).unwrap();
        let asset = client.post(&format!("/v1/assets?name={}", picture.file), "image/jpeg", bytes).await;
        assets.insert(picture.file.clone(), asset["id"].clone());
    }
    let body = json!({ "brief": read, "assets": assets });
    let brief = client.post("/v1/briefs", "application/json", body.to_string().into_bytes()).await;
    let order = json!({ "brief": brief["id"], "generations": 2, "variants": 3, "winners": 1, "seed": SEED });
    let run = client.post("/v1/runs", "application/json", order.to_string().into_bytes()).await;
    let id = run["id"].as_str().unwrap().to_owned();
    loop {
        let run = client.get(&format!("/v1/runs/{id}")).await;
        if run["stage"] == "finished" {
            assert_eq!(run["stopped"], "completed", "{run}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let winners = client.get(&format!("/v1/runs/{id}/variants?state=won")).await;
    let rows = winners["data"].as_array().unwrap();
    let chosen = rows.iter().map(|winner| row(&winner["generation"], &winner["number"], &winner["score"]));
    (id, chosen.collect())
}

/// The roles whose processes told spans.
fn telling(collector: &Collector) -> BTreeSet<String> {
    collector.taken().into_iter().map(|taken| taken.roles).collect()
}

/// Every winner's video as the API gives it, compared with the hash in its tag.
async fn check_videos(client: &Client, run: &str) {
    let winners = client.get(&format!("/v1/runs/{run}/variants?state=won")).await;
    for winner in winners["data"].as_array().unwrap() {
        let path = format!("/v1/variants/{}/files/video", winner["id"].as_str().unwrap());
        let request = client.http.get(format!("{}{path}", client.url));
        let answer = request.header(AUTHORIZATION, format!("Bearer {}", client.key)).send().await.unwrap();
        let tag = answer.headers()[ETAG].to_str().unwrap().trim_matches('"').to_owned();
        assert_eq!(ArtifactHash::of(&answer.bytes().await.unwrap()).0, tag);
    }
}

/// The run in six processes that keep pictures and videos where `artifacts` says.
async fn split(folder: &Path, brief: &Path, test: &str, artifacts: Vec<(&'static str, String)>) -> Chosen {
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let database = Database::create().await.unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (collector, endpoint) = Collector::start().await;
    let addresses = [address.to_string(), endpoint];
    let [api, told_to] = addresses.each_ref().map(String::as_str);
    let mut service = Service::new(folder, test, &database.url, [api, told_to], artifacts);
    let operator = service.operator_key();
    for role in ["api", "relay", "agent", "render", "score", "market"] {
        service.start(role);
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}");
    let mut client = Client { http, url, key: operator };
    let up = async {
        while client.http.get(format!("{}/readyz", client.url)).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, up).await.unwrap_or_else(|_| panic!("{}", service.logs()));
    let founded =
        client.post("/v1/organizations", "application/json", br#"{"name":"Hill Roasters"}"#.to_vec()).await;
    founded["secret"].as_str().unwrap().clone_into(&mut client.key);
    let chosen = tokio::time::timeout(PATIENCE, ordered(&client, brief)).await;
    let (run, chosen) = chosen.unwrap_or_else(|_| panic!("{}", service.logs()));
    check_videos(&client, &run).await;
    // Spans of other roles follow within the second that they are gathered for.
    let roles = ["agent", "api", "market", "render", "score"].map(str::to_owned);
    let told = async {
        while telling(&collector) != BTreeSet::from(roles.clone())
            || !collector.taken().iter().any(|taken| taken.span.name == "run")
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    told.unwrap_or_else(|_| panic!("{:?}: {}", telling(&collector), service.logs()));
    let spans = collector.taken();
    expect_one_trace(&spans, &run);
    // The brief asks for no generated shot.
    let kinds = StepKind::ALL.iter().filter(|kind| !kind.makes_clip());
    let kinds: BTreeSet<String> = kinds.map(|kind| kind.as_str().to_owned()).collect();
    assert_eq!(values(&spans, "step.kind"), kinds);
    let processes: BTreeSet<&str> = spans.iter().map(|taken| taken.process.as_str()).collect();
    assert_eq!(processes.len(), roles.len(), "one process for each role that works on a run");
    drop(service);
    database.remove().await.unwrap();
    chosen
}

fn brief() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ; run infra/test.sh"]
async fn six_processes_choose_the_winners_that_one_process_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("artifacts").display().to_string();
    let artifacts = vec![("SPOTWRIGHT__ARTIFACTS__FOLDER", shared)];
    let split = split(folder.path(), &brief(), "split", artifacts).await;
    assert_eq!(split, alone(folder.path(), &brief()));
    assert_eq!(split.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ; run infra/test.sh"]
async fn six_processes_with_a_bucket_choose_the_winners_that_one_process_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let served = folder.path().join("s3");
    let server = s3::Server::start(&served);
    let artifacts = vec![
        ("SPOTWRIGHT__ARTIFACTS__URL", format!("s3://{}/artifacts", s3::BUCKET)),
        ("SPOTWRIGHT__ARTIFACTS__ENDPOINT", server.endpoint.clone()),
        ("SPOTWRIGHT__ARTIFACTS__ACCESS_KEY", s3::KEY.0.to_owned()),
        ("SPOTWRIGHT__ARTIFACTS__SECRET_KEY", s3::KEY.1.to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ];
    let split = split(folder.path(), &brief(), "split_bucket", artifacts).await;
    assert_eq!(split, alone(folder.path(), &brief()));
    assert_eq!(split.len(), 2);
    // Pictures, previews, finals and stills; nothing went to a folder on the side.
    let objects = std::fs::read_dir(served.join(s3::BUCKET).join("artifacts")).unwrap().count();
    assert!(objects > 10, "{objects}");
    for role in ["api", "render"] {
        assert!(!folder.path().join(role).join("artifacts").exists(), "{role}");
    }
}
