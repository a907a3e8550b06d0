//! Texts of a shot as they will stand, told before anything is rendered.

mod common;

use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::fitting::Fitting;
use spotwright_render::{Letters, Measure};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Layout, Storyboard};

const SIZE: [u32; 2] = [360, 640];

fn picture(store: &common::FolderStore) -> String {
    let photo = image::RgbImage::from_fn(300, 460, |x, y| {
        let wave = ((x as f32 * 0.11).sin() * (y as f32 * 0.07).cos() * 60.0) as i32;
        let byte = |v: i32| v.clamp(0, 255) as u8;
        image::Rgb([byte(150 + wave), byte(80 + wave), byte(50 - wave)])
    });
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    store.put(&png).expect("stores").0
}

#[test]
fn texts_are_measured_in_every_layout_and_what_cannot_be_laid_out_is_said() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Arc::new(common::FolderStore(folder.path().to_owned()));
    let picture = picture(&store);
    let measure = Measure::new(Letters::load(&[]).expect("fonts"), store);
    let board = |layout: Layout, caption: &str, picture: &str| -> Storyboard {
        let role = if layout.is_end() { Role::Cta } else { Role::Body };
        let button = if layout.is_end() { "Shop now" } else { "" };
        let mut shot =
            common::shot(role, layout, picture, 90, ["", "every morning", button, "Harbor Lane", ""]);
        caption.clone_into(&mut shot.caption);
        common::board(Locale::EnUs, SIZE, 30, ["#3B2417", "#FFB627"], vec![shot])
    };
    for layout in Layout::ALL {
        let set = measure.fit(&board(layout, "Coffee for 48 slow mornings", &picture), 0);
        assert_eq!(set.fault, None, "{layout:?}");
        // Some layouts take the caption apart; where it stands as a caption, it stands in the frame.
        if let Some(caption) = set.caption {
            let [left, top, width, height] = caption.ink;
            assert!(caption.lines >= 1 && width > 0 && height > 0, "{layout:?}: {caption:?}");
            assert!(left >= 0 && top >= 0 && left + width <= 360 && top + height <= 640, "{layout:?}");
        }
    }
    let short = measure.fit(&board(Layout::Card, "Slow coffee", &picture), 0).caption.expect("set");
    let long = measure
        .fit(&board(Layout::Card, "Slow coffee for everybody who has a long morning", &picture), 0)
        .caption
        .expect("set");
    assert!(long.lines > short.lines, "{short:?} {long:?}");
    let endless = "Slow coffee ".repeat(100);
    let fault = measure.fit(&board(Layout::Card, &endless, &picture), 0).fault;
    assert!(fault.is_some(), "{endless} stands nowhere");
    let rune = measure.fit(&board(Layout::Card, "\u{e000}", &picture), 0).fault.expect("no glyph");
    assert!(rune.contains("U+E000"), "{rune}");
    let gone = "0".repeat(64);
    assert!(measure.fit(&board(Layout::Card, "Slow coffee", &gone), 0).fault.is_some());
    assert!(measure.fit(&board(Layout::Card, "Slow coffee", &picture), 1).fault.is_some());
}
