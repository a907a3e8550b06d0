//! The life of jobs: a pure state machine on logical time.
//!
//! ```text
//! queued ──► running ──► done | failed
//!    └───────────┴─────► cancelled | lost
//! ```
//! A job begins when it has waited its time and a lane of its pool is free. Time is given with every
//! call; [`Jobs::advance`] makes what happened up to now happen in order, so that one leap of an hour
//! gives the same as an hour of seconds.

use std::collections::BTreeMap;

use serde_json::Value;
use spotwright_schemas::money::{Currency, Micros};

use crate::clip::Work;
use crate::faults::{Dialect, Fault};

/// Days after which results are deleted (Kling).
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

/// Machines that work on jobs, or slots that jobs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pool {
    KlingVideos,
    KlingPictures,
    Videos,
    Comfyui,
}

/// Where a job stands in truth. What clients are told may differ ([`Job::hidden`], faults).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
    Lost,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    pub(crate) const fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A job as it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) id: String,
    pub(crate) pool: Pool,
    pub(crate) dialect: Dialect,
    /// Which of the dialect's resources it belongs to, e.g. `videos/text2video`.
    pub(crate) resource: String,
    pub(crate) key: Option<String>,
    /// Digest of the request without its key.
    pub(crate) request: String,
    /// Slots of the pool that it holds until its end.
    pub(crate) slots: u32,
    pub(crate) work: Work,
    pub(crate) price: Micros,
    pub(crate) currency: Currency,
    pub(crate) callback_url: Option<String>,
    pub(crate) faults: Vec<Fault>,
    /// What the dialect wants to say again later.
    pub(crate) echo: Value,
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) asked: NewJob,
    pub(crate) number: u64,
    pub(crate) phase: Phase,
    pub(crate) accepted_ms: i64,
    pub(crate) queue_ms: i64,
    pub(crate) work_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    /// Told to stop or removed; the GPU may go on all the same.
    pub(crate) hidden: bool,
}

impl Job {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.asked.faults.contains(&fault)
    }

    /// When something last changed.
    pub(crate) fn updated_ms(&self) -> i64 {
        self.ended_ms.or(self.started_ms).unwrap_or(self.accepted_ms)
    }

    /// Whether a provider that deletes after 30 days has deleted what it made.
    pub(crate) fn is_purged(&self, now_ms: i64) -> bool {
        self.ended_ms.is_some_and(|ended| now_ms - ended >= KEPT_MS)
    }

    /// Whether clients still hear of it.
    pub(crate) fn is_known(&self) -> bool {
        !(self.phase == Phase::Lost || (self.phase == Phase::Done && self.has(Fault::Vanishes)))
    }

    /// Percent of the work that is done.
    pub(crate) fn percent(&self, now_ms: i64) -> i64 {
        match (self.phase, self.started_ms) {
            (Phase::Done, _) => 100,
            (Phase::Running, Some(started)) => ((now_ms - started) * 100 / self.work_ms.max(1)).clamp(0, 99),
            _ => 0,
        }
    }

    fn fails(&self) -> bool {
        self.has(Fault::Fails) || self.has(Fault::FailsPolicy)
    }
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) id: String,
    pub(crate) phase: Phase,
    pub(crate) at_ms: i64,
}

/// Why a job is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The pool's slots are taken.
    Busy,
    /// The account has a job under this key already.
    KeyTaken,
}

/// How a pool works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolRules {
    /// Jobs at once; more wait.
    pub(crate) lanes: Option<u32>,
    /// Slots at once; more are refused.
    pub(crate) slots: Option<u32>,
    /// Whether a key may be used once only.
    pub(crate) keys_are_unique: bool,
}

/// All jobs of the provider.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    by_id: BTreeMap<String, Job>,
    /// Jobs that are not at their end, in order of acceptance.
    open: Vec<String>,
    rules: BTreeMap<Pool, PoolRules>,
    accepted: u64,
}

impl Jobs {
    pub(crate) fn new(rules: BTreeMap<Pool, PoolRules>) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Job> {
        self.by_id.get(id)
    }

    /// Jobs in order of acceptance.
    pub(crate) fn in_order(&self) -> Vec<&Job> {
        let mut jobs: Vec<&Job> = self.by_id.values().collect();
        jobs.sort_by_key(|job| job.number);
        jobs
    }

    /// The job of an account's key.
    pub(crate) fn of_key(&self, pool: Pool, key: &str) -> Option<&Job> {
        self.by_id
            .values()
            .find(|job| shares_keys(job.asked.pool, pool) && job.asked.key.as_deref() == Some(key))
    }

    /// Takes a job.
    ///
    /// # Errors
    /// [`Refused`]; nothing has changed then.
    pub(crate) fn submit(
        &mut self,
        now_ms: i64,
        queue_ms: i64,
        work_ms: i64,
        asked: NewJob,
    ) -> Result<&Job, Refused> {
        let rules = self.rules_of(asked.pool);
        if rules.keys_are_unique
            && asked.key.as_ref().is_some_and(|key| self.of_key(asked.pool, key).is_some())
        {
            return Err(Refused::KeyTaken);
        }
        let held: u32 = self.open_in(asked.pool).map(|job| job.asked.slots).sum();
        if rules.slots.is_some_and(|slots| held + asked.slots > slots) {
            return Err(Refused::Busy);
        }
        self.accepted += 1;
        let id = asked.id.clone();
        let job = Job {
            asked,
            number: self.accepted,
            phase: Phase::Queued,
            accepted_ms: now_ms,
            queue_ms,
            work_ms,
            started_ms: None,
            ended_ms: None,
            hidden: false,
        };
        self.open.push(id.clone());
        Ok(self.by_id.entry(id).insert_entry(job).into_mut())
    }

    /// Lets happen what happened up to `now_ms`, in order of time.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some((at_ms, id)) = self.next_event(now_ms) {
            let Some(job) = self.by_id.get_mut(&id) else { break };
            job.phase = match job.phase {
                Phase::Queued => Phase::Running,
                _ if job.fails() => Phase::Failed,
                _ => Phase::Done,
            };
            if job.phase == Phase::Running {
                job.started_ms = Some(at_ms);
            } else {
                job.ended_ms = Some(at_ms);
            }
            changes.push(Change { id, phase: job.phase, at_ms });
            self.forget_ended();
        }
        changes
    }

    /// Tells a job to stop, or removes one that has ended. `None` when there is no such job.
    pub(crate) fn cancel(&mut self, now_ms: i64, id: &str) -> Option<Vec<Change>> {
        let job = self.by_id.get_mut(id)?;
        job.hidden = true;
        if job.phase.is_end() || (job.phase == Phase::Running && job.has(Fault::CancelIgnored)) {
            return Some(Vec::new());
        }
        job.phase = Phase::Cancelled;
        job.ended_ms = Some(now_ms);
        self.forget_ended();
        Some(vec![Change { id: id.to_owned(), phase: Phase::Cancelled, at_ms: now_ms }])
    }

    /// Starts anew. Jobs under way are lost unless they are kept; ComfyUI's history lives in memory and
    /// is lost with them.
    pub(crate) fn restart(&mut self, now_ms: i64, keeps_jobs: bool) -> Vec<Change> {
        if keeps_jobs {
            return Vec::new();
        }
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.open) {
            if let Some(job) = self.by_id.get_mut(&id) {
                job.phase = Phase::Lost;
                job.ended_ms = Some(now_ms);
                changes.push(Change { id, phase: Phase::Lost, at_ms: now_ms });
            }
        }
        self.by_id.retain(|_, job| job.phase != Phase::Lost);
        for job in self.by_id.values_mut().filter(|job| job.asked.pool == Pool::Comfyui) {
            job.hidden = true;
        }
        changes
    }

    /// Jobs of a pool that are not at their end, in order.
    pub(crate) fn open_in(&self, pool: Pool) -> impl Iterator<Item = &Job> {
        self.open.iter().filter_map(|id| self.by_id.get(id)).filter(move |job| job.asked.pool == pool)
    }

    fn rules_of(&self, pool: Pool) -> PoolRules {
        self.rules.get(&pool).copied().unwrap_or(PoolRules {
            lanes: None,
            slots: None,
            keys_are_unique: false,
        })
    }

    fn forget_ended(&mut self) {
        let jobs = &self.by_id;
        self.open.retain(|id| jobs.get(id).is_some_and(|job| !job.phase.is_end()));
    }

    /// The earliest end or beginning that is due, ends first.
    fn next_event(&self, now_ms: i64) -> Option<(i64, String)> {
        let mut earliest: Option<(i64, bool, u64, &str)> = None;
        let mut offer = |at_ms: i64, begins: bool, job: &'_ Job, id| {
            let event = (at_ms, begins, job.number, id);
            if at_ms <= now_ms && earliest.is_none_or(|known| event < known) {
                earliest = Some(event);
            }
        };
        for id in &self.open {
            let Some(job) = self.by_id.get(id) else { continue };
            if let Some(started) = job.started_ms {
                offer(started + job.work_ms, false, job, id.as_str());
            }
        }
        for pool in [Pool::KlingVideos, Pool::KlingPictures, Pool::Videos, Pool::Comfyui] {
            let running = self.open_in(pool).filter(|job| job.phase == Phase::Running).count();
            let lanes = self.rules_of(pool).lanes;
            if lanes.is_some_and(|lanes| running >= lanes as usize) {
                continue;
            }
            // A lane that became free just now is not used before that moment.
            let free_since = if lanes.is_some() { self.last_end(pool) } else { i64::MIN };
            for job in self.open_in(pool).filter(|job| job.phase == Phase::Queued) {
                if !job.has(Fault::StuckQueued) {
                    offer((job.accepted_ms + job.queue_ms).max(free_since), true, job, job.asked.id.as_str());
                }
            }
        }
        earliest.map(|(at_ms, _, _, id)| (at_ms, id.to_owned()))
    }

    fn last_end(&self, pool: Pool) -> i64 {
        let ended = self.by_id.values().filter(|job| job.asked.pool == pool && job.started_ms.is_some());
        ended.filter_map(|job| job.ended_ms).max().unwrap_or(i64::MIN)
    }
}

/// Kling's keys are unique per account, whatever is made.
fn shares_keys(one: Pool, other: Pool) -> bool {
    let kling = |pool| matches!(pool, Pool::KlingVideos | Pool::KlingPictures);
    one == other || (kling(one) && kling(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clip::Footage;

    fn asked(id: &str, key: Option<&str>, faults: &[Fault]) -> NewJob {
        NewJob {
            id: id.to_owned(),
            pool: Pool::Videos,
            dialect: Dialect::OpenaiVideos,
            resource: "videos".to_owned(),
            key: key.map(str::to_owned),
            request: String::new(),
            slots: 1,
            work: Work::Clip(Footage::test_picture("a cup", 1, 64, 64, 8, 8)),
            price: Micros(1),
            currency: Currency::USD,
            callback_url: None,
            faults: faults.to_vec(),
            echo: Value::Null,
        }
    }

    fn one_lane() -> Jobs {
        let rules = PoolRules { lanes: Some(1), slots: Some(4), keys_are_unique: true };
        Jobs::new(BTreeMap::from([(Pool::Videos, rules)]))
    }

    fn told(changes: &[Change]) -> Vec<(&str, Phase, i64)> {
        changes.iter().map(|change| (change.id.as_str(), change.phase, change.at_ms)).collect()
    }

    #[test]
    fn jobs_take_turns_on_a_lane_and_one_that_is_stuck_holds_nobody_up() {
        let mut jobs = one_lane();
        jobs.submit(0, 10, 100, asked("stuck", None, &[Fault::StuckQueued])).unwrap();
        jobs.submit(0, 10, 100, asked("a", None, &[])).unwrap();
        jobs.submit(1, 10, 100, asked("b", None, &[Fault::Fails])).unwrap();
        assert_eq!(
            told(&jobs.advance(1_000_000)),
            [
                ("a", Phase::Running, 10),
                ("a", Phase::Done, 110),
                ("b", Phase::Running, 110),
                ("b", Phase::Failed, 210),
            ],
        );
        assert_eq!(jobs.get("stuck").unwrap().phase, Phase::Queued);
    }

    #[test]
    fn a_key_is_taken_once_and_slots_run_out() {
        let mut jobs = one_lane();
        jobs.submit(0, 0, 10, asked("a", Some("k"), &[])).unwrap();
        assert_eq!(jobs.submit(0, 0, 10, asked("b", Some("k"), &[])).err(), Some(Refused::KeyTaken));
        for id in ["c", "d", "e"] {
            jobs.submit(0, 0, 10, asked(id, Some(id), &[])).unwrap();
        }
        assert_eq!(jobs.submit(0, 0, 10, asked("f", None, &[])).err(), Some(Refused::Busy));
        jobs.advance(10);
        jobs.submit(10, 0, 10, asked("f", None, &[])).unwrap();
        assert_eq!(jobs.submit(10, 0, 10, asked("g", Some("k"), &[])).err(), Some(Refused::KeyTaken));
    }

    #[test]
    fn a_cancelled_job_stops_unless_the_gpu_goes_on() {
        let mut jobs = one_lane();
        jobs.submit(0, 0, 100, asked("a", None, &[Fault::CancelIgnored])).unwrap();
        jobs.submit(0, 0, 100, asked("b", None, &[])).unwrap();
        jobs.advance(50);
        assert_eq!(jobs.cancel(50, "a"), Some(Vec::new()));
        assert_eq!(jobs.cancel(50, "no such job"), None);
        assert_eq!(told(&jobs.advance(120)), [("a", Phase::Done, 100), ("b", Phase::Running, 100)]);
        assert_eq!(told(&jobs.cancel(120, "b").unwrap()), [("b", Phase::Cancelled, 120)]);
        assert_eq!(jobs.advance(1_000), []);
        assert!(jobs.get("a").unwrap().hidden);
    }

    #[test]
    fn a_restart_loses_what_was_under_way_or_keeps_it() {
        let mut jobs = one_lane();
        jobs.submit(0, 0, 10, asked("a", None, &[])).unwrap();
        jobs.submit(0, 0, 10, asked("b", Some("k"), &[])).unwrap();
        jobs.advance(10);
        assert_eq!(jobs.restart(12, true), []);
        assert_eq!(told(&jobs.restart(12, false)), [("b", Phase::Lost, 12)]);
        assert!(jobs.get("b").is_none());
        assert_eq!(jobs.get("a").unwrap().phase, Phase::Done);
        jobs.submit(13, 0, 10, asked("c", Some("k"), &[])).unwrap();
    }

    #[test]
    fn results_are_deleted_after_thirty_days() {
        let mut jobs = one_lane();
        jobs.submit(0, 0, 10, asked("a", None, &[])).unwrap();
        jobs.advance(10);
        let job = jobs.get("a").unwrap();
        assert!(!job.is_purged(10 + KEPT_MS - 1));
        assert!(job.is_purged(10 + KEPT_MS));
    }

    proptest! {
        #[test]
        fn one_leap_gives_the_same_as_many_steps(
            arrivals in prop::collection::vec((0_i64..50, 0_i64..20, 1_i64..40), 1..6),
            steps in prop::collection::vec(1_i64..60, 1..20),
        ) {
            let mut leaping = one_lane();
            let mut stepping = one_lane();
            let mut now = 0;
            for (idx, (at, queue, work)) in arrivals.iter().enumerate() {
                now += at;
                for jobs in [&mut leaping, &mut stepping] {
                    // The fifth finds the pool full in both.
                    drop(jobs.submit(now, *queue, *work, asked(&idx.to_string(), None, &[])));
                }
            }
            let end = now + steps.iter().sum::<i64>();
            let leap = leaping.advance(end);
            let mut stepped = Vec::new();
            for step in steps {
                now += step;
                stepped.extend(stepping.advance(now));
            }
            prop_assert_eq!(leap, stepped);
        }
    }
}
