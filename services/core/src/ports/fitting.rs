//! Fitting: how the texts of a shot stand in its frame, told before anything is rendered.

use spotwright_schemas::storyboard::Storyboard;

use crate::domain::revision::SetTexts;

/// Measures shots as they will be rendered.
///
/// Contract:
/// 1. Pure but for reading the storyboard's pictures: nothing is written, encoded or charged.
/// 2. A shot that is measured without a fault is laid out without a fault by the video backend of the same
///    program, where it shows its picture; a clip in the picture's place leaves texts where they are.
/// 3. May take tens of milliseconds of processor time for each shot, and blocks meanwhile.
pub trait Fitting: Send + Sync {
    /// The texts of one shot at rest. What cannot be laid out or measured is a fault in words.
    fn fit(&self, board: &Storyboard, shot: usize) -> SetTexts;
}
