"""What is in `public`: the models rebuilt in PyTorch, the demo's pictures and its 135 pairs."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from torch import Tensor
from transformers import CLIPModel

from ..demo_world.pairs import PATTERNS
from ..reference.rebuild import load_from_onnx
from .architecture import build_clip, build_unet, build_vae
from .dataset import PairSet

PUBLIC = Path(__file__).resolve().parents[2] / "public"
DEMO, MODELS = PUBLIC / "demo", PUBLIC / "models"


def shipped_models() -> tuple[CLIPModel, UNet2DConditionModel, AutoencoderKL]:
    """CLIP, UNet and VAE with the shipped weights; the VAE's decoder, which does not ship, is fresh."""
    clip, unet, vae = build_clip(), build_unet(), build_vae()
    folder = MODELS / "acuity-clip" / "onnx"
    for part, name in (("vision_model", "vision"), ("visual_projection", "vision"), ("text_model", "text"), ("text_projection", "text")):
        load_from_onnx(getattr(clip, part), folder / f"{name}_model.onnx", f"{part}.")
    load_from_onnx(unet, MODELS / "acuity-diffusion" / "unet" / "model.onnx")
    for part in ("encoder", "quant_conv"):
        load_from_onnx(getattr(vae, part), MODELS / "acuity-diffusion" / "vae_encoder" / "model.onnx", f"{part}.")
    return clip, unet, vae


def _small(data: bytes) -> Tensor:
    """An image file's pixels at the encoder's size, bytes [3, 64, 64]."""
    picture = Image.open(io.BytesIO(data)).convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def shipped_pictures(device: str) -> Tensor:
    """The pictures the demo refines on, bytes [N, 3, 64, 64]."""
    with zipfile.ZipFile(DEMO / "images.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".png", ".jpg", ".webp")))
        return torch.stack([_small(archive.read(name)) for name in names]).to(device)


def shipped_pairs(device: str) -> PairSet:
    """The 135 pairs people see, at the encoder's size."""
    statements: list[str] = []
    patterns: list[int] = []
    pixels = []
    with zipfile.ZipFile(DEMO / "benchmark.zip") as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("Questions.csv"))))
        for i, row in enumerate(rows):
            folder = rows[i - i % 2]["Type"]
            data = archive.read(f"MLLM_VLM Images/{folder}/{row['Question ID']}.jpg")
            pixels.append(_small(data))
            statements.append(row["Statement"])
            if i % 2 == 0:
                patterns.append(PATTERNS.index(folder))
    stacked = torch.stack(pixels).view(-1, 2, 3, 64, 64).to(device)
    return PairSet(stacked, list(zip(statements[::2], statements[1::2], strict=True)), patterns)
