//! What the configurations of a folder say, as far as it is known here. The names are the files' own.

use candle_transformers::models::stable_diffusion::unet_2d::{BlockConfig, UNet2DConditionModelConfig};
use candle_transformers::models::stable_diffusion::vae::AutoEncoderKLConfig;
use serde::Deserialize;
use serde_json::Value;

/// Most channels of a layer, layers and heads: far above every published model, and low enough for products of
/// them.
const MOST: usize = 8_192;
/// Most blocks of a part.
const MOST_BLOCKS: usize = 6;
/// Latent values of a point: what the family has.
pub(crate) const LATENTS: usize = 4;

/// `text_encoder/config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TextSettings {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) hidden_act: Activation,
    #[serde(default = "default_layer_norm_eps")]
    pub(crate) layer_norm_eps: f64,
}

/// What stands between the two halves of a text encoder's layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    /// x · σ(1.702 x): 1.5.
    QuickGelu,
    /// x · Φ(x) by the error function: 2.1.
    Gelu,
}

/// `unet/config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UnetSettings {
    #[serde(default = "silu")]
    act_fn: String,
    attention_head_dim: OneOrMany,
    /// Overrules `attention_head_dim` where it is not null; the files of the family have none.
    #[serde(default)]
    num_attention_heads: Value,
    block_out_channels: Vec<usize>,
    #[serde(default)]
    center_input_sample: bool,
    cross_attention_dim: usize,
    down_block_types: Vec<String>,
    #[serde(default = "one")]
    downsample_padding: usize,
    #[serde(default = "yes")]
    flip_sin_to_cos: bool,
    #[serde(default)]
    freq_shift: f64,
    in_channels: usize,
    layers_per_block: usize,
    #[serde(default = "unit")]
    mid_block_scale_factor: f64,
    #[serde(default = "default_layer_norm_eps")]
    norm_eps: f64,
    norm_num_groups: usize,
    out_channels: usize,
    pub(super) sample_size: usize,
    up_block_types: Vec<String>,
    #[serde(default)]
    use_linear_projection: bool,
    // What other families set.
    #[serde(default)]
    addition_embed_type: Value,
    #[serde(default)]
    class_embed_type: Value,
    #[serde(default)]
    num_class_embeds: Value,
    #[serde(default)]
    encoder_hid_dim: Value,
    #[serde(default)]
    time_cond_proj_dim: Value,
    #[serde(default)]
    dual_cross_attention: bool,
    #[serde(default)]
    only_cross_attention: Value,
    #[serde(default)]
    resnet_time_scale_shift: Option<String>,
    #[serde(default)]
    transformer_layers_per_block: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(usize),
    Many(Vec<usize>),
}

/// `vae/config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct VaeSettings {
    #[serde(default = "silu")]
    act_fn: String,
    block_out_channels: Vec<usize>,
    down_block_types: Vec<String>,
    in_channels: usize,
    latent_channels: usize,
    layers_per_block: usize,
    #[serde(default = "thirty_two")]
    norm_num_groups: usize,
    out_channels: usize,
    #[serde(default = "default_scaling_factor")]
    pub(super) scaling_factor: f64,
    #[serde(default)]
    shift_factor: Value,
    up_block_types: Vec<String>,
    #[serde(default = "yes")]
    use_quant_conv: bool,
    #[serde(default = "yes")]
    use_post_quant_conv: bool,
    #[serde(default = "yes")]
    mid_block_add_attention: bool,
}

/// `scheduler/scheduler_config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SchedulerSettings {
    #[serde(default = "thousand")]
    pub(crate) num_train_timesteps: usize,
    pub(crate) beta_start: f64,
    pub(crate) beta_end: f64,
    pub(crate) beta_schedule: Betas,
    #[serde(default = "default_prediction")]
    pub(crate) prediction_type: Prediction,
    #[serde(default = "one")]
    pub(crate) steps_offset: usize,
    #[serde(default)]
    timestep_spacing: Option<String>,
    #[serde(default)]
    trained_betas: Value,
    #[serde(default)]
    rescale_betas_zero_snr: bool,
    #[serde(default)]
    thresholding: bool,
}

/// How the noise of training grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Betas {
    /// The square roots in even steps.
    ScaledLinear,
    /// In even steps.
    Linear,
}

/// What the model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prediction {
    /// The noise: 1.5, and 2.1 base.
    Epsilon,
    /// Noise and picture mixed by the time: 2.1.
    VPrediction,
}

impl TextSettings {
    pub(super) fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size, MOST),
            ("intermediate_size", self.intermediate_size, 4 * MOST),
            ("num_hidden_layers", self.num_hidden_layers, 100),
            ("num_attention_heads", self.num_attention_heads, MOST),
            ("vocab_size", self.vocab_size, 1_000_000),
        ];
        in_range(&sizes)?;
        if !(8..=512).contains(&self.max_position_embeddings) {
            return Err("max_position_embeddings is not within 8 and 512".to_owned());
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("num_attention_heads does not divide hidden_size".to_owned());
        }
        finite("layer_norm_eps", self.layer_norm_eps)
    }
}

impl UnetSettings {
    /// The configuration as candle takes it.
    pub(super) fn config(&self) -> Result<UNet2DConditionModelConfig, String> {
        self.check_family()?;
        let depth = self.block_out_channels.len();
        if !(2..=MOST_BLOCKS).contains(&depth) || self.down_block_types.len() != depth {
            return Err(format!(
                "block_out_channels and down_block_types must name 2 to {MOST_BLOCKS} blocks"
            ));
        }
        in_range(&[
            ("norm_num_groups", self.norm_num_groups, MOST),
            ("layers_per_block", self.layers_per_block, 8),
            ("cross_attention_dim", self.cross_attention_dim, MOST),
            ("sample_size", self.sample_size, 512),
        ])?;
        if self.downsample_padding > 1 {
            return Err("downsample_padding must be 0 or 1".to_owned());
        }
        for (name, value) in [
            ("freq_shift", self.freq_shift),
            ("mid_block_scale_factor", self.mid_block_scale_factor),
            ("norm_eps", self.norm_eps),
        ] {
            finite(name, value)?;
        }
        let blocks = (0..depth).map(|place| self.block(place)).collect::<Result<Vec<_>, String>>()?;
        let half = self.block_out_channels[0] / 2;
        if self.freq_shift >= half as f64 {
            return Err("freq_shift is too large".to_owned());
        }
        Ok(UNet2DConditionModelConfig {
            center_input_sample: self.center_input_sample,
            flip_sin_to_cos: self.flip_sin_to_cos,
            freq_shift: self.freq_shift,
            blocks,
            layers_per_block: self.layers_per_block,
            downsample_padding: self.downsample_padding,
            mid_block_scale_factor: self.mid_block_scale_factor,
            norm_num_groups: self.norm_num_groups,
            norm_eps: self.norm_eps,
            cross_attention_dim: self.cross_attention_dim,
            // candle 0.11.1 stacks the slices along a new axis and then refuses the shape.
            sliced_attention_size: None,
            use_linear_projection: self.use_linear_projection,
        })
    }

    /// Refuses what other families set.
    fn check_family(&self) -> Result<(), String> {
        if self.in_channels != LATENTS || self.out_channels != LATENTS {
            return Err(format!(
                "has {} channels in and {} out: only models with {LATENTS} are taken, not those for inpainting",
                self.in_channels, self.out_channels
            ));
        }
        if self.act_fn != "silu" {
            return Err(format!("act_fn is {}, and only silu is known", self.act_fn));
        }
        let set = [
            ("addition_embed_type", !self.addition_embed_type.is_null()),
            ("class_embed_type", !self.class_embed_type.is_null()),
            ("num_class_embeds", !self.num_class_embeds.is_null()),
            ("num_attention_heads", !self.num_attention_heads.is_null()),
            ("encoder_hid_dim", !self.encoder_hid_dim.is_null()),
            ("time_cond_proj_dim", !self.time_cond_proj_dim.is_null()),
            ("dual_cross_attention", self.dual_cross_attention),
            ("only_cross_attention", holds(&self.only_cross_attention, |value| value == &Value::Bool(true))),
            (
                "resnet_time_scale_shift",
                self.resnet_time_scale_shift.as_deref().is_some_and(|s| s != "default"),
            ),
            (
                "transformer_layers_per_block",
                holds(&self.transformer_layers_per_block, |value| value.as_u64().is_some_and(|n| n != 1)),
            ),
        ];
        match set.into_iter().find(|(_, set)| *set) {
            Some((name, _)) => Err(format!("{name} is set: the model is not of the family of 1.5 and 2.1")),
            None => Ok(()),
        }
    }

    fn block(&self, place: usize) -> Result<BlockConfig, String> {
        let out_channels = self.block_out_channels[place];
        let up = self.up_block_types.iter().rev().nth(place).map(String::as_str);
        let use_cross_attn = match (self.down_block_types[place].as_str(), up) {
            ("CrossAttnDownBlock2D", Some("CrossAttnUpBlock2D")) => Some(1),
            ("DownBlock2D", Some("UpBlock2D")) => None,
            (down, up) => {
                return Err(format!(
                    "block {place} is {down} on the way down and {} up",
                    up.unwrap_or("none")
                ));
            }
        };
        // Misnamed in the files: these are numbers of heads.
        let heads = match &self.attention_head_dim {
            OneOrMany::One(heads) => *heads,
            OneOrMany::Many(heads) => heads.get(place).copied().unwrap_or_default(),
        };
        in_range(&[("block_out_channels", out_channels, MOST), ("attention_head_dim", heads, MOST)])?;
        if !out_channels.is_multiple_of(self.norm_num_groups)
            || !out_channels.is_multiple_of(heads)
            || !out_channels.is_multiple_of(2)
        {
            return Err(format!("{out_channels} channels of block {place} do not fit its groups and heads"));
        }
        Ok(BlockConfig { out_channels, use_cross_attn, attention_head_dim: heads })
    }
}

impl VaeSettings {
    /// The configuration as candle takes it.
    pub(super) fn config(&self) -> Result<AutoEncoderKLConfig, String> {
        let depth = self.block_out_channels.len();
        let is = |types: &[String], name: &str| types.len() == depth && types.iter().all(|one| one == name);
        if !(1..=MOST_BLOCKS).contains(&depth)
            || !is(&self.down_block_types, "DownEncoderBlock2D")
            || !is(&self.up_block_types, "UpDecoderBlock2D")
        {
            return Err("its blocks are not those of the family of 1.5 and 2.1".to_owned());
        }
        if (self.in_channels, self.out_channels, self.latent_channels) != (3, 3, LATENTS) {
            return Err(format!("must take and give 3 colors through {LATENTS} latent values"));
        }
        if self.act_fn != "silu" || !self.shift_factor.is_null() || !self.mid_block_add_attention {
            return Err("act_fn, shift_factor or mid_block_add_attention are of another family".to_owned());
        }
        in_range(&[
            ("norm_num_groups", self.norm_num_groups, MOST),
            ("layers_per_block", self.layers_per_block, 8),
        ])?;
        for channels in &self.block_out_channels {
            in_range(&[("block_out_channels", *channels, MOST)])?;
            if channels % self.norm_num_groups != 0 {
                return Err(format!("{channels} channels do not fit {} groups", self.norm_num_groups));
            }
        }
        if !self.scaling_factor.is_finite() || self.scaling_factor <= 0.0 {
            return Err("scaling_factor must be above 0".to_owned());
        }
        Ok(AutoEncoderKLConfig {
            block_out_channels: self.block_out_channels.clone(),
            layers_per_block: self.layers_per_block,
            latent_channels: self.latent_channels,
            norm_num_groups: self.norm_num_groups,
            use_quant_conv: self.use_quant_conv,
            use_post_quant_conv: self.use_post_quant_conv,
        })
    }
}

impl SchedulerSettings {
    pub(super) fn check(&self) -> Result<(), String> {
        let betas = 0.0 < self.beta_start && self.beta_start <= self.beta_end && self.beta_end < 1.0;
        if !betas {
            return Err("beta_start and beta_end must be above 0, below 1 and in this order".to_owned());
        }
        if !(200..=10_000).contains(&self.num_train_timesteps) || self.steps_offset > 1 {
            return Err("num_train_timesteps must be within 200 and 10000, steps_offset 0 or 1".to_owned());
        }
        let spacing = self.timestep_spacing.as_deref().is_some_and(|spacing| spacing != "leading");
        if spacing || !self.trained_betas.is_null() || self.rescale_betas_zero_snr || self.thresholding {
            let message = "timestep_spacing, trained_betas, rescale_betas_zero_snr or thresholding ask for steps that \
                           are not known here; distilled models are not taken";
            return Err(message.to_owned());
        }
        Ok(())
    }
}

fn in_range(values: &[(&str, usize, usize)]) -> Result<(), String> {
    match values.iter().find(|(_, value, most)| !(1..=*most).contains(value)) {
        Some((name, value, most)) => Err(format!("{name} is {value}, and must be within 1 and {most}")),
        None => Ok(()),
    }
}

fn finite(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(format!("{name} must be 0 or more")) }
}

/// Whether the value, or one of a list, is so.
fn holds(value: &Value, is: impl Fn(&Value) -> bool) -> bool {
    value.as_array().map_or_else(|| is(value), |values| values.iter().any(&is))
}

fn silu() -> String {
    "silu".to_owned()
}

const fn default_layer_norm_eps() -> f64 {
    1e-5
}

const fn default_scaling_factor() -> f64 {
    0.18215
}

const fn default_prediction() -> Prediction {
    Prediction::Epsilon
}

const fn one() -> usize {
    1
}

const fn thirty_two() -> usize {
    32
}

const fn thousand() -> usize {
    1_000
}

const fn unit() -> f64 {
    1.0
}

const fn yes() -> bool {
    true
}
