//! Words: prompts with references and camera moves as sources understand them, and what providers say.

use spotwright_core::ports::clip_source::{CameraMove, ClipError, ClipErrorKind, ClipRequest, Reference};

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

/// The prompt with every `@name` of a reference replaced by what `tag` makes of its place in the list. The
/// longest name that fits counts, and only as a whole word; other `@` stay.
pub(crate) fn with_tags(
    prompt: &str,
    references: &[Reference],
    tag: impl Fn(usize, &Reference) -> String,
) -> String {
    let mut text = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        text.push_str(before);
        let named = references
            .iter()
            .enumerate()
            .filter(|(_, reference)| !reference.name.is_empty() && after.starts_with(&reference.name))
            .filter(|(_, reference)| {
                let next = after[reference.name.len()..].chars().next();
                next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
            })
            .max_by_key(|(_, reference)| reference.name.len());
        if let Some((index, reference)) = named {
            text.push_str(&tag(index, reference));
            rest = &after[reference.name.len()..];
        } else {
            text.push('@');
            rest = after;
        }
    }
    text.push_str(rest);
    text
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
    use spotwright_core::ports::artifacts::ArtifactHash;
    use spotwright_core::ports::clip_source::ReferenceKind;

    use super::*;

    fn references(names: &[&str]) -> Vec<Reference> {
        let reference = |name: &&str| Reference {
            name: (*name).to_owned(),
            kind: ReferenceKind::Picture,
            artifact: ArtifactHash::of(name.as_bytes()),
        };
        names.iter().map(reference).collect()
    }

    #[test]
    fn names_become_tags_as_whole_words_only() {
        let all = references(&["cup", "cup-2", "bean"]);
        let tagged = |prompt| with_tags(prompt, &all, |index, _| format!("<<<image_{}>>>", index + 1));
        assert_eq!(
            tagged("@cup beside @cup-2, @bean."),
            "<<<image_1>>> beside <<<image_2>>>, <<<image_3>>>."
        );
        assert_eq!(tagged("@cups and me@example.com @"), "@cups and me@example.com @");
        assert_eq!(tagged("热咖啡@cup，慢慢"), "热咖啡<<<image_1>>>，慢慢");
    }

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
