"""What the diffusion teacher knows: its schedule, its losses by kind of caption, and pictures from captions."""

import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ..demo_world.captions import rich
from ..demo_world.scenes import draw_scene
from .architecture import CONTEXT, SCHEDULER

FACTOR = 0.18215


def noise_schedule(device: str) -> Tensor:
    """The share of signal left at each step, f32 [1000]."""
    low, high = SCHEDULER["beta_start"], SCHEDULER["beta_end"]
    root = torch.linspace(low**0.5, high**0.5, SCHEDULER["num_train_timesteps"], dtype=torch.float64)
    return torch.cumprod(1 - root**2, dim=0).float().to(device)


def one_vector(clip, pooled: Tensor, empty: Tensor) -> Tensor:
    """Contexts [B, 77, D] that say `pooled` [B, D] everywhere: the empty prompt's, moved by what `pooled` adds to it."""
    with torch.no_grad():
        base = clip.text_model(empty)
    return base.last_hidden_state + (pooled - base.pooler_output)[:, None]


@torch.no_grad()
def encode_all(vae, pixels: Tensor) -> Tensor:
    """Latent means, unscaled, f16 [N, 4, 16, 16]."""
    parts = (part.float() / 127.5 - 1 for part in pixels.split(2048))
    return torch.cat([vae.quant_conv(vae.encoder(part))[:, :4].half() for part in parts])


@torch.no_grad()
def teacher_losses(stage, unet, clip, latents: Tensor, ids: Tensor, eyes: dict[str, Tensor]) -> dict:
    """Mean loss over uniform steps (and over the noisier half) with true, shuffled and empty captions.

    `eyes` are pooled text states [N, D] that image towers make of the same pictures, by name: what a tower that sees
    more would gain is what feedback can teach.
    """
    generator = torch.Generator().manual_seed(11)
    t = torch.randint(0, 1000, (len(latents),), generator=generator).to(stage.device)
    noise = torch.randn(latents.shape, generator=generator).to(stage.device)
    a = noise_schedule(stage.device)[t].view(-1, 1, 1, 1)
    noisy = a.sqrt() * latents.float() + (1 - a).sqrt() * noise
    true = torch.cat([ids, ids.new_full((len(ids), CONTEXT - ids.shape[1]), stage.words.end)], dim=1)
    empty, stock = (stage.tokens([prompt], CONTEXT).expand(len(ids), -1) for prompt in ("", "a photo of a ."))
    prompts = {"true": true, "shuffled": true.roll(1, dims=0), "empty": empty, "stock": stock}
    out: dict[str, dict[str, float]] = {}
    for name, tokens in prompts.items():
        parts = zip(noisy.split(256), t.split(256), tokens.split(256), strict=True)
        guess = torch.cat([unet(x, at, clip.text_model(words).last_hidden_state).sample for x, at, words in parts])
        loss = ((guess - noise) ** 2).mean(dim=(1, 2, 3))
        out[name] = {"loss": loss.mean().item(), "noisy half": loss[t >= 500].mean().item()}
    pooled = torch.cat([clip.text_model(words).pooler_output for words in true.split(256)])
    spoken = {"sentence": pooled, "shuffled sentence": pooled.roll(1, dims=0), **eyes}
    for name, states in spoken.items():
        context = one_vector(clip, states, stage.tokens([""], CONTEXT))
        parts = zip(noisy.split(256), t.split(256), context.split(256), strict=True)
        loss = ((torch.cat([unet(*part).sample for part in parts]) - noise) ** 2).mean(dim=(1, 2, 3))
        out[name] = {"loss": loss.mean().item(), "noisy half": loss[t >= 500].mean().item()}
    return {"losses": out}


@torch.no_grad()
def sample_grid(stage, unet, clip, vae, path: Path, columns: int = 8, rows: int = 4, steps: int = 40) -> list[str]:
    """Draws captions of unseen scenes with deterministic DDIM and guidance 3; returns the captions, row by row."""
    rngs = [random.Random(f"samples/{i}") for i in range(columns * rows)]
    captions = [rich(draw_scene(rng, "validation"), rng) for rng in rngs]
    share = noise_schedule(stage.device)
    context = clip.text_model(stage.tokens(captions, CONTEXT)).last_hidden_state
    nothing = clip.text_model(stage.tokens([""], CONTEXT)).last_hidden_state.expand_as(context)
    x = torch.randn(len(captions), 4, 16, 16, generator=torch.Generator().manual_seed(3)).to(stage.device)
    times = torch.linspace(999, 0, steps).round().long().tolist()
    for t, following in zip(times, [*times[1:], -1], strict=True):
        at = torch.full((len(x),), t, device=stage.device)
        plain, told = unet(x, at, nothing).sample, unet(x, at, context).sample
        noise = plain + 3 * (told - plain)
        clean = (x - (1 - share[t]).sqrt() * noise) / share[t].sqrt()
        a = share[following] if following >= 0 else torch.ones((), device=stage.device)
        x = a.sqrt() * clean + (1 - a).sqrt() * noise
    pixels = vae.decoder(vae.post_quant_conv(x / FACTOR)).clamp(-1, 1)
    big = functional.interpolate((pixels + 1) * 127.5, scale_factor=2)
    tiles = big.to(torch.uint8).cpu().view(rows, columns, 3, 128, 128)
    grid = tiles.permute(0, 3, 1, 4, 2).reshape(rows * 128, columns * 128, 3)
    Image.fromarray(np.ascontiguousarray(grid.numpy())).save(path)
    path.with_suffix(".txt").write_text("\n".join(captions) + "\n")
    return captions
