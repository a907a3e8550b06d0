//! What a run would cost and how long it would take, told before it is ordered.
//!
//! An estimate rests on what providers quote for the work that the run would ask of them, and on what the
//! organization's finished runs were charged. It promises nothing; what is never exceeded is the run's budget.

use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::{Currency, Micros};

use super::account::RunOrder;
use super::run::NewRun;

/// What a run's paid work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkKind {
    /// Scripts by a language model.
    LanguageModel,
    /// Generated clips.
    Clips,
    /// Previews and finished videos.
    Renders,
    /// Impressions.
    Media,
}

/// A number of which only the bounds are certain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Band<T> {
    /// The least.
    pub low: T,
    /// What is expected.
    pub expected: T,
    /// The most.
    pub high: T,
}

/// Work that a run would ask of one provider, at the provider's prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedWork {
    /// What kind.
    pub kind: WorkKind,
    /// The provider, as the ledger names it.
    pub provider: String,
    /// How many calls.
    pub calls: Band<u32>,
    /// What the provider quotes for a usual call; upper bounds, as quotes are.
    pub quote: Micros,
    /// What it quotes for the dearest of these calls.
    pub highest_quote: Micros,
}

/// The paid work of a run, at today's prices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotes {
    /// By provider.
    pub work: Vec<QuotedWork>,
    /// Smallest media budget of a generation: with less the run ends.
    pub smallest_campaign: Micros,
}

/// What a finished run was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredRun {
    /// The run.
    pub run: RunId,
    /// How large it was.
    pub order: RunOrder,
    /// Most that it could spend.
    pub budget: Micros,
    /// From its order to its end, in microseconds.
    pub micros: i64,
    /// What was settled, by provider; `None`: the market.
    pub settled: Vec<(Option<String>, Micros)>,
}

impl MeasuredRun {
    /// What was settled with one provider, or with the market.
    #[must_use]
    pub fn with(&self, provider: Option<&str>) -> Micros {
        self.settled.iter().filter(|(name, _)| name.as_deref() == provider).map(|(_, sum)| *sum).sum()
    }

    /// Everything that was settled.
    #[must_use]
    pub fn spent(&self) -> Micros {
        self.settled.iter().map(|(_, sum)| *sum).sum()
    }

    /// What was settled with providers.
    #[must_use]
    pub fn production(&self) -> Micros {
        self.spent() - self.with(None)
    }
}

/// What a figure rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// What the provider quotes.
    Quote,
    /// What finished runs were charged.
    Measured,
    /// What is left of the budget.
    Budget,
}

/// What one kind of work with one provider would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimatedWork {
    /// What kind.
    pub kind: WorkKind,
    /// The provider; `None`: the market, which bills nobody.
    pub provider: Option<String>,
    /// How many calls; of media, how many campaigns.
    pub calls: Band<u32>,
    /// The provider's quote for a usual call.
    pub quote: Option<Micros>,
    /// What it would cost.
    pub cost: Band<Micros>,
    /// What that rests on.
    pub basis: Basis,
}

/// What a run would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEstimate {
    /// Currency of all amounts.
    pub currency: Currency,
    /// The budget of the brief.
    pub budget: Micros,
    /// The cap that the order names.
    pub max_spend: Option<Micros>,
    /// Most that the run can spend: the budget, or less where the order says so.
    pub cap: Micros,
    /// All of it together; never above `cap`.
    pub cost: Band<Micros>,
    /// Whether the paid work before the market could use `cap` up, so that the run might end early.
    pub reaches_cap: bool,
    /// From order to end, in microseconds; `None` where no finished run tells.
    pub micros: Option<Band<i64>>,
    /// By kind and provider.
    pub work: Vec<EstimatedWork>,
    /// The finished runs that it rests on, newest first.
    pub measured: Vec<MeasuredRun>,
}

impl RunEstimate {
    /// Estimates `run`, whose paid work is `quotes`, with what `measured` were charged. Its budget is the cap,
    /// which `max_spend` may have made smaller than the brief's.
    #[must_use]
    pub fn of(run: &NewRun, max_spend: Option<Micros>, quotes: Quotes, measured: Vec<MeasuredRun>) -> Self {
        let request = &run.request;
        let cap = run.budget;
        let mut work: Vec<EstimatedWork> =
            quotes.work.into_iter().map(|quoted| production(run, quoted, &measured)).collect();
        let sum = |of: fn(&Band<Micros>) -> Micros| work.iter().map(|one| of(&one.cost)).sum::<Micros>();
        let made = Band {
            low: sum(|cost| cost.low),
            expected: sum(|cost| cost.expected),
            high: sum(|cost| cost.high),
        };
        let generations = request.generations;
        let smallest = Micros(quotes.smallest_campaign.0.saturating_mul(i64::from(generations)));
        let media = media(cap, &made, generations, quotes.smallest_campaign, &measured);
        let within = |amount: Micros| amount.min(cap);
        let cost = Band {
            low: within(made.low + media.cost.low),
            expected: within(made.expected + media.cost.expected),
            high: within(made.high + media.cost.high),
        };
        work.push(media);
        Self {
            currency: request.brief.budget.currency,
            budget: request.brief.budget.total,
            max_spend,
            cap,
            cost,
            reaches_cap: made.high + smallest > cap,
            micros: time(run, &measured),
            work,
            measured,
        }
    }
}

/// Scripts and variants decide how much there is to do: of clips and renders the winners, else all variants.
fn units(kind: WorkKind, generations: u32, variants: u32, winners: u32) -> i64 {
    let each = match kind {
        WorkKind::Clips | WorkKind::Renders => winners,
        WorkKind::LanguageModel | WorkKind::Media => variants,
    };
    (i64::from(generations) * i64::from(each)).max(1)
}

fn scaled(amount: i64, units: i64, of: i64) -> i64 {
    let exact = i128::from(amount) * i128::from(units) / i128::from(of.max(1));
    i64::try_from(exact).unwrap_or(i64::MAX)
}

fn production(run: &NewRun, quoted: QuotedWork, measured: &[MeasuredRun]) -> EstimatedWork {
    let request = &run.request;
    let QuotedWork { kind, provider, calls, quote, highest_quote } = quoted;
    let at = |price: Micros, calls: u32| Micros(price.0.saturating_mul(i64::from(calls)));
    let high = at(highest_quote, calls.high);
    let own = units(kind, request.generations, request.variants, request.winners);
    let mut charged: Vec<i64> = measured
        .iter()
        .filter(|run| run.settled.iter().any(|(name, _)| name.as_deref() == Some(provider.as_str())))
        .map(|run| {
            let of = units(kind, run.order.generations, run.order.variants, run.order.winners);
            scaled(run.with(Some(&provider)).0, own, of)
        })
        .collect();
    let (cost, basis) = match middle(&mut charged) {
        Some(band) => {
            let high = band.high.max(high.0);
            let cost = Band { low: Micros(band.low), expected: Micros(band.expected), high: Micros(high) };
            (cost, Basis::Measured)
        }
        // What a call costs at least nobody says: answers may be short, and jobs may be refused.
        None => (Band { low: Micros::ZERO, expected: at(quote, calls.expected), high }, Basis::Quote),
    };
    EstimatedWork { kind, provider: Some(provider), calls, quote: Some(quote), cost, basis }
}

/// The market gets what production leaves, and spends as much of it as finds impressions.
fn media(
    cap: Micros,
    made: &Band<Micros>,
    generations: u32,
    smallest: Micros,
    measured: &[MeasuredRun],
) -> EstimatedWork {
    let left = |production: Micros| {
        let left = (cap - production).max(Micros::ZERO);
        let of_one = Micros(left.0 / i64::from(generations.max(1)));
        if of_one < smallest { Micros::ZERO } else { left }
    };
    let mut parts: Vec<i64> = measured
        .iter()
        .map(|run| (run.with(None).0, (run.budget - run.production()).0))
        .filter(|(_, offered)| *offered > 0)
        .map(|(spent, offered)| scaled(1_000_000, spent, offered))
        .collect();
    let part = |of: Micros, share: i64| Micros(scaled(of.0, share, 1_000_000));
    let (cost, basis) = if let Some(shares) = middle(&mut parts) {
        let cost = Band {
            low: part(left(made.high), shares.low),
            expected: part(left(made.expected), shares.expected),
            high: left(made.low),
        };
        (cost, Basis::Measured)
    } else {
        let cost = Band { low: Micros::ZERO, expected: left(made.expected), high: left(made.low) };
        (cost, Basis::Budget)
    };
    let calls = Band { low: u32::from(generations > 0), expected: generations, high: generations };
    EstimatedWork { kind: WorkKind::Media, provider: None, calls, quote: None, cost, basis }
}

/// How long runs of this size took.
fn time(run: &NewRun, measured: &[MeasuredRun]) -> Option<Band<i64>> {
    let request = &run.request;
    let size = |generations: u32, variants: u32| i64::from(generations) * i64::from(variants);
    let own = size(request.generations, request.variants);
    let mut times: Vec<i64> = measured
        .iter()
        .map(|run| scaled(run.micros, own, size(run.order.generations, run.order.variants)))
        .collect();
    middle(&mut times)
}

/// The least, the middle and the largest of some numbers; `None` of none.
fn middle(numbers: &mut [i64]) -> Option<Band<i64>> {
    numbers.sort_unstable();
    let (low, high) = (*numbers.first()?, *numbers.last()?);
    Some(Band { low, expected: numbers[numbers.len() / 2], high })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spotwright_schemas::brief::Brief;
    use spotwright_schemas::ids::{BriefId, OrganizationId};

    use super::*;
    use crate::domain::run::{Involvement, RunRequest};

    fn run(budget: i64, generations: u32, variants: u32, winners: u32) -> NewRun {
        let brief =
            Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml")).expect("a brief");
        let request = RunRequest {
            brief,
            pictures: Vec::new(),
            generations,
            variants,
            winners,
            seed: 1,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        };
        NewRun {
            id: RunId::derive(1, "run", 0),
            organization: OrganizationId::derive(1, "organization", 0),
            request,
            budget: Micros(budget),
        }
    }

    fn quotes(calls: Band<u32>, quote: i64) -> Quotes {
        let (kind, provider) = (WorkKind::LanguageModel, "openai".to_owned());
        let work =
            vec![QuotedWork { kind, provider, calls, quote: Micros(quote), highest_quote: Micros(quote) }];
        Quotes { work, smallest_campaign: Micros(1_000_000) }
    }

    fn measured(budget: i64, model: i64, media: i64, micros: i64) -> MeasuredRun {
        let order = RunOrder {
            brief: BriefId::derive(1, "brief", 0),
            generations: 1,
            variants: 4,
            winners: 2,
            seed: 1,
            opportunities: 1_000,
            currency: Currency::USD,
            max_spend: None,
            revises: None,
        };
        let settled = vec![(Some("openai".to_owned()), Micros(model)), (None, Micros(media))];
        MeasuredRun { run: RunId::derive(2, "run", 0), order, budget: Micros(budget), micros, settled }
    }

    const CALLS: Band<u32> = Band { low: 2, expected: 2, high: 6 };

    #[test]
    fn without_finished_runs_the_quotes_count_and_the_market_gets_the_rest() {
        let estimate = RunEstimate::of(&run(10_000_000, 2, 4, 2), None, quotes(CALLS, 50_000), Vec::new());
        let band =
            |low, expected, high| Band { low: Micros(low), expected: Micros(expected), high: Micros(high) };
        assert_eq!(estimate.work[0].cost, band(0, 100_000, 300_000));
        assert_eq!((estimate.work[0].basis, estimate.work[1].basis), (Basis::Quote, Basis::Budget));
        assert_eq!(estimate.work[1].cost, band(0, 9_900_000, 10_000_000));
        assert_eq!(estimate.cost, band(0, 10_000_000, 10_000_000));
        assert_eq!((estimate.micros, estimate.reaches_cap), (None, false));
    }

    #[test]
    fn finished_runs_tell_more_than_quotes() {
        let before = vec![
            measured(10_000_000, 20_000, 4_990_000, 8_000_000),
            measured(10_000_000, 40_000, 9_960_000, 12_000_000),
            measured(10_000_000, 30_000, 6_979_000, 10_000_000),
        ];
        let estimate = RunEstimate::of(&run(10_000_000, 2, 4, 2), None, quotes(CALLS, 50_000), before);
        let model = &estimate.work[0];
        assert_eq!(model.basis, Basis::Measured);
        assert_eq!(model.cost.low, Micros(40_000), "twice as many variants cost twice as much");
        assert_eq!(model.cost.expected, Micros(60_000));
        assert_eq!(model.cost.high, Micros(300_000), "and never less at most than what is quoted");
        let media = &estimate.work[1];
        assert_eq!(media.basis, Basis::Measured);
        assert_eq!(media.cost.expected, Micros(6_958_000), "seven tenths of what is left");
        let time = estimate.micros.expect("measured");
        assert_eq!((time.low, time.expected, time.high), (16_000_000, 20_000_000, 24_000_000));
    }

    #[test]
    fn a_cap_that_the_work_could_use_up_is_told() {
        let estimate = RunEstimate::of(&run(200_000, 1, 4, 2), None, quotes(CALLS, 50_000), Vec::new());
        assert!(estimate.reaches_cap);
        assert_eq!(estimate.work[1].cost.high, Micros::ZERO, "too little for a campaign");
        assert_eq!(estimate.cost.high, Micros(200_000));
    }

    proptest! {
        #[test]
        fn bands_are_ordered_and_never_above_the_cap(
            budget in 0_i64..1_000_000_000,
            quote in 0_i64..10_000_000,
            (low, more, most) in (0_u32..50, 0_u32..50, 0_u32..50),
            past in prop::collection::vec((1_i64..1_000_000_000, 0_i64..1_000_000, 0_i64..1_000_000_000, 0_i64..i64::MAX / 100), 0..4),
            (generations, variants) in (1_u32..20, 1_u32..64),
        ) {
            let calls = Band { low, expected: low + more, high: low + more + most };
            let past = past.into_iter().map(|(budget, model, media, micros)| {
                let model = model.min(budget);
                measured(budget, model, media.min(budget - model), micros)
            });
            let run = run(budget, generations, variants, 1);
            let estimate = RunEstimate::of(&run, None, quotes(calls, quote), past.collect());
            let bands = estimate.work.iter().map(|work| work.cost).chain([estimate.cost]);
            for band in bands {
                prop_assert!(Micros::ZERO <= band.low && band.low <= band.expected && band.expected <= band.high);
            }
            prop_assert!(estimate.cost.high <= estimate.cap);
        }
    }
}
