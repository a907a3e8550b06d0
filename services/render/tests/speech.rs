//! Spoken lines in finished ads: mixed, levelled, and looked for by the gate.

use std::path::Path;
use std::sync::Arc;

use common::{FolderStore, board, shot};
use spotwright_core::domain::wav::write_wav;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::GateReport;
use spotwright_core::spine::Shutdown;
use spotwright_media::{Piece, Sink, VideoView, decode, encode_aac, stitch};
use spotwright_render::loudness::loudness;
use spotwright_render::{Options, Studio, music, picture};
use spotwright_schemas::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::speech::SpokenLine;
use spotwright_schemas::storyboard::{Layout, Storyboard};

mod common;

const FPS: u32 = 20;

struct Rig {
    folder: tempfile::TempDir,
    store: Arc<FolderStore>,
    studio: Studio,
    silent: Storyboard,
}

/// Syllables: bursts of a buzzing tone, five a second, with pauses like those between words.
fn speech(seconds: f64, rate: u32) -> Vec<f32> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|idx| {
            let t = idx as f64 / f64::from(rate);
            let open = (t * 5.0).fract() < 0.7 && (t * 1.3).fract() < 0.8;
            let buzz: f64 = (1..12)
                .map(|k| (t * 140.0 * f64::from(k) * std::f64::consts::TAU).sin() / f64::from(k))
                .sum();
            if open { (buzz * 0.12) as f32 } else { 0.0 }
        })
        .collect()
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir(&objects).expect("creates");
    let store = Arc::new(FolderStore(objects));
    let photo = image::RgbImage::from_fn(150, 100, |x, y| image::Rgb([(x % 200) as u8, (y * 2) as u8, 90]));
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    let imported = picture::import(&png, "picture").expect("imports");
    let picture = store.put(&imported.png).expect("stores").0;
    let options = Options { folder: folder.path().join("studio"), ..Options::default() };
    let studio = Studio::new(options, store.clone()).expect("opens");
    let shots = vec![
        shot(Role::Hook, Layout::FullBleed, &picture, 60, ["Fresh coffee", "", "", "Hill", ""]),
        shot(Role::Cta, Layout::EndCard, &picture, 50, ["Order now", "", "Order", "Hill", ""]),
    ];
    let silent = board(Locale::EnUs, [180, 320], FPS, ["#3B2417", "#FFB627"], shots);
    Rig { folder, store, studio, silent }
}

impl Rig {
    fn spoken(&self) -> Storyboard {
        let mut board = self.silent.clone();
        for (shot, (seconds, rate)) in board.shots.iter_mut().zip([(2.4, 24_000), (1.6, 48_000)]) {
            let sound = self.store.put(&write_wav(&speech(seconds, rate), rate)).expect("stores").0;
            shot.voice = Some(SpokenLine {
                text: "Fresh coffee".to_owned(),
                sound,
                start: 3,
                frames: (seconds * f64::from(FPS)).ceil() as u32,
                words: Vec::new(),
                speaker: "test/test".to_owned(),
            });
        }
        board
    }

    fn render(&self, board: &Storyboard, name: &str) -> (GateReport, std::path::PathBuf) {
        let (_switch, stop) = Shutdown::new();
        let out = self.folder.path().join(name);
        let rendered = self.studio.render_into(board, "v1", &out, &stop).expect("renders");
        (rendered.gate.expect("judged"), out.join("ad.mp4"))
    }
}

#[derive(Default)]
struct Ear(Vec<f32>);

impl Sink for Ear {
    fn picture(&mut self, _: &VideoView<'_>) {}
    fn sound(&mut self, samples: &[f32], _: usize, _: u32) {
        self.0.extend_from_slice(samples);
    }
}

fn heard(file: &Path) -> Vec<f32> {
    let mut ear = Ear::default();
    decode(file, &mut ear).expect("decodes");
    ear.0
}

fn check<'a>(report: &'a GateReport, id: &str) -> &'a spotwright_core::ports::video_backend::GateCheck {
    report.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("{id} in {report:#?}"))
}

#[test]
fn spoken_ads_pass_with_the_loudness_and_peak_of_all_ads() {
    let rig = rig();
    let (report, file) = rig.render(&rig.spoken(), "spoken");
    for id in ["sound", "drift", "sound_sync", "voice", "loudness", "true_peak", "silence"] {
        assert!(check(&report, id).pass, "{id}: {report:#?}");
    }
    let (lufs, peak) = loudness(&heard(&file), 2, music::RATE).expect("measures");
    assert!((lufs + 14.0).abs() <= 0.5 && peak <= -1.0, "{lufs} LUFS, {peak} dBTP");
    let (silent, _) = rig.render(&rig.silent, "silent");
    assert!(
        silent.checks.iter().all(|check| check.id != "voice"),
        "nothing is said of a voice that is not planned"
    );
}

#[test]
fn an_ad_whose_voice_is_missing_or_elsewhere_does_not_pass() {
    let rig = rig();
    let board = rig.spoken();
    let (_, spoken) = rig.render(&board, "spoken");
    let (_, silent) = rig.render(&rig.silent, "silent");
    let remade = |sound: &[f32], name: &str| {
        let at = |ending: &str| rig.folder.path().join(format!("{name}{ending}"));
        encode_aac(&at(".m4a.mp4"), sound, music::RATE).expect("encodes");
        let piece = Piece { file: &spoken, frames: board.frames() };
        stitch(&at(".mp4"), &[piece], FPS, Some(&at(".m4a.mp4")), &[]).expect("joins");
        rig.studio.check(&at(".mp4"), &board, None).expect("checks")
    };
    let good = remade(&heard(&spoken), "again");
    assert!(check(&good, "voice").pass, "{good:#?}");
    let missing = remade(&heard(&silent), "music-only");
    assert!(!check(&missing, "voice").pass, "{missing:#?}");
    let mut late = heard(&spoken);
    late.rotate_right(music::RATE as usize / 4 * 2);
    assert!(!check(&remade(&late, "late"), "voice").pass);
}

#[test]
fn shots_are_shared_whatever_is_said_over_them_and_recordings_are_read_with_care() {
    let rig = rig();
    let graph = rig.studio.graph(&[rig.silent.clone(), rig.spoken()]).expect("a graph");
    assert_eq!(graph.shots.len(), 2, "speech changes no pixel");
    let (_switch, stop) = Shutdown::new();
    let mut longer = rig.spoken();
    longer.shots[0].voice.as_mut().expect("speaks").frames = 5;
    let error =
        rig.studio.render_into(&longer, "v1", &rig.folder.path().join("x"), &stop).expect_err("too long");
    assert!(error.to_string().contains("shots[0].voice.sound"), "{error}");
    let mut noise = rig.spoken();
    noise.shots[1].voice.as_mut().expect("speaks").sound = rig.store.put(b"no sound").expect("stores").0;
    let error =
        rig.studio.render_into(&noise, "v1", &rig.folder.path().join("y"), &stop).expect_err("no WAV");
    assert!(error.to_string().contains("shots[1].voice.sound"), "{error}");
}
