"""Machinery shared by the training stages: a captured step, a time-bound loop, colour and crop augmentation."""

import math
import time
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
FROM_YIQ = ((1.0, 0.956, 0.619), (1.0, -0.272, -0.647), (1.0, -1.106, 1.703))
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@lru_cache(maxsize=None)
def constant(values: tuple, device: torch.device) -> Tensor:
    """Made once: a captured step may not copy from the host."""
    return torch.tensor(values, device=device)


def normalise(pixels: Tensor) -> Tensor:
    """Bytes or floats in [0, 255] to CLIP's range."""
    mean, deviation = (constant(values, pixels.device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (pixels.float() / 255 - mean) / deviation


def captured(step: Callable[[], None], optimiser: torch.optim.Optimizer) -> Callable[[], None]:
    """`step` as one CUDA graph. It runs three times first, so set the learning rate to nothing before."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    optimiser.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        step()
    return graph.replay


class Trainer:
    """Runs `loss()` and an AdamW step over and over for a given time, as one CUDA graph where there is a GPU.

    The learning rate rises over the first 3% of the time and falls as a cosine to 1% of its peak. `average` keeps an
    exponential moving average of the weights, which `finish` puts in place of the last ones.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        loss: Callable[[], Tensor],
        rate: float,
        decay: float = 0.01,
        average: float = 0.0,
    ) -> None:
        self.parameters = parameters
        self.loss = loss
        self.device = parameters[0].device
        self.peak = rate
        gpu = self.device.type == "cuda"
        self.rate = torch.tensor(rate, device=self.device)
        plain = [p for p in parameters if p.ndim < 2]
        matrices = [p for p in parameters if p.ndim >= 2]
        groups = [{"params": matrices, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=self.rate, betas=(0.9, 0.98), fused=gpu, capturable=gpu)
        self.average = average
        self.mean = [p.detach().clone() for p in parameters] if average else []
        self.last = torch.zeros((), device=self.device)

    def step(self) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False, enabled=self.device.type == "cuda"):
            loss = self.loss()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimiser.step()
        if self.average:
            with torch.no_grad():
                torch._foreach_lerp_(self.mean, [p.detach() for p in self.parameters], 1 - self.average)
        self.last.copy_(loss.detach())

    def run(self, seconds: float, name: str, report: Callable[[str], None] = print) -> int:
        """Trains for `seconds`, capture included; returns the number of steps."""
        start = time.monotonic()
        step = self.step
        if self.device.type == "cuda":
            self.rate.fill_(0.0)
            try:
                step = captured(self.step, self.optimiser)
            except RuntimeError as error:
                report(f"{name}: no graph, running step by step ({str(error)[:300]})")
        steps, shown = 0, start
        while (passed := time.monotonic() - start) < seconds:
            progress = passed / seconds
            warm = min(1.0, progress / 0.03)
            self.rate.fill_(self.peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))))
            step()
            steps += 1
            if steps % 20 == 0 and time.monotonic() - shown > seconds / 8:
                shown = time.monotonic()
                report(f"{name}: {passed:5.0f} s, step {steps}, loss {self.last.item():.4f}")
            elif steps % 20 == 0 and self.device.type == "cuda":
                torch.cuda.synchronize()
        report(f"{name}: {time.monotonic() - start:.0f} s, {steps} steps, loss {self.last.item():.4f}")
        return steps

    def finish(self) -> None:
        if self.average:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, self.mean)


def augment(pixels: Tensor) -> Tensor:
    """Flip, crop and colour jitter for each picture, as contrastive pipelines do. Bytes in, floats in [0, 255] out."""
    n, device = len(pixels), pixels.device

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, device=device)

    zoom = between(0.55, 1.0).sqrt()
    flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    shift = (1 - zoom)[:, None] * between(-1, 1, 2)
    zero = torch.zeros_like(zoom)
    rows = [torch.stack([zoom * flip, zero, shift[:, 0]], 1), torch.stack([zero, zoom, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), [n, 3, *pixels.shape[2:]], align_corners=False)
    view = functional.grid_sample(pixels.float(), grid, padding_mode="reflection", align_corners=False)
    return (_colour(n, device, between) @ view.flatten(2)).view_as(view).clamp(0, 255)


def _colour(n: int, device: torch.device, between: Callable[..., Tensor]) -> Tensor:
    """[N, 3, 3]: hue turned in the YIQ plane, saturation and brightness scaled, one picture in five left grey."""
    to_yiq, from_yiq = constant(TO_YIQ, device), constant(FROM_YIQ, device)
    angle = between(-0.6, 0.6) * math.pi
    strength = between(0.5, 1.4) * (torch.rand(n, device=device) > 0.2)
    light = between(0.7, 1.25)
    turn = torch.zeros(n, 3, 3, device=device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = strength * angle.cos()
    turn[:, 2, 1] = strength * angle.sin()
    turn[:, 1, 2] = -strength * angle.sin()
    return light[:, None, None] * (from_yiq @ turn @ to_yiq)


def twins(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Each caption picks between a picture and its twin, each picture between the two captions; rows come in pairs."""
    image, text = image.float().view(-1, 2, image.shape[-1]), text.float().view(-1, 2, text.shape[-1])
    logits = scale * image @ text.transpose(1, 2)
    target = torch.arange(2, device=logits.device).expand(len(logits), 2).flatten()
    rows, columns = logits.flatten(0, 1), logits.transpose(1, 2).flatten(0, 1)
    return (functional.cross_entropy(rows, target) + functional.cross_entropy(columns, target)) / 2


def contrastive(image: Tensor, text: Tensor, scale: Tensor, ids: Tensor) -> Tensor:
    """CLIP's symmetric loss on L2-normalised embeddings.

    `ids` [B, L] are the captions' tokens: a picture's caption under another picture is right for both (UniCL, eq. 3),
    which matters where captions name little more than the kind of thing.
    """
    logits = scale * image.float() @ text.float().T
    # A weighted sum tells captions apart without comparing every token.
    weights = constant(tuple(1 + (7919 * i * i + 104729 * i) % 999983 for i in range(ids.shape[1])), ids.device)
    marks = (ids.double() * weights.double()).sum(dim=1)
    target = (marks[:, None] == marks[None]).float()
    target = target / target.sum(dim=1, keepdim=True)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
