//! The font faces of the studio, and which of them draws which part of a text.
//!
//! Chinese, Japanese, Korean and plain Latin text is set in Noto Sans CJK SC, or in Noto Serif CJK SC where a
//! style wants serifs and that face has every letter. What both lack is set in the sister faces of Noto Sans,
//! chosen by script and never by what a machine happens to have: a text that no face of the chain covers is
//! refused.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cosmic_text::fontdb::{Database, ID, Source};
use cosmic_text::{Font, FontSystem, Weight};
use icu_properties::props::{BidiClass, EmojiPresentation, Script};
use icu_properties::{CodePointMapData, CodePointSetData};
use spotwright_schemas::error::{Code, Problem};
use unicode_segmentation::UnicodeSegmentation;

/// The family every text is set in as far as it goes.
pub(crate) const FAMILY: &str = "Noto Sans CJK SC";
/// The family with serifs; texts that want it are set in [`FAMILY`] where it is not installed.
const SERIF: &str = "Noto Serif CJK SC";
/// Where distributions put the faces of Noto Sans CJK: Debian and Ubuntu, Fedora, Arch.
const CJK_FOLDERS: [&str; 3] =
    ["/usr/share/fonts/opentype/noto", "/usr/share/fonts/google-noto-cjk", "/usr/share/fonts/noto-cjk"];
/// Where they put the other faces.
const NOTO_FOLDERS: [&str; 6] = [
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/google-noto",
    "/usr/share/fonts/google-noto-emoji",
    "/usr/share/fonts/google-noto-emoji-fonts",
    "/usr/share/fonts/google-noto-color-emoji-fonts",
    "/usr/share/fonts/noto",
];
/// File names of the other faces without weight and ending, in the order they are asked, and the
/// script a face is made for.
const CHAIN: [(&str, Option<Script>); 36] = [
    ("NotoSans", None),
    ("NotoSansArabic", Some(Script::Arabic)),
    ("NotoSansHebrew", Some(Script::Hebrew)),
    ("NotoSansThai", Some(Script::Thai)),
    ("NotoSansDevanagari", Some(Script::Devanagari)),
    ("NotoSansBengali", Some(Script::Bengali)),
    ("NotoSansGurmukhi", Some(Script::Gurmukhi)),
    ("NotoSansGujarati", Some(Script::Gujarati)),
    ("NotoSansOriya", Some(Script::Oriya)),
    ("NotoSansTamil", Some(Script::Tamil)),
    ("NotoSansTelugu", Some(Script::Telugu)),
    ("NotoSansKannada", Some(Script::Kannada)),
    ("NotoSansMalayalam", Some(Script::Malayalam)),
    ("NotoSansSinhala", Some(Script::Sinhala)),
    ("NotoSansArmenian", Some(Script::Armenian)),
    ("NotoSansGeorgian", Some(Script::Georgian)),
    ("NotoSansEthiopic", Some(Script::Ethiopic)),
    ("NotoSansKhmer", Some(Script::Khmer)),
    ("NotoSansLao", Some(Script::Lao)),
    ("NotoSansMyanmar", Some(Script::Myanmar)),
    ("NotoSerifTibetan", Some(Script::Tibetan)),
    ("NotoSansMongolian", Some(Script::Mongolian)),
    ("NotoSansThaana", Some(Script::Thaana)),
    ("NotoSansSyriac", Some(Script::Syriac)),
    ("NotoSansCherokee", Some(Script::Cherokee)),
    ("NotoSansCanadianAboriginal", Some(Script::CanadianAboriginal)),
    ("NotoSansNKo", Some(Script::Nko)),
    ("NotoSansTifinagh", Some(Script::Tifinagh)),
    ("NotoSansVai", Some(Script::Vai)),
    ("NotoSansYi", Some(Script::Yi)),
    ("NotoSansAdlam", Some(Script::Adlam)),
    ("NotoSansOlChiki", Some(Script::OlChiki)),
    ("NotoSansSymbols", None),
    ("NotoSansSymbols2", None),
    ("NotoSansMath", None),
    (EMOJI, None),
];
/// The face of color emoji; it has digits too, so it is asked for emoji only.
const EMOJI: &str = "NotoColorEmoji";

/// A family to be: whether it holds emoji, its script, and its faces from regular to bold.
type Family = (bool, Option<Script>, Vec<ID>);

/// One family of the chain.
struct Face {
    family: String,
    /// The script it is made for.
    script: Option<Script>,
    emoji: bool,
    /// Weights of its regular and its bold face; equal where it has one only.
    weights: [Weight; 2],
    font: Arc<Font>,
}

/// A part of a text and the face that draws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range<usize>,
    /// Index in the chain.
    pub(crate) face: usize,
}

/// How a text is set, whichever of its lines is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// The face that the text is set in as far as it goes: the first of the chain, or the one with serifs.
    primary: usize,
    /// Face of Latin, Greek and Cyrillic letters, and of what stands among them.
    letters: usize,
    pub(crate) leading: Leading,
    /// `None` where nothing is written from right to left.
    pub(crate) direction: Option<Direction>,
}

/// How high the lines of a text are, in font sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leading {
    pub(crate) height: f64,
    /// How far the baseline stands below the middle of the line.
    pub(crate) baseline: f64,
}

/// The families of the studio in the order they are asked.
pub(crate) struct Chain {
    faces: Vec<Face>,
    /// Index of the face with serifs, which is asked for by name only.
    serif: Option<usize>,
    /// Faces of [`CHAIN`] that are not installed, and the serif ones.
    pub(crate) absent: Vec<&'static str>,
    /// BLAKE3 over the font files.
    pub(crate) hash: String,
}

impl Chain {
    /// Loads the given files, or what the machine has of the default ones.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when [`FAMILY`] is not there in bold and regular.
    pub(crate) fn load(files: &[PathBuf]) -> Result<(FontSystem, Self), Problem> {
        let mut loading = Loading { db: Database::new(), hasher: blake3::Hasher::new() };
        let mut families: Vec<Family> = Vec::new();
        let mut absent = Vec::new();
        if files.is_empty() {
            for file in cjk_files()? {
                loading.file(&file)?;
            }
            for file in serif_files() {
                loading.file(&file)?;
            }
            for (stem, script) in CHAIN {
                let ids = loading.default_faces(stem)?;
                if ids.is_empty() {
                    absent.push(stem);
                } else {
                    families.push((stem == EMOJI, script, ids));
                }
            }
        } else {
            let mut ids = Vec::new();
            for file in files {
                ids.extend(loading.file(file)?);
            }
            families = loading.families_of(&ids);
        }
        let primary = loading.primary(FAMILY)?;
        let serif = loading.primary(SERIF).ok();
        if serif.is_none() {
            absent.push("NotoSerifCJK");
        }
        let Loading { db, hasher } = loading;
        let mut system = FontSystem::new_with_locale_and_db("zh-CN".to_owned(), db);
        families.insert(0, (false, None, primary));
        let mut faces: Vec<Face> =
            families.iter().filter_map(|family| face(&mut system, family, FAMILY)).collect();
        let serif = serif.and_then(|ids| face(&mut system, &(false, None, ids), SERIF)).map(|face| {
            faces.push(face);
            faces.len() - 1
        });
        Ok((system, Self { faces, serif, absent, hash: hasher.finalize().to_hex().to_string() }))
    }

    /// Family and weight of a face of the chain.
    pub(crate) fn style(&self, face: usize, bold: bool) -> (&str, Weight) {
        let face = &self.faces[face];
        (&face.family, face.weights[usize::from(bold)])
    }

    /// How a text is set: which face its letters are in throughout, and how high its lines are. `serif` asks
    /// for letters with serifs, which it gets where that face has all that the first one would draw.
    ///
    /// # Errors
    /// The characters that no face has, each once.
    pub(crate) fn plan(&self, text: &str, serif: bool) -> Result<Plan, Vec<char>> {
        let mut clusters = Vec::new();
        let mut missing: Vec<char> = Vec::new();
        for (start, cluster) in text.grapheme_indices(true) {
            match self.face_for(cluster) {
                Some(face) => clusters.push(Part { range: start..start + cluster.len(), face }),
                None => missing.extend(self.nowhere(cluster)),
            }
        }
        if !missing.is_empty() {
            let mut once = Vec::new();
            for c in missing {
                if !once.contains(&c) {
                    once.push(c);
                }
            }
            return Err(once);
        }
        // A word in two faces looks like a mistake, so one letter that the first face lacks takes
        // all Latin, Greek and Cyrillic letters of the text with it.
        let borrowed = |part: &&Part| part.face != 0 && is_plain(&text[part.range.clone()]);
        let letters = clusters.iter().find(borrowed).map_or(0, |part| part.face);
        let own = || clusters.iter().filter(|part| part.face == 0);
        let primary = self
            .serif
            .filter(|face| serif && own().all(|part| self.faces[*face].covers(&text[part.range.clone()])))
            .unwrap_or(0);
        Ok(Plan { primary, letters, leading: self.leading(&clusters), direction: direction(text) })
    }

    /// The parts of a text, or of a line of it, by face; a letter with its marks is never divided.
    /// Every character must be one that [`Chain::plan`] has found a face for.
    pub(crate) fn parts(&self, line: &str, plan: &Plan) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (start, cluster) in line.grapheme_indices(true) {
            let mut face = self.face_for(cluster).unwrap_or(0);
            if face == 0 && plan.letters != 0 && is_plain(cluster) && self.faces[plan.letters].covers(cluster)
            {
                face = plan.letters;
            }
            if face == 0 {
                face = plan.primary;
            }
            // A space is as wide as the words before it have it.
            let words = parts.last().map(|part| part.face).filter(|words| !self.faces[*words].emoji);
            if let (" " | "\u{A0}", Some(words)) = (cluster, words) {
                if self.faces[words].covers(cluster) {
                    face = words;
                }
            }
            match parts.last_mut() {
                Some(last) if last.face == face => last.range.end = start + cluster.len(),
                _ => parts.push(Part { range: start..start + cluster.len(), face }),
            }
        }
        parts
    }

    fn face_for(&self, cluster: &str) -> Option<usize> {
        let emoji = is_emoji(cluster);
        let script = cluster.chars().next().map(script_of);
        let fits = |idx: &usize| self.faces[*idx].covers(cluster);
        let all = || (0..self.faces.len()).filter(|idx| Some(*idx) != self.serif);
        if emoji {
            if let Some(face) = all().filter(|idx| self.faces[*idx].emoji).find(fits) {
                return Some(face);
            }
        }
        let own = all().filter(|idx| self.faces[*idx].script.is_some() && self.faces[*idx].script == script);
        let plain = all().filter(|idx| !self.faces[*idx].emoji);
        // Pictographs that are text by default and in no other face: better in color than not at all.
        let colored = all().filter(|idx| self.faces[*idx].emoji);
        own.chain(plain).chain(colored).find(fits)
    }

    /// The characters of a cluster that no face has; all of it when no one face has them together.
    fn nowhere(&self, cluster: &str) -> Vec<char> {
        let visible: Vec<char> = cluster.chars().filter(|c| !is_ignorable(*c)).collect();
        let alone: Vec<char> =
            visible.iter().copied().filter(|c| !self.faces.iter().any(|face| face.has(*c))).collect();
        if alone.is_empty() { visible } else { alone }
    }

    /// The leading that the tallest face of the parts needs.
    fn leading(&self, parts: &[Part]) -> Leading {
        let usual = Leading { height: crate::lines::LINE_HEIGHT, baseline: 0.38 };
        let extents = parts.iter().map(|part| &self.faces[part.face]).filter(|face| face.script.is_some());
        let (mut above, mut below) = (0.0_f64, 0.0_f64);
        for face in extents {
            let metrics = face.font.metrics();
            let em = f64::from(metrics.units_per_em).max(1.0);
            above = above.max(f64::from(metrics.ascent) / em);
            below = below.max(-f64::from(metrics.descent) / em);
        }
        if above == 0.0 {
            return usual;
        }
        let height = (above + below).clamp(usual.height, 1.9);
        Leading { height, baseline: (above - below) / 2.0 }
    }
}

impl Face {
    fn has(&self, c: char) -> bool {
        self.font.as_swash().charmap().map(c) != 0
    }

    fn covers(&self, cluster: &str) -> bool {
        cluster.chars().all(|c| is_ignorable(c) || self.has(c))
    }
}

struct Loading {
    db: Database,
    hasher: blake3::Hasher,
}

impl Loading {
    fn file(&mut self, file: &Path) -> Result<Vec<ID>, Problem> {
        let bytes = std::fs::read(file)
            .map_err(|error| missing(&format!("font file {} cannot be read: {error}", file.display())))?;
        self.hasher.update(&bytes);
        Ok(self.db.load_font_source(Source::Binary(Arc::new(bytes))).to_vec())
    }

    /// The faces of a default family: bold and regular, as far as they are installed.
    fn default_faces(&mut self, stem: &str) -> Result<Vec<ID>, Problem> {
        let names: &[&str] = if stem == EMOJI { &[".ttf"] } else { &["-Regular.ttf", "-Bold.ttf"] };
        let Some(folder) = NOTO_FOLDERS
            .iter()
            .find(|folder| Path::new(folder).join(format!("{stem}{}", names[0])).is_file())
        else {
            return Ok(Vec::new());
        };
        let mut ids = Vec::new();
        for name in names {
            let file = Path::new(folder).join(format!("{stem}{name}"));
            if file.is_file() {
                ids.extend(self.file(&file)?);
            }
        }
        Ok(ids)
    }

    /// The families of given files beside the first of the chain, each from regular to bold.
    fn families_of(&self, ids: &[ID]) -> Vec<Family> {
        let mut families: Vec<(String, Family)> = Vec::new();
        let mut faces: Vec<_> = ids.iter().filter_map(|id| self.db.face(*id)).collect();
        faces.sort_by_key(|face| face.weight.0);
        for face in faces {
            let Some((name, _)) = face.families.first().filter(|(name, _)| !name.contains("CJK")) else {
                continue;
            };
            let stem = face.post_script_name.split('-').next().unwrap_or_default();
            let script = CHAIN.iter().find(|(known, _)| *known == stem).and_then(|(_, script)| *script);
            match families.iter_mut().find(|(known, _)| known == name) {
                Some((_, (_, _, ids))) => ids.push(face.id),
                None => families.push((name.clone(), (stem == EMOJI, script, vec![face.id]))),
            }
        }
        families.into_iter().map(|(_, family)| family).collect()
    }

    /// The regular and the bold face of a family.
    fn primary(&self, family: &str) -> Result<Vec<ID>, Problem> {
        let mut ids = Vec::new();
        for weight in [Weight::NORMAL, Weight::BOLD] {
            let found = self
                .db
                .faces()
                .find(|face| face.weight == weight && face.families.iter().any(|(name, _)| name == family));
            let Some(face) = found else {
                return Err(missing(&format!("the font files hold no `{family}` of weight {}", weight.0)));
            };
            ids.push(face.id);
        }
        Ok(ids)
    }
}

/// A face of the chain, under the name `wanted` where it has several.
fn face(system: &mut FontSystem, (emoji, script, ids): &Family, wanted: &str) -> Option<Face> {
    let (first, last) = (system.db().face(*ids.first()?)?, system.db().face(*ids.last()?)?);
    let weights = [first.weight, last.weight];
    let named = |name: &&String| name.as_str() == wanted;
    let mut names = first.families.iter().map(|(name, _)| name);
    let family = names.clone().find(named).or_else(|| names.next())?.clone();
    let id = first.id;
    Some(Face { family, script: *script, emoji: *emoji, weights, font: system.get_font(id, weights[0])? })
}

fn missing(detail: &str) -> Problem {
    let advice = "install the package `fonts-noto-cjk` or name the font files";
    Problem::new(Code::Prerequisite, "fonts", format!("{detail}; {advice}"))
}

fn cjk_files() -> Result<[PathBuf; 2], Problem> {
    let names = ["NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"];
    CJK_FOLDERS
        .iter()
        .map(|folder| names.map(|name| Path::new(folder).join(name)))
        .find(|files| files.iter().all(|file| file.is_file()))
        .ok_or_else(|| missing("`NotoSansCJK-Bold.ttc` and `NotoSansCJK-Regular.ttc` were not found"))
}

/// The files of the family with serifs; none where it is not installed.
fn serif_files() -> Vec<PathBuf> {
    let names = ["NotoSerifCJK-Bold.ttc", "NotoSerifCJK-Regular.ttc"];
    let mut folders = CJK_FOLDERS.iter().map(|folder| names.map(|name| Path::new(folder).join(name)));
    folders.find(|files| files.iter().all(|file| file.is_file())).map(Vec::from).unwrap_or_default()
}

/// The script of a character (UAX 24).
fn script_of(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

fn is_european(script: Script) -> bool {
    [Script::Latin, Script::Greek, Script::Cyrillic].contains(&script)
}

/// Whether a cluster is of the letters that are kept in one face, or an ASCII sign among them.
fn is_plain(cluster: &str) -> bool {
    cluster.chars().next().is_some_and(|c| c.is_ascii_graphic() || is_european(script_of(c)))
}

/// Whether a cluster is shown as a colored picture: by itself, or because variation selector 16
/// asks for it (UTS 51).
pub(crate) fn is_emoji(cluster: &str) -> bool {
    !cluster.contains('\u{FE0E}')
        && (cluster.contains('\u{FE0F}')
            || cluster.chars().any(|c| CodePointSetData::new::<EmojiPresentation>().contains(c)))
}

/// Characters that choose how their neighbors are drawn and are never drawn themselves.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE0E}' | '\u{FE0F}')
}

/// The direction of a text by its first strong character (UAX 9, P2); `None` when nothing in it is
/// written from right to left.
pub(crate) fn direction(text: &str) -> Option<Direction> {
    let class = |c: char| CodePointMapData::<BidiClass>::new().get(c);
    let backwards = |c: BidiClass| c == BidiClass::RightToLeft || c == BidiClass::ArabicLetter;
    if !text.chars().any(|c| backwards(class(c)) || class(c) == BidiClass::ArabicNumber) {
        return None;
    }
    let first = text.chars().map(class).find(|class| *class == BidiClass::LeftToRight || backwards(*class));
    Some(if first.is_some_and(backwards) { Direction::RightToLeft } else { Direction::LeftToRight })
}

/// Which way a paragraph reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// As English.
    LeftToRight,
    /// As Arabic and Hebrew.
    RightToLeft,
}

impl Direction {
    /// The mark that gives a line the direction of its paragraph, whatever it begins with.
    pub(crate) const fn mark(self) -> char {
        match self {
            Self::LeftToRight => '\u{200E}',
            Self::RightToLeft => '\u{200F}',
        }
    }
}
