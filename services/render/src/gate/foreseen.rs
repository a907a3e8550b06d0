//! What the gate would refuse whatever is rendered, told from the plan alone.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::Storyboard;

use super::{Checks, container, labels, texts};

/// Checks a storyboard for what no rendering of it would pass: shape and length against the placement, time to
/// read each text, time of the visible label. Costs nothing, so that nothing is rendered in vain.
///
/// # Errors
/// [`Code::Storyboard`] with the first check that would fail, named as the gate names it.
pub fn foresee(board: &Storyboard) -> Result<(), Problem> {
    let mut checks = Checks::default();
    let spec = board.placement.spec();
    container::check_shape(&mut checks, [board.size.width, board.size.height], spec);
    container::check_seconds(&mut checks, f64::from(board.frames()) / f64::from(board.fps.max(1)), spec);
    texts::reading_time(&mut checks, board);
    if labels::is_label_due(board) {
        labels::label_time(&mut checks, board);
    }
    match checks.list.into_iter().find(|check| !check.pass) {
        None => Ok(()),
        Some(check) => {
            let message = format!(
                "would not pass the quality gate ({}): {}, required: {}",
                check.id, check.value, check.limit
            );
            Err(Problem::new(Code::Storyboard, "shots", message))
        }
    }
}
