//! Servers of OpenAI's `/v1/videos`: vLLM-Omni, SGLang, TensorRT-LLM and NVIDIA Dynamo.
//!
//! | | vLLM-Omni | SGLang | TensorRT-LLM | Dynamo |
//! |---|---|---|---|---|
//! | body | form | JSON; form with a picture, which a form then needs | JSON, unknown fields refused; form with a picture | JSON |
//! | `seconds` | text | number | number | number |
//! | frames, seed | fields; `num_frames` is 1 by default | fields; the seed is 1024 by default | fields | in `nvext` |
//! | answer | a job | a job | a job | the result, after the whole time |
//! | tells back | prompt, size | size | differs | nothing |
//!
//! `num_frames`, `fps`, `size`, `seconds` and `seed` are always sent, since what is left out is something
//! else on every server. `in_progress` without progress counts as queued: some say so while a job still
//! waits. A deleted job goes on at some servers, so that [`Cancelled::MayGoOn`] is what [`OpenAiVideos`]
//! answers unless the configuration promises otherwise.
//!
//! Pictures beside a first frame are left away on all four: vLLM-Omni takes `image_reference` instead of
//! `input_reference` and never beside it, the others have one place for a picture. Sound is vLLM-Omni's
//! alone; for others it is left away.
//!
//! None of the servers knows idempotency keys. A job is found again by `user`, where that is told back, and
//! else by prompt, size and seed among the jobs that the server lists; where that is not unmistakable the
//! answer is an error, and nothing is sent twice.
//!
//! [`Cancelled::MayGoOn`]: spotwright_core::ports::clip_source::Cancelled::MayGoOn
//!
//! # Sources
//! vllm-project/vllm-omni, docs/serving/videos_api.md and entrypoints/openai/protocol/videos.py;
//! sgl-project/sglang, multimodal_gen/runtime/entrypoints/openai; NVIDIA/TensorRT-LLM,
//! serve/openai_protocol.py; ai-dynamo/dynamo, common/protocols/video_protocol.py (all read 2026-11-29).

mod adapter;
mod body;
mod errors;
mod options;
mod wire;

pub use adapter::OpenAiVideos;
pub use options::{Flavor, Options, PictureField};
