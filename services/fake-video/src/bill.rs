//! What was asked, what was made, what it cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_schemas::money::{Currency, Micros};

use crate::faults::{Dialect, Route};

/// One generation that the provider accepted, whether its client knows of it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The provider's id of the job.
    pub job: String,
    /// How it was asked for.
    pub dialect: Dialect,
    /// The client's own key: `external_task_id`; the header `idempotency-key` or the field `user` of
    /// `/v1/videos`; `extra_data.key`, or a `prompt_id` that the client chose, of ComfyUI.
    pub key: Option<String>,
    /// Digest of everything that was asked for, without key and callback address.
    pub request: String,
    /// What it was asked to show.
    pub prompt: String,
    /// The seed it was made with.
    pub seed: u64,
    /// What it costs when it is made.
    pub price: Micros,
    /// What was charged so far: the price once it was made, nothing before or otherwise.
    pub charged: Micros,
    /// Currency of both.
    pub currency: Currency,
    /// When it was accepted, in milliseconds since 1970-01-01 UTC.
    pub accepted_ms: i64,
    /// When its work began.
    pub started_ms: Option<i64>,
    /// When it ended, in whatever way.
    pub ended_ms: Option<i64>,
    /// How it stands: `queued`, `running`, `done`, `failed`, `cancelled` or `lost`.
    pub end: String,
}

/// One HTTP call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCall {
    /// When it came, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its dialect; `None` when the path belongs to none.
    pub dialect: Option<Dialect>,
    /// What it was for.
    pub route: Option<Route>,
    /// The answer's status; `None` without an answer.
    pub status: Option<u16>,
    /// What went wrong on purpose, as written in JSON.
    pub faults: Vec<crate::faults::Fault>,
}

/// One callback, after it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSent {
    /// When it was sent, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Where to.
    pub url: String,
    /// The task that it is about.
    pub job: String,
    /// What it says of the task.
    pub says: String,
    /// Whether it carries a signature.
    pub signed: bool,
    /// Whether it is a lie.
    pub forged: bool,
    /// The answer's status; `None` when there was no answer.
    pub answer: Option<u16>,
}

/// Everything that happened at the provider. Survives its restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Accepted generations, in order.
    pub generations: Vec<Generation>,
    /// HTTP calls, in order of their arrival.
    pub calls: Vec<HttpCall>,
    /// Callbacks, in order.
    pub callbacks: Vec<CallbackSent>,
}

impl Log {
    /// What was charged in a currency, to the micro.
    #[must_use]
    pub fn bill(&self, currency: Currency) -> Micros {
        self.generations.iter().filter(|one| one.currency == currency).map(|one| one.charged).sum()
    }

    /// Generations under a client's key.
    #[must_use]
    pub fn generations_of(&self, key: &str) -> Vec<&Generation> {
        self.generations.iter().filter(|one| one.key.as_deref() == Some(key)).collect()
    }

    /// Work that was paid twice: keys, or without a key digests of requests, under which more than one
    /// generation was charged or may still be.
    #[must_use]
    pub fn duplicates(&self) -> BTreeMap<&str, Vec<&Generation>> {
        let mut by_key: BTreeMap<&str, Vec<&Generation>> = BTreeMap::new();
        for one in &self.generations {
            let open = one.ended_ms.is_none() && one.price > Micros::ZERO;
            if one.charged > Micros::ZERO || open {
                by_key.entry(one.key.as_deref().unwrap_or(&one.request)).or_default().push(one);
            }
        }
        by_key.retain(|_, generations| generations.len() > 1);
        by_key
    }

    /// Calls of one kind, in order.
    pub fn calls_on(&self, route: Route) -> impl Iterator<Item = &HttpCall> {
        self.calls.iter().filter(move |call| call.route == Some(route))
    }
}
