//! The sources as a configuration names them, for whole jobs of the program.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_fake_video::{Flavor, Options, Prices};
use spotwright_schemas::money::{Currency, Micros};

use crate::server::Server;

/// The provider's price of a second of clip: of every server the same.
const SECOND: i64 = 10_000;

/// The provider on the machine's clock, many times as fast.
pub(crate) fn provider(server: Server) -> Options {
    let prices = Prices {
        kling_currency: Currency::USD,
        kling_std_second: Micros(SECOND),
        server_second: Micros(SECOND),
        ..Prices::default()
    };
    Options {
        prices,
        parallel_videos: 64,
        lanes: 64,
        short_side: Some(180),
        flavor: match server {
            Server::Sglang => Flavor::Sglang,
            Server::TensorrtLlm => Flavor::TensorrtLlm,
            _ => Flavor::VllmOmni,
        },
        jobs_api: server == Server::ComfyJobs,
        ..Options::real(400)
    }
}

/// The settings of the one source: a table of `[video.sources]`.
pub(crate) fn source(server: Server, base: &str) -> Value {
    let row = |model: &str| {
        json!({
            "model": model, "currency": "USD", "prices_of": "2026-11-29", "only_made": true,
            "licence": { "name": "terms of the test", "excluded": [], "read": "2026-11-29" },
            "prices": [{ "per": "exact_second", "amount": SECOND }],
        })
    };
    let address = json!({ "base_url": base, "timeout_ms": 5_000 });
    // 180 × 320: small, and of the ad's shape.
    let shape = json!({
        "fps": 24, "frame_step": 4, "max_frames": 361, "multiple": 4, "max_pixels": 57_600,
    });
    let abilities = json!(["text_to_video", "image_to_video"]);
    let own = |flavor: &str| {
        json!({
            "kind": "openai_videos", "flavor": flavor, "server": address, "row": row("fake-video-1"),
            "shape": shape, "abilities": abilities, "parallel": 8,
        })
    };
    match server {
        Server::KlingCurrent => json!({
            "kind": "kling", "dialect": "current", "server": address, "api_key": "fake-api-key",
            "row": row("kling-3.0"), "parallel": 8,
        }),
        Server::KlingLegacy => json!({
            "kind": "kling", "dialect": "legacy", "server": address, "access_key": "fake-access",
            "secret_key": "fake-secret", "row": row("kling-v3"), "parallel": 8,
        }),
        Server::VllmOmni => own("vllm_omni"),
        Server::Sglang => own("sglang"),
        Server::TensorrtLlm => own("tensorrt_llm"),
        Server::ComfyJobs | Server::ComfyHistory => json!({
            "kind": "comfyui", "server": address, "row": row("Wan2.2-TI2V-5B"), "shape": shape,
            "jobs_api": server == Server::ComfyJobs, "parallel": 8,
        }),
    }
}

/// A configuration file with the source.
pub(crate) fn file(folder: &Path, server: Server, base: &str) -> PathBuf {
    let path = folder.join("spotwright.toml");
    let name = server.name();
    let text = format!(
        "[video]\nshortest_wait_ms = 10\nlongest_wait_ms = 50\n\n[video.sources]\n{name} = {}\n",
        inline(&source(server, base))
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A value as TOML writes it on one line; its strings are those of JSON.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, field)| format!("{name} = {}", inline(field))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// The example brief with a wish for generated shots, in a folder with its pictures.
pub(crate) fn brief(folder: &Path, generated: &str) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en");
    for entry in std::fs::read_dir(&example).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let brief = folder.join("brief.yaml");
    let text = std::fs::read_to_string(&brief).unwrap();
    std::fs::write(&brief, format!("{text}\nfootage: {{ generated: {generated} }}\n")).unwrap();
    brief
}
