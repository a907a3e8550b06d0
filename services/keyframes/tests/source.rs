//! The source from submission to file, with the tiny model.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, ClipErrorKind, ClipRequest, ClipSource, ClipTask, JobId, JobState, Licence, Output,
    Reference, ReferenceKind, RendererClass,
};
use spotwright_core::spine::Shutdown;
use spotwright_keyframes::{DeviceChoice, Keyframes, Motion, MotionError, MotionOrder, Options, Row};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::FrameSize;

/// Artifacts in memory.
#[derive(Default)]
struct Artifacts(Mutex<HashMap<ArtifactHash, Vec<u8>>>);

impl ArtifactStore for Artifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactHash, ArtifactError> {
        let hash = ArtifactHash::of(bytes);
        self.0.lock().unwrap().insert(hash.clone(), bytes.to_vec());
        Ok(hash)
    }

    fn adopt(&self, file: &Path) -> Result<ArtifactHash, ArtifactError> {
        self.put(&std::fs::read(file)?)
    }

    fn get(&self, hash: &ArtifactHash) -> Result<Vec<u8>, ArtifactError> {
        let found = self.0.lock().unwrap().get(hash).cloned();
        found.ok_or_else(|| ArtifactError::Missing(hash.clone()))
    }

    fn path(&self, hash: &ArtifactHash) -> Result<PathBuf, ArtifactError> {
        Err(ArtifactError::Missing(hash.clone()))
    }

    fn contains(&self, hash: &ArtifactHash) -> Result<bool, ArtifactError> {
        Ok(self.0.lock().unwrap().contains_key(hash))
    }
}

/// Keeps what it is given, and answers with the picture or an error; `slow` waits until it is stopped.
#[derive(Default)]
struct Noted {
    orders: Mutex<Vec<MotionOrder>>,
    error: Option<MotionError>,
    slow: bool,
}

#[async_trait]
impl Motion for Noted {
    async fn animate(&self, order: &MotionOrder, stop: &Shutdown) -> Result<Vec<u8>, MotionError> {
        self.orders.lock().unwrap().push(order.clone());
        if self.slow {
            stop.clone().wait().await;
            return Err(MotionError::Stopped);
        }
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok([b"clip of ".as_slice(), &order.picture].concat()),
        }
    }
}

fn options() -> Options {
    let licence = Licence {
        name: "none: random".to_owned(),
        excluded: vec!["EU".to_owned()],
        revenue_limit_usd: None,
        read: "2026-11-29".to_owned(),
    };
    let row = Row {
        model: "tiny".to_owned(),
        licence,
        currency: Currency::USD,
        prices_of: "2026-11-29".to_owned(),
        price: Micros(1_500),
    };
    Options {
        steps: 2,
        guidance: 1.0,
        ..Options::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny"), row)
    }
}

struct World {
    source: Keyframes,
    artifacts: Arc<Artifacts>,
    motion: Arc<Noted>,
}

fn world(options: Options, motion: Noted) -> World {
    let (artifacts, motion) = (Arc::new(Artifacts::default()), Arc::new(motion));
    let source = Keyframes::new("house", options, artifacts.clone(), motion.clone()).unwrap();
    World { source, artifacts, motion }
}

fn request(prompt: &str) -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: prompt.to_owned(),
        negative_prompt: "text".to_owned(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 720, height: 1_280 },
        frames: 60,
        fps: 30,
        seed: 11,
        sound: false,
    }
}

fn picture(prompt: &str) -> ClipRequest {
    ClipRequest { task: ClipTask::Picture, ..request(prompt) }
}

/// The end of a job, and the percents on the way.
async fn ended(source: &Keyframes, job: &JobId) -> (JobState, Vec<u8>) {
    let mut percents = Vec::new();
    for _ in 0..24_000 {
        match source.poll(job).await.unwrap() {
            JobState::Queued => {}
            JobState::Running { percent } => percents.push(percent.unwrap()),
            state => return (state, percents),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the job does not end");
}

async fn made(source: &Keyframes, request: &ClipRequest, key: &str) -> Vec<u8> {
    let job = source.submit(request, key).await.unwrap();
    let (state, percents) = ended(source, &job).await;
    assert!(percents.is_sorted(), "{percents:?}");
    let JobState::Done { outputs, charged, seed } = state else { panic!("{state:?}") };
    assert_eq!((outputs.len(), charged, seed), (1, Some(Micros(1_500)), Some(u64::from(request.seed))));
    source.fetch(&job, &outputs[0]).await.unwrap()
}

#[tokio::test]
async fn a_picture_is_made_from_words_and_follows_words_and_seed() {
    let world = world(options(), Noted::default());
    let first = made(&world.source, &picture("a red cup"), "first").await;
    let decoded = image::load_from_memory(&first).unwrap().into_rgb8();
    // 16,384 pixels at most: the least, since the tiny model was made for 256.
    assert_eq!(decoded.dimensions(), (72, 128));
    let colors: std::collections::HashSet<_> = decoded.pixels().collect();
    assert!(colors.len() > 100, "{}", colors.len());
    assert_eq!(made(&world.source, &picture("a red cup"), "again").await, first);
    let other_seed = ClipRequest { seed: 12, ..picture("a red cup") };
    assert_ne!(made(&world.source, &other_seed, "seed").await, first);
    assert_ne!(made(&world.source, &picture("a blue cup"), "words").await, first);
    assert!(world.motion.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_clip_is_the_picture_in_motion() {
    let world = world(options(), Noted::default());
    let still = made(&world.source, &picture("a red cup"), "still").await;
    let clip = made(&world.source, &request("a red cup"), "clip").await;
    let orders = world.motion.orders.lock().unwrap();
    assert_eq!(orders.len(), 1);
    let order = &orders[0];
    assert_eq!((order.size, order.frames, order.fps, order.seed), (request("").size, 60, 30, 11));
    assert_eq!(clip, [b"clip of ".as_slice(), &order.picture].concat());
    assert_eq!(order.picture, still);
    assert!(order.name.starts_with("keyframe-") && order.name.len() == 41, "{}", order.name);
}

#[tokio::test]
async fn a_first_frame_or_a_product_picture_is_what_the_model_begins_with() {
    let little = Options { strength: 0.5, steps: 4, ..options() };
    let world = world(little, Noted::default());
    let gradient = image::RgbImage::from_fn(90, 160, |x, y| image::Rgb([x as u8 * 2, y as u8, 60]));
    let mut file = std::io::Cursor::new(Vec::new());
    gradient.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let hash = world.artifacts.put(&file.into_inner()).unwrap();
    let plain = made(&world.source, &picture("a cup"), "plain").await;
    let mut asked = picture("a cup");
    asked.first_frame = Some(hash.clone());
    let from_frame = made(&world.source, &asked, "frame").await;
    assert_ne!(from_frame, plain);
    let mut product = request("the product is @product");
    product.references =
        vec![Reference { name: "product".to_owned(), kind: ReferenceKind::Picture, artifact: hash }];
    assert_eq!(product.needs(), [Ability::MultiImage]);
    // One picture is begun with, the one that the words name; others are left away, and that is told.
    let back = ArtifactHash::of(b"never read");
    let others = ["scene", "back"].map(|name| Reference {
        name: name.to_owned(),
        kind: ReferenceKind::Picture,
        artifact: back.clone(),
    });
    drop(product.references.splice(0..0, others));
    let told = world.source.capabilities().fitted(&product).left_away;
    assert_eq!(
        told.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["reference pictures (scene, back)"]
    );
    made(&world.source, &product, "product").await;
    let order = world.motion.orders.lock().unwrap()[0].clone();
    let says = String::from_utf8_lossy(&order.picture).into_owned();
    assert!(says.contains("compositeWithTrainedAlgorithmicMedia"));
    assert!(!String::from_utf8_lossy(&plain).contains("compositeWith"));
}

#[tokio::test]
async fn quotes_refuse_what_cannot_be_made() {
    let world = world(options(), Noted::default());
    let quote = world.source.quote(&request("a cup")).unwrap();
    assert_eq!(
        (quote.at_most, quote.currency, quote.prices_of.as_str()),
        (Micros(1_500), Currency::USD, "2026-11-29")
    );
    let mut missing = request("a cup");
    missing.first_frame = Some(ArtifactHash::of(b"nowhere"));
    assert_eq!(world.source.quote(&missing).unwrap_err().kind, ClipErrorKind::BadRequest);
    let playlist = world.artifacts.put(b"#EXTM3U\nhttp://127.0.0.1/").unwrap();
    missing.first_frame = Some(playlist);
    let error = world.source.quote(&missing).unwrap_err();
    assert!(error.message.contains("no JPEG, PNG or WebP"), "{error}");
    assert_eq!(world.source.submit(&missing, "playlist").await.unwrap_err(), error);
    assert_eq!(world.source.find(&missing, "playlist").await, Ok(None));
}

#[tokio::test]
async fn a_job_is_found_by_its_key_and_lost_with_the_process() {
    let world = world(options(), Noted::default());
    let asked = picture("a cup");
    assert_eq!(world.source.find(&asked, "key").await, Ok(None));
    let job = world.source.submit(&asked, "key").await.unwrap();
    assert_eq!(world.source.find(&asked, "key").await, Ok(Some(job.clone())));
    assert_eq!(world.source.submit(&asked, "key").await, Ok(job.clone()));
    let output = Output { id: String::new(), location: job.0.clone() };
    ended(&world.source, &job).await;
    let before = world.source.fetch(&job, &output).await.unwrap();
    // A new process: unknown at no cost, and the same file under the same key.
    let after = self::world(options(), Noted::default());
    let error = after.source.poll(&job).await.unwrap_err();
    assert_eq!((error.kind, error.charged), (ClipErrorKind::UnknownJob, Some(Micros::ZERO)));
    assert_eq!(after.source.fetch(&job, &output).await.unwrap_err().kind, ClipErrorKind::UnknownJob);
    assert_eq!(made(&after.source, &asked, "key").await, before);
}

#[tokio::test]
async fn jobs_stop_at_no_cost() {
    let world = world(Options { steps: 100, ..options() }, Noted { slow: true, ..Noted::default() });
    let job = world.source.submit(&request("a cup"), "long").await.unwrap();
    let behind = world.source.submit(&request("a mug"), "behind").await.unwrap();
    assert_eq!(world.source.poll(&behind).await, Ok(JobState::Queued));
    for one in [&behind, &job] {
        assert_eq!(world.source.cancel(one).await, Ok(Cancelled::Free));
        let (state, _) = ended(&world.source, one).await;
        let JobState::Failed(error) = state else { panic!("{state:?}") };
        assert_eq!((error.kind, error.charged), (ClipErrorKind::Failed, Some(Micros::ZERO)));
    }
    assert!(world.motion.orders.lock().unwrap().len() <= 1);
}

#[tokio::test]
async fn a_job_whose_motion_fails_fails_at_no_cost_and_says_why() {
    let error = Some(MotionError::Unavailable("no room".to_owned()));
    let world = world(options(), Noted { error, ..Noted::default() });
    let job = world.source.submit(&request("a cup"), "key").await.unwrap();
    let (state, _) = ended(&world.source, &job).await;
    let JobState::Failed(error) = state else { panic!("{state:?}") };
    assert!(error.message.contains("no room"), "{error}");
    assert_eq!(error.charged, Some(Micros::ZERO));
}

#[tokio::test]
async fn a_folder_whose_weights_do_not_fit_fails_its_jobs_and_says_which() {
    let copy = tempfile::tempdir().unwrap();
    let tiny = options().folder;
    for part in ["text_encoder", "unet", "vae", "scheduler", "tokenizer"] {
        std::fs::create_dir(copy.path().join(part)).unwrap();
        for entry in std::fs::read_dir(tiny.join(part)).unwrap().flatten() {
            std::fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    let path = copy.path().join("unet/config.json");
    let mut settings: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    settings["layers_per_block"] = 2.into();
    std::fs::write(&path, settings.to_string()).unwrap();
    let world = world(Options { folder: copy.path().to_owned(), ..options() }, Noted::default());
    let job = world.source.submit(&picture("a cup"), "key").await.unwrap();
    let (state, _) = ended(&world.source, &job).await;
    let JobState::Failed(error) = state else { panic!("{state:?}") };
    assert!(error.message.contains("cannot be read") && error.message.contains("resnets.1"), "{error}");
}

#[test]
fn it_says_what_it_is() {
    let world = world(options(), Noted::default());
    let capabilities = world.source.capabilities();
    assert_eq!((capabilities.model.as_str(), capabilities.class), ("tiny", RendererClass::Gpu));
    assert_eq!((capabilities.parallel, capabilities.repeatable), (1, true));
    assert_eq!(world.source.licence().excluded, ["EU"]);
    assert!(Keyframes::notice(&options()).unwrap().contains("minutes"));
    let gpu = Options { device: DeviceChoice::Cuda(0), ..options() };
    assert_eq!(Keyframes::notice(&gpu), None);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_that_the_program_was_not_built_for_is_an_error_and_not_the_processor() {
    let gpu = Options { device: DeviceChoice::Cuda(0), ..options() };
    let error = Keyframes::new("house", gpu, Arc::new(Artifacts::default()), Arc::new(Noted::default()))
        .err()
        .unwrap();
    assert_eq!(error.key(), "device");
    assert!(error.to_string().contains("--features cuda"), "{error}");
}
