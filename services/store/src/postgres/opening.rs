//! How the database is reached: address, TLS, and what went wrong in the words of who wrote the address.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::time::Duration;

use spotwright_core::ports::step_store::StoreError;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::Connection;
use crate::convert::database;

/// Longest wait for the first connection.
const REACH_TIME: Duration = Duration::from_secs(10);

/// Why the database cannot be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// The address can never work: malformed, or login, database or TLS are refused (permanent).
    /// Repeats no password.
    #[error("{0}")]
    Address(String),
    /// Nobody answers there (retryable).
    #[error("{0}")]
    Unreachable(String),
    /// The database itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Parameters of an address that the client knows.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Takes out the parameters that the client does not know. It would log them, with values that may be
/// secrets such as `sslpassword`.
fn without_unknown(url: &mut Url) {
    let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.iter().all(|(name, _)| known(name)) {
        return;
    }
    for (parameter, _) in pairs.iter().filter(|(name, _)| !known(name)) {
        tracing::warn!(parameter, "a parameter of `store.url` is not known and has no effect");
    }
    url.query_pairs_mut().clear().extend_pairs(pairs.iter().filter(|(name, _)| known(name)));
}

/// Reads an address. `authorities` is a PEM file of private authorities, for addresses that name none.
pub(super) fn options(url: &str, authorities: Option<&Path>) -> Result<PgConnectOptions, OpenError> {
    spotwright_schemas::address::check(url, &["postgres", "postgresql"], true).map_err(OpenError::Address)?;
    let malformed = || {
        let form = "`postgres://user:password@host:5432/database?sslmode=verify-full`";
        OpenError::Address(format!("is no address of PostgreSQL; it has the form {form}"))
    };
    let mut url = Url::parse(url).map_err(|_| malformed())?;
    without_unknown(&mut url);
    let names_its_own =
        url.query_pairs().any(|(name, _)| matches!(&*name, "sslrootcert" | "ssl-root-cert" | "ssl-ca"));
    let mut options = PgConnectOptions::from_url(&url).map_err(|_| malformed())?;
    if let Some(file) = authorities.filter(|_| !names_its_own) {
        options = options.ssl_root_cert(file);
    }
    Ok(options.application_name("spotwright").statement_cache_capacity(256).disable_statement_logging())
}

/// Whether anybody is there and lets us in.
pub(super) async fn probe(options: &PgConnectOptions) -> Result<Connection, OpenError> {
    match tokio::time::timeout(REACH_TIME, options.connect()).await {
        Ok(connected) => connected.map_err(explained),
        Err(_) => Err(OpenError::Unreachable(format!("no answer in {} s", REACH_TIME.as_secs()))),
    }
}

/// What an error of the first connection means for somebody who has just written the address.
fn explained(error: sqlx::Error) -> OpenError {
    let tls = "no TLS as the address asks for it; name the PEM file of a private authority as `tls.ca_file`, or choose another `sslmode`";
    let code = error.as_database_error().and_then(|cause| cause.code().map(Cow::into_owned));
    let said = error.as_database_error().map(|cause| cause.message().to_owned()).unwrap_or_default();
    match code.as_deref() {
        Some("28P01" | "28000") => {
            return OpenError::Address(format!(
                "{said}; check user and password, special characters written as escapes such as `%23` for `#`"
            ));
        }
        Some("3D000") => return OpenError::Address(format!("{said}; create it, or correct the address")),
        // Starting up, shutting down, all connections taken.
        Some("57P01" | "57P02" | "57P03" | "53300") => return OpenError::Unreachable(said),
        _ => {}
    }
    match error {
        sqlx::Error::Io(cause) => {
            let by_tls = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some();
            if by_tls || matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) {
                OpenError::Address(format!("{cause}; {tls}"))
            } else {
                OpenError::Unreachable(cause.to_string())
            }
        }
        sqlx::Error::Tls(cause) => OpenError::Address(format!("{cause}; {tls}")),
        sqlx::Error::Configuration(cause) => OpenError::Address(cause.to_string()),
        sqlx::Error::Protocol(cause) => {
            OpenError::Address(format!("what answers there is no PostgreSQL: {cause}"))
        }
        other => OpenError::Store(database(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_an_address_repeats_no_password() {
        for url in [
            "postgres://me:s3c#ret@localhost/name",
            "postgres://me:s3c/ret@localhost/name",
            "postgres://me:s3cret@localhost:port/name",
            "postgres://me:s3cret@localhost/name?sslmode=s3cret",
            "postgres://me:%FFs3cret@localhost/name",
            "mysql://me:s3cret@localhost/name",
        ] {
            let error = options(url, None).expect_err(url);
            assert!(matches!(error, OpenError::Address(_)), "{error:?}");
            assert!(!error.to_string().contains("s3c"), "{error}");
        }
        assert!(options("postgres:///name?host=/run/postgresql", None).is_ok());
    }

    #[test]
    fn unknown_parameters_are_left_out_and_known_ones_stay() {
        let mut url = Url::parse(
            "postgres://me@h/n?sslmode=require&sslpassword=s3cret&options[a]=b&channel_binding=require",
        )
        .unwrap();
        without_unknown(&mut url);
        let kept: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(kept, [pair("sslmode", "require"), pair("options[a]", "b")]);
        let mut plain = Url::parse("postgres://me@h/n?sslmode=require").unwrap();
        without_unknown(&mut plain);
        assert_eq!(plain.as_str(), "postgres://me@h/n?sslmode=require");
    }
}
