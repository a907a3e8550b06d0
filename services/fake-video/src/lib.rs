//! A provider of generated clips for tests, and for trying the adapters without a GPU. It says of
//! everything it makes that it is simulated.
//!
//! # Purpose
//! [`FakeProvider`] listens on the loopback and speaks the dialects of video servers on one port, each
//! with its own rules: Kling's legacy paths and its current ones, `/v1/videos` as vLLM-Omni, SGLang and
//! TensorRT-LLM serve it, ComfyUI. It makes real MP4 files ([`mark`], [`stripes`] tell whose), keeps a
//! [`Log`] of every call, generation and callback with a bill to the micro, and does wrong what a
//! [`Plan`] of [`Fault`]s tells it to. It generates nothing: there is no model in it.
//!
//! # Invariants
//! - A generation is charged once, when it was made; never when it was refused, failed, lost, or stopped
//!   in truth.
//! - What happens follows from the clock and the order of calls: nothing is random, and a leap in time
//!   gives the same as many steps.
//! - The log survives restarts of the provider and knows of every accepted generation, also of those
//!   whose client never had an answer.
//!
//! # Addresses
//! | path | what |
//! |---|---|
//! | `/v1/videos/text2video` …, `/v1/images/generations`, `/v1/audio/tts` | Kling, legacy |
//! | `/text-to-video/{model}`, `/image-to-video/{model}`, `/omni-video/{model}`, `/tasks` | Kling |
//! | `/v1/videos`, `/v1/models`, `/health`; below `/vllm_omni`, `/sglang`, `/tensorrt_llm` too | own servers |
//! | `/prompt`, `/queue`, `/history`, `/view`, `/upload/image`, … below `/api` too | ComfyUI |
//! | `GET /__log` | the [`Log`] as JSON |
//! | `POST /__advance?ms=N`, `POST /__restart?keeps_jobs=true`, `POST /__fault` with `ROUTE:CALL:FAULT` | the test's hand |
//!
//! # Example
//! ```
//! use spotwright_fake_video::{FakeProvider, Fault, Options, Route};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let provider = FakeProvider::start(Options::logical()).await?;
//! provider.plan().on(Route::Create).nth(2).fault(Fault::Code(1303));
//! assert!(provider.base_url().starts_with("http://127.0.0.1:"));
//! assert!(provider.log().generations.is_empty());
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Sources
//! Wire formats and rules: Kling's API pages (legacy, and the current ones as of 2026-09), vLLM-Omni's
//! `docs/serving/videos_api.md`, ComfyUI's server routes and `comfy_execution/jobs.py`. Faults: what users
//! of these servers report.

mod bill;
mod call;
mod callbacks;
mod clip;
mod clock;
mod comfyui;
mod comfyui_graph;
mod credentials;
mod dispatch;
mod faults;
mod jobs;
mod kling;
mod kling_legacy;
mod kling_rules;
mod multipart;
mod openai_videos;
mod options;
mod outbound;
mod picture;
mod provider;
mod server;
mod wire;

pub use bill::{CallbackSent, Generation, HttpCall, Log};
pub use clip::{COMMENT, Error, mark, recognize, stripes};
pub use credentials::{mint_jwt, sign_webhook};
pub use faults::{Dialect, Distortion, Fault, Forgery, Plan, Route, Rules, UnknownFault};
pub use options::{Flavor, Options, Prices};
pub use server::FakeProvider;
