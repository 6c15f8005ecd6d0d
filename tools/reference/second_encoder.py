"""A small DINOv2 as an ONNX export without a text side, and the pairs that it and the built-in CLIP disagree on.

Both embed pictures of public/demo/images.zip with transformers and torch; numpy compares all pairs. The DINOv2 has random
weights: it disagrees with CLIP as a stranger would.

    python -m tools.reference.second_encoder      (needs torch, transformers, onnx, numpy, Pillow)
"""

import io
import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoImageProcessor, CLIPImageProcessorPil, Dinov2Config, Dinov2Model

from .models import CLIP, load_vision

OUT = Path(__file__).resolve().parent / "fixtures" / "dinov2"
DEMO = CLIP.parents[1] / "demo"
PICTURES = 60
ALIKE, DIFFERENT = 0.45, 0.965
SIZES = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2,
    "image_size": 28, "patch_size": 7,
}  # fmt: skip
PREPROCESSING = {
    "image_processor_type": "BitImageProcessor", "do_convert_rgb": True, "do_resize": True,
    "size": {"shortest_edge": 32}, "resample": 3, "do_center_crop": True, "crop_size": {"height": 28, "width": 28},
    "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip


class Tokens(torch.nn.Module):
    """As transformers.js repositories hold DINOv2: ends in last_hidden_state."""

    def __init__(self, model: Dinov2Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pixel_values).last_hidden_state


def unit(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@torch.no_grad()
def main() -> None:
    warnings.simplefilter("ignore")
    torch.manual_seed(3)
    model = Dinov2Model._from_config(Dinov2Config(**SIZES), attn_implementation="eager").eval()
    for name, parameter in model.named_parameters():
        # The class token must look at the patches, or all pictures are one to it.
        torch.nn.init.normal_(parameter, std=0.02 if "token" in name or "position" in name else 0.7)
    (OUT / "onnx").mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Tokens(model), (torch.zeros(1, 3, 28, 28),), OUT / "onnx" / "model.onnx", dynamo=False, opset_version=14,
        input_names=["pixel_values"], output_names=["last_hidden_state"],
        dynamic_axes={"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}},
    )  # fmt: skip
    (OUT / "preprocessor_config.json").write_text(json.dumps(PREPROCESSING, indent=1) + "\n")
    (OUT / "config.json").write_text(json.dumps({"model_type": "dinov2", **SIZES}, indent=1) + "\n")

    with zipfile.ZipFile(DEMO / "images.zip") as archive:
        names = [name for name in archive.namelist() if name.lower().endswith((".jpg", ".png", ".webp"))][:PICTURES]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    clip = CLIPImageProcessorPil.from_pretrained(CLIP)(pictures, return_tensors="pt")["pixel_values"]
    other = AutoImageProcessor.from_pretrained(OUT, use_fast=False)(pictures, return_tensors="pt")["pixel_values"]
    first = unit(load_vision()[0](clip).image_embeds.numpy())
    second = unit(model(other).last_hidden_state[:, 0].numpy())
    a, b = first @ first.T, second @ second.T
    rows, columns = np.where(np.triu((a > ALIKE) & (b < DIFFERENT), k=1))
    order = np.argsort(-(a - b)[rows, columns], kind="stable")
    pairs = [[names[i], names[j], float(a[i, j]), float(b[i, j])] for i, j in zip(rows[order], columns[order], strict=True)]
    near = np.abs(a[np.triu_indices(PICTURES, 1)] - ALIKE).min(), np.abs(b[np.triu_indices(PICTURES, 1)] - DIFFERENT).min()
    print(len(pairs), "pairs; nearest to a bound:", near)
    result = {"pictures": names, "alike": ALIKE, "different": DIFFERENT, "pairs": pairs}
    (OUT / "pairs.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
