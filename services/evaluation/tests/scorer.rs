//! The subcommands on a small made-up archive and on hostile input, with hashed features, which
//! need no installation.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;
use spotwright_evaluation::{Command, Places, execute};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::random::Stream;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

fn run_in(folder: &Path, arguments: &[&str]) -> Result<String, Problem> {
    let options = Options::try_parse_from([&["scorer"], arguments].concat()).unwrap();
    let places = Places { models: folder.join("models"), data: None, cache: folder.join("cache") };
    let mut out = Vec::new();
    execute(&options.command, &places, true, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// 180 tests of four variants; headlines with the word `secret` are clicked a quarter more often.
fn table(folder: &Path) -> PathBuf {
    let mut text = "clickability_test_id,headline,lede,eyecatcher_id,impressions,clicks,test_week,split,suspect_randomisation\n".to_owned();
    let words = ["coffee", "garden", "market", "winter", "family", "doctor", "river", "school"];
    for test in 0..180_u64 {
        let draws = Stream::new(5, "table").child(test);
        let split = if test < 120 {
            "train"
        } else if test < 150 {
            "valid"
        } else {
            "test"
        };
        for variant in 0..4 {
            let word = |slot: u64| words[draws.below(10 * variant + slot, words.len())];
            let secret = (test + variant) % 2 == 0;
            let headline =
                format!("{} {} {} {variant}", if secret { "secret" } else { "plain" }, word(0), word(1));
            let rate = 0.015 * if secret { 1.25 } else { 1.0 };
            let clicks = 5_000.0 * rate + 8.0 * draws.normal(100 + variant);
            text.push_str(&format!(
                "t{test},{headline},,,5000,{},{},{split},false\n",
                clicks.max(0.0) as u64,
                201_401 + test / 6
            ));
        }
    }
    let path = folder.join("tests.csv");
    fs::write(&path, text).unwrap();
    path
}

fn ranked(folder: &Path, csv: &str, more: &[&str]) -> Result<Vec<(String, f64)>, Problem> {
    let path = folder.join("pairs.csv");
    fs::write(&path, csv).unwrap();
    let answer = run_in(folder, &[&["rank", "--pairs", path.to_str().unwrap()], more].concat())?;
    Ok(answer
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["pair_id"].as_str().unwrap().to_owned(), line["p_a"].as_f64().unwrap())
        })
        .collect())
}

#[test]
fn pairs_are_ranked_in_order_and_symmetrically() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "note,text_b,pair_id,text_a\n\
               x,Quarterly report,first,You won't believe what happened next\n\
               x,You won't believe what happened next,second,Quarterly report\n\
               x,equal,third,equal\n\
               x,☕🚀,fourth,مرحبا 你好 hello naïve\n";
    let answer = ranked(folder.path(), csv, &[]).unwrap();
    let ids: Vec<&str> = answer.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["first", "second", "third", "fourth"]);
    assert!((answer[0].1 + answer[1].1 - 1.0).abs() < 1e-12, "{answer:?}");
    assert!(answer[0].1 > 0.5, "{answer:?}");
    assert_eq!(answer[2].1, 0.5);
    assert!(answer[3].1 > 0.0 && answer[3].1 < 1.0);
}

/// Remembers how many lines had been written at each flush.
#[derive(Default)]
struct Flushes {
    text: Vec<u8>,
    lines_at: Vec<usize>,
}

impl std::io::Write for Flushes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.lines_at.push(self.text.split(|byte| *byte == b'\n').count() - 1);
        Ok(())
    }
}

/// `n` pairs; the texts of pair i are those of pair n − 1 − i in the other order.
fn many_pairs(n: usize) -> String {
    let mut csv = "pair_id,text_a,text_b\n".to_owned();
    for row in 0..n {
        let text = |side: usize| format!("Headline {} of {}", (row * 7 + side) % n, "word ".repeat(row % 5));
        let mirrored = n - 1 - row;
        let [a, b] = if row < n / 2 {
            [text(0), text(1)]
        } else {
            let text = |side: usize| {
                format!("Headline {} of {}", (mirrored * 7 + side) % n, "word ".repeat(mirrored % 5))
            };
            [text(1), text(0)]
        };
        csv.push_str(&format!("p{row},{a},{b}\n"));
    }
    csv
}

#[test]
fn rows_come_in_order_while_later_ones_are_still_computed_and_equal_those_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    let csv = many_pairs(1_200);
    fs::write(&path, &csv).unwrap();
    let arguments = ["scorer", "rank", "--pairs", path.to_str().unwrap()];
    let options = Options::try_parse_from(arguments).unwrap();
    let places =
        Places { models: folder.path().join("models"), data: None, cache: folder.path().join("cache") };
    let mut out = Flushes::default();
    execute(&options.command, &places, true, &mut out).unwrap();
    assert!(out.lines_at.len() >= 2 && *out.lines_at.first().unwrap() < 1_200, "{:?}", out.lines_at);
    assert_eq!(out.lines_at.last(), Some(&1_200));

    let rows: Vec<Value> = String::from_utf8(out.text)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let p_a = |row: usize| rows[row]["p_a"].as_f64().unwrap();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["pair_id"], format!("p{number}"));
        assert!((p_a(number) + p_a(1_199 - number) - 1.0).abs() < 1e-12, "{number}");
    }
    let lines: Vec<&str> = csv.lines().collect();
    for number in [0, 511, 512, 1_199] {
        let alone = ranked(folder.path(), &format!("{}\n{}\n", lines[0], lines[number + 1]), &[]).unwrap();
        assert_eq!(alone[0].1.to_bits(), p_a(number).to_bits(), "{number}");
    }
}

#[test]
fn nothing_is_written_when_the_last_of_many_pairs_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    fs::write(&path, format!("{}last,x,  \n", many_pairs(700))).unwrap();
    let options = Options::try_parse_from(["scorer", "rank", "--pairs", path.to_str().unwrap()]).unwrap();
    let places =
        Places { models: folder.path().join("models"), data: None, cache: folder.path().join("cache") };
    let mut out = Flushes::default();
    let problem = execute(&options.command, &places, true, &mut out).unwrap_err();
    assert_eq!(problem.code, Code::ModelInput);
    assert!(problem.field.ends_with("text_b"), "{problem}");
    assert!(out.text.is_empty());
}

#[test]
fn bad_pairs_name_the_line_and_the_column() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |csv: &str| {
        let problem = ranked(folder.path(), csv, &[]).unwrap_err();
        (problem.code, problem.field)
    };
    let table = |field: &str| (Code::Table, field.to_owned());
    let input = |field: &str| (Code::ModelInput, field.to_owned());
    assert_eq!(problem("pair_id,text_a\n1,x\n"), table("text_b"));
    assert_eq!(problem("pair_id,text_a,text_b\n1,x,y\n2,x,  \n"), input("line 3, text_b"));
    assert_eq!(problem("pair_id,text_a,text_b\n1,\"x\n\nx\",y\n2,  ,y\n"), input("line 5, text_a"));
    let long = format!("pair_id,text_a,text_b\n1,{},y\n", "a".repeat(1 << 20));
    assert_eq!(problem(&long), input("line 2, text_a"));
    assert_eq!(problem("pair_id,text_a,text_b\n1,x\n"), table("line 2"));
    assert!(problem("").1.ends_with("pairs.csv"));
    let missing = run_in(folder.path(), &["rank", "--pairs", "no/such/file.csv"]).unwrap_err();
    assert_eq!((missing.code, missing.field.as_str()), (Code::Table, "no/such/file.csv"));
}

#[test]
fn pairs_of_any_spreadsheet_give_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    let plain = "pair_id,text_a,text_b\n1,\"Warm, all day; really\",热水一冲\n2,Straße,Ten minutes\n";
    let expected = ranked(folder.path(), plain, &[]).unwrap();
    let semicolons =
        "sep=;\r\nText_B;PAIR ID;text_a\r\n热水一冲;1;\"Warm, all day; really\"\r\nTen minutes;2;Straße\r\n";
    let sixteen: Vec<u8> =
        std::iter::once(0xFEFF_u16).chain(semicolons.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [semicolons.as_bytes(), &sixteen] {
        fs::write(&path, bytes).unwrap();
        let text = run_in(folder.path(), &["rank", "--pairs", path.to_str().unwrap()]).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (row, (id, p_a)) in rows.iter().zip(&expected) {
            assert_eq!((row["pair_id"].as_str(), row["p_a"].as_f64()), (Some(id.as_str()), Some(*p_a)));
        }
        assert_eq!(rows.len(), 2);
    }
}

#[test]
fn bytes_that_are_no_text_are_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    fs::write(&path, b"pair_id,text_a,text_b\n1,\0\xff\xfe\x01,y\n").unwrap();
    let problem = run_in(folder.path(), &["rank", "--pairs", path.to_str().unwrap()]).unwrap_err();
    assert_eq!((problem.code, problem.field.as_str()), (Code::Table, "line 2"));
}

#[test]
fn a_trained_model_is_reproducible_ranks_and_is_checked_against_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let out = folder.path().join("out");
    let train = |out: &Path| {
        let arguments = ["train", "--encoder", "hashed", "--table", table.to_str().unwrap(), "--out"];
        run_in(folder.path(), &[&arguments[..], &[out.to_str().unwrap()]].concat()).unwrap()
    };
    let card: Value = serde_json::from_str(&train(&out)).unwrap();
    train(&folder.path().join("again"));
    let model = out.join("hashed-ridge.safetensors");
    let bytes = fs::read(&model).unwrap();
    assert_eq!(bytes, fs::read(folder.path().join("again/hashed-ridge.safetensors")).unwrap());
    assert_eq!(card["weights_blake3"], blake3::hash(&bytes).to_hex().as_str());
    assert!(card["test"]["all_pairs"]["value"].as_f64().unwrap() > 0.65, "{card}");
    assert_eq!(card["fit"]["tests"], "whole");
    let model_text = model.to_str().unwrap();
    let answer = ranked(
        folder.path(),
        "pair_id,text_a,text_b\n1,secret garden,plain garden\n",
        &["--model", model_text],
    );
    assert!(answer.unwrap()[0].1 > 0.6);
    let printed = run_in(folder.path(), &["card", "--model", model_text]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), card);

    let refused = |message: &str| {
        let problem = run_in(folder.path(), &["card", "--model", model_text]).unwrap_err();
        assert_eq!(problem.code, Code::ModelFile, "{problem}");
        assert!(problem.message.contains(message), "{problem}");
        let problem = ranked(folder.path(), "pair_id,text_a,text_b\n1,a,b\n", &["--model", model_text]);
        assert_eq!(problem.unwrap_err().code, Code::ModelFile);
    };
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    refused("the card says");
    // A truncated file whose card was made to fit is still no model.
    let cut = &bytes[..bytes.len() - 100];
    fs::write(&model, cut).unwrap();
    let card_path = out.join("hashed-ridge.card.json");
    fs::write(&card_path, format!("{{\"weights_blake3\": \"{}\"}}", blake3::hash(cut).to_hex())).unwrap();
    let problem = ranked(folder.path(), "pair_id,text_a,text_b\n1,a,b\n", &["--model", model_text]);
    assert_eq!(problem.unwrap_err().code, Code::ModelFile);
    fs::remove_file(&card_path).unwrap();
    refused("No such file");
}

#[test]
fn a_taught_model_says_by_whom_and_an_absent_teacher_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let out = folder.path().join("out");
    let train = |teacher: &[&str]| {
        let arguments = ["train", "--encoder", "hashed", "--table", table.to_str().unwrap(), "--out"];
        run_in(folder.path(), &[&arguments[..], &[out.to_str().unwrap()], teacher].concat())
    };
    let card = |teacher: &[&str]| serde_json::from_str::<Value>(&train(teacher).unwrap()).unwrap();
    let (alone, taught) = (card(&[]), card(&["--teacher", "hashed"]));
    assert!(alone.get("teacher").is_none() && alone["fit"].get("taught").is_none(), "{alone}");
    assert_eq!(taught["fit"]["taught"]["by"], "hashed");
    assert!(taught["teacher"].as_str().unwrap().contains("signed hashes"), "{taught}");
    assert!(taught["fit"]["taught"]["weight"].as_f64().unwrap() > 0.0);
    // The posterior is the clicks' alone.
    assert_eq!(alone["fit"]["penalty"], taught["fit"]["penalty"]);
    assert_ne!(alone["weights_blake3"], taught["weights_blake3"]);
    assert!(taught["test"]["all_pairs"]["value"].as_f64().unwrap() > 0.65, "{taught}");

    let problem = train(&["--teacher", "mpnet"]).unwrap_err();
    assert_eq!(problem.code, Code::Prerequisite);
    assert!(problem.message.contains("--with mpnet"), "{problem}");
}

#[test]
fn suites_have_the_documented_shape_and_find_the_planted_word() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let eval = |suite: &str| -> Value {
        let arguments =
            ["eval", "--suite", suite, "--encoder", "hashed", "--encoder", "mpnet", "--resamples", "100"];
        let table = ["--teacher", "hashed", "--table", table.to_str().unwrap()];
        serde_json::from_str(&run_in(folder.path(), &[&arguments[..], &table[..]].concat()).unwrap()).unwrap()
    };
    let pairs = eval("pairs");
    let models = pairs["models"].as_array().unwrap();
    let row = |name: &str| models.iter().find(|row| row["model"] == name).unwrap();
    assert_eq!(row("train mean for all")["all_pairs"]["value"], 0.5);
    assert_eq!(row("train mean for all")["lift_capture"]["value"], 0.0);
    let ours = row("ridge on hashed features");
    assert!(ours["all_pairs"]["value"].as_f64().unwrap() > 0.65, "{ours}");
    for key in ["significant_pairs", "all_pairs", "lift_capture", "top_1"] {
        let [low, high] = [0, 1].map(|end| ours[key]["interval"][end].as_f64().unwrap());
        let value = ours[key]["value"].as_f64().unwrap();
        assert!(low <= value && value <= high, "{key}: {ours}");
    }
    for key in ["auc", "logloss", "pcoc", "relative_ece"] {
        assert!(ours[key].is_f64(), "{key}: {ours}");
    }
    assert!(row("ridge on hashed features, taught by hashed features")["all_pairs"]["value"].is_f64());
    assert_eq!(row("ridge on MPNet layers 2+6+10")["missing"], "not installed");
    let ceiling = pairs["noise_ceiling"]["all_pairs"].as_f64().unwrap();
    assert!((0.6..1.0).contains(&ceiling), "{pairs}");

    let calibration = eval("calibration");
    let last = calibration["models"].as_array().unwrap().last().unwrap();
    assert!((last["pcoc"].as_f64().unwrap() - 1.0).abs() < 0.1, "{last}");
    let coverage = eval("coverage");
    let share = coverage["models"][0]["test"]["share"]["value"].as_f64().unwrap();
    assert!((0.8..=1.0).contains(&share), "{coverage}");
}

#[test]
fn a_table_without_a_column_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tests.csv");
    fs::write(&path, "headline,impressions\nx,3\n").unwrap();
    let arguments = ["eval", "--suite", "pairs", "--encoder", "hashed", "--table", path.to_str().unwrap()];
    let problem = run_in(folder.path(), &arguments).unwrap_err();
    assert_eq!(problem.code, Code::ModelInput);
    assert!(problem.message.contains("`clickability_test_id` is missing"), "{problem}");
}

#[test]
fn an_encoder_that_is_not_installed_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let arguments = ["train", "--encoder", "mpnet", "--table", table.to_str().unwrap(), "--out", "unused"];
    let problem = run_in(folder.path(), &arguments).unwrap_err();
    assert_eq!(problem.code, Code::Prerequisite);
    assert!(problem.message.contains("--with mpnet"), "{problem}");
}

#[test]
fn numbers_that_are_none_are_typed_errors_of_their_row() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(table(folder.path())).unwrap();
    let path = folder.path().join("bad.csv");
    for (from, to) in [(",5000,", ",NaN,"), (",5000,", ",inf,"), (",5000,", ",-1,"), (",5000,", ",1e300,")] {
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let arguments =
            ["train", "--encoder", "hashed", "--out", "unused", "--table", path.to_str().unwrap()];
        let problem = run_in(folder.path(), &arguments).unwrap_err();
        assert_eq!(problem.code, Code::ModelInput, "{problem}");
        assert!(problem.message.contains("row 0: `impressions`"), "{problem}");
    }
}

#[test]
fn a_model_is_installed_and_rolled_back_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let out = folder.path().join("out");
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&run_in(folder.path(), arguments).unwrap()).unwrap()
    };
    let trained = json(&[
        "train",
        "--encoder",
        "hashed",
        "--table",
        table.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(json(&["versions"])["serving"], "shipped");
    let model = out.join("hashed-ridge.safetensors");
    let installed = json(&["install", model.to_str().unwrap()]);
    assert_eq!(installed["serving"], trained["weights_blake3"]);
    assert_eq!(installed["before"][0], "shipped");
    assert_eq!(json(&["versions"]), installed);
    assert_eq!(json(&["rollback"])["serving"], "shipped");
    let problem = run_in(folder.path(), &["rollback"]).unwrap_err();
    assert_eq!(problem.code, Code::ModelFile);
    // What is cut off is not installed, and what serves stays.
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let problem = run_in(folder.path(), &["install", model.to_str().unwrap()]).unwrap_err();
    assert_eq!(problem.code, Code::ModelFile);
    assert!(problem.message.contains("the card says"), "{problem}");
    assert_eq!(json(&["versions"])["serving"], "shipped");
}

#[test]
fn log_rows_of_runs_are_a_table_to_train_on() {
    use spotwright_scoring::log_rows::{LogRow, to_csv, to_parquet};

    let folder = tempfile::tempdir().unwrap();
    let words = ["coffee", "garden", "market", "winter", "family", "doctor", "river", "school"];
    let mut rows = Vec::new();
    for run in 0..120_u64 {
        let draws = Stream::new(9, "log").child(run);
        for variant in 0..4_u64 {
            let word = |slot: u64| words[draws.below(10 * variant + slot, words.len())];
            let secret = (run + variant) % 2 == 0;
            let rate = 0.015 * if secret { 1.25 } else { 1.0 };
            let clicks = 2_500.0 * rate + 6.0 * draws.normal(100 + variant);
            // Two spans of one placement are one row of the test.
            for propensity in [1.0, 0.25] {
                rows.push(LogRow {
                    run: format!("run-{run}"),
                    generation: 1,
                    brief: "brief".to_owned(),
                    locale: "en-US".to_owned(),
                    variant: format!("variant-{variant}"),
                    placement: format!("placement-{run}-{variant}"),
                    kind: "simulated_feed".to_owned(),
                    source: "simulated".to_owned(),
                    hour: 168.0 * (run / 12) as f64,
                    model: "hashed-ridge@0123456789ab".to_owned(),
                    predicted_ctr: 0.015,
                    propensity,
                    chosen: 4_000,
                    impressions: 2_500,
                    clicks: clicks.max(0.0) as u64,
                    headline: format!(
                        "{} {} {} {variant}",
                        if secret { "secret" } else { "plain" },
                        word(0),
                        word(1)
                    ),
                    text: "text".to_owned(),
                });
            }
        }
    }
    let mut cards = Vec::new();
    for (name, bytes) in [("log.parquet", to_parquet(&rows).unwrap()), ("log.csv", to_csv(&rows).unwrap())] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let out = folder.path().join(format!("{name}-out"));
        let arguments = [
            "train",
            "--encoder",
            "hashed",
            "--table",
            path.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        let card: Value = serde_json::from_str(&run_in(folder.path(), &arguments).unwrap()).unwrap();
        assert!(card["test"]["all_pairs"]["value"].as_f64().unwrap() > 0.6, "{card}");
        cards.push(card);
    }
    assert_eq!(cards[0]["weights_blake3"], cards[1]["weights_blake3"]);
    assert_ne!(cards[0]["data_sha256"], cards[1]["data_sha256"]);
}
