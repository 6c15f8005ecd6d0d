"""Compares Acuity with other tools that differentiate ONNX models; writes docs/comparison-autodiff.md.

    python -m tools.comparison.autodiff RIVALS          (needs onnx, onnxruntime and onnxsim)

RIVALS is a folder outside the repository where `npm install @jax-js/jax @jax-js/onnx @tensorflow/tfjs` was run. The
models are the narrow ones of src/autodiff/fixtures/models, with weights put in, since not every tool reads external
data; the reference is PyTorch's autograd in float64, stored beside them. Each tool runs in its own process with a
time limit.
"""

import gzip
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
import onnx.version_converter
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "src" / "autodiff" / "fixtures" / "models"
PAGE = ROOT / "docs" / "comparison-autodiff.md"
HERE = Path(__file__).resolve().parent
SECONDS = 90


@dataclass
class Outcome:
    loads: bool = False
    #: "" none, "inputs" of inputs alone, "all" of inputs and weights.
    differentiates: str = ""
    error: float | None = None
    #: Why nodes of forward or backward would leave the GPU; None where not measured.
    obstacles: list[str] | None = None
    note: str = ""

    @property
    def right(self) -> bool:
        return self.error is not None and self.error <= 1e-4

    def cell(self) -> str:
        if self.right:
            gpu = f"; not all on WebGPU: {', '.join(self.obstacles)}" if self.obstacles else ""
            return f"{'inputs only, ' if self.differentiates == 'inputs' else ''}right ({self.error:.0e}){gpu}"
        if self.error is not None:
            return f"WRONG ({self.error:.0e})"
        return f"{'runs, no gradient' if self.loads else 'no'}: {self.note}"


def random_numbers(seed: int, count: int) -> np.ndarray:
    """As tools/reference/whole_models.py draws them."""
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
        mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
        return (mixed ^ (mixed >> np.uint32(14))).astype(np.float64) / 2**32


def drawn(record: dict) -> np.ndarray:
    if "values" in record:
        return np.array(record["values"]).reshape(record["shape"])
    numbers = random_numbers(record["seed"], int(np.prod(record["shape"], dtype=np.int64)))
    return (record["centre"] + record["spread"] * (2 * numbers - 1)).astype(np.float32).reshape(record["shape"])


@dataclass
class Case:
    name: str
    file: str
    reference: dict
    model: onnx.ModelProto
    #: Parameter of each initialiser, and whether it is stored transposed.
    parameters: dict[str, tuple[str, bool]]
    inputs: dict[str, np.ndarray]
    cotangent: np.ndarray
    samples: dict[str, np.ndarray]

    def targets(self) -> list[str]:
        wanted = self.reference["gradients"]
        held = [name for name, (parameter, _) in self.parameters.items() if parameter in wanted]
        return held + [name for name in self.inputs if name in wanted]

    def error(self, gradients: dict[str, np.ndarray]) -> float:
        """Relative error of the sampled elements of all gradients as one vector; names are initialisers and inputs."""
        sums: dict[str, np.ndarray] = {}
        for name, value in gradients.items():
            parameter, turned = self.parameters.get(name, (name, False))
            value = np.asarray(value, np.float64)
            sums[parameter] = sums.get(parameter, 0) + (value.T if turned else value)
        off = wanted = 0.0
        for name, value in sums.items():
            step = self.reference["gradients"][name]["step"]
            off += float(((value.ravel()[::step] - self.samples[name]) ** 2).sum())
            wanted += float((self.samples[name] ** 2).sum())
        return float(np.sqrt(off / wanted))


def constants(graph: onnx.GraphProto):
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def read(folder: Path, file: str) -> Case:
    reference = json.loads((folder / "reference.json").read_text())
    model = onnx.load_model_from_string(gzip.decompress((folder / f"{file}.onnx.gz").read_bytes()))
    parameters = {}
    for tensor in constants(model.graph):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        location = next(entry.value for entry in tensor.external_data if entry.key == "location")
        turned = location.endswith(".T")
        parameter = location.removesuffix(".T")
        value = drawn(reference["weights"][parameter])
        tensor.raw_data = np.ascontiguousarray(value.T if turned else value).tobytes()
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]
        parameters[tensor.name] = (parameter, turned)
    held = {tensor.name for tensor in model.graph.initializer}
    kinds = {value.name: value.type.tensor_type for value in model.graph.input}
    inputs = {}
    for name, record in reference["inputs"].items():
        if name not in kinds:
            continue
        inputs[name] = drawn(record).astype(helper.tensor_dtype_to_np_dtype(kinds[name].elem_type))
        for dimension, size in zip(kinds[name].shape.dim, record["shape"], strict=True):
            dimension.dim_value = size
    stored = np.frombuffer((folder / "gradients.f32").read_bytes(), np.float32).astype(np.float64)
    samples, at = {}, 0
    for name, entry in reference["gradients"].items():
        samples[name] = stored[at : at + entry["count"]]
        at += entry["count"]
    return Case(folder.name, file, reference, model, {k: v for k, v in parameters.items() if k in held}, inputs,
                drawn(reference["cotangent"]), samples)


def graph_grad(case: Case) -> Outcome:
    """The better outcome of the file's own operator set and of 17, which is what graph_grad emits."""
    own = graph_grad_in(case, None)
    if own.right or case.model.opset_import[0].version == 17:
        return own
    other = graph_grad_in(case, 17)
    return other if (other.right, bool(other.differentiates), other.loads) > (own.right, bool(own.differentiates), own.loads) else own


def graph_grad_in(case: Case, opset: int | None) -> Outcome:
    """onnxsim.simplify, shape inference, then onnxsim.graph_grad.build_backward over all nodes."""
    import onnxruntime
    import onnxsim
    from onnxsim import graph_grad as differentiator
    from onnxsim import qat_graph

    found = Outcome()
    try:
        shapes = {name: list(value.shape) for name, value in case.inputs.items()}
        # Weights become inputs, so that simplification neither folds nor renames them.
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        kept = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name in case.parameters}
        for tensor in kept.values():
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
            shapes[tensor.name] = list(tensor.dims)
        rest = [tensor for tensor in model.graph.initializer if tensor.name not in kept]
        weights = {name: onnx.numpy_helper.to_array(tensor) for name, tensor in kept.items()}
        del model.graph.initializer[:]
        model.graph.initializer.extend(rest)
        model, _ = onnxsim.simplify(model, overwrite_input_shapes=shapes)
        if opset is not None:
            model = onnx.version_converter.convert_version(model, opset)
        apart(model)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        feeds = {**case.inputs, **weights}
        feeds = {value.name: feeds[value.name] for value in model.graph.input}
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)
        found.loads = True
        known = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
                 for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]}
        known.update({tensor.name: list(tensor.dims) for tensor in model.graph.initializer})
        builder = qat_graph.GraphBuilder()
        builder.initializer.extend(model.graph.initializer)
        loss = case.reference["output"]["name"]
        gradients = differentiator.build_backward(builder, list(model.graph.node), known, {loss: "incoming"}, case.targets())
        found.differentiates = "all"
        graph = model.graph
        held = {tensor.name for tensor in graph.initializer}
        graph.initializer.extend(tensor for tensor in builder.initializer if tensor.name not in held)
        graph.node.extend(builder.nodes)
        graph.input.append(helper.make_tensor_value_info("incoming", TensorProto.FLOAT, case.cotangent.shape))
        for domain in sorted({function.domain for function in builder.functions}):
            model.opset_import.append(helper.make_opsetid(domain, 1))
        model.functions.extend(builder.functions)
        del graph.output[:]
        names = list(dict.fromkeys(gradients.values()))
        graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        if builder.functions:
            model = onnx.inliner.inline_local_functions(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = dict(zip(names, session.run(None, {**feeds, "incoming": case.cotangent}), strict=True))
        found.error = case.error({target: values[name] for target, name in gradients.items()})
    except Exception as error:  # noqa: BLE001 - the outcome is what is measured
        found.note = f"{' '.join(str(error).split(';')[0].split())[:110]}"
    return found


def apart(model: onnx.ModelProto) -> None:
    """Renames inner values, so that names the backward makes up are not taken; constants become initialisers."""
    graph = model.graph
    for node in [node for node in graph.node if node.op_type == "Constant" and node.attribute[0].name == "value"]:
        graph.initializer.add().CopyFrom(node.attribute[0].t)
        graph.initializer[-1].name = node.output[0]
        graph.node.remove(node)
    outputs = {value.name for value in graph.output}
    inner = {name for node in graph.node for name in node.output if name and name not in outputs}
    for node in graph.node:
        for names in (node.input, node.output):
            renamed = [f"forward/{name}" if name in inner else name for name in names]
            del names[:]
            names.extend(renamed)
    del graph.value_info[:]


def in_process(command: list[str], read_gradients: Case | None = None) -> Outcome:
    """Runs a tool that prints one JSON line: loads, differentiates, gradients by name, error, obstacles, note."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return Outcome(note=f"not done within {SECONDS} s")
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return Outcome(note=(run.stderr.strip().splitlines() or ["ended without a word"])[-1][:110])
    said = json.loads(lines[-1])
    found = Outcome(said["loads"], said["differentiates"], said.get("error"), said.get("obstacles"), said.get("note", "")[:110])
    if read_gradients and said.get("gradients"):
        shapes = read_gradients.inputs
        found.error = read_gradients.error({n: np.array(v).reshape(shapes[n].shape) for n, v in said["gradients"].items()})
    return found


def write_case(case: Case, path: Path) -> None:
    onnx.save(case.model, path)
    path.with_suffix(".json").write_text(json.dumps({
        "inputs": {n: {"dtype": str(v.dtype), "shape": list(v.shape), "values": v.ravel().tolist()} for n, v in case.inputs.items()},
        "targets": [name for name in case.inputs if name in case.reference["gradients"]],
        "output": case.reference["output"],
        "cotangent": {"shape": list(case.cotangent.shape), "values": case.cotangent.ravel().tolist()},
    }))


def node_version(rivals: Path, package: str) -> str:
    return json.loads((rivals / "node_modules" / package / "package.json").read_text())["version"]


def page(results: dict[str, dict[str, Outcome]], rivals: Path) -> str:
    tools = {
        "Acuity": "this repository",
        "onnxsim graph_grad": f"onnxsim {version('onnxsim')}",
        "jax-js": f"@jax-js/jax {node_version(rivals, '@jax-js/jax')}, @jax-js/onnx {node_version(rivals, '@jax-js/onnx')}",
        "tfjs": f"@tensorflow/tfjs {node_version(rivals, '@tensorflow/tfjs')}",
    }
    count = len(results)
    lines = [
        "# Differentiating ONNX files: a comparison",
        "",
        f"Written by `tools/comparison/autodiff.py` on {date.today().isoformat()}; every cell was measured by it. The models are the narrow",
        "ones of `src/autodiff/fixtures/models`: real architectures, every kind of block, few channels. All gradients are",
        "compared with PyTorch's autograd in float64; right means a relative error of at most 1e-4.",
        "",
        "| | version | loads and runs | differentiates | right | on WebGPU |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for tool, what in tools.items():
        found = [row[tool] for row in results.values()]
        full = sum(o.differentiates == "all" for o in found)
        partial = sum(o.differentiates == "inputs" for o in found)
        gradients = f"{full}" + (f" (and {partial} with respect to inputs alone)" if partial else "")
        right = sum(o.right for o in found)
        measured = [o for o in found if o.obstacles is not None]
        gpu = f"{sum(not o.obstacles for o in measured)} of {count}" if measured else ("-" if tool == "tfjs" else "not measured")
        lines.append(f"| {tool} | {what} | {sum(o.loads for o in found)} of {count} | {gradients} | {right} | {gpu} |")
    lines += [
        "",
        "How each was run:",
        "",
        "- Acuity: `specialise`, `gradient` for every weight and input, onnxruntime-node. \"On WebGPU\" counts files whose",
        "  forward and backward nodes are all operators that `e2e/operators.spec.ts` runs on WebGPU without a fallback; the",
        "  models themselves were run on the CPU here. As in the app, an int64 timestep was made float32.",
        "- onnxsim graph_grad: `onnxsim.simplify` with fixed sizes, ONNX's shape inference, `build_backward` over all nodes",
        "  with weights as inputs, onnxruntime; in the file's operator set and converted to 17, whichever went further. It is",
        "  made for blocks of a model; whole models are more than it promises.",
        "- jax-js: `ONNXModel.run` and `grad` under Node, WebAssembly backend (`navigator` and iterator helpers, which",
        "  browsers have and Node 20 lacks, were put in). Its model holds the weights, so gradients are of inputs; text",
        "  encoders have none. WebGPU was not measured.",
        "- tfjs: `loadGraphModel` was given the file. It reads TensorFlow's formats, so nothing further could be measured.",
        f"- A tool had {SECONDS} s for a model. External data was put into the files beforehand.",
        "",
        "| model | file | Acuity | onnxsim graph_grad | jax-js | tfjs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for key, row in results.items():
        cells = " | ".join(row[tool].cell().replace("|", "/") for tool in tools)
        lines.append(f"| {key.replace(' ', ' | ')} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    rivals = Path(sys.argv[1]).resolve()
    only = set(sys.argv[2:])
    results: dict[str, dict[str, Outcome]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for folder in sorted(MODELS.iterdir()):
            if only and folder.name not in only:
                continue
            files = json.loads((folder / "reference.json").read_text())["files"]
            for file in [name for name in files if name in ("torchscript-17", "dynamo-18")]:
                case = read(folder, file)
                path = Path(temporary) / "model.onnx"
                write_case(case, path)
                row = {
                    "Acuity": in_process(["npx", "tsx", str(HERE / "acuity.ts"), folder.name, file]),
                    "onnxsim graph_grad": graph_grad(case),
                    "jax-js": in_process(["node", str(HERE / "jax-js.mjs"), str(rivals), str(path)], case),
                    "tfjs": in_process(["node", str(HERE / "tfjs.mjs"), str(rivals), str(path)]),
                }
                results[f"{folder.name} {file}"] = row
                print(folder.name, file, {tool: outcome.cell() for tool, outcome in row.items()}, flush=True)
    if not only:
        PAGE.write_text(page(results, rivals))


if __name__ == "__main__":
    main()
