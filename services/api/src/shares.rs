//! Shares: what many organizations use at the same time, so that none of them takes all of it.
//!
//! An organization may hold a place as long as it holds fewer than are still free. One alone gets half
//! of all places, two a third each, `n` of them `1 / (n + 1)`: a share always stays free for the next
//! one who comes, and nobody has to say beforehand how many there will be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use spotwright_schemas::ids::OrganizationId;

/// Places of one kind, e.g. requests worked on at the same time.
#[derive(Debug)]
pub(crate) struct Shares {
    places: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by: HashMap<OrganizationId, usize>,
}

/// A place that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    organization: OrganizationId,
}

impl Shares {
    /// So many places.
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places, held: Mutex::default() })
    }

    /// Takes a place for an organization; `None` when it holds its share already.
    pub(crate) fn take(self: &Arc<Self>, organization: OrganizationId) -> Option<Share> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.places.saturating_sub(held.all);
        let own = held.by.get(&organization).copied().unwrap_or(0);
        if own >= free {
            return None;
        }
        held.all += 1;
        held.by.insert(organization, own + 1);
        Some(Share { shares: Arc::clone(self), organization })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        if let Some(own) = held.by.get_mut(&self.organization) {
            *own -= 1;
            if *own == 0 {
                held.by.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization(number: u64) -> OrganizationId {
        OrganizationId::derive(1, "organization", number)
    }

    fn all_of(shares: &Arc<Shares>, number: u64) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(organization(number))).collect()
    }

    #[test]
    fn whoever_comes_next_finds_a_share() {
        let shares = Shares::new(512);
        let mut held = Vec::new();
        for number in 0..6 {
            let own = all_of(&shares, number);
            assert!(own.len() >= 512 >> (number + 1), "organization {number} gets {}", own.len());
            held.push(own);
        }
    }

    #[test]
    fn two_that_ask_in_turns_get_a_third_each() {
        let shares = Shares::new(30);
        let mut held = Vec::new();
        for turn in 0..100 {
            held.extend(shares.take(organization(turn % 2)));
        }
        assert_eq!(held.len(), 20);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let shares = Shares::new(4);
        let own = all_of(&shares, 1);
        assert_eq!(own.len(), 2);
        drop(own);
        assert_eq!(all_of(&shares, 2).len(), 2);
        assert!(shares.held.lock().unwrap().by.is_empty(), "nobody holds anything any more");
    }

    #[test]
    fn a_single_place_goes_to_whoever_asks_first() {
        let shares = Shares::new(1);
        let place = shares.take(organization(1));
        assert!(place.is_some() && shares.take(organization(2)).is_none());
        drop(place);
        assert!(shares.take(organization(2)).is_some());
        assert!(Shares::new(0).take(organization(1)).is_none());
    }
}
