//! How different shots and ads look is told as people see it.

mod common;

use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore as _;
use spotwright_render::{Options, Studio};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Layout, Storyboard, VisualStyle};

/// A distance that nobody overlooks.
const PLAIN: f64 = 8.0;

/// A storyboard of these layouts over one picture.
fn ad(picture: &str, style: VisualStyle, layouts: [Layout; 3]) -> Storyboard {
    let texts = [
        ["Still pouring out cold coffee?", "", "", "Northlight", ""],
        ["It stays hot for 12 hours", "Tested at 20 °C", "", "Northlight", ""],
        ["Yours for $29", "Free shipping over $25", "Order now", "Northlight", ""],
    ];
    let roles = [Role::Hook, Role::Proof, Role::Cta];
    let shots = roles
        .into_iter()
        .zip(layouts)
        .zip(texts)
        .map(|((role, layout), texts)| common::shot(role, layout, picture, 60, texts))
        .collect();
    let mut board = common::board(Locale::EnUs, [360, 640], 30, ["#1F3A5F", "#F2B544"], shots);
    board.style = style;
    board
}

#[test]
fn ads_of_other_styles_and_layouts_differ_and_the_same_ad_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir_all(&objects).expect("a folder");
    let store = Arc::new(common::FolderStore(objects));
    let picture = image::RgbImage::from_fn(300, 400, |x, y| {
        image::Rgb([(x * 255 / 300) as u8, (y * 200 / 400) as u8, ((x / 20 + y / 20) % 2 * 90) as u8])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    let hash = store.put(&png.into_inner()).expect("stored").0;
    let options = Options { folder: folder.path().join("studio"), ..Options::default() };
    let studio = Studio::new(options, store).expect("a studio");

    let editorial = ad(&hash, VisualStyle::Editorial, [Layout::FullBleed, Layout::Number, Layout::EndCard]);
    let sale = ad(&hash, VisualStyle::Sale, [Layout::Poster, Layout::Plates, Layout::EndType]);
    let seen = studio.variety(&[&editorial, &sale]).expect("compared");
    let ([shots, _], [ads, _]) = (seen.shots.expect("shots"), seen.ads.expect("ads"));
    assert!(shots > PLAIN && ads > PLAIN, "{seen:?}");
    assert_eq!((seen.layouts_repeated, seen.styles), (0, 2));

    let twice = studio.variety(&[&editorial, &editorial]).expect("compared");
    assert_eq!(twice.ads, Some([0.0, 0.0]));
    let alike = ad(&hash, VisualStyle::Editorial, [Layout::Card, Layout::Card, Layout::EndCard]);
    let seen = studio.variety(&[&alike]).expect("compared");
    assert_eq!((seen.layouts_repeated, seen.ads), (1, None));
}
