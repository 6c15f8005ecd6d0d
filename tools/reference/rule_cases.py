"""Gradients of single ONNX operators by PyTorch autograd in float64: the vocabulary of the rules_*.py scripts.

Each case names an ONNX node (operator, attributes, constant inputs) and the PyTorch function that computes the same.
Inputs and the incoming gradient are not stored: both sides make them with `numbers`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FIXTURES = Path(__file__).resolve().parents[2] / "src" / "autodiff" / "fixtures"


def numbers(shape: Sequence[int], stream: int) -> Tensor:
    """Reproducible numbers in [-1, 1]: element i of stream k is sin((i + 1) (k + 1.7) 1.618), row-major."""
    count = int(np.prod(shape, dtype=np.int64))
    index = np.arange(1, count + 1, dtype=np.float64)
    return torch.from_numpy(np.sin(index * (stream + 1.7) * 1.618)).reshape(tuple(shape))


class Cases:
    """Collects the cases of one operator family and writes them to `src/autodiff/fixtures/<name>.json`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[dict[str, Any]] = []

    def add(
        self,
        label: str,
        op: str,
        inputs: Sequence[Sequence[int] | None],
        reference: Callable[..., Tensor],
        *,
        attributes: dict[str, Any] | None = None,
        constants: dict[int, dict[str, Any]] | None = None,
        positive: Sequence[int] = (),
        rounded: float | None = None,
        shifted: dict[int, float] | None = None,
    ) -> None:
        """Adds a case.

        inputs: shape of each input in the node's order, None where one is omitted or constant.
        constants: by input index, `{"dtype": ..., "shape": ..., "values": ...}`; never differentiated.
        positive: indices of inputs made positive (x * x + 0.25), such as variances.
        rounded: inputs are rounded to multiples of this number, to make ties.
        shifted: by input index, what is added last, to reach a function's domain.
        """
        leaves: list[Tensor] = []
        for i, shape in enumerate(inputs):
            if shape is None:
                continue
            value = numbers(shape, i)
            if rounded is not None:
                value = torch.round(value / rounded) * rounded
            if i in positive:
                value = value * value + 0.25
            value = value + (shifted or {}).get(i, 0)
            leaves.append(value.clone().requires_grad_())
        out = reference(*leaves)
        assert out.dtype == torch.float64, label
        gradients = torch.autograd.grad(out, leaves, numbers(out.shape, 100))
        self.cases.append(
            {
                "label": label,
                "op": op,
                "attributes": attributes or {},
                "inputs": [list(shape) if shape is not None else None for shape in inputs],
                "constants": {str(i): value for i, value in (constants or {}).items()},
                "positive": list(positive),
                "rounded": rounded,
                **({"shifted": {str(i): by for i, by in shifted.items()}} if shifted else {}),
                "output": list(out.shape),
                "gradients": [[float(f"{x:.8g}") for x in g.flatten().tolist()] for g in gradients],
            }
        )

    def write(self) -> None:
        FIXTURES.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        path = FIXTURES / f"{self.name}.json"
        path.write_text(f"[\n{lines}\n]\n")
        print(f"{path.name}: {len(self.cases)} cases, {path.stat().st_size} bytes")
