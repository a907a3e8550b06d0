//! Draws every layout in every style, to be looked at.
//!
//! `gallery OUT [zh|en] [WIDTHxHEIGHT] PICTURE...` writes one sheet a style: `OUT/STYLE.jpg`. Pictures are used
//! in turn.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_render::{Options, Studio, picture};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{FrameSize, Layout, Packshots, VisualStyle};

#[path = "../tests/common/mod.rs"]
mod common;

const ENGLISH: [common::Texts; 4] = [
    ["Still pouring out cold coffee at ten?", "It stays hot for 12 hours", "", "Northlight", ""],
    ["Keeps ice for 24 hours, tea for 12", "18/10 steel; 750 ml; dishwasher safe", "", "Northlight", ""],
    ["$29 instead of $39 until Sunday", "Free returns for 60 days", "", "Northlight", ""],
    ["Yours for $29 until Sunday", "Free shipping over $25", "Order now", "Northlight", "While stocks last."],
];
const CHINESE: [common::Texts; 4] = [
    ["早上泡的茶，十点就凉了？", "它能保温12小时", "", "北光", ""],
    ["冰块24小时不化，热茶12小时不凉", "316不锈钢、750毫升、可机洗", "", "北光", ""],
    ["到周日前，39元减到29元", "60天内免费退换", "", "北光", ""],
    ["周日前下单，只要29元", "满25元包邮", "立即下单", "北光", "数量有限，售完即止。"],
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name an output folder")?);
    let locale = if arguments.next().as_deref() == Some("en") { Locale::EnUs } else { Locale::ZhCn };
    let size = arguments.next().context("name a size")?;
    let (width, height) = size.split_once('x').context("WIDTHxHEIGHT")?;
    let size = FrameSize { width: width.parse()?, height: height.parse()? };
    let objects = out.join("objects");
    std::fs::create_dir_all(&objects)?;
    let store = Arc::new(common::FolderStore(objects));
    let mut pictures = Vec::new();
    for file in arguments {
        pictures.push(store.put(&picture::import(&std::fs::read(&file)?, "picture")?.png)?);
    }
    let options = Options { folder: out.join("studio"), ..Options::default() };
    let studio = Studio::new(options, store)?;
    let texts = if locale == Locale::ZhCn { CHINESE } else { ENGLISH };
    let palettes = [
        ["#1F3A5F", "#F2B544"],
        ["#C8102E", "#FFC72C"],
        ["#3B2417", "#C9A36A"],
        ["#2B6CB0", "#FF8FA3"],
        ["#0F766E", "#38E1C6"],
        ["#4A5240", "#B5452C"],
    ];
    let small = FrameSize { width: (size.width / 3) & !1, height: (size.height / 3) & !1 };
    let columns = 7;
    for (style, palette) in VisualStyle::ALL.into_iter().zip(palettes) {
        let rows = Layout::ALL.len().div_ceil(columns) as u32;
        let mut sheet = image::RgbImage::new(small.width * columns as u32, small.height * rows);
        for (idx, layout) in Layout::ALL.into_iter().enumerate() {
            let role =
                if layout.is_end() { Role::Cta } else { [Role::Hook, Role::Body, Role::Proof][idx % 3] };
            let words = if layout.is_end() { texts[3] } else { texts[idx % 3] };
            let mut shot = common::shot(role, layout, pictures[idx % pictures.len()].as_str(), 90, words);
            shot.ai_label = idx == 0;
            let mut board = common::board(locale, [size.width, size.height], 30, palette, vec![shot]);
            board.style = style;
            board.packshots = Packshots::OnScenes;
            let full = match studio.frame(&board, 0, 80, size) {
                Ok(rgb) => rgb,
                Err(error) => {
                    eprintln!("{style:?} {layout:?}: {error}");
                    continue;
                }
            };
            let drawn = image::RgbImage::from_raw(size.width, size.height, full).context("a frame")?;
            let drawn = image::imageops::resize(
                &drawn,
                small.width,
                small.height,
                image::imageops::FilterType::Triangle,
            );
            let (x, y) = (idx % columns, idx / columns);
            image::imageops::replace(
                &mut sheet,
                &drawn,
                (x as u32 * small.width).into(),
                (y as u32 * small.height).into(),
            );
        }
        sheet.save(out.join(format!("{style:?}.jpg")))?;
    }
    Ok(())
}
