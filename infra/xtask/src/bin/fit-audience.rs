//! Fits the market's audience card on the click-test archive and writes it with its hash.
//!
//! Usage: `fit-audience ARCHIVE OUT`, where ARCHIVE is the table of click tests (Parquet or CSV)
//! and OUT the folder that receives `card.json` and `card.blake3`, as committed in
//! `services/market/audience`. Equal archives give equal bytes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use spotwright_market::fit::{ClickTest, TestedText, fit};
use spotwright_scoring::data::{ClickTestRow, Split, audience_share, read_click_tests};
use spotwright_scoring::whole_file::write_whole;

/// Fits the audience card of the market.
#[derive(Debug, Parser)]
struct Arguments {
    /// The table of click tests, Parquet or CSV.
    archive: PathBuf,
    /// The folder that receives `card.json` and `card.blake3`.
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let rows = read_click_tests(&arguments.archive).context("reading the archive")?;
    let card = fit(&audience_tests(&rows)).context("fitting")?;
    let json = card.to_json()?;
    let hash = format!("{}\n", blake3::hash(json.as_bytes()).to_hex());
    write_whole(&arguments.out.join("card.json"), json.as_bytes())?;
    write_whole(&arguments.out.join("card.blake3"), hash.as_bytes())?;
    let report = serde_json::to_string(&card.fit)?;
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// The audience's tests: train, not suspect, in the audience's share; in the archive's order.
fn audience_tests(rows: &[ClickTestRow]) -> Vec<ClickTest> {
    let mut tests: Vec<ClickTest> = Vec::new();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if row.split != Split::Train || row.suspect || !audience_share(&row.test_id) {
            continue;
        }
        let position = *positions.entry(&row.test_id).or_insert_with(|| {
            tests.push(ClickTest { id: row.test_id.clone(), texts: Vec::new() });
            tests.len() - 1
        });
        tests[position].texts.push(TestedText {
            text: row.headline.clone(),
            package: format!("{}\n{}\n{}", row.headline, row.eyecatcher_id, row.lede),
            impressions: row.impressions,
            clicks: row.clicks,
        });
    }
    tests
}
