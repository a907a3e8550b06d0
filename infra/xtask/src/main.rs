//! Chores of the repository: generated files and the rules of its layout.
//!
//! `cargo xtask codegen` writes what is generated from the Rust types, `codegen --check` fails when
//! a checked-in file differs; `cargo xtask tidy` checks the direction of imports, crate pages and
//! stray panics; `cargo xtask additive` that the descriptions of API and messages only grew;
//! `cargo xtask pictures` draws the pictures of SpotBench; `cargo xtask full` runs what takes too long for
//! every change, `cargo xtask faults` the fault suite alone.

mod additive;
mod codegen;
mod faults;
mod features;
mod full;
mod pictures;
mod tidy;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the Spotwright repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the files generated from Rust types.
    Codegen {
        /// Change nothing; fail when a file is missing, stale or left over.
        #[arg(long)]
        check: bool,
    },
    /// Draw the pictures of SpotBench from their drawings.
    Pictures {
        /// Change nothing; fail when a picture is missing or stale.
        #[arg(long)]
        check: bool,
    },
    /// Check the rules of the layout.
    Tidy,
    /// Check that the descriptions of API and messages break no client of a committed version.
    Additive {
        /// The commit from which on versions are compared with, backwards.
        #[arg(long, default_value = "HEAD")]
        revision: String,
        /// How many committed versions of each are compared with.
        #[arg(long, default_value_t = additive::VERSIONS, value_parser = clap::value_parser!(u32).range(1..))]
        versions: u32,
    },
    /// Run what takes too long for every change.
    Full,
    /// Kill, cut off, stop and starve processes and servers under twenty runs and more.
    Faults {
        /// 200 kills for each shape instead of 30.
        #[arg(long)]
        full: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("xtask lies two folders below the top")?
        .to_path_buf();
    match arguments.chore {
        Chore::Codegen { check } => codegen::run(&top, check),
        Chore::Pictures { check } => pictures::run(&top, check),
        Chore::Tidy => tidy::run(&top),
        Chore::Additive { revision, versions } => additive::run(&top, &revision, versions),
        Chore::Full => full::run(&top),
        Chore::Faults { full } => faults::run(&top, full),
    }
}
