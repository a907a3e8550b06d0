//! What the click model gets to see.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::VariantId;

use super::variant::{Placement, Variant};
use crate::ports::click_model::{ObservedInput, ScoreInput};

/// What the click model sees of a variant.
///
/// # Errors
/// [`Code::StoreFormat`] for a variant that was never drawn.
pub fn score_input(variant: &Variant) -> Result<ScoreInput, Problem> {
    let preview = variant
        .body
        .preview
        .as_ref()
        .ok_or_else(|| Problem::new(Code::StoreFormat, "", format!("{} has no preview", variant.id)))?;
    let script = &variant.body.script;
    Ok(ScoreInput {
        headline: script.lines.first().map(|line| line.caption.clone()).unwrap_or_default(),
        text: script.full_text(),
        locale: script.locale,
        statistics: preview.statistics,
    })
}

/// What the brief's audience did before a generation was scored, in the order of the placements.
///
/// # Errors
/// As [`score_input`].
pub fn history_before(
    variants: &[Variant],
    placements: &[Placement],
    generation: u32,
) -> Result<Vec<(VariantId, ObservedInput)>, Problem> {
    let mut history = Vec::new();
    for placement in placements {
        let shown = variants.iter().find(|other| other.id == placement.variant);
        let (Some(shown), Some(row)) = (shown, &placement.delivery) else { continue };
        if shown.generation < generation {
            let (impressions, clicks) = (row.delivery.impressions, row.delivery.clicks);
            history.push((shown.id, ObservedInput { input: score_input(shown)?, impressions, clicks }));
        }
    }
    Ok(history)
}
