//! What somebody may read of an organization's money.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;

use super::Principal;
use crate::domain::account::Scope;
use crate::domain::books::LedgerFilter;

/// Longest time of one reading of the books, in days.
const LONGEST_DAYS: i64 = 366;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// What of the ledger may be read.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::RequestValue` for a time that ends before it begins or is
/// longer than a year.
pub fn ledger_of(
    principal: &Principal,
    run: Option<RunId>,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<LedgerFilter, Problem> {
    principal.expect(Scope::RunsRead)?;
    if let (Some(from), Some(to)) = (from, to) {
        if to <= from {
            return Err(Problem::new(Code::RequestValue, "to", "must be after `from`"));
        }
        if to.saturating_sub(from) > LONGEST_DAYS * DAY_MICROS {
            let message = format!("at most {LONGEST_DAYS} days may be read at once");
            return Err(Problem::new(Code::RequestValue, "to", message));
        }
    }
    Ok(LedgerFilter { run, from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::{Role, Who};
    use spotwright_schemas::ids::{OrganizationId, PersonId};

    fn principal(scopes: &[Scope]) -> Principal {
        Principal {
            organization: OrganizationId::derive(1, "organization", 0),
            who: Who::Person(PersonId::derive(1, "person", 0)),
            scopes: scopes.to_vec(),
        }
    }

    #[test]
    fn times_are_checked_and_so_is_who_asks() {
        let viewer = principal(Role::Viewer.scopes());
        assert!(ledger_of(&viewer, None, Some(5), Some(6)).is_ok());
        assert_eq!(ledger_of(&viewer, None, Some(5), Some(5)).unwrap_err().field, "to");
        let year = LONGEST_DAYS * DAY_MICROS;
        assert!(ledger_of(&viewer, None, Some(0), Some(year)).is_ok());
        assert!(ledger_of(&viewer, None, Some(0), Some(year + 1)).is_err());
        assert_eq!(ledger_of(&principal(&[]), None, None, None).unwrap_err().code, Code::Forbidden);
    }
}
