//! What a provider of words bills is what the ledger holds, and a model that never answers is spoken
//! of wherever a run's end is told.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, ScriptRequest,
};
use spotwright_core::ports::step_store::StepStore as _;
use spotwright_core::spine::NoCheckpoints;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_schemas::money::Micros;
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::run::{self, Summary};
use spotwright_server::config::Config;
use spotwright_server::outputs::FinishedRun;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::wiring::{Workspace, World};

const QUOTE: Micros = Micros(1_000);

/// What a provider does with every call.
#[derive(Clone, Copy)]
enum Conduct {
    /// Answers, and bills this much.
    Answers(Micros),
    /// Does not answer, and bills this much all the same.
    Fails(Micros),
}

struct Provider(Conduct);

#[async_trait]
impl LanguageModel for Provider {
    fn provider(&self) -> &'static str {
        "provider"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        QUOTE
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        match self.0 {
            Conduct::Answers(cost) => {
                let scripts = CopyEngine.write(request, key).await?;
                Ok(ProposedScripts { cost, tokens: [3, 4], ..scripts })
            }
            Conduct::Fails(Micros::ZERO) => {
                Err(LanguageModelError::Refused("no page; try `x/v1`".to_owned()))
            }
            Conduct::Fails(cost) => Err(LanguageModelError::Billed {
                error: Box::new(LanguageModelError::Unusable("the answer is blank".to_owned())),
                prompt_hash: String::new(),
                tokens: [5, 6],
                cost,
            }),
        }
    }
}

/// A run whose words the provider is asked for; its calls, and what it paid beside media.
async fn run_with(conduct: Conduct) -> (Summary, FinishedRun, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = RunArguments {
        brief: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml")),
        out: Some(out.clone()),
        generations: Some(1),
        variants: Some(3),
        winners: Some(1),
        seed: 7,
        threads: Some(2),
        ..RunArguments::default()
    };
    let mut config = Config::load(None).unwrap();
    env!("CARGO_BIN_EXE_spotwright-fault-child").clone_into(&mut config.sandbox.program);
    let summary = run::execute_in(&arguments, &config, Arc::new(NoCheckpoints), |workspace| {
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        Ok(World {
            footage: None,
            voice: None,
            language_model: Arc::new(Provider(conduct)),
            gate: Arc::new(StandInGate { artifacts: Some(Arc::clone(&artifacts)) }),
            video: Arc::new(StandInVideo { artifacts: Some(artifacts), witness: None, price: Micros::ZERO }),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            studio: None,
            notices: Vec::new(),
        })
    });
    let summary = summary.await.unwrap();
    let workspace = Workspace::open(&out).await.unwrap();
    let id = workspace.store.runs().await.unwrap()[0];
    let finished = FinishedRun::load(workspace.store.as_ref(), id).await.unwrap();
    assert_eq!(workspace.store.broken_invariants().await.unwrap(), Vec::<String>::new());
    (summary, finished, out, folder)
}

fn calls(finished: &FinishedRun) -> Vec<serde_json::Value> {
    let called = finished.trace.iter().filter(|entry| entry.what == "model.called");
    called.map(|entry| entry.detail.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_holds_what_is_billed_for_answers_failures_and_beyond_the_quote() {
    for (conduct, each) in [
        (Conduct::Answers(Micros(400)), 400),
        (Conduct::Answers(Micros(9_900)), 9_900),
        (Conduct::Fails(Micros(700)), 700),
        (Conduct::Fails(Micros(9_900)), 9_900),
        (Conduct::Fails(Micros::ZERO), 0),
    ] {
        let (summary, finished, _, _folder) = run_with(conduct).await;
        assert!(summary.succeeded());
        let media: i64 = summary.generations.iter().map(|generation| generation.spend_micros).sum();
        let calls = calls(&finished);
        assert!(!calls.is_empty());
        let billed = each * i64::try_from(calls.len()).unwrap();
        assert_eq!(finished.run.settled.0 - media, billed);
        assert_eq!(finished.run.reserved, Micros::ZERO);
        let traced: i64 = calls.iter().map(|call| call["cost"].as_i64().unwrap()).sum();
        assert_eq!(traced, billed, "the trace says the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_never_answers_is_said_in_json_and_report_with_its_words() {
    let (summary, _, out, _folder) = run_with(Conduct::Fails(Micros::ZERO)).await;
    let json = serde_json::to_value(&summary).unwrap();
    let notice = json["notices"][0].as_str().unwrap();
    assert!(notice.contains("No script came from the language model"), "{notice}");
    assert!(notice.contains("no page; try `x/v1`"), "{notice}");
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("No script came from the language model"));
    let (summary, _, _, _folder) = run_with(Conduct::Answers(Micros(1))).await;
    assert!(!summary.notices.iter().any(|notice| notice.contains("language model")), "{:?}", summary.notices);
}
