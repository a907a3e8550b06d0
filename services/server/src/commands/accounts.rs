//! Setting up what the API needs: the database, the pepper and the operator's key.

use std::fmt::Write as _;

use serde_json::json;
use spotwright_api::key::{self, Pepper};
use spotwright_core::domain::topology::Role;
use spotwright_core::ports::entropy::Entropy as _;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::config::Config;
use crate::control::OperatingSystem;
use crate::foundation::Foundation;

/// 64 random hexadecimal digits.
///
/// # Errors
/// [`Code::Prerequisite`] when the operating system gives no random bytes.
pub fn pepper() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    OperatingSystem
        .fill(&mut bytes)
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    let mut digits = String::with_capacity(64);
    for byte in bytes {
        // Writing to a string does not fail.
        let _written = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

/// The pepper of the configuration.
///
/// # Errors
/// [`Code::Option`] unless it is 64 hexadecimal digits.
pub fn configured_pepper(config: &Config) -> Result<Pepper, Problem> {
    let digits = &config.serve.pepper;
    let wrong = || {
        let message = "must be 64 hexadecimal digits; `spotwright pepper` makes them. Keep them: with others every key is invalid";
        Problem::new(Code::Option, "serve.pepper", message)
    };
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut bytes = [0_u8; 32];
    for (idx, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * idx..2 * idx + 2], 16).map_err(|_| wrong())?;
    }
    Ok(Pepper::new(bytes))
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

/// Makes the operator's organization and prints its key, which is shown this once.
///
/// # Errors
/// [`Code::Option`] when there is an operator already; as [`Foundation::database`].
pub async fn operator(config: &Config, json: bool) -> Result<(), Problem> {
    let pepper = configured_pepper(config)?;
    let database = Foundation::database(config).await?;
    let (organization, new_key, text) = key::operator(&pepper, &OperatingSystem)
        .map_err(|error| Problem::new(Code::Prerequisite, "", error.to_string()))?;
    let made = database
        .accounts
        .bootstrap(&organization, &new_key)
        .await
        .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    if !made {
        let message = "this database has an operator already, whose key was shown when it was made";
        return Err(Problem::new(Code::Option, "store.url", message));
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
