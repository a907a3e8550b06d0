//! What a page shows of its product: pictures, and the colors that the brand uses.

use spotwright_schemas::storyboard::Color;
use url::Url;

use crate::dom::{NodeId, Page};
use crate::findings::{DraftPicture, Findings};
use crate::html::{absolute, meta};
use crate::text::marks;

fn size_of(page: &Page, id: NodeId, name: &str) -> Option<u32> {
    page.attribute(id, name).and_then(|text| text.trim_end_matches("px").parse().ok())
}

pub(crate) fn pictures(page: &Page, is_relevant: &[bool], base: Option<&Url>, findings: &mut Findings) {
    for id in page.named("source") {
        let is_picture = page.around(id).next().is_some_and(|outer| page.name(outer) == "picture");
        let url = page.attribute(id, "srcset").and_then(largest_of).and_then(|text| absolute(&text, base));
        if let Some(url) = url.filter(|url| {
            is_picture && is_relevant.get(id).copied().unwrap_or(false) && !is_ornament_file(url)
        }) {
            findings.picture(DraftPicture { url, alt: String::new(), width: None, height: None });
        }
    }
    for id in page.named("img") {
        if !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        let (width, height) = (size_of(page, id, "width"), size_of(page, id, "height"));
        if width.is_some_and(|width| width < 100) || height.is_some_and(|height| height < 100) {
            continue;
        }
        let words = marks(page, id);
        let is_ornament =
            ["logo", "icon", "avatar", "badge", "sprite", "pixel", "flag", "payment", "spinner"]
                .iter()
                .any(|word| words.iter().any(|own| own == word));
        let sources = [
            "data-zoom-image",
            "data-large_image",
            "data-old-hires",
            "data-original",
            "data-lazyload",
            "data-lazy-src",
            "data-src",
            "src",
            "data-lazy-img",
        ];
        let source =
            sources.iter().filter_map(|name| page.attribute(id, name)).find_map(|text| absolute(text, base));
        let source = source.or_else(|| {
            page.attribute(id, "srcset").and_then(largest_of).and_then(|text| absolute(&text, base))
        });
        let Some(url) = source.filter(|url| !is_ornament && !is_ornament_file(url)) else { continue };
        let alt = page.attribute(id, "alt").unwrap_or_default();
        let alt: String = crate::document::squeezed(alt).chars().take(120).collect();
        findings.picture(DraftPicture { url, alt, width, height });
    }
}

fn is_ornament_file(url: &str) -> bool {
    let file = url
        .split(['?', '#'])
        .next()
        .unwrap_or(url)
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let words = [
        "logo",
        "icon",
        "sprite",
        "pixel",
        "spacer",
        "blank",
        "loading",
        "placeholder",
        "avatar",
        "qrcode",
        "1x1",
    ];
    [".svg", ".gif"].iter().any(|ending| file.ends_with(ending))
        || words.iter().any(|word| file.contains(word))
}

/// The last of a list of sizes is the largest.
fn largest_of(set: &str) -> Option<String> {
    let of = |part: &str| {
        let mut words = part.split_whitespace();
        let url = words.next()?.to_owned();
        let size: f64 =
            words.next().and_then(|size| size.trim_end_matches(['w', 'x']).parse().ok()).unwrap_or(0.0);
        Some((url, size))
    };
    set.split(", ").take(30).filter_map(of).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(url, _)| url)
}

pub(crate) fn colors(page: &Page, findings: &mut Findings) {
    if let Some(color) = meta(page, &["theme-color"]).and_then(|text| color_of(&text)) {
        let shown = color.to_string();
        findings.noted(|own| &mut own.colors, 0, ("colors", "theme-color"), &shown, color);
    }
    let styles: Vec<String> = page
        .named("style")
        .map(|id| page.raw_text(id))
        .chain(
            (0..page.nodes.len()).filter_map(|id| page.attribute(id, "style").map(str::to_owned)).take(500),
        )
        .collect();
    let names = ["primary", "brand", "accent", "button", "theme", "main-color", "secondary"];
    for style in styles.iter().filter(|style| style.len() < 1 << 20) {
        for declaration in style.split([';', '{', '}']).take(20_000) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let rank = names.iter().position(|known| name.contains(known)).filter(|_| name.starts_with("--"));
            let is_button = name == "background-color" || name == "background";
            let rank = rank.map(|rank| rank + 1).or_else(|| is_button.then_some(20));
            if let (Some(rank), Some(color)) = (rank, color_of(value)) {
                // Every page has white, black and greys; they say nothing of the brand.
                if !is_grey(color)
                    && findings.colors.len() < 12
                    && !findings.colors.iter().any(|own| own.1.value == color)
                {
                    let rank = u8::try_from(rank).unwrap_or(u8::MAX);
                    findings.noted(|own| &mut own.colors, rank, ("colors", &name), &color.to_string(), color);
                }
            }
        }
    }
}

fn is_grey(color: Color) -> bool {
    let (low, high) = (color.r.min(color.g).min(color.b), color.r.max(color.g).max(color.b));
    high - low < 16
}

/// `#abc`, `#aabbcc`, `rgb(1, 2, 3)`, `1, 2, 3`.
fn color_of(text: &str) -> Option<Color> {
    let text = text.trim().trim_end_matches("!important").trim();
    if let Some(digits) = text.strip_prefix('#') {
        let long = if digits.len() == 3 && digits.is_ascii() {
            digits.chars().flat_map(|c| [c, c]).collect()
        } else {
            digits.to_owned()
        };
        return Color::parse(&format!("#{long}"));
    }
    let inner = text.strip_prefix("rgb(").map_or(text, |rest| rest.trim_end_matches(')'));
    let mut parts = inner.split([',', ' ']).filter(|part| !part.is_empty()).map(str::parse::<u8>);
    let (Some(Ok(r)), Some(Ok(g)), Some(Ok(b)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some(Color { r, g, b })
}
