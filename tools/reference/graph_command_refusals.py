"""What tools/reference/graph_command.py expects `acuity graph` to refuse, and in which words."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import numpy as np


@dataclass
class Refusal:
    arguments: list[str]
    code: int
    #: Parts of the line on standard error.
    words: tuple[str, ...]


def value(name: str, shape: list[int | str], dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def save(folder: Path, name: str, nodes: list[onnx.NodeProto], shape: list[int | str], constants: dict[str, np.ndarray], out: list[int | str] | None = None) -> None:
    graph = helper.make_graph(
        nodes, name, [value("x", shape)], [value("y", out if out is not None else shape)],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("my.domain", 1)])
    model.ir_version = 8
    onnx.save(model, folder / name)


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.cell = kind(4, 6, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x)[0].sum(-1)


class DataIf(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            y = torch.sin(x)
        else:
            y = x * x
        return y


class Count(nn.Module):
    def forward(self, x: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        for _ in range(int(count)):
            x = torch.sin(x)
        return x


def recurrent(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in (nn.LSTM, nn.GRU):
            torch.onnx.export(Recurrent(kind), (torch.randn(2, 3, 4),), str(folder / f"{kind.__name__}.onnx"), dynamo=False,
                              input_names=["x"], output_names=["y"], opset_version=17)
        torch.onnx.export(torch.jit.script(DataIf()), (torch.randn(3),), str(folder / "If.onnx"), dynamo=False,
                          input_names=["x"], output_names=["y"], opset_version=17)
        torch.onnx.export(torch.jit.script(Count()), (torch.randn(3), torch.tensor(3)), str(folder / "Loop.onnx"), dynamo=False,
                          input_names=["x", "count"], output_names=["y"], opset_version=17)


def refusals(folder: Path) -> dict[str, Refusal]:
    recurrent(folder)
    w = {"w": np.ones((4, 4), np.float32)}
    node = helper.make_node
    save(folder, "good.onnx", [node("MatMul", ["x", "w"], ["y"], "product")], [2, 4], w)
    save(folder, "free.onnx", [node("MatMul", ["x", "w"], ["y"], "product")], ["rows", 4], w)
    save(folder, "custom.onnx", [node("MatMul", ["x", "w"], ["h"], "product"), node("Wobble", ["h"], ["y"], "wobbly", domain="my.domain")], [2, 4], w)
    save(folder, "unknown.onnx", [node("Frobnicate", ["x"], ["y"], "frob")], [2, 4], {})
    save(folder, "det.onnx", [node("MatMul", ["x", "w"], ["h"], "product"), node("Det", ["h"], ["d"], "determinant"), node("Neg", ["d"], ["y"], "minus")], [4, 4], w, [])
    save(folder, "floor.onnx", [node("MatMul", ["x", "w"], ["h"], "product"), node("Floor", ["h"], ["y"], "down")], [2, 4], w)
    save(folder, "cycle.onnx", [node("Add", ["x", "b"], ["a"], "one"), node("Neg", ["a"], ["b"], "two"), node("Neg", ["b"], ["y"], "three")], [2], {})
    save(folder, "shapes.onnx", [node("MatMul", ["x", "w"], ["y"], "product")], [2, 3], w)
    save(folder, "unlinked.onnx", [node("Neg", ["x"], ["y"], "minus")], [2, 4], w)
    save(folder, "sampled.onnx", [node("RandomNormalLike", ["x"], ["r"], "noise"), node("Mul", ["x", "r"], ["y"], "times")], [2, 4], {})
    save(folder, "chosen.onnx", [node("ArgMax", ["x"], ["i"], "best", axis=1, keepdims=0), node("Cast", ["i"], ["y"], "number", to=1)], [2, 4], {}, [2])
    save(folder, "found.onnx", [node("NonZero", ["x"], ["i"], "where"), node("Cast", ["i"], ["y"], "number", to=1)], [2, 4], {}, [2, "n"])
    (folder / "truncated.onnx").write_bytes((folder / "LSTM.onnx").read_bytes()[:300])
    (folder / "text.onnx").write_text("not a model at all")
    (folder / "empty.onnx").write_bytes(b"")

    def refuse(file: str, *words: str, loss: str = "y", targets: str = "all", more: tuple[str, ...] = ("--seed-gradient",)) -> Refusal:
        return Refusal([file, "--loss", loss, "--targets", targets, "--out", "out.onnx", *more], 2, words)

    def usage(*arguments: str) -> Refusal:
        return Refusal(list(arguments), 64, ("usage",))

    good = ("good.onnx", "--loss", "y", "--targets", "all", "--out", "out.onnx")
    return {
        "LSTM": refuse("LSTM.onnx", "LSTM", "node", "path", "shapes"),
        "GRU": refuse("GRU.onnx", "GRU", "node", "path", "shapes"),
        "undecided If": refuse("If.onnx", "If", "node", "path"),
        "Loop": refuse("Loop.onnx", "Loop", "node", "path"),
        "custom operator": refuse("custom.onnx", "my.domain::Wobble", "wobbly", "shapes [2, 4]", "path y"),
        "unknown operator": refuse("unknown.onnx", "Frobnicate", "frob", "shapes [2, 4]", "path y"),
        "operator without a rule": refuse("det.onnx", "Det", "determinant", "path", "shapes [4, 4]", more=()),
        "step function": refuse("floor.onnx", "Floor", "down", "path", targets="w"),
        "out in no folder": Refusal(["good.onnx", "--loss", "y", "--targets", "w", "--out", "none/out.onnx", "--seed-gradient"], 2, ("none/out.onnx",)),
        "cycle": refuse("cycle.onnx"),
        "contradicting shapes": refuse("shapes.onnx", "MatMul", "product", "[2, 3] [4, 4]"),
        "loss that is not a scalar": refuse("good.onnx", "[2, 4]", "--seed-gradient", more=()),
        "no such loss": refuse("good.onnx", '"z"', loss="z"),
        "no such target": refuse("good.onnx", '"v"', targets="v"),
        "target out of reach": refuse("unlinked.onnx", '"w"', "depend", targets="w"),
        "whole numbers": refuse("chosen.onnx", targets="x"),
        "no float on the way": refuse("chosen.onnx", "y"),
        "size that depends on data": refuse("found.onnx", "NonZero", "where"),
        "free axis": refuse("free.onnx", "x", "--batch", more=()),
        "wrong rank": refuse("free.onnx", "x", more=("--shape", "x=2")),
        "contradicting shape option": refuse("free.onnx", more=("--shape", "x=2,5", "--seed-gradient")),
        "no such input": refuse("free.onnx", '"q"', more=("--shape", "q=2,4")),
        "no such file": refuse("missing.onnx", "missing.onnx"),
        "truncated file": refuse("truncated.onnx"),
        "text file": refuse("text.onnx"),
        "empty file": refuse("empty.onnx"),
        "no arguments": usage(),
        "no loss": usage("good.onnx", "--targets", "all", "--out", "out.onnx"),
        "no targets": usage("good.onnx", "--loss", "y", "--out", "out.onnx"),
        "no out": usage("good.onnx", "--loss", "y", "--targets", "all"),
        "unknown option": usage(*good, "--wrong"),
        "batch that is no number": usage(*good, "--batch", "two"),
        "shape that is none": usage(*good, "--shape", "x:2,4"),
        "two models": usage("good.onnx", *good),
    }
