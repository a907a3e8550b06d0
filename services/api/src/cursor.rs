//! Cursors: where the next page of a list begins.
//!
//! A cursor is URL-safe Base64 of 16 bytes of HMAC-SHA256 followed by the place. The code binds it
//! to the list and the organization it was made for, so it is opaque in fact and not only in name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use spotwright_schemas::error::Code;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::key::Pepper;
use crate::problem::ApiProblem;

const CODE_BYTES: usize = 16;
/// Longest place in bytes: a line of a trace is found by its sort key.
const LONGEST: usize = 400;

/// The list a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    /// Whose list it is.
    pub(crate) organization: Uuid,
    /// Which list: its name, and the row it hangs on or the filter it was read with.
    pub(crate) name: &'a str,
    /// What distinguishes lists of the same name.
    pub(crate) of: &'a [u8],
}

impl List<'_> {
    fn code(&self, pepper: &Pepper, place: &[u8]) -> [u8; CODE_BYTES] {
        let full = pepper.authenticate(&[
            b"cursor",
            self.organization.as_bytes(),
            self.name.as_bytes(),
            self.of,
            place,
        ]);
        let mut code = [0; CODE_BYTES];
        code.copy_from_slice(&full[..CODE_BYTES]);
        code
    }

    /// Makes a cursor.
    pub(crate) fn cursor(&self, pepper: &Pepper, place: &[u8]) -> String {
        let mut bytes = self.code(pepper, place).to_vec();
        bytes.extend_from_slice(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this list.
    pub(crate) fn place(&self, pepper: &Pepper, cursor: &str) -> Result<Vec<u8>, ApiProblem> {
        self.checked(pepper, cursor).ok_or_else(|| {
            ApiProblem::new(Code::Cursor, "cursor", "was not made by this list; begin without a cursor")
        })
    }

    fn checked(&self, pepper: &Pepper, cursor: &str) -> Option<Vec<u8>> {
        if cursor.len() > (CODE_BYTES + LONGEST) * 2 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (code, place) = bytes.split_at_checked(CODE_BYTES)?;
        let right: bool = self.code(pepper, place).ct_eq(code).into();
        right.then(|| place.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEPPER: Pepper = Pepper::new([4; 32]);

    fn list<'a>(organization: u128, name: &'a str, of: &'a [u8]) -> List<'a> {
        List { organization: Uuid::from_u128(organization), name, of }
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back_by_its_own_list(place in proptest::collection::vec(any::<u8>(), 0..LONGEST)) {
            let own = list(1, "runs", b"");
            let cursor = own.cursor(&PEPPER, &place);
            prop_assert_eq!(own.place(&PEPPER, &cursor).expect("its own"), place);
            for other in [list(2, "runs", b""), list(1, "briefs", b""), list(1, "runs", b"x")] {
                prop_assert!(other.place(&PEPPER, &cursor).is_err());
            }
            prop_assert!(own.place(&Pepper::new([5; 32]), &cursor).is_err());
        }

        #[test]
        fn anything_else_is_refused(text in "\\PC{0,60}") {
            prop_assert!(list(1, "runs", b"").place(&PEPPER, &text).is_err());
        }

        #[test]
        fn an_altered_cursor_is_refused(place: i64, at: usize, other in "[0-9a-zA-Z_-]") {
            let own = list(1, "runs", b"");
            let cursor = own.cursor(&PEPPER, &place.to_be_bytes());
            let at = at % cursor.len();
            let mut altered = cursor.clone();
            altered.replace_range(at..=at, &other);
            prop_assume!(altered != cursor);
            prop_assert!(own.place(&PEPPER, &altered).is_err());
        }
    }
}
