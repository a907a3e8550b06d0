//! Parquet files that cannot be right: each gives a typed problem with its row group, row or column, in
//! bounded memory and time.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use spotwright_observations::trial::{self, Asked};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Values of a column with its definition levels, where it is optional.
enum Values {
    Text(Vec<&'static [u8]>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Truth(Vec<bool>),
    /// Present or not, of an optional column.
    Maybe(Vec<Option<i64>>),
}

/// A file with one row group.
fn file(schema: &str, columns: &[Values]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match values {
            Values::Text(texts) => {
                let texts: Vec<ByteArray> = texts.iter().map(|text| ByteArray::from(text.to_vec())).collect();
                column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap()
            }
            Values::Whole(values) => column.typed::<Int64Type>().write_batch(values, None, None).unwrap(),
            Values::Number(values) => column.typed::<DoubleType>().write_batch(values, None, None).unwrap(),
            Values::Truth(values) => column.typed::<BoolType>().write_batch(values, None, None).unwrap(),
            Values::Maybe(values) => {
                let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
                let present: Vec<i64> = values.iter().flatten().copied().collect();
                column.typed::<Int64Type>().write_batch(&present, Some(&levels), None).unwrap()
            }
        };
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

const COUNTS: &str = "required binary arm (UTF8); required int64 units; required int64 successes;";

fn counts(units: [i64; 2], successes: [i64; 2]) -> Vec<u8> {
    file(
        COUNTS,
        &[Values::Text(vec![b"a", b"b"]), Values::Whole(units.to_vec()), Values::Whole(successes.to_vec())],
    )
}

fn refused(bytes: &[u8]) -> Problem {
    trial::read(bytes, "a.parquet", &Asked::default()).expect_err("it must be refused")
}

/// Thrift's compact protocol, as far as footers need it.
#[derive(Default)]
struct Thrift(Vec<u8>);

impl Thrift {
    fn unsigned(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// A number field; `step` is how much its number is above that of the field before.
    fn number(mut self, step: u8, kind: u8, value: i64) -> Self {
        self.0.push(step << 4 | kind);
        self.unsigned(((value << 1) ^ (value >> 63)) as u64)
    }

    fn text(mut self, step: u8, text: &str) -> Self {
        self.0.push(step << 4 | 8);
        let mut own = self.unsigned(text.len() as u64);
        own.0.extend_from_slice(text.as_bytes());
        own
    }

    fn list(mut self, step: u8, kind: u8, count: u64) -> Self {
        self.0.extend([step << 4 | 9, 0xF0 | kind]);
        self.unsigned(count)
    }

    fn open(mut self, step: u8) -> Self {
        self.0.push((step << 4) | 0xc);
        self
    }

    fn end(mut self) -> Self {
        self.0.push(0);
        self
    }

    fn with(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }
}

/// A group of the schema.
fn group(name: &str, children: i64) -> Thrift {
    // 3: repetition, 4: name, 5: children.
    Thrift::default().number(3, 5, 0).text(1, name).number(1, 5, children).end()
}

/// An integer column of the schema.
fn leaf(name: &str) -> Thrift {
    // 1: type INT64, 3: repetition required, 4: name.
    Thrift::default().number(1, 5, 2).number(2, 5, 0).text(1, name).end()
}

/// A column of a row group with its codec, and where its pages are said to be.
fn chunk(name: &str, codec: i64, offset: i64, length: i64) -> Thrift {
    let data = Thrift::default()
        .number(1, 5, 2)
        .list(1, 5, 1)
        .unsigned(0)
        .list(1, 8, 1)
        .unsigned(name.len() as u64)
        .with(&Thrift(name.as_bytes().to_vec()))
        .number(1, 5, codec)
        .number(1, 6, 1)
        .number(1, 6, length)
        .number(1, 6, length)
        .number(2, 6, offset)
        .end();
    Thrift::default().number(2, 6, 0).open(1).with(&data).end()
}

/// A footer of these nodes and row groups.
fn footer(nodes: &[Thrift], n_nodes: u64, rows: i64, groups: &[Thrift], n_groups: u64) -> Thrift {
    let mut own = Thrift::default().number(1, 5, 2).list(1, 12, n_nodes);
    for node in nodes {
        own = own.with(node);
    }
    own = own.number(1, 6, rows).list(1, 12, n_groups);
    for group in groups {
        own = own.with(group);
    }
    own.end()
}

/// A file of a body and a footer.
fn framed(body: &[u8], footer: &Thrift) -> Vec<u8> {
    let mut bytes = b"PAR1".to_vec();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(&footer.0);
    bytes.extend_from_slice(&(footer.0.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    bytes
}

/// A file of the columns arm, units, successes (all whole numbers) whose second one has this codec and these
/// pages.
fn packed(codec: i64, offset: i64, length: i64, page: &[u8]) -> Vec<u8> {
    let nodes = [group("m", 3), leaf("arm"), leaf("units"), leaf("successes")];
    let columns = [chunk("arm", 0, 4, 0), chunk("units", codec, offset, length), chunk("successes", 0, 4, 0)];
    let mut group = Thrift::default().list(1, 12, 3);
    for column in &columns {
        group = group.with(column);
    }
    let group = group.number(1, 6, 0).number(1, 6, 2).end();
    framed(page, &footer(&nodes, 4, 2, &[group], 1))
}

/// A header of a data page that claims these sizes.
fn page(unpacked: i64, packed: i64) -> Vec<u8> {
    let data = Thrift::default().number(1, 5, 2).number(1, 5, 0).number(1, 5, 3).number(1, 5, 3).end();
    Thrift::default().number(1, 5, 0).number(1, 5, unpacked).number(1, 5, packed).open(2).with(&data).end().0
}

#[test]
fn a_good_file_is_read_and_columns_that_no_form_has_are_not_decoded() {
    let trial = trial::read(&counts([1_000, 1_000], [50, 70]), "a.parquet", &Asked::default()).unwrap();
    assert_eq!(trial.observed.arms.len(), 2);
    let extra = format!("{COUNTS} required group notes {{ required binary arm (UTF8); }}");
    let with_group = file(
        &extra,
        &[
            Values::Text(vec![b"a", b"b"]),
            Values::Whole(vec![1_000, 1_000]),
            Values::Whole(vec![50, 70]),
            Values::Text(vec![b"x", b"y"]),
        ],
    );
    let other = trial::read(&with_group, "a.parquet", &Asked::default()).unwrap();
    assert_eq!(other.observed, trial.observed);
}

#[test]
fn footers_that_cannot_be_right_are_refused_before_anything_is_reserved() {
    let good = counts([1_000, 1_000], [50, 70]);
    let cut = &good[..good.len() - 1];
    let mut other_end = good.clone();
    let end = other_end.len();
    other_end[end - 4..].copy_from_slice(b"PAR2");
    let mut long = good.clone();
    long[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut no_footer = good.clone();
    no_footer[end - 8..end - 4].copy_from_slice(&0_u32.to_le_bytes());
    let mut encrypted = good.clone();
    encrypted[..4].copy_from_slice(b"PARE");
    let mut encrypted_end = good.clone();
    encrypted_end[end - 4..].copy_from_slice(b"PARE");
    let million: Vec<Thrift> =
        std::iter::once(group("m", 1_000_000)).chain((0..1_000_000).map(|_| leaf("c"))).collect();
    let deep: Vec<Thrift> = (0..4_000).map(|_| group("g", 1)).chain([leaf("units")]).collect();
    let two = || vec![group("m", 1), leaf("units")];
    let groups: Vec<Thrift> =
        (0..20_000).map(|_| Thrift::default().list(1, 12, 0).number(1, 6, 0).number(1, 6, 0).end()).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("only the mark", b"PAR1".to_vec(), "ends before its footer"),
        ("two marks", b"PAR1PAR1".to_vec(), "longer than the file"),
        ("cut off", cut.to_vec(), "cut off"),
        ("another mark", other_end, "cut off"),
        ("a footer beyond the file", long, "longer than the file"),
        ("no footer", no_footer, "cannot be read"),
        ("encrypted", encrypted, "encrypted"),
        ("encrypted footer", encrypted_end, "encrypted"),
        ("a million columns", framed(&[], &footer(&million, 1_000_001, 0, &[], 0)), "1000001 columns"),
        ("4,000 groups in each other", framed(&[], &footer(&deep, 4_001, 0, &[], 0)), "nested more than"),
        (
            "two thousand million children",
            framed(&[], &footer(&[group("m", 2_147_483_647), leaf("units")], 2, 0, &[], 0)),
            "a group of 2147483647",
        ),
        (
            "children below 0",
            framed(&[], &footer(&[group("m", -1), leaf("units")], 2, 0, &[], 0)),
            "cannot be read",
        ),
        ("more nodes than bytes", framed(&[], &footer(&two(), 2_147_483_647, 0, &[], 0)), "cannot be read"),
        ("20,000 row groups", framed(&[], &footer(&two(), 2, 0, &groups, 20_000)), "20000 row groups"),
        (
            "more row groups than bytes",
            framed(&[], &footer(&two(), 2, 0, &[], 900_000_000)),
            "cannot be read",
        ),
        ("rows without row groups", framed(&[], &footer(&two(), 2, 1_000_000_000_000, &[], 0)), "contradict"),
        ("rows below 0", framed(&[], &footer(&two(), 2, -7, &[], 0)), "damaged"),
    ];
    for (what, bytes, message) in &cases {
        let problem = refused(bytes);
        assert_eq!((problem.code, problem.field.as_str()), (Code::Table, "a.parquet"), "{what}: {problem}");
        assert!(problem.message.contains(message), "{what}: {problem}");
    }
    assert!(cases.len() >= 17);
}

#[test]
fn pages_that_cannot_be_right_are_refused_with_row_group_and_column() {
    let bomb = page(2_000_000_000, 20);
    let mut whole = bomb;
    whole.extend([0; 20]);
    let beyond = page(100, 1_000_000);
    let length = |bytes: &[u8]| bytes.len() as i64;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("gzip", packed(2, 4, 0, &[]), "packed with GZIP"),
        ("brotli", packed(4, 4, 0, &[]), "packed with BROTLI"),
        ("lz4", packed(7, 4, 0, &[]), "packed with LZ4_RAW"),
        ("a page of two gigabytes", packed(6, 4, length(&whole), &whole), "2000000000 bytes"),
        (
            "a page of two gigabytes that is not packed",
            packed(0, 4, length(&whole), &whole),
            "2000000000 bytes",
        ),
        ("a page beyond its column", packed(6, 4, length(&beyond), &beyond), "damaged or cut off"),
        ("pages beyond the file", packed(6, 4, 1 << 40, &[]), "damaged or cut off"),
        ("an offset beyond the file", packed(6, i64::MAX, 10, &[]), "damaged or cut off"),
        ("an offset below 0", packed(6, -5, 10, &[]), "damaged or cut off"),
        ("a page below 0", packed(6, 4, length(&page(-5, -5)), &page(-5, -5)), "damaged or cut off"),
    ];
    for (what, bytes, message) in &cases {
        let problem = refused(bytes);
        assert_eq!(
            (problem.code, problem.field.as_str()),
            (Code::Table, "row group 1, units"),
            "{what}: {problem}"
        );
        assert!(problem.message.contains(message), "{what}: {problem}");
    }
    // A codec that the format does not have: the footer itself cannot be read.
    assert_eq!(refused(&packed(99, 4, 0, &[])).code, Code::Table);
}

#[test]
fn rows_that_cannot_be_right_are_refused_with_row_and_column() {
    let arms = || Values::Text(vec![b"a", b"b"]);
    let good = || Values::Whole(vec![50, 70]);
    let maybe = |units: [Option<i64>; 2]| {
        file(
            "required binary arm (UTF8); optional int64 units; required int64 successes;",
            &[arms(), Values::Maybe(units.to_vec()), good()],
        )
    };
    let numbers = |units: [f64; 2]| {
        file(
            "required binary arm (UTF8); required double units; required int64 successes;",
            &[arms(), Values::Number(units.to_vec()), good()],
        )
    };
    let sourced = "required int64 unit; required binary arm (UTF8); required int64 value; required binary source (UTF8);";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("counts below 0", counts([-5, 1_000], [1, 1]), "row 1, units"),
        ("more successes than units", counts([1_000, 10], [50, 70]), "row 2, successes"),
        ("no count", maybe([Some(1_000), None]), "row 2, units"),
        ("half a unit", numbers([1_000.5, 1_000.0]), "row 1, units"),
        ("not a number", numbers([f64::NAN, 1_000.0]), "row 1, units"),
        ("endless", numbers([1_000.0, f64::INFINITY]), "row 2, units"),
        ("more than can be counted", counts([i64::MAX, 1_000], [1, 1]), "row 1, units"),
        (
            "words for numbers",
            file(
                "required binary arm (UTF8); required binary units (UTF8); required int64 successes;",
                &[arms(), Values::Text(vec![b"1000", b"ten"]), good()],
            ),
            "row 2, units",
        ),
        (
            "raw bytes",
            file(
                "required binary arm; required int64 units; required int64 successes;",
                &[Values::Text(vec![b"\xFF\xFE", b"b"]), Values::Whole(vec![1_000, 1_000]), good()],
            ),
            "row 1, arm",
        ),
        (
            "one arm twice",
            file(
                COUNTS,
                &[Values::Text(vec![b"a", b"a"]), Values::Whole(vec![9, 9]), Values::Whole(vec![1, 1])],
            ),
            "row 2, arm",
        ),
        (
            "a nested column",
            file(
                "required group arm { required binary name (UTF8); } required int64 units; required int64 successes;",
                &[arms(), Values::Whole(vec![1_000, 1_000]), good()],
            ),
            "arm",
        ),
        (
            "no column that is read",
            file("required boolean flag;", &[Values::Truth(vec![true, false])]),
            "unit",
        ),
        (
            "simulated and other rows",
            file(
                sourced,
                &[
                    Values::Whole(vec![1, 2]),
                    arms(),
                    Values::Whole(vec![0, 1]),
                    Values::Text(vec![b"simulated", b"imported"]),
                ],
            ),
            "row 2, source",
        ),
        (
            "a unit in two arms",
            file(
                "required int64 unit; required binary arm (UTF8); required int64 value;",
                &[Values::Whole(vec![1, 1]), arms(), Values::Whole(vec![0, 1])],
            ),
            "row 2, arm",
        ),
        (
            "a row without a value",
            file(
                "required int64 unit; required binary arm (UTF8); optional int64 value;",
                &[Values::Whole(vec![1, 2]), arms(), Values::Maybe(vec![Some(1), None])],
            ),
            "row 2, value",
        ),
    ];
    for (what, bytes, field) in &cases {
        let problem = refused(bytes);
        assert_eq!((problem.code, problem.field.as_str()), (Code::Trial, *field), "{what}: {problem}");
    }
    assert!(cases.len() >= 15);
}

#[test]
fn one_long_text_in_many_rows_is_refused_before_it_fills_the_memory() {
    // Half a megabyte in the dictionary, and two thousand numbers of it: a small file, and a gigabyte of
    // text.
    let long: &'static [u8] = Box::leak(vec![b'x'; 1 << 19].into_boxed_slice());
    let bytes = file(
        "required int64 unit; required binary arm (UTF8); required int64 value;",
        &[
            Values::Whole((0..2_000).collect()),
            Values::Text(vec![long; 2_000]),
            Values::Whole(vec![1; 2_000]),
        ],
    );
    assert!(bytes.len() < 4 << 20, "{}", bytes.len());
    let problem = refused(&bytes);
    assert_eq!(problem.code, Code::Trial);
    assert!(problem.field.ends_with(", arm") && problem.message.contains("too long"), "{problem}");
}

/// Whatever is cut off or flipped, the file is read or refused.
#[test]
fn damaged_files_do_not_panic() {
    let good = counts([1_000, 1_000], [50, 70]);
    for at in 0..good.len() {
        let cut = trial::read(&good[..at], "a.parquet", &Asked::default());
        assert!(cut.is_err(), "cut at {at}");
        for mask in [0xFF, 0x01, 0x80] {
            let mut bytes = good.clone();
            bytes[at] ^= mask;
            let _ = trial::read(&bytes, "a.parquet", &Asked::default());
        }
    }
}
