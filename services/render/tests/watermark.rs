//! Copies for reviewers: words in every picture, as long as the source, with its sound, the same every time.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{FolderStore, board, shot};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::video_backend::{Footage, RenderError, RenderRequest};
use spotwright_core::ports::watermarks::{Medium, Watermarks as _};
use spotwright_core::spine::Shutdown;
use spotwright_media::{Content, Sink, VideoView, decode};
use spotwright_render::{Options, Studio, Watermarker, label, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::Layout;

mod common;

const WORDS: &str = "PREVIEW · Hill Roasters 山 \u{e000} · for the client";

struct Rig {
    folder: tempfile::TempDir,
    store: Arc<FolderStore>,
    picture: String,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).unwrap();
        let store = Arc::new(FolderStore(objects));
        let plain = image::RgbImage::from_pixel(150, 100, image::Rgb([120, 90, 60]));
        let mut png = Vec::new();
        plain.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        let imported = picture::import(&png, "picture").unwrap();
        let picture = store.put(&imported.png).unwrap().0;
        Self { folder, store, picture }
    }

    fn studio(&self, name: &str) -> Studio {
        let options = Options { folder: self.folder.path().join(name), ..Options::default() };
        Studio::new(options, self.store.clone()).unwrap()
    }

    fn render(&self, studio: &Studio, stage: RenderStage) -> Footage {
        let shots = vec![
            shot(Role::Hook, Layout::FullBleed, &self.picture, 10, ["新鲜咖啡", "", "", "晨山", ""]),
            shot(Role::Cta, Layout::EndCard, &self.picture, 10, ["下单", "", "领取", "晨山", ""]),
        ];
        let storyboard = board(Locale::ZhCn, [432, 768], 25, ["#3B2417", "#FFB627"], shots);
        let request = RenderRequest { storyboard, stage, produce_id: "variant-1".to_owned() };
        let (_switch, stop) = Shutdown::new();
        studio.render_blocking(&request, &format!("{stage:?}"), &stop).unwrap()
    }

    fn look(&self, video: &ArtifactHash) -> (Content, Pictures) {
        let mut pictures = Pictures::default();
        let content = decode(&self.store.path(video).unwrap(), &mut pictures).unwrap();
        (content, pictures)
    }
}

/// Luma of every picture, in cells of a fiftieth of the sides, so that sizes can differ.
#[derive(Default)]
struct Pictures(BTreeMap<u32, Vec<f64>>);

const CELLS: usize = 50;

impl Sink for Pictures {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (luma, stride) = view.planes[0];
        let mut cells = vec![(0.0, 0.0); CELLS * CELLS];
        for y in 0..view.height {
            for x in 0..view.width {
                let cell = &mut cells[y * CELLS / view.height * CELLS + x * CELLS / view.width];
                cell.0 += f64::from(luma[y * stride + x]);
                cell.1 += 1.0;
            }
        }
        self.0.insert(view.index, cells.into_iter().map(|(sum, count)| sum / count).collect());
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

/// The share of cells that differ by more than noise of encoding.
fn changed(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).filter(|(a, b)| (*a - *b).abs() > 12.0).count() as f64 / one.len() as f64
}

#[test]
fn every_picture_of_a_finished_video_carries_the_words_and_nothing_else_is_lost() {
    let rig = Rig::new();
    let studio = rig.studio("studio");
    let clean = rig.render(&studio, RenderStage::Final);
    let copy = studio.watermarked(&clean.artifact, Medium::Video, WORDS).unwrap();
    assert_ne!(copy, clean.artifact);
    let ((before, all), (after, marked)) = (rig.look(&clean.artifact), rig.look(&copy));
    let (video, copied) = (before.video.unwrap(), after.video.unwrap());
    assert_eq!((copied.width, copied.height, copied.frames), (360, 640, 20));
    assert!(copied.steady && (copied.fps - video.fps).abs() < 0.01, "{copied:?}");
    let (sound, heard) = (before.audio.unwrap(), after.audio.unwrap());
    assert!((sound.end - heard.end).abs() < 0.1, "{} {}", sound.end, heard.end);
    assert_eq!(before.metadata.get(label::KEY), after.metadata.get(label::KEY));
    assert!(after.metadata.contains_key(label::KEY) && after.bytes < before.bytes);
    for (index, cells) in &all.0 {
        let share = changed(cells, &marked.0[index]);
        assert!((0.08..0.9).contains(&share), "picture {index}: {share} of it is marked");
    }
    // No other studio and no second time makes another file.
    assert_eq!(studio.watermarked(&clean.artifact, Medium::Video, WORDS).unwrap(), copy);
    assert_eq!(rig.studio("another").watermarked(&clean.artifact, Medium::Video, WORDS).unwrap(), copy);
    let elsewhere = studio.watermarked(&clean.artifact, Medium::Video, "PREVIEW · another link").unwrap();
    assert_ne!(elsewhere, copy);
}

#[test]
fn previews_and_stills_are_marked_too() {
    let rig = Rig::new();
    let studio = rig.studio("studio");
    let clean = rig.render(&studio, RenderStage::Preview);
    let copy = studio.watermarked(&clean.artifact, Medium::Video, WORDS).unwrap();
    let ((before, all), (after, marked)) = (rig.look(&clean.artifact), rig.look(&copy));
    assert_eq!(after.video.unwrap().frames, before.video.unwrap().frames);
    assert!(after.audio.is_none());
    assert!(all.0.iter().all(|(index, cells)| changed(cells, &marked.0[index]) > 0.08));

    let poster = clean.poster.unwrap();
    let still = studio.watermarked(&poster, Medium::Still, WORDS).unwrap();
    let [one, other] = [&poster, &still]
        .map(|hash| image::load_from_memory(&rig.store.get(hash).unwrap()).unwrap().into_luma8());
    assert_eq!(one.dimensions(), other.dimensions());
    let differing = one.pixels().zip(other.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 24).count();
    assert!(differing * 100 > one.as_raw().len() * 5, "{differing} of {}", one.as_raw().len());
}

#[test]
fn what_cannot_be_copied_says_why() {
    let rig = Rig::new();
    let marker = Watermarker::new(rig.studio("studio"), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let missing = ArtifactHash::of(b"nothing");
    let text = rig.store.put(b"no video").unwrap();
    for (source, medium, words) in [
        (&missing, Medium::Video, WORDS),
        (&missing, Medium::Still, WORDS),
        (&text, Medium::Video, WORDS),
        (&text, Medium::Still, WORDS),
    ] {
        let refused = runtime.block_on(marker.marked(source, medium, words));
        assert!(matches!(refused, Err(RenderError::Impossible(_))), "{refused:?}");
    }
}
