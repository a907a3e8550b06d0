//! AAC encoding.

use std::path::Path;

use ffmpeg_next::codec::{self, Flags};
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::{ChannelLayout, Dictionary, Packet, Rational, frame};

use crate::error::Error;
use crate::file::{Draft, muxer_options};

/// Bits per second of the encoded sound.
const BIT_RATE: usize = 128_000;

/// Encodes stereo samples as AAC (LC, 128 kbit/s) into an MP4 file of their exact length.
///
/// `samples` are interleaved left and right, in [-1, 1]; `rate` is 44,100 or 48,000 per second.
///
/// # Errors
/// - [`Error::Input`]: another rate, an odd number of samples, none at all, or one that is not
///   finite.
/// - [`Error::Io`], [`Error::Codec`].
pub fn encode_aac(path: &Path, samples: &[f32], rate: u32) -> Result<(), Error> {
    crate::initialize()?;
    if ![44_100, 48_000].contains(&rate) {
        return Err(Error::Input("the sample rate must be 44100 or 48000".to_owned()));
    }
    if samples.is_empty()
        || !samples.len().is_multiple_of(2)
        || !samples.iter().all(|sample| sample.is_finite())
    {
        return Err(Error::Input("sound must be finite stereo samples".to_owned()));
    }
    let time_base = Rational(1, rate as i32);
    let codec = codec::encoder::find_by_name("aac").ok_or(Error::Missing("encoder `aac`"))?;
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(Flags::BITEXACT | Flags::GLOBAL_HEADER);
    context.set_time_base(time_base);
    let mut audio =
        context.encoder().audio().map_err(|source| Error::codec("set up the sound encoder", source))?;
    audio.set_rate(rate as i32);
    audio.set_format(Sample::F32(Type::Planar));
    audio.set_channel_layout(ChannelLayout::STEREO);
    audio.set_channels(2);
    audio.set_bit_rate(BIT_RATE);
    let mut options = Dictionary::new();
    options.set("threads", "1");
    let mut encoder =
        audio.open_with(options).map_err(|source| Error::codec("open the sound encoder", source))?;

    let draft = Draft::create(path)?;
    let mut muxer = draft.muxer()?;
    let mut stream = muxer.add_stream(codec).map_err(|source| Error::codec("add a sound track", source))?;
    stream.set_parameters(&encoder);
    stream.set_time_base(time_base);
    muxer
        .write_header_with(muxer_options())
        .map_err(|source| Error::codec("write the sound's header", source))?;
    let track_base = muxer.stream(0).map_or(time_base, |stream| stream.time_base());

    let mut drain = |encoder: &mut ffmpeg_next::encoder::audio::Encoder| -> Result<(), Error> {
        let mut packet = Packet::empty();
        loop {
            match encoder.receive_packet(&mut packet) {
                Ok(()) => {
                    packet.set_stream(0);
                    packet.rescale_ts(time_base, track_base);
                    packet
                        .write_interleaved(&mut muxer)
                        .map_err(|source| Error::codec("write sound data", source))?;
                }
                Err(source) if crate::decode::is_again(source) => return Ok(()),
                Err(ffmpeg_next::Error::Eof) => return Ok(()),
                Err(source) => return Err(Error::codec("encode sound", source)),
            }
        }
    };
    let per_frame = (encoder.frame_size() as usize).max(1);
    for (idx, chunk) in samples.chunks(per_frame * 2).enumerate() {
        let count = chunk.len() / 2;
        let mut target = frame::Audio::new(Sample::F32(Type::Planar), count, ChannelLayout::STEREO);
        target.set_rate(rate);
        for channel in 0..2 {
            let plane = target.plane_mut::<f32>(channel);
            for (to, pair) in plane.iter_mut().zip(chunk.chunks_exact(2)) {
                *to = pair[channel].clamp(-1.0, 1.0);
            }
        }
        target.set_pts(Some((idx * per_frame) as i64));
        encoder.send_frame(&target).map_err(|source| Error::codec("encode sound", source))?;
        drain(&mut encoder)?;
    }
    encoder.send_eof().map_err(|source| Error::codec("end the sound", source))?;
    drain(&mut encoder)?;
    muxer.write_trailer().map_err(|source| Error::codec("end the sound file", source))?;
    drop(muxer);
    draft.publish()
}
