//! The voice of a server, against a server that answers what it is told to.

use std::time::Duration;

use spotwright_core::domain::wav::write_wav;
use spotwright_core::ports::voice::{Utterance, Voice, VoiceError};
use spotwright_schemas::Locale;
use spotwright_voice::{HttpOptions, HttpVoice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Answers one request with these bytes, and says what was asked.
async fn server(status: &'static str, body: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut asked = Vec::new();
        let mut part = [0; 4_096];
        while !String::from_utf8_lossy(&asked).ends_with('}') {
            let read = stream.read(&mut part).await.expect("reads");
            asked.extend_from_slice(&part[..read]);
        }
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.expect("writes");
        stream.write_all(&body).await.expect("writes");
        String::from_utf8_lossy(&asked).into_owned()
    });
    (address, served)
}

#[expect(clippy::disallowed_methods, reason = "the client of a test")]
fn voice(base_url: String) -> HttpVoice {
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let options = HttpOptions {
        base_url,
        api_key: "secret".to_owned(),
        model: "tts-1".to_owned(),
        voice: "alloy".to_owned(),
        timeout: Duration::from_secs(10),
    };
    HttpVoice::new(options, reqwest::Client::new())
}

fn line() -> Utterance {
    Utterance {
        text: "Only $9.99".to_owned(),
        locale: Locale::EnUs,
        voice: "af_heart".to_owned(),
        speed: 1.1,
        pronunciations: Vec::new(),
    }
}

#[tokio::test]
async fn a_server_speaks_and_what_it_cannot_do_is_said() {
    let (address, served) = server("200 OK", write_wav(&[0.5; 2_400], 24_000)).await;
    let spoken = voice(address).speak(&line()).await.expect("speaks");
    assert_eq!((spoken.pcm.len(), spoken.rate, spoken.engine.as_str()), (2_400, 24_000, "http"));
    assert!(spoken.words.is_empty() && spoken.why.len() == 2, "{:?}", spoken.why);
    let asked = served.await.expect("served");
    assert!(asked.starts_with("POST /v1/audio/speech HTTP/1.1"), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: bearer secret"));
    for part in
        [r#""input":"Only $9.99""#, r#""voice":"alloy""#, r#""response_format":"wav""#, r#""speed":1.1"#]
    {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn refusals_and_faults_are_told_apart() {
    for (status, body, may_come) in [
        ("503 Busy", b"busy".to_vec(), true),
        ("429 Slow", b"slow".to_vec(), true),
        ("400 Bad", b"no such voice".to_vec(), false),
        ("200 OK", b"no sound".to_vec(), false),
        ("200 OK", write_wav(&[], 24_000), false),
    ] {
        let (address, _served) = server(status, body).await;
        let error = voice(address).speak(&line()).await.expect_err("refused");
        assert_eq!(matches!(error, VoiceError::Unavailable(_)), may_come, "{status}: {error}");
        assert!(!error.to_string().contains("secret"));
    }
    let nobody = voice("http://127.0.0.1:9/v1".to_owned()).speak(&line()).await;
    assert!(matches!(nobody, Err(VoiceError::Unavailable(_))));
}
