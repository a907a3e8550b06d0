//! Settings of a server of `/v1/videos`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use spotwright_core::ports::clip_source::{Ability, Licence};

use crate::frames::Shape;
use crate::options::{OptionsError, Secret, Server};
use crate::prices::Row;

/// Fields of the body that are written from other settings.
const OWN_FIELDS: [&str; 16] = [
    "prompt",
    "model",
    "seconds",
    "size",
    "width",
    "height",
    "num_frames",
    "fps",
    "seed",
    "user",
    "negative_prompt",
    "generate_sound",
    "input_reference",
    "image_reference",
    "response_format",
    "stream",
];

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flavor {
    /// vLLM-Omni.
    VllmOmni,
    /// SGLang-Diffusion.
    Sglang,
    /// `trtllm-serve` of TensorRT-LLM.
    TensorrtLlm,
    /// NVIDIA Dynamo's front end, which answers with the result.
    Dynamo,
}

/// Where a server takes the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureField {
    /// A file in a form, or a data address in JSON, named `input_reference`.
    InputReference,
    /// `image_reference` with Base64 inside JSON: newer TensorRT-LLM.
    ImageReference,
}

/// Settings of the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the server is, without `/v1`. With [`Flavor::Dynamo`] its `timeout_ms` must cover a whole job.
    pub server: Server,
    /// Which server it is.
    pub flavor: Flavor,
    /// Model, terms and prices. What a second of one's own GPU costs is stated here, and may be 0.
    pub row: Row,
    /// What the model makes.
    #[serde(default)]
    pub shape: Shape,
    /// What the model can do: `text_to_video`, `image_to_video`, `sound`.
    #[serde(default = "Options::default_abilities")]
    pub abilities: Vec<Ability>,
    /// The server's key, where it wants one.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Jobs under way at once, 1–1,000.
    #[serde(default = "Options::default_parallel")]
    pub parallel: u32,
    /// Where the server takes the first frame.
    #[serde(default = "Options::default_picture_field")]
    pub picture_field: PictureField,
    /// Whether a deleted job certainly stops at this server, so that nothing is charged for it.
    #[serde(default)]
    pub delete_stops: bool,
    /// Whether `in_progress` without progress means that the job still waits.
    #[serde(default = "Options::default_waits")]
    pub in_progress_may_wait: bool,
    /// Further fields of the body as they are, e.g. `num_inference_steps`.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

impl Options {
    fn default_abilities() -> Vec<Ability> {
        vec![Ability::TextToVideo]
    }

    const fn default_parallel() -> u32 {
        1
    }

    const fn default_picture_field() -> PictureField {
        PictureField::InputReference
    }

    const fn default_waits() -> bool {
        true
    }

    /// Settings for a model with everything else as it is by default.
    #[must_use]
    pub fn new(server: Server, flavor: Flavor, row: Row) -> Self {
        Self {
            server,
            flavor,
            row,
            shape: Shape::default(),
            abilities: Self::default_abilities(),
            api_key: None,
            parallel: Self::default_parallel(),
            picture_field: Self::default_picture_field(),
            delete_stops: false,
            in_progress_may_wait: Self::default_waits(),
            extra: Map::new(),
        }
    }

    pub(super) fn checked(mut self) -> Result<(Self, Licence), OptionsError> {
        self.shape.check()?;
        let possible = [Ability::TextToVideo, Ability::ImageToVideo, Ability::Sound];
        let sound_fits = self.flavor == Flavor::VllmOmni || !self.abilities.contains(&Ability::Sound);
        let in_range = [
            ("parallel", (1..=1_000).contains(&self.parallel)),
            ("abilities", self.abilities.iter().all(|ability| possible.contains(ability)) && sound_fits),
            ("extra", self.extra.keys().all(|key| !OWN_FIELDS.contains(&key.as_str()))),
        ];
        if let Some((name, _)) = in_range.into_iter().find(|(_, fits)| !fits) {
            return Err(OptionsError::Range(name));
        }
        let (row, licence) = self.row.clone().completed(None)?;
        self.row = row;
        Ok((self, licence))
    }
}
