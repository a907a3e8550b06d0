//! The look of an advertisement: one visual style, and a layout for every shot.
//!
//! Pure and deterministic. The brief's tone and line of business say which styles suit it; the script's opening
//! chooses among them, so that the advertisements of one generation look different. A layout is chosen by what
//! its line says (a figure, a question, points, an offer), by the style's taste, and so that none comes again
//! before three others were seen.

use spotwright_schemas::brief::{Brief, Tone, Vertical};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Line, Role, Script};
use spotwright_schemas::storyboard::{Layout, VisualStyle};

use crate::storyboard::hash;

/// Style and layouts of one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Style of the whole advertisement.
    pub(crate) style: VisualStyle,
    /// One layout for each line.
    pub(crate) layouts: Vec<Layout>,
}

/// What is known of a line's shot besides its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The picture is too small to fill the frame.
    pub(crate) soft: bool,
    /// A clip moves in the picture's place.
    pub(crate) clip: bool,
}

/// The look of a whole script; `settings` has one entry for each line.
pub(crate) fn look(brief: &Brief, script: &Script, settings: &[Setting], seed: u64) -> Look {
    let opening = script.lines.first().map_or("", |line| line.caption.as_str());
    let stream = Stream::new(seed, "look").child(hash(&[&brief.id, opening]));
    let styles = styles(brief);
    let style = styles[stream.below(0, styles.len())];
    let mut layouts: Vec<Layout> = Vec::with_capacity(script.lines.len());
    for (idx, (line, setting)) in script.lines.iter().zip(settings).enumerate() {
        let candidates = candidates(brief, line, *setting);
        let least = candidates
            .iter()
            .enumerate()
            .min_by_key(|(place, layout)| {
                let seen = layouts.iter().rev().position(|earlier| earlier == *layout);
                let again = match seen {
                    Some(0) => 100,
                    Some(1 | 2) => 40,
                    Some(_) => 12,
                    None => 0,
                };
                let alike = layouts.last().is_some_and(|last| family(*last) == family(**layout));
                let chance = stream.below(1 + 16 * idx as u64 + *place as u64, 6);
                again + usize::from(alike) * 9 + distaste(style, **layout) + place.min(&6) + chance
            })
            .map_or(Layout::Framed, |(_, layout)| *layout);
        layouts.push(least);
    }
    Look { style, layouts }
}

/// Styles that suit the brief, the first the most usual.
fn styles(brief: &Brief) -> Vec<VisualStyle> {
    use VisualStyle::{Documentary, Editorial, Playful, Premium, Sale, Tech};
    let mut styles = match brief.brand.tone {
        Tone::Bold => vec![Sale, Editorial, Tech, Playful],
        Tone::Playful => vec![Playful, Sale, Editorial, Tech],
        Tone::Warm => vec![Editorial, Documentary, Premium, Playful],
        Tone::Plain => vec![Documentary, Editorial, Tech, Premium],
    };
    let own = brief.product.vertical.and_then(|vertical| match vertical {
        Vertical::Beauty | Vertical::CoffeeTea => Some(Premium),
        Vertical::Restaurant | Vertical::FoodDrink | Vertical::Pets | Vertical::KidsEducation => {
            Some(Playful)
        }
        Vertical::Home | Vertical::Kitchen | Vertical::Drinkware => Some(Editorial),
        Vertical::Electronics | Vertical::App | Vertical::Game => Some(Tech),
        _ => None,
    });
    if let Some(own) = own.filter(|own| !styles.contains(own)) {
        styles.push(own);
    }
    styles
}

/// Layouts that can carry the line, the fittest first.
fn candidates(brief: &Brief, line: &Line, setting: Setting) -> Vec<Layout> {
    let caption = line.caption.trim_end();
    let question = caption.ends_with(['?', '？']);
    let figure = tells_figure(caption);
    let long = crate::text::length(caption) > 46;
    let offer = says_price(brief, caption);
    let mut fit: Vec<Layout> = match line.role {
        Role::Hook if question => {
            vec![Layout::Bubble, Layout::Plates, Layout::Headline, Layout::FullBleed, Layout::SideBand]
        }
        Role::Hook if figure => {
            vec![Layout::Number, Layout::GiantWord, Layout::Poster, Layout::Ribbon, Layout::Headline]
        }
        Role::Hook => vec![
            Layout::FullBleed,
            Layout::Headline,
            Layout::Plates,
            Layout::Spotlight,
            Layout::SideBand,
            Layout::Ribbon,
            Layout::Arch,
        ],
        Role::Body | Role::Proof => body(brief, line, figure, offer),
        Role::Cta if offer => vec![Layout::EndTicket, Layout::EndProduct, Layout::EndCard],
        Role::Cta => vec![Layout::EndCard, Layout::EndProduct, Layout::EndType],
    };
    if setting.clip {
        fit.retain(|layout| takes_clip(*layout));
    }
    if setting.soft {
        fit.retain(|layout| !fills_frame(*layout));
    }
    if long {
        fit.retain(|layout| !matches!(layout, Layout::Bubble | Layout::GiantWord | Layout::PriceTag));
    }
    if fit.is_empty() {
        fit = if setting.clip {
            vec![Layout::Card, Layout::Framed]
        } else {
            vec![Layout::Framed, Layout::Circle, Layout::Card]
        };
    }
    fit
}

fn body(brief: &Brief, line: &Line, figure: bool, offer: bool) -> Vec<Layout> {
    if offer {
        return vec![Layout::PriceTag, Layout::Ticket, Layout::Burst, Layout::Ribbon];
    }
    let points = line.detail.split(['；', ';', '、', '，']).filter(|part| !part.trim().is_empty()).count();
    let app = matches!(brief.product.vertical, Some(Vertical::App | Vertical::Game));
    let mut fit = Vec::new();
    if says_place(&line.caption) {
        fit.push(Layout::Place);
    }
    if points > 1 {
        fit.push(Layout::Checklist);
    }
    if app {
        fit.push(Layout::Phone);
    }
    if figure {
        fit.push(Layout::Number);
    }
    if line.role == Role::Proof {
        fit.extend([Layout::Poster, Layout::Statement]);
    }
    fit.extend([
        Layout::Framed,
        Layout::SideBand,
        Layout::Circle,
        Layout::Pedestal,
        Layout::Plates,
        Layout::Duo,
        Layout::Card,
        Layout::Triptych,
        Layout::FullBleed,
        Layout::Headline,
        Layout::Arch,
    ]);
    fit
}

/// Whether a caption says the offer's price or saving. A share is one only where it is said to be taken off: 90 %
/// down is no price.
fn says_price(brief: &Brief, caption: &str) -> bool {
    const SAVING: [&str; 9] = ["off", "save", "Save", "less", "减", "省", "优惠", "返", "降"];
    let money = ['$', '¥', '￥', '£', '€', '元'].iter().any(|sign| caption.contains(*sign));
    let share = caption.contains(['%', '％']) && SAVING.iter().any(|word| caption.contains(word));
    brief.offer.is_some() && (money || share || caption.contains("折"))
}

/// Whether a caption names the street that something is in: a street's name with its number, or one that
/// somebody is found on. "On the road" and a crossing name none.
fn says_place(caption: &str) -> bool {
    const STREETS: [&str; 8] = ["Street", "Avenue", "Road", "Lane", "Row", "Square", "Boulevard", "Quay"];
    let named = |words: &[&str]| {
        let clean = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        words.windows(3).any(|three| {
            let [before, name, street] = [clean(three[0]), clean(three[1]), clean(three[2])];
            STREETS.contains(&street.as_str())
                && name.starts_with(char::is_uppercase)
                && (before.chars().all(|c| c.is_ascii_digit())
                    || ["on", "at", "in", "On", "At"].contains(&before.as_str()))
        })
    };
    let words: Vec<&str> = caption.split_whitespace().collect();
    if named(&words) {
        return true;
    }
    let chars: Vec<char> = caption.chars().collect();
    (2..chars.len()).any(|at| {
        let in_street = matches!(chars[at], '街' | '路' | '巷' | '道')
            && chars[at - 2..at].iter().all(|c| ('\u{4E00}'..='\u{9FFF}').contains(c));
        let next = chars.get(at + 1).copied();
        let has_number = next.is_some_and(|c| c.is_ascii_digit()) && chars[at..].contains(&'号');
        let is_there = next == Some('开') && chars[..at].contains(&'在');
        in_street && (has_number || is_there)
    })
}

/// Whether a caption has a figure of two digits or more that is no time of day.
fn tells_figure(caption: &str) -> bool {
    let mut digits = 0;
    for (at, c) in caption.char_indices() {
        if c.is_ascii_digit() {
            digits += 1;
            continue;
        }
        let rest = caption[at..].trim_start();
        let is_time =
            rest.starts_with([':', '：', '点', '时']) || rest.starts_with("am") || rest.starts_with("pm");
        if digits > 1 && !is_time {
            return true;
        }
        digits = 0;
    }
    digits > 1
}

/// Whether the picture fills the whole frame.
const fn fills_frame(layout: Layout) -> bool {
    matches!(
        layout,
        Layout::FullBleed
            | Layout::Headline
            | Layout::Plates
            | Layout::Ribbon
            | Layout::SideBand
            | Layout::PriceTag
            | Layout::Burst
            | Layout::Duo
    )
}

/// Whether a clip is seen large and whole in the layout.
const fn takes_clip(layout: Layout) -> bool {
    matches!(
        layout,
        Layout::FullBleed
            | Layout::Headline
            | Layout::Plates
            | Layout::Ribbon
            | Layout::SideBand
            | Layout::Card
            | Layout::Framed
            | Layout::Poster
            | Layout::EndCard
    )
}

/// Layouts that look alike at a glance.
const fn family(layout: Layout) -> u8 {
    match layout {
        Layout::FullBleed | Layout::Headline => 0,
        Layout::Plates | Layout::Ribbon | Layout::SideBand | Layout::PriceTag | Layout::Burst => 1,
        Layout::Card | Layout::Framed | Layout::Duo | Layout::Triptych | Layout::Phone | Layout::Bubble => 2,
        Layout::Circle | Layout::Arch | Layout::Place => 3,
        Layout::Spotlight | Layout::Pedestal | Layout::GiantWord => 4,
        Layout::Statement | Layout::Number | Layout::Checklist => 5,
        Layout::Poster | Layout::Ticket => 6,
        Layout::EndCard | Layout::EndProduct | Layout::EndType | Layout::EndTicket => 7,
    }
}

/// How little a style cares for a layout: 0 for those it is made for.
const fn distaste(style: VisualStyle, layout: Layout) -> usize {
    match (style, layout) {
        (VisualStyle::Premium, Layout::Burst | Layout::PriceTag | Layout::Bubble | Layout::Plates)
        | (VisualStyle::Documentary, Layout::Burst | Layout::GiantWord | Layout::Phone | Layout::PriceTag) => {
            20
        }
        (
            VisualStyle::Premium,
            Layout::Arch | Layout::Framed | Layout::Spotlight | Layout::Pedestal | Layout::EndType,
        )
        | (
            VisualStyle::Sale,
            Layout::Burst | Layout::PriceTag | Layout::Ribbon | Layout::GiantWord | Layout::Ticket,
        )
        | (
            VisualStyle::Documentary,
            Layout::Framed | Layout::SideBand | Layout::Headline | Layout::Triptych,
        )
        | (
            VisualStyle::Tech,
            Layout::Number | Layout::Checklist | Layout::Duo | Layout::Phone | Layout::SideBand,
        )
        | (VisualStyle::Playful, Layout::Circle | Layout::Bubble | Layout::Plates | Layout::Burst)
        | (VisualStyle::Editorial, Layout::FullBleed | Layout::Card | Layout::Poster | Layout::EndCard) => 0,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_way() {
        for caption in [
            "14 years on Brindle Row, same two dentists",
            "Come in: 12 Harbor Street",
            "在江桥路开了8年",
            "在檐下街开诊第11年",
            "港口街12号，老码头旁",
        ] {
            assert!(says_place(caption), "{caption}");
        }
        for caption in [
            "去医院的路上，猫在包里一直叫",
            "路口打电话，对方听得清",
            "雨停了，路面还亮着",
            "On the road by seven",
            "Two people in a row",
            "出站有人接，不用自己找路",
        ] {
            assert!(!says_place(caption), "{caption}");
        }
    }
}
