//! `multipart/form-data` (RFC 7578), as far as the servers here take it.

use std::collections::BTreeMap;

use hyper::body::Bytes;

/// The parts of a form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// Text by field.
    pub(crate) fields: BTreeMap<String, String>,
    /// Files by field, with their names.
    pub(crate) files: BTreeMap<String, (String, Bytes)>,
}

impl Form {
    /// Reads a body of the given `content-type`. `None` when it is no well-formed multipart body.
    pub(crate) fn read(content_type: &str, body: &Bytes) -> Option<Self> {
        let boundary =
            content_type.strip_prefix("multipart/form-data")?.split(';').find_map(|parameter| {
                parameter.trim().strip_prefix("boundary=").map(|boundary| boundary.trim_matches('"'))
            })?;
        let opening = format!("--{boundary}");
        let between = format!("\r\n--{boundary}");
        let mut form = Self::default();
        let mut at = find(body, opening.as_bytes(), 0)? + opening.len();
        while body.get(at..at + 2)? == b"\r\n" {
            let head_end = find(body, b"\r\n\r\n", at)?;
            let content = head_end + 4;
            let end = find(body, between.as_bytes(), content.min(body.len()))?;
            form.take(std::str::from_utf8(&body[at..head_end]).ok()?, body.slice(content..end))?;
            at = end + between.len();
        }
        (body.get(at..at + 2)? == b"--").then_some(form)
    }

    fn take(&mut self, head: &str, content: Bytes) -> Option<()> {
        let disposition = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))
            .map(|(_, value)| value)?;
        let parameter = |name: &str| {
            let parameters = disposition.split(';').filter_map(|part| part.trim().split_once('='));
            parameters
                .clone()
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value.trim_matches('"').to_owned())
        };
        let field = parameter("name")?;
        match parameter("filename") {
            Some(file) => {
                self.files.insert(field, (file, content));
            }
            None => {
                self.fields.insert(field, String::from_utf8(content.to_vec()).ok()?);
            }
        }
        Some(())
    }
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(wanted.len()).position(|part| part == wanted).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"b1\"";

    #[test]
    fn fields_and_files_are_read() {
        let body = "--b1\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na cup\r\nof tea\r\n\
                    --b1\r\ncontent-disposition: form-data; name=\"input_reference\"; filename=\"a.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\r\n--x\r\n--b1--\r\n";
        let form = Form::read(TYPE, &Bytes::from(body)).unwrap();
        assert_eq!(form.fields["prompt"], "a cup\r\nof tea");
        assert_eq!(form.files["input_reference"], ("a.png".to_owned(), Bytes::from("\r\n--x")));
    }

    #[test]
    fn broken_forms_are_refused() {
        for body in
            ["", "--b1", "--b1\r\n", "--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "--b2--"]
        {
            assert!(Form::read(TYPE, &Bytes::from(body)).is_none(), "{body}");
        }
        assert!(Form::read("application/json", &Bytes::from("--b1--")).is_none());
    }
}
