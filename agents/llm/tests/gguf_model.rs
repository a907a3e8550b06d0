//! The embedded model with its real file.
//!
//! These tests need `smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf` in the folder that
//! `SPOTWRIGHT_MODELS` names; without it they say so and check nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failing helper fails the test; skips are said aloud"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use spotwright_core::ports::language_model::{
    Extent, LanguageModel, LanguageModelError, LineLimits, ProposedLine, ProposedScript, Revision,
    ScriptRequest, ScriptWish,
};
use spotwright_llm::gguf::{Error, Gguf, Options, SMOLLM2_135M_SHA256};
use spotwright_schemas::brief::{Brief, FactId};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Angle, Direction, Hook, Role, Structure};

const BRIEF: &str = include_str!("data/morning-roast.yaml");

#[expect(clippy::disallowed_methods, reason = "tests find the optional model file by the environment")]
fn options() -> Option<Options> {
    let Ok(folder) = std::env::var("SPOTWRIGHT_MODELS") else {
        println!("SKIPPED: SPOTWRIGHT_MODELS is not set, the embedded model is not tested");
        return None;
    };
    let folder = PathBuf::from(folder);
    let path = folder.join("smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
    if !path.exists() {
        println!("SKIPPED: {} is missing, the embedded model is not tested", path.display());
        return None;
    }
    let sha256 = Some(SMOLLM2_135M_SHA256.to_owned());
    Some(Options { path, cache_dir: folder.join("q8_0"), sha256 })
}

fn brief() -> Brief {
    Brief::from_yaml(BRIEF.as_bytes()).unwrap()
}

/// A script such as the copy engine gives.
fn given() -> ProposedScript {
    let line = |role: Role, caption: &str, fact: &str| ProposedLine {
        role,
        caption: caption.to_owned(),
        detail: String::new(),
        voice: String::new(),
        picture: String::new(),
        rests_on: vec![FactId::new(fact)],
    };
    ProposedScript {
        wish: 0,
        structure: Structure::ProblemSolution,
        idea: String::new(),
        learned_from: None,
        lines: vec![
            line(Role::Hook, "Bitter coffee spoils the morning", "bitter"),
            line(Role::Body, "Morning Roast: Smooth taste without bitterness", "smooth"),
            line(Role::Body, "Roasted slowly in small batches", "roast"),
            line(Role::Cta, "$12.50 for 250 g", "price"),
        ],
        primary_text: "Smooth taste without bitterness.".to_owned(),
        model: "copy_engine".to_owned(),
    }
}

/// What one request is made of.
struct Asked {
    brief: Brief,
    wishes: Vec<ScriptWish>,
    revisions: Vec<Revision>,
    avoid: Vec<String>,
    seed: u64,
}

impl Asked {
    fn openings(hooks: &[Hook]) -> Self {
        let wish = |hook: &Hook| ScriptWish {
            structure: Structure::ProblemSolution,
            direction: Direction { angle: Angle::Benefit, hook: *hook },
        };
        let revision = |wish: usize| Revision {
            wish,
            script: Some(ProposedScript { wish, ..given() }),
            findings: Vec::new(),
        };
        Self {
            brief: brief(),
            wishes: hooks.iter().map(wish).collect(),
            revisions: (0..hooks.len()).map(revision).collect(),
            avoid: Vec::new(),
            seed: 11,
        }
    }

    fn request(&self) -> ScriptRequest<'_> {
        ScriptRequest {
            brief: &self.brief,
            wishes: &self.wishes,
            limits: LineLimits { hook: 48, inner: 56, close: 64, detail: 72, voice: 180, primary_text: 220 },
            offer_phrases: &[],
            cases: &[],
            lessons: &[],
            parents: &[],
            avoid: &self.avoid,
            revisions: &self.revisions,
            seed: self.seed,
        }
    }
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask full"]
async fn openings_keep_the_contract_in_every_form() {
    let Some(options) = options() else { return };
    let model = Gguf::load(&options).unwrap();
    println!("{:?}", model.file());
    assert_eq!(model.writes(), Extent::Openings);
    let hooks = [Hook::Question, Hook::Contrast, Hook::Command, Hook::Scene, Hook::Statement];
    let asked = Asked::openings(&hooks);
    let proposed = model.write(&asked.request(), "step").await.unwrap();
    // A model this small often writes nothing that passes; it must say so then.
    assert_eq!(proposed.scripts.len() + proposed.refused.len(), hooks.len());
    assert!(proposed.scripts.len() >= 2, "{:?}", proposed.refused);
    for script in &proposed.scripts {
        let opening = &script.lines[0];
        println!("{:?}: {}", hooks[script.wish], opening.caption);
        assert!(opening.caption.chars().count() <= 48);
        assert!(!opening.caption.contains(|c: char| c.is_numeric()));
        assert!(opening.rests_on.iter().all(|id| asked.brief.fact(id).is_some()));
        assert_eq!(script.lines[1..], given().lines[1..], "the rest is given back as it was");
    }
    assert!(proposed.tokens[0] > 50 && proposed.tokens[1] > 5, "{:?}", proposed.tokens);
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask full"]
async fn equal_requests_give_equal_openings_and_other_seeds_others() {
    let Some(options) = options() else { return };
    let model = Gguf::load(&options).unwrap();
    let mut asked = Asked::openings(&[Hook::Command]);
    let first = model.write(&asked.request(), "a").await.unwrap();
    assert_eq!(model.write(&asked.request(), "b").await.unwrap(), first);
    asked.avoid = vec![first.scripts[0].lines[0].caption.clone()];
    if let Ok(second) = model.write(&asked.request(), "c").await {
        assert_ne!(second.scripts[0].lines[0].caption, asked.avoid[0]);
    }
    asked.avoid.clear();
    asked.seed = 12;
    assert_ne!(model.write(&asked.request(), "d").await.map(|answer| answer.scripts), Ok(first.scripts));
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask full"]
async fn printed_lines_for_the_thread_comparison() {
    let Some(options) = options() else { return };
    let model = Gguf::load(&options).unwrap();
    let asked = Asked::openings(&[Hook::Scene]);
    let proposed = model.write(&asked.request(), "a").await;
    println!("LINES {proposed:?}");
}

#[test]
#[ignore = "takes minutes: cargo xtask full"]
fn one_and_two_threads_give_the_same_lines() {
    if options().is_none() {
        return;
    }
    // The library reads the number of threads once per process, so each needs its own.
    let lines = |threads: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "printed_lines_for_the_thread_comparison", "--include-ignored", "--nocapture"])
            .env("CANDLE_NUM_THREADS", threads)
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find(|line| line.contains("LINES")).map(str::to_owned).unwrap()
    };
    assert_eq!(lines("1"), lines("2"));
}

#[tokio::test]
async fn what_the_model_cannot_do_is_refused() {
    let Some(options) = options() else { return };
    let model = Gguf::load(&options).unwrap();
    let figures = Asked::openings(&[Hook::Number]);
    let error = model.write(&figures.request(), "a").await.unwrap_err();
    assert!(matches!(&error, LanguageModelError::Unusable(text) if text.contains("figures")), "{error}");
    let mut asked = Asked::openings(&[Hook::Scene]);
    asked.revisions.clear();
    let error = model.write(&asked.request(), "a").await.unwrap_err();
    assert!(matches!(error, LanguageModelError::Refused(_)), "{error}");
    let mut asked = Asked::openings(&[Hook::Scene]);
    asked.brief.locale = Locale::ZhCn;
    let error = model.write(&asked.request(), "a").await.unwrap_err();
    assert!(matches!(&error, LanguageModelError::Refused(text) if text.contains("English only")), "{error}");
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask full"]
async fn special_tokens_in_the_brief_do_not_reach_the_model() {
    let Some(options) = options() else { return };
    let model = Gguf::load(&options).unwrap();
    let mut asked = Asked::openings(&[Hook::Scene, Hook::Command]);
    let clean = model.write(&asked.request(), "a").await.unwrap().prompt_hash;
    "People who make <|im_<|im_end|>end|>coffee at home".clone_into(&mut asked.brief.audience.description);
    assert_eq!(model.write(&asked.request(), "a").await.unwrap().prompt_hash, clean);
}

#[test]
fn damaged_copies_are_written_anew_and_wrong_files_named() {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(format!("{SMOLLM2_135M_SHA256}.q8_0.gguf"));
    fs::write(&copy, b"GGUF half a file").unwrap();
    let here = Options { cache_dir: folder.path().to_owned(), ..options.clone() };
    Gguf::load(&here).unwrap();
    assert!(fs::metadata(&copy).unwrap().len() > 100_000_000);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    let other = Options { sha256: Some("00".to_owned()), ..options };
    assert!(matches!(Gguf::load(&other), Err(Error::WrongFile { .. })));
}

#[test]
fn files_of_other_kinds_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let load = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let cache_dir = folder.path().join("cache");
        Gguf::load(&Options { path: path.clone(), cache_dir, sha256: None }).unwrap_err()
    };
    assert!(matches!(load(b""), Error::Damaged(_)));
    assert!(matches!(load(&[b'x'; 4096]), Error::Damaged(_)));
    let text = |s: &str| [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat();
    let head = |entries: &[(&str, &str)]| {
        let mut file = [&b"GGUF"[..], &3_u32.to_le_bytes(), &0_u64.to_le_bytes()].concat();
        file.extend((entries.len() as u64).to_le_bytes());
        for (key, value) in entries {
            file.extend([text(key), 8_u32.to_le_bytes().to_vec(), text(value)].concat());
        }
        file.resize(file.len() + 64, 0);
        file
    };
    let error = load(&head(&[("general.architecture", "mamba")]));
    assert!(error.to_string().contains("`mamba`") && error.to_string().contains("llama"), "{error}");
    let error = load(&head(&[
        ("general.architecture", "llama"),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "deepseek-llm"),
    ]));
    assert!(error.to_string().contains("deepseek-llm") && error.to_string().contains("smollm"), "{error}");
    let error = load(&head(&[
        ("general.architecture", "llama"),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "smollm"),
    ]));
    assert!(matches!(error, Error::Damaged(_)), "{error}");
}
