//! Bodies of `multipart/form-data` (RFC 7578), byte for byte the same for the same parts.

/// Parts of a form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty form. The boundary comes from `key`, so that a request that is sent again is the same; it is
    /// random enough that no file holds it by accident.
    pub(crate) fn new(key: &str) -> Self {
        let hash = blake3::hash(key.as_bytes()).to_hex();
        Self { boundary: format!("spotwright-{}", &hash[..32]), body: Vec::new() }
    }

    /// A field of text.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.head(name, "");
        self.body.extend_from_slice(b"\r\n");
        self.body.extend_from_slice(value.as_bytes());
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// A file.
    pub(crate) fn file(mut self, name: &str, file_name: &str, media_type: &str, bytes: &[u8]) -> Self {
        self.head(name, &format!("; filename=\"{}\"", quoted(file_name)));
        self.body.extend_from_slice(format!("Content-Type: {media_type}\r\n\r\n").as_bytes());
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// The value of `Content-Type`, and the body.
    pub(crate) fn finish(mut self) -> (String, Vec<u8>) {
        self.body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body)
    }

    fn head(&mut self, name: &str, more: &str) {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"{more}\r\n",
            self.boundary,
            quoted(name)
        );
        self.body.extend_from_slice(head.as_bytes());
    }
}

/// Names as browsers write them: quotes and line breaks by percent.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_written_as_the_standard_says() {
        let form = Form::new("k").text("prompt", "a\ncup").file("input", "a\"b.png", "image/png", &[1, 2]);
        let (kind, body) = form.finish();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na\ncup\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"input\"; filename=\"a%22b.png\"\r\n\
             Content-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected.as_bytes());
    }
}
