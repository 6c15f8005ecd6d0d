"""Reference map, losses and gradients of a step through the text-inverse condition with an anchor, by PyTorch.

    python -m tools.reference.text_inverse

The map is `TextInverse` of tools/demo_models/condition.py (singular vectors of the sentences, pseudo-inverse of the text
projection), fitted on the shipped models' embeddings of random pictures and random token rows. The step is that of
tools/demo_models/effect.py: the projected class token through the map, minus the empty prompt's state, added to every
position of the empty prompt's context; mean squared error of the predicted noise, plus twice the mean squared change
of the pictures' cosines to one another. Inputs are rounded to f32; the step runs in f64 (but for the encoder's softmax).
`step.safetensors` holds whole gradients of four weights, `cases.json` the norm of each.
"""

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTokenizer

from ..demo_models.condition import TextInverse
from .diva import CLIP_DEVIATION, CLIP_MEAN, smooth_images, write_tensors
from .models import DIFFUSION, alphas_cumprod, load_text, load_text_encoder, load_unet, load_vae_encoder, load_vision

FIXTURES = Path(__file__).resolve().parent / "fixtures" / "text-inverse"
DIRECTIONS, ANCHOR = 24, 2.0
WHOLE = (
    "vision_model.embeddings.class_embedding",
    "vision_model.encoder.layers.0.self_attn.v_proj.weight",
    "vision_model.post_layernorm.weight",
    "visual_projection.weight",
)


def unit(rows: Tensor) -> Tensor:
    return rows / rows.norm(dim=-1, keepdim=True)


def main() -> None:
    generator = torch.Generator().manual_seed(24)
    vision, _ = load_vision()
    text, reader = load_text(), load_text_encoder()
    unet = load_unet().requires_grad_(False)
    vae, factor = load_vae_encoder()
    mean, deviation = torch.tensor(CLIP_MEAN).view(1, 3, 1, 1), torch.tensor(CLIP_DEVIATION).view(1, 3, 1, 1)
    tokenizer = CLIPTokenizer.from_pretrained(DIFFUSION / "tokenizer")

    def tokens(prompts: list[str]) -> Tensor:
        return torch.tensor(tokenizer(prompts, padding="max_length", max_length=77, truncation=True).input_ids)

    with torch.no_grad():
        pictures = torch.cat([smooth_images(generator) for _ in range(30)])
        images = vision(pixel_values=(pictures - mean) / deviation).image_embeds
        words = sorted(word for word in tokenizer.get_vocab() if word.endswith("</w>") and word[:-4].isalpha())
        drawn = torch.randint(0, len(words), (90, 5), generator=generator).tolist()
        ids = tokens([" ".join(words[i][:-4] for i in row) for row in drawn])
        texts, states = text(ids).text_embeds, reader(ids).pooler_output
        empty = reader(tokens([""]))
    fitted = TextInverse(images, texts, text.text_projection, DIRECTIONS)
    weight, bias = fitted.weight.T, fitted.bias - empty.pooler_output[0]

    batch = 3
    pictures = pictures[:batch]
    pixels = (pictures - mean) / deviation
    timestep = torch.randint(0, 1000, (batch,), generator=generator)
    noise = torch.randn(batch, 4, 16, 16, generator=generator)
    # What the pictures were before, as after some steps: near what they are, but not the same.
    before = images[:batch] + 0.3 * images.std() * torch.randn(images[:batch].shape, generator=generator)
    with torch.no_grad():
        latents = vae(2 * pictures - 1).chunk(2, dim=1)[0] * factor
    share = alphas_cumprod()[timestep].view(-1, 1, 1, 1)
    noisy = (share.sqrt() * latents + (1 - share).sqrt() * noise).float()

    vision, unet = vision.double(), unet.double()
    now = vision(pixel_values=pixels.double()).image_embeds
    context = empty.last_hidden_state.double() + (now @ weight.double() + bias.double())[:, None]
    feedback = functional.mse_loss(unet(noisy.double(), timestep, context).sample, noise.double())
    here, there = unit(now), unit(before.double())
    anchor = functional.mse_loss(here @ here.T, there @ there.T)
    (feedback + ANCHOR * anchor).backward()

    gradients = {name: p.grad for name, p in vision.named_parameters() if p.grad is not None}
    write_tensors(
        FIXTURES / "step.safetensors",
        {
            "images": images, "texts": texts, "states": states, "empty_state": empty.pooler_output[0],
            "weight": weight, "bias": bias, "prompt": empty.last_hidden_state,
            "pixel_values": pixels, "latents": latents, "noise": noise, "timestep": timestep, "anchor": before,
            **{f"gradient.{name}": gradients[name] for name in WHOLE},
        },
    )  # fmt: skip
    record = {
        "directions": DIRECTIONS,
        "anchor": ANCHOR,
        "loss": feedback.item(),
        "anchorLoss": anchor.item(),
        "gradientNorms": {name: gradient.norm().item() for name, gradient in gradients.items()},
    }
    (FIXTURES / "cases.json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"loss {feedback.item():.6f}, anchor {anchor.item():.6f}, {len(gradients)} gradients")


if __name__ == "__main__":
    main()
