//! What goes wrong below a use case, as the problem that is told: the one place where errors of ports become
//! problems.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::ports::accounts::AccountError;
use crate::ports::entropy::EntropyError;
use crate::ports::people::PeopleError;

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let whole = |code, message: String| Self::new(code, "", message);
        match error {
            AccountError::Missing(what) => whole(Code::NotFound, format!("there is no such {what}")),
            AccountError::KeyReused => Self::new(
                Code::IdempotencyConflict,
                "idempotency-key",
                "was used for another request within 24 hours; use a new key",
            ),
            AccountError::InFlight => Self::new(
                Code::IdempotencyInFlight,
                "idempotency-key",
                "a request with this key is being worked on; repeat it to get its answer",
            ),
            AccountError::Budget { needed, free } => whole(
                Code::OrganizationBudget,
                format!("{} micros are needed and {} may still be committed", needed.0, free.0),
            ),
            AccountError::Quota { quota, used } => whole(
                Code::AssetQuota,
                format!("your pictures take {used} bytes of {quota}; delete some that you do not need"),
            ),
            AccountError::LastKey => whole(
                Code::LastKey,
                "it is the last key that may make keys; make another one first, with the scope `keys:admin`"
                    .to_owned(),
            ),
            AccountError::Currency { budget, run } => Self::new(
                Code::BudgetCurrency,
                "brief",
                format!(
                    "is budgeted in {}, and the organization may spend in {} only",
                    run.code(),
                    budget.code()
                ),
            ),
            AccountError::Database(cause) => whole(Code::Store, cause),
            AccountError::Format(what) => whole(Code::StoreFormat, what),
            AccountError::Contradiction(what) => whole(Code::Internal, what),
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Account(error) => error.into(),
            PeopleError::LastOwner => {
                let message = "is the last owner; make somebody else an owner first";
                Self::new(Code::LastOwner, "id", message)
            }
            PeopleError::MemberAlready => {
                let message = "is the address of a member already; give them another role instead";
                Self::new(Code::MemberAlready, "email", message)
            }
            PeopleError::NotOpen => {
                let message =
                    "is of an invitation that was accepted or revoked, or has expired; ask for another one";
                Self::new(Code::Unauthenticated, "token", message)
            }
        }
    }
}

impl From<EntropyError> for Problem {
    fn from(error: EntropyError) -> Self {
        Self::new(Code::Unavailable, "", error.to_string())
    }
}
