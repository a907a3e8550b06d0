//! A store with an organization and runs, a receiver on the loopback, and a clock that is moved.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_core::domain::account::{KeyMac, NewKey, NewOrganization, Scope};
use spotwright_core::domain::run::{Involvement, NewRun, RunRequest};
use spotwright_core::domain::webhook::{
    Delivery, DeliveryState, MOST_WEBHOOKS, SecretMark, Webhook, WebhookOrder, WebhookState,
};
use spotwright_core::ports::accounts::{AccountStore, Page, WriteKey};
use spotwright_core::ports::clock::{Clock as _, ManualClock};
use spotwright_core::ports::event_log::{EventLog, LogFilter, LogPosition, Logged};
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_core::ports::webhooks::{
    NewWebhook, WebhookSecret, WebhookSecrets, WebhookSender, WebhookStore,
};
use spotwright_egress::Reach;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::{
    ContentType, CreativeRequested, Event, Payload, RunFinished, SpecVersion, StopReason,
};
use spotwright_schemas::ids::{KeyId, MessageId, OrganizationId, RunId, WebhookId};
use spotwright_schemas::money::Micros;
use spotwright_store::postgres::{PostgresStore, database};
use spotwright_store::sqlite::SqliteStore;
use spotwright_webhooks::dispatcher::{DispatchOptions, DispatchPorts, Dispatcher};
use spotwright_webhooks::sender::{HttpSender, SenderOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const SECOND: i64 = 1_000_000;
/// Everything of a list.
const ALL: Page = Page { before: None, limit: 200 };

/// Everything that a store is.
pub(crate) trait Store: StepStore + AccountStore + EventLog + WebhookStore {}
impl<T: StepStore + AccountStore + EventLog + WebhookStore> Store for T {}

/// Secrets that need no pepper.
pub(crate) struct Secrets;

impl WebhookSecrets for Secrets {
    fn derive(&self, webhook: WebhookId, version: u32) -> (WebhookSecret, SecretMark) {
        let mut secret = [u8::try_from(version).unwrap(); 32];
        secret[..16].copy_from_slice(webhook.0.as_bytes());
        (WebhookSecret(secret), SecretMark("test".to_owned()))
    }

    fn recall(&self, webhook: WebhookId, version: u32, mark: &SecretMark) -> Option<WebhookSecret> {
        (mark.0 == "test").then(|| self.derive(webhook, version).0)
    }

    fn in_words(&self, _: &WebhookSecret) -> String {
        String::new()
    }
}

/// A message as a receiver got it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) taken: bool,
}

impl Got {
    /// Its run and number.
    pub(crate) fn place(&self) -> (String, u64) {
        (self.body["run"].as_str().unwrap_or("").to_owned(), self.body["sequence"].as_u64().unwrap_or(0))
    }
}

/// A receiver of this machine.
pub(crate) struct Receiver {
    pub(crate) url: String,
    /// The status that it answers; 0 for never answering.
    pub(crate) status: Arc<AtomicU16>,
    pub(crate) open: Arc<AtomicUsize>,
    pub(crate) most_open: Arc<AtomicUsize>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            status: Arc::new(AtomicU16::new(200)),
            open: Arc::default(),
            most_open: Arc::default(),
            got: Arc::default(),
        };
        let (status, got) = (Arc::clone(&receiver.status), Arc::clone(&receiver.got));
        let (open, most) = (Arc::clone(&receiver.open), Arc::clone(&receiver.most_open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (status, got) = (Arc::clone(&status), Arc::clone(&got));
                let (open, most) = (Arc::clone(&open), Arc::clone(&most));
                tokio::spawn(async move {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    serve(stream, &status, &got).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        receiver
    }

    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn all(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Numbers of the messages that were taken, by run, in the order of their arrival.
    pub(crate) fn taken(&self) -> BTreeMap<String, Vec<u64>> {
        let mut runs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for got in self.all().into_iter().filter(|got| got.taken) {
            let (run, number) = got.place();
            runs.entry(run).or_default().push(number);
        }
        runs
    }
}

async fn serve(mut stream: TcpStream, status: &AtomicU16, got: &Mutex<Vec<Got>>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length: usize = header(&head, "content-length").parse().unwrap_or(0);
            break (head, end + 4 + length);
        }
    };
    while bytes.len() < length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = status.load(Ordering::SeqCst);
    let start = length - header(&head, "content-length").parse::<usize>().unwrap_or(0);
    let text = String::from_utf8(bytes[start..length].to_vec()).unwrap();
    got.lock().unwrap().push(Got {
        id: header(&head, "webhook-id"),
        timestamp: header(&head, "webhook-timestamp"),
        signature: header(&head, "webhook-signature"),
        body: serde_json::from_str(&text).unwrap(),
        text,
        taken: (200..300).contains(&answer),
    });
    if answer == 0 {
        // Silent until the sender gives up.
        let mut rest = [0];
        drop(stream.read(&mut rest).await);
        return;
    }
    let body = format!("answer {answer}");
    let written = format!(
        "HTTP/1.1 {answer} X\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    drop(stream.write_all(written.as_bytes()).await);
    drop(stream.shutdown().await);
}

fn header(head: &str, name: &str) -> String {
    let found = head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_default()
}

/// A store with an organization, and what serves its webhooks.
pub(crate) struct World {
    pub(crate) store: Arc<dyn StepStoreEtc>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organization: OrganizationId,
    numbers: AtomicU64,
    /// Of the database on a server; none for a file.
    url: Option<String>,
    _guard: Box<dyn Any + Send>,
}

/// [`Store`] as an object.
pub(crate) trait StepStoreEtc: Store + Send + Sync {
    fn webhooks_port(self: Arc<Self>) -> Arc<dyn WebhookStore>;
}

impl<T: Store + 'static> StepStoreEtc for T {
    fn webhooks_port(self: Arc<Self>) -> Arc<dyn WebhookStore> {
        self
    }
}

/// Removes its database at the end.
pub(crate) struct Database(String, String);

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.0.clone(), self.1.clone());
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(database::remove(&server, &name))
        });
        drop(removed.join());
    }
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        Self::of(store, None, Box::new(folder)).await
    }

    #[expect(clippy::disallowed_methods, reason = "the servers are told through the environment")]
    pub(crate) async fn postgres(name: &str) -> Self {
        let server = std::env::var("SPOTWRIGHT_TEST_POSTGRES_URL").expect("run infra/test.sh");
        let name = format!("test_hooks_{name}_{}", std::process::id());
        let url = database::create(&server, &name).await.unwrap();
        let store = PostgresStore::connect(&url, 4).await.unwrap();
        Self::of(store, Some(url), Box::new(Database(server, name))).await
    }

    async fn of<S: Store + 'static>(store: Arc<S>, url: Option<String>, guard: Box<dyn Any + Send>) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let world = Self {
            store,
            clock: Arc::new(ManualClock::starting_at(1_800_000_000 * SECOND)),
            organization: OrganizationId::derive(1, "organization", 0),
            numbers: AtomicU64::new(1),
            url,
            _guard: guard,
        };
        world.found(world.organization).await;
        world
    }

    pub(crate) async fn found(&self, id: OrganizationId) {
        let key = NewKey {
            id: KeyId::child_of(id.0, "key", 0),
            name: "key".to_owned(),
            scopes: Scope::CUSTOMER.to_vec(),
            mac: KeyMac([1; 32]),
            lifetime_micros: None,
        };
        assert!(self.store.bootstrap(&NewOrganization { id, name: "one".to_owned() }, &key).await.unwrap());
    }

    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    /// A run of the organization without messages.
    pub(crate) async fn run(&self) -> RunId {
        self.run_of(self.organization).await
    }

    pub(crate) async fn run_of(&self, organization: OrganizationId) -> RunId {
        let seed = self.number();
        let id = RunId::derive(seed, "run", 0);
        let request = RunRequest {
            brief: brief(),
            pictures: Vec::new(),
            generations: 1,
            variants: 2,
            winners: 1,
            seed,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        };
        let run = NewRun { id, organization, request, budget: Micros(10) };
        self.store.create_run(&run, Commit::default()).await.unwrap();
        id
    }

    /// Writes the next messages of a run.
    pub(crate) async fn tell(&self, run: RunId, numbers: std::ops::RangeInclusive<u64>) {
        let view = StepStore::run(&*self.store, run).await.unwrap();
        let messages = numbers.map(|number| self.event(run, view.organization, number)).collect();
        let commit = Commit { messages, ..Commit::default() };
        self.store.amend(run, view.version, commit).await.unwrap();
    }

    fn event(&self, run: RunId, organization: OrganizationId, sequence: u64) -> Event {
        let payload = if sequence == 5 {
            Payload::RunFinished(RunFinished { reason: StopReason::Completed, generations: 1 })
        } else {
            let brief = "hill-tea".to_owned();
            Payload::CreativeRequested(CreativeRequested { brief, generations: 1, variants: 2 })
        };
        Event {
            specversion: SpecVersion::V1,
            id: MessageId::child_of(run.0, "message", sequence),
            source: "/spotwright/test".to_owned(),
            subject: run,
            time: Timestamp::from_microsecond(self.now()).unwrap(),
            datacontenttype: ContentType::Json,
            organization,
            sequence,
            payload,
        }
    }

    pub(crate) async fn webhook(&self, url: &str, events: &[&str]) -> Webhook {
        // It hears of what comes after the newest event that readers are shown.
        self.quiet().await;
        let number = self.number();
        let new = NewWebhook {
            id: WebhookId::derive(number, "webhook", 0),
            order: order(url, events),
            secret_mark: SecretMark("test".to_owned()),
            most: MOST_WEBHOOKS,
            now: self.now(),
        };
        let write = WriteKey { key: format!("webhook-{number}"), fingerprint: [1; 32] };
        self.store.create_webhook(self.organization, &write, &new).await.unwrap().into_inner()
    }

    pub(crate) fn sender(&self) -> Arc<dyn WebhookSender> {
        let options = SenderOptions { reach: Reach::Loopback, longest: Duration::from_secs(2) };
        Arc::new(HttpSender::new(options, self.clock.clone()).unwrap())
    }

    pub(crate) fn dispatcher(&self, sender: Arc<dyn WebhookSender>) -> Dispatcher {
        let ports = DispatchPorts {
            store: Arc::clone(&self.store).webhooks_port(),
            secrets: Arc::new(Secrets),
            sender,
            clock: self.clock.clone(),
        };
        let poll = Duration::from_millis(5);
        Dispatcher::new(ports, DispatchOptions { poll, ..DispatchOptions::default() })
    }

    /// Waits until readers of the log are shown everything that is written so far: on a server, what other
    /// tests have under way in databases of their own holds it back.
    pub(crate) async fn quiet(&self) {
        if let Some(url) = &self.url {
            database::quiet(url).await.unwrap();
        }
    }

    /// Sends everything that is due.
    pub(crate) async fn settle(&self, dispatcher: &mut Dispatcher) {
        self.quiet().await;
        dispatcher.settle().await.unwrap();
    }

    /// Moves the clock, second by second where something may be due.
    pub(crate) async fn pass(&self, dispatcher: &mut Dispatcher, seconds: i64, step: i64) {
        self.quiet().await;
        let mut passed = 0;
        while passed < seconds {
            self.clock.advance_micros(step * SECOND);
            passed += step;
            dispatcher.settle().await.unwrap();
        }
        // What was told on the way.
        self.settle(dispatcher).await;
    }

    pub(crate) async fn deliveries(&self, webhook: &Webhook, state: Option<DeliveryState>) -> Vec<Delivery> {
        let rows = self.store.deliveries(self.organization, webhook.id, state, ALL).await.unwrap();
        rows.into_iter().map(|row| row.row).collect()
    }

    pub(crate) async fn find(&self, webhook: &Webhook) -> Webhook {
        self.store.webhook(self.organization, webhook.id).await.unwrap()
    }

    pub(crate) async fn change(&self, webhook: &Webhook, state: WebhookState) -> Webhook {
        let changed =
            self.store.update_webhook(self.organization, webhook.id, &webhook.order, state, None, self.now());
        changed.await.unwrap()
    }

    pub(crate) async fn log(&self, after: LogPosition, filter: &LogFilter, limit: u32) -> Vec<Logged> {
        self.quiet().await;
        self.store.events_of_organization(self.organization, after, filter, limit).await.unwrap()
    }
}

pub(crate) fn order(url: &str, events: &[&str]) -> WebhookOrder {
    let events = events.iter().map(|&word| word.to_owned()).collect();
    WebhookOrder { url: url.to_owned(), name: "receiver".to_owned(), events }
}

fn brief() -> Brief {
    let text = json!({
        "format": "spotwright.brief.v1",
        "id": "hill-tea",
        "locale": "en-US",
        "brand": { "name": "Hill", "colors": { "primary": "#102030", "accent": "#F0E0D0" } },
        "product": {
            "name": "Hill tea",
            "category": "tea",
            "facts": [{
                "id": "picked", "kind": "feature", "text": "picked by hand",
                "evidence": { "source": "grower's log 2026" }
            }],
            "pictures": [{ "file": "tea.png", "alt": "a cup of tea" }]
        },
        "audience": { "description": "people who drink tea" },
        "objective": "clicks",
        "budget": { "total": "10.00", "currency": "USD" },
        "destination_url": "https://example.com/tea",
        "call_to_action": "shop_now",
        "placements": ["simulated_feed"]
    });
    Brief::from_json(text.to_string().as_bytes()).unwrap()
}
