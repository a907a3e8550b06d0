//! The speech model with its real files.
//!
//! These tests need what `infra/setup.sh` installs in the folder that `SPOTWRIGHT_MODELS` names; without it
//! they say so and check nothing. Samples differ between kinds of processors, so none is compared with a
//! stored one.

#![expect(clippy::print_stdout, reason = "skips are said aloud")]

use std::path::PathBuf;
use std::sync::OnceLock;

use spotwright_core::ports::voice::{Spoken, Utterance};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::Pronunciation;
use spotwright_voice::{Error, Kokoro, Options, VOICES, missing_files, voice_for};

#[expect(clippy::disallowed_methods, reason = "tests find the optional model files by the environment")]
fn models() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("SPOTWRIGHT_MODELS") else {
        println!("SKIPPED: SPOTWRIGHT_MODELS is not set, the speech model is not tested");
        return None;
    };
    let folder = PathBuf::from(folder);
    if let Some(file) = missing_files(&folder).first() {
        println!("SKIPPED: {} is missing, the speech model is not tested", file.display());
        return None;
    }
    Some(folder)
}

fn kokoro() -> Option<Kokoro> {
    static KOKORO: OnceLock<Option<Kokoro>> = OnceLock::new();
    KOKORO
        .get_or_init(|| {
            let options = Options { models: models()?, cache: None, threads: 1 };
            Some(Kokoro::new(options).expect("the files are there"))
        })
        .clone()
}

fn line(text: &str, locale: Locale) -> Utterance {
    Utterance { text: text.to_owned(), locale, voice: String::new(), speed: 1.0, pronunciations: Vec::new() }
}

/// The port's contract on one answer.
fn keeps_the_contract(spoken: &Spoken) {
    assert!(spoken.rate > 0 && spoken.pcm.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
    let whole = (spoken.seconds() * 1_000.0) as u32 + 1;
    let mut before = 0;
    for word in &spoken.words {
        assert!(before <= word.start_ms && word.start_ms <= word.end_ms && word.end_ms <= whole, "{word:?}");
        before = word.end_ms;
    }
}

#[test]
fn every_voice_speaks_its_language_with_word_times_and_without_silence_around() {
    let Some(kokoro) = kokoro() else { return };
    for (voice, locale) in VOICES {
        let text = if locale.is_chinese() { "原价199元，现在98元。" } else { "Was $19, now $9.99." };
        let spoken = kokoro
            .speak_blocking(&Utterance { voice: voice.to_owned(), ..line(text, locale) })
            .expect("speaks");
        keeps_the_contract(&spoken);
        assert_eq!((spoken.engine.as_str(), spoken.voice.as_str()), ("kokoro", voice));
        assert!(spoken.why.is_empty(), "{:?}", spoken.why);
        assert!((1.2..6.0).contains(&spoken.seconds()), "{voice}: {} s", spoken.seconds());
        assert!(spoken.words.len() >= 4, "{:?}", spoken.words);
        let (first, last) = (&spoken.words[0], spoken.words.last().expect("words"));
        assert!(first.start_ms <= 120, "{voice}: {first:?}");
        assert!(f64::from(last.end_ms) / 1_000.0 > spoken.seconds() - 0.35, "{voice}: {last:?}");
        let price = spoken.words.iter().find(|word| word.text.contains('9')).expect("a price");
        assert!(price.end_ms - price.start_ms > 300, "a price takes its time: {price:?}");
    }
}

#[test]
fn faster_is_shorter_and_the_pace_has_bounds() {
    let Some(kokoro) = kokoro() else { return };
    let spoken = |speed| {
        kokoro
            .speak_blocking(&Utterance { speed, ..line("Order before six and save.", Locale::EnUs) })
            .expect("speaks")
    };
    let (usual, fast, beyond) = (spoken(1.0), spoken(1.2), spoken(9.0));
    assert!(fast.seconds() < usual.seconds() * 0.95, "{} {}", fast.seconds(), usual.seconds());
    assert_eq!((beyond.speed, beyond.pcm.len()), (1.2, fast.pcm.len()));
}

#[test]
fn the_cache_gives_the_same_samples_and_needs_no_model() {
    let (Some(models), Some(plain)) = (models(), kokoro()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { models, cache: Some(folder.path().to_owned()), threads: 1 };
    let cached = Kokoro::new(options).expect("opens");
    let line = line("Fresh today. Gone tomorrow.", Locale::EnUs);
    let first = cached.speak_blocking(&line).expect("speaks");
    let kept = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(kept, 2, "one for each sentence");
    assert_eq!(cached.speak_blocking(&line).expect("speaks"), first);
    assert_eq!(plain.speak_blocking(&line).expect("speaks"), first);
}

#[test]
fn names_are_said_as_the_brand_says_them() {
    let Some(kokoro) = kokoro() else { return };
    let named = Utterance {
        pronunciations: vec![Pronunciation {
            written: "Xqzt".to_owned(),
            spoken: "sunny morning coffee".to_owned(),
        }],
        ..line("Try Xqzt today.", Locale::EnUs)
    };
    let spoken = kokoro.speak_blocking(&named).expect("speaks");
    let same = kokoro.speak_blocking(&line("Try sunny morning coffee today.", Locale::EnUs)).expect("speaks");
    assert_eq!(spoken.pcm, same.pcm);
    let texts: Vec<&str> = spoken.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["Try", "Xqzt", "today"]);
}

#[test]
fn what_was_asked_for_and_is_not_there_has_a_reason() {
    let Some(kokoro) = kokoro() else { return };
    let asked = |voice: &str, text: &str, locale| {
        kokoro.speak_blocking(&Utterance { voice: voice.to_owned(), ..line(text, locale) })
    };
    let spoken = asked("zf_xiaoxiao", "Good morning.", Locale::EnUs).expect("speaks");
    assert_eq!(spoken.voice, voice_for(Locale::EnUs));
    assert!(spoken.why[0].to_string().contains("zf_xiaoxiao"), "{:?}", spoken.why);
    assert!(matches!(asked("", "…!?", Locale::EnUs), Err(Error::NoWords)));
    assert!(matches!(asked("", "早上好\u{2A6DF}", Locale::ZhCn), Err(Error::Character(_)) | Ok(_)));
    assert!(asked("", "下载App，5G手机，VIP专享。", Locale::ZhCn).is_ok());
}
