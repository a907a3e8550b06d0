//! `spotwright explain`: the pages of the error codes, and of the reasons why a media file is not used.

use spotwright_media::{REASONS, Reason};
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
        for reason in REASONS {
            print_text(&format!("{}: {}\n", reason.code, reason.meaning));
        }
        return Ok(());
    };
    if let Some(reason) = REASONS.iter().find(|reason| reason.code.eq_ignore_ascii_case(wanted)) {
        print_text(&page(reason));
        return Ok(());
    }
    let found = Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(wanted));
    let Some(found) = found else {
        return Err(Problem::new(Code::Option, "code", format!("there is no code `{wanted}`")));
    };
    print_text(found.page());
    Ok(())
}

/// The page of a reason, in the form of the other pages.
fn page(reason: &Reason) -> String {
    let Reason { code, meaning, advice } = reason;
    let mut first = advice.chars();
    let advice: String = first.next().into_iter().flat_map(char::to_uppercase).chain(first).collect();
    format!("# {code}\n\n{meaning}\n\n## What to do\n\n{advice}. More in docs/media.md.\n")
}
