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

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
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
                    stringify!($name).as_bytes(),
                    &seed.to_le_bytes(),
                    stream.as_bytes(),
                    &index.to_le_bytes(),
                ]))
            }

            /// Derives an id that belongs to `parent`, told apart by `stream` and `index`.
            #[must_use]
            pub fn child_of(parent: Uuid, stream: &str, index: u64) -> Self {
                Self(derive(&[
                    stringify!($name).as_bytes(),
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
    OrganizationId
}
id! {
    /// One execution of the agent loop.
    RunId
}
id! {
    /// One drafted advertisement: a pick for every slot.
    VariantId
}
id! {
    /// One durable unit of work.
    StepId
}
id! {
    /// One message on the bus, and its row in the outbox.
    MessageId
}
id! {
    /// One variant placed in the market for one generation.
    PlacementId
}
id! {
    /// One call to a paid provider.
    CallId
}
id! {
    /// One key of the API.
    KeyId
}
id! {
    /// One picture that an organization has uploaded.
    AssetId
}
id! {
    /// One brief as it was handed in.
    BriefId
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

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(derive(&[b"ab", b"c"]), derive(&[b"a", b"bc"]));
    }
}
