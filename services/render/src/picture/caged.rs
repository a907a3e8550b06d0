//! Import of foreign pictures: decoded in a caged child process, encoded anew in this one.
//!
//! The child hands over bare pixels, whose number is checked, and this process makes a PNG of them: no byte
//! of the file, and none that a decoder gone wrong wrote, is decoded here.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_media::worker::JobFile;
use spotwright_media::{Sandbox, SandboxError};
use spotwright_schemas::error::{Code, Problem};

use super::{ImportedPicture, KEPT_SIDE, MAX_BYTES, Pixels, Remark, sniffed};

/// Name of the work in the child.
pub(crate) const JOB: &str = "picture";
/// File of the pixels that the child leaves.
const PIXELS: &str = "pixels.raw";
/// Most characters of the child's words.
const WORDS: usize = 300;

/// Imports foreign pictures, each in a caged child process. Blocks while the child runs; may be used from
/// several threads at a time.
///
/// Beside the decoding, a child costs its start: see `docs/media.md` for the measured cost.
#[derive(Debug, Clone)]
pub struct PictureImport {
    sandbox: Sandbox,
}

/// What the child is asked.
#[derive(Serialize, Deserialize)]
struct Question {
    layer: bool,
}

/// What the child answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Pixels { width: u32, height: u32, remarks: Vec<Remark> },
    Damaged(String),
    Size(String),
    Unwritten(String),
}

impl PictureImport {
    /// An importer over a sandbox whose program begins with [`crate::worker::run_if_asked`].
    #[must_use]
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// As [`super::import`], of a foreign picture.
    ///
    /// # Errors
    /// As [`super::import`], where what breaks the decoder, or takes longer or more memory than allowed, is
    /// [`Code::PictureDamaged`] too; [`Code::Unavailable`] when no child process can be started.
    pub fn import(&self, bytes: &[u8], field: &str) -> Result<ImportedPicture, Problem> {
        self.ask(bytes, field, false)
    }

    /// As [`super::import_layer`], of a foreign picture.
    ///
    /// # Errors
    /// As [`PictureImport::import`].
    pub fn import_layer(&self, bytes: &[u8], field: &str) -> Result<ImportedPicture, Problem> {
        self.ask(bytes, field, true)
    }

    fn ask(&self, bytes: &[u8], field: &str, layer: bool) -> Result<ImportedPicture, Problem> {
        // What is no picture needs no child.
        sniffed(bytes, field)?;
        let told = |error| refused(&error, field);
        let asked = self.sandbox.ask::<Answer>(bytes, JOB, &Question { layer }).map_err(told)?.value;
        let (width, height, remarks) = match &asked.answer {
            Answer::Pixels { width, height, remarks } => (*width, *height, remarks.clone()),
            Answer::Damaged(why) => return Err(Problem::new(Code::PictureDamaged, field, printable(why))),
            Answer::Size(why) => return Err(Problem::new(Code::PictureSize, field, printable(why))),
            Answer::Unwritten(why) => return Err(Problem::new(Code::Unavailable, field, printable(why))),
        };
        let channels = if layer { 4 } else { 3 };
        let wanted = u64::from(width) * u64::from(height) * channels;
        let is_possible = (1..=KEPT_SIDE).contains(&width) && (1..=KEPT_SIDE).contains(&height);
        let data = if is_possible { asked.left(PIXELS, wanted).map_err(told)? } else { Vec::new() };
        if !is_possible || data.len() as u64 != wanted {
            return Err(told(SandboxError::Untrusted("it left another number of pixels than it said")));
        }
        Pixels { width, height, layer, data, remarks }.encoded(field)
    }
}

/// The child's part.
pub(crate) fn job(file: &JobFile<'_>, question: &Value) -> Value {
    let answer = match serde_json::from_value(question.clone()) {
        Ok(Question { layer }) => answer(file, layer),
        Err(error) => Answer::Unwritten(format!("the question does not parse: {error}")),
    };
    // Numbers and texts: it cannot fail, and a parent that is answered nothing trusts nothing.
    serde_json::to_value(answer).unwrap_or_default()
}

fn answer(file: &JobFile<'_>, layer: bool) -> Answer {
    // One byte more than is accepted, so that what is longer is seen to be.
    let bytes = match file.bytes(MAX_BYTES as u64 + 1) {
        Ok(bytes) => bytes,
        Err(error) => return Answer::Unwritten(format!("the picture cannot be read: {error}")),
    };
    match Pixels::of(&bytes, "", layer) {
        Ok(pixels) => match file.leave(PIXELS, &pixels.data) {
            Ok(()) => Answer::Pixels { width: pixels.width, height: pixels.height, remarks: pixels.remarks },
            Err(error) => Answer::Unwritten(format!("the pixels cannot be written: {error}")),
        },
        Err(problem) if problem.code == Code::PictureSize => Answer::Size(problem.message),
        Err(problem) => Answer::Damaged(problem.message),
    }
}

fn refused(error: &SandboxError, field: &str) -> Problem {
    if error.is_retryable() || error.code() == "media_sandbox_not_whole" {
        return Problem::new(Code::Unavailable, field, format!("pictures cannot be read now: {error}"));
    }
    let code = match error.code() {
        "media_too_large" => Code::PictureSize,
        _ => Code::PictureDamaged,
    };
    Problem::new(code, field, format!("{error} ({})", error.code()))
}

/// The child's words as one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect()
}
