"""Checks a downloaded encoder: does the safetensors file hold what the ONNX file computes, under the right names?

    python -m tools.check_download FOLDER

FOLDER holds `model.onnx`, `model.safetensors` and `config.json`. Three checks, each against code that is not ours:
transformers loads the safetensors file with no missing and no unexpected key; its embeddings agree with onnxruntime's;
and changing one initialiser of the ONNX file does what changing its one PyTorch twin does, for every weight in turn.
Exits with 1 and says why when one fails.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from safetensors import safe_open
from transformers import CLIPModel, CLIPVisionModelWithProjection

from .reference.rebuild import OnnxWeights, Source

TOLERANCE = 1e-4
STEP = 0.05


class Failure(Exception):
    """A check that did not hold; the message is for people."""


def load_torch(folder: Path) -> CLIPVisionModelWithProjection:
    """The vision tower with its projection. A file with text weights is loaded as a whole CLIPModel."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        whole = any(name.startswith("text_model.") for name in file.keys())  # noqa: SIM118
    kind = CLIPModel if whole else CLIPVisionModelWithProjection
    model, info = kind.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[problem]:
            raise Failure(f"{kind.__name__} reports {problem}: {sorted(info[problem])}")
    if not whole:
        return model.eval()
    vision = CLIPVisionModelWithProjection._from_config(model.config.vision_config, attn_implementation="eager")
    vision.vision_model.load_state_dict(model.vision_model.state_dict())
    vision.visual_projection.load_state_dict(model.visual_projection.state_dict())
    return vision.eval()


def twins(model: CLIPVisionModelWithProjection, weights: OnnxWeights) -> dict[str, tuple[str, Source]]:
    """For each float initialiser with more than one element, its one parameter."""
    found: dict[str, tuple[str, Source]] = {}
    for name, tensor in model.state_dict().items():
        source = weights.find(name, tuple(tensor.shape))
        if source.initializer in found:
            raise Failure(f"{name} and {found[source.initializer][0]} share the initialiser {source.initializer}")
        found[source.initializer] = (name, source)
    spare = {n for n, v in weights.values.items() if v.dtype == np.float32 and v.size > 1} - set(found)
    if spare:
        raise Failure(f"initialisers without a parameter: {sorted(spare)}")
    return found


class Onnx:
    """The ONNX model, to be run with one initialiser replaced."""

    def __init__(self, path: Path) -> None:
        self.model = onnx.load(path)
        self.tensors = {tensor.name: tensor for tensor in self.model.graph.initializer}

    def run(self, pixels: np.ndarray, name: str = "", value: np.ndarray | None = None) -> np.ndarray:
        before = None
        if value is not None:
            before = self.tensors[name].SerializeToString()
            self.tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), name))
        session = onnxruntime.InferenceSession(self.model.SerializeToString(), providers=["CPUExecutionProvider"])
        if before is not None:
            self.tensors[name].ParseFromString(before)
        outputs = [output.name for output in session.get_outputs()]
        wanted = "image_embeds" if "image_embeds" in outputs else outputs[0]
        return session.run([wanted], {session.get_inputs()[0].name: pixels})[0]


@torch.no_grad()
def check(folder: Path) -> int:
    """Number of weights checked. Raises Failure."""
    model = load_torch(folder)
    exported = Onnx(folder / "model.onnx")
    weights = OnnxWeights(folder / "model.onnx")
    size = model.config.image_size
    pixels = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(1))
    expected = model(pixels).image_embeds
    reach = expected.abs().max().item()

    def difference(first: np.ndarray, second: torch.Tensor) -> float:
        return float(np.abs(first - second.numpy()).max()) / reach

    apart = difference(exported.run(pixels.numpy()), expected)
    if apart > TOLERANCE:
        raise Failure(f"embeddings of the two files differ by {apart:.1e} of their size")
    print(f"embeddings agree to {apart:.1e}")

    parameters = dict(model.named_parameters())
    pairs = twins(model, weights)
    rng = np.random.default_rng(2)
    for initializer, (name, source) in pairs.items():
        value = weights.values[initializer]
        parameter = parameters[name]
        if not torch.equal(weights.tensor(source, tuple(parameter.shape)), parameter):
            raise Failure(f"{name} is not the value of {initializer}")
        noise = (STEP * max(value.std(), 0.01) * rng.standard_normal(value.shape)).astype(np.float32)
        changed = exported.run(pixels.numpy(), initializer, value + noise)
        kept = parameter.clone()
        shift = noise.T if source.transposed else noise.reshape(parameter.shape)
        parameter += torch.from_numpy(np.ascontiguousarray(shift))
        moved = model(pixels).image_embeds
        parameter.copy_(kept)
        apart, effect = difference(changed, moved), difference(changed, expected)
        if apart > TOLERANCE:
            raise Failure(f"changing {initializer} is not changing {name}: results differ by {apart:.1e}")
        # Adding the same to every key leaves a softmax as it was, so key biases have no effect by design.
        if effect < 10 * apart and not name.endswith("k_proj.bias"):
            raise Failure(f"changing {initializer} ({name}) changes nothing that can be told from rounding")
    return len(pairs)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    try:
        count = check(folder)
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    kind = json.loads((folder / "config.json").read_text()).get("model_type")
    print(f"{count} weights: each initialiser moves with its own parameter (model type {kind})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
