//! Names that people give to things and to one another.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Checks a name that people read: 1 to 80 characters, none of them a control character, no outer blanks.
///
/// # Errors
/// [`Code::RequestValue`] with the field.
pub fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let length = name.chars().count();
    if !(1..=80).contains(&length) || name.chars().any(char::is_control) || name.trim() != name {
        let message = "must be 1 to 80 characters without control characters or outer blanks";
        return Err(Problem::new(Code::RequestValue, field, message));
    }
    Ok(())
}
