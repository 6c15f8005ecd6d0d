"""Reference loss and gradients of one DIVA step, by PyTorch's autograd on the shipped models' weights.

    python -m tools.reference.diva

The step is baaivision/DIVA's models/SD_with_OpenAICLIP.py and condition/OpenAICLIP_for_clip_model.py: tokens of the
last layer (class token, then 76 patch tokens drawn with replacement, for each image its own) through the final layer
norm and the encoder's projection, a linear layer, plus the empty prompt's text embedding; the frozen UNet predicts the
noise; mean squared error. One noise draw, two images. Inputs are rounded to f32; the step itself runs in f64 (but for
the encoder's softmax, which transformers fixes to f32). The key biases' gradient is zero in exact arithmetic: what is
left there is rounding, so compare the gradient as a whole or skip those.

`faithful.safetensors` follows the code where it differs from the paper (prompt "a photo of a .", pixels un-normalised
with ImageNet's statistics) and holds every gradient; `corrected.safetensors` has the empty prompt and the true pixels:
what differs from the first file, and the gradients of the linear layer alone. `names.json` maps parameter names to the initialisers of the ONNX file.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer, CLIPVisionModelWithProjection

from .models import (
    CLIP,
    DIFFUSION,
    alphas_cumprod,
    load_text_encoder,
    load_unet,
    load_vae_encoder,
    load_vision,
)

FIXTURES = Path(__file__).resolve().parent / "fixtures" / "diva"
SEED = 20407
BATCH, CONTEXT = 2, 77
CLIP_MEAN, CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def scale(pixels: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    return pixels * torch.tensor(deviation).view(1, 3, 1, 1) + torch.tensor(mean).view(1, 3, 1, 1)


def smooth_images(generator: torch.Generator) -> Tensor:
    """Soft random pictures in [0, 1], so that latents look like those of pictures rather than of noise."""
    coarse = torch.rand(BATCH, 3, 7, 7, generator=generator)
    fine = functional.interpolate(coarse, size=64, mode="bilinear")
    return (fine + 0.1 * torch.randn(fine.shape, generator=generator)).clamp(0, 1)


def tokens(model: CLIPVisionModelWithProjection, pixels: Tensor, indices: Tensor) -> Tensor:
    """[B, 1 + K, projection]: class token and the patches at `indices` [B, K], normed and projected, not L2-scaled."""
    hidden = model.vision_model(pixel_values=pixels).last_hidden_state
    patches = hidden[:, 1:].gather(1, indices[..., None].expand(-1, -1, hidden.shape[-1]))
    chosen = torch.cat([hidden[:, :1], patches], dim=1)
    return model.visual_projection(model.vision_model.post_layernorm(chosen))


def write_case(name: str, prompt: str, mean: tuple[float, ...], deviation: tuple[float, ...], full: bool) -> dict:
    generator = torch.Generator().manual_seed(SEED)
    images = smooth_images(generator)
    timestep = torch.randint(0, 1000, (BATCH,), generator=generator)
    indices = torch.randint(0, 64, (BATCH, CONTEXT - 1), generator=generator)
    noise = torch.randn(BATCH, 4, 16, 16, generator=generator)
    projection = nn.Linear(128, 128)
    bound = 128**-0.5
    with torch.no_grad():
        projection.weight.uniform_(-bound, bound, generator=generator)
        projection.bias.uniform_(-bound, bound, generator=generator)

    vision, _ = load_vision()
    unet = load_unet().requires_grad_(False)
    vae, factor = load_vae_encoder()
    tokenizer = CLIPTokenizer.from_pretrained(DIFFUSION / "tokenizer")
    ids = torch.tensor([tokenizer(prompt, padding="max_length", max_length=CONTEXT, truncation=True).input_ids])
    pixels = (images - torch.tensor(CLIP_MEAN).view(1, 3, 1, 1)) / torch.tensor(CLIP_DEVIATION).view(1, 3, 1, 1)
    with torch.no_grad():
        text = load_text_encoder()(ids).last_hidden_state
        vae_pixels = 2 * scale(pixels, mean, deviation) - 1
        latents = vae(vae_pixels).chunk(2, dim=1)[0] * factor
    share = alphas_cumprod()[timestep].view(-1, 1, 1, 1)
    noisy = (share.sqrt() * latents + (1 - share).sqrt() * noise).float()

    vision, unet, projection = vision.double(), unet.double(), projection.double()
    visual = tokens(vision, pixels.double(), indices)
    context = projection(visual) + text.double()
    predicted = unet(noisy.double(), timestep, context).sample
    loss = functional.mse_loss(predicted, noise.double())
    loss.backward()

    parameters = {**dict(vision.named_parameters()), **{f"visual_proj.{n}": p for n, p in projection.named_parameters()}}
    gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    record = {
        "vae_pixels": vae_pixels,
        "latents": latents,
        "noisy_latents": noisy,
        "input_ids": ids,
        "text_embedding": text,
        "predicted_noise": predicted,
        "loss": loss.reshape(1),
        "gradient.visual_proj.weight": gradients["visual_proj.weight"],
        "gradient.visual_proj.bias": gradients["visual_proj.bias"],
    }
    if full:
        record |= {
            "pixel_values": pixels,
            "noise": noise,
            "timestep": timestep,
            "token_indices": indices,
            "visual_proj.weight": projection.weight,
            "visual_proj.bias": projection.bias,
            "tokens": visual,
            "context": context,
            **{f"gradient.{name}": gradient for name, gradient in gradients.items()},
        }
    write_tensors(FIXTURES / f"{name}.safetensors", record)
    norms = {name: gradient.norm().item() for name, gradient in gradients.items()}
    return {"prompt": prompt, "loss": loss.item(), "gradientNorms": norms}


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Floats as f32, integers as int64."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {n: t.detach().to(torch.float32 if t.is_floating_point() else torch.int64) for n, t in tensors.items()}
    path.write_bytes(save({n: t.contiguous() for n, t in plain.items()}))


def main() -> None:
    cases = {
        "faithful": write_case("faithful", "a photo of a .", IMAGENET_MEAN, IMAGENET_DEVIATION, full=True),
        "corrected": write_case("corrected", "", CLIP_MEAN, CLIP_DEVIATION, full=False),
    }
    schedule = [float(value) for value in alphas_cumprod()]
    record = {**cases, "alphasCumprod": {str(t): schedule[t] for t in (0, 1, 499, 998, 999)}}
    (FIXTURES / "cases.json").write_text(json.dumps(record, indent=2) + "\n")
    _, sources = load_vision(CLIP)
    names = {name: asdict(source) for name, source in sources.items()}
    (FIXTURES / "names.json").write_text(json.dumps(names, indent=2) + "\n")
    for name, case in cases.items():
        print(f"{name}: loss {case['loss']:.6f}, {len(case['gradientNorms'])} gradients")


if __name__ == "__main__":
    main()
