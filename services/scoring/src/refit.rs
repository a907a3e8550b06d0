//! Fitting a layer's weights again on more tests, once everything is chosen.
//!
//! What cross-validation chose on the train split (penalty, weight of the structure columns, slope)
//! and what was measured on the validation split (the priors) stays; so do the centers. Only the
//! weights and their posterior are those of all the rows. The result may be judged on rows of other
//! tests only; the priors are a little wide for it.

use std::sync::Arc;

use crate::data::{ClickTestRow, Split};
use crate::design::{Design, fold_of};
use crate::error::Error;
use crate::last_layer::LastLayer;
use crate::ridge::{Gram, Strengths};
use crate::train::Fitted;

/// The layer of `fitted` with weights fitted on the allowed tests of `splits`; `rows` and `vectors` are
/// those it was fitted with.
///
/// # Errors
/// [`Error::Fit`]: the layer was taught (its teacher has no opinions on other splits), or there are no
/// rows to fit on.
pub fn refit(
    fitted: &Fitted,
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    splits: &[Split],
) -> Result<LastLayer, Error> {
    let report = &fitted.report;
    if report.taught.is_some() {
        return Err(Error::Fit(
            "a taught layer is not fitted again: its lessons are of one split".to_owned(),
        ));
    }
    let design = Design::new(rows);
    let chosen =
        design.comparable(|idx| splits.contains(&rows[idx].split) && report.tests.allows(&rows[idx].test_id));
    if chosen.is_empty() {
        return Err(Error::Fit("no test with several headlines to fit again on".to_owned()));
    }
    let mut layer = fitted.layer.clone();
    let columns: Vec<Vec<f64>> =
        chosen.iter().map(|&idx| layer.columns(&vectors[idx], &rows[idx].headline)).collect();
    let folds: Vec<usize> = chosen.iter().map(|&idx| fold_of(&rows[idx].test_id)).collect();
    let gram = Gram::new(&design, &chosen, &columns, &folds)?;
    // The columns of a fitted layer are scaled already.
    let scales = vec![1.0; columns[0].len()];
    let strengths = Strengths { penalty: report.penalty, lessons: 0.0 };
    layer.mean = gram.weights(strengths, &scales, None)?.iter().map(|weight| weight * report.slope).collect();
    let posterior = gram.posterior(report.penalty, &scales, &columns, report.directions)?;
    layer.tail_variance = posterior.tail_variance;
    layer.reductions = posterior.reductions;
    layer.directions = posterior.directions;
    Ok(layer)
}
