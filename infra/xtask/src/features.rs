//! Whether the program and its tests are made of the same builds of the same crates.
//!
//! Cargo builds a crate once for every set of features that is asked of it, and with it everything
//! that depends on it. A feature that only a test's crate asks for would thus build half the tree a
//! second time after `infra/run.sh`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Features by crate and version. What macros and build scripts are made of is left out: the compiler
/// has its own builds of it.
type Built = BTreeMap<String, BTreeSet<String>>;

/// Crates of the program that the tests would build again, and with which features.
pub(crate) fn built_twice(top: &Path) -> anyhow::Result<Vec<String>> {
    let program = tree(top, &["--package", "spotwright-server", "--edges", "normal,no-proc-macro"])?;
    let all = tree(top, &["--workspace", "--edges", "normal,dev,no-proc-macro"])?;
    Ok(differences(&program, &all))
}

fn differences(program: &Built, all: &Built) -> Vec<String> {
    let mut offences = Vec::new();
    for (package, sets) in program {
        let Some(in_all) = all.get(package) else { continue };
        if sets != in_all {
            offences.push(format!(
                "{package} is built with {sets:?} for the program and with {in_all:?} for all: let \
                 services/server/Cargo.toml ask for the same"
            ));
        }
    }
    offences
}

fn tree(top: &Path, arguments: &[&str]) -> anyhow::Result<Built> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}\t{f}"])
        .args(arguments)
        .current_dir(top)
        .output()
        .context("cargo tree")?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(parse(&String::from_utf8(output.stdout)?))
}

fn parse(text: &str) -> Built {
    let mut built = Built::new();
    for line in text.lines() {
        // A crate that was listed before is marked.
        let Some((package, features)) = line.trim_end_matches(" (*)").split_once('\t') else { continue };
        built.entry(package.to_owned()).or_default().insert(features.to_owned());
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_with_other_features_for_the_tests_is_found_and_one_of_the_tests_alone_is_not() {
        let program = parse("blake3 v1.8.7\tstd\nuuid v1.0.0\tv7\nring v0.17.0\t\nring v0.17.0\t (*)\n");
        let same = parse("uuid v1.0.0\tv7\nblake3 v1.8.7\tstd\nproptest v1.0.0\t\nring v0.17.0\t\n");
        assert!(differences(&program, &same).is_empty());
        let other = parse("uuid v1.0.0\tv4,v7\nblake3 v1.8.7\tstd\nring v0.17.0\tstd\n");
        let found = differences(&program, &other);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("ring v0.17.0 is built") && found[1].contains("v4,v7"), "{found:?}");
    }
}
