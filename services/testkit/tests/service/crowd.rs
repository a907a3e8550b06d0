//! A crowd of connections that ask for nothing: it keeps nobody out, harms no run and delays no stop.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::program::Service;

/// Open files of the service.
const DESCRIPTORS: u32 = 256;
/// Connections of the crowd: more than the service has descriptors for.
const CROWD: usize = 320;

/// A connection on which half a header was sent.
async fn half_open(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = timeout(Duration::from_secs(5), TcpStream::connect(address)).await.ok()?.ok()?;
    // One that was ended already is as good.
    drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Half").await);
    Some(stream)
}

/// Waits until the service ends the connection.
async fn ended(mut stream: TcpStream) {
    let mut rest = [0; 256];
    // An end or an error: either way the service has let go.
    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_half_open_connections_stops_neither_the_service_nor_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(folder.path());
    let operator = service.operator();
    service.start(Some(DESCRIPTORS)).await;
    let key = service.organization(&operator, "Hill Roasters").await;
    let run = service.order(&key).await;

    let began = Instant::now();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        join_in(&mut crowd, half_open(service.api).await);
    }
    // While the crowd is there, and while it comes again and again.
    for round in 0..10 {
        for path in ["/healthz", "/readyz"] {
            let asked = Instant::now();
            assert_eq!(service.status(path).await, Some(StatusCode::OK), "{path}, round {round}");
            assert!(asked.elapsed() < Duration::from_secs(5), "{path} took {:?}", asked.elapsed());
        }
        let admin = format!("http://{}/readyz", service.admin);
        assert_eq!(service.http.get(admin).send().await.unwrap().status(), StatusCode::OK);
        service.get("/v1/runs", &key).await;
        for _ in 0..20 {
            join_in(&mut crowd, half_open(service.api).await);
        }
    }
    let found = service.finished(&key, &run).await;
    assert_eq!((&found["stopped"], &found["failure"]), (&"completed".into(), &serde_json::Value::Null));
    assert!(!service.log().contains("Too many open files"), "{}", service.log());

    // None of them stays, though none of them ever sent the rest of its header.
    let all = async { while crowd.join_next().await.is_some() {} };
    timeout(Duration::from_secs(30), all)
        .await
        .unwrap_or_else(|_| panic!("half-open after {:?}", began.elapsed()));

    // One that is half-open at the stop does not delay it.
    let _late = half_open(service.api).await;
    let stopping = Instant::now();
    assert!(service.stop().await.success(), "{}", service.log());
    assert!(stopping.elapsed() < Duration::from_secs(6), "{:?}", stopping.elapsed());
}

/// Adds a connection to the crowd.
fn join_in(crowd: &mut JoinSet<()>, stream: Option<TcpStream>) {
    if let Some(stream) = stream {
        crowd.spawn(ended(stream));
    }
}
