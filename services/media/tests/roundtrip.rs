//! Encoding, joining and decoding through real files.

use std::path::Path;

use spotwright_media::{
    Error, NoSink, Piece, Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode, encode_aac, stitch,
};

const FORMAT: VideoFormat = VideoFormat { width: 96, height: 160, fps: 30, crf: 20, keyframe_every: 60 };

/// Pictures whose brightness tells their number.
fn write_piece(path: &Path, format: VideoFormat, lumas: &[u8]) {
    let mut encoder = VideoEncoder::create(path, format).expect("opens");
    for luma in lumas {
        let mut picture = Yuv420::filled(96, 160, [*luma, 128, 128]);
        for (idx, y) in picture.y.iter_mut().enumerate() {
            *y = y.saturating_add((idx % 7) as u8);
        }
        encoder.write(&picture).expect("writes");
    }
    assert_eq!(encoder.finish().expect("finishes"), lumas.len() as u32);
}

fn tone(samples: usize) -> Vec<f32> {
    (0..samples).flat_map(|i| [(i as f32 * 0.06).sin() * 0.4; 2]).collect()
}

#[derive(Default)]
struct Lumas {
    means: Vec<f64>,
    energy: f64,
}

impl Sink for Lumas {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (plane, stride) = view.planes[0];
        let sum: u64 = plane
            .chunks(stride)
            .take(view.height)
            .map(|row| row[..view.width].iter().map(|y| u64::from(*y)).sum::<u64>())
            .sum();
        self.means.push(sum as f64 / (view.width * view.height) as f64);
    }
    fn sound(&mut self, samples: &[f32], _: usize, _: u32) {
        self.energy += samples.iter().map(|s| f64::from(s * s)).sum::<f64>();
    }
}

#[test]
fn joined_pieces_show_every_frame_once_and_in_order() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    let (a, b, c): (Vec<u8>, Vec<u8>, Vec<u8>) =
        ((40..61).collect(), (100..104).collect(), (150..187).collect());
    write_piece(&at("a.mp4"), FORMAT, &a);
    write_piece(&at("b.mp4"), FORMAT, &b);
    write_piece(&at("c.mp4"), FORMAT, &c);
    let frames = a.len() + b.len() + c.len();
    encode_aac(&at("s.m4a"), &tone(frames * 1470), 44_100).expect("encodes");
    let files = [at("b.mp4"), at("a.mp4"), at("c.mp4")];
    let pieces = [
        Piece { file: &files[0], frames: 4 },
        Piece { file: &files[1], frames: 21 },
        Piece { file: &files[2], frames: 37 },
    ];
    let label = r#"{"Label":"1","ProduceID":"x"}"#;
    for name in ["one.mp4", "two.mp4"] {
        stitch(&at(name), &pieces, 30, Some(&at("s.m4a")), &[("AIGC", label)]).expect("joins");
    }
    assert_eq!(std::fs::read(at("one.mp4")).expect("reads"), std::fs::read(at("two.mp4")).expect("reads"));

    let mut lumas = Lumas::default();
    let content = decode(&at("one.mp4"), &mut lumas).expect("decodes");
    let planned: Vec<f64> = b.iter().chain(&a).chain(&c).map(|y| f64::from(*y) + 3.0).collect();
    assert_eq!(lumas.means.len(), planned.len());
    for (idx, (got, want)) in lumas.means.iter().zip(&planned).enumerate() {
        assert!((got - want).abs() < 1.5, "frame {idx}: {got} instead of {want}");
    }
    let video = content.video.expect("video");
    assert!(video.steady && video.bt709_limited);
    assert_eq!((video.codec.as_str(), video.pixel_format.as_str()), ("h264", "yuv420p"));
    assert_eq!((video.width, video.height, video.fps), (96, 160, 30.0));
    assert!((video.end - frames as f64 / 30.0).abs() < 1e-6);
    let audio = content.audio.expect("audio");
    assert_eq!((audio.codec.as_str(), audio.rate, audio.channels), ("aac", 44_100, 2));
    assert!(audio.start.abs() < 1e-3, "{}", audio.start);
    assert!((audio.end - video.end).abs() < 0.02, "{} and {}", audio.end, video.end);
    assert!(lumas.energy > 1000.0);
    assert_eq!(content.metadata.get("AIGC").map(String::as_str), Some(label));
    assert_eq!(content.damaged_packets, 0);
    assert!(!content.metadata.contains_key("creation_time"), "{:?}", content.metadata);
}

#[test]
fn equal_pictures_give_equal_bytes() {
    let folder = tempfile::tempdir().expect("folder");
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("reads");
    for name in ["a.mp4", "b.mp4"] {
        write_piece(&folder.path().join(name), FORMAT, &[10, 60, 200, 20, 20]);
    }
    assert_eq!(read("a.mp4"), read("b.mp4"));
}

#[test]
fn pieces_that_do_not_fit_are_refused_and_leave_no_file() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    write_piece(&at("a.mp4"), FORMAT, &[30; 6]);
    write_piece(&at("b.mp4"), VideoFormat { fps: 25, ..FORMAT }, &[30; 6]);
    let (a, b) = (at("a.mp4"), at("b.mp4"));
    let unequal = [Piece { file: &a, frames: 6 }, Piece { file: &b, frames: 6 }];
    let miscounted = [Piece { file: &a, frames: 7 }];
    for pieces in [&unequal[..], &miscounted[..], &[]] {
        assert!(matches!(stitch(&at("out.mp4"), pieces, 30, None, &[]), Err(Error::Input(_))));
    }
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("lists")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn abandoned_videos_leave_no_file() {
    let folder = tempfile::tempdir().expect("folder");
    let mut encoder = VideoEncoder::create(&folder.path().join("a.mp4"), FORMAT).expect("opens");
    encoder.write(&Yuv420::filled(96, 160, [90, 128, 128])).expect("writes");
    assert!(matches!(encoder.write(&Yuv420::filled(64, 64, [0; 3])), Err(Error::Input(_))));
    drop(encoder);
    assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 0);
}

#[test]
fn files_that_are_not_mp4_are_errors() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("playlist.mp4");
    for bytes in [&b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"[..], b"", b"\0\0\0\x20ftypisom"] {
        std::fs::write(&file, bytes).expect("writes");
        assert!(decode(&file, &mut NoSink).is_err());
    }
    assert!(matches!(decode(&folder.path().join("none.mp4"), &mut NoSink), Err(Error::Io { .. })));
}

#[test]
fn bad_samples_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("a.m4a");
    assert!(matches!(encode_aac(&file, &[0.0; 3], 44_100), Err(Error::Input(_))));
    assert!(matches!(encode_aac(&file, &[f32::NAN; 4], 44_100), Err(Error::Input(_))));
    assert!(matches!(encode_aac(&file, &[0.0; 4], 8_000), Err(Error::Input(_))));
    assert!(!file.exists());
}
