//! Matrix products in single precision on the widest vector registers that the processor has.
//!
//! Each number of a product is summed in the order of the inner dimension by one fused chain, so it
//! depends neither on how many rows are multiplied together nor on where its row stands. Weights
//! are laid out once, in panels that a product reads from front to back; rows are read where they
//! lie. Six rows by four registers of columns stay in registers over the whole inner dimension
//! (Goto and van de Geijn, ACM TOMS 34(3), 2008, on why).

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function for one kind of processor runs on the registers of the oldest"
)]

use pulp::{Arch, Simd, WithSimd};

/// Columns of a panel: four registers of the widest kind.
const PANEL: usize = 64;
/// Rows whose sums stay in registers together.
const TILE_ROWS: usize = 6;

/// A linear map laid out for products.
pub(super) struct Weights {
    n_inputs: usize,
    /// Panel by input by [`PANEL`] outputs; columns past the last are zero.
    panels: Vec<f32>,
    bias: Vec<f32>,
}

/// A matrix that lies in `values`, one row every `stride` numbers.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
}

/// Where a product goes: one row every `stride` numbers.
pub(super) struct Target<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) stride: usize,
}

/// What happens to every piece of a product's row once, while it is still in the nearest cache.
pub(super) trait Finish: Copy {
    /// Changes the piece in place. Inlined into functions for one kind of processor.
    fn finish(self, piece: &mut [f32]);
}

/// The product as it is.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Finish for Plain {
    #[inline(always)]
    fn finish(self, _piece: &mut [f32]) {}
}

impl Weights {
    /// From `rows`, output by input, and one `bias` per output.
    ///
    /// # Errors
    /// There is no bias, or `rows` is not that many equally long rows.
    pub(super) fn new(rows: &[f32], bias: Vec<f32>, n_inputs: usize) -> Result<Self, String> {
        if bias.is_empty() || n_inputs == 0 || rows.len() != bias.len() * n_inputs {
            return Err("a linear map has another shape".to_owned());
        }
        let mut panels = vec![0.0; bias.len().div_ceil(PANEL) * n_inputs * PANEL];
        for (output, row) in rows.chunks_exact(n_inputs).enumerate() {
            let panel = &mut panels[output / PANEL * n_inputs * PANEL..];
            for (line, value) in panel.chunks_exact_mut(PANEL).zip(row) {
                line[output % PANEL] = *value;
            }
        }
        Ok(Self { n_inputs, panels, bias })
    }

    pub(super) const fn n_outputs(&self) -> usize {
        self.bias.len()
    }

    /// Rows of outputs, one for each row of `inputs`, which lie one below the other.
    pub(super) fn apply(&self, arch: Arch, inputs: &[f32], outputs: &mut [f32], finish: impl Finish) {
        struct Apply<'a, F> {
            weights: &'a Weights,
            inputs: &'a [f32],
            outputs: &'a mut [f32],
            finish: F,
        }
        impl<F: Finish> WithSimd for Apply<'_, F> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let (n_inputs, n_outputs) = (self.weights.n_inputs, self.weights.n_outputs());
                let left = Matrix { values: self.inputs, stride: n_inputs };
                let panels = self.weights.panels.chunks_exact(n_inputs * PANEL);
                let mut bias = [0.0; PANEL];
                for (panel, start) in panels.zip((0..n_outputs).step_by(PANEL)) {
                    let n_columns = PANEL.min(n_outputs - start);
                    bias[..n_columns].copy_from_slice(&self.weights.bias[start..start + n_columns]);
                    let right = Matrix { values: panel, stride: PANEL };
                    let target = Target { values: &mut self.outputs[start..], stride: n_outputs };
                    columns(simd, left, n_inputs, right, Some(&bias), n_columns, target, self.finish);
                }
            }
        }
        debug_assert_eq!(inputs.len() / self.n_inputs, outputs.len() / self.n_outputs());
        if outputs.is_empty() {
            return;
        }
        arch.dispatch(Apply { weights: self, inputs, outputs, finish });
    }
}

/// Multiplies rows of `n_inner` numbers (as many as `target` has) with the `n_columns` first columns
/// of `right`, whose stride is at least `n_columns` rounded up to 16.
///
/// To be inlined into a function for one kind of processor.
#[inline(always)]
pub(super) fn multiply<S: Simd>(
    simd: S,
    left: Matrix,
    n_inner: usize,
    right: Matrix,
    n_columns: usize,
    target: Target,
) {
    columns(simd, left, n_inner, right, None, n_columns, target, Plain);
}

/// Goes through the columns, as many registers at a time as tiles are wide.
#[inline(always)]
fn columns<S: Simd>(
    simd: S,
    left: Matrix,
    n_inner: usize,
    right: Matrix,
    bias: Option<&[f32; PANEL]>,
    n_columns: usize,
    target: Target,
    finish: impl Finish,
) {
    let Target { values, stride } = target;
    let mut start = 0;
    while start < n_columns {
        let left_over = n_columns - start;
        let piece = Piece {
            left,
            n_inner,
            right,
            start,
            bias: bias.map(|bias| &bias[start..]),
            n_columns: left_over,
            stride,
        };
        let target = &mut values[start..];
        start += if S::REGISTER_COUNT >= 32 && left_over > 3 * S::F32_LANES {
            piece.multiply::<S, 4>(simd, target, finish)
        } else if left_over > S::F32_LANES {
            piece.multiply::<S, 2>(simd, target, finish)
        } else {
            piece.multiply::<S, 1>(simd, target, finish)
        };
    }
}

/// Some columns of a product.
struct Piece<'a> {
    left: Matrix<'a>,
    n_inner: usize,
    right: Matrix<'a>,
    /// First column.
    start: usize,
    bias: Option<&'a [f32]>,
    /// Columns that are left, possibly more than a tile has.
    n_columns: usize,
    /// Of the target.
    stride: usize,
}

impl Piece<'_> {
    /// Computes `REGISTERS` registers of columns, or those that are left, and says how many.
    #[inline(always)]
    fn multiply<S: Simd, const REGISTERS: usize>(
        &self,
        simd: S,
        target: &mut [f32],
        finish: impl Finish,
    ) -> usize {
        let width = self.n_columns.min(REGISTERS * S::F32_LANES);
        // The last row of the target need not reach to the end of its stride.
        let n_rows = (target.len() + self.stride - width) / self.stride;
        let mut row = 0;
        while row + TILE_ROWS <= n_rows {
            self.tile::<S, TILE_ROWS, REGISTERS>(simd, row, target, width, finish);
            row += TILE_ROWS;
        }
        while row < n_rows {
            self.tile::<S, 1, REGISTERS>(simd, row, target, width, finish);
            row += 1;
        }
        width
    }

    /// Indices are constants once the loops over them are unrolled, which keeps the sums in registers.
    #[expect(clippy::needless_range_loop, reason = "iterators over the sums would put them in memory")]
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const REGISTERS: usize>(
        &self,
        simd: S,
        row: usize,
        target: &mut [f32],
        width: usize,
        finish: impl Finish,
    ) {
        let n = self.n_inner;
        let rows: [&[f32]; ROWS] =
            std::array::from_fn(|idx| &self.left.values[(row + idx) * self.left.stride..][..n]);
        let registers = |line: &[f32]| -> [S::f32s; REGISTERS] {
            let (whole, _rest) = S::as_simd_f32s(&line[..REGISTERS * S::F32_LANES]);
            std::array::from_fn(|idx| whole[idx])
        };
        let first = match self.bias {
            Some(bias) => registers(bias),
            None => [simd.splat_f32s(0.0); REGISTERS],
        };
        let mut sums = [first; ROWS];
        let lines = self.right.values.chunks_exact(self.right.stride);
        for (idx, line) in (0..n).zip(lines) {
            let line = registers(&line[self.start..]);
            for row in 0..ROWS {
                let value = simd.splat_f32s(rows[row][idx]);
                for column in 0..REGISTERS {
                    sums[row][column] = simd.mul_add_e_f32s(value, line[column], sums[row][column]);
                }
            }
        }
        for idx in 0..ROWS {
            let line = &mut target[(row + idx) * self.stride..][..width];
            for column in 0..REGISTERS {
                let part = line.get_mut(column * S::F32_LANES..).unwrap_or_default();
                match S::as_mut_simd_f32s(part).0.first_mut() {
                    Some(whole) => *whole = sums[idx][column],
                    None => simd.partial_store_f32s(part, sums[idx][column]),
                }
            }
            finish.finish(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|idx| ((idx * 7_919 + seed * 104_729) % 1_000) as f32 * 2e-3 - 1.0).collect()
    }

    #[derive(Clone, Copy)]
    struct Twice;

    impl Finish for Twice {
        fn finish(self, piece: &mut [f32]) {
            for value in piece {
                *value *= 2.0;
            }
        }
    }

    fn kinds() -> Vec<Arch> {
        let mut kinds = vec![Arch::Scalar, Arch::new()];
        #[cfg(target_arch = "x86_64")]
        kinds.extend(pulp::x86::V3::try_new().map(Arch::V3));
        kinds
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn products_equal_the_definition_on_every_kind_of_processor(
            n_rows in 1_usize..20, n_inputs in 1_usize..40, n_outputs in 1_usize..150, seed in 0_usize..100,
        ) {
            let (inputs, rows) = (numbers(n_rows * n_inputs, seed), numbers(n_outputs * n_inputs, seed + 1));
            let bias = numbers(n_outputs, seed + 2);
            let weights = Weights::new(&rows, bias.clone(), n_inputs).unwrap();
            for arch in kinds() {
                let mut outputs = vec![f32::NAN; n_rows * n_outputs];
                weights.apply(arch, &inputs, &mut outputs, Twice);
                for (input, output) in inputs.chunks(n_inputs).zip(outputs.chunks(n_outputs)) {
                    for ((found, row), bias) in output.iter().zip(rows.chunks(n_inputs)).zip(&bias) {
                        let sum: f32 = input.iter().zip(row).map(|(a, b)| a * b).sum();
                        prop_assert!((found - 2.0 * (sum + bias)).abs() < 1e-4, "{found} {sum} {bias}");
                    }
                }
                // A row alone gives the same bits.
                let mut alone = vec![f32::NAN; n_outputs];
                weights.apply(arch, &inputs[..n_inputs], &mut alone, Twice);
                prop_assert_eq!(&alone[..], &outputs[..n_outputs]);
                weights.apply(arch, &[], &mut [], Twice);
            }
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(Weights::new(&[1.0; 6], vec![0.0; 2], 3).is_ok());
        assert!(Weights::new(&[1.0; 5], vec![0.0; 2], 3).is_err());
        assert!(Weights::new(&[], Vec::new(), 3).is_err());
    }
}
