//! Briefs for the tests of this crate: the examples of the repository.

use async_trait::async_trait;
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError, LineRequest, Proposals};
use spotwright_core::ports::letters::Letters;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;

use crate::copy_engine::CopyEngine;
use crate::drafting::{DraftRequest, Generation, draft_generation};
use crate::learn::Beliefs;
use crate::plan::plan;

pub(crate) fn coffee_en() -> Brief {
    Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml")).expect("valid example")
}

pub(crate) fn coffee_zh() -> Brief {
    Brief::from_yaml(include_bytes!("../../../examples/coffee-zh/brief.yaml")).expect("valid example")
}

pub(crate) fn cat_zh() -> Brief {
    Brief::from_yaml(include_bytes!("../../../examples/cat-zh/brief.yaml")).expect("valid example")
}

pub(crate) fn all() -> [Brief; 3] {
    [coffee_en(), coffee_zh(), cat_zh()]
}

/// The first generation as written by the copy engine.
pub(crate) fn generation(brief: &Brief, n_variants: usize, seed: u64) -> Generation {
    drafted(brief, n_variants, seed, &CopyEngine)
}

pub(crate) fn drafted(brief: &Brief, n_variants: usize, seed: u64, model: &dyn LanguageModel) -> Generation {
    let assignments = plan(brief, 1, n_variants, &Beliefs::default(), seed);
    let request = DraftRequest {
        brief,
        generation: 1,
        assignments: &assignments,
        parents: &[],
        avoid: &[],
        lessons: &[],
        seed,
        key_prefix: "test",
    };
    block_on(draft_generation(&request, model, &EveryLetter))
}

/// A language model that is never there, so that lines are drafted one by one.
pub(crate) struct Silent;

#[async_trait]
impl LanguageModel for Silent {
    fn provider(&self) -> &'static str {
        "silent"
    }
    fn repeatable(&self) -> bool {
        true
    }
    fn quote(&self, _: &LineRequest<'_>) -> Micros {
        Micros::ZERO
    }
    async fn propose(&self, _: &LineRequest<'_>, _: &str) -> Result<Proposals, LanguageModelError> {
        Err(LanguageModelError::Unavailable("no connection".to_owned()))
    }
}

/// Draws everything.
pub(crate) struct EveryLetter;

impl Letters for EveryLetter {
    fn undrawable(&self, _: &str) -> Vec<char> {
        Vec::new()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(future)
}
