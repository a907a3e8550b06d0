//! Measures what 27 variants of an ad (3 hooks × 3 bodies × 3 ends, 15 s, 720p) cost, gate included, and what
//! a variant of known shots costs.
//!
//! `matrix PICTURE OUT [SECONDS]` prints one JSON document on standard output: CPU seconds of the whole
//! process (Linux), number of shots made, and the worst likeness that the gate measured. `SECONDS` is the
//! length of a shot, 5 by default.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::RenderRequest;
use spotwright_core::spine::Shutdown;
use spotwright_render::{Options, Studio, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Layout, Storyboard};

#[path = "../tests/common/mod.rs"]
mod common;

const FPS: u32 = 30;
const HOOKS: [&str; 3] = ["每天早上，你喝的咖啡新鲜吗？", "这杯咖啡，昨天才烘好", "周一早上，靠它醒来"];
const BODIES: [&str; 3] = ["云南小粒咖啡，高山种植", "72小时内烘焙，当天发货", "手工采摘，日晒处理"];
const ENDS: [&str; 3] = ["现在下单，明早喝到", "首单立减50元", "新客专享包邮"];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(arguments.next().context("name a picture")?);
    let out = PathBuf::from(arguments.next().context("name an output folder")?);
    let seconds: u32 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let objects = out.join("objects");
    std::fs::create_dir_all(&objects)?;
    let store = Arc::new(common::FolderStore(objects));
    let imported = picture::import(&std::fs::read(&source)?, "picture")?;
    let hash = store.put(&imported.png)?;
    let studio = Studio::new(Options { folder: out.join("studio"), ..Options::default() }, store.clone())?;
    let variants = variants(hash.as_str(), seconds * FPS);
    let graph = studio.graph(&variants)?;
    let mut each = Vec::new();
    let mut failed = Vec::new();
    let mut likeness = Vec::new();
    let begun = cpu_seconds();
    for (idx, board) in variants.iter().enumerate() {
        let before = cpu_seconds();
        let request = RenderRequest {
            storyboard: board.clone(),
            stage: RenderStage::Final,
            produce_id: format!("variant-{idx}"),
        };
        let (_switch, stop) = Shutdown::new();
        let footage = studio.render_blocking(&request, &format!("variant-{idx}"), &stop)?;
        let inspection = studio.inspect_blocking(&footage.artifact, &request)?;
        for check in inspection.report.checks {
            if !check.pass {
                failed.push(format!("variant {idx}, {}: {} ({})", check.id, check.value, check.limit));
            }
            let measures = ["ssim", "color_match", "missing_glyphs", "clipped_ink", "text_contrast"];
            if idx == 0 && measures.contains(&check.id.as_str()) {
                likeness.push(format!("{}: {}", check.id, check.value));
            }
        }
        each.push(cpu_seconds() - before);
    }
    let total = cpu_seconds() - begun;
    // The gate over a video of which nothing is known.
    let request = RenderRequest {
        storyboard: variants[0].clone(),
        stage: RenderStage::Final,
        produce_id: "variant-0".to_owned(),
    };
    let (_switch, stop) = Shutdown::new();
    let footage = studio.render_blocking(&request, "variant-0", &stop)?;
    let fresh = Studio::new(Options { folder: out.join("studio"), ..Options::default() }, store)?;
    let before = cpu_seconds();
    fresh.inspect_blocking(&footage.artifact, &request)?;
    let gate = cpu_seconds() - before;
    ensure!(total > 0.0, "the processor time of a process is read from /proc, which is not there");
    // Variants that bring no shot of their own.
    let first_uses: Vec<usize> = graph.shots.iter().map(|shot| shot.used[0].variant).collect();
    let known: Vec<f64> =
        each.iter().enumerate().filter(|(idx, _)| !first_uses.contains(idx)).map(|(_, cpu)| *cpu).collect();
    let report = serde_json::json!({
        "variants": variants.len(),
        "seconds": 3 * seconds,
        "distinct_shots": graph.shots.len(),
        "saved_shots": graph.saved_shots(),
        "cpu_seconds": total,
        "first_variant_cpu_seconds": each[0],
        "variant_cpu_seconds": known.iter().sum::<f64>() / known.len().max(1) as f64,
        "variant_cpu_seconds_most": known.iter().copied().fold(0.0, f64::max),
        "gate_cpu_seconds": gate,
        "failed": failed,
        "measures": likeness,
    });
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

fn variants(picture: &str, frames: u32) -> Vec<Storyboard> {
    let mut variants = Vec::new();
    for hook in HOOKS {
        for body in BODIES {
            for end in ENDS {
                let shots = vec![
                    common::shot(
                        Role::Hook,
                        Layout::FullBleed,
                        picture,
                        frames,
                        [hook, "", "", "晨山咖啡", ""],
                    ),
                    common::shot(Role::Body, Layout::Card, picture, frames, [body, "", "", "晨山咖啡", ""]),
                    common::shot(
                        Role::Cta,
                        Layout::EndCard,
                        picture,
                        frames,
                        [end, "", "立即领取", "晨山咖啡", ""],
                    ),
                ];
                variants.push(common::board(Locale::ZhCn, [720, 1280], FPS, ["#3B2417", "#FFB627"], shots));
            }
        }
    }
    variants
}

/// Processor time of the process so far, user and system, in seconds (Linux, 100 ticks a second); 0 elsewhere.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name, which may hold spaces, utime and stime are the 12th and 13th field.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
