//! Parts of joined videos: told apart by their packets, and left out when they are known.

use std::path::{Path, PathBuf};

use spotwright_media::{
    Piece, Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode, decode_parts, encode_aac,
    fingerprints, stitch,
};

const FPS: u32 = 20;

/// A piece of `frames` pictures that differ from each other and from those of other seeds.
fn piece(folder: &Path, seed: usize, frames: u32) -> PathBuf {
    let file = folder.join(format!("{seed}.mp4"));
    let format = VideoFormat { width: 64, height: 96, fps: FPS, crf: 20, keyframe_every: 16 };
    let mut encoder = VideoEncoder::create(&file, format).expect("opens");
    for frame in 0..frames as usize {
        let mut picture = Yuv420::filled(64, 96, [16, 128, 128]);
        for (at, luma) in picture.y.iter_mut().enumerate() {
            *luma = (40 + (at % 64 * 3 + at / 64 * (seed + 1) + frame * 5) % 150) as u8;
        }
        encoder.write(&picture).expect("writes");
    }
    encoder.finish().expect("finishes");
    file
}

fn joined(folder: &Path, name: &str, pieces: &[(&Path, u32)]) -> PathBuf {
    let sound: Vec<f32> = (0..44_100 * 2).map(|at| (at as f32 * 0.03).sin() * 0.2).collect();
    let audio = folder.join("sound.mp4");
    encode_aac(&audio, &sound, 44_100).expect("encodes");
    let pieces: Vec<Piece<'_>> =
        pieces.iter().map(|(file, frames)| Piece { file, frames: *frames }).collect();
    let file = folder.join(name);
    stitch(&file, &pieces, FPS, Some(&audio), &[("TITLE", name)]).expect("joins");
    file
}

/// Number and a sum of every picture; number of samples.
#[derive(Default, Debug, PartialEq)]
struct Seen(Vec<(u32, u64)>, usize);

impl Sink for Seen {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (plane, stride) = view.planes[0];
        let rows = plane.chunks(stride).take(view.height);
        let sum = rows.flat_map(|row| &row[..view.width]).enumerate();
        self.0.push((view.index, sum.map(|(at, luma)| (at as u64 % 251 + 1) * u64::from(*luma)).sum()));
    }
    fn sound(&mut self, samples: &[f32], _: usize, _: u32) {
        self.1 += samples.len();
    }
}

#[test]
fn equal_shots_have_equal_fingerprints_wherever_they_stand() {
    let folder = tempfile::tempdir().expect("folder");
    let [a, b] = [piece(folder.path(), 0, 30), piece(folder.path(), 1, 24)];
    let one = joined(folder.path(), "one.mp4", &[(&a, 30), (&b, 24)]);
    let other = joined(folder.path(), "other.mp4", &[(&b, 24), (&a, 30)]);
    let first = fingerprints(&one, FPS, &[30, 24]).expect("reads");
    let second = fingerprints(&other, FPS, &[24, 30]).expect("reads");
    assert!(first.pictures.iter().all(Option::is_some), "{first:?}");
    assert_eq!(first.pictures[0], second.pictures[1]);
    assert_eq!(first.pictures[1], second.pictures[0]);
    assert_ne!(first.pictures[0], first.pictures[1]);
    assert_eq!(first.sound, second.sound);
    assert_eq!(first.profile.map(|[profile, _]| profile), Some(100));
}

#[test]
fn what_does_not_stand_for_itself_has_no_fingerprint() {
    let folder = tempfile::tempdir().expect("folder");
    let a = piece(folder.path(), 0, 40);
    let file = joined(folder.path(), "whole.mp4", &[(&a, 40)]);
    // Cut where no picture begins anew, and with another number of pictures than there are.
    for lengths in [&[10, 30][..], &[40, 1], &[39]] {
        let parts = fingerprints(&file, FPS, lengths).expect("reads");
        assert!(parts.pictures.iter().any(Option::is_none), "{lengths:?}: {parts:?}");
    }
    // One byte of the pictures is another.
    let before = fingerprints(&file, FPS, &[40]).expect("reads");
    let mut bytes = std::fs::read(&file).expect("reads");
    let data = bytes.windows(4).position(|name| name == b"mdat").expect("has data");
    // The first packet is one of pictures, and longer than this.
    bytes[data + 100] ^= 0x10;
    std::fs::write(&file, bytes).expect("writes");
    assert_ne!(fingerprints(&file, FPS, &[40]).expect("reads").pictures, before.pictures);
}

#[test]
fn what_is_left_out_is_counted_and_the_rest_is_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let pieces = [piece(folder.path(), 0, 30), piece(folder.path(), 1, 24), piece(folder.path(), 2, 36)];
    let lengths = [30, 24, 36];
    let listed: Vec<(&Path, u32)> = pieces.iter().map(PathBuf::as_path).zip(lengths).collect();
    let file = joined(folder.path(), "three.mp4", &listed);
    let mut whole = Seen::default();
    let content = decode(&file, &mut whole).expect("decodes");
    for left_out in 0..8_u32 {
        let left_out = [0, 1, 2].map(|part| left_out >> part & 1 == 1);
        let mut rest = Seen::default();
        let found = decode_parts(&file, &lengths, &left_out, true, &mut rest).expect("decodes");
        assert_eq!(found.video, content.video, "{left_out:?}");
        assert_eq!((found.audio, rest.1, found.damaged_packets), (None, 0, 0));
        let starts = [0, 30, 54];
        let expected = whole.0.iter().filter(|(at, _)| {
            let part = starts.partition_point(|start| start <= at) - 1;
            !left_out[part]
        });
        assert_eq!(rest.0, expected.copied().collect::<Vec<_>>(), "{left_out:?}");
    }
    let mut heard = Seen::default();
    let found = decode_parts(&file, &lengths, &[true; 3], false, &mut heard).expect("decodes");
    assert_eq!((found.audio, heard.1, heard.0.len()), (content.audio, whole.1, 0));
}
