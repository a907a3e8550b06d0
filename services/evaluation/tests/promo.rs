//! The suite `promo` on made-up customers, with the network it saves, and on hostile input.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::Path;

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
    let places = Places {
        models: folder.join("models"),
        data: Some(folder.to_path_buf()),
        cache: folder.join("cache"),
    };
    let mut out = Vec::new();
    execute(&options.command, &places, true, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

const OFFERS: [&str; 3] = ["Buy One Get One", "Discount", "No Offer"];

/// 6,000 customers: those on the web like the discount, those on the phone two for one.
fn tables(folder: &Path) {
    let mut table =
        "recency,history,used_discount,used_bogo,zip_code,is_referral,channel,offer,conversion\n".to_owned();
    let mut split = "row,part\n".to_owned();
    for row in 0..6_000_u64 {
        let draws = Stream::new(5, "promo/table").child(row);
        let (web, offer) = (draws.below(0, 2) == 1, draws.below(1, 3));
        let liked = (web && offer == 1) || (!web && offer == 0);
        let converted = draws.uniform(2) < if liked { 0.5 } else { 0.15 };
        table += &format!(
            "{},{:.2},{},{},{},{},{},{},{}\n",
            1 + draws.below(3, 12),
            30.0 * (2.0 * draws.uniform(4)).exp(),
            draws.below(5, 2),
            draws.below(6, 2),
            ["Rural", "Surburban", "Urban"][draws.below(7, 3)],
            draws.below(8, 2),
            if web { "Web" } else { "Phone" },
            OFFERS[offer],
            u8::from(converted)
        );
        split += &format!("{row},{}\n", ["train", "train", "train", "valid", "test"][(row % 5) as usize]);
    }
    fs::create_dir_all(folder.join("promo")).unwrap();
    fs::write(folder.join("promo/promo64k.csv"), table).unwrap();
    fs::write(folder.join("promo/split.csv"), split).unwrap();
}

fn of<'a>(report: &'a Value, list: &str, key: &str, name: &str) -> &'a Value {
    let found =
        report[list].as_array().unwrap().iter().find(|row| row[key].as_str().unwrap().starts_with(name));
    found.unwrap()
}

#[test]
fn the_network_learns_who_likes_which_offer_and_is_saved_with_its_card() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let saved = folder.path().join("saved");
    let arguments = ["eval", "--suite", "promo", "--resamples", "40", "--save", saved.to_str().unwrap()];
    let report: Value = serde_json::from_str(&run_in(folder.path(), &arguments).unwrap()).unwrap();
    assert_eq!(report["rows"], serde_json::json!([3600, 1200, 1200]));
    // Channel and offer are not crossed in the regressions' columns, but in the network's.
    let auc = |name: &str| of(&report, "models", "model", name)["test"]["auc"].as_f64().unwrap();
    assert!(auc("DCN-v2") > auc("logistic regression") + 0.05, "{report}");
    assert_eq!(auc("train rate"), 0.5);
    let value = |name: &str| &of(&report, "values", "policy", name)["dr"];
    assert!(value("uniform")["value"].as_f64().unwrap() < 0.35);
    for policy in report["values"].as_array().unwrap() {
        let (interval, own) = (&policy["dr"]["interval"], policy["dr"]["value"].as_f64().unwrap());
        assert!(interval[0].as_f64().unwrap() < own && own < interval[1].as_f64().unwrap());
        let shares: f64 =
            policy["offers"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-9);
    }

    let model = saved.join("promo-dcn.safetensors");
    let card = run_in(folder.path(), &["card", "--model", model.to_str().unwrap()]).unwrap();
    let card: Value = serde_json::from_str(&card).unwrap();
    assert_eq!(card["rows"], 3600);
    assert_eq!(card["test"][0], of(&report, "models", "model", "DCN-v2")["test"]["auc"]);
    let mut bytes = fs::read(&model).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&model, bytes).unwrap();
    let problem = run_in(folder.path(), &["card", "--model", model.to_str().unwrap()]).unwrap_err();
    assert_eq!(problem.code, Code::ModelFile);
}

#[test]
fn missing_and_damaged_tables_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = || run_in(folder.path(), &["eval", "--suite", "promo", "--resamples", "2"]).unwrap_err();
    let problem = run();
    assert_eq!(problem.code, Code::Prerequisite);
    assert!(problem.message.contains("promo64k.csv does not exist"), "{problem}");
    tables(folder.path());
    let table = folder.path().join("promo/promo64k.csv");
    let whole = fs::read_to_string(&table).unwrap();
    fs::write(&table, &whole[..whole.len() - 8]).unwrap();
    let problem = run();
    assert_eq!(problem.code, Code::ModelInput);
    assert!(problem.message.contains("fields") || problem.message.contains("row 5999"), "{problem}");
    fs::write(&table, whole).unwrap();
    fs::remove_file(folder.path().join("promo/split.csv")).unwrap();
    assert!(run().message.contains("split.csv does not exist"));
}
