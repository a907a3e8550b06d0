//! The rate limit: one bucket of tokens for each key and each person, so that one client cannot starve others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use spotwright_core::domain::people::Holder;

/// Tokens are counted in millionths, so that a bucket fills evenly.
const TOKEN: i64 = 1_000_000;

/// Where a key stands with its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Requests that it may send per second, and at once.
    pub(crate) per_second: u32,
    /// Requests that it may still send at once.
    pub(crate) left: u32,
    /// Seconds until it may send as many as ever.
    pub(crate) full_in_seconds: u32,
}

/// What became of a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Whether there was one.
    pub(crate) admitted: bool,
    /// What is left.
    pub(crate) standing: Standing,
}

struct Bucket {
    tokens: i64,
    filled_at: i64,
}

/// Buckets of all keys and people that were seen lately.
pub(crate) struct RateLimiter {
    per_second: i64,
    most: usize,
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

impl RateLimiter {
    /// `per_second` requests of each key or person, and as many at once; at most `most` buckets.
    pub(crate) fn new(per_second: u32, most: usize) -> Self {
        Self { per_second: i64::from(per_second.max(1)), most: most.max(1), buckets: Mutex::default() }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self, key: Holder, now_micros: i64) -> Taken {
        let full = self.per_second * TOKEN;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.most && !buckets.contains_key(&key) {
            // A bucket that has been full for a while says nothing.
            buckets.retain(|_, bucket| now_micros - bucket.filled_at < TOKEN);
            if buckets.len() >= self.most {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: full, filled_at: now_micros });
        let elapsed = (now_micros - bucket.filled_at).clamp(0, TOKEN);
        bucket.tokens = (bucket.tokens + elapsed * self.per_second).min(full);
        bucket.filled_at = now_micros;
        let admitted = bucket.tokens >= TOKEN;
        if admitted {
            bucket.tokens -= TOKEN;
        }
        let missing = full - bucket.tokens;
        let standing = Standing {
            per_second: u32::try_from(self.per_second).unwrap_or(u32::MAX),
            left: u32::try_from(bucket.tokens / TOKEN).unwrap_or(0),
            full_in_seconds: u32::try_from((missing + full - 1) / full).unwrap_or(0),
        };
        Taken { admitted, standing }
    }
}

impl Standing {
    /// The header `RateLimit-Policy`: how many requests within how many seconds.
    pub(crate) fn policy(self) -> String {
        format!("\"key\";q={};w=1", self.per_second)
    }

    /// The header `RateLimit`: how many are left, and in how many seconds there are all of them again.
    pub(crate) fn limit(self) -> String {
        format!("\"key\";r={};t={}", self.left, self.full_in_seconds)
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::ids::KeyId;

    use super::*;

    #[test]
    fn a_key_gets_its_rate_and_does_not_touch_others() {
        let limiter = RateLimiter::new(10, 100);
        let holder = |number| Holder::Key(KeyId::derive(1, "key", number));
        let (one, other) = (holder(1), holder(2));
        let admitted = |key, now| (0..50).filter(|_| limiter.take(key, now).admitted).count();
        assert_eq!(admitted(one, 0), 10);
        assert_eq!(admitted(other, 0), 10);
        assert_eq!(admitted(one, 500_000), 5);
        assert_eq!(admitted(one, 90_000_000), 10);
        assert_eq!(admitted(one, 0), 0, "a clock that goes back gives nothing");
    }

    #[test]
    fn a_key_is_told_where_it_stands() {
        let limiter = RateLimiter::new(10, 100);
        let key = Holder::Key(KeyId::derive(1, "key", 1));
        let first = limiter.take(key, 0);
        assert_eq!(first.standing.policy(), "\"key\";q=10;w=1");
        assert_eq!(first.standing.limit(), "\"key\";r=9;t=1");
        assert!((0..9).all(|_| limiter.take(key, 0).admitted));
        let refused = limiter.take(key, 0);
        assert!(!refused.admitted);
        assert_eq!(refused.standing.limit(), "\"key\";r=0;t=1");
        assert_eq!(limiter.take(key, 1_000_000).standing.left, 9);
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = RateLimiter::new(1, 8);
        for number in 0..100 {
            assert!(limiter.take(Holder::Key(KeyId::derive(1, "key", number)), 0).admitted);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= 8);
    }
}
