"""Types and values of single operators, as ONNX's reference evaluator and onnxruntime compute them.

Usage: python -m tools.reference.operator_cases  (needs onnx, onnxruntime, numpy)

Type inference and constant folding are tested with these: operators of every family, old opsets beside new ones,
negative axes, empty lists, broadcasting, integer and half-precision arithmetic. Seeded; a second run writes the same.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "src" / "onnx" / "fixtures" / "specialise" / "operators.json"
CASES: list[dict] = []


def i64(*values):
    return np.array(values, np.int64)


def f32(*shape, seed=0):
    rng = np.random.default_rng(seed + zlib.crc32(repr(shape).encode()))
    return np.round(rng.standard_normal(shape), 3).astype(np.float32)


def positive(*shape):
    return np.abs(f32(*shape)) + np.float32(0.125)


def numbers(array):
    def spell(x):
        if isinstance(x, float) and not np.isfinite(x):
            return "NaN" if np.isnan(x) else ("Infinity" if x > 0 else "-Infinity")
        return int(x) if isinstance(x, bool) else x

    # Nine digits tell every float32 apart; the rest would be noise of the conversion.
    values = [float(f"{x:.9g}") if isinstance(x, float) else x for x in array.reshape(-1).tolist()]
    return [spell(x) for x in values]


def tensor(array):
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": numbers(array)}


def given_tensor(array, types_only):
    spelled = tensor(array)
    if types_only and array.dtype.kind == "f" and array.size > 8:
        del spelled["values"]
    return spelled


def attribute(value):
    if isinstance(value, np.ndarray):
        return {"type": "tensor", "value": tensor(value)}
    if isinstance(value, str):
        return {"type": "string", "value": value}
    if isinstance(value, float):
        return {"type": "float", "value": value}
    if isinstance(value, int):
        return {"type": "int", "value": value}
    kind = "floats" if value and isinstance(value[0], float) else "ints"
    return {"type": kind, "value": list(value)}


def case(op, *inputs, outputs=1, opset=21, types_only=False, runtime=False, domain="", **attributes):
    """Runs one node, in onnxruntime where asked; `None` stands for an omitted input."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    spelled = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], domain=domain, **spelled)
    given = [(n, x) for n, x in zip(names, inputs) if x is not None]
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in given]
    results = [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT if runtime else TensorProto.UNDEFINED, None) for i in range(outputs)]
    graph = helper.make_graph([node], "case", infos, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    if runtime:
        model.ir_version = 10
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        values = session.run(None, dict(given))
    else:
        values = ReferenceEvaluator(model).run(None, dict(given))
    CASES.append(
        {
            "op": op,
            **({"domain": domain} if domain else {}),
            "opset": opset,
            "attributes": {k: attribute(v) for k, v in attributes.items()},
            "inputs": [None if x is None else given_tensor(x, types_only) for x in inputs],
            "outputs": [
                {"dtype": str(y.dtype), "shape": list(y.shape)} if types_only else tensor(y)
                for y in (np.asarray(y) for y in values)
            ],
        }
    )


def elementwise():
    for op in ["Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign"]:
        case(op, f32(2, 3))
    for op in ["Sin", "Softplus", "Softsign", "Tan", "Tanh", "Elu", "Selu", "Mish", "HardSwish", "HardSigmoid", "LeakyRelu"]:
        case(op, f32(2, 3))
    for op in ["Sqrt", "Log"]:
        case(op, positive(2, 3))
    case("Round", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32))
    case("Erf", np.array([-7, -3, -2.5, -1e-4, 0, 0.3, 2.49, 2.51, 5.9], np.float32))
    case("Gelu", f32(2, 3))
    case("Gelu", f32(2, 3), approximate="tanh")
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Greater", "LessOrEqual", "Pow"]:
        case(op, positive(2, 1, 3), positive(4, 1))
    case("Add", f32(0, 3), f32(1, 3))
    case("Add", np.array([1.0, 2048.0], np.float16), np.array([1.0009765625], np.float16))
    case("Div", i64(7, -7, 7, -7), i64(2, 2, -2, -2))
    case("Mod", i64(7, -7, 7, -7), i64(3, 3, -3, -3))
    case("Mod", i64(7, -7, 7, -7), i64(3, 3, -3, -3), fmod=1)
    case("Mod", f32(4), np.array([0.5], np.float32), fmod=1)
    case("Pow", i64(2, 3, -2), i64(3, 2, 3))
    case("Less", i64(1, 2**62), i64(2, 5))
    case("Where", np.array([[True], [False]]), i64(1, 2, 2**62), i64(9))
    case("Clip", f32(2, 3), np.array(-0.5, np.float32), np.array(0.25, np.float32))
    case("Clip", i64(-5, 0, 5), None, np.array(3, np.int64))
    case("Clip", f32(2, 3), opset=6, min=-0.5, max=0.25)
    case("Cast", np.array([-1.7, 0.0, 2.9, 300.0], np.float32), to=TensorProto.INT64)
    case("Cast", np.array([1 / 3, 65519.0, 65520.0, 1e-8], np.float32), to=TensorProto.FLOAT16)
    case("Cast", np.array([0.5, 0.0], np.float32), to=TensorProto.BOOL)
    case("CastLike", i64(1, 2), f32(1))
    case("And", np.array([True, False]), np.array([[True], [False]]))
    case("Not", np.array([True, False]))
    case("IsNaN", np.array([np.nan, 1, np.inf], np.float32))
    case("Sum", f32(2, 3), f32(3), f32(1, 1))


def movement():
    x = f32(2, 3, 4)
    case("Reshape", x, i64(0, -1, 2))
    case("Reshape", f32(0, 3), i64(3, 0), allowzero=1)
    case("Transpose", x)
    case("Transpose", x, perm=[2, 0, 1])
    case("Squeeze", f32(1, 3, 1), i64(-1))
    case("Squeeze", f32(1, 3, 1))
    case("Squeeze", f32(1, 3, 1), opset=11, axes=[0, 2])
    case("Unsqueeze", x, i64(-1, 0))
    case("Unsqueeze", x, opset=11, axes=[1])
    case("Flatten", x, axis=-1)
    case("Flatten", x, axis=0)
    case("Slice", x, i64(1, -3), i64(2**63 - 1, 2**31), i64(-1, 1), i64(2, 1))
    case("Slice", x, i64(-1), i64(-(2**63)), i64(2), i64(-1))
    case("Slice", x, i64(5), i64(9), i64(2))
    case("Slice", x, opset=9, starts=[1], ends=[-1], axes=[2])
    case("Concat", x, f32(2, 1, 4), f32(2, 0, 4), axis=-2)
    case("Split", x, i64(1, 3), outputs=2, axis=-1)
    case("Split", x, outputs=2, axis=2, opset=13)
    case("Split", f32(7), outputs=3, num_outputs=3, opset=18)
    case("Split", x, outputs=2, axis=1, split=[1, 2], opset=11)
    case("Pad", f32(2, 3), i64(1, 0, 0, 2), np.array(1.5, np.float32))
    case("Pad", f32(2, 3), i64(2, 1), None, i64(1), mode="edge")
    case("Pad", f32(2, 4), i64(0, 2, 0, 3), mode="reflect")
    case("Pad", f32(2, 3), i64(0, 2, 0, 2), mode="wrap")
    case("Expand", f32(3, 1), i64(2, 1, 4))
    case("Tile", f32(2, 3), i64(2, 2))
    case("Trilu", f32(2, 3, 4))
    case("Trilu", f32(3, 4), np.array(-1, np.int64), upper=0)
    case("DepthToSpace", f32(1, 8, 1, 2), blocksize=2)
    case("DepthToSpace", f32(1, 8, 1, 2), blocksize=2, mode="CRD")
    case("SpaceToDepth", f32(1, 2, 2, 4), blocksize=2)


def indexing():
    x = f32(2, 3, 4)
    case("Gather", x, np.array([[0, -1]], np.int64), axis=1)
    case("Gather", x, np.array(2, np.int32), axis=-1)
    case("GatherElements", x, np.array([[[0, 1, 2, 0], [2, 2, 1, 1]]] * 2, np.int64), axis=1)
    case("GatherND", x, np.array([[0, 1], [1, -1]], np.int64))
    case("GatherND", x, np.array([[1], [0]], np.int64), batch_dims=1)
    indices = np.array([[1, 0], [-1, 2]], np.int64)
    case("ScatterElements", f32(3, 2), indices, f32(2, 2), axis=0)
    case("ScatterElements", f32(3, 2), indices, f32(2, 2), axis=0, reduction="add", opset=18)
    case("ScatterND", f32(4, 2), np.array([[2], [0]], np.int64), f32(2, 2))
    case("ScatterND", f32(4, 2), np.array([[2], [2]], np.int64), f32(2, 2), reduction="max", opset=18)
    case("NonZero", np.array([[1, 0, 2], [0, 3, 0]], np.int64))
    case("OneHot", i64(0, -1, 5), np.array(3, np.int64), np.array([0.5, 2.0], np.float32), axis=0)
    case("TopK", f32(2, 5), i64(3), outputs=2, types_only=True, axis=-1)
    case("ArgMax", f32(2, 5), axis=1, keepdims=0)
    case("ArgMin", np.array([[2, 1, 1]], np.float32), axis=-1, select_last_index=1)
    case("CumSum", f32(2, 3), np.array(-1, np.int64))
    case("CumSum", i64(1, 2, 3), np.array(0, np.int64), exclusive=1, reverse=1)
    case("Compress", f32(2, 3), np.array([True, False, True]), axis=1, types_only=True)


def generators():
    case("Shape", f32(2, 3, 4))
    case("Shape", f32(2, 3, 4), start=1, end=-1)
    case("Size", f32(2, 3, 4))
    case("ConstantOfShape", i64(2, 0, 3))
    case("ConstantOfShape", i64(2, 2), value=np.array([7], np.int64))
    case("Range", np.array(10, np.int64), np.array(4, np.int64), np.array(-4, np.int64))
    case("Range", np.array(0, np.float32), np.array(1, np.float32), np.array(0.25, np.float32))
    case("EyeLike", np.zeros((2, 3), np.int64), k=1, dtype=TensorProto.FLOAT)
    case("Constant", value_ints=[1, 2, 3])
    case("Constant", value_float=0.5)


def reductions():
    x = f32(2, 3, 4)
    for op in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp"]:
        case(f"Reduce{op}", x, i64(-1, 0))
        case(f"Reduce{op}", x, opset=12, axes=[1], keepdims=0)
    case("ReduceSum", x)
    case("ReduceSum", x, i64(), noop_with_empty_axes=1, types_only=True)
    case("ReduceProd", i64(2, 3, 4), keepdims=0)
    case("Softmax", x, axis=1)
    case("LogSoftmax", x)


def linear_algebra():
    case("MatMul", f32(2, 1, 3, 4), f32(5, 4, 2))
    case("MatMul", f32(4), f32(3, 4, 2))
    case("MatMul", f32(3, 4), f32(4))
    case("MatMul", np.array([[1, 2]], np.int32), np.array([[3], [4]], np.int32))
    case("Gemm", f32(4, 3), f32(2, 4), f32(2), transA=1, transB=1, types_only=True)
    case("Einsum", f32(2, 3, 4), f32(2, 4, 5), equation="bij, bjk -> bik", types_only=True)
    case("Einsum", f32(2, 3, 4), f32(5, 4), equation="...j,kj->...k", types_only=True)
    case("Einsum", f32(3, 3), equation="ii", types_only=True)


# The reference evaluator has no grouped transposed convolution of several channels: a runtime gives these types.
RUN = {"types_only": True, "runtime": True}


def windows():
    image = f32(1, 4, 9, 8)
    for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        case("Conv", image, f32(6, 4, 3, 3), auto_pad=auto_pad, strides=[2, 2], **RUN)
        case("AveragePool", image, auto_pad=auto_pad, kernel_shape=[3, 2], strides=[2, 2], **RUN)
    case("Conv", image, f32(6, 2, 3, 2), f32(6), group=2, dilations=[2, 1], pads=[1, 0, 2, 1], **RUN)
    case("Conv", f32(1, 2, 7), f32(3, 2, 3), strides=[2], **RUN)
    case("ConvTranspose", f32(1, 4, 3, 3), f32(4, 2, 3, 3), strides=[2, 2], output_padding=[1, 1], pads=[1, 1, 1, 1], **RUN)
    case("ConvTranspose", f32(1, 4, 3, 3), f32(4, 2, 2, 2), group=2, strides=[2, 2], **RUN)
    for ceil_mode in [0, 1]:
        case("MaxPool", image, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=ceil_mode, **RUN)
        case("AveragePool", image, kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=ceil_mode, **RUN)
    case("GlobalAveragePool", image, **RUN)
    nearest = {"mode": "nearest", **RUN}
    case("Resize", f32(1, 1, 5, 7), None, np.array([1, 1, 1.5, 0.6], np.float32), **nearest)
    case("Resize", f32(1, 1, 5, 7), None, None, i64(1, 1, 3, 9), **nearest)
    case("Resize", f32(1, 1, 5, 7), None, None, i64(9, 9), axes=[2, 3], keep_aspect_ratio_policy="not_larger", **nearest)
    case("LayerNormalization", f32(2, 3, 4), f32(4), f32(4), axis=-1, **RUN)
    case("InstanceNormalization", f32(2, 3, 4), f32(3), f32(3), **RUN)
    case("GroupNormalization", f32(2, 4, 3), f32(4), f32(4), num_groups=2, **RUN)
    case("BatchNormalization", f32(2, 3, 4), positive(3), f32(3), f32(3), positive(3), **RUN)
    case("RMSNormalization", f32(2, 3, 4), f32(4), opset=23, **RUN)
    qkv = [f32(2, 3, 8), f32(2, 5, 4), f32(2, 5, 4)]
    case("Attention", *qkv, q_num_heads=4, kv_num_heads=2, opset=23, **RUN)


def recurrent():
    for op, gates, outputs in [("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)]:
        x, weights = f32(5, 2, 3), [f32(1, gates * 4, 3), f32(1, gates * 4, 4)]
        case(op, x, *weights, outputs=outputs, hidden_size=4, **RUN)
        both = [np.concatenate([w, w]) for w in weights]
        case(op, x, *both, outputs=outputs, hidden_size=4, direction="bidirectional", **RUN)
        case(op, x, *weights, outputs=outputs, hidden_size=4, layout=1, types_only=True)


def contrib():
    """Operators of onnxruntime's own that it can run without an accelerator."""
    own = {**RUN, "domain": "com.microsoft"}
    x = f32(2, 3, 8)
    case("FusedMatMul", f32(2, 4, 3), f32(2, 5, 4), transA=1, transB=1, alpha=0.5, **own)
    case("FusedMatMul", f32(3, 2, 4), f32(2, 4, 5), transBatchA=1, **own)
    case("FastGelu", x, f32(8), **own)
    case("BiasGelu", x, f32(8), **own)
    case("QuickGelu", x, alpha=1.702, **own)
    case("Gelu", x, **own)
    case("SkipLayerNormalization", x, x, f32(8), f32(8), f32(8), epsilon=1e-5, **own)
    case("SkipSimplifiedLayerNormalization", x, x, f32(8), epsilon=1e-5, **own)
    case("SimplifiedLayerNormalization", x, f32(8), outputs=2, epsilon=1e-5, axis=-1, **RUN)
    case("MultiHeadAttention", x, f32(2, 5, 8), f32(2, 5, 6), num_heads=2, **own)
    case("MultiHeadAttention", x, f32(2, 2, 5, 4), f32(2, 2, 5, 4), num_heads=2, **own)
    case("Attention", x, f32(8, 24), f32(24), num_heads=2, **own)
    case("Attention", x, f32(8, 22), f32(22), num_heads=2, qkv_hidden_sizes=[8, 8, 6], **own)
    case("RotaryEmbedding", x, np.arange(6).reshape(2, 3), f32(6, 2), f32(6, 2), num_heads=2, **own)
    case("FusedConv", f32(1, 4, 9, 8), f32(6, 4, 3, 3), pads=[1, 1, 1, 1], activation="Relu", **own)
    case("FusedGemm", f32(4, 3), f32(3, 2), f32(2), activation="Relu", **own)


def main() -> None:
    for family in [elementwise, movement, indexing, generators, reductions, linear_algebra, windows, recurrent, contrib]:
        family()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
    OUT.write_text(f"[\n{lines}\n]\n")
    print(f"{len(CASES)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
