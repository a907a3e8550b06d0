//! What a reading is once it is to be kept: rows and a report in the core's terms.

use spotwright_core::domain::observation::{
    self, AdKey, AdNames, Amount, AskedOfFile, ImportCounts, ImportReport, NewObservation, PlatformName,
    RefusedRow, RowPlace, Source,
};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::derive;
use spotwright_schemas::money::Micros;
use spotwright_tables::sheet::{SheetRow, sheets};

use crate::platform::folded;
use crate::{Asked, Identity, Observation, Reading};

/// Lines among which a header is looked for.
const LOOKED_AT: usize = 60;

/// What a header is remembered by: the names of its columns, in their order and without case. The header is
/// the first of the lines with the most columns.
///
/// # Errors
/// [`Code::Table`]: the bytes are no table.
pub fn header_key(bytes: &[u8], name: &str) -> Result<Option<String>, Problem> {
    let filled = |row: &SheetRow| row.cells.iter().filter(|cell| !cell.text.trim().is_empty()).count();
    let sheets = sheets(bytes, name)?;
    let rows = sheets.iter().flat_map(|sheet| sheet.rows.iter().take(LOOKED_AT));
    let mut header: Option<&SheetRow> = None;
    for row in rows {
        if header.is_none_or(|best| filled(row) > filled(best)) {
            header = Some(row);
        }
    }
    Ok(header.map(|row| {
        let names: Vec<String> = row.cells.iter().map(|cell| folded(&cell.text)).collect();
        let parts: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        derive(&parts).to_string()
    }))
}

/// What is told of a reading; the fates of its rows are counted when they are kept.
#[must_use]
pub fn report(reading: &Reading, name: &str) -> ImportReport {
    let mut report = ImportReport {
        name: name.to_owned(),
        platform: platform(reading.source),
        language: reading.language.map(str::to_owned),
        form: Some(reading.form.clone()),
        currency: one_currency(reading),
        time_zone: reading.time_zone.clone(),
        click_column: reading.click_column.clone(),
        counts: ImportCounts::default(),
        refused: Vec::new(),
        asked: reading.asked.iter().map(asked).collect(),
        unmatched: Vec::new(),
        matched: 0,
        notes: reading.notes.clone(),
        unread_columns: reading.unread_columns.clone(),
        mapping_remembered: false,
    };
    for row in &reading.refused {
        report.refuse(RefusedRow {
            place: RowPlace::Line(row.line),
            column: row.column.clone(),
            reason: word(&row.reason),
            message: row.message.clone(),
        });
    }
    report
}

/// The rows of a reading.
///
/// # Errors
/// [`Code::Export`]: something is still asked, so that days or amounts are not known.
pub fn rows(reading: &Reading) -> Result<Vec<NewObservation>, Problem> {
    let unknown = |what: &str| {
        Problem::new(Code::Export, what, format!("the {what} of the file is not known; say what it is"))
    };
    if let Some(question) = reading.asked.first() {
        return Err(unknown(&word(&question.asked)));
    }
    let mut rows = Vec::with_capacity(reading.observations.len());
    for own in &reading.observations {
        let time_zone = reading.time_zone.clone().ok_or_else(|| unknown("time_zone"))?;
        let window = own.window.ok_or_else(|| unknown("window"))?;
        let window = observation::Window { start: window.start, end: window.end, time_zone };
        rows.push(NewObservation {
            place: RowPlace::Line(own.line),
            observation: kept(own, window).ok_or_else(|| unknown("currency"))?,
            link: None,
        });
    }
    Ok(rows)
}

/// `None` where an amount has no currency.
fn kept(own: &Observation, window: observation::Window) -> Option<observation::Observation> {
    let amount = |micros: Option<i64>| match micros {
        None => Some(None),
        Some(micros) => Some(Some(Amount { micros: Micros(micros), currency: own.currency.clone()? })),
    };
    let clicks = own.counted_clicks();
    Some(observation::Observation {
        source: Source::Imported(platform(own.source)),
        ad: ad_key(own),
        names: AdNames {
            id: own.external_ad_id.clone(),
            name: own.ad_name.clone().or_else(|| own.asin.clone()),
            campaign: own.campaign_name.clone(),
            group: own.group_name.clone(),
        },
        window,
        impressions: own.impressions.as_ref().and_then(|count| count.value),
        clicks: clicks.and_then(|clicks| clicks.value),
        click_column: clicks.map(|clicks| clicks.column.clone()),
        conversions: own.conversions.as_ref().and_then(|conversions| conversions.value.clone()),
        conversion_kind: own.conversions.as_ref().map(|conversions| conversions.kind.clone()),
        revenue: amount(own.revenue_micros)?,
        spend: amount(own.spend_micros)?,
        reach: own.reach,
        watch: own
            .watch
            .iter()
            .map(|watch| observation::Watch { measure: watch.measure.to_owned(), value: watch.value.clone() })
            .collect(),
        attribution: own.attribution.clone(),
    })
}

fn ad_key(own: &Observation) -> AdKey {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match own.identity {
        Identity::AdId => AdKey::Id(text(&own.external_ad_id)),
        Identity::Names => {
            AdKey::Names([text(&own.campaign_name), text(&own.group_name), text(&own.ad_name)])
        }
        Identity::Product => {
            AdKey::Product([text(&own.campaign_name), text(&own.group_name), text(&own.asin), text(&own.sku)])
        }
    }
}

fn platform(source: crate::Platform) -> PlatformName {
    // Cannot panic: names of platforms are written as they are kept, and a test holds every one.
    PlatformName::parse(source.name()).expect("a platform has a plain name")
}

fn one_currency(reading: &Reading) -> Option<String> {
    let mut codes = reading.observations.iter().filter_map(|own| own.currency.as_ref());
    let first = codes.next()?;
    codes.all(|code| code == first).then(|| first.clone())
}

fn asked(question: &crate::Question) -> AskedOfFile {
    AskedOfFile { asked: word(&question.asked), why: question.why.clone(), choices: question.choices.clone() }
}

/// The word that a value is written as.
fn word(value: &impl serde::Serialize) -> String {
    let written = serde_json::to_value(value).ok();
    written.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Asked {
    /// The word that it is asked by, e.g. `time_zone`.
    #[must_use]
    pub fn word(self) -> String {
        word(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Given, Platform, export};

    const FILE: &str = "Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n\
        Autumn,Hook A,1799,2026-09-07,148.60,12480,211\n\
        Autumn,Hook B,1800,2026-09-07,x,12480,211\n";

    #[test]
    fn nothing_is_kept_while_something_is_asked() {
        let open = export::read(FILE.as_bytes(), "a.csv", &Given::default()).unwrap();
        assert_eq!(rows(&open).unwrap_err().field, "currency");
        assert_eq!(report(&open, "a.csv").asked.len(), 2);
        let given = Given {
            currency: Some("EUR".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            ..Given::default()
        };
        let reading = export::read(FILE.as_bytes(), "a.csv", &given).unwrap();
        let rows = rows(&reading).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].observation.ad, AdKey::Id("1799".to_owned()));
        let spend = Amount { micros: Micros(148_600_000), currency: "EUR".to_owned() };
        assert_eq!(rows[0].observation.spend, Some(spend));
        let report = report(&reading, "a.csv");
        assert_eq!((report.counts.refused, report.refused[0].reason.as_str()), (1, "not_a_number"));
        assert_eq!(report.refused[0].place, RowPlace::Line(3));
    }

    #[test]
    fn every_platform_has_a_name_that_is_kept() {
        for source in Platform::RECOGNIZED.into_iter().chain([Platform::Other]) {
            assert_eq!(platform(source).as_str(), source.name());
        }
    }

    #[test]
    fn a_header_is_known_again_whatever_stands_below() {
        let key = |text: &str| header_key(text.as_bytes(), "a.csv").unwrap();
        let first = key("Konto 7\n\nTag,Werbung,Kosten\n2026-09-01,A,1\n");
        assert_eq!(first, key("tag,werbung,kosten\n2026-09-02,B,2\n2026-09-02,C,2\n"));
        assert_ne!(first, key("Tag,Werbung,Umsatz\n2026-09-01,A,1\n"));
    }
}
