//! Fetching, with every step checked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use url::Url;

use crate::address::{Reach, check, checked_within, refused};

/// Redirects that are followed.
const MAX_HOPS: usize = 3;

/// Time for everything, redirects included.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Time until a connection stands.
const MAX_CONNECT: Duration = Duration::from_secs(5);

/// Kinds of content that are taken.
const TAKEN: [&str; 13] = [
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "text/csv",
    "text/tab-separated-values",
    "text/xml",
    "application/xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/pdf",
    "application/json",
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it was found in the end.
    pub address: Url,
    /// The kind of content that the server names.
    pub media_type: Option<String>,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Opens web addresses that others wrote.
#[derive(Debug, Clone)]
pub struct EgressClient {
    client: Client,
    max_bytes: usize,
    reach: Reach,
}

/// What a server answered to what was sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status, also one that forwards to somewhere else.
    pub status: u16,
    /// The first bytes of the answer, at most as many as the client takes.
    pub bytes: Vec<u8>,
}

/// Resolves names by the system and keeps the addresses that may be connected to.
struct WithinReach(Reach);

impl Resolve for WithinReach {
    fn resolve(&self, name: Name) -> Resolving {
        // Of all names only this one may lead to this machine, where that is allowed.
        let reach = match self.0 {
            Reach::Loopback if name.as_str() != "localhost" => Reach::Public,
            reach => reach,
        };
        Box::pin(async move {
            // The port is put in by the client.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.take(32).collect();
            let usable = usable(&found, reach)?;
            let addresses: Addrs = Box::new(usable.into_iter());
            Ok(addresses)
        })
    }
}

/// The addresses of a name, if all of them are within reach: a name with one private address is meant for a
/// private network, or for an attack.
fn usable(found: &[SocketAddr], reach: Reach) -> Result<Vec<SocketAddr>, std::io::Error> {
    if found.is_empty() || !found.iter().all(|address| reach.opens(address.ip())) {
        return Err(std::io::Error::other("the name leads to no server of the public internet"));
    }
    Ok(found.to_vec())
}

impl EgressClient {
    /// A client that takes answers of at most `max_bytes`.
    ///
    /// `allow_loopback` opens addresses of this machine on any port: for tests and development only.
    /// The process must have a TLS provider.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when the client cannot be made.
    pub fn new(max_bytes: usize, allow_loopback: bool) -> Result<Self, Problem> {
        Self::within(if allow_loopback { Reach::Loopback } else { Reach::Public }, max_bytes)
    }

    /// A client that opens servers within a reach and takes answers of at most `max_bytes`. The process must
    /// have a TLS provider.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when the client cannot be made.
    pub fn within(reach: Reach, max_bytes: usize) -> Result<Self, Problem> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(WithinReach(reach)))
            .connect_timeout(MAX_CONNECT)
            .timeout(MAX_TIME)
            .referer(false)
            .user_agent(concat!("spotwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Problem::new(Code::Prerequisite, "", format!("no web client can be made: {error}"))
            })?;
        Ok(Self { client, max_bytes, reach })
    }

    /// Fetches an address.
    ///
    /// # Errors
    /// [`Code::AddressRefused`] for an address, or one that a server forwards to, that is not opened;
    /// [`Code::AddressUnreadable`] for what does not answer as expected.
    pub async fn get(&self, address: &str) -> Result<Fetched, Problem> {
        let fetched = tokio::time::timeout(MAX_TIME, self.follow(address)).await;
        fetched
            .unwrap_or_else(|_| Err(unreadable(format!("does not answer within {} s", MAX_TIME.as_secs()))))
    }

    /// Sends a body to an address, once, and tells what was answered: every status, since nothing is followed,
    /// and the first bytes of the answer.
    ///
    /// `longest` is the time for everything. Cancel-safe, but for what the server has made of it by then.
    ///
    /// # Errors
    /// [`Code::AddressRefused`] for an address that is not opened, before anything is sent;
    /// [`Code::AddressUnreadable`] for a server that cannot be reached or does not answer in time, after which
    /// nobody knows whether it took the body.
    pub async fn post(
        &self,
        address: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
        longest: Duration,
    ) -> Result<Answered, Problem> {
        let url = checked_within(address, self.reach)?;
        let mut request = self.client.post(url).timeout(longest).header(ACCEPT_ENCODING, "identity");
        for (name, value) in headers {
            let value =
                HeaderValue::try_from(value).map_err(|_| refused(name, "cannot stand in a header"))?;
            request = request.header(*name, value);
        }
        let sent = async {
            let mut response = request.body(body).send().await.map_err(|error| unreadable(reason(&error)))?;
            let status = response.status().as_u16();
            let mut bytes = Vec::new();
            while bytes.len() < self.max_bytes {
                // An answer that breaks off was given all the same: its status counts.
                let Ok(Some(part)) = response.chunk().await else { break };
                bytes.extend_from_slice(&part[..part.len().min(self.max_bytes - bytes.len())]);
            }
            Ok(Answered { status, bytes })
        };
        let in_time = tokio::time::timeout(longest, sent).await;
        in_time.unwrap_or_else(|_| Err(unreadable(format!("does not answer within {} s", longest.as_secs()))))
    }

    async fn follow(&self, address: &str) -> Result<Fetched, Problem> {
        let mut url = checked_within(address, self.reach)?;
        for _ in 0..=MAX_HOPS {
            let response = self.ask(&url).await?;
            if !response.status().is_redirection() {
                return self.read(url, response).await;
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or_else(|| unreadable("forwards to nowhere"))?;
            let next = url.join(location).map_err(|_| unreadable("forwards to what is no address"))?;
            check(&next, self.reach)?;
            url = next;
        }
        Err(unreadable(format!("forwards more than {MAX_HOPS} times")))
    }

    async fn ask(&self, url: &Url) -> Result<Response, Problem> {
        let request = self
            .client
            .get(url.clone())
            .header(ACCEPT, "text/html,*/*;q=0.5")
            .header(ACCEPT_ENCODING, "identity");
        request.send().await.map_err(|error| unreadable(reason(&error)))
    }

    async fn read(&self, address: Url, mut response: Response) -> Result<Fetched, Problem> {
        if !response.status().is_success() {
            return Err(unreadable(format!("is answered with {}", response.status())));
        }
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if header(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(unreadable("is answered with compressed content, which was not asked for"));
        }
        let media_type = header(CONTENT_TYPE);
        let kind = media_type
            .as_deref()
            .unwrap_or("text/html")
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        if !TAKEN.contains(&kind.as_str()) {
            return Err(unreadable(format!(
                "is answered with `{kind:.60}`, not with a page, a document or a feed"
            )));
        }
        let too_large = || unreadable(format!("sends more than {} bytes", self.max_bytes));
        if response.content_length().is_some_and(|length| length > self.max_bytes as u64) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| unreadable(reason(&error)))? {
            if bytes.len() + part.len() > self.max_bytes {
                return Err(too_large());
            }
            bytes.extend_from_slice(&part);
        }
        Ok(Fetched { address, media_type, bytes })
    }
}

fn unreadable(message: impl Into<String>) -> Problem {
    Problem::new(Code::AddressUnreadable, "address", message)
}

/// The innermost cause, without the address.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() {
        "does not answer in time".to_owned()
    } else {
        format!("cannot be fetched: {cause}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_with_one_private_address_is_not_connected_to() {
        assert!(usable(&at(&["8.8.8.8:0"]), Reach::Public).is_ok());
        assert!(usable(&at(&["8.8.8.8:0", "127.0.0.1:0"]), Reach::Public).is_err());
        assert!(usable(&at(&["[::1]:0"]), Reach::Public).is_err());
        assert!(usable(&at(&["[::1]:0"]), Reach::Loopback).is_ok());
        assert!(usable(&[], Reach::Private).is_err());
    }
}
