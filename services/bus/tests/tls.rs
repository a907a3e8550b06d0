//! What goes over the wire for an `amqps` address, shown with servers that are no brokers.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![expect(clippy::disallowed_methods, reason = "measures how long another party is waited for")]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use spotwright_bus::rabbit::{ConnectError, DeadLetters, RabbitBus, RabbitOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use common::tls_for_localhost;

/// Far more than any answer takes here, far less than a start may take.
const SECONDS: Duration = Duration::from_secs(30);

fn options(url: &str) -> RabbitOptions {
    RabbitOptions { reach_timeout: Duration::from_secs(2), ..RabbitOptions::new(url) }
}

/// A server that answers whatever arrives with `answer` and tells the first bytes.
async fn listener(answer: &'static [u8]) -> (SocketAddr, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 2_048];
                let n = stream.read(&mut bytes).await.unwrap_or(0);
                bytes.truncate(n);
                drop(heard.send(bytes));
                drop(stream.write_all(answer).await);
            });
        }
    });
    (address, hearing)
}

/// A TLS server for `localhost` with a certificate of its own authority, and that certificate as PEM. Tells
/// the first bytes inside TLS.
async fn tls_listener() -> (SocketAddr, String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (acceptor, pem) = tls_for_localhost();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, heard) = (acceptor.clone(), heard.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = vec![0; 8];
                if stream.read_exact(&mut bytes).await.is_ok() {
                    drop(heard.send(bytes));
                }
            });
        }
    });
    (address, pem, hearing)
}

#[tokio::test]
async fn amqps_never_speaks_in_the_clear_and_refuses_a_plain_broker() {
    // What a broker without TLS answers to something that is no AMQP.
    let (address, mut heard) = listener(b"AMQP\x00\x00\x09\x01").await;
    let begin = Instant::now();
    let url = format!("amqps://guest:s3cret@{address}/%2f");
    let error = RabbitBus::connect(options(&url)).await.unwrap_err();
    assert!(begin.elapsed() < SECONDS, "{:?}", begin.elapsed());
    let ConnectError::Address(message) = &error else { unreachable!("{error:?}") };
    assert!(message.contains("TLS") && !message.contains("s3cret"), "{message}");
    let first = heard.recv().await.unwrap();
    assert_eq!(first[0], 0x16, "a TLS handshake record");
    assert!(!first.windows(6).any(|part| part == b"s3cret"));
    assert!(matches!(DeadLetters::open(options(&url)).await, Err(ConnectError::Address(_))));
}

#[tokio::test]
async fn a_certificate_of_a_private_authority_is_accepted_once_it_is_named() {
    let (address, pem, mut heard) = tls_listener().await;
    let url = format!("amqps://guest:s3cret@localhost:{}/%2f", address.port());
    let begin = Instant::now();
    let error = RabbitBus::connect(options(&url)).await.unwrap_err();
    assert!(begin.elapsed() < SECONDS, "{:?}", begin.elapsed());
    let ConnectError::Address(message) = &error else { unreachable!("{error:?}") };
    assert!(message.contains("tls.ca_file"), "{message}");
    assert!(heard.try_recv().is_err(), "nothing is said to a server that is not trusted");

    let trusting = RabbitOptions { authorities: Some(pem.clone()), ..options(&url) };
    let connecting = tokio::spawn(RabbitBus::connect(trusting));
    let first = tokio::time::timeout(SECONDS, heard.recv()).await.unwrap().unwrap();
    assert_eq!(first, b"AMQP\x00\x00\x09\x01", "the protocol begins inside TLS");
    connecting.abort();

    // The same certificate is not for another name.
    let url = format!("amqps://guest:s3cret@{address}/%2f");
    let trusting = RabbitOptions { authorities: Some(pem), ..options(&url) };
    assert!(matches!(RabbitBus::connect(trusting).await, Err(ConnectError::Address(_))));
}

#[tokio::test]
async fn wrong_addresses_end_in_seconds() {
    for url in [
        "amqp:/127.0.0.1".to_owned(),
        "amqp://guest:s3cret#1@127.0.0.1:5672/%2f".to_owned(),
        "amqp://guest:s3cret@localhost:notaport/%2f".to_owned(),
    ] {
        let begin = Instant::now();
        let error = RabbitBus::connect(options(&url)).await.unwrap_err();
        assert!(begin.elapsed() < SECONDS, "{url}: {:?}", begin.elapsed());
        assert!(matches!(error, ConnectError::Address(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    // A server that is no broker.
    let (web, _heard) = listener(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let begin = Instant::now();
    let error = RabbitBus::connect(options(&format!("amqp://guest:s3cret@{web}/%2f"))).await.unwrap_err();
    assert!(begin.elapsed() < SECONDS && !error.to_string().contains("s3cret"), "{error}");
    // Nobody listens on port 1.
    let begin = Instant::now();
    let error = RabbitBus::connect(options("amqp://guest:s3cret@127.0.0.1:1/%2f")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unavailable(_)), "{error:?}");
    assert!(begin.elapsed() < SECONDS && begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
}
