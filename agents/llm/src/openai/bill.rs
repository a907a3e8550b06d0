//! What the attempts of one call are billed for.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Largest counter that is believed. No model reads or writes as much in one answer.
const MAX_BELIEVED: u64 = 10_000_000;

/// Tokens read and written by all attempts of a call, the failed ones included. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    sum: Arc<Mutex<Sum>>,
}

/// What a bill comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Tokens read and written.
    pub tokens: [u64; 2],
    /// Whether a counter was missing and is estimated.
    pub estimated: bool,
    /// Requests that were sent.
    pub attempts: u32,
}

impl Bill {
    /// What it comes to so far.
    #[must_use]
    pub fn sum(&self) -> Sum {
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attempt(&self) {
        self.change(|sum| sum.attempts += 1);
    }

    /// Adds what an answer says it used; counters that it lacks are estimated from the characters.
    pub(super) fn answered(&self, body: &Value, sent: usize, received: usize) {
        let counters = counters(body);
        let estimates = [sent, received].map(estimate);
        self.change(|sum| {
            for (idx, counter) in counters.split(estimates).into_iter().enumerate() {
                sum.estimated |= counter.is_none();
                sum.tokens[idx] = sum.tokens[idx].saturating_add(counter.unwrap_or(estimates[idx]));
            }
        });
    }

    /// Adds what a failure says it used, which mostly is nothing.
    pub(super) fn failed(&self, body: &Value) {
        let counters = counters(body);
        if counters == Counters::default() {
            return;
        }
        let used = counters.split([0, 0]).map(Option::unwrap_or_default);
        self.change(|sum| {
            sum.tokens = [0, 1].map(|idx| sum.tokens[idx].saturating_add(used[idx]));
        });
    }

    /// Adds the most that a lost answer may have used: nobody can tell any more.
    pub(super) fn lost(&self, sent: usize, limit: u32) {
        self.change(|sum| {
            sum.estimated = true;
            sum.tokens[0] = sum.tokens[0].saturating_add(estimate(sent));
            sum.tokens[1] = sum.tokens[1].saturating_add(u64::from(limit));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Sum)) {
        change(&mut self.sum.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Four characters per token is the usual figure for English; the schema counts like any text.
const fn estimate(chars: usize) -> u64 {
    chars.div_ceil(4) as u64
}

/// Counters of an answer as the server wrote them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counters {
    read: Option<u64>,
    written: Option<u64>,
    thought: Option<u64>,
    total: Option<u64>,
}

impl Counters {
    /// Tokens read and written. Where the total is more than both together, the rest was thinking,
    /// which is billed as written; so is thinking that exceeds what is said to be written.
    fn split(self, estimates: [u64; 2]) -> [Option<u64>; 2] {
        let shared = |total: u64| estimates[0].min(total.saturating_sub(estimates[1].min(total)));
        let read = self.read.or_else(|| self.total.map(shared));
        let by_total = self.total.zip(read).map(|(total, read)| total.saturating_sub(read));
        let written = match (self.written, self.thought) {
            (Some(written), Some(thought)) if thought > written && self.total.is_none() => {
                Some(written.saturating_add(thought))
            }
            (written, _) => written,
        };
        let written = match (written, by_total) {
            (Some(written), Some(by_total)) => Some(written.max(by_total)),
            (written, by_total) => written.or(by_total),
        };
        // A total alone leaves a guess how it is shared out.
        [read, written]
    }
}

fn counters(body: &Value) -> Counters {
    let Some(usage) = body.get("usage") else { return Counters::default() };
    let one = |names: [&str; 2]| names.iter().find_map(|name| counter(usage.get(*name)?));
    let details = usage.get("completion_tokens_details").or_else(|| usage.get("output_tokens_details"));
    Counters {
        read: one(["prompt_tokens", "input_tokens"]),
        written: one(["completion_tokens", "output_tokens"]),
        thought: details.and_then(|details| counter(details.get("reasoning_tokens")?)),
        total: counter(usage.get("total_tokens").unwrap_or(&Value::Null)),
    }
}

/// Numbers may come as text or with decimals.
fn counter(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite() && (0.0..=MAX_BELIEVED as f64).contains(n)).map(|n| n as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tokens(usage: &Value) -> ([u64; 2], bool) {
        let bill = Bill::default();
        bill.answered(&json!({"usage": usage}), 400, 40);
        (bill.sum().tokens, bill.sum().estimated)
    }

    #[test]
    fn what_the_provider_counts_is_what_is_billed() {
        for (usage, wanted) in [
            (json!({"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340}), [300, 40]),
            (json!({"prompt_tokens": 900, "completion_tokens": 9000, "total_tokens": 9900}), [900, 9000]),
            (json!({"prompt_tokens": 30, "completion_tokens": 40, "total_tokens": 570}), [30, 540]),
            (
                json!({"prompt_tokens": 30, "completion_tokens": 40,
                       "completion_tokens_details": {"reasoning_tokens": 500}}),
                [30, 540],
            ),
            (
                json!({"prompt_tokens": 30, "completion_tokens": 540,
                       "completion_tokens_details": {"reasoning_tokens": 500}}),
                [30, 540],
            ),
            (json!({"input_tokens": "12.0", "output_tokens": 3.0}), [12, 3]),
            (json!({"total_tokens": 340}), [100, 240]),
            (json!({"total_tokens": 60}), [50, 10]),
        ] {
            assert_eq!(tokens(&usage), (wanted, false), "{usage}");
        }
    }

    #[test]
    fn missing_and_impossible_counters_are_estimated() {
        for usage in
            [Value::Null, json!({}), json!("none"), json!({"prompt_tokens": 1e15, "completion_tokens": -4})]
        {
            assert_eq!(tokens(&usage), ([100, 10], true), "{usage}");
        }
    }

    #[test]
    fn failures_count_only_what_they_say() {
        let bill = Bill::default();
        bill.failed(&json!({"error": "busy"}));
        assert_eq!(bill.sum(), Sum::default());
        bill.failed(&json!({"error": "late", "usage": {"prompt_tokens": 7, "completion_tokens": 2}}));
        assert_eq!(bill.sum().tokens, [7, 2]);
        bill.lost(8, 100);
        assert_eq!((bill.sum().tokens, bill.sum().estimated), ([9, 102], true));
    }
}
