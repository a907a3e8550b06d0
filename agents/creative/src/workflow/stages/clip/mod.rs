//! Making one clip: from the library, or by the sources that may make it, in their order.
//!
//! A source's job is a paid call whose answer takes long. Its intent and money are written before it is
//! submitted; from then on it has one end, whatever happens: an answer with what was charged, or none with
//! what counts as spent. In between the step waits without a worker. What cannot be looked up after a crash
//! is never sent again.

mod job;
mod progress;
mod take;

use spotwright_core::domain::reason::ClipReason;
use spotwright_core::domain::routing::{Candidate, Route, Terms, Wish, route};
use spotwright_core::domain::run::RunView;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::clip_source::{ClipRequest, ClipSource, RendererClass};
use spotwright_core::ports::step_store::{ClaimedStep, NewStep};
use spotwright_core::spine::{Begun, PaidCalls, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use crate::footage::clip_key;
use crate::workflow::agent::{CreativeAgent, parse};
use crate::workflow::clips::{ClipOutcome, MadeClip, Tried, TryEnd};
use crate::workflow::footage_ports::FootagePorts;
pub(in crate::workflow) use progress::{ClipResult, ClipStep};
use progress::{Current, Fetched, Progress};

impl CreativeAgent {
    pub(in crate::workflow) async fn clip(
        &self,
        step: &ClaimedStep,
        calls: &PaidCalls<'_>,
    ) -> Result<ClipResult, StepError> {
        let asked: ClipStep = parse(step.input.clone()).map_err(StepError::Permanent)?;
        let Some(ports) = self.ports.footage.as_ref().filter(|ports| !ports.clips.is_empty()) else {
            let outcome = ClipOutcome { why: ClipReason::NoSources, ..ClipOutcome::default() };
            return Ok(ClipResult::Ended(Box::new(outcome)));
        };
        let (run, _) = self.run_of(step).await?;
        let progress = Progress::of(step, &asked).map_err(StepError::Permanent)?;
        ClipWork { ports, run: &run, step, calls, asked: &asked, progress }.work().await
    }

    /// What became of a clip whose step failed.
    pub(in crate::workflow) fn clip_of_failure(step: &ClaimedStep, problem: &Problem) -> ClipOutcome {
        let asked: Result<ClipStep, Problem> = parse(step.input.clone());
        let progress = asked.and_then(|asked| Progress::of(step, &asked)).unwrap_or_default();
        if problem.code == Code::RunCancelled {
            return progress.without_clip(ClipReason::RunEnded);
        }
        let failed = ClipReason::Failed { words: progress::bounded(&problem.message) };
        let mut progress = progress;
        if let Some(current) = progress.current.take() {
            // The step's end closes what it has left open, and counts it as spent.
            let tried = current.over(TryEnd::Lost, failed.clone(), current.quote);
            progress.tries.push(tried);
        }
        progress.without_clip(failed)
    }
}

/// The work of one attempt.
struct ClipWork<'a> {
    ports: &'a FootagePorts,
    run: &'a RunView,
    step: &'a ClaimedStep,
    calls: &'a PaidCalls<'a>,
    asked: &'a ClipStep,
    progress: Progress,
}

/// How a source's turn ended.
enum Turn {
    Made(MadeClip),
    Over(Tried),
}

/// Whose turn is next.
enum Next {
    Ask(Current),
    /// The source works on other machines.
    PassOn(StepKind),
    Nobody,
}

impl ClipWork<'_> {
    async fn work(mut self) -> Result<ClipResult, StepError> {
        if self.progress.route.is_none() {
            self.progress.route = Some(self.routed());
            if let Some(made) = self.find_made().await? {
                // What an earlier attempt has paid for is settled by its own job, whose clip the library has.
                match self.begun_before(&made.source).await? {
                    Some(current) => self.progress.current = Some(current),
                    None => return Ok(self.made(made)),
                }
            }
        }
        loop {
            let current = match self.progress.current.clone() {
                Some(current) => current,
                None => match self.next() {
                    Next::Ask(current) => current,
                    Next::PassOn(kind) => return Ok(self.passed_on(kind)),
                    Next::Nobody => return Ok(self.nobody()),
                },
            };
            self.progress.current = Some(current.clone());
            match self.turn(&current).await? {
                Turn::Made(made) => return Ok(self.made(made)),
                Turn::Over(tried) => {
                    tracing::info!(
                        step.id = %self.step.id,
                        clip.source = tried.source,
                        clip.ended = ?tried.ended,
                        clip.cost_micros = tried.cost.0,
                        "a source gave no clip: {}",
                        tried.why
                    );
                    self.progress.tries.push(tried);
                    self.progress.current = None;
                }
            }
        }
    }

    /// The source's turn, where an earlier attempt of this very step has asked it and did not live to tell.
    async fn begun_before(&self, name: &str) -> Result<Option<Current>, StepError> {
        if self.step.fence <= 1 {
            return Ok(None);
        }
        let seed = self.asked.request.seed;
        let quote = self.source(name).and_then(|source| source.quote(&self.request(seed)).ok());
        let Some(quote) = quote else { return Ok(None) };
        let current = Current {
            source: name.to_owned(),
            seed,
            quote: quote.at_most,
            since_micros: self.ports.clock.now_micros(),
            job: None,
            looks: 0,
            faults: 0,
        };
        let key = self.call_key(&current);
        match self.calls.begin::<Fetched>(name, &key, current.quote).await {
            Ok(Begun::Fresh) => {
                self.calls.ended(&key, Micros::ZERO);
                Ok(None)
            }
            Ok(Begun::Interrupted | Begun::Done(_)) => Ok(Some(current)),
            // It cannot be begun any more, and so it was not.
            Err(StepError::Permanent(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The sources that may make the clip, and why the others may not.
    fn routed(&self) -> Route {
        let brief = &self.run.request.brief;
        let wish = Wish { sources: brief.footage.sources.clone(), or_others: false };
        let terms = Terms {
            territories: brief.shown_in().into_iter().map(str::to_owned).collect(),
            // Also without a price of the brief: a source in another currency than the run's is not asked.
            cap: Some((brief.footage.max_price.unwrap_or(self.run.budget), brief.budget.currency)),
            wish: Some(wish).filter(|wish| !wish.sources.is_empty()),
            ..Terms::default()
        };
        let request = &self.asked.request;
        let candidates: Vec<Candidate<'_>> = self
            .ports
            .clips
            .iter()
            .map(|source| Candidate {
                name: source.name(),
                capabilities: source.capabilities(),
                licence: source.licence(),
                quote: source.quote(request),
                expected: None,
            })
            .collect();
        route(request, &terms, &candidates)
    }

    /// The next source in order; after a clip that shows the product unlike its pictures the same one, once,
    /// with another seed.
    fn next(&mut self) -> Next {
        let unlike = self.progress.tries.iter().filter(|tried| tried.ended == TryEnd::UnlikeProduct).count();
        let last = self.progress.tries.last().map(|tried| (tried.ended, tried.source.clone()));
        let final_end =
            last.as_ref().is_some_and(|(end, _)| matches!(end, TryEnd::Policy | TryEnd::Cancelled));
        if final_end || self.calls.stop().is_set() {
            return Next::Nobody;
        }
        let seed = self.asked.request.seed;
        match (unlike, last) {
            (0, _) => {}
            (1, Some((TryEnd::UnlikeProduct, source))) => {
                return self.may_ask(&source, seed.wrapping_add(1)).unwrap_or(Next::Nobody);
            }
            _ => return Next::Nobody,
        }
        let order = self.progress.route.as_ref().map(|route| route.sources.clone()).unwrap_or_default();
        for name in order {
            if self.progress.tries.iter().any(|tried| tried.source == name) {
                continue;
            }
            if let Some(next) = self.may_ask(&name, seed) {
                return next;
            }
        }
        Next::Nobody
    }

    /// Whether a source may be asked now; `None`, and a try that says why, where it may not.
    fn may_ask(&mut self, name: &str, seed: u32) -> Option<Next> {
        let refused = |ended, why: ClipReason| Tried {
            source: name.to_owned(),
            seed,
            ended,
            why,
            cost: Micros::ZERO,
            fidelity: None,
        };
        let Some(source) = self.source(name) else {
            self.progress.tries.push(refused(TryEnd::Refused, ClipReason::NotConfigured));
            return None;
        };
        let class = source.capabilities().class;
        if let Some(kind) = kind_of(class).filter(|kind| *kind != self.step.kind) {
            return Some(Next::PassOn(kind));
        }
        let quote = match source.quote(&self.request(seed)) {
            Ok(quote) => quote,
            Err(error) => {
                let why = ClipReason::Source { kind: error.kind, words: progress::bounded(&error.message) };
                self.progress.tries.push(refused(TryEnd::Refused, why));
                return None;
            }
        };
        let brief = &self.run.request.brief;
        let currency = brief.budget.currency;
        if quote.currency != currency {
            let why = ClipReason::OtherCurrency { price: quote.currency, budget: currency };
            self.progress.tries.push(refused(TryEnd::Price, why));
            return None;
        }
        let spent = self.progress.spent();
        if let Some(cap) = brief.footage.max_price.filter(|cap| spent + quote.at_most > *cap) {
            let why = ClipReason::Price { at_most: quote.at_most, left: cap - spent, currency };
            self.progress.tries.push(refused(TryEnd::Price, why));
            return None;
        }
        Some(Next::Ask(Current {
            source: name.to_owned(),
            seed,
            quote: quote.at_most,
            since_micros: self.ports.clock.now_micros(),
            job: None,
            looks: 0,
            faults: 0,
        }))
    }

    fn source(&self, name: &str) -> Option<&dyn ClipSource> {
        self.ports.clips.iter().find(|source| source.name() == name).map(AsRef::as_ref)
    }

    /// The request with a seed of its own.
    fn request(&self, seed: u32) -> ClipRequest {
        ClipRequest { seed, ..self.asked.request.clone() }
    }

    /// The name under which a source knows the job for good.
    fn call_key(&self, current: &Current) -> String {
        let clip = clip_key(&self.request(current.seed), self.asked.shows_product);
        format!("{}-{clip}-{}", self.run.id, current.source)
    }

    fn made(self, made: MadeClip) -> ClipResult {
        let mut outcome = self.progress.without_clip(ClipReason::default());
        outcome.made = Some(made);
        ClipResult::Ended(Box::new(outcome))
    }

    fn nobody(self) -> ClipResult {
        let why = if self.calls.stop().is_set() { ClipReason::RunEnded } else { self.progress.reasons() };
        ClipResult::Ended(Box::new(self.progress.without_clip(why)))
    }

    /// The same work as a step of another kind. Each change of kinds has a step of its own.
    fn passed_on(self, kind: StepKind) -> ClipResult {
        let (clip, hop) = match self.step.key.split_once('.') {
            Some((clip, hop)) => (clip, hop.parse::<u32>().unwrap_or_default()),
            None => (self.step.key.as_str(), 0),
        };
        ClipResult::PassedOn {
            kind,
            key: format!("{clip}.{}", hop + 1),
            step: Box::new(ClipStep { before: Some(self.progress), ..self.asked.clone() }),
        }
    }
}

/// The kind of step that a source of this class is asked in; `None` for any.
const fn kind_of(class: RendererClass) -> Option<StepKind> {
    match class {
        RendererClass::Cpu => None,
        RendererClass::Gpu => Some(StepKind::ClipGpu),
        RendererClass::Remote => Some(StepKind::ClipRemote),
    }
}

/// The clip that a step is about.
pub(in crate::workflow) fn clip_of_step(key: &str) -> &str {
    key.split_once('.').map_or(key, |(clip, _)| clip)
}

/// The step that goes on with the work.
pub(in crate::workflow) fn next_step(
    kind: StepKind,
    key: String,
    step: &ClipStep,
) -> Result<NewStep, Problem> {
    let input = serde_json::to_value(step)
        .map_err(|error| Problem::new(Code::StoreFormat, "step.input", error.to_string()))?;
    Ok(NewStep { kind, key, input })
}
