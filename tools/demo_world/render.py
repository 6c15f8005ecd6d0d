"""Puts sprites together into pictures, many at once, on whatever device the atlas is on."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .scenes import LAYERS, Layer

class Atlas:
    """Sprites premultiplied by their coverage, [N, 4, S, S], and backgrounds, [G, 3, 2S, 2S], in [0, 1]."""

    def __init__(self, sprites: np.ndarray, grounds: np.ndarray, device: str = "cpu") -> None:
        pixels = torch.from_numpy(sprites).to(device).permute(0, 3, 1, 2).float() / 255
        self.sprites = torch.cat([pixels[:, :3] * pixels[:, 3:], pixels[:, 3:]], dim=1)
        self.grounds = torch.from_numpy(grounds).to(device).permute(0, 3, 1, 2).float() / 255

    @classmethod
    def load(cls, path: str, device: str = "cpu") -> "Atlas":
        data = np.load(path)
        return cls(data["sprites"], data["grounds"], device)

    def tops(self) -> np.ndarray:
        """For each sprite, how far below its box's upper edge it begins, as a share of the box."""
        rows = (self.sprites[:, 3] > 0.5).any(dim=2)
        return (rows.float().argmax(dim=1) / rows.shape[1]).cpu().numpy()


def pack(scenes: Sequence[Sequence[Layer]]) -> np.ndarray:
    """[N, LAYERS, 7]; unused places have sprite -1."""
    out = np.full((len(scenes), LAYERS, 7), -1, dtype=np.float32)
    for row, layers in zip(out, scenes, strict=True):
        row[: len(layers)] = layers
    return out


def render(atlas: Atlas, layers: Tensor, grounds: Tensor) -> Tensor:
    """Pictures as bytes [N, 3, S, S] from packed layers [N, LAYERS, 7] and background indices [N].

    S is the atlas' sprite size; drawn twice as large and averaged.
    """
    canvas = atlas.grounds[grounds].clone()
    side = canvas.shape[-1]
    axis = (torch.arange(side, device=layers.device) + 0.5) / side
    for i in range(layers.shape[1]):
        sprite, cx, cy, width, height, flip, upside = layers[:, i].unbind(dim=1)
        used = sprite >= 0
        if not bool(used.any()):
            continue
        x = 2 * (axis[None] - cx[:, None]) / width.clamp(min=1e-3)[:, None] * (1 - 2 * flip)[:, None]
        y = 2 * (axis[None] - cy[:, None]) / height.clamp(min=1e-3)[:, None] * (1 - 2 * upside)[:, None]
        grid = torch.stack([x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], dim=-1)
        pixels = functional.grid_sample(atlas.sprites[sprite.long().clamp(min=0)], grid, align_corners=False)
        pixels = pixels * used.view(-1, 1, 1, 1)
        canvas = canvas * (1 - pixels[:, 3:]) + pixels[:, :3]
    small = functional.avg_pool2d(canvas, 2)
    return (small * 255 + 0.5).clamp(0, 255).to(torch.uint8)
