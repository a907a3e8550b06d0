//! Log rows: the format, what is refused, and what is made of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::printer::print_schema;
use spotwright_experiment::off_policy::{Estimator, estimate};
use spotwright_schemas::error::Code;
use spotwright_schemas::random::Stream;
use spotwright_scoring::data::Split;
use spotwright_scoring::log_rows::{LogRow, click_tests, holds_log_rows, read, rounds, to_csv, to_parquet};

fn row(number: u64) -> LogRow {
    LogRow {
        run: format!("run-{}", number / 4),
        generation: 1 + number % 2,
        brief: "coffee".to_owned(),
        locale: "en-US".to_owned(),
        variant: format!("variant-{}", number % 4),
        placement: format!("placement-{number}"),
        kind: "simulated_feed".to_owned(),
        source: "simulated".to_owned(),
        hour: 0.125 + 24.0 * (number % 2) as f64,
        model: "hashed-ridge@0123456789ab".to_owned(),
        predicted_ctr: 0.012_345_678_901_234_5,
        propensity: if number.is_multiple_of(3) { 1.0 } else { 0.1 + 0.2 },
        chosen: 1_000 + number,
        impressions: 700,
        clicks: 9,
        headline: format!("Fresh, \"roasted\" – 新鲜 {number}"),
        text: "Line one\nline two".to_owned(),
    }
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn the_format_is_the_golden_one_and_both_files_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<LogRow> = (0..3).map(row).collect();
    assert_eq!(
        String::from_utf8(to_csv(&rows).unwrap()).unwrap(),
        fs::read_to_string(golden("log-rows.csv")).unwrap()
    );
    let bytes = to_parquet(&rows).unwrap();
    assert_eq!(bytes, to_parquet(&rows).unwrap());
    let path = written(folder.path(), "log.parquet", &bytes);
    let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let mut schema = Vec::new();
    print_schema(&mut schema, reader.metadata().file_metadata().schema());
    assert_eq!(
        String::from_utf8(schema).unwrap(),
        fs::read_to_string(golden("log-rows.schema.txt")).unwrap()
    );
    assert!(holds_log_rows(&path).unwrap() && holds_log_rows(&golden("log-rows.csv")).unwrap());
    assert_eq!(read(&path).unwrap(), rows);
    // A file written by an earlier version is still read.
    assert_eq!(read(golden("log-rows.csv")).unwrap(), rows);
    assert_eq!(read(golden("log-rows.parquet")).unwrap(), rows);
}

#[test]
fn what_cannot_be_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = String::from_utf8(to_csv(&[row(1)]).unwrap()).unwrap();
    let refused = |text: &str, says: &str| {
        let path = written(folder.path(), "bad.csv", text.as_bytes());
        let error = read(&path).unwrap_err();
        assert_eq!(error.code(), Code::ModelInput, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    for (from, to, says) in [
        (",0.30000000000000004,", ",NaN,", "`propensity` is not above 0"),
        (",0.30000000000000004,", ",inf,", "`propensity` is not above 0"),
        (",0.30000000000000004,", ",0,", "`propensity` is not above 0"),
        (",0.30000000000000004,", ",often,", "`propensity` is not a number"),
        (",0.0123456789012345,", ",NaN,", "`predicted_ctr`"),
        (",simulated,", ",dreamt,", "`source`"),
        (",24.125,", ",inf,", "`hour`"),
        (",1001,", ",-1,", "`chosen` is not a whole number"),
        (",1001,", ",699,", "700 impressions of 699 opportunities"),
        (",700,9,", ",700,701,", "701 clicks"),
        (",propensity,", ",probability,", "column `propensity` is missing"),
        ("log-rows.v1", "log-rows.v9", "`format`"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        refused(&changed, says);
    }
    refused(good.lines().next().unwrap(), "holds no row");
    let whole = to_parquet(&[row(1), row(2)]).unwrap();
    for length in [0, 4, whole.len() / 2, whole.len() - 1] {
        let path = written(folder.path(), "cut.parquet", &whole[..length]);
        assert_eq!(read(&path).unwrap_err().code(), Code::ModelInput);
        assert!(holds_log_rows(&path).is_err());
    }
    assert!(to_parquet(&[LogRow { propensity: f64::NAN, ..row(1) }]).is_err());
    assert!(to_csv(&[LogRow { clicks: 701, ..row(1) }]).is_err());
    assert_eq!(read(folder.path().join("none.csv")).unwrap_err().code(), Code::ModelFile);
}

#[test]
fn campaigns_become_click_tests_and_sources_are_not_pooled() {
    let rows: Vec<LogRow> = (0..400).map(row).collect();
    let tests = click_tests(&rows).unwrap();
    let impressions: u64 = tests.iter().map(|test| test.impressions).sum();
    assert_eq!(impressions, 400 * 700);
    // Each run has two campaigns of two variants.
    assert_eq!(tests.len(), 400);
    let of = |split| tests.iter().filter(|test| test.split == split).count();
    assert!((180..300).contains(&of(Split::Train)) && of(Split::Valid) > 40 && of(Split::Test) > 40);
    for pair in tests.windows(2) {
        assert!(pair[0].test_id != pair[1].test_id || pair[0].split == pair[1].split);
    }
    let mixed = [row(0), LogRow { source: "imported".to_owned(), ..row(1) }];
    assert!(click_tests(&mixed).unwrap_err().to_string().contains("not pooled"));
    assert!(click_tests(&[LogRow { impressions: 0, clicks: 0, ..row(0) }]).is_err());
}

#[test]
fn a_log_tells_what_another_policy_would_have_earned() {
    // Three variants with click rates of 1, 2 and 4 % of opportunities, chosen unevenly.
    let (rates, shares) = ([0.01, 0.02, 0.04], [0.6, 0.3, 0.1]);
    let draws = Stream::new(5, "log");
    let mut rows: Vec<LogRow> = (0..3_usize)
        .map(|variant| LogRow {
            propensity: shares[variant],
            chosen: 0,
            impressions: 0,
            clicks: 0,
            variant: variant.to_string(),
            ..row(1)
        })
        .collect();
    for opportunity in 0..60_000 {
        let draw = draws.child(0).uniform(opportunity);
        let variant = if draw < 0.6 { 0 } else { 1 + usize::from(draw >= 0.9) };
        let clicked = u64::from(draws.child(1).uniform(opportunity) < rates[variant]);
        rows[variant].chosen += 1;
        rows[variant].impressions += 1;
        rows[variant].clicks += clicked;
    }
    rows.push(LogRow { propensity: 1.0, ..row(0) });
    for (variant, rate) in rates.iter().enumerate() {
        let always = rounds(&rows, |row| f64::from(u8::from(row.variant == variant.to_string())));
        assert_eq!(always.len(), 60_000, "rows of a rule are left out");
        for estimator in [Estimator::Ips, Estimator::Snips] {
            let value = estimate(estimator, &always).unwrap();
            assert!((value - rate).abs() < 0.12 * rate, "{estimator:?}, {variant}: {value}");
        }
    }
}
