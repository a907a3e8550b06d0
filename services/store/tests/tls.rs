//! What goes over the wire where an address asks for TLS, shown with servers that are none of ours.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![expect(clippy::disallowed_methods, reason = "measures how long another party is waited for")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use spotwright_core::ports::artifacts::ArtifactError;
use spotwright_store::objects::{Limits, ObjectArtifacts, S3Options};
use spotwright_store::postgres::{OpenError, PostgresStore};

/// Far more than any answer takes here.
const SECONDS: Duration = Duration::from_secs(40);

/// A server that answers whatever arrives with `answer`, tells it, and reads on once.
fn listener(answer: &'static [u8]) -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            drop(stream.set_read_timeout(Some(Duration::from_secs(2))));
            for _ in 0..2 {
                let mut bytes = vec![0; 4_096];
                let n = stream.read(&mut bytes).unwrap_or(0);
                bytes.truncate(n);
                if n == 0 || heard.send(bytes).is_err() || stream.write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    (address, hearing)
}

#[tokio::test]
async fn postgres_with_sslmode_require_refuses_a_server_without_tls() {
    for mode in ["require", "verify-ca", "verify-full"] {
        // `N`: the server does not do TLS.
        let (address, heard) = listener(b"N");
        let url = format!("postgres://me:s3cret@{address}/name?sslmode={mode}");
        let error = PostgresStore::connect(&url, 1).await.unwrap_err();
        let OpenError::Address(message) = &error else { unreachable!("{mode}: {error:?}") };
        assert!(message.contains("TLS") && !message.contains("s3cret"), "{message}");
        let said: Vec<Vec<u8>> = heard.try_iter().collect();
        // Length 8 and the code of a request for TLS; nothing after the refusal.
        assert_eq!(said, [[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]], "{mode}");
    }
}

#[tokio::test]
async fn postgres_begins_tls_when_the_server_agrees() {
    let (address, heard) = listener(b"S");
    let url = format!("postgres://me:s3cret@{address}/name?sslmode=verify-full");
    let error = PostgresStore::connect(&url, 1).await.unwrap_err();
    assert!(matches!(error, OpenError::Address(_)), "{error:?}");
    let said: Vec<Vec<u8>> = heard.try_iter().collect();
    assert_eq!(said[1][0], 0x16, "a TLS handshake record");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_apart_from_a_wrong_address() {
    let begin = Instant::now();
    let error = PostgresStore::connect("postgres://me:s3cret@127.0.0.1:1/name", 1).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    let error = PostgresStore::connect("postgres://me:s3c#ret@127.0.0.1:1/name", 1).await.unwrap_err();
    assert!(matches!(error, OpenError::Address(_)), "{error:?}");
    assert!(begin.elapsed() < SECONDS);
}

fn bucket(endpoint: String) -> Result<ObjectArtifacts, ArtifactError> {
    let options = S3Options {
        url: "s3://ads".to_owned(),
        endpoint,
        region: "us-east-1".to_owned(),
        access_key: "AKIAEXAMPLE".to_owned(),
        secret_key: "s3cret".to_owned(),
        authorities: None,
    };
    let cache = tempfile::tempdir().unwrap();
    ObjectArtifacts::s3(&options, cache.path(), &Limits::default())
}

#[test]
fn a_bucket_over_https_never_speaks_in_the_clear() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (address, heard) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let begin = Instant::now();
    let error = bucket(format!("https://{address}")).unwrap_err();
    assert!(begin.elapsed() < SECONDS, "{:?}", begin.elapsed());
    assert!(!error.to_string().contains("s3cret"), "{error}");
    for said in heard.try_iter() {
        assert!(matches!(said[0], 0x15 | 0x16), "a TLS handshake or alert record");
        assert!(!said.windows(11).any(|part| part == b"AKIAEXAMPLE"));
    }
    let ArtifactError::Io(cause) = &error else { unreachable!("{error:?}") };
    assert_eq!(cause.kind(), std::io::ErrorKind::InvalidData, "{error}");
}

#[test]
fn a_bucket_that_nobody_serves_is_known_in_seconds() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let begin = Instant::now();
    let error = bucket("http://127.0.0.1:1".to_owned()).unwrap_err();
    assert!(begin.elapsed() < SECONDS, "{:?}", begin.elapsed());
    assert!(!error.to_string().contains("s3cret"), "{error}");
    let error = bucket("https://me:s3cret@storage.example.com".to_owned()).unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
}
