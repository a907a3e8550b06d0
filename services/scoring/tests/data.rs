//! Reading click tests: the archive's known counts, CSV, and damaged files.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::collections::HashSet;
use std::fs;

use spotwright_scoring::Error;
use spotwright_scoring::data::{Split, read_click_tests};

const ARCHIVE: &str = "upworthy/upworthy_split.parquet";
const HEADER: &str = "clickability_test_id,headline,lede,eyecatcher_id,impressions,clicks,test_week,split,suspect_randomisation\n";

fn csv_error(body: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, format!("{HEADER}{body}")).unwrap();
    let error = read_click_tests(&path).unwrap_err();
    assert!(matches!(error, Error::Table { .. }), "{error}");
    error.to_string()
}

#[test]
fn archive_has_the_known_counts_per_split() {
    let Some(path) = common::optional_file("SPOTWRIGHT_DATA", ARCHIVE) else { return };
    let rows = read_click_tests(path).unwrap();
    assert_eq!(rows.len(), 22_666);
    let of_split = |split| {
        let rows: Vec<_> = rows.iter().filter(|row| row.split == split).collect();
        let n_tests = rows.iter().map(|row| row.test_id.as_str()).collect::<HashSet<_>>().len();
        let impressions: u64 = rows.iter().map(|row| row.impressions).sum();
        let clicks: u64 = rows.iter().map(|row| row.clicks).sum();
        (rows.len(), n_tests, impressions, clicks)
    };
    assert_eq!(of_split(Split::Train), (15_356, 3_411, 59_213_288, 975_815));
    assert_eq!(of_split(Split::Valid), (2_500, 487, 8_750_755, 112_931));
    assert_eq!(of_split(Split::Test), (4_810, 975, 13_060_108, 142_462));
    assert_eq!(rows.iter().filter(|row| row.suspect).count(), 4_309);
    assert!(rows.iter().all(|row| (201_301..=201_553).contains(&row.week)));
}

#[test]
fn csv_rows_are_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.CSV");
    let body = "t1,\"One, two\",lede,e1,1000,12,201401,train,False\nt1,三,,,900.0,0,201401.0,test,true\n";
    fs::write(&path, format!("{HEADER}{body}")).unwrap();
    let rows = read_click_tests(&path).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].headline.as_str(), rows[0].impressions, rows[0].suspect), ("One, two", 1000, false));
    assert_eq!((rows[1].headline.as_str(), rows[1].impressions, rows[1].suspect), ("三", 900, true));
    assert_eq!((rows[1].split, rows[1].week, rows[1].lede.as_str()), (Split::Test, 201_401, ""));
}

#[test]
fn bad_rows_name_the_row_and_the_column() {
    assert!(csv_error("").contains("holds no row"));
    assert!(csv_error("t,h,,,10,11,201401,train,false\n").contains("row 0: 11 clicks of 10 impressions"));
    assert!(csv_error("t,h,,,0,0,201401,train,false\n").contains("0 clicks of 0 impressions"));
    assert!(csv_error("t,h,,,NaN,0,201401,train,false\n").contains("`impressions` is not a whole number"));
    assert!(csv_error("t,h,,,-1,0,201401,train,false\n").contains("`impressions` is not a whole number"));
    assert!(csv_error("t,h,,,1e300,0,201401,train,false\n").contains("`impressions` is not a whole number"));
    assert!(csv_error("t, ,,,10,1,201401,train,false\n").contains("`headline` is empty"));
    assert!(csv_error("t,h,,,10,1,201401,holdout,false\n").contains("`split` is none of"));
    assert!(csv_error("t,h,,,10,1,201401,train,perhaps\n").contains("not a boolean"));
    assert!(csv_error("t,h,,\n").contains("row 0"));
    let long = "x".repeat(1_000_000);
    assert!(csv_error(&format!("t,{long},,,10,1,201401,train,false\n")).contains("longer than 10000"));
}

#[test]
fn damaged_files_are_typed_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read_click_tests(folder.path().join("none.parquet")).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");

    let path = folder.path().join("rows.parquet");
    for content in
        [&b""[..], b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"clickability_test_id,headline\n", &[0xff; 4096]]
    {
        fs::write(&path, content).unwrap();
        let error = read_click_tests(&path).unwrap_err();
        assert!(matches!(error, Error::Table { .. }), "{error}");
    }
    let csv = folder.path().join("rows.csv");
    fs::write(&csv, "headline,clicks\nh,1\n").unwrap();
    assert!(
        read_click_tests(&csv).unwrap_err().to_string().contains("column `clickability_test_id` is missing")
    );
    fs::write(&csv, [HEADER.as_bytes(), b"t,\xff\xfe,,,10,1,201401,train,false\n"].concat()).unwrap();
    assert!(matches!(read_click_tests(&csv).unwrap_err(), Error::Table { row: Some(0), .. }));
}

#[test]
fn flipped_bytes_of_the_archive_never_panic() {
    let Some(path) = common::optional_file("SPOTWRIGHT_DATA", ARCHIVE) else { return };
    let whole = fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.parquet");
    for round in 0..6_usize {
        let mut bytes = whole.clone();
        // The end of the file holds the footer, the start the first column's pages.
        let (from, n) = if round % 2 == 0 { (whole.len() - 9_000, 9_000) } else { (0, 200_000) };
        for flip in 0..20_usize {
            let position = from + (round * 7_919 + flip * 104_729) % n;
            bytes[position] ^= 1 << (flip % 8);
        }
        fs::write(&damaged, &bytes).unwrap();
        if let Err(error) = read_click_tests(&damaged) {
            assert!(matches!(error, Error::Table { .. }), "{error}");
        }
    }
}
