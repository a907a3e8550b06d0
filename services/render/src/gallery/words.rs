//! The words of the gallery: for each layout what it is made for.

use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::Layout;

/// The texts of one shot. Brand and product are invented.
pub(super) struct Words {
    pub(super) role: Role,
    pub(super) caption: &'static str,
    pub(super) detail: &'static str,
    pub(super) button: &'static str,
    pub(super) brand: &'static str,
    pub(super) disclaimer: &'static str,
}

/// What a line is about.
#[derive(Clone, Copy)]
enum Theme {
    Question,
    Moment,
    Figure,
    Points,
    Offer,
    Benefit,
    Place,
    End,
}

const fn theme(layout: Layout) -> Theme {
    match layout {
        Layout::Bubble | Layout::Headline | Layout::Plates => Theme::Question,
        Layout::FullBleed | Layout::SideBand | Layout::Spotlight | Layout::Arch | Layout::Statement => {
            Theme::Moment
        }
        Layout::Number | Layout::GiantWord | Layout::Poster | Layout::Ribbon => Theme::Figure,
        Layout::Checklist | Layout::Duo | Layout::Triptych => Theme::Points,
        Layout::PriceTag | Layout::Ticket | Layout::Burst => Theme::Offer,
        Layout::Card | Layout::Framed | Layout::Circle | Layout::Phone | Layout::Pedestal => Theme::Benefit,
        Layout::Place => Theme::Place,
        Layout::EndCard | Layout::EndProduct | Layout::EndType | Layout::EndTicket => Theme::End,
    }
}

/// Role, caption, detail of a theme.
const fn english(theme: Theme) -> (Role, &'static str, &'static str) {
    match theme {
        Theme::Question => {
            (Role::Hook, "Still pouring out cold coffee at ten?", "There is a bottle for that")
        }
        Theme::Moment => (Role::Hook, "The first sip after the last climb", "Cold since this morning"),
        Theme::Figure => {
            (Role::Proof, "Keeps ice for 24 hours, tea for 12", "Tested at 20 °C in our own lab")
        }
        Theme::Points => {
            (Role::Body, "Made for every day", "18/10 steel; 750 ml; dishwasher safe; no plastic inside")
        }
        Theme::Offer => (Role::Body, "$29 instead of $39 until Sunday", "Free returns for 60 days"),
        Theme::Benefit => (Role::Body, "The cap clicks when it is shut", "So the bag stays dry"),
        Theme::Place => (Role::Body, "12 Harbor Street, by the old pier", "Open daily from 8 to 20"),
        Theme::End => (Role::Cta, "Yours for $29 until Sunday", "Free shipping over $25"),
    }
}

/// As [`english`], in Chinese.
const fn chinese(theme: Theme) -> (Role, &'static str, &'static str) {
    match theme {
        Theme::Question => (Role::Hook, "早上泡的茶，十点就凉了？", "换个杯子试试"),
        Theme::Moment => (Role::Hook, "爬到山顶，第一口还是冰的", "早上装的水，一直凉着"),
        Theme::Figure => (Role::Proof, "冰块24小时不化，热茶12小时不凉", "20℃室温，实验室测得"),
        Theme::Points => (Role::Body, "每天都用得上", "316不锈钢；750毫升；可机洗；内壁无塑料"),
        Theme::Offer => (Role::Body, "到周日前，39元减到29元", "60天内免费退换"),
        Theme::Benefit => (Role::Body, "拧紧时，盖子会咔一声", "包里不会再湿一片"),
        Theme::Place => (Role::Body, "港口街12号，老码头旁", "每天8点到20点"),
        Theme::End => (Role::Cta, "周日前下单，只要29元", "满25元包邮"),
    }
}

pub(super) const fn of(locale: Locale, layout: Layout) -> Words {
    let theme = theme(layout);
    let chinese_text = locale.is_chinese();
    let (role, caption, detail) = if chinese_text { chinese(theme) } else { english(theme) };
    let (brand, button, small) = if chinese_text {
        ("北光", "立即下单", "数量有限，售完即止。")
    } else {
        ("Northlight", "Order now", "While stocks last.")
    };
    let end = layout.is_end();
    let (button, disclaimer) = if end { (button, small) } else { ("", "") };
    Words { role, caption, detail, button, brand, disclaimer }
}
