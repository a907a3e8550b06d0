//! Messages to receivers of this machine, on both databases, with a clock that is moved.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use common::{Receiver, SECOND, Secrets, World, order};
use spotwright_core::domain::webhook::{
    Attempt, DeliveryState, FAILING_MICROS, ROTATION_MICROS, SecretMark, WebhookState,
};
use spotwright_core::ports::event_log::{LogFilter, LogPosition};
use spotwright_core::ports::webhooks::{
    OutgoingMessage, ReplayFrom, WebhookError, WebhookSecrets as _, WebhookSender,
};
use spotwright_core::spine::Shutdown;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::organization_event::LoggedEvent;

/// The same scenario on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(super::World::sqlite().await).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs PostgreSQL; run infra/test.sh"]
                async fn $name() {
                    let mut name = stringify!($name).to_owned();
                    name.truncate(30);
                    super::$name(super::World::postgres(&name).await).await;
                }
            )+
        }
    };
}

on_both!(
    events_reach_the_webhooks_that_want_them,
    a_receiver_that_is_down_for_an_hour_loses_nothing_and_gets_order,
    a_message_that_is_refused_for_a_day_is_given_up_and_its_webhook_paused,
    a_redirect_is_a_failure_and_nothing_follows_it,
    what_was_sent_and_not_written_down_is_sent_again_under_its_id,
    a_rotated_secret_is_valid_beside_the_new_one_for_a_day,
    a_replay_sends_everything_from_a_point_on_under_the_same_ids,
    a_slow_receiver_holds_up_nobody_else,
    the_log_of_an_organization_has_no_gap_and_no_stranger,
    an_organization_has_so_many_webhooks_and_no_more,
    deliveries_are_forgotten_and_webhooks_deleted_whole,
);

async fn events_reach_the_webhooks_that_want_them(world: World) {
    let (all, ends) = (Receiver::start().await, Receiver::start().await);
    let run = world.run().await;
    world.tell(run, 1..=2).await;
    let everything = world.webhook(&all.url, &["*"]).await;
    world.webhook(&ends.url, &["spotwright.run.finished.v1"]).await;
    let off = world.webhook(&all.url, &["*"]).await;
    assert_eq!(world.change(&off, WebhookState::Disabled).await.state, WebhookState::Disabled);
    world.tell(run, 3..=5).await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.settle(&mut dispatcher).await;
    let name = run.to_string();
    assert_eq!(all.taken()[&name], [3, 4, 5], "what happened before it was made is not told");
    assert_eq!(ends.taken()[&name], [5]);
    let got = &all.all()[0];
    assert_eq!(got.body["type"], "spotwright.creative.requested.v1");
    assert_eq!(got.body["data"]["brief"], "hill-tea");
    assert_eq!(got.body["timestamp"], "2027-01-15T08:00:00Z");
    let delivered = world.deliveries(&everything, Some(DeliveryState::Delivered)).await;
    assert_eq!(delivered.len(), 3);
    assert_eq!(delivered[2].id.to_string(), got.id);
    assert_eq!(delivered[2].body, got.text);
    let attempt = &delivered[0].attempts[0];
    assert_eq!((attempt.status, attempt.answer.as_deref()), (Some(200), Some("answer 200")));
    assert!(world.deliveries(&off, None).await.is_empty());
    assert!(world.deliveries(&everything, Some(DeliveryState::Failed)).await.is_empty());
}

async fn a_receiver_that_is_down_for_an_hour_loses_nothing_and_gets_order(world: World) {
    let receiver = Receiver::start().await;
    receiver.answer(503);
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(world.run().await);
    }
    let mut dispatcher = world.dispatcher(world.sender());
    for number in 1..=5 {
        for run in &runs {
            world.tell(*run, number..=number).await;
        }
        world.pass(&mut dispatcher, 720, 60).await;
    }
    assert!(receiver.taken().is_empty());
    assert!(receiver.all().len() >= 3 * 5, "it was tried on");
    assert!(
        receiver.all().iter().all(|got| got.place().1 == 1),
        "later messages wait for the first of their run"
    );
    assert_eq!(world.deliveries(&webhook, Some(DeliveryState::Waiting)).await.len(), 15);
    assert!(world.find(&webhook).await.failing_since.is_some());

    receiver.answer(200);
    world.pass(&mut dispatcher, 7_200, 60).await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 3);
    for run in &runs {
        assert_eq!(taken[&run.to_string()], [1, 2, 3, 4, 5]);
    }
    assert_eq!(world.deliveries(&webhook, Some(DeliveryState::Delivered)).await.len(), 15);
    assert_eq!(world.find(&webhook).await.failing_since, None);
}

async fn a_message_that_is_refused_for_a_day_is_given_up_and_its_webhook_paused(world: World) {
    let receiver = Receiver::start().await;
    receiver.answer(500);
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let run = world.run().await;
    world.tell(run, 1..=3).await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.settle(&mut dispatcher).await;
    world.pass(&mut dispatcher, FAILING_MICROS / SECOND + 1_200, 300).await;
    assert_eq!(receiver.all().len(), 12, "the first message, for a day");
    let failed = world.deliveries(&webhook, Some(DeliveryState::Failed)).await;
    assert_eq!((failed.len(), failed[0].attempts.len()), (1, 12));
    let waiting = world.deliveries(&webhook, Some(DeliveryState::Waiting)).await;
    assert_eq!(waiting.len(), 3, "the others, and what it is told of its own pause");
    let paused = world.find(&webhook).await;
    assert_eq!(paused.state, WebhookState::Paused);
    let reason = paused.paused_reason.unwrap();
    assert!(reason.contains("24 hours") && reason.contains("500"), "{reason}");
    let log = world.log(LogPosition::START, &LogFilter::default(), 99).await;
    let last = &log.last().unwrap().event;
    assert!(matches!(last, LoggedEvent::Organization(_)), "its organization is told: {last:?}");

    receiver.answer(200);
    world.pass(&mut dispatcher, 3_600, 600).await;
    assert!(receiver.taken().is_empty(), "it is left alone");
    assert_eq!(world.change(&webhook, WebhookState::Active).await.failing_since, None);
    world.settle(&mut dispatcher).await;
    assert_eq!(receiver.taken()[&run.to_string()], [2, 3]);
    assert_eq!(receiver.taken()[""], [0], "and of its own pause");
    let broken = world.store.broken_invariants().await.unwrap();
    assert!(broken.iter().all(|line| !line.contains("numbers")), "{broken:?}");
}

async fn a_redirect_is_a_failure_and_nothing_follows_it(world: World) {
    let receiver = Receiver::start().await;
    receiver.answer(302);
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let run = world.run().await;
    world.tell(run, 1..=1).await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.settle(&mut dispatcher).await;
    let waiting = world.deliveries(&webhook, Some(DeliveryState::Waiting)).await;
    assert_eq!((receiver.all().len(), waiting[0].attempts[0].status), (1, Some(302)));
    assert_eq!(waiting[0].next_at, Some(world.now() + 5 * SECOND));
    receiver.answer(410);
    world.pass(&mut dispatcher, 5, 5).await;
    let gone = world.find(&webhook).await;
    assert_eq!(gone.state, WebhookState::Paused, "a receiver that is gone is left alone at once");
}

/// Sends, and then never comes back: as a process that is killed between sending and writing down.
struct Killed {
    sender: Arc<dyn WebhookSender>,
    sent: Arc<AtomicBool>,
}

#[async_trait]
impl WebhookSender for Killed {
    fn check(&self, url: &str) -> Result<(), Problem> {
        self.sender.check(url)
    }

    async fn send(&self, message: &OutgoingMessage) -> Attempt {
        self.sender.send(message).await;
        self.sent.store(true, Ordering::SeqCst);
        std::future::pending().await
    }
}

async fn what_was_sent_and_not_written_down_is_sent_again_under_its_id(world: World) {
    let receiver = Receiver::start().await;
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let run = world.run().await;
    world.tell(run, 1..=2).await;
    let sent = Arc::new(AtomicBool::new(false));
    let killed = world.dispatcher(Arc::new(Killed { sender: world.sender(), sent: Arc::clone(&sent) }));
    let (_stop, shutdown) = Shutdown::new();
    let process = tokio::spawn(killed.run(shutdown));
    while !sent.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.abort();
    drop(process.await);
    assert_eq!(receiver.all().len(), 1);
    let mut next = world.dispatcher(world.sender());
    world.settle(&mut next).await;
    assert_eq!(receiver.all().len(), 1, "the claim is valid yet");
    world.pass(&mut next, 60, 60).await;
    let got = receiver.all();
    assert_eq!(got.iter().map(|got| got.place().1).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(got[0].id, got[1].id);
    assert_ne!(got[1].id, got[2].id);
    assert_eq!(world.deliveries(&webhook, Some(DeliveryState::Delivered)).await.len(), 2);
}

async fn a_rotated_secret_is_valid_beside_the_new_one_for_a_day(world: World) {
    let receiver = Receiver::start().await;
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let run = world.run().await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.tell(run, 1..=1).await;
    world.settle(&mut dispatcher).await;
    let mark = SecretMark("test".to_owned());
    let until = world.now() + ROTATION_MICROS;
    let rotate = |version| {
        world.store.rotate_secret(world.organization, webhook.id, version, &mark, until, world.now())
    };
    assert_eq!(rotate(2).await.unwrap().secret_version, 2);
    assert!(matches!(rotate(2).await, Err(WebhookError::Rotated)), "not twice to the same one");
    world.tell(run, 2..=2).await;
    world.settle(&mut dispatcher).await;
    world.clock.advance_micros(ROTATION_MICROS);
    world.tell(run, 3..=3).await;
    world.settle(&mut dispatcher).await;
    let signed = |version| {
        let secret = Secrets.derive(webhook.id, version).0;
        move |got: &common::Got| {
            let seconds = got.timestamp.parse().unwrap();
            let only = std::slice::from_ref(&secret);
            let own = spotwright_webhooks::signature::headers(&got.id, seconds, &got.text, only);
            got.signature.split(' ').any(|signature| signature == own[2].1)
        }
    };
    let (first, second) = (signed(1), signed(2));
    let by: Vec<(bool, bool)> = receiver.all().iter().map(|got| (first(got), second(got))).collect();
    assert_eq!(by, [(true, false), (true, true), (false, true)]);
}

async fn a_replay_sends_everything_from_a_point_on_under_the_same_ids(world: World) {
    let receiver = Receiver::start().await;
    let run = world.run().await;
    world.tell(run, 1..=2).await;
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    world.tell(run, 3..=5).await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.settle(&mut dispatcher).await;
    let before = receiver.all();
    assert_eq!(before.len(), 3);
    let log = world.log(LogPosition::START, &LogFilter::default(), 99).await;
    let replay = |from, limit| world.store.replay(world.organization, webhook.id, from, limit, world.now());

    let done = replay(ReplayFrom::After(log[3].position), 99).await.unwrap();
    assert_eq!((done.queued, done.next), (1, None));
    world.settle(&mut dispatcher).await;
    assert_eq!(receiver.all()[3].id, before[2].id, "the last message again, under its id");

    let done = replay(ReplayFrom::Since(0), 2).await.unwrap();
    assert_eq!((done.queued, done.next), (2, Some(log[1].position)), "also what it never heard of");
    assert_eq!(replay(ReplayFrom::Since(0), 2).await.unwrap().queued, 0, "what waits stays as it is");
    assert_eq!(replay(ReplayFrom::Since(world.now() + 1), 9).await.unwrap().queued, 0);
    world.settle(&mut dispatcher).await;
    assert_eq!(receiver.all().iter().skip(4).map(|got| got.place().1).collect::<Vec<_>>(), [1, 2]);

    let last = world.deliveries(&webhook, None).await.remove(0);
    let again = |id| world.store.replay_delivery(world.organization, webhook.id, id, world.now());
    assert_eq!(again(last.id).await.unwrap().state, DeliveryState::Waiting);
    assert!(matches!(again(last.id).await, Err(WebhookError::Waiting)));
    world.settle(&mut dispatcher).await;
    assert_eq!(receiver.all().last().unwrap().id, last.id.to_string());
}

async fn a_slow_receiver_holds_up_nobody_else(world: World) {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answer(0);
    world.webhook(&slow.url, &["*"]).await;
    world.webhook(&quick.url, &["*"]).await;
    for _ in 0..12 {
        let run = world.run().await;
        world.tell(run, 1..=3).await;
    }
    let (stop, shutdown) = Shutdown::new();
    let process = tokio::spawn(world.dispatcher(world.sender()).run(shutdown));
    let began = tokio::time::Instant::now();
    while quick.all().len() < 36 {
        assert!(began.elapsed() < Duration::from_secs(20), "{} messages", quick.all().len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(quick.taken().values().all(|numbers| numbers == &[1, 2, 3]));
    // Four at the same time, and as many again whose end it has not noticed yet.
    assert!(slow.most_open.load(Ordering::SeqCst) <= 8);
    stop.send_replace(true);
    process.await.unwrap();
}

async fn the_log_of_an_organization_has_no_gap_and_no_stranger(world: World) {
    let stranger = OrganizationId::derive(2, "organization", 0);
    world.found(stranger).await;
    let (one, two, other) = (world.run().await, world.run().await, world.run_of(stranger).await);
    for number in 1..=5 {
        for run in [one, other, two] {
            world.tell(run, number..=number).await;
        }
    }
    let all = world.log(LogPosition::START, &LogFilter::default(), 99).await;
    assert_eq!(all.len(), 10);
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert!(all.iter().all(|logged| logged.event.organization() == world.organization));
    let mut pages = Vec::new();
    let mut after = LogPosition::START;
    loop {
        let page = world.log(after, &LogFilter::default(), 3).await;
        let Some(last) = page.last() else { break };
        after = last.position;
        pages.extend(page);
    }
    assert_eq!(pages, all);
    assert_eq!(world.store.newest(world.organization).await.unwrap(), all[9].position);
    let of_run = LogFilter { run: Some(two), ..LogFilter::default() };
    let numbers = |logged: &[spotwright_core::ports::event_log::Logged]| {
        logged.iter().filter_map(|logged| logged.event.sequence()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&world.log(LogPosition::START, &of_run, 99).await), [1, 2, 3, 4, 5]);
    let types = vec!["spotwright.run.finished.v1".to_owned()];
    let ends = LogFilter { types, run: None };
    assert_eq!(numbers(&world.log(LogPosition::START, &ends, 99).await), [5, 5]);
    let nobody = OrganizationId::derive(3, "organization", 0);
    assert_eq!(world.store.newest(nobody).await.unwrap(), LogPosition::START);
}

async fn an_organization_has_so_many_webhooks_and_no_more(world: World) {
    use spotwright_core::domain::webhook::MOST_WEBHOOKS;
    use spotwright_core::ports::accounts::{AccountError, Page, WriteKey, Written};
    use spotwright_core::ports::webhooks::NewWebhook;
    use spotwright_schemas::ids::WebhookId;

    let new = |number: u64| NewWebhook {
        id: WebhookId::derive(number, "many", 0),
        order: order("https://example.com/", &["*"]),
        secret_mark: SecretMark("test".to_owned()),
        most: MOST_WEBHOOKS,
        now: world.now(),
    };
    let write = |number: u64| WriteKey { key: format!("many-{number}"), fingerprint: [2; 32] };
    for number in 0..u64::from(MOST_WEBHOOKS) {
        let made =
            world.store.create_webhook(world.organization, &write(number), &new(number)).await.unwrap();
        assert!(matches!(made, Written::Fresh(_)));
    }
    let again = world.store.create_webhook(world.organization, &write(3), &new(99)).await.unwrap();
    assert!(matches!(again, Written::Replayed(webhook) if webhook.id == new(3).id));
    let refused = world.store.create_webhook(world.organization, &write(99), &new(99)).await;
    assert!(matches!(refused, Err(WebhookError::TooMany { most: MOST_WEBHOOKS })));
    let page = Page { before: None, limit: 99 };
    let listed = world.store.webhooks(world.organization, page).await.unwrap();
    assert_eq!((listed.len(), listed[0].row.id), (20, new(19).id));
    let stranger = OrganizationId::derive(2, "organization", 0);
    assert!(world.store.webhooks(stranger, page).await.unwrap().is_empty());
    for missing in [
        world.store.webhook(stranger, new(3).id).await.map(|_| ()),
        world.store.delete_webhook(stranger, new(3).id).await,
        world.store.deliveries(stranger, new(3).id, None, page).await.map(|_| ()),
        world.store.replay(stranger, new(3).id, ReplayFrom::Since(0), 9, 0).await.map(|_| ()),
    ] {
        assert!(matches!(missing, Err(WebhookError::Account(AccountError::Missing(_)))), "{missing:?}");
    }
}

async fn deliveries_are_forgotten_and_webhooks_deleted_whole(world: World) {
    let receiver = Receiver::start().await;
    let webhook = world.webhook(&receiver.url, &["*"]).await;
    let run = world.run().await;
    world.tell(run, 1..=2).await;
    let mut dispatcher = world.dispatcher(world.sender());
    world.settle(&mut dispatcher).await;
    world.clock.advance_micros(SECOND);
    let later = world.now();
    world.tell(run, 3..=3).await;
    world.settle(&mut dispatcher).await;
    assert_eq!(world.store.forget_deliveries(later).await.unwrap(), 2);
    assert_eq!(world.deliveries(&webhook, None).await.len(), 1);
    world.store.delete_webhook(world.organization, webhook.id).await.unwrap();
    assert_eq!(world.store.forget_deliveries(i64::MAX).await.unwrap(), 0, "they went with it");
    world.tell(run, 4..=4).await;
    world.settle(&mut dispatcher).await;
    assert_eq!(receiver.all().len(), 3);
}

#[tokio::test]
async fn nothing_is_sent_to_a_private_network_unless_the_installation_allows_it() {
    use spotwright_core::ports::clock::SystemClock;
    use spotwright_egress::Reach;
    use spotwright_schemas::ids::DeliveryId;
    use spotwright_webhooks::sender::{HttpSender, SenderOptions};

    rustls::crypto::ring::default_provider().install_default().ok();
    let receiver = Receiver::start().await;
    let sender = |reach| {
        let options = SenderOptions { reach, ..SenderOptions::default() };
        HttpSender::new(options, Arc::new(SystemClock)).unwrap()
    };
    let message = OutgoingMessage {
        id: DeliveryId::derive(1, "delivery", 0),
        url: receiver.url.clone(),
        body: "{}".to_owned(),
        secrets: Vec::new(),
        now: 0,
    };
    let public = sender(Reach::Public);
    for url in [receiver.url.as_str(), "https://10.0.0.1/", "https://169.254.169.254/", "http://example.com/"]
    {
        let problem = public.check(url).unwrap_err();
        assert_eq!((problem.code, problem.field.as_str()), (Code::AddressRefused, "url"), "{url}");
    }
    assert!(public.check("https://example.com/hook").is_ok());
    let refused = public.send(&message).await;
    assert!(refused.status.is_none() && refused.error.is_some(), "{refused:?}");
    assert!(receiver.all().is_empty());
    let private = sender(Reach::Private);
    assert!(private.check("https://169.254.169.254/").is_err());
    assert_eq!(private.send(&message).await.status, Some(200));
}
