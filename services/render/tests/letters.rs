//! What the studio's fonts draw: every script, spelled in every way, or a refusal by name.

use std::sync::Arc;

use common::{FolderStore, board, shot};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::letters::Letters as _;
use spotwright_core::ports::video_backend::{Footage, RenderRequest};
use spotwright_core::spine::Shutdown;
use spotwright_render::{Letters, Options, Studio, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::Layout;

mod common;

/// Texts by script, with the file of the face that draws what the first face does not.
const TEXTS: [(&str, &str); 24] = [
    ("Polish", "Zażółć gęślą jaźń, Łódź"),
    ("Czech", "Příliš žluťoučký kůň"),
    ("Hungarian", "Árvíztűrő tükörfúrógép"),
    ("Turkish", "İğne ışığı, şöför"),
    ("Vietnamese", "Tiếng Việt đậm đà, ngọt dịu"),
    ("Greek", "Καφές κάθε πρωί, ή τίποτα"),
    ("Cyrillic", "Съешь ещё этих булок; їжак ґрунт"),
    ("Thai", "กาแฟสดใหม่ทุกเช้า"),
    ("Arabic", "قهوة طازجة كل صباح، بلا انتظار"),
    ("Persian", "می\u{200C}خواهم یک فنجان قهوه"),
    ("Hebrew", "קפה טרי בכל בוקר"),
    ("Hindi", "हर सुबह ताज़ा कॉफ़ी, क्षण भर में"),
    ("Bengali", "প্রতিদিন তাজা কফি"),
    ("Tamil", "தினமும் புதிய காபி"),
    ("Georgian", "ახალი ყავა"),
    ("Armenian", "Թարմ սուրճ"),
    ("Amharic", "ትኩስ ቡና"),
    ("Khmer", "កាហ្វេស្រស់"),
    ("Korean", "매일 아침 신선한 커피"),
    ("Japanese", "毎朝、焙煎したてのコーヒー"),
    ("currencies", "₹499 ₱250 ₺90 ₽300 ₴80 ₦500 ₫9 ₪12 ₩900 €5 £4 ¥3"),
    ("fractions", "⅔ ¾ ⅓ ⅛ ½ cup"),
    ("signs", "✓ ★ → ™ ® © № ≤ ≥ × ÷ ± ° µ"),
    ("styled letters", "𝗼𝗻𝗲 𝒂𝒃 𝟙"),
];
const EMOJI: &str = "☕ 🔥 👩‍💻 👍🏽 🇩🇪 1️⃣ ❤️ ✅ ⭐";

/// Whether a font is installed; its absence is said.
#[expect(clippy::print_stdout, reason = "says what was not shown")]
fn installed(letters: &Letters, file: &str) -> bool {
    let there = !letters.absent().contains(&file);
    if !there {
        println!("skipped: {file} is not installed");
    }
    there
}

#[test]
fn every_script_is_drawn_and_what_is_not_is_named() {
    let letters = Letters::load(&[]).expect("fonts");
    if installed(&letters, "NotoSans") {
        for (script, text) in TEXTS {
            assert_eq!(letters.undrawable(text), Vec::<char>::new(), "{script}");
        }
    }
    if installed(&letters, "NotoColorEmoji") {
        assert_eq!(letters.undrawable(EMOJI), Vec::<char>::new());
    }
    assert_eq!(letters.undrawable("ᚠ and 𓀀, ᚠ again"), ['ᚠ', '𓀀']);
    assert_eq!(letters.undrawable("plain, 直接"), Vec::<char>::new());
}

struct Rig {
    studio: Studio,
    picture: String,
    _folder: tempfile::TempDir,
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir(&objects).expect("creates");
    let store = Arc::new(FolderStore(objects));
    let mut photo = image::RgbImage::new(200, 300);
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        *pixel = image::Rgb([(x % 200) as u8 + 30, (y % 150) as u8 + 40, ((x * y) % 90) as u8 + 60]);
    }
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    let picture = store.put(&picture::import(&png, "p").expect("imports").png).expect("stores").0;
    let options = Options { folder: folder.path().join("studio"), ..Options::default() };
    Rig { studio: Studio::new(options, store).expect("opens"), picture, _folder: folder }
}

impl Rig {
    /// A preview of one opening with these words.
    fn preview(&self, caption: &str, detail: &str) -> Footage {
        let mut shot = shot(Role::Hook, Layout::Card, &self.picture, 40, ["", "", "", "", ""]);
        (shot.caption, shot.detail) = (caption.to_owned(), detail.to_owned());
        let storyboard = board(Locale::EnUs, [360, 640], 20, ["#22313F", "#F2B544"], vec![shot]);
        let request = RenderRequest { storyboard, stage: RenderStage::Preview, produce_id: "v".to_owned() };
        let (_switch, stop) = Shutdown::new();
        self.studio.render_blocking(&request, &format!("{caption}/{detail}"), &stop).expect("renders")
    }
}

#[test]
fn letters_composed_and_decomposed_draw_the_same_picture() {
    let rig = rig();
    let composed = rig.preview("Crème brûlée à l’été", "Déjà prêt");
    let decomposed = rig.preview(
        "Cre\u{300}me bru\u{302}le\u{301}e a\u{300} l’e\u{301}te\u{301}",
        "De\u{301}ja\u{300} pre\u{302}t",
    );
    assert_eq!(composed.artifact, decomposed.artifact);
    assert_ne!(composed.artifact, rig.preview("Creme brulee a l’ete", "Deja pret").artifact);
}

#[test]
fn every_script_is_laid_out_in_long_captions_too() {
    let rig = rig();
    for (script, text) in TEXTS {
        if rig.studio.letters().undrawable(text).is_empty() {
            let rendered = rig.preview(text, &[text, text].join(" "));
            assert!(rendered.statistics.expect("measured").text_area > 0.01, "{script}");
        } else {
            println!("skipped: no font for {script}");
        }
    }
}
