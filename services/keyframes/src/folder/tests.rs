//! Folders that are read, and those that are refused.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny")
}

/// The tiny folder with one setting of one file changed.
fn changed(file: &str, key: &str, value: Value) -> Result<Folder, OptionsError> {
    let copy = tempfile::tempdir().unwrap();
    for part in ["text_encoder", "unet", "vae", "scheduler"] {
        std::fs::create_dir(copy.path().join(part)).unwrap();
        for entry in std::fs::read_dir(tiny().join(part)).unwrap().flatten() {
            std::fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    let path = copy.path().join(file);
    let mut settings: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    settings[key] = value;
    std::fs::write(&path, settings.to_string()).unwrap();
    Folder::open(copy.path())
}

fn message(result: Result<Folder, OptionsError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.key(), "folder");
    error.to_string()
}

#[test]
fn the_folder_is_read() {
    let folder = Folder::open(&tiny()).unwrap();
    assert_eq!((folder.pixels_per_value, folder.trained_pixels), (2, 256));
    assert_eq!(folder.text.hidden_act, Activation::QuickGelu);
    assert_eq!(folder.unet.blocks.len(), 2);
    assert_eq!(folder.unet.blocks[0].use_cross_attn, Some(1));
    assert_eq!(folder.unet.blocks[1].use_cross_attn, None);
    assert_eq!(folder.scheduler.prediction_type, Prediction::Epsilon);
}

#[test]
fn models_of_other_families_are_refused_by_what_sets_them_apart() {
    let cases = [
        ("unet/config.json", "addition_embed_type", json!("text_time"), "addition_embed_type is set"),
        ("unet/config.json", "in_channels", json!(9), "9 channels in"),
        ("unet/config.json", "transformer_layers_per_block", json!([1, 2, 10]), "transformer_layers"),
        ("unet/config.json", "cross_attention_dim", json!(2_048), "reads 2048 values"),
        ("unet/config.json", "block_out_channels", json!([32, 48]), "do not fit its groups"),
        ("unet/config.json", "attention_head_dim", json!(0), "attention_head_dim is 0"),
        ("unet/config.json", "norm_num_groups", json!(0), "norm_num_groups is 0"),
        ("unet/config.json", "up_block_types", json!(["UpBlock2D", "UpBlock2D"]), "block 0 is"),
        ("vae/config.json", "latent_channels", json!(16), "4 latent values"),
        ("vae/config.json", "shift_factor", json!(0.1), "another family"),
        ("vae/config.json", "scaling_factor", json!(0.0), "scaling_factor"),
        ("text_encoder/config.json", "hidden_act", json!("relu"), "relu"),
        ("text_encoder/config.json", "num_attention_heads", json!(5), "does not divide"),
        ("scheduler/scheduler_config.json", "timestep_spacing", json!("trailing"), "distilled"),
        ("scheduler/scheduler_config.json", "beta_end", json!(1.5), "beta_end"),
        ("scheduler/scheduler_config.json", "beta_schedule", json!("squaredcos_cap_v2"), "squaredcos"),
    ];
    for (file, key, value, words) in cases {
        let message = message(changed(file, key, value));
        assert!(message.contains(file) && message.contains(words), "{key}: {message}");
    }
}

/// Settings of the published models, read in their configurations: `stable-diffusion-v1-5` and
/// `stable-diffusion-2-1`.
fn published(heads: &Value, words: usize, side: usize, linear: bool) -> String {
    let down = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
    let up = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];
    let mut unet = json!({
        "_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": heads,
        "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false,
        "cross_attention_dim": words, "down_block_types": down, "downsample_padding": 1,
        "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
        "mid_block_scale_factor": 1, "norm_eps": 1e-5, "norm_num_groups": 32, "out_channels": 4,
        "sample_size": side, "up_block_types": up,
    });
    if linear {
        for (key, value) in [
            ("use_linear_projection", json!(true)),
            ("dual_cross_attention", json!(false)),
            ("only_cross_attention", json!(false)),
            ("num_class_embeds", json!(null)),
            ("upcast_attention", json!(true)),
        ] {
            unet[key] = value;
        }
    }
    let unet: UnetSettings = serde_json::from_value(unet).unwrap();
    let types = |name: &str| vec![name.to_owned(); 4];
    let vae: VaeSettings = serde_json::from_value(json!({
        "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
        "down_block_types": types("DownEncoderBlock2D"), "in_channels": 3, "latent_channels": 4,
        "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3, "sample_size": 512,
        "up_block_types": types("UpDecoderBlock2D"),
    }))
    .unwrap();
    format!("{:?} {:?}", unet.config().unwrap(), vae.config().unwrap())
}

#[test]
fn published_models_are_read_as_candle_knows_them() {
    use candle_transformers::models::stable_diffusion::StableDiffusionConfig;

    let models = [
        (StableDiffusionConfig::v1_5(None, None, None), published(&json!(8), 768, 64, false)),
        (StableDiffusionConfig::v2_1(None, None, None), published(&json!([5, 10, 20, 20]), 1_024, 96, true)),
    ];
    for (known, read) in models {
        let known = format!("{known:?}");
        for part in read.split(" AutoEncoder") {
            assert!(known.contains(part), "{part}\n{known}");
        }
    }
    let scheduler: SchedulerSettings = serde_json::from_value(json!({
        "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "beta_start": 0.00085, "clip_sample": false, "num_train_timesteps": 1000, "set_alpha_to_one": false,
        "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null,
    }))
    .unwrap();
    assert_eq!(scheduler.check(), Ok(()));
    assert_eq!(scheduler.prediction_type, Prediction::Epsilon);
}

#[test]
fn heads_are_counted_for_each_block() {
    let folder = changed("unet/config.json", "attention_head_dim", json!([2, 8])).unwrap();
    assert_eq!(folder.unet.blocks.iter().map(|block| block.attention_head_dim).collect::<Vec<_>>(), [2, 8]);
    assert!(message(changed("unet/config.json", "attention_head_dim", json!([2]))).contains("is 0"));
}

#[test]
fn missing_and_cut_files_are_named() {
    assert!(message(Folder::open(&tiny().join("nowhere"))).contains("is no folder"));
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("vae")).unwrap();
    assert!(message(Folder::open(copy.path())).contains("text_encoder/config.json: cannot be read"));
    let names = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"];
    let missing = weights::find(copy.path(), "vae", names).unwrap_err();
    assert!(missing.to_string().contains("holds neither"), "{missing}");
    let whole = std::fs::read(tiny().join("vae").join(names[0])).unwrap();
    let half = copy.path().join("vae").join(names[1]);
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let cut = weights::find(copy.path(), "vae", names).unwrap_err().to_string();
    assert!(
        cut.contains("vae/diffusion_pytorch_model.fp16.safetensors") && cut.contains("not whole"),
        "{cut}"
    );
    std::fs::write(&half, b"PK\x03\x04 a pickle").unwrap();
    let other = weights::find(copy.path(), "vae", names).unwrap_err().to_string();
    assert!(other.contains("no safetensors file"), "{other}");
}
