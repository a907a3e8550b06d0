//! `spotwright brief read`: a draft brief from a page, a file, a feed or pasted text.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use spotwright_core::ports::source_reader::SourceReader;
use spotwright_egress::EgressClient;
use spotwright_intake::{
    Checked, Draft, MAX_BYTES, Source, brief_json, brief_yaml, complete, reading_request,
};
use spotwright_schemas::error::Code;
use spotwright_schemas::{Locale, Problem};
use url::Url;

use super::{print_json, print_text};

/// What to read, and where to write.
#[derive(Debug)]
pub struct Options<'a> {
    /// Files, `-` for standard input, or web addresses.
    pub sources: &'a [String],
    /// Where the draft is written; on standard output without it.
    pub out: Option<&'a Path>,
    /// Language of the advertisement; that of the sources without it.
    pub locale: Option<&'a str>,
    /// Which product of a feed is meant.
    pub item: Option<&'a str>,
    /// Open web addresses of this machine, for development.
    pub allow_loopback: bool,
    /// Print one JSON document.
    pub json: bool,
}

/// Why rules alone read, where no call has failed.
pub(crate) const RULES_ONLY: &str = "`--rules-only` was asked for";
pub(crate) const NO_MODEL: &str = "no language model is configured";
pub(crate) const EMBEDDED_READS_NOT: &str = "the embedded language model reads no sources";
const NOTHING_TO_READ: &str = "no source has a line to be read";

/// Who reads beside the rules.
pub enum Reader {
    /// Nobody, for this reason.
    Rules(&'static str),
    /// A language model.
    Model(Arc<dyn SourceReader>),
}

/// Who has read, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ReadBy {
    /// Rules alone.
    Rules {
        /// Why no language model had a part in it.
        reason: String,
        /// What a failed call has cost, in micros.
        cost_micros: i64,
    },
    /// Rules, and a language model whose every value was found in its source.
    LanguageModel {
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// Hash of the prompt.
        prompt_hash: String,
        /// Values that the draft has from it, and those that were dropped.
        #[serde(flatten)]
        checked: Checked,
        /// Entries of its answer that are no values.
        refused: Vec<String>,
        /// Tokens read and written.
        tokens: [u64; 2],
        /// What the call has cost, in micros.
        cost_micros: i64,
    },
}

/// Lets a language model add to a draft what the rules missed; without one, and where it fails, the draft
/// stays as the rules made it.
pub async fn read_with(draft: &mut Draft, reader: &Reader) -> ReadBy {
    let reader = match reader {
        Reader::Rules(reason) => return ReadBy::Rules { reason: (*reason).to_owned(), cost_micros: 0 },
        Reader::Model(reader) => reader,
    };
    let request = reading_request(draft);
    if request.sources.iter().all(|source| source.lines.is_empty()) {
        return ReadBy::Rules { reason: NOTHING_TO_READ.to_owned(), cost_micros: 0 };
    }
    // The same sources are the same question.
    let written = serde_json::to_vec(&request.sources.iter().map(|own| &own.lines).collect::<Vec<_>>());
    let key = format!("read/{}", blake3::hash(&written.unwrap_or_default()).to_hex());
    match reader.read(&request, &key).await {
        Ok(reading) => ReadBy::LanguageModel {
            checked: complete(draft, &reading),
            provider: reader.provider().to_owned(),
            model: reading.model,
            prompt_hash: reading.prompt_hash,
            refused: reading.refused,
            tokens: reading.tokens,
            cost_micros: reading.cost.0,
        },
        Err(error) => {
            tracing::warn!(%error, "the language model has not read; rules alone did");
            ReadBy::Rules { reason: error.to_string(), cost_micros: error.cost().0 }
        }
    }
}

impl ReadBy {
    /// The same in a sentence of the draft's language.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        if locale.is_english() {
            return self.sentence();
        }
        match self {
            Self::Rules { reason, .. } => {
                let why = match reason.as_str() {
                    RULES_ONLY => "按 `--rules-only` 的要求".to_owned(),
                    NO_MODEL => "没有配置语言模型".to_owned(),
                    EMBEDDED_READS_NOT => "内置语言模型不读取来源".to_owned(),
                    NOTHING_TO_READ => "来源里没有可读的文字".to_owned(),
                    other => format!("语言模型没有读成：`{}`", other.replace('`', "'")),
                };
                format!("由规则读取：{why}")
            }
            Self::LanguageModel { provider, model, checked, refused, .. } => {
                let n_dropped = checked.dropped.len() + refused.len();
                format!(
                    "由规则和 {provider} {model} 共同读取：它给出的内容有 {} 项在来源中找到并采用，{n_dropped} 项舍去",
                    checked.taken.len(),
                )
            }
        }
    }

    /// The same in an English sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Rules { reason, .. } => format!("read by rules: {reason}"),
            Self::LanguageModel { provider, model, checked, refused, .. } => {
                let n_dropped = checked.dropped.len() + refused.len();
                format!(
                    "read by rules and by {provider} {model}: {} of its values were found in the sources and added, \
                     {n_dropped} were dropped",
                    checked.taken.len(),
                )
            }
        }
    }
}

/// The bytes of a source.
struct Loaded {
    name: String,
    bytes: Vec<u8>,
    media_type: Option<String>,
    address: Option<Url>,
}

/// Reads the sources and writes the draft.
///
/// # Errors
/// The first source that cannot be read; [`Code::Option`] for an unknown locale; [`Code::OutputFolder`] when
/// the draft cannot be written, or would be written over something else.
pub async fn execute(options: &Options<'_>, reader: &Reader) -> Result<(), Problem> {
    let locale = options.locale.map(locale_of).transpose()?;
    if let Some(out) = options.out.filter(|out| out.exists()) {
        let message = format!("`{}` is there already; a draft is not written over it", out.display());
        return Err(Problem::new(Code::OutputFolder, "--out", message));
    }
    let mut loaded = Vec::with_capacity(options.sources.len());
    for source in options.sources {
        loaded.push(load(source, options.allow_loopback).await?);
    }
    let sources: Vec<Source<'_>> = loaded
        .iter()
        .map(|own| Source {
            name: &own.name,
            bytes: &own.bytes,
            media_type: own.media_type.as_deref(),
            address: own.address.as_ref(),
            item: options.item,
        })
        .collect();
    let mut draft = spotwright_intake::read(&sources, locale)?;
    let read_by = read_with(&mut draft, reader).await;
    let yaml = format!("# {}\n{}", one_line(&read_by.told(draft.locale)), brief_yaml(&draft));
    if let Some(out) = options.out {
        write(out, &yaml)?;
    }
    if options.json {
        print_json(&document(&draft, &read_by));
    } else if let Some(out) = options.out {
        print_text(&summary(&draft, &read_by, out));
    } else {
        print_text(&yaml);
    }
    Ok(())
}

fn locale_of(tag: &str) -> Result<Locale, Problem> {
    serde_json::from_value(Value::String(tag.to_owned())).map_err(|_| {
        Problem::new(
            Code::Option,
            "--locale",
            format!("`{tag:.20}` is no language of advertisements, such as zh-CN or en-US"),
        )
    })
}

async fn load(source: &str, allow_loopback: bool) -> Result<Loaded, Problem> {
    if source == "-" {
        let bytes = bounded(std::io::stdin().lock(), "standard input")?;
        return Ok(Loaded { name: "standard input".to_owned(), bytes, media_type: None, address: None });
    }
    let lower = source.trim_start().to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let fetched = EgressClient::new(MAX_BYTES, allow_loopback)?.get(source).await?;
        return Ok(Loaded {
            name: fetched.address.to_string(),
            bytes: fetched.bytes,
            media_type: fetched.media_type,
            address: Some(fetched.address),
        });
    }
    let file = File::open(source).map_err(|error| unreadable(source, &error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Problem::new(Code::SourceUnreadable, source, "is a folder; give a file"));
    }
    let name = PathBuf::from(source)
        .file_name()
        .map_or_else(|| source.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Loaded { name, bytes: bounded(file, source)?, media_type: None, address: None })
}

fn unreadable(source: &str, error: &std::io::Error) -> Problem {
    Problem::new(Code::SourceUnreadable, source, format!("cannot be read: {error}"))
}

/// One byte more than may be is read, so that intake sees what is too large.
pub(super) fn bounded(reader: impl Read, name: &str) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

/// Writes a file whole or not at all.
fn write(out: &Path, text: &str) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::new(Code::OutputFolder, "--out", format!("`{}` cannot be written: {error}", out.display()))
    };
    let folder =
        out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(out).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A text that ends no comment: words of a server may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// The draft for programs.
fn document(draft: &Draft, read_by: &ReadBy) -> Value {
    let sources: Vec<Value> = draft
        .facts
        .iter()
        .map(|fact| {
            json!({
                "fact": fact.id,
                "source": fact.evidence.source,
                "section": fact.evidence.section,
                "span": [fact.evidence.span.start, fact.evidence.span.end],
                "sentence": fact.evidence.sentence,
            })
        })
        .collect();
    json!({
        "brief": brief_json(draft),
        "sources": sources,
        "missing": draft.missing,
        "left_out": draft.left_out,
        "name": draft.name,
        "brand": draft.brand,
        "category": draft.category,
        "price": draft.price,
        "price_before": draft.price_before,
        "in_stock": draft.in_stock,
        "offer": draft.offer,
        "pictures": draft.pictures,
        "colors": draft.colors,
        "destination_url": draft.destination_url,
        "locale": draft.locale,
        "documents": draft.documents,
        "read": read_by,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn summary(draft: &Draft, read_by: &ReadBy, out: &Path) -> String {
    let counts = (draft.facts.len(), draft.pictures.len(), draft.left_out.len());
    let zh = draft.locale.is_chinese();
    let (facts, pictures, left_out) = counts;
    let mut text = if zh {
        format!("{}：{facts} 条事实，{pictures} 张图片，略去 {left_out} 句\n", out.display())
    } else {
        format!("{}: {facts} facts, {pictures} pictures, {left_out} sentences left out\n", out.display())
    };
    text.push_str(&format!("  {}\n", one_line(&read_by.told(draft.locale))));
    let (dropped, open) = if zh { ("舍去", "待补充：") } else { ("dropped", "to be answered: ") };
    if let ReadBy::LanguageModel { checked, refused, .. } = read_by {
        for own in &checked.dropped {
            let reason = json!(own.reason);
            let (field, why) = (own.field.as_str(), reason.as_str().unwrap_or_default());
            text.push_str(&format!("  {dropped} {field} “{}”: {why}\n", one_line(&own.value)));
        }
        for own in refused {
            text.push_str(&format!("  {dropped} {}\n", one_line(own)));
        }
    }
    for question in &draft.missing {
        text.push_str(&format!("  {open}{}: {}\n", question.field, question.question));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn read(source: &Path, out: &Path) -> Result<(), Problem> {
        let sources = [source.display().to_string()];
        let options = Options {
            sources: &sources,
            out: Some(out),
            locale: None,
            item: None,
            allow_loopback: false,
            json: false,
        };
        runtime().block_on(execute(&options, &Reader::Rules("a test")))
    }

    #[test]
    fn a_draft_is_written_once_and_not_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let (page, out) = (folder.path().join("a.html"), folder.path().join("brief.yaml"));
        std::fs::write(&page, "<html lang=en><h1>Mug</h1><p class=price>$18</p><p>Holds 350 ml of tea.</p>")
            .unwrap();
        read(&page, &out).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        assert!(text.contains("Holds 350 ml of tea"), "{text}");
        assert_eq!(read(&page, &out).unwrap_err().code, Code::OutputFolder);
    }

    #[test]
    fn who_has_read_is_told_in_the_language_of_the_draft() {
        let rules = |reason: &str| ReadBy::Rules { reason: reason.to_owned(), cost_micros: 0 };
        assert_eq!(rules(NO_MODEL).told(Locale::ZhCn), "由规则读取：没有配置语言模型");
        assert_eq!(rules(NO_MODEL).told(Locale::EnGb), "read by rules: no language model is configured");
        assert_eq!(rules("it `failed`").told(Locale::ZhCn), "由规则读取：语言模型没有读成：`it 'failed'`");
    }

    #[test]
    fn what_is_no_source_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("brief.yaml");
        assert_eq!(read(&folder.path().join("none.html"), &out).unwrap_err().code, Code::SourceUnreadable);
        assert_eq!(read(folder.path(), &out).unwrap_err().code, Code::SourceUnreadable);
        let sources = ["http://127.0.0.1:1/".to_owned()];
        let options = Options {
            sources: &sources,
            out: Some(&out),
            locale: None,
            item: None,
            allow_loopback: false,
            json: false,
        };
        drop(rustls::crypto::ring::default_provider().install_default());
        let refused = runtime().block_on(execute(&options, &Reader::Rules("a test")));
        assert_eq!(refused.unwrap_err().code, Code::AddressRefused);
        assert!(!out.exists());
    }
}
