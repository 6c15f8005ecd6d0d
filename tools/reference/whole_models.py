"""Whole models with their gradients by PyTorch autograd in float64, for src/autodiff/whole-models.test.ts.

    python -m tools.reference.whole_models [MODEL ...]      (needs open_clip and timm besides torch and diffusers)

Weights and inputs are not stored: both sides draw them from `random_numbers`. An exported file keeps its graph; each
of its initialisers that is a parameter, as it is or transposed, becomes external data named after that parameter, the
way exporters write one file a tensor. Of each gradient the norm and a regular sample of its elements are stored.
"""

import contextlib
import gzip
import io
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from .narrow_models import MODELS, Narrow

FIXTURES = Path(__file__).resolve().parents[2] / "src" / "autodiff" / "fixtures" / "models"
SAMPLES = 48

#: Exporter and opset of each file. Opset 11 is what the oldest public exports have.
DEFAULT_EXPORTS = ("torchscript-14", "torchscript-17", "dynamo-18")
EXPORTS: dict[str, tuple[str, ...]] = {
    "clip-vision": ("torchscript-14", "torchscript-17", "dynamo-18", "dynamo-21-dynamic", "torchscript-11"),
    # The dynamo exporter folds batch norms into their convolutions, which clip-resnet-fused covers.
    "clip-resnet": ("torchscript-14", "torchscript-17"),
    # The dynamo exporter writes a Squeeze of an axis that is not of size one here, which no runtime accepts.
    "pixart": ("torchscript-14", "torchscript-17"),
    "sd15": ("torchscript-14", "torchscript-17", "dynamo-18", "torchscript-11"),
    "vae-encoder": ("torchscript-14", "torchscript-17", "dynamo-18", "torchscript-11"),
}


def random_numbers(seed: int, count: int) -> np.ndarray:
    """Mulberry32 (Tommy Ettinger, public domain): `count` numbers in [0, 1), as src/autodiff/testing/random.ts."""
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
        mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
        return (mixed ^ (mixed >> np.uint32(14))).astype(np.float64) / 2**32


@dataclass(frozen=True)
class Drawn:
    """float32 numbers: centre + spread * (2 u - 1), u drawn from a seed."""

    shape: tuple[int, ...]
    seed: int
    centre: float
    spread: float

    def values(self) -> np.ndarray:
        numbers = random_numbers(self.seed, int(np.prod(self.shape, dtype=np.int64)))
        return (self.centre + self.spread * (2 * numbers - 1)).astype(np.float32).reshape(self.shape)

    def record(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "seed": self.seed, "centre": self.centre, "spread": self.spread}


def draw_weights(module: nn.Module) -> dict[str, Drawn]:
    """Chooses the weights of a module and puts them in, in float32."""
    drawn: dict[str, Drawn] = {}
    tensors = dict(module.named_parameters())
    tensors.update({name: b for name, b in module.named_buffers() if name.endswith(("running_mean", "running_var"))})
    for seed, (name, tensor) in enumerate(tensors.items(), start=1):
        shape = tuple(tensor.shape)
        if len(shape) >= 2:
            centre, spread = 0.0, float(np.sqrt(3 / np.prod(shape[1:])))
        else:
            centre, spread = (1.0 if bool((tensor == 1).all()) else 0.0), 0.2
        drawn[name] = Drawn(shape, seed * 7919, centre, spread)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(drawn[name].values()))
    return drawn


def inputs_of(narrow: Narrow) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    records: dict[str, Any] = {}
    for i, (name, spec) in enumerate(narrow.inputs.items()):
        if spec.values is not None:
            tensors[name] = torch.tensor(spec.values).reshape(spec.shape)
            records[name] = {"shape": list(spec.shape), "values": list(spec.values)}
        else:
            drawn = Drawn(spec.shape, 1_000_003 + i, 0.0, 1.5)
            tensors[name] = torch.from_numpy(drawn.values())
            records[name] = drawn.record()
    return tensors, records


def gradients(narrow: Narrow, tensors: dict[str, Tensor]) -> tuple[Drawn, dict[str, Tensor], Tensor]:
    """The incoming gradient, the gradients of parameters and inputs, and the output, in float64."""
    module = narrow.module.double().eval()
    leaves = dict(module.named_parameters())
    arguments = []
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensor = tensor.double().requires_grad_()
            leaves[name] = tensor
        arguments.append(tensor)
    out = module(*arguments)
    cotangent = Drawn(tuple(out.shape), 999_983, 0.0, 1.0)
    found = torch.autograd.grad(out, list(leaves.values()), torch.from_numpy(cotangent.values()).double(), allow_unused=True)
    used = {name: g for name, g in zip(leaves, found, strict=True) if g is not None}
    module.float()
    return cotangent, used, out.detach()


def export(narrow: Narrow, tensors: dict[str, Tensor], kind: str) -> onnx.ModelProto:
    exporter, opset, *rest = kind.split("-")
    if int(opset) < 14:
        decompose_attention(narrow.module)
    axes = {name: spec.axes for name, spec in narrow.inputs.items()}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        common = {
            "input_names": list(narrow.inputs),
            "output_names": [narrow.output],
            "opset_version": int(opset),
        }
        if exporter == "dynamo":
            program = torch.onnx.export(
                narrow.module,
                tuple(tensors.values()),
                dynamo=True,
                verbose=False,
                dynamic_shapes=(tuple(dynamic(spec.axes) for spec in narrow.inputs.values()),) if "dynamic" in rest else None,
                **common,
            )
            model = program.model_proto
        else:
            torch.onnx.export(
                narrow.module,
                tuple(tensors.values()),
                buffer,
                dynamo=False,
                training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=True,
                dynamic_axes={**axes, narrow.output: narrow.output_axes},
                **common,
            )
            model = onnx.load_model_from_string(buffer.getvalue())
    return model


def dynamic(axes: dict[int, str]) -> dict[int, Any]:
    return dict.fromkeys(axes, torch.export.Dim.DYNAMIC)


def decompose_attention(module: nn.Module) -> None:
    """Attention as products and a softmax: older operator sets know no fused form."""
    from diffusers.models.attention_processor import Attention, AttnProcessor

    for child in module.modules():
        if isinstance(child, Attention):
            child.set_processor(AttnProcessor())
        elif hasattr(child, "set_attn_implementation"):
            child.set_attn_implementation("eager")


def externalise(model: onnx.ModelProto, weights: dict[str, np.ndarray]) -> set[str]:
    """Replaces the elements of parameters by references to files named after them; returns the names that were found."""
    known = {value.tobytes(): name for name, value in weights.items()}
    turned = {np.ascontiguousarray(v.T).tobytes(): name for name, v in weights.items() if v.ndim == 2}
    found: set[str] = set()
    for tensor in constants(model.graph):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        content = numpy_helper.to_array(tensor).tobytes()
        name, suffix = (known[content], "") if content in known else (turned.get(content), ".T")
        if name is None:
            continue
        found.add(name)
        tensor.ClearField("float_data")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value=name + suffix)
    return found


def constants(graph: onnx.GraphProto):
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def strip(model: onnx.ModelProto) -> None:
    """Drops documentation and annotations, which are most of a dynamo export's bytes."""
    model.doc_string = ""
    del model.metadata_props[:]
    for holder in [model.graph, *model.functions]:
        holder.doc_string = ""
        del holder.metadata_props[:]
        for node in holder.node:
            node.doc_string = ""
            del node.metadata_props[:]
        for value in holder.value_info:
            del value.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]


def samples(value: Tensor) -> tuple[np.ndarray, int]:
    """Every n-th element, from the first on, and n."""
    flat = value.flatten().numpy()
    step = max(1, -(-flat.size // SAMPLES))
    if step > 1 and step % 2 == 0:
        step += 1
    return flat[::step].astype(np.float32), step


def write(name: str) -> None:
    torch.manual_seed(0)
    narrow = MODELS[name]()
    narrow.module.eval().requires_grad_()
    drawn = draw_weights(narrow.module)
    weights = {key: d.values() for key, d in drawn.items()}
    tensors, input_records = inputs_of(narrow)
    cotangent, found, out = gradients(narrow, tensors)

    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind in EXPORTS.get(name, DEFAULT_EXPORTS):
        try:
            model = export(narrow, tensors, kind)
        except Exception as error:  # noqa: BLE001 - an exporter's failure is its own; the others are still wanted
            print(f"  {name} {kind}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
            continue
        strip(model)
        matched = externalise(model, weights)
        missing = sorted(key for key in found if key in drawn and key not in matched)
        content = gzip.compress(model.SerializeToString(deterministic=True), 9, mtime=0)
        (folder / f"{kind}.onnx.gz").write_bytes(content)
        files[kind] = {"missing": missing}
        print(f"  {name} {kind}: {len(content)} bytes, {len(model.graph.node)} nodes, not found: {missing}")

    sampled = {key: samples(value) for key, value in found.items()}
    reference = {
        "inputs": input_records,
        "output": {"name": narrow.output, "norm": float(out.norm())},
        "cotangent": cotangent.record(),
        "weights": {key: d.record() for key, d in drawn.items()},
        "gradients": {
            key: {"norm": float(value.norm()), "step": sampled[key][1], "count": int(sampled[key][0].size)}
            for key, value in found.items()
        },
        "files": files,
    }
    (folder / "reference.json").write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    (folder / "gradients.f32").write_bytes(b"".join(values.astype("<f4").tobytes() for values, _ in sampled.values()))
    print(f"{name}: {len(found)} gradients, output norm {float(out.norm()):.4g}")


if __name__ == "__main__":
    # The fused fast path of nn.MultiheadAttention has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    for model_name in sys.argv[1:] or MODELS:
        write(model_name)
