//! What the sandbox makes of files that are in order.

mod common;

use common::{clip, clip_with_sound, luma, mean, patched, sandbox};
use spotwright_media::{
    Bar, ClipPlan, ClipReader, Fault, Kind, Matrix, SandboxError, SoundFacts, SoundPlan, Yuv420, decode,
};

#[test]
fn a_probe_tells_what_the_file_holds() {
    let folder = tempfile::tempdir().expect("folder");
    let probed = sandbox(folder.path()).probe(&clip_with_sound(45, 0.3)).expect("probes").value;
    let video = probed.video.expect("video");
    assert_eq!(probed.kind, Kind::Mp4);
    assert_eq!((video.width, video.height, video.frames, video.codec.as_str()), (96, 160, 45, "h264"));
    assert!((video.fps - 30.0).abs() < 0.01 && (video.seconds - 1.5).abs() < 0.01);
    assert_eq!((video.color.matrix, video.color.full_range), (Matrix::Bt709, false));
    let sound = probed.sound.expect("sound");
    assert_eq!((sound.rate, sound.channels), (44_100, 2));
    assert!((sound.seconds - 1.5).abs() < 0.1);
    // A sine of amplitude 0.3 on both channels: 10 log10(2 · 0.045) - 0.691, near 440 Hz.
    assert!((sound.lufs.expect("loudness") + 11.2).abs() < 0.7, "{:?}", sound.lufs);
    assert_eq!(probed.ignored_tracks, 0);
}

#[test]
fn the_rate_is_resampled_by_nearest_time_without_drift() {
    let folder = tempfile::tempdir().expect("folder");
    for (fps, frames) in [(24, 72_u32), (25, 75), (60, 180), (30, 90)] {
        let plan = ClipPlan::new(90, 160, 30, 90);
        let imported =
            sandbox(folder.path()).import_clip(&clip(96, 160, fps, frames), &plan).expect("imports").value;
        assert_eq!((imported.facts.frames, imported.facts.held_frames), (90, 0), "{fps} frames per second");
        let mut reader = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
        assert_eq!((reader.frames(), reader.fps(), reader.size()), (90, 30, (90, 160)));
        for number in 0..90 {
            // The nearest of the source's pictures; half-way ones go to the earlier.
            let exact = f64::from(number) * f64::from(fps) / 30.0;
            let nearest = ((exact - 0.5 - 1e-9).ceil() as u32).min(frames - 1);
            let have = mean(&reader.frame(number).expect("a frame").y);
            let want = f64::from(luma(nearest)) + 2.0;
            assert!((have - want).abs() < 1.0, "{fps}: frame {number} is {have} instead of {want}");
        }
    }
}

#[test]
fn a_place_far_into_a_clip_is_found_exactly() {
    let folder = tempfile::tempdir().expect("folder");
    let plan = ClipPlan { start_frame: 371, ..ClipPlan::new(64, 64, 30, 20) };
    let imported = sandbox(folder.path()).import_clip(&clip(64, 64, 30, 400), &plan).expect("imports").value;
    let mut reader = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
    for number in [0, 7, 19] {
        let have = mean(&reader.frame(number).expect("a frame").y);
        let want = f64::from(luma(371 + number)) + 2.0;
        assert!((have - want).abs() < 1.0, "frame {number} is {have} instead of {want}");
    }
}

#[test]
fn a_short_clip_is_held_up_to_the_tolerance_and_refused_beyond() {
    let folder = tempfile::tempdir().expect("folder");
    let source = clip(64, 64, 30, 50);
    let held = ClipPlan { hold_frames: 10, ..ClipPlan::new(64, 64, 30, 60) };
    let imported = sandbox(folder.path()).import_clip(&source, &held).expect("imports").value;
    assert_eq!((imported.facts.frames, imported.facts.held_frames), (60, 10));
    let mut reader = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
    let last = reader.frame(59).expect("a frame").y.clone();
    assert!((mean(&last) - mean(&reader.frame(49).expect("a frame").y)).abs() < 0.5);
    let short = ClipPlan { hold_frames: 9, ..held };
    match sandbox(folder.path()).import_clip(&source, &short) {
        Err(SandboxError::Fault(Fault::TooShort { have: 50, needed: 51 })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn pictures_are_cut_about_the_middle_and_never_barred() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("halves.mp4");
    let format =
        spotwright_media::VideoFormat { width: 320, height: 180, fps: 30, crf: 10, keyframe_every: 30 };
    let mut encoder = spotwright_media::VideoEncoder::create(&file, format).expect("opens");
    // White in the middle third of the width, black on both sides.
    let mut picture = Yuv420::filled(320, 180, [16, 128, 128]);
    for row in picture.y.chunks_exact_mut(320) {
        row[107..213].fill(235);
    }
    for _ in 0..10 {
        encoder.write(&picture).expect("writes");
    }
    encoder.finish().expect("finishes");
    // 9:16 of 320 × 180 is 101 pixels wide: all white.
    let plan = ClipPlan { sound: None, ..ClipPlan::new(180, 320, 30, 10) };
    let imported = sandbox(folder.path()).import_clip(file.as_path(), &plan).expect("imports").value;
    let mut reader = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
    let picture = reader.frame(5).expect("a frame");
    assert!(picture.y.iter().all(|y| *y > 215), "least {:?}", picture.y.iter().min());
    assert_eq!(imported.sound, SoundFacts::Unwanted);
}

#[test]
fn a_turned_clip_is_shown_upright() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("turned.mp4");
    let format =
        spotwright_media::VideoFormat { width: 160, height: 96, fps: 30, crf: 10, keyframe_every: 30 };
    let mut encoder = spotwright_media::VideoEncoder::create(&file, format).expect("opens");
    let mut picture = Yuv420::filled(160, 96, [40, 128, 128]);
    // Bright left half.
    for row in picture.y.chunks_exact_mut(160) {
        row[..80].fill(200);
    }
    for _ in 0..5 {
        encoder.write(&picture).expect("writes");
    }
    encoder.finish().expect("finishes");
    let bytes = std::fs::read(&file).expect("reads");
    // The matrix of a track header (version 0) stands 40 bytes into its body: a quarter turn clockwise.
    let matrix: Vec<u8> = [0, 0x0001_0000, 0, -0x0001_0000, 0, 0, 96 << 16, 0, 0x4000_0000_i32]
        .iter()
        .flat_map(|value: &i32| value.to_be_bytes())
        .collect();
    let turned = patched(&bytes, b"tkhd", 40, &matrix);
    let probed = sandbox(folder.path()).probe(&turned).expect("probes").value.video.expect("video");
    assert_eq!((probed.rotation, probed.mirrored), (90, false));
    let plan = ClipPlan::new(96, 160, 30, 5);
    let imported = sandbox(folder.path()).import_clip(&turned, &plan).expect("imports").value;
    let mut reader = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
    let shown = reader.frame(2).expect("a frame");
    // What was left is at the top.
    assert!(mean(&shown.y[..96 * 70]) > 190.0 && mean(&shown.y[96 * 90..]) < 50.0);
}

#[test]
fn sound_comes_out_at_the_wanted_loudness_and_length() {
    let folder = tempfile::tempdir().expect("folder");
    let plan = ClipPlan {
        sound: Some(SoundPlan { rate: 48_000, lufs: -20.0, true_peak: -1.0 }),
        ..ClipPlan::new(96, 160, 30, 60)
    };
    let imported =
        sandbox(folder.path()).import_clip(&clip_with_sound(60, 0.02), &plan).expect("imports").value;
    match imported.sound {
        SoundFacts::Normalized { samples: 96_000, lufs, source_lufs, gain_db, true_peak } => {
            assert!((lufs + 20.0).abs() < 0.1, "{lufs}");
            assert!((source_lufs + gain_db - lufs).abs() < 0.1 && true_peak <= -1.0);
        }
        other => panic!("{other:?}"),
    }
    let wav = std::fs::read(imported.sound_file().expect("a file")).expect("reads");
    assert_eq!(wav.len(), 44 + 96_000 * 4);
    let quiet = sandbox(folder.path()).import_clip(&clip_with_sound(60, 0.0), &plan).expect("imports").value;
    assert_eq!(quiet.sound, SoundFacts::Silent);
    assert!(quiet.sound_file().is_none());
    let none = sandbox(folder.path()).import_clip(&clip(64, 64, 30, 60), &plan).expect("imports").value;
    assert_eq!(none.sound, SoundFacts::Absent);
}

#[test]
fn one_input_and_plan_give_one_file() {
    let folder = tempfile::tempdir().expect("folder");
    let source = clip_with_sound(40, 0.3);
    let plan = ClipPlan::new(90, 90, 25, 30);
    let made: Vec<_> = (0..3)
        .map(|_| {
            let imported = sandbox(folder.path()).import_clip(&source, &plan).expect("imports").value;
            let sound = std::fs::read(imported.sound_file().expect("sound")).expect("reads");
            (imported.hash.clone(), sound, imported.stills)
        })
        .collect();
    assert!(made[0] == made[1] && made[1] == made[2]);
}

#[test]
fn every_picture_of_an_imported_clip_is_reached_in_any_order() {
    let folder = tempfile::tempdir().expect("folder");
    let plan = ClipPlan::new(64, 64, 30, 150);
    let imported = sandbox(folder.path()).import_clip(&clip(64, 64, 30, 150), &plan).expect("imports").value;
    let mut forward = ClipReader::open(&imported.file(), &imported.hash).expect("opens");
    let all: Vec<Yuv420> = (0..150).map(|number| forward.frame(number).expect("a frame").clone()).collect();
    for number in [149, 0, 75, 74, 76, 15, 14, 148, 3, 140] {
        assert!(*forward.frame(number).expect("a frame") == all[number as usize], "frame {number}");
    }
    assert!(forward.frame(150).is_err());
    assert_eq!(forward.rgb(3).expect("a frame").len(), 64 * 64 * 3);
    let whole = decode(&imported.file(), &mut spotwright_media::NoSink).expect("decodes");
    let video = whole.video.expect("video");
    assert!(video.steady && video.bt709_limited && video.frames == 150 && whole.damaged_packets == 0);
    assert!(ClipReader::open(&imported.file(), "00").is_err());
}

#[test]
fn black_and_frozen_stretches_are_measured() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("still.mp4");
    let format =
        spotwright_media::VideoFormat { width: 64, height: 64, fps: 30, crf: 10, keyframe_every: 30 };
    let mut encoder = spotwright_media::VideoEncoder::create(&file, format).expect("opens");
    for number in 0..90_u32 {
        let level = if number < 20 { 16 } else { 100 };
        encoder.write(&Yuv420::filled(64, 64, [level, 128, 128])).expect("writes");
    }
    encoder.finish().expect("finishes");
    let plan = ClipPlan::new(64, 64, 30, 90);
    let facts = sandbox(folder.path()).import_clip(file.as_path(), &plan).expect("imports").value.facts;
    assert_eq!(facts.black_frames, 20);
    assert_eq!(facts.frozen_frames, 45);
    assert!((facts.mean_luma - (20.0 * 16.0 + 70.0 * 100.0) / 90.0).abs() < 1.0);
}

#[test]
fn stills_are_pictures_of_the_named_frame() {
    let folder = tempfile::tempdir().expect("folder");
    let source = clip(96, 160, 30, 40);
    let still = sandbox(folder.path()).still(&source, 25, 80).expect("a still").value;
    assert_eq!((still.width, still.height), (48, 80));
    // The still is a picture file that the sandbox takes in its turn.
    let probed = sandbox(folder.path()).probe(&still.png).expect("probes").value;
    assert_eq!(probed.kind, Kind::Png);
    assert_eq!(probed.video.map(|video| (video.width, video.height)), Some((48, 80)));
    assert!(matches!(
        sandbox(folder.path()).still(&source, 40, 80),
        Err(SandboxError::Fault(Fault::TooShort { have: 40, needed: 41 }))
    ));
    // A picture is a clip of one frame that can be held.
    let plan = ClipPlan { hold_frames: 29, ..ClipPlan::new(48, 80, 30, 30) };
    let held = sandbox(folder.path()).import_clip(&still.png, &plan).expect("imports").value;
    assert!((held.facts.mean_luma - f64::from(luma(25)) - 2.0).abs() < 2.0, "{}", held.facts.mean_luma);
}

#[test]
fn plans_that_cannot_be_are_refused_with_their_field() {
    let folder = tempfile::tempdir().expect("folder");
    let source = clip(64, 64, 30, 5);
    let good = ClipPlan::new(64, 64, 30, 5);
    for (plan, wrong) in [
        (ClipPlan { width: 63, ..good }, "width"),
        (ClipPlan { height: 9_000, ..good }, "height"),
        (ClipPlan { fps: 0, ..good }, "fps"),
        (ClipPlan { frames: 0, ..good }, "frames"),
        (ClipPlan { crf: 60, ..good }, "crf"),
    ] {
        match sandbox(folder.path()).import_clip(&source, &plan) {
            Err(SandboxError::Fault(Fault::Plan { field, .. })) => assert_eq!(field, wrong),
            other => panic!("{wrong}: {other:?}"),
        }
    }
}

#[test]
fn nothing_is_left_in_the_scratch_folder() {
    let folder = tempfile::tempdir().expect("folder");
    let sandbox = sandbox(folder.path());
    drop(sandbox.import_clip(&clip(64, 64, 30, 5), &ClipPlan::new(64, 64, 30, 5)).expect("imports"));
    let _ = sandbox.probe(&b"#EXTM3U"[..]).expect_err("refused");
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
}

#[test]
fn the_cage_says_which_bars_hold() {
    let folder = tempfile::tempdir().expect("folder");
    let report = sandbox(folder.path()).probe(&clip(64, 64, 30, 5)).expect("probes").report;
    assert_eq!(report.limits, Bar::Held);
    // Whether the other bars hold is the kernel's; that they are told is ours.
    for bar in [&report.files, &report.network, &report.system_calls] {
        match bar {
            Bar::Held => {}
            Bar::Partly(why) | Bar::Missing(why) => assert!(!why.is_empty()),
        }
    }
}
