//! Shots that ask for generated clips: which, with which words, and the requests that follow.
//!
//! Pure. A clip depends on its line, the brief, the pictures and the seed, never on the shot's place in the
//! ad, so variants that share a line share the clip, which is made and paid for once.

use serde_json::json;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_importer::{ClipPlan, IMPORT_VERSION};
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::clip_source::{ClipRequest, ClipTask, Reference, ReferenceKind};
use spotwright_schemas::brief::{Brief, FactKind, GeneratedShots, Tone};
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Line, Role};
use spotwright_schemas::storyboard::{Footage, Generated, Motion, NamedReference, Shot, Storyboard};
use spotwright_schemas::wording::holds_term;

use crate::storyboard::PictureRef;

/// Seconds that a clip has at least. Variants give the same line more or less time, and share a clip all the
/// same where it is long enough for all; 5 seconds is what most video models make at once, and few shots are
/// longer: those ask for the next whole second.
const CLIP_SECONDS: u32 = 5;
/// Most pictures of the product that a prompt names.
const MAX_REFERENCES: usize = 3;
/// Most characters of a line's wish for a picture that go into a prompt.
const MAX_WISH: usize = 400;
/// What every known provider takes as a first frame or reference (Kling asks the most): each side at least so
/// many pixels, and the longer one at most two and a half times the shorter.
const MIN_PICTURE_SIDE: u32 = 300;
/// Providers take seeds from 0 to 2^31 - 1.
const SEED_BITS: u64 = 0x7FFF_FFFF;
/// Signs before or behind a price.
const MONEY: [char; 6] = ['$', '£', '€', '¥', '￥', '元'];

/// A clip that a storyboard asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipWish {
    /// Equal for equal clips, over variants, runs and restarts.
    pub key: ClipKey,
    /// What is asked of sources.
    pub request: ClipRequest,
    /// Whether the clip is compared with the pictures that it refers to.
    pub shows_product: bool,
}

/// What a shot of `line` asks a video model for, where the brief wishes that for this line. `own` is the
/// picture that the studio would show and that a clip of the product begins with, unless it is smaller than
/// providers take and another one is not.
#[must_use]
pub fn generated(
    brief: &Brief,
    line: &Line,
    motion: Motion,
    pictures: &[PictureRef],
    own: &PictureRef,
    seed: u64,
) -> Option<Generated> {
    if !is_wished(brief, line) {
        return None;
    }
    let shows_product = shows_product(brief, line);
    let own = match pictures.iter().find(|picture| is_taken(picture)) {
        Some(other) if !is_taken(own) => other,
        _ => own,
    };
    let mut references = Vec::new();
    if shows_product {
        // Beside a first frame that is taken, one that is not would only have the whole request refused.
        let is_fit = |picture: &&PictureRef| is_taken(picture) || !is_taken(own);
        let others = pictures.iter().filter(|picture| picture.hash != own.hash).filter(is_fit);
        for (idx, picture) in std::iter::once(own).chain(others).take(MAX_REFERENCES).enumerate() {
            let name = if idx == 0 { "product".to_owned() } else { format!("product-{}", idx + 1) };
            references.push(NamedReference { name, artifact: picture.hash.clone(), is_clip: false });
        }
    }
    let words = Words::of(brief.locale);
    Some(Generated {
        prompt: words.prompt(brief, line, motion, shows_product),
        negative_prompt: words.unwanted.to_owned(),
        references,
        first_frame: shows_product.then(|| own.hash.clone()),
        last_frame: None,
        seed: seed_of(brief, line, seed),
        shows_product,
    })
}

/// Whether every known provider takes the picture.
const fn is_taken(picture: &PictureRef) -> bool {
    let (short, long) = if picture.width < picture.height {
        (picture.width, picture.height)
    } else {
        (picture.height, picture.width)
    };
    short >= MIN_PICTURE_SIDE && long as u64 * 10 <= short as u64 * 25
}

/// The distinct clips that a storyboard asks for, in the order of its shots.
#[must_use]
pub fn wishes(storyboard: &Storyboard) -> Vec<ClipWish> {
    let mut wishes: Vec<ClipWish> = Vec::new();
    for shot in &storyboard.shots {
        let Some(Footage::Generated(generated)) = &shot.footage else { continue };
        let wish = wish(storyboard, shot, generated);
        if wishes.iter().all(|known| known.key != wish.key) {
            wishes.push(wish);
        }
    }
    wishes
}

/// The storyboard with clips in the place of wishes, from each clip's beginning. Where `clip` knows none, the
/// shot shows its picture.
#[must_use]
pub fn with_clips(storyboard: &Storyboard, clip: impl Fn(&ClipKey) -> Option<ArtifactHash>) -> Storyboard {
    let mut finished = storyboard.clone();
    for (shot, asked) in finished.shots.iter_mut().zip(&storyboard.shots) {
        let Some(Footage::Generated(generated)) = &asked.footage else { continue };
        let found = clip(&wish(storyboard, asked, generated).key);
        let product = product_pictures(generated);
        shot.footage = found.map(|clip| Footage::Clip { clip: clip.0, start_frame: 0, product });
    }
    finished
}

/// The pictures of the product that a clip shows, at most 8: what the quality gate compares it with.
fn product_pictures(generated: &Generated) -> Vec<String> {
    if !generated.shows_product {
        return Vec::new();
    }
    let pictures = generated.references.iter().filter(|one| !one.is_clip).map(|one| &one.artifact);
    let mut pictures: Vec<String> = pictures.chain(&generated.first_frame).cloned().collect();
    pictures.sort();
    pictures.dedup();
    pictures.truncate(8);
    pictures
}

/// The key of a clip: the request, how it is judged, and the rules by which it is imported.
#[must_use]
pub fn clip_key(request: &ClipRequest, shows_product: bool) -> ClipKey {
    ClipKey::of(&json!({ "request": request, "shows_product": shows_product, "importer": IMPORT_VERSION }))
}

/// What a clip is to be after import.
#[must_use]
pub fn clip_plan(request: &ClipRequest) -> ClipPlan {
    ClipPlan { size: request.size, fps: request.fps, frames: request.frames, sound: request.sound }
}

fn wish(storyboard: &Storyboard, shot: &Shot, generated: &Generated) -> ClipWish {
    let reference = |named: &NamedReference| Reference {
        name: named.name.clone(),
        kind: if named.is_clip { ReferenceKind::Clip } else { ReferenceKind::Picture },
        artifact: ArtifactHash(named.artifact.clone()),
    };
    let second = storyboard.fps.max(1);
    let request = ClipRequest {
        task: ClipTask::Generate,
        prompt: generated.prompt.clone(),
        negative_prompt: generated.negative_prompt.clone(),
        first_frame: generated.first_frame.clone().map(ArtifactHash),
        last_frame: generated.last_frame.clone().map(ArtifactHash),
        references: generated.references.iter().map(reference).collect(),
        camera: None,
        size: storyboard.size,
        frames: (shot.frames.div_ceil(second) * second).max(CLIP_SECONDS * second),
        fps: storyboard.fps,
        seed: generated.seed,
        sound: false,
    };
    ClipWish {
        key: clip_key(&request, generated.shows_product),
        request,
        shows_product: generated.shows_product,
    }
}

fn is_wished(brief: &Brief, line: &Line) -> bool {
    if line.role == Role::Cta || states_a_price(brief, line) {
        return false;
    }
    match brief.footage.generated {
        GeneratedShots::None => false,
        GeneratedShots::Opening => line.role == Role::Hook,
        GeneratedShots::Scenes => line.role == Role::Hook || !shows_product(brief, line),
        GeneratedShots::All => true,
    }
}

/// Whether the line names a price or rests on one: such a shot shows what is sold as it is.
fn states_a_price(brief: &Brief, line: &Line) -> bool {
    let kinds = [FactKind::Price, FactKind::Offer];
    facts(brief, line).any(|(kind, _)| kinds.contains(&kind))
        || [&line.caption, &line.detail].iter().any(|text| text.contains(MONEY))
}

/// Whether the product is to be seen: the line claims something about it, or its picture names it.
fn shows_product(brief: &Brief, line: &Line) -> bool {
    let names = std::iter::once(&brief.product.name).chain(&brief.product.short_name);
    facts(brief, line).any(|(kind, _)| kind.needs_evidence())
        || names.into_iter().any(|name| holds_term(&line.picture, name))
}

fn facts<'a>(brief: &'a Brief, line: &'a Line) -> impl Iterator<Item = (FactKind, &'a str)> {
    line.rests_on.iter().filter_map(|id| brief.fact(id)).map(|fact| (fact.kind, fact.text.as_str()))
}

fn seed_of(brief: &Brief, line: &Line, seed: u64) -> u32 {
    let mut hasher = blake3::Hasher::new();
    for part in [&brief.id, &line.caption, &line.detail, &line.picture] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    (Stream::new(seed, "footage").child(u64::from_le_bytes(bytes)).bits(0) & SEED_BITS) as u32
}

/// The sentences of prompts in one language.
struct Words {
    stop: &'static str,
    /// Camera movements, in the order of [`Motion`].
    camera: [&'static str; 4],
    /// Styles, in the order of [`Tone`].
    style: [&'static str; 4],
    country: &'static str,
    plain: &'static str,
    unwanted: &'static str,
}

const ENGLISH: Words = Words {
    stop: ". ",
    camera: [
        "The camera moves slowly closer",
        "The camera moves slowly away",
        "The camera glides from left to right",
        "The camera glides from right to left",
    ],
    style: [
        "Warm daylight, soft shadows, calm and natural",
        "Strong light and contrast, saturated colors, energetic",
        "Even light, neutral colors, matter-of-fact",
        "Bright light, lively colors, playful",
    ],
    country: "",
    plain: "Live-action footage of one continuous take, vertical frame, the main thing in the middle, its lower \
            third calm. No text, no captions, no added logos",
    unwanted: "text, captions, letters, numbers, watermark, added logo, cuts, split screen, distorted hands, extra \
               fingers, deformed objects, flicker, blur",
};

const CHINESE: Words = Words {
    stop: "。",
    camera: ["镜头缓慢推近", "镜头缓慢拉远", "镜头从左向右平移", "镜头从右向左平移"],
    style: [
        "暖色自然光，阴影柔和，画面安静自然",
        "强光强对比，色彩饱和，节奏有力",
        "光线均匀，色彩中性，画面朴实",
        "光线明亮，色彩活泼，画面轻松有趣",
    ],
    country: "中国的日常生活场景",
    plain: "实拍风格，一镜到底，竖屏，主体居中，画面下方三分之一保持简洁。画面中没有文字、字幕和额外的标志",
    unwanted: "文字，字幕，字母，数字，水印，额外的标志，剪切，分屏，手部畸形，多余的手指，物体变形，闪烁，模糊",
};

impl Words {
    fn of(locale: Locale) -> Self {
        match (locale.language(), locale) {
            (Language::Chinese, _) => CHINESE,
            (Language::English, Locale::EnGb) => Self { country: "Everyday life in Britain", ..ENGLISH },
            (Language::English, _) => Self { country: "Everyday life in the United States", ..ENGLISH },
        }
    }

    fn prompt(&self, brief: &Brief, line: &Line, motion: Motion, shows_product: bool) -> String {
        let camera = match motion {
            Motion::PushIn => self.camera[0],
            Motion::PullOut => self.camera[1],
            Motion::PanRight => self.camera[2],
            Motion::PanLeft => self.camera[3],
        };
        let style = match brief.brand.tone {
            Tone::Warm => self.style[0],
            Tone::Bold => self.style[1],
            Tone::Plain => self.style[2],
            Tone::Playful => self.style[3],
        };
        let mut sentences = vec![Self::seen(brief, line, shows_product)];
        if shows_product {
            sentences.push(Self::product(brief));
        } else {
            sentences.push(self.country.to_owned());
        }
        sentences.extend([camera.to_owned(), style.to_owned(), self.plain.to_owned()]);
        let mut prompt = sentences.join(self.stop);
        prompt.push_str(self.stop.trim_end());
        prompt
    }

    /// What is seen: the line's own wish, else what it rests on, else what kind of thing is sold.
    fn seen(brief: &Brief, line: &Line, shows_product: bool) -> String {
        let wish = cleaned(&line.picture);
        if !wish.is_empty() {
            return wish;
        }
        let told = facts(brief, line).next().map(|(_, text)| cleaned(text));
        let category = cleaned(&brief.product.category);
        match (told, brief.locale.is_chinese(), shows_product) {
            (Some(fact), ..) => fact,
            (None, true, _) => format!("与{category}有关的一个生活瞬间"),
            (None, false, true) => format!("Somebody uses {category}"),
            (None, false, false) => format!("A moment of daily life that has to do with {category}"),
        }
    }

    fn product(brief: &Brief) -> String {
        let what = cleaned(brief.product.noun_phrase.as_ref().unwrap_or(&brief.product.category));
        if brief.locale.is_chinese() {
            format!("画面中的产品是@product（{what}），形状、颜色和标签与参考图完全一致")
        } else {
            format!(
                "The product is @product ({what}): its shape, colors and label stay exactly as in its picture"
            )
        }
    }
}

/// Words of others as part of a prompt: one line, of bounded length, without the sign that names references
/// and without a final stop.
fn cleaned(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '@' | '<' | '>') { ' ' } else { c })
        .take(MAX_WISH)
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', '。', '!', '！', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::brief::FootageWish;
    use spotwright_schemas::placement::PlacementKind;

    use super::*;
    use crate::fixtures::{all, coffee_en, generation};
    use crate::storyboard::compose;

    fn pictures() -> Vec<PictureRef> {
        (0..4).map(|idx| PictureRef { hash: idx.to_string().repeat(64), width: 1440, height: 2560 }).collect()
    }

    fn wishing(mut brief: Brief, generated: GeneratedShots) -> Brief {
        brief.footage = FootageWish { generated, ..FootageWish::default() };
        brief
    }

    fn boards(brief: &Brief) -> Vec<(Storyboard, Vec<Line>)> {
        let scripts = generation(brief, 12, 4).scripts;
        let composed = scripts.into_iter().map(|draft| {
            let board = compose(brief, &draft.script, &pictures(), 9, PlacementKind::SimulatedFeed);
            (board.expect("composes"), draft.script.lines)
        });
        composed.collect()
    }

    #[test]
    fn a_brief_without_a_wish_has_the_storyboards_of_before() {
        for brief in all() {
            for (board, _) in boards(&brief) {
                assert!(board.shots.iter().all(|shot| shot.footage.is_none()));
                assert!(wishes(&board).is_empty());
                assert_eq!(with_clips(&board, |_| None), board);
            }
        }
    }

    #[test]
    fn a_picture_that_providers_refuse_for_its_size_begins_no_clip_while_there_is_another() {
        let brief = wishing(coffee_en(), GeneratedShots::All);
        let sized =
            |side: char, width, height| PictureRef { hash: side.to_string().repeat(64), width, height };
        let (small, thin, good) = (sized('1', 360, 270), sized('2', 1_000, 300), sized('3', 300, 400));
        let draft = generation(&brief, 1, 4).scripts.remove(0);
        let line = draft.script.lines.iter().find(|line| shows_product(&brief, line)).unwrap();
        let asked = |pictures: &[PictureRef], own: &PictureRef| {
            let generated = generated(&brief, line, Motion::PushIn, pictures, own, 9).unwrap();
            let references: Vec<String> = generated.references.into_iter().map(|one| one.artifact).collect();
            (generated.first_frame.unwrap(), references)
        };
        let all = [small.clone(), thin.clone(), good.clone()];
        for own in &all {
            assert_eq!(asked(&all, own), (good.hash.clone(), vec![good.hash.clone()]));
        }
        // Where no picture is taken everywhere, some providers may take them all the same.
        let refused = [small.clone(), thin.clone()];
        assert_eq!(asked(&refused, &thin), (thin.hash.clone(), vec![thin.hash.clone(), small.hash]));
    }

    #[test]
    fn end_cards_and_prices_stay_with_the_studio_and_the_rest_follows_the_wish() {
        let mut seen = [0; 3];
        for brief in all() {
            let brief = wishing(brief, GeneratedShots::All);
            for (board, lines) in boards(&brief) {
                for (shot, line) in board.shots.iter().zip(&lines) {
                    let studio = line.role == Role::Cta || states_a_price(&brief, line);
                    assert_eq!(shot.footage.is_none(), studio, "{line:?}");
                    seen[usize::from(studio)] += 1;
                    let Some(Footage::Generated(generated)) = &shot.footage else { continue };
                    assert_eq!(generated.shows_product, shows_product(&brief, line), "{line:?}");
                    assert_eq!(generated.first_frame.is_some(), generated.shows_product);
                    assert_eq!(generated.prompt.contains("@product"), generated.shows_product);
                    assert!(generated.prompt.chars().count() <= 2_500, "{}", generated.prompt);
                    seen[2] += usize::from(generated.shows_product);
                }
            }
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
        for (wish, most) in [(GeneratedShots::Opening, 1), (GeneratedShots::Scenes, usize::MAX)] {
            for (board, lines) in boards(&wishing(coffee_en(), wish)) {
                let asked = board.shots.iter().zip(&lines).filter(|(shot, _)| shot.footage.is_some());
                let roles: Vec<Role> = asked.map(|(_, line)| line.role).collect();
                assert!(roles.len() <= most && roles.iter().all(|role| *role != Role::Cta), "{roles:?}");
            }
        }
    }

    #[test]
    fn a_line_has_one_clip_wherever_it_stands() {
        let brief = wishing(coffee_en(), GeneratedShots::All);
        let draft = generation(&brief, 1, 4).scripts.remove(0);
        let compose = |lines: Vec<Line>| {
            let script = spotwright_schemas::script::Script { lines, ..draft.script.clone() };
            compose(&brief, &script, &pictures(), 9, PlacementKind::SimulatedFeed).expect("composes")
        };
        let lines = draft.script.lines.clone();
        let first = compose(lines.clone());
        let mut other = lines;
        other[0].caption = "Something else to begin with that takes a little longer to read".to_owned();
        let second = compose(other);
        let keys = |board: &Storyboard| wishes(board).into_iter().map(|wish| wish.key).collect::<Vec<_>>();
        let (a, b) = (keys(&first), keys(&second));
        assert!(a.len() > 2, "{a:?}");
        assert_ne!(a[0], b[0], "another opening is another clip");
        assert_eq!(a[1..], b[1..]);
    }

    #[test]
    fn clips_take_the_place_of_wishes_and_nothing_where_there_is_none() {
        let brief = wishing(coffee_en(), GeneratedShots::All);
        let (board, _) = boards(&brief).remove(0);
        let all = wishes(&board);
        let made = &all[0].key;
        let clip = ArtifactHash::of(b"clip");
        let finished = with_clips(&board, |key| (key == made).then(|| clip.clone()));
        let clips: Vec<&Footage> = finished.shots.iter().filter_map(|shot| shot.footage.as_ref()).collect();
        let [Footage::Clip { clip: shown, start_frame: 0, product }] = clips[..] else {
            panic!("{clips:?}");
        };
        assert_eq!(*shown, clip.0);
        assert_eq!(product.is_empty(), !all[0].shows_product, "what the gate compares it with");
        assert!(wishes(&finished).is_empty());
        for wish in all {
            assert!(wish.request.frames >= 150 && wish.request.frames % 30 == 0);
            assert_eq!(clip_key(&wish.request, wish.shows_product), wish.key);
            assert_ne!(clip_key(&wish.request, !wish.shows_product), wish.key);
        }
    }

    #[test]
    fn words_of_others_name_no_reference_and_end_no_line() {
        assert_eq!(
            cleaned(" a cup\n@product <<<image_1>>> by the window. "),
            "a cup product image_1 by the window"
        );
        assert_eq!(cleaned(&"x".repeat(9_000)).len(), MAX_WISH);
    }
}
