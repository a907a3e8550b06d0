//! The contract of [`PublishTarget`]; each function is one clause.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::collections::BTreeMap;

use spotwright_core::ports::publish_target::{Publication, PublishTarget};

/// What can be seen of a target: names and contents.
pub type Seen = BTreeMap<String, Vec<u8>>;

/// Clauses 1 and 2: the same answer and the same sight again.
pub async fn publishing_again_changes_nothing(
    target: &dyn PublishTarget,
    winners: &[Publication],
    see: &(dyn Fn() -> Seen + Sync),
) {
    let mut answers = Vec::new();
    for winner in winners {
        let answer = target.publish(winner).await.expect("is published");
        assert!(!answer.is_empty());
        for place in &answer {
            assert_eq!(place.platform, target.name());
            assert!(!place.account.is_empty() && !place.id.is_empty());
        }
        answers.push(answer);
    }
    let seen = see();
    for (winner, answer) in winners.iter().zip(&answers) {
        assert_eq!(target.publish(winner).await.expect("is published again"), *answer);
    }
    assert_eq!(see(), seen);
    let mut places: Vec<String> = answers.concat().iter().map(|place| place.id.clone()).collect();
    let all = places.len();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), all, "two winners at one place");
}

/// Clause 3: what cannot be published leaves everything as it is.
pub async fn a_refused_winner_changes_nothing(
    target: &dyn PublishTarget,
    good: &Publication,
    bad: &Publication,
    see: &(dyn Fn() -> Seen + Sync),
) {
    target.publish(good).await.expect("is published");
    let seen = see();
    target.publish(bad).await.expect_err("cannot be published");
    assert_eq!(see(), seen);
}
