//! Whether something is meant, or only tried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::OrganizationId;

/// Whether something is meant, or made in the sandbox of an organization. Follows from the organization that
/// it belongs to, see [`OrganizationId::sandbox`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is meant: it may cost money and reach other services.
    #[default]
    Live,
    /// It is tried out: it costs nothing and reaches nobody but the organization's own webhooks.
    Test,
}

impl Mode {
    /// The mode of everything that belongs to an organization.
    #[must_use]
    pub fn of(organization: OrganizationId) -> Self {
        if organization.is_sandbox() { Self::Test } else { Self::Live }
    }

    /// The mode as written, e.g. `test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Whether it is [`Mode::Live`]; live events and documents do not say so.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sandboxes_are_in_test_mode_and_each_organization_has_one() {
        let (first, second) =
            (OrganizationId::derive(1, "organization", 0), OrganizationId::derive(1, "organization", 1));
        assert_eq!([first, second].map(Mode::of), [Mode::Live, Mode::Live]);
        assert_eq!([first, second].map(|id| Mode::of(id.sandbox())), [Mode::Test, Mode::Test]);
        assert_ne!(first.sandbox(), second.sandbox());
        assert_eq!(first.sandbox().sandbox(), first.sandbox(), "a sandbox has none of its own");
        for mode in [Mode::Live, Mode::Test] {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
    }
}
