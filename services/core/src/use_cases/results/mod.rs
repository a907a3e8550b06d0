//! Results from outside: what was handed in, and which variants it is about.

mod batch;
mod external_refs;
mod matching;
mod read;
mod take_in;

use spotwright_schemas::Problem;

use crate::ports::accounts::AccountError;

pub use batch::{Batch, BatchRow, MOST_ROWS, rows_of};
pub use external_refs::{check as check_refs, external_refs, put_external_refs};
pub use read::{import, imports, observations};
pub use take_in::{Handed, Taken, remembered_mapping, take_in};

/// Why a use case of results did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// What was asked is refused (permanent).
    #[error("{0}")]
    Refused(Problem),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] AccountError),
}

impl From<Problem> for ResultsError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
