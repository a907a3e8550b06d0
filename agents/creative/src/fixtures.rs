//! Briefs for the tests of this crate: the examples of the repository.

use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::letters::Letters;
use spotwright_schemas::brief::Brief;

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
        cases: &[],
        lessons: &[],
        parents: &[],
        avoid: &[],
        seed,
        key_prefix: "test",
    };
    block_on(draft_generation(&request, model, &EveryLetter))
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
