//! The samples of platform exports against their truths.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_observations::{Given, Observation, Platform, Reading, export};

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "csv" || end == "xlsx"))
        .collect();
    found.sort();
    found
}

fn read(path: &Path, given: &Given) -> Reading {
    let bytes = std::fs::read(path).unwrap();
    export::read(&bytes, &path.display().to_string(), given)
        .unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

fn truth(path: &Path) -> Value {
    let mut name = path.as_os_str().to_owned();
    name.push(".truth.json");
    serde_json::from_slice(&std::fs::read(name).unwrap()).unwrap()
}

/// An observation in the truth's form. Fields that a truth may leave out are left out where they are empty.
fn told(own: &Observation, expected: &Value) -> Value {
    let mut told = json!({
        "line": own.line,
        "source": own.source,
        "external_ad_id": own.external_ad_id,
        "ad_name": own.ad_name,
        "campaign_name": own.campaign_name,
        "group_name": own.group_name,
        "window_start": own.window.map(|window| window.start.to_string()),
        "window_end": own.window.map(|window| window.end.to_string()),
        "currency": own.currency,
        "currency_source": own.currency_source,
        "impressions": own.impressions,
        "clicks": own.clicks.iter().map(|own| json!({
            "kind": own.kind, "column": own.column, "value": own.value })).collect::<Vec<_>>(),
        "conversions": own.conversions,
        "spend_micros": own.spend_micros,
        "watch": own.watch.iter().map(|own| {
            // Counts are numbers in the truths, averages are texts.
            let whole = own.value.as_ref().and_then(|text| text.parse::<u64>().ok());
            let value = whole.map_or_else(|| json!(own.value), |whole| json!(whole));
            json!({ "measure": own.measure, "column": own.column, "value": value })
        }).collect::<Vec<_>>(),
    });
    let optional = [
        ("reach", json!(own.reach)),
        ("cover_impressions", json!(own.cover_impressions)),
        ("attribution", json!(own.attribution)),
        ("asin", json!(own.asin)),
        ("sku", json!(own.sku)),
    ];
    for (name, value) in optional {
        if expected.get(name).is_some() {
            told[name] = value;
        }
    }
    told
}

#[test]
fn every_sample_is_read_exactly_as_its_truth_says() {
    let samples = samples();
    assert_eq!(samples.len(), 11);
    for path in samples {
        let (reading, truth) = (read(&path, &Given::default()), truth(&path));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(reading.source.name(), truth["platform"], "{name}");
        assert_eq!(json!(reading.header_line), truth["file"]["header_line"], "{name}");
        let expected = truth["expected"].as_array().unwrap();
        assert_eq!(reading.observations.len(), expected.len(), "{name}");
        for (own, expected) in reading.observations.iter().zip(expected) {
            let mut wanted = expected.clone();
            // Words about the identity, for readers of the truth.
            wanted.as_object_mut().unwrap().remove("identity");
            assert_eq!(told(own, expected), wanted, "{name}, line {}", own.line);
        }
        let skipped: Vec<Value> =
            reading.skipped.iter().map(|own| json!({ "line": own.line, "reason": own.reason })).collect();
        let refused: Vec<Value> =
            reading.refused.iter().map(|own| json!({ "line": own.line, "reason": own.reason })).collect();
        let plain = |rows: &Value| -> Vec<Value> {
            let rows = rows.as_array().unwrap().iter();
            rows.map(|row| json!({ "line": row["line"], "reason": row["reason"] })).collect()
        };
        assert_eq!(skipped, plain(&truth["skipped"]), "{name}");
        assert_eq!(refused, plain(&truth["refused"]), "{name}");
        let spend: i64 = reading.observations.iter().filter_map(|own| own.spend_micros).sum();
        assert_eq!(json!(spend), truth["expected_totals"]["spend_micros"], "{name}");
        let zone = &truth["timezone"]["value"];
        assert_eq!(&json!(reading.time_zone), zone, "{name}");
        // What the file does not say is asked, and only that.
        assert_eq!(reading.asked.is_empty(), !zone.is_null(), "{name}: {:?}", reading.asked);
        assert_eq!(reading.language, truth["ui_language"].as_str().map(|tag| &tag[..2]), "{name}");
        assert!(reading.unread_columns.is_empty(), "{name}: {:?}", reading.unread_columns);
    }
}

#[test]
fn a_file_read_twice_has_the_same_keys_and_answers_complete_it() {
    for path in samples() {
        let first = read(&path, &Given::default());
        let zone = first.time_zone.clone().unwrap_or_else(|| "Europe/Berlin".to_owned());
        let second = read(&path, &Given { time_zone: Some(zone), ..Given::default() });
        assert!(second.is_complete(), "{path:?}: {:?}", second.asked);
        let keys = |reading: &Reading| reading.observations.iter().map(Observation::key).collect::<Vec<_>>();
        assert_eq!(keys(&first), keys(&second));
        let mut unique = keys(&first);
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), first.observations.len());
    }
}

#[test]
fn which_clicks_count_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    for (file, column) in [
        ("meta_en_reporting.csv", "Link clicks"),
        ("meta_zh.csv", "链接点击量"),
        ("tiktok_en.xlsx", "Clicks (destination)"),
        ("kuaishou_zh.csv", "行为数"),
        ("linkedin_en.csv", "Clicks to Landing Page"),
    ] {
        let reading = read(&folder.join(file), &Given::default());
        assert_eq!(reading.click_column.as_deref(), Some(column));
        let note = format!("clicks are counted by `{column}`, not by");
        assert!(reading.notes.iter().any(|own| own.starts_with(&note)), "{file}: {:?}", reading.notes);
    }
}

fn of(text: &str) -> Reading {
    export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn dutch_numbers_and_dates_are_read_by_their_language() {
    let text = "Rapport met advertentieprestaties (in UTC)\nBegindatum van rapport: 7 september 2026 00:00\n\
        Einddatum van rapport: 9 september 2026 23:59\nDatum aangemaakt: 10 september 2026 07:06\n\n\
        Begindatum (in UTC)\tValuta\tCampagnenaam\tAdvertentienaam\tAdvertentie-ID\tTotaal besteed\tWeergaven\t\
        Klikken\tConversies\tKlikken naar bestemmingspagina\n\
        7-9-2026\tEUR\tHerfst\tA\t155\t\"1.148,60\"\t12.480\t402\t9\t211\n\
        8-9-2026\tEUR\tHerfst\tA\t155\t\"9,36\"\t11.904\t371\t7\t188\n";
    let reading = of(text);
    assert_eq!((reading.source, reading.language), (Platform::LinkedIn, Some("nl")));
    let row = &reading.observations[0];
    assert_eq!(row.spend_micros, Some(1_148_600_000));
    assert_eq!(row.impressions.as_ref().unwrap().value, Some(12_480));
    assert_eq!(row.window.unwrap().start.to_string(), "2026-09-07");
    assert_eq!(row.counted_clicks().unwrap().value, Some(211));
    assert_eq!(reading.time_zone.as_deref(), Some("UTC"));
}

#[test]
fn sums_stamped_with_the_first_day_are_windows() {
    let text = "Ad Performance Report (in UTC)\n\"Report Start: September 7, 2026, 12:00 AM\"\n\
        \"Report End: September 9, 2026, 11:59 PM\"\n\n\
        Start Date (in UTC)\tCurrency\tCampaign Name\tAd Name\tAd ID\tTotal Spent\tImpressions\tClicks\n\
        9/7/2026\tEUR\tAutumn\tA\t1\t55.39\t3422\t11\n9/7/2026\tEUR\tAutumn\tB\t2\t5.28\t440\t3\n";
    let reading = of(text);
    let window = reading.observations[0].window.unwrap();
    assert_eq!(
        (window.start.to_string(), window.end.to_string()),
        ("2026-09-07".into(), "2026-09-09".into())
    );
    assert!(reading.notes.iter().any(|note| note.contains("first day")), "{:?}", reading.notes);
}

#[test]
fn chinese_google_and_tiktok_and_qianchuan_are_told_apart() {
    let google = of(
        "广告报告\n2026年9月7日 - 2026年9月9日\n广告系列,广告组,广告 ID,展示次数,点击次数,费用,转化次数,货币代码\n\
        秋季,宽泛,700000010101,\"12,480\",211,148.60,9.00,CNY\n总计：广告系列,--,--,\"12,480\",211,148.60,9.00,CNY\n",
    );
    assert_eq!((google.source, google.language), (Platform::GoogleAds, Some("zh")));
    assert_eq!(google.observations.len(), 1);
    assert_eq!(google.observations[0].window.unwrap().end.to_string(), "2026-09-09");
    let tiktok = of(
        "系列名称,广告组名称,广告名称,广告 ID,按天,货币,消耗,展示量,点击量（目标页面）,点击量（全部）,转化量\n\
        秋季,宽泛,A,1799000000010101,2026-09-07,USD,148.60,12480,211,402,9\n",
    );
    assert_eq!((tiktok.source, tiktok.language), (Platform::TikTok, Some("zh")));
    assert_eq!(tiktok.observations[0].counted_clicks().unwrap().kind, "destination");
    let qianchuan = of(
        "日期,推广类型,素材名称,素材ID,消耗(元),展示次数,点击次数,转化数,直接成交订单数,直接成交金额(元)\n\
        ,,,,\"1,148.60\",\"12,480\",211,9,4,980.00\n2026-09-07,标准推广,A,73001,\"1,148.60\",\"12,480\",211,9,4,980.00\n",
    );
    assert_eq!(qianchuan.source, Platform::Qianchuan);
    assert_eq!(qianchuan.observations.len(), 1);
    let row = &qianchuan.observations[0];
    assert_eq!((row.spend_micros, row.revenue_micros), (Some(1_148_600_000), Some(980_000_000)));
    assert_eq!(row.currency.as_deref(), Some("CNY"));
}

#[test]
fn snapchat_and_pinterest_are_recognized() {
    let snapchat = of(
        "Campaign Name,Ad Set Name,Ad Name,Ad ID,Day,Currency,Amount Spent,Paid Impressions,Clicks,Purchases\n\
        Autumn,Broad,A,ab-1,2026-09-07,USD,148.60,12480,211,9\n",
    );
    assert_eq!(snapchat.source, Platform::Snapchat);
    let pinterest = of(
        "Date,Campaign name,Ad name,Ad ID,Spend in account currency,Paid impressions,Impressions,Paid link clicks,Conversions (Checkout)\n\
        2026-09-07,Autumn,A,687,\"1,148.60\",\"12,480\",15000,211,9\n",
    );
    assert_eq!(pinterest.source, Platform::Pinterest);
    assert_eq!(pinterest.observations[0].impressions.as_ref().unwrap().value, Some(12_480));
}

#[test]
fn reports_without_days_ask_for_them() {
    let text = "\u{FEFF}素材名称,素材ID,消耗,展示数,点击数,点击率%,平均点击单价(元),转化数\nA,7300,148.60,12480,211,1.69,0.70,9\n";
    let reading = of(text);
    assert_eq!(reading.source, Platform::OceanEngine);
    assert_eq!(reading.asked.len(), 1);
    let window = spotwright_observations::Window {
        start: "2026-09-07".parse().unwrap(),
        end: "2026-09-09".parse().unwrap(),
    };
    let given = Given { window: Some(window), ..Given::default() };
    let reading = export::read(text.as_bytes(), "a.csv", &given).unwrap();
    assert!(reading.is_complete());
    assert_eq!(reading.observations[0].window, Some(window));
}

#[test]
fn empty_reports_are_empty_and_not_broken() {
    let header = of("Campaign name,Ad name,Ad ID,By Day,Currency,Cost,Impressions,Clicks (all)\n");
    assert!(header.observations.is_empty() && header.is_complete());
    let titles = of("Ad Performance Report (in UTC)\n\"Report Start: September 7, 2026, 12:00 AM\"\n");
    assert_eq!(titles.source, Platform::LinkedIn);
    assert!(titles.notes.iter().any(|note| note.contains("empty")));
}

#[test]
fn a_mapping_reads_what_is_not_known() {
    let text = "Anzeige;Tag;Kosten;Einblendungen;Besuche\nA;2026-09-07;148,60;12480;211\n";
    assert!(export::read(text.as_bytes(), "a.csv", &Given::default()).is_err());
    let mapping = [
        ("Anzeige", "ad_name"),
        ("Tag", "day"),
        ("Kosten", "spend"),
        ("Einblendungen", "impressions"),
        ("Besuche", "clicks"),
    ];
    let mapping = mapping.map(|(header, field)| (header.to_owned(), field.to_owned())).into_iter().collect();
    let given = Given {
        mapping: Some(mapping),
        currency: Some("EUR".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        ..Given::default()
    };
    let reading = export::read(text.as_bytes(), "a.csv", &given).unwrap();
    assert!(reading.is_complete());
    assert_eq!(reading.observations[0].spend_micros, Some(148_600_000));
    assert_eq!(reading.observations[0].source, Platform::Other);
}

#[test]
fn the_same_in_other_bytes_is_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let path = folder.join("tiktok_en.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let wanted = read(&path, &Given::default()).observations;
    let utf_16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> =
        [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let variants = [
        text.replace('\n', "\r\n").into_bytes(),
        text.replace('\n', "\r").into_bytes(),
        format!("\u{FEFF}{text}").into_bytes(),
        text.replace(',', "\t").into_bytes(),
        text.replace(',', ";").into_bytes(),
        format!("{text}\n\n").into_bytes(),
        utf_16,
        big,
    ];
    for (idx, bytes) in variants.iter().enumerate() {
        let reading =
            export::read(bytes, "a.csv", &Given::default()).unwrap_or_else(|p| panic!("{idx}: {p}"));
        assert_eq!(reading.observations, wanted, "{idx}");
    }
}

/// A row of a sheet: its number, its first column, its cells.
type Written<'a> = (u32, &'a str, &'a [&'a str]);

/// A workbook of sheets of texts; cells that parse as numbers are stored as numbers.
fn workbook(sheets: &[(&str, &[Written<'_>])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut part = |name: &str, text: &str| {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    };
    let (mut names, mut relations) = (String::new(), String::new());
    for (idx, (name, rows)) in sheets.iter().enumerate() {
        names += &format!("<sheet name='{name}' sheetId='{idx}' r:id='r{idx}'/>");
        relations += &format!("<Relationship Id='r{idx}' Target='worksheets/s{idx}.xml'/>");
        let mut xml = "<worksheet><sheetData>".to_owned();
        for (line, first, cells) in *rows {
            xml += &format!("<row r='{line}'>");
            let first = first.as_bytes()[0];
            for (at, cell) in cells.iter().enumerate() {
                let column = char::from(first + u8::try_from(at).unwrap());
                xml += &if cell.parse::<f64>().is_ok() && cell.len() < 15 {
                    format!("<c r='{column}{line}'><v>{cell}</v></c>")
                } else {
                    format!("<c r='{column}{line}' t='inlineStr'><is><t>{cell}</t></is></c>")
                };
            }
            xml += "</row>";
        }
        part(&format!("xl/worksheets/s{idx}.xml"), &(xml + "</sheetData></worksheet>"));
    }
    part("xl/workbook.xml", &format!("<workbook xmlns:r='x'><sheets>{names}</sheets></workbook>"));
    part("xl/_rels/workbook.xml.rels", &format!("<Relationships>{relations}</Relationships>"));
    writer.finish().unwrap().into_inner()
}

const META: [&str; 8] = [
    "Campaign name",
    "Day",
    "Ad name",
    "Ad ID",
    "Impressions",
    "Link clicks",
    "Amount spent (EUR)",
    "Results",
];
const META_ROW: [&str; 8] =
    ["Autumn", "2026-09-07", "A", "120299000000010101", "12480", "211", "1148.6", "9"];

#[test]
fn a_header_in_the_third_row_and_second_column_is_found() {
    let titles: &[&str] = &["Autumn report"];
    let period: &[&str] = &["Sep 7, 2026 - Sep 9, 2026"];
    let rows: &[(u32, &str, &[&str])] =
        &[(1, "B", titles), (2, "B", period), (3, "B", &META), (4, "B", &META_ROW)];
    let bytes = workbook(&[("Formatted Report", rows)]);
    let reading = export::read(&bytes, "a.xlsx", &Given::default()).unwrap();
    assert_eq!((reading.source, reading.header_line), (Platform::Meta, 3));
    let row = &reading.observations[0];
    assert_eq!(row.external_ad_id.as_deref(), Some("120299000000010101"));
    assert_eq!((row.spend_micros, row.currency.as_deref()), (Some(1_148_600_000), Some("EUR")));
}

#[test]
fn of_two_sheets_the_raw_one_is_read_and_the_other_named() {
    let rows: &[(u32, &str, &[&str])] = &[(1, "A", &META), (2, "A", &META_ROW)];
    let bytes = workbook(&[("Formatted Report", rows), ("Raw Data Report", rows)]);
    let reading = export::read(&bytes, "a.xlsx", &Given::default()).unwrap();
    assert_eq!(reading.sheet.as_deref(), Some("Raw Data Report"));
    assert!(reading.notes.iter().any(|note| note.contains("`Formatted Report` is not read")));
}

#[test]
fn ids_stored_as_numbers_are_refused() {
    let mut row = META_ROW;
    row[3] = "1.20299E17";
    let rows: &[(u32, &str, &[&str])] = &[(1, "A", &META), (2, "A", &row)];
    let reading = export::read(&workbook(&[("Sheet1", rows)]), "a.xlsx", &Given::default()).unwrap();
    assert_eq!(reading.refused[0].reason, spotwright_observations::RefusalReason::IdLostDigits);
    assert_eq!(reading.refused[0].column, "Ad ID");
}

#[test]
fn gmv_max_of_tiktok_is_recognized() {
    let reading = of("视频标题,视频 ID,货币,成本,商品广告曝光数,商品广告点击数,SKU 订单数,总收入\n\
        A,7300000000000000001,USD,148.60,12480,211,9,980.00\n");
    assert_eq!(reading.source, Platform::TikTok);
    assert_eq!(reading.observations[0].revenue_micros, Some(980_000_000));
}
