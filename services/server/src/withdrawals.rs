//! Withdrawing what a product feed has made untrue: from a feed to signals to runs.
//!
//! The runs of an organization are looked through one by one. What a run's brief sells is found in the feed
//! by its page or its name, and the run is told what changed of it ([`Signal::Withdraw`]), which is durable,
//! counts once and works in every stage. Telling again what was told before changes nothing.

use std::collections::BTreeSet;

use serde::Serialize;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::signal::{Caller, Signal, Taken, Told};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::domain::withdrawal::{Untrue, Withdrawal, withdrawal};
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::step_store::{StepStore, StoreError};
use spotwright_creative::workflow::AgentState;
use spotwright_insight::ranking::file_stem;
use spotwright_intake::{Feed, ProductChange, against_brief, changes};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{OrganizationId, RunId, SignalId, VariantId};

/// What is compared.
#[derive(Debug)]
pub struct Feeds {
    /// The feed as it was; without it, the briefs' own offers are what was.
    pub old: Option<Feed>,
    /// The feed as it is.
    pub new: Feed,
    /// The product that is meant, by its id.
    pub item: Option<String>,
    /// Whether `item` is what every run sells, whatever its brief says.
    pub is_certain: bool,
}

/// A variant that says what is no longer true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Concerned {
    /// Name, e.g. `g1-03`.
    pub variant: String,
    /// Its id.
    pub id: VariantId,
    /// The state it had.
    pub from: VariantState,
    /// Why.
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedRun {
    /// The run.
    pub run: RunId,
    /// Short name of its brief.
    pub brief: String,
    /// Where it stands.
    pub stage: Stage,
    /// What it was told.
    pub untrue: Untrue,
    /// Whether that was news, or changed something.
    pub is_news: bool,
    /// The variants that are withdrawn by it; in a trial, that would be. A run that goes on withdraws more
    /// when it comes to scripts that are under way now.
    pub withdrawn: Vec<Concerned>,
}

/// Applies a feed to runs: those of `organization`, or all there are.
///
/// With `trial`, nothing is told and nothing changes.
///
/// # Errors
/// [`Code::Store`] or [`Code::StoreFormat`]; what was told until then stands, and the same call goes on from
/// there.
pub async fn apply(
    store: &dyn StepStore,
    control: &dyn RunControl,
    organization: Option<OrganizationId>,
    feeds: &Feeds,
    trial: bool,
) -> Result<Vec<AppliedRun>, Problem> {
    let changed = feeds.old.as_ref().map(|old| changes(old, &feeds.new));
    let mut applied = Vec::new();
    for id in store.runs().await.map_err(|error| failed(&error))? {
        let run = store.run(id).await.map_err(|error| failed(&error))?;
        if organization.is_some_and(|own| own != run.organization) {
            continue;
        }
        let state = AgentState::of(&run)?;
        let informed = state.informed(&run);
        let brief = &informed.request.brief;
        let Some(untrue) = untrue_of(brief, changed.as_deref(), feeds) else { continue };
        let before = store.variants(id).await.map_err(|error| failed(&error))?;
        let mut told = AppliedRun {
            run: id,
            brief: brief.id.clone(),
            stage: run.stage,
            untrue: untrue.clone(),
            is_news: false,
            withdrawn: concerned(&before, &untrue, brief),
        };
        if !trial {
            let caller = Caller::Person { organization: run.organization };
            let signal = Told { id: signal_id(id, &untrue), signal: Signal::Withdraw { untrue } };
            told.is_news = control.tell(id, &caller, &signal).await? == Taken::Now;
            let after = store.variants(id).await.map_err(|error| failed(&error))?;
            told.withdrawn = newly_withdrawn(&before, &after);
            told.stage = store.run(id).await.map_err(|error| failed(&error))?.stage;
        }
        applied.push(told);
    }
    Ok(applied)
}

fn failed(error: &StoreError) -> Problem {
    Problem::new(Code::Store, "", error.to_string())
}

/// The same change of the same product is the same signal, however often the feed is applied.
fn signal_id(run: RunId, untrue: &Untrue) -> SignalId {
    // Plain data, whose writing cannot fail; an empty text would be told apart by its run.
    let written = serde_json::to_vec(untrue).unwrap_or_default();
    SignalId::child_of(run.0, &format!("feed/{}", blake3::hash(&written).to_hex()), 0)
}

fn untrue_of(brief: &Brief, changed: Option<&[ProductChange]>, feeds: &Feeds) -> Option<Untrue> {
    let item = feeds.item.as_deref();
    let Some(changed) = changed else {
        let certain = item.filter(|_| feeds.is_certain);
        let found = against_brief(brief, &feeds.new, certain)?;
        let is_meant = item.is_none_or(|item| item == found.id) && !found.changes.is_empty();
        return is_meant.then(|| found.untrue());
    };
    let is_meant = |own: &&ProductChange| {
        let is_named = item.is_some_and(|item| item == own.id);
        (is_named && feeds.is_certain) || (item.is_none() || is_named) && own.is_sold_by(brief)
    };
    changed.iter().find(is_meant).map(ProductChange::untrue)
}

/// The variants that can still be shown to anybody and say what is untrue.
fn concerned(variants: &[Variant], untrue: &Untrue, brief: &Brief) -> Vec<Concerned> {
    let is_out = |own: &Variant| {
        matches!(own.state, VariantState::Rejected | VariantState::Failed | VariantState::Withdrawn)
    };
    let facts = &brief.product.facts;
    variants
        .iter()
        .filter(|own| !is_out(own))
        .filter_map(|own| {
            let why = withdrawal(untrue, &own.body.script, &own.body.storyboard, facts, "person")?;
            Some(Concerned { variant: file_stem(own), id: own.id, from: own.state, withdrawal: why })
        })
        .collect()
}

fn newly_withdrawn(before: &[Variant], after: &[Variant]) -> Vec<Concerned> {
    let known: BTreeSet<VariantId> =
        before.iter().filter(|own| own.body.withdrawal.is_some()).map(|own| own.id).collect();
    let from =
        |id: VariantId| before.iter().find(|own| own.id == id).map_or(VariantState::Drafted, |own| own.state);
    after
        .iter()
        .filter(|own| !known.contains(&own.id))
        .filter_map(|own| {
            let withdrawal = own.body.withdrawal.clone()?;
            Some(Concerned { variant: file_stem(own), id: own.id, from: from(own.id), withdrawal })
        })
        .collect()
}
