//! A server with what it needs, and requests to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use spotwright_api::key::{self, Pepper};
use spotwright_api::session::Links;
use spotwright_api::{ApiState, Limits, router};
use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_core::domain::estimate::{Band, QuotedWork, Quotes, WorkKind};
use spotwright_core::domain::revision::{
    Changes, EditFinding, Revising, Revision, SetText, SetTexts, ShotFit, TextRoom,
};
use spotwright_core::domain::run::{NewRun, RunRequest, Stage};
use spotwright_core::domain::signal::{AskedQuestion, Caller, Signal, Taken, Told};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::domain::webhook::Attempt;
use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_hints::{ClipHints, HintError};
use spotwright_core::ports::clock::ManualClock;
use spotwright_core::ports::entropy::{Entropy, EntropyError};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::pictures::{ImportedPicture, PictureImporter};
use spotwright_core::ports::readiness::{NotReady, Readiness};
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::run_prices::RunPrices;
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_core::ports::video_backend::{FrameStatistics, RenderError, Rendered};
use spotwright_core::ports::watermarks::{Medium, Watermarks};
use spotwright_core::ports::webhooks::{OutgoingMessage, WebhookSender};
use spotwright_core::spine::Shutdown;
use spotwright_core::use_cases::run_sizes::RunSizes;
use spotwright_observations::experiment::ExperimentAnalyst;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{Event, Payload, RunFinished, StopReason};
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId, SignalId, VariantId, derive};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::money::Micros;
use spotwright_store::folder::FolderArtifacts;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fixtures;
use tokio::sync::{Notify, watch};

/// Bytes that repeat with every test.
pub(crate) struct Counted(AtomicU64);

impl Counted {
    /// Bytes that begin with this number.
    pub(crate) const fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }
}

impl Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in buffer.chunks_mut(16) {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&derive(&[b"entropy", &number.to_le_bytes()]).as_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Draws everything but runes.
pub(crate) struct EveryLetter;

impl Letters for EveryLetter {
    fn undrawable(&self, text: &str) -> Vec<char> {
        text.chars().filter(|c| matches!(c, '\u{16A0}'..='\u{16FF}')).collect()
    }
}

/// Takes hints of the source `kling`.
pub(crate) struct EveryHint;

#[async_trait]
impl ClipHints for EveryHint {
    async fn take(&self, source: &str, _: &[(&str, &str)], body: &[u8]) -> Result<(), HintError> {
        match source {
            "kling" if body != b"forged" => Ok(()),
            "kling" => Err(HintError::Refused("the signature does not fit".to_owned())),
            "away" => Err(HintError::Unavailable("the store does not answer".to_owned())),
            _ => Err(HintError::Unknown),
        }
    }
}

/// Takes anything that begins with `picture`; can be held up while it works.
#[derive(Default)]
pub(crate) struct Pictures {
    pub(crate) entered: Notify,
    pub(crate) hold: Mutex<Option<mpsc::Receiver<()>>>,
    pub(crate) imported: AtomicU64,
}

impl PictureImporter for Pictures {
    fn import(&self, bytes: &[u8], name: &str) -> Result<ImportedPicture, Problem> {
        if !bytes.starts_with(b"picture") {
            return Err(Problem::new(Code::PictureDamaged, name, "is no picture"));
        }
        self.imported.fetch_add(1, Ordering::SeqCst);
        let hold = self.hold.lock().unwrap().take();
        if let Some(hold) = hold {
            self.entered.notify_one();
            hold.recv().expect("released");
        }
        Ok(ImportedPicture { png: bytes.iter().rev().copied().collect(), width: 640, height: 480 })
    }
}

/// Notes what was wished of which run.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) wishes: Mutex<Vec<(&'static str, RunId)>>,
    pub(crate) told: Mutex<Vec<SignalId>>,
}

#[async_trait]
impl RunControl for Control {
    fn opening(&self, run: &NewRun) -> Result<Commit, Problem> {
        assert_ne!(run.request.seed, 666, "the test of a panicking handler");
        let organization = run.organization;
        Ok(Commit {
            messages: vec![Event {
                organization,
                mode: Mode::of(organization),
                ..fixtures::event(run.id, 1)
            }],
            trace: vec![fixtures::trace("a"), fixtures::trace("b"), fixtures::trace("c")],
            ..Commit::default()
        })
    }

    async fn pause(&self, run: RunId, _: &Caller) -> Result<(), Problem> {
        self.wishes.lock().unwrap().push(("pause", run));
        Ok(())
    }

    async fn resume(&self, run: RunId, _: &Caller) -> Result<(), Problem> {
        self.wishes.lock().unwrap().push(("resume", run));
        Err(Problem::new(Code::RunState, "", "the run is not paused"))
    }

    async fn tell(&self, run: RunId, caller: &Caller, told: &Told) -> Result<Taken, Problem> {
        assert!(matches!(caller, Caller::Key { .. } | Caller::Member { .. }), "the API knows who asks");
        self.wishes.lock().unwrap().push((told.signal.kind(), run));
        if let Signal::Edit { .. } = &told.signal {
            return Err(Problem::new(
                Code::LineRefused,
                "signal",
                "no fact states this quantity (`7 hours`)",
            ));
        }
        let mut known = self.told.lock().unwrap();
        if known.contains(&told.id) {
            return Ok(Taken::Before);
        }
        known.push(told.id);
        Ok(Taken::Now)
    }

    /// Follows new words and styles; the word `cheap` stops an edit.
    async fn revise(&self, of: VariantId, caller: &Caller, changes: &Changes) -> Result<Revising, Problem> {
        let NewRun { id: run, request, .. } = fixtures::run(7);
        let Variant { body, .. } = fixtures::variant(run, 1, 1, VariantState::Won);
        let captions = changes.lines.iter().filter_map(|line| Some((line.line, line.caption.as_deref()?)));
        let findings = captions
            .filter(|(_, caption)| caption.contains("cheap"))
            .map(|(line, _)| EditFinding {
                field: format!("lines[{line}].caption"),
                rule: "banned_word".to_owned(),
                severity: Severity::Error,
                subject: "cheap".to_owned(),
                message: "the brand does not want this word".to_owned(),
                law: String::new(),
                span: Some([0, 5]),
                rewrite: String::new(),
            })
            .collect();
        let (script, storyboard, changes) = (body.script, body.storyboard, changes.clone());
        let revision = Revision { of, run, by: caller.label(), script, storyboard, changes };
        let request = RunRequest {
            generations: 1,
            variants: 1,
            winners: 1,
            revision: Some(Box::new(revision)),
            ..request
        };
        let room = TextRoom { characters: 14, limit: 48 };
        let fits = vec![ShotFit {
            shot: 0,
            frames: 60,
            least_frames: 60,
            most_frames: 240,
            caption: room,
            detail: TextRoom { characters: 0, limit: 72 },
            set: Some(SetTexts {
                caption: Some(SetText { lines: 2, ink: [43, 700, 600, 140] }),
                ..SetTexts::default()
            }),
        }];
        Ok(Revising { request, findings, fits, buttons: vec!["Shop now".to_owned()] })
    }

    async fn questions(&self, _: RunId, _: &Caller) -> Result<Vec<AskedQuestion>, Problem> {
        Ok(vec![AskedQuestion {
            id: "no_price".to_owned(),
            field: "product.facts".to_owned(),
            text: "What does it cost?".to_owned(),
            default: "No price is mentioned.".to_owned(),
            closed: false,
            answer: None,
        }])
    }
}

/// Quotes two calls of a language model at half a unit each, whatever the run.
pub(crate) struct EveryPrice;

#[async_trait]
impl RunPrices for EveryPrice {
    async fn quotes(&self, _: &NewRun) -> Result<Quotes, Problem> {
        let calls = Band { low: 2, expected: 2, high: 4 };
        let (quote, provider) = (Micros(500_000), "openai".to_owned());
        let kind = WorkKind::LanguageModel;
        let work = vec![QuotedWork { kind, provider, calls, quote, highest_quote: quote }];
        Ok(Quotes { work, smallest_campaign: Micros(1_000_000) })
    }
}

/// Notes the messages to webhooks instead of sending them; refuses addresses with `private` in them.
#[derive(Default)]
pub(crate) struct Posts {
    pub(crate) sent: Mutex<Vec<OutgoingMessage>>,
}

#[async_trait]
impl WebhookSender for Posts {
    fn check(&self, url: &str) -> Result<(), Problem> {
        if url.contains("private") {
            return Err(Problem::new(Code::AddressRefused, "url", "names a host of a private network"));
        }
        Ok(())
    }

    async fn send(&self, message: &OutgoingMessage) -> Attempt {
        self.sent.lock().unwrap().push(message.clone());
        let answer = Some("fine".to_owned());
        Attempt { at: message.now, millis: 3, status: Some(202), answer, error: None }
    }
}

/// Always ready.
struct Ready;

#[async_trait]
impl Readiness for Ready {
    async fn check(&self) -> Result<(), NotReady> {
        Ok(())
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) artifacts: Arc<FolderArtifacts>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) pictures: Arc<Pictures>,
    pub(crate) control: Arc<Control>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) operator: String,
    pub(crate) links: Links,
    state: ApiState,
    pub(crate) database: PathBuf,
    pub(crate) stop: watch::Sender<bool>,
    keys: AtomicU64,
    _folder: tempfile::TempDir,
}

/// An organization with a key that may do everything within it.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) id: OrganizationId,
    pub(crate) key: String,
    pub(crate) key_id: String,
}

/// A run of a tenant with everything before it.
pub(crate) struct Made {
    pub(crate) asset: String,
    pub(crate) brief: String,
    pub(crate) run: RunId,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("api.db");
        let store = SqliteStore::open(&database).await.unwrap();
        let artifacts = Arc::new(FolderArtifacts::open(&folder.path().join("artifacts")).unwrap());
        let entropy = Arc::new(Counted(AtomicU64::new(1)));
        let pepper = Pepper::new([42; 32]);
        let (organization, new, text) = key::operator(&pepper, entropy.as_ref()).unwrap();
        assert!(store.bootstrap(&organization, &new).await.unwrap());
        let clock = Arc::new(ManualClock::starting_at(1_000_000));
        let (pictures, control) = (Arc::new(Pictures::default()), Arc::new(Control::default()));
        let posts = Arc::new(Posts::default());
        let (stop, shutdown) = Shutdown::new();
        let links = Links::default();
        let state = ApiState {
            clip_hints: Some(Arc::new(EveryHint)),
            videos: Some(Arc::new(crate::videos::Clips::new(artifacts.as_ref()))),
            accounts: store.clone(),
            log: store.clone(),
            webhooks: store.clone(),
            webhook_sender: posts.clone(),
            observations: store.clone(),
            reviews: store.clone(),
            brands: store.clone(),
            experiments: store.clone(),
            analyst: Arc::new(ExperimentAnalyst),
            artifacts: artifacts.clone(),
            pictures: pictures.clone(),
            watermarks: Arc::new(Stamps(artifacts.clone())),
            letters: Arc::new(EveryLetter),
            runs: control.clone(),
            prices: Arc::new(EveryPrice),
            readiness: Arc::new(Ready),
            clock: clock.clone(),
            entropy,
            pepper,
            people: store.clone(),
            audit: store.clone(),
            links: links.clone(),
            demo: None,
            limits: Limits { poll: std::time::Duration::from_millis(5), ..limits },
            run_defaults: RunSizes { generations: 2, variants: 12, winners: 3, opportunities: 60_000 },
            shutdown,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router(state.clone())).into_future());
        Self {
            url,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            store,
            artifacts,
            clock,
            pictures,
            control,
            posts,
            operator: text.expose().to_owned(),
            links,
            state,
            database,
            stop,
            keys: AtomicU64::new(0),
            _folder: folder,
        }
    }

    /// The address of another process of the service, on the same database.
    pub(crate) async fn another_process(&self) -> String {
        Self::serve(self.state.clone()).await
    }

    /// The address of another process, to which an organization is its demo.
    pub(crate) async fn process_with_demo(&self, demo: OrganizationId) -> String {
        Self::serve(ApiState { demo: Some(demo), ..self.state.clone() }).await
    }

    async fn serve(state: ApiState) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router(state)).into_future());
        url
    }

    /// A request; with a key when there is one, and with an idempotency key when it is a POST.
    pub(crate) fn request(&self, method: &str, path: &str, key: Option<&str>) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if method == Method::POST {
            let number = self.keys.fetch_add(1, Ordering::SeqCst);
            request = request.header("idempotency-key", format!("request-{number}"));
        }
        request
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Value {
        let response = self.request("GET", path, Some(key)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Value {
        let response = self.request("POST", path, Some(key)).json(body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let founded = self.post("/v1/organizations", &self.operator, &json!({ "name": name })).await;
        Tenant {
            id: text(&founded["organization"]["id"]).parse().unwrap(),
            key: text(&founded["secret"]),
            key_id: text(&founded["key"]["id"]),
        }
    }

    /// A key of the tenant with these scopes.
    pub(crate) async fn key(&self, tenant: &str, scopes: &[&str]) -> (String, String) {
        let made = self.post("/v1/api-keys", tenant, &json!({ "name": "narrow", "scopes": scopes })).await;
        (text(&made["key"]["id"]), text(&made["secret"]))
    }

    pub(crate) async fn upload(&self, tenant: &Tenant, bytes: &str) -> String {
        let request = self.request("POST", "/v1/assets?name=tea.png", Some(&tenant.key));
        let request = request.header("content-type", "image/png").body(bytes.to_owned());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        text(&response.json::<Value>().await.unwrap()["id"])
    }

    /// Picture, brief and run.
    pub(crate) async fn order(&self, tenant: &Tenant, seed: u64) -> Made {
        let asset = self.upload(tenant, "picture of tea").await;
        let brief = self.post("/v1/briefs", &tenant.key, &brief_order(&asset)).await;
        let brief = text(&brief["id"]);
        let run = self.post("/v1/runs", &tenant.key, &json!({ "brief": brief, "seed": seed })).await;
        Made { asset, brief, run: text(&run["id"]).parse().unwrap() }
    }

    /// Writes a commit on the run's newest version, as the engine does.
    pub(crate) async fn commit(&self, run: RunId, commit: Commit) {
        let version = StepStore::run(&*self.store, run).await.unwrap().version;
        let message = MessageId::child_of(run.0, "write", version.unsigned_abs());
        self.store.consume("harness", &[message], run, version, commit).await.unwrap();
    }

    /// A message of a run.
    pub(crate) fn message(tenant: &Tenant, run: RunId, sequence: u64) -> Event {
        Event { organization: tenant.id, mode: Mode::of(tenant.id), ..fixtures::event(run, sequence) }
    }

    /// Writes the end of a run as message `sequence`.
    pub(crate) async fn finish(&self, tenant: &Tenant, run: RunId, sequence: u64) {
        let payload = Payload::RunFinished(RunFinished { reason: StopReason::Completed, generations: 2 });
        let last = Event { payload, ..Self::message(tenant, run, sequence) };
        let update = Some(fixtures::update(Stage::Finished, 2));
        self.commit(run, Commit { run: update, messages: vec![last], ..Commit::default() }).await;
    }

    /// Writes what the market said of the winner of [`Server::win`]; returns the campaign and the ad.
    pub(crate) async fn played(&self, run: RunId) -> (String, String) {
        let placement = fixtures::placement(&fixtures::variant(run, 1, 1, VariantState::Won));
        let row = fixtures::delivery(&placement);
        let played = Some((1, fixtures::report()));
        let deliveries = vec![(placement.id, row)];
        self.commit(run, Commit { deliveries, played, ..Commit::default() }).await;
        (format!("{run}-g1"), placement.id.to_string())
    }

    /// Writes a winner with its files and placement; returns its id.
    pub(crate) async fn win(&self, run: RunId) -> String {
        let mut variant = fixtures::variant(run, 1, 1, VariantState::Won);
        variant.body.preview = Some(self.rendered("preview"));
        variant.body.final_render = Some(self.rendered("final"));
        let placements = vec![fixtures::placement(&variant)];
        let id = variant.id.to_string();
        self.commit(run, Commit { variants: vec![variant], placements, ..Commit::default() }).await;
        id
    }

    /// Writes another winner, number `number` of the first generation; returns its id.
    pub(crate) async fn rival(&self, run: RunId, number: u32) -> String {
        let mut variant = fixtures::variant(run, 1, number, VariantState::Won);
        variant.body.final_render = Some(self.rendered(&format!("final {number}")));
        let id = variant.id.to_string();
        self.commit(run, Commit { variants: vec![variant], ..Commit::default() }).await;
        id
    }

    pub(crate) fn rendered(&self, what: &str) -> Rendered {
        let video = video(what);
        Rendered {
            artifact: self.artifacts.put(&video).unwrap(),
            poster: self.artifacts.put(&[b"\xff\xd8\xff", what.as_bytes()].concat()).unwrap(),
            statistics: FrameStatistics::default(),
            frames: 60,
            bytes: video.len() as u64,
            gate: None,
            cost: Micros(1),
        }
    }
}

/// Bytes that begin as an MP4 does.
pub(crate) fn video(what: &str) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypisom".to_vec();
    bytes.extend((0..200_000_u32).map(|number| (number % 251) as u8));
    bytes.extend_from_slice(what.as_bytes());
    bytes
}

/// What [`Stamps`] makes of a file.
pub(crate) fn watermarked(file: &[u8], words: &str) -> Vec<u8> {
    [file, words.as_bytes()].concat()
}

/// Copies that end with the words.
struct Stamps(Arc<FolderArtifacts>);

#[async_trait::async_trait]
impl Watermarks for Stamps {
    async fn marked(
        &self,
        source: &ArtifactHash,
        _: Medium,
        words: &str,
    ) -> Result<ArtifactHash, RenderError> {
        let file = self.0.get(source).map_err(|error| RenderError::Impossible(error.to_string()))?;
        self.0.put(&watermarked(&file, words)).map_err(|error| RenderError::Unavailable(error.to_string()))
    }
}

/// The request that hands the fixtures' brief in.
pub(crate) fn brief_order(asset: &str) -> Value {
    json!({ "brief": fixtures::brief(), "assets": { "tea.png": asset } })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Checks that an answer is a problem in its form, and returns its code.
pub(crate) async fn problem(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let retry_after = response.headers().contains_key("retry-after");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status.as_u16());
    assert_eq!(body["request_id"], id);
    assert_eq!(body["retryable"], retry_after, "{body}");
    assert_eq!(text(&body["type"]), format!("/errors/{}", text(&body["code"])));
    assert!(!text(&body["title"]).is_empty() && !text(&body["detail"]).is_empty());
    (status, body)
}
