//! The client against servers of this machine.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use spotwright_egress::EgressClient;
use spotwright_schemas::error::Code;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Time for one answer of this machine.
const SHORT: std::time::Duration = std::time::Duration::from_millis(800);

/// A server that gives every connection the same answer, and counts them.
async fn server(answer: Vec<u8>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0_u8; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, count)
}

fn client(allow_loopback: bool) -> EgressClient {
    drop(rustls::crypto::ring::default_provider().install_default());
    EgressClient::new(64 << 10, allow_loopback).unwrap()
}

fn page(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}connection: close\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn this_machine_is_not_connected_to() {
    let (port, count) = server(page("content-type: text/html\r\n", "secret")).await;
    for address in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
    ] {
        assert_eq!(client(false).get(&address).await.unwrap_err().code, Code::AddressRefused, "{address}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_page_is_fetched_with_its_kind() {
    let (port, _) = server(page("content-type: text/html; charset=gbk\r\n", "<html>")).await;
    let fetched = client(true).get(&format!("http://127.0.0.1:{port}/a")).await.unwrap();
    assert_eq!(fetched.bytes, b"<html>");
    assert_eq!(fetched.media_type.as_deref(), Some("text/html; charset=gbk"));
}

#[tokio::test]
async fn forwarding_leads_nowhere_else() {
    for target in [
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://10.0.0.1/",
        "http://user@example.com/",
    ] {
        let (port, _) = server(
            format!(
                "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .into_bytes(),
        )
        .await;
        let problem = client(true).get(&format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert_eq!(problem.code, Code::AddressRefused, "{target}");
    }
}

#[tokio::test]
async fn forwarding_in_a_circle_ends() {
    let (port, count) = server(
        b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
    )
    .await;
    let problem = client(true).get(&format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!(problem.code, Code::AddressUnreadable);
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn large_compressed_and_foreign_answers_are_refused() {
    let large = "a".repeat(70 << 10);
    for answer in [
        page("content-type: text/html\r\n", &large),
        page("content-type: text/html\r\ncontent-length: 99999999\r\n", "a"),
        page("content-type: text/html\r\ncontent-encoding: gzip\r\n", "a"),
        page("content-type: image/png\r\n", "a"),
        b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
        b"garbage".to_vec(),
    ] {
        let (port, _) = server(answer).await;
        let problem = client(true).get(&format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert_eq!(problem.code, Code::AddressUnreadable);
    }
}

#[tokio::test]
async fn what_is_sent_is_sent_once_and_its_answer_is_cut() {
    let long = "a".repeat(70 << 10);
    for (answer, status, length) in [
        (page("content-type: text/plain\r\n", &long), 200, 64 << 10),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\nmoved".to_vec(),
            302,
            5,
        ),
        (b"HTTP/1.1 500 Oops\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(), 500, 0),
    ] {
        let (port, count) = server(answer).await;
        let headers = [("webhook-id", "a-1".to_owned())];
        let answered = client(true)
            .post(&format!("http://127.0.0.1:{port}/"), &headers, b"{}".to_vec(), SHORT)
            .await
            .unwrap();
        assert_eq!((answered.status, answered.bytes.len()), (status, length));
        assert_eq!(count.load(Ordering::SeqCst), 1, "nothing is followed or repeated");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_private_address_or_waited_for_without_end() {
    let (port, count) = server(page("", "")).await;
    let address = format!("http://127.0.0.1:{port}/");
    let refused = client(false).post(&address, &[], Vec::new(), SHORT).await.unwrap_err();
    assert_eq!((refused.code, count.load(Ordering::SeqCst)), (Code::AddressRefused, 0));
    let broken = [("webhook-id", "a\nb".to_owned())];
    assert!(client(true).post(&address, &broken, Vec::new(), SHORT).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 0);

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let late = client(true).post(&address, &[], Vec::new(), SHORT).await.unwrap_err();
    assert_eq!(late.code, Code::AddressUnreadable);
}
