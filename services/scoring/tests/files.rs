//! Model files and folders: what ships, and damaged ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::fs;
use std::path::PathBuf;

use spotwright_schemas::error::Code;
use spotwright_scoring::Error;
use spotwright_scoring::last_layer::LastLayer;
use spotwright_scoring::load::{E5_CARD, HASHED_CARD, MINILM_CARD, load};

const SHIPPED: [(&str, &[u8], &str); 3] = [
    ("minilm", include_bytes!("../models/minilm-ridge.safetensors"), MINILM_CARD),
    ("hashed", include_bytes!("../models/hashed-ridge.safetensors"), HASHED_CARD),
    ("e5", include_bytes!("../models/e5-ridge.safetensors"), E5_CARD),
];

/// The folder of all-MiniLM-L6-v2 below `SPOTWRIGHT_MODELS`.
fn minilm_folder() -> Option<PathBuf> {
    let weights = common::optional_file("SPOTWRIGHT_MODELS", "all-minilm-l6-v2/model.safetensors")?;
    weights.parent().map(PathBuf::from)
}

fn refused(bytes: &[u8]) -> String {
    let error = LastLayer::from_bytes(bytes, "damaged").unwrap_err();
    assert_eq!(error.code(), Code::ModelFile, "{error}");
    error.to_string()
}

#[test]
fn cards_belong_to_the_shipped_files_and_hold_the_exclusions() {
    let mut n_bytes = 0;
    for (name, bytes, card) in SHIPPED {
        let card: serde_json::Value = serde_json::from_str(card).unwrap();
        let hash = blake3::hash(bytes).to_hex();
        assert_eq!(card["weights_blake3"], hash.as_str());
        assert_eq!(card["id"], format!("{name}-ridge@{hash:.12}"));
        assert_eq!(card["test"]["all_pairs"]["pairs"], 4_309);
        assert_eq!(card["test"]["significant_pairs"]["pairs"], 1_046);
        assert!(card["split"].as_str().unwrap().contains("simulated audience"));
        let layer = LastLayer::from_bytes(bytes, name).unwrap();
        assert_eq!(layer.n_columns(), if name == "minilm" { 1_160 } else { 392 });
        let width_error = card["fit"]["interval_width_error"].as_f64().unwrap();
        assert!(width_error < 0.05, "{name}: {width_error}");
        let coverage = card["coverage"]["share"]["value"].as_f64().unwrap();
        assert!((0.88..=0.92).contains(&coverage), "{name}: {coverage}");
        assert_eq!(card["priors"]["frame_sd"].as_f64().unwrap(), layer.priors().frame_sd);
        assert_eq!(layer.to_bytes().unwrap(), bytes);
        n_bytes += bytes.len();
    }
    assert!(n_bytes < 1 << 20, "{n_bytes}");
}

#[test]
fn without_a_folder_the_model_is_hashed_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for place in [None, Some(folder.path()), Some(std::path::Path::new("no/such/folder"))] {
        let loaded = load(place).unwrap();
        assert!(loaded.model.id().starts_with("hashed-ridge@"), "{}", loaded.model.id());
        assert_eq!(loaded.model.id().len(), "hashed-ridge@".len() + 12);
        assert!(loaded.notice.unwrap().contains("hashed text features"));
    }
}

#[test]
fn incomplete_and_changed_folders_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    let error = load(Some(folder.path())).unwrap_err();
    assert!(matches!(error, Error::ModelFile { .. }), "{error}");
    assert_eq!(error.code(), Code::ModelFile);
    fs::write(folder.path().join("model.safetensors"), [0_u8; 100]).unwrap();
    fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    assert!(load(Some(folder.path())).unwrap_err().to_string().contains("sha256 is"));
}

#[test]
fn damaged_layers_are_typed_errors() {
    let whole = SHIPPED[1].1;
    for length in [0, 7, 8, 9, 200, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..length]);
    }
    let mut long_header = whole.to_vec();
    long_header[..8].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    refused(&long_header);
    refused(&[whole, &[0]].concat());
    refused(&vec![0; 5 << 20]);

    // A pattern of ones is NaN in every float format; in the directions it is -1.
    let header_end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&whole[8..header_end]).unwrap();
    for tensor in ["mean", "center", "tail_variance", "reductions", "priors"] {
        let start = header_end + header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
        let mut not_a_number = whole.to_vec();
        not_a_number[start..start + 8].fill(0xff);
        let message = refused(&not_a_number);
        assert!(message.contains("not finite"), "{tensor}: {message}");
    }

    let renamed = |from: &str, to: &str| {
        let header_end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&whole[8..header_end]).unwrap().replacen(from, to, 1);
        assert_eq!(header.len(), header_end - 8);
        refused(&[&whole[..8], header.as_bytes(), &whole[header_end..]].concat())
    };
    assert!(renamed("ridge.v2", "ridge.v9").contains("format"));
    assert!(renamed("\"mean\"", "\"meal\"").contains("`mean` is missing"));
    assert!(renamed("F64", "I64").contains("priors"));
}

#[test]
fn minilm_loads_and_ranks_when_it_is_installed() {
    use spotwright_core::ports::click_model::ScoreInput;
    use spotwright_schemas::locale::Locale;

    let Some(folder) = minilm_folder() else { return };
    let loaded = load(Some(&folder)).unwrap();
    assert!(loaded.model.id().starts_with("minilm-ridge@") && loaded.notice.is_none());
    let input = |headline: &str| ScoreInput {
        headline: headline.to_owned(),
        text: headline.to_owned(),
        locale: Locale::EnUs,
        statistics: spotwright_core::ports::video_backend::FrameStatistics::default(),
    };
    let inputs =
        [input("What happened next made everyone in the room cry"), input("Quarterly report"), input("🚀🚀")];
    let scores = loaded.model.score(&inputs, &[]).unwrap();
    assert!(scores[0].appeal > scores[1].appeal, "{scores:?}");
    let alone = loaded.model.score(&inputs[1..2], &[]).unwrap();
    assert_eq!(alone[0], scores[1]);
}
