//! What the provider asks others over HTTP: callbacks out, pictures in. Plain `http` only: in tests
//! everybody lives on the loopback.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// Longest time for one exchange.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read: Kling takes clips up to 200 MB.
const MAX_BODY: usize = 200 << 20;

/// Fetches what lies at an address.
pub(crate) async fn get(address: &str) -> Result<Bytes, String> {
    let (status, body) = exchange("GET", address, &[], Bytes::new()).await?;
    if status == 200 { Ok(body) } else { Err(format!("it answered {status}")) }
}

/// Posts JSON. Returns the answer's status.
pub(crate) async fn post(address: &str, headers: &[(&str, String)], body: String) -> Result<u16, String> {
    exchange("POST", address, headers, Bytes::from(body)).await.map(|(status, _)| status)
}

async fn exchange(
    method: &str,
    address: &str,
    headers: &[(&str, String)],
    body: Bytes,
) -> Result<(u16, Bytes), String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    if url.scheme() != "http" {
        return Err("only `http` addresses are opened".to_owned());
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("the address has no host".to_owned());
    };
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", format!("{host}:{port}"))
        .header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
    let exchange = async {
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
            .await
            .map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let talk = async {
            let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
            body.map(|body| (status, body.to_bytes())).map_err(|error| error.to_string())
        };
        tokio::pin!(talk);
        tokio::select! {
            // Nobody else drives the connection; when it ends first, what has come is still read.
            biased;
            told = &mut talk => told,
            _ = connection => talk.await,
        }
    };
    tokio::time::timeout(MAX_TIME, exchange).await.map_err(|_| "it took too long".to_owned())?
}
