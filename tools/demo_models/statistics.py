"""MMVP's verdicts pair by pair, and how sure a change is."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from ..demo_world.pairs import PATTERNS
from .dataset import PairSet

DRAWS = 4000


def verdicts(pairs: PairSet, image: Callable[[Tensor], Tensor], text: Callable[[list[str]], Tensor]) -> Tensor:
    """Whether both statements of each pair pick the right picture (a tie picks the second), bool [N], on the CPU."""
    pictures = image(pairs.pixels.flatten(0, 1)).view(len(pairs.statements), 2, -1)
    first, second = (text([f"a photo of {pair[i]}" for pair in pairs.statements]) for i in (0, 1))
    one, two = ((pictures * prompt[:, None]).sum(-1) for prompt in (first, second))
    return ((one[:, 0] > one[:, 1]) & (two[:, 0] <= two[:, 1])).cpu()


def scores(pairs: PairSet, right: Tensor) -> dict:
    by_pattern = torch.tensor(pairs.patterns)
    patterns = {name: 100 * right[by_pattern == p].float().mean().item() for p, name in enumerate(PATTERNS)}
    return {"total": sum(patterns.values()) / len(patterns), "patterns": patterns}


def broken_and_fixed(before: Tensor, after: Tensor) -> tuple[int, int]:
    """(pairs fixed, pairs broken)."""
    return int((~before & after).sum()), int((before & ~after).sum())


def mcnemar(fixed: int, broken: int) -> float:
    """Two-sided exact p."""
    return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def interval(patterns: list[int], before: Tensor, after: list[Tensor]) -> tuple[float, float]:
    """95% interval of the mean change in points, from resampling seeds, and pairs within each pattern."""
    change = torch.stack(after).double().numpy() - before.double().numpy()
    of = np.array(patterns)
    rng = np.random.default_rng(0)
    means = np.zeros(DRAWS)
    groups = [np.flatnonzero(of == p) for p in range(len(PATTERNS))]
    for draw in range(DRAWS):
        average = change[rng.integers(0, len(change), len(change))].mean(axis=0)
        means[draw] = np.mean([average[rng.choice(group, len(group))].mean() for group in groups])
    low, high = np.percentile(100 * means, [2.5, 97.5])
    return float(low), float(high)
