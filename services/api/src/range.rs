//! Byte ranges (RFC 9110 section 14): one range of a file.

/// What a `Range` header asks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The whole file: there is no header, or one that may be ignored.
    Whole,
    /// The bytes `first..=last`.
    Bytes {
        /// First byte.
        first: u64,
        /// Last byte, within the file.
        last: u64,
    },
    /// Nothing that the file has.
    Outside,
}

/// Reads a `Range` header for a file of `length` bytes.
///
/// Other units, malformed headers and several ranges at once are ignored, as the standard allows:
/// the answer is then the whole file.
pub(crate) fn part(header: Option<&str>, length: u64) -> Part {
    let Some(set) = header.and_then(|value| value.trim().strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return Part::Whole };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number beyond 64 bits lies beyond every file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        return match number(last) {
            None => Part::Whole,
            Some(0) => Part::Outside,
            Some(_) if length == 0 => Part::Outside,
            Some(suffix) => Part::Bytes { first: length.saturating_sub(suffix), last: length - 1 },
        };
    }
    let Some(first) = number(first) else { return Part::Whole };
    let last = if last.is_empty() {
        u64::MAX
    } else {
        match number(last) {
            Some(last) if last >= first => last,
            _ => return Part::Whole,
        }
    };
    if first >= length { Part::Outside } else { Part::Bytes { first, last: last.min(length - 1) } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(part(Some("bytes=0-499"), 10_000), Part::Bytes { first: 0, last: 499 });
        assert_eq!(part(Some("bytes=-500"), 10_000), Part::Bytes { first: 9_500, last: 9_999 });
        assert_eq!(part(Some("bytes=9500-"), 10_000), Part::Bytes { first: 9_500, last: 9_999 });
        assert_eq!(part(Some("bytes=0-0,-1"), 10_000), Part::Whole);
        assert_eq!(part(Some("bytes=10000-"), 10_000), Part::Outside);
        assert_eq!(part(Some("bytes=-0"), 10_000), Part::Outside);
        assert_eq!(part(Some("bytes=5-4"), 10_000), Part::Whole);
        assert_eq!(part(Some("items=0-1"), 10_000), Part::Whole);
        assert_eq!(part(Some("bytes=0-99999999999999999999999"), 10), Part::Bytes { first: 0, last: 9 });
        assert_eq!(part(None, 10), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Outside);
    }

    proptest! {
        #[test]
        fn a_part_always_lies_within_the_file(header in "bytes=[0-9]{0,22}-[0-9]{0,22}", length: u64) {
            if let Part::Bytes { first, last } = part(Some(&header), length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn no_header_is_too_strange(header in "\\PC{0,40}", length: u64) {
            if let Part::Bytes { first, last } = part(Some(&header), length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn asked_and_present_is_given(first in 0_u64..1000, more in 0_u64..1000, rest in 1_u64..1000) {
            let last = first + more;
            let asked = format!("bytes={first}-{last}");
            prop_assert_eq!(part(Some(&asked), last + rest), Part::Bytes { first, last });
        }
    }
}
