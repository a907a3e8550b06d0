//! API keys of the own organization.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod revoke;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::{KeyRecord, Scope};
use spotwright_core::use_cases;
use spotwright_schemas::error::Code;
use spotwright_schemas::mode::Mode;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::time;
use crate::problem::ApiProblem;

/// A key without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ApiKey {
    /// Its id, which is also part of its text.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) name: String,
    /// Whether it is meant: a `test` key works in the sandbox alone.
    #[schema(value_type = KeyMode)]
    pub(crate) mode: Mode,
    /// What it allows, e.g. `runs:read`.
    pub(crate) scopes: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it stops being valid.
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    pub(crate) revoked_at: Option<String>,
}

/// A word that says what a key allows; only described, the words are those of [`Scope`].
pub(crate) struct ScopeName;

impl PartialSchema for ScopeName {
    fn schema() -> RefOr<Schema> {
        let words = Scope::ALL.map(Scope::as_str);
        let described = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        described.into()
    }
}

impl ToSchema for ScopeName {}

/// Whether what a key does is meant; only described, the words are those of [`Mode`].
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum KeyMode {
    /// It may cost money and reach other services.
    Live,
    /// It works in the sandbox of its organization.
    Test,
}

/// Reads a mode that a request asks for.
pub(crate) fn mode_of(word: &str) -> Result<Mode, ApiProblem> {
    match word {
        "live" => Ok(Mode::Live),
        "test" => Ok(Mode::Test),
        _ => Err(ApiProblem::new(Code::RequestValue, "mode", "must be `live` or `test`")),
    }
}

impl ApiKey {
    /// A key of a mode.
    pub(crate) fn of(mode: Mode, key: KeyRecord) -> Self {
        Self {
            id: key.id.0,
            name: key.name,
            mode,
            scopes: key.scopes.iter().map(ToString::to_string).collect(),
            created_at: time(key.created_at),
            expires_at: key.expires_at.map(time),
            revoked_at: key.revoked_at.map(time),
        }
    }
}

/// Checks a name that people read.
pub(crate) fn check_name(name: &str) -> Result<(), ApiProblem> {
    Ok(use_cases::check_name("name", name)?)
}
