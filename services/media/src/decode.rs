//! Decoding an MP4 once, from the first frame to the last.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::{Dictionary, Packet, codec, decoder, format, frame, media};

use crate::error::Error;
use crate::foreign;
use crate::sniff::Kind;

mod parts;

pub use parts::{Parts, decode_parts, fingerprints};

/// A decoded picture, borrowed from the decoder.
#[derive(Debug, Clone, Copy)]
pub struct VideoView<'a> {
    /// Number of the picture, from 0.
    pub index: u32,
    /// When it is shown, in seconds from the start of the file.
    pub seconds: f64,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Luma and the two chroma planes (4:2:0), each with the bytes from one row to the next.
    pub planes: [(&'a [u8], usize); 3],
}

/// Takes what [`decode`] finds.
pub trait Sink {
    /// Takes one picture.
    fn picture(&mut self, view: &VideoView<'_>);
    /// Takes samples, interleaved over `channels`, in [-1, 1].
    fn sound(&mut self, samples: &[f32], channels: usize, rate: u32);
}

/// Counts only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSink;

impl Sink for NoSink {
    fn picture(&mut self, _: &VideoView<'_>) {}
    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

/// The video track of a decoded file.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoTrack {
    /// FFmpeg's name of the codec, e.g. `h264`.
    pub codec: String,
    /// FFmpeg's name of the pixel format, e.g. `yuv420p`.
    pub pixel_format: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Average frames per second.
    pub fps: f64,
    /// Pictures that were decoded.
    pub frames: u32,
    /// Whether picture `k` is shown at `k / fps` seconds, within a tenth of a frame, for every `k`.
    pub steady: bool,
    /// When the first picture is shown, in seconds.
    pub start: f64,
    /// When the last picture ends, in seconds.
    pub end: f64,
    /// Whether the color tags say BT.709, limited range.
    pub bt709_limited: bool,
}

/// The sound track of a decoded file.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioTrack {
    /// FFmpeg's name of the codec, e.g. `aac`.
    pub codec: String,
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Decoded samples per channel.
    pub samples: u64,
    /// When the first sample is heard, in seconds.
    pub start: f64,
    /// When the last sample ends, in seconds.
    pub end: f64,
}

/// What a file holds, by decoding all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Bytes of the file.
    pub bytes: u64,
    /// The first video track.
    pub video: Option<VideoTrack>,
    /// The first sound track.
    pub audio: Option<AudioTrack>,
    /// Metadata of the file, by key.
    pub metadata: BTreeMap<String, String>,
    /// Packets that could not be decoded; 0 for a sound file.
    pub damaged_packets: u32,
}

/// Decodes every picture and sample of an MP4 file on one thread.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read; [`Error::Codec`] when it is not an MP4 or its
/// headers are damaged; [`Error::Input`] for pictures that are not 8-bit 4:2:0 or samples that are
/// not floating point. Damaged packets are counted, not errors.
pub fn decode(path: &Path, sink: &mut dyn Sink) -> Result<Content, Error> {
    crate::initialize()?;
    let bytes = std::fs::metadata(path).map_err(|source| Error::io(path, source))?.len();
    decode_all(open_input(path)?, bytes, sink)
}

/// Decodes a foreign MP4 file like [`decode`], with the one demuxer and the few decoders that may see foreign
/// bytes; with it, H.264 profile and level as in [`Parts::profile`].
///
/// Only for a [`crate::worker::Job`], behind the bars of its cage.
///
/// # Errors
/// As [`decode`]; [`Error::Input`] for a codec that may not see foreign bytes.
pub fn decode_foreign(file: &File, sink: &mut dyn Sink) -> Result<(Content, Option<[u8; 2]>), Error> {
    crate::initialize()?;
    let whole = |source| Error::io(Path::new("the file"), source);
    let bytes = file.metadata().map_err(whole)?.len();
    let profile = parts::profile(file).map_err(whole)?;
    let input = foreign::open(file, Kind::Mp4).map_err(|fault| Error::Input(fault.to_string()))?;
    for medium in [media::Type::Video, media::Type::Audio] {
        if let Some(stream) = input.streams().best(medium) {
            foreign::allowed(&stream).map_err(|fault| Error::Input(fault.to_string()))?;
        }
    }
    let content = decode_all(input, bytes, sink)?;
    let is_avc = content.video.as_ref().is_some_and(|video| video.codec == "h264");
    Ok((content, profile.filter(|_| is_avc)))
}

fn decode_all(mut input: format::context::Input, bytes: u64, sink: &mut dyn Sink) -> Result<Content, Error> {
    let metadata = input.metadata().iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut video = Video::open(&input)?;
    let mut audio = Audio::open(&input)?;
    let mut damaged_packets = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => break,
            Err(_) => {
                damaged_packets += 1;
                break;
            }
        }
        if let Some(video) = video.as_mut().filter(|video| video.track == packet.stream()) {
            damaged_packets += u32::from(packet.is_corrupt() || video.decoder.send_packet(&packet).is_err());
            video.receive(sink)?;
        } else if let Some(audio) = audio.as_mut().filter(|audio| audio.track == packet.stream()) {
            damaged_packets += u32::from(packet.is_corrupt() || audio.decoder.send_packet(&packet).is_err());
            audio.receive(sink)?;
        }
    }
    if let Some(video) = video.as_mut() {
        // End of stream cannot fail in a way that the frame count does not show.
        let _ = video.decoder.send_eof();
        video.receive(sink)?;
    }
    if let Some(audio) = audio.as_mut() {
        let _ = audio.decoder.send_eof();
        audio.receive(sink)?;
    }
    let damaged_frames = video.as_ref().map_or(0, |video| video.damaged);
    Ok(Content {
        bytes,
        video: video.map(Video::finish),
        audio: audio.map(Audio::finish),
        metadata,
        damaged_packets: damaged_packets + damaged_frames,
    })
}

/// Opens a local MP4 file; other containers and protocols are refused.
pub(crate) fn open_input(path: &Path) -> Result<format::context::Input, Error> {
    // FFmpeg must never read a name as a protocol, playlist or pattern.
    let absolute = std::path::absolute(path).map_err(|source| Error::io(path, source))?;
    let name = absolute
        .to_str()
        .ok_or_else(|| Error::Input(format!("{}: the file's name is not UTF-8", path.display())))?;
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    options.set("format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2");
    format::input_with_dictionary(&format!("file:{name}"), options)
        .map_err(|source| Error::codec("read the file as mp4", source))
}

/// Whether the codec only asks for more input.
pub(crate) fn is_again(error: ffmpeg_next::Error) -> bool {
    matches!(error, ffmpeg_next::Error::Other { errno } if errno == ffmpeg_next::error::EAGAIN)
}

struct Video {
    track: usize,
    decoder: decoder::Video,
    seconds_per_tick: f64,
    codec: String,
    fps: f64,
    frames: u32,
    steady: bool,
    start: f64,
    last: f64,
    damaged: u32,
}

impl Video {
    fn open(input: &format::context::Input) -> Result<Option<Self>, Error> {
        let Some(stream) = input.streams().best(media::Type::Video) else { return Ok(None) };
        let parameters = stream.parameters();
        let codec = parameters.id().name().to_owned();
        let context = codec::Context::from_parameters(parameters)
            .map_err(|source| Error::codec("read the video's headers", source))?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.video().map_err(|source| Error::codec("open the video decoder", source))?;
        Ok(Some(Self {
            track: stream.index(),
            decoder,
            seconds_per_tick: f64::from(stream.time_base()),
            codec,
            fps: f64::from(stream.avg_frame_rate()),
            frames: 0,
            steady: true,
            start: 0.0,
            last: 0.0,
            damaged: 0,
        }))
    }

    fn receive(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        let mut picture = frame::Video::empty();
        while self.decoder.receive_frame(&mut picture).is_ok() {
            let planar = matches!(picture.format(), format::Pixel::YUV420P | format::Pixel::YUVJ420P);
            if !planar {
                return Err(Error::Input("the video's pictures are not 8-bit 4:2:0".to_owned()));
            }
            self.damaged += u32::from(picture.is_corrupt() || picture.has_decode_errors());
            let seconds = picture.timestamp().unwrap_or(0) as f64 * self.seconds_per_tick;
            if self.frames == 0 {
                self.start = seconds;
            }
            self.steady &= (seconds * self.fps - f64::from(self.frames)).abs() < 0.1;
            self.last = seconds;
            let plane = |idx: usize| (picture.data(idx), picture.stride(idx));
            sink.picture(&VideoView {
                index: self.frames,
                seconds,
                width: picture.width() as usize,
                height: picture.height() as usize,
                planes: [plane(0), plane(1), plane(2)],
            });
            self.frames += 1;
        }
        Ok(())
    }

    fn finish(self) -> VideoTrack {
        let shown = if self.fps > 0.0 && self.frames > 0 { 1.0 / self.fps } else { 0.0 };
        VideoTrack {
            codec: self.codec,
            pixel_format: self
                .decoder
                .format()
                .descriptor()
                .map_or("unknown", |format| format.name())
                .to_owned(),
            width: self.decoder.width(),
            height: self.decoder.height(),
            fps: self.fps,
            frames: self.frames,
            steady: self.steady,
            start: self.start,
            end: self.last + shown,
            bt709_limited: self.decoder.color_space() == ffmpeg_next::color::Space::BT709
                && self.decoder.color_range() == ffmpeg_next::color::Range::MPEG,
        }
    }
}

struct Audio {
    track: usize,
    decoder: decoder::Audio,
    seconds_per_tick: f64,
    codec: String,
    samples: u64,
    start: Option<f64>,
    scratch: Vec<f32>,
}

impl Audio {
    fn open(input: &format::context::Input) -> Result<Option<Self>, Error> {
        let Some(stream) = input.streams().best(media::Type::Audio) else { return Ok(None) };
        let parameters = stream.parameters();
        let codec = parameters.id().name().to_owned();
        let context = codec::Context::from_parameters(parameters)
            .map_err(|source| Error::codec("read the sound's headers", source))?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.audio().map_err(|source| Error::codec("open the sound decoder", source))?;
        Ok(Some(Self {
            track: stream.index(),
            decoder,
            seconds_per_tick: f64::from(stream.time_base()),
            codec,
            samples: 0,
            start: None,
            scratch: Vec::new(),
        }))
    }

    fn receive(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        let mut sound = frame::Audio::empty();
        while self.decoder.receive_frame(&mut sound).is_ok() {
            let (channels, samples) = (sound.channels() as usize, sound.samples());
            if samples == 0 || channels == 0 {
                continue;
            }
            self.scratch.clear();
            self.scratch.resize(samples * channels, 0.0);
            match sound.format() {
                Sample::F32(Type::Planar) => {
                    for channel in 0..channels {
                        let plane = sound.plane::<f32>(channel);
                        for (to, from) in self.scratch[channel..].iter_mut().step_by(channels).zip(plane) {
                            *to = *from;
                        }
                    }
                }
                _ => {
                    return Err(Error::Input("the sound's samples are not planar floating point".to_owned()));
                }
            }
            let seconds = sound.timestamp().unwrap_or(0) as f64 * self.seconds_per_tick;
            self.start.get_or_insert(seconds);
            self.samples += samples as u64;
            sink.sound(&self.scratch, channels, sound.rate());
        }
        Ok(())
    }

    fn finish(self) -> AudioTrack {
        let rate = self.decoder.rate();
        let start = self.start.unwrap_or(0.0);
        AudioTrack {
            codec: self.codec,
            rate,
            channels: u32::from(self.decoder.channels()),
            samples: self.samples,
            start,
            end: start + self.samples as f64 / f64::from(rate.max(1)),
        }
    }
}
