//! CSV files of every kind that people hand in.

use encoding_rs::{GBK, UTF_16BE, UTF_16LE, WINDOWS_1252};
use proptest::prelude::*;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_tables::Table;

/// Line and the two columns of every row.
fn read(bytes: &[u8]) -> Result<Vec<(u64, String, String)>, Problem> {
    let table = Table::of_bytes(bytes, "pairs.csv")?;
    let [id, text] = table.columns(["pair_id", "text_a"])?;
    table
        .rows()
        .map(|row| row.map(|row| (row.line, row.get(id).to_owned(), row.get(text).to_owned())))
        .collect()
}

fn utf_16(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

fn row(line: u64, id: &str, text: &str) -> (u64, String, String) {
    (line, id.to_owned(), text.to_owned())
}

#[test]
fn every_usual_encoding_is_read() {
    let chinese =
        "pair_id,text_a\n1,热水一冲，三分钟喝上手冲咖啡\n2,会议开完杯子里还是温的，单手就能合上盖子\n";
    let expected = vec![
        row(2, "1", "热水一冲，三分钟喝上手冲咖啡"),
        row(3, "2", "会议开完杯子里还是温的，单手就能合上盖子"),
    ];
    let mut with_mark = b"\xEF\xBB\xBF".to_vec();
    with_mark.extend(chinese.as_bytes());
    let mut little = b"\xFF\xFE".to_vec();
    little.extend(utf_16(chinese, true));
    let mut big = b"\xFE\xFF".to_vec();
    big.extend(utf_16(chinese, false));
    for (name, bytes, encoding) in [
        ("plain", chinese.as_bytes().to_vec(), "UTF-8"),
        ("with a mark", with_mark, "UTF-8"),
        ("UTF-16 as Excel writes it", little, UTF_16LE.name()),
        ("UTF-16 the other way round", big, UTF_16BE.name()),
        ("UTF-16 without a mark", utf_16(chinese, true), UTF_16LE.name()),
        ("UTF-16 the other way round without a mark", utf_16(chinese, false), UTF_16BE.name()),
        ("Chinese Windows", GBK.encode(chinese).0.into_owned(), "GB 18030"),
    ] {
        assert_eq!(read(&bytes).unwrap(), expected, "{name}");
        assert_eq!(Table::of_bytes(&bytes, "x").unwrap().encoding(), encoding, "{name}");
    }
    let german = "pair_id;text_a\r\n1;Grüße aus Köln – 20 € günstiger\r\n2;Für Mädchen und Jungen\r\n";
    let bytes = WINDOWS_1252.encode(german).0.into_owned();
    assert_eq!(
        read(&bytes).unwrap(),
        vec![row(2, "1", "Grüße aus Köln – 20 € günstiger"), row(3, "2", "Für Mädchen und Jungen")]
    );
    assert!(Table::of_bytes(&bytes, "x").unwrap().is_encoding_guessed());
}

#[test]
fn separators_cases_and_quotes_are_as_people_write_them() {
    let expected = vec![row(2, "1", "warm, all day; really")];
    for text in [
        "pair_id,text_a\n1,\"warm, all day; really\"\n",
        "pair_id;text_a\n1;\"warm, all day; really\"\n",
        "pair_id\ttext_a\r\n1\twarm, all day; really\r\n",
        "Pair ID|TEXT-A\r1|warm, all day; really\r",
        "\"PAIR_ID\",\" Text_A \"\n1,\"warm, all day; really\"",
        "text_a;other;pair_id;\n\"warm, all day; really\";x;1;\n",
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text}");
    }
    for text in [
        "sep=;\npair_id;text_a\n1;a,b\n",
        "SEP=;\r\npair_id;text_a\r\n1;a,b\r\n",
        "\"sep=;\"\npair_id;text_a\n1;a,b\n",
        "\u{FEFF}sep=;\npair_id;text_a\n1;a,b\n",
        "sep=^\npair_id^text_a\n1^a,b\n",
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), vec![row(3, "1", "a,b")], "{text}");
    }
}

#[test]
fn lines_are_those_of_the_file() {
    let text = "pair_id,text_a\r\n\r\n1,\"two\r\nlines\"\r\n\r\n,\r\n2,one\r\n3,\"a \"\"quoted\"\" word\"";
    let expected = vec![row(3, "1", "two\r\nlines"), row(7, "2", "one"), row(8, "3", "a \"quoted\" word")];
    assert_eq!(read(text.as_bytes()).unwrap(), expected);
    for (text, place) in [
        ("pair_id,text_a\n1,\"two\nlines\"\n2,a,b\n", "line 4"),
        ("sep=,\npair_id,text_a\n1,a\n2\n", "line 4"),
        ("pair_id,text_a\r1,a\r2,b,c\r", "line 3"),
        ("pair_id,text_a\n1,a\n2,\"never closed\n3,c\n4,d\n", "line 3"),
        ("pair_id,text_a\n1,\"a\n\n\nb\"\n2,\"never\"\" closed\n", "line 6"),
    ] {
        let problem = read(text.as_bytes()).expect_err(text);
        assert_eq!((problem.code, problem.field.as_str()), (Code::Table, place), "{problem}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut mixed = "pair_id,text_a\n1,热水一冲三分钟喝上\n2,".as_bytes().to_vec();
    mixed.extend(GBK.encode("坏").0.iter());
    mixed.extend("\n3,会议开完杯子里还是温的\n".as_bytes());
    let mut marked = b"\xEF\xBB\xBFpair_id,text_a\n1,a\n2,".to_vec();
    marked.extend(b"\xE9\n");
    let mut odd = utf_16("pair_id,text_a\n1,a\n", true);
    odd.push(b'x');
    for (bytes, field, said) in [
        (&b""[..], "pairs.csv", "empty"),
        (&b"\xEF\xBB\xBF\r\n\r\n"[..], "pairs.csv", "empty"),
        (&b"PK\x03\x04rest"[..], "pairs.csv", "spreadsheet"),
        (&b"pair_id,text_b\n1,a\n"[..], "text_a", "`pair_id`, `text_b`"),
        (&b"pair_id,text_a,TEXT_A\n1,a,b\n"[..], "text_a", "two columns"),
        (&b"pair_id,text_a\n1,a\0b\n"[..], "line 2", "zero byte"),
        (&mixed[..], "line 3", "not UTF-8"),
        (&marked[..], "line 3", "not UTF-8"),
        (&odd[..], "line 3", "UTF-16LE"),
    ] {
        let problem = read(bytes).expect_err(said);
        assert_eq!((problem.code, problem.field.as_str()), (Code::Table, field), "{problem}");
        assert!(problem.message.contains(said), "{problem}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(Table::open(folder.path()).unwrap_err().message.contains("folder"));
    assert_eq!(Table::open(&folder.path().join("none.csv")).unwrap_err().code, Code::Table);
}

/// A field as any program would write it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn a_table_reads_back_what_was_written(
        fields in prop::collection::vec(("[a-zA-Z0-9]{1,8}", "[ -~咖啡é\\n\\t]{0,30}"), 1..12),
        separator in prop::sample::select(vec![",", ";", "\t", "|"]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        sixteen: bool,
    ) {
        let mut text = format!("PAIR_ID{separator}Text_A{end}");
        let mut expected = Vec::new();
        let mut line = 2;
        for (id, field) in &fields {
            text.push_str(&format!("{id}{separator}{}{end}", quoted(field)));
            expected.push((line, id.clone(), field.clone()));
            line += 1 + field.matches('\n').count() as u64;
        }
        let bytes = if sixteen {
            let mut bytes = b"\xFF\xFE".to_vec();
            bytes.extend(utf_16(&text, true));
            bytes
        } else {
            text.into_bytes()
        };
        prop_assert_eq!(read(&bytes).unwrap(), expected);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(table) = Table::of_bytes(&bytes, "x") {
            table.rows().for_each(drop);
        }
    }
}
