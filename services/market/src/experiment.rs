//! Plays days of experiments: users are divided by chance before any auction, and stay where they are.
//!
//! A day is an ordinary day of the market, with the same competitors, audience and money. What differs is who
//! chooses what is shown: not the ladder and not the rotation, but the user's arm. One bidder bids for all
//! arms and for the holdout with one estimated click rate, so that whether a user is exposed never depends on
//! the arm; otherwise the better arm would reach more users, and its users would be others. A user of the
//! holdout takes part in the auction as a ghost: where an arm would have been seen, the user is counted and
//! nothing is shown, clicked or paid.
//!
//! Some users buy without any advertisement, with the probability that the order assumes, whatever their arm
//! and on days on which they are exposed or would have been. Where such a user also buys after a click, it is
//! the same purchase: it is attributed to the advertisement, which did not add it.

use std::collections::HashMap;

use spotwright_core::domain::experiment::exposure::{Exposure, SegmentName};
use spotwright_core::ports::experiments::{DayOrder, ExperimentMarket};
use spotwright_core::ports::marketplace::MarketError;
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;

use crate::audience::card::Card;
use crate::audience::{Appeal, appeal, level, sigmoid};
use crate::bidder::Bidder;
use crate::competition::{Bid, Competition, MAX_SLOTS};
use crate::delivery::Memory;
use crate::error::Error;
use crate::simulator::{Simulator, check};
use crate::traffic::{TICKS, Traffic, user_effects};

/// Weight of the predicted click rate in the one that is bid with, in impressions.
const PREDICTION_IMPRESSIONS: f64 = 300.0;
/// Views of other ads before the experiment over which a user's earlier clicks are counted.
const EARLIER_VIEWS: u64 = 40;

impl ExperimentMarket for Simulator {
    fn play_day(&self, order: &DayOrder, before: &[Exposure]) -> Result<Vec<Exposure>, MarketError> {
        check(&order.campaign)?;
        let campaign = &order.campaign;
        let of = |creative| {
            appeal(self.card, self.options.text_taste, &campaign.category, campaign.placement, creative)
        };
        let appeals = campaign.creatives.iter().map(of).collect::<Result<Vec<_>, Error>>();
        play(self, order, before, appeals.map_err(|error| refused(&error))?)
    }
}

/// A market in which it is known how much better each arm is: every arm appeals as the first one does, and a
/// given amount more. For showing that experiments find what is there, and nothing else.
#[derive(Debug, Clone)]
pub struct KnownEffects {
    /// The market.
    pub market: Simulator,
    /// Log-odds of a click of each arm above those of the first one; 0 for arms that it leaves out.
    pub log_odds: Vec<f64>,
}

impl ExperimentMarket for KnownEffects {
    fn play_day(&self, order: &DayOrder, before: &[Exposure]) -> Result<Vec<Exposure>, MarketError> {
        check(&order.campaign)?;
        let campaign = &order.campaign;
        let (market, first) = (&self.market, &campaign.creatives[0]);
        let control =
            appeal(market.card, market.options.text_taste, &campaign.category, campaign.placement, first)
                .map_err(|error| refused(&error))?;
        let of = |arm: usize| {
            let more = self.log_odds.get(arm).copied().unwrap_or(0.0);
            let click = control.click.iter().map(|log_odds| log_odds + more).collect();
            Appeal { content: control.content ^ arm as u64, click, conversion: control.conversion.clone() }
        };
        play(market, order, before, (0..campaign.creatives.len()).map(of).collect())
    }
}

fn refused(error: &dyn std::fmt::Display) -> MarketError {
    MarketError::Refused(error.to_string())
}

/// The cell of a user in a phase: an index into `shares`, which add up to 1.
fn cell_of(seed: u64, phase: u32, user: u64, shares: &[f64]) -> usize {
    let draw = Stream::new(seed, "experiment arms").child(u64::from(phase)).uniform(user);
    let mut sum = 0.0;
    for (cell, share) in shares.iter().enumerate() {
        sum += share;
        if draw < sum {
            return cell;
        }
    }
    shares.len() - 1
}

fn play(
    market: &Simulator,
    order: &DayOrder,
    before: &[Exposure],
    appeals: Vec<Appeal>,
) -> Result<Vec<Exposure>, MarketError> {
    let mut day = Day::new(market, order, before, appeals)?;
    for tick in 0..TICKS {
        for number in day.traffic.opportunities(tick) {
            day.opportunity(tick, number);
        }
        let share = day.traffic.share_of_rest(tick);
        day.bidder.end_tick(share);
        day.competition.end_tick(share);
        day.rate = day.estimated_rate();
    }
    day.buy();
    Ok(day.exposures)
}

/// A day being played.
struct Day<'a> {
    card: &'a Card,
    order: &'a DayOrder,
    traffic: Traffic,
    competition: Competition,
    bidder: Bidder,
    memory: Memory,
    appeals: Vec<Appeal>,
    user_effects: Vec<f64>,
    /// Log-odds of a click on an ad of the category at rest.
    level: f64,
    shares: Vec<f64>,
    predicted: f64,
    /// Impressions and clicks of all arms so far.
    counts: [u64; 2],
    /// The click rate that is bid with; the same for all arms.
    rate: f64,
    exposures: Vec<Exposure>,
    /// Places among the exposures, by user.
    places: HashMap<usize, usize>,
    click_draws: Stream,
    conversion_draws: Stream,
    earlier_draws: Stream,
    organic_draws: Stream,
}

impl<'a> Day<'a> {
    fn new(
        market: &'a Simulator,
        order: &'a DayOrder,
        before: &[Exposure],
        appeals: Vec<Appeal>,
    ) -> Result<Self, MarketError> {
        let (card, campaign, arms) = (market.card, &order.campaign, appeals.len());
        let shares = order.phase.shares();
        if shares.len() < arms || shares.len() > arms + 1 {
            return Err(refused(&"the users are not divided among the arms"));
        }
        // Another seed of an experiment on the same run is another market beside the run's own.
        let seed = Stream::new(campaign.seed, "experiment market").bits(order.seed);
        let day = campaign.generation;
        let traffic = Traffic::new(card, seed, day, campaign.opportunities);
        let users = traffic.users();
        let predicted = campaign.creatives.iter().map(|own| own.predicted_ctr).sum::<f64>() / arms as f64;
        let mut memory = Memory::new(users, arms, card.fatigue_half_life_hours);
        let mut counts = [0, 0];
        for exposure in before {
            let (user, arm) = (exposure.unit as usize, exposure.arm as usize);
            if user >= users || arm >= shares.len() {
                return Err(refused(&"an earlier exposure is of another market"));
            }
            if arm < arms {
                memory.restore(user, arm, exposure.remembered, exposure.last_hour);
                counts[0] += u64::from(exposure.impressions);
                counts[1] += u64::from(exposure.clicks);
            }
        }
        let stream = |name: &str| Stream::new(seed, name).child(u64::from(day));
        let mut own = Self {
            card,
            order,
            competition: Competition::new(
                card,
                seed,
                day,
                &campaign.category,
                campaign.currency,
                campaign.opportunities,
                market.options.competitors as usize,
            ),
            bidder: Bidder::new(
                campaign.budget.0,
                campaign.opportunities,
                predicted,
                campaign.objective,
                card.segments.len(),
            ),
            memory,
            appeals,
            user_effects: user_effects(card, seed, users),
            level: level(card, &campaign.category, campaign.placement).map_err(|error| refused(&error))?,
            traffic,
            shares,
            predicted,
            counts,
            rate: predicted,
            exposures: Vec::new(),
            places: HashMap::new(),
            click_draws: stream("clicks"),
            conversion_draws: stream("conversions"),
            earlier_draws: Stream::new(seed, "earlier clicks"),
            organic_draws: stream("organic conversions"),
        };
        own.rate = own.estimated_rate();
        Ok(own)
    }

    /// The click rate of all arms together, drawn toward what was predicted of them.
    fn estimated_rate(&self) -> f64 {
        let [impressions, clicks] = self.counts;
        (clicks as f64 + PREDICTION_IMPRESSIONS * self.predicted)
            / (impressions as f64 + PREDICTION_IMPRESSIONS)
    }

    /// Holds one auction as the campaigns of the market do, for the user's arm.
    fn opportunity(&mut self, tick: usize, number: u64) {
        let (segment, user) = self.traffic.visitor(tick, number);
        let scroll = self.traffic.scroll(number);
        let visible = self.card.exposure.iter().take_while(|share| scroll < **share).count();
        let slots = self.card.position.len();
        let mut rivals = [Bid::default(); MAX_SLOTS + 1];
        self.competition.highest(number, segment, &mut rivals[..=slots]);
        let cell = cell_of(self.order.seed, self.order.phase.phase, user as u64, &self.shares);
        let bid = self.bidder.bid(segment);
        let own = if bid > 0 { (bid as f64 * self.rate * 1_000.0) as f32 } else { 0.0 };
        let floor = self.competition.floor();
        let slot =
            rivals[..slots].iter().position(|rival| own > rival.ecpm).filter(|_| own >= floor && bid > 0);
        let is_ghost = cell >= self.appeals.len();
        let taken = slot.filter(|_| !is_ghost);
        self.competition.charge_shown(&rivals[..=slots], taken, own, visible);
        let Some(slot) = slot.filter(|slot| *slot < visible) else { return };
        let hour = self.traffic.hour(tick);
        let place = self.place(segment, user, cell, hour);
        if is_ghost {
            return;
        }
        let next = f64::from(rivals[slot].ecpm.max(floor));
        let price = ((next / (1_000.0 * self.rate)).ceil() as i64).clamp(0, bid);
        self.show(place, number, segment, slot, price, hour);
    }

    /// The exposure of a user on this day, begun where there is none.
    fn place(&mut self, segment: usize, user: usize, cell: usize, hour: f64) -> usize {
        if let Some(place) = self.places.get(&user) {
            self.exposures[*place].last_hour = hour;
            return *place;
        }
        let phase = &self.order.phase;
        self.exposures.push(Exposure {
            unit: user as u64,
            arm: cell as u32,
            phase: phase.phase,
            day: self.order.campaign.generation,
            hour,
            propensity: self.shares[cell],
            impressions: 0,
            clicks: 0,
            conversions: 0,
            organic: 0,
            spend: Micros::ZERO,
            earlier_clicks: self.earlier_clicks(segment, user),
            segment: SegmentName::new(&self.card.segments[segment].name),
            remembered: 0.0,
            last_hour: hour,
        });
        let place = self.exposures.len() - 1;
        self.places.insert(user, place);
        place
    }

    /// Purchases that need no advertisement, of all users of the day.
    fn buy(&mut self) {
        for exposure in &mut self.exposures {
            let buys = self.organic_draws.uniform(exposure.unit) < self.order.organic_conversions;
            exposure.organic = u32::from(buys && exposure.conversions == 0);
        }
    }

    /// Clicks of a user on other ads of the feed before the experiment: what an ad server would know of them.
    fn earlier_clicks(&self, segment: usize, user: usize) -> u32 {
        let log_odds = self.level + self.card.segments[segment].click_level + self.user_effects[user];
        let (draws, probability) = (self.earlier_draws.child(user as u64), sigmoid(log_odds));
        (0..EARLIER_VIEWS).map(|view| u32::from(draws.uniform(view) < probability)).sum()
    }

    fn show(&mut self, place: usize, number: u64, segment: usize, slot: usize, price: i64, hour: f64) {
        let (user, arm) = (self.exposures[place].unit as usize, self.exposures[place].arm as usize);
        let remembered = self.memory.remembered(user, arm, hour);
        let appeal = &self.appeals[arm];
        let log_odds = appeal.click[segment]
            + self.user_effects[user]
            + self.card.position[slot]
            + self.card.fatigue * f64::from(remembered);
        let clicked = self.click_draws.child(number).uniform(appeal.content) < sigmoid(log_odds);
        let converted = clicked && self.converts(number, segment, arm);
        self.memory.expose(user, arm, hour);
        self.bidder.shown(price, self.rate);
        if clicked {
            self.bidder.clicked(segment, price);
        }
        if converted {
            self.bidder.converted(segment);
        }
        self.counts[0] += 1;
        self.counts[1] += u64::from(clicked);
        let exposure = &mut self.exposures[place];
        exposure.impressions += 1;
        exposure.clicks += u32::from(clicked);
        exposure.conversions += u32::from(converted);
        exposure.spend += Micros(if clicked { price } else { 0 });
        exposure.remembered = remembered + 1.0;
    }

    /// Whether a click leads to a conversion within the attribution window. It counts on the day of the
    /// click.
    fn converts(&self, number: u64, segment: usize, arm: usize) -> bool {
        let appeal = &self.appeals[arm];
        let draws = self.conversion_draws.child(number).child(appeal.content);
        let delay = -self.card.conversion_delay_hours * (1.0 - draws.uniform(1)).ln();
        draws.uniform(0) < sigmoid(appeal.conversion[segment]) && delay <= self.card.attribution_window_hours
    }
}
