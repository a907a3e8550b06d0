//! What the bytes of a text say: marks, declarations, and at last the letters themselves.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// Decodes text. Damaged bytes become U+FFFD, which no extracted text keeps; this never fails.
///
/// A mark at the beginning decides, then text that is UTF-8, then `declared` (of the transport), then a
/// declaration in the first kilobyte (`<meta charset>`, `<?xml encoding>`), then the letters.
pub(crate) fn decoded(bytes: &[u8], declared: Option<&str>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let body = bytes.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(body).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(2_048)).unwrap_or_default());
    let named = declared.and_then(label).or_else(|| in_markup(&start).and_then(|name| label(&name)));
    let encoding =
        named.filter(|encoding| *encoding != UTF_8 || is_mostly_utf_8(bytes)).unwrap_or_else(|| {
            if is_mostly_utf_8(bytes) {
                return UTF_8;
            }
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            detector.guess(None, Utf8Detection::Deny)
        });
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn label(name: &str) -> Option<&'static Encoding> {
    let name = name.rsplit("charset=").next().unwrap_or(name);
    Encoding::for_label(name.trim_matches(['"', '\'', ' ', ';']).as_bytes())
}

/// The encoding that a page or an XML file declares.
fn in_markup(start: &str) -> Option<String> {
    let lower = start.to_ascii_lowercase();
    let at = lower
        .find("charset=")
        .map(|at| at + 8)
        .or_else(|| lower.starts_with("<?xml").then(|| lower.find("encoding=").map(|at| at + 9)).flatten())?;
    let rest = lower.get(at..)?.trim_start_matches(['"', '\'', ' ']);
    let end =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Letters of several bytes that fit are no accident.
fn is_mostly_utf_8(bytes: &[u8]) -> bool {
    let (mut whole, mut damaged) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        damaged += usize::from(!chunk.invalid().is_empty());
    }
    whole > damaged.saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_in_gbk_is_read_with_and_without_its_declaration() {
        let page =
            "<html><head><meta charset=\"gb2312\"><title>明前龙井，手工炒制的春茶</title></head></html>";
        let (bytes, _, _) = encoding_rs::GBK.encode(page);
        assert_eq!(decoded(&bytes, None), page);
        let bare = page.replace("<meta charset=\"gb2312\">", "");
        let (bytes, _, _) = encoding_rs::GBK.encode(&bare);
        assert_eq!(decoded(&bytes, None), bare);
        assert_eq!(decoded(&bytes, Some("text/html; charset=GBK")), bare);
    }

    #[test]
    fn marks_and_damage_are_no_obstacle() {
        assert_eq!(decoded(b"\xEF\xBB\xBFcaf\xC3\xA9", None), "café");
        assert_eq!(decoded(b"\xFF\xFEa\0b\0", None), "ab");
        assert!(decoded("明前龙井明前龙井\u{0}".as_bytes(), None).starts_with("明前"));
        let mut damaged = "明前龙井明前龙井".as_bytes().to_vec();
        damaged.push(0xFF);
        assert!(decoded(&damaged, None).starts_with("明前龙井"));
    }
}
