//! Experiments in every form: the same numbers give the same read-outs.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use spotwright_experiment::analysis::moments::Sums;
use spotwright_experiment::analysis::report::{Verdict, analyze};
use spotwright_experiment::interval::Counts;
use spotwright_observations::trial::{self, Asked, Guarded, Trial};

fn read(bytes: &[u8], asked: &Asked) -> Trial {
    trial::read(bytes, "a", asked).unwrap_or_else(|problem| panic!("{problem}"))
}

/// 40 units in two arms: 5 of 20 and 9 of 20.
fn rows() -> Vec<(String, &'static str, f64, &'static str)> {
    (0..40)
        .map(|unit| {
            let (arm, successes) = if unit < 20 { ("a", 5) } else { ("b", 9) };
            let value = if unit % 20 < successes { 1.0 } else { 0.0 };
            let day = if unit % 2 == 0 { "2026-09-07" } else { "2026-09-20" };
            (format!("u{unit}"), arm, value, day)
        })
        .collect()
}

fn parquet_of(rows: &[(String, &str, f64, &str)]) -> Vec<u8> {
    let message = "message rows { required binary unit (UTF8); required binary arm (UTF8); \
                   required double value; required binary exposed_at (UTF8); }";
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(message).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in 0..4 {
        let mut open = group.next_column().unwrap().unwrap();
        let texts: Vec<ByteArray> = rows
            .iter()
            .map(|row| {
                ByteArray::from(match column {
                    0 => row.0.as_str(),
                    1 => row.1,
                    _ => row.3,
                })
            })
            .collect();
        if column == 2 {
            let numbers: Vec<f64> = rows.iter().map(|row| row.2).collect();
            open.typed::<DoubleType>().write_batch(&numbers, None, None).unwrap();
        } else {
            open.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        }
        open.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn counts_rows_json_and_parquet_say_the_same() {
    let rows = rows();
    let mut csv = "unit,arm,value,exposed_at\n".to_owned();
    for (unit, arm, value, day) in &rows {
        writeln!(csv, "{unit},{arm},{value},{day}").unwrap();
    }
    let json: Vec<serde_json::Value> = rows
        .iter()
        .map(|(unit, arm, value, day)| {
            serde_json::json!({ "unit": unit, "arm": arm, "value": value, "exposed_at": day })
        })
        .collect();
    let from_csv = read(csv.as_bytes(), &Asked::default());
    assert_eq!(from_csv.observed.days, Some(14.0));
    assert_eq!(from_csv.observed.arms[1].primary, Sums::Proportion(Counts::new(20, 9).unwrap()));
    assert_eq!(from_csv, read(&serde_json::to_vec(&json).unwrap(), &Asked::default()));
    assert_eq!(from_csv, read(&parquet_of(&rows), &Asked::default()));
    let counts = "arm,units,successes\na,20,5\nb,20,9\n";
    let from_counts = read(counts.as_bytes(), &Asked { days: Some(14.0), ..Asked::default() });
    assert_eq!(from_counts.observed.arms, from_csv.observed.arms);
    assert_eq!(from_counts.observed.periods, from_csv.observed.periods);
    let object = "{\"days\": 14, \"arms\": [{\"arm\": \"a\", \"units\": 20, \"successes\": 5}, \
                  {\"arm\": \"b\", \"units\": 20, \"successes\": 9}]}";
    assert_eq!(read(object.as_bytes(), &Asked::default()).observed, from_counts.observed);
}

#[test]
fn metrics_guardrails_periods_and_weights_are_arranged() {
    let csv = "arm,metric,period,weight,units,successes\n\
        b,buy,1,1,10000,500\ncontrol,buy,1,1,10000,400\nb,buy,2,9,9000,450\ncontrol,buy,2,1,1000,40\n\
        b,bounce,1,1,10000,5000\ncontrol,bounce,1,1,10000,3000\nb,bounce,2,9,9000,4500\ncontrol,bounce,2,1,1000,300\n";
    let guard = Guarded { metric: "bounce".to_owned(), less_is_better: true, margin: 0.05 };
    let asked = Asked { guardrails: vec![guard], days: Some(14.0), ..Asked::default() };
    let trial = read(csv.as_bytes(), &asked);
    assert_eq!(trial.observed.arms[0].name, "control");
    assert_eq!(trial.observed.periods[1].units, [1_000, 9_000]);
    let analysis = analyze(trial.design(), &trial.observed).unwrap();
    assert!(!analysis.mismatch.alarm, "{:?}", analysis.mismatch);
    // `buy` is better and `bounce` much worse.
    assert_eq!(analysis.verdict, Verdict::Guardrail { arm: "b".to_owned(), metric: "bounce".to_owned() });
}

#[test]
fn covariates_and_ratios_are_recognized() {
    let covariate = "unit,arm,value,covariate\n1,a,1.5,1\n2,a,2.5,2\n3,b,3,2\n4,b,1,1\n";
    assert!(matches!(
        read(covariate.as_bytes(), &Asked::default()).observed.arms[0].primary,
        Sums::Adjusted(_)
    ));
    let ratio = "unit,arm,value,denominator\n1,a,1,10\n1,a,1,5\n2,a,0,3\n3,b,1,2\n4,b,0,1\n";
    let Sums::Ratio(sums) = read(ratio.as_bytes(), &Asked::default()).observed.arms[0].primary else {
        panic!()
    };
    // Two rows of one unit are one unit.
    assert_eq!((sums.units, sums.numerator, sums.denominator_squares), (2, 2.0, 234.0));
    let mean = "unit;arm;value\n1;a;0,5\n2;a;2,5\n3;b;1\n4;b;2\n";
    assert!(matches!(read(mean.as_bytes(), &Asked::default()).observed.arms[0].primary, Sums::Mean(_)));
}

#[test]
fn a_tampered_arm_stops_the_verdict() {
    let csv = "arm,units,successes\na,50000,2500\nb,47000,3200\n";
    let trial = read(csv.as_bytes(), &Asked { days: Some(14.0), ..Asked::default() });
    let analysis = analyze(trial.design(), &trial.observed).unwrap();
    assert_eq!(analysis.verdict, Verdict::Mismatch);
}

#[test]
fn damaged_parquet_is_a_problem_and_no_panic() {
    let good = parquet_of(&rows());
    for at in (4..good.len()).step_by(3) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x5A;
        let _ = trial::read(&bytes, "a.parquet", &Asked::default());
        assert!(trial::read(&good[..at], "a.parquet", &Asked::default()).is_err());
    }
}
