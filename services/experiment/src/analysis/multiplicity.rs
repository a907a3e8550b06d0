//! Correction for many comparisons.

use crate::Error;

/// Benjamini–Hochberg adjusted p-values, in the order given.
///
/// Declaring what is at most q a discovery keeps the expected share of false ones among them at q, for
/// p-values that are independent or positively dependent, as those of variants against one control are.
/// p-values that are valid at any time stay so.
///
/// # Errors
/// [`Error::Setting`]: a p-value outside [0, 1].
///
/// # Source
/// Benjamini and Hochberg, JRSS B 57 (1995); the dependence: Benjamini and Yekutieli, Annals of Statistics
/// 29 (2001).
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    if let Some(value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::Setting { name: "p-value", value: *value });
    }
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0_f64; n];
    let mut least = 1.0_f64;
    for (rank, idx) in order.iter().enumerate().rev() {
        // The factor first: 1 at the last rank, so that no rounding brings a value below its own.
        least = least.min(p_values[*idx] * (n as f64 / (rank + 1) as f64));
        adjusted[*idx] = least;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_paper_comes_out() {
        // The 15 p-values of Benjamini and Hochberg (1995), section 3.3: four are rejected at 0.05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let adjusted = benjamini_hochberg(&p).unwrap();
        assert_eq!(adjusted.iter().filter(|q| **q <= 0.05).count(), 4);
        assert!((adjusted[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-12);
        assert!(benjamini_hochberg(&[0.5, f64::NAN]).is_err());
        assert_eq!(benjamini_hochberg(&[]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn adjusting_raises_values_and_keeps_their_order(
            p in prop::collection::vec(0.0_f64..=1.0, 1..20),
        ) {
            let adjusted = benjamini_hochberg(&p)?;
            for (a, own) in adjusted.iter().zip(&p) {
                prop_assert!(a >= own && *a <= 1.0);
            }
            for (i, j) in (0..p.len()).flat_map(|i| (0..p.len()).map(move |j| (i, j))) {
                prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
            }
        }
    }
}
