//! A plain HTTP client, a receiver of callbacks, and a look into clips.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use spotwright_fake_video::{FakeProvider, Options};
use spotwright_media::{Content, Sink, VideoView, decode};
use tokio::net::{TcpListener, TcpStream};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends one request on a connection of its own. An error is a broken connection, or no answer.
pub(crate) async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, String> {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let driving = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let answered = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        Ok(Answer { status: head.status.as_u16(), headers, body })
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), answered).await;
    driving.abort();
    answer.map_err(|_| "no answer".to_owned())?
}

/// A provider and its client.
pub(crate) struct World {
    pub(crate) provider: FakeProvider,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Options::logical()).await
    }

    /// Small clips, so that tests encode little.
    pub(crate) async fn with(options: Options) -> Self {
        let options = Options { short_side: Some(96), ..options };
        Self { provider: FakeProvider::start(options).await.unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.provider.base_url())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn try_get(&self, path: &str) -> Result<Answer, String> {
        let bearer = format!("Bearer {}", self.provider.token());
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        send("GET", &url, &[("authorization", &bearer)], Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.try_post(path, body).await.unwrap()
    }

    pub(crate) async fn try_post(&self, path: &str, body: Value) -> Result<Answer, String> {
        // The API key is good for both of Kling's dialects.
        let headers = [("authorization", "Bearer fake-api-key"), ("content-type", "application/json")];
        send("POST", &self.url(path), &headers, body.to_string().into_bytes()).await
    }

    /// A query with the API key, which Kling's current paths ask for.
    pub(crate) async fn query(&self, path: &str) -> Value {
        let headers = [("authorization", "Bearer fake-api-key")];
        send("GET", &self.url(path), &headers, Vec::new()).await.unwrap().json()
    }

    pub(crate) async fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part =
                format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        if let Some((name, bytes)) = file {
            let head = format!(
                "--line\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"product.png\"\r\n\
                 Content-Type: image/png\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--line--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=line")];
        send("POST", &self.url(path), &headers, body).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send("DELETE", &self.url(path), &[], Vec::new()).await.unwrap()
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        self.provider.advance(Duration::from_secs(seconds)).await;
    }
}

/// A decoded clip.
pub(crate) struct Clip {
    pub(crate) content: Content,
    /// Per frame: mean red, green, blue of the top left sixteenth.
    pub(crate) marks: Vec<[u8; 3]>,
    /// Per frame: mean luma of 8 × 8 fields.
    pub(crate) fields: Vec<Vec<f64>>,
    /// Middle pixel columns' red, green, blue of the first frame, left half and right half.
    pub(crate) halves: Vec<[[u8; 3]; 2]>,
}

impl Clip {
    pub(crate) fn frames(&self) -> u32 {
        self.content.video.as_ref().unwrap().frames
    }

    pub(crate) fn fps(&self) -> f64 {
        self.content.video.as_ref().unwrap().fps
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        let video = self.content.video.as_ref().unwrap();
        (video.width, video.height)
    }

    /// Largest change of a field from the first frame to any other, in luma.
    pub(crate) fn motion(&self) -> f64 {
        let first = &self.fields[0];
        let change = |frame: &Vec<f64>| {
            frame.iter().zip(first).map(|(now, before)| (now - before).abs()).fold(0.0, f64::max)
        };
        self.fields.iter().map(change).fold(0.0, f64::max)
    }

    pub(crate) fn brightest(&self) -> f64 {
        self.fields.iter().flatten().copied().fold(0.0, f64::max)
    }
}

#[derive(Default)]
struct Look {
    marks: Vec<[u8; 3]>,
    fields: Vec<Vec<f64>>,
    halves: Vec<[[u8; 3]; 2]>,
}

/// Mean color of a part of a picture, as red, green, blue (BT.709, limited range).
fn mean(view: &VideoView<'_>, across: std::ops::Range<usize>, down: std::ops::Range<usize>) -> [u8; 3] {
    let plane = |idx: usize, divisor: usize| {
        let (data, stride) = view.planes[idx];
        let (mut sum, mut count) = (0.0, 0.0);
        for y in down.start / divisor..down.end / divisor {
            for x in across.start / divisor..across.end / divisor {
                sum += f64::from(data[y * stride + x]);
                count += 1.0;
            }
        }
        sum / count
    };
    let (luma, blue, red) = ((plane(0, 1) - 16.0) * 1.164, plane(1, 2) - 128.0, plane(2, 2) - 128.0);
    [luma + 1.793 * red, luma - 0.213 * blue - 0.533 * red, luma + 2.112 * blue]
        .map(|part: f64| part.round().clamp(0.0, 255.0) as u8)
}

impl Sink for Look {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (width, height) = (view.width, view.height);
        self.marks.push(mean(view, 2..(width / 16).max(4), 2..(height / 16).max(4)));
        let rows = height / 4..height * 3 / 4;
        self.halves.push([
            mean(view, width / 4..width / 2 - 4, rows.clone()),
            mean(view, width / 2 + 4..width * 3 / 4, rows),
        ]);
        let (luma, stride) = view.planes[0];
        let mut fields = vec![(0.0, 0.0); 64];
        for y in 0..height {
            for x in 0..width {
                let field = &mut fields[y * 8 / height * 8 + x * 8 / width];
                field.0 += f64::from(luma[y * stride + x]);
                field.1 += 1.0;
            }
        }
        self.fields.push(fields.into_iter().map(|(sum, count)| sum / count).collect());
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

pub(crate) fn look(bytes: &[u8]) -> Clip {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    std::fs::write(&file, bytes).unwrap();
    let mut look = Look::default();
    let content = decode(&file, &mut look).unwrap();
    assert_eq!(content.metadata.get("comment").map(String::as_str), Some("simulated"));
    assert_eq!(content.damaged_packets, 0);
    Clip { content, marks: look.marks, fields: look.fields, halves: look.halves }
}

/// A picture whose left half is red and whose right half is blue.
pub(crate) fn product(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, _| {
        image::Rgb(if x < width / 2 { [200, 30, 30] } else { [30, 30, 200] })
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

/// A received callback: headers and body.
pub(crate) type Received = (BTreeMap<String, String>, String);

/// Takes callbacks on a port of its own.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let taken = received.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = taken.clone();
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let taken = taken.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let headers = head
                            .headers
                            .iter()
                            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                            .collect();
                        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
                        taken.lock().unwrap().push((headers, body));
                        Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::new())))
                    }
                });
                drop(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await,
                );
            }
        });
        Self { url, received, serving }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
