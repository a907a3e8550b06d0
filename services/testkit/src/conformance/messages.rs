//! Inbox and outbox: clauses of [`StepStore`] that are run with [`crate::step_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{Commit, Consumed, StepStore, StoreError};
use spotwright_schemas::ids::MessageId;

use super::store::{LONG, write};
use crate::fixtures;

/// Clause 5.
pub async fn a_message_is_taken_in_once_for_each_consumer<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let message = MessageId::derive(1, "message", 0);
    let effect = fixtures::steps(StepKind::Plan, &["g1"]);
    assert_eq!(store.consume("a", &[message], run.id, 1, effect).await.expect("taken in"), Consumed::Applied);
    assert!(store.consumed("a", message).await.expect("inbox"));
    assert!(!store.consumed("b", message).await.expect("inbox"));
    // A repetition does not even look at the version.
    let effect = fixtures::steps(StepKind::Plan, &["g2"]);
    assert_eq!(
        store.consume("a", &[message], run.id, 1, effect).await.expect("dropped"),
        Consumed::Duplicate
    );
    assert_eq!(store.run(run.id).await.expect("the run").version, 2);
    assert_eq!(
        store.consume("b", &[message], run.id, 2, Commit::default()).await.expect("taken in"),
        Consumed::Applied
    );
    let steps = store.claim(&[StepKind::Plan], LONG, 9).await.expect("claim");
    assert_eq!(steps.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["g1"]);
}

/// Clause 5: messages that are taken in together are all taken in, or none.
pub async fn messages_are_taken_in_together_or_not_at_all<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let ids: Vec<MessageId> = (0..4).map(|number| MessageId::derive(1, "message", number)).collect();
    let effect = fixtures::steps(StepKind::Plan, &["g1"]);
    assert_eq!(store.consume("a", &ids[1..3], run.id, 1, effect).await.expect("taken in"), Consumed::Applied);
    for id in &ids[1..3] {
        assert!(store.consumed("a", *id).await.expect("inbox"));
    }
    let effect = fixtures::steps(StepKind::Plan, &["g2"]);
    let all_repeated = store.consume("a", &ids[1..3], run.id, 2, effect.clone()).await;
    assert_eq!(all_repeated.expect("dropped"), Consumed::Duplicate);
    for one_repeated in [&ids[2..4], &ids[0..2]] {
        let refused = store.consume("a", one_repeated, run.id, 2, effect.clone()).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }
    let left = [store.consumed("a", ids[0]).await, store.consumed("a", ids[3]).await];
    assert!(left.iter().all(|taken| matches!(taken, Ok(false))));
    let steps = store.claim(&[StepKind::Plan], LONG, 9).await.expect("claim");
    assert_eq!(steps.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["g1"]);
}

/// Clause 7: no gap, no repetition, no foreign message.
pub async fn messages_with_a_gap_are_refused<S: StepStore>(store: Arc<S>) {
    let run = fixtures::run(1).id;
    store.create_run(&fixtures::run(1), fixtures::messages(run, 1..=2)).await.expect("a run");
    for wrong in [vec![4], vec![2], vec![0], vec![3, 5], vec![4, 3], vec![3, 3]] {
        let refused = write(&*store, run, fixtures::messages(run, wrong.clone())).await;
        assert!(matches!(refused, Err(StoreError::Contradiction(_))), "{wrong:?}");
    }
    let foreign = fixtures::messages(fixtures::run(2).id, [3]);
    assert!(matches!(write(&*store, run, foreign).await, Err(StoreError::Contradiction(_))));
    assert_eq!(store.run(run).await.expect("the run").messages, 2);
    write(&*store, run, fixtures::messages(run, 3..=4)).await.expect("written");
    assert_eq!(store.run(run).await.expect("the run").messages, 4);
}

/// Clause 7: order of writing, paging, marking.
pub async fn unsent_messages_come_in_order_until_marked<S: StepStore>(store: Arc<S>) {
    let (a, b) = (fixtures::run(1).id, fixtures::run(2).id);
    store.create_run(&fixtures::run(1), fixtures::messages(a, 1..=2)).await.expect("a run");
    store.create_run(&fixtures::run(2), fixtures::messages(b, 1..=1)).await.expect("a run");
    write(&*store, a, fixtures::messages(a, 3..=3)).await.expect("written");
    let expected =
        [(a, 1), (a, 2), (b, 1), (a, 3)].map(|(run, number)| fixtures::outbox_message(run, number));
    let all = store.unsent(None, 99).await.expect("outbox");
    assert_eq!(all.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(), expected);
    let page = store.unsent(None, 3).await.expect("outbox");
    assert_eq!(page, all[..3]);
    assert_eq!(store.unsent(Some(page[2].0), 3).await.expect("outbox"), all[3..]);
    store.mark_sent(&[expected[1].id, expected[2].id]).await.expect("marked");
    store.mark_sent(&[expected[1].id]).await.expect("marked again");
    store.mark_sent(&[]).await.expect("nothing to mark");
    let rest: Vec<_> =
        store.unsent(None, 99).await.expect("outbox").into_iter().map(|(_, message)| message).collect();
    assert_eq!(rest, [expected[0].clone(), expected[3].clone()]);
}
