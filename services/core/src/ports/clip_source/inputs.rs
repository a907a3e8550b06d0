//! What sources take beside words and frames, and what is left away of a request that says more than that.
//!
//! Some things can be left away, and the clip is still the one that was asked for: pictures of the product
//! beside a first frame that shows it, what must not be seen, the seed, sound under an advertisement that has
//! its own. Whoever asks is told. Everything else that a source lacks is no clip for this shot, and another
//! source is asked.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ability, Capabilities, ClipRequest, ClipTask, Reference, ReferenceKind};

/// What a source takes beside words and frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Most reference pictures of a request.
    pub pictures: u32,
    /// Most of them beside a first frame.
    pub pictures_beside_first_frame: u32,
    /// Most of them beside a reference clip.
    pub pictures_beside_clip: u32,
    /// Whether what must not be seen can be said.
    pub negative_prompt: bool,
    /// Whether the source's randomness has a seed that can be given.
    pub seed: bool,
    /// Whether a clip that takes up another may have sound of its own.
    pub sound_beside_clip: bool,
}

impl Inputs {
    /// A source that takes whatever its abilities allow.
    pub const EVERYTHING: Self = Self {
        pictures: u32::MAX,
        pictures_beside_first_frame: u32::MAX,
        pictures_beside_clip: u32::MAX,
        negative_prompt: true,
        seed: true,
        sound_beside_clip: true,
    };

    /// A source of frames and words only.
    pub const NO_PICTURES: Self =
        Self { pictures: 0, pictures_beside_first_frame: 0, pictures_beside_clip: 0, ..Self::EVERYTHING };
}

/// A kind of thing that can be left away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leavable {
    /// Reference pictures, some or all.
    Pictures,
    /// What must not be seen.
    NegativePrompt,
    /// Sound of the clip's own.
    Sound,
    /// The seed.
    Seed,
}

impl Leavable {
    /// What is left away in words, e.g. `the seed`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pictures => "reference pictures",
            Self::NegativePrompt => "what must not be seen",
            Self::Sound => "sound of its own",
            Self::Seed => "the seed",
        }
    }
}

/// Something of a request that a source does not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftAway {
    /// What.
    pub what: Leavable,
    /// The names of the pictures; empty for everything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl fmt::Display for LeftAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what.words())?;
        match self.names.as_slice() {
            [] => Ok(()),
            names => write!(f, " ({})", names.join(", ")),
        }
    }
}

/// A request as a source takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// What is sent.
    pub request: ClipRequest,
    /// What is not, in the order of [`Leavable`].
    pub left_away: Vec<LeftAway>,
}

impl Capabilities {
    /// The request without what the source does not take and a clip can do without. What it needs beyond that
    /// stays in it, and is refused. Fitting twice is the same as once, but for what is told.
    ///
    /// A picture that is the first frame as well is not told of: the clip begins with it.
    #[must_use]
    pub fn fitted(&self, request: &ClipRequest) -> Fitted {
        let mut fitted = Fitted { request: request.clone(), left_away: Vec::new() };
        if matches!(request.task, ClipTask::Generate | ClipTask::MultiShot { .. }) {
            self.leave_pictures(&mut fitted);
        }
        let asked = &mut fitted.request;
        let mut left = |what| fitted.left_away.push(LeftAway { what, names: Vec::new() });
        if !asked.negative_prompt.is_empty() && !self.inputs.negative_prompt {
            asked.negative_prompt.clear();
            left(Leavable::NegativePrompt);
        }
        if asked.sound && !self.makes_sound(asked) {
            asked.sound = false;
            left(Leavable::Sound);
        }
        // The seed stays in the request, since it tells one job from another.
        if !self.inputs.seed && !matches!(asked.task, ClipTask::Speech { .. } | ClipTask::LipSync { .. }) {
            left(Leavable::Seed);
        }
        fitted
    }

    fn makes_sound(&self, request: &ClipRequest) -> bool {
        let has_clip = request.references.iter().any(|one| one.kind == ReferenceKind::Clip);
        self.abilities.contains(&Ability::Sound) && (!has_clip || self.inputs.sound_beside_clip)
    }

    fn leave_pictures(&self, fitted: &mut Fitted) {
        let asked = &mut fitted.request;
        let is_picture = |one: &&Reference| one.kind == ReferenceKind::Picture;
        let has_clip = asked.references.iter().any(|one| one.kind == ReferenceKind::Clip);
        let mut most = self.inputs.pictures;
        if asked.first_frame.is_some() {
            most = most.min(self.inputs.pictures_beside_first_frame);
        } else if !self.abilities.contains(&Ability::MultiImage) {
            // Without a first frame the pictures are what the clip is made from.
            return;
        }
        if has_clip {
            most = most.min(self.inputs.pictures_beside_clip);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if asked.references.iter().filter(is_picture).count() <= most {
            return;
        }
        // Pictures that the words name come before those that they do not.
        let named = mentioned(asked);
        let place = |name: &str| named.iter().position(|other| other == name).unwrap_or(usize::MAX);
        let mut order: Vec<&Reference> = asked.references.iter().filter(is_picture).collect();
        order.sort_by_key(|one| place(&one.name));
        let gone: Vec<Reference> = order.into_iter().skip(most).cloned().collect();
        let is_gone = |one: &Reference| gone.contains(one);
        let plain = |words: &str| {
            let name = |_: usize, one: &Reference| {
                if is_gone(one) { one.name.clone() } else { format!("@{}", one.name) }
            };
            with_tags(words, &asked.references, name)
        };
        asked.prompt = plain(&asked.prompt);
        if let ClipTask::MultiShot { shots } = &mut asked.task {
            for shot in shots {
                shot.prompt = plain(&shot.prompt);
            }
        }
        let is_shown = |one: &&Reference| asked.first_frame.as_ref() == Some(&one.artifact);
        let names: Vec<String> =
            gone.iter().filter(|one| !is_shown(one)).map(|one| one.name.clone()).collect();
        asked.references.retain(|one| !gone.contains(one));
        if !names.is_empty() {
            fitted.left_away.push(LeftAway { what: Leavable::Pictures, names });
        }
    }
}

/// The references that the request's words name, in the order of their first mention.
fn mentioned(request: &ClipRequest) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    let shots = match &request.task {
        ClipTask::MultiShot { shots } => shots.as_slice(),
        _ => &[],
    };
    let words = std::iter::once(&request.prompt).chain(shots.iter().map(|shot| &shot.prompt));
    for words in words {
        drop(with_tags(words, &request.references, |_, one| {
            if !named.contains(&one.name) {
                named.push(one.name.clone());
            }
            String::new()
        }));
    }
    named
}

/// The prompt with every `@name` of a reference replaced by what `tag` makes of its place in the list. The
/// longest name that fits counts, and only as a whole word; other `@` stay.
#[must_use]
pub fn with_tags(
    prompt: &str,
    references: &[Reference],
    mut tag: impl FnMut(usize, &Reference) -> String,
) -> String {
    let mut parts = prompt.split('@');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = references
            .iter()
            .enumerate()
            .filter(|(_, reference)| !reference.name.is_empty())
            .filter_map(|(index, reference)| Some((index, reference, part.strip_prefix(&reference.name)?)))
            .filter(|(.., rest)| {
                let next = rest.chars().next();
                next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
            })
            .max_by_key(|(_, reference, _)| reference.name.len());
        if let Some((index, reference, rest)) = named {
            text.push_str(&tag(index, reference));
            text.push_str(rest);
        } else {
            text.push('@');
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::storyboard::FrameSize;

    use super::super::{RendererClass, ShotPrompt};
    use super::*;
    use crate::ports::artifacts::ArtifactHash;

    fn picture(name: &str) -> Reference {
        let artifact = ArtifactHash::of(name.as_bytes());
        Reference { name: name.to_owned(), kind: ReferenceKind::Picture, artifact }
    }

    fn asked() -> ClipRequest {
        let references = vec![picture("product"), picture("product-2"), picture("product-3")];
        ClipRequest {
            task: ClipTask::Generate,
            prompt: "The product is @product, from behind @product-3. me@example.com".to_owned(),
            negative_prompt: "text".to_owned(),
            first_frame: Some(references[0].artifact.clone()),
            last_frame: None,
            references,
            camera: None,
            size: FrameSize { width: 720, height: 1_280 },
            frames: 150,
            fps: 30,
            seed: 1,
            sound: true,
        }
    }

    fn can(abilities: &[Ability], inputs: Inputs) -> Capabilities {
        Capabilities {
            model: "m".to_owned(),
            abilities: abilities.to_vec(),
            inputs,
            min_seconds: 1.0,
            max_seconds: 10.0,
            parallel: 1,
            repeatable: false,
            class: RendererClass::Remote,
        }
    }

    fn names(request: &ClipRequest) -> Vec<&str> {
        request.references.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn who_takes_everything_gets_everything() {
        let all = can(&[Ability::ImageToVideo, Ability::Sound], Inputs::EVERYTHING);
        assert_eq!(all.fitted(&asked()), Fitted { request: asked(), left_away: Vec::new() });
    }

    #[test]
    fn pictures_beside_a_first_frame_are_left_away_and_told_but_for_the_frame_itself() {
        let frames = can(&[Ability::ImageToVideo], Inputs::NO_PICTURES);
        let fitted = frames.fitted(&asked());
        assert_eq!(names(&fitted.request), Vec::<&str>::new());
        assert_eq!(fitted.request.prompt, "The product is product, from behind product-3. me@example.com");
        assert!(!fitted.request.sound && fitted.request.first_frame.is_some());
        let told: Vec<String> = fitted.left_away.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["reference pictures (product-3, product-2)", "sound of its own"]);
        let again = frames.fitted(&fitted.request);
        assert_eq!((again.request, again.left_away), (fitted.request, Vec::new()));
    }

    #[test]
    fn pictures_that_the_words_name_stay_longest() {
        let inputs = Inputs { pictures: 2, ..Inputs::EVERYTHING };
        let two = can(&[Ability::MultiImage, Ability::Sound], inputs);
        let mut request = asked();
        request.first_frame = None;
        let fitted = two.fitted(&request);
        assert_eq!(names(&fitted.request), ["product", "product-3"]);
        assert_eq!(fitted.request.prompt, request.prompt);
        assert_eq!(fitted.left_away[0].names, ["product-2"]);
        // Who makes nothing from pictures keeps them, and refuses.
        let none = can(&[Ability::TextToVideo, Ability::Sound], Inputs::NO_PICTURES);
        assert_eq!(none.fitted(&request).request, request);
        assert!(none.fitted(&request).request.needs().contains(&Ability::MultiImage));
    }

    #[test]
    fn words_of_several_shots_lose_the_names_too() {
        let frames = can(&[Ability::MultiShot, Ability::Sound], Inputs::NO_PICTURES);
        let shot = ShotPrompt { prompt: "@product-2 turns".to_owned(), frames: 75 };
        let request = ClipRequest { task: ClipTask::MultiShot { shots: vec![shot] }, ..asked() };
        let ClipTask::MultiShot { shots } = frames.fitted(&request).request.task else { panic!("shots") };
        assert_eq!(shots[0].prompt, "product-2 turns");
    }

    #[test]
    fn what_must_not_be_seen_and_seeds_are_told() {
        let inputs = Inputs { negative_prompt: false, seed: false, ..Inputs::EVERYTHING };
        let fitted = can(&[Ability::ImageToVideo, Ability::Sound], inputs).fitted(&asked());
        let told: Vec<Leavable> = fitted.left_away.iter().map(|left| left.what).collect();
        assert_eq!(told, [Leavable::NegativePrompt, Leavable::Seed]);
        assert_eq!((fitted.request.negative_prompt.as_str(), fitted.request.seed), ("", 1));
    }

    #[test]
    fn what_a_clip_is_not_the_same_without_stays() {
        let words = can(&[Ability::TextToVideo], Inputs::NO_PICTURES);
        let mut request = asked();
        request.last_frame = request.first_frame.clone();
        let needs = words.fitted(&request).request.needs();
        assert_eq!(needs, [Ability::ImageToVideo, Ability::LastFrame]);
    }

    #[test]
    fn a_clip_that_takes_up_another_may_have_to_be_silent() {
        let inputs = Inputs { sound_beside_clip: false, pictures_beside_clip: 1, ..Inputs::EVERYTHING };
        let omni = can(&[Ability::VideoReference, Ability::Sound], inputs);
        let mut request = asked();
        assert!(omni.fitted(&request).request.sound);
        request.references.push(Reference { kind: ReferenceKind::Clip, ..picture("walk") });
        let fitted = omni.fitted(&request);
        assert!(!fitted.request.sound);
        assert_eq!(names(&fitted.request), ["product", "walk"]);
    }

    #[test]
    fn names_become_tags_as_whole_words_only() {
        let all = [picture("cup"), picture("cup-2"), picture("bean")];
        let tagged = |prompt| with_tags(prompt, &all, |index, _| format!("<<<image_{}>>>", index + 1));
        assert_eq!(
            tagged("@cup beside @cup-2, @bean."),
            "<<<image_1>>> beside <<<image_2>>>, <<<image_3>>>."
        );
        assert_eq!(tagged("@cups and me@example.com @"), "@cups and me@example.com @");
        assert_eq!(tagged("热咖啡@cup，慢慢"), "热咖啡<<<image_1>>>，慢慢");
    }
}
