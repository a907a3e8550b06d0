//! The last requests of each organization, for the developers there: in the memory of this process, bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, OnceLock, PoisonError};

use axum::http::Method;
use spotwright_core::domain::people::Holder;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;

use crate::rate::Standing;

/// Requests kept of one organization.
pub(crate) const KEPT: usize = 200;

/// Organizations that requests are kept of; the one that has been silent for longest gives up its place.
const MOST_ORGANIZATIONS: usize = 1_000;

/// Who asks for what, as soon as it is known; travels with the request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) organization: OrganizationId,
    pub(crate) holder: Holder,
    /// The path as routed.
    pub(crate) route: &'static str,
    /// Where its key stands with its rate.
    pub(crate) rate: Standing,
}

/// Where the check before every handler leaves word for the outermost layer.
pub(crate) type AskedCell = std::sync::Arc<OnceLock<Asked>>;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Numbers the requests of this process.
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) method: Method,
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    pub(crate) code: Option<Code>,
    pub(crate) millis: u64,
    pub(crate) holder: Holder,
}

#[derive(Default)]
struct Kept {
    last_number: i64,
    of: HashMap<OrganizationId, VecDeque<Seen>>,
}

/// The last requests of each organization.
#[derive(Default)]
pub(crate) struct RequestLog(Mutex<Kept>);

impl RequestLog {
    /// Keeps a request; its number is given here.
    pub(crate) fn note(&self, organization: OrganizationId, mut seen: Seen) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last_number += 1;
        seen.number = kept.last_number;
        if kept.of.len() >= MOST_ORGANIZATIONS && !kept.of.contains_key(&organization) {
            let newest = |seen: &VecDeque<Seen>| seen.back().map_or(0, |last| last.number);
            let silent = kept.of.iter().min_by_key(|(_, seen)| newest(seen)).map(|(id, _)| *id);
            if let Some(silent) = silent {
                kept.of.remove(&silent);
            }
        }
        let own = kept.of.entry(organization).or_default();
        if own.len() >= KEPT {
            own.pop_front();
        }
        own.push_back(seen);
    }

    /// Requests of an organization before one of them, newest first.
    pub(crate) fn list(&self, organization: OrganizationId, before: Option<i64>, limit: u32) -> Vec<Seen> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = before.unwrap_or(i64::MAX);
        let own = kept.of.get(&organization);
        let older = own.into_iter().flatten().rev().filter(|seen| seen.number < before);
        older.take(limit as usize).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::ids::KeyId;

    use super::*;

    fn seen(id: u64) -> Seen {
        Seen {
            number: 0,
            id: id.to_string(),
            at: 0,
            method: Method::GET,
            route: "/v1/runs",
            status: 200,
            code: None,
            millis: 1,
            holder: Holder::Key(KeyId::derive(1, "key", 0)),
        }
    }

    fn ids(list: &[Seen]) -> Vec<u64> {
        list.iter().map(|seen| seen.id.parse().unwrap()).collect()
    }

    #[test]
    fn the_last_requests_come_newest_first_in_pages() {
        let log = RequestLog::default();
        let (one, other) = (OrganizationId::derive(1, "one", 0), OrganizationId::derive(1, "other", 0));
        for number in 0..300 {
            log.note(if number % 3 == 0 { other } else { one }, seen(number));
        }
        let first = log.list(one, None, 3);
        assert_eq!(ids(&first), [299, 298, 296]);
        assert_eq!(ids(&log.list(one, Some(first[2].number), 2)), [295, 293]);
        assert_eq!(log.list(one, None, 999).len(), KEPT);
        assert_eq!(log.list(other, None, 999).len(), 100);
        assert!(log.list(OrganizationId::derive(1, "third", 0), None, 9).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let log = RequestLog::default();
        let organization = |number| OrganizationId::derive(1, "organization", number);
        for number in 0..MOST_ORGANIZATIONS as u64 + 10 {
            log.note(organization(number), seen(number));
        }
        assert_eq!(log.0.lock().unwrap().of.len(), MOST_ORGANIZATIONS);
        assert!(log.list(organization(9), None, 1).is_empty(), "the silent ones give way");
        assert_eq!(log.list(organization(10), None, 1).len(), 1);
    }
}
