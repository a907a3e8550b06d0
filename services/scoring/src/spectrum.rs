//! Leading eigenvectors of symmetric positive semi-definite matrices, for compact posteriors.

use candle_core::{Device, Tensor};
use spotwright_schemas::random::Stream;

use crate::error::Error;
use crate::linear::{add_scaled, dot};

/// Rounds of multiplication and orthonormalization. The eigenvectors that matter lie far above the
/// rest; those near the cut need not be exact, because any orthonormal basis gives a valid
/// posterior.
const ROUNDS: usize = 12;
/// Directions beyond those asked for, which speed up convergence.
const SPARE: usize = 32;

/// An eigenvalue with its unit eigenvector.
pub(crate) struct Eigen {
    pub(crate) value: f64,
    pub(crate) vector: Vec<f64>,
}

/// The `count` largest eigenvalues of the symmetric matrix `matrix` (`n` rows of `n` numbers),
/// largest first, by subspace iteration with a Rayleigh-Ritz step (Saad, Numerical Methods for
/// Large Eigenvalue Problems, 2011, section 5.2). Fewer when the matrix has a lower rank.
pub(crate) fn leading_eigen(matrix: &Tensor, n: usize, count: usize) -> Result<Vec<Eigen>, Error> {
    let fail = |error: candle_core::Error| Error::Fit(format!("eigenvectors: {error}"));
    let width = (count + SPARE).min(n);
    let start = Stream::new(0, "leading-eigen");
    let mut basis: Vec<Vec<f64>> = (0..width as u64)
        .map(|column| (0..n as u64).map(|row| start.child(column).normal(row)).collect())
        .collect();
    orthonormalize(&mut basis);
    let multiply = |basis: &[Vec<f64>]| -> Result<Vec<Vec<f64>>, Error> {
        // Rows of the basis times the symmetric matrix.
        Tensor::from_vec(basis.concat(), (basis.len(), n), &Device::Cpu)
            .and_then(|rows| rows.matmul(matrix)?.to_vec2::<f64>())
            .map_err(fail)
    };
    for _ in 0..ROUNDS {
        basis = multiply(&basis)?;
        orthonormalize(&mut basis);
        if basis.is_empty() {
            return Ok(Vec::new());
        }
    }
    let images = multiply(&basis)?;
    let small: Vec<Vec<f64>> =
        basis.iter().map(|row| images.iter().map(|image| dot(row, image)).collect()).collect();
    let (values, rotations) = jacobi(small);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(count);
    Ok(order
        .into_iter()
        .map(|idx| {
            let mut vector = vec![0.0; n];
            for (row, rotation) in basis.iter().zip(&rotations) {
                add_scaled(&mut vector, row, rotation[idx]);
            }
            Eigen { value: values[idx].max(0.0), vector }
        })
        .collect())
}

/// Gram-Schmidt, twice for stability; vectors that are combinations of earlier ones are dropped.
fn orthonormalize(basis: &mut Vec<Vec<f64>>) {
    let largest = basis.iter().map(|row| dot(row, row)).fold(0.0, f64::max).sqrt();
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(basis.len());
    for mut row in basis.drain(..) {
        for _ in 0..2 {
            for other in &done {
                let shared = dot(&row, other);
                add_scaled(&mut row, other, -shared);
            }
        }
        let length = dot(&row, &row).sqrt();
        if length > 1e-12 * largest {
            for value in &mut row {
                *value /= length;
            }
            done.push(row);
        }
    }
    *basis = done;
}

/// Eigenvalues and eigenvectors (columns of the second value) of a small symmetric matrix, by
/// cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, section 8.5).
fn jacobi(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len();
    // Rows are the eigenvectors to be; transposed at the end.
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _sweep in 0..30 {
        let off: f64 = (0..n).map(|i| (0..i).map(|j| matrix[i][j].powi(2)).sum::<f64>()).sum();
        let diagonal: f64 = (0..n).map(|i| matrix[i][i].powi(2)).sum();
        if off <= 1e-22 * diagonal {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = matrix[p][q];
                if apq.abs() <= 1e-300 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                rotate(&mut matrix, p, q, c, s);
                for row in &mut matrix {
                    let (x, y) = (row[p], row[q]);
                    row[p] = c * x - s * y;
                    row[q] = s * x + c * y;
                }
                rotate(&mut vectors, p, q, c, s);
            }
        }
    }
    let values = (0..n).map(|i| matrix[i][i]).collect();
    let columns = (0..n).map(|i| (0..n).map(|j| vectors[j][i]).collect()).collect();
    (values, columns)
}

fn rotate(rows: &mut [Vec<f64>], p: usize, q: usize, c: f64, s: f64) {
    let (head, tail) = rows.split_at_mut(q);
    for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
        let (old_x, old_y) = (*x, *y);
        *x = c * old_x - s * old_y;
        *y = s * old_x + c * old_y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_known_spectrum_is_taken_apart() {
        // A = Σ value v vᵀ over an orthonormal basis.
        let n = 60;
        let draws = Stream::new(3, "spectrum");
        let mut basis: Vec<Vec<f64>> =
            (0..n as u64).map(|i| (0..n as u64).map(|j| draws.child(i).normal(j)).collect()).collect();
        orthonormalize(&mut basis);
        let value = |i: usize| if i < 40 { 0.8_f64.powi(i as i32) } else { 0.0 };
        let mut matrix = vec![0.0; n * n];
        for (i, vector) in basis.iter().enumerate() {
            for (row, x) in matrix.chunks_mut(n).zip(vector) {
                add_scaled(row, vector, value(i) * x);
            }
        }
        let matrix = Tensor::from_vec(matrix, (n, n), &Device::Cpu).unwrap();
        let found = leading_eigen(&matrix, n, 8).unwrap();
        assert_eq!(found.len(), 8);
        for (i, eigen) in found.iter().enumerate() {
            assert!((eigen.value - value(i)).abs() < 1e-9, "{i}: {}", eigen.value);
            assert!(dot(&eigen.vector, &basis[i]).abs() > 1.0 - 1e-6);
        }
    }
}
