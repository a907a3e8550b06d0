//! The text of a PDF file.

use lopdf::Document;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Most pages that are read.
const MAX_PAGES: usize = 60;

/// Bytes that the streams of one page may unpack to.
const MAX_UNPACKED: usize = 16 << 20;

/// Reads the text of a document's pages.
///
/// # Errors
/// [`Code::SourceUnreadable`] for a damaged or locked file, and for one without text.
pub(crate) fn text(bytes: &[u8], name: &str) -> Result<String, Problem> {
    // The parser answers damage with errors; should a file make it panic, that is damage as well.
    let read = std::panic::catch_unwind(|| read(bytes));
    let text = match read {
        Ok(Ok(text)) => text,
        Ok(Err(reason)) => return Err(Problem::new(Code::SourceUnreadable, name, reason)),
        Err(_) => return Err(crate::unreadable(name, "is a damaged PDF file")),
    };
    if text.trim().is_empty() {
        return Err(crate::unreadable(name, "holds no text, only pictures of it; give its text"));
    }
    Ok(text)
}

fn read(bytes: &[u8]) -> Result<String, String> {
    let document = Document::load_mem(bytes).map_err(|error| format!("is a damaged PDF file: {error}"))?;
    if document.is_encrypted() {
        return Err("is locked with a password; save it without one".to_owned());
    }
    let pages: Vec<u32> = document.get_pages().keys().copied().take(MAX_PAGES).collect();
    let mut text = String::new();
    for page in pages {
        // A page that cannot be read does not hide the others.
        if let Ok(part) = document.extract_text_with_limit(&[page], MAX_UNPACKED) {
            text.push_str(&part);
            text.push('\n');
        }
        if text.len() > crate::document::MAX_TEXT {
            break;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one page and one line, with the places of its objects as they are.
    fn pdf(line: &str) -> Vec<u8> {
        let stream = format!("BT /F1 12 Tf 72 700 Td ({line}) Tj ET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
        let mut file = "%PDF-1.4\n".to_owned();
        let mut places = Vec::new();
        for (idx, object) in objects.iter().enumerate() {
            places.push(file.len());
            file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", idx + 1));
        }
        let xref = file.len();
        file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
        for place in places {
            file.push_str(&format!("{place:010} 00000 n \n"));
        }
        file.push_str(&format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n",
            objects.len() + 1
        ));
        file.into_bytes()
    }

    #[test]
    fn the_text_of_a_page_is_read() {
        assert!(text(&pdf("Trail Bottle, $39.99"), "a.pdf").unwrap().contains("Trail Bottle, $39.99"));
    }

    #[test]
    fn damage_is_an_error() {
        let whole = pdf("Trail Bottle");
        assert_eq!(text(b"%PDF-1.7 garbage", "a.pdf").unwrap_err().code, Code::SourceUnreadable);
        for end in (10..whole.len()).step_by(37) {
            let _ = text(&whole[..end], "a.pdf");
        }
    }
}
