//! Setting up what the API needs: the database, the pepper and the operator's key.

use serde_json::json;
use spotwright_api::key::{self, Pepper};
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::audit::Action;
use spotwright_core::domain::topology::Role;
use spotwright_core::ports::accounts::{AccountError, Page};
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::entropy::Entropy as _;
use spotwright_core::use_cases::{Principal, Record};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId};

use super::{print_json, print_text};
use crate::config::Config;
use crate::control::OperatingSystem;
use crate::foundation::{Database, Foundation};

/// 64 random hexadecimal digits.
///
/// # Errors
/// [`Code::Prerequisite`] when the operating system gives no random bytes.
pub fn pepper() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    OperatingSystem
        .fill(&mut bytes)
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    Ok(hex::encode(bytes))
}

/// The pepper of the configuration.
///
/// # Errors
/// [`Code::Option`] unless it is 64 hexadecimal digits.
pub fn configured_pepper(config: &Config) -> Result<Pepper, Problem> {
    let current = Pepper::new(secret_of("serve.pepper", &config.serve.pepper)?);
    if config.serve.previous_pepper.is_empty() {
        return Ok(current);
    }
    Ok(current.after(secret_of("serve.previous_pepper", &config.serve.previous_pepper)?))
}

fn secret_of(key: &str, digits: &str) -> Result<[u8; 32], Problem> {
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
        let message = "must be 64 hexadecimal digits; `spotwright pepper` makes them. Keep them: with others every key is invalid";
        Problem::new(Code::Option, key, message)
    })?;
    Ok(bytes)
}

/// Brings the configured database to the newest format.
///
/// # Errors
/// As [`Foundation::database`].
pub async fn migrate(config: &Config) -> Result<(), Problem> {
    Foundation::database(config).await?;
    print_text("the database is in the newest format\n");
    Ok(())
}

/// How the operator comes to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The first one, of a new database.
    First,
    /// One beside those that there are.
    Another,
    /// One in the place of those that there are.
    InsteadOfOthers,
}

/// Makes the operator's organization, or another key for it, and prints the key, which is shown this
/// once. Whoever has the configuration and the database may do so: both are the installation itself.
///
/// # Errors
/// [`Code::Option`] when there is an operator already and no other key was asked for, or none yet; as
/// [`Foundation::database`].
pub async fn operator(config: &Config, way: Way, json: bool) -> Result<(), Problem> {
    let pepper = configured_pepper(config)?;
    let database = Foundation::database(config).await?;
    let failed = |error: AccountError| Problem::new(Code::Store, "", error.to_string());
    let (organization, new_key, text) = key::operator(&pepper, &OperatingSystem)
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    if way == Way::First {
        let made = database.accounts.bootstrap(&organization, &new_key).await.map_err(failed)?;
        if !made {
            let message = "this database has an operator already, whose key was shown when it was made; `spotwright operator --new-key` makes another one";
            return Err(Problem::new(Code::Option, "store.url", message));
        }
    } else {
        database.accounts.add_key(organization.id, &new_key).await.map_err(|error| match error {
            AccountError::Missing(_) => {
                let message = "this database has no operator yet; `spotwright operator` makes one";
                Problem::new(Code::Option, "--new-key", message)
            }
            other => failed(other),
        })?;
    }
    let by = Principal::service(organization.id, "command line");
    let after = json!({ "name": new_key.name, "scopes": new_key.scopes });
    record(&database).note(&by, organization.id, Action::KeyMade, ("key", new_key.id), Some(after)).await;
    if way == Way::InsteadOfOthers {
        revoke_others(&database, organization.id, new_key.id).await.map_err(failed)?;
    }
    if json {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        print_json(&json!({ "key": text.expose(), "version": env!("CARGO_PKG_VERSION"), "roles": roles }));
    } else {
        print_text(&format!(
            "{}\nThis key is shown once. It may make organizations: POST /v1/organizations.\n",
            text.expose()
        ));
    }
    Ok(())
}

/// What changes at the machine are written down with.
fn record(database: &Database) -> Record<'_> {
    Record { log: database.audit.as_ref(), clock: &SystemClock, entropy: &OperatingSystem, request_id: None }
}

/// Revokes every key of the operator but one.
async fn revoke_others(
    database: &Database,
    operators: OrganizationId,
    kept: KeyId,
) -> Result<(), AccountError> {
    let context = OrganizationContext { organization: operators, key: kept };
    let mut page = Page { before: None, limit: 200 };
    loop {
        let keys = database.accounts.keys(context, page).await?;
        let Some(last) = keys.last() else { return Ok(()) };
        page.before = Some(last.position);
        for key in keys.into_iter().map(|key| key.row).filter(|key| key.id != kept) {
            database.accounts.revoke_key(context, key.id, false).await?;
            if key.revoked_at.is_none() {
                let by = Principal::service(operators, "command line");
                record(database).note(&by, operators, Action::KeyRevoked, ("key", key.id), None).await;
            }
        }
    }
}
