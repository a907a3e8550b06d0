//! Joining finished pieces by stream copy.

use std::path::Path;

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::{Dictionary, Packet, Rational, format, media};

use crate::decode::open_input;
use crate::error::Error;
use crate::file::{Draft, muxer_options};

/// One video file of a joined video.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// A file written by [`crate::VideoEncoder`] with the same format as its neighbors.
    pub file: &'a Path,
    /// Its number of frames; checked.
    pub frames: u32,
}

/// Joins `pieces` in order, adds the sound of `audio` and the `metadata`, and writes `path`.
///
/// Nothing is encoded: packets are copied and their times are set to exact frame numbers. The index
/// stands before the data (faststart). Metadata keys are written as they are, in order.
///
/// # Errors
/// - [`Error::Input`]: no pieces, pieces whose headers differ or whose number of frames is not the
///   stated one, a file without the expected track.
/// - [`Error::Io`], [`Error::Codec`].
pub fn stitch(
    path: &Path,
    pieces: &[Piece<'_>],
    fps: u32,
    audio: Option<&Path>,
    metadata: &[(&str, &str)],
) -> Result<(), Error> {
    crate::initialize()?;
    let first = pieces.first().ok_or_else(|| Error::Input("a video needs at least one piece".to_owned()))?;
    let headers = decoder_configuration(first.file)?;
    for piece in &pieces[1..] {
        if decoder_configuration(piece.file)? != headers {
            return Err(Error::Input("the pieces were not encoded alike".to_owned()));
        }
    }

    let draft = Draft::create(path)?;
    let mut muxer = draft.muxer()?;
    let mut packets: Vec<(f64, usize, Packet)> = Vec::new();
    let frame_base = Rational(1, fps.max(1) as i32);
    let mut parameters = None;
    let mut start = 0_i64;
    for piece in pieces {
        let (track, copied) = copy_video(piece, fps, start)?;
        packets.extend(
            copied.into_iter().map(|packet| (packet.dts().unwrap_or(0) as f64 / f64::from(fps), 0, packet)),
        );
        parameters.get_or_insert(track);
        start += i64::from(piece.frames);
    }
    if let Some(parameters) = parameters {
        let mut stream = muxer
            .add_stream(ffmpeg_next::encoder::find(parameters.id()))
            .map_err(|source| Error::codec("add a video track", source))?;
        stream.set_parameters(parameters);
        stream.set_time_base(frame_base);
        stream.set_rate(Rational(fps as i32, 1));
        stream.set_avg_frame_rate(Rational(fps as i32, 1));
    }
    let mut audio_base = Rational(1, 44_100);
    if let Some(file) = audio {
        let (track, base, copied) = copy_audio(file)?;
        audio_base = base;
        let seconds = f64::from(base.0) / f64::from(base.1);
        packets
            .extend(copied.into_iter().map(|packet| (packet.dts().unwrap_or(0) as f64 * seconds, 1, packet)));
        let mut stream = muxer
            .add_stream(ffmpeg_next::encoder::find(track.id()))
            .map_err(|source| Error::codec("add a sound track", source))?;
        stream.set_parameters(track);
        stream.set_time_base(base);
    }
    if !metadata.is_empty() {
        let mut dictionary = Dictionary::new();
        for (key, value) in metadata {
            dictionary.set(key, value);
        }
        muxer.set_metadata(dictionary);
    }
    muxer.write_header_with(muxer_options()).map_err(|source| Error::codec("write the header", source))?;
    packets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let bases: Vec<Rational> = muxer.streams().map(|stream| stream.time_base()).collect();
    for (_, track, mut packet) in packets {
        packet.set_stream(track);
        packet.set_position(-1);
        packet.rescale_ts(if track == 0 { frame_base } else { audio_base }, bases[track]);
        packet.write_interleaved(&mut muxer).map_err(|source| Error::codec("write joined data", source))?;
    }
    muxer.write_trailer().map_err(|source| Error::codec("end the joined file", source))?;
    drop(muxer);
    draft.publish()
}

/// Copies a piece's packets; times become frame numbers of the whole, starting at `start`.
fn copy_video(piece: &Piece<'_>, fps: u32, start: i64) -> Result<(Parameters, Vec<Packet>), Error> {
    let mut input = open_input(piece.file)?;
    let (track, base, parameters) = track(&input, media::Type::Video, piece.file)?;
    let mut packets = Vec::with_capacity(piece.frames as usize);
    let mut delay = None;
    for packet in read_packets(&mut input, track)? {
        let mut packet = packet;
        let to_frames = |time: i64| {
            let scaled = i128::from(time) * i128::from(base.0) * i128::from(fps);
            (scaled as f64 / f64::from(base.1)).round() as i64
        };
        let shown = packet.pts().map(to_frames);
        let decoded = packet.dts().map(to_frames);
        let (Some(shown), Some(decoded)) = (shown, decoded) else {
            return Err(Error::Input(format!("{}: a packet has no time", piece.file.display())));
        };
        // Decoding order advances by one frame a packet, behind by the encoder's reordering delay.
        let delay = *delay.get_or_insert(-decoded);
        let decoded = packets.len() as i64 - delay;
        if shown < decoded || shown < 0 {
            return Err(Error::Input(format!("{}: packet times are out of order", piece.file.display())));
        }
        packet.set_pts(Some(start + shown));
        packet.set_dts(Some(start + decoded));
        packet.set_duration(1);
        packets.push(packet);
    }
    if packets.len() != piece.frames as usize {
        return Err(Error::Input(format!(
            "{}: holds {} frames instead of {}",
            piece.file.display(),
            packets.len(),
            piece.frames
        )));
    }
    Ok((parameters, packets))
}

fn copy_audio(file: &Path) -> Result<(Parameters, Rational, Vec<Packet>), Error> {
    let mut input = open_input(file)?;
    let (track, base, parameters) = track(&input, media::Type::Audio, file)?;
    Ok((parameters, base, read_packets(&mut input, track)?))
}

fn track(
    input: &format::context::Input,
    kind: media::Type,
    file: &Path,
) -> Result<(usize, Rational, Parameters), Error> {
    let stream = input
        .streams()
        .best(kind)
        .ok_or_else(|| Error::Input(format!("{}: has no {kind:?} track", file.display())))?;
    Ok((stream.index(), stream.time_base(), stream.parameters()))
}

fn read_packets(input: &mut format::context::Input, track: usize) -> Result<Vec<Packet>, Error> {
    let mut packets = Vec::new();
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() == track => packets.push(packet),
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => return Ok(packets),
            Err(source) => return Err(Error::codec("read a piece", source)),
        }
    }
}

/// The H.264 decoder configuration record (`avcC` box, ISO/IEC 14496-15) of an MP4 file.
fn decoder_configuration(file: &Path) -> Result<Vec<u8>, Error> {
    let bytes = std::fs::read(file).map_err(|source| Error::io(file, source))?;
    let missing = || Error::Input(format!("{}: has no H.264 headers", file.display()));
    let at = bytes.windows(4).position(|name| name == b"avcC").filter(|at| *at >= 4).ok_or_else(missing)?;
    let size = u32::from_be_bytes([bytes[at - 4], bytes[at - 3], bytes[at - 2], bytes[at - 1]]) as usize;
    bytes.get(at..at - 4 + size).map(<[u8]>::to_vec).ok_or_else(missing)
}
