//! Attempts to sign in are rare: so many for an e-mail address, and so many from a network address. So are
//! looks for a link of reviewers that is not there, and what is done by one link.
//!
//! An attempt is counted before it is made, so that many at the same time count too, and is given back when it
//! succeeds. The counts are those of the process.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ShareId;

use crate::domain::people::Email;

/// Attempts for one e-mail address at once.
const OF_AN_EMAIL: i64 = 8;

/// After so long an e-mail address has one more: half a minute, so nobody tries more than 3,000 a day.
const EMAIL_MICROS: i64 = 30_000_000;

/// Attempts from one network address at once. A proxy in front of the service is one address for all.
const OF_AN_ADDRESS: i64 = 120;

/// After so long a network address has one more: one second.
const ADDRESS_MICROS: i64 = 1_000_000;

/// Links of reviewers that a network address may look for in vain at once.
const GUESSES: i64 = 60;

/// After so long a network address has one more: two seconds. A token has 256 bits, so this is for the
/// database, not for the token.
const GUESS_MICROS: i64 = 2_000_000;

/// Reads by one link at once; a player asks for a video in many parts.
const READS: i64 = 1_200;

/// After so long a link has one more read: 50 milliseconds.
const READ_MICROS: i64 = 50_000;

/// Comments and decisions by one link at once.
const REMARKS: i64 = 60;

/// After so long a link has one more of them: two seconds.
const REMARK_MICROS: i64 = 2_000_000;

/// Subjects in memory.
const MOST: usize = 50_000;

/// What attempts are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Email(Email),
    /// An IPv4 address, or a network of 64 bits with IPv6: one customer has that.
    Network(u64),
    /// A network as above that looks for links.
    Looking(u64),
    /// Reads by a link.
    Reads(ShareId),
    /// Comments and decisions by a link.
    Remarks(ShareId),
}

/// The time until which the attempts that were made are paid for, one interval each.
#[derive(Debug, Default)]
struct Paid(HashMap<Subject, i64>);

impl Paid {
    /// Whether one more attempt fits.
    fn take(&mut self, subject: Subject, most: i64, interval: i64, now: i64) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&subject) {
            self.0.retain(|_, until| *until > now);
            if self.0.len() >= MOST {
                return false;
            }
        }
        let until = self.0.entry(subject).or_insert(now);
        let next = (*until).max(now) + interval;
        let fits = next - now <= most * interval;
        if fits {
            *until = next;
        }
        fits
    }

    fn give_back(&mut self, subject: &Subject, interval: i64) {
        if let Some(until) = self.0.get_mut(subject) {
            *until -= interval;
        }
    }
}

/// Counts attempts to sign in; one for each process.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Paid>);

impl Throttle {
    /// Counts an attempt for an e-mail address, from a network address where that is known.
    ///
    /// # Errors
    /// [`Code::RateLimited`]: there were too many.
    pub fn attempt(&self, email: &Email, address: Option<IpAddr>, now_micros: i64) -> Result<(), Problem> {
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = address.map(network);
        let fits = from.is_none_or(|from| paid.take(from, OF_AN_ADDRESS, ADDRESS_MICROS, now_micros))
            && paid.take(Subject::Email(email.clone()), OF_AN_EMAIL, EMAIL_MICROS, now_micros);
        if fits {
            return Ok(());
        }
        let message = "there were too many attempts to sign in; wait a minute";
        Err(Problem::new(Code::RateLimited, "", message))
    }

    /// Counts a look for a link from a network address, where that is known.
    ///
    /// # Errors
    /// [`Code::RateLimited`]: too many found nothing.
    pub fn look(&self, address: Option<IpAddr>, now_micros: i64) -> Result<(), Problem> {
        let Some(address) = address else { return Ok(()) };
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if paid.take(Subject::Looking(bits(address)), GUESSES, GUESS_MICROS, now_micros) {
            return Ok(());
        }
        let message = "there were too many looks for links that are not there; wait a minute";
        Err(Problem::new(Code::RateLimited, "", message))
    }

    /// Gives a look back that found a link.
    pub fn found(&self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paid.give_back(&Subject::Looking(bits(address)), GUESS_MICROS);
    }

    /// Counts something that is done by a link; `says` for a comment or a decision.
    ///
    /// # Errors
    /// [`Code::RateLimited`]: there was too much.
    pub fn by_link(&self, share: ShareId, says: bool, now_micros: i64) -> Result<(), Problem> {
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = if says {
            paid.take(Subject::Remarks(share), REMARKS, REMARK_MICROS, now_micros)
        } else {
            paid.take(Subject::Reads(share), READS, READ_MICROS, now_micros)
        };
        if fits {
            return Ok(());
        }
        let message = "there were too many requests by this link; wait a moment";
        Err(Problem::new(Code::RateLimited, "", message))
    }

    /// Gives an attempt back that succeeded.
    pub fn succeeded(&self, email: &Email, address: Option<IpAddr>) {
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paid.give_back(&Subject::Email(email.clone()), EMAIL_MICROS);
        if let Some(address) = address {
            paid.give_back(&network(address), ADDRESS_MICROS);
        }
    }
}

fn network(address: IpAddr) -> Subject {
    Subject::Network(bits(address))
}

fn bits(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // A network of IPv6 never begins with 32 zeros: those addresses are IPv4's.
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Email {
        text.parse().unwrap()
    }

    fn attempts(throttle: &Throttle, text: &str, address: Option<IpAddr>, now: i64) -> usize {
        (0..500).filter(|_| throttle.attempt(&email(text), address, now).is_ok()).count()
    }

    #[test]
    fn guessing_one_persons_password_is_slow_and_touches_nobody_else() {
        let throttle = Throttle::default();
        assert_eq!(attempts(&throttle, "a@b.c", None, 0), 8);
        assert_eq!(attempts(&throttle, "d@b.c", None, 0), 8);
        assert_eq!(attempts(&throttle, "a@b.c", None, EMAIL_MICROS), 1);
        let refused = throttle.attempt(&email("a@b.c"), None, EMAIL_MICROS).unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        assert_eq!(attempts(&throttle, "a@b.c", None, 100 * EMAIL_MICROS), 8);
    }

    #[test]
    fn guessing_for_many_people_from_one_address_is_slow() {
        let throttle = Throttle::default();
        let from: IpAddr = "192.0.2.7".parse().unwrap();
        let tried = |from: &str| {
            let people = (0..200).map(|number| email(&format!("p{number}@b.c")));
            let from = Some(from.parse().unwrap());
            people.filter(|person| throttle.attempt(person, from, 0).is_ok()).count()
        };
        assert_eq!(tried("192.0.2.7"), 120);
        assert_eq!(tried("::ffff:192.0.2.7"), 0, "the same address");
        assert_eq!(tried("2001:db8::1"), 120);
        assert_eq!(tried("2001:db8::2"), 0, "the same network");
        assert_eq!(attempts(&throttle, "other@b.c", Some(from), 3_000_000), 3);
    }

    #[test]
    fn what_succeeds_costs_nothing() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.attempt(&email("a@b.c"), None, 0).unwrap();
            throttle.succeeded(&email("a@b.c"), None);
        }
        assert_eq!(attempts(&throttle, "a@b.c", None, 0), 8);
    }

    #[test]
    fn links_are_not_guessed_and_one_link_does_not_take_everything() {
        let throttle = Throttle::default();
        let from: Option<IpAddr> = Some("192.0.2.7".parse().unwrap());
        let looks = |now| (0..500).filter(|_| throttle.look(from, now).is_ok()).count();
        assert_eq!(looks(0), 60);
        assert_eq!(looks(GUESS_MICROS), 1);
        throttle.found(from);
        assert_eq!(looks(GUESS_MICROS), 1, "what was found costs nothing");
        assert!(throttle.look(Some("192.0.2.8".parse().unwrap()), 0).is_ok());
        let (one, other) = (ShareId::derive(1, "share", 1), ShareId::derive(1, "share", 2));
        let done = |share, says| (0..5_000).filter(|_| throttle.by_link(share, says, 0).is_ok()).count();
        assert_eq!((done(one, true), done(one, false)), (60, 1_200));
        assert_eq!(done(other, true), 60);
    }
}
