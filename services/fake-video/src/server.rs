//! The listener, its connections, and the handle that a test holds.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use spotwright_schemas::money::{Currency, Micros};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::bill::{Generation, Log};
use crate::call::{Call, Reply};
use crate::callbacks;
use crate::dispatch;
use crate::faults::Plan;
use crate::options::Options;
use crate::provider::Provider;

/// How often jobs are looked after between calls.
const TICK: Duration = Duration::from_millis(50);
/// Pieces per second of a slow download.
const PIECES: u32 = 20;

type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// A running provider. Stops, and closes its connections, when dropped.
#[derive(Debug)]
pub struct FakeProvider {
    provider: Arc<Provider>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl FakeProvider {
    /// Listens and begins to answer.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((options.address, options.port)).await?;
        let address = listener.local_addr()?;
        let ticking = options.ticking;
        let (provider, to_send) = Provider::new(options, Plan::default(), format!("http://{address}"));
        let mut tasks = vec![
            tokio::spawn(accept(provider.clone(), listener)),
            tokio::spawn(callbacks::deliver(provider.clone(), to_send)),
        ];
        if ticking {
            tasks.push(tokio::spawn(tick(provider.clone())));
        }
        Ok(Self { provider, address, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS:PORT`, without a slash at the end: the base address of every dialect.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.provider.base
    }

    /// The plan of faults; may be added to at any time.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.provider.plan.clone()
    }

    /// The time of jobs, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.provider.clock.now_ms()
    }

    /// A JWT for the account, minted at the time that credentials are judged by.
    #[must_use]
    pub fn token(&self) -> String {
        let options = &self.provider.options;
        let now_ms = options.clock.now_micros() / 1_000;
        crate::credentials::mint_jwt(&options.access_key, &options.secret_key, now_ms)
    }

    /// Moves the time of jobs on, lets happen what is due, and waits until its callbacks were sent.
    ///
    /// Credentials are still judged by [`Options::clock`].
    pub async fn advance(&self, time: Duration) {
        dispatch::advance(&self.provider, i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)).await;
    }

    /// Starts anew: every connection breaks; without `keeps_jobs` jobs under way are lost, and are never
    /// charged.
    pub fn restart(&self, keeps_jobs: bool) {
        self.provider.restart(keeps_jobs);
    }

    /// Resets every connection for so long of the time of jobs. Jobs go on.
    pub fn leave_for(&self, time: Duration) {
        self.provider.leave_for(i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4));
    }

    /// Everything that happened so far.
    #[must_use]
    pub fn log(&self) -> Log {
        self.provider.state().log.clone()
    }

    /// What was charged so far in a currency.
    #[must_use]
    pub fn bill(&self, currency: Currency) -> Micros {
        self.provider.state().log.bill(currency)
    }

    /// Generations under a client's key.
    #[must_use]
    pub fn generations_of(&self, key: &str) -> Vec<Generation> {
        self.provider.state().log.generations_of(key).into_iter().cloned().collect()
    }

    /// Keys, or digests of requests without a key, under which more than one generation was paid or may
    /// be.
    #[must_use]
    pub fn duplicates(&self) -> Vec<String> {
        self.provider.state().log.duplicates().into_keys().map(str::to_owned).collect()
    }

    /// Serves until the process ends.
    pub async fn serve(mut self) {
        if let Some(accepting) = self.tasks.first_mut() {
            // It ends by a panic only, which has then been reported.
            drop(accepting.await);
        }
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn tick(provider: Arc<Provider>) {
    loop {
        tokio::time::sleep(TICK).await;
        drop(provider.state());
    }
}

async fn accept(provider: Arc<Provider>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(attend(provider.clone(), stream));
                }
                // No descriptors, say: a client tries again.
                Err(_) => tokio::time::sleep(TICK).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection to its end, or to the provider's next restart.
async fn attend(provider: Arc<Provider>, stream: TcpStream) {
    drop(stream.set_nodelay(true));
    let mut restarts = provider.restarts.subscribe();
    let reset = Arc::new(AtomicBool::new(false));
    let resetting = reset.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (provider, reset) = (provider.clone(), resetting.clone());
        async move {
            let reply = match Call::read(request).await {
                Some(call) => dispatch::answer(&provider, call).await,
                None => Some(Reply::Json(413, serde_json::json!({"message": "the body is too large"}))),
            };
            let Some(reply) = reply else {
                reset.store(true, Ordering::SeqCst);
                return Err(io::Error::from(io::ErrorKind::ConnectionReset));
            };
            Ok(response(reply))
        }
    });
    let io = TokioIo::new(Resettable { stream, reset: reset.clone() });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is the client's affair.
        ended = connection.as_mut() => drop(ended),
        _ = restarts.changed() => reset.store(true, Ordering::SeqCst),
    }
}

fn response(reply: Reply) -> Response<Body> {
    let (status, media_type, length, pieces) = match reply {
        Reply::Json(status, body) => {
            let bytes = Bytes::from(body.to_string());
            (status, "application/json".to_owned(), bytes.len(), whole(bytes))
        }
        Reply::Bytes { media_type, bytes } => (200, media_type, bytes.len(), whole(bytes)),
        Reply::Half { media_type, bytes, sent, breaks } => {
            let told = if breaks { bytes.len() } else { sent };
            let half = bytes.slice(..sent.min(bytes.len()));
            // The bytes are to arrive before the connection breaks.
            let broken = breaks.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset)));
            let end = stream::iter(broken).then(|broken| async {
                tokio::time::sleep(TICK).await;
                broken
            });
            (200, media_type, told, whole(half).chain(end).boxed())
        }
        Reply::Slow { media_type, bytes, bytes_per_second } => {
            (200, media_type, bytes.len(), slowly(&bytes, bytes_per_second))
        }
        // These never come here; each is resolved before.
        Reply::Output { .. } | Reply::WhenDone { .. } | Reply::Hang | Reply::Reset => {
            (500, "application/json".to_owned(), 0, stream::empty().boxed())
        }
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", media_type)
        .header("content-length", length)
        .header("x-simulated", "true")
        .body(StreamBody::new(pieces));
    response.unwrap_or_else(|_| Response::new(StreamBody::new(stream::empty().boxed())))
}

fn whole(bytes: Bytes) -> BoxStream<'static, io::Result<Frame<Bytes>>> {
    stream::iter([Ok(Frame::data(bytes))]).boxed()
}

fn slowly(bytes: &Bytes, bytes_per_second: u32) -> BoxStream<'static, io::Result<Frame<Bytes>>> {
    let piece = (bytes_per_second / PIECES).max(1) as usize;
    let pieces: Vec<Bytes> =
        (0..bytes.len()).step_by(piece).map(|at| bytes.slice(at..(at + piece).min(bytes.len()))).collect();
    stream::iter(pieces)
        .then(|piece| async {
            tokio::time::sleep(Duration::from_secs(1) / PIECES).await;
            Ok(Frame::data(piece))
        })
        .boxed()
}

/// A stream that ends with a reset instead of a farewell where it is told to.
struct Resettable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // Without it the connection is closed in good order: the client has no answer either way.
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
