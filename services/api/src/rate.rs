//! The rate limit: one bucket of tokens for each key and each person, so that one client cannot starve others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use spotwright_core::domain::people::Holder;

/// Tokens are counted in millionths, so that a bucket fills evenly.
const TOKEN: i64 = 1_000_000;

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

    /// Takes a token; otherwise the seconds until there is one again.
    pub(crate) fn take(&self, key: Holder, now_micros: i64) -> Result<(), u32> {
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
        if bucket.tokens < TOKEN {
            return Err(1);
        }
        bucket.tokens -= TOKEN;
        Ok(())
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
        let admitted = |key, now| (0..50).filter(|_| limiter.take(key, now).is_ok()).count();
        assert_eq!(admitted(one, 0), 10);
        assert_eq!(admitted(other, 0), 10);
        assert_eq!(admitted(one, 500_000), 5);
        assert_eq!(admitted(one, 90_000_000), 10);
        assert_eq!(admitted(one, 0), 0, "a clock that goes back gives nothing");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = RateLimiter::new(1, 8);
        for number in 0..100 {
            assert!(limiter.take(Holder::Key(KeyId::derive(1, "key", number)), 0).is_ok());
        }
        assert!(limiter.buckets.lock().unwrap().len() <= 8);
    }
}
