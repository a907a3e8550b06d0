//! Hostile files at every door of the program: uploads over the API, orders of clips, assets of a storyboard
//! and files named on the command line.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_media::{VideoEncoder, VideoFormat, Yuv420};
use spotwright_render::backdrop;
use spotwright_schemas::storyboard::{Color, FrameSize, Palette};
use spotwright_schemas::storyboard_file::Backdrop;
use tokio::time::Instant;

use crate::hostile_files::{Hostile, Trap};
use crate::program::Service;

/// Longest time for one file.
const PATIENCE: Duration = Duration::from_mins(1);

fn picture() -> Vec<u8> {
    let palette =
        Palette { primary: Color { r: 40, g: 90, b: 160 }, accent: Color { r: 242, g: 181, b: 68 } };
    backdrop::draw(Backdrop::Rings, palette, FrameSize { width: 240, height: 320 }).unwrap()
}

/// Bytes of a clip of 20 frames that is in order.
fn clip(folder: &Path) -> Vec<u8> {
    let file = folder.join("good-clip.mp4");
    let format = VideoFormat { width: 96, height: 160, fps: 30, crf: 16, keyframe_every: 12 };
    let mut encoder = VideoEncoder::create(&file, format).unwrap();
    for number in 0..20_usize {
        let mut shown = Yuv420::filled(96, 160, [60, 120, 136]);
        for (idx, luma) in shown.y.iter_mut().enumerate() {
            *luma = 40 + ((idx * 7 + number * 11) % 160) as u8;
        }
        encoder.write(&shown).unwrap();
    }
    encoder.finish().unwrap();
    std::fs::read(file).unwrap()
}

/// The answer to an upload of a file, which came in time.
async fn upload(service: &Service, key: &str, number: usize, file: &Hostile) -> (StatusCode, String) {
    let began = Instant::now();
    let url = format!("{}/v1/assets?name=upload-{number}.png", service.url());
    let request = service.http.post(url).bearer_auth(key).header("content-type", "image/png");
    let request = request.header("idempotency-key", format!("hostile-{number}")).timeout(PATIENCE);
    let answer = request.body(file.bytes.clone()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(began.elapsed() < PATIENCE, "{} took {:?}", file.what, began.elapsed());
    (status, text)
}

/// As [`Trap::is_clean`], of every file below a folder.
fn is_clean_below(what: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            is_clean_below(what, &path);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            Trap::is_clean(&format!("{what}: {}", path.display()), &bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_uploads_are_refused_or_written_anew_and_the_service_goes_on() {
    let (folder, trap) = (tempfile::tempdir().unwrap(), Trap::set());
    let mut service = Service::new(folder.path());
    let operator = service.operator();
    service.start(None).await;
    let key = service.organization(&operator, "Hill Roasters").await;
    let (good, movie) = (picture(), clip(trap.folder.path()));
    let honest = Hostile { what: "a picture".to_owned(), bytes: good.clone(), may_pass: true };
    let (status, text) = upload(&service, &key, 0, &honest).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let (mut taken, files) = (0, trap.pictures(&good, &movie));
    for (number, file) in files.iter().enumerate() {
        let (status, text) = upload(&service, &key, number + 1, file).await;
        Trap::is_clean(&file.what, text.as_bytes());
        if status == StatusCode::CREATED {
            assert!(file.may_pass, "{} was taken", file.what);
            taken += 1;
            continue;
        }
        assert!(status.is_client_error(), "{}: {status} {text}", file.what);
        let problem: Value = serde_json::from_str(&text).unwrap();
        // An empty body and unknown bytes are refused before anything looks at pictures.
        let code = problem["code"].as_str().unwrap_or_default();
        assert!(["SW0203", "SW0204", "SW1005"].contains(&code), "{}: {text}", file.what);
    }
    assert!(taken >= 3 && files.len() >= 30, "{taken} of {}", files.len());
    // The same as the picture of a clip that is ordered.
    for file in files.iter().filter(|file| !file.may_pass).step_by(4) {
        let data = base64::engine::general_purpose::STANDARD.encode(&file.bytes);
        let order = json!({ "prompt": "a cup", "input_reference": format!("data:image/png;base64,{data}") });
        let url = format!("{}/v1/videos", service.url());
        let answer = service.http.post(url).bearer_auth(&key).json(&order).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{}: {}", file.what, answer.status());
    }
    trap.nobody_came();
    is_clean_below("the service's folder", folder.path());
    assert_eq!(service.status("/readyz").await, Some(StatusCode::OK));
    assert!(!service.log().contains("panicked"), "{}", service.log());
    assert!(service.stop().await.success(), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_files_on_the_command_line_are_refused() {
    let (folder, trap) = (tempfile::tempdir().unwrap(), Trap::set());
    let service = Service::new(folder.path());
    let (good, movie) = (picture(), clip(trap.folder.path()));
    let named = folder.path().join("video.mp4");
    let shown = named.display().to_string();
    let check = |what: &str| {
        let began = Instant::now();
        let (good, document) =
            service.run(&["render", "check", &shown, "--placement", "simulated_feed", "--json"]);
        assert!(began.elapsed() < PATIENCE, "{what} took {:?}", began.elapsed());
        assert!(!good && document["pass"] == false, "{what}: {document}");
        Trap::is_clean(what, document.to_string().as_bytes());
        document
    };
    let judged = |document: &Value, id: &str| {
        document["checks"].as_array().unwrap().iter().any(|check| check["id"] == id && check["pass"] == true)
    };
    std::fs::write(&named, &movie).unwrap();
    assert!(judged(&check("the good clip"), "decodes"));
    let files = trap.clips(&movie, &good);
    for file in &files {
        std::fs::write(&named, &file.bytes).unwrap();
        let document = check(&file.what);
        assert!(!judged(&document, "decodes"), "{}: {document}", file.what);
    }
    assert!(files.len() >= 30, "{}", files.len());
    trap.nobody_came();
}

/// A storyboard whose only shot shows a clip.
const BOARD: &str = r##"
format: spotwright.storyboard.v1
id: hostile
locale: en-US
fps: 30
placement: simulated_feed
aspects: ["9:16"]
brand_kit: { name: Harbor Lane, product: Morning Roast, primary: "#3B2417", accent: "#F2B544" }
assets:
  pour: { file: pour.mp4, kind: clip, alt: "coffee is poured" }
  cup: { file: cup.png, kind: picture, alt: "a cup" }
slots:
  - slot: hook
    options:
      - id: one
        shots:
          - { role: hook, frames: 90, source: { from: clip, asset: pour, start_frame: 0, poster: cup }, caption: The first cup }
          - { role: cta, frames: 90, source: { from: still, asset: cup }, layout: end_card, caption: Order it, button: Order now }
audio: { seed: 11, tempo: 96, loudness_lufs: -14.0 }
compliance: { ai_label: true }
"##;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_assets_of_a_storyboard_are_refused_with_their_field() {
    let (folder, trap) = (tempfile::tempdir().unwrap(), Trap::set());
    let service = Service::new(folder.path());
    let (good, movie) = (picture(), clip(trap.folder.path()));
    let board = folder.path().join("board.yaml");
    std::fs::write(&board, BOARD).unwrap();
    let out = folder.path().join("out");
    let (board, out_text) = (board.display().to_string(), out.display().to_string());
    let render = |picture: &[u8], clip: &[u8]| {
        std::fs::write(folder.path().join("cup.png"), picture).unwrap();
        std::fs::write(folder.path().join("pour.mp4"), clip).unwrap();
        let began = Instant::now();
        let (good, document) = service.run(&["render", &board, "--out", &out_text, "--json"]);
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        assert!(!good, "{document}");
        Trap::is_clean("the answer", document.to_string().as_bytes());
        document["error"].clone()
    };
    // A clip that is in order is read, and found to be too short.
    let told = render(&good, &movie);
    assert_eq!(told["field"], "assets.pour.file", "{told}");
    assert!(told["message"].as_str().unwrap().contains("20 frames"), "{told}");
    for file in trap.clips(&movie, &good).iter().filter(|file| file.what != "a picture").step_by(6) {
        let told = render(&good, &file.bytes);
        assert_eq!((&told["code"], &told["field"]), (&json!("SW0602"), &json!("assets.pour.file")), "{told}");
        assert!(told["message"].as_str().unwrap().contains("(media_"), "{}: {told}", file.what);
    }
    for file in trap.pictures(&good, &movie).iter().filter(|file| !file.may_pass).step_by(7) {
        let told = render(&file.bytes, &movie);
        assert_eq!(told["field"], "assets.cup.file", "{}: {told}", file.what);
    }
    trap.nobody_came();
    // What was refused lies among the artifacts as it came: of the secret there is nothing.
    for entry in std::fs::read_dir(&out).unwrap().flatten() {
        assert!(entry.path().is_dir(), "{} was made", entry.path().display());
    }
}
