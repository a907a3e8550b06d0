//! Files that cannot be right: each gives a typed problem or a refused row, with its line and column.

use std::io::Write as _;

use proptest::prelude::*;
use spotwright_observations::trial::{self, Asked};
use spotwright_observations::{Given, RefusalReason, export};
use spotwright_schemas::error::Code;

const HEADER: &str =
    "Campaign name,Ad name,Ad ID,By Day,Currency,Cost,Impressions,Clicks (destination),Conversions";

/// A row of TikTok's columns with one cell changed.
fn with(column: usize, cell: &str) -> String {
    let mut cells = ["Autumn", "A", "1799", "2026-09-07", "USD", "148.60", "12480", "211", "9"];
    cells[column] = cell;
    format!("{HEADER}\n{}\n", cells.join(","))
}

#[test]
fn rows_that_cannot_be_right_are_refused_with_line_and_column() {
    use RefusalReason::{
        AdMissing, ClicksAboveImpressions, CurrencyMissing, DateMissing, ErrorCell, FractionalCount,
        IdLostDigits, Negative, NotACurrency, NotADate, NotANumber, SeveralAdsInOneRow, TooLarge,
        TooManyCells,
    };
    let cases = [
        (with(6, "-5"), "Impressions", Negative),
        (with(5, "-1.20"), "Cost", Negative),
        (with(6, "12.5"), "Impressions", FractionalCount),
        (with(7, "1.25"), "Clicks (destination)", FractionalCount),
        (with(7, "12481"), "Clicks (destination)", ClicksAboveImpressions),
        (with(6, "many"), "Impressions", NotANumber),
        (with(6, "< 10"), "Impressions", NotANumber),
        (with(6, "=1+1"), "Impressions", NotANumber),
        (with(6, "@SUM(A1)"), "Impressions", NotANumber),
        (with(6, "5%"), "Impressions", NotANumber),
        (with(6, "1e5"), "Impressions", NotANumber),
        (with(5, "\"1,2,3\""), "Cost", NotANumber),
        (with(6, "#DIV/0!"), "Impressions", ErrorCell),
        (with(6, "99999999999999999999999"), "Impressions", TooLarge),
        (with(5, "99999999999999"), "Cost", TooLarge),
        (with(2, "1.799E+15"), "Ad ID", IdLostDigits),
        (with(2, "-"), "Ad name", AdMissing),
        (with(1, "A; B;...and 2 more ads"), "Ad name", SeveralAdsInOneRow),
        (with(3, "yesterday"), "By Day", NotADate),
        (with(3, "2026-02-30"), "By Day", NotADate),
        (with(3, "0026-09-07"), "By Day", NotADate),
        (with(3, "--"), "By Day", DateMissing),
        (with(4, "dollars"), "Currency", NotACurrency),
        (with(4, ""), "Currency", CurrencyMissing),
        (with(8, "9,1,1"), "column 10", TooManyCells),
        (with(8, "none yet"), "Conversions", NotANumber),
    ];
    for (text, column, reason) in &cases {
        let reading = export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap();
        assert!(reading.observations.is_empty(), "{text}");
        let refused = &reading.refused[0];
        assert_eq!((refused.line, refused.column.as_str(), refused.reason), (2, *column, *reason), "{text}");
        assert!(!refused.message.is_empty());
        // The same file taken whole or not at all.
        let problem = export::read(text.as_bytes(), "a.csv", &Given { atomic: true, ..Given::default() });
        let problem = problem.unwrap_err();
        assert_eq!((problem.code, problem.field), (Code::Export, format!("line 2, {column}")), "{text}");
    }
    assert!(cases.len() >= 26);
}

#[test]
fn a_bad_row_leaves_the_others() {
    let text = format!(
        "{}Autumn,A,1799,2026-09-08,USD,x,11904,188,7\nAutumn,A,1799,2026-09-09,USD,1.5,100,8,7\n",
        with(5, "1")
    );
    let reading = export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap();
    assert_eq!(reading.observations.iter().map(|own| own.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(reading.refused[0].line, 3);
}

#[test]
fn files_that_cannot_be_read_say_where() {
    let wide = format!("a,b\n{}\n", ",".repeat(1_000_000));
    let long = format!("a,b\n1,{}\n", "x".repeat(2 << 20));
    let twice =
        "Campaign name,Ad name,Ad ID,By Day,Currency,Cost,Cost,Impressions\nA,B,1,2026-09-07,USD,1,2,3\n";
    let two = "Campaign name,Day,Ad name,Ad ID,Impressions,Link clicks,Amount spent (USD),Purchases conversion value (EUR)\n\
               A,2026-09-07,B,1,3,1,2,5\n";
    let zones = "Campaign name,Ad name,Ad ID,By Day,Time zone,Currency,Cost,Impressions,Clicks (all)\n\
                 A,B,1,2026-09-07,Asia/Tokyo,USD,1,3,1\nA,C,2,2026-09-07,UTC,USD,1,3,1\n";
    let no_ad = "Campaign,Impr.,Clicks,Cost,Conversions,Day,Currency code\nA,100,5,1.5,0,2026-09-07,USD\n";
    let cases: Vec<(Vec<u8>, Code, &str)> = vec![
        (b"".to_vec(), Code::Table, "a.csv"),
        (b" \n\n".to_vec(), Code::Table, "a.csv"),
        (wide.into_bytes(), Code::Table, "line 2, column 16385"),
        (long.into_bytes(), Code::Table, "line 2"),
        (b"a,b\n\"never closed\n".to_vec(), Code::Table, "line 2"),
        (b"PK\x03\x04 not a workbook".to_vec(), Code::Table, "a.csv"),
        (b"\xD0\xCF\x11\xE0 old".to_vec(), Code::Table, "a.csv"),
        (b"%PDF-1.7".to_vec(), Code::Table, "a.csv"),
        (b"a,b\nzero\0byte,1\n".to_vec(), Code::Table, "line 2"),
        ("naam,bedrag\nfoo,1\n".into(), Code::Export, "a.csv"),
        (twice.into(), Code::Export, "line 1, Cost"),
        (two.into(), Code::Export, "line 1, Amount spent (USD)"),
        (zones.into(), Code::Export, "line 3, Time zone"),
        (no_ad.into(), Code::Export, "line 1"),
    ];
    for (bytes, code, field) in cases {
        let problem = export::read(&bytes, "a.csv", &Given::default()).unwrap_err();
        assert_eq!((problem.code, problem.field.as_str()), (code, field), "{problem}");
    }
}

#[test]
fn what_is_given_may_not_contradict_the_file() {
    let file = with(0, "A");
    let zone = file.replace("Currency", "Time zone").replace("USD", "UTC");
    for (text, given, code, field) in [
        (&file, Given { currency: Some("usd".to_owned()), ..Given::default() }, Code::Option, "currency"),
        (
            &file,
            Given { time_zone: Some("no zone!".to_owned()), ..Given::default() },
            Code::Option,
            "time_zone",
        ),
        (
            &zone,
            Given { time_zone: Some("Asia/Tokyo".to_owned()), ..Given::default() },
            Code::Export,
            "time_zone",
        ),
    ] {
        let problem = export::read(text.as_bytes(), "a.csv", &given).unwrap_err();
        assert_eq!((problem.code, problem.field.as_str()), (code, field), "{problem}");
    }
}

#[test]
fn what_may_be_read_in_two_ways_is_asked() {
    // Spanish is written with either mark; no cell tells which.
    let text = "Nombre de la campaña;Nombre del anuncio;Identificador del anuncio;Día;Impresiones;Clics en el enlace;Importe gastado (EUR)\n\
                Otoño;A;120;2026-09-07;1.234;2;5\n";
    let reading = export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap();
    assert!(reading.observations.is_empty());
    assert_eq!(serde_json::to_value(reading.asked[0].asked).unwrap(), "number_format");
    let given = Given { decimal_mark: Some(spotwright_observations::DecimalMark::Comma), ..Given::default() };
    let reading = export::read(text.as_bytes(), "a.csv", &given).unwrap();
    assert_eq!(reading.observations[0].impressions.as_ref().unwrap().value, Some(1_234));
    // Months first or days first.
    let reading = export::read(with(3, "03/04/2026").as_bytes(), "a.csv", &Given::default()).unwrap();
    assert_eq!(serde_json::to_value(reading.asked[0].asked).unwrap(), "date_order");
    let given = Given { date_order: Some(spotwright_observations::DateOrder::DayFirst), ..Given::default() };
    let reading = export::read(with(3, "03/04/2026").as_bytes(), "a.csv", &given).unwrap();
    assert_eq!(reading.observations[0].window.unwrap().start.to_string(), "2026-04-03");
}

#[test]
fn dates_in_five_forms_are_each_read_and_two_orders_in_one_file_are_asked() {
    let row = |ad: u32, day: &str| format!("Autumn,A,{ad},\"{day}\",USD,1.00,100,5,0\n");
    let forms = ["2026-09-13", "13/09/2026", "20260913", "Sep 13, 2026", "2026年9月13日 00:00:00"];
    let rows: String = forms.iter().zip(1..).map(|(day, ad)| row(ad, day)).collect();
    let reading = export::read(format!("{HEADER}\n{rows}").as_bytes(), "a.csv", &Given::default()).unwrap();
    assert_eq!(reading.observations.len(), 5, "{:?}", reading.refused);
    assert!(reading.observations.iter().all(|own| own.window.unwrap().start.to_string() == "2026-09-13"));
    // Days first and months first: the third date may be either, and nobody guesses.
    let torn = [row(1, "13/09/2026"), row(2, "09/14/2026"), row(3, "03/04/2026")].concat();
    let reading = export::read(format!("{HEADER}\n{torn}").as_bytes(), "a.csv", &Given::default()).unwrap();
    assert!(reading.asked.iter().any(|own| own.asked == spotwright_observations::Asked::DateOrder));
}

#[test]
fn rows_of_one_ad_and_day_are_refused_as_broken_down() {
    let text = format!("{}Autumn,A,1799,2026-09-07,USD,1,100,1,0\n", with(5, "1"));
    let reading = export::read(text.as_bytes(), "a.csv", &Given::default()).unwrap();
    assert!(reading.observations.is_empty());
    assert!(reading.refused.iter().all(|own| own.reason == RefusalReason::DuplicateWindow));
    assert_eq!(reading.refused.len(), 2);
}

#[test]
fn tables_of_experiments_that_cannot_be_right_say_where() {
    let cases = [
        ("", Code::Table, "a"),
        ("arm,units,successes\n", Code::Trial, "a"),
        ("arm,units,successes\na,100,10\n", Code::Trial, "arm"),
        ("arm,units\na,100\nb,100\n", Code::Trial, "sum"),
        ("units,successes\n100,10\n", Code::Trial, "arm"),
        ("arm,units,successes\na,100,101\nb,100,10\n", Code::Trial, "line 2, successes"),
        ("arm,units,successes\na,-100,1\nb,100,10\n", Code::Trial, "line 2, units"),
        ("arm,units,successes\na,100.5,1\nb,100,10\n", Code::Trial, "line 2, units"),
        ("arm,units,successes\na,100,1\nb,1e30,10\n", Code::Trial, "line 3, units"),
        ("arm,units,successes\na,100,1\nb,,10\n", Code::Trial, "line 3, units"),
        ("arm,units,successes\na,100,1\n,100,10\n", Code::Trial, "line 3, arm"),
        ("arm,units,successes\na,100,1\nb,ten,10\n", Code::Trial, "line 3, units"),
        ("arm,units,successes\na,100,1\na,100,10\n", Code::Trial, "line 3, arm"),
        ("arm,units,successes\na,100,1,7\nb,100,10\n", Code::Trial, "line 2"),
        ("arm;units;successes\na;1.234;1\nb;1.500;10\n", Code::Trial, "line 2, units"),
        ("arm,units,successes,weight\na,100,1,1\nb,100,10,0\n", Code::Trial, "line 3, weight"),
        ("arm,period,units,successes\na,1,100,1\nb,1,100,10\na,2,100,1\n", Code::Trial, "period"),
        (
            "arm,metric,units,successes\na,m,100,1\nb,m,100,10\na,n,90,1\nb,n,100,1\n",
            Code::Trial,
            "line 4, units",
        ),
        ("arm,metric,units,successes\na,m,100,1\nb,m,100,10\na,n,100,1\nb,n,100,1\n", Code::Trial, "metric"),
        ("arm,units,sum,sum_squares\na,100,1000,10\nb,100,10,10\n", Code::Trial, "line 2, sum"),
        ("arm,units,n,successes\na,1,1,1\nb,1,1,1\n", Code::Trial, "n"),
        ("unit,arm,value\n1,a,1\n1,b,0\n", Code::Trial, "line 3, arm"),
        ("unit,arm,value\n1,a,1\n2,b,\n", Code::Trial, "line 3, value"),
        ("unit,arm,value\n,a,1\n2,b,1\n", Code::Trial, "line 2, unit"),
        ("unit,arm,value\n1,a,x\n2,b,1\n", Code::Trial, "line 2, value"),
        ("unit,arm,value,covariate\n1,a,1,2\n1,a,1,3\n2,b,1,1\n", Code::Trial, "line 3, covariate"),
        ("unit,arm,value,denominator\n1,a,1,-2\n2,b,1,1\n", Code::Trial, "line 2, denominator"),
        ("unit,arm,value,covariate,denominator\n1,a,1,2,1\n", Code::Trial, "denominator"),
        ("unit,arm,value,exposed_at\n1,a,1,soon\n2,b,1,later\n", Code::Trial, "line 2, exposed_at"),
        (
            "unit,arm,value,exposed_at\n1,a,1,03/04/2026\n2,b,1,04/04/2026\n",
            Code::Trial,
            "line 2, exposed_at",
        ),
        (
            "unit,arm,value,exposed_at\n1,a,1,2026-09-07T10:00:00+02:00\n2,b,1,2026-09-07T10:00:00Z\n",
            Code::Trial,
            "line 3, exposed_at",
        ),
        ("unit,arm,value\n1,a,\"0,5\"\n2,b,0.5\n", Code::Trial, "line 3, value"),
        ("[1, 2]", Code::Trial, "[0]"),
        ("{\"arms\": 1}", Code::Trial, "arms"),
        ("{\"a\": 1}", Code::Trial, "a"),
        ("{\"arms\": [", Code::Table, "line 1, column 10"),
        ("[{\"arm\": \"a\", \"units\": [1]}]", Code::Trial, "[0].units"),
        ("[{\"arm\": \"a\", \"units\": 1.5, \"successes\": 1}]", Code::Trial, "[0].units"),
        ("PAR1 not parquet", Code::Table, "a"),
        ("arm,units,successes\n\"a,100,1\n", Code::Table, "line 2"),
    ];
    for (text, code, field) in &cases {
        let problem = trial::read(text.as_bytes(), "a", &Asked::default()).unwrap_err();
        assert_eq!((problem.code, problem.field.as_str()), (*code, *field), "{text}: {problem}");
    }
    assert!(cases.len() >= 30);
}

#[test]
fn damaged_workbooks_do_not_panic() {
    let good = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/tiktok_en.xlsx")).unwrap();
    for at in (0..good.len()).step_by(97) {
        let mut bytes = good.clone();
        bytes[at] ^= 0xFF;
        let _ = export::read(&bytes, "a.xlsx", &Given::default());
        let _ = export::read(&good[..at], "a.xlsx", &Given::default());
    }
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    bomb.start_file("xl/workbook.xml", options).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..260 {
        bomb.write_all(&blanks).unwrap();
    }
    let bomb = bomb.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    assert_eq!(export::read(&bomb, "a.xlsx", &Given::default()).unwrap_err().code, Code::Table);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = export::read(&bytes, "a", &Given::default());
        let _ = trial::read(&bytes, "a", &Asked::default());
    }

    #[test]
    fn no_cells_make_it_panic(cells in prop::collection::vec("[-0-9.,;:/年月日 a-eT\"\n\t$€%#=]{0,12}", 9)) {
        let text = format!("{HEADER}\n{}\n", cells.join(","));
        let _ = export::read(text.as_bytes(), "a", &Given::default());
        let rows = format!("unit,arm,value,exposed_at\n{}\n{}\n", cells[..4].join(","), cells[4..8].join(","));
        let _ = trial::read(rows.as_bytes(), "a", &Asked::default());
    }
}
