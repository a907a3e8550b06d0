//! Demuxing and decoding of foreign bytes. Runs in the caged child only.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use ffmpeg_next::codec::packet::side_data::Type as PacketData;
use ffmpeg_next::color::{self, Space, TransferCharacteristic};
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::frame::side_data::Type as FrameData;
use ffmpeg_next::{Codec, Dictionary, Packet, Rational, Stream, codec, decoder, format, frame, media};

use crate::limits::Limits;
use crate::plan::{ColorOf, Matrix};
use crate::protocol::Fault;
use crate::sniff::Kind;

/// Decoders that may see foreign bytes.
const DECODERS: &[&str] = &[
    "h264",
    "hevc",
    "vp8",
    "vp9",
    "libdav1d",
    "mpeg4",
    "prores",
    "mjpeg",
    "png",
    "webp",
    "gif",
    "aac",
    "mp3float",
    "mp3",
    "vorbis",
    "opus",
    "flac",
    "alac",
    "pcm_u8",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_f64le",
];
/// Bytes and microseconds that FFmpeg may look at to find out what the tracks are.
const PROBE_BYTES: &str = "8000000";
const PROBE_MICROSECONDS: &str = "5000000";
/// Tracks of one file.
const TRACKS: &str = "32";
/// Reads that may fail in a row before a file counts as unreadable.
const FAILURES: u32 = 64;

/// Opens the file with the one demuxer of its kind and without any protocol: FFmpeg can read nothing but
/// the bytes that are handed to it.
pub(crate) fn open(file: &File, kind: Kind) -> Result<Input, Fault> {
    crate::initialize()?;
    let damaged = |error: std::io::Error| Fault::damaged(format!("it cannot be read ({})", error.kind()));
    let mut file = file.try_clone().map_err(damaged)?;
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let stream = StreamIo::from_read_seek(file).map_err(|error| Fault::damaged(error.to_string()))?;
    let mut options = Dictionary::new();
    options.set("format_whitelist", kind.demuxer());
    options.set("protocol_whitelist", "none");
    options.set("codec_whitelist", &DECODERS.join(","));
    options.set("probesize", PROBE_BYTES);
    options.set("analyzeduration", PROBE_MICROSECONDS);
    options.set("max_streams", TRACKS);
    // Of the demuxer for MP4: no data elsewhere, no chapters.
    options.set("enable_drefs", "0");
    options.set("ignore_chapters", "1");
    let input = format::input_from_stream(stream, None, Some(options))
        .map_err(|error| Fault::damaged(format!("its {kind} headers cannot be read ({error})")))?;
    if input.format().name() != kind.demuxer() {
        return Err(Fault::damaged(format!("it is not read as {kind}")));
    }
    Ok(input)
}

/// The best track of a kind that is neither a cover picture nor of a decoder that is not allowed.
pub(crate) fn track(input: &Input, medium: media::Type) -> Option<Stream<'_>> {
    let is_cover =
        |stream: &Stream<'_>| stream.disposition().contains(format::stream::Disposition::ATTACHED_PIC);
    input.streams().best(medium).filter(|stream| !is_cover(stream))
}

/// The decoder of a track, if it is on the list.
pub(crate) fn allowed(stream: &Stream<'_>) -> Result<Codec, Fault> {
    let parameters = stream.parameters();
    decoder::find(parameters.id())
        .filter(|codec| DECODERS.contains(&codec.name()))
        .ok_or_else(|| Fault::unsupported(format!("the codec {}", printable(parameters.id().name()))))
}

/// Opens a decoder from the list, on one thread.
fn decoder_of(stream: &Stream<'_>, limits: &Limits) -> Result<(decoder::Opened, String), Fault> {
    let parameters = stream.parameters();
    let codec = allowed(stream)?;
    let name = codec.name().to_owned();
    let context = codec::Context::from_parameters(parameters)
        .map_err(|error| Fault::damaged(format!("headers of the {name} track ({error})")))?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let mut options = Dictionary::new();
    options.set("threads", "1");
    options.set("max_pixels", &limits.pixels.to_string());
    options.set("flags", "+bitexact");
    let opened = decoder
        .open_as_with(codec, options)
        .map_err(|error| Fault::damaged(format!("headers of the {name} track ({error})")))?;
    Ok((opened, name))
}

/// ASCII letters, digits and a few signs of a short text; for names that reach a message.
fn printable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(32).collect()
}

/// Turn and mirror that a track asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    /// Clockwise quarter turns, 0–3.
    pub(crate) quarters: u32,
    /// Mirrored from left to right before turning.
    pub(crate) mirrored: bool,
}

impl Turn {
    /// Reads FFmpeg's display matrix: nine signed 32-bit numbers in the machine's order, 16.16 fixed point
    /// in the first two columns.
    pub(crate) fn from_matrix(bytes: &[u8]) -> Result<Self, Fault> {
        let value = |idx: usize| {
            bytes.get(idx * 4..idx * 4 + 4).map_or(0.0, |four| {
                f64::from(i32::from_ne_bytes([four[0], four[1], four[2], four[3]])) / 65_536.0
            })
        };
        let [a, b, c, d] = [value(0), value(1), value(3), value(4)];
        // x' = a x + c y, y' = b x + d y, with y downwards.
        let is =
            |want: [f64; 4]| [a, b, c, d].iter().zip(want).all(|(have, want)| (have - want).abs() < 0.01);
        let turns = [
            ([1.0, 0.0, 0.0, 1.0], 0, false),
            ([0.0, 1.0, -1.0, 0.0], 1, false),
            ([-1.0, 0.0, 0.0, -1.0], 2, false),
            ([0.0, -1.0, 1.0, 0.0], 3, false),
            ([-1.0, 0.0, 0.0, 1.0], 0, true),
            ([0.0, -1.0, -1.0, 0.0], 1, true),
            ([1.0, 0.0, 0.0, -1.0], 2, true),
            ([0.0, 1.0, 1.0, 0.0], 3, true),
        ];
        turns
            .iter()
            .find(|(matrix, ..)| is(*matrix))
            .map(|(_, quarters, mirrored)| Self { quarters: *quarters, mirrored: *mirrored })
            .ok_or_else(|| Fault::unsupported("a rotation that is not a quarter turn"))
    }

    /// Whether width and height change places.
    pub(crate) fn swaps(self) -> bool {
        self.quarters % 2 == 1
    }
}

/// Decodes the pictures of a file in order.
pub(crate) struct Pictures {
    input: Input,
    decoder: decoder::Video,
    track: usize,
    limits: Limits,
    kind: Kind,
    ended: bool,
    last: Option<i64>,
    decoded: u64,
    /// Decoder's name.
    pub(crate) codec: String,
    /// Seconds of one tick, as a fraction.
    pub(crate) base: Rational,
    /// Ticks that a picture is shown where its packet does not say.
    step: i64,
    /// Turn of the track.
    pub(crate) turn: Turn,
    /// Width of a pixel over its height.
    pub(crate) pixel_aspect: f64,
    /// Packets and pictures that did not decode, or came out of order.
    pub(crate) damaged: u32,
}

/// A decoded picture.
pub(crate) struct Picture {
    pub(crate) frame: frame::Video,
    /// When it is shown, in ticks of the track.
    pub(crate) at: i64,
    /// How long it is shown, in ticks.
    pub(crate) lasts: i64,
}

impl Pictures {
    /// Opens the file and checks what it says of itself.
    pub(crate) fn open(file: &File, kind: Kind, limits: &Limits) -> Result<Self, Fault> {
        let input = open(file, kind)?;
        let stream = track(&input, media::Type::Video).ok_or(Fault::NoVideo)?;
        let (base, average) = (stream.time_base(), stream.avg_frame_rate());
        if base.0 <= 0 || base.1 <= 0 {
            return Err(Fault::damaged("the clock of the video track"));
        }
        let fps = if average.0 > 0 && average.1 > 0 { f64::from(average) } else { 0.0 };
        limits.check_fps(fps)?;
        if stream.duration() > 0 {
            limits.check_seconds(stream.duration() as f64 * f64::from(base))?;
        }
        limits.check_frames(stream.frames().max(0).unsigned_abs())?;
        let mut turn = Turn::default();
        for data in stream.side_data() {
            if data.kind() == PacketData::DisplayMatrix {
                turn = Turn::from_matrix(data.data())?;
            }
        }
        let index = stream.index();
        let (opened, codec) = decoder_of(&stream, limits)?;
        let decoder = opened.video().map_err(|error| Fault::damaged(error.to_string()))?;
        limits.check_picture(u64::from(decoder.width()), u64::from(decoder.height()))?;
        let aspect = decoder.aspect_ratio();
        let pixel_aspect = if aspect.0 > 0 && aspect.1 > 0 { f64::from(aspect) } else { 1.0 };
        if !(0.1..=10.0).contains(&pixel_aspect) {
            return Err(Fault::unsupported("a pixel more than ten times as wide or high as the other side"));
        }
        let step = if fps > 0.0 { (1.0 / fps / f64::from(base)).round() as i64 } else { 0 };
        Ok(Self {
            input,
            decoder,
            track: index,
            limits: *limits,
            kind,
            ended: false,
            last: None,
            decoded: 0,
            codec,
            base,
            step: step.max(1),
            turn,
            pixel_aspect,
            damaged: 0,
        })
    }

    /// Coded width and height in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.decoder.width(), self.decoder.height())
    }

    /// Tracks besides this one.
    pub(crate) fn tracks(&self) -> u32 {
        self.input.nb_streams()
    }

    /// Continues at the last key picture at or before `at` ticks.
    pub(crate) fn seek(&mut self, at: i64) -> Result<(), Fault> {
        let micros = i128::from(at) * 1_000_000 * i128::from(self.base.0) / i128::from(self.base.1);
        let micros = i64::try_from(micros).map_err(|_| Fault::damaged("times beyond every clock"))?;
        self.input.seek(micros, ..micros).map_err(|_| Fault::damaged("its index"))?;
        self.decoder.flush();
        self.ended = false;
        self.last = None;
        Ok(())
    }

    /// The next picture; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Picture>, Fault> {
        loop {
            let mut frame = frame::Video::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {
                    if let Some(picture) = self.take(frame)? {
                        return Ok(Some(picture));
                    }
                }
                Err(error) if crate::decode::is_again(error) => self.feed()?,
                Err(ffmpeg_next::Error::Eof) => return Ok(None),
                Err(_) if self.ended => return Ok(None),
                Err(_) => {
                    self.damaged += 1;
                    self.feed()?;
                }
            }
        }
    }

    fn take(&mut self, frame: frame::Video) -> Result<Option<Picture>, Fault> {
        self.decoded += 1;
        self.limits.check_frames(self.decoded)?;
        self.limits.check_picture(u64::from(frame.width()), u64::from(frame.height()))?;
        self.damaged += u32::from(frame.is_corrupt() || frame.has_decode_errors());
        if self.kind == Kind::Jpeg {
            // Cameras write the turn of a photograph into its notes.
            if let Some(data) = frame.side_data(FrameData::DisplayMatrix) {
                self.turn = Turn::from_matrix(data.data())?;
            }
        }
        let at = match (frame.timestamp(), self.last) {
            (Some(at), Some(last)) if at <= last => {
                self.damaged += 1;
                return Ok(None);
            }
            (Some(at), _) => at,
            (None, last) => last.map_or(0, |last| last.saturating_add(self.step)),
        };
        self.last = Some(at);
        let said = frame.packet().duration;
        Ok(Some(Picture { frame, at, lasts: if said > 0 { said } else { self.step } }))
    }

    /// Hands the decoder one more packet, or the end.
    fn feed(&mut self) -> Result<(), Fault> {
        if self.ended {
            return Ok(());
        }
        if let Some(packet) = next_packet(&mut self.input, self.track, &mut self.damaged) {
            let failed = packet.is_corrupt() || self.decoder.send_packet(&packet).is_err();
            self.damaged += u32::from(failed);
        } else {
            self.ended = true;
            // A decoder that cannot end has no further pictures either, which the count shows.
            let _ = self.decoder.send_eof();
        }
        if self.damaged > self.limits.frames {
            return Err(Fault::damaged("hardly anything in it decodes"));
        }
        Ok(())
    }

    /// How the colors of a picture are to be read.
    pub(crate) fn color(&self, frame: &frame::Video, rgb: bool) -> Result<ColorOf, Fault> {
        use TransferCharacteristic as Curve;
        if matches!(
            self.decoder.color_transfer_characteristic(),
            Curve::SMPTE2084 | Curve::ARIB_STD_B67 | Curve::Linear | Curve::Log | Curve::LogSqrt
        ) {
            return Err(Fault::unsupported("high dynamic range or linear light (export the clip as SDR)"));
        }
        if rgb {
            return Ok(ColorOf { matrix: Matrix::Rgb, full_range: true, guessed: false });
        }
        let (width, height) = (frame.width(), frame.height());
        let full_range = frame.color_range() == color::Range::JPEG || self.kind == Kind::Jpeg;
        let (matrix, guessed) = match frame.color_space() {
            Space::BT709 => (Matrix::Bt709, false),
            Space::BT470BG | Space::SMPTE170M => (Matrix::Bt601, false),
            Space::BT2020NCL => (Matrix::Bt2020, false),
            Space::SMPTE240M => (Matrix::Smpte240, false),
            Space::FCC => (Matrix::Fcc, false),
            Space::Unspecified | Space::Reserved if self.kind.is_picture() => (Matrix::Bt601, true),
            // Players take high definition for BT.709 and smaller pictures for BT.601.
            Space::Unspecified | Space::Reserved
                if width.max(height) >= 1_280 || width.min(height) >= 720 =>
            {
                (Matrix::Bt709, true)
            }
            Space::Unspecified | Space::Reserved => (Matrix::Bt601, true),
            _ => return Err(Fault::unsupported("the color matrix of the video")),
        };
        Ok(ColorOf { matrix, full_range, guessed })
    }
}

/// The next packet of a track; `None` at the end. Damage is counted.
pub(crate) fn next_packet(input: &mut Input, track: usize, damaged: &mut u32) -> Option<Packet> {
    let mut failures = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() == track => return Some(packet),
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => return None,
            Err(error) => {
                *damaged = damaged.saturating_add(1);
                failures += 1;
                // Demuxers go on after damaged data; after any other error they never do.
                if error != ffmpeg_next::Error::InvalidData || failures > FAILURES {
                    return None;
                }
            }
        }
    }
}

/// The decoder of the sound track, and the track; `None` without one.
pub(crate) fn sound_decoder(
    input: &Input,
    limits: &Limits,
) -> Result<Option<(decoder::Audio, usize, Rational, String)>, Fault> {
    let Some(stream) = track(input, media::Type::Audio) else { return Ok(None) };
    let (opened, codec) = decoder_of(&stream, limits)?;
    let base = stream.time_base();
    if base.0 <= 0 || base.1 <= 0 {
        return Err(Fault::damaged("the clock of the sound track"));
    }
    let decoder = opened.audio().map_err(|error| Fault::damaged(error.to_string()))?;
    Ok(Some((decoder, stream.index(), base, codec)))
}
