//! The audit log: what was changed in an organization, when, and by whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_schemas::ids::{AuditEntryId, KeyId, OrganizationId, PersonId};

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The holder of a key of the organization.
    Key(KeyId),
    /// A person who is signed in, or was just let in.
    Person(PersonId),
    /// An operator of the service, with this key.
    Operator(KeyId),
    /// The program itself.
    Service,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $written:literal,)+) => {
        /// What was done, as it is written in the log. Words are only added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $variant,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The action as written, e.g. `member.removed`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $written,)+ }
            }
        }
    };
}

actions! {
    /// An organization was made.
    OrganizationFounded = "organization.founded",
    /// The operator refuses its keys and sessions.
    OrganizationFrozen = "organization.frozen",
    /// The operator takes them again.
    OrganizationUnfrozen = "organization.unfrozen",
    /// The demo was closed for good.
    DemoRemoved = "organization.demo_removed",
    /// A view was kept under a name.
    ViewKept = "view.kept",
    /// A view was deleted.
    ViewDeleted = "view.deleted",
    /// What it may spend was limited.
    BudgetSet = "organization.budget_set",
    /// The limit was taken away.
    BudgetRemoved = "organization.budget_removed",
    /// A key was made.
    KeyMade = "key.made",
    /// The clock of the sandbox was moved.
    SandboxClockMoved = "sandbox.clock_moved",
    /// The sandbox was emptied.
    SandboxEmptied = "sandbox.emptied",
    /// A key was revoked.
    KeyRevoked = "key.revoked",
    /// A picture was handed in.
    AssetMade = "asset.made",
    /// A picture was deleted.
    AssetDeleted = "asset.deleted",
    /// A brief was handed in.
    BriefMade = "brief.made",
    /// A brand was made.
    BrandMade = "brand.made",
    /// Another version of a brand was made.
    BrandChanged = "brand.changed",
    /// A brand was archived.
    BrandArchived = "brand.archived",
    /// An archived brand was restored.
    BrandRestored = "brand.restored",
    /// A run was ordered.
    RunOrdered = "run.ordered",
    /// A variant was edited: a run of its revision was ordered.
    VariantRevised = "variant.revised",
    /// A run was paused.
    RunPaused = "run.paused",
    /// A paused run was continued.
    RunResumed = "run.resumed",
    /// A run was told to end.
    RunCancelled = "run.cancelled",
    /// A run was told something else.
    RunTold = "run.told",
    /// A campaign was given its names at platforms.
    CampaignNamed = "campaign.named",
    /// A campaign was made of finished ads.
    CampaignMade = "campaign.made",
    /// A campaign that people made, or an ad of it, was paused, continued or ended.
    CampaignSteered = "campaign.steered",
    /// What the organization demands of campaigns was changed.
    CampaignRulesSet = "organization.campaign_rules_set",
    /// A report was ordered.
    ReportOrdered = "report.ordered",
    /// Somebody signed in.
    SessionOpened = "session.opened",
    /// A session was ended by its holder.
    SessionEnded = "session.ended",
    /// Somebody changed their password.
    PasswordChanged = "person.password_changed",
    /// Somebody was invited.
    InvitationMade = "invitation.made",
    /// An invitation was revoked.
    InvitationRevoked = "invitation.revoked",
    /// Somebody accepted an invitation and is a member now.
    MemberJoined = "member.joined",
    /// A member was given another role.
    RoleChanged = "member.role_changed",
    /// A member was removed.
    MemberRemoved = "member.removed",
    /// A single clip was ordered.
    VideoOrdered = "video.ordered",
    /// A single clip was deleted.
    VideoDeleted = "video.deleted",
    /// A decision on a variant was asked for.
    ApprovalAsked = "approval.asked",
    /// A variant was approved, or changes were requested.
    ApprovalDecided = "approval.decided",
    /// A comment was resolved.
    CommentResolved = "comment.resolved",
    /// A resolved comment was opened again.
    CommentReopened = "comment.reopened",
    /// A link for reviewers was made.
    ShareMade = "share.made",
    /// A link for reviewers was revoked.
    ShareRevoked = "share.revoked",
    /// An experiment was made.
    ExperimentMade = "experiment.made",
    /// Somebody started, paused, resumed, divided, stopped, decided or put away an experiment.
    ExperimentChanged = "experiment.changed",
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a change was made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kind, e.g. `run`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// A change to be written down. It never holds a secret: no password, no token, no text of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditEntry {
    /// Its id.
    pub id: AuditEntryId,
    /// In whose log it stands.
    pub organization: OrganizationId,
    /// When it was made, by the program's clock.
    pub at: i64,
    /// Who made it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To what.
    pub target: Target,
    /// How it was before, where that is small.
    pub before: Option<Value>,
    /// How it is since, where that is small.
    pub after: Option<Value>,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// A change as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditEntryId,
    /// When it was made.
    pub at: i64,
    /// Who made it.
    pub actor: RecordedActor,
    /// What was done, as written. A newer program may have written words that this one does not know.
    pub action: String,
    /// The kind of what it was done to.
    pub target_kind: String,
    /// Its id.
    pub target_id: String,
    /// How it was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// Who made a change, as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedActor {
    /// `key`, `person`, `operator` or `service`.
    pub kind: String,
    /// The key's or person's id.
    pub id: Option<uuid::Uuid>,
    /// What it was called when the change was made.
    pub name: Option<String>,
}

impl Actor {
    /// The kind as written.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Person(_) => "person",
            Self::Operator(_) => "operator",
            Self::Service => "service",
        }
    }

    /// The id of the key or person.
    #[must_use]
    pub const fn id(self) -> Option<uuid::Uuid> {
        match self {
            Self::Key(key) | Self::Operator(key) => Some(key.0),
            Self::Person(person) => Some(person.0),
            Self::Service => None,
        }
    }
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action, as written.
    pub action: Option<String>,
    /// Only what was done to the thing with this id.
    pub target: Option<String>,
}
