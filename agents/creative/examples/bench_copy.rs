//! What the copy engine writes for a folder of briefs, to be read and to be measured.
//!
//! ```text
//! cargo run --release -p spotwright-creative --example bench_copy -- samples examples/bench
//! cargo run --release -p spotwright-creative --example bench_copy -- measure examples/bench 10000
//! cargo run --release -p spotwright-creative --example bench_copy -- digest examples/bench 1 8
//! ```
//!
//! `digest` prints the BLAKE3 of everything that the engine writes for these seeds, the first and the last:
//! six scripts of every brief, and three that were asked for by structure. `samples` prints whole scripts
//! with the facts they rest on; `examples/bench/SAMPLES.md` is its output. `measure` prints one JSON object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_creative::copywriter::{Request, possible_structures, write};
use spotwright_creative::critique::{Severity, Verdict, critique};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::script::{Role, Script, Structure};
use spotwright_schemas::wording::{folded, holds_term, is_han};

/// The seed of the samples.
const SEED: u64 = 1;
/// Scripts of each brief in the samples.
const SCRIPTS: usize = 3;
/// Briefs of each language in the samples.
const BRIEFS: usize = 20;
/// Scripts of one answer when measured.
const ANSWER: usize = 6;
/// Share of common words above which two scripts of a brief are near duplicates.
const NEAR: f64 = 0.8;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let out = match arguments.as_slice() {
        ["samples", folder] => samples(&briefs(Path::new(folder))?, BRIEFS, SCRIPTS, SEED),
        ["samples", folder, scripts, seed] => {
            samples(&briefs(Path::new(folder))?, usize::MAX, scripts.parse()?, seed.parse()?)
        }
        ["measure", folder] => measure(&briefs(Path::new(folder))?, 10_000)?,
        ["measure", folder, scripts] => measure(&briefs(Path::new(folder))?, scripts.parse()?)?,
        ["digest", folder, first, last] => {
            digest(&briefs(Path::new(folder))?, first.parse()?..=last.parse()?)
        }
        _ => {
            return Err(
                "usage: bench_copy samples FOLDER [SCRIPTS SEED] | measure FOLDER [SCRIPTS] | digest \
                        FOLDER FIRST_SEED LAST_SEED"
                    .into(),
            );
        }
    };
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// The briefs of a folder, by the names of their folders.
fn briefs(folder: &Path) -> Result<Vec<Brief>, Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path().join("brief.yaml");
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let mut briefs = Vec::new();
    for file in files {
        let read = Brief::from_yaml(&std::fs::read(&file)?);
        briefs.push(read.map_err(|problem| format!("{}: {problem}", file.display()))?);
    }
    Ok(briefs)
}

fn request(brief: &Brief, scripts: usize, seed: u64) -> Request<'_> {
    Request { brief, scripts, structures: &[], avoid: &[], seed }
}

/// A hash of every script of these briefs and seeds, as JSON.
fn digest(all: &[Brief], seeds: std::ops::RangeInclusive<u64>) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut scripts = 0;
    for seed in seeds {
        for brief in all {
            let possible = possible_structures(brief);
            let asked: Vec<Structure> = possible.iter().copied().rev().take(3).collect();
            let by_structure = Request { structures: &asked, ..request(brief, 3, seed) };
            for script in write(&request(brief, ANSWER, seed)).iter().chain(&write(&by_structure)) {
                scripts += 1;
                // Plain data; a failure would stand in the hash.
                hasher.update(serde_json::to_string(script).unwrap_or_default().as_bytes());
            }
            hasher.update(format!("{possible:?}").as_bytes());
        }
    }
    format!("{} {scripts} scripts\n", hasher.finalize().to_hex())
}

// ---- samples ------------------------------------------------------------------------------------

fn samples(all: &[Brief], briefs: usize, scripts: usize, seed: u64) -> String {
    let mut out = format!(
        "# Samples of the copy engine\n\nWritten by the program, unedited: the first {} briefs of each language of \
         this folder in alphabetical order, {scripts} scripts each, seed {seed}. No line was chosen by a person.\n\n\
         ```\ncargo run --release -p spotwright-creative --example bench_copy -- samples examples/bench\n```\n\n\
         Readers mark every script *fine*, *light edit* or *no*. A reader sees the facts, the captions and the \
         voice in order, and the picture wishes.\n",
        if briefs == usize::MAX { all.len() } else { briefs }
    );
    for locale in [Locale::ZhCn, Locale::EnUs] {
        for brief in all.iter().filter(|brief| brief.locale == locale).take(briefs) {
            append_brief(&mut out, brief);
            for (at, script) in write(&request(brief, scripts, seed)).iter().enumerate() {
                append_script(&mut out, at + 1, brief, script);
            }
        }
    }
    out
}

fn append_brief(out: &mut String, brief: &Brief) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n## {}: {}\n", brief.id, brief.product.name);
    let phrase = brief.product.noun_phrase.as_deref().unwrap_or(&brief.product.category);
    let _ = writeln!(
        out,
        "{} · said as \u{201c}{}\u{201d} · {phrase} · button \u{201c}{}\u{201d}\n",
        brief.brand.name,
        brief.spoken_name(),
        brief.call_to_action.label(brief.locale)
    );
    for fact in &brief.product.facts {
        let kind = format!("{:?}", fact.kind).to_lowercase();
        let _ = writeln!(out, "- `{}` {kind}: {}", fact.id.as_str(), fact.text);
    }
    for must in &brief.must_say {
        let _ = writeln!(out, "- must be said: {must}");
    }
}

fn append_script(out: &mut String, number: usize, brief: &Brief, script: &Script) {
    let structure = script.structure.map_or("", Structure::as_str);
    let _ = writeln!(out, "\n### {} / {number}: {structure}\n\n{}\n", brief.id, script.idea);
    let _ = writeln!(out, "| caption | voice | picture | facts |\n| --- | --- | --- | --- |");
    for line in &script.lines {
        let below = if line.detail.is_empty() { String::new() } else { format!("<br>{}", line.detail) };
        let facts: Vec<&str> = line.rests_on.iter().map(spotwright_schemas::brief::FactId::as_str).collect();
        let _ = writeln!(
            out,
            "| {}{below} | {} | {} | {} |",
            line.caption,
            line.voice,
            line.picture,
            facts.join(", ")
        );
    }
    let _ = writeln!(out, "\n| reader | mark | why |\n| --- | --- | --- |\n| 1 | | |\n| 2 | | |");
}

// ---- measures -----------------------------------------------------------------------------------

#[derive(Default)]
struct Counts {
    scripts: usize,
    seconds: f64,
    reading: f64,
    answers: usize,
    findings: BTreeMap<String, usize>,
    valid: usize,
    unstated: usize,
    forbidden: usize,
    must_say: usize,
    offer: usize,
    pairs: usize,
    near: usize,
    structures: BTreeMap<String, usize>,
    openings: BTreeMap<String, usize>,
    few_structures: BTreeSet<String>,
    possible: BTreeMap<String, usize>,
    bigrams: usize,
    different_bigrams: BTreeSet<(String, String)>,
    bleu: f64,
    bleu_scripts: usize,
}

fn measure(briefs: &[Brief], scripts: usize) -> Result<String, Failure> {
    let mut counts = Counts::default();
    for brief in briefs {
        for structure in possible_structures(brief) {
            *counts.possible.entry(structure.as_str().to_owned()).or_default() += 1;
        }
    }
    let mut seed = 0;
    while counts.scripts < scripts && !briefs.is_empty() {
        let before = counts.scripts;
        for brief in briefs {
            if counts.scripts < scripts {
                answer(&mut counts, brief, seed);
            }
        }
        if counts.scripts == before {
            return Err("the engine writes nothing for these briefs".into());
        }
        seed += 1;
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&table(&counts))?))
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn answer(counts: &mut Counts, brief: &Brief, seed: u64) {
    let begun = std::time::Instant::now();
    let none = write(&request(brief, 0, seed));
    counts.reading += begun.elapsed().as_secs_f64();
    counts.answers += 1 + none.len();
    let begun = std::time::Instant::now();
    let written = write(&request(brief, ANSWER, seed));
    counts.seconds += begun.elapsed().as_secs_f64();
    let mut kinds: BTreeSet<Structure> = BTreeSet::new();
    for (at, script) in written.iter().enumerate() {
        counts.scripts += 1;
        let verdict = critique(brief, script, written.get(..at).unwrap_or_default());
        judge(counts, brief, script, &verdict);
        kinds.extend(script.structure);
        let name = script.structure.map_or("", Structure::as_str);
        *counts.structures.entry(name.to_owned()).or_default() += 1;
        if let Some(line) = script.lines.first() {
            *counts.openings.entry(line.caption.clone()).or_default() += 1;
        }
    }
    if brief.product.facts.len() >= 6 && kinds.len() < 4 {
        counts.few_structures.insert(brief.id.clone());
    }
    let words: Vec<Vec<String>> = written.iter().map(words).collect();
    for (at, own) in words.iter().enumerate() {
        for other in words.iter().take(at) {
            counts.pairs += 1;
            counts.near += usize::from(jaccard(own, other) >= NEAR);
        }
        for pair in own.windows(2) {
            if let [first, second] = pair {
                counts.bigrams += 1;
                counts.different_bigrams.insert((first.clone(), second.clone()));
            }
        }
        let others: Vec<&Vec<String>> =
            words.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, words)| words).collect();
        if !others.is_empty() {
            counts.bleu += bleu(own, &others);
            counts.bleu_scripts += 1;
        }
    }
}

fn judge(counts: &mut Counts, brief: &Brief, script: &Script, verdict: &Verdict) {
    for finding in &verdict.findings {
        *counts.findings.entry(finding.rule.clone()).or_default() += 1;
    }
    let rule = |name: &str| verdict.findings.iter().any(|finding| finding.rule == name);
    let shape = ["roles", "locale", "length", "characters", "empty_caption", "primary_text_length"];
    let reads = serde_json::to_string(script).is_ok_and(|text| serde_json::from_str::<Script>(&text).is_ok());
    counts.valid += usize::from(reads && !shape.iter().any(|name| rule(name)));
    counts.unstated += usize::from(rule("number_not_in_facts"));
    let text = script.full_text();
    let banned = brief.must_not_say.iter().chain(&brief.brand.banned_words);
    let stopped = verdict
        .findings
        .iter()
        .any(|finding| finding.rule.contains('.') && finding.severity == Severity::Error);
    counts.forbidden += usize::from(stopped || banned.into_iter().any(|word| holds_term(&text, word)));
    let plain = folded(&text);
    counts.must_say += usize::from(brief.must_say.iter().all(|must| plain.contains(folded(must).as_str())));
    counts.offer += usize::from(says_the_offer(brief, script));
}

/// The last line says the price, the offer or one of its terms, where the brief has any.
fn says_the_offer(brief: &Brief, script: &Script) -> bool {
    let terms: Vec<&str> = brief
        .product
        .facts
        .iter()
        .filter(|fact| matches!(fact.kind, FactKind::Price | FactKind::Offer))
        .map(|fact| fact.id.as_str())
        .collect();
    let Some(end) = script.line(Role::Cta) else { return false };
    (terms.is_empty() && brief.offer.is_none())
        || end.rests_on.iter().any(|id| terms.contains(&id.as_str()))
        || brief.offer.is_some() && end.caption.chars().any(|c| c.is_ascii_digit())
}

/// Words of all captions: single Han characters, runs of letters and digits otherwise.
fn words(script: &Script) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut run = String::new();
    for c in folded(&script.full_text()).chars().chain([' ']) {
        let han = is_han(c);
        if c.is_alphanumeric() && !han {
            run.push(c);
            continue;
        }
        if !run.is_empty() {
            words.push(std::mem::take(&mut run));
        }
        if han {
            words.push(c.to_string());
        }
    }
    words
}

fn jaccard(a: &[String], b: &[String]) -> f64 {
    let a: BTreeSet<&String> = a.iter().collect();
    let b: BTreeSet<&String> = b.iter().collect();
    let all = a.union(&b).count();
    if all == 0 { 1.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

fn grams(words: &[String], n: usize) -> BTreeMap<&[String], usize> {
    let mut counts: BTreeMap<&[String], usize> = BTreeMap::new();
    for gram in words.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

/// BLEU-4 of a script against the others of its answer, with brevity penalty; 0 where an order has
/// no match.
fn bleu(own: &[String], others: &[&Vec<String>]) -> f64 {
    let mut log = 0.0;
    for n in 1..=4 {
        let mine = grams(own, n);
        let theirs: Vec<BTreeMap<&[String], usize>> = others.iter().map(|other| grams(other, n)).collect();
        let matched: usize = mine
            .iter()
            .map(|(gram, count)| {
                let most = theirs.iter().filter_map(|counts| counts.get(gram)).max().copied().unwrap_or(0);
                most.min(*count)
            })
            .sum();
        let total: usize = mine.values().sum();
        if matched == 0 || total == 0 {
            return 0.0;
        }
        log += (matched as f64 / total as f64).ln() / 4.0;
    }
    let nearest = others.iter().map(|other| other.len()).min_by_key(|n| n.abs_diff(own.len())).unwrap_or(0);
    let brevity = if own.len() >= nearest { 0.0 } else { 1.0 - nearest as f64 / own.len().max(1) as f64 };
    (log + brevity).exp()
}

fn table(counts: &Counts) -> Value {
    let share = |n: usize, of: usize| if of == 0 { 0.0 } else { n as f64 / of as f64 };
    let most = counts.openings.values().max().copied().unwrap_or(0);
    json!({
        "scripts": counts.scripts,
        "schema_valid_share": share(counts.valid, counts.scripts),
        "with_number_not_in_evidence": counts.unstated,
        "with_forbidden_term": counts.forbidden,
        "must_say_share": share(counts.must_say, counts.scripts),
        "offer_share": share(counts.offer, counts.scripts),
        "near_duplicate_share_of_pairs": share(counts.near, counts.pairs),
        "distinct_2": share(counts.different_bigrams.len(), counts.bigrams),
        "self_bleu_4": if counts.bleu_scripts == 0 { 0.0 } else { counts.bleu / counts.bleu_scripts as f64 },
        "milliseconds_per_script": counts.seconds * 1e3 / counts.scripts.max(1) as f64,
        "milliseconds_of_reading_per_brief": counts.reading * 1e3 / counts.answers.max(1) as f64,
        "structures": counts.structures,
        "briefs_that_can_carry": counts.possible,
        "briefs_with_fewer_than_four_structures_in_an_answer": counts.few_structures,
        "different_openings": counts.openings.len(),
        "share_of_the_most_frequent_opening": share(most, counts.scripts),
        "findings": counts.findings,
    })
}
