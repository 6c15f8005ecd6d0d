"""Checks that every rebuilt PyTorch module gives what onnxruntime gives on the shipped file.

    python -m tools.reference.check_models
"""

import sys

import numpy as np
import onnxruntime
import torch

from .models import CLIP, DIFFUSION, load_text, load_text_encoder, load_unet, load_vae_encoder, load_vision

TOLERANCE = 1e-4


def difference(file, inputs: dict[str, torch.Tensor], expected: torch.Tensor) -> float:
    """Largest difference over the largest expected magnitude."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (value, *_) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return float(np.abs(value - expected.numpy()).max() / expected.abs().max())


@torch.no_grad()
def main() -> int:
    torch.manual_seed(0)
    worst: dict[str, float] = {}
    pixels = torch.randn(2, 3, 64, 64)
    worst["vision"] = difference(
        CLIP / "onnx" / "vision_model.onnx", {"pixel_values": pixels}, load_vision()[0](pixels).image_embeds
    )
    ids = torch.cat([torch.randint(0, 500, (2, 20)), torch.full((2, 57), 1023)], 1)
    worst["text"] = difference(CLIP / "onnx" / "text_model.onnx", {"input_ids": ids}, load_text()(ids).text_embeds)
    worst["text encoder"] = difference(
        DIFFUSION / "text_encoder" / "model.onnx",
        {"input_ids": ids.int()},
        load_text_encoder()(ids).last_hidden_state,
    )
    vae, _ = load_vae_encoder()
    worst["vae encoder"] = difference(DIFFUSION / "vae_encoder" / "model.onnx", {"sample": pixels}, vae(pixels))
    inputs = {
        "sample": torch.randn(2, 4, 16, 16),
        "timestep": torch.tensor([17, 803]),
        "encoder_hidden_states": torch.randn(2, 77, 128),
    }
    worst["unet"] = difference(DIFFUSION / "unet" / "model.onnx", inputs, load_unet()(*inputs.values()).sample)
    for name, value in worst.items():
        print(f"{name:14} {value:.1e}")
    return 0 if max(worst.values()) < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
