//! Settings of a source, and what is wrong with them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::Licence;
use spotwright_schemas::money::{Currency, Micros};

/// Most pixels of a picture that any configuration may ask for. Attention takes memory that grows with the
/// square of the pixels: 8 heads of a picture of 512 × 512 take 0.5 GB of single precision at once, one of this
/// size 9 times that.
pub(crate) const MOST_PIXELS: u32 = 1_024 * 768;
/// Fewest pixels of a picture.
pub(crate) const FEWEST_PIXELS: u32 = 16_384;
/// Most steps of a picture.
pub(crate) const MOST_STEPS: u32 = 100;

/// Where the model computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The processor: minutes for a picture, the same bytes for the same request.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number, from 0; needs a program that was built with the feature `cuda`.
    Cuda(usize),
}

/// Which model the folder holds, under which terms, and what a job costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The model's name, 1–200 characters; stands in trace and report.
    pub model: String,
    /// Its terms, with the territories that they exclude.
    pub licence: Licence,
    /// Currency of the price.
    pub currency: Currency,
    /// When the price was set, `YYYY-MM-DD`.
    pub prices_of: String,
    /// What one job costs in millionths of the currency, 0 or more; 0 by default, for hardware of one's own.
    #[serde(default)]
    pub price: Micros,
}

/// Settings of the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Folder with the model in diffusers' layout: `text_encoder`, `unet`, `vae` and `scheduler` with their
    /// configurations, weights as safetensors, and `tokenizer/tokenizer.json`.
    pub folder: PathBuf,
    /// Model, terms and price.
    pub row: Row,
    /// Where the model computes; the processor by default.
    #[serde(default)]
    pub device: DeviceChoice,
    /// Steps of a picture, 2–100; 25 by default. A picture made from another takes `strength` of them.
    #[serde(default = "Options::default_steps")]
    pub steps: u32,
    /// How closely the picture keeps to the words, 1–30; 7.5 by default. At 1 what must not be seen is not looked
    /// at, and each step takes half the time.
    #[serde(default = "Options::default_guidance")]
    pub guidance: f64,
    /// How much of a given picture is made anew, above 0 to 1; 0.5 by default.
    #[serde(default = "Options::default_strength")]
    pub strength: f64,
    /// Most pixels of a picture, 16,384–786,432; by default as many as the model was trained with. Larger ads get
    /// the picture scaled up.
    #[serde(default)]
    pub max_pixels: Option<u32>,
    /// Whether the large part of the model computes in half precision; GPUs only, off by default.
    #[serde(default)]
    pub half_precision: bool,
    /// Whether prompts in other letters than Latin ones are taken; off by default, since the models of this
    /// family were trained on English.
    #[serde(default)]
    pub other_letters: bool,
    /// Jobs that may wait behind the one under way, 1–100; 16 by default. More are told to come again.
    #[serde(default = "Options::default_waiting")]
    pub waiting: u32,
}

impl Options {
    const fn default_steps() -> u32 {
        25
    }

    const fn default_guidance() -> f64 {
        7.5
    }

    const fn default_strength() -> f64 {
        0.5
    }

    const fn default_waiting() -> u32 {
        16
    }

    /// Settings for a folder with everything else as it is by default.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, row: Row) -> Self {
        Self {
            folder: folder.into(),
            row,
            device: DeviceChoice::default(),
            steps: Self::default_steps(),
            guidance: Self::default_guidance(),
            strength: Self::default_strength(),
            max_pixels: None,
            half_precision: false,
            other_letters: false,
            waiting: Self::default_waiting(),
        }
    }

    /// Checks what can be checked without the folder.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let name = self.row.model.chars().count();
        let in_range = [
            ("row.model", (1..=200).contains(&name) && !self.row.model.trim().is_empty()),
            ("row.licence.name", !self.row.licence.name.trim().is_empty()),
            ("row.price", self.row.price >= Micros::ZERO),
            ("steps", (2..=MOST_STEPS).contains(&self.steps)),
            ("guidance", (1.0..=30.0).contains(&self.guidance)),
            ("strength", self.strength > 0.0 && self.strength <= 1.0),
            ("max_pixels", self.max_pixels.is_none_or(|most| (FEWEST_PIXELS..=MOST_PIXELS).contains(&most))),
            ("waiting", (1..=100).contains(&self.waiting)),
        ];
        if let Some((name, _)) = in_range.into_iter().find(|(_, fits)| !fits) {
            return Err(OptionsError::Range(name));
        }
        check_date(&self.row.prices_of, "row.prices_of")?;
        check_date(&self.row.licence.read, "row.licence.read")?;
        if self.half_precision && self.device == DeviceChoice::Cpu {
            return Err(OptionsError::Half);
        }
        Ok(())
    }
}

/// Why settings are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Outside the documented range.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// A date that is not written `YYYY-MM-DD`.
    #[error("{0} must be a date such as 2026-11-28")]
    Date(&'static str),
    /// Half precision on a processor.
    #[error("half_precision is for GPUs: leave it out, or set device")]
    Half,
    /// The device is not there, or the program was built without it.
    #[error("{0}")]
    Device(String),
    /// The folder does not hold a model that can be used.
    #[error("the folder holds no usable model: {part}: {message}")]
    Folder {
        /// The file or folder below it.
        part: String,
        /// What is wrong, and what to do.
        message: String,
    },
}

impl OptionsError {
    /// The setting below the source's own that has to be changed.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Range(name) | Self::Date(name) => name,
            Self::Half => "half_precision",
            Self::Device(_) => "device",
            Self::Folder { .. } => "folder",
        }
    }
}

fn check_date(date: &str, name: &'static str) -> Result<(), OptionsError> {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = date.split('-').collect();
    match parts.as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(()),
        _ => Err(OptionsError::Date(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(change: impl FnOnce(&mut serde_json::Value)) -> Result<Options, String> {
        let mut settings = json!({
            "folder": "/models/sd",
            "row": { "model": "sd", "currency": "USD", "prices_of": "2026-11-28",
                     "licence": { "name": "house", "excluded": ["EU"], "revenue_limit_usd": null,
                                  "read": "2026-11-28" } },
        });
        change(&mut settings);
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_folder_and_a_row_are_enough_and_cost_nothing() {
        let options = options(|_| {}).unwrap();
        assert_eq!(options.check(), Ok(()));
        assert_eq!((options.row.price, options.device), (Micros::ZERO, DeviceChoice::Cpu));
        assert_eq!(options, Options::new("/models/sd", options.row.clone()));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let cases = [
            ("steps", json!(1), "steps"),
            ("steps", json!(101), "steps"),
            ("guidance", json!(0.5), "guidance"),
            ("strength", json!(0.0), "strength"),
            ("strength", json!(1.5), "strength"),
            ("max_pixels", json!(1_000_000), "max_pixels"),
            ("waiting", json!(0), "waiting"),
            ("half_precision", json!(true), "half_precision"),
        ];
        for (key, value, named) in cases {
            let options = options(|settings| settings[key] = value.clone()).unwrap();
            assert_eq!(options.check().unwrap_err().key(), named, "{key} {value}");
        }
        let dated = options(|settings| settings["row"]["licence"]["read"] = json!("today")).unwrap();
        assert_eq!(dated.check(), Err(OptionsError::Date("row.licence.read")));
        let paid = options(|settings| settings["row"]["price"] = json!(-1)).unwrap();
        assert_eq!(paid.check().unwrap_err().key(), "row.price");
    }

    #[test]
    fn unknown_settings_and_missing_terms_are_refused() {
        assert!(options(|settings| settings["strenght"] = json!(0.5)).is_err());
        assert!(
            options(|settings| drop(settings["row"].as_object_mut().unwrap().remove("licence"))).is_err()
        );
        assert!(options(|settings| settings["device"] = json!("cuda")).is_err());
        let gpu = options(|settings| settings["device"] = json!({ "cuda": 1 })).unwrap();
        assert_eq!(gpu.device, DeviceChoice::Cuda(1));
    }
}
