//! How different shots and ads look is told as people see it.

mod common;

use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore as _;
use spotwright_render::{Options, Studio, backdrop};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{FrameSize, Layout, Storyboard, VisualStyle};
use spotwright_schemas::storyboard_file::{Aspect, Backdrop};

/// A distance that nobody overlooks.
const PLAIN: f64 = 8.0;
/// The same between shots of type and shapes in two colors, where a pale style has pale shots: more than twice what
/// can just be seen.
const PALE: f64 = 5.0;

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

/// An ad without a picture: every shot on another drawn background.
fn bare(hashes: &[String], style: VisualStyle, locale: Locale, size: [u32; 2]) -> Storyboard {
    let english = [
        ["Still pouring out cold coffee?", "There is a bottle for that", "", "Northlight", ""],
        ["Made for every day", "18/10 steel; 750 ml; dishwasher safe", "", "Northlight", ""],
        ["98% would buy it again", "1,140 answers in 2026", "", "Northlight", ""],
        ["12 Harbor Street, by the old pier", "Open daily from 8 to 20", "", "Northlight", ""],
        ["The cap clicks when it is shut", "So the bag stays dry", "", "Northlight", ""],
        [
            "Yours for $29 until Sunday",
            "Free shipping over $25",
            "Order now",
            "Northlight",
            "While stocks last.",
        ],
    ];
    let chinese = [
        ["早上泡的茶，十点就凉了？", "换个杯子试试", "", "北光", ""],
        ["每天都用得上", "316不锈钢；750毫升；可机洗", "", "北光", ""],
        ["98%的人愿意再买", "2026年1,140份问卷", "", "北光", ""],
        ["港口街12号，老码头旁", "每天8点到20点", "", "北光", ""],
        ["拧紧时，盖子会咔一声", "包里不会再湿一片", "", "北光", ""],
        ["周日前下单，只要29元", "满25元包邮", "立即下单", "北光", "数量有限，售完即止。"],
    ];
    let layouts = [
        (Role::Hook, Layout::Bubble),
        (Role::Body, Layout::Checklist),
        (Role::Proof, Layout::Number),
        (Role::Body, Layout::Place),
        (Role::Body, Layout::Phone),
        (Role::Cta, Layout::EndType),
    ];
    let texts = if locale == Locale::ZhCn { chinese } else { english };
    let shots = layouts
        .into_iter()
        .zip(texts)
        .enumerate()
        .map(|(idx, ((role, layout), texts))| {
            let picture = &hashes[idx % hashes.len()];
            common::shot(role, layout, picture, 60, texts)
        })
        .collect();
    let mut board = common::board(locale, size, 30, ["#1F3A5F", "#F2B544"], shots);
    board.style = style;
    board
}

#[test]
fn an_ad_without_a_picture_shows_something_else_in_every_shot() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir_all(&objects).expect("a folder");
    let store = Arc::new(common::FolderStore(objects));
    let any = common::board(Locale::EnUs, [360, 640], 30, ["#1F3A5F", "#F2B544"], Vec::new());
    let size = FrameSize { width: 360, height: 640 };
    let hashes: Vec<String> = Backdrop::ALL
        .iter()
        .map(|which| store.put(&backdrop::draw(*which, any.palette, size).expect("drawn")).expect("stored").0)
        .collect();
    let options = Options { folder: folder.path().join("studio"), ..Options::default() };
    let studio = Studio::new(options, store).expect("a studio");
    for style in VisualStyle::ALL {
        for locale in [Locale::EnUs, Locale::ZhCn] {
            for aspect in Aspect::ALL {
                let frame = aspect.size();
                let board = bare(&hashes, style, locale, [frame.width / 2, frame.height / 2]);
                let seen = studio.variety(&[&board]).expect("drawn");
                let [least, _] = seen.shots.expect("shots");
                let asked = if style == VisualStyle::Documentary { PALE } else { PLAIN };
                assert!(least > asked, "{style:?} {locale:?} {aspect:?}: {seen:?}");
            }
        }
    }
}
