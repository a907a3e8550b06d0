//! Plays campaigns: traffic, auctions, clicks and the ladder, tick by tick.

use std::collections::BTreeMap;

use rayon::prelude::*;
use spotwright_core::ports::marketplace::{
    Campaign, Held, MarketError, MarketReport, Marketplace, PlacementDecision,
};
use spotwright_experiment::ladder;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;

use crate::audience::card::Card;
use crate::audience::{Appeal, TextTasteMode, appeal, sigmoid};
use crate::bidder::Bidder;
use crate::competition::{Bid, Competition, MAX_SLOTS};
use crate::course::Course;
use crate::delivery::{Memory, Tally};
use crate::error::Error;
use crate::rotation::Rotation;
use crate::traffic::{TICKS, Traffic, user_effects};

/// Name and version of the marketplace, as reports give it.
pub const NAME: &str = "spotwright market simulator 1";
/// Most creatives of a campaign.
pub const MAX_CREATIVES: usize = 64;
/// Most opportunities of a campaign: a bound on time, about ten seconds.
pub const MAX_OPPORTUNITIES: u64 = 5_000_000;
/// Most competitors.
pub const MAX_COMPETITORS: u32 = 1_000;

/// How the market is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Competing campaigns, 0–[`MAX_COMPETITORS`]; 20 by default.
    pub competitors: u32,
    /// Thresholds of the traffic ladder.
    pub ladder: ladder::Policy,
    /// Whether the fitted taste in texts holds.
    pub text_taste: TextTasteMode,
}

impl Default for Options {
    fn default() -> Self {
        Self { competitors: 20, ladder: ladder::Policy::default(), text_taste: TextTasteMode::Fitted }
    }
}

/// The simulated marketplace. It keeps nothing between campaigns.
#[derive(Debug, Clone)]
pub struct Simulator {
    pub(crate) card: &'static Card,
    hash: &'static str,
    pub(crate) options: Options,
}

/// One impression, as an ad server would log it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Number of the opportunity within the campaign.
    pub opportunity: u64,
    /// Who saw it.
    pub user: usize,
    /// Index of the user's segment.
    pub segment: usize,
    /// The slot, from 0.
    pub slot: usize,
    /// Index of the creative.
    pub creative: usize,
    /// What the user remembers of earlier impressions of the creative, in exposures.
    pub remembered: f32,
    /// Whether it was clicked.
    pub clicked: bool,
    /// Price of the click, had or not, in micros.
    pub price: i64,
}

/// What an opportunity is before the campaign takes part in it.
#[derive(Debug, Clone, Copy, Default)]
struct Opportunity {
    segment: usize,
    user: usize,
    visible_slots: usize,
    top: [Bid; MAX_SLOTS + 1],
}

impl Simulator {
    /// Builds the market around the audience card of this program.
    ///
    /// # Errors
    /// [`Error::Card`] (permanent): the built-in card is damaged.
    /// [`Error::Options`] (permanent): more than [`MAX_COMPETITORS`] competitors.
    pub fn new(options: Options) -> Result<Self, Error> {
        if options.competitors > MAX_COMPETITORS {
            return Err(Error::Options(format!("at most {MAX_COMPETITORS} competitors")));
        }
        let (card, hash) = Card::embedded()?;
        Ok(Self { card, hash, options })
    }

    /// Hash of the audience card, hexadecimal.
    #[must_use]
    pub const fn audience(&self) -> &'static str {
        self.hash
    }

    /// Plays a campaign and returns every impression beside the report.
    ///
    /// # Errors
    /// As [`Marketplace::play`].
    pub fn play_logged(&self, campaign: &Campaign) -> Result<(MarketReport, Vec<Shown>), MarketError> {
        let mut log = Vec::new();
        let report = self.run(campaign, &Held::default(), &mut |shown| log.push(shown))?;
        Ok((report, log))
    }

    fn run(
        &self,
        campaign: &Campaign,
        held: &Held,
        log: &mut dyn FnMut(Shown),
    ) -> Result<MarketReport, MarketError> {
        let game = self.game(campaign, held, None, log)?;
        Ok(self.report(campaign, game))
    }

    /// Plays to the end; choices are counted in `chosen`, if it is given.
    fn game(
        &self,
        campaign: &Campaign,
        held: &Held,
        chosen: Option<Choices>,
        log: &mut dyn FnMut(Shown),
    ) -> Result<Game<'_>, MarketError> {
        check(campaign)?;
        let card = self.card;
        let appeals = campaign
            .creatives
            .iter()
            .map(|creative| {
                appeal(card, self.options.text_taste, &campaign.category, campaign.placement, creative)
            })
            .collect::<Result<Vec<_>, Error>>()
            .map_err(|error| MarketError::Refused(error.to_string()))?;
        let mut game = Game::new(card, &self.options, campaign, appeals);
        game.chosen = chosen;
        let mut buffer: Vec<Opportunity> = Vec::new();
        for tick in 0..TICKS {
            game.hold(campaign, held, tick);
            let range = game.traffic.opportunities(tick);
            buffer.resize((range.end - range.start) as usize, Opportunity::default());
            // What does not depend on the campaign's state is drawn in parallel; every draw is
            // keyed by the opportunity, so the number of threads does not matter.
            buffer.par_iter_mut().with_min_len(256).enumerate().for_each(|(idx, opportunity)| {
                *opportunity = game.draw(tick, range.start + idx as u64);
            });
            for (idx, opportunity) in buffer.iter().enumerate() {
                game.auction(tick, range.start + idx as u64, opportunity, log);
            }
            let share = game.traffic.share_of_rest(tick);
            game.bidder.end_tick(share);
            game.competition.end_tick(share);
            game.rotation.refresh();
            game.course.end_tick(&game.traffic, tick, game.bidder.spent(), game.won);
        }
        Ok(game)
    }

    fn report(&self, campaign: &Campaign, game: Game<'_>) -> MarketReport {
        let Game { tally, rotation, won, course, .. } = game;
        let creatives = tally.into_rows(campaign, self.card, rotation.into_histories());
        let spend: i64 = creatives.iter().map(|row| row.delivery.spend.0).sum();
        let impressions: u64 = creatives.iter().map(|row| row.delivery.impressions).sum();
        let mean_cpm = (i128::from(spend) * 1_000).checked_div(i128::from(impressions)).unwrap_or(0);
        MarketReport {
            source: FeedbackSource::Simulated,
            marketplace: NAME.to_owned(),
            audience: self.hash.to_owned(),
            auctions: campaign.opportunities,
            won,
            competitors: self.options.competitors,
            mean_cpm: Micros(i64::try_from(mean_cpm).unwrap_or(i64::MAX)),
            budget: campaign.budget,
            creatives,
            holds: course.holds(campaign),
            course: Some(course.told(campaign.budget)),
        }
    }
}

impl Marketplace for Simulator {
    fn play_held(&self, campaign: &Campaign, held: &Held) -> Result<MarketReport, MarketError> {
        self.run(campaign, held, &mut |_| {})
    }

    /// One row for every tick, creative and probability.
    fn decisions(&self, campaign: &Campaign, held: &Held) -> Result<Vec<PlacementDecision>, MarketError> {
        let game = self.game(campaign, held, Some(Choices::new()), &mut |_| {})?;
        let row = |(&(tick, creative, propensity), counts): (&(usize, usize, u64), &Chosen)| {
            let creative = &campaign.creatives[creative];
            PlacementDecision {
                placement: creative.placement,
                variant: creative.variant,
                hour: game.traffic.hour(tick),
                propensity: f64::from_bits(propensity),
                chosen: counts.times,
                impressions: counts.impressions,
                clicks: counts.clicks,
            }
        };
        Ok(game.chosen.iter().flatten().map(row).collect())
    }
}

/// What came of choosing one creative with one probability within a tick.
#[derive(Debug, Clone, Copy, Default)]
struct Chosen {
    times: u64,
    impressions: u64,
    clicks: u64,
}

/// By tick, creative and the bits of the probability.
type Choices = BTreeMap<(usize, usize, u64), Chosen>;

/// The state of one campaign being played.
struct Game<'a> {
    card: &'a Card,
    traffic: Traffic,
    competition: Competition,
    bidder: Bidder,
    rotation: Rotation,
    tally: Tally,
    memory: Memory,
    appeals: Vec<Appeal>,
    user_effects: Vec<f64>,
    slots: usize,
    won: u64,
    course: Course,
    chosen: Option<Choices>,
    rotation_draws: Stream,
    click_draws: Stream,
    conversion_draws: Stream,
}

impl<'a> Game<'a> {
    fn new(card: &'a Card, options: &Options, campaign: &Campaign, appeals: Vec<Appeal>) -> Self {
        let (seed, generation) = (campaign.seed, campaign.generation);
        let predicted: Vec<f64> = campaign.creatives.iter().map(|creative| creative.predicted_ctr).collect();
        let mean = predicted.iter().sum::<f64>() / predicted.len() as f64;
        let stream = |name: &str| Stream::new(seed, name).child(u64::from(generation));
        let (segments, creatives) = (card.segments.len(), campaign.creatives.len());
        let traffic = Traffic::new(card, seed, generation, campaign.opportunities);
        let users = traffic.users();
        Self {
            card,
            traffic,
            competition: Competition::new(
                card,
                seed,
                generation,
                &campaign.category,
                campaign.currency,
                campaign.opportunities,
                options.competitors as usize,
            ),
            bidder: Bidder::new(
                campaign.budget.0,
                campaign.opportunities,
                mean,
                campaign.objective,
                segments,
            ),
            rotation: Rotation::new(&predicted, options.ladder),
            tally: Tally::new(creatives, segments),
            memory: Memory::new(users, creatives, card.fatigue_half_life_hours),
            appeals,
            user_effects: user_effects(card, seed, users),
            slots: card.position.len(),
            won: 0,
            course: Course::new(),
            chosen: None,
            rotation_draws: stream("rotation"),
            click_draws: stream("clicks"),
            conversion_draws: stream("conversions"),
        }
    }

    /// Takes in at the beginning of a tick which advertisements are held.
    fn hold(&mut self, campaign: &Campaign, held: &Held, tick: usize) {
        let hour = self.traffic.hour(tick);
        let bits = held.at(campaign, hour);
        if self.rotation.hold(bits) {
            self.course.held(hour, bits);
        }
    }

    fn draw(&self, tick: usize, number: u64) -> Opportunity {
        let (segment, user) = self.traffic.visitor(tick, number);
        let scroll = self.traffic.scroll(number);
        let visible_slots = self.card.exposure.iter().take_while(|share| scroll < **share).count();
        let mut opportunity = Opportunity { segment, user, visible_slots, ..Opportunity::default() };
        self.competition.highest(number, segment, &mut opportunity.top[..=self.slots]);
        opportunity
    }

    /// Holds one auction: generalized second price over expected revenue per 1,000 impressions.
    ///
    /// The campaign's bid b per click ranks as b × rate × 1,000; in a slot above an expected
    /// revenue of e it pays e / (1,000 × rate) per click, rounded up to a micro. Ties go to the
    /// competitor. Competitors pay per impression what the next one offered.
    ///
    /// # Source
    /// Edelman, Ostrovsky and Schwarz, "Internet advertising and the generalized second-price
    /// auction", American Economic Review 97 (2007).
    fn auction(&mut self, tick: usize, number: u64, opportunity: &Opportunity, log: &mut dyn FnMut(Shown)) {
        let floor = self.competition.floor();
        self.course.offered(opportunity.top[0].ecpm.max(floor));
        let Some(creative) = self.rotation.next(self.rotation_draws.uniform(number)) else {
            // Everything is held: the others have the auction to themselves.
            let rivals = &opportunity.top[..=self.slots];
            self.competition.charge_shown(rivals, None, 0.0, opportunity.visible_slots);
            return;
        };
        self.tally.entered(creative);
        self.count(tick, creative, |chosen| chosen.times += 1);
        let rate = self.rotation.rate(creative);
        let bid = self.bidder.bid(opportunity.segment);
        let own = if bid > 0 { (bid as f64 * rate * 1_000.0) as f32 } else { 0.0 };
        let rivals = &opportunity.top[..=self.slots];
        let slot = rivals.iter().take(self.slots).position(|rival| own > rival.ecpm).filter(|_| own >= floor);
        self.competition.charge_shown(rivals, slot, own, opportunity.visible_slots);
        let Some(slot) = slot else { return };
        self.won += 1;
        self.tally.won(creative);
        if slot >= opportunity.visible_slots {
            return;
        }
        let next = f64::from(rivals[slot].ecpm.max(floor));
        self.course.paid(next);
        let price = ((next / (1_000.0 * rate)).ceil() as i64).clamp(0, bid);
        self.show(tick, number, opportunity, creative, slot, price, rate, log);
    }

    fn count(&mut self, tick: usize, creative: usize, add: impl FnOnce(&mut Chosen)) {
        if let Some(choices) = &mut self.chosen {
            let propensity = self.rotation.propensity(creative).to_bits();
            add(choices.entry((tick, creative, propensity)).or_default());
        }
    }

    fn show(
        &mut self,
        tick: usize,
        number: u64,
        opportunity: &Opportunity,
        creative: usize,
        slot: usize,
        price: i64,
        rate: f64,
        log: &mut dyn FnMut(Shown),
    ) {
        let (segment, user) = (opportunity.segment, opportunity.user);
        let hour = self.traffic.hour(tick);
        let first = !self.memory.has_seen(user, creative);
        let remembered = self.memory.remembered(user, creative, hour);
        let appeal = &self.appeals[creative];
        let log_odds = appeal.click[segment]
            + self.user_effects[user]
            + self.card.position[slot]
            + self.card.fatigue * f64::from(remembered);
        let clicked = self.click_draws.child(number).uniform(appeal.content) < sigmoid(log_odds);
        let converted = clicked && self.converts(number, segment, creative);
        self.count(tick, creative, |chosen| {
            chosen.impressions += 1;
            chosen.clicks += u64::from(clicked);
        });
        self.memory.expose(user, creative, hour);
        self.bidder.shown(price, rate);
        if clicked {
            self.bidder.clicked(segment, price);
        }
        if converted {
            self.bidder.converted(segment);
        }
        self.tally.add(creative, segment, first, clicked, converted, if clicked { price } else { 0 });
        self.rotation.shown(creative, clicked);
        log(Shown { opportunity: number, user, segment, slot, creative, remembered, clicked, price });
    }

    /// Whether a click leads to a conversion within the attribution window; the report is read
    /// once the last window has passed.
    fn converts(&self, number: u64, segment: usize, creative: usize) -> bool {
        let appeal = &self.appeals[creative];
        let draws = self.conversion_draws.child(number).child(appeal.content);
        let delay = -self.card.conversion_delay_hours * (1.0 - draws.uniform(1)).ln();
        draws.uniform(0) < sigmoid(appeal.conversion[segment]) && delay <= self.card.attribution_window_hours
    }
}

pub(crate) fn check(campaign: &Campaign) -> Result<(), MarketError> {
    let refused = |what: &str| Err(MarketError::Refused(what.to_owned()));
    if campaign.creatives.is_empty() {
        return refused("there are no creatives");
    }
    if campaign.creatives.len() > MAX_CREATIVES {
        return refused("there are more than 64 creatives");
    }
    if campaign.budget.0 <= 0 {
        return refused("the budget must be above 0");
    }
    if campaign.generation == 0 {
        return refused("generations count from 1");
    }
    if campaign.opportunities == 0 || campaign.opportunities > MAX_OPPORTUNITIES {
        return refused("opportunities must be within 1 and 5,000,000");
    }
    let probability = |p: f64| p > 0.0 && p < 1.0;
    if !campaign.creatives.iter().all(|creative| probability(creative.predicted_ctr)) {
        return refused("a predicted click rate is not within 0 and 1");
    }
    Ok(())
}
