//! What went wrong, as it is stored: a code and the program's own words.

use spotwright_schemas::error::Code;

/// A failure as stored: `SW0601 shots[0].caption: the text does not fit.`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure<'a> {
    /// Its code, where it has one that is known.
    pub(crate) code: Option<Code>,
    /// Everything, the code with it.
    stored: &'a str,
}

impl<'a> Failure<'a> {
    pub(crate) fn of(stored: &'a str) -> Self {
        let stored = stored.trim();
        let code = stored.split(' ').next().unwrap_or_default();
        let code = Code::ALL.iter().copied().find(|known| known.as_str() == code);
        Self { code, stored }
    }

    /// The words without the codes and names that are for programs.
    pub(crate) fn plain(&self) -> String {
        let mut rest = self.stored;
        loop {
            let code = rest.strip_prefix("SW").filter(|rest| {
                let (digits, behind) = rest.split_at_checked(4).unwrap_or_default();
                !digits.is_empty()
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && behind.starts_with(' ')
            });
            let shorter = code
                .and_then(|rest| rest.get(5..))
                .or_else(|| rest.strip_prefix("cannot be rendered: "))
                .or_else(|| rest.strip_prefix("render backend unavailable: "));
            // Which shot it was says nothing to who never saw the storyboard.
            let shot =
                || rest.strip_prefix("shots[").and_then(|rest| rest.split_once("].")).map(|(_, rest)| rest);
            match shorter.or_else(shot) {
                Some(shorter) => rest = shorter.trim_start(),
                None => return rest.trim_end_matches('.').to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_without_codes() {
        let stored =
            Failure::of("SW0601 cannot be rendered: SW0602 shots[0].caption: the text does not fit.");
        assert_eq!(stored.code, Some(Code::Render));
        assert_eq!(stored.plain(), "caption: the text does not fit");
        for plain in ["SWISS made", "no variant passed"] {
            assert_eq!((Failure::of(plain).code, Failure::of(plain).plain()), (None, plain.to_owned()));
        }
    }
}
