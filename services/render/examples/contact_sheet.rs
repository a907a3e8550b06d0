//! Renders a demonstration storyboard and a contact sheet of its frames, to be looked at.
//!
//! `contact_sheet PICTURE OUT [zh|en] [PRIMARY ACCENT]` writes `OUT/ad.mp4`, `OUT/sheet.png` and
//! `OUT/preview.mp4`, and prints the quality gate's verdict.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::RenderRequest;
use spotwright_core::spine::Shutdown;
use spotwright_media::{Sink, VideoView, decode};
use spotwright_render::{Options, Studio, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::Layout;

#[path = "../tests/common/mod.rs"]
mod common;

const CHINESE: [common::Texts; 4] = [
    ["每天早上，你喝的咖啡新鲜吗？", "72小时内烘焙，下单当天发货", "", "晨山咖啡", ""],
    ["云南小粒咖啡，高山种植，手工采摘", "海拔1600米，日晒处理", "", "晨山咖啡", ""],
    [
        "首单立减50元",
        "12,000位顾客回购，好评率98%",
        "",
        "晨山咖啡",
        "回购数据统计于2026年1月至9月，来源：晨山咖啡自营商城订单",
    ],
    [
        "现在下单，明早喝到",
        "新客专享包邮",
        "立即领取优惠",
        "晨山咖啡",
        "活动截至2026年12月31日，每人限领一次",
    ],
];
const ENGLISH: [common::Texts; 4] = [
    [
        "Still drinking stale coffee?",
        "Roasted within 72 hours, shipped the same day",
        "",
        "Morning Ridge",
        "",
    ],
    ["Single-origin beans from 1,600 m mountain farms", "Hand-picked and sun-dried", "", "Morning Ridge", ""],
    [
        "Save $10 on your first order",
        "12,000 customers reordered this year",
        "",
        "Morning Ridge",
        "Reorders counted January to September 2026 in our own shop",
    ],
    [
        "Order now, brew tomorrow",
        "Free shipping for new customers",
        "Get my $10",
        "Morning Ridge",
        "Offer ends December 31, 2026. One per customer.",
    ],
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(arguments.next().context("name a picture")?);
    let out = PathBuf::from(arguments.next().context("name an output folder")?);
    let locale = if arguments.next().as_deref() == Some("en") { Locale::EnUs } else { Locale::ZhCn };
    let primary = arguments.next().unwrap_or_else(|| "#3B2417".to_owned());
    let accent = arguments.next().unwrap_or_else(|| "#FFB627".to_owned());
    let objects = out.join("objects");
    std::fs::create_dir_all(&objects)?;
    let store = Arc::new(common::FolderStore(objects));
    let imported = picture::import(&std::fs::read(&source)?, "picture")?;
    let hash = store.put(&imported.png)?;
    let texts = if locale == Locale::ZhCn { CHINESE } else { ENGLISH };
    let layouts = [Layout::FullBleed, Layout::Card, Layout::Poster, Layout::EndCard];
    let shots = Role::ALL
        .into_iter()
        .zip(layouts)
        .zip(texts)
        .map(|((role, layout), texts)| common::shot(role, layout, hash.as_str(), 112, texts))
        .collect();
    let storyboard = common::board(locale, [720, 1280], 30, [&primary, &accent], shots);
    let options = Options { folder: out.join("studio"), ..Options::default() };
    let studio = Studio::new(options, store.clone())?;
    for (stage, name) in [(RenderStage::Preview, "preview.mp4"), (RenderStage::Final, "ad.mp4")] {
        let request =
            RenderRequest { storyboard: storyboard.clone(), stage, produce_id: "demo-1".to_owned() };
        let key = blake3::hash(&serde_json::to_vec(&request)?).to_hex();
        let before = cpu_ms();
        let (_switch, stop) = Shutdown::new();
        let made = studio.render_blocking(&request, &key, &stop)?;
        let made_in = cpu_ms() - before;
        std::fs::copy(store.path(&made.artifact)?, out.join(name))?;
        eprintln!("{name}: {made_in:.0} ms of CPU time, {} frames, {} bytes", made.frames, made.bytes);
        if stage == RenderStage::Preview {
            eprintln!("  {:?}", made.statistics);
            continue;
        }
        let found = studio.inspect_blocking(&made.artifact, &request)?;
        eprintln!("  {:?}", found.statistics);
        for check in &found.report.checks {
            let verdict = if check.pass { "pass" } else { "FAIL" };
            eprintln!("  {verdict} {}: {} ({})", check.id, check.value, check.limit);
        }
    }
    let mut sheet = Sheet::new(storyboard.frames());
    decode(&out.join("ad.mp4"), &mut sheet)?;
    sheet.image.save(out.join("sheet.png"))?;
    Ok(())
}

/// CPU time of this thread so far (Linux); 0 elsewhere.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}

/// Early, middle and late frames of each shot, half size, one shot a column.
struct Sheet {
    frames: Vec<u32>,
    image: image::RgbImage,
}

impl Sheet {
    fn new(total: u32) -> Self {
        let frames = [0.05, 0.14, 0.9]
            .into_iter()
            .flat_map(|share: f64| {
                (0..4).map(move |idx| (f64::from(total) * (f64::from(idx) + share) / 4.0) as u32)
            })
            .collect();
        Self { frames, image: image::RgbImage::new(4 * 360, 3 * 640) }
    }
}

impl Sink for Sheet {
    fn picture(&mut self, view: &VideoView<'_>) {
        let Some(place) = self.frames.iter().position(|frame| *frame == view.index) else { return };
        let (left, top) = (place as u32 % 4 * 360, place as u32 / 4 * 640);
        for y in 0..640 {
            for x in 0..360 {
                let (sx, sy) = (x as usize * 2, y as usize * 2);
                let luma = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .iter()
                    .map(|(dx, dy)| f64::from(view.planes[0].0[(sy + dy) * view.planes[0].1 + sx + dx]))
                    .sum::<f64>()
                    / 4.0;
                let chroma =
                    |idx: usize| f64::from(view.planes[idx].0[sy / 2 * view.planes[idx].1 + sx / 2]) - 128.0;
                let (luma, blue, red) = (1.164 * (luma - 16.0), chroma(1), chroma(2));
                let byte = |value: f64| value.clamp(0.0, 255.0) as u8;
                let pixel = [
                    byte(luma + 1.793 * red),
                    byte(luma - 0.213 * blue - 0.533 * red),
                    byte(luma + 2.112 * blue),
                ];
                self.image.put_pixel(left + x, top + y, image::Rgb(pixel));
            }
        }
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}
