//! A TCP proxy that spoils connections: cuts them, delays them, lets them hang.
//!
//! A faulty network loses packets, not bytes out of the middle of a stream: what is held up here
//! arrives, in order, when the fault ends, unless the connection is cut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What happens to the bytes of all connections, those to come included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: they pass.
    None,
    /// Each piece waits that long, in both directions.
    Delay(Duration),
    /// At most this many bytes per second in each direction, at least 1.
    Throttle(u32),
    /// Nothing passes in either direction, and nobody is told.
    Blackhole,
    /// Nothing passes from the server to the client; the server hears the client.
    HalfOpen,
    /// New connections are closed at once; old ones pass.
    Refuse,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// A running proxy; dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    /// How often all connections were cut.
    cuts: watch::Sender<u64>,
    tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free loopback port and passes connections on to `server`.
    ///
    /// # Errors
    /// The port cannot be opened.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let (cuts, cut) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, faults, cut));
        Ok(Self { address, fault, cuts, tasks })
    }

    /// Where to connect to instead of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the fault from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Resets every connection; bytes on their way are lost.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts all connections and stops listening.
    pub async fn stop(mut self) {
        self.cut();
        self.tasks.shutdown().await;
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    faults: watch::Receiver<Fault>,
    mut cut: watch::Receiver<u64>,
) {
    // Dropping the set, when the proxy is dropped, ends all connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if *faults.borrow() == Fault::Refuse {
                    continue;
                }
                cut.mark_unchanged();
                connections.spawn(carry(client, server, faults.clone(), cut.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries one connection until it ends or is cut.
async fn carry(
    client: TcpStream,
    server: SocketAddr,
    faults: watch::Receiver<Fault>,
    mut cut: watch::Receiver<u64>,
) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    // With no time to linger, closing sends a reset instead of an orderly end.
    let reset = client.set_zero_linger().and_then(|()| server.set_zero_linger());
    if reset.is_err() || client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let there = pass(client_reads, server_writes, faults.clone(), Way::ToServer);
    let back = pass(server_reads, client_writes, faults, Way::ToClient);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = cut.changed() => {}
    }
}

/// Passes bytes one way, as far as the fault lets them.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut faults: watch::Receiver<Fault>, way: Way) {
    let mut piece = vec![0_u8; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut piece).await else { return };
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            // Changes of the fault are seen by every piece that has not passed yet.
            let fault = *faults.borrow_and_update();
            let step = match fault {
                Fault::Blackhole => None,
                Fault::HalfOpen if way == Way::ToClient => None,
                Fault::Throttle(rate) => Some((rest.len().min(rate.max(1) as usize), Duration::from_secs(1))),
                Fault::Delay(delay) => Some((rest.len(), delay)),
                Fault::None | Fault::HalfOpen | Fault::Refuse => Some((rest.len(), Duration::ZERO)),
            };
            let Some((length, wait)) = step else {
                if faults.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let (now, later) = rest.split_at(length);
            if to.write_all(now).await.is_err() {
                return;
            }
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it hears.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.into_split();
                    tokio::io::copy(&mut reads, &mut writes).await
                });
            }
        });
        address
    }

    async fn hear(stream: &mut TcpStream) -> io::Result<[u8; 5]> {
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).await.map(|_| heard)
    }

    #[tokio::test]
    async fn bytes_pass_until_the_connection_is_cut() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        assert_eq!(&hear(&mut stream).await.unwrap(), b"hello");
        proxy.cut();
        // A reset, or an end when the system had delivered everything before.
        let ended = hear(&mut stream).await.unwrap_err().kind();
        assert!(matches!(ended, io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof), "{ended}");
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"again").await.unwrap();
        assert_eq!(&hear(&mut stream).await.unwrap(), b"again");
    }

    #[tokio::test]
    async fn what_a_hole_swallowed_comes_out_when_it_closes() {
        for fault in [Fault::Blackhole, Fault::HalfOpen] {
            let proxy = Proxy::start(echo().await).await.unwrap();
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            proxy.set(fault);
            stream.write_all(b"hello").await.unwrap();
            let silence = tokio::time::timeout(Duration::from_millis(50), stream.readable()).await;
            assert!(silence.is_err(), "{fault:?}");
            proxy.set(Fault::None);
            assert_eq!(&hear(&mut stream).await.unwrap(), b"hello", "{fault:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_ends_at_once() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        proxy.set(Fault::Refuse);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(hear(&mut stream).await.is_err());
    }
}
