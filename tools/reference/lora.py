"""Gradients of low-rank factors in one DIVA step, by PEFT on PyTorch's autograd, and what PEFT merges them to.

    python -m tools.reference.lora

The step is that of `diva.py` ("faithful" inputs, read from its fixture), with factors of rank 2 beside every linear
layer of the encoder's blocks and everything else of it frozen. `fixtures/diva/lora.safetensors` holds the factors, their
gradients, the loss and two merged matrices, under PyTorch's parameter names and in PyTorch's orientation.
"""

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load
from torch import nn
from torch.nn import functional

from .diva import FIXTURES, tokens, write_tensors
from .models import alphas_cumprod, load_unet, load_vision

RANK, ALPHA = 2, 6
LINEAR = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
MERGED = ["vision_model.encoder.layers.0.mlp.fc1", "vision_model.encoder.layers.1.self_attn.v_proj"]


def main() -> None:
    step = load((FIXTURES / "faithful.safetensors").read_bytes())
    generator = torch.Generator().manual_seed(41)
    vision, _ = load_vision()
    vision = get_peft_model(vision, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=LINEAR))
    factors = {name: p for name, p in vision.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for factor in factors.values():
            factor.copy_(0.1 * torch.randn(factor.shape, generator=generator))
    vision = vision.double()
    unet = load_unet().requires_grad_(False).double()
    projection = nn.Linear(128, 128).double()
    with torch.no_grad():
        projection.weight.copy_(step["visual_proj.weight"])
        projection.bias.copy_(step["visual_proj.bias"])

    share = alphas_cumprod()[step["timestep"]].view(-1, 1, 1, 1)
    noisy = (share.sqrt() * step["latents"] + (1 - share).sqrt() * step["noise"]).float()
    visual = tokens(vision.base_model.model, step["pixel_values"].double(), step["token_indices"])
    context = projection(visual) + step["text_embedding"].double()
    predicted = unet(noisy.double(), step["timestep"], context).sample
    loss = functional.mse_loss(predicted, step["noise"].double())
    loss.backward()

    record = {"loss": loss.reshape(1)}
    for name, factor in factors.items():
        short = name.removeprefix("base_model.model.").replace(".default", "")
        record[short] = factor
        record[f"gradient.{short}"] = factor.grad
    record["gradient.visual_proj.weight"] = projection.weight.grad
    record["gradient.visual_proj.bias"] = projection.bias.grad
    whole = vision.merge_and_unload()
    for name in MERGED:
        record[f"merged.{name}.weight"] = whole.get_submodule(name).weight
    write_tensors(FIXTURES / "lora.safetensors", record)
    print(f"loss {loss.item():.6f}, {len(factors)} factors")


if __name__ == "__main__":
    main()
