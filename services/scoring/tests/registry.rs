//! Installed models: exchange, roll-back, and what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use spotwright_core::ports::click_model::{ClickModel, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::outcome::Score;
use spotwright_scoring::Error;
use spotwright_scoring::hot::{HotModel, Refresh};
use spotwright_scoring::registry::{ModelFolder, REGISTRY_FOLDER, Version};

const SHIPPED: &[u8] = include_bytes!("../models/hashed-ridge.safetensors");

/// A model that differs from the shipped one in one weight, with its card.
fn model(folder: &Path, number: u8) -> PathBuf {
    let mut bytes = SHIPPED.to_vec();
    let header_end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..header_end]).unwrap();
    let start = header_end + header["mean"]["data_offsets"][0].as_u64().unwrap() as usize;
    for weight in bytes[start..start + 4 * 64].chunks_exact_mut(4) {
        weight.copy_from_slice(&(0.1 * f32::from(number)).to_le_bytes());
    }
    let path = folder.join(format!("model-{number}.safetensors"));
    fs::write(&path, &bytes).unwrap();
    let card = format!("{{\"weights_blake3\": \"{}\"}}", blake3::hash(&bytes).to_hex());
    fs::write(path.with_extension("card.json"), card).unwrap();
    path
}

fn inputs() -> Vec<ScoreInput> {
    (0..24)
        .map(|number| ScoreInput {
            headline: format!("Why your coffee number {number} tastes flat"),
            text: format!("Why your coffee number {number} tastes flat. Ground this morning."),
            locale: Locale::EnUs,
            statistics: FrameStatistics::default(),
        })
        .collect()
}

fn hash_of(version: &Version) -> String {
    version.as_str().to_owned()
}

#[test]
fn versions_are_exchanged_and_rolled_back_in_order() {
    let place = tempfile::tempdir().unwrap();
    let models = place.path().join("models");
    let folder = ModelFolder::below(&models);
    assert_eq!(folder.versions().unwrap(), [Version::Shipped]);
    assert!(!models.exists(), "looking creates nothing");
    let hot = HotModel::open(&models).unwrap();
    let shipped = hot.id();
    assert_eq!(hot.refresh().unwrap(), Refresh::Unchanged);

    let first = folder.install(&model(place.path(), 1)).unwrap();
    let second = folder.install(&model(place.path(), 2)).unwrap();
    assert_eq!(folder.install(&model(place.path(), 2)).unwrap(), second);
    assert_eq!(folder.versions().unwrap(), [second.clone(), first.clone(), Version::Shipped]);
    assert_eq!(hot.id(), shipped, "nothing changes until it looks");
    let id_of = |version: &Version| format!("hashed-ridge@{:.12}", hash_of(version));
    assert_eq!(hot.refresh().unwrap(), Refresh::Exchanged { from: shipped.clone(), to: id_of(&second) });
    assert_eq!(hot.score(&inputs()[..1], &[]).unwrap()[0].model, id_of(&second));

    assert_eq!(folder.roll_back().unwrap(), first);
    assert_eq!(folder.roll_back().unwrap(), Version::Shipped);
    let error = folder.roll_back().unwrap_err();
    assert_eq!(error.code(), Code::ModelFile);
    assert!(error.to_string().contains("no version before"), "{error}");
    assert!(matches!(hot.refresh().unwrap(), Refresh::Exchanged { to, .. } if to == shipped));
}

#[test]
fn calls_in_parallel_get_one_whole_model_each() {
    let place = tempfile::tempdir().unwrap();
    let models = place.path().join("models");
    let folder = ModelFolder::below(&models);
    let files = [1, 2].map(|number| model(place.path(), number));
    let hot = HotModel::open(&models).unwrap();
    let mut whole: Vec<Vec<Score>> = Vec::new();
    for file in &files {
        folder.install(file).unwrap();
        hot.refresh().unwrap();
        whole.push(hot.score(&inputs(), &[]).unwrap());
    }
    assert_ne!(whole[0], whole[1]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scorers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = [0_usize; 2];
                    while !stop.load(Ordering::Relaxed) {
                        let scores = hot.score(&inputs(), &[]).unwrap();
                        let which = whole.iter().position(|known| *known == scores);
                        seen[which.expect("a whole answer of one of the two")] += 1;
                    }
                    seen
                })
            })
            .collect();
        for round in 0..60 {
            folder.install(&files[round % 2]).unwrap();
            assert!(matches!(hot.refresh().unwrap(), Refresh::Exchanged { .. }));
        }
        stop.store(true, Ordering::Relaxed);
        let seen: Vec<[usize; 2]> = scorers.into_iter().map(|scorer| scorer.join().unwrap()).collect();
        assert!(seen.iter().map(|counts| counts[0] + counts[1]).sum::<usize>() > 0, "{seen:?}");
    });
}

/// Everything below the registry, to see that nothing changed.
fn content(models: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [models.join(REGISTRY_FOLDER), models.join(REGISTRY_FOLDER).join("versions")] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            files.push((entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
        }
    }
    files.retain(|(name, _)| name != "lock");
    files.sort();
    files
}

#[test]
fn what_is_damaged_is_refused_at_installing() {
    let place = tempfile::tempdir().unwrap();
    let models = place.path().join("models");
    let folder = ModelFolder::below(&models);
    folder.install(&model(place.path(), 1)).unwrap();
    let before = content(&models);
    let refused = |change: &dyn Fn(&Path), says: &str| {
        let file = model(place.path(), 2);
        change(&file);
        let error = folder.install(&file).unwrap_err();
        assert!(matches!(error, Error::ModelFile { .. }) && error.code() == Code::ModelFile, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(content(&models), before, "{says}");
    };
    let cut = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() - 9]).unwrap();
    };
    let card = |file: &Path, text: &str| fs::write(file.with_extension("card.json"), text).unwrap();
    refused(&cut, "blake3 is");
    refused(
        &|file| {
            cut(file);
            let hash = blake3::hash(&fs::read(file).unwrap()).to_hex();
            card(file, &format!("{{\"weights_blake3\": \"{hash}\"}}"));
        },
        "model-2.safetensors",
    );
    refused(&|file| card(file, "{\"weights_blake3\": \"0123\"}"), "the card says `0123`");
    refused(&|file| card(file, "{}"), "the card says ``");
    refused(&|file| card(file, "no card"), "not a card");
    refused(&|file| fs::remove_file(file.with_extension("card.json")).unwrap(), "No such file");
    refused(&|file| fs::write(file, vec![0; 5 << 20]).unwrap(), "at most");
}

#[test]
fn a_version_that_breaks_later_leaves_the_old_one_serving() {
    let place = tempfile::tempdir().unwrap();
    let models = place.path().join("models");
    let folder = ModelFolder::below(&models);
    folder.install(&model(place.path(), 1)).unwrap();
    let hot = HotModel::open(&models).unwrap();
    let (serving, scores) = (hot.id(), hot.score(&inputs(), &[]).unwrap());
    let second = folder.install(&model(place.path(), 2)).unwrap();
    let file =
        models.join(REGISTRY_FOLDER).join("versions").join(format!("{}.safetensors", hash_of(&second)));
    let whole = fs::read(&file).unwrap();
    let pointer = models.join(REGISTRY_FOLDER).join("current");
    let pointed = fs::read_to_string(&pointer).unwrap();
    let still = |says: &str| {
        let error = hot.refresh().unwrap_err();
        assert_eq!(error.code(), Code::ModelFile);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!((hot.id(), hot.score(&inputs(), &[]).unwrap()), (serving.clone(), scores.clone()));
        assert!(HotModel::open(&models).is_err(), "a new process does not serve something else instead");
    };
    for length in [0, 100, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        still("blake3 is");
    }
    // Another whole model under this name, with its own card.
    let other = model(place.path(), 3);
    fs::copy(&other, &file).unwrap();
    fs::copy(other.with_extension("card.json"), file.with_extension("card.json")).unwrap();
    still("not the one it is named by");
    fs::remove_file(&file).unwrap();
    still("No such file");
    for bad in [
        "",
        "spotwright.current.v9\nshipped\n",
        "spotwright.current.v1\n",
        "spotwright.current.v1\nshipp",
        "spotwright.current.v1\n../../etc\n",
    ] {
        fs::write(&pointer, bad).unwrap();
        still("current");
    }
    // And a roll-back does not go to a version that is damaged.
    fs::write(&pointer, pointed).unwrap();
    folder.install(&model(place.path(), 4)).unwrap();
    assert!(folder.roll_back().unwrap_err().to_string().contains("No such file"));
    fs::write(&pointer, "spotwright.current.v1\nshipped\n").unwrap();
    assert!(matches!(hot.refresh().unwrap(), Refresh::Exchanged { .. }));
}
