//! Tails: one look at a run for all who listen to it.
//!
//! A thousand listeners that each asked the database four times a second would keep it busy with nothing.
//! Here one of those who wait for the same run looks for all of them, and whoever waits next takes over when
//! that one goes away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use spotwright_schemas::ids::RunId;
use tokio::sync::watch;
use tokio::time::Instant;

/// Looks that find nothing before the pause between two of them grows, each time by as much again.
const QUIET_LOOKS: u32 = 20;
/// Longest pause, as a multiple of the first one.
const LONGEST_WAIT: u32 = 8;

/// The runs that somebody listens to.
#[derive(Debug)]
pub(crate) struct Tails {
    poll: Duration,
    runs: Mutex<HashMap<RunId, Arc<Tail>>>,
}

/// What the listeners of a run share.
#[derive(Debug)]
struct Tail {
    /// Number of the newest event that anybody has seen.
    newest: watch::Sender<u64>,
    /// Held by the one who looks.
    look: tokio::sync::Mutex<Look>,
}

#[derive(Debug)]
struct Look {
    due: Instant,
    /// Looks in a row that found nothing.
    idle: u32,
}

/// A listener's share of a tail; the tail is forgotten with the last of them.
#[derive(Debug)]
pub(crate) struct Listening {
    tails: Arc<Tails>,
    run: RunId,
    tail: Arc<Tail>,
}

impl Tails {
    /// Looks this often at a run in which something happens.
    pub(crate) fn new(poll: Duration) -> Arc<Self> {
        Arc::new(Self { poll, runs: Mutex::default() })
    }

    /// Listens to a run.
    pub(crate) fn of(self: &Arc<Self>, run: RunId) -> Listening {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || {
            let look = Look { due: Instant::now() + self.poll, idle: 0 };
            Arc::new(Tail { newest: watch::Sender::new(0), look: tokio::sync::Mutex::new(look) })
        };
        let tail = Arc::clone(runs.entry(run).or_insert_with(begin));
        Listening { tails: Arc::clone(self), run, tail }
    }

    fn pause(&self, idle: u32) -> Duration {
        self.poll * (1 + idle / QUIET_LOOKS).min(LONGEST_WAIT)
    }
}

impl Listening {
    /// Waits until there is an event after number `after`. `newest` asks for the number of the newest one; of
    /// all who wait only one asks. It may be given up at any moment.
    ///
    /// # Errors
    /// Those of `newest`.
    pub(crate) async fn beyond<F, E>(&self, after: u64, newest: impl Fn() -> F) -> Result<(), E>
    where
        F: Future<Output = Result<u64, E>>,
    {
        let mut told = self.tail.newest.subscribe();
        loop {
            if *told.borrow_and_update() > after {
                return Ok(());
            }
            tokio::select! {
                biased;
                // The sender lives as long as this does.
                _ = told.changed() => {}
                mut look = self.tail.look.lock() => {
                    tokio::time::sleep_until(look.due).await;
                    look.idle = look.idle.saturating_add(1);
                    look.due = Instant::now() + self.tails.pause(look.idle);
                    let found = newest().await?;
                    if found > *self.tail.newest.borrow() {
                        *look = Look { due: Instant::now() + self.tails.poll, idle: 0 };
                        self.tail.newest.send_replace(found);
                    }
                }
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut runs = self.tails.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: nobody else listens, and nobody can begin to while the map is held.
        if Arc::strong_count(&self.tail) <= 2 {
            runs.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const POLL: Duration = Duration::from_millis(250);

    fn run() -> RunId {
        RunId::derive(1, "run", 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_listeners_look_as_often_as_one() {
        let (tails, looks) = (Tails::new(POLL), Arc::new(AtomicU64::new(0)));
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let (listening, looks) = (tails.of(run()), Arc::clone(&looks));
            waiting.spawn(async move {
                // The third look finds the first event.
                let newest = || async { Ok::<_, Infallible>(looks.fetch_add(1, Ordering::SeqCst) / 2) };
                listening.beyond(0, newest).await
            });
        }
        let begun = Instant::now();
        while let Some(ended) = waiting.join_next().await {
            ended.unwrap().unwrap();
        }
        assert_eq!(looks.load(Ordering::SeqCst), 3);
        assert_eq!(begun.elapsed().as_millis() / 10, POLL.as_millis() * 3 / 10);
        assert!(tails.runs.lock().unwrap().is_empty(), "nobody listens any more");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_takes_over_when_the_one_who_looks_goes_away() {
        let tails = Tails::new(POLL);
        let (first, second) = (tails.of(run()), tails.of(run()));
        let begun = Instant::now();
        let never = || async { Ok::<_, Infallible>(0) };
        let given_up = tokio::time::timeout(POLL / 2, first.beyond(0, never));
        let waits = second.beyond(0, || async { Ok::<_, Infallible>(1) });
        let (given_up, found) = tokio::join!(given_up, waits);
        assert!(given_up.is_err());
        found.unwrap();
        // The look was due when it was due for the first one: nobody begins to wait anew.
        assert_eq!(begun.elapsed().as_millis() / 10, POLL.as_millis() / 10);
        // Who comes later and has less is not kept waiting for what others have seen.
        drop(first);
        tails.of(run()).beyond(0, || async { Err("nobody has to look") }).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_run_is_looked_at_less_and_less() {
        let (tails, looks) = (Tails::new(POLL), AtomicU64::new(0));
        let listening = tails.of(run());
        let newest = || async {
            looks.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(0)
        };
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, listening.beyond(0, newest)).await.is_err());
        let most = 20 * 8 + hour.as_millis() / (POLL.as_millis() * u128::from(LONGEST_WAIT));
        assert!(u128::from(looks.load(Ordering::SeqCst)) <= most, "{looks:?}");
    }
}
