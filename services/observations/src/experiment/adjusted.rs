//! The comparisons after what users did before the experiment was taken out of them (CUPED).

use spotwright_experiment::analysis::adjustment::variance_reductions;
use spotwright_experiment::analysis::moments::{AdjustedRatioSums, Sums};
use spotwright_experiment::analysis::report::{Arm, Design, Observed, analyze};
use spotwright_schemas::Problem;
use spotwright_schemas::experiment::{ExperimentDesign, ReadOutAdjusted, ReadOutReduction};

use super::{Met, compared, refused};

/// What is known of a user from before: clicks on other ads.
const COVARIATE: &str = "earlier_clicks";

/// The comparisons with the covariate; `None` where it is the same for all users.
pub(super) fn read(
    design: &ExperimentDesign,
    asked: &Design,
    observed: &Observed,
    users: &[Met],
) -> Result<Option<ReadOutAdjusted>, Problem> {
    let n_arms = design.arms.len();
    let mut sums = vec![AdjustedRatioSums::default(); n_arms];
    let in_arms = || users.iter().filter(|user| user.cell < n_arms);
    let first = in_arms().next().map(|user| user.earlier);
    if first.is_none_or(|first| in_arms().all(|user| user.earlier == first)) {
        return Ok(None);
    }
    for user in in_arms() {
        let (numerator, denominator) = user.ratio(design.primary, design.conversion_value_micros);
        sums[user.cell].add(numerator, denominator, user.earlier);
    }
    let adjusted: Vec<Sums> = sums.into_iter().map(Sums::AdjustedRatio).collect();
    let plain: Vec<Sums> = observed.arms.iter().map(|arm| arm.primary).collect();
    let arms = observed.arms.iter().zip(&adjusted).map(|(arm, sums)| Arm {
        name: arm.name.clone(),
        primary: *sums,
        guardrails: Vec::new(),
    });
    let observed = Observed { arms: arms.collect(), ..observed.clone() };
    let asked = Design { guardrails: Vec::new(), ..asked.clone() };
    let reductions = variance_reductions(&plain, &adjusted, asked.difference);
    let analysis = analyze(asked, &observed).map_err(|error| refused(&error))?;
    let reduction = |(arm, variance_reduction): (&Arm, Option<f64>)| ReadOutReduction {
        arm: arm.name.clone(),
        variance_reduction,
    };
    Ok(Some(ReadOutAdjusted {
        covariate: COVARIATE.to_owned(),
        comparisons: analysis.comparisons.iter().flat_map(compared).collect(),
        reductions: observed.arms.iter().skip(1).zip(reductions).map(reduction).collect(),
    }))
}
