//! What a run leaves for people: result file, story and report, over stand-ins for everything that
//! draws, predicts or auctions.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::spine::NoCheckpoints;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::TraceLine;
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::run;
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::wiring::World;
use tempfile::TempDir;

mod common;
#[path = "common/page.rs"]
mod page;

use page::{latin_words_in_a_row, told};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en")
}

/// The files of a run of two generations of three variants, two of them placed.
struct Files {
    winners: String,
    trace: String,
    report: String,
}

async fn run_over_stand_ins(brief: PathBuf) -> Files {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let arguments = RunArguments {
        brief: Some(brief),
        out: Some(out.clone()),
        generations: Some(2),
        variants: Some(3),
        winners: Some(2),
        seed: 7,
        threads: Some(2),
        ..RunArguments::default()
    };
    let config = common::config();
    let summary = run::execute_in(&arguments, &config, Arc::new(NoCheckpoints), |workspace| {
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        Ok(World {
            language_model: Arc::new(CopyEngine),
            video: Arc::new(StandInVideo {
                artifacts: Some(artifacts.clone()),
                witness: None,
                price: Micros(20_000),
            }),
            studio: None,
            gate: Arc::new(StandInGate { artifacts: Some(artifacts) }),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            footage: None,
            voice: None,
            notices: vec!["Videos, scores and clicks of this page come from stand-ins.".to_owned()],
        })
    })
    .await
    .expect("the run ends");
    assert!(summary.succeeded(), "{:?}", summary.failure);
    let read = |name: &str| fs::read_to_string(out.join(name)).expect("is written");
    Files { winners: read("winners.json"), trace: read("trace.jsonl"), report: read("report.html") }
}

/// Numbers ids and hashes by their first appearance, so that who is who stays visible while a new
/// encoder or id does not change every line.
fn numbered(text: &str) -> String {
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut numbered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        numbered.push_str(before);
        let uuid = word.len() == 36 && word.matches('-').count() == 4;
        let hash = matches!(word.len(), 16 | 64) && !word.contains('-');
        if uuid || hash {
            let next = names.len() + 1;
            let number = *names.entry(word.to_owned()).or_insert(next);
            numbered.push_str(&format!("[{} {number}]", if uuid { "id" } else { "hash" }));
        } else {
            numbered.push_str(word);
        }
        rest = after;
    }
    numbered.push_str(rest);
    numbered
}

/// Replaces the content of data URLs by its length, and leaves the styles out.
fn without_media(page: &str) -> String {
    let (before, styled) = page.split_once("<style>").expect("the page has styles");
    let (_, after) = styled.split_once("</style>").expect("the styles end");
    let page = format!("{before}<style></style>{after}");
    let mut short = String::new();
    let mut rest = page.as_str();
    while let Some((before, content)) = rest.split_once(";base64,") {
        let end = content.find('"').expect("the attribute ends");
        short.push_str(&format!("{before}, {end} characters"));
        rest = &content[end..];
    }
    short + rest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_run_are_as_before() {
    let files = run_over_stand_ins(examples().join("brief.yaml")).await;
    insta::assert_snapshot!("winners", numbered(&files.winners));
    let story: Vec<String> = files
        .trace
        .lines()
        .map(|line| {
            let line: TraceLine = serde_json::from_str(line).expect("a line of the trace");
            format!("{} {}", line.generation, line.what)
        })
        .collect();
    insta::assert_snapshot!("story", story.join("\n"));
    insta::assert_snapshot!("report", numbered(&without_media(&files.report)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_brief_cannot_become_markup() {
    let image = "<img src=x onerror=alert(1)>";
    let script = "</script><script>alert(1)</script>";
    let attribute = "\"onload=alert(1) x='";
    let formula = "{{ 7*7 }} {% raw %}";
    let text = fs::read(examples().join("brief.yaml")).expect("the example is there");
    let mut brief = serde_json::to_value(Brief::from_yaml(&text).expect("valid")).expect("serializes");
    brief["brand"]["name"] = script.into();
    brief["product"]["name"] = format!("{formula} now").into();
    brief["product"]["category"] = attribute.into();
    brief["audience"]["description"] = format!("{image} {attribute}").into();
    brief["disclaimer"] = image.into();
    for (idx, fact) in brief["product"]["facts"].as_array_mut().expect("a list").iter_mut().enumerate() {
        let payload = [image, script, attribute, formula][idx % 4];
        fact["text"] = Value::String(format!("{payload} fact {idx}"));
    }
    let folder = TempDir::new().expect("a folder");
    for picture in ["coffee.png", "cup-tall.png", "cup-close.png"] {
        fs::copy(examples().join(picture), folder.path().join(picture)).expect("copies");
    }
    let path = folder.path().join("brief.json");
    fs::write(&path, brief.to_string()).expect("writes");

    let page = run_over_stand_ins(path).await.report;

    for raw in [image, script, attribute, "<img src=x", "<script", "</script", "\"onload", "x='"] {
        assert!(!page.contains(raw), "the page holds `{raw}`");
    }
    // The words are there, as words.
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;"));
    assert!(page.contains("&quot;onload=alert(1) x=&#x27;"));
    assert!(page.contains("{{ 7*7 }} {% raw %} now"));
    // And should one ever slip through, the page forbids it to run.
    assert!(page.contains("default-src 'none'"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_of_a_chinese_brief_is_chinese_throughout() {
    let page = run_over_stand_ins(examples().join("../coffee-zh/brief.yaml")).await.report;
    assert!(page.contains("<html lang=\"zh-CN\">"));
    let pieces = told(&page);
    for piece in &pieces {
        assert!(latin_words_in_a_row(piece) < 3, "{piece}");
    }
    let text = pieces.join("\n");
    for said in [
        "优胜创意",
        "点击率 · 90% 区间",
        "受众的反应",
        "预测有多可信",
        "费用",
        "方向的",
        "Spotwright 投放报告",
    ] {
        assert!(text.contains(said), "{said} is missing");
    }
    assert!(text.contains('¥') && !text.contains(" %"), "money and shares are written as in China");
    // The same page of an English brief is English, so the test can fail.
    let page = run_over_stand_ins(examples().join("brief.yaml")).await.report;
    assert!(told(&page).iter().any(|piece| latin_words_in_a_row(piece) >= 3));
}
