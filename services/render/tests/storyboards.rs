//! Generated storyboard files: none makes anything panic, each is refused with the path of a fault or rendered,
//! and what is rendered passes the gate.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use common::FolderStore;
use serde_json::{Value, json};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::RenderRequest;
use spotwright_core::spine::Shutdown;
use spotwright_media::{VideoEncoder, VideoFormat, Yuv420};
use spotwright_render::{Error, Options, Studio, backdrop, gate, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::storyboard::{Footage, FrameSize, Palette};
use spotwright_schemas::storyboard_file::{AssetKind, Backdrop, StoredAsset, StoredAssets, StoryboardFile};

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

/// Frames per second: few, because each frame costs the same.
const FPS: u32 = 10;
/// Frames of the clip.
const CLIP: u32 = 60;

/// Counter-based random numbers: SplitMix64 (Steele, Lea, Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `bound` - 1.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True once in `n` on average.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }
}

const CHINESE: [&str; 6] =
    ["每天早上", "新鲜咖啡送到家", "72小时内烘焙", "今日下单立减50元", "云南小粒咖啡，高山种植", "晨山咖啡"];
const ENGLISH: [&str; 6] = [
    "Morning.",
    "Fresh roasted coffee",
    "Shipped within 48 hours",
    "$18 for a 12 oz bag",
    "Every batch is cupped before it ships",
    "Still dark out?",
];
/// What people write by accident or with intent.
const ODD: [&str; 8] = [
    "",
    " ",
    "☕️ 100%!",
    "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
    "a\u{301}e\u{308}",
    "שלום עולם",
    "ᚠᛇᚻ",
    "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
];

fn words(numbers: &mut Numbers, chinese: bool) -> String {
    if numbers.once_in(30) {
        return numbers.one_of(&ODD).to_owned();
    }
    let pool = if chinese { CHINESE } else { ENGLISH };
    numbers.one_of(&pool).to_owned()
}

fn color(numbers: &mut Numbers) -> String {
    if numbers.once_in(2) {
        return numbers
            .one_of(&["#3B2417", "#12355B", "#FFB627", "#0B6E4F", "#FFFFFF", "#101010"])
            .to_owned();
    }
    format!("#{:06X}", numbers.below(1 << 24))
}

fn overlay(numbers: &mut Numbers, frames: u64, chinese: bool) -> Value {
    let shows = match numbers.below(4) {
        0 => json!({ "kind": "image", "picture": "logo", "width": 40 + numbers.below(400) }),
        1 => json!({
            "kind": "shape", "shape": numbers.one_of(&["rectangle", "pill", "ellipse"]),
            "color": color(numbers), "width": 4 + numbers.below(500), "height": 4 + numbers.below(300),
        }),
        _ => {
            let size = if numbers.once_in(12) { numbers.below(400) } else { 30 + numbers.below(50) };
            json!({
                "kind": "text", "text": words(numbers, chinese), "size": size,
                "color": color(numbers), "ground": color(numbers),
            })
        }
    };
    let anchor = numbers.one_of(&[
        "top_left",
        "top",
        "top_right",
        "left",
        "center",
        "right",
        "bottom_left",
        "bottom",
        "bottom_right",
    ]);
    let mut made = json!({
        "shows": shows, "anchor": anchor,
        "animation": numbers.one_of(&["none", "fade", "slide_up", "grow"]),
    });
    if numbers.once_in(3) {
        let side = |numbers: &mut Numbers| numbers.below(400) as i64 - 200;
        made["offset"] = json!([side(numbers), side(numbers)]);
    }
    if numbers.once_in(3) {
        made["start"] = json!(numbers.below(frames + 2));
    }
    made
}

fn shot(numbers: &mut Numbers, role: &str, chinese: bool) -> Value {
    let frames = if numbers.once_in(25) { numbers.below(3) } else { 20 + numbers.below(20) };
    let source = match numbers.below(8) {
        0 => json!({ "from": "template", "name": numbers.one_of(&["gradient", "stripes", "rings"]) }),
        1 => json!({ "from": "clip", "asset": "pour", "poster": "cup", "start_frame": numbers.below(30) }),
        2 => json!({
            "from": "generated", "prompt": "steam rises from @cup", "first_frame": "cup", "fall_back": "wide",
        }),
        3 if numbers.once_in(10) => json!({ "from": "still", "asset": "nothing" }),
        _ => json!({ "from": "still", "asset": numbers.one_of(&["cup", "wide", "tall"]) }),
    };
    let mut made = json!({
        "role": role, "frames": frames, "source": source, "caption": words(numbers, chinese),
        "motion": numbers.one_of(&["push_in", "pull_out", "pan_right", "pan_left"]),
        "caption_motion": numbers.one_of(&["slide_up", "grow", "lines"]),
    });
    if numbers.once_in(2) {
        made["layout"] = json!(numbers.one_of(&["full_bleed", "card", "poster", "end_card"]));
    }
    if numbers.once_in(4) {
        made["detail"] = json!(words(numbers, chinese));
    }
    if role == "cta" {
        made["button"] = json!(if chinese { "立即领取" } else { "Order now" });
    }
    if numbers.once_in(4) {
        let count = 1 + numbers.below(2);
        made["overlays"] = (0..count).map(|_| overlay(numbers, frames, chinese)).collect();
    }
    made
}

/// The storyboard file of a seed, as text.
fn generated(seed: u64) -> String {
    let mut numbers = Numbers(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
    let chinese = numbers.once_in(2);
    let roles: &[&str] = match numbers.below(3) {
        0 => &["hook", "cta"],
        1 => &["hook", "body", "cta"],
        _ => &["hook", "proof", "cta"],
    };
    let slots: Vec<Value> = roles
        .iter()
        .map(|role| json!({ "slot": role, "options": [{ "id": "a", "shots": [shot(&mut numbers, role, chinese)] }] }))
        .collect();
    let mut audio = json!({ "seed": numbers.below(50), "tempo": 60 + numbers.below(101) });
    if numbers.once_in(10) {
        audio["loudness_lufs"] = json!(-10.0 - numbers.below(20) as f64);
    }
    json!({
        "format": "spotwright.storyboard.v1", "id": format!("seed-{seed}"), "fps": FPS,
        "locale": if chinese { "zh-CN" } else { "en-US" },
        "placement": if numbers.once_in(6) { "meta_stories" } else { "simulated_feed" },
        "aspects": [numbers.one_of(&["9:16", "9:16", "1:1", "4:5", "16:9"])],
        "brand_kit": {
            "name": if chinese { "晨山咖啡" } else { "Hill Roasters" },
            "primary": color(&mut numbers), "accent": color(&mut numbers),
        },
        "assets": {
            "cup": { "file": "cup.png", "kind": "picture" }, "wide": { "file": "wide.png", "kind": "picture" },
            "tall": { "file": "tall.png", "kind": "picture" }, "logo": { "file": "logo.png", "kind": "picture" },
            "pour": { "file": "pour.mp4", "kind": "clip" },
        },
        "slots": slots,
        "audio": audio,
        "compliance": {
            "ai_label": chinese || !numbers.once_in(3),
            "disclaimer": if numbers.once_in(3) { words(&mut numbers, chinese) } else { String::new() },
        },
    })
    .to_string()
}

/// A studio with everything that the files name.
struct Rig {
    _folder: tempfile::TempDir,
    store: Arc<FolderStore>,
    studio: Studio,
    assets: StoredAssets,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).expect("creates");
        let store = Arc::new(FolderStore(objects));
        let options = Options { folder: folder.path().join("studio"), ..Options::default() };
        let studio = Studio::new(options, store.clone()).expect("opens");
        let mut assets = StoredAssets::default();
        for (name, width, height) in [("cup", 400, 520), ("wide", 900, 400), ("tall", 360, 900)] {
            let imported = picture::import(&photo(width, height), name).expect("imports");
            let hash = store.put(&imported.png).expect("stores").0;
            assets.named.insert(name.to_owned(), StoredAsset { hash, kind: AssetKind::Picture });
        }
        let logo = picture::import_layer(&photo(160, 120), "logo").expect("imports");
        let hash = store.put(&logo.png).expect("stores").0;
        assets.named.insert("logo".to_owned(), StoredAsset { hash: hash.clone(), kind: AssetKind::Picture });
        assets.layers.insert("logo".to_owned(), hash);
        let hash = store.adopt(&clip(folder.path())).expect("stores").0;
        assets.named.insert("pour".to_owned(), StoredAsset { hash, kind: AssetKind::Clip });
        Self { _folder: folder, store, studio, assets }
    }

    /// Backgrounds are drawn in the colors of each file.
    fn assets_of(&self, file: &StoryboardFile) -> StoredAssets {
        let mut assets = self.assets.clone();
        let palette = Palette { primary: file.brand_kit.primary, accent: file.brand_kit.accent };
        for which in Backdrop::ALL {
            let size = FrameSize { width: 360, height: 640 };
            let png = backdrop::draw(which, palette, size).expect("draws");
            let hash = self.store.put(&png).expect("stores").0;
            assets.backdrops.insert(which.as_str(), hash);
        }
        assets
    }

    /// `Ok(true)` for a file that was rendered and passes, `Ok(false)` for one that was refused, and otherwise
    /// what is wrong.
    fn work(&self, text: &str) -> Result<bool, String> {
        let Ok(file) = StoryboardFile::from_json(text.as_bytes()) else { return Ok(false) };
        let Ok(plans) = file.compile(&self.assets_of(&file)) else { return Ok(false) };
        let mut any = false;
        for plan in plans {
            let mut board = plan.storyboard;
            for shot in &mut board.shots {
                shot.footage.take_if(|footage| matches!(footage, Footage::Generated(_)));
            }
            if gate::foresee(&board).is_err() {
                continue;
            }
            let request = RenderRequest {
                storyboard: board,
                stage: RenderStage::Final,
                produce_id: format!("{}-{}", file.id, plan.aspect.file_part()),
            };
            let (_switch, stop) = Shutdown::new();
            let footage = match self.studio.render_blocking(&request, &request.produce_id, &stop) {
                Ok(footage) => footage,
                Err(Error::Problem(problem)) if !problem.message.is_empty() => continue,
                Err(other) => return Err(format!("fails without a fault of the file: {other}")),
            };
            let inspection = self
                .studio
                .inspect_blocking(&footage.artifact, &request)
                .map_err(|error| error.to_string())?;
            let failed: Vec<String> = inspection
                .report
                .checks
                .iter()
                .filter(|check| !check.pass)
                .map(|check| format!("{}: {} (required: {})", check.id, check.value, check.limit))
                .collect();
            if !failed.is_empty() {
                return Err(failed.join("; "));
            }
            any = true;
        }
        Ok(any)
    }
}

fn photo(width: u32, height: u32) -> Vec<u8> {
    let photo = image::RgbImage::from_fn(width, height, |x, y| {
        let wave = ((x as f32 * 0.05).sin() * (y as f32 * 0.04).cos() * 60.0) as i32;
        let noise = (x.wrapping_mul(2_654_435_761).wrapping_mul(y + 1) >> 28) as i32;
        let byte = |value: i32| value.clamp(0, 255) as u8;
        image::Rgb([byte(150 + wave + noise), byte(100 + wave / 2), byte(80 - wave / 2)])
    });
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    png
}

/// A clip of moving waves.
fn clip(folder: &std::path::Path) -> std::path::PathBuf {
    let file = folder.join("pour.mp4");
    let format = VideoFormat { width: 360, height: 640, fps: FPS, crf: 12, keyframe_every: 5 };
    let mut encoder = VideoEncoder::create(&file, format).expect("opens");
    for number in 0..CLIP {
        let mut shown = Yuv420::filled(360, 640, [90, 120, 140]);
        for (idx, luma) in shown.y.iter_mut().enumerate() {
            let (x, y) = ((idx % 360) as f32, (idx / 360) as f32);
            *luma = (110.0 + 50.0 * ((x + number as f32 * 6.0) * 0.04).sin() * (y * 0.03).cos()) as u8;
        }
        encoder.write(&shown).expect("writes");
    }
    encoder.finish().expect("finishes");
    file
}

/// Works through seeds on two threads; panics and failures by seed, and how many files were rendered.
fn run(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let rigs = [Rig::new(), Rig::new()];
    let results: Vec<BTreeMap<u64, Result<bool, String>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = rigs
            .iter()
            .enumerate()
            .map(|(idx, rig)| {
                let own = seeds.clone().filter(move |seed| seed % 2 == idx as u64);
                let one = move |seed| {
                    let text = generated(seed);
                    let worked = catch_unwind(AssertUnwindSafe(|| rig.work(&text)));
                    (seed, worked.unwrap_or_else(|_| Err("panics".to_owned())))
                };
                scope.spawn(move || own.map(one).collect())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("caught")).collect()
    });
    let all: BTreeMap<u64, Result<bool, String>> = results.into_iter().flatten().collect();
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|(seed, result)| result.as_ref().err().map(|why| format!("seed {seed}: {why}")))
        .collect();
    let rendered = all.values().filter(|result| **result == Ok(true)).count() as u64;
    eprintln!(
        "{count} storyboards: {rendered} rendered, {} refused, {} wrong",
        count - rendered,
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    // Neither all nor none: both ways are walked.
    assert!(rendered * 4 > count && rendered < count, "{rendered} of {count} were rendered");
}

#[test]
fn fifty_generated_storyboards_are_refused_or_pass_the_gate() {
    run(0..50);
}

#[test]
#[ignore = "full profile: a thousand videos; cargo xtask full"]
fn a_thousand_generated_storyboards_are_refused_or_pass_the_gate() {
    run(1_000..2_000);
}
