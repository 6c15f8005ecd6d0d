"""The built-in models: the same classes users' models have, only narrow.

The text tower of the CLIP is also the diffusion model's text encoder, as OpenAI's L/14 and Stable Diffusion 1.x
share theirs.
"""

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPConfig, CLIPModel

IMAGE_SIZE = 64
PATCH_SIZE = 8
CONTEXT = 77
VOCABULARY = 1024
LATENT_SIZE = 16

SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.42.1",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}


def clip_config() -> CLIPConfig:
    """CLIP with 65 image tokens (class + 8 x 8 patches) and 77 text tokens, both 128 wide."""
    return CLIPConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": 128,
            "intermediate_size": 256,
            "projection_dim": 128,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": CONTEXT,
            "hidden_act": "quick_gelu",
            "bos_token_id": VOCABULARY - 2,
            # OpenAI's published files say 2 here, which selects the position of the highest token id: keep that path.
            "eos_token_id": 2,
            "pad_token_id": 1,
        },
        vision_config={
            "hidden_size": 128,
            "intermediate_size": 384,
            "projection_dim": 128,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "image_size": IMAGE_SIZE,
            "patch_size": PATCH_SIZE,
            "hidden_act": "quick_gelu",
        },
        projection_dim=128,
    )


def build_clip() -> CLIPModel:
    return CLIPModel._from_config(clip_config(), attn_implementation="eager")


def build_vae() -> AutoencoderKL:
    """64 x 64 x 3 pixels to 4 x 16 x 16 latents."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        sample_size=IMAGE_SIZE,
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        block_out_channels=[16, 32, 32],
        layers_per_block=1,
        norm_num_groups=8,
        scaling_factor=0.18215,
    )


def build_unet() -> UNet2DConditionModel:
    """Stable Diffusion's block types on 16 x 16 latents."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        block_out_channels=[48, 80],
        layers_per_block=1,
        cross_attention_dim=128,
        # As in Stable Diffusion 2.x, this names the number of heads of each block; heads are 16 wide.
        attention_head_dim=[3, 5],
        norm_num_groups=16,
    )
