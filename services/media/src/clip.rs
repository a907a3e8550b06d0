//! Pictures of a clip of ours, by number.

use std::fs::File;
use std::path::Path;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, Rational, codec, decoder, format, frame, media};

use crate::decode::{is_again, open_input};
use crate::error::Error;
use crate::frame::Yuv420;

/// Reads pictures of a clip that [`crate::Sandbox::import_clip`] or [`crate::VideoEncoder`] made.
///
/// Decodes in this process, on one thread: it is **not** for foreign files, and asks for the content hash
/// so that no other file can take the clip's place. Asking for pictures in order decodes each once; going
/// back, or far ahead, jumps to the key picture before.
pub struct ClipReader {
    input: Input,
    decoder: decoder::Video,
    track: usize,
    base: Rational,
    fps: u32,
    frames: u32,
    width: u32,
    height: u32,
    ended: bool,
    /// Number of the picture that the decoder gives next, once known.
    next: u32,
    /// The last picture that was asked for.
    current: Option<(u32, Yuv420)>,
}

/// Pictures ahead that are decoded rather than jumped over: two groups of half a second at 60 a second.
const AHEAD: u32 = 60;

impl ClipReader {
    /// Opens a clip whose bytes have the BLAKE3 hash `hash` (hexadecimal).
    ///
    /// # Errors
    /// - [`Error::Io`]: the file cannot be read.
    /// - [`Error::Input`]: another hash, no 8-bit 4:2:0 video, no whole frame rate.
    /// - [`Error::Codec`]: it is no MP4.
    pub fn open(path: &Path, hash: &str) -> Result<Self, Error> {
        crate::initialize()?;
        let io = |source| Error::io(path, source);
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path).map_err(io)?).map_err(io)?;
        if hasher.finalize().to_hex().as_str() != hash {
            return Err(Error::Input(format!("{}: has another content than was stored", path.display())));
        }
        let input = open_input(path)?;
        let wrong = |what: &str| Error::Input(format!("{}: {what}", path.display()));
        let stream = input.streams().best(media::Type::Video).ok_or_else(|| wrong("has no video track"))?;
        let rate = stream.avg_frame_rate();
        if rate.1 <= 0 || rate.0 <= 0 || rate.0 % rate.1 != 0 {
            return Err(wrong("has no whole number of frames per second"));
        }
        let (track, base) = (stream.index(), stream.time_base());
        let frames = u32::try_from(stream.frames()).map_err(|_| wrong("has no number of frames"))?;
        let context = codec::Context::from_parameters(stream.parameters())
            .map_err(|source| Error::codec("read the clip's headers", source))?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(base);
        let decoder = decoder.video().map_err(|source| Error::codec("open the clip's decoder", source))?;
        if decoder.format() != format::Pixel::YUV420P {
            return Err(wrong("is not 8-bit 4:2:0"));
        }
        let (width, height) = (decoder.width(), decoder.height());
        Ok(Self {
            input,
            decoder,
            track,
            base,
            fps: (rate.0 / rate.1) as u32,
            frames,
            width,
            height,
            ended: false,
            next: 0,
            current: None,
        })
    }

    /// Number of pictures.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Pictures per second.
    #[must_use]
    pub fn fps(&self) -> u32 {
        self.fps
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Picture `number` (from 0): 4:2:0, BT.709, limited range.
    ///
    /// # Errors
    /// [`Error::Input`] beyond the last picture, or where the clip is damaged; [`Error::Codec`].
    pub fn frame(&mut self, number: u32) -> Result<&Yuv420, Error> {
        if number >= self.frames {
            return Err(Error::Input(format!(
                "the clip has {} frames; number {number} is none",
                self.frames
            )));
        }
        let have = self.current.as_ref().is_some_and(|(at, _)| *at == number);
        if !have {
            if number < self.next || number - self.next > AHEAD {
                self.jump(number)?;
            }
            self.read_to(number)?;
        }
        match &self.current {
            Some((at, picture)) if *at == number => Ok(picture),
            _ => Err(Error::Input(format!("frame {number} of the clip is missing"))),
        }
    }

    /// Picture `number` as red, green and blue, row by row, three bytes a pixel.
    ///
    /// # Errors
    /// As [`ClipReader::frame`].
    pub fn rgb(&mut self, number: u32) -> Result<Vec<u8>, Error> {
        self.frame(number).map(crate::convert::to_rgb)
    }

    fn jump(&mut self, number: u32) -> Result<(), Error> {
        // The middle of the picture, so that rounding cannot land before it.
        let micros = (i64::from(number) * 2 + 1) * 500_000 / i64::from(self.fps);
        self.input
            .seek(micros, ..micros)
            .map_err(|source| Error::codec("find a picture of the clip", source))?;
        self.decoder.flush();
        self.ended = false;
        self.next = 0;
        Ok(())
    }

    fn read_to(&mut self, number: u32) -> Result<(), Error> {
        loop {
            let mut picture = frame::Video::empty();
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => {}
                Err(error) if is_again(error) && !self.ended => {
                    self.feed()?;
                    continue;
                }
                Err(ffmpeg_next::Error::Eof) => return Ok(()),
                Err(source) => return Err(Error::codec("decode the clip", source)),
            }
            let seconds = picture.timestamp().unwrap_or(0) as f64 * f64::from(self.base);
            let at = (seconds * f64::from(self.fps)).round().clamp(0.0, f64::from(u32::MAX)) as u32;
            self.next = at + 1;
            if at == number {
                self.current = Some((number, copied(&picture, self.width, self.height)?));
                return Ok(());
            }
            if at > number {
                return Ok(());
            }
        }
    }

    fn feed(&mut self) -> Result<(), Error> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.track => {
                    return self
                        .decoder
                        .send_packet(&packet)
                        .map_err(|source| Error::codec("decode the clip", source));
                }
                Ok(()) => {}
                Err(ffmpeg_next::Error::Eof) => {
                    self.ended = true;
                    return self.decoder.send_eof().map_err(|source| Error::codec("end the clip", source));
                }
                Err(source) => return Err(Error::codec("read the clip", source)),
            }
        }
    }
}

fn copied(picture: &frame::Video, width: u32, height: u32) -> Result<Yuv420, Error> {
    if picture.format() != format::Pixel::YUV420P || picture.width() != width || picture.height() != height {
        return Err(Error::Input("a picture of the clip has another size or format".to_owned()));
    }
    let (width, height) = (width as usize, height as usize);
    let plane = |idx: usize| {
        let (row, rows) = if idx == 0 { (width, height) } else { (width / 2, height / 2) };
        let mut bytes = Vec::with_capacity(row * rows);
        for line in picture.data(idx).chunks(picture.stride(idx).max(1)).take(rows) {
            bytes.extend_from_slice(&line[..row]);
        }
        bytes
    };
    Ok(Yuv420 { width, height, y: plane(0), u: plane(1), v: plane(2) })
}
