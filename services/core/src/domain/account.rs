//! Accounts: organizations, the keys of the API, and what an organization hands in.
//!
//! Times are microseconds since 1970 UTC of the database's clock.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::ids::{AssetId, BriefId, KeyId, OrganizationId, RunId};
use spotwright_schemas::money::{Currency, Micros};

use super::brand::BrandVersion;
use super::revision::Revises;
use super::run::{Counts, Stage};
use crate::ports::artifacts::ArtifactHash;

/// On whose behalf something is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrganizationContext {
    /// The organization whose rows may be touched; no others.
    pub organization: OrganizationId,
    /// The key that was presented; nil where it was none: a person who is signed in, or the program.
    pub key: KeyId,
}

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Read briefs and pictures.
    #[serde(rename = "briefs:read")]
    BriefsRead,
    /// Hand in briefs and pictures.
    #[serde(rename = "briefs:write")]
    BriefsWrite,
    /// Read runs, their events, traces, variants and files.
    #[serde(rename = "runs:read")]
    RunsRead,
    /// Start, pause, resume and cancel runs; this spends money.
    #[serde(rename = "runs:write")]
    RunsWrite,
    /// Approve and reject scripts and finished ads.
    #[serde(rename = "approvals:write")]
    ApprovalsWrite,
    /// Read campaigns, placements, observations, experiments and reports.
    #[serde(rename = "results:read")]
    ResultsRead,
    /// Hand in observations of ads that ran elsewhere.
    #[serde(rename = "results:write")]
    ResultsWrite,
    /// Plan, start, change and decide experiments.
    #[serde(rename = "experiments:write")]
    ExperimentsWrite,
    /// List, invite, change and remove the members of the own organization.
    #[serde(rename = "members:admin")]
    MembersAdmin,
    /// List, make and revoke keys of the own organization.
    #[serde(rename = "keys:admin")]
    KeysAdmin,
    /// Make, change and test webhooks of the own organization; read their deliveries.
    #[serde(rename = "webhooks:admin")]
    WebhooksAdmin,
    /// Read what was done in the own organization, and by whom.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// List and make organizations.
    #[serde(rename = "operator")]
    Operator,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 13] = [
        Self::BriefsRead,
        Self::BriefsWrite,
        Self::RunsRead,
        Self::RunsWrite,
        Self::ApprovalsWrite,
        Self::ResultsRead,
        Self::ResultsWrite,
        Self::ExperimentsWrite,
        Self::MembersAdmin,
        Self::KeysAdmin,
        Self::WebhooksAdmin,
        Self::AuditRead,
        Self::Operator,
    ];

    /// What the first key of a customer may do: everything within its organization.
    pub const CUSTOMER: [Self; 12] = [
        Self::BriefsRead,
        Self::BriefsWrite,
        Self::RunsRead,
        Self::RunsWrite,
        Self::ApprovalsWrite,
        Self::ResultsRead,
        Self::ResultsWrite,
        Self::ExperimentsWrite,
        Self::MembersAdmin,
        Self::KeysAdmin,
        Self::WebhooksAdmin,
        Self::AuditRead,
    ];

    /// The scope as written, e.g. `runs:read`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BriefsRead => "briefs:read",
            Self::BriefsWrite => "briefs:write",
            Self::RunsRead => "runs:read",
            Self::RunsWrite => "runs:write",
            Self::ApprovalsWrite => "approvals:write",
            Self::ResultsRead => "results:read",
            Self::ResultsWrite => "results:write",
            Self::ExperimentsWrite => "experiments:write",
            Self::MembersAdmin => "members:admin",
            Self::KeysAdmin => "keys:admin",
            Self::WebhooksAdmin => "webhooks:admin",
            Self::AuditRead => "audit:read",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A word that names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such scope")]
pub struct UnknownScope;

/// A customer account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, for people.
    pub name: String,
    /// When it was made.
    pub created_at: i64,
    /// Since when its keys are refused; `None`: they are not.
    #[serde(default)]
    pub frozen_at: Option<i64>,
}

/// An organization to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, for people.
    pub name: String,
}

/// A limit on what an organization may spend over all its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Most that may be committed; below what is committed already, nothing more is.
    pub cap: Micros,
    /// Its currency. `None`: that of the limit so far, else of the organization's first run, else of the
    /// first to come.
    pub currency: Option<Currency>,
}

/// What an organization may spend and what its runs have committed of it. A run commits its whole budget
/// from its creation to its end, and then what it has settled and still has reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrganizationBudget {
    /// The currency of both amounts, and the only one in which further runs are admitted; `None` until
    /// the first run decides.
    pub currency: Option<Currency>,
    /// Most that may be committed.
    pub cap: Micros,
    /// Committed by all runs in the currency.
    pub committed: Micros,
}

impl OrganizationBudget {
    /// What may still be committed.
    #[must_use]
    pub fn free(&self) -> Micros {
        (self.cap - self.committed).max(Micros::ZERO)
    }
}

/// A message authentication code of a key's text. Not shown by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyMac(pub [u8; 32]);

impl fmt::Debug for KeyMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMac(secret)")
    }
}

/// A key to be made. The text of the key is not part of it: the database never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// What it is for, for people.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Authentication code of its text.
    pub mac: KeyMac,
    /// How long it is valid, in microseconds from its making; `None`: until revoked.
    pub lifetime_micros: Option<i64>,
}

/// A key as its organization sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What it is for, for people.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: i64,
    /// When it stops being valid.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// What is needed to check a presented key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The key.
    pub key: KeyId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Authentication code of its text.
    pub mac: KeyMac,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether the keys of its organization are refused.
    pub frozen: bool,
    /// How far the clock of its organization was moved, in microseconds; 0 but in sandboxes.
    pub clock_moved: i64,
    /// Microseconds until it expires by the clock of its organization; not above zero: it has expired.
    pub remaining_micros: Option<i64>,
}

/// An organization and its first key, just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundedOrganization {
    /// The organization.
    pub organization: Organization,
    /// Its first key.
    pub key: KeyRecord,
}

/// An uploaded picture, re-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id. The same picture of two organizations is two assets.
    pub id: AssetId,
    /// The re-encoded picture.
    pub hash: ArtifactHash,
    /// Its name, for people.
    pub name: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes of the re-encoded picture.
    pub bytes: u64,
    /// When it was handed in.
    pub created_at: i64,
}

/// A picture to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAsset {
    /// Its id.
    pub id: AssetId,
    /// The re-encoded picture.
    pub hash: ArtifactHash,
    /// Its name, for people.
    pub name: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes of the re-encoded picture.
    pub bytes: u64,
    /// Most bytes that all pictures of the organization may have together; `None`: any number.
    pub quota: Option<u64>,
}

/// What an organization's pictures take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AssetUsage {
    /// How many there are.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// A brief to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBrief {
    /// Its id.
    pub id: BriefId,
    /// The validated brief.
    pub brief: Brief,
    /// The asset behind each picture file that the brief names.
    pub assets: BTreeMap<String, AssetId>,
    /// The brand that it was completed with.
    pub brand: Option<BrandVersion>,
}

/// A brief without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefSummary {
    /// Its id.
    pub id: BriefId,
    /// The short name that the brief gives itself.
    pub name: String,
    /// When it was handed in.
    pub created_at: i64,
}

/// A brief as stored. Briefs are never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct BriefRecord {
    /// Its id.
    pub id: BriefId,
    /// The validated brief.
    pub brief: Brief,
    /// The asset behind each picture file that the brief names.
    pub assets: BTreeMap<String, AssetId>,
    /// The brand that it was completed with.
    pub brand: Option<BrandVersion>,
    /// When it was handed in.
    pub created_at: i64,
}

/// What a run was ordered with, beside the brief's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// The brief.
    pub brief: BriefId,
    /// How many generations.
    pub generations: u32,
    /// How many variants in each generation.
    pub variants: u32,
    /// How many of them are rendered final and placed.
    pub winners: u32,
    /// Seed of everything random, at most 2^53 − 1 so that every JSON reader keeps it.
    pub seed: u64,
    /// Views that the market offers in each generation.
    pub opportunities: u64,
    /// Currency of every amount of the run.
    pub currency: Currency,
    /// The variant that a person has edited, where the run makes a revision of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revises: Option<Revises>,
    /// Most that the order lets it spend, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Micros>,
}

/// A run that was just ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedRun {
    /// Its id.
    pub id: RunId,
    /// What was ordered.
    pub order: RunOrder,
    /// Most that may be spent.
    pub budget: Micros,
    /// When it was ordered.
    pub created_at: i64,
}

/// A run as its organization sees it; read in one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub stage: Stage,
    /// The generation it is in, from 1; 0 before the first.
    pub generation: u32,
    /// Variants and placements of the current generation by state.
    pub counts: Counts,
    /// Most that may be spent.
    pub budget: Micros,
    /// Money settled so far.
    pub settled: Micros,
    /// Money reserved and not yet settled or released.
    pub reserved: Micros,
    /// Messages written so far; the last one's sequence number.
    pub messages: u64,
    /// Whether its steps are held back.
    pub paused: bool,
    /// Whether it is being ended and waits for work under way.
    pub cancelling: bool,
    /// When it was made.
    pub created_at: i64,
    /// What was ordered; `None` for a run that was not ordered through the API.
    pub order: Option<RunOrder>,
    /// Why it ended.
    pub stopped: Option<StopReason>,
    /// The workflow's own state; JSON `null` while the run goes on.
    pub outcome: serde_json::Value,
}
