"""Tries `acuity graph` from outside: exports models, runs the command, compares with PyTorch.

    python -m tools.reference.graph_command [NAME ...]

For each export: the written file passes onnx's full check, has the original's inputs and outputs, gives the same
outputs in onnxruntime, and every `grad:NAME` equals PyTorch's autograd in float64. An initialiser stands for the
parameter with the same elements, as they are or transposed. What the exporter made itself (folded norms, scales) is
compared with a central difference of the original along a random direction instead. Refusals must be one line.
Prints a table; ends with 1 where something is wrong.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import numpy_helper

from .graph_command_models import Example, examples
from .graph_command_refusals import refusals

ROOT = Path(__file__).resolve().parents[2]
#: Largest relative error of a gradient. Differences of float32 outputs carry their rounding.
EXACT, HALF, DIFFERENCE = 1e-4, 3e-2, 2e-2


@dataclass
class Outcome:
    gradients: int
    differences: int
    error: float
    difference_error: float


class Unusable(Exception):
    """onnxruntime does not run the export itself."""


def command(*arguments: str, directory: Path) -> tuple[int, str]:
    run = subprocess.run(
        ["node", str(ROOT / "cli" / "bin.mjs"), *arguments], cwd=directory, capture_output=True, text=True, check=False,
        env={**os.environ, "INIT_CWD": str(directory)},
    )
    return run.returncode, run.stderr


def export(example: Example, kind: str, path: Path) -> None:
    exporter, opset = kind.split("-")
    arguments = tuple(t.half() if example.half and t.is_floating_point() else t for t in example.inputs.values())
    module = (example.module.half() if example.half else example.module.float()).eval()
    names = {"input_names": list(example.inputs), "output_names": list(example.outputs), "opset_version": int(opset)}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            shapes = tuple(dict.fromkeys(example.axes.get(n, {}), torch.export.Dim.DYNAMIC) for n in example.inputs)
            if isinstance(example.module, torch.nn.Module) and type(example.module).__name__ == "Function":
                shapes = (shapes,)
            program = torch.onnx.export(
                module, arguments, dynamo=True, verbose=False, dynamic_shapes=shapes if example.axes else None, **names
            )
            program.save(str(path), external_data=example.external)
            return
        scripted = torch.jit.script(module) if example.scripted else module
        torch.onnx.export(scripted, arguments, str(path), dynamo=False, dynamic_axes=example.axes, **names)
        if example.external:
            model = onnx.load(path)
            onnx.save(model, path, save_as_external_data=True, location=f"{path.stem}.weights", size_threshold=64)


def draw_weights(module: torch.nn.Module) -> None:
    """No two parameters alike: their elements tell which initialiser they became."""
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape) * 0.3
            if name.endswith("running_var") or (tensor.ndim == 1 and bool((tensor == 1).all())):
                noise = 1 + noise.abs()
            tensor.copy_(noise if tensor.numel() > 1 else tensor + noise)


def autograd(example: Example, seed: np.ndarray | None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Gradients in float64 by parameter or input name, and the parameters as the export has them."""
    module = example.module
    kept = {name: p.detach().numpy().copy() for name, p in module.named_parameters()}
    module.double()
    leaves = dict(module.named_parameters())
    arguments = []
    for name, tensor in example.inputs.items():
        if tensor.is_floating_point():
            tensor = (tensor.half() if example.half else tensor).double().requires_grad_()
            leaves[name] = tensor
        arguments.append(tensor)
    out = module(*arguments)
    out = out[0] if isinstance(out, tuple) else out
    incoming = None if seed is None else torch.from_numpy(seed.astype(np.float64))
    found = torch.autograd.grad(out, list(leaves.values()), incoming, allow_unused=True)
    module.half() if example.half else module.float()
    return {n: g.numpy() for n, g in zip(leaves, found, strict=True) if g is not None}, kept


def relative(found: np.ndarray, wanted: np.ndarray, floor: float) -> float:
    if found.shape != wanted.shape:
        raise AssertionError(f"shape {found.shape} instead of {wanted.shape}")
    if not np.isfinite(found).all():
        raise AssertionError("not finite")
    return float(np.linalg.norm(found.astype(np.float64) - wanted) / max(np.linalg.norm(wanted), floor))


def session(model: onnx.ModelProto | str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return ort.InferenceSession(
        model if isinstance(model, str) else model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def directional(model: onnx.ModelProto, name: str, feeds: dict[str, np.ndarray], loss: str, seed: np.ndarray | None, own: np.ndarray) -> float:
    """Relative error of a gradient along a random direction, by central differences of the original model.

    The smallest over three steps: long ones cross kinks of ReLU, short ones drown in rounding.
    """
    tensor = next(t for t in model.graph.initializer if t.name == name)
    value = numpy_helper.to_array(tensor)
    direction = np.random.default_rng(len(name)).standard_normal(value.shape).astype(np.float32)
    slope = float((own.astype(np.float64) * direction).sum())
    scale = max(abs(slope), 0.1 * float(np.linalg.norm(own)), 1e-3)
    errors = []
    for step in (1e-2, 1e-3, 1e-4):
        results = []
        for sign in (1, -1):
            moved = (value + np.float32(sign * step) * direction).astype(value.dtype)
            tensor.CopyFrom(numpy_helper.from_array(moved, name))
            out = session(model).run([loss], feeds)[0].astype(np.float64)
            results.append(float((out * (1 if seed is None else seed)).sum()))
        errors.append(abs((results[0] - results[1]) / (2 * step) - slope) / scale)
    tensor.CopyFrom(numpy_helper.from_array(value, name))
    return min(errors)


def check(example: Example, path: Path) -> Outcome:
    loss = example.outputs[0]
    feeds = {n: (t.half() if example.half and t.is_floating_point() else t).numpy() for n, t in example.inputs.items()}
    try:
        original = session(str(path))
        feeds = {i.name: feeds[i.name] for i in original.get_inputs()}
        before = original.run(None, feeds)
    except Exception as error:
        raise Unusable(str(error)) from error
    scalar = before[0].size == 1
    rng = np.random.default_rng(3)
    seed = None if scalar else rng.standard_normal(before[0].shape).astype(np.float16).astype(before[0].dtype)

    out = path.with_name(f"train-{path.name}")
    arguments = ["graph", path.name, "--loss", loss, "--targets", example.targets, "--out", out.name, *example.options]
    code, said = command(*arguments, *([] if scalar else ["--seed-gradient"]), directory=path.parent)
    if code != 0:
        raise AssertionError(f"exit {code}: {said.strip()}")
    onnx.checker.check_model(str(out), full_check=True)
    training = session(str(out))
    outputs = [o.name for o in training.get_outputs()]
    if outputs[: len(example.outputs)] != list(example.outputs):
        raise AssertionError(f"outputs {outputs[:4]}")
    more = {} if scalar else {f"grad:{loss}": seed}
    inputs = [i.name for i in training.get_inputs()]
    if inputs != [*feeds, *more]:
        raise AssertionError(f"inputs {inputs}")
    after = dict(zip(outputs, training.run(None, {**feeds, **more}), strict=True))
    for name, value in zip(example.outputs, before, strict=True):
        if relative(after[name], value.astype(np.float64), 1e-6) > (1e-2 if example.half else 1e-5):
            raise AssertionError(f"output {name} changed")

    wanted, parameters = autograd(example, seed)
    model = onnx.load(path)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    gradients = {name.removeprefix("grad:"): after[name] for name in outputs[len(example.outputs) :]}
    floor = 1e-3 * max(float(np.linalg.norm(g)) for g in wanted.values())
    result = Outcome(0, 0, 0.0, 0.0)
    sums: dict[str, np.ndarray] = {}
    for name, found in gradients.items():
        parameter, turned = (name, False) if name in example.inputs else match(constants[name], parameters, wanted)
        if parameter is not None:
            # A tied parameter may be in the file twice, once transposed: its gradient is in parts.
            found = found.astype(np.float64)
            sums[parameter] = sums.get(parameter, 0) + (found.T if turned else found)
        elif not example.half:
            result.differences += 1
            result.difference_error = max(result.difference_error, directional(model, name, feeds, loss, seed, found))
    for parameter, found in sums.items():
        result.gradients += 1
        result.error = max(result.error, relative(found, wanted[parameter], floor))
    if example.targets == "all":
        for name in wanted:
            if name in example.inputs and name not in gradients:
                raise AssertionError(f"no gradient of input {name}")
    if result.gradients == 0:
        raise AssertionError("nothing to compare")
    return result


def match(value: np.ndarray, parameters: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> tuple[str | None, bool]:
    """The parameter that an initialiser holds, and whether it holds it transposed."""
    for name, parameter in parameters.items():
        if name not in wanted:
            continue
        if parameter.shape == value.shape and np.array_equal(parameter, value):
            return name, False
        if parameter.ndim == 2 and parameter.T.shape == value.shape and np.array_equal(parameter.T, value):
            return name, True
    return None, False


def try_examples(names: list[str], folder: Path) -> bool:
    print("| model | export | gradients | largest error | by differences | largest error |")
    print("| --- | --- | --- | --- | --- | --- |")
    good = True
    for name, example in examples().items():
        if names and name not in names:
            continue
        draw_weights(example.module)
        for kind in example.exports:
            path = folder / f"{name}-{kind}.onnx"
            row = f"| {name} | {kind} |"
            try:
                export(example, kind, path)
            except Exception as error:  # noqa: BLE001 - an exporter that cannot is no finding about the command
                print(f"{row} not exported: {str(error).splitlines()[0][:80]} | | | |", flush=True)
                continue
            try:
                done = check(example, path)
            except Unusable as error:
                print(f"{row} not run by onnxruntime: {str(error).splitlines()[0][-80:]} | | | |", flush=True)
                continue
            except Exception as error:  # noqa: BLE001 - every failure is a finding
                print(f"{row} WRONG: {' '.join(str(error).split())[:400]} | | | |", flush=True)
                good = False
                continue
            right = done.error <= (HALF if example.half else EXACT) and done.difference_error <= DIFFERENCE
            good &= right
            print(
                f"{row} {done.gradients} | {done.error:.1e} | {done.differences} | {done.difference_error:.1e} |"
                f"{'' if right else ' WRONG'}",
                flush=True,
            )
    return good


def try_refusals(names: list[str], folder: Path) -> bool:
    print("\n| refusal | exit | message |\n| --- | --- | --- |")
    good = True
    for name, refusal in refusals(folder).items():
        if names and name not in names:
            continue
        code, said = command("graph", *refusal.arguments, directory=folder)
        lines = said.strip().splitlines()
        right = code == refusal.code and len(lines) == 1 and all(word in said for word in refusal.words)
        right &= code == 0 or not (folder / "out.onnx").exists()
        good &= right
        print(f"| {name} | {code} | {said.strip()} |{'' if right else f' WRONG: wanted {refusal.code} {refusal.words}'}", flush=True)
    return good


def main() -> None:
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)
    names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        good = try_examples(names, Path(folder))
        good &= try_refusals(names, Path(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
