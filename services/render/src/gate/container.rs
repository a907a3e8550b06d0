//! Container and streams: frames, times, codec, size, and what the placement asks for.

use spotwright_media::{Content, VideoTrack};
use spotwright_schemas::placement::{PlacementKind, PlacementSpec};
use spotwright_schemas::storyboard::Storyboard;

use super::Checks;

/// H.264 profiles that every player takes: baseline, main, high (ISO/IEC 14496-10, A.2).
const PROFILES: [u8; 3] = [66, 77, 100];
/// Highest H.264 level, in tenths: 4.2, for 1080p at 60 frames a second.
const LEVEL: u8 = 42;

/// Frames, length, size and rate against the plan.
pub(super) fn check_plan(checks: &mut Checks, content: &Content, board: &Storyboard) {
    let planned = board.frames();
    let frames = content.video.as_ref().map_or(0, |video| video.frames);
    checks.add("frame_count", frames == planned, frames.to_string(), planned.to_string());
    let seconds = f64::from(planned) / f64::from(board.fps);
    let shown = content.video.as_ref().map_or(0.0, |video| video.end - video.start);
    let near = (shown - seconds).abs() <= 1.001 / f64::from(board.fps);
    checks.add("duration", near, format!("{shown:.3} s"), format!("{seconds:.3} s, one frame more or less"));
    let (size, fps) =
        content.video.as_ref().map_or(([0, 0], 0.0), |video| ([video.width, video.height], video.fps));
    let limit = format!("{}x{} at {}", board.size.width, board.size.height, board.fps);
    let pass = size == [board.size.width, board.size.height] && (fps - f64::from(board.fps)).abs() < 0.01;
    checks.add("planned_format", pass, format!("{}x{} at {fps:.3}", size[0], size[1]), limit);
}

/// What holds for every file at a placement. `None` when there is no video, which is a failed check.
pub(super) fn check<'a>(
    checks: &mut Checks,
    content: &'a Content,
    profile: Option<[u8; 2]>,
    placement: PlacementKind,
) -> Option<&'a VideoTrack> {
    let damaged = content.damaged_packets;
    checks.add("decodes", damaged == 0, format!("{damaged} damaged packets"), "0");
    let Some(video) = &content.video else {
        checks.add("video", false, "no video track", "one H.264 track");
        return None;
    };
    let format = format!("{} {}", video.codec, video.pixel_format);
    checks.add("codec", video.codec == "h264" && video.pixel_format == "yuv420p", format, "h264 yuv420p");
    let (pass, value) = match profile {
        Some([profile, level]) => {
            let value = format!("profile {profile}, level {:.1}", f64::from(level) / 10.0);
            (PROFILES.contains(&profile) && level <= LEVEL, value)
        }
        None => (false, "no H.264 headers".to_owned()),
    };
    checks.add("profile", pass, value, "baseline, main or high (66, 77, 100), at most level 4.2");
    checks.add("color", video.bt709_limited, video.bt709_limited.to_string(), "tagged BT.709, limited range");
    checks.add("steady_frames", video.steady, video.steady.to_string(), "frame k at k / rate seconds");
    check_placement(checks, content, video, placement);
    Some(video)
}

fn check_placement(checks: &mut Checks, content: &Content, video: &VideoTrack, placement: PlacementKind) {
    let spec = placement.spec();
    check_shape(checks, [video.width, video.height], spec);
    let seconds = video.end - video.start;
    check_seconds(checks, seconds, spec);
    let fits = content.bytes <= spec.max_bytes;
    checks.add("placement_bytes", fits, content.bytes.to_string(), format!("at most {}", spec.max_bytes));
    if let Some(least) = spec.min_kbps {
        let kbps = content.bytes as f64 * 8.0 / 1_000.0 / seconds.max(1e-3);
        let pass = kbps >= f64::from(least);
        checks.add(
            "placement_bitrate",
            pass,
            format!("{kbps:.0} kbit/s"),
            format!("at least {least} kbit/s"),
        );
    }
}

/// Size and shape against the placement's.
pub(super) fn check_shape(checks: &mut Checks, [width, height]: [u32; 2], spec: &PlacementSpec) {
    let shown = format!("{width}x{height}");
    let smallest = spec.smallest_of_shape(width, height);
    let [least_width, least_height] = smallest.unwrap_or(spec.min_size);
    let large = width >= least_width && height >= least_height;
    checks.add("placement_size", large, shown.clone(), format!("at least {least_width}x{least_height}"));
    let shapes: Vec<String> = std::iter::once(&spec.min_size)
        .chain(spec.other_shapes)
        .map(|[width, height]| format!("{width}x{height}"))
        .collect();
    checks.add("placement_shape", smallest.is_some(), shown, format!("shaped like {}", shapes.join(" or ")));
}

/// Length against the placement's.
pub(super) fn check_seconds(checks: &mut Checks, seconds: f64, spec: &PlacementSpec) {
    if let Some([shortest, longest]) = spec.seconds {
        let pass = seconds >= f64::from(shortest) - 0.05 && seconds <= f64::from(longest) + 0.05;
        let limit = format!("{shortest} to {longest} s");
        checks.add("placement_seconds", pass, format!("{seconds:.2} s"), limit);
    }
}
