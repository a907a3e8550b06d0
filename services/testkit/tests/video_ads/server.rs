//! The servers that the provider plays.

/// A server that the provider plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The name of its source.
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
}
