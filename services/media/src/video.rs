//! H.264 encoding.

use std::path::Path;

use ffmpeg_next::codec::{self, Flags};
use ffmpeg_next::encoder::video::Encoder;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Packet, Rational, color, frame};

use crate::error::Error;
use crate::file::{Draft, muxer_options};
use crate::frame::Yuv420;

/// How a video is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFormat {
    /// Width in pixels; even.
    pub width: u32,
    /// Height in pixels; even.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Constant rate factor of x264, 0–51; smaller is better and larger.
    pub crf: u32,
    /// Largest distance between key frames, in frames.
    pub keyframe_every: u32,
}

/// Writes one video track as an MP4 file.
///
/// x264, preset `veryfast`, one thread, closed groups of pictures, headers that do not depend on
/// the content (`stitchable=1`): files of one [`VideoFormat`] can be joined by [`crate::stitch`].
/// Nothing appears under the file's name before [`VideoEncoder::finish`] returned.
pub struct VideoEncoder {
    format: VideoFormat,
    encoder: Encoder,
    muxer: Output,
    draft: Draft,
    time_base: Rational,
    frames: i64,
}

impl VideoEncoder {
    /// Opens the encoder and a draft next to `path`.
    ///
    /// # Errors
    /// - [`Error::Input`]: odd or zero sides, zero frame rate.
    /// - [`Error::Missing`]: FFmpeg without x264.
    /// - [`Error::Io`], [`Error::Codec`].
    pub fn create(path: &Path, format: VideoFormat) -> Result<Self, Error> {
        crate::initialize()?;
        if format.width == 0
            || format.height == 0
            || !format.width.is_multiple_of(2)
            || !format.height.is_multiple_of(2)
        {
            return Err(Error::Input("width and height must be even and not zero".to_owned()));
        }
        if format.fps == 0 || format.keyframe_every == 0 {
            return Err(Error::Input("frame rate and key frame distance must not be zero".to_owned()));
        }
        let codec = codec::encoder::find_by_name("libx264").ok_or(Error::Missing("encoder `libx264`"))?;
        let mut context = codec::Context::new_with_codec(codec);
        context.set_flags(Flags::BITEXACT | Flags::GLOBAL_HEADER | Flags::CLOSED_GOP);
        context.set_time_base(Rational(1, format.fps as i32));
        context.set_frame_rate(Some(Rational(format.fps as i32, 1)));
        let mut video =
            context.encoder().video().map_err(|source| Error::codec("set up the video encoder", source))?;
        video.set_width(format.width);
        video.set_height(format.height);
        video.set_format(Pixel::YUV420P);
        video.set_gop(format.keyframe_every);
        video.set_aspect_ratio(Rational(1, 1));
        video.set_colorspace(color::Space::BT709);
        video.set_color_range(color::Range::MPEG);
        video.set_color_primaries(color::Primaries::BT709);
        video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        let mut options = Dictionary::new();
        options.set("preset", "veryfast");
        options.set("threads", "1");
        options.set("crf", &format.crf.to_string());
        // Macroblock-tree rate control is off: its vector code reads memory it has not written when
        // the width is not a multiple of 128, so that equal pictures gave different bytes from one
        // encode to the next (x264 164 of Debian 12, 360 × 640: 7 of 12 videos; none without it).
        options.set("x264-params", "stitchable=1:open-gop=0:mbtree=0");
        let encoder =
            video.open_with(options).map_err(|source| Error::codec("open the video encoder", source))?;

        let draft = Draft::create(path)?;
        let mut muxer = draft.muxer()?;
        let mut stream =
            muxer.add_stream(codec).map_err(|source| Error::codec("add a video track", source))?;
        stream.set_parameters(&encoder);
        stream.set_time_base(Rational(1, format.fps as i32));
        stream.set_rate(Rational(format.fps as i32, 1));
        stream.set_avg_frame_rate(Rational(format.fps as i32, 1));
        muxer
            .write_header_with(muxer_options())
            .map_err(|source| Error::codec("write the video's header", source))?;
        let time_base = muxer.stream(0).map_or(Rational(1, format.fps as i32), |stream| stream.time_base());
        Ok(Self { format, encoder, muxer, draft, time_base, frames: 0 })
    }

    /// Adds one picture.
    ///
    /// # Errors
    /// [`Error::Input`] when the picture has another size; [`Error::Codec`].
    pub fn write(&mut self, picture: &Yuv420) -> Result<(), Error> {
        let (width, height) = (self.format.width as usize, self.format.height as usize);
        let chroma = width / 2 * (height / 2);
        if picture.width != width
            || picture.height != height
            || picture.y.len() != width * height
            || picture.u.len() != chroma
            || picture.v.len() != chroma
        {
            return Err(Error::Input("the picture does not have the video's size".to_owned()));
        }
        // A fresh frame each time: the encoder may still hold the previous one.
        let mut target = frame::Video::new(Pixel::YUV420P, self.format.width, self.format.height);
        for (idx, (plane, row_bytes)) in picture.planes().into_iter().enumerate() {
            let stride = target.stride(idx);
            let rows = target.data_mut(idx).chunks_mut(stride);
            for (to, from) in rows.zip(plane.chunks_exact(row_bytes)) {
                to[..row_bytes].copy_from_slice(from);
                // The encoder's vector code may look at the padding too, so it is not left as it
                // was allocated.
                to[row_bytes..].fill(from[row_bytes - 1]);
            }
        }
        target.set_pts(Some(self.frames));
        self.frames += 1;
        self.encoder.send_frame(&target).map_err(|source| Error::codec("encode a picture", source))?;
        self.drain()
    }

    /// Ends the file, makes it durable and gives it its name. Returns the number of frames.
    ///
    /// # Errors
    /// [`Error::Input`] when no picture was written; [`Error::Codec`], [`Error::Io`].
    pub fn finish(mut self) -> Result<u32, Error> {
        if self.frames == 0 {
            return Err(Error::Input("a video needs at least one picture".to_owned()));
        }
        self.encoder.send_eof().map_err(|source| Error::codec("end the video", source))?;
        self.drain()?;
        self.muxer.write_trailer().map_err(|source| Error::codec("end the video file", source))?;
        drop(self.muxer);
        self.draft.publish()?;
        Ok(self.frames as u32)
    }

    fn drain(&mut self) -> Result<(), Error> {
        let mut packet = Packet::empty();
        loop {
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {
                    packet.set_stream(0);
                    packet.set_duration(1);
                    packet.rescale_ts(Rational(1, self.format.fps as i32), self.time_base);
                    packet
                        .write_interleaved(&mut self.muxer)
                        .map_err(|source| Error::codec("write video data", source))?;
                }
                Err(source) if crate::decode::is_again(source) => return Ok(()),
                Err(ffmpeg_next::Error::Eof) => return Ok(()),
                Err(source) => return Err(Error::codec("encode a picture", source)),
            }
        }
    }
}
