//! Small dense linear algebra in `f64`, with one order of summation whatever the machine does.

/// Dot product of equally long slices, in eight partial sums, so that it can run on vector
/// registers.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0_f64; 8];
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in (&mut left).zip(&mut right) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Dot product of equally long slices in single precision, in sixteen partial sums.
pub(crate) fn narrow_dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0_f32; 16];
    let (mut left, mut right) = (a.chunks_exact(16), b.chunks_exact(16));
    for (x, y) in (&mut left).zip(&mut right) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

/// `row` + `factor` · `other`.
pub(crate) fn add_scaled(row: &mut [f64], other: &[f64], factor: f64) {
    for (value, other) in row.iter_mut().zip(other) {
        *value += factor * other;
    }
}

/// Scores of rows that lie one below the other: each row's dot product with `weights`. What a
/// linear head costs; `scores` gets one number per row.
///
/// # Panics
/// When `rows` is not `scores.len()` rows of `weights.len()` numbers.
pub fn linear_scores(rows: &[f32], weights: &[f32], scores: &mut [f32]) {
    assert_eq!(rows.len(), scores.len() * weights.len(), "whole rows, one score for each");
    for (score, row) in scores.iter_mut().zip(rows.chunks_exact(weights.len().max(1))) {
        *score = narrow_dot(row, weights);
    }
}

/// The lower Cholesky factor of a symmetric positive definite matrix, rows packed: row i holds
/// i + 1 numbers.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    n: usize,
    packed: Vec<f64>,
}

/// Start of row `i` in packed lower-triangular storage.
pub(crate) const fn row_start(i: usize) -> usize {
    i * (i + 1) / 2
}

impl Cholesky {
    /// Factors the matrix whose packed lower triangle is given; `None` when it is not positive
    /// definite or not finite.
    pub(crate) fn factor(mut packed: Vec<f64>, n: usize) -> Option<Self> {
        debug_assert_eq!(packed.len(), row_start(n));
        for i in 0..n {
            let (above, rest) = packed.split_at_mut(row_start(i));
            let row = &mut rest[..=i];
            for j in 0..i {
                let other = &above[row_start(j)..=row_start(j) + j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        Some(Self { n, packed })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.packed[row_start(i)..=row_start(i) + i]
    }

    /// Solves L z = `b`.
    pub(crate) fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut z = b.to_vec();
        for i in 0..self.n {
            let row = self.row(i);
            z[i] = (z[i] - dot(&row[..i], &z[..i])) / row[i];
        }
        z
    }

    /// Solves Lᵀ x = `z`.
    pub(crate) fn backward(&self, z: &[f64]) -> Vec<f64> {
        let mut x = z.to_vec();
        for i in (0..self.n).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            let value = x[i];
            for (target, coefficient) in x[..i].iter_mut().zip(row) {
                *target -= coefficient * value;
            }
        }
        x
    }

    /// Solves A x = `b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        self.backward(&self.forward(b))
    }

    /// Logarithm of the determinant of A.
    #[cfg(feature = "training")]
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * self.row(i)[i].ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn solving_inverts_multiplication(values in proptest::collection::vec(-1.0..1.0_f64, 36), x in proptest::collection::vec(-5.0..5.0_f64, 6)) {
            // A = B Bᵀ + I is positive definite.
            let b = |i: usize| &values[i * 6..i * 6 + 6];
            let a = |i: usize, j: usize| dot(b(i), b(j)) + f64::from(u8::from(i == j));
            let packed: Vec<f64> = (0..6).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| a(i, j)).collect();
            let product: Vec<f64> = (0..6).map(|i| (0..6).map(|j| a(i, j) * x[j]).sum()).collect();
            let factor = Cholesky::factor(packed, 6).unwrap();
            for (found, expected) in factor.solve(&product).iter().zip(&x) {
                prop_assert!((found - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn indefinite_and_nan_matrices_have_no_factor() {
        assert!(Cholesky::factor(vec![1.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::factor(vec![f64::NAN], 1).is_none());
        assert!(Cholesky::factor(vec![0.0], 1).is_none());
    }
}
