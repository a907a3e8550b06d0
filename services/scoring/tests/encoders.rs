//! Encoders: bit-equal for any number of threads, unit length, refusals.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use spotwright_core::ports::click_model::{ClickModelError, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::locale::Locale;
use spotwright_scoring::Error;
use spotwright_scoring::encoder::{CachedEncoder, HashedEncoder, PretrainedEncoder, TextEncoder};
use spotwright_scoring::last_layer::LastLayer;
use spotwright_scoring::model::RidgeClickModel;

const TEXTS: [&str; 6] = [
    "What happened next made everyone cry",
    "a",
    "早上的咖啡为什么没有味道？",
    "☕🚀",
    "مرحبا 你好 hello naïve",
    "A much longer headline that goes on and on about one thing and then another, until it has more words than fit",
];

/// The folder of all-MiniLM-L6-v2 below `SPOTWRIGHT_MODELS`.
fn minilm_folder() -> Option<PathBuf> {
    let weights = common::optional_file("SPOTWRIGHT_MODELS", "all-minilm-l6-v2/model.safetensors")?;
    weights.parent().map(PathBuf::from)
}

fn digest(encoder: &dyn TextEncoder) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in TEXTS {
        for value in encoder.encode(text, 64).unwrap().iter() {
            hasher.update(&value.to_bits().to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn obeys_the_contract(encoder: &dyn TextEncoder) {
    for text in TEXTS {
        let vector = encoder.encode(text, 64).unwrap();
        assert_eq!(vector.len(), encoder.dimensions());
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "{text}: {length}");
        assert_eq!(encoder.encode(text, 64).unwrap(), vector);
    }
    for bad in [String::new(), " \t\n".to_owned(), "x".repeat(1 << 20)] {
        assert!(matches!(encoder.encode(&bad, 64), Err(Error::Text(_))));
    }
    let long = "word ".repeat(2_000);
    assert_eq!(encoder.encode(&long, 64).unwrap(), encoder.encode(&long[..5_000], 64).unwrap());
    // Characters that leave no token still give a vector or a typed error, never a panic.
    let _either = encoder.encode("\u{200b}\u{0007}", 2);
}

#[test]
fn hashed_features_obey_the_contract() {
    obeys_the_contract(&HashedEncoder);
    obeys_the_contract(&CachedEncoder::new(HashedEncoder));
}

/// Counts the texts that reach the encoder.
struct Counting(Arc<AtomicUsize>);

impl TextEncoder for Counting {
    fn name(&self) -> &'static str {
        "hashed"
    }

    fn dimensions(&self) -> usize {
        HashedEncoder::DIMENSIONS
    }

    fn encode(&self, text: &str, max_tokens: usize) -> Result<Arc<[f32]>, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        HashedEncoder.encode(text, max_tokens)
    }

    fn exceeds(&self, text: &str, n_tokens: usize) -> Result<bool, Error> {
        Ok(text.split_whitespace().count() > n_tokens)
    }
}

#[test]
fn a_cache_encodes_the_new_texts_of_a_batch_once_each_and_stays_within_its_size() {
    let count = Arc::new(AtomicUsize::new(0));
    let taken = || count.swap(0, Ordering::Relaxed);
    let encoder = CachedEncoder::with_bytes(Counting(Arc::clone(&count)), 4 * 4 * HashedEncoder::DIMENSIONS);
    let fresh: Vec<_> =
        ["a", "b", "a", "c"].iter().map(|text| HashedEncoder.encode(text, 64).unwrap()).collect();
    assert_eq!(encoder.encode_batch(&["a", "b", "a", "c"], 64).unwrap(), fresh);
    assert_eq!(taken(), 3);
    assert_eq!(encoder.encode_batch(&["a", "b", "a", "c"], 64).unwrap(), fresh);
    encoder.encode("b", 64).unwrap();
    assert_eq!(taken(), 0);
    encoder.encode("b", 128).unwrap();
    assert_eq!(taken(), 1, "another limit is another vector");
    assert!(matches!(encoder.encode_batch(&["d", " "], 64), Err(Error::Text(_))));
    assert_eq!(taken(), 0);
    // Four are remembered; a fifth makes room by forgetting, and larger batches are answered whole.
    let many = ["1", "2", "3", "4", "5", "6"];
    assert_eq!(encoder.encode_batch(&many, 64).unwrap().len(), 6);
    assert_eq!(encoder.encode_batch(&many[..4], 64).unwrap().len(), 4);
    assert_eq!(taken(), 6);
    assert!(encoder.encode_batch(&[], 64).unwrap().is_empty());
}

#[test]
fn pairs_of_headlines_that_are_the_whole_text_are_encoded_once_each() {
    let count = Arc::new(AtomicUsize::new(0));
    let layer = include_bytes!("../models/hashed-ridge.safetensors");
    let model = |encoder: Arc<dyn TextEncoder>| {
        let parsed = LastLayer::from_bytes(layer, "hashed-ridge.safetensors").unwrap();
        RidgeClickModel::new(encoder, parsed, &blake3::hash(layer)).unwrap()
    };
    let long = "word and another ".repeat(30);
    let input = |text: &str| ScoreInput {
        headline: text.to_owned(),
        text: text.to_owned(),
        locale: Locale::EnUs,
        statistics: FrameStatistics::default(),
    };
    let pairs = [["one", "two"], ["two", "three"], ["one", "one"], ["three", long.as_str()]]
        .map(|pair| pair.map(input));
    let together = model(Arc::new(Counting(Arc::clone(&count)))).differences(&pairs).unwrap();
    // Three short texts, and the long one under each of the two limits.
    assert_eq!(count.load(Ordering::Relaxed), 3 + 2);
    let single = model(Arc::new(HashedEncoder));
    for ([a, b], (mean, sd)) in pairs.iter().zip(&together) {
        let (mean_alone, sd_alone) = single.difference(a, b).unwrap();
        assert_eq!([mean_alone.to_bits(), sd_alone.to_bits()], [mean.to_bits(), sd.to_bits()]);
    }
    let bad = [pairs[0].clone(), [input("fine"), input(" ")]];
    let error = single.differences(&bad).unwrap_err();
    assert!(matches!(error, ClickModelError::Input { index: 3, field: "headline", .. }), "{error:?}");
}

#[test]
fn minilm_knows_which_texts_are_cut_off() {
    let Some(folder) = minilm_folder() else { return };
    let encoder = PretrainedEncoder::minilm(&folder).unwrap();
    for text in TEXTS {
        let n = encoder.n_tokens(text, 512).unwrap();
        assert!(!encoder.exceeds(text, n).unwrap() && encoder.exceeds(text, n - 1).unwrap(), "{text}: {n}");
        assert_eq!(encoder.encode(text, n).unwrap(), encoder.encode(text, 512).unwrap());
    }
    assert!(matches!(encoder.exceeds(" ", 64), Err(Error::Text(_))));
}

#[test]
fn minilm_obeys_the_contract() {
    let Some(folder) = minilm_folder() else { return };
    obeys_the_contract(&CachedEncoder::new(PretrainedEncoder::minilm_sentence(&folder).unwrap()));
    let layers = PretrainedEncoder::minilm(&folder).unwrap();
    assert_eq!((layers.dimensions(), layers.blocks()), (1_152, 3));
    for bad in [String::new(), " \t\n".to_owned(), "x".repeat(1 << 20)] {
        assert!(matches!(layers.encode(&bad, 64), Err(Error::Text(_))));
    }
    let _either = layers.encode("\u{200b}\u{0007}", 2);
}

#[test]
fn minilm_batches_equal_single_texts_bit_by_bit() {
    let Some(folder) = minilm_folder() else { return };
    // Enough for several passes, of texts of different lengths in each.
    let long = "and then another thing that nobody had expected ".repeat(4);
    let texts: Vec<String> = (0..60).map(|idx| format!("{} {}", TEXTS[idx % 6], &long[..idx * 3])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for encoder in [PretrainedEncoder::minilm(&folder), PretrainedEncoder::minilm_sentence(&folder)] {
        let encoder = encoder.unwrap();
        let batch = encoder.encode_batch(&texts, 64).unwrap();
        assert_eq!(batch.len(), texts.len());
        for (text, vector) in texts.iter().zip(&batch) {
            assert_eq!(&encoder.encode(text, 64).unwrap(), vector, "{text}");
        }
        assert!(encoder.encode_batch(&[], 64).unwrap().is_empty());
    }
}

/// A headline of the archive, quotation marks included.
const HEADLINE: &str =
    "\"If you're against it, you're against jobs ... For it, you're against children.\" No joke.";

fn starts_with(vector: &[f32], width: usize, expected: &[[f32; 3]]) {
    assert_eq!(vector.len(), width * expected.len());
    for (block, expected) in vector.chunks(width).zip(expected) {
        for (found, expected) in block.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{:?}, expected {expected:?}", &block[..3]);
        }
    }
}

/// First numbers of each layer's mean as a second implementation gives them, in single precision,
/// from the published weights.
#[test]
fn layer_means_equal_those_of_a_second_implementation() {
    if let Some(folder) = minilm_folder() {
        let vector = PretrainedEncoder::minilm(&folder).unwrap().encode(HEADLINE, 64).unwrap();
        let expected = [
            [0.139_827_85, 0.182_889_76, -0.114_571_79],
            [0.185_433_88, 0.280_733_73, 0.066_695_58],
            [0.013_485_02, 0.167_810_81, 0.159_846_44],
        ];
        starts_with(&vector, 384, &expected);
    }
    if let Some(weights) = common::optional_file("SPOTWRIGHT_MODELS", "all-mpnet-base-v2/model.safetensors") {
        let encoder = PretrainedEncoder::mpnet(weights.parent().unwrap()).unwrap();
        let expected = [
            [0.045_477_94, 0.032_974_4, -0.007_761_96],
            [0.078_744_39, 0.034_976_23, 0.010_051_66],
            [-0.252_132_56, 0.310_270_25, 0.077_728_38],
        ];
        starts_with(&encoder.encode(HEADLINE, 64).unwrap(), 768, &expected);
    }
}

/// Prints the digest for the number of threads it is started with; see the next test.
#[test]
fn minilm_digest_of_this_process() {
    let Some(folder) = minilm_folder() else { return };
    println!("digest={}", digest(&PretrainedEncoder::minilm(&folder).unwrap()));
}

#[test]
fn minilm_is_bit_equal_for_one_and_more_threads() {
    if minilm_folder().is_none() {
        return;
    }
    let digests: Vec<String> = ["1", "2", "3"]
        .iter()
        .map(|n_threads| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "minilm_digest_of_this_process", "--nocapture"])
                .env("RAYON_NUM_THREADS", n_threads)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let start = text.find("digest=").expect("the child prints its digest");
            text[start..start + "digest=".len() + 64].to_owned()
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}
