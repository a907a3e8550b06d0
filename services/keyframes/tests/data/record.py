"""Makes a tiny model of random weights and records what Hugging Face diffusers and transformers compute with it.

Run as `python record.py FOLDER`; needs torch, diffusers, transformers, tokenizers and safetensors. Writes the
model's folder in diffusers' layout to FOLDER/tiny and the recorded tensors to FOLDER/recorded.safetensors.
Weights are rounded to half precision before anything is computed, in single precision, with them.
"""

import json
import sys
from pathlib import Path

import diffusers
import tokenizers
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel

PROMPT = "a red cup on a table"
NEGATIVE = "text, blur"
START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
GUIDANCE = 7.5
STEPS = 4
STRENGTH = 0.5


def tokenizer():
    """CLIP's tokenizer without merges: a token for every byte, and one for every byte that ends a word."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = letters + [letter + "</w>" for letter in letters] + [START, END]
    model = models.BPE(
        vocab={word: idx for idx, word in enumerate(words)},
        merges=[],
        unk_token=END,
        end_of_word_suffix="</w>",
        continuing_subword_prefix="",
    )
    made = Tokenizer(model)
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(tokenizers.Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([START, END])
    return made


def randomized(model, generator):
    """Gives every weight a value of a size that its layer can use, rounded to half precision."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            drawn = torch.randn(value.shape, generator=generator)
            if value.dim() == 1:
                drawn = drawn * 0.1 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
            elif "embedding" in name and "time_embedding" not in name:
                drawn = drawn * 0.3
            else:
                drawn = drawn * (value[0].numel() ** -0.5) * 1.3
            value.copy_(drawn.half().float())
    return model.eval()


def write(model, folder, file, config, prefix=""):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({prefix + name.removeprefix(prefix): value.half().contiguous()
               for name, value in model.state_dict().items() if not name.endswith("position_ids")}, folder / file)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def plain(config, keys):
    return {key: config[key] for key in keys}


def main(folder):
    generator = torch.Generator().manual_seed(20261129)
    recorded, tiny = {}, folder / "tiny"

    words = tokenizer()
    (tiny / "tokenizer").mkdir(parents=True, exist_ok=True)
    words.save(str(tiny / "tokenizer" / "tokenizer.json"), pretty=False)

    def ids(text):
        inside = words.encode(text, add_special_tokens=False).ids
        start, end = words.token_to_id(START), words.token_to_id(END)
        row = [start, *inside, end]
        assert len(row) <= LENGTH
        return torch.tensor([row + [end] * (LENGTH - len(row))])

    text_config = CLIPTextConfig(
        vocab_size=words.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=LENGTH, hidden_act="quick_gelu",
        bos_token_id=words.token_to_id(START), eos_token_id=words.token_to_id(END),
        pad_token_id=words.token_to_id(END),
    )
    text = randomized(CLIPTextModel(text_config), generator)
    unet = randomized(UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(32, 32), layers_per_block=1, cross_attention_dim=32, attention_head_dim=4,
        norm_num_groups=32,
    ), generator)
    vae = randomized(AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, block_out_channels=(32, 32), layers_per_block=1,
        latent_channels=4, norm_num_groups=32, sample_size=16,
    ), generator)
    settings = dict(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        clip_sample=False, set_alpha_to_one=False, steps_offset=1,
    )
    scheduler = DDIMScheduler(prediction_type="epsilon", **settings)

    # Published folders have the prefix, which newer versions of transformers leave out.
    write(text, tiny / "text_encoder", "model.safetensors", plain(text_config.to_dict(), [
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "max_position_embeddings", "hidden_act", "layer_norm_eps"]), prefix="text_model.")
    write(unet, tiny / "unet", "diffusion_pytorch_model.safetensors", plain(unet.config, [
        "act_fn", "attention_head_dim", "block_out_channels", "center_input_sample", "cross_attention_dim",
        "down_block_types", "downsample_padding", "flip_sin_to_cos", "freq_shift", "in_channels",
        "layers_per_block", "mid_block_scale_factor", "norm_eps", "norm_num_groups", "out_channels",
        "sample_size", "up_block_types", "use_linear_projection"]))
    write(vae, tiny / "vae", "diffusion_pytorch_model.safetensors", plain(vae.config, [
        "act_fn", "block_out_channels", "down_block_types", "in_channels", "latent_channels",
        "layers_per_block", "norm_num_groups", "out_channels", "sample_size", "scaling_factor",
        "up_block_types"]))
    (tiny / "scheduler").mkdir(exist_ok=True)
    (tiny / "scheduler" / "scheduler_config.json").write_text(json.dumps(
        {"_class_name": "DDIMScheduler", "prediction_type": "epsilon", **settings}, indent=1) + "\n")

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    with torch.no_grad():
        positive_ids, negative_ids = ids(PROMPT), ids(NEGATIVE)
        positive = text(input_ids=positive_ids).last_hidden_state
        negative = text(input_ids=negative_ids).last_hidden_state
        recorded |= {"text.ids": positive_ids.to(torch.int64), "text.negative_ids": negative_ids.to(torch.int64),
                     "text.hidden": positive, "text.negative_hidden": negative}
        # The same weights with the other activation of the family.
        text_config.hidden_act = "gelu"
        gelu = CLIPTextModel(text_config)
        gelu.load_state_dict(text.state_dict())
        recorded["text.hidden_gelu"] = gelu.eval()(input_ids=positive_ids).last_hidden_state

        for name, height, width, time in [("even", 8, 8, 501), ("odd", 5, 7, 1)]:
            latents = draw(1, 4, height, width)
            recorded[f"unet.{name}.latents"] = latents
            recorded[f"unet.{name}.output"] = unet(latents, time, positive).sample

        latents = draw(1, 4, 8, 8)
        picture = torch.rand(1, 3, 16, 16, generator=generator) * 2 - 1
        encoded = vae.encode(picture).latent_dist
        recorded |= {"vae.latents": latents, "vae.decoded": vae.decode(latents).sample,
                     "vae.picture": picture, "vae.mean": encoded.mean}

        sample, output = draw(1, 4, 4, 4), draw(1, 4, 4, 4)
        recorded |= {"scheduler.sample": sample, "scheduler.output": output,
                     "scheduler.alphas": scheduler.alphas_cumprod.clone()}
        for prediction in ["epsilon", "v_prediction"]:
            for count in [STEPS, 30]:
                one = DDIMScheduler(prediction_type=prediction, **settings)
                one.set_timesteps(count)
                recorded[f"scheduler.{count}.timesteps"] = one.timesteps.to(torch.int64).clone()
                for place in [0, count - 1]:
                    step = one.step(output, one.timesteps[place], sample).prev_sample
                    recorded[f"scheduler.{prediction}.{count}.{place}"] = step
        recorded["scheduler.noised"] = scheduler.add_noise(sample, output, torch.tensor([501]))

        common = dict(vae=vae, text_encoder=text, tokenizer=None, unet=unet, scheduler=scheduler,
                      safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        noise = draw(1, 4, 8, 8)
        made = StableDiffusionPipeline(**common)(
            prompt_embeds=positive, negative_prompt_embeds=negative, guidance_scale=GUIDANCE,
            num_inference_steps=STEPS, height=16, width=16, latents=noise.clone(), output_type="pt").images
        recorded |= {"whole.noise": noise, "whole.picture": made}

        seed = 7
        changed = StableDiffusionImg2ImgPipeline(**common)(
            prompt_embeds=positive, negative_prompt_embeds=negative, guidance_scale=GUIDANCE,
            num_inference_steps=STEPS, strength=STRENGTH, image=encoded.mean * vae.config.scaling_factor,
            generator=torch.Generator().manual_seed(seed), output_type="pt").images
        recorded |= {"changed.noise": torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed)),
                     "changed.picture": changed}

    for name, value in recorded.items():
        print(name, tuple(value.shape), f"{value.float().abs().max():.4f}", f"{value.float().std():.4f}")
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__,
                "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    print(versions)
    save_file({name: value.contiguous() for name, value in recorded.items()}, folder / "recorded.safetensors",
              metadata=versions)


main(Path(sys.argv[1]))
