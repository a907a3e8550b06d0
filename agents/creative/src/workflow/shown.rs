//! What the run has shown and said before a generation, remembered from one generation to the next.
//!
//! Both are fixed once the generation before has ended, and every variant of the next one needs them. So
//! they are read once for each generation, and only what that one added: the work for a variant does not
//! grow with the variants of a run.

use std::sync::{Arc, Mutex, PoisonError};

use spotwright_core::domain::scored::score_input;
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::click_model::ObservedInput;
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::spine::StepError;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::script::Direction;

/// Runs that are remembered at the same time; the least recently used is read again when it is needed.
const RUNS: usize = 64;

/// A variant that an audience has seen, and what it did.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// The variant.
    pub(super) variant: VariantId,
    /// Its direction.
    pub(super) direction: Direction,
    /// What the click model learns from it.
    pub(super) observed: ObservedInput,
}

/// Everything before a generation.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// What was shown, by generation and number.
    pub(super) shown: Vec<Shown>,
    /// The first captions of all variants, by generation and number.
    pub(super) captions: Vec<String>,
}

/// What is remembered, most recently used last.
#[derive(Default)]
pub(super) struct Remembered {
    runs: Mutex<Vec<(RunId, u32, Arc<Before>)>>,
}

impl Remembered {
    /// Everything before `generation` of a run. The generations before must have ended.
    pub(super) async fn before(
        &self,
        store: &dyn StepStore,
        run: RunId,
        generation: u32,
    ) -> Result<Arc<Before>, StepError> {
        let (mut known, mut before) = self.known(run, generation);
        while known < generation {
            let variants = store.variants_of(run, known).await?;
            let placements = store.placements_of(run, known).await?;
            let mut more = Before { shown: before.shown.clone(), captions: before.captions.clone() };
            add(&mut more, &variants, &placements)?;
            before = Arc::new(more);
            known += 1;
            self.keep(run, known, &before);
        }
        Ok(before)
    }

    /// The latest generation up to `generation` before which everything is known, and that.
    fn known(&self, run: RunId, generation: u32) -> (u32, Arc<Before>) {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = runs.iter().filter(|(of, known, _)| *of == run && *known <= generation);
        latest
            .max_by_key(|(_, known, _)| *known)
            .map_or_else(|| (1, Arc::default()), |(_, known, before)| (*known, Arc::clone(before)))
    }

    /// Keeps what is known of a run in the place of what was known of it.
    fn keep(&self, run: RunId, known: u32, before: &Arc<Before>) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|(of, _, _)| *of != run);
        runs.push((run, known, Arc::clone(before)));
        if runs.len() > RUNS {
            runs.remove(0);
        }
    }
}

/// Adds what one generation said and showed.
fn add(before: &mut Before, variants: &[Variant], placements: &[Placement]) -> Result<(), StepError> {
    let captions = variants.iter().filter_map(|variant| variant.body.script.lines.first());
    before.captions.extend(captions.map(|line| line.caption.clone()));
    for placement in placements {
        let shown = variants.iter().find(|variant| variant.id == placement.variant);
        let (Some(shown), Some(row)) = (shown, &placement.delivery) else { continue };
        let input = score_input(shown).map_err(StepError::Permanent)?;
        let (impressions, clicks) = (row.delivery.impressions, row.delivery.clicks);
        before.shown.push(Shown {
            variant: shown.id,
            direction: shown.body.script.direction,
            observed: ObservedInput { input, impressions, clicks },
        });
    }
    Ok(())
}
