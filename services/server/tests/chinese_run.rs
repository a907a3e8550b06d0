//! A run of a Chinese brief in which much comes otherwise than it was asked for: a language model that
//! refuses, a voice that is missing, lines that are spoken faster to fit. What people are told of it is
//! Chinese.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::reason::VoiceFault;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, ScriptRequest,
};
use spotwright_core::ports::voice::{Spoken, Utterance, Voice, VoiceError};
use spotwright_core::spine::NoCheckpoints;
use spotwright_creative::workflow::VoicePorts;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::Micros;
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::run;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::wiring::World;
use spotwright_voice::Chain;
use tempfile::TempDir;

mod common;
#[path = "common/page.rs"]
mod page;

use page::{latin_words_in_a_row, told};

/// A language model whose provider refuses every call.
struct Refuses;

#[async_trait]
impl LanguageModel for Refuses {
    fn provider(&self) -> &str {
        "openai"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn write(&self, _: &ScriptRequest<'_>, _: &str) -> Result<ProposedScripts, LanguageModelError> {
        Err(LanguageModelError::Refused("404 Not Found: there is no such model here".to_owned()))
    }
}

/// A voice whose file is missing.
struct Missing;

#[async_trait]
impl Voice for Missing {
    fn name(&self) -> &str {
        "kokoro"
    }

    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
        Err(VoiceError::impossible(VoiceFault::NoVoice { locale: utterance.locale }))
    }
}

/// A voice that takes its time: five seconds a line at its own pace.
struct Slow;

#[async_trait]
impl Voice for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, VoiceError> {
        let rate = 8_000;
        let samples = (5.0 * f64::from(rate) / utterance.speed) as usize;
        Ok(Spoken {
            pcm: vec![0.1; samples],
            rate,
            words: Vec::new(),
            engine: "slow".to_owned(),
            voice: "one".to_owned(),
            speed: utterance.speed,
            why: Vec::new(),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_otherwise_in_a_chinese_run_is_told_in_chinese() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-zh/brief.yaml");
    let arguments = RunArguments {
        brief: Some(brief),
        out: Some(out.clone()),
        generations: Some(1),
        variants: Some(3),
        winners: Some(2),
        seed: 7,
        threads: Some(2),
        ..RunArguments::default()
    };
    let config = common::config();
    let summary = run::execute_in(&arguments, &config, Arc::new(NoCheckpoints), |workspace| {
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        let voice = Arc::new(Chain::new(vec![Arc::new(Missing), Arc::new(Slow)]));
        Ok(World {
            language_model: Arc::new(Refuses),
            video: Arc::new(StandInVideo {
                artifacts: Some(artifacts.clone()),
                witness: None,
                price: Micros(20_000),
            }),
            studio: None,
            gate: Arc::new(StandInGate { artifacts: Some(artifacts.clone()) }),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            footage: None,
            voice: Some(VoicePorts { voice, artifacts }),
            notices: Vec::new(),
        })
    })
    .await
    .expect("the run ends");
    let page = std::fs::read_to_string(out.join("report.html")).expect("is written");
    for piece in told(&page) {
        assert!(latin_words_in_a_row(&piece) < 3, "{piece}");
    }
    let notices = summary.told.join("\n");
    let outside: Vec<&str> = notices.split('`').step_by(2).collect();
    assert!(outside.iter().all(|part| latin_words_in_a_row(part) < 3), "{notices}");
    for said in ["没有一条脚本出自语言模型", "服务拒绝了请求", "语速提高到原来的", "没有安装 zh-CN 的音色"]
    {
        assert!(notices.contains(said) && page.contains(said), "{said} is missing in {notices}");
    }
    // The document for programs tells the same in English.
    let english = summary.notices.join("\n");
    assert!(
        english.contains("times the voice's pace") && english.contains("language model refused"),
        "{english}"
    );
    let why = &summary.voice.as_ref().expect("somebody speaks").why;
    assert!(why.iter().any(|reason| reason.told(Locale::ZhCn).contains("语速")), "{why:?}");
}
