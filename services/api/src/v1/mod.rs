//! Version 1: one module for each resource, one file for each operation.

pub(crate) mod ads;
pub(crate) mod api_keys;
pub(crate) mod approvals;
pub(crate) mod assets;
pub(crate) mod audit_log;
pub(crate) mod brands;
pub(crate) mod briefs;
pub(crate) mod campaigns;
pub(crate) mod comments;
pub(crate) mod events;
pub(crate) mod experiments;
pub(crate) mod imports;
pub(crate) mod insight;
pub(crate) mod invitations;
pub(crate) mod ledger;
pub(crate) mod me;
pub(crate) mod members;
pub(crate) mod observations;
pub(crate) mod operations;
pub(crate) mod organizations;
pub(crate) mod reports;
pub(crate) mod requests;
pub(crate) mod runs;
pub(crate) mod sandbox;
pub(crate) mod sessions;
pub(crate) mod shared;
pub(crate) mod shares;
pub(crate) mod usage;
pub(crate) mod variants;
pub(crate) mod videos;
pub(crate) mod views;
pub(crate) mod webhooks;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::PageQuery;
use crate::problem::ApiProblem;
use crate::state::App;

/// Rows read at once where all are wanted.
const WHOLE_PAGE: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Listing<T> {
    /// The rows of the page.
    pub(crate) data: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}

impl<T> Listing<T> {
    /// Makes a page of at most `limit` of `rows`, which hold one more when there is a next page;
    /// `cursor` makes the cursor that goes on after a row.
    pub(crate) fn of<R>(
        mut rows: Vec<R>,
        limit: u32,
        cursor: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Self {
        let limit = limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if has_more { rows.last().map(cursor) } else { None };
        Self { data: rows.into_iter().map(view).collect(), next_cursor, has_more }
    }

    /// As [`Listing::of`], for rows with a position.
    pub(crate) fn positioned<R>(
        app: &App,
        list: List<'_>,
        rows: Vec<Positioned<R>>,
        limit: u32,
        view: impl Fn(R) -> T,
    ) -> Self {
        let cursor = |row: &Positioned<R>| list.cursor(&app.state.pepper, &row.position.to_be_bytes());
        Self::of(rows, limit, cursor, |row| view(row.row))
    }
}

/// A list of the caller's organization, and the page that is asked of it: one row more than the
/// answer holds, to know whether there is another page.
pub(crate) fn page_of<'a>(
    app: &App,
    caller: &Caller,
    name: &'a str,
    query: &PageQuery,
) -> Result<(List<'a>, Page, u32), ApiProblem> {
    let list = List { organization: caller.context.organization.0, name, of: b"" };
    let page = query.page(&app.state.pepper, list)?;
    Ok((list, Page { limit: page.limit + 1, ..page }, page.limit))
}

/// Passes through all rows of a list of an organization, a page at a time.
pub(crate) async fn every<R, F>(mut page_of: impl FnMut(Page) -> F) -> Result<Vec<R>, ApiProblem>
where
    F: Future<Output = Result<Vec<Positioned<R>>, AccountError>>,
{
    let mut rows = Vec::new();
    let mut page = Page { before: None, limit: WHOLE_PAGE };
    loop {
        let found = page_of(page).await?;
        let Some(last) = found.last() else { return Ok(rows) };
        page.before = Some(last.position);
        rows.extend(found.into_iter().map(|row| row.row));
    }
}

/// A time of the database as text (RFC 3339, UTC).
pub(crate) fn time(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_there_is_another() {
        let page = |rows: Vec<u8>| Listing::of(rows, 2, u8::to_string, |row| row);
        assert_eq!(page(vec![1, 2]), Listing { data: vec![1, 2], next_cursor: None, has_more: false });
        let more = Listing { data: vec![1, 2], next_cursor: Some("2".to_owned()), has_more: true };
        assert_eq!(page(vec![1, 2, 3]), more);
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
    }
}
