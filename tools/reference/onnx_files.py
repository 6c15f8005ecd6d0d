"""Writes the small ONNX files that the reader and the writer of models are tested with.

Usage: python -m tools.reference.onnx_files  (needs onnx, onnxscript, numpy, torch)

Each file comes with a JSON of what the Python package `onnx` reads in it: the nodes, and type, shape, first values
and SHA-256 of every tensor as little-endian bytes. Everything is seeded; a second run writes the same values.
"""

import hashlib
import json
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxscript
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxscript import opset18 as op

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "src" / "onnx" / "fixtures"
rng = np.random.default_rng(7)


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def value(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(graph, opset=17, ir=8, **more):
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="onnx_files", **more
    )
    made.ir_version = ir
    return made


def every_dtype():
    """raw_data of every element type, one of them long, each of them an output."""
    arrays = {
        "float32": floats(3, 5),
        "long": floats(40, 60),
        "float16": floats(4, 2).astype(np.float16),
        "float64": rng.standard_normal(3),
        "int8": np.array([-128, -1, 0, 127], np.int8),
        "int16": np.array([-32768, 32767], np.int16),
        "int32": np.array([[-(2**31), 2**31 - 1]], np.int32),
        "int64": np.array([-(2**63), 2**63 - 1, 5], np.int64),
        "uint8": np.array([0, 255], np.uint8),
        "uint16": np.array([0, 65535], np.uint16),
        "uint32": np.array([0, 2**32 - 1], np.uint32),
        "uint64": np.array([0, 2**64 - 1], np.uint64),
        "bool": np.array([True, False, True]),
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((0, 4), np.float32),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    bf16 = floats(6).astype(ml_dtypes.bfloat16)
    tensors.append(helper.make_tensor("bfloat16", TensorProto.BFLOAT16, [6], bf16.tobytes(), raw=True))
    return identities(tensors)


def typed_fields():
    """The same types in float_data, int32_data and their like, as older converters write them."""
    half = np.array([0.5, -2.0, 65504.0, 6e-8, np.inf], np.float16)
    bf16 = np.array([1.0, -3.5, 1e38], ml_dtypes.bfloat16)
    tensors = [
        helper.make_tensor("float32", TensorProto.FLOAT, [2, 3], floats(6)),
        helper.make_tensor("long", TensorProto.FLOAT, [50, 30], floats(1500)),
        helper.make_tensor("float64", TensorProto.DOUBLE, [3], rng.standard_normal(3)),
        helper.make_tensor("float16", TensorProto.FLOAT16, [5], half),
        helper.make_tensor("long16", TensorProto.FLOAT16, [3000], floats(3000).astype(np.float16)),
        helper.make_tensor("bfloat16", TensorProto.BFLOAT16, [3], bf16),
        helper.make_tensor("int8", TensorProto.INT8, [3], [-128, -1, 127]),
        helper.make_tensor("int16", TensorProto.INT16, [2], [-32768, 32767]),
        helper.make_tensor("int32", TensorProto.INT32, [2], [-(2**31), 2**31 - 1]),
        helper.make_tensor("uint8", TensorProto.UINT8, [2], [0, 255]),
        helper.make_tensor("uint16", TensorProto.UINT16, [2], [0, 65535]),
        helper.make_tensor("bool", TensorProto.BOOL, [3], [True, False, True]),
        helper.make_tensor("int64", TensorProto.INT64, [3], [-(2**63), 2**63 - 1, 5]),
        helper.make_tensor("uint32", TensorProto.UINT32, [2], [0, 2**32 - 1]),
        helper.make_tensor("uint64", TensorProto.UINT64, [2], [0, 2**64 - 1]),
        helper.make_tensor("string", TensorProto.STRING, [2], ["größer", "b"]),
    ]
    return identities(tensors)


def identities(tensors):
    nodes, outputs = [], []
    for t in tensors:
        # onnxruntime's JavaScript binding knows no bfloat16 outputs.
        bf16 = t.data_type == TensorProto.BFLOAT16
        op_type, more = ("Cast", {"to": TensorProto.FLOAT}) if bf16 else ("Identity", {})
        nodes.append(helper.make_node(op_type, [t.name], [f"{t.name}_out"], name=f"id_{t.name}", **more))
        outputs.append(value(f"{t.name}_out", TensorProto.FLOAT if bf16 else t.data_type, list(t.dims)))
    return model(helper.make_graph(nodes, "identities", [], outputs, tensors), opset=16)


def initializers_as_inputs():
    """IR version 3: initialisers stand among the inputs too."""
    weight, bias = floats(8, 4), floats(4)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], name="linear")],
        "linear",
        [
            value("x", TensorProto.FLOAT, ["batch", 8]),
            value("weight", TensorProto.FLOAT, [8, 4]),
            value("bias", TensorProto.FLOAT, [4]),
        ],
        [value("y", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    made = model(graph, opset=8, ir=3)
    helper.set_model_props(made, {"author": "nobody", "note": "two words"})
    return made


def constants():
    """Weights in the attributes of Constant nodes, one of them long, and constants of other kinds."""
    weight = numpy_helper.from_array(floats(64, 32), "")
    graph = helper.make_graph(
        [
            helper.make_node("Constant", [], ["weight"], value=weight),
            helper.make_node("Constant", [], ["one"], value_float=1.0),
            helper.make_node("Constant", [], ["axes"], value_ints=[1, 64]),
            helper.make_node("Reshape", ["x", "axes"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["product"]),
            helper.make_node("Add", ["product", "one"], ["y"]),
        ],
        "constants",
        [value("x", TensorProto.FLOAT, [8, 8])],
        [value("y", TensorProto.FLOAT, [1, 32])],
    )
    return model(graph)


def subgraphs():
    """If with two branches that read outer values and hold weights, untyped outputs, and an If inside."""

    def branch(name, nodes, output, tensors=()):
        graph = helper.make_graph(nodes, name, [], [], list(tensors))
        graph.output.add().name = output
        return graph

    scale = numpy_helper.from_array(floats(1500), "scale")
    shift = helper.make_tensor("shift", TensorProto.FLOAT, [1500], floats(1500))
    inner = helper.make_node(
        "If",
        ["deep"],
        ["inner_out"],
        name="inner",
        then_branch=branch("a", [helper.make_node("Neg", ["scaled"], ["a_out"])], "a_out"),
        else_branch=branch("b", [helper.make_node("Abs", ["scaled"], ["b_out"])], "b_out"),
    )
    outer = helper.make_node(
        "If",
        ["wide"],
        ["y"],
        name="outer",
        then_branch=branch("then", [helper.make_node("Mul", ["x", "scale"], ["scaled"]), inner], "inner_out", [scale]),
        else_branch=branch("else", [helper.make_node("Add", ["x", "shift"], ["shifted"])], "shifted", [shift]),
    )
    graph = helper.make_graph(
        [outer],
        "branches",
        [value("wide", TensorProto.BOOL, []), value("deep", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, [1500])],
        [value("y", TensorProto.FLOAT, [1500])],
    )
    return model(graph, opset=17)


local = onnxscript.values.Opset("acuity.test", 1)


@onnxscript.script(local)
def Scale(x, factor: float):
    return op.Mul(x, op.CastLike(op.Constant(value_float=factor), x))


@onnxscript.script(local)
def ScaledGelu(x, factor: float = 0.5):
    half = op.CastLike(op.Constant(value_float=0.5), x)
    root = op.CastLike(op.Constant(value_float=1.41421356), x)
    return Scale(half * x * (1.0 + op.Erf(x / root)), factor=factor)


@onnxscript.script(default_opset=op)
def with_functions(x: onnxscript.FLOAT[2, 8]) -> onnxscript.FLOAT[2, 8]:
    a = ScaledGelu(x)
    b = ScaledGelu(a, factor=3.0)
    return Scale(a + b, factor=2.0)


def functions():
    """Model-local functions that call one another, with attributes passed on, defaulted and given."""
    made = with_functions.to_model_proto()
    made.ir_version = 8
    return made


class Block(torch.nn.Module):
    """A small vision block with what real encoders have: convolution, attention, norm, embedding, MLP."""

    def __init__(self):
        super().__init__()
        self.patch = torch.nn.Conv2d(3, 16, 4, stride=4)
        self.position = torch.nn.Parameter(torch.randn(1, 16, 16))
        self.norm = torch.nn.LayerNorm(16)
        self.qkv = torch.nn.Linear(16, 48)
        self.out = torch.nn.Linear(16, 16)
        self.mlp = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.GELU(), torch.nn.Linear(64, 16))

    def forward(self, pixels):
        x = self.patch(pixels).flatten(2).transpose(1, 2) + self.position
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        x = x + self.out(torch.softmax(q @ k.transpose(1, 2) / 4.0, dim=-1) @ v)
        return x + self.mlp(x)


def torch_block(dynamo):
    torch.manual_seed(3)
    path = OUT / "_export.onnx"
    args = (torch.zeros(2, 3, 16, 16),)
    names = {"input_names": ["pixels"], "output_names": ["tokens"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            torch.onnx.export(Block().eval(), args, path, dynamo=True, opset_version=18, external_data=False, **names)
        else:
            axes = {"pixels": {0: "batch"}, "tokens": {0: "batch"}}
            torch.onnx.export(
                Block().eval(), args, path, dynamo=False, opset_version=14, dynamic_axes=axes, **names
            )
    made = onnx.load(path)
    path.unlink()
    return made


def write_external(name):
    """Two files of external data, small tensors outside as well, one range used twice."""
    arrays = {"weight": floats(32, 16), "bias": floats(16), "gain": floats(16, 8), "axes": np.array([2, 8], np.int64)}
    shards = {"weight": "first.bin", "bias": "first.bin", "gain": "second.bin", "axes": "second.bin", "again": "first.bin"}
    arrays["again"] = arrays["weight"]
    offsets = {}
    blobs = {"first.bin": b"", "second.bin": b"\0" * 12}
    tensors = []
    for key, array in arrays.items():
        shard = shards[key]
        if key == "again":
            offset = offsets["weight"]
        else:
            offset = offsets[key] = len(blobs[shard])
            blobs[shard] += array.tobytes()
        tensor = TensorProto(name=key, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        for k, v in {"location": shard, "offset": offset, "length": array.nbytes}.items():
            tensor.external_data.add(key=k, value=str(v))
        tensors.append(tensor)
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "weight", "bias"], ["h"]),
            helper.make_node("Gemm", ["x", "again", "bias"], ["h2"]),
            helper.make_node("Add", ["h", "h2"], ["s"]),
            helper.make_node("MatMul", ["s", "gain"], ["m"]),
            helper.make_node("Reshape", ["m", "axes"], ["y"]),
        ],
        "external",
        [value("x", TensorProto.FLOAT, [2, 32])],
        [value("y", TensorProto.FLOAT, [2, 8])],
        tensors,
    )
    for shard, blob in blobs.items():
        (OUT / shard).write_bytes(blob)
    (OUT / f"{name}.onnx").write_bytes(model(graph).SerializeToString())


def describe_tensor(tensor):
    array = numpy_helper.to_array(tensor)
    strings = array.dtype == object
    described = {"dtype": TensorProto.DataType.Name(tensor.data_type), "shape": list(array.shape)}
    if strings:
        return {**described, "strings": [s.decode() if isinstance(s, bytes) else s for s in array.ravel().tolist()]}
    return {**described, "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()}


def describe_graph(graph):
    return {
        "inputs": [v.name for v in graph.input],
        "outputs": [v.name for v in graph.output],
        "initializers": {t.name: describe_tensor(t) for t in graph.initializer},
        "nodes": [describe_node(n) for n in graph.node],
    }


def describe_node(node):
    described = {"name": node.name, "op": node.op_type, "domain": node.domain}
    described.update(inputs=list(node.input), outputs=list(node.output), attributes={})
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            described["attributes"][attribute.name] = {"reference": attribute.ref_attr_name}
            continue
        got = helper.get_attribute_value(attribute)
        if attribute.type == onnx.AttributeProto.TENSOR:
            got = describe_tensor(got)
        elif attribute.type == onnx.AttributeProto.GRAPH:
            got = describe_graph(got)
        elif attribute.type == onnx.AttributeProto.STRING:
            got = got.decode()
        elif attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
            got = list(got)
        elif attribute.type == onnx.AttributeProto.STRINGS:
            got = [s.decode() for s in got]
        described["attributes"][attribute.name] = got
    return described


def describe(path):
    made = onnx.load(path)
    return {
        "irVersion": made.ir_version,
        "opsets": {o.domain: o.version for o in made.opset_import},
        "producer": made.producer_name,
        "metadata": {p.key: p.value for p in made.metadata_props},
        "graph": describe_graph(made.graph),
        "functions": [
            {
                "name": f.name,
                "domain": f.domain,
                "inputs": list(f.input),
                "outputs": list(f.output),
                "attributes": list(f.attribute) + [a.name for a in f.attribute_proto],
                "nodes": [describe_node(n) for n in f.node],
            }
            for f in made.functions
        ],
    }


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    files = {
        "every-dtype": every_dtype(),
        "typed-fields": typed_fields(),
        "initializers-as-inputs": initializers_as_inputs(),
        "constants": constants(),
        "subgraphs": subgraphs(),
        "functions": functions(),
        "torchscript-block": torch_block(dynamo=False),
        "dynamo-block": torch_block(dynamo=True),
    }
    for name, made in files.items():
        onnx.checker.check_model(made)
        (OUT / f"{name}.onnx").write_bytes(made.SerializeToString())
    write_external("external")
    for path in sorted(OUT.glob("*.onnx")):
        onnx.checker.check_model(str(path))
        path.with_suffix(".json").write_text(json.dumps(describe(path), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
