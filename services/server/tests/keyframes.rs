//! A source of kind `candle_keyframes` from the configuration to the clip: a tiny model of random weights paints, the
//! studio sets the picture in motion.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{ClipRequest, ClipSource, ClipTask, JobState, RendererClass};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_media::{Sink, VideoView, decode};
use spotwright_render::{Options, Studio};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::FrameSize;
use spotwright_server::config::Config;
use spotwright_server::video_sources;
use spotwright_store::folder::FolderArtifacts;

/// A configuration with one source, after `change`.
fn config(folder: &Path, change: impl FnOnce(String) -> String) -> Config {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keyframes/tests/data/tiny");
    let text = format!(
        "[video.sources.house]\nkind = \"candle_keyframes\"\nfolder = \"{}\"\ndevice = \"cpu\"\nsteps = 2\n\
         row = {{ model = \"tiny\", currency = \"USD\", prices_of = \"2026-11-29\", licence = {{ name = \"none\", \
         excluded = [\"KR\"], read = \"2026-11-29\" }} }}\n",
        tiny.display()
    );
    let file = folder.join("spotwright.toml");
    std::fs::write(&file, change(text)).unwrap();
    Config::load(Some(&file)).unwrap()
}

fn sources(folder: &Path, config: &Config) -> Result<Vec<Arc<dyn ClipSource>>, Problem> {
    let artifacts: Arc<dyn ArtifactStore> =
        Arc::new(FolderArtifacts::open(&folder.join("artifacts")).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let studio = || {
        let options = Options { folder: folder.join("studio"), ..Options::default() };
        Studio::new(options, Arc::clone(&artifacts))
            .map_err(|error| Problem::new(Code::Render, "", error.to_string()))
    };
    video_sources::sources(&config.video, &artifacts, &clock, &studio)
}

fn request() -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: "a red cup on a table".to_owned(),
        negative_prompt: "text, blur".to_owned(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 360, height: 640 },
        frames: 30,
        fps: 30,
        seed: 4,
        sound: false,
    }
}

/// The luma of the first and the last picture.
#[derive(Default)]
struct Ends {
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Sink for Ends {
    fn picture(&mut self, view: &VideoView<'_>) {
        let (plane, stride) = view.planes[0];
        let luma: Vec<u8> = (0..view.height)
            .flat_map(|row| &plane[row * stride..row * stride + view.width])
            .copied()
            .collect();
        if view.index == 0 {
            self.first.clone_from(&luma);
        }
        self.last = luma;
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

async fn made(source: &dyn ClipSource, key: &str) -> Vec<u8> {
    let job = source.submit(&request(), key).await.unwrap();
    for _ in 0..12_000 {
        match source.poll(&job).await.unwrap() {
            JobState::Queued | JobState::Running { .. } => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            JobState::Done { outputs, charged, .. } => {
                assert_eq!(charged, Some(Micros::ZERO));
                return source.fetch(&job, &outputs[0]).await.unwrap();
            }
            JobState::Failed(error) => panic!("{error}"),
            state @ JobState::Halfway { .. } => panic!("a picture has one part: {state:?}"),
        }
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn the_configured_model_paints_and_the_studio_sets_it_in_motion() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text);
    let sources = sources(folder.path(), &config).unwrap();
    let source = sources[0].as_ref();
    assert_eq!((source.name(), source.capabilities().class), ("house", RendererClass::Gpu));
    assert_eq!(source.licence().excluded, ["KR"]);
    assert_eq!(source.quote(&request()).unwrap().at_most, Micros::ZERO);
    let clip = made(source, "one").await;
    let file = folder.path().join("clip.mp4");
    std::fs::write(&file, &clip).unwrap();
    let mut ends = Ends::default();
    let content = decode(&file, &mut ends).unwrap();
    let video = content.video.unwrap();
    assert_eq!((video.width, video.height, video.frames, content.damaged_packets), (360, 640, 30, 0));
    assert!((video.fps - 30.0).abs() < 0.01 && video.steady);
    assert!(content.metadata["AIGC"].contains("keyframe-"), "{:?}", content.metadata);
    // A picture, and one that moves.
    let mean = ends.first.iter().map(|luma| f64::from(*luma)).sum::<f64>() / ends.first.len() as f64;
    let spread = ends.first.iter().map(|luma| (f64::from(*luma) - mean).abs()).sum::<f64>();
    assert!(spread / ends.first.len() as f64 > 5.0, "{spread}");
    let moved = ends.first.iter().zip(&ends.last).filter(|(a, b)| a.abs_diff(**b) > 8).count();
    assert!(moved > ends.first.len() / 50, "{moved} of {}", ends.first.len());
}

#[test]
fn settings_that_cannot_be_used_are_named_by_their_path() {
    let cases: [(&str, &str, &str); 4] = [
        ("steps = 2", "steps = 1", "video.sources.house.steps"),
        ("device = \"cpu\"", "half_precision = true", "video.sources.house.half_precision"),
        ("tests/data/tiny", "tests/data", "video.sources.house.folder"),
        ("steps = 2", "stepz = 2", "video.sources.house"),
    ];
    for (from, to, field) in cases {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), |text| text.replace(from, to));
        let problem = sources(folder.path(), &config).err().unwrap();
        assert_eq!(problem.code, Code::Option);
        assert!(problem.field.starts_with(field), "{}: {}", problem.field, problem.message);
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_needs_a_program_that_was_built_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |text| text.replace("\"cpu\"", "{ cuda = 0 }"));
    let problem = sources(folder.path(), &config).err().unwrap();
    assert_eq!(problem.field, "video.sources.house.device");
    assert!(problem.message.contains("--features cuda"), "{}", problem.message);
}

#[test]
fn the_owner_of_a_model_on_a_processor_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let slow = config(folder.path(), |text| text);
    assert!(video_sources::notice(&slow.video.sources["house"]).unwrap().contains("minutes"));
    let gpu = config(folder.path(), |text| text.replace("\"cpu\"", "{ cuda = 0 }"));
    assert_eq!(video_sources::notice(&gpu.video.sources["house"]), None);
}
