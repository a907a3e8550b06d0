//! Small dense linear algebra in `f64`, sequential, so results have one order of summation.

/// Dot product of equally long slices.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| x * y).sum()
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

    /// The inverse of A, packed lower triangle.
    #[cfg(feature = "training")]
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let mut packed = vec![0.0; row_start(self.n)];
        for i in 0..self.n {
            let mut unit = vec![0.0; self.n];
            unit[i] = 1.0;
            let column = self.solve(&unit);
            packed[row_start(i)..=row_start(i) + i].copy_from_slice(&column[..=i]);
        }
        packed
    }

    /// The packed factor.
    #[cfg(feature = "training")]
    pub(crate) fn into_packed(self) -> Vec<f64> {
        self.packed
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
            let inverse = factor.inverse();
            let first: f64 = (0..6).map(|j| a(0, j) * inverse[row_start(j)]).sum();
            prop_assert!((first - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn indefinite_and_nan_matrices_have_no_factor() {
        assert!(Cholesky::factor(vec![1.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::factor(vec![f64::NAN], 1).is_none());
        assert!(Cholesky::factor(vec![0.0], 1).is_none());
    }
}
