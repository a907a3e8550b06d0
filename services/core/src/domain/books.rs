//! The books of an organization: movements of money, what was used, and the campaigns it paid for.
//!
//! Money that the market simulator spends is part of a run's budget and stands in the same ledger as what
//! providers bill; who was paid tells them apart.

use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::{Currency, Micros};

use super::variant::Placement;
use crate::ports::step_store::LedgerKind;

/// One movement of an organization's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// The run whose budget it moves.
    pub run: RunId,
    /// What kind of movement.
    pub kind: LedgerKind,
    /// How much.
    pub amount: Micros,
    /// Its currency; `None` for a run that an older program wrote without one.
    pub currency: Option<Currency>,
    /// The reserve that is opened or closed.
    pub reserve: String,
    /// Who is paid; `None`: the market simulator, which bills nobody.
    pub provider: Option<String>,
    /// When it was written.
    pub at: i64,
}

/// Which movements are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerFilter {
    /// Only those of this run.
    pub run: Option<RunId>,
    /// Only those written at or after this time.
    pub from: Option<i64>,
    /// Only those written before this time.
    pub to: Option<i64>,
}

/// What was settled with one provider in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// The currency.
    pub currency: Option<Currency>,
    /// Who was paid; `None`: the market simulator.
    pub provider: Option<String>,
    /// How many settlements.
    pub settlements: u64,
    /// Their sum.
    pub settled: Micros,
}

/// What stands reserved now in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedLine {
    /// The currency.
    pub currency: Option<Currency>,
    /// The sum of the open reserves.
    pub reserved: Micros,
}

/// What an organization used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Settled in the asked time, by currency and provider.
    pub settled: Vec<UsageLine>,
    /// Reserved now.
    pub reserved: Vec<ReservedLine>,
}

/// A run's campaign of one generation with its placements. A run has one campaign in each generation that
/// was placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Its name in the market.
    pub campaign: String,
    /// The generation, from 1.
    pub generation: u32,
    /// Its placements, by variant.
    pub placements: Vec<Placement>,
}

impl Campaign {
    /// Puts placements, which are in the order of their generations, together by campaign.
    #[must_use]
    pub fn of(placements: Vec<Placement>) -> Vec<Self> {
        let mut campaigns: Vec<Self> = Vec::new();
        for placement in placements {
            match campaigns.last_mut() {
                Some(last) if last.campaign == placement.campaign => last.placements.push(placement),
                _ => campaigns.push(Self {
                    campaign: placement.campaign.clone(),
                    generation: placement.generation,
                    placements: vec![placement],
                }),
            }
        }
        campaigns
    }
}
