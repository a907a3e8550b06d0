//! Configuration: documented defaults, then a file, then the environment.
//!
//! `default.toml` is both the documentation of every key and the first layer that is loaded.

mod reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::run_sizes::RunSizes;
use spotwright_schemas::error::Code;
use spotwright_schemas::{Problem, address};

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Size of a run.
    pub run: Run,
    /// Who writes.
    pub llm: Llm,
    /// Where model files are.
    pub models: Models,
    /// What rendering costs.
    pub render: Render,
    /// Who signs finished videos.
    pub provenance: Provenance,
    /// Who makes generated clips.
    pub video: Video,
    /// How pictures and videos from outside are read.
    pub sandbox: Sandbox,
    /// Who speaks.
    pub voice: VoiceSettings,
    /// How work is done.
    pub engine: Engine,
    /// Where runs, steps, messages and money live.
    pub store: Store,
    /// How messages travel.
    pub bus: Bus,
    /// Whose certificates are trusted.
    pub tls: Tls,
    /// Where pictures and videos live.
    pub artifacts: Artifacts,
    /// What `serve` offers.
    pub serve: Serve,
    /// How messages to webhooks are sent.
    pub webhooks: Webhooks,
    /// Where traces of runs go.
    pub telemetry: Telemetry,
    /// Where winners go, beside the market.
    pub publish: Publish,
}

/// Where winners go, beside the market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Folder of the launch pack that `run` writes; empty for none.
    pub launch_pack: String,
    /// Platforms of launch packs; empty for all.
    pub platforms: Vec<String>,
}

/// Size of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Turns of the loop: 1–20.
    pub generations: u32,
    /// Variants drafted in each generation: 1–64.
    pub variants: u32,
    /// Variants of each generation rendered final and placed: 1–`variants`.
    pub winners: u32,
    /// Views that the market offers in each generation: 1,000–5,000,000.
    pub opportunities: u64,
}

impl Run {
    /// The sizes of a run whose order names none.
    #[must_use]
    pub const fn sizes(&self) -> RunSizes {
        let Self { generations, variants, winners, opportunities } = *self;
        RunSizes { generations, variants, winners, opportunities }
    }
}

/// Who writes the scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The built-in copy engine.
    Engine,
    /// Any OpenAI-compatible server.
    Openai,
    /// An embedded model file, English only.
    Gguf,
}

/// Settings of the language model.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    /// Who writes scripts.
    pub provider: Provider,
    /// Base URL of the server, for `openai`.
    pub base_url: String,
    /// Model name for `openai`, path for `gguf`.
    pub model: String,
    /// Secret for `openai`.
    pub api_key: String,
    /// Micros per million tokens read.
    pub input_price_micros: i64,
    /// Micros per million tokens written.
    pub output_price_micros: i64,
    /// Longest wait for an answer in milliseconds: 1,000–600,000.
    pub timeout_ms: u64,
    /// Longest wait in all for a server that is busy or down, in milliseconds: 0–600,000.
    pub patience_ms: u64,
    /// Largest answer in tokens, thinking included: 16–32,768.
    pub max_output_tokens: u32,
    /// Fields added to every request to `openai` as they are.
    pub extra_body: BTreeMap<String, serde_json::Value>,
}

impl std::fmt::Debug for Llm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Llm")
            .field("provider", &self.provider)
            .field("base_url", &address::shown(&self.base_url))
            .field("model", &self.model)
            .field("api_key", &hidden(&self.api_key))
            .finish_non_exhaustive()
    }
}

/// Where model files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// The folder; empty for the default.
    pub folder: String,
    /// How often `serve` looks for another click model, in milliseconds; 0 for never, else from 100.
    pub reload_ms: u64,
}

/// What rendering costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Render {
    /// Micros of the brief's currency per rendered second.
    pub price_micros_per_second: i64,
}

/// Who signs finished videos (C2PA).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// File of the certificate chain, PEM, the signer's first; empty: nothing is signed.
    pub certificates: String,
    /// File of the private key, PEM (PKCS #8), of an ES256 certificate.
    pub key: String,
}

/// Who makes the clips of generated shots.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// Sources by name, in the order of their names: `kind` is `kling`, `openai_videos`, `comfyui` or
    /// `candle_keyframes`; what each needs beside it stands in docs/video-backends.md. None: generated shots
    /// show their pictures.
    pub sources: BTreeMap<String, serde_json::Value>,
    /// First wait before a job is looked at, in milliseconds: 10–600,000.
    pub shortest_wait_ms: u64,
    /// Longest wait between two looks, in milliseconds: 10–600,000.
    pub longest_wait_ms: u64,
    /// How long a source has for a clip, in milliseconds: 1,000–604,800,000.
    pub deadline_ms: u64,
    /// The same for single sources, by name, in the place of `deadline_ms`.
    pub deadlines_ms: BTreeMap<String, u64>,
    /// How often in a row a source may answer something that cannot be understood, or give a file that is not
    /// whole, before its job is given up: 1–100.
    pub most_faults: u32,
    /// Most megabytes of clips that are kept for other runs: 16–1,000,000.
    pub library_mb: u64,
}

impl std::fmt::Debug for Video {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings of sources hold keys.
        f.debug_struct("Video").field("sources", &self.sources.keys()).finish_non_exhaustive()
    }
}

/// How pictures and videos from outside are read: by a child process that can reach nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Program of the child; empty for this one.
    pub program: String,
    /// Folder of its scratch files; empty for the system's, or for imported clips one in the data folder.
    pub scratch: String,
    /// Whether to refuse such files where the system lacks one of the bars.
    pub whole: bool,
}

/// Who speaks the lines of ads.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceSettings {
    /// Whether lines are spoken.
    pub enabled: bool,
    /// Base URL of a server that speaks, asked before the installed voices; empty for none.
    pub base_url: String,
    /// Secret for the server.
    pub api_key: String,
    /// Name of the server's model.
    pub model: String,
    /// Name of the server's voice.
    pub name: String,
    /// Longest wait for the server in milliseconds: 1,000–600,000.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for VoiceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VoiceSettings")
            .field("enabled", &self.enabled)
            .field("base_url", &address::shown(&self.base_url))
            .field("model", &self.model)
            .field("name", &self.name)
            .field("api_key", &hidden(&self.api_key))
            .finish_non_exhaustive()
    }
}

/// How work is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Steps executed at the same time; 0: one for each processor.
    pub workers: usize,
    /// Lease of a claimed step in milliseconds: 100–600,000.
    pub lease_ms: u64,
    /// Backstop of the wake-up signals in milliseconds: 10–60,000.
    pub poll_ms: u64,
}

/// Where runs, steps, messages and money live.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `postgres://…`; empty for an SQLite file in the data folder.
    pub url: String,
    /// Connections for reading: 1–100.
    pub readers: u32,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("url", &hidden(&self.url)).field("readers", &self.readers).finish()
    }
}

/// How messages travel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// `amqp://…` or, over TLS, `amqps://…`; empty for the bus inside the process.
    pub url: String,
    /// Stands before the name of every exchange and queue.
    pub prefix: String,
    /// Longest wait at the start while nobody answers at `url`, in milliseconds: 100–600,000.
    pub start_wait_ms: u64,
}

/// Whose certificates are trusted beside the system's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of private authorities, for `bus.url`, `store.url` and `artifacts.endpoint`; empty for none.
    pub ca_file: String,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus")
            .field("url", &hidden(&self.url))
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Where pictures and videos live.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifacts {
    /// A folder that all processes share; empty for one in the data folder.
    pub folder: String,
    /// `s3://bucket/prefix` for S3-compatible storage; empty for `folder`.
    pub url: String,
    /// Address of a server other than Amazon's; `http` is allowed.
    pub endpoint: String,
    /// Region of the bucket.
    pub region: String,
    /// Key id; empty for the credentials of the environment.
    pub access_key: String,
    /// Secret of the key.
    pub secret_key: String,
    /// Megabytes of files of the bucket kept in the data folder: 16–1,000,000.
    pub cache_mb: u64,
    /// Longest time of one call to the bucket in milliseconds: 100–600,000.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Artifacts")
            .field("folder", &self.folder)
            .field("url", &address::shown(&self.url))
            .field("endpoint", &address::shown(&self.endpoint))
            .field("region", &self.region)
            .field("access_key", &hidden(&self.access_key))
            .field("secret_key", &hidden(&self.secret_key))
            .field("cache_mb", &self.cache_mb)
            .field("timeout_ms", &self.timeout_ms)
            .finish()
    }
}

/// What `serve` offers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Address and port of the REST API.
    pub address: String,
    /// Address and port of health and metrics of this process; empty for none.
    pub admin_address: String,
    /// Open connections of clients; 0: as the process' limit of file descriptors allows, else 8–65,536.
    pub connections: usize,
    /// Open connections of one address; 0: three quarters of `connections`.
    pub connections_per_address: usize,
    /// Megabytes that all pictures of one organization may take together: 1–1,000,000.
    pub asset_quota_mb: u64,
    /// Folder of this process' files.
    pub folder: String,
    /// 64 hexadecimal digits that authenticate API keys; the same in all processes with the API.
    pub pepper: String,
    /// The pepper before, while keys that were made with it are still in use; empty for none.
    pub previous_pepper: String,
    /// E-mail address by which the first owner signs in, whom `serve` on an empty store prints a link for.
    pub owner_email: String,
}

impl std::fmt::Debug for Serve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serve")
            .field("address", &self.address)
            .field("admin_address", &self.admin_address)
            .field("asset_quota_mb", &self.asset_quota_mb)
            .field("connections", &self.connections)
            .field("connections_per_address", &self.connections_per_address)
            .field("folder", &self.folder)
            .field("owner_email", &self.owner_email)
            .field("pepper", &hidden(&self.pepper))
            .field("previous_pepper", &hidden(&self.previous_pepper))
            .finish()
    }
}

/// How messages to webhooks are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether addresses of private networks and of this machine are opened, on any port and over `http` as
    /// well.
    pub allow_private: bool,
    /// Longest time for one message, answer included, in milliseconds: 100–30,000.
    pub timeout_ms: u64,
    /// How often events and messages that are due are looked for, in milliseconds: 10–60,000.
    pub poll_ms: u64,
}

/// Where traces of runs go.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// `http://…` or `https://…` of an OpenTelemetry collector; empty for none.
    pub otlp_endpoint: String,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("otlp_endpoint", &address::shown(&self.otlp_endpoint)).finish()
    }
}

/// Addresses of servers may hold passwords.
const fn hidden(secret: &str) -> &'static str {
    if secret.is_empty() { "" } else { "(secret)" }
}

/// Hides the settings of a source that are keys.
fn hide_keys(source: &mut serde_json::Value) {
    let Some(settings) = source.as_object_mut() else { return };
    for (name, value) in settings {
        if name.ends_with("_key") {
            *value = serde_json::Value::from("(secret)");
        }
    }
}

impl Config {
    /// The configuration without its secrets.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        for secret in [
            &mut self.llm.api_key,
            &mut self.voice.api_key,
            &mut self.store.url,
            &mut self.bus.url,
            &mut self.artifacts.access_key,
            &mut self.artifacts.secret_key,
            &mut self.serve.pepper,
            &mut self.serve.previous_pepper,
        ] {
            hidden(secret).clone_into(secret);
        }
        for source in self.video.sources.values_mut() {
            hide_keys(source);
        }
        for url in [
            &mut self.llm.base_url,
            &mut self.voice.base_url,
            &mut self.artifacts.url,
            &mut self.artifacts.endpoint,
            &mut self.telemetry.otlp_endpoint,
        ] {
            *url = address::shown(url);
        }
        self
    }

    /// Loads the defaults, the file if one is given, and the environment.
    ///
    /// # Errors
    /// [`Code::Option`] with the full path of the key.
    pub fn load(file: Option<&Path>) -> Result<Self, Problem> {
        let config = reading::layered(file)?;
        config.check()?;
        Ok(config)
    }

    /// Checks ranges.
    ///
    /// # Errors
    /// [`Code::Option`] with the full path of the key.
    pub fn check(&self) -> Result<(), Problem> {
        self.run.sizes().check().map_err(|refused| refused.problem(Code::Option, "run."))?;
        in_range("llm.timeout_ms", self.llm.timeout_ms, 1_000, 600_000)?;
        in_range("llm.patience_ms", self.llm.patience_ms, 0, 600_000)?;
        in_range("llm.max_output_tokens", self.llm.max_output_tokens.into(), 16, 32_768)?;
        if self.models.reload_ms > 0 {
            in_range("models.reload_ms", self.models.reload_ms, 100, 86_400_000)?;
        }
        in_range("video.shortest_wait_ms", self.video.shortest_wait_ms, 10, 600_000)?;
        in_range("video.longest_wait_ms", self.video.longest_wait_ms, 10, 600_000)?;
        in_range("video.deadline_ms", self.video.deadline_ms, 1_000, 604_800_000)?;
        for (source, deadline_ms) in &self.video.deadlines_ms {
            let key = format!("video.deadlines_ms.{source}");
            if !self.video.sources.contains_key(source) {
                return Err(Problem::new(Code::Option, key, "names no source of `[video.sources]`"));
            }
            in_range(&key, *deadline_ms, 1_000, 604_800_000)?;
        }
        in_range("video.most_faults", self.video.most_faults.into(), 1, 100)?;
        in_range("video.library_mb", self.video.library_mb, 16, 1_000_000)?;
        in_range("voice.timeout_ms", self.voice.timeout_ms, 1_000, 600_000)?;
        in_range("engine.workers", self.engine.workers as u64, 0, 256)?;
        in_range("engine.lease_ms", self.engine.lease_ms, 100, 600_000)?;
        in_range("engine.poll_ms", self.engine.poll_ms, 10, 60_000)?;
        if self.serve.connections > 0 {
            in_range("serve.connections", self.serve.connections as u64, 8, 65_536)?;
        }
        in_range("serve.asset_quota_mb", self.serve.asset_quota_mb, 1, 1_000_000)?;
        in_range("serve.connections_per_address", self.serve.connections_per_address as u64, 0, 65_536)?;
        in_range("webhooks.timeout_ms", self.webhooks.timeout_ms, 100, 30_000)?;
        in_range("webhooks.poll_ms", self.webhooks.poll_ms, 10, 60_000)?;
        in_range("store.readers", self.store.readers.into(), 1, 100)?;
        in_range("bus.start_wait_ms", self.bus.start_wait_ms, 100, 600_000)?;
        in_range("artifacts.cache_mb", self.artifacts.cache_mb, 16, 1_000_000)?;
        in_range("artifacts.timeout_ms", self.artifacts.timeout_ms, 100, 600_000)?;
        if !self.artifacts.url.is_empty() && !self.artifacts.folder.is_empty() {
            let message = "give either `artifacts.folder` or `artifacts.url`, not both";
            return Err(Problem::new(Code::Option, "artifacts.url", message));
        }
        for (key, url, schemes) in [
            ("store.url", &self.store.url, &["postgres", "postgresql"][..]),
            ("bus.url", &self.bus.url, &["amqp", "amqps"][..]),
            ("artifacts.url", &self.artifacts.url, &["s3"][..]),
            ("artifacts.endpoint", &self.artifacts.endpoint, &["http", "https"][..]),
            ("telemetry.otlp_endpoint", &self.telemetry.otlp_endpoint, &["http", "https"][..]),
        ] {
            // PostgreSQL may be reached over a socket, which has no host.
            let local = key == "store.url";
            if !url.is_empty() {
                address::check(url, schemes, local)
                    .map_err(|message| Problem::new(Code::ServerAddress, key, message))?;
            }
        }
        for (key, url) in
            [("artifacts.url", &self.artifacts.url), ("artifacts.endpoint", &self.artifacts.endpoint)]
        {
            if url.contains(['@', '?']) {
                let message = "holds no user, password or query; keys have settings of their own";
                return Err(Problem::new(Code::ServerAddress, key, message));
            }
        }
        self.check_texts()?;
        crate::publish::platforms(&self.publish.platforms, "publish.platforms")?;
        let prices = [
            ("llm.input_price_micros", self.llm.input_price_micros),
            ("llm.output_price_micros", self.llm.output_price_micros),
            ("render.price_micros_per_second", self.render.price_micros_per_second),
        ];
        for (key, price) in prices {
            in_range(key, u64::try_from(price).unwrap_or(u64::MAX), 0, 1_000_000_000_000)?;
        }
        Ok(())
    }

    /// A header or file name cannot hold a control character, and nobody sees one in a secret.
    fn check_texts(&self) -> Result<(), Problem> {
        for (key, text) in [
            ("llm.base_url", &self.llm.base_url),
            ("llm.model", &self.llm.model),
            ("llm.api_key", &self.llm.api_key),
            ("bus.prefix", &self.bus.prefix),
            ("artifacts.region", &self.artifacts.region),
            ("artifacts.access_key", &self.artifacts.access_key),
            ("artifacts.secret_key", &self.artifacts.secret_key),
            ("serve.pepper", &self.serve.pepper),
            ("serve.previous_pepper", &self.serve.previous_pepper),
        ] {
            if text.chars().any(char::is_control) {
                let message = "holds a line break or another control character; remove it";
                return Err(Problem::new(Code::Option, key, message));
            }
        }
        Ok(())
    }

    /// The folder of model files.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the configuration is where the environment is read")]
    pub fn model_folder(&self) -> PathBuf {
        if !self.models.folder.is_empty() {
            return PathBuf::from(&self.models.folder);
        }
        if let Some(folder) = std::env::var("SPOTWRIGHT_MODELS").ok().filter(|folder| !folder.is_empty()) {
            return PathBuf::from(folder);
        }
        let cache = std::env::var("XDG_CACHE_HOME").ok().filter(|folder| !folder.is_empty()).map_or_else(
            || PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(".cache"),
            PathBuf::from,
        );
        cache.join("spotwright/models")
    }
}

fn in_range(key: &str, value: u64, min: u64, max: u64) -> Result<(), Problem> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Problem::new(Code::Option, key, format!("must be within {min} and {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_every_key_is_documented() {
        let config = Config::load(None).expect("defaults load");
        assert_eq!((config.run.generations, config.run.variants), (2, 12));
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for (idx, line) in lines.iter().enumerate() {
            if line.contains(" = ") && !line.starts_with('#') {
                let above = lines[idx - 1];
                let pair = above.contains(" = ") && idx >= 2 && lines[idx - 2].starts_with('#');
                assert!(above.starts_with('#') || pair, "undocumented key: {line}");
            }
        }
    }

    #[test]
    fn wrong_keys_are_named_by_their_full_path() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = folder.path().join("c.toml");
        for (text, path) in [
            ("[run]\nvariants = 0\n", "run.variants"),
            ("[run]\nwinners = 13\n", "run.winners"),
            ("[engine]\nlease_ms = \"soon\"\n", "engine.lease_ms"),
            ("[models]\nreload_ms = 5\n", "models.reload_ms"),
            ("[llm]\nprovider = \"oracle\"\n", "llm.provider"),
            ("[llm]\npatience_ms = 700000\n", "llm.patience_ms"),
            ("[llm]\nmax_output_tokens = 8\n", "llm.max_output_tokens"),
            ("[llm]\nextra_body = 1\n", "llm.extra_body"),
            ("[publish]\nplatforms = [\"myspace\"]\n", "publish.platforms"),
            ("[artifacts]\nurl = \"s3://bucket\"\nfolder = \"here\"\n", "artifacts.url"),
            ("[llm]\napi_key = \"sk-1\\r\"\n", "llm.api_key"),
            ("[artifacts]\ncache_mb = 1\n", "artifacts.cache_mb"),
            ("[webhooks]\ntimeout_ms = 60000\n", "webhooks.timeout_ms"),
        ] {
            std::fs::write(&file, text).expect("written");
            let problem = Config::load(Some(&file)).expect_err(text);
            assert_eq!((problem.code, problem.field.as_str()), (Code::Option, path));
        }
        for (text, path) in [
            ("[artifacts]\nurl = \"https://bucket\"\n", "artifacts.url"),
            ("[artifacts]\nendpoint = \"localhost:9000\"\n", "artifacts.endpoint"),
            ("[bus]\nurl = \"amqp:/127.0.0.1\"\n", "bus.url"),
            ("[bus]\nurl = \"amqp://guest:s3cret#1@127.0.0.1/%2f\"\n", "bus.url"),
            ("[store]\nurl = \"postgres://me:s3cret@localhost:port/name\"\n", "store.url"),
            ("[store]\nurl = \"mysql://me:s3cret@localhost/name\"\n", "store.url"),
        ] {
            std::fs::write(&file, text).expect("written");
            let problem = Config::load(Some(&file)).expect_err(text);
            assert_eq!((problem.code, problem.field.as_str()), (Code::ServerAddress, path));
            assert!(!problem.message.contains("s3cret"), "{problem}");
        }
        std::fs::write(&file, "[runs]\n").expect("written");
        assert_eq!(Config::load(Some(&file)).expect_err("unknown section").code, Code::Option);
    }

    #[test]
    fn fields_for_the_language_model_keep_their_types() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = folder.path().join("c.toml");
        let text =
            "[llm.extra_body]\nenable_thinking = false\nreasoning = { effort = \"low\", limit = 20 }\n";
        std::fs::write(&file, text).expect("written");
        let config = Config::load(Some(&file)).expect("loads");
        let fields = serde_json::to_value(&config.llm.extra_body).expect("JSON");
        let wanted =
            serde_json::json!({"enable_thinking": false, "reasoning": {"effort": "low", "limit": 20}});
        assert_eq!(fields, wanted);
    }

    #[test]
    fn secrets_are_not_printed() {
        let mut config = Config::load(None).expect("defaults load");
        config.llm.api_key = "s3cret".to_owned();
        config.artifacts.access_key = "s3cret".to_owned();
        config.artifacts.secret_key = "s3cret".to_owned();
        config.artifacts.endpoint = "https://me:s3cret@storage.example.com".to_owned();
        config.llm.base_url = "https://me:s3cret@llm.example.com/v1?key=s3cret".to_owned();
        config.telemetry.otlp_endpoint = "https://me:s3cret@otlp.example.com".to_owned();
        assert!(!format!("{config:?}").contains("s3cret"));
        let shown = serde_json::to_string(&config.without_secrets()).expect("serializes");
        assert!(!shown.contains("s3cret") && shown.contains("@llm.example.com/v1"), "{shown}");
    }
}
