//! `spotwright render bench`: what 27 variants of an ad (3 hooks × 3 bodies × 3 ends) cost in processor time,
//! quality gate included, beside the same number of renders by the `ffmpeg` program, each followed by the
//! gate.
//!
//! Processor time and not wall time is counted, of this process and of the children it waited for: other work
//! on the machine disturbs it least. Linux tells it in ticks of a hundredth of a second.

mod ad;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde::Serialize;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::video_backend::RenderRequest;
use spotwright_core::spine::Shutdown;
use spotwright_media::Sandbox;
use spotwright_render::{Studio, backdrop, gate};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Color, FrameSize, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};
use spotwright_schemas::storyboard_file::Backdrop;
use spotwright_store::folder::FolderArtifacts;

use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::sandbox;

const FPS: u32 = 30;
const SIZE: FrameSize = FrameSize { width: 720, height: 1280 };
const HOOKS: [&str; 3] = ["每天早上，你喝的咖啡新鲜吗？", "这杯咖啡，昨天才烘好", "周一早上，靠它醒来"];
const BODIES: [&str; 3] = ["云南小粒咖啡，高山种植", "72小时内烘焙，当天发货", "手工采摘，日晒处理"];
const ENDS: [&str; 3] = ["现在下单，明早喝到", "首单立减50元", "新客专享包邮"];
const BRAND: &str = "晨山咖啡";
const BUTTON: &str = "立即领取";
/// Where Debian's package `fonts-noto-cjk` puts the font that the studio uses too.
const FONT: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc";

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Seconds of each of the three shots, 2–20.
    pub seconds: u32,
    /// Whether the `ffmpeg` program is measured too.
    pub peer: bool,
    /// A picture that all shots show; drawn backgrounds without it.
    pub picture: Option<&'a Path>,
    /// A Python interpreter with `MoviePy`, which makes the reference ad then.
    pub moviepy: Option<&'a Path>,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Variants.
    pub variants: usize,
    /// Seconds of each.
    pub seconds: u32,
    /// Shots that were made, and shots that all variants show together.
    pub distinct_shots: usize,
    /// Shots of all variants.
    pub shots: usize,
    /// How many variants show the shot that is used most, which was made once.
    pub most_shared_shot: usize,
    /// Processor time of everything, gate included.
    pub cpu_seconds: f64,
    /// Of the first variant, of which every shot is made.
    pub first_variant_cpu_seconds: f64,
    /// Mean of the variants that bring no shot of their own, gate included.
    pub known_variant_cpu_seconds: f64,
    /// The most of them.
    pub known_variant_cpu_seconds_most: f64,
    /// Checks that failed, with their variant; empty when all pass.
    pub failed: Vec<String>,
    /// The `ffmpeg` program on the same number of renders.
    pub peer: Option<Peer>,
    /// How many times our processor time it took for all variants.
    pub matrix_cpu_ratio: Option<f64>,
    /// The reference ad: one alone, on one thread.
    #[serde(flatten)]
    pub ad: ad::AdReport,
    /// Always null: nothing is drawn by lot.
    pub seed: Option<u64>,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
}

/// The `ffmpeg` program on the same work.
#[derive(Debug, Serialize)]
pub struct Peer {
    /// Its version, as it says.
    pub program: String,
    /// Processor time of the renders.
    pub render_cpu_seconds: f64,
    /// Processor time of the gate on each: the checks that need no storyboard, which are fewer than ours.
    pub gate_cpu_seconds: f64,
    /// Both.
    pub cpu_seconds: f64,
    /// How many times ours.
    pub ratio: f64,
}

impl Report {
    /// Prints the report for people, or as one JSON document.
    pub fn print(&self, as_json: bool) {
        if as_json {
            print_json(self);
            return;
        }
        let mut text = format!(
            "{} variants of {} s, {} shots of {} made\n{:.1} CPU s in all, gate included; {:.2} for a variant of known shots (at most {:.2})\n",
            self.variants,
            self.seconds,
            self.distinct_shots,
            self.shots,
            self.cpu_seconds,
            self.known_variant_cpu_seconds,
            self.known_variant_cpu_seconds_most
        );
        text.push_str(&format!(
            "the reference ad on one thread: {:.2} CPU s, {:.2} ms a composited frame\n",
            self.ad.ad_cpu_seconds, self.ad.composite_ms_per_frame
        ));
        for (name, ratio) in
            [("ffmpeg", self.ad.cpu_ratio_ffmpeg_cli), ("MoviePy", self.ad.cpu_ratio_moviepy)]
        {
            if let Some(ratio) = ratio {
                text.push_str(&format!("  {name}: {ratio:.2} times as much\n"));
            }
        }
        if let Some(peer) = &self.peer {
            text.push_str(&format!(
                "{}: {:.1} CPU s, {:.1} of them the gate: {:.1} times as much\n",
                peer.program, peer.cpu_seconds, peer.gate_cpu_seconds, peer.ratio
            ));
        }
        for failed in &self.failed {
            text.push_str(&format!("FAIL {failed}\n"));
        }
        print_text(&text);
    }
}

/// Measures.
///
/// # Errors
/// [`Code::Option`] for a length outside its range; [`Code::Prerequisite`] where processor time cannot be
/// read, or `ffmpeg` or its font is not installed and `peer` asks for it; what rendering comes to.
pub fn execute(options: &Options<'_>, config: &Config) -> Result<Report, Problem> {
    if !(2..=20).contains(&options.seconds) {
        return Err(Problem::new(Code::Option, "--seconds", "must be within 2 and 20"));
    }
    cpu_seconds()?;
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let sandbox = sandbox::sandbox(&config.sandbox, &folder.path().join("scratch"))?;
    let artifacts =
        Arc::new(FolderArtifacts::open(&folder.path().join("artifacts")).map_err(|error| failed(&error))?);
    let pictures = pictures(options, config, artifacts.as_ref())?;
    let hashes = pictures.each_ref().map(|(hash, _)| hash.0.as_str());
    let boards = boards(hashes, options.seconds * FPS);
    let studio_options =
        spotwright_render::Options { folder: folder.path().join("studio"), ..Default::default() };
    let studio = Studio::new(studio_options, artifacts).map_err(|error| failed(&error))?;
    let mut report = ours(&studio, &boards, 3 * options.seconds)?;
    if options.peer {
        let work = PeerWork { folder: folder.path(), sandbox: &sandbox, seconds: options.seconds };
        let mut peer = work.measure(pictures.each_ref().map(|(_, png)| png.as_slice()))?;
        peer.ratio = peer.cpu_seconds / report.cpu_seconds.max(0.01);
        report.matrix_cpu_ratio = Some(peer.ratio);
        report.peer = Some(peer);
    }
    let ad = ad::Ad { folder: folder.path(), peer: options.peer, moviepy: options.moviepy };
    report.ad = ad.measure()?;
    Ok(report)
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::Render, "", error.to_string())
}

/// The pictures of hook, body and end, stored, with their bytes.
fn pictures(
    options: &Options<'_>,
    config: &Config,
    artifacts: &dyn ArtifactStore,
) -> Result<[(ArtifactHash, Vec<u8>); 3], Problem> {
    let stored = |png: Vec<u8>| -> Result<(ArtifactHash, Vec<u8>), Problem> {
        Ok((artifacts.put(&png).map_err(|error| failed(&error))?, png))
    };
    if let Some(file) = options.picture {
        let bytes = std::fs::read(file)
            .map_err(|error| Problem::new(Code::PictureUnreadable, "--picture", error.to_string()))?;
        let png = sandbox::pictures(&config.sandbox)?.import(&bytes, "--picture")?.png;
        return Ok([stored(png.clone())?, stored(png.clone())?, stored(png)?]);
    }
    let size = FrameSize { width: 1080, height: 1920 };
    let drawn = |which| backdrop::draw(which, palette(), size).map_err(|error| failed(&error));
    Ok([
        stored(drawn(Backdrop::Rings)?)?,
        stored(drawn(Backdrop::Stripes)?)?,
        stored(drawn(Backdrop::Rings)?)?,
    ])
}

const fn palette() -> Palette {
    Palette { primary: Color { r: 59, g: 36, b: 23 }, accent: Color { r: 255, g: 182, b: 39 } }
}

/// Every combination of a hook, a body and an end.
fn combinations() -> impl Iterator<Item = [&'static str; 3]> {
    HOOKS.into_iter().flat_map(|hook| {
        BODIES.into_iter().flat_map(move |body| ENDS.into_iter().map(move |end| [hook, body, end]))
    })
}

/// A shot of the bench, five seconds long.
fn shot(role: Role, layout: Layout, picture: &str, caption: &str) -> Shot {
    Shot {
        role,
        frames: 5 * FPS,
        layout,
        picture: picture.to_owned(),
        footage: None,
        voice: None,
        motion: Motion::PushIn,
        caption: caption.to_owned(),
        detail: String::new(),
        caption_motion: CaptionMotion::SlideUp,
        button: String::new(),
        brand: BRAND.to_owned(),
        disclaimer: String::new(),
        ai_label: true,
        overlays: Vec::new(),
    }
}

/// A storyboard of the bench.
fn board(shots: Vec<Shot>) -> Storyboard {
    Storyboard {
        locale: Locale::ZhCn,
        size: SIZE,
        fps: FPS,
        palette: palette(),
        style: VisualStyle::default(),
        packshots: Packshots::default(),
        placement: PlacementKind::SimulatedFeed,
        names: vec![BRAND.to_owned()],
        shots,
        audio: Audio { seed: 11, tempo: 104, loudness_lufs: -14.0 },
    }
}

fn boards(pictures: [&str; 3], frames: u32) -> Vec<Storyboard> {
    let [first, second, third] = pictures;
    combinations()
        .map(|[hook, body, end]| {
            let mut shots = vec![
                shot(Role::Hook, Layout::FullBleed, first, hook),
                Shot { motion: Motion::PanRight, ..shot(Role::Body, Layout::Card, second, body) },
                Shot { button: BUTTON.to_owned(), ..shot(Role::Cta, Layout::EndCard, third, end) },
            ];
            for shot in &mut shots {
                shot.frames = frames;
            }
            board(shots)
        })
        .collect()
}

fn ours(studio: &Studio, boards: &[Storyboard], seconds: u32) -> Result<Report, Problem> {
    let graph = studio.graph(boards).map_err(|error| failed(&error))?;
    let mut each = Vec::with_capacity(boards.len());
    let mut faults = Vec::new();
    for (idx, board) in boards.iter().enumerate() {
        let before = cpu_seconds()?;
        let name = format!("variant-{idx}");
        let request =
            RenderRequest { storyboard: board.clone(), stage: RenderStage::Final, produce_id: name.clone() };
        let (_switch, stop) = Shutdown::new();
        let footage = studio.render_blocking(&request, &name, &stop).map_err(|error| failed(&error))?;
        let inspection =
            studio.inspect_blocking(&footage.artifact, &request).map_err(|error| failed(&error))?;
        each.push(cpu_seconds()? - before);
        let wrong = inspection.report.checks.into_iter().filter(|check| !check.pass);
        faults.extend(
            wrong.map(|check| format!("{name} {}: {} (required: {})", check.id, check.value, check.limit)),
        );
    }
    // Variants that bring no shot of their own.
    let first_uses: Vec<usize> = graph.shots.iter().map(|shot| shot.used[0].variant).collect();
    let known: Vec<f64> =
        each.iter().enumerate().filter(|(idx, _)| !first_uses.contains(idx)).map(|(_, cpu)| *cpu).collect();
    Ok(Report {
        variants: boards.len(),
        seconds,
        distinct_shots: graph.shots.len(),
        shots: boards.iter().map(|board| board.shots.len()).sum(),
        most_shared_shot: graph.shots.iter().map(|shot| shot.used.len()).max().unwrap_or(0),
        cpu_seconds: each.iter().sum(),
        first_variant_cpu_seconds: each.first().copied().unwrap_or(0.0),
        known_variant_cpu_seconds: known.iter().sum::<f64>() / known.len().max(1) as f64,
        known_variant_cpu_seconds_most: known.iter().copied().fold(0.0, f64::max),
        failed: faults,
        peer: None,
        matrix_cpu_ratio: None,
        ad: ad::AdReport::default(),
        seed: None,
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::here(),
    })
}

/// The `ffmpeg` program on the same ads: camera, dark ground below the text, three lines, sound; at the
/// encoder's same preset and quality, on one thread.
struct PeerWork<'a> {
    folder: &'a Path,
    sandbox: &'a Sandbox,
    seconds: u32,
}

impl PeerWork<'_> {
    fn measure(&self, pictures: [&[u8]; 3]) -> Result<Peer, Problem> {
        let missing =
            |what: &str| Problem::new(Code::Prerequisite, "--peer", format!("{what} is not installed"));
        let said = Command::new("ffmpeg").arg("-version").output().map_err(|_| missing("ffmpeg"))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let program = said.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        if !Path::new(FONT).is_file() {
            return Err(missing("fonts-noto-cjk"));
        }
        for (idx, png) in pictures.iter().enumerate() {
            self.write(&format!("picture-{idx}.png"), png)?;
        }
        self.write("brand.txt", BRAND.as_bytes())?;
        self.write("button.txt", BUTTON.as_bytes())?;
        self.write("label.txt", "AI生成".as_bytes())?;
        let (mut render, mut judge) = (0.0, 0.0);
        for texts in combinations() {
            for (idx, text) in texts.iter().enumerate() {
                self.write(&format!("text-{idx}.txt"), text.as_bytes())?;
            }
            let before = cpu_seconds()?;
            let file = self.render()?;
            let between = cpu_seconds()?;
            let report = gate::check_file(self.sandbox, &file, PlacementKind::SimulatedFeed);
            judge += cpu_seconds()? - between;
            render += between - before;
            if report
                .checks
                .iter()
                .any(|check| check.id == "readable" || (check.id == "decodes" && !check.pass))
            {
                return Err(failed(&"the gate cannot read what ffmpeg made"));
            }
        }
        let cpu_seconds = render + judge;
        Ok(Peer { program, render_cpu_seconds: render, gate_cpu_seconds: judge, cpu_seconds, ratio: 0.0 })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        std::fs::write(self.folder.join(name), bytes).map_err(|error| failed(&error))
    }

    fn render(&self) -> Result<PathBuf, Problem> {
        let file = self.folder.join("peer.mp4");
        let total = (3 * self.seconds).to_string();
        let mut command = Command::new("ffmpeg");
        command.current_dir(self.folder).args(["-v", "error", "-y", "-nostdin"]);
        command.args(["-filter_threads", "1", "-filter_complex_threads", "1"]);
        for idx in 0..3 {
            command.arg("-i").arg(format!("picture-{idx}.png"));
        }
        command.args([
            "-f",
            "lavfi",
            "-i",
            &format!("sine=frequency=220:sample_rate=44100:duration={total}"),
        ]);
        command.args(["-filter_complex", &self.filters(), "-map", "[v]", "-map", "3:a", "-ac", "2"]);
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-threads", "1"]);
        command.args(["-c:a", "aac", "-b:a", "128k", "-t", &total]).arg(&file);
        let ended = command.output().map_err(|error| failed(&error))?;
        if ended.status.success() {
            return Ok(file);
        }
        Err(failed(&format!("ffmpeg: {}", String::from_utf8_lossy(&ended.stderr))))
    }

    fn filters(&self) -> String {
        let frames = self.seconds * FPS;
        let line = |file: &str, size: u32, color: &str, y: &str| {
            format!(
                "drawtext=fontfile={FONT}:textfile={file}:fontsize={size}:fontcolor={color}:x=(w-tw)/2:y='{y}'"
            )
        };
        let mut scenes = String::new();
        for idx in 0..3 {
            let mut lines = vec![
                line(&format!("text-{idx}.txt"), 54, "white", "960+60*max(0\\,1-t*2)"),
                line("brand.txt", 34, "0xFFE678", "1060+90*max(0\\,1-t*2)"),
                line("label.txt", 40, "white", "120"),
            ];
            if idx == 2 {
                lines.push(line("button.txt", 44, "white", "1100"));
            }
            scenes.push_str(&format!(
                "[{idx}:v]zoompan=z='1+0.2*on/{frames}':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d={frames}:\
                 s=720x1280:fps={FPS},drawbox=y=780:h=500:color=black@0.5:t=fill,{},setsar=1[v{idx}];",
                lines.join(",")
            ));
        }
        format!("{scenes}[v0][v1][v2]concat=n=3:v=1:a=0,format=yuv420p[v]")
    }
}

/// Processor time of this process and of the children it waited for, user and system, in seconds.
///
/// # Source
/// proc(5): `utime`, `stime`, `cutime` and `cstime` are fields 14 to 17 of `/proc/self/stat`, in ticks, of
/// which Linux on x86 and ARM has 100 a second.
fn cpu_seconds() -> Result<f64, Problem> {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name, which may hold spaces.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: Option<f64> = (11..15).map(|at| fields.get(at)?.parse::<f64>().ok()).sum();
    ticks.map(|ticks| ticks / 100.0).ok_or_else(|| {
        let message = "processor time is read from /proc/self/stat, which this system does not have";
        Problem::new(Code::Prerequisite, "", message)
    })
}
