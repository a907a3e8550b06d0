//! Views of the portal that are kept under a name, for everybody of the organization.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use uuid::Uuid;

use super::names::check_name;
use super::principal::Principal;
use super::record::Record;
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::views::{MOST_VIEWS, NewView, SavedView};

/// Longest address of a view, in bytes.
pub const LONGEST_ADDRESS: usize = 2_000;

/// Keeps the address of a page under a name.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; [`Code::RequestValue`] for the name and for an address that is
/// no path of the portal; [`Code::TooMany`]; those of repeated writes.
pub async fn keep(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    (name, address): (String, String),
) -> Result<Written<SavedView>, Problem> {
    by.expect(Scope::ResultsRead)?;
    check_name("name", &name)?;
    check_address(&address)?;
    let new = NewView { id: random_id(record.entropy)?, name, address };
    let kept = accounts.keep_view(by.context(), write, &new).await?;
    let written = kept.ok_or_else(|| {
        let message =
            format!("there are {MOST_VIEWS} views, as many as there may be; delete one that nobody needs");
        Problem::new(Code::TooMany, "", message)
    })?;
    if let Written::Fresh(view) = &written {
        let after = json!({ "name": view.name, "address": view.address });
        record.note(by, by.organization, Action::ViewKept, ("view", view.id), Some(after)).await;
    }
    Ok(written)
}

/// The organization's views, newest first.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<SavedView>>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(accounts.views(by.context(), page).await?)
}

/// Deletes a view.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; `Code::NotFound`.
pub async fn delete(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    id: Uuid,
) -> Result<SavedView, Problem> {
    by.expect(Scope::ResultsRead)?;
    let deleted = accounts.delete_view(by.context(), id).await?;
    record.note(by, by.organization, Action::ViewDeleted, ("view", id), None).await;
    Ok(deleted)
}

/// A path within the portal and its query. What a browser would take for another site is none.
fn check_address(address: &str) -> Result<(), Problem> {
    let within = address.starts_with('/') && !address.starts_with("//");
    let plain =
        !address.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\');
    if within && plain && address.len() <= LONGEST_ADDRESS {
        return Ok(());
    }
    let message = format!(
        "must be a path of the portal such as `/market?status=active`, at most {LONGEST_ADDRESS} bytes, without blanks"
    );
    Err(Problem::new(Code::RequestValue, "address", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_within_the_portal() {
        for good in ["/", "/market?status=active", "/experiments/a?tab=metrics#x", "/市场?q=%20"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_ADDRESS));
        let bad = [
            "",
            "market",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
        ];
        for bad in bad.into_iter().chain(["/a b", "/a\nb", "/a\tb", &long]) {
            let problem = check_address(bad).unwrap_err();
            assert_eq!((problem.code, problem.field.as_str()), (Code::RequestValue, "address"), "{bad}");
        }
    }
}
