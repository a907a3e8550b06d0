//! Reviews: approvals and comments of the own organization's variants, and links for reviewers who have no
//! account.

pub mod approvals;
pub mod comments;
pub mod shared;
pub mod shares;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::principal::Principal;
use super::record::Record;
use super::throttle::Throttle;
use crate::domain::account::Scope;
use crate::ports::accounts::AccountStore;
use crate::ports::people::TokenSeal;
use crate::ports::reviews::{ReviewError, ReviewStore};

/// Longest comment or note in characters.
pub const LONGEST_TEXT: usize = 2_000;

/// What the use cases of reviews work with.
#[derive(Clone, Copy)]
pub struct ReviewPorts<'a> {
    /// Approvals, comments and links.
    pub reviews: &'a dyn ReviewStore,
    /// Variants.
    pub accounts: &'a dyn AccountStore,
    /// Codes of tokens.
    pub seal: &'a dyn TokenSeal,
    /// What is done by links.
    pub throttle: &'a Throttle,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

impl ReviewPorts<'_> {
    /// Now, by the clock of the program.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.record.clock.now_micros()
    }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Account(error) => error.into(),
            ReviewError::TooMany { what, most } => {
                Self::new(Code::TooMany, "", format!("there are {most} {what}, as many as there may be"))
            }
        }
    }
}

/// Checks the words of a comment or note: 1 to [`LONGEST_TEXT`] characters, one of them not blank, none of
/// them a control character but line breaks and tabs.
///
/// # Errors
/// [`Code::RequestValue`] with the field.
pub fn check_words(field: &str, text: &str) -> Result<(), Problem> {
    let unwanted = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let length = text.chars().count();
    if length > LONGEST_TEXT || text.trim().is_empty() || text.contains(unwanted) {
        let message =
            format!("must be 1 to {LONGEST_TEXT} characters, not only blanks, without control characters");
        return Err(Problem::new(Code::RequestValue, field, message));
    }
    Ok(())
}

/// Refuses who may neither make ads nor approve them.
fn expect_reviewer(by: &Principal) -> Result<(), Problem> {
    if by.may(Scope::ApprovalsWrite) {
        return Ok(());
    }
    by.expect(Scope::RunsWrite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words() {
        for fine in ["a", "two\nlines\twith a tab", "很好", &"x".repeat(LONGEST_TEXT)] {
            assert!(check_words("text", fine).is_ok(), "{fine}");
        }
        for wrong in ["", "  \n", "a\0", "\u{7f}", &"x".repeat(LONGEST_TEXT + 1)] {
            let problem = check_words("text", wrong).unwrap_err();
            assert_eq!((problem.code, problem.field.as_str()), (Code::RequestValue, "text"));
        }
    }
}
