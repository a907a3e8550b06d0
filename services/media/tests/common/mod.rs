//! Clips, damaged and whole, made by code.

#![expect(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use spotwright_media::{Options, Sandbox, VideoEncoder, VideoFormat, Yuv420, encode_aac, stitch};

pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_spotwright-media-worker");

pub(crate) fn options(scratch: &Path) -> Options {
    Options::new(PathBuf::from(WORKER), scratch.to_path_buf())
}

pub(crate) fn sandbox(scratch: &Path) -> Sandbox {
    Sandbox::new(options(scratch))
}

/// Luma of picture `number` of a clip made here, without its texture.
pub(crate) fn luma(number: u32) -> u8 {
    30 + (number % 80) as u8 * 2
}

/// A clip whose brightness tells the number of each picture, with a moving texture.
pub(crate) fn clip(width: u32, height: u32, fps: u32, frames: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("clip.mp4");
    write_clip(&file, width, height, fps, frames);
    std::fs::read(file).expect("reads")
}

pub(crate) fn write_clip(file: &Path, width: u32, height: u32, fps: u32, frames: u32) {
    let format = VideoFormat { width, height, fps, crf: 16, keyframe_every: 12 };
    let mut encoder = VideoEncoder::create(file, format).expect("opens");
    for number in 0..frames {
        let mut picture = Yuv420::filled(width as usize, height as usize, [luma(number), 120, 136]);
        for (idx, y) in picture.y.iter_mut().enumerate() {
            *y = y.saturating_add(((idx + number as usize) % 5) as u8);
        }
        encoder.write(&picture).expect("writes");
    }
    encoder.finish().expect("finishes");
}

/// A clip with a tone of amplitude `level` as its sound.
pub(crate) fn clip_with_sound(frames: u32, level: f32) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    write_clip(&at("v.mp4"), 96, 160, 30, frames);
    let samples: Vec<f32> = (0..frames as usize * 1_470)
        .flat_map(|i| {
            let sample = (i as f32 * 0.0627).sin() * level;
            [sample, sample]
        })
        .collect();
    encode_aac(&at("a.m4a"), &samples, 44_100).expect("encodes");
    let piece = spotwright_media::Piece { file: &at("v.mp4"), frames };
    stitch(&at("both.mp4"), &[piece], 30, Some(&at("a.m4a")), &[]).expect("joins");
    std::fs::read(at("both.mp4")).expect("reads")
}

pub(crate) fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

/// Where the body of the first box with this name begins.
pub(crate) fn body_of(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == name).expect("a box of this name") + 4
}

/// Puts bytes into a clip at a place relative to the body of a box.
pub(crate) fn patched(bytes: &[u8], name: &[u8; 4], offset: usize, with: &[u8]) -> Vec<u8> {
    let mut made = bytes.to_vec();
    let at = body_of(bytes, name) + offset;
    made[at..at + with.len()].copy_from_slice(with);
    made
}

pub(crate) fn mean(plane: &[u8]) -> f64 {
    plane.iter().map(|y| f64::from(*y)).sum::<f64>() / plane.len() as f64
}

/// A small generator of numbers, for tests that must be the same each time: SplitMix64 (Steele et al. 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
