//! What the rules of advertising text promise for every text.

use proptest::prelude::*;
use spotwright_core::domain::copy_rules::quantity::{
    Currency, Link, Number, Qualifier, Quantity, Unit, Value, figure, parse, unstated,
};
use spotwright_core::domain::copy_rules::terms::lint;
use spotwright_schemas::Locale;
use spotwright_schemas::wording::{find_term, is_denied};

fn locales() -> impl Strategy<Value = Locale> {
    prop_oneof![Just(Locale::EnUs), Just(Locale::EnGb), Just(Locale::ZhCn)]
}

/// Texts made of the words that the grammar knows, in any order.
fn crowded() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "1",
        "2",
        "10",
        "299",
        "2026",
        "000",
        ".",
        ",",
        "/",
        ":",
        "-",
        "–",
        "~",
        "+",
        " ",
        "\u{A0}",
        "'",
        "%",
        "$",
        "HK$",
        "US$",
        "€",
        "￥",
        "¥",
        "kr",
        "zł",
        "RMB",
        "元",
        "块",
        "万",
        "亿",
        "千",
        "k",
        "m",
        "million",
        "bn",
        "up to ",
        "from ",
        "at least ",
        " or more",
        "起",
        "以上",
        "内",
        "约",
        "最多",
        "买",
        "送",
        "满",
        "减",
        "第",
        "每",
        "一",
        "两",
        "十",
        "百",
        "半",
        "分之",
        "点",
        "月",
        "日",
        "年",
        "只",
        "个小时",
        "折",
        "½",
        "①",
        "x",
        "×",
        " of ",
        " out of ",
        " to ",
        " per month",
        " a bag",
        "/mo",
        " off",
        "Buy ",
        " get ",
        " free",
        "May ",
        "pm",
        "V60",
        "one ",
        "twenty-",
        "five ",
        "hundred ",
        "dozen ",
        "half ",
        "days",
        "mugs",
        "°C",
        "-in-",
        "\u{200B}",
        "𝟙",
        "٣",
        "５",
    ]);
    prop::collection::vec(words, 0..14).prop_map(|words| words.concat())
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        (0_i128..2_000_000_000).prop_map(Number::whole),
        (1_i128..1_000_000).prop_filter_map("two decimals", |cents| Number::fraction(cents, 100)),
    ]
}

fn currencies() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["USD", "HKD", "SGD", "EUR", "GBP", "CNY", "JPY", "SEK", "PLN", "INR", "KR"])
        .prop_map(|code| Currency(code.into()))
}

fn nouns() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec!["mug", "roaster", "cup", "review", "bag"])
        .prop_map(|word| Unit::Noun { head: word.to_owned(), phrase: vec![word.to_owned()] })
}

fn units() -> impl Strategy<Value = Unit> {
    let measures = prop::sample::select(vec![
        "%",
        "hour",
        "day",
        "month",
        "year",
        "°C",
        "°F",
        "meter",
        "kilogram",
        "ounce",
        "liter",
        "watt hour",
        "times",
        "jin",
        "square meter",
        "kilocalorie",
        "milliampere hour",
        "mile per hour",
        "gigahertz",
    ]);
    let classifiers = prop::sample::select(vec!["只", "件", "袋", "盒", "位", "款", "人份"]);
    prop_oneof![measures.prop_map(Unit::Measure), classifiers.prop_map(Unit::Classifier), nouns()]
}

fn plain_values() -> impl Strategy<Value = Value> {
    prop_oneof![
        numbers().prop_map(Value::Number),
        (1_i128..1_000, 1_i128..1_000)
            .prop_map(|(low, more)| Value::Range(Number::whole(low), Number::whole(low + more))),
    ]
}

fn quantities() -> impl Strategy<Value = Quantity> {
    let qualifiers = prop::sample::select(vec![
        Qualifier::Exact,
        Qualifier::AtLeast,
        Qualifier::MoreThan,
        Qualifier::AtMost,
        Qualifier::LessThan,
        Qualifier::Within,
        Qualifier::About,
        Qualifier::First,
    ]);
    let pers = prop::option::of(prop_oneof![
        prop::sample::select(vec!["hour", "day", "month", "year"]).prop_map(Unit::Measure),
        nouns(),
    ]);
    let amounts =
        (plain_values(), currencies(), pers, any::<bool>()).prop_map(|(value, currency, per, discount)| {
            Quantity {
                value,
                currency: Some(currency),
                unit: None,
                per,
                qualifier: Qualifier::Exact,
                discount,
            }
        });
    let counts = (plain_values(), units(), any::<bool>()).prop_map(|(value, unit, off)| {
        let discount = off && unit == Unit::Measure("%");
        Quantity { value, currency: None, unit: Some(unit), per: None, qualifier: Qualifier::Exact, discount }
    });
    let alone = |value| Quantity {
        value,
        currency: None,
        unit: None,
        per: None,
        qualifier: Qualifier::Exact,
        discount: false,
    };
    let links =
        prop::sample::select(vec![Link::Slash, Link::Colon, Link::By, Link::Plus, Link::Free, Link::For]);
    let pairs = (10_i128..60, 1_i128..9, links)
        .prop_map(move |(a, b, link)| alone(Value::Pair(Number::whole(a), Number::whole(b), link)));
    let clocks = (1_u8..=12, 0_u8..60, prop::option::of(any::<bool>()))
        .prop_map(move |(hour, minute, afternoon)| alone(Value::Clock { hour, minute, afternoon }));
    let dates = (prop::option::of(1990_u16..2060), 1_u8..=12, prop::option::of(1_u8..=31))
        .prop_map(move |(year, month, day)| alone(Value::Date { year, month: Some(month), day }));
    prop_oneof![
        4 => (prop_oneof![amounts, counts], qualifiers).prop_map(|(quantity, qualifier)| Quantity { qualifier, ..quantity }),
        1 => prop_oneof![pairs, clocks, dates],
    ]
}

fn check_spans(text: &str, locale: Locale) -> Result<(), TestCaseError> {
    let mut end = 0;
    for found in parse(text, locale) {
        prop_assert!(found.span.start >= end && found.span.start < found.span.end, "{text:?} {found:?}");
        prop_assert!(text.get(found.span.clone()).is_some(), "{text:?} {found:?}");
        end = found.span.end;
    }
    if let Some(shown) = figure(text, locale) {
        prop_assert!(text.contains(&shown), "{text:?} {shown:?}");
    }
    prop_assert!(unstated(text, &[text], locale).is_empty(), "{text:?} states its own figures");
    let count = text.chars().count();
    for hit in lint(text, locale, &["Best Bean"]) {
        prop_assert!(hit.span[0] < hit.span[1] && hit.span[1] <= count);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_in_whole_characters_and_states_its_own_figures(text in "\\PC{0,60}", locale in locales()) {
        check_spans(&text, locale)?;
    }

    #[test]
    fn any_crowd_of_figures_is_read_in_whole_characters_and_states_itself(text in crowded(), locale in locales()) {
        check_spans(&text, locale)?;
    }

    #[test]
    fn a_written_quantity_is_read_back(quantity in quantities(), locale in locales()) {
        let text = quantity.to_string();
        let found = parse(&text, locale);
        prop_assert_eq!(found.len(), 1, "{} {:?}", text, found);
        prop_assert_eq!(&found[0].quantity, &quantity, "{}", text);
        prop_assert_eq!(&found[0].span, &(0..text.len()), "{}", text);
    }

    #[test]
    fn a_quantity_inside_a_sentence_is_the_same_quantity(quantity in quantities()) {
        let text = format!("Mugs, {quantity}, no more");
        let found = parse(&text, Locale::EnUs);
        prop_assert_eq!(found.len(), 1, "{} {:?}", text, found);
        prop_assert_eq!(&found[0].quantity, &quantity, "{}", text);
    }

    #[test]
    fn another_number_is_another_quantity(quantity in quantities(), other in quantities()) {
        prop_assume!(quantity.value != other.value);
        let numbers = |value: &Value| matches!(value, Value::Number(_) | Value::Range(..));
        prop_assume!(numbers(&quantity.value) && numbers(&other.value));
        prop_assert!(!quantity.states(&other), "{} | {}", quantity, other);
    }

    #[test]
    fn terms_are_found_within_the_text_in_any_text(text in "\\PC{0,40}", term in "\\PC{0,6}") {
        let count = text.chars().count();
        for place in find_term(&text, &term) {
            prop_assert!(place.start < place.end && place.end <= count);
        }
        prop_assert!(!is_denied(&text, &term) || !find_term(&text, &term).is_empty());
    }
}
