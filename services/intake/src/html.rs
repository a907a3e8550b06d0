//! A product page: marked-up data first, then the data of its scripts, then what a reader sees.

use spotwright_core::domain::copy_rules::orders::speaks_to_a_program;
use spotwright_schemas::{Locale, Micros, Problem};
use url::Url;

use crate::appearance::{colors, pictures};
use crate::aside::relevant;
use crate::dom::Page;
use crate::findings::{DraftPicture, Findings, best};
use crate::prices::{self, Price};
use crate::structured::Marked;
use crate::text::{Line, lines};
use crate::{absent, embedded, structured, visible};

/// Reads a page. `address` is where it was found; relative addresses are completed by it.
pub(crate) fn read(
    html: &str,
    source: &str,
    address: Option<&Url>,
    wanted: Option<Locale>,
) -> Result<Findings, Problem> {
    let page = Page::parse(html).ok_or_else(|| {
        crate::unreadable(source, "holds a tag with more than 1,000 attributes, as no page has")
    })?;
    let mut findings = Findings::new(source);
    let base = base_address(&page, address);
    let is_relevant = relevant(&page);
    let all_lines = lines(&page, &is_relevant);
    findings.language = language(&page);
    let locale = wanted.unwrap_or_else(|| {
        let start: String = all_lines.iter().take(200).map(|line| line.text.as_str()).collect();
        let title = page.named("title").next().map(|id| page.raw_text(id)).unwrap_or_default();
        let declared = findings.language.clone().or_else(|| country_of(base.as_ref()));
        crate::draft::locale_of(declared.as_deref(), &format!("{title} {start}"))
    });
    findings.locale = Some(locale);
    if absent::is_wall(&page) || absent::is_list(&page, &is_relevant) {
        return Ok(findings);
    }
    let heading = visible::heading(&page, &is_relevant);
    let title = heading.clone().or_else(|| page.named("title").next().map(|id| page.raw_text(id)));
    marked(&page, title.as_deref(), base.as_ref(), locale, &mut findings);
    let seen = visible::prices(&page, &is_relevant, locale);
    let seen_price = seen.price.as_ref().map(|(price, _)| price);
    carried(&page, title.as_deref(), base.as_ref(), locale, seen_price, &mut findings);
    findings.noted_text(|own| &mut own.names, 3, ("heading", "h1"), heading.as_deref());
    metas(&page, base.as_ref(), locale, &mut findings);
    titles(&page, &mut findings);
    site_name(&page, heading.as_deref(), &all_lines, locale, &mut findings);
    if absent::unreadable_price(&page, &is_relevant) {
        // The figures that stand elsewhere on the page are those of other things.
    } else {
        shown(&seen, &all_lines, locale, &mut findings);
    }
    pictures(&page, &is_relevant, base.as_ref(), &mut findings);
    colors(&page, &mut findings);
    destination(&page, base.as_ref(), address, &mut findings);
    let lead = lead_of(&all_lines, heading.as_deref());
    for (idx, line) in all_lines.iter().enumerate() {
        let speaks =
            line.text.chars().any(|c| c.is_ascii_digit()) || line.text.ends_with(['.', '!', '。', '！']);
        if idx >= lead || speaks {
            findings.state(&line.heading, &line.text);
        }
    }
    match absent::price(&page, &is_relevant, &all_lines) {
        Some(absent::Why::OnRequest) => {
            findings.prices.retain(|(rank, _)| *rank <= 2);
            findings.befores.retain(|(rank, _)| *rank <= 2);
            return Ok(findings);
        }
        Some(absent::Why::Unreadable) => return Ok(findings),
        None => {}
    }
    let crossed = visible::crossed_out(&page);
    in_lines(&all_lines, &crossed, locale, &mut findings);
    if let Some(said) = absent::free(&page, &is_relevant, &all_lines).filter(|_| findings.prices.is_empty()) {
        let free = Price { amount: Micros(0), currency: None };
        findings.noted(|own| &mut own.prices, 9, ("shown price", "price"), &said, free);
        findings.noted_text(|own| &mut own.offers, 9, ("shown price", "offer"), Some(&said));
    }
    Ok(findings)
}

/// How many lines stand above the heading: names of the shop, its menu, its notices.
fn lead_of(all: &[Line], heading: Option<&str>) -> usize {
    let place = heading.and_then(|heading| all.iter().position(|line| line.text == heading));
    place.filter(|place| *place < all.len() / 2).unwrap_or(0)
}

fn base_address(page: &Page, address: Option<&Url>) -> Option<Url> {
    let href = page.named("base").find_map(|id| page.attribute(id, "href"));
    let canonical = page
        .named("link")
        .filter(|id| page.attribute(*id, "rel") == Some("canonical"))
        .find_map(|id| page.attribute(id, "href").and_then(|href| Url::parse(href).ok()));
    let og = meta(page, &["og:url"]).and_then(|text| Url::parse(&text).ok());
    let known = address.cloned().or(canonical).or(og);
    match (href, &known) {
        (Some(href), Some(known)) => known.join(href).ok(),
        (Some(href), None) => Url::parse(href).ok(),
        (None, _) => known,
    }
}

/// An absolute address of a page or a picture; `None` for what no browser loads from a server.
pub(crate) fn absolute(text: &str, base: Option<&Url>) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 2_000 || text.starts_with("data:") || text.starts_with('#') {
        return None;
    }
    let url = match base {
        Some(base) => base.join(text).ok()?,
        // Without a base the scheme of a `//host` address is the one that is always right today.
        None if text.starts_with("//") => Url::parse(&format!("https:{text}")).ok()?,
        None => Url::parse(text).ok()?,
    };
    let is_public = matches!(url.host(), Some(url::Host::Domain(name)) if name.contains('.') && !name.ends_with(".localhost"));
    let is_plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    (matches!(url.scheme(), "http" | "https") && is_public && is_plain).then(|| url.to_string())
}

pub(crate) fn meta(page: &Page, names: &[&str]) -> Option<String> {
    let of = |name: &str| {
        page.named("meta").find_map(|id| {
            let own =
                ["property", "name", "itemprop", "http-equiv"].iter().find_map(|key| page.attribute(id, key));
            let is_named = own.is_some_and(|own| own.eq_ignore_ascii_case(name));
            is_named.then(|| page.attribute(id, "content")).flatten()
        })
    };
    names.iter().find_map(|name| of(name)).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The English that a host of a country writes, for pages that declare no language.
fn country_of(address: Option<&Url>) -> Option<String> {
    let host = address?.host_str()?.to_ascii_lowercase();
    let british = [".uk", ".ie", ".au", ".nz", ".za"].iter().any(|end| host.ends_with(end));
    british.then(|| "en-GB".to_owned())
}

fn language(page: &Page) -> Option<String> {
    let declared = page
        .named("html")
        .find_map(|id| page.attribute(id, "lang").or_else(|| page.attribute(id, "xml:lang")));
    let declared = declared.map(str::to_owned).filter(|text| !text.trim().is_empty());
    let more = meta(page, &["og:locale", "content-language"]).map(|text| text.trim().replace('_', "-"));
    let declared = declared.map(|text| text.trim().replace('_', "-"));
    // `en` says less than `en_GB` does.
    match (declared, more) {
        (Some(own), Some(more)) if more.to_lowercase().starts_with(&format!("{}-", own.to_lowercase())) => {
            Some(more)
        }
        (own, more) => own.or(more),
    }
}

fn marked(page: &Page, title: Option<&str>, base: Option<&Url>, locale: Locale, findings: &mut Findings) {
    let mut all = structured::products(page, locale);
    // The product that the heading names comes first, whatever the order of the data.
    let names_title = |own: &Marked| {
        let pair = own.name.as_deref().zip(title);
        pair.is_some_and(|(name, title)| title.contains(name) || name.contains(title.trim()))
    };
    let is_shop = |own: &Marked| {
        matches!(
            own.kind.as_str(),
            "restaurant" | "foodestablishment" | "cafeorcoffeeshop" | "localbusiness" | "store" | "hotel"
        )
    };
    all.sort_by_key(|(_, own)| (is_shop(own), !names_title(own), own.price.is_none()));
    // Data about something that the page does not name is about another page.
    let text = title.map(str::to_lowercase).unwrap_or_default();
    let shares_word = |own: &Marked| {
        let name = own.name.as_deref().unwrap_or_default().to_lowercase();
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3);
        let has_word = words.clone().any(|word| text.contains(word));
        has_word
            || text.chars().count() < 3
            || name.chars().filter(|c| *c > '\u{2E7F}' && text.contains(*c)).count() >= 2
    };
    all.retain(|(_, own)| own.name.is_none() || is_shop(own) || shares_word(own));
    let Some((place, own)) = all.first().cloned() else { return };
    let mut own = own;
    // The same product marked up twice: the second says what the first does not.
    for (_, other) in all.iter().skip(1) {
        let is_same = other.name.is_some() && other.name == own.name;
        if is_same || (other.kind == "offer" && own.price.is_none() && other.name.is_none()) {
            own.price = own.price.or_else(|| other.price.clone());
            own.price_before = own.price_before.or_else(|| other.price_before.clone());
            own.brand = own.brand.or_else(|| other.brand.clone());
            own.description = own.description.or_else(|| other.description.clone());
            own.pictures.extend(other.pictures.iter().cloned());
        }
    }
    let rank = u8::from(place != "schema.org");
    findings.noted_text(|own| &mut own.names, rank, (place, "name"), own.name.as_deref());
    findings.noted_text(|own| &mut own.brands, rank, (place, "brand"), own.brand.as_deref());
    let category = own.category.as_deref().map(last_of_path);
    findings.noted_text(|own| &mut own.categories, rank, (place, "category"), category);
    findings.noted_price(|own| &mut own.prices, rank, (place, "price"), own.price.as_ref());
    findings.noted_price(|own| &mut own.befores, rank, (place, "list price"), own.price_before.as_ref());
    findings.noted_text(|own| &mut own.ends, rank, (place, "priceValidUntil"), own.ends.as_deref());
    if let Some(in_stock) = own.in_stock {
        let shown = if in_stock { "in stock" } else { "out of stock" };
        findings.noted(|own| &mut own.stock, rank, (place, "availability"), shown, in_stock);
    }
    let alt = own.name.clone().unwrap_or_default();
    for url in own.pictures.iter().filter_map(|url| absolute(url, base)) {
        findings.picture(DraftPicture { url, alt: alt.clone(), width: None, height: None });
    }
    for text in own.description.iter().flat_map(|text| text.lines()) {
        findings.state("description (schema.org)", text);
    }
    for text in own.properties.iter().take(20) {
        findings.state("properties (schema.org)", text);
    }
}

/// `Home > Outdoor > Bottles` is about bottles.
fn last_of_path(text: &str) -> &str {
    text.rsplit(['>', '/', '›', '»']).next().unwrap_or(text).trim()
}

fn carried(
    page: &Page,
    title: Option<&str>,
    base: Option<&Url>,
    locale: Locale,
    shown: Option<&Price>,
    findings: &mut Findings,
) {
    let Some(own) = embedded::product(page, title, locale) else { return };
    let mut own = own;
    // A price that is a hundred times the one that is shown is counted in hundredths.
    let hundredth = |price: &Price| Price { amount: Micros(price.amount.0 / 100), ..price.clone() };
    let is_counted = |price: &Price| {
        let mut all = shown.into_iter().chain(findings.prices.iter().map(|(_, found)| &found.value));
        all.any(|known| known.amount.0.checked_mul(100) == Some(price.amount.0) && known.amount.0 > 0)
    };
    if own.price.as_ref().is_some_and(is_counted) {
        own.price = own.price.as_ref().map(hundredth);
        own.price_before = own.price_before.as_ref().map(hundredth);
    }
    let place = "script data";
    findings.noted_text(|own| &mut own.names, 5, (place, "name"), own.name.as_deref());
    findings.noted_text(|own| &mut own.brands, 2, (place, "brand"), own.brand.as_deref());
    findings.noted_text(|own| &mut own.categories, 2, (place, "type"), own.kind.as_deref());
    findings.noted_price(|own| &mut own.prices, 4, (place, "price"), own.price.as_ref());
    findings.noted_price(|own| &mut own.befores, 2, (place, "price before"), own.price_before.as_ref());
    if let Some(in_stock) = own.in_stock {
        let shown = if in_stock { "in stock" } else { "out of stock" };
        findings.noted(|own| &mut own.stock, 2, (place, "available"), shown, in_stock);
    }
    for url in own.pictures.iter().filter_map(|url| absolute(url, base)) {
        findings.picture(DraftPicture {
            url,
            alt: own.name.clone().unwrap_or_default(),
            width: None,
            height: None,
        });
    }
    for text in
        own.description.iter().flat_map(|text| text.lines()).chain(own.offers.iter().map(String::as_str))
    {
        findings.state("description (script data)", text);
    }
}

fn metas(page: &Page, base: Option<&Url>, locale: Locale, findings: &mut Findings) {
    let site = meta(page, &["og:site_name", "application-name"]);
    let title = meta(page, &["og:title", "twitter:title"]).map(|text| without_site(&text, site.as_deref()));
    findings.noted_text(|own| &mut own.names, 4, ("OpenGraph", "title"), title.as_deref());
    let brand = meta(page, &["product:brand", "og:brand"]);
    findings.noted_text(|own| &mut own.brands, 2, ("OpenGraph", "brand"), brand.as_deref());
    findings.noted_text(|own| &mut own.brands, 6, ("OpenGraph", "site_name"), site.as_deref());
    let currency =
        meta(page, &["product:price:currency", "og:price:currency", "product:sale_price:currency"]);
    let price = |names: &[&str]| {
        meta(page, names).and_then(|text| prices::of_data(&text, currency.as_deref(), locale))
    };
    let sale = price(&["product:sale_price:amount"]);
    let full = price(&["product:price:amount", "og:price:amount"]);
    let before =
        price(&["product:original_price:amount", "og:price:standard_amount", "product:pretax_price:amount"]);
    let (now, before) = match (sale, full) {
        (Some(sale), full) => (Some(sale), before.or(full)),
        (None, full) => (full, before),
    };
    findings.noted_price(|own| &mut own.prices, 2, ("OpenGraph", "price"), now.as_ref());
    let before = before.filter(|own| now.as_ref().is_some_and(|now| own.amount > now.amount));
    findings.noted_price(|own| &mut own.befores, 2, ("OpenGraph", "original price"), before.as_ref());
    if let Some(text) = meta(page, &["product:availability", "og:availability"]) {
        let lower = text.to_lowercase();
        let in_stock = !(lower.contains("out") || lower.contains("oos"));
        findings.noted(|own| &mut own.stock, 2, ("OpenGraph", "availability"), &text, in_stock);
    }
    let size = |name: &str| meta(page, &[name]).and_then(|text| text.parse::<u32>().ok());
    let alt = meta(page, &["og:image:alt", "twitter:image:alt"]).unwrap_or_default();
    for id in page.named("meta") {
        let name = page.attribute(id, "property").or_else(|| page.attribute(id, "name")).unwrap_or_default();
        if matches!(name, "og:image" | "og:image:url" | "og:image:secure_url" | "twitter:image") {
            let url = page.attribute(id, "content").and_then(|text| absolute(text, base));
            if let Some(url) = url {
                let (width, height) = (size("og:image:width"), size("og:image:height"));
                findings.picture(DraftPicture { url, alt: alt.clone(), width, height });
            }
        }
    }
    if let Some(text) = meta(page, &["description", "og:description", "twitter:description"]) {
        findings.state("description", &text);
    }
}

fn titles(page: &Page, findings: &mut Findings) {
    let site = meta(page, &["og:site_name"]);
    let title = page.named("title").next().map(|id| without_site(&page.raw_text(id), site.as_deref()));
    findings.noted_text(|own| &mut own.names, 7, ("title", "title"), title.as_deref());
    // `Save 25% on Lantern Keeper`: the title of a sale says by how much.
    for title in title.into_iter().chain(meta(page, &["og:title"])) {
        if title.to_lowercase().starts_with("save ") {
            findings.state("title", &title);
        }
    }
}

/// Pages of services have a slogan for a heading: where it shares no word with the title and the title names
/// the site, the site is what is sold.
fn site_name(page: &Page, heading: Option<&str>, all: &[Line], locale: Locale, findings: &mut Findings) {
    let title = page.named("title").next().map(|id| page.raw_text(id).to_lowercase()).unwrap_or_default();
    let (Some(site), Some(heading)) = (meta(page, &["og:site_name"]), heading) else { return };
    let names_site = title.contains(&site.to_lowercase());
    // `Price - Site`: the words that are the site's own name are not shared with the heading.
    let title = title.replace(&site.to_lowercase(), " ");
    let heading = heading.to_lowercase();
    let letters: Vec<char> = heading.chars().collect();
    let mut pairs = letters.windows(2).filter(|pair| pair.iter().all(|c| *c > '\u{2E7F}'));
    let shares_pair = pairs.any(|pair| title.contains(&pair.iter().collect::<String>()));
    let mut words =
        heading.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= 4 && word.is_ascii());
    let shares_word = words.any(|word| title.contains(word));
    // `Rotaboard costs $4 a month`: the page says what has the price.
    let has_price = all.iter().take(30).filter(|line| line.text.chars().count() <= 200).any(|line| {
        let text = line.text.to_lowercase();
        let names = text.strip_prefix(&site.to_lowercase()).is_some_and(|rest| rest.chars().count() >= 4);
        names && prices::read(&line.text, locale).iter().any(|own| own.role != prices::Role::Other)
    });
    let is_named = heading.contains(&site.to_lowercase());
    if names_site && !is_named && (has_price || !shares_pair && !shares_word) {
        findings.noted_text(|own| &mut own.names, 2, ("OpenGraph", "site_name"), Some(&site));
    }
}

/// A title without the name of the shop behind it.
fn without_site(title: &str, site: Option<&str>) -> String {
    let title = crate::document::squeezed(title);
    if let Some((first, _)) = title.split_once('_').filter(|(first, _)| first.trim().chars().count() >= 3) {
        return first.trim().to_owned();
    }
    for mark in [" | ", " – ", " — ", " - ", " · ", "_", "|", "-", "–"] {
        let Some((name, behind)) = title.rsplit_once(mark) else { continue };
        let name = name.trim();
        let is_site = site.is_some_and(|site| behind.trim().eq_ignore_ascii_case(site.trim()));
        let spaced = mark.starts_with(' ') || mark == "_" || mark == "|";
        if name.chars().count() >= 2 && (is_site || spaced) {
            return name.to_owned();
        }
    }
    title
}

fn shown(shown: &visible::Shown, all: &[Line], locale: Locale, findings: &mut Findings) {
    if let Some((price, text)) = &shown.price {
        // A reader pays what the page shows: data is often older. It is believed less only where the page
        // does not say which of its figures is the price.
        let marked = best(&findings.prices).map(|found| found.value.clone());
        let lead = text.split(['¥', '￥', '$', '€', '£']).next().unwrap_or_default();
        // A time in front of it says that it holds then: `20点 秒杀价￥99`.
        let is_later = lead.contains(['点', '日']) || lead.to_lowercase().contains("from ");
        let is_on_page = marked.as_ref().is_some_and(|marked| {
            let of = |line: &Line| {
                prices::read(&line.text, locale).iter().any(|own| own.price.amount == marked.amount)
            };
            all.iter().take(200).filter(|line| line.text.len() < 400).any(of)
        });
        let is_stale = marked.as_ref().is_some_and(|marked| {
            let is_before =
                shown.price_before.as_ref().is_some_and(|(before, _)| before.amount == marked.amount);
            let is_other_currency = marked.amount == price.amount
                && price.currency.is_some()
                && marked.currency != price.currency;
            let is_short = text.chars().count() <= 40 && !is_on_page;
            (marked.amount != price.amount && !is_later && (shown.is_said || is_before || is_short))
                || is_other_currency
        });
        let rank = match (is_stale, is_later) {
            (true, _) => 0,
            (false, false) => 3,
            (false, true) => 6,
        };
        if is_stale {
            for (rank, _) in &mut findings.prices {
                *rank = rank.saturating_add(1);
            }
        }
        findings.noted(|own| &mut own.prices, rank, ("shown price", "price"), text, price.clone());
    }
    if let Some((price, text)) = &shown.price_before {
        findings.noted(|own| &mut own.befores, 3, ("shown price", "price before"), text, price.clone());
    }
}

/// Prices and deals in sentences, where no element is marked as a price.
fn in_lines(all: &[Line], crossed: &[String], locale: Locale, findings: &mut Findings) {
    for line in all.iter().take(400) {
        if line.text.chars().count() > 200 || visible::says_sold_out(&line.text) {
            continue;
        }
        if speaks_to_a_program(&line.text) {
            continue;
        }
        let (now, before) = prices::in_block(&line.text, locale);
        if crossed.contains(&line.text) {
            continue;
        }
        let found_at = |findings: &Findings| {
            let own = findings
                .statements
                .iter()
                .find(|own| findings.document.text.get(own.span.clone()) == Some(line.text.as_str()));
            own.map(|own| findings.document.evidence(own.span.clone()))
        };
        let Some(now) = now else {
            if let (Some(before), Some(evidence)) = (before, found_at(findings)) {
                findings.befores.push((8, crate::document::Found { value: before.price, evidence }));
            }
            continue;
        };
        let rank = if before.is_some() || now.role == prices::Role::Now { 8 } else { 9 };
        let known = best(&findings.prices).map(|found| found.value.clone());
        let is_other_currency = now.price.currency.is_some()
            && known.as_ref().is_some_and(|known| {
                known.amount == now.price.amount && known.currency != now.price.currency
            });
        if is_other_currency {
            for (rank, _) in &mut findings.prices {
                *rank = rank.saturating_add(1);
            }
        }
        let rank = if is_other_currency { 0 } else { rank };
        let evidence = findings.statements.iter().find_map(|own| {
            let text = findings.document.text.get(own.span.clone())?;
            (text == line.text).then(|| own.span.clone())
        });
        let Some(evidence) = evidence.map(|span| findings.document.evidence(span)) else { continue };
        let found = |value: Price| crate::document::Found { value, evidence: evidence.clone() };
        findings.prices.push((rank, found(now.price)));
        if let Some(before) = before {
            findings.befores.push((rank, found(before.price)));
        }
    }
}

fn destination(page: &Page, base: Option<&Url>, address: Option<&Url>, findings: &mut Findings) {
    let canonical = page.named("link").find(|id| page.attribute(*id, "rel") == Some("canonical"));
    let canonical = canonical.and_then(|id| page.attribute(id, "href")).and_then(|href| absolute(href, base));
    findings.noted_text(|own| &mut own.destinations, 0, ("address", "canonical"), canonical.as_deref());
    let og = meta(page, &["og:url"]).and_then(|text| absolute(&text, base));
    findings.noted_text(|own| &mut own.destinations, 1, ("address", "og:url"), og.as_deref());
    findings.noted_text(|own| &mut own.destinations, 2, ("address", "address"), address.map(Url::as_str));
}
