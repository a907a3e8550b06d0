//! Publishes with confirmation, many messages under way at once on one channel.
//!
//! Every message is mandatory: one that no queue takes comes back. The client library hands a
//! returned message to whichever confirmation it resolves next, which with many under way is often
//! another message's. So answers wait here until the broker has answered one more request on the
//! same channel; by then every return that came before them has surfaced, and is matched by address
//! and message id.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lapin::options::{BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, PublisherConfirm};
use spotwright_core::ports::event_bus::BusError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::broker::{self, BrokerError, within};
use super::counters::Count;
use super::envelope::{self, Envelope};
use super::link::{Link, Session, Shared};
use super::topology::Address;

/// Most messages published and not yet answered. The relay's window is 256; retries and dead
/// letters come on top.
const MAX_IN_FLIGHT: usize = 512;

/// A handle on the task that publishes.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    jobs: mpsc::Sender<Job>,
    link: Link,
    shared: Arc<Shared>,
}

/// A message, and whom to tell what became of it.
#[derive(Debug)]
struct Job {
    envelope: Envelope,
    answer: oneshot::Sender<Result<(), BusError>>,
}

impl Publisher {
    pub(super) fn start(shared: Arc<Shared>, link: Link) -> Self {
        let (jobs, queue) = mpsc::channel(MAX_IN_FLIGHT);
        tokio::spawn(drive(Arc::clone(&shared), link.clone(), queue));
        Self { jobs, link, shared }
    }

    /// Publishes and waits for the broker's answer, over reconnections if there is time.
    ///
    /// Dropping the future may or may not have published.
    pub(super) async fn publish(&self, envelope: Envelope) -> Result<(), BusError> {
        let (answer, answered) = oneshot::channel();
        let ended = || BusError::Unavailable("the bus is closed".to_owned());
        let wait = async {
            self.jobs.send(Job { envelope, answer }).await.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())?
        };
        let limit = self.shared.options.publish_timeout;
        tokio::time::timeout(limit, wait).await.unwrap_or_else(|_| {
            let why = self.link.trouble().unwrap_or_else(|| "no confirmation in time".to_owned());
            Err(BusError::Unavailable(why))
        })
    }
}

async fn drive(shared: Arc<Shared>, link: Link, mut jobs: mpsc::Receiver<Job>) {
    let mut epoch = 0;
    while let Some(session) = link.session_after(epoch).await {
        epoch = session.epoch;
        match serve(&shared, &session, &mut jobs).await {
            // Every handle is gone.
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, epoch, "publishing is interrupted"),
        }
        link.report_broken(epoch);
    }
}

/// What is told apart among returned messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Traits {
    address: Address,
    id: String,
}

/// A message on its way.
struct Sent {
    traits: Traits,
    deadline: Instant,
    confirm: PublisherConfirm,
    answer: oneshot::Sender<Result<(), BusError>>,
}

/// A message with an answer that may still turn out to be a return.
struct Answered {
    traits: Traits,
    acknowledged: bool,
    answer: oneshot::Sender<Result<(), BusError>>,
}

type Barrier = Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send>>;

/// What is under way on one channel.
struct Flight<'a> {
    shared: &'a Shared,
    channel: Channel,
    /// Oldest first.
    sent: Vec<Sent>,
    /// Answered since the latest barrier began.
    answered: Vec<Answered>,
    /// Answered before it began.
    behind_barrier: Vec<Answered>,
    /// Returned messages whose own answer is not decided yet.
    returned: HashMap<Traits, usize>,
}

/// Publishes on one session until it breaks, or until there is nobody left to publish for.
async fn serve(
    shared: &Shared,
    session: &Session,
    jobs: &mut mpsc::Receiver<Job>,
) -> Result<(), BrokerError> {
    let channel = broker::open_channel(&session.connection, &shared.options).await?;
    let limit = shared.options.operation_timeout;
    within(limit, channel.confirm_select(ConfirmSelectOptions::default())).await?;
    let mut flight = Flight {
        shared,
        channel,
        sent: Vec::new(),
        answered: Vec::new(),
        behind_barrier: Vec::new(),
        returned: HashMap::new(),
    };
    let why = flight.run(jobs).await;
    // Whether these arrived is not known; their publishers try again.
    let reason = why.as_ref().err().map_or_else(|| "the bus is closed".to_owned(), ToString::to_string);
    flight.fail_all(&reason);
    why
}

impl Flight<'_> {
    async fn run(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Result<(), BrokerError> {
        let mut barrier: Option<Barrier> = None;
        loop {
            let deadline = self.sent.first().map(|sent| sent.deadline);
            let room = self.in_flight() < MAX_IN_FLIGHT;
            tokio::select! {
                job = jobs.recv(), if room => match job {
                    Some(job) => self.publish(job).await?,
                    None => return Ok(()),
                },
                passed = pass(&mut barrier), if barrier.is_some() => {
                    passed?;
                    barrier = None;
                    // All returns that came before the answers behind the barrier surface now.
                    poll_fn(|cx| Poll::Ready(self.take_answers(cx))).await?;
                    self.decide();
                }
                answers = poll_fn(|cx| self.wait_for_answers(cx)), if !self.sent.is_empty() => answers?,
                () = sleep_until(deadline), if deadline.is_some() => {
                    return Err(BrokerError::Silent(self.shared.options.operation_timeout));
                }
            }
            if barrier.is_none() && !self.answered.is_empty() {
                self.behind_barrier = std::mem::take(&mut self.answered);
                barrier = Some(self.begin_barrier());
            }
        }
    }

    fn in_flight(&self) -> usize {
        self.sent.len() + self.answered.len() + self.behind_barrier.len()
    }

    async fn publish(&mut self, job: Job) -> Result<(), BrokerError> {
        if job.answer.is_closed() {
            // Its publisher has given up waiting for a connection.
            return Ok(());
        }
        let Job { envelope, answer } = job;
        let (exchange, key) = match address(&envelope) {
            Ok(address) => address,
            Err(error) => {
                tell(answer, Err(error));
                return Ok(());
            }
        };
        let limit = self.shared.options.operation_timeout;
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        self.shared.counters.add(Count::Published);
        let deadline = Instant::now() + limit;
        let confirm = within(
            limit,
            self.channel.basic_publish(exchange, key, options, &envelope.body, envelope.properties),
        )
        .await;
        let traits = Traits { address: envelope.address, id: envelope.id };
        match confirm {
            Ok(confirm) => self.sent.push(Sent { traits, deadline, confirm, answer }),
            Err(error) => {
                tell(answer, Err(BusError::Unavailable(error.to_string())));
                return Err(error);
            }
        }
        Ok(())
    }

    fn wait_for_answers(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BrokerError>> {
        let before = self.sent.len();
        let taken = self.take_answers(cx);
        if taken.is_err() || self.sent.len() < before { Poll::Ready(taken) } else { Poll::Pending }
    }

    /// Takes every answer there is, and takes note of returned messages.
    fn take_answers(&mut self, cx: &mut Context<'_>) -> Result<(), BrokerError> {
        let mut waiting = Vec::with_capacity(self.sent.len());
        let mut failure = None;
        for mut sent in std::mem::take(&mut self.sent) {
            let confirmation = match Pin::new(&mut sent.confirm).poll(cx) {
                Poll::Pending => {
                    waiting.push(sent);
                    continue;
                }
                Poll::Ready(Ok(confirmation)) => confirmation,
                Poll::Ready(Err(error)) => {
                    tell(sent.answer, Err(BusError::Unavailable(error.to_string())));
                    failure = Some(BrokerError::from(error));
                    continue;
                }
            };
            let acknowledged = matches!(confirmation, Confirmation::Ack(_));
            if let Some(message) = confirmation.take_message() {
                let traits = Traits {
                    address: Address {
                        exchange: message.exchange.to_string(),
                        key: message.routing_key.to_string(),
                    },
                    id: envelope::id_of(&message.properties),
                };
                *self.returned.entry(traits).or_insert(0) += 1;
            }
            self.answered.push(Answered { traits: sent.traits, acknowledged, answer: sent.answer });
        }
        self.sent = waiting;
        failure.map_or(Ok(()), Err)
    }

    /// A request that the broker answers after everything it was sent before.
    fn begin_barrier(&self) -> Barrier {
        let channel = self.channel.clone();
        let limit = self.shared.options.operation_timeout;
        Box::pin(async move { within(limit, channel.basic_qos(0, BasicQosOptions::default())).await })
    }

    /// Answers the publishers behind the barrier.
    fn decide(&mut self) {
        let counters = &self.shared.counters;
        for Answered { traits, acknowledged, answer } in std::mem::take(&mut self.behind_barrier) {
            let is_returned = match self.returned.get_mut(&traits) {
                Some(count) => {
                    *count -= 1;
                    if *count == 0 {
                        self.returned.remove(&traits);
                    }
                    true
                }
                None => false,
            };
            let outcome = if is_returned {
                counters.add(Count::Returned);
                Err(BusError::Unroutable(format!("{} at {}", traits.address.key, traits.address.exchange)))
            } else if acknowledged {
                counters.add(Count::Confirmed);
                Ok(())
            } else {
                counters.add(Count::Nacked);
                Err(BusError::Unavailable(
                    "the broker refused the message, as when a queue is full".to_owned(),
                ))
            };
            tell(answer, outcome);
        }
    }

    fn fail_all(self, why: &str) {
        let sent = self.sent.into_iter().map(|sent| sent.answer);
        let answered = self.behind_barrier.into_iter().chain(self.answered).map(|answered| answered.answer);
        for answer in sent.chain(answered) {
            tell(answer, Err(BusError::Unavailable(why.to_owned())));
        }
    }
}

async fn pass(barrier: &mut Option<Barrier>) -> Result<(), BrokerError> {
    match barrier {
        Some(barrier) => barrier.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn address(envelope: &Envelope) -> Result<(ShortString, ShortString), BusError> {
    Ok((envelope::short(&envelope.address.exchange)?, envelope::short(&envelope.address.key)?))
}

fn tell(answer: oneshot::Sender<Result<(), BusError>>, outcome: Result<(), BusError>) {
    if answer.send(outcome).is_err() {
        tracing::debug!("the publisher of a message did not wait for its answer");
    }
}
