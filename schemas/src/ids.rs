//! Identifiers: one type per entity, derived and therefore repeatable.
//!
//! An id is a version-8 UUID (RFC 9562 §5.8) whose bits are the BLAKE3 hash of a seed, a stream
//! name and an index. The same inputs give the same id, so a run that is repeated, or resumed
//! after a crash, names its rows and messages as before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// Hashes labelled parts into a version-8 UUID.
///
/// Parts are length-prefixed, so `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn derive(parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Declares an id. `$written` goes into the bits of every id of the type: it stays as it is when the type
/// is renamed, or a run under way would lose its rows and repeat its paid calls.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $written:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Derives the id number `index` of stream `stream` under `seed`.
            #[must_use]
            pub fn derive(seed: u64, stream: &str, index: u64) -> Self {
                Self(derive(&[
                    $written.as_bytes(),
                    &seed.to_le_bytes(),
                    stream.as_bytes(),
                    &index.to_le_bytes(),
                ]))
            }

            /// Derives an id that belongs to `parent`, told apart by `stream` and `index`.
            #[must_use]
            pub fn child_of(parent: Uuid, stream: &str, index: u64) -> Self {
                Self(derive(&[
                    $written.as_bytes(),
                    parent.as_bytes(),
                    stream.as_bytes(),
                    &index.to_le_bytes(),
                ]))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A customer account.
    OrganizationId, "OrganizationId"
}
id! {
    /// One execution of the agent loop.
    RunId, "RunId"
}
id! {
    /// One drafted advertisement: a pick for every slot.
    VariantId, "VariantId"
}
id! {
    /// One durable unit of work.
    StepId, "StepId"
}
id! {
    /// One message on the bus, and its row in the outbox.
    MessageId, "MessageId"
}
id! {
    /// One variant placed in the market for one generation.
    PlacementId, "PlacementId"
}
id! {
    /// One call to a paid provider.
    CallId, "CallId"
}
id! {
    /// One key of the API.
    KeyId, "KeyId"
}
id! {
    /// One picture that an organization has uploaded.
    AssetId, "AssetId"
}
id! {
    /// One brief as it was handed in.
    BriefId, "BriefId"
}
id! {
    /// One thing that somebody tells a run.
    SignalId, "SignalId"
}
id! {
    /// One report that an organization has ordered.
    ReportId, "ReportId"
}
id! {
    /// One person who signs in.
    PersonId, "PersonId"
}
id! {
    /// One invitation of a person into an organization.
    InvitationId, "InvitationId"
}
id! {
    /// One session of somebody who works in a browser.
    SessionId, "SessionId"
}
id! {
    /// One entry of the audit log.
    AuditEntryId, "AuditEntryId"
}
id! {
    /// One file or batch of results that was handed in.
    ImportId, "ImportId"
}
id! {
    /// What one ad did in one window of time, by one source.
    ObservationId, "ObservationId"
}
id! {
    /// One experiment.
    ExperimentId, "ExperimentId"
}
id! {
    /// One address that is told what happens in an organization.
    WebhookId, "WebhookId"
}
id! {
    /// One message to one webhook.
    DeliveryId, "DeliveryId"
}
id! {
    /// One review of what a variant is at a time.
    ApprovalId, "ApprovalId"
}
id! {
    /// One remark about a variant.
    CommentId, "CommentId"
}
id! {
    /// One link for reviewers without an account.
    ShareId, "ShareId"
}
id! {
    /// One brand of an organization.
    BrandId, "BrandId"
}

/// The version number in the ids of sandboxes: that of ids made from names, which no other id of the program
/// has.
const SANDBOX_VERSION: usize = 5;

impl OrganizationId {
    /// The sandbox of this organization: a sibling with rows of its own, so that whatever separates
    /// organizations separates what is tried out from what is meant. A sandbox is its own.
    ///
    /// The id alone says that it is one: it has version 5 (made from a name, here the organization's id),
    /// where all others have version 8. So nothing has to be looked up before work is kept from the outside
    /// world.
    #[must_use]
    pub fn sandbox(self) -> Self {
        if self.is_sandbox() {
            return self;
        }
        let bits = derive(&[b"OrganizationId", self.0.as_bytes(), b"sandbox"]);
        Self(Builder::from_sha1_bytes(*bits.as_bytes()).into_uuid())
    }

    /// Whether it is the sandbox of an organization.
    #[must_use]
    pub fn is_sandbox(self) -> bool {
        self.0.get_version_num() == SANDBOX_VERSION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_and_differ_by_every_part() {
        let id = VariantId::derive(1, "variant", 2);
        assert_eq!(id, VariantId::derive(1, "variant", 2));
        assert_ne!(id, VariantId::derive(2, "variant", 2));
        assert_ne!(id, VariantId::derive(1, "variants", 2));
        assert_ne!(id.0, StepId::derive(1, "variant", 2).0);
        assert_eq!(id.0.get_version_num(), 8);
    }

    /// The values of every type as they are in databases and at providers.
    #[test]
    fn ids_keep_the_values_that_are_in_use() {
        let parent = RunId::derive(7, "run", 3).0;
        let pinned = [
            (
                [OrganizationId::derive(7, "run", 3).0, OrganizationId::child_of(parent, "run", 3).0],
                ["29af331b-e155-8098-97db-104b8ebed5d4", "7a3767fa-7654-8c0e-b939-41d1ccb5245a"],
            ),
            (
                [RunId::derive(7, "run", 3).0, RunId::child_of(parent, "run", 3).0],
                ["796da365-3a21-845f-b781-c60091527535", "e49c4017-87c4-8e48-a75a-29e01d1d82f5"],
            ),
            (
                [VariantId::derive(7, "run", 3).0, VariantId::child_of(parent, "run", 3).0],
                ["2276bf5e-fe6b-8531-be95-662d75c7d458", "9544fe7d-b761-8449-9136-b82579ed6199"],
            ),
            (
                [StepId::derive(7, "run", 3).0, StepId::child_of(parent, "run", 3).0],
                ["dc508d27-e3b2-820c-abe6-bd9bdddd7195", "6724d9a4-f0f8-8d99-8af5-e443e501b922"],
            ),
            (
                [MessageId::derive(7, "run", 3).0, MessageId::child_of(parent, "run", 3).0],
                ["0686f6d1-3542-8ff6-b24c-4a3978ba92e5", "a98cc75e-a324-837e-b4fe-03e04a39320f"],
            ),
            (
                [PlacementId::derive(7, "run", 3).0, PlacementId::child_of(parent, "run", 3).0],
                ["67819155-6cde-84e8-99ee-9001cb4cde56", "b6f3fa25-0c02-8ac5-8507-d66ced7ee3f1"],
            ),
            (
                [CallId::derive(7, "run", 3).0, CallId::child_of(parent, "run", 3).0],
                ["edb6cd86-24f6-896c-b85e-d47b47b81206", "f1f2a926-d498-8725-adc3-f52d88bcfb1f"],
            ),
            (
                [KeyId::derive(7, "run", 3).0, KeyId::child_of(parent, "run", 3).0],
                ["0a134b2a-0920-8976-9361-8e7be67d2046", "c14dea96-f5a6-84d7-83b4-3685856e0f50"],
            ),
            (
                [AssetId::derive(7, "run", 3).0, AssetId::child_of(parent, "run", 3).0],
                ["c911202e-281d-85bd-9970-58ac0b95279b", "aed5cce7-a049-8289-888d-330942073a77"],
            ),
            (
                [BriefId::derive(7, "run", 3).0, BriefId::child_of(parent, "run", 3).0],
                ["be2eb621-2026-8f44-bb3e-c7f3a3bb167b", "a327855b-6611-8fc9-86cf-436a1ee3cbda"],
            ),
        ];
        for (id, [derived, child]) in pinned {
            assert_eq!((id[0].to_string().as_str(), id[1].to_string().as_str()), (derived, child));
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(derive(&[b"ab", b"c"]), derive(&[b"a", b"bc"]));
    }
}
