//! Fits the shipped click models and writes them with their cards.
//!
//! ```text
//! fit-scorer --data DATA_FOLDER --minilm MINILM_FOLDER [--out services/scoring/models] [--seed 7]
//! ```
//!
//! Equal inputs give equal files on one kind of processor. Takes some minutes, nearly all of them in
//! the MiniLM encoder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use spotwright_scoring::card::{Card, fit_with_card};
use spotwright_scoring::data::{ClickTestRow, read_click_tests};
use spotwright_scoring::encoder::{HashedEncoder, MinilmEncoder, TextEncoder};
use spotwright_scoring::hash::sha256_hex;
use spotwright_scoring::last_layer::HEADLINE_TOKENS;

#[derive(Parser)]
#[command(about = "Fits the shipped click models and writes them with their cards")]
struct Options {
    /// Folder that holds `upworthy/upworthy_split.parquet`.
    #[arg(long)]
    data: PathBuf,
    /// Folder that holds `model.safetensors`, `tokenizer.json` and `config.json` of
    /// all-MiniLM-L6-v2.
    #[arg(long)]
    minilm: PathBuf,
    /// Where the models and cards are written.
    #[arg(long, default_value = "services/scoring/models")]
    out: PathBuf,
    /// Seed of the bootstrap intervals.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let table = options.data.join("upworthy/upworthy_split.parquet");
    let bytes = fs::read(&table).with_context(|| format!("reading {}", table.display()))?;
    let data_sha256 = sha256_hex(&bytes);
    let rows = read_click_tests(&table)?;
    let mut headlines: Vec<String> = rows.iter().map(|row| row.headline.clone()).collect();
    headlines.sort_unstable();
    headlines.dedup();
    report(&format!("{} rows, {} different headlines", rows.len(), headlines.len()))?;

    let hashed = headlines
        .iter()
        .map(|headline| HashedEncoder.encode(headline, HEADLINE_TOKENS))
        .collect::<Result<Vec<_>, _>>()?;
    let card = fit_one(&rows, &headlines, &hashed, "hashed", &data_sha256, &options)?;
    report(&table_line("hashed", &card))?;

    let encoder = MinilmEncoder::load(&options.minilm)?;
    let mut next_report = 1_000;
    let minilm = encoder.encode_all(&headlines, HEADLINE_TOKENS, |n_done| {
        if n_done >= next_report {
            // Progress is not worth failing for.
            let _ignored = report(&format!("encoded {n_done} of {}", headlines.len()));
            next_report = n_done + 1_000;
        }
    })?;
    let card = fit_one(&rows, &headlines, &minilm, "minilm", &data_sha256, &options)?;
    report(&table_line("minilm", &card))
}

fn fit_one(
    rows: &[ClickTestRow],
    headlines: &[String],
    vectors: &[Arc<[f32]>],
    encoder: &str,
    data_sha256: &str,
    options: &Options,
) -> Result<Card> {
    let by_headline: BTreeMap<&str, &Arc<[f32]>> =
        headlines.iter().map(String::as_str).zip(vectors).collect();
    let vectors: Vec<Arc<[f32]>> =
        rows.iter().map(|row| Arc::clone(by_headline[row.headline.as_str()])).collect();
    let (bytes, card) = fit_with_card(rows, &vectors, encoder, data_sha256.to_owned(), options.seed)?;
    let mut json = serde_json::to_string_pretty(&card)?;
    json.push('\n');
    write_whole(&options.out.join(format!("{encoder}-ridge.safetensors")), &bytes)?;
    write_whole(&options.out.join(format!("{encoder}-ridge.card.json")), json.as_bytes())?;
    Ok(card)
}

/// Writes beside the target, then renames: the target is never half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("partial");
    let mut file = File::create(&temporary).with_context(|| format!("writing {}", temporary.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path).with_context(|| format!("writing {}", path.display()))
}

fn table_line(encoder: &str, card: &Card) -> String {
    let percent = |share: &spotwright_scoring::metrics::Share| {
        let [low, high] = share.interval;
        format!("{:.4} [{low:.4}, {high:.4}] of {}", share.value, share.pairs)
    };
    format!(
        "{encoder}: significant pairs {}; all pairs {}; top-1 {:.4}; lift capture {:.4}; {:?}; {:?}",
        percent(&card.test.significant_pairs),
        percent(&card.test.all_pairs),
        card.test.top_1,
        card.test.lift_capture,
        card.fit,
        card.priors,
    )
}

fn report(line: &str) -> Result<()> {
    writeln!(std::io::stderr(), "{line}").context("writing to stderr")
}
