//! Words: prompts with references and camera moves as sources understand them, and what providers say.

pub(crate) use spotwright_core::ports::clip_source::with_tags;
use spotwright_core::ports::clip_source::{CameraMove, ClipError, ClipErrorKind, ClipRequest};

use crate::options::Secret;

/// Longest text of a provider in our errors, in characters.
pub(crate) const MAX_EXCERPT_CHARS: usize = 300;

/// Words of a refusal for its content, lowercase.
const POLICY: [&str; 10] = [
    "content policy",
    "content_policy",
    "content security",
    "risk control",
    "sensitive",
    "moderation",
    "safety",
    "nsfw",
    "violat",
    "prohibited",
];

pub(crate) fn refuse(message: impl Into<String>) -> ClipError {
    ClipError::new(ClipErrorKind::BadRequest, message)
}

pub(crate) fn bad_answer(message: impl Into<String>) -> ClipError {
    ClipError::new(ClipErrorKind::BadAnswer, message)
}

/// Whether a provider's words speak of content that it does not make.
pub(crate) fn is_policy(text: &str) -> bool {
    let text = text.to_lowercase();
    POLICY.iter().any(|word| text.contains(word))
}

/// A provider's words as they may stand in errors and logs: without keys and control characters, at most 300
/// characters.
pub(crate) fn excerpt(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "[key]");
    }
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = clean
        .split_whitespace()
        // Tokens of ours are JWTs, whose first part always begins so.
        .map(|word| if word.contains("eyJ") && word.len() > 40 { "[key]" } else { word })
        .collect();
    words.join(" ").chars().take(MAX_EXCERPT_CHARS).collect()
}

/// The prompt for sources that know neither references nor camera moves by field: names without their `@`,
/// the move in words.
pub(crate) fn plain_prompt(request: &ClipRequest) -> String {
    let text = with_tags(&request.prompt, &request.references, |_, reference| reference.name.clone());
    with_camera(text, request.camera.as_ref())
}

/// The prompt with the camera's move in words behind it.
pub(crate) fn with_camera(prompt: String, camera: Option<&CameraMove>) -> String {
    let Some(words) = camera.and_then(camera_words) else { return prompt };
    let end = if prompt.trim_end().ends_with(['.', '!', '?', '。', '！', '？']) { " " } else { ". " };
    if prompt.trim().is_empty() { words } else { format!("{}{end}{words}", prompt.trim_end()) }
}

/// A camera move in words; `None` where nothing moves.
fn camera_words(camera: &CameraMove) -> Option<String> {
    let axes = [
        (camera.horizontal, "moves to the left", "moves to the right"),
        (camera.vertical, "moves down", "moves up"),
        (camera.pan, "turns down", "turns up"),
        (camera.tilt, "turns to the left", "turns to the right"),
        (camera.roll, "rolls counter-clockwise", "rolls clockwise"),
        (camera.zoom, "moves away", "moves closer"),
    ];
    let moves: Vec<String> = axes
        .into_iter()
        .filter(|(amount, ..)| *amount != 0)
        .map(|(amount, negative, positive)| {
            let speed = match amount.unsigned_abs() {
                0..=3 => "slowly",
                4..=7 => "steadily",
                _ => "quickly",
            };
            format!("{} {speed}", if amount < 0 { negative } else { positive })
        })
        .collect();
    (!moves.is_empty()).then(|| format!("The camera {}.", moves.join(" and ")))
}

/// Refuses texts that are too long, counted in characters.
pub(crate) fn check_length(what: &str, text: &str, most: usize) -> Result<(), ClipError> {
    let count = text.chars().count();
    if count <= most {
        return Ok(());
    }
    Err(refuse(format!("{what} has {count} characters, and at most {most} are taken")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camera_moves_are_said_in_words() {
        let camera = CameraMove { horizontal: 9, zoom: -2, ..CameraMove::default() };
        let text = with_camera("A cup".to_owned(), Some(&camera));
        assert_eq!(text, "A cup. The camera moves to the right quickly and moves away slowly.");
        assert_eq!(with_camera("A cup".to_owned(), Some(&CameraMove::default())), "A cup");
    }

    #[test]
    fn what_providers_say_is_cut_and_holds_no_key() {
        let secret = Secret::new("sk-1234567890").unwrap();
        let token = format!("eyJ{}", "a".repeat(60));
        let said = excerpt(&format!("bad\nkey sk-1234567890 {token} {}", "x".repeat(900)), &[secret]);
        assert!(said.starts_with("bad key [key] [key] xxx"), "{said}");
        assert_eq!(said.chars().count(), MAX_EXCERPT_CHARS);
    }
}
