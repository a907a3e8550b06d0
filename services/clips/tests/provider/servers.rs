//! The servers that the provider plays, and the source for each.

use std::sync::Arc;
use std::time::Duration;

use spotwright_clips::comfyui::{self, ComfyUi};
use spotwright_clips::kling::{self, Kling};
use spotwright_clips::openai_videos::{self, OpenAiVideos};
use spotwright_clips::prices::{Per, Price, Row};
use spotwright_clips::{Secret, Server as Address, Shape};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{Ability, ClipRequest, ClipSource, ClipTask, Licence};
use spotwright_core::ports::clock::Clock;
use spotwright_fake_video::{Flavor, Options, Prices};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::FrameSize;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The provider's price of a second, on a server of one's own and at Kling.
const OWN_SECOND: Micros = Micros(10_000);
const KLING_SECOND: Micros = Micros(400_000);

/// A server that the provider plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    KlingCurrent,
    /// With a key pair, so that tokens are minted.
    KlingLegacy,
    VllmOmni,
    Sglang,
    TensorrtLlm,
    /// With `/api/jobs`.
    ComfyJobs,
    /// Without it.
    ComfyHistory,
}

impl Server {
    pub(crate) const ALL: [Self; 7] = [
        Self::KlingCurrent,
        Self::KlingLegacy,
        Self::VllmOmni,
        Self::Sglang,
        Self::TensorrtLlm,
        Self::ComfyJobs,
        Self::ComfyHistory,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KlingCurrent => "kling",
            Self::KlingLegacy => "kling-legacy",
            Self::VllmOmni => "vllm",
            Self::Sglang => "sglang",
            Self::TensorrtLlm => "tensorrt",
            Self::ComfyJobs => "comfy",
            Self::ComfyHistory => "comfy-history",
        }
    }

    pub(crate) const fn is_kling(self) -> bool {
        matches!(self, Self::KlingCurrent | Self::KlingLegacy)
    }

    pub(crate) const fn is_comfy(self) -> bool {
        matches!(self, Self::ComfyJobs | Self::ComfyHistory)
    }

    /// Whether a listed job can be told from others although its server knows no keys.
    pub(crate) const fn can_be_found(self) -> bool {
        !matches!(self, Self::Sglang | Self::TensorrtLlm)
    }

    /// Whether the server tells the seed that it used.
    pub(crate) const fn tells_seed(self) -> bool {
        matches!(self, Self::VllmOmni | Self::Sglang | Self::TensorrtLlm)
    }

    /// How the provider is set up.
    pub(crate) fn options(self, clock: Arc<dyn Clock>) -> Options {
        let prices = Prices {
            kling_currency: Currency::USD,
            kling_std_second: KLING_SECOND,
            server_second: OWN_SECOND,
            ..Prices::default()
        };
        Options {
            prices,
            parallel_videos: 600,
            lanes: 600,
            short_side: Some(96),
            flavor: match self {
                Self::Sglang => Flavor::Sglang,
                Self::TensorrtLlm => Flavor::TensorrtLlm,
                _ => Flavor::VllmOmni,
            },
            jobs_api: self == Self::ComfyJobs,
            ..Options::on_clock(clock)
        }
    }

    /// The source that speaks to the provider at `base`.
    pub(crate) fn source(
        self,
        base: &str,
        artifacts: Arc<dyn ArtifactStore>,
        clock: Arc<dyn Clock>,
    ) -> Arc<dyn ClipSource> {
        // Fails only when a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let name = self.name();
        let address = Address {
            timeout_ms: TIMEOUT.as_millis() as u64,
            download_timeout_ms: TIMEOUT.as_millis() as u64,
            ..Address::at(base)
        };
        match self {
            Self::KlingCurrent | Self::KlingLegacy => {
                Arc::new(Kling::new(name, self.kling(address), artifacts, clock).unwrap())
            }
            Self::ComfyJobs | Self::ComfyHistory => {
                let mut options = comfyui::Options::new(address, row("Wan2.2-TI2V-5B", OWN_SECOND));
                options.jobs_api = self == Self::ComfyJobs;
                options.shape = shape();
                Arc::new(ComfyUi::new(name, options, artifacts, clock).unwrap())
            }
            Self::VllmOmni | Self::Sglang | Self::TensorrtLlm => {
                let flavor = match self {
                    Self::Sglang => openai_videos::Flavor::Sglang,
                    Self::TensorrtLlm => openai_videos::Flavor::TensorrtLlm,
                    _ => openai_videos::Flavor::VllmOmni,
                };
                let mut options =
                    openai_videos::Options::new(address, flavor, row("fake-video-1", OWN_SECOND));
                options.shape = shape();
                options.abilities = vec![Ability::TextToVideo, Ability::ImageToVideo];
                Arc::new(OpenAiVideos::new(name, options, artifacts, clock).unwrap())
            }
        }
    }

    pub(crate) fn kling(self, address: Address) -> kling::Options {
        let secret = |text: &str| Some(Secret::new(text).unwrap());
        if self == Self::KlingCurrent {
            let mut options =
                kling::Options::new(address, kling::Dialect::Current, row("kling-3.0", KLING_SECOND));
            options.api_key = secret("fake-api-key");
            return options;
        }
        let mut options = kling::Options::new(address, kling::Dialect::Legacy, row("kling-v3", KLING_SECOND));
        (options.access_key, options.secret_key) = (secret("fake-access"), secret("fake-secret"));
        options
    }
}

/// Small clips, so that tests encode little.
fn shape() -> Shape {
    Shape { fps: Some(12), frame_step: 4, max_frames: 241, multiple: 16, max_pixels: 16_384 }
}

/// The provider's terms: linear prices, and nothing for what was not made.
pub(crate) fn row(model: &str, second: Micros) -> Row {
    let licence = Licence {
        name: "terms of the test".to_owned(),
        excluded: Vec::new(),
        revenue_limit_usd: None,
        read: "2026-11-29".to_owned(),
    };
    let price = Price {
        task: None,
        resolution: None,
        sound: None,
        reference_clip: None,
        per: Per::ExactSecond,
        amount: second,
    };
    Row {
        model: model.to_owned(),
        licence: Some(licence),
        currency: Currency::USD,
        prices_of: "2026-11-29".to_owned(),
        prices: vec![price],
        unit_price: None,
        only_made: true,
    }
}

/// A shot of 3 s whose prompt names it. All have one seed, so that nothing but their words tells them apart.
pub(crate) fn request(name: &str) -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: format!("steam over the cup of {name}"),
        negative_prompt: String::new(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 96, height: 160 },
        frames: 36,
        fps: 12,
        seed: 42,
        sound: false,
    }
}
