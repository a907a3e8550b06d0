//! `spotwright explain`: the pages of the error codes.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::print_text;

/// Prints the page of a code, or the list of all codes.
///
/// # Errors
/// [`Code::Option`] for a code that does not exist.
pub fn execute(code: Option<&str>) -> Result<(), Problem> {
    let Some(wanted) = code else {
        for code in Code::ALL {
            let title = code.page().lines().next().unwrap_or_default().trim_start_matches("# ");
            print_text(&format!("{title}\n"));
        }
        return Ok(());
    };
    let found = Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(wanted));
    let Some(found) = found else {
        return Err(Problem::new(Code::Option, "code", format!("there is no code `{wanted}`")));
    };
    print_text(found.page());
    Ok(())
}
