//! The draft: what was found, what says it, and what has to be asked.

use std::collections::BTreeSet;

use serde::Serialize;
use spotwright_core::domain::copy_rules::orders::speaks_to_a_program;
use spotwright_core::domain::copy_rules::quantity::{self, Value};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::FactKind;
use spotwright_schemas::storyboard::Color;

use crate::document::{Document, Evidence, Found, squeezed};
use crate::facts::{self, Reason, Statement};
use crate::findings::{DraftPicture, Findings, Ranked, best};
use crate::prices::{self, Price, Role};
use crate::text::sentences;

/// Most facts of a draft; a brief holds 40.
const MAX_FACTS: usize = 32;

/// Most prices of a text without markup that are looked at.
const MAX_PRICES: usize = 60;

/// Most sentences that are listed as left out.
const MAX_LEFT_OUT: usize = 100;

/// A statement that may be said of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftFact {
    /// Name inside the brief.
    pub id: String,
    /// What kind of statement it is.
    pub kind: FactKind,
    /// The statement, word for word a part of its sentence.
    pub text: String,
    /// The sentence and its place.
    pub evidence: Evidence,
}

/// The one reason to act now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftOffer {
    /// The source's words.
    pub text: String,
    /// Price to pay.
    pub price_now: Option<Price>,
    /// Price before.
    pub price_before: Option<Price>,
    /// Last day as `2026-12-24`; absent where the source gives none with a year.
    pub ends: Option<String>,
    /// The sentence and its place.
    pub evidence: Evidence,
    /// Further sentences of the source that offer something.
    pub also: Vec<Evidence>,
}

/// Something that the sources do not say, as a question to the advertiser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Path of the brief's field.
    pub field: &'static str,
    /// The question.
    pub question: String,
}

/// A sentence that no fact was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The sentence.
    pub text: String,
    /// Why.
    pub reason: Reason,
}

/// A draft brief for correction. Every value is a span of a source's text; nothing is made up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// Texts of the sources, which spans point into.
    pub documents: Vec<Document>,
    /// Language of the advertisement.
    pub locale: Locale,
    /// The language that the source declares, where it does.
    pub language: Option<String>,
    /// Name of the product.
    pub name: Option<Found<String>>,
    /// Name as spoken, where the source has one that is short enough.
    pub short_name: Option<Found<String>>,
    /// What kind of thing it is.
    pub category: Option<Found<String>>,
    /// Who advertises.
    pub brand: Option<Found<String>>,
    /// Price at this moment.
    pub price: Option<Found<Price>>,
    /// Price before.
    pub price_before: Option<Found<Price>>,
    /// Whether it can be bought at this moment, where the source says.
    pub in_stock: Option<Found<bool>>,
    /// The key offer.
    pub offer: Option<DraftOffer>,
    /// What may be said of it.
    pub facts: Vec<DraftFact>,
    /// For whom it is, in the source's words.
    pub audience: Option<Found<String>>,
    /// Pictures.
    pub pictures: Vec<DraftPicture>,
    /// Colors of the brand, the most telling first.
    pub colors: Vec<Found<Color>>,
    /// Page that a click opens.
    pub destination_url: Option<Found<String>>,
    /// What has to be asked.
    pub missing: Vec<Question>,
    /// What was read and not taken.
    pub left_out: Vec<LeftOut>,
    /// Every sentence that offers something, also those that are too long for a fact.
    #[serde(skip)]
    pub(crate) offers_said: Vec<Evidence>,
}

/// The locale of a declared language, or of the letters and the money of a text.
pub(crate) fn locale_of(declared: Option<&str>, text: &str) -> Locale {
    let declared = declared.map(str::trim).unwrap_or_default().to_ascii_lowercase().replace('_', "-");
    let has_chinese = text.chars().any(|c| ('\u{3400}'..='\u{9FFF}').contains(&c));
    // A template's `lang="en"` above a Chinese page is an oversight.
    if facts::is_chinese(text) || (declared.starts_with("zh") && has_chinese) {
        return Locale::ZhCn;
    }
    match declared.as_str() {
        "en-us" | "en-ca" => Locale::EnUs,
        "en-gb" | "en-uk" | "en-ie" | "en-au" | "en-nz" | "en-za" | "en-in" => Locale::EnGb,
        _ if is_british(text) => Locale::EnGb,
        _ => Locale::EnUs,
    }
}

/// Whether a text of English without a declared country is written for Britain or Europe, by its money:
/// pounds and euros where there are more of them than dollars.
fn is_british(text: &str) -> bool {
    let (mut sterling, mut dollars) = (0_usize, 0_usize);
    for c in text.chars().take(200_000) {
        sterling += usize::from(matches!(c, '£' | '€'));
        dollars += usize::from(c == '$');
    }
    let codes = |code: &str| text.matches(code).take(1_000).count();
    sterling + codes("GBP") + codes("EUR") > dollars + codes("USD")
}

/// Puts the findings of all sources together; what an earlier source says comes before what a later one does.
pub(crate) fn assemble(mut sources: Vec<Findings>, wanted: Option<Locale>) -> Draft {
    let language = sources.iter().find_map(|source| source.language.clone());
    let start: String = sources.iter().flat_map(|source| source.document.text.chars().take(4_000)).collect();
    let settled = wanted.or_else(|| sources.iter().find_map(|source| source.locale));
    let locale = settled.unwrap_or_else(|| locale_of(language.as_deref(), &start));
    let mut draft = Draft {
        documents: Vec::new(),
        locale,
        language,
        name: merged(&sources, |own| &own.names),
        short_name: merged(&sources, |own| &own.short_names),
        category: merged(&sources, |own| &own.categories).filter(|own| own.value.chars().count() <= 30),
        brand: merged(&sources, |own| &own.brands),
        price: merged(&sources, |own| &own.prices),
        price_before: merged(&sources, |own| &own.befores),
        in_stock: merged(&sources, |own| &own.stock),
        offer: None,
        facts: Vec::new(),
        audience: None,
        pictures: Vec::new(),
        colors: Vec::new(),
        destination_url: merged(&sources, |own| &own.destinations),
        missing: Vec::new(),
        left_out: Vec::new(),
        offers_said: Vec::new(),
    };
    settle_prices(&mut draft, &sources);
    if draft.short_name.is_none() {
        draft.short_name = draft.name.clone().filter(|name| name.value.chars().count() <= 20);
    }
    for source in &sources {
        state(source, locale, &mut draft);
        for picture in &source.pictures {
            if draft.pictures.len() < 24 && !draft.pictures.iter().any(|own| own.url == picture.url) {
                draft.pictures.push(picture.clone());
            }
        }
        let mut colors: Vec<&(u8, Found<Color>)> = source.colors.iter().collect();
        colors.sort_by_key(|(rank, _)| *rank);
        draft.colors.extend(colors.into_iter().map(|(_, found)| found.clone()));
    }
    draft.offer = key_offer(&draft, &sources);
    draft.missing = questions(&draft);
    draft.documents = sources.iter_mut().map(|source| std::mem::take(&mut source.document)).collect();
    draft
}

fn merged<T: Clone>(sources: &[Findings], of: fn(&Findings) -> &Ranked<T>) -> Option<Found<T>> {
    sources.iter().find_map(|source| best(of(source))).cloned()
}

/// One currency for both prices, and a price before that is above the price.
fn settle_prices(draft: &mut Draft, sources: &[Findings]) {
    let known = |price: &Option<Found<Price>>| price.as_ref().and_then(|own| own.value.currency.clone());
    let anywhere = || {
        let mut all = sources.iter().flat_map(|source| source.prices.iter().chain(&source.befores));
        all.find_map(|(_, found)| found.value.currency.clone())
    };
    let currency = known(&draft.price).or_else(|| known(&draft.price_before)).or_else(anywhere);
    for price in [&mut draft.price, &mut draft.price_before].into_iter().flatten() {
        price.value.currency = price.value.currency.take().or_else(|| currency.clone());
    }
    let now = draft.price.as_ref().map(|own| own.value.clone());
    let fits = |before: &Price| {
        now.as_ref().is_some_and(|now| before.amount > now.amount && before.currency == now.currency)
    };
    if draft.price_before.as_ref().is_some_and(|own| !fits(&own.value)) {
        let mut all: Vec<&(u8, Found<Price>)> =
            sources.iter().flat_map(|source| source.befores.iter()).collect();
        all.sort_by_key(|(rank, _)| *rank);
        let usable = all.into_iter().map(|(_, found)| found.clone()).find(|found| {
            let own = Price {
                currency: found.value.currency.clone().or_else(|| currency.clone()),
                ..found.value.clone()
            };
            fits(&own)
        });
        draft.price_before = usable;
        if let Some(before) = &mut draft.price_before {
            before.value.currency = before.value.currency.take().or(currency);
        }
    }
}

/// Sorts the sentences of a source into facts, audience and what is left out.
fn state(source: &Findings, locale: Locale, draft: &mut Draft) {
    let mut seen: BTreeSet<String> = draft.facts.iter().map(|fact| folded(&fact.text)).collect();
    let mut considered: Vec<(usize, DraftFact)> = Vec::new();
    for (order, statement) in source.statements.iter().enumerate() {
        let Some(line) = source.document.text.get(statement.span.clone()) else { continue };
        let spans = sentences(line);
        // A line that speaks to a program does so in all its sentences.
        let is_instruction = speaks_to_a_program(line);
        for span in spans {
            let Some(sentence) = line.get(span.clone()) else { continue };
            let place = statement.span.start + span.start..statement.span.start + span.end;
            let evidence = || source.document.evidence(place.clone());
            let leave = |reason: Reason, draft: &mut Draft| {
                if draft.left_out.len() < MAX_LEFT_OUT {
                    draft.left_out.push(LeftOut { text: sentence.chars().take(200).collect(), reason });
                }
            };
            let told = if is_instruction {
                Statement::LeftOut(Reason::Instruction)
            } else {
                facts::statement(sentence, &statement.heading, locale)
            };
            match told {
                // A price that is not the product's is one of something else.
                Statement::Fact(FactKind::Price) if !says_own_price(sentence, locale, draft) => {
                    leave(Reason::OtherPrice, draft);
                }
                Statement::LeftOut(reason) => leave(reason, draft),
                Statement::Audience => {
                    if draft.audience.is_none() {
                        draft.audience = Some(Found { value: sentence.to_owned(), evidence: evidence() });
                    } else if let Some(text) = facts::shown_text(sentence, locale) {
                        if seen.insert(folded(&text)) {
                            let fact = DraftFact {
                                id: String::new(),
                                kind: FactKind::Moment,
                                text,
                                evidence: evidence(),
                            };
                            considered.push((order, fact));
                        }
                    }
                }
                Statement::Fact(kind) => {
                    if matches!(kind, FactKind::Offer | FactKind::Price) && draft.offers_said.len() < 24 {
                        draft.offers_said.push(evidence());
                    }
                    let is_name =
                        draft.name.as_ref().is_some_and(|name| folded(&name.value) == folded(sentence));
                    let Some(text) = facts::shown_text(sentence, locale).filter(|_| !is_name) else {
                        leave(if is_name { Reason::Label } else { Reason::Length }, draft);
                        continue;
                    };
                    if seen.insert(folded(&text)) {
                        considered
                            .push((order, DraftFact { id: String::new(), kind, text, evidence: evidence() }));
                    } else {
                        leave(Reason::Repeated, draft);
                    }
                }
            }
        }
    }
    take_facts(considered, draft);
}

/// Whether a sentence says the price of the product, or the one before; `两块` may count pieces.
pub(crate) fn says_own_price(sentence: &str, locale: Locale, draft: &Draft) -> bool {
    let is_written = sentence.contains(['¥', '￥', '$', '€', '£', '元'])
        || ["USD", "EUR", "GBP", "CNY"].iter().any(|code| sentence.contains(code));
    if !is_written {
        return true;
    }
    let own: Vec<_> =
        [&draft.price, &draft.price_before].into_iter().flatten().map(|found| found.value.amount).collect();
    prices::read(sentence, locale).iter().any(|priced| own.contains(&priced.price.amount))
}

/// Takes the facts in the order of the source; where there are too many, kinds that are rare come first.
fn take_facts(considered: Vec<(usize, DraftFact)>, draft: &mut Draft) {
    let mut per_kind: std::collections::BTreeMap<FactKind, usize> = std::collections::BTreeMap::new();
    for (_, mut fact) in considered {
        let taken = per_kind.entry(fact.kind).or_default();
        let most = if fact.kind == FactKind::Feature { 14 } else { 10 };
        if draft.facts.len() >= MAX_FACTS || *taken >= most {
            if draft.left_out.len() < MAX_LEFT_OUT {
                draft.left_out.push(LeftOut { text: fact.text, reason: Reason::Length });
            }
            continue;
        }
        *taken += 1;
        let name = serde_json::to_value(fact.kind).ok();
        let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or("fact");
        let same = draft.facts.iter().filter(|own| own.kind == fact.kind).count();
        fact.id = format!("{name}_{}", same + 1);
        draft.facts.push(fact);
    }
}

pub(crate) fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The offer: prices before and now, or else the sentence that takes something off.
fn key_offer(draft: &Draft, sources: &[Findings]) -> Option<DraftOffer> {
    let noted = merged(sources, |own| &own.offers);
    let said = draft.facts.iter().filter(|fact| fact.kind == FactKind::Offer);
    let weight = |text: &str| {
        let figures = quantity::parse(text, draft.locale);
        let takes_off = figures.iter().any(|found| {
            found.quantity.discount
                || matches!(
                    found.quantity.value,
                    Value::Pair(_, _, quantity::Link::Off | quantity::Link::Free)
                )
        });
        let is_money = figures.iter().any(|found| found.quantity.currency.is_some());
        u8::from(takes_off) * 4 + u8::from(is_money) * 2 + u8::from(!figures.is_empty())
    };
    let said = said.max_by_key(|fact| (weight(&fact.text), std::cmp::Reverse(fact.id.clone())));
    // Free returns and a warranty are terms; the reason to act now has a figure that takes something off.
    let strong = said.filter(|fact| weight(&fact.text) >= 4);
    let (text, evidence) = match (&noted, strong, &draft.price_before) {
        (Some(noted), _, _) => (noted.value.clone(), noted.evidence.clone()),
        (None, Some(fact), _) => (fact.evidence.sentence.clone(), fact.evidence.clone()),
        (None, None, Some(before)) => (squeezed(&before.evidence.sentence), before.evidence.clone()),
        (None, None, None) => {
            let told = draft
                .offers_said
                .iter()
                .max_by_key(|own| (weight(&own.sentence), std::cmp::Reverse(own.span.start)))?;
            (told.sentence.clone(), told.clone())
        }
    };
    let offers =
        draft.offers_said.iter().filter(|own| own.span != evidence.span || own.source != evidence.source);
    let also: Vec<Evidence> = offers.take(8).cloned().collect();
    let own_end = last_day(&text, draft.locale);
    let noted_end = merged(sources, |own| &own.ends).and_then(|own| iso_day(&own.value));
    Some(DraftOffer {
        text,
        price_now: draft.price.as_ref().map(|own| own.value.clone()),
        price_before: draft.price_before.as_ref().map(|own| own.value.clone()),
        ends: own_end.or_else(|| sentence_end(draft)).or(noted_end),
        evidence,
        also,
    })
}

fn sentence_end(draft: &Draft) -> Option<String> {
    draft.offers_said.iter().find_map(|own| last_day(&own.sentence, draft.locale))
}

/// The day with a year that a sentence names as its last.
pub(crate) fn last_day(text: &str, locale: Locale) -> Option<String> {
    let found = quantity::parse(text, locale);
    let mut days = found.iter().rev().filter_map(|found| match &found.quantity.value {
        Value::Date { year: Some(year), month: Some(month), day: Some(day) } => {
            iso_day(&format!("{year:04}-{month:02}-{day:02}"))
        }
        _ => None,
    });
    days.next()
}

/// The calendar day of `2026-12-24T23:59:59Z` and the like.
pub(crate) fn iso_day(text: &str) -> Option<String> {
    let day: String = text.trim().chars().take(10).collect();
    day.parse::<jiff::civil::Date>().ok().map(|date| date.to_string())
}

/// What the sources do not say.
pub(crate) fn questions(draft: &Draft) -> Vec<Question> {
    let zh = draft.locale == Locale::ZhCn;
    let mut missing = Vec::new();
    let mut ask = |is_missing: bool, field: &'static str, en: &str, in_zh: &str| {
        if is_missing {
            missing.push(Question { field, question: if zh { in_zh } else { en }.to_owned() });
        }
    };
    let currency = draft.price.as_ref().and_then(|price| price.value.currency.as_deref());
    ask(draft.name.is_none(), "product.name", "What is the product called?", "产品叫什么名字？");
    ask(
        draft.short_name.is_none(),
        "product.short_name",
        "What is it called in speech, in at most 20 characters?",
        "口头怎么叫它（不超过20个字）？",
    );
    ask(
        draft.category.is_none(),
        "product.category",
        "What kind of thing is it, in a word or two?",
        "它是哪一类产品？",
    );
    ask(draft.brand.is_none(), "brand.name", "Which brand advertises?", "以哪个品牌投放？");
    ask(draft.price.is_none(), "price", "What does it cost?", "价格是多少？");
    ask(currency.is_none(), "currency", "In which currency is the price?", "价格是哪种货币？");
    ask(draft.offer.is_none(), "offer", "Is there an offer, and until when?", "有没有优惠？到哪天结束？");
    let has_end = draft.offer.as_ref().is_none_or(|offer| offer.ends.is_some());
    ask(
        !has_end,
        "offer.ends",
        "On which day, with its year, does the offer end?",
        "优惠到哪年哪月哪日结束？",
    );
    ask(
        draft.in_stock.as_ref().is_some_and(|stock| !stock.value),
        "stock",
        "The source says it is sold out: when can it be bought again?",
        "来源显示无货：什么时候能买到？",
    );
    let claims = draft.facts.iter().filter(|fact| fact.kind.needs_evidence()).count();
    ask(
        claims == 0,
        "product.facts",
        "What can be said of it, and what proves it?",
        "它有哪些可以说、能证明的事实？",
    );
    ask(draft.pictures.is_empty(), "product.pictures", "Which pictures show it?", "用哪些产品图片？");
    ask(draft.colors.len() < 2, "brand.colors", "Which two colors does the brand use?", "品牌用哪两种颜色？");
    ask(draft.audience.is_none(), "audience.description", "Who buys it?", "谁会买它？");
    ask(
        draft.destination_url.is_none(),
        "destination_url",
        "Which page does a click open?",
        "点击后打开哪个页面？",
    );
    missing
}

/// Prices and an offer in running text, for sources without markup.
pub(crate) fn prices_of_text(findings: &mut Findings, locale: Locale) {
    let mut found: Vec<(bool, u8, Price, std::ops::Range<usize>)> = Vec::new();
    for statement in &findings.statements {
        if found.len() >= MAX_PRICES {
            break;
        }
        let Some(line) = findings.document.text.get(statement.span.clone()) else { continue };
        if speaks_to_a_program(line) {
            continue;
        }
        for span in sentences(line) {
            let Some(sentence) = line.get(span.clone()) else { continue };
            let place = statement.span.start + span.start..statement.span.start + span.end;
            let (now, before) = prices::in_block(sentence, locale);
            if let Some(now) = now {
                let rank = if before.is_some() || now.role == Role::Now { 3 } else { 5 };
                found.push((true, rank, now.price, place.clone()));
            }
            found.extend(before.map(|before| (false, 3, before.price, place)));
            if found.len() >= MAX_PRICES {
                break;
            }
        }
    }
    for (is_now, rank, value, place) in found {
        let found = Found { value, evidence: findings.document.evidence(place) };
        if is_now { findings.prices.push((rank, found)) } else { findings.befores.push((rank, found)) }
    }
}
