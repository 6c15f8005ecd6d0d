"""The built-in models as PyTorch modules, with the weights of the shipped ONNX files."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import (
    CLIPConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
)

from .rebuild import Source, load_from_onnx

MODELS = Path(__file__).resolve().parents[2] / "public" / "models"
CLIP = MODELS / "acuity-clip"
DIFFUSION = MODELS / "acuity-diffusion"


def load_vision(
    folder: Path = CLIP, file: str = "onnx/vision_model.onnx"
) -> tuple[CLIPVisionModelWithProjection, dict[str, Source]]:
    config = CLIPConfig.from_pretrained(folder).vision_config
    model = CLIPVisionModelWithProjection._from_config(config, attn_implementation="eager").eval()
    return model, load_from_onnx(model, folder / file)


def load_text(folder: Path = CLIP) -> CLIPTextModelWithProjection:
    config = CLIPConfig.from_pretrained(folder).text_config
    model = CLIPTextModelWithProjection._from_config(config, attn_implementation="eager").eval()
    load_from_onnx(model, folder / "onnx" / "text_model.onnx")
    return model


def load_text_encoder(folder: Path = DIFFUSION) -> CLIPTextModel:
    config = CLIPTextConfig(**json.loads((folder / "text_encoder" / "config.json").read_text()))
    model = CLIPTextModel._from_config(config, attn_implementation="eager").eval()
    load_from_onnx(model, folder / "text_encoder" / "model.onnx")
    return model


def load_unet(folder: Path = DIFFUSION) -> UNet2DConditionModel:
    model = UNet2DConditionModel.from_config(_config(folder / "unet" / "config.json")).eval()
    load_from_onnx(model, folder / "unet" / "model.onnx")
    return model


class VaeMoments(nn.Module):
    """The encoder half of AutoencoderKL: pixels in [-1, 1] to mean and log-variance, [B, 2C, h, w]."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.encoder = vae.encoder
        self.quant_conv = vae.quant_conv

    def forward(self, sample: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(sample))


def load_vae_encoder(folder: Path = DIFFUSION) -> tuple[VaeMoments, float]:
    """The encoder and its scaling factor."""
    config = _config(folder / "vae_encoder" / "config.json")
    model = VaeMoments(AutoencoderKL.from_config(config)).eval()
    load_from_onnx(model, folder / "vae_encoder" / "model.onnx")
    return model, config["scaling_factor"]


def alphas_cumprod(folder: Path = DIFFUSION) -> Tensor:
    """The share of signal left at each step, f64 [T], of the scaled-linear schedule (diffusers' DDPMScheduler)."""
    config = _config(folder / "scheduler" / "scheduler_config.json")
    if config["beta_schedule"] != "scaled_linear" or config["prediction_type"] != "epsilon":
        raise ValueError("the reference knows the scaled-linear schedule with noise prediction alone")
    steps = config["num_train_timesteps"]
    root = torch.linspace(config["beta_start"] ** 0.5, config["beta_end"] ** 0.5, steps, dtype=torch.float64)
    return torch.cumprod(1 - root**2, dim=0)


def _config(path: Path) -> dict:
    return {key: value for key, value in json.loads(path.read_text()).items() if not key.startswith("_")}
