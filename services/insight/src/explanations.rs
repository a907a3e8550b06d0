//! Why the winners of a finished run were scored as they were: `explanations.json`.
//!
//! The click model is asked again, with the history that it had then, so an explanation is always of
//! the score that was acted on. A winner that another model scored is left unexplained and says so.

use spotwright_core::domain::scored::{history_before, score_input};
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::click_model::{ClickModel, ObservedInput};
use spotwright_schemas::Problem;
use spotwright_schemas::explanation::{ExplainedWinner, Explanation, Explanations, Unexplained};
use spotwright_schemas::ids::RunId;

use crate::Shown;

/// Explains every winner of a run's generations, together with the others of its generation.
///
/// # Errors
/// [`Code::StoreFormat`](spotwright_schemas::error::Code::StoreFormat) for a winner without a preview.
pub fn explanations(
    run: RunId,
    generations: u32,
    shown: Shown<'_>,
    model: &dyn ClickModel,
) -> Result<Explanations, Problem> {
    let mut all = Explanations {
        format: "spotwright.explanations.v1".to_owned(),
        run,
        winners: Vec::new(),
        unexplained: Vec::new(),
    };
    for generation in 1..=generations {
        let winners: Vec<&Variant> =
            shown.winners().filter(|variant| variant.generation == generation).collect();
        let mut inputs = Vec::with_capacity(winners.len());
        for winner in &winners {
            let delivery = shown.delivery_of(winner);
            let (impressions, clicks) = (delivery.impressions, delivery.clicks);
            inputs.push(ObservedInput { input: score_input(winner)?, impressions, clicks });
        }
        let past = history_before(shown.variants, shown.placements, generation)?;
        let history: Vec<ObservedInput> = past.iter().map(|(_, shown)| shown.clone()).collect();
        let explained = match model.explain(&inputs, &history) {
            Ok(explained) => explained,
            Err(error) => {
                // The winners are made and placed; a file that tells about them must not be lost.
                let reason = error.to_string();
                let unexplained = winners.iter().map(|winner| winner.id);
                all.unexplained
                    .extend(unexplained.map(|variant| Unexplained { variant, reason: reason.clone() }));
                continue;
            }
        };
        for (winner, explanation) in winners.iter().zip(explained) {
            if let Some(reason) = differs(winner, &explanation) {
                all.unexplained.push(Unexplained { variant: winner.id, reason });
                continue;
            }
            let nearest = explanation.nearest.iter();
            all.winners.push(ExplainedWinner {
                variant: winner.id,
                nearest_variants: nearest.filter_map(|near| Some(past.get(near.history)?.0)).collect(),
                rival: explanation.separation.as_ref().and_then(|told| Some(winners.get(told.rival)?.id)),
                explanation,
            });
        }
    }
    Ok(all)
}

/// Why an explanation is not one of the score that was acted on.
fn differs(winner: &Variant, explanation: &Explanation) -> Option<String> {
    let Some(score) = &winner.body.score else { return Some("it has no score".to_owned()) };
    if score.model != explanation.score.model {
        return Some(format!(
            "scored by `{}`, and now there is only `{}`",
            score.model, explanation.score.model
        ));
    }
    // Another kind of processor may round differently.
    let gap = (score.predicted_ctr - explanation.score.predicted_ctr).abs();
    (gap > 1e-6 * score.predicted_ctr).then(|| {
        format!(
            "predicted {} then and {} now, by the same model",
            score.predicted_ctr, explanation.score.predicted_ctr
        )
    })
}
