//! A small HTTP/1.1 server on 127.0.0.1 that answers from a script and remembers what it was asked.
//!
//! Bounded: it serves exactly the scripted answers, reads at most 1 MiB per request, and ends with
//! the test's runtime.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One scripted answer.
pub(crate) struct Answer {
    status: u16,
    headers: String,
    content_type: &'static str,
    body: Vec<u8>,
    /// Bytes announced beyond those that come.
    missing: usize,
    hangs: bool,
}

impl Answer {
    /// An answer with status and body.
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: String::new(),
            content_type: "application/json",
            body: body.into(),
            missing: 0,
            hangs: false,
        }
    }

    /// An answer of server-sent events.
    pub(crate) fn stream(body: &str) -> Self {
        Self { content_type: "text/event-stream", ..Self::new(200, body) }
    }

    /// Announces more than comes: the connection breaks off.
    pub(crate) fn broken_off(self) -> Self {
        Self { missing: 100, ..self }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = format!("{}{name}: {value}\r\n", self.headers);
        self
    }

    /// Reads the request and never answers.
    pub(crate) fn hang() -> Self {
        Self { hangs: true, ..Self::new(200, "") }
    }
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Request line and headers, lowercase names as sent.
    pub(crate) head: String,
    /// The JSON body.
    pub(crate) body: Value,
}

impl Asked {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// The running server.
pub(crate) struct QuirkServer {
    /// Base URL for the adapter.
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl QuirkServer {
    /// Starts a server that gives `answers` in order and then closes connections.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let mut answers = answers.into_iter();
        Self::answering(answers.len(), move |_| answers.next()).await
    }

    /// Starts a server that answers at most `limit` requests with what `answer` makes of them.
    pub(crate) async fn answering(
        limit: usize,
        mut answer: impl FnMut(&Asked) -> Option<Answer> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            for _ in 0..limit {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let Some(request) = read_request(&mut stream).await else { return };
                let Some(answer) = answer(&request) else { return };
                seen.lock().unwrap().push(request);
                if answer.hangs {
                    // Keeps the connection open until the client gives up.
                    let _ = stream.read(&mut [0_u8; 1]).await;
                    continue;
                }
                let head = format!(
                    "HTTP/1.1 {} Scripted\r\ncontent-type: {}\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
                    answer.status,
                    answer.content_type,
                    answer.body.len() + answer.missing,
                    answer.headers,
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&answer.body).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { base_url, asked }
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        assert!(bytes.len() < 1 << 20, "request is too large");
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse().unwrap())
        })
        .unwrap_or(0);
    assert!(length < 1 << 20, "request is too large");
    while bytes.len() < head_end + length {
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    }
    let body = serde_json::from_slice(&bytes[head_end..head_end + length]).ok()?;
    Some(Asked { head, body })
}
