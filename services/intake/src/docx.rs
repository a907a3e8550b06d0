//! The paragraphs of a DOCX file.

use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::Event;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use zip::ZipArchive;

/// Bytes that the document may unpack to.
const MAX_UNPACKED: u64 = 16 << 20;

/// Most entries of the archive.
const MAX_ENTRIES: usize = 5_000;

/// Reads the paragraphs, each with the heading above it.
///
/// # Errors
/// [`Code::SourceFormat`] for an archive that is no Word document, [`Code::SourceUnreadable`] for damage,
/// [`Code::SourceTooLarge`] for what unpacks to more than 16 MiB.
pub(crate) fn lines(bytes: &[u8], name: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|_| crate::unreadable(name, "is a damaged archive"))?;
    if archive.len() > MAX_ENTRIES {
        return Err(Problem::new(Code::SourceTooLarge, name, format!("holds more than {MAX_ENTRIES} parts")));
    }
    let part = archive.by_name("word/document.xml").map_err(|_| {
        Problem::new(Code::SourceFormat, name, "is an archive, and no Word document; give a .docx file")
    })?;
    let mut xml = Vec::new();
    // What the archive says of sizes is not believed; the bytes are counted as they come.
    part.take(MAX_UNPACKED + 1)
        .read_to_end(&mut xml)
        .map_err(|_| crate::unreadable(name, "is a damaged archive"))?;
    if xml.len() as u64 > MAX_UNPACKED {
        return Err(Problem::new(
            Code::SourceTooLarge,
            name,
            format!("unpacks to more than {MAX_UNPACKED} bytes"),
        ));
    }
    let text = crate::charset::decoded(&xml, None);
    let lines = paragraphs(&text).ok_or_else(|| crate::unreadable(name, "is a damaged Word document"))?;
    if lines.is_empty() {
        return Err(crate::unreadable(name, "holds no text"));
    }
    Ok(lines)
}

/// Paragraphs of the XML; entities that it declares itself are not followed.
fn paragraphs(xml: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut lines = Vec::new();
    let (mut heading, mut line) = (String::new(), String::new());
    let (mut is_heading, mut in_text, mut is_deleted) = (false, false, false);
    // Texts of the cells of an open row of a table.
    let mut cells: Option<Vec<String>> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) if start.local_name().as_ref() == b"pStyle" => {
                let style = start.attributes().flatten().find(|own| own.key.local_name().as_ref() == b"val");
                let style =
                    style.map(|own| String::from_utf8_lossy(&own.value).to_lowercase()).unwrap_or_default();
                is_heading = style.contains("heading") || style.contains("title") || style.contains("标题");
            }
            Event::Start(start) => match start.local_name().as_ref() {
                b"t" => in_text = true,
                b"tr" => cells = Some(Vec::new()),
                b"del" | b"instrText" => is_deleted = true,
                b"tab" | b"br" => line.push(' '),
                _ => {}
            },
            Event::Empty(start) if matches!(start.local_name().as_ref(), b"tab" | b"br") => line.push(' '),
            Event::Text(text) if in_text && !is_deleted => line.push_str(&text.decode().ok()?),
            Event::GeneralRef(reference) if in_text && !is_deleted => {
                line.push_str(&crate::feed::resolved(&reference));
            }
            Event::End(end) => match end.local_name().as_ref() {
                b"t" => in_text = false,
                b"del" | b"instrText" => is_deleted = false,
                b"p" => {
                    let text = std::mem::take(&mut line);
                    if let (Some(cells), false) = (cells.as_mut(), text.trim().is_empty()) {
                        cells.push(text.trim().to_owned());
                    } else if !text.trim().is_empty() {
                        if is_heading {
                            heading = text.chars().take(80).collect();
                        }
                        lines.push((heading.clone(), text));
                    }
                    is_heading = false;
                }
                // A row of two cells says `label: value`.
                b"tr" => {
                    let row = cells.take().unwrap_or_default();
                    let is_pair = row.len() == 2;
                    let row = row.join(if is_pair { ": " } else { " | " });
                    if !row.is_empty() {
                        lines.push((heading.clone(), row));
                    }
                }
                _ => {}
            },
            Event::Eof => return Some(lines),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn docx(file: &str, content: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(file, options).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn paragraphs_have_their_headings() {
        let xml = "<w:document xmlns:w='x'><w:body><w:p><w:pPr><w:pStyle w:val='Heading1'/></w:pPr><w:r><w:t>Care</w:t></w:r></w:p>\
            <w:p><w:r><w:t>Dish &amp; hand</w:t></w:r><w:r><w:tab/><w:t>wash</w:t></w:r></w:p></w:body></w:document>";
        let lines = lines(&docx("word/document.xml", xml.as_bytes()), "a.docx").unwrap();
        let care = |text: &str| ("Care".to_owned(), text.to_owned());
        assert_eq!(lines, [care("Care"), care("Dish & hand wash")]);
    }

    #[test]
    fn bombs_and_other_archives_are_refused() {
        let bomb = docx("word/document.xml", &vec![b' '; 40 << 20]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(lines(&bomb, "a.docx").unwrap_err().code, Code::SourceTooLarge);
        assert_eq!(lines(&docx("a.txt", b"x"), "a.docx").unwrap_err().code, Code::SourceFormat);
        assert_eq!(lines(b"PK\x03\x04....", "a.docx").unwrap_err().code, Code::SourceUnreadable);
    }
}
