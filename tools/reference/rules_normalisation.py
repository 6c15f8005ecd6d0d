"""Gradients of softmax, losses and norms for src/autodiff/rules/{softmax,normalisation}.test.ts.

    python -m tools.reference.rules_normalisation
"""

import torch
import torch.nn.functional as F

from .rule_cases import Cases


def softmaxes() -> None:
    cases = Cases("softmax")
    for shape, axis in [([2, 5], -1), ([2, 3, 4], 1), ([4], 0), ([2, 2, 3, 3], -1)]:
        cases.add(
            f"{shape} axis {axis}", "Softmax", [shape], lambda x, a=axis: F.softmax(x, a), attributes={"axis": axis}
        )
        cases.add(
            f"{shape} axis {axis}",
            "LogSoftmax",
            [shape],
            lambda x, a=axis: F.log_softmax(x, a),
            attributes={"axis": axis},
        )

    labels = [1, 0, 3, 1, 2, 3]
    ignoring = [1, 0, -100, 1, 2, -100]
    weights = [0.5, 1.0, 2.0, 1.5]
    for reduction in ("mean", "sum", "none"):
        for weighted in (False, True):
            for ignore, values in [(None, labels), (-100, ignoring), (1, labels)]:
                for op, function in [("NegativeLogLikelihoodLoss", F.nll_loss), ("SoftmaxCrossEntropyLoss", F.cross_entropy)]:

                    def loss(x, function=function, reduction=reduction, weighted=weighted, ignore=ignore, values=values):
                        return function(
                            x,
                            torch.tensor(values).reshape(2, 3),
                            torch.tensor(weights, dtype=torch.float64) if weighted else None,
                            ignore_index=-100 if ignore is None else ignore,
                            reduction=reduction,
                        )

                    constants = {1: {"dtype": "int64", "shape": [2, 3], "values": values}}
                    if weighted:
                        constants[2] = {"dtype": "float", "shape": [4], "values": weights}
                    cases.add(
                        f"{reduction}, weights {weighted}, ignore {ignore}",
                        op,
                        [[2, 4, 3], None, *([None] if weighted else [])],
                        loss,
                        attributes={"reduction": reduction, **({} if ignore is None else {"ignore_index": ignore})},
                        constants=constants,
                    )
    cases.write()


def norms() -> None:
    cases = Cases("normalisation")
    for shape, axis in [([2, 3, 5], -1), ([2, 3, 4], 1), ([6], 0)]:
        normal = shape[axis:]
        cases.add(
            f"{shape} axis {axis}",
            "LayerNormalization",
            [shape, normal, normal],
            lambda x, w, b: F.layer_norm(x, w.shape, w, b, 1e-5),
            attributes={"axis": axis, "epsilon": 1e-5},
        )
    cases.add(
        "no bias, large epsilon",
        "LayerNormalization",
        [[3, 4], [4]],
        lambda x, w: F.layer_norm(x, (4,), w, None, 0.1),
        attributes={"epsilon": 0.1},
    )
    for shape, groups in [([2, 4, 3, 3], 2), ([1, 6, 4], 3), ([2, 3, 2, 2], 1)]:
        cases.add(
            f"{shape}, {groups} groups",
            "GroupNormalization",
            [shape, [shape[1]], [shape[1]]],
            lambda x, w, b, g=groups: F.group_norm(x, g, w, b, 1e-5),
            attributes={"num_groups": groups, "epsilon": 1e-5},
        )
    for shape in ([2, 3, 7], [2, 2, 3, 4]):
        cases.add(
            f"{shape}",
            "InstanceNormalization",
            [shape, [shape[1]], [shape[1]]],
            lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=1e-5),
            attributes={"epsilon": 1e-5},
        )
    ones = {"dtype": "float", "shape": [3], "values": [1, 1, 1]}
    zeros = {"dtype": "float", "shape": [3], "values": [0, 0, 0]}
    cases.add(
        "scale of ones, as group norms are exported",
        "InstanceNormalization",
        [[2, 3, 7], None, None],
        lambda x: F.instance_norm(x, eps=1e-6),
        attributes={"epsilon": 1e-6},
        constants={1: ones, 2: zeros},
    )
    for shape in ([2, 3, 4, 4], [4, 3]):
        cases.add(
            f"{shape}",
            "BatchNormalization",
            [shape, [3], [3], [3], [3]],
            lambda x, w, b, m, v: (x - side(m, x)) / torch.sqrt(side(v, x) + 1e-3) * side(w, x) + side(b, x),
            attributes={"epsilon": 1e-3},
            positive=[4],
        )
    for shape, axis in [([2, 3, 5], -1), ([2, 3, 4], 1)]:
        cases.add(
            f"{shape} axis {axis}",
            "RMSNormalization",
            [shape, shape[axis:]],
            lambda x, w: F.rms_norm(x, w.shape, w, 1e-5),
            attributes={"axis": axis, "epsilon": 1e-5},
        )
    for shape, axis, p in [([2, 5], -1, 2), ([2, 3, 4], 1, 2), ([2, 5], -1, 1)]:
        cases.add(
            f"{shape} axis {axis} p {p}",
            "LpNormalization",
            [shape],
            lambda x, a=axis, p=p: F.normalize(x, p, a),
            attributes={"axis": axis, "p": p},
        )
    cases.write()


def side(vector: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """A vector over the channels, shaped to broadcast with an image."""
    return vector.reshape(-1, *[1] * (image.dim() - 2))


if __name__ == "__main__":
    softmaxes()
    norms()
