//! The ledger: every movement of the organization's money.

pub(crate) mod export;
pub(crate) mod list;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::books::{LedgerFilter, LedgerLine};
use spotwright_core::ports::step_store::LedgerKind;
use spotwright_core::use_cases::books;
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;

/// Where money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payee {
    /// A provider that bills for it.
    Provider,
    /// The market simulator: the money is part of the run's budget, and nobody is paid.
    Simulated,
}

/// One movement of money.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    /// The run whose budget it moves.
    run: Uuid,
    /// `reserve`: set aside; `settle`: spent out of a reserve; `release`: given back unspent.
    entry: String,
    /// Millionths of a currency unit.
    amount_micros: i64,
    /// ISO 4217 code.
    currency: Option<String>,
    /// The reserve that is opened or closed; a reserve is closed once.
    reserve: String,
    /// Whether a provider bills for it or it is spent in the market simulator.
    source: Payee,
    /// The provider, e.g. `kling`.
    provider: Option<String>,
    /// When it was written (RFC 3339, UTC).
    at: String,
}

impl From<LedgerLine> for LedgerEntry {
    fn from(line: LedgerLine) -> Self {
        Self {
            run: line.run.0,
            entry: entry_name(line.kind).to_owned(),
            amount_micros: line.amount.0,
            currency: line.currency.map(|currency| currency.code().to_owned()),
            reserve: line.reserve,
            source: if line.provider.is_some() { Payee::Provider } else { Payee::Simulated },
            provider: line.provider,
            at: time(line.at),
        }
    }
}

const fn entry_name(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Reserve => "reserve",
        LedgerKind::Settle => "settle",
        LedgerKind::Release => "release",
    }
}

/// What of the ledger is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    run: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl Asked {
    /// The checked form of it, for the caller.
    pub(super) fn filter(&self, caller: &Caller) -> Result<LedgerFilter, ApiProblem> {
        let run = self.run.as_deref().map(|run| extract::id(run, "run")).transpose()?;
        let from = self.from.as_deref().map(|text| moment(text, "from")).transpose()?;
        let to = self.to.as_deref().map(|text| moment(text, "to")).transpose()?;
        Ok(books::ledger_of(&caller.principal(), run, from, to)?)
    }

    /// What tells cursors of one reading from those of another.
    pub(super) fn mark(&self) -> Vec<u8> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        [part(&self.run), part(&self.from), part(&self.to)].join(" ").into_bytes()
    }
}

/// A time in a query as microseconds since 1970.
pub(crate) fn moment(text: &str, field: &str) -> Result<i64, ApiProblem> {
    text.parse::<Timestamp>()
        .map(Timestamp::as_microsecond)
        .map_err(|_| ApiProblem::new(Code::RequestValue, field, "must be a time like `2026-11-01T00:00:00Z`"))
}
