//! The draft as a brief: YAML for people, with what says each value in a comment, and JSON for programs.

use serde_json::{Map, Value, json};
use spotwright_schemas::Currency;
use spotwright_schemas::storyboard::Color;

use crate::document::Evidence;
use crate::draft::{Draft, DraftOffer};
use crate::prices::Price;

/// Longest quotation in a comment, in characters.
const MAX_COMMENT: usize = 160;

/// Longest name of a product in a brief.
const MAX_NAME: usize = 40;

/// Writes a draft as a brief for correction.
///
/// Values that no source says are not there: their questions stand as comments, and `spotwright check` asks
/// for them until they are answered. Every value that is there has a comment `# from: "…"` above it.
#[must_use]
pub fn brief_yaml(draft: &Draft) -> String {
    let mut out = String::from(
        "# A draft for correction: read every line, answer the questions (`# ?`), then run `spotwright check`.\n",
    );
    line(&mut out, 0, "format", "spotwright.brief.v1");
    line(&mut out, 0, "id", &quoted(&id_of(draft)));
    line(&mut out, 0, "locale", draft.locale.tag());
    out.push_str("brand:\n");
    text(
        &mut out,
        draft,
        2,
        "name",
        "brand.name",
        draft.brand.as_ref().map(|own| (shortened(&own.value), &own.evidence)),
    );
    match colors(draft) {
        Some((primary, accent)) => {
            let own = draft.colors.iter().find(|own| own.value == primary).map(|own| &own.evidence);
            from(&mut out, 2, own);
            out.push_str(&format!("  colors: {{ primary: \"{primary}\", accent: \"{accent}\" }}\n"));
        }
        None => ask(&mut out, draft, 2, "brand.colors", "colors: { primary: \"#…\", accent: \"#…\" }"),
    }
    out.push_str("product:\n");
    text(
        &mut out,
        draft,
        2,
        "name",
        "product.name",
        draft.name.as_ref().map(|own| (shortened(&own.value), &own.evidence)),
    );
    let short = draft
        .short_name
        .as_ref()
        .filter(|own| draft.name.as_ref().is_none_or(|name| name.value != own.value));
    if let Some(short) = short {
        text(
            &mut out,
            draft,
            2,
            "short_name",
            "product.short_name",
            Some((short.value.clone(), &short.evidence)),
        );
    }
    let category = draft.category.as_ref().map(|own| (own.value.clone(), &own.evidence));
    text(&mut out, draft, 2, "category", "product.category", category);
    facts(&mut out, draft);
    pictures(&mut out, draft);
    out.push_str("audience:\n");
    let audience = draft.audience.as_ref().map(|own| (own.value.chars().take(300).collect(), &own.evidence));
    text(&mut out, draft, 2, "description", "audience.description", audience);
    if let Some(offer) = draft.offer.as_ref() {
        write_offer(&mut out, draft, offer);
    } else {
        ask(&mut out, draft, 0, "offer", "offer: …");
    }
    let destination = draft.destination_url.as_ref().map(|own| (own.value.clone(), &own.evidence));
    text(&mut out, draft, 0, "destination_url", "destination_url", destination);
    out.push_str("# Not in any source; say what counts and what may be spent.\n");
    for example in [
        "objective: clicks",
        "budget: { total: \"200.00\", currency: USD }",
        "call_to_action: shop_now",
        "placements: [simulated_feed]",
    ] {
        out.push_str(&format!("# {example}\n"));
    }
    let rest =
        draft.missing.iter().filter(|own| matches!(own.field, "price" | "currency" | "stock" | "offer.ends"));
    for question in rest {
        out.push_str(&format!("# ? {}: {}\n", question.field, question.question));
    }
    out
}

/// What of a brief the sources say, in the brief's shape; absent fields are asked for in `missing`.
#[must_use]
pub fn brief_json(draft: &Draft) -> Value {
    let mut brand = Map::new();
    if let Some(own) = &draft.brand {
        brand.insert("name".to_owned(), json!(shortened(&own.value)));
    }
    if let Some((primary, accent)) = colors(draft) {
        brand.insert("colors".to_owned(), json!({ "primary": primary, "accent": accent }));
    }
    let mut product = Map::new();
    if let Some(own) = &draft.name {
        product.insert("name".to_owned(), json!(shortened(&own.value)));
    }
    if let Some(own) = &draft.short_name {
        product.insert("short_name".to_owned(), json!(own.value));
    }
    if let Some(own) = &draft.category {
        product.insert("category".to_owned(), json!(own.value));
    }
    let facts: Vec<Value> = draft
        .facts
        .iter()
        .map(|fact| {
            let evidence =
                json!({ "source": source_of(&fact.evidence), "quote": cut(&fact.evidence.sentence, 300) });
            json!({ "id": fact.id, "kind": fact.kind, "text": fact.text, "evidence": evidence })
        })
        .collect();
    product.insert("facts".to_owned(), Value::Array(facts));
    let mut brief = json!({
        "format": "spotwright.brief.v1",
        "id": id_of(draft),
        "locale": draft.locale,
        "brand": brand,
        "product": product,
    });
    if let Value::Object(brief) = &mut brief {
        if let Some(own) = &draft.audience {
            brief.insert("audience".to_owned(), json!({ "description": cut(&own.value, 300) }));
        }
        if let Some(own) = &draft.destination_url {
            brief.insert("destination_url".to_owned(), json!(own.value));
        }
        if let Some((now, offer)) = draft.offer.as_ref().and_then(|own| Some((payable(own)?, own))) {
            let before = offer.price_before.as_ref().map(decimal);
            brief.insert(
                "offer".to_owned(),
                json!({ "price_now": decimal(now), "price_before": before, "currency": now.currency, "ends": offer.ends,
                    "evidence": { "source": source_of(&offer.evidence), "quote": cut(&offer.text, 300) } }),
            );
        }
    }
    brief
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect::<String>().trim().to_owned()
}

fn line(out: &mut String, indent: usize, key: &str, value: &str) {
    out.push_str(&format!("{:indent$}{key}: {value}\n", ""));
}

fn from(out: &mut String, indent: usize, evidence: Option<&Evidence>) {
    if let Some(evidence) = evidence {
        let quote = cut(&evidence.sentence, MAX_COMMENT);
        out.push_str(&format!("{:indent$}# from: {} ({})\n", "", quoted(&quote), evidence.section));
    }
}

fn ask(out: &mut String, draft: &Draft, indent: usize, field: &str, example: &str) {
    let question = draft.missing.iter().find(|own| own.field == field);
    if let Some(question) = question {
        out.push_str(&format!("{:indent$}# ? {}\n", "", question.question));
    }
    out.push_str(&format!("{:indent$}# {example}\n", ""));
}

fn text(
    out: &mut String,
    draft: &Draft,
    indent: usize,
    key: &str,
    field: &str,
    value: Option<(String, &Evidence)>,
) {
    match value {
        Some((value, evidence)) => {
            from(out, indent, Some(evidence));
            line(out, indent, key, &quoted(&value));
        }
        None => ask(out, draft, indent, field, &format!("{key}: …")),
    }
}

/// A name that a brief can hold: its first part, where it is too long.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.to_owned();
    }
    let marks = [" - ", " – ", " — ", " | ", ", ", "，", "（", " (", "｜", "【", " "];
    let parts = marks.iter().filter_map(|mark| name.split_once(mark)).map(|(first, _)| first.trim());
    let fitting = parts.filter(|part| (2..=MAX_NAME).contains(&part.chars().count()));
    fitting.max_by_key(|part| part.chars().count()).map_or_else(|| cut(name, MAX_NAME), str::to_owned)
}

/// Letters and digits of the name, or of the brand; `draft` where there are none that an id may hold.
fn id_of(draft: &Draft) -> String {
    let of = |text: &str| -> String {
        let words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        words.join("-").chars().take(40).collect::<String>().trim_end_matches('-').to_owned()
    };
    let names = [draft.name.as_ref(), draft.brand.as_ref()];
    let named = names.into_iter().flatten().map(|own| of(&own.value)).find(|id| id.len() >= 2);
    named.unwrap_or_else(|| "draft".to_owned())
}

/// Two colors that can be seen on one another.
fn colors(draft: &Draft) -> Option<(Color, Color)> {
    let primary = draft.colors.first()?.value;
    let accent = draft.colors.iter().map(|own| own.value).find(|own| own.contrast(primary) >= 3.0)?;
    Some((primary, accent))
}

fn source_of(evidence: &Evidence) -> String {
    cut(&format!("{}, {}", evidence.source, evidence.section), 200)
}

fn facts(out: &mut String, draft: &Draft) {
    if draft.facts.is_empty() {
        ask(out, draft, 2, "product.facts", "facts: []");
        return;
    }
    out.push_str("  facts:\n");
    for fact in &draft.facts {
        from(out, 4, Some(&fact.evidence));
        let kind = json!(fact.kind);
        out.push_str(&format!(
            "    - id: {}\n      kind: {}\n",
            quoted(&fact.id),
            kind.as_str().unwrap_or_default()
        ));
        out.push_str(&format!("      text: {}\n", quoted(&fact.text)));
        let source = quoted(&source_of(&fact.evidence));
        let quote = quoted(&cut(&fact.evidence.sentence, 300));
        out.push_str(&format!("      evidence: {{ source: {source}, quote: {quote} }}\n"));
    }
}

fn pictures(out: &mut String, draft: &Draft) {
    if draft.pictures.is_empty() {
        ask(out, draft, 2, "product.pictures", "pictures: [{ file: …, alt: … }]");
        return;
    }
    out.push_str("  # Save the pictures that you may use under these names beside the brief.\n  pictures:\n");
    let name = draft.name.as_ref().map(|own| own.value.as_str()).unwrap_or("picture");
    for (idx, picture) in draft.pictures.iter().take(12).enumerate() {
        let path = picture.url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let ending = ["png", "webp"].into_iter().find(|ending| path.ends_with(ending)).unwrap_or("jpg");
        let alt = if picture.alt.is_empty() { name } else { &picture.alt };
        out.push_str(&format!("    # from: {}\n", quoted(&cut(&picture.url, 500))));
        out.push_str(&format!(
            "    - {{ file: \"picture-{}.{ending}\", alt: {} }}\n",
            idx + 1,
            quoted(&cut(alt, 120))
        ));
    }
}

/// The price of an offer, where a brief can hold it: with a currency that campaigns are paid in.
fn payable(offer: &DraftOffer) -> Option<&Price> {
    offer.price_now.as_ref().filter(|price| price.currency.as_deref().and_then(Currency::of_code).is_some())
}

fn decimal(price: &Price) -> String {
    price.amount.to_decimal()
}

fn write_offer(out: &mut String, draft: &Draft, offer: &DraftOffer) {
    let Some(now) = payable(offer) else {
        from(out, 0, Some(&offer.evidence));
        ask(out, draft, 0, "price", "offer: { price_now: \"…\", currency: …, evidence: { source: … } }");
        return;
    };
    out.push_str("offer:\n");
    from(out, 2, draft.price.as_ref().map(|own| &own.evidence));
    line(out, 2, "price_now", &quoted(&decimal(now)));
    if let Some(before) = &offer.price_before {
        from(out, 2, draft.price_before.as_ref().map(|own| &own.evidence));
        line(out, 2, "price_before", &quoted(&decimal(before)));
    }
    line(out, 2, "currency", now.currency.as_deref().unwrap_or_default());
    if let Some(ends) = &offer.ends {
        line(out, 2, "ends", &quoted(ends));
    }
    from(out, 2, Some(&offer.evidence));
    let source = quoted(&source_of(&offer.evidence));
    out.push_str(&format!("  evidence: {{ source: {source}, quote: {} }}\n", quoted(&cut(&offer.text, 300))));
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::brief::Brief;

    use crate::{Source, read};

    const PAGE: &str = r##"<html lang="en"><head><title>Trail Bottle | Northlight</title><meta name="theme-color" content="#1f3a33">
        <style>:root{--accent:#f2b544}</style><link rel="canonical" href="https://northlight.example/bottle">
        <script type="application/ld+json">{"@type":"Product","name":"Trail \"B\" Bottle # 1","category":"Outdoor > Water bottle",
        "brand":{"name":"Northlight"},"image":"/b.jpg","offers":{"price":"39.99","priceCurrency":"USD"}}</script></head>
        <body><main><h1>Trail Bottle</h1><p class="price"><s>$59.99</s> $39.99</p><p>Keeps ice for 24 hours.</p>
        <p>Perfect for people who hike all day.</p></main></body></html>"##;

    #[test]
    fn an_answered_draft_is_a_valid_brief() {
        let draft = read(&[Source::named("bottle.html", PAGE.as_bytes())], None).unwrap();
        let yaml = super::brief_yaml(&draft);
        assert!(yaml.contains("# from: \"Keeps ice for 24 hours.\""), "{yaml}");
        let answered = yaml
            .replace("# objective", "objective")
            .replace("# budget", "budget")
            .replace("# call_to_action", "call_to_action")
            .replace("# placements", "placements");
        let brief =
            Brief::from_yaml(answered.as_bytes()).unwrap_or_else(|problem| panic!("{problem}\n{answered}"));
        assert_eq!(brief.product.name, "Trail \"B\" Bottle # 1");
        assert_eq!(brief.offer.unwrap().price_before.unwrap().to_decimal(), "59.99");
    }

    #[test]
    fn what_is_not_said_is_not_there() {
        let draft = read(&[Source::named("a.txt", b"We roast on Mondays in our workshop.")], None).unwrap();
        let json = super::brief_json(&draft);
        assert!(json["brand"].get("name").is_none() && json.get("offer").is_none());
        let yaml = super::brief_yaml(&draft);
        assert!(
            yaml.contains("# ? What does it cost?") || yaml.contains("# ? price: What does it cost?"),
            "{yaml}"
        );
    }
}
