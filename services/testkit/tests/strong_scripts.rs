//! The scripts in `examples/bench/strong`, written by hand in the place of a strong model, go the way of
//! every answer: they are read, judged and drafted.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedScripts, RefusedScript, ScriptRequest,
};
use spotwright_core::ports::letters::Letters;
use spotwright_creative::drafting::{DraftRequest, Generation, draft_generation};
use spotwright_creative::learn::Beliefs;
use spotwright_creative::plan::plan;
use spotwright_llm::answer::parse;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;

/// Scripts of one file.
const SCRIPTS: usize = 3;

/// Share of scripts that must be usable as they are: the rules are strict, and a hand is no machine.
const USABLE: f64 = 0.95;

struct Hand(String);

#[async_trait]
impl LanguageModel for Hand {
    fn provider(&self) -> &'static str {
        "hand"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        _: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let (scripts, refused) = match parse(&self.0, request, "hand") {
            Ok(answer) => {
                let refused = answer.refused.iter().map(ToString::to_string);
                (answer.scripts, refused.collect::<Vec<_>>())
            }
            Err(error) => (Vec::new(), vec![error.to_string()]),
        };
        let refused = refused.into_iter().map(|reason| RefusedScript { wish: 0, reason }).collect();
        Ok(ProposedScripts {
            scripts,
            refused,
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros::ZERO,
        })
    }
}

struct EveryLetter;

impl Letters for EveryLetter {
    fn undrawable(&self, _: &str) -> Vec<char> {
        Vec::new()
    }
}

fn bench() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bench")
}

async fn drafted(brief: &Brief, answer: String) -> Generation {
    let assignments = plan(brief, 1, SCRIPTS, &Beliefs::default(), 1);
    let request = DraftRequest {
        brief,
        generation: 1,
        assignments: &assignments,
        cases: &[],
        lessons: &[],
        parents: &[],
        avoid: &[],
        seed: 1,
        key_prefix: "test",
    };
    draft_generation(&request, &Hand(answer), &EveryLetter).await
}

#[tokio::test]
async fn scripts_written_by_hand_pass_the_rules_that_every_answer_meets() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(bench().join("strong")).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let (mut all, mut usable) = (0, 0);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let brief = Brief::from_yaml(&std::fs::read(bench().join(name).join("brief.yaml")).unwrap()).unwrap();
        let generation = drafted(&brief, std::fs::read_to_string(&file).unwrap()).await;
        let own = generation
            .scripts
            .iter()
            .filter(|draft| draft.script.lines.iter().all(|line| line.provenance.provider == "hand"));
        let own = own.count();
        all += SCRIPTS;
        usable += own;
        if own < SCRIPTS {
            for dropped in generation.dropped.iter().filter(|dropped| dropped.revision == 0) {
                for finding in &dropped.findings {
                    println!("{name}: {} {}: {}", dropped.caption, finding.rule, finding.message);
                }
            }
        }
    }
    println!("{usable} of {all} scripts are usable");
    assert!(all >= 120, "{all}");
    assert!(f64::from(u32::try_from(usable).unwrap()) >= USABLE * f64::from(u32::try_from(all).unwrap()));
}
