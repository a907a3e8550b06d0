//! How the provider is set up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spotwright_core::ports::clock::{Clock, ManualClock, SystemClock};
use spotwright_schemas::money::{Currency, Micros};

/// Which server's habits `/v1/videos` has. Each also answers below its own name: a client with the base
/// address `http://127.0.0.1:PORT/sglang` speaks to SGLang, whatever [`Options::flavor`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavor {
    /// vLLM-Omni: multipart only, `num_frames` is 1 unless sent, `/v1/videos/sync`.
    VllmOmni,
    /// SGLang-Diffusion: JSON, or multipart with a file; whole seconds in, text out; seed 1024.
    Sglang,
    /// TensorRT-LLM: JSON or multipart.
    TensorrtLlm,
}

impl Flavor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::VllmOmni, Self::Sglang, Self::TensorrtLlm];

    /// The name in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VllmOmni => "vllm_omni",
            Self::Sglang => "sglang",
            Self::TensorrtLlm => "tensorrt_llm",
        }
    }
}

/// What clips cost. Everything is linear, so that a client can know the price before it asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Currency of the Kling account.
    pub kling_currency: Currency,
    /// One second of `std` or 720p. Default 400,000: 2 CNY for 5 s (v1.6 std, quoted as official in
    /// cuijinyu/new-api).
    pub kling_std_second: Micros,
    /// One second of `pro` or 1080p. Default 700,000: 3.5 CNY for 5 s (same source).
    pub kling_pro_second: Micros,
    /// One second of `4k`. Default 1,400,000: no vendor's figure.
    pub kling_4k_second: Micros,
    /// Percent of the price where a clip has sound. Default 150 (v3, same source).
    pub kling_sound_percent: u32,
    /// One `video-extend`. Default 1 CNY (v1 std, same source).
    pub kling_extend: Micros,
    /// Each started 5 s of lip-sync. Default 0.5 CNY (same source).
    pub kling_lip_sync: Micros,
    /// One `identify-face`. Default 0.05 CNY (same source).
    pub kling_faces: Micros,
    /// One spoken line. Default 0.05 CNY (same source).
    pub kling_speech: Micros,
    /// One still picture. Default 0.025: no vendor's figure.
    pub kling_picture: Micros,
    /// Currency of the own servers, `/v1/videos` and ComfyUI.
    pub server_currency: Currency,
    /// One second of clip on the own servers. Default 0.01 USD: no vendor's figure.
    pub server_second: Micros,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            kling_currency: Currency::CNY,
            kling_std_second: Micros(400_000),
            kling_pro_second: Micros(700_000),
            kling_4k_second: Micros(1_400_000),
            kling_sound_percent: 150,
            kling_extend: Micros(1_000_000),
            kling_lip_sync: Micros(500_000),
            kling_faces: Micros(50_000),
            kling_speech: Micros(50_000),
            kling_picture: Micros(25_000),
            server_currency: Currency::USD,
            server_second: Micros(10_000),
        }
    }
}

impl Prices {
    /// Price of a clip of `frames` at `fps` on an own server, rounded up to a whole micro.
    #[must_use]
    pub fn server_clip(&self, frames: u32, fps: u32) -> Micros {
        let (frames, fps) = (i64::from(frames), i64::from(fps.max(1)));
        Micros((self.server_second.0 * frames + fps - 1) / fps)
    }

    /// Price of a Kling clip of whole seconds.
    #[must_use]
    pub fn kling_clip(&self, second: Micros, seconds: u32, sound: bool) -> Micros {
        let percent = if sound { i64::from(self.kling_sound_percent) } else { 100 };
        Micros(second.0 * i64::from(seconds) * percent / 100)
    }
}

/// How the provider is set up.
#[derive(Clone)]
pub struct Options {
    /// Address that is listened on. Default 127.0.0.1.
    pub address: IpAddr,
    /// Port that is listened on; 0 (default) takes a free one.
    pub port: u16,
    /// Base of the provider's time.
    pub clock: Arc<dyn Clock>,
    /// How many times as fast as `clock` jobs run. Default 1.
    pub speed: u32,
    /// Whether jobs are looked after between calls, so that callbacks go out by themselves. Of use with a
    /// clock that runs by itself; with a [`ManualClock`], [`crate::FakeProvider::advance`] does it.
    pub ticking: bool,
    /// Milliseconds that a job waits before it begins. Default 2,000.
    pub queue_ms: i64,
    /// Milliseconds that a job takes. Default 30,000.
    pub work_ms: i64,
    /// Kling access key, `iss` of the JWT.
    pub access_key: String,
    /// Kling secret key, which signs the JWT.
    pub secret_key: String,
    /// Kling API key: bearer of the current dialect, welcome on the legacy paths too.
    pub api_key: String,
    /// Bearer of `/v1/videos`; `None` (default) asks for none.
    pub server_key: Option<String>,
    /// Kling's video tasks at once; more are refused with 1303. Default 5.
    pub parallel_videos: u32,
    /// Kling's pictures at once. Default 9.
    pub parallel_pictures: u32,
    /// Jobs at once on each own server; more wait. Default 1.
    pub lanes: u32,
    /// Whose habits `/v1/videos` has. Default vLLM-Omni.
    pub flavor: Flavor,
    /// Whether ComfyUI has `/api/jobs`. Default yes.
    pub jobs_api: bool,
    /// Classes of ComfyUI nodes beside those that the server knows by itself.
    pub more_nodes: Vec<String>,
    /// Shorter side of Kling's clips in pixels instead of 720, 1080 or 2160, to save time in tests.
    pub short_side: Option<u32>,
    /// What clips cost.
    pub prices: Prices,
    /// Signs callbacks as Standard Webhooks do: `whsec_` and base64. `None` (default) signs nothing.
    pub webhook_secret: Option<String>,
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("port", &self.port)
            .field("flavor", &self.flavor)
            .field("prices", &self.prices)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// A provider on `clock`; jobs move when it does, or by [`crate::FakeProvider::advance`].
    #[must_use]
    pub fn on_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            clock,
            speed: 1,
            ticking: false,
            queue_ms: 2_000,
            work_ms: 30_000,
            access_key: "fake-access".to_owned(),
            secret_key: "fake-secret".to_owned(),
            api_key: "fake-api-key".to_owned(),
            server_key: None,
            parallel_videos: 5,
            parallel_pictures: 9,
            lanes: 1,
            flavor: Flavor::VllmOmni,
            jobs_api: true,
            more_nodes: Vec::new(),
            short_side: None,
            prices: Prices::default(),
            webhook_secret: None,
        }
    }

    /// A provider whose time stands still but for [`crate::FakeProvider::advance`], from 2026-11-29.
    #[must_use]
    pub fn logical() -> Self {
        Self::on_clock(Arc::new(ManualClock::starting_at(1_795_910_400_000_000)))
    }

    /// A provider on the machine's clock whose jobs run `speed` times as fast.
    #[must_use]
    pub fn real(speed: u32) -> Self {
        Self { speed, ticking: true, ..Self::on_clock(Arc::new(SystemClock)) }
    }
}
