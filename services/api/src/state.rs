//! What the API works with: ports, secrets and limits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::audit::AuditLog;
use spotwright_core::ports::brands::BrandStore;
use spotwright_core::ports::clip_hints::ClipHints;
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::entropy::Entropy;
use spotwright_core::ports::event_log::EventLog;
use spotwright_core::ports::experiments::{Analyst, ExperimentStore};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::observations::ObservationStore;
use spotwright_core::ports::people::PeopleStore;
use spotwright_core::ports::pictures::PictureImporter;
use spotwright_core::ports::readiness::Readiness;
use spotwright_core::ports::reviews::ReviewStore;
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::run_prices::RunPrices;
use spotwright_core::ports::video_jobs::VideoJobs;
use spotwright_core::ports::watermarks::Watermarks;
use spotwright_core::ports::webhooks::{WebhookSender, WebhookStore};
use spotwright_core::spine::Shutdown;
use spotwright_core::use_cases::brands::BrandPorts;
use spotwright_core::use_cases::reviews::ReviewPorts;
use spotwright_core::use_cases::run_sizes::RunSizes;
use spotwright_core::use_cases::runs::RunPorts;
use spotwright_core::use_cases::{Passwords, PeoplePorts, Record, Throttle};
use spotwright_schemas::ids::OrganizationId;
use tokio::sync::Semaphore;

use crate::auth::{Authenticator, Caller};
use crate::idempotency::InFlight;
use crate::key::Pepper;
use crate::rate::RateLimiter;
use crate::requests::RequestLog;
use crate::session::Links;
use crate::shares::Shares;
use crate::tails::Tails;

/// Everything the API needs from the program.
#[derive(Clone)]
pub struct ApiState {
    /// Accounts and each organization's rows.
    pub accounts: Arc<dyn AccountStore>,
    /// What happened in each organization.
    pub log: Arc<dyn EventLog>,
    /// Webhooks and their deliveries.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Who sends tests to webhooks, and knows which addresses are opened.
    pub webhook_sender: Arc<dyn WebhookSender>,
    /// What ads did, by source.
    pub observations: Arc<dyn ObservationStore>,
    /// Approvals, comments and links of reviewers.
    pub reviews: Arc<dyn ReviewStore>,
    /// Brands.
    pub brands: Arc<dyn BrandStore>,
    /// Experiments, their logs and read-outs.
    pub experiments: Arc<dyn ExperimentStore>,
    /// Who reads exposures of experiments.
    pub analyst: Arc<dyn Analyst>,
    /// Pictures and videos.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Import of pictures.
    pub pictures: Arc<dyn PictureImporter>,
    /// Copies for reviewers without an account.
    pub watermarks: Arc<dyn Watermarks>,
    /// What can be drawn.
    pub letters: Arc<dyn Letters>,
    /// Control of runs.
    pub runs: Arc<dyn RunControl>,
    /// What runs would cost.
    pub prices: Arc<dyn RunPrices>,
    /// Who makes single clips; `None` where nobody does.
    pub videos: Option<Arc<dyn VideoJobs>>,
    /// Who takes callbacks about clips; `None` where nobody does.
    pub clip_hints: Option<Arc<dyn ClipHints>>,
    /// Whether the process can do its work.
    pub readiness: Arc<dyn Readiness>,
    /// Time, for the cache of keys and the rate limit.
    pub clock: Arc<dyn Clock>,
    /// Secrets of keys and random ids.
    pub entropy: Arc<dyn Entropy>,
    /// Authenticates keys and cursors.
    pub pepper: Pepper,
    /// People, members, invitations and sessions.
    pub people: Arc<dyn PeopleStore>,
    /// What was changed, and by whom.
    pub audit: Arc<dyn AuditLog>,
    /// Links that sign in once.
    pub links: Links,
    /// The organization that is there to look around in, where there is one.
    pub demo: Option<OrganizationId>,
    /// Limits.
    pub limits: Limits,
    /// Sizes of a run that the order does not name.
    pub run_defaults: RunSizes,
    /// Ends event streams when the program stops.
    pub shutdown: Shutdown,
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState")
            .field("pepper", &self.pepper)
            .field("limits", &self.limits)
            .field("run_defaults", &self.run_defaults)
            .finish_non_exhaustive()
    }
}

/// Limits of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests behind a key that are worked on at the same time. As with streams and uploads, an
    /// organization holds at most as many as are free beside its own; more are answered 503.
    pub requests: usize,
    /// Open event streams.
    pub streams: usize,
    /// Pictures being received at the same time.
    pub uploads: usize,
    /// Pictures being imported at the same time; more wait.
    pub imports: usize,
    /// Longest time until an answer begins, counted from the last part of the request that arrived.
    pub timeout: Duration,
    /// Requests of one key per second, and how many may come at once.
    pub requests_per_second: u32,
    /// How long a checked key is believed: the longest time until a revocation made by another
    /// process takes effect. One made by this process takes effect at once.
    pub key_cache: Duration,
    /// Keys kept in memory.
    pub cached_keys: usize,
    /// Largest picture in bytes.
    pub picture_bytes: usize,
    /// Bytes that all pictures of one organization may have together.
    pub asset_bytes: u64,
    /// How often an event stream looks for new events.
    pub poll: Duration,
    /// How long an event stream may be silent before a comment is sent.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 512,
            streams: 1_024,
            uploads: 16,
            imports: 2,
            timeout: Duration::from_secs(30),
            requests_per_second: 10_000,
            key_cache: Duration::from_secs(2),
            cached_keys: 10_000,
            picture_bytes: 20_000_000,
            asset_bytes: 2_000_000_000,
            poll: Duration::from_millis(250),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// The state that handlers share.
pub(crate) struct Service {
    pub(crate) state: ApiState,
    pub(crate) auth: Authenticator,
    pub(crate) in_flight: InFlight,
    pub(crate) rate: RateLimiter,
    pub(crate) seen: RequestLog,
    pub(crate) requests: Arc<Shares>,
    pub(crate) streams: Arc<Shares>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) uploads: Arc<Shares>,
    pub(crate) imports: Arc<Semaphore>,
    passwords: Passwords,
    throttle: Throttle,
    pub(crate) openapi: String,
}

/// The state as handlers receive it.
pub(crate) type App = Arc<Service>;

impl Service {
    pub(crate) fn new(state: ApiState) -> Self {
        let limits = state.limits;
        Self {
            auth: Authenticator::new(&state),
            in_flight: InFlight::default(),
            rate: RateLimiter::new(limits.requests_per_second, limits.cached_keys),
            seen: RequestLog::default(),
            requests: Shares::new(limits.requests),
            streams: Shares::new(limits.streams),
            tails: Tails::new(limits.poll),
            uploads: Shares::new(limits.uploads),
            imports: Arc::new(Semaphore::new(limits.imports)),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            openapi: crate::openapi::document_text(),
            state,
        }
    }

    /// What use cases write their changes down with, on behalf of a caller.
    pub(crate) fn record<'a>(&'a self, caller: &'a Caller) -> Record<'a> {
        let record = self.public_record(caller.request_id.as_deref());
        Record { clock: caller.clock.as_clock(), ..record }
    }

    /// The same for a request that needs no key.
    fn public_record<'a>(&'a self, request_id: Option<&'a str>) -> Record<'a> {
        Record {
            log: self.state.audit.as_ref(),
            clock: self.state.clock.as_ref(),
            entropy: self.state.entropy.as_ref(),
            request_id,
        }
    }

    /// What the use cases of runs work with, on behalf of a caller.
    pub(crate) fn runs<'a>(&'a self, caller: &'a Caller) -> RunPorts<'a> {
        RunPorts {
            accounts: self.state.accounts.as_ref(),
            control: self.state.runs.as_ref(),
            record: self.record(caller),
        }
    }

    /// What the use cases of brands work with, on behalf of a caller.
    pub(crate) fn brands<'a>(&'a self, caller: &'a Caller) -> BrandPorts<'a> {
        BrandPorts {
            brands: self.state.brands.as_ref(),
            accounts: self.state.accounts.as_ref(),
            letters: self.state.letters.as_ref(),
            record: self.record(caller),
        }
    }

    /// What the use cases of reviews work with, on behalf of a caller.
    pub(crate) fn reviews<'a>(&'a self, caller: &'a Caller) -> ReviewPorts<'a> {
        ReviewPorts { record: self.record(caller), ..self.public_reviews(None) }
    }

    /// The same for a request that needs no key.
    pub(crate) fn public_reviews<'a>(&'a self, request_id: Option<&'a str>) -> ReviewPorts<'a> {
        ReviewPorts {
            reviews: self.state.reviews.as_ref(),
            accounts: self.state.accounts.as_ref(),
            seal: &self.state.pepper,
            throttle: &self.throttle,
            record: self.public_record(request_id),
        }
    }

    /// What the use cases of people work with, on behalf of a caller.
    pub(crate) fn people<'a>(&'a self, caller: &'a Caller) -> PeoplePorts<'a> {
        PeoplePorts { record: self.record(caller), ..self.public_people(None) }
    }

    /// The same for a request that needs no key, and for sessions, which go by the machine's clock
    /// everywhere.
    pub(crate) fn public_people<'a>(&'a self, request_id: Option<&'a str>) -> PeoplePorts<'a> {
        PeoplePorts {
            people: self.state.people.as_ref(),
            seal: &self.state.pepper,
            passwords: &self.passwords,
            throttle: &self.throttle,
            record: self.public_record(request_id),
        }
    }
}
