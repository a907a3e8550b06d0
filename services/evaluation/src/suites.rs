//! `scorer policies`: what policies earn beyond the headline archive.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;
use spotwright_schemas::Problem;

use crate::command::Places;
use crate::inputs::writing_problem;
use crate::{mushroom, off_policy};

/// A data set and its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// A contextual bandit with a published figure to compare with.
    Mushroom,
    /// Off-policy estimators beside the Open Bandit Pipeline's values.
    OffPolicy,
}

/// Options of `scorer policies`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which suite.
    #[arg(long)]
    suite: Suite,
    /// Runs of the mushroom bandit.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    runs: u64,
    /// Bootstrap resamples of off-policy intervals.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    resamples: u32,
    /// Seed of all draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the subcommand.
///
/// # Errors
/// A [`Problem`]: data are missing or damaged.
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    match arguments.suite {
        Suite::Mushroom => {
            let settings = mushroom::Settings::default();
            let measured = mushroom::suite(places, arguments.runs, arguments.seed, settings)?;
            print(&measured, json, out, |out| {
                writeln!(
                    out,
                    "mushroom: {:.2} ± {:.2} % of uniform regret, mean of {} runs (goal {:.2})",
                    measured.regret, measured.standard_error, measured.runs, measured.goal
                )
            })
        }
        Suite::OffPolicy => {
            let measured = off_policy::suite(places, arguments.resamples, arguments.seed)?;
            print(&measured, json, out, |out| {
                for log in &measured.logs {
                    writeln!(out, "{} ({} rounds, worth {:.0})", log.name, log.rounds, log.effective_rounds)?;
                    for row in &log.rows {
                        writeln!(
                            out,
                            "  {:14} {:.8} (reference {:.8})  bootstrap [{:.4}, {:.4}]  normal [{:.4}, {:.4}]",
                            row.estimator,
                            row.value,
                            row.reference,
                            row.bootstrap[0],
                            row.bootstrap[1],
                            row.normal[0],
                            row.normal[1]
                        )?;
                    }
                }
                writeln!(out, "largest difference {:.1e}", measured.largest_difference)
            })
        }
    }
}

fn print<T: Serialize>(
    measured: &T,
    json: bool,
    out: &mut dyn Write,
    table: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Problem> {
    let written = if json {
        serde_json::to_writer_pretty(&mut *out, measured)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        table(out)
    };
    written.map_err(|error| writing_problem(&error))
}
