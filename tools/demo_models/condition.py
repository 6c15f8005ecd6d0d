"""How a picture's embedding speaks to the teacher: a fitted map into the text encoder's space, and LoRA."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

FACTOR = 0.18215


class TextInverse(nn.Module):
    """Image embeddings to sentence embeddings: moments matched, then the text projection undone.

    `images` [N, D] and `texts` [M, D] are projected embeddings, not L2-scaled. In the texts' leading `components`
    principal directions the images' mean and deviation become the texts'; the rest is left out. One fixed affine map.
    """

    def __init__(self, images: Tensor, texts: Tensor, projection: nn.Linear, components: int) -> None:
        super().__init__()
        images, texts = images.double(), texts.double()
        mean = texts.mean(dim=0)
        axes = torch.linalg.svd(texts - mean, full_matrices=False)[2][:components].T
        there, here = (texts - mean) @ axes, (images - images.mean(dim=0)) @ axes
        ratio = there.std(dim=0) / here.std(dim=0).clamp(min=1e-6)
        undo = torch.linalg.pinv(projection.weight.double()).T
        matrix = axes * ratio @ axes.T
        self.register_buffer("weight", (matrix @ undo).T.float())
        self.register_buffer("bias", ((mean - images.mean(dim=0) @ matrix) @ undo).float())

    def forward(self, embeddings: Tensor) -> Tensor:
        return functional.linear(embeddings, self.weight, self.bias)


class _LowRank(nn.Module):
    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(rank, columns, device=weight.device) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


def add_lora(module: nn.Module, rank: int) -> list[nn.Parameter]:
    """Adds a low-rank term to every linear layer of the encoder's blocks and returns what learns."""
    learned: list[nn.Parameter] = []
    for layer in [inner for inner in module.encoder.modules() if isinstance(inner, nn.Linear)]:
        term = _LowRank(layer.weight, rank)
        parametrize.register_parametrization(layer, "weight", term)
        learned += [term.down, term.up]
    return learned
