//! Listening: accepts connections, watches each one, and ends those that hold a place without using it.
//!
//! A connection without a request under way may be ended at any time, and is: when its first request
//! does not come, when it stays idle for long, and when its place is needed by somebody else. So idle
//! and half-open connections, however many, keep nobody out. What takes a place for long is a request,
//! and those behind a key are shared among organizations by the API itself.

mod room;
mod stall;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use spotwright_api::Peer;
use spotwright_api::body::Watched;
use spotwright_core::spine::Shutdown;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt as _;

use self::room::{Room, Seat};
use self::stall::Stalling;

/// Wait after the system refused to accept a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What a client is told for whom there is no place.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Length: 0\r\n\r\n";

/// What one listener allows.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address; of one network of 64 bits with IPv6.
    pub of_one_address: usize,
    /// Longest time until the first request of a connection was received.
    pub first_request: Duration,
    /// Longest time between two requests of a connection.
    pub idle: Duration,
    /// Longest time without the client taking anything of what is sent to it.
    pub stalled: Duration,
    /// Longest time for answers under way once the service stops.
    pub drain: Duration,
}

impl Bounds {
    /// Bounds with the usual times. One address gets three quarters of the places at most: a proxy in
    /// front of the service is one address too.
    #[must_use]
    pub fn of(connections: usize) -> Self {
        Self {
            connections,
            of_one_address: (connections / 4 * 3).max(1),
            first_request: Duration::from_secs(10),
            // Longer than the usual 60 s of proxies, so that they end a connection and not we.
            idle: Duration::from_secs(75),
            stalled: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    key: &'static str,
}

impl Listener {
    /// Binds an address, so that one that is taken is an error at the start. `key` is the setting that
    /// names it.
    ///
    /// # Errors
    /// [`Code::Option`] with the key.
    pub async fn bind(key: &'static str, address: &str) -> Result<Self, Problem> {
        let wrong = |error: String| Problem::new(Code::Option, key, format!("`{address}`: {error}"));
        let parsed: SocketAddr = address.parse().map_err(|error| wrong(format!("{error}")))?;
        let socket = TcpListener::bind(parsed).await.map_err(|error| wrong(error.to_string()))?;
        let bound = socket.local_addr().map_err(|error| wrong(error.to_string()))?;
        tracing::info!(address = %bound, key, "listening");
        Ok(Self { socket, key })
    }

    /// Serves until told to stop, then lets answers under way end.
    pub async fn serve(self, router: Router, bounds: Bounds, mut shutdown: Shutdown) {
        let room = Arc::new(Room::new(bounds.connections, bounds.of_one_address, self.key));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.wait() => break,
                accepted = self.socket.accept() => accepted,
                // Ended connections are taken note of, so that their tasks take no memory.
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, address)) => match room.admit(address.ip()) {
                    Some(seat) => {
                        let (router, shutdown) = (router.clone(), shutdown.clone());
                        let peer = Peer(address.ip());
                        connections.spawn(attend(stream, peer, seat, router, bounds, shutdown));
                    }
                    None => turn_away(&stream),
                },
                Err(error) => {
                    // Out of descriptors, most likely: an idle connection gives its own back.
                    tracing::warn!(%error, key = self.key, "a connection was not accepted");
                    room.make_place();
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }
}

/// Says that there is no place, as far as the client listens.
fn turn_away(stream: &TcpStream) {
    if let Err(error) = stream.try_write(FULL) {
        tracing::debug!(%error, "a client was turned away without a word");
    }
}

/// Serves one connection to its end.
async fn attend(
    stream: TcpStream,
    peer: Peer,
    seat: Seat,
    router: Router,
    bounds: Bounds,
    mut shutdown: Shutdown,
) {
    // Small answers go out at once; a socket that refuses this works all the same.
    drop(stream.set_nodelay(true));
    let service = service_fn(|mut request: Request<Incoming>| {
        let under_way = seat.begin();
        request.extensions_mut().insert(peer);
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let answer = answer.await.unwrap_or_else(|never| match never {});
            // The request is under way until its answer was sent or given up.
            Ok::<_, Infallible>(answer.map(|body| Body::new(Watched::new(body, under_way))))
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let io = TokioIo::new(Stalling::new(stream, bounds.stalled));
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    let mut cut_at: Option<Instant> = None;
    loop {
        let due = seat.due(&bounds);
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = seat.asked_to_leave() => return,
            () = tokio::time::sleep_until(due) => {
                if seat.due(&bounds) <= due {
                    return;
                }
            }
            () = shutdown.wait(), if cut_at.is_none() => {
                connection.as_mut().graceful_shutdown();
                // Without a request there is nothing to wait for, half of one included.
                if seat.is_idle() {
                    return;
                }
                cut_at = Some(Instant::now() + bounds.drain);
            }
            () = tokio::time::sleep_until(cut_at.unwrap_or(due)), if cut_at.is_some() => {
                tracing::debug!("an answer was cut because the service stops");
                return;
            }
        }
    }
}
