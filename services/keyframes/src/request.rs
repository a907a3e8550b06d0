//! What a request asks of the model, or why it is refused. Pure, but for the tokenizer.

use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_source::{
    Ability, ClipError, ClipErrorKind, ClipRequest, ClipTask, Reference, ReferenceKind,
};
use spotwright_schemas::storyboard::FrameSize;

use crate::words::Words;

/// What the source can do. One reference picture is taken where there is no first frame.
pub(crate) const ABILITIES: [Ability; 4] =
    [Ability::TextToVideo, Ability::ImageToVideo, Ability::MultiImage, Ability::Picture];
/// Longest clip in seconds: a picture is looked at no longer.
pub(crate) const MOST_SECONDS: u32 = 60;
/// Longest prompt in characters, as for every source.
const MOST_CHARS: usize = 2_500;

/// The model's part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Tokens of what is to be seen.
    pub(crate) rows: Vec<Vec<u32>>,
    /// Tokens of what is not, in as many rows.
    pub(crate) unwanted: Vec<Vec<u32>>,
    /// The picture to begin with.
    pub(crate) start: Option<ArtifactHash>,
}

/// Reads a request.
pub(crate) fn plan(request: &ClipRequest, words: &Words, other_letters: bool) -> Result<Plan, ClipError> {
    if let Some(missing) = request.needs().into_iter().find(|need| !ABILITIES.contains(need)) {
        return Err(refuse(format!("the model paints pictures, and does not make {}", missing.words())));
    }
    if !matches!(request.task, ClipTask::Generate | ClipTask::Picture) {
        return Err(refuse(format!("there is no task of kind {} here", request.task.as_str())));
    }
    check_form(request)?;
    let (prompt, named) = named(&request.prompt, &request.references);
    let pictures = request.references.iter().filter(|one| one.kind == ReferenceKind::Picture);
    let start = request.first_frame.as_ref().or_else(|| named.first().copied());
    let start = start.or_else(|| pictures.map(|one| &one.artifact).next()).cloned();
    if named.iter().any(|artifact| Some(*artifact) != start.as_ref()) {
        return Err(refuse("the prompt names several pictures, and the model begins with one"));
    }
    check_words("the prompt", &prompt, other_letters)?;
    check_words("the negative prompt", &request.negative_prompt, other_letters)?;
    if prompt.trim().is_empty() {
        return Err(refuse("the prompt is blank"));
    }
    let [rows, unwanted] = words.rows(&prompt, &request.negative_prompt).map_err(refuse)?;
    Ok(Plan { rows, unwanted, start })
}

pub(crate) fn refuse(message: impl Into<String>) -> ClipError {
    ClipError::new(ClipErrorKind::BadRequest, message)
}

/// Refuses sizes and lengths that nobody could set in motion.
fn check_form(request: &ClipRequest) -> Result<(), ClipError> {
    let FrameSize { width, height } = request.size;
    if [width, height].iter().any(|side| !(160..=2_160).contains(side) || side % 2 != 0) {
        return Err(refuse(format!("{width}×{height}: sides must be even and within 160 and 2160 pixels")));
    }
    if matches!(request.task, ClipTask::Picture) {
        return Ok(());
    }
    if !(10..=60).contains(&request.fps) {
        return Err(refuse(format!("{} frames a second: 10 to 60 are made", request.fps)));
    }
    if request.frames == 0 || request.frames > MOST_SECONDS * request.fps {
        return Err(refuse(format!(
            "{} frames: 1 to {} are made",
            request.frames,
            MOST_SECONDS * request.fps
        )));
    }
    Ok(())
}

fn check_words(what: &str, text: &str, other_letters: bool) -> Result<(), ClipError> {
    let count = text.chars().count();
    if count > MOST_CHARS {
        return Err(refuse(format!("{what} has {count} characters, and at most {MOST_CHARS} are taken")));
    }
    let foreign = text.chars().find(|c| c.is_alphabetic() && !is_latin(*c));
    if let Some(letter) = foreign.filter(|_| !other_letters) {
        return Err(refuse(format!(
            "{what} holds `{letter}`, and the model was trained on English; other_letters takes it all the same"
        )));
    }
    Ok(())
}

/// Basic Latin to Latin Extended-B, and Latin Extended Additional.
const fn is_latin(letter: char) -> bool {
    matches!(letter, '\u{0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
}

/// The prompt with names without their `@`, and the pictures that it names. The longest name that fits counts,
/// as a whole word only.
fn named<'a>(prompt: &str, references: &'a [Reference]) -> (String, Vec<&'a ArtifactHash>) {
    let (mut text, mut pictures) = (String::with_capacity(prompt.len()), Vec::new());
    let mut parts = prompt.split('@');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let is_whole = |name: &str| {
            let next = part[name.len()..].chars().next();
            next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
        };
        let fitting = references.iter().filter(|one| !one.name.is_empty() && part.starts_with(&one.name));
        match fitting.filter(|one| is_whole(&one.name)).max_by_key(|one| one.name.len()) {
            Some(reference) if pictures.contains(&&reference.artifact) => {}
            Some(reference) => pictures.push(&reference.artifact),
            None => text.push('@'),
        }
        text.push_str(part);
    }
    (text, pictures)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::folder::Folder;

    fn words() -> Words {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny");
        Words::open(&Folder::open(&path).unwrap()).unwrap()
    }

    fn request(prompt: &str) -> ClipRequest {
        ClipRequest {
            task: ClipTask::Generate,
            prompt: prompt.to_owned(),
            negative_prompt: String::new(),
            first_frame: None,
            last_frame: None,
            references: Vec::new(),
            camera: None,
            size: FrameSize { width: 720, height: 1_280 },
            frames: 150,
            fps: 30,
            seed: 1,
            sound: false,
        }
    }

    fn reference(name: &str, content: &str) -> Reference {
        let artifact = ArtifactHash::of(content.as_bytes());
        Reference { name: name.to_owned(), kind: ReferenceKind::Picture, artifact }
    }

    fn message(request: &ClipRequest) -> String {
        let error = plan(request, &words(), false).unwrap_err();
        assert_eq!(error.kind, ClipErrorKind::BadRequest);
        error.message
    }

    #[test]
    fn the_picture_to_begin_with_is_the_first_frame_or_the_one_named() {
        let start = |request: &ClipRequest| plan(request, &words(), false).unwrap().start;
        assert_eq!(start(&request("a cup")), None);
        let cup = reference("product", "cup");
        let mut one = request("The product is @product, seen from above");
        one.references = vec![cup.clone(), reference("product-2", "its back")];
        assert_eq!(start(&one), Some(cup.artifact.clone()));
        one.first_frame = Some(cup.artifact.clone());
        assert_eq!(start(&one), Some(cup.artifact));
        one.first_frame = Some(ArtifactHash::of(b"table"));
        assert!(message(&one).contains("several pictures"));
        let mut two = request("@product beside @product-2");
        two.references = one.references;
        assert!(message(&two).contains("several pictures"));
    }

    #[test]
    fn names_lose_their_sign_and_other_signs_stay() {
        let all = [reference("cup", "a"), reference("cup-2", "b")];
        let (text, pictures) = named("@cup-2, me@example.com, @cups and @cup.", &all);
        assert_eq!(text, "cup-2, me@example.com, @cups and cup.");
        assert_eq!(pictures, [&all[1].artifact, &all[0].artifact]);
    }

    type Change = fn(&mut ClipRequest);

    #[test]
    fn what_cannot_be_done_is_refused_with_the_reason() {
        let mut asked = request("a cup");
        asked.last_frame = Some(ArtifactHash::of(b"end"));
        assert!(message(&asked).contains("ends with a given picture"));
        asked.last_frame = None;
        asked.sound = true;
        assert!(message(&asked).contains("sound of its own"));
        asked.sound = false;
        asked.task = ClipTask::Speech { text: "hello".to_owned(), voice: String::new() };
        assert!(message(&asked).contains("speech"));
        let cases: [(Change, &str); 6] = [
            (|asked| asked.prompt = "  ".to_owned(), "blank"),
            (|asked| asked.prompt = "x".repeat(2_501), "2501 characters"),
            (|asked| asked.prompt = "x".repeat(400), "400 tokens"),
            (|asked| asked.negative_prompt = "文字".to_owned(), "trained on English"),
            (|asked| asked.size.width = 721, "721×1280"),
            (|asked| asked.frames = 1_801, "1801 frames"),
        ];
        for (change, words) in cases {
            let mut asked = request("a cup");
            change(&mut asked);
            assert!(message(&asked).contains(words), "{words}");
        }
    }

    #[test]
    fn other_letters_are_taken_where_the_owner_says_so() {
        assert!(plan(&request("一杯咖啡"), &words(), true).is_ok());
        assert!(plan(&request("un café à emporter, 5 €"), &words(), false).is_ok());
    }
}
