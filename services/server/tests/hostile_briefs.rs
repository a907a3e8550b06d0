//! Broken and hostile briefs: each is answered with its code and the path of the field, at once,
//! and nothing is left behind.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use spotwright_render::Letters;
use spotwright_render::picture::PictureImport;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_server::brief_file::{self, LoadedBrief};
use spotwright_server::sandbox;
use tempfile::TempDir;

mod common;

/// Longest wait for an answer: far more than any takes, far less than a pipe without a writer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Prepares an input in an empty folder and says where the brief is.
type Prepare = Box<dyn Fn(&Path) -> PathBuf + Send>;

struct Case {
    name: &'static str,
    code: &'static str,
    field: &'static str,
    /// Whether the program is run on it, too.
    program: bool,
    prepare: Prepare,
}

impl Case {
    fn program(mut self) -> Self {
        self.program = true;
        self
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en")
}

fn example() -> String {
    fs::read_to_string(examples().join("brief.yaml")).expect("the example is there")
}

fn example_json() -> Value {
    serde_json::to_value(Brief::from_yaml(example().as_bytes()).expect("valid")).expect("serializes")
}

fn case(
    name: &'static str,
    code: &'static str,
    field: &'static str,
    prepare: impl Fn(&Path) -> PathBuf + Send + 'static,
) -> Case {
    Case { name, code, field, program: false, prepare: Box::new(prepare) }
}

/// A brief file with these bytes.
fn bytes(
    name: &'static str,
    code: &'static str,
    field: &'static str,
    file: &'static str,
    content: impl Into<Vec<u8>>,
) -> Case {
    let content = content.into();
    case(name, code, field, move |folder| {
        let path = folder.join(file);
        fs::write(&path, &content).expect("writes");
        path
    })
}

/// The example with one piece of its text replaced.
fn yaml(
    name: &'static str,
    code: &'static str,
    field: &'static str,
    from: &str,
    to: impl AsRef<str>,
) -> Case {
    let text = example();
    assert!(text.contains(from), "{name}: the example does not hold `{from}`");
    bytes(name, code, field, "brief.yaml", text.replacen(from, to.as_ref(), 1))
}

/// The example as JSON with one value replaced.
fn json(
    name: &'static str,
    code: &'static str,
    field: &'static str,
    pointer: &str,
    replacement: Value,
) -> Case {
    let mut brief = example_json();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = brief.pointer_mut(parent).unwrap_or_else(|| panic!("{name}: {pointer}"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = replacement,
        parent => parent[key] = replacement,
    }
    bytes(name, code, field, "brief.json", brief.to_string())
}

/// The example as JSON with one field removed.
fn without(name: &'static str, code: &'static str, field: &'static str, parent: &str, key: &str) -> Case {
    let mut brief = example_json();
    let object = brief.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    object.remove(key).unwrap_or_else(|| panic!("{name}: {key}"));
    bytes(name, code, field, "brief.json", brief.to_string())
}

/// The first picture of a good brief under another name.
fn named(name: &'static str, code: &'static str, file: impl Into<Value>) -> Case {
    json(name, code, "product.pictures[0].file", "/product/pictures/0/file", file.into())
}

/// A good brief whose first picture is made by `make` at the given path.
fn pictured(name: &'static str, code: &'static str, make: impl Fn(&Path) + Send + 'static) -> Case {
    case(name, code, "product.pictures[0].file", move |folder| {
        let inner = folder.join("brief");
        fs::create_dir(&inner).expect("writes");
        make(&inner.join("coffee.png"));
        let path = inner.join("brief.yaml");
        fs::write(&path, example()).expect("writes");
        path
    })
}

fn picture_bytes(name: &'static str, code: &'static str, content: impl Into<Vec<u8>>) -> Case {
    let content = content.into();
    pictured(name, code, move |path| fs::write(path, &content).expect("writes"))
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let shade = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]);
    RgbImage::from_fn(width, height, shade).write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A PNG whose header claims a size and after which nothing follows.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A few bytes that unpack to 64 million pixels.
fn bomb() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let gray = image::GrayImage::new(16_000, 4_000);
    gray.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    let bytes = bytes.into_inner();
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    bytes
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo is installed");
    assert!(made.success());
}

fn sparse(path: &Path, head: &[u8], size: u64) {
    fs::write(path, head).expect("writes");
    fs::OpenOptions::new().write(true).open(path).expect("opens").set_len(size).expect("grows");
}

fn link(to: impl AsRef<Path>, path: &Path) {
    std::os::unix::fs::symlink(to, path).expect("links");
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn alias_bomb() -> String {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let aliases = vec![format!("*{before}"); 9].join(", ");
        text.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    text + &example()
}

fn files() -> Vec<Case> {
    vec![
        case("no file", "SW0101", "", |folder| folder.join("brief.yaml")).program(),
        case("a folder", "SW0101", "", |folder| {
            let path = folder.join("brief.yaml");
            fs::create_dir(&path).expect("writes");
            path
        }),
        case("a pipe", "SW0101", "", |folder| {
            let path = folder.join("brief.yaml");
            pipe(&path);
            path
        })
        .program(),
        case("a link to a device", "SW0101", "", |folder| {
            let path = folder.join("brief.yaml");
            link("/dev/zero", &path);
            path
        })
        .program(),
        case("a link to itself", "SW0101", "", |folder| {
            let path = folder.join("brief.yaml");
            link("brief.yaml", &path);
            path
        }),
        bytes("another ending", "SW0101", "", "brief.txt", example()),
        bytes("no ending", "SW0101", "", "brief", example()),
        case("100 MB", "SW0102", "", |folder| {
            let path = folder.join("brief.yaml");
            sparse(&path, example().as_bytes(), 100_000_000);
            path
        })
        .program(),
        bytes("one byte too much", "SW0102", "", "brief.json", vec![b' '; 256 * 1024 + 1]),
        bytes("an empty file", "SW0104", "", "brief.yaml", ""),
        bytes("an empty file, JSON", "SW0104", "", "brief.json", ""),
        bytes("invalid UTF-8", "SW0103", "", "brief.yaml", b"format: \xC3\x28".as_slice()).program(),
        bytes("a lone surrogate", "SW0103", "", "brief.json", b"{\"id\": \"\xED\xA0\x80\"}".as_slice()),
        bytes(
            "UTF-16 with a mark",
            "SW0103",
            "",
            "brief.yaml",
            [vec![0xFF, 0xFE], utf16(&example())].concat(),
        ),
        bytes("UTF-16 without a mark", "SW0103", "", "brief.yaml", utf16("format: spotwright.brief.v1\n")),
        bytes("a zero byte", "SW0103", "", "brief.yaml", example() + "\0"),
        bytes("a picture", "SW0103", "", "brief.yaml", encoded(64, 64, ImageFormat::Png)),
    ]
}

fn syntax() -> Vec<Case> {
    let deep = 100_000;
    vec![
        yaml("a tab as indentation", "SW0104", "", "  name: Harbor Lane", "\tname: Harbor Lane"),
        yaml("an open quote", "SW0104", "", "id: coffee-en", "id: \"coffee-en"),
        yaml("an open bracket", "SW0104", "", "[cheap, addictive]", "[cheap, addictive"),
        yaml("an unknown anchor", "SW0104", "", "id: coffee-en", "id: *nowhere"),
        yaml("a merge key", "SW0104", "", "id: coffee-en", "<<: { id: coffee-en }"),
        yaml("a foreign tag", "SW0104", "", "id: coffee-en", "id: !!python/object coffee-en"),
        bytes("two documents", "SW0104", "", "brief.yaml", example() + "\n---\n" + &example()),
        bytes("an alias bomb", "SW0105", "a", "brief.yaml", alias_bomb()).program(),
        yaml("60 aliases", "SW0104", "", "[cheap, addictive]", format!("[&a cheap{}]", ", *a".repeat(60))),
        bytes("100,000 open brackets", "SW0104", "", "brief.yaml", "[".repeat(deep)).program(),
        bytes("100,000 open braces", "SW0104", "", "brief.yaml", "{a: ".repeat(deep / 2)),
        bytes("100,000 open brackets, JSON", "SW0105", "", "brief.json", "[".repeat(deep)).program(),
        yaml("deep nesting in a field", "SW0105", "id", "id: coffee-en", format!("id: {}", "[".repeat(deep))),
        json("deep nesting in a JSON field", "SW0105", "id", "/id", json!([[[[[[[[]]]]]]]])),
        bytes("cut JSON", "SW0104", "", "brief.json", half(example_json().to_string().into_bytes())),
        bytes(
            "JSON with a comma too much",
            "SW0104",
            "",
            "brief.json",
            "{\"format\": \"spotwright.brief.v1\",}",
        ),
        bytes("two JSON documents", "SW0104", "", "brief.json", format!("{0}{0}", example_json())),
        bytes("JSON with NaN", "SW0104", "", "brief.json", "{\"id\": NaN}"),
    ]
}

fn shapes() -> Vec<Case> {
    let doubled = example_json().to_string().replacen("\"id\":", "\"id\":\"x\",\"id\":", 1);
    vec![
        bytes("a list", "SW0105", "", "brief.yaml", "- a\n- b\n"),
        bytes("a number", "SW0105", "", "brief.json", "7"),
        bytes("null", "SW0105", "", "brief.json", "null"),
        bytes("a YAML key twice", "SW0105", "id", "brief.yaml", example() + "\nid: again\n").program(),
        yaml("an inner YAML key twice", "SW0105", "brand.tone", "tone: warm", "tone: warm\n  tone: bold"),
        bytes("a JSON key twice", "SW0105", "id", "brief.json", doubled),
        json("an unknown format", "SW0105", "format", "/format", json!("spotwright.brief.v2")),
        json("an unknown field at the top", "SW0105", "colour", "/colour", json!(1)).program(),
        json("an unknown field of the brand", "SW0105", "brand.slogan", "/brand/slogan", json!("x")),
        json("an unknown color", "SW0105", "brand.colors.third", "/brand/colors/third", json!("#000000")),
        json("an unknown field of the product", "SW0105", "product.price", "/product/price", json!(1)),
        json(
            "an unknown field of a fact",
            "SW0105",
            "product.facts[2].proof",
            "/product/facts/2/proof",
            json!(1),
        ),
        json(
            "an unknown field of evidence",
            "SW0105",
            "product.facts[5].evidence.url",
            "/product/facts/5/evidence/url",
            json!(1),
        ),
        json(
            "an unknown field of a picture",
            "SW0105",
            "product.pictures[1].path",
            "/product/pictures/1/path",
            json!(1),
        ),
        json("an unknown field of the audience", "SW0105", "audience.sex", "/audience/sex", json!("any")),
        json("an unknown field of the budget", "SW0105", "budget.daily", "/budget/daily", json!("1.00")),
        without("no id", "SW0105", "id", "", "id"),
        without("no brand name", "SW0105", "brand.name", "/brand", "name").program(),
        without("no pictures", "SW0105", "product.pictures", "/product", "pictures"),
        without("a fact without a text", "SW0105", "product.facts[3].text", "/product/facts/3", "text"),
        without(
            "evidence without a source",
            "SW0105",
            "product.facts[5].evidence.source",
            "/product/facts/5/evidence",
            "source",
        ),
        yaml("no locale, YAML", "SW0105", "locale", "locale: en-US\n", ""),
        json("an unknown locale", "SW0105", "locale", "/locale", json!("tlh")),
        json("an unknown tone", "SW0105", "brand.tone", "/brand/tone", json!("shouting")),
        json("an unknown objective", "SW0105", "objective", "/objective", json!("fame")),
        json(
            "an unknown kind of fact",
            "SW0105",
            "product.facts[0].kind",
            "/product/facts/0/kind",
            json!("rumor"),
        ),
        json("an unknown call to action", "SW0105", "call_to_action", "/call_to_action", json!("panic")),
        json("an unknown currency", "SW0105", "budget.currency", "/budget/currency", json!("XXX")),
        json("an unknown placement", "SW0108", "placements[1]", "/placements", json!(["meta_reels", "moon"]))
            .program(),
        yaml("an unknown placement, YAML", "SW0108", "placements[0]", "[simulated_feed]", "[billboard]"),
        json("a placement as a number", "SW0105", "placements[0]", "/placements/0", json!(1)),
        json("a list for a text", "SW0105", "product.name", "/product/name", json!(["a"])),
        json("a text for a list", "SW0105", "product.facts", "/product/facts", json!("all good")),
        yaml("a text for a list, YAML", "SW0105", "placements", "[simulated_feed]", "simulated_feed"),
        yaml("nothing for a text", "SW0105", "id", "id: coffee-en", "id:"),
        json("null for a text", "SW0105", "brand.name", "/brand/name", Value::Null),
        json("an amount as a number", "SW0105", "budget.total", "/budget/total", json!(200)).program(),
        json("an amount with an exponent", "SW0105", "budget.total", "/budget/total", json!("1e3")),
        json("an amount with 7 decimals", "SW0105", "budget.total", "/budget/total", json!("1.0000001")),
        json(
            "an amount beyond 64 bits",
            "SW0105",
            "budget.total",
            "/budget/total",
            json!("99999999999999999999"),
        ),
        json("an infinite amount", "SW0105", "budget.total", "/budget/total", json!("inf")),
        yaml("an amount that is not a number, YAML", "SW0105", "budget.total", "\"200.00\"", ".nan"),
        json("an amount in other digits", "SW0105", "budget.total", "/budget/total", json!("١٠٠")),
        json("ages as text", "SW0105", "audience.ages[0]", "/audience/ages", json!(["young", "old"])),
        json("a huge age", "SW0105", "audience.ages[1]", "/audience/ages", json!([25, 1e300])),
        json("one age", "SW0105", "audience.ages", "/audience/ages", json!([25])),
        yaml("three ages, YAML", "SW0105", "audience.ages", "[25, 45]", "[25, 45, 60]"),
        json("a color by name", "SW0105", "brand.colors.primary", "/brand/colors/primary", json!("red")),
        json("a short color", "SW0105", "brand.colors.accent", "/brand/colors/accent", json!("#FFF")),
        json("a relative address", "SW0105", "destination_url", "/destination_url", json!("shop")),
        json("an address without a host", "SW0105", "destination_url", "/destination_url", json!("https://")),
    ]
}

fn values() -> Vec<Case> {
    let url = |name, url: &str| json(name, "SW0106", "destination_url", "/destination_url", json!(url));
    let name = |what, text: &str| json(what, "SW0106", "product.name", "/product/name", json!(text));
    let fact = json!({ "id": "x", "kind": "moment", "text": "in the morning" });
    vec![
        json("an id with a slash", "SW0106", "id", "/id", json!("../up")),
        json("an empty id", "SW0106", "id", "/id", json!("")),
        name("an empty name", ""),
        name("a name of spaces", "   "),
        name("a padded name", " Roast"),
        name("a long name", &"x".repeat(41)),
        name("a name that turns the text around", "Roast\u{202E}tsaoR"),
        name("a zero-width name", "\u{200B}\u{200B}"),
        name("a soft hyphen", "Ro\u{AD}ast"),
        name("a hidden tag character", "Roast\u{E0041}"),
        name("a private-use character", "Roast \u{F8FF}"),
        name("a character of plane 15", "Roast \u{F0000}"),
        name("a zero character", "Roast\0"),
        name("two lines", "Morning\nRoast"),
        url("an address with a space in it", "https://example.com/a b"),
        url("an address on two lines", "https://example.com/a\nb"),
        url("an address without slashes", "https:example.com"),
        url("an address that hides a character", "https://example.com/a\u{200B}b"),
        name("emoji only", "☕☕"),
        name("signs only", "!?!"),
        json(
            "an absurdly long fact",
            "SW0106",
            "product.facts[0].text",
            "/product/facts/0/text",
            json!("x".repeat(100_000)),
        ),
        json(
            "2,000 facts",
            "SW0106",
            "product.facts",
            "/product/facts",
            Value::Array(vec![fact.clone(); 2_000]),
        ),
        bytes("10,000 facts", "SW0102", "", "brief.json", {
            let mut brief = example_json();
            brief["product"]["facts"] = Value::Array(vec![fact; 10_000]);
            brief.to_string()
        }),
        json("no facts", "SW0106", "product.facts", "/product/facts", json!([])),
        json(
            "13 pictures",
            "SW0106",
            "product.pictures",
            "/product/pictures",
            Value::Array(vec![json!({ "file": "a.png", "alt": "a" }); 13]),
        ),
        json("no picture", "SW0106", "product.pictures", "/product/pictures", json!([])),
        json("no placement", "SW0106", "placements", "/placements", json!([])),
        json("a placement twice", "SW0106", "placements", "/placements", json!(["meta_reels", "meta_reels"])),
        json(
            "101 banned words",
            "SW0106",
            "brand.banned_words",
            "/brand/banned_words",
            Value::Array(vec![json!("x"); 101]),
        ),
        json("an empty banned word", "SW0106", "brand.banned_words[0]", "/brand/banned_words/0", json!("")),
        json("a fact's id twice", "SW0106", "product.facts[1].id", "/product/facts/1/id", json!("bitter")),
        json(
            "a banned word in a fact",
            "SW0106",
            "product.facts[5].text",
            "/brand/banned_words",
            json!(["SMOOTH"]),
        )
        .program(),
        json(
            "a banned word on the button",
            "SW0106",
            "call_to_action",
            "/brand/banned_words",
            json!(["order now"]),
        ),
        json(
            "a banned word in the small print",
            "SW0106",
            "disclaimer",
            "/brand/banned_words",
            json!(["continental"]),
        ),
        json(
            "a banned word in the small print that is not denied",
            "SW0106",
            "disclaimer",
            "/disclaimer",
            json!("Not only cheap, addictive too"),
        ),
        json(
            "no fact that may be said",
            "SW0109",
            "product.facts[0].text",
            "/product/facts",
            json!([{
                "id": "best", "kind": "benefit", "text": "The best coffee", "evidence": { "source": "our word" }
            }]),
        )
        .program(),
        json(
            "colors that cannot be told apart",
            "SW0106",
            "brand.colors.accent",
            "/brand/colors/accent",
            json!("#3B2418"),
        ),
        json("a negative amount", "SW0106", "budget.total", "/budget/total", json!("-200.00")),
        json("no money", "SW0106", "budget.total", "/budget/total", json!("0")),
        json("too much money", "SW0106", "budget.total", "/budget/total", json!("10000000.01")),
        json("ages the wrong way round", "SW0106", "audience.ages", "/audience/ages", json!([45, 25])),
        json("children", "SW0106", "audience.ages", "/audience/ages", json!([6, 12])),
        without(
            "a claim without evidence",
            "SW0107",
            "product.facts[5].evidence",
            "/product/facts/5",
            "evidence",
        )
        .program(),
        json(
            "blank evidence",
            "SW0106",
            "product.facts[5].evidence.source",
            "/product/facts/5/evidence/source",
            json!("    "),
        ),
        url("http", "http://example.com/"),
        url("a script", "javascript:alert(1)"),
        url("a file", "file:///etc/passwd"),
        url("localhost", "https://localhost/"),
        url("a name below localhost", "https://shop.localhost/"),
        url("a name of the local network", "https://printer.local./"),
        url("an address of version 4", "https://127.0.0.1/"),
        url("a short address of version 4", "https://127.1/"),
        url("an address of version 6", "https://[::1]/"),
        url("a user name", "https://example.com@evil.example/"),
        url("a long address", &format!("https://example.com/{}", "a".repeat(600))),
    ]
}

fn pictures() -> Vec<Case> {
    vec![
        named("up", "SW0201", "../coffee.png").program(),
        named("up in the middle", "SW0201", "a/../../x.png"),
        named("from the root", "SW0201", "/etc/passwd").program(),
        named("a drive", "SW0201", "C:\\x.png"),
        named("here", "SW0201", "./coffee.png"),
        named("no name", "SW0201", ""),
        named("a zero character in the name", "SW0201", "a\0.png"),
        named("an address", "SW0201", "https://example.com/x.png"),
        named("300 characters", "SW0201", "x".repeat(300)),
        named("a turned-around name", "SW0201", "a\u{202E}gnp.exe"),
        named("a missing file", "SW0202", "missing.png").program(),
        pictured("a folder as a picture", "SW0202", |path| fs::create_dir(path).expect("writes")),
        pictured("a pipe as a picture", "SW0202", pipe).program(),
        pictured("a link to itself as a picture", "SW0202", |path| link("coffee.png", path)),
        pictured("a link to nowhere", "SW0202", |path| link("nowhere.png", path)),
        pictured("a link out of the folder", "SW0201", |path| {
            let outside = path.parent().and_then(Path::parent).expect("has one").join("outside.png");
            fs::write(&outside, encoded(64, 64, ImageFormat::Png)).expect("writes");
            link(&outside, path);
        })
        .program(),
        pictured("a link to a device as a picture", "SW0201", |path| link("/dev/zero", path)),
        picture_bytes("an empty picture", "SW0203", ""),
        picture_bytes("text in a picture's name", "SW0203", "not a picture"),
        picture_bytes("a GIF", "SW0203", "GIF89a\x01\0\x01\0\0\0\0;"),
        picture_bytes("an SVG", "SW0203", "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
        picture_bytes("half a PNG", "SW0203", half(encoded(200, 200, ImageFormat::Png))).program(),
        picture_bytes("half a JPEG", "SW0203", half(encoded(200, 200, ImageFormat::Jpeg))),
        picture_bytes("half a WebP", "SW0203", half(encoded(200, 200, ImageFormat::WebP))),
        picture_bytes("a PNG's first bytes", "SW0203", "\u{89}PNG\r\n"),
        picture_bytes("a header without a picture", "SW0203", claiming(200, 200)),
        picture_bytes("60,000 x 60,000 in 33 bytes", "SW0204", claiming(60_000, 60_000)).program(),
        picture_bytes("4 billion squared", "SW0204", claiming(u32::MAX, u32::MAX)),
        picture_bytes("a picture bomb", "SW0204", bomb()),
        picture_bytes("no width", "SW0204", claiming(0, 200)),
        picture_bytes("10 x 10", "SW0204", encoded(10, 10, ImageFormat::Png)).program(),
        pictured("25 MB", "SW0204", |path| sparse(path, &encoded(64, 64, ImageFormat::Png), 25_000_000)),
    ]
}

fn cases() -> Vec<Case> {
    [files(), syntax(), shapes(), values(), pictures()].into_iter().flatten().collect()
}

/// Runs `work` on a thread of its own; `None` when it does not come back.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || drop(send.send(work())));
    receive.recv_timeout(PATIENCE).ok()
}

/// The fonts, read once for all cases.
fn fonts() -> &'static Letters {
    static FONTS: OnceLock<Letters> = OnceLock::new();
    FONTS.get_or_init(|| Letters::load(&[]).expect("fonts"))
}

/// The program reads the pictures: a test is no such program.
fn picture_import() -> PictureImport {
    sandbox::pictures(&common::config().sandbox).expect("a sandbox")
}

fn load(path: &Path) -> Result<LoadedBrief, Problem> {
    let path = path.to_path_buf();
    in_time(move || brief_file::load_with(&path, fonts(), &picture_import())).expect("an answer in time")
}

/// What is wrong with the answer to a case, if anything.
fn complaint(case: &Case, answer: &Result<LoadedBrief, Problem>) -> Option<String> {
    let Err(problem) = answer else { return Some(format!("{}: was accepted", case.name)) };
    if (problem.code.as_str(), problem.field.as_str()) != (case.code, case.field) {
        return Some(format!("{}: expected {} at `{}`, got {problem}", case.name, case.code, case.field));
    }
    let message = &problem.message;
    let shouts = message.chars().next().is_none_or(char::is_uppercase);
    (shouts || message.ends_with('.') || message.contains('\n') || message.len() > 1_500)
        .then(|| format!("{}: poorly said: {message}", case.name))
}

#[test]
fn every_hostile_brief_is_answered_with_its_code_and_field() {
    let cases = cases();
    assert!(cases.len() >= 75, "{}", cases.len());
    let complaints: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let folder = TempDir::new().expect("a folder");
            let path = (case.prepare)(folder.path());
            complaint(case, &load(&path))
        })
        .collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

#[test]
fn the_program_refuses_with_one_document_and_leaves_nothing_behind() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.program).collect();
    assert!(cases.len() >= 15, "{}", cases.len());
    for case in cases {
        let folder = TempDir::new().expect("a folder");
        let brief = (case.prepare)(folder.path());
        let out = folder.path().join("out");
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotwright"));
        command.current_dir(folder.path()).arg("run").arg(&brief).arg("--out").arg(&out).arg("--json");
        let output = in_time(move || command.output().expect("starts")).expect("an answer in time");
        let name = case.name;
        assert_eq!(output.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{name}: standard output is not one JSON document: {error}"));
        assert_eq!(document["error"]["code"], case.code, "{name}");
        assert_eq!(document["error"]["field"], case.field, "{name}");
        assert!(!out.exists(), "{name} left something behind");
        assert!(!folder.path().join("spotwright-out").exists(), "{name}");
    }
}

/// A copy of the example with another text of the brief.
fn accepted(file: &str, text: &[u8]) {
    let folder = TempDir::new().expect("a folder");
    for picture in ["coffee.png", "cup-tall.png", "cup-close.png"] {
        fs::copy(examples().join(picture), folder.path().join(picture)).expect("copies");
    }
    let path = folder.path().join(file);
    fs::write(&path, text).expect("writes");
    let loaded = load(&path).unwrap_or_else(|problem| panic!("{file}: {problem}"));
    assert_eq!(loaded.pictures.len(), 3);
}

#[test]
fn unusual_but_good_briefs_are_accepted() {
    let text = example();
    let with_alias = text
        .replacen("source: \"cupping sheets, batches 201-260\"", "source: &sheets \"cupping sheets\"", 1)
        .replacen("source: \"dispatch log, January to June 2026\"", "source: *sheets", 1);
    assert!(with_alias.contains("&sheets") && with_alias.contains("*sheets"));
    accepted("brief.yaml", with_alias.as_bytes());
    accepted("brief.yml", format!("\u{FEFF}{text}").as_bytes());
    accepted("brief.json", format!("\u{FEFF}{}", example_json()).as_bytes());
    accepted("brief.yaml", text.replace('\n', "\r\n").as_bytes());
    let mut with_schema = example_json();
    with_schema["$schema"] = json!("./brief.schema.json");
    accepted("brief.json", with_schema.to_string().as_bytes());
    accepted("brief.yaml", format!("$schema: ./brief.schema.json\n{text}").as_bytes());
}

#[test]
fn the_same_problem_is_found_each_time() {
    let mut brief = example_json();
    brief["id"] = json!("");
    brief["brand"]["name"] = json!("");
    brief["product"]["facts"] = json!([]);
    for _ in 0..3 {
        let problem = Brief::from_json(brief.to_string().as_bytes()).expect_err("is refused");
        assert_eq!(problem.field, "id");
    }
}
