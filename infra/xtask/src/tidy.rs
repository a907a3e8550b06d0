//! The rules of the layout: who may import whom, what every crate says of itself, and where a
//! program may panic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::features;

/// Workspace crates each crate may import. Adapters never appear beside one another; only `server`
/// and `testkit` name them.
const IMPORTS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("core", &["schemas"]),
    ("experiment", &["schemas"]),
    // Read models: computed once, shown everywhere.
    ("insight", &["schemas", "core", "experiment"]),
    ("store", &["schemas", "core"]),
    ("bus", &["schemas", "core"]),
    ("media", &[]),
    ("render", &["schemas", "core", "media"]),
    // Of `egress` only which addresses are of the public internet.
    ("clips", &["schemas", "core", "egress"]),
    ("keyframes", &["schemas", "core"]),
    ("voice", &["schemas", "core"]),
    ("provenance", &["core"]),
    ("scoring", &["schemas", "core", "experiment"]),
    ("tables", &["schemas"]),
    ("observations", &["schemas", "core", "experiment", "tables"]),
    ("intake", &["schemas", "core", "tables"]),
    ("egress", &["schemas"]),
    ("webhooks", &["schemas", "core", "egress"]),
    ("fake-video", &["schemas", "core", "media"]),
    ("evaluation", &["schemas", "core", "experiment", "scoring", "tables"]),
    ("market", &["schemas", "core", "experiment"]),
    ("creative", &["schemas", "core", "experiment"]),
    ("llm", &["schemas", "core"]),
    ("api", &["schemas", "core", "experiment", "insight", "observations"]),
    // Only pages: what they show they ask of the REST API.
    ("portal", &[]),
    (
        "server",
        &[
            "schemas",
            "core",
            "experiment",
            "insight",
            "observations",
            "tables",
            "evaluation",
            "store",
            "bus",
            "media",
            "render",
            "clips",
            "keyframes",
            "scoring",
            "market",
            "creative",
            "llm",
            "api",
            "portal",
            "egress",
            "webhooks",
            "intake",
            "fake-video",
            "voice",
            "provenance",
        ],
    ),
    (
        "testkit",
        &[
            "schemas",
            "core",
            "insight",
            "store",
            "bus",
            "creative",
            "server",
            "market",
            "scoring",
            "render",
            "media",
            "api",
            "fake-video",
            "clips",
        ],
    ),
];

/// Heavy or technical crates, and the only workspace crates that may name them.
const TECHNOLOGY: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("lapin", &["bus"]),
    ("ffmpeg-next", &["media"]),
    ("landlock", &["media"]),
    ("seccompiler", &["media"]),
    ("candle-core", &["scoring", "llm", "keyframes"]),
    ("candle-nn", &["scoring", "keyframes"]),
    ("candle-transformers", &["scoring", "llm", "keyframes"]),
    ("tokenizers", &["scoring", "llm", "keyframes"]),
    ("async-openai", &["llm"]),
    ("object_store", &["store"]),
    // In the store only to choose the TLS provider of object_store's client.
    ("c2pa", &["provenance"]),
    ("reqwest", &["llm", "store", "egress", "clips", "voice"]),
    ("axum", &["api", "portal", "server"]),
    ("utoipa", &["api"]),
    ("hmac", &["api", "clips", "fake-video", "webhooks"]),
    ("cosmic-text", &["render"]),
    ("ort", &["voice"]),
    ("tiny-skia", &["render"]),
    ("parquet", &["scoring", "observations"]),
    ("clap", &["server", "testkit", "xtask", "evaluation", "fake-video"]),
    ("opentelemetry", &["server"]),
    ("opentelemetry_sdk", &["server"]),
    ("opentelemetry-otlp", &["server"]),
    ("tracing-opentelemetry", &["server"]),
    ("metrics-exporter-prometheus", &["server"]),
];

/// Crates that must not be in the tree at all: one TLS provider, no hub at run time.
const BANNED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "hf-hub"];

/// Largest Rust file in lines that passes without remark.
const MAX_LINES: usize = 700;

/// Checks everything and lists every offence.
pub(crate) fn run(top: &Path) -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().manifest_path(top.join("Cargo.toml")).exec()?;
    let mut offences = imports(&metadata);
    offences.extend(features::built_twice(top)?);
    let mut files = 0;
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().map(|path| path.as_std_path().to_path_buf());
        for path in rust_files(&folder.unwrap_or_default()) {
            files += 1;
            check_file(top, &path, &mut offences);
        }
    }
    if !offences.is_empty() {
        bail!("{} offences:\n{}", offences.len(), offences.join("\n"));
    }
    eprintln!("tidy: {} crates and {files} files are in order", metadata.workspace_members.len());
    Ok(())
}

fn imports(metadata: &Metadata) -> Vec<String> {
    let mut offences = Vec::new();
    let rules: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Development {
                continue;
            }
            if let Some(other) = dependency.name.strip_prefix("spotwright-") {
                let allowed =
                    name == "xtask" || rules.get(name).is_some_and(|others| others.contains(&other));
                if !allowed {
                    offences.push(format!("{name} must not import {other}"));
                }
            }
            if let Some((_, users)) = TECHNOLOGY.iter().find(|(technology, _)| *technology == dependency.name)
            {
                if !users.contains(&name) {
                    offences.push(format!("{name} must not import {}: only {users:?} may", dependency.name));
                }
            }
        }
    }
    for package in &metadata.packages {
        if BANNED.contains(&package.name.as_str()) {
            offences.push(format!("{} {} is in the tree", package.name, package.version));
        }
    }
    offences
}

fn short(package: &str) -> &str {
    package.strip_prefix("spotwright-").unwrap_or(package)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path
                .file_name()
                .is_some_and(|name| name != "target" && !name.to_string_lossy().starts_with('.'))
            {
                found.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn check_file(top: &Path, path: &Path, offences: &mut Vec<String>) {
    let Ok(text) = fs::read_to_string(path) else {
        offences.push(format!("{} is not UTF-8 text", path.display()));
        return;
    };
    let shown = path.strip_prefix(top).unwrap_or(path).display().to_string();
    if !text.trim_start().starts_with("//!") {
        offences.push(format!("{shown}: begins without a `//!` page"));
    }
    if text.lines().count() > MAX_LINES {
        offences.push(format!("{shown}: {} lines; at most {MAX_LINES}", text.lines().count()));
    }
    let is_test =
        ["/tests/", "/benches/", "/examples/", "testkit/", "xtask/"].iter().any(|part| shown.contains(part))
            || ["tests.rs", "fixtures.rs", "test_requests.rs"].iter().any(|name| shown.ends_with(name))
            || is_declared_for_tests(path);
    let mut reasoned = false;
    for (number, line) in outside_tests(&text) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") {
            // A panic that cannot happen is allowed where the line above says why.
            reasoned = trimmed.contains("Cannot panic:");
            continue;
        }
        if std::mem::take(&mut reasoned) {
            continue;
        }
        let panics = ["panic!(", ".unwrap()", "unreachable!(", ".expect(\"", "todo!(", "unimplemented!("];
        if let Some(word) = panics.iter().find(|word| !is_test && line.contains(**word)) {
            offences.push(format!("{shown}:{}: stray `{word}`", number + 1));
        }
    }
}

/// Whether the file's parent module declares it below `#[cfg(test)]`.
fn is_declared_for_tests(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_stem()) else { return false };
    let declared = format!("#[cfg(test)]\nmod {};", name.to_string_lossy());
    let parents = [folder.with_extension("rs"), folder.join("mod.rs"), folder.join("lib.rs")];
    parents.iter().any(|parent| fs::read_to_string(parent).is_ok_and(|text| text.contains(&declared)))
}

/// The numbered lines of a formatted file without the items that only tests have: each begins with its
/// `#[cfg(test)]`, or `#[cfg(all(test, …))]`, and ends where a line of the same indent closes it.
fn outside_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut indent: Option<usize> = None;
    text.lines().enumerate().filter(move |(_, line)| {
        let trimmed = line.trim_start();
        let here = line.len() - trimmed.len();
        let Some(of_item) = indent else {
            let of_tests = ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|guard| trimmed.starts_with(guard));
            indent = of_tests.then_some(here);
            return indent.is_none();
        };
        let more = trimmed.is_empty() || trimmed.starts_with("#[") || trimmed.starts_with("//");
        let opens = trimmed.ends_with(['{', '(', '[']) || trimmed.ends_with("where");
        let closes = trimmed.ends_with([';', ',']) || trimmed.ends_with('}');
        if here == of_item && !more && !opens && closes {
            indent = None;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offences(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sample.rs");
        fs::write(&file, text).unwrap();
        let mut offences = Vec::new();
        check_file(folder.path(), &file, &mut offences);
        offences
    }

    #[test]
    fn a_panic_below_an_item_of_the_tests_is_found() {
        let text = r#"//! A page.

#[cfg(test)]
use std::fs;

#[cfg(test)]
mod fixtures;

/// One.
pub fn one() -> u32 {
    #[cfg(test)]
    let two = two().unwrap();
    "1".parse().unwrap()
}

struct Limits {
    #[cfg(all(test, unix))]
    most: u32,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
mod tests {
    fn two() {
        assert_eq!(
            one().unwrap(),
            1
        );
    }

    struct Two {
        inner: u32,
    }
}

fn three() {
    panic!("three");
}
"#;
        let stray = [(13, ".unwrap()"), (37, "panic!(")];
        assert_eq!(offences(text), stray.map(|(line, word)| format!("sample.rs:{line}: stray `{word}`")),);
    }

    #[test]
    fn a_panic_that_cannot_happen_says_why() {
        let text = "//! A page.\n\nfn one() {\n    // Cannot panic: it is a digit.\n    \"1\".parse().unwrap();\n}\n";
        assert_eq!(offences(text), Vec::<String>::new());
        assert_eq!(offences("fn one() {}\n"), ["sample.rs: begins without a `//!` page"]);
    }
}
