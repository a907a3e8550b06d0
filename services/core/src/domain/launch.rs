//! How a winner is worded for a platform: limits, names, addresses and the manifest. Pure.

use spotwright_schemas::brief::FactId;
use spotwright_schemas::destination::Destination;
use spotwright_schemas::launch::{Claim, FittedText, Manifest, PackedFile, Platform, Results};
use spotwright_schemas::script::{Hook, Role, Script};
use spotwright_schemas::storyboard::FrameSize;
use unicode_segmentation::UnicodeSegmentation;
use url::form_urlencoded;

use crate::ports::publish_target::Publication;

/// Longest name of an advertisement in bytes; file systems take 255.
pub const MAX_NAME_BYTES: usize = 200;

/// Stands for what was cut.
const ELLIPSIS: char = '…';

/// What a platform asks of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSpec {
    /// Which platform.
    pub platform: Platform,
    /// Most characters beside the video; `None` for no limit.
    pub primary_text: Option<u32>,
    /// Most characters of the headline; `Some(None)` for no limit, `None` where there is no headline.
    pub headline: Option<Option<u32>>,
    /// Whether wide characters, such as Chinese ones, count as two.
    pub wide_counts_two: bool,
    /// Characters that are refused.
    pub refused: &'static str,
    /// `utm_source` and `utm_medium` of visits from there.
    pub utm: [&'static str; 2],
    /// Where this row was read, and when.
    pub source: &'static str,
}

/// What a platform asks of texts.
#[must_use]
pub const fn text_spec(platform: Platform) -> TextSpec {
    match platform {
        Platform::Generic => TextSpec {
            platform,
            primary_text: None,
            headline: Some(None),
            wide_counts_two: false,
            refused: "",
            utm: ["spotwright", "paid_video"],
            source: "this project: no limits",
        },
        Platform::TiktokFeed => TextSpec {
            platform,
            primary_text: Some(100),
            headline: None,
            wide_counts_two: true,
            refused: "{}#",
            utm: ["tiktok", "paid_social"],
            source: "ads.tiktok.com/help, ad description: 1-100 Latin or 1-50 Asian characters, no { } or # (2026-11); Douyin's own limits were not read",
        },
        Platform::MetaReels => TextSpec {
            platform,
            primary_text: Some(72),
            headline: Some(Some(10)),
            wide_counts_two: false,
            refused: "",
            utm: ["meta", "paid_social"],
            source: "lettercounter.org and adsuploader.com on Reels ads: 72 and 10 characters shown (2026-11); Meta's own page was not read",
        },
        Platform::YoutubeShorts => TextSpec {
            platform,
            primary_text: Some(90),
            headline: Some(Some(40)),
            wide_counts_two: true,
            refused: "",
            utm: ["youtube", "paid_video"],
            source: "support.google.com/google-ads/answer/13704860, Demand Gen: description 90, headline 40 (2026-11); wide characters as two is Google's rule for text ads",
        },
    }
}

/// Length as a platform counts.
fn length(text: &str, wide_counts_two: bool) -> u32 {
    let weight = |letter: char| if wide_counts_two && is_wide(letter) { 2 } else { 1 };
    text.chars().map(weight).sum()
}

/// Letters of East Asian scripts and full-width forms.
///
/// # Source
/// Unicode blocks: Hangul Jamo, CJK radicals to Yi, Hangul syllables, CJK compatibility ideographs and
/// forms, full-width forms, and the supplementary ideographic planes.
const fn is_wide(letter: char) -> bool {
    matches!(letter as u32,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x2_0000..=0x3_FFFD)
}

/// Cuts a text between words so that it fits, and says so.
///
/// A word is one by Unicode's rules (UAX 29), so Chinese is cut between characters. A text whose first
/// word alone is too long is cut inside it, between what readers see as characters. Where anything was
/// left out and there is room, an ellipsis says so.
#[must_use]
pub fn fit(text: &str, limit: Option<u32>, spec: &TextSpec) -> FittedText {
    let measure = |text: &str| length(text, spec.wide_counts_two);
    let whole = text.trim();
    let mut refused = String::new();
    for letter in spec.refused.chars().filter(|letter| whole.contains(*letter)) {
        refused.push(letter);
    }
    let fits = limit.is_none_or(|limit| measure(whole) <= limit);
    if fits {
        let (text, length) = (whole.to_owned(), measure(whole));
        return FittedText { text, cut: false, whole: None, length, limit, refused };
    }
    let room = limit.unwrap_or(u32::MAX).saturating_sub(1);
    let longest = |pieces: &mut dyn Iterator<Item = (usize, &str)>| {
        let ends = pieces.map(|(start, piece)| start + piece.len());
        ends.take_while(|end| measure(&whole[..*end]) <= room).last().unwrap_or(0)
    };
    let mut end = longest(&mut whole.split_word_bound_indices());
    if whole[..end].trim().is_empty() {
        end = longest(&mut whole.grapheme_indices(true));
    }
    let mut kept = without_torn_number(whole, end).to_owned();
    if limit.is_some_and(|limit| limit > 0) {
        kept.push(ELLIPSIS);
    }
    let length = measure(&kept);
    FittedText { text: kept, cut: true, whole: Some(whole.to_owned()), length, limit, refused }
}

/// The beginning of a text up to `end`, without signs at its end, and without a figure there that would
/// lose its unit: `48` of `48小时` says something else.
fn without_torn_number(whole: &str, end: usize) -> &str {
    let sign = |letter: char| !letter.is_alphanumeric();
    let kept = whole[..end].trim_end_matches(sign);
    let goes_on = whole[kept.len()..].starts_with(char::is_alphanumeric);
    let shorter = kept.trim_end_matches(char::is_numeric).trim_end_matches(sign);
    if goes_on && !shorter.is_empty() { shorter } else { kept }
}

/// The destination with tracking parameters. Those that the address already has of the same names, in
/// whatever case, are replaced; every other byte stays as it was given.
#[must_use]
pub fn tracked_url(destination: &Destination, parameters: &[(&str, &str)]) -> String {
    let text = destination.as_str();
    let fragment = destination.fragment_at();
    let (mark, begin, end) = match destination.query_span() {
        Some((begin, end)) => ("", begin, end),
        None => ("?", fragment, fragment),
    };
    let own = |pair: &&str| {
        let name = form_urlencoded::parse(pair.trim_end_matches('&').as_bytes()).next();
        name.is_some_and(|(name, _)| parameters.iter().any(|(own, _)| own.eq_ignore_ascii_case(&name)))
    };
    let mut query: String = query_pairs(&text[begin..end]).into_iter().filter(|pair| !own(pair)).collect();
    if !query.is_empty() && !query.ends_with('&') {
        query.push('&');
    }
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{}{mark}{query}{added}{}", &text[..begin], &text[fragment..])
}

/// The pairs of a query, each with the `&` that ends it. One inside the braces of a macro ends nothing.
fn query_pairs(query: &str) -> Vec<&str> {
    let (mut pairs, mut begin, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, letter) in query.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '&' if depth == 0 => {
                pairs.push(&query[begin..=at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        // A brace that is never closed is no macro.
        return query.split_inclusive('&').collect();
    }
    pairs.push(&query[begin..]);
    pairs
}

/// The name of an advertisement: brief, variant, what stands in each slot, aspect, e.g.
/// `morning-roast_g2-03_hook-question-bitter_body-smooth_proof-cupped_cta-shipping_9x16`. The variant
/// makes it unique within a run, so facts are left out from the end when it gets too long.
#[must_use]
pub fn ad_name(brief: &str, generation: u32, number: u32, script: &Script, size: FrameSize) -> String {
    let aspect = aspect(size);
    let begin = format!("{}_g{generation}-{number:02}", slug(brief));
    let mut name = begin;
    for role in Role::ALL {
        let mut slot = slot_name(role).to_owned();
        if role == Role::Hook {
            slot = format!("{slot}-{}", hook_name(script.direction.hook));
        }
        let facts = script.line(role).map(|line| line.rests_on.as_slice()).unwrap_or_default();
        for fact in facts.iter().map(FactId::as_str).map(slug) {
            slot = format!("{slot}-{fact}");
        }
        if name.len() + slot.len() + aspect.len() + 2 > MAX_NAME_BYTES {
            break;
        }
        name = format!("{name}_{slot}");
    }
    format!("{name}_{aspect}")
}

const fn slot_name(role: Role) -> &'static str {
    match role {
        Role::Hook => "hook",
        Role::Body => "body",
        Role::Proof => "proof",
        Role::Cta => "cta",
    }
}

const fn hook_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Question => "question",
        Hook::Number => "number",
        Hook::Contrast => "contrast",
        Hook::Command => "command",
        Hook::Scene => "scene",
        Hook::Statement => "statement",
    }
}

/// Width to height in lowest terms, e.g. `9x16`.
fn aspect(size: FrameSize) -> String {
    let (mut a, mut b) = (size.width.max(1), size.height.max(1));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    format!("{}x{}", size.width / a, size.height / a)
}

/// Letters and digits of any script, the rest as single hyphens; at most 60 bytes, at least one.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars() {
        let letter = if letter.is_alphanumeric() { letter } else { '-' };
        if slug.len() + letter.len_utf8() > 60 {
            break;
        }
        if letter != '-' || !(slug.is_empty() || slug.ends_with('-')) {
            slug.push(letter);
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "x".to_owned() } else { slug.to_owned() }
}

/// What the lines claim, fact by fact, with the brief's evidence.
fn claims(winner: &Publication) -> Vec<Claim> {
    let facts = &winner.brief.product.facts;
    let mut claims = Vec::new();
    for line in &winner.script.lines {
        let said = [line.caption.as_str(), line.detail.as_str()];
        let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
        for id in &line.rests_on {
            let fact = facts.iter().find(|fact| fact.id == *id);
            claims.push(Claim {
                role: line.role,
                text: said.join(" "),
                fact: id.as_str().to_owned(),
                evidence: fact.and_then(|fact| fact.evidence.as_ref()).map(|found| found.source.clone()),
            });
        }
    }
    claims
}

/// The manifest of a winner on a platform; `files` are what lies beside it.
#[must_use]
pub fn manifest(winner: &Publication, platform: Platform, files: Vec<PackedFile>) -> Manifest {
    let spec = text_spec(platform);
    let script = &winner.script;
    let name = ad_name(&winner.brief.id, winner.generation, winner.number, script, winner.size);
    let headline = script.line(Role::Hook).map_or("", |line| line.caption.as_str());
    let call = winner.brief.call_to_action.label(script.locale);
    let run = winner.run.to_string();
    let variant = winner.variant.to_string();
    let [source, medium] = spec.utm;
    let parameters = [
        ("utm_source", source),
        ("utm_medium", medium),
        ("utm_campaign", winner.brief.id.as_str()),
        ("utm_content", name.as_str()),
        ("utm_id", run.as_str()),
        ("utm_term", variant.as_str()),
    ];
    let url = tracked_url(&winner.brief.destination_url, &parameters);
    Manifest {
        format: "spotwright.launch-manifest.v1".to_owned(),
        platform,
        limits_source: spec.source.to_owned(),
        run: winner.run,
        brief: winner.brief.id.clone(),
        locale: script.locale,
        variant: winner.variant,
        generation: winner.generation,
        number: winner.number,
        direction: script.direction,
        primary_text: fit(&script.primary_text, spec.primary_text, &spec),
        headline: spec.headline.map(|limit| fit(headline, limit, &spec)),
        call_to_action: call.to_owned(),
        url,
        claims: claims(winner),
        disclosure: winner.disclosure.clone(),
        predicted_ctr: winner.score.predicted_ctr,
        results: Results {
            source: winner.source,
            delivery: winner.delivery,
            currency: winner.brief.budget.currency,
        },
        placement: winner.placement,
        external_refs: winner.external_refs.clone(),
        files,
        name,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spotwright_schemas::script::{Direction, Line};
    use url::Url;

    use super::*;

    fn spec(wide_counts_two: bool) -> TextSpec {
        TextSpec { wide_counts_two, refused: "#", ..text_spec(Platform::Generic) }
    }

    #[test]
    fn a_text_is_cut_between_words_and_says_so() {
        let fitted = fit("Smooth to the last sip, even black", Some(25), &spec(false));
        assert_eq!(fitted.text, "Smooth to the last sip…");
        assert_eq!((fitted.cut, fitted.length), (true, 23));
        assert_eq!(fitted.whole.as_deref(), Some("Smooth to the last sip, even black"));
        let chinese = fit("热水一冲，3分钟喝上手冲", Some(12), &spec(true));
        assert_eq!(chinese.text, "热水一冲…");
        assert_eq!(chinese.length, 9);
        let word = fit("Incomprehensibilities", Some(10), &spec(false));
        assert_eq!(word.text, "Incompreh…");
        let plain = fit("  #1 coffee ", None, &spec(false));
        assert_eq!((plain.text.as_str(), plain.cut, plain.refused.as_str()), ("#1 coffee", false, "#"));
    }

    fn tracked(address: &str, parameters: &[(&str, &str)]) -> String {
        tracked_url(&Destination::parse(address).unwrap(), parameters)
    }

    #[test]
    fn an_address_keeps_every_byte_that_is_not_tracking() {
        const OWN: [(&str, &str); 2] = [("utm_source", "meta"), ("utm_content", "a b&c")];
        for (address, expected) in [
            // Letters of any script, doubled names, flags, empty pairs, both spellings of a space.
            (
                "https://example.com/a?utm_source=old&q=咖啡&q=2&flag&&s=a%20b+c&e=#top",
                "https://example.com/a?q=咖啡&q=2&flag&&s=a%20b+c&e=&utm_source=meta&utm_content=a+b%26c#top",
            ),
            // Escapes of GBK and Latin-1.
            (
                "https://example.com/s?w=%CC%D5%b4%c9&seite=Gr%FC%DFe",
                "https://example.com/s?w=%CC%D5%b4%c9&seite=Gr%FC%DFe&utm_source=meta&utm_content=a+b%26c",
            ),
            // Macros of Google, Meta and TikTok, in the path too.
            (
                "https://example.com/{lang}?g={gclid}&m={{campaign.id}}&t=__CLICKID__&d={ifmobile:a&utm_source=b}",
                "https://example.com/{lang}?g={gclid}&m={{campaign.id}}&t=__CLICKID__&d={ifmobile:a&utm_source=b}&utm_source=meta&utm_content=a+b%26c",
            ),
            // Tracking in any case and spelling, its own macros included; other names that begin alike stay.
            (
                "https://example.com/?UTM_Source={{site}}&utm%5Fcontent=x&utm_source_platform=y&a",
                "https://example.com/?utm_source_platform=y&a&utm_source=meta&utm_content=a+b%26c",
            ),
            // No path, no query, an empty one, one that ends in `&`; a route in the fragment.
            ("https://example.com", "https://example.com?utm_source=meta&utm_content=a+b%26c"),
            ("https://example.com/?", "https://example.com/?utm_source=meta&utm_content=a+b%26c"),
            ("https://example.com/?a=1&", "https://example.com/?a=1&utm_source=meta&utm_content=a+b%26c"),
            (
                "https://example.com/?{&utm_source=1",
                "https://example.com/?{&utm_source=meta&utm_content=a+b%26c",
            ),
            (
                "https://Example.com:443/x/../y#/r?utm_source=1",
                "https://Example.com:443/x/../y?utm_source=meta&utm_content=a+b%26c#/r?utm_source=1",
            ),
        ] {
            assert_eq!(tracked(address, &OWN), expected);
            assert_eq!(tracked(expected, &OWN), expected, "again");
        }
    }

    fn script(facts: &[String]) -> Script {
        let line = |role| Line {
            role,
            caption: "words".to_owned(),
            detail: String::new(),
            voice: String::new(),
            picture: String::new(),
            rests_on: facts.iter().map(FactId::new).collect(),
            provenance: spotwright_schemas::script::Provenance {
                provider: "copy_engine".to_owned(),
                model: String::new(),
                prompt_hash: String::new(),
                fallback: false,
            },
        };
        Script {
            locale: spotwright_schemas::locale::Locale::ZhCn,
            direction: Direction { angle: spotwright_schemas::script::Angle::Problem, hook: Hook::Question },
            structure: None,
            idea: String::new(),
            learned_from: None,
            lines: Role::ALL.map(line).to_vec(),
            primary_text: "words".to_owned(),
        }
    }

    #[test]
    fn a_name_says_what_stands_in_each_slot() {
        let size = FrameSize { width: 1080, height: 1920 };
        assert_eq!(
            ad_name("coffee-zh", 2, 3, &script(&["rush".to_owned()]), size),
            "coffee-zh_g2-03_hook-question-rush_body-rush_proof-rush_cta-rush_9x16"
        );
        assert!(ad_name("晨光 挂耳", 1, 1, &script(&[]), size).starts_with("晨光-挂耳_g1-01_hook-question"));
    }

    /// English, Chinese, signs and spaces in any mixture.
    fn words() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[a-zA-Z0-9 ,.!#晨光挂耳咖啡，。👩‍🚀é/\\\\&?=%_-]{0,200}").unwrap()
    }

    proptest! {
        #[test]
        fn a_fitted_text_fits_and_is_a_beginning(text in words(), limit in 0_u32..120, wide: bool) {
            let fitted = fit(&text, Some(limit), &spec(wide));
            prop_assert!(fitted.length <= limit);
            prop_assert_eq!(fitted.length, length(&fitted.text, wide));
            let kept = fitted.text.trim_end_matches(ELLIPSIS);
            prop_assert!(text.trim().starts_with(kept));
            prop_assert_eq!(fitted.cut, length(text.trim(), wide) > limit);
            if let Some(whole) = fitted.whole {
                prop_assert_eq!(whole, text.trim());
                let before = text.trim()[..kept.len()].chars().next_back();
                prop_assert!(kept.is_empty() || before.is_some_and(char::is_alphanumeric));
            } else {
                prop_assert_eq!(fitted.text, text.trim());
            }
        }

        #[test]
        fn parameters_are_read_back_as_they_were_given(value in words(), other in words()) {
            let mut destination = Url::parse("https://example.com/shop").unwrap();
            destination.query_pairs_mut().append_pair("q", &other).append_pair("utm_content", "old");
            let url = tracked(destination.as_str(), &[("utm_source", "meta"), ("utm_content", &value)]);
            prop_assert!(url.is_ascii());
            let read = Url::parse(&url).unwrap();
            let pairs: Vec<(String, String)> = read.query_pairs().into_owned().collect();
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            prop_assert_eq!(
                pairs,
                vec![pair("q", &other), pair("utm_source", "meta"), pair("utm_content", &value)]
            );
        }

        #[test]
        fn without_tracking_of_its_own_an_address_only_grows(
            query in "[a-z0-9=&%{}+;/?:@_.~!$'()*,\\[\\]|^`-]{0,60}", fragment in "(#[a-z?&=/]{0,20})?",
        ) {
            prop_assume!(!query.contains("utm") && !query.contains('%'));
            let address = format!("https://example.com/p?{query}{fragment}");
            let url = tracked(&address, &[("utm_source", "meta")]);
            let separator = if query.is_empty() || query.ends_with('&') { "" } else { "&" };
            prop_assert_eq!(url, format!("https://example.com/p?{query}{separator}utm_source=meta{fragment}"));
        }

        #[test]
        fn a_name_is_a_file_name_and_keeps_variant_and_aspect(
            brief in words(), facts in prop::collection::vec(words(), 0..6), number in 1_u32..65,
        ) {
            let size = FrameSize { width: 720, height: 1280 };
            let name = ad_name(&brief, 1, number, &script(&facts), size);
            prop_assert!(name.len() <= MAX_NAME_BYTES);
            prop_assert!(name.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter)));
            let unique = format!("_g1-{number:02}_");
            prop_assert!(name.contains(&unique) && name.ends_with("_9x16"), "{}", name);
        }
    }

    #[test]
    fn the_limits_of_every_platform_name_their_source() {
        for platform in Platform::ALL {
            let spec = text_spec(platform);
            assert_eq!(spec.platform, platform);
            assert!(spec.source.len() > 10);
        }
    }
}
