//! Forms (`multipart/form-data`, RFC 7578) whose bytes have arrived.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use multer::Multipart;
use spotwright_schemas::error::Code;

use crate::problem::ApiProblem;

/// Most fields of one form.
const MOST_FIELDS: usize = 64;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// The name of the file, where it is one.
    pub(crate) file_name: Option<String>,
    /// Its bytes.
    pub(crate) value: Vec<u8>,
}

/// Reads a form. The size was bounded when its bytes were received.
pub(crate) async fn read_form(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Vec<Field>, ApiProblem> {
    let broken = |error: multer::Error| ApiProblem::whole(Code::RequestShape, error.to_string());
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let boundary = multer::parse_boundary(given)
        .map_err(|error| ApiProblem::new(Code::MediaType, "content-type", error.to_string()))?;
    let whole = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))]);
    let mut form = Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if fields.len() == MOST_FIELDS {
            let message = format!("the form has more than {MOST_FIELDS} fields");
            return Err(ApiProblem::whole(Code::RequestShape, message));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let value = field.bytes().await.map_err(broken)?.to_vec();
        fields.push(Field { name, file_name, value });
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(given: &'static str, body: &str) -> Result<Vec<Field>, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(given));
        let read = read_form(&headers, body.as_bytes().to_vec());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read).map_err(|problem| problem.code())
    }

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "--x\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\na cup\r\n--x\r\n\
            content-disposition: form-data; name=\"input_reference\"; filename=\"c.png\"\r\n\r\nPNG\r\n--x--\r\n";
        let fields = read("multipart/form-data; boundary=x", body).unwrap();
        assert_eq!((fields[0].name.as_str(), fields[0].file_name.as_ref()), ("prompt", None));
        assert_eq!(fields[0].value, b"a cup");
        assert_eq!(fields[1].file_name.as_deref(), Some("c.png"));
    }

    #[test]
    fn broken_forms_are_refused() {
        assert_eq!(read("multipart/form-data", "").unwrap_err(), Code::MediaType);
        assert_eq!(read("multipart/form-data; boundary=x", "--x\r\nno end").unwrap_err(), Code::RequestShape);
        let many = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(65) + "--x--\r\n";
        assert_eq!(read("multipart/form-data; boundary=x", &many).unwrap_err(), Code::RequestShape);
    }
}
