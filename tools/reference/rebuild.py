"""PyTorch modules rebuilt from ONNX files, so that every reference starts from the weights that are shipped.

TorchScript exports keep the module path in node names (`/vision_model/encoder/layers.0/mlp/fc1/MatMul`). A weight is
found by its module's path and its role there, never by its initialiser's name: `MatMul` and folded norm weights are
renamed on export, Linear weights are transposed, and equal initialisers are stored once and handed on by `Identity`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


def _scope(module: str) -> str:
    """Node scopes join an index to its list by a dot: `encoder.layers.0.mlp` is `/encoder/layers.0/mlp`."""
    out: list[str] = []
    for part in module.split("."):
        if part.isdigit() and out:
            out[-1] += f".{part}"
        else:
            out.append(part)
    return "/" + "/".join(out)


@dataclass(frozen=True)
class Source:
    """Where a parameter lives: the initialiser, and whether it holds the transpose of PyTorch's tensor."""

    initializer: str
    transposed: bool


class OnnxWeights:
    """The constant tensors of a file, found by PyTorch parameter name."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        self.values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._alias = {name: name for name in self.values}
        for node in graph.node:
            if node.op_type == "Identity" and node.input[0] in self._alias:
                self._alias[node.output[0]] = self._alias[node.input[0]]
        self._constants: dict[tuple[str, str], list[str]] = {}
        for node in graph.node:
            scope, _, step = node.name.rpartition("/")
            op = step.rstrip("0123456789").rstrip("_")
            found = [self._alias[name] for name in node.input if name in self._alias]
            self._constants.setdefault((scope, op), []).extend(found)

    def find(self, name: str, shape: tuple[int, ...]) -> Source:
        """The source of the parameter `name`. Raises KeyError when the file has no such weight."""
        if name in self._alias:
            return Source(self._alias[name], False)
        module, _, role = name.rpartition(".")
        scope = _scope(module)
        for op in ("MatMul", "Mul") if role == "weight" else ("Add",):
            for initializer in self._constants.get((scope, op), []):
                if self.values[initializer].size == int(np.prod(shape)):
                    return Source(initializer, op == "MatMul")
        raise KeyError(f"no initialiser for {name} (looked under {scope})")

    def tensor(self, source: Source, shape: tuple[int, ...]) -> Tensor:
        value = self.values[source.initializer]
        value = value.T if source.transposed else value.reshape(shape)
        if value.shape != shape:
            raise ValueError(f"{source.initializer} has shape {value.shape}, not {shape}")
        return torch.from_numpy(np.array(value, order="C"))


def load_from_onnx(module: nn.Module, path: Path, prefix: str = "") -> dict[str, Source]:
    """Fills `module` with the file's weights and returns where each came from. Fails when one is missing.

    `prefix` is put before the module's parameter names to give those of the exported graph.
    """
    weights = OnnxWeights(path)
    sources: dict[str, Source] = {}
    state: dict[str, Tensor] = {}
    for name, parameter in module.state_dict().items():
        shape = tuple(parameter.shape)
        sources[name] = weights.find(prefix + name, shape)
        state[name] = weights.tensor(sources[name], shape)
    module.load_state_dict(state, strict=True)
    return sources
