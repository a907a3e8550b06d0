//! `spotwright run --estimate`: what a run would cost, without beginning it.

use std::sync::Arc;

use serde_json::{Value, json};
use spotwright_core::domain::estimate::{Band, Basis, EstimatedWork, RunEstimate, WorkKind};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::run_prices::RunPrices as _;
use spotwright_render::{self as studio, Studio};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;
use spotwright_store::folder::FolderArtifacts;

use super::ask::Asker;
use super::run::Asked;
use super::{Machine, print_json, print_text};
use crate::cli::RunArguments;
use crate::config::Config;
use crate::prices::Prices;
use crate::words::{EstimateWords, Words, WorkTold};

/// Tells what the run would cost. It rests on quotes alone: a run that has its folder to itself knows of no
/// other.
///
/// # Errors
/// Problems of the options and of the brief; [`Code::Store`] where no temporary folder can be made.
pub(super) async fn execute(arguments: &RunArguments, config: &Config) -> Result<(), Problem> {
    let asked = Asked::of(arguments, config)?;
    let failed = |error: String| Problem::new(Code::Store, "", error);
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let artifacts: Arc<dyn ArtifactStore> = Arc::new(
        FolderArtifacts::open(&folder.path().join("artifacts")).map_err(|error| failed(error.to_string()))?,
    );
    let options = studio::Options {
        folder: folder.path().join("studio"),
        micros_per_second: config.render.price_micros_per_second,
        ..studio::Options::default()
    };
    let studio = Studio::new(options, Arc::clone(&artifacts))
        .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    let run = asked.run(artifacts.as_ref(), &Asker::new(false))?;
    let quotes = Prices::configured(config, &artifacts, &studio)?.quotes(&run).await?;
    let max_spend = arguments.max_spend.is_some().then_some(run.budget);
    let estimate = RunEstimate::of(&run, max_spend, quotes, Vec::new());
    if arguments.json {
        print_json(&document(&estimate, arguments.seed));
    } else {
        print_text(&text(&estimate, &Words::of(run.request.brief.locale).estimate));
    }
    Ok(())
}

const fn kind(work: &EstimatedWork) -> &'static str {
    match work.kind {
        WorkKind::LanguageModel => "language_model",
        WorkKind::Clips => "clips",
        WorkKind::Renders => "renders",
        WorkKind::Media => "media",
    }
}

const fn basis(work: &EstimatedWork) -> &'static str {
    match work.basis {
        Basis::Quote => "quote",
        Basis::Measured => "measured",
        Basis::Budget => "budget",
    }
}

fn document(estimate: &RunEstimate, seed: u64) -> Value {
    let work = |work: &EstimatedWork| {
        json!({
            "kind": kind(work), "provider": work.provider, "quote_micros": work.quote, "basis": basis(work),
            "calls": { "low": work.calls.low, "expected": work.calls.expected, "high": work.calls.high },
            "low_micros": work.cost.low, "expected_micros": work.cost.expected, "high_micros": work.cost.high,
        })
    };
    json!({
        "currency": estimate.currency, "budget_micros": estimate.budget, "max_spend_micros": estimate.max_spend,
        "cap_micros": estimate.cap, "reaches_cap": estimate.reaches_cap,
        "cost": {
            "low_micros": estimate.cost.low, "expected_micros": estimate.cost.expected,
            "high_micros": estimate.cost.high,
        },
        "work": estimate.work.iter().map(work).collect::<Vec<_>>(),
        "seed": seed, "version": env!("CARGO_PKG_VERSION"), "machine": Machine::here(),
    })
}

fn text(estimate: &RunEstimate, words: &EstimateWords) -> String {
    let band = |band: &Band<Micros>| {
        (words.band)(&band.low.to_decimal(), &band.high.to_decimal(), &band.expected.to_decimal())
    };
    let mut lines =
        vec![(words.total)(estimate.currency.code(), &band(&estimate.cost), &estimate.cap.to_decimal())];
    lines.extend(estimate.work.iter().map(|work| {
        (words.work)(&WorkTold {
            kind: work.kind,
            provider: work.provider.as_deref(),
            calls: work.calls,
            cost: &band(&work.cost),
            basis: work.basis,
        })
    }));
    if estimate.reaches_cap {
        lines.push(words.reaches_cap.to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}
