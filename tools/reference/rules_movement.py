"""Gradients of operators that move, reduce, gather and scatter elements, for src/autodiff/rules/pytorch.test.ts.

    python -m tools.reference.rules_movement
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .rule_cases import Cases


def ints(values: Sequence, shape: Sequence[int] | None = None) -> dict:
    array = np.asarray(values, dtype=np.int64)
    return {"dtype": "int64", "shape": list(shape or array.shape), "values": array.flatten().tolist()}


def movement() -> None:
    cases = Cases("movement")
    shape = [2, 3, 4]
    cases.add("", "Reshape", [shape, None], lambda x: x.reshape(4, 6), constants={1: ints([4, -1])})
    cases.add("", "Flatten", [shape], lambda x: x.flatten(1), attributes={"axis": 1})
    cases.add("", "Squeeze", [[2, 1, 3], None], lambda x: x.squeeze(1), constants={1: ints([1])})
    cases.add("", "Unsqueeze", [[2, 3], None], lambda x: x[:, None], constants={1: ints([1])})
    cases.add("", "Transpose", [shape], lambda x: x.permute(2, 0, 1), attributes={"perm": [2, 0, 1]})
    cases.add("reversing", "Transpose", [shape], lambda x: x.permute(2, 1, 0))
    cases.add("", "Expand", [[3, 1], None], lambda x: x.expand(2, 3, 4), constants={1: ints([2, 1, 4])})
    cases.add("", "Concat", [[2, 1], [2, 3], [2, 2]], lambda *x: torch.cat(x, 1), attributes={"axis": 1})
    cases.add("one part", "Concat", [[2, 2], None], lambda x: torch.cat([x, torch.ones(2, 3)], 1).double(),
              constants={1: {"dtype": "float", "shape": [2, 3], "values": [1] * 6}}, attributes={"axis": -1})
    for label, index, starts, ends, axes, steps in [
        ("plain", np.s_[:, 1:3], [1], [3], [1], [1]),
        ("strided", np.s_[..., 1::2], [1], [2**62], [2], [2]),
        ("both ends", np.s_[1:, :-1], [1, 0], [9, -1], [0, 1], [1, 1]),
    ]:
        cases.add(
            label,
            "Slice",
            [[2, 3, 5], None, None, None, None],
            lambda x, index=index: x[index],
            constants={1: ints(starts), 2: ints(ends), 3: ints(axes), 4: ints(steps)},
        )
    cases.add(
        "reversed",
        "Slice",
        [[2, 5], None, None, None, None],
        lambda x: x.flip(1)[:, ::2],
        constants={1: ints([-1]), 2: ints([-6]), 3: ints([1]), 4: ints([-2])},
    )
    # PyTorch lists the last axis first, before and after in turn; ONNX all before, then all after.
    for label, pads, onnx in [("grown", (1, 2, 0, 3), [0, 1, 3, 2]), ("cut", (-1, 2, 1, -1), [1, -1, -1, 2])]:
        cases.add(label, "Pad", [[3, 4], None], lambda x, p=pads: F.pad(x, p), constants={1: ints(onnx)})
    for mode, name in [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")]:
        cases.add(
            mode,
            "Pad",
            [[1, 2, 3, 4], None],
            lambda x, name=name: F.pad(x, (3, 2, 1, 2), mode=name),
            constants={1: ints([0, 0, 1, 3, 0, 0, 2, 2])},
            attributes={"mode": mode},
        )
    cases.add("", "Tile", [[2, 1, 3], None], lambda x: x.tile(2, 3, 2), constants={1: ints([2, 3, 2])})
    cases.add("", "DepthToSpace", [[2, 8, 2, 3]], lambda x: F.pixel_shuffle(x, 2),
              attributes={"blocksize": 2, "mode": "CRD"})
    cases.add(
        "",
        "DepthToSpace",
        [[2, 8, 2, 3]],
        lambda x: x.reshape(2, 2, 2, 2, 2, 3).permute(0, 3, 4, 1, 5, 2).reshape(2, 2, 4, 6),
        attributes={"blocksize": 2, "mode": "DCR"},
    )
    cases.add(
        "",
        "SpaceToDepth",
        [[2, 2, 4, 6]],
        lambda x: x.reshape(2, 2, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(2, 8, 2, 3),
        attributes={"blocksize": 2},
    )
    cases.add("upper", "Trilu", [[2, 3, 4], None], lambda x: x.triu(1), constants={1: ints(1, [])})
    cases.add("lower", "Trilu", [[4, 3]], torch.tril, attributes={"upper": 0})
    cases.write()


def reductions() -> None:
    cases = Cases("reduction")
    for axes, keep in [([1], 0), ([0, 2], 1), ([-1], 1), ([0, 1, 2], 0)]:

        def add(op, reference, label="", axes=axes, keep=keep, **options):
            cases.add(
                f"axes {axes}{label}",
                op,
                [[2, 3, 4], None],
                lambda x: reference(x, tuple(axes), bool(keep)),
                constants={1: ints(axes)},
                attributes={"keepdims": keep},
                **options,
            )

        add("ReduceSum", lambda x, a, k: x.sum(a, k))
        add("ReduceMean", lambda x, a, k: x.mean(a, k))
        add("ReduceSumSquare", lambda x, a, k: (x * x).sum(a, k))
        add("ReduceLogSum", lambda x, a, k: x.sum(a, k).log(), positive=[0])
        add("ReduceLogSumExp", lambda x, a, k: torch.logsumexp(x, a, k))
        for rounded in (None, 0.5):
            label = ", ties" if rounded else ""
            add("ReduceMax", lambda x, a, k: x.amax(a, k), label, rounded=rounded)
            add("ReduceMin", lambda x, a, k: x.amin(a, k), label, rounded=rounded)
            add("ReduceL1", lambda x, a, k: torch.linalg.vector_norm(x, 1, a, k), label, rounded=rounded)
            add("ReduceL2", lambda x, a, k: torch.linalg.vector_norm(x, 2, a, k), label, rounded=rounded)
    cases.add("of zeros", "ReduceL2", [[3, 4], None], lambda x: torch.linalg.vector_norm(x, 2, 1), rounded=8,
              constants={1: ints([1])}, attributes={"keepdims": 0})
    for label, rounded in [("", None), ("with zeros", 0.5), ("with many zeros", 1)]:
        cases.add(label, "ReduceProd", [[4, 5], None], lambda x: x.prod(1), rounded=rounded,
                  constants={1: ints([1])}, attributes={"keepdims": 0})
    cases.add("", "CumSum", [[3, 4], None], lambda x: x.cumsum(1), constants={1: ints(1, [])})
    cases.add("reversed", "CumSum", [[3, 4], None], lambda x: x.flip(0).cumsum(0).flip(0), constants={1: ints(0, [])},
              attributes={"reverse": 1})
    cases.write()


def gathers() -> None:
    cases = Cases("gather-scatter")
    for label, axis, indices in [
        ("one", 1, 2),
        ("neighbours", 0, [1, 2]),
        ("permuted", 1, [2, 0, 3, 1]),
        ("repeated", 0, [[0, 0, 1], [1, 2, 2]]),
        ("uneven", 1, [0, 0, 0, 0, 1]),
    ]:
        index = torch.tensor(indices)
        cases.add(
            label,
            "Gather",
            [[3, 4, 2], None],
            lambda x, i=index, a=axis: x[i] if a == 0 else x[:, i],
            constants={1: ints(indices)},
            attributes={"axis": axis},
        )
    cases.add("embedding", "Gather", [[40, 2], None], lambda x: F.embedding(torch.tensor([[3, 3, 39], [0, 7, 3]]), x),
              constants={1: ints([[3, 3, 39], [0, 7, 3]])})
    index = torch.tensor([[0, 2, 2], [1, 1, 0]])
    cases.add("", "GatherElements", [[2, 4], None], lambda x: x.gather(1, index), constants={1: ints(index.numpy())},
              attributes={"axis": 1})
    pairs = torch.tensor([[0, 2], [1, 1], [0, 2]])
    cases.add("", "GatherND", [[2, 4, 2], None], lambda x: x[pairs[:, 0], pairs[:, 1]], constants={1: ints(pairs.numpy())})
    each = torch.tensor([[[2], [0]], [[3], [3]]])
    cases.add(
        "batches",
        "GatherND",
        [[2, 4, 2], None],
        lambda x: torch.stack([x[n][each[n, :, 0]] for n in range(2)]),
        constants={1: ints(each.numpy())},
        attributes={"batch_dims": 1},
    )
    unique = torch.tensor([[0, 2, 3], [1, 3, 0]])
    cases.add("", "ScatterElements", [[2, 4], None, [2, 3]], lambda x, u: x.scatter(1, unique, u),
              constants={1: ints(unique.numpy())}, attributes={"axis": 1})
    cases.add("add", "ScatterElements", [[2, 4], None, [2, 3]], lambda x, u: x.scatter_add(1, index, u),
              constants={1: ints(index.numpy())}, attributes={"axis": 1, "reduction": "add"})
    rows = torch.tensor([[2], [0]])
    cases.add("", "ScatterND", [[3, 2], None, [2, 2]], lambda x, u: x.index_copy(0, rows[:, 0], u),
              constants={1: ints(rows.numpy())})
    twice = torch.tensor([[2], [2]])
    cases.add("add", "ScatterND", [[3, 2], None, [2, 2]], lambda x, u: x.index_add(0, twice[:, 0], u),
              constants={1: ints(twice.numpy())}, attributes={"reduction": "add"})
    cases.add("", "TopK", [[3, 5], None], lambda x: x.topk(2, 1).values, constants={1: ints([2])}, attributes={"axis": 1})
    cases.add("smallest", "TopK", [[4, 3], None], lambda x: x.topk(2, 0, largest=False).values, constants={1: ints([2])},
              attributes={"axis": 0, "largest": 0})
    cases.write()


if __name__ == "__main__":
    movement()
    reductions()
    gathers()
