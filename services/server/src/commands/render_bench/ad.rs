//! One ad of 15 seconds beside other programs: three pictures under a moving camera, a shade, two lines of
//! type that slide in, sound.
//!
//! Everybody works on one thread, at the encoder's same preset and quality, from the same pictures. Ours
//! draws brand and label besides, writes the metadata and composes its music, where the others read a
//! finished sound.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::RenderRequest;
use spotwright_core::spine::Shutdown;
use spotwright_media::Yuv420;
use spotwright_render::Studio;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Layout, Storyboard};
use spotwright_store::folder::FolderArtifacts;

use super::{BRAND, FONT, FPS, SIZE, board, cpu_seconds, failed, shot};

/// Seconds of the ad, and frames of each of its three shots.
const SECONDS: u32 = 15;
const FRAMES: u32 = SECONDS * FPS / 3;
const CAPTION: &str = "限时特惠 今日下单立减50元";
const DETAIL: &str = "Fresh roasted coffee, delivered daily";
/// The constant rate factor of finals.
const CRF: &str = "21";

/// What came out.
#[derive(Debug, Default, Serialize)]
pub struct AdReport {
    /// Processor time of one composited frame in milliseconds, conversion for the encoder included.
    pub composite_ms_per_frame: f64,
    /// Processor time of the whole ad on one thread, from pictures to the finished file.
    pub ad_cpu_seconds: f64,
    /// Wall time of one thread divided by that of two.
    pub two_core_speedup: Option<f64>,
    /// Processor time of the `ffmpeg` program and how many times ours it is.
    pub ad_cpu_seconds_ffmpeg_cli: Option<f64>,
    /// See above.
    pub cpu_ratio_ffmpeg_cli: Option<f64>,
    /// Processor time of `MoviePy` and how many times ours it is.
    pub ad_cpu_seconds_moviepy: Option<f64>,
    /// See above.
    pub cpu_ratio_moviepy: Option<f64>,
    /// Structural similarity of the encoded ad with its own frames before encoding.
    pub ssim: Option<f64>,
    /// The same of what `ffmpeg` made.
    pub ssim_ffmpeg_cli: Option<f64>,
}

/// What is measured.
pub(super) struct Ad<'a> {
    /// A folder for everything.
    pub folder: &'a Path,
    /// Whether `ffmpeg` is measured.
    pub peer: bool,
    /// A Python interpreter that has `MoviePy`.
    pub moviepy: Option<&'a Path>,
}

impl Ad<'_> {
    /// Measures.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] for a program that is not there; what rendering comes to.
    pub(super) fn measure(&self) -> Result<AdReport, Problem> {
        let artifacts = Arc::new(
            FolderArtifacts::open(&self.folder.join("ad-artifacts")).map_err(|error| failed(&error))?,
        );
        let mut hashes = Vec::with_capacity(3);
        for idx in 0..3 {
            let png = still(idx)?;
            self.write(&format!("s{idx}.png"), &png)?;
            hashes.push(artifacts.put(&png).map_err(|error| failed(&error))?.0);
        }
        let board = reference(&hashes);
        let mut report = AdReport::default();
        let one = self.render(&artifacts, &board, 1)?;
        report.ad_cpu_seconds = one.cpu;
        let two = self.render(&artifacts, &board, 2)?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        report.two_core_speedup = (processors > 1).then(|| one.wall / two.wall.max(1e-3));
        let studio = self.studio(&artifacts, "composite")?;
        let before = cpu_seconds()?;
        let frames = studio.composite(&board, &mut |_| true).map_err(|error| failed(&error))?;
        report.composite_ms_per_frame = (cpu_seconds()? - before) * 1_000.0 / f64::from(frames.max(1));
        if self.peer {
            self.write("shade.png", &shade()?)?;
            let file = self.ffmpeg(&["-preset", "veryfast", "-crf", CRF], "ffmpeg.mp4", &mut report)?;
            let ours = self.folder.join("ours.mp4");
            std::fs::write(&ours, artifacts.get(&one.artifact).map_err(|error| failed(&error))?)
                .map_err(|error| failed(&error))?;
            report.ssim = Some(self.similarity_of_ours(&studio, &board, &ours)?);
            let lossless = ["-preset", "ultrafast", "-qp", "0"];
            let whole = self.ffmpeg(&lossless, "lossless.mkv", &mut AdReport::default())?;
            report.ssim_ffmpeg_cli = Some(self.similarity(&whole, &file)?);
        }
        if let Some(python) = self.moviepy {
            self.write("shade.png", &shade()?)?;
            self.write("moviepy_ad.py", include_str!("moviepy_ad.py").as_bytes())?;
            self.sound()?;
            let before = cpu_seconds()?;
            let mut command = Command::new(python);
            command.current_dir(self.folder).arg("moviepy_ad.py").args([
                SECONDS.to_string().as_str(),
                CRF,
                FONT,
            ]);
            run(&mut command, "MoviePy")?;
            let cpu = cpu_seconds()? - before;
            report.ad_cpu_seconds_moviepy = Some(cpu);
            report.cpu_ratio_moviepy = Some(cpu / report.ad_cpu_seconds.max(0.01));
        }
        Ok(report)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        std::fs::write(self.folder.join(name), bytes).map_err(|error| failed(&error))
    }

    /// A studio that has made nothing yet.
    fn studio(&self, artifacts: &Arc<FolderArtifacts>, name: &str) -> Result<Studio, Problem> {
        let folder = self.folder.join(format!("ad-studio-{name}"));
        let options = spotwright_render::Options { folder, ..Default::default() };
        Studio::new(options, artifacts.clone()).map_err(|error| failed(&error))
    }

    #[expect(clippy::disallowed_methods, reason = "a measurement of time")]
    fn render(
        &self,
        artifacts: &Arc<FolderArtifacts>,
        board: &Storyboard,
        threads: usize,
    ) -> Result<Made, Problem> {
        let studio = self.studio(artifacts, &threads.to_string())?;
        let produce_id = "reference-ad".to_owned();
        let request = RenderRequest { storyboard: board.clone(), stage: RenderStage::Final, produce_id };
        let (_switch, stop) = Shutdown::new();
        let (started, before) = (Instant::now(), cpu_seconds()?);
        let made = studio.render_on(threads, &request, "ad", &stop).map_err(|error| failed(&error))?;
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - before);
        Ok(Made { artifact: made.artifact, wall, cpu })
    }

    /// The sound that the others read.
    fn sound(&self) -> Result<(), Problem> {
        let mut command = Command::new("ffmpeg");
        let source = format!("sine=frequency=220:sample_rate=44100:duration={SECONDS}");
        command
            .current_dir(self.folder)
            .args(["-v", "error", "-y", "-nostdin", "-f", "lavfi", "-i", &source]);
        run(command.args(["-ac", "2", "a.wav"]), "ffmpeg")
    }

    /// The ad by the `ffmpeg` program with these options of the encoder.
    fn ffmpeg(&self, quality: &[&str], name: &str, report: &mut AdReport) -> Result<PathBuf, Problem> {
        self.sound()?;
        self.write("caption.txt", CAPTION.as_bytes())?;
        self.write("detail.txt", DETAIL.as_bytes())?;
        let before = cpu_seconds()?;
        let mut command = Command::new("ffmpeg");
        command.current_dir(self.folder).args(["-v", "error", "-y", "-nostdin"]);
        command.args(["-filter_threads", "1", "-filter_complex_threads", "1"]);
        for idx in 0..3 {
            command.arg("-i").arg(format!("s{idx}.png"));
        }
        let each = (SECONDS / 3).to_string();
        command.args(["-loop", "1", "-framerate", "30", "-t", &each, "-i", "shade.png", "-i", "a.wav"]);
        command.args(["-filter_complex", &filters(), "-map", "[v]", "-map", "4:a"]);
        command.args(["-c:v", "libx264", "-threads", "1"]).args(quality);
        command.args(["-c:a", "aac", "-b:a", "128k", "-t", &SECONDS.to_string(), name]);
        run(&mut command, "ffmpeg")?;
        let cpu = cpu_seconds()? - before;
        report.ad_cpu_seconds_ffmpeg_cli = Some(cpu);
        report.cpu_ratio_ffmpeg_cli = Some(cpu / report.ad_cpu_seconds.max(0.01));
        Ok(self.folder.join(name))
    }

    /// How like two files are, 0–1, over luma and chroma.
    fn similarity(&self, whole: &Path, file: &Path) -> Result<f64, Problem> {
        let mut command = Command::new("ffmpeg");
        command.current_dir(self.folder).args(["-nostdin", "-i"]).arg(file).arg("-i").arg(whole);
        command.args(["-lavfi", "[0:v][1:v]ssim", "-an", "-f", "null", "-"]);
        let ended = command.output().map_err(|error| failed(&error))?;
        told(&String::from_utf8_lossy(&ended.stderr))
    }

    /// The same of our file and the frames that it was made of.
    fn similarity_of_ours(&self, studio: &Studio, board: &Storyboard, file: &Path) -> Result<f64, Problem> {
        let size = format!("{}x{}", SIZE.width, SIZE.height);
        let mut command = Command::new("ffmpeg");
        command.current_dir(self.folder).arg("-i").arg(file);
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-r", "30", "-s", &size, "-i", "-"]);
        command.args(["-lavfi", "[0:v][1:v]ssim", "-an", "-f", "null", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let said = std::fs::File::create(self.folder.join("ssim.txt")).map_err(|error| failed(&error))?;
        let mut child = command.stderr(said).spawn().map_err(|error| failed(&error))?;
        let mut pipe = child.stdin.take().ok_or_else(|| failed(&"ffmpeg has no input"))?;
        let mut give = |frame: &Yuv420| {
            [&frame.y, &frame.u, &frame.v].into_iter().all(|plane| pipe.write_all(plane).is_ok())
        };
        let drawn = studio.composite(board, &mut give);
        drop(pipe);
        child.wait().map_err(|error| failed(&error))?;
        drawn.map_err(|error| failed(&error))?;
        let said = std::fs::read(self.folder.join("ssim.txt")).map_err(|error| failed(&error))?;
        told(&String::from_utf8_lossy(&said))
    }
}

/// A finished ad and what it took.
struct Made {
    artifact: spotwright_core::ports::artifacts::ArtifactHash,
    wall: f64,
    cpu: f64,
}

fn run(command: &mut Command, name: &str) -> Result<(), Problem> {
    let missing = |error: std::io::Error| {
        Problem::new(Code::Prerequisite, "--peer", format!("{name} cannot be started: {error}"))
    };
    let ended = command.stdin(Stdio::null()).output().map_err(missing)?;
    if ended.status.success() {
        return Ok(());
    }
    Err(failed(&format!("{name}: {}", String::from_utf8_lossy(&ended.stderr))))
}

/// The figure behind `All:` in what the filter `ssim` says last.
fn told(said: &str) -> Result<f64, Problem> {
    said.rsplit("All:")
        .next()
        .filter(|_| said.contains("All:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|figure| figure.parse().ok())
        .ok_or_else(|| failed(&"ffmpeg does not say how like the files are"))
}

/// The storyboard: caption and detail over the whole picture, three times.
fn reference(hashes: &[String]) -> Storyboard {
    let roles = [Role::Hook, Role::Body, Role::Proof];
    let shots = hashes.iter().zip(roles).map(|(hash, role)| {
        let mut shot = shot(role, Layout::FullBleed, hash, CAPTION);
        shot.frames = FRAMES;
        DETAIL.clone_into(&mut shot.detail);
        shot.ai_label = role == Role::Hook;
        shot
    });
    let mut board = board(shots.collect());
    board.names = vec![BRAND.to_owned()];
    board
}

/// A picture like a photograph: waves, gradients and grain.
fn still(idx: u32) -> Result<Vec<u8>, Problem> {
    let (width, height) = (1080_u32, 1920_u32);
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let (fx, fy) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let own = f64::from(idx);
        let wave = 40.0 * (37.0 * fx + own).sin() * (29.0 * fy).cos();
        let lot = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ idx.wrapping_mul(0xC2B2_AE3D);
        let lot = lot ^ (lot >> 15);
        let grain = f64::from(lot.wrapping_mul(0x2C1B_3C6D) >> 28) - 8.0;
        let tone = |value: f64| value.clamp(0.0, 255.0) as u8;
        image::Rgb([
            tone(60.0 + 150.0 * fx + wave + grain),
            tone(200.0 - 120.0 * fy + wave / 2.0 + grain),
            tone(90.0 + 100.0 * fx * fy + grain - wave),
        ])
    });
    png(&image::DynamicImage::ImageRgb8(picture))
}

/// The shade under the texts: black, from nothing at the top to 200 of 255.
fn shade() -> Result<Vec<u8>, Problem> {
    let picture = image::RgbaImage::from_fn(720, 576, |_, y| image::Rgba([0, 0, 0, (200 * y / 575) as u8]));
    png(&image::DynamicImage::ImageRgba8(picture))
}

fn png(picture: &image::DynamicImage) -> Result<Vec<u8>, Problem> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(|error| failed(&error))?;
    Ok(bytes.into_inner())
}

/// The graph of the `ffmpeg` program.
fn filters() -> String {
    let line = |file: &str, size: u32, color: &str, y: &str| {
        format!(
            "drawtext=fontfile={FONT}:textfile={file}:fontsize={size}:fontcolor={color}:x=(w-tw)/2:y='{y}'"
        )
    };
    let texts = [
        line("caption.txt", 54, "white", "960+60*max(0\\,1-t*2)"),
        line("detail.txt", 34, "0xFFE678", "1060+90*max(0\\,1-t*2)"),
    ]
    .join(",");
    let mut scenes = String::new();
    for idx in 0..3 {
        let _ = write!(
            scenes,
            "[{idx}:v]zoompan=z='1+0.2*on/{FRAMES}':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d={FRAMES}:\
             s=720x1280:fps={FPS}[z{idx}];[z{idx}][g{idx}]overlay=0:704,{texts},setsar=1[v{idx}];"
        );
    }
    format!("[3:v]split=3[g0][g1][g2];{scenes}[v0][v1][v2]concat=n=3:v=1:a=0,format=yuv420p[v]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_s_figure_is_found_and_its_silence_is_an_error() {
        let said =
            "[Parsed_ssim_0 @ 0x5] SSIM Y:0.974 (15.8) U:0.99 (20.1) V:0.99 (20.0) All:0.979312 (16.8)";
        assert_eq!(told(said).expect("a figure"), 0.979_312);
        assert!(told("Conversion failed!").is_err());
    }
}
