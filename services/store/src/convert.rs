//! Between stored values and the domain's types.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::StoreError;
use spotwright_schemas::money::Currency;

/// The longest lease or delay that is stored: ten years. Keeps sums of times within 64 bits.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// `items` in pieces of 16, 8, 4, 2 and 1, so that five prepared statements serve every number of rows.
pub(crate) fn in_powers<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let largest = [16, 8, 4, 2, 1].into_iter().find(|size| *size <= items.len())?;
        let (piece, rest) = items.split_at(largest);
        items = rest;
        Some(piece)
    })
}

/// Maps a driver's error. Broken constraints are defects of the caller; the rest is the database's.
pub(crate) fn database(error: sqlx::Error) -> StoreError {
    match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
        Some(sqlx::error::ErrorKind::ForeignKeyViolation) => {
            StoreError::Missing("row that another one refers to".to_owned())
        }
        Some(
            sqlx::error::ErrorKind::UniqueViolation
            | sqlx::error::ErrorKind::CheckViolation
            | sqlx::error::ErrorKind::NotNullViolation,
        ) => StoreError::Contradiction(error.to_string()),
        _ => match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Format(error.to_string())
            }
            other => StoreError::Database(other.to_string()),
        },
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Contradiction(format!("cannot be stored: {error}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Format(format!("{what}: {error}")))
}

/// Reads a stage or state, which are stored as their serde names.
pub(crate) fn from_name<T: DeserializeOwned>(what: &str, name: &str) -> Result<T, StoreError> {
    let value = serde_json::Value::String(name.to_owned());
    serde_json::from_value(value).map_err(|_| StoreError::Format(format!("{what} {name:?} is not known")))
}

pub(crate) fn stage(name: &str) -> Result<Stage, StoreError> {
    from_name("stage", name)
}

pub(crate) fn variant_state(name: &str) -> Result<VariantState, StoreError> {
    from_name("variant state", name)
}

/// A currency, which is stored as its ISO 4217 code.
pub(crate) fn currency(code: &str) -> Result<Currency, StoreError> {
    Currency::of_code(code).ok_or_else(|| StoreError::Format(format!("currency {code:?} is not known")))
}

/// A duration in microseconds, at most ten years.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.min(LONGEST).as_micros()).unwrap_or(i64::MAX / 4)
}

pub(crate) fn unsigned<T: TryFrom<i64>>(what: &str, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| StoreError::Format(format!("{what} {number} is out of range")))
}

pub(crate) fn stored(what: &str, number: impl TryInto<i64>) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::Contradiction(format!("{what} is out of range")))
}
