//! The contract of [`ReviewStore`]. Each function is one test; see [`crate::review_store_suite`]. The store
//! must also be a [`StepStore`] and an [`AccountStore`], in which variants are.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::account::{KeyMac, OrganizationContext};
use spotwright_core::domain::people::TokenCodes;
use spotwright_core::domain::review::{
    ApprovalOf, ApprovalState, Asked, Author, AuthorKind, Change, CommentState, ContentHash, Decision,
    NewComment, NewShare, ShareScope, Spot, Verdict,
};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::reviews::{
    ApprovalFilter, CommentFilter, DECISIONS, OPEN_SHARES, ReviewError, ReviewStore,
};
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_core::use_cases::Who;
use spotwright_schemas::ids::{ApprovalId, CommentId, MessageId, OrganizationId, ShareId};

use super::accounts::organization;
use crate::fixtures;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! review_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::review_store_suite!(@each $open, $([$when])?;
                a_decision_is_asked_for_once,
                decisions_are_added_and_the_last_one_counts,
                decisions_at_the_same_time_are_all_kept,
                other_content_has_an_approval_of_its_own,
                approvals_are_found_by_state_variant_and_run,
                a_comment_keeps_its_pin_and_is_written_once,
                a_comment_is_resolved_and_opened_again,
                a_link_is_found_by_its_token_and_revoked_once,
                an_organization_has_so_many_open_links,
                whoever_says_something_is_named,
                reviews_of_another_organization_are_missing
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::review_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::review_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::reviews::$test(store).await;
        }
    };
}

const ALL: Page = Page { before: None, limit: 100 };

/// What the suite needs of a store.
pub trait Subject: StepStore + AccountStore + ReviewStore {}

impl<S: StepStore + AccountStore + ReviewStore> Subject for S {}

fn write(name: &str) -> WriteKey {
    let mut fingerprint = [0; 32];
    for (place, byte) in fingerprint.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    WriteKey { key: name.to_owned(), fingerprint }
}

fn reviewer(name: &str) -> Author {
    Author { kind: AuthorKind::Reviewer, id: None, name: Some(name.to_owned()) }
}

fn rows<T>(page: Vec<Positioned<T>>) -> Vec<T> {
    page.into_iter().map(|positioned| positioned.row).collect()
}

fn is_missing<T>(result: &Result<T, ReviewError>) -> bool {
    matches!(result, Err(ReviewError::Account(AccountError::Missing(_))))
}

/// The organization of the fixtures and `count` variants of run `number`.
async fn variants<S: Subject>(store: &S, number: u64, count: u32) -> Vec<Variant> {
    let run = fixtures::run(number);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let made: Vec<Variant> =
        (1..=count).map(|place| fixtures::variant(run.id, 1, place, VariantState::Drafted)).collect();
    let message = MessageId::child_of(run.id.0, "write", 0);
    let commit = Commit { variants: made.clone(), ..Commit::default() };
    let version = StepStore::run(store, run.id).await.expect("the run").version;
    store.consume("testkit", &[message], run.id, version, commit).await.expect("written");
    made
}

fn of(variant: &Variant, number: u64, content: &str) -> ApprovalOf {
    ApprovalOf {
        id: ApprovalId::derive(number, "approval", 0),
        variant: variant.id,
        run: variant.run,
        content: ContentHash(content.to_owned()),
    }
}

fn asked(at: i64) -> Asked {
    Asked { at, by: reviewer("Ana"), note: Some("the end".to_owned()) }
}

fn decision(verdict: Verdict, at: i64) -> Decision {
    Decision { verdict, at, by: reviewer("Bo"), note: None }
}

fn comment(variant: &Variant, number: u64, share: Option<ShareId>) -> NewComment {
    NewComment {
        id: CommentId::derive(number, "comment", 0),
        variant: variant.id,
        run: variant.run,
        content: ContentHash("content".to_owned()),
        text: format!("comment {number}: größer\nund 大"),
        millis: Some(2_400),
        spot: Some(Spot { x: 333_333, y: 1_000_000 }),
        share,
        by: reviewer("Ana"),
        at: 7,
    }
}

fn share(variant: &Variant, number: u64) -> NewShare {
    let mut mac = [0; 32];
    mac[..8].copy_from_slice(&number.to_le_bytes());
    NewShare {
        id: ShareId::derive(number, "share", 0),
        mac: KeyMac(mac),
        name: format!("link {number}"),
        run: variant.run,
        variants: Some(vec![variant.id]),
        scope: ShareScope::Comment,
        created_at: 0,
        by: reviewer("Ana"),
        expires_at: 1_000,
    }
}

async fn share_made<S: Subject>(
    store: &S,
    context: OrganizationContext,
    variant: &Variant,
    number: u64,
) -> ShareId {
    let new = share(variant, number);
    let made = store.create_share(context.organization, &write(&format!("share {number}")), &new).await;
    assert!(matches!(made.expect("a link"), Written::Fresh(_)));
    new.id
}

/// Clause 2.
pub async fn a_decision_is_asked_for_once<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    assert_eq!(store.approval(own, variant.id).await.expect("an answer"), None);
    let first = store.ask(own, &of(&variant, 1, "a"), &asked(1)).await.expect("asked");
    assert_eq!((first.state, first.asked.as_ref()), (ApprovalState::Waiting, Some(&asked(1))));
    let again = store.ask(own, &of(&variant, 2, "a"), &asked(9)).await.expect("asked again");
    assert_eq!(again, first, "the first one stays");
    assert_eq!(store.approval(own, variant.id).await.expect("an answer"), Some(first));
}

/// Clause 3.
pub async fn decisions_are_added_and_the_last_one_counts<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    let approved = decision(Verdict::Approved, 2);
    let first = store.decide(own, &of(&variant, 1, "a"), &approved).await.expect("decided");
    assert_eq!((first.state, &first.asked), (ApprovalState::Approved, &None), "nobody had asked");
    let changes = decision(Verdict::ChangesRequested, 3);
    let second = store.decide(own, &of(&variant, 2, "a"), &changes).await.expect("decided");
    assert_eq!((second.id, second.state), (first.id, ApprovalState::ChangesRequested));
    assert_eq!(second.decisions, [approved, changes.clone()]);
    // Asking does not take back what was decided.
    let asked_then = store.ask(own, &of(&variant, 3, "a"), &asked(4)).await.expect("asked");
    assert_eq!(asked_then.state, ApprovalState::ChangesRequested);
    for at in 5..3 + i64::from(DECISIONS) {
        store.decide(own, &of(&variant, 4, "a"), &decision(Verdict::Approved, at)).await.expect("decided");
    }
    let beyond = store.decide(own, &of(&variant, 4, "a"), &changes).await;
    assert!(matches!(beyond, Err(ReviewError::TooMany { most: DECISIONS, .. })), "{beyond:?}");
    let kept = store.approval(own, variant.id).await.expect("an answer").expect("the approval");
    assert_eq!((kept.decisions.len(), kept.state), (DECISIONS as usize, ApprovalState::Approved));
}

/// Clause 3.
pub async fn decisions_at_the_same_time_are_all_kept<S: Subject + 'static>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    let tasks: Vec<_> = (1..=16_i64)
        .map(|at| {
            let (store, of) = (Arc::clone(&store), of(&variant, at.unsigned_abs(), "a"));
            tokio::spawn(async move { store.decide(own, &of, &decision(Verdict::Approved, at)).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("decided");
    }
    let kept = store.approval(own, variant.id).await.expect("an answer").expect("the approval");
    let mut times: Vec<i64> = kept.decisions.iter().map(|decision| decision.at).collect();
    times.sort_unstable();
    assert_eq!(times, (1..=16).collect::<Vec<_>>());
}

/// Clause 2.
pub async fn other_content_has_an_approval_of_its_own<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    let before = store.decide(own, &of(&variant, 1, "a"), &decision(Verdict::Approved, 1)).await;
    let before = before.expect("decided");
    let after = store.ask(own, &of(&variant, 2, "b"), &asked(2)).await.expect("asked");
    assert_ne!(after.id, before.id);
    assert_eq!(after.state, ApprovalState::Waiting);
    let all = rows(store.approvals(own, &ApprovalFilter::default(), ALL).await.expect("approvals"));
    let states: Vec<_> = all.iter().map(|approval| approval.state).collect();
    assert_eq!(states, [ApprovalState::Waiting, ApprovalState::Superseded]);
    assert_eq!(store.approval(own, variant.id).await.expect("an answer"), Some(after));
    // What was said counts again once the variant is again what it was.
    let again = store.ask(own, &of(&variant, 3, "a"), &asked(3)).await.expect("asked");
    assert_eq!((again.id, again.state), (before.id, ApprovalState::Approved));
    assert_eq!(store.approval(own, variant.id).await.expect("an answer"), Some(again));
}

/// `approvals`, `contents`.
pub async fn approvals_are_found_by_state_variant_and_run<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let (first, second) = (variants(&*store, 1, 2).await, variants(&*store, 2, 1).await);
    store.ask(own, &of(&first[0], 1, "a"), &asked(1)).await.expect("asked");
    store.ask(own, &of(&first[1], 2, "b"), &asked(2)).await.expect("asked");
    store.decide(own, &of(&second[0], 3, "c"), &decision(Verdict::Approved, 3)).await.expect("decided");
    let found = async |filter: ApprovalFilter, page| {
        let page = store.approvals(own, &filter, page).await.expect("approvals");
        rows(page).into_iter().map(|approval| approval.variant).collect::<Vec<_>>()
    };
    let none = ApprovalFilter::default();
    assert_eq!(found(none.clone(), ALL).await, [second[0].id, first[1].id, first[0].id]);
    let waiting = ApprovalFilter { state: Some(ApprovalState::Waiting), ..none.clone() };
    assert_eq!(found(waiting, ALL).await, [first[1].id, first[0].id]);
    let of_run = ApprovalFilter { run: Some(second[0].run), ..none.clone() };
    assert_eq!(found(of_run, ALL).await, [second[0].id]);
    let of_variant = ApprovalFilter { variant: Some(first[0].id), ..none.clone() };
    assert_eq!(found(of_variant, ALL).await, [first[0].id]);
    assert_eq!(found(none.clone(), Page { before: None, limit: 1 }).await, [second[0].id]);
    let newest = store.approvals(own, &none, ALL).await.expect("approvals")[0].position;
    let rest = Page { before: Some(newest), limit: 9 };
    assert_eq!(found(none, rest).await, [first[1].id, first[0].id]);
    let contents = store.contents(own, &[first[0].id, second[0].id]).await.expect("contents");
    let expected: Vec<_> =
        [&first[0], &second[0]].into_iter().map(|variant| Some(ContentHash::of(variant))).collect();
    assert_eq!(contents, expected, "a stored variant is what it was");
}

/// `comment`, `comments`, `open_comments`.
pub async fn a_comment_keeps_its_pin_and_is_written_once<S: Subject>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let own = context.organization;
    let made = variants(&*store, 1, 2).await;
    let link = share_made(&*store, context, &made[0], 1).await;
    let new = comment(&made[0], 1, None);
    let first = store.comment(own, &write("one"), &new).await.expect("a comment");
    assert!(matches!(&first, Written::Fresh(comment) if comment.said == new));
    let again = store.comment(own, &write("one"), &comment(&made[0], 2, None)).await.expect("again");
    assert!(matches!(&again, Written::Replayed(comment) if comment.said == new), "{again:?}");
    let plain = NewComment { millis: None, spot: None, share: Some(link), ..comment(&made[0], 3, None) };
    store.comment(own, &write("two"), &plain).await.expect("a comment");
    let list = async |share| {
        let filter = CommentFilter { variant: made[0].id, state: None, share };
        rows(store.comments(own, &filter, ALL).await.expect("comments"))
    };
    let all: Vec<_> = list(None).await.into_iter().map(|comment| comment.said).collect();
    assert_eq!(all, [plain.clone(), new.clone()]);
    let seen: Vec<_> = list(Some(link)).await.into_iter().map(|comment| comment.said).collect();
    assert_eq!(seen, [plain], "reviewers see what is said by their link");
    let ids = [made[0].id, made[1].id];
    assert_eq!(store.open_comments(own, &ids, None).await.expect("counts"), [2, 0]);
    assert_eq!(store.open_comments(own, &ids, Some(link)).await.expect("counts"), [1, 0]);
    assert_eq!(store.comment_with(own, new.id).await.expect("the comment").said, new);
}

/// `set_comment`.
pub async fn a_comment_is_resolved_and_opened_again<S: Subject>(store: Arc<S>) {
    let own = organization(&*store, 1).await.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    let new = comment(&variant, 1, None);
    store.comment(own, &write("one"), &new).await.expect("a comment");
    let change = |at, name: &str| Change { at, by: reviewer(name) };
    let done = store.set_comment(own, new.id, CommentState::Resolved, &change(5, "Ana")).await;
    let done = done.expect("resolved");
    assert_eq!((done.state, &done.changed), (CommentState::Resolved, &Some(change(5, "Ana"))));
    let again = store.set_comment(own, new.id, CommentState::Resolved, &change(6, "Bo")).await;
    assert_eq!(again.expect("resolved"), done, "nothing changes");
    assert_eq!(store.open_comments(own, &[variant.id], None).await.expect("counts"), [0]);
    let filter = |state| CommentFilter { variant: variant.id, state: Some(state), share: None };
    assert!(store.comments(own, &filter(CommentState::Open), ALL).await.expect("comments").is_empty());
    let open = store.set_comment(own, new.id, CommentState::Open, &change(7, "Bo")).await.expect("opened");
    assert_eq!(open.state, CommentState::Open);
    assert_eq!(rows(store.comments(own, &filter(CommentState::Open), ALL).await.expect("comments")), [open]);
}

/// Clause 4.
pub async fn a_link_is_found_by_its_token_and_revoked_once<S: Subject>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let own = context.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    let new = share(&variant, 1);
    let made = store.create_share(own, &write("share"), &new).await.expect("a link").into_inner();
    assert_eq!((&made.variants, made.scope, made.revoked_at), (&new.variants, new.scope, None));
    let whole = NewShare { variants: None, ..share(&variant, 2) };
    store.create_share(own, &write("whole"), &whole).await.expect("a link");
    assert_eq!(store.share(own, whole.id).await.expect("the link").variants, None);
    let codes = |current, previous| TokenCodes {
        current: share(&variant, current).mac,
        previous: share(&variant, previous).mac,
    };
    let found = store.received_share(&codes(1, 1)).await.expect("an answer").expect("the link");
    assert_eq!((&found.share, found.organization, found.frozen), (&made, own, false));
    assert_eq!(found.organization_name, "organization 1");
    assert!(store.received_share(&codes(9, 1)).await.expect("an answer").is_some(), "the code before");
    assert_eq!(store.received_share(&codes(9, 9)).await.expect("an answer"), None);
    let revoked = store.revoke_share(own, new.id, 5).await.expect("revoked");
    assert_eq!(revoked.revoked_at, Some(5));
    assert_eq!(store.revoke_share(own, new.id, 6).await.expect("revoked again"), revoked);
    let ids = async |run| {
        rows(store.shares(own, run, ALL).await.expect("links"))
            .into_iter()
            .map(|one| one.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(None).await, [whole.id, new.id]);
    assert_eq!(ids(Some(variant.run)).await, [whole.id, new.id]);
    assert!(ids(Some(fixtures::run(2).id)).await.is_empty());
    store.set_frozen(own, true).await.expect("frozen");
    let found = store.received_share(&codes(2, 2)).await.expect("an answer").expect("the link");
    assert!(found.frozen);
}

/// [`OPEN_SHARES`].
pub async fn an_organization_has_so_many_open_links<S: Subject>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let own = context.organization;
    let variant = variants(&*store, 1, 1).await.remove(0);
    for number in 0..u64::from(OPEN_SHARES) {
        share_made(&*store, context, &variant, number).await;
    }
    let another = share(&variant, 9_999);
    let refused = store.create_share(own, &write("another"), &another).await;
    assert!(matches!(refused, Err(ReviewError::TooMany { most: OPEN_SHARES, .. })), "{refused:?}");
    assert!(is_missing(&store.share(own, another.id).await));
    // Those that have ended do not count.
    let later = NewShare { created_at: 1_000, expires_at: 2_000, ..another };
    store.create_share(own, &write("later"), &later).await.expect("a link");
}

/// `author`.
pub async fn whoever_says_something_is_named<S: Subject>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let author = store.author(&Who::Key(context.key)).await.expect("an answer");
    assert_eq!((author.kind, author.id), (AuthorKind::Key, Some(context.key.0)));
    assert_eq!(author.name.as_deref(), Some("key 1"));
    let author = store.author(&Who::Service("test")).await.expect("an answer");
    assert_eq!((author.kind, author.id, author.name), (AuthorKind::Service, None, None));
}

/// Clause 1.
pub async fn reviews_of_another_organization_are_missing<S: Subject>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let (own, other) = (context.organization, organization(&*store, 2).await.organization);
    let variant = variants(&*store, 1, 1).await.remove(0);
    store.ask(own, &of(&variant, 1, "a"), &asked(1)).await.expect("asked");
    store.comment(own, &write("one"), &comment(&variant, 1, None)).await.expect("a comment");
    let link = share_made(&*store, context, &variant, 1).await;
    let id = CommentId::derive(1, "comment", 0);
    let change = Change { at: 5, by: reviewer("Ana") };
    assert!(is_missing(&store.ask(other, &of(&variant, 2, "b"), &asked(2)).await));
    assert!(is_missing(&store.decide(other, &of(&variant, 2, "b"), &decision(Verdict::Approved, 2)).await));
    assert!(is_missing(&store.comment(other, &write("two"), &comment(&variant, 2, None)).await));
    assert!(is_missing(&store.comment_with(other, id).await));
    assert!(is_missing(&store.set_comment(other, id, CommentState::Resolved, &change).await));
    assert!(is_missing(&store.share(other, link).await));
    assert!(is_missing(&store.revoke_share(other, link, 5).await));
    assert_nothing(&*store, other, &variant).await;
    assert_eq!(store.comment_with(own, id).await.expect("the comment").state, CommentState::Open);
    assert_eq!(store.share(own, link).await.expect("the link").revoked_at, None);
}

async fn assert_nothing<S: Subject>(store: &S, other: OrganizationId, variant: &Variant) {
    assert_eq!(store.approval(other, variant.id).await.expect("an answer"), None);
    assert!(store.approvals(other, &ApprovalFilter::default(), ALL).await.expect("approvals").is_empty());
    let filter = CommentFilter { variant: variant.id, state: None, share: None };
    assert!(store.comments(other, &filter, ALL).await.expect("comments").is_empty());
    assert!(store.shares(other, None, ALL).await.expect("links").is_empty());
    assert_eq!(store.contents(other, &[variant.id]).await.expect("contents"), [None]);
    assert_eq!(store.open_comments(other, &[variant.id], None).await.expect("counts"), [0]);
}
