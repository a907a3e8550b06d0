//! HTTP: one client per source, with timeouts, limits and no redirects; downloads of results.
//!
//! # Invariants
//! - The API client follows no redirect, which would carry the key elsewhere, and asks servers of this machine
//!   without a proxy.
//! - Results are written by the provider, so their addresses are not trusted: they lie on the server itself, on
//!   a host that the configuration names, or on the public internet. Redirects of results are followed three
//!   times, each address checked as the first was. The key goes to the server itself only.
//! - Nothing is read beyond its limit; errors hold no key and no address of a result, which is a key as well.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, DATE, HeaderMap, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind};
use spotwright_core::ports::clock::Clock;
use spotwright_egress::is_global;
use url::{Host, Url};

use crate::options::{MAX_CLIP_BYTES, OptionsError, Secret, Server};
use crate::words::{bad_answer, excerpt};

/// Largest JSON answer in bytes.
const MAX_JSON_BYTES: usize = 1 << 20;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of a result that are followed.
const MAX_HOPS: usize = 3;

/// Longest wait that a provider may ask for; what is beyond is taken for this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// One source's connections.
pub(crate) struct Http {
    api: Client,
    results: Client,
    base: Url,
    server: Server,
    secrets: Vec<Secret>,
    clock: Arc<dyn Clock>,
}

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `None` where it is none.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Whether a request makes something, so that a lost answer leaves it open whether it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Begins,
    None,
}

/// Resolves names by the system and keeps addresses of the public internet.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is put in by the client.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.take(32).collect();
            if found.is_empty() || !found.iter().all(|address| is_global(address.ip())) {
                let error = std::io::Error::other("the name leads to no server of the public internet");
                return Err(error.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

impl Http {
    /// Builds the clients. The process must have a TLS provider.
    pub(crate) fn new(
        server: Server,
        secrets: Vec<Secret>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OptionsError> {
        let base = check(&server)?;
        let timeout = Duration::from_millis(server.timeout_ms);
        let download_timeout = Duration::from_millis(server.download_timeout_ms);
        let builder = || {
            Client::builder()
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT.min(timeout))
                .user_agent(concat!("spotwright/", env!("CARGO_PKG_VERSION")))
        };
        let mut api = builder().timeout(timeout);
        if is_loopback(&base) {
            api = api.no_proxy();
        }
        let results = builder().timeout(download_timeout).no_proxy().dns_resolver(Arc::new(PublicOnly));
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| OptionsError::Client(error.to_string()))
        };
        Ok(Self { api: build(api)?, results: build(results)?, base, server, secrets, clock })
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.clock.now_micros()
    }

    /// A provider's words as they may be shown.
    pub(crate) fn excerpt(&self, text: &str) -> String {
        excerpt(text, &self.secrets)
    }

    /// A request to an address of [`Self::url`].
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.api.request(method, url)
    }

    /// An address on the server.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends a request and reads a JSON answer's bytes, whatever its status.
    pub(crate) async fn send(&self, request: RequestBuilder, effect: Effect) -> Result<Answer, ClipError> {
        let response = request.send().await.map_err(|error| self.lost(&error, effect))?;
        let status = response.status();
        let retry_after = retry_after(response.headers(), self.now_micros());
        let body = self.read(response, MAX_JSON_BYTES).await.map_err(|mut error| {
            error.may_have_begun = effect == Effect::Begins && !status.is_client_error();
            error
        })?;
        Ok(Answer { status, retry_after, body })
    }

    /// Downloads a result. `authorization` goes along to the server itself only.
    pub(crate) async fn download(
        &self,
        address: &str,
        authorization: Option<&str>,
    ) -> Result<Vec<u8>, ClipError> {
        let mut url =
            self.base.join(address).map_err(|_| bad_answer("the result's address is no web address"))?;
        let limit = Duration::from_millis(self.server.download_timeout_ms);
        for _ in 0..=MAX_HOPS {
            let is_own = url.origin() == self.base.origin();
            let trusted = is_own || self.is_named(&url);
            if !trusted {
                check_public(&url)?;
            }
            let client = if trusted { &self.api } else { &self.results };
            let mut request = client.get(url.clone()).timeout(limit).header(ACCEPT_ENCODING, "identity");
            if let Some(value) = authorization.filter(|_| is_own) {
                request = request.header(AUTHORIZATION, value);
            }
            let response = request.send().await.map_err(|error| self.lost(&error, Effect::None))?;
            if response.status().is_redirection() {
                let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let next = location.and_then(|location| url.join(location).ok());
                url = next.ok_or_else(|| bad_answer("the result's address forwards to nowhere"))?;
                continue;
            }
            return self.read_result(response).await;
        }
        Err(bad_answer(format!("the result's address forwards more than {MAX_HOPS} times")))
    }

    async fn read_result(&self, response: reqwest::Response) -> Result<Vec<u8>, ClipError> {
        let status = response.status();
        if !status.is_success() {
            let busy = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
            let kind = if busy { ClipErrorKind::Unavailable } else { ClipErrorKind::BadAnswer };
            let retry_after = retry_after(response.headers(), self.now_micros());
            let words = if busy { "cannot be had now" } else { "is gone" };
            let message = format!("the result {words}: its address is answered with {status}");
            return Err(ClipError {
                retry_after,
                code: Some(status.as_u16().to_string()),
                ..ClipError::new(kind, message)
            });
        }
        let encoding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(bad_answer("the result is compressed, which was not asked for"));
        }
        let length = response.content_length();
        let most = usize::try_from(self.server.max_clip_bytes).unwrap_or(usize::MAX);
        if length.is_some_and(|length| length > self.server.max_clip_bytes) {
            return Err(bad_answer(format!("the result has more than {most} bytes")));
        }
        let bytes = self.read(response, most).await?;
        if length.is_some_and(|length| length != bytes.len() as u64) {
            return Err(bad_answer(format!("the result breaks off after {} bytes", bytes.len())));
        }
        Ok(bytes)
    }

    async fn read(&self, mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, ClipError> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                    return Err(bad_answer(format!("the answer has more than {most} bytes")));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => {
                    let message = format!("the answer broke off: {}", self.reason(&error));
                    return Err(ClipError::new(ClipErrorKind::Unavailable, message));
                }
            }
        }
    }

    /// A request without an answer.
    fn lost(&self, error: &reqwest::Error, effect: Effect) -> ClipError {
        let message = format!("the server does not answer: {}", self.reason(error));
        let began = effect == Effect::Begins && !error.is_connect() && !error.is_builder();
        ClipError { may_have_begun: began, ..ClipError::new(ClipErrorKind::Unavailable, message) }
    }

    /// The innermost cause, without the address.
    fn reason(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return "no answer in time".to_owned();
        }
        let Some(mut cause) = std::error::Error::source(error) else {
            return "the request failed".to_owned();
        };
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        self.excerpt(&cause.to_string())
    }

    fn is_named(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        matches!(url.scheme(), "http" | "https")
            && self.server.result_hosts.iter().any(|name| name == host || *name == with_port)
    }
}

fn check(server: &Server) -> Result<Url, OptionsError> {
    let url = Url::parse(&server.base_url).map_err(|_| OptionsError::BaseUrl)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(OptionsError::BaseUrl);
    }
    let in_range = [
        ("server.timeout_ms", (100..=600_000).contains(&server.timeout_ms)),
        ("server.download_timeout_ms", (1_000..=3_600_000).contains(&server.download_timeout_ms)),
        ("server.max_clip_bytes", (1..=MAX_CLIP_BYTES).contains(&server.max_clip_bytes)),
    ];
    match in_range.into_iter().find(|(_, fits)| !fits) {
        Some((name, _)) => Err(OptionsError::Range(name)),
        None => Ok(url),
    }
}

/// Whether an address leads to this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.to_ipv4_mapped().is_some_and(|mapped| mapped.is_loopback())
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Refuses addresses that are not opened for a provider; names are checked once more when they are resolved.
fn check_public(url: &Url) -> Result<(), ClipError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || address.is_some_and(|address| !is_global(address)) {
        return Err(bad_answer("the result's address leads to no server of the public internet"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad_answer("the result's address holds a user name"));
    }
    Ok(())
}

/// The wait that headers ask for: seconds, with a fraction, or a date, compared with the server's own.
fn retry_after(headers: &HeaderMap, now_micros: i64) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
    let asked = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = asked.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(MAX_RETRY_AFTER));
    }
    let micros = |date: &str| {
        let since = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok()
    };
    let until = micros(asked)?;
    let now = text(DATE).and_then(micros).unwrap_or(now_micros);
    let wait = Duration::from_micros(u64::try_from(until.saturating_sub(now)).unwrap_or(0));
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn results_of_private_networks_are_not_opened() {
        for address in [
            "http://127.0.0.1:9/x",
            "http://[::1]/x",
            "http://10.1.2.3/x",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "https://user@example.com/x",
        ] {
            let error = check_public(&Url::parse(address).unwrap()).unwrap_err();
            assert_eq!(error.kind, ClipErrorKind::BadAnswer, "{address}");
        }
        assert!(check_public(&Url::parse("https://cdn.example.com/a.mp4?sign=1").unwrap()).is_ok());
    }

    #[test]
    fn waits_are_read_in_all_forms() {
        let asked = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            retry_after(&headers, 1_767_607_200_000_000)
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("1.5"), Some(Duration::from_millis(1_500)));
        assert_eq!(asked("Mon, 05 Jan 2026 10:00:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(asked("1e300"), None);
        assert_eq!(asked("99999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(asked("-1"), None);
    }

    #[test]
    fn bases_are_plain_addresses() {
        for bad in ["", "ftp://a", "http://u:p@a", "http://a?x=1", "http://a#b", "a.example"] {
            assert_eq!(check(&Server::at(bad)), Err(OptionsError::BaseUrl), "{bad}");
        }
        let slow = Server { timeout_ms: 0, ..Server::at("http://a") };
        assert_eq!(check(&slow), Err(OptionsError::Range("server.timeout_ms")));
    }
}
