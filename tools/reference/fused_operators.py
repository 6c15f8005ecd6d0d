"""Fused operators that onnxruntime has no CPU kernel for, computed as their documentation defines them.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md (GroupNorm, SkipGroupNorm,
BiasSplitGelu, BiasAdd, NhwcConv, MultiHeadAttention with packed inputs). Convolution and GELU come from PyTorch, the
rest is numpy in float64. Writes src/onnx/lower/fixtures/fused.json.

    python -m tools.reference.fused_operators
"""

import json
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).parents[2] / "src/onnx/lower/fixtures/fused.json"
random = np.random.default_rng(0)


def drawn(*shape):
    return random.uniform(-1.5, 1.5, shape).astype(np.float32).astype(np.float64)


def group_norm(x, gamma, beta, groups, epsilon, activation, last):
    if last:
        x = np.moveaxis(x, -1, 1)
    rows = x.reshape(x.shape[0], groups, -1)
    mean = rows.mean(-1, keepdims=True)
    variance = ((rows - mean) ** 2).mean(-1, keepdims=True)
    y = ((rows - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    column = (-1,) + (1,) * (x.ndim - 2)
    y = gamma.reshape(column) * y + beta.reshape(column)
    if activation:
        y = y / (1 + np.exp(-y))
    return np.moveaxis(y, 1, -1) if last else y


def gelu(x):
    return torch.nn.functional.gelu(torch.from_numpy(x)).numpy()


def attention(q, k, v):
    """q, k, v [batch, tokens, heads, size]; the result [batch, tokens, heads * size]."""
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bhqk,bkhd->bqhd", weights, v).reshape(*q.shape[:2], -1)


def cases():
    for last in (1, 0):
        shape = (2, 3, 5, 8) if last else (2, 8, 3, 5)
        x, gamma, beta = drawn(*shape), drawn(8), drawn(8)
        for activation in (0, 1):
            attributes = {"groups": 4, "epsilon": 1e-3, "activation": activation, "channels_last": last}
            y = group_norm(x, gamma, beta, 4, 1e-3, activation, last)
            yield "GroupNorm", attributes, [x, gamma, beta], [y]
        skips = [drawn(*shape), drawn(2, 8), drawn(*((2, 1, 1, 8) if last else (2, 8, 1, 1)))]
        for k, skip in enumerate(skips):
            bias = drawn(8) if k != 1 else None
            axis = -1 if last else 1
            spread = [2 if i == 0 else 8 if i == axis % 4 else 1 for i in range(4)]
            total = x + (skip.reshape(spread) if skip.ndim == 2 else skip)
            if bias is not None:
                total = total + bias.reshape([1 if i != axis % 4 else 8 for i in range(4)])
            attributes = {"groups": 2, "epsilon": 1e-5, "activation": 1, "channels_last": last}
            y = group_norm(total, gamma, beta, 2, 1e-5, 1, last)
            inputs = [x, gamma, beta, skip] + ([bias] if bias is not None else [])
            yield "SkipGroupNorm", attributes, inputs, [y, total]

    x, bias, skip = drawn(2, 5, 8), drawn(8), drawn(2, 5, 8)
    yield "BiasAdd", {}, [x, bias, skip], [x + bias + skip]
    left, right = np.split(x + bias, 2, -1)
    yield "BiasSplitGelu", {}, [x, bias], [left * gelu(right)]

    for group, strides in ((1, [1, 1]), (2, [2, 1])):
        x, weight, bias = drawn(2, 6, 7, 4), drawn(6, 3, 3, 4 // group), drawn(6)
        y = torch.nn.functional.conv2d(
            torch.from_numpy(np.moveaxis(x, -1, 1).copy()),
            torch.from_numpy(np.moveaxis(weight, -1, 1).copy()),
            torch.from_numpy(bias),
            stride=strides,
            padding=1,
            groups=group,
        ).numpy()
        attributes = {"kernel_shape": [3, 3], "strides": strides, "pads": [1, 1, 1, 1], "group": group}
        yield "NhwcConv", attributes, [x, weight, bias], [np.moveaxis(y, 1, -1)]

    packed = drawn(2, 5, 3, 3, 4)
    y = attention(*(packed[:, :, :, i] for i in range(3)))
    yield "MultiHeadAttention", {"num_heads": 3}, [packed], [y]
    query, packed = drawn(2, 6, 12), drawn(2, 5, 3, 2, 4)
    y = attention(query.reshape(2, 6, 3, 4), packed[:, :, :, 0], packed[:, :, :, 1])
    yield "MultiHeadAttention", {"num_heads": 3}, [query, packed], [y]


def spelled(array):
    return {"shape": list(array.shape), "values": [float(str(np.float32(value))) for value in array.ravel()]}


def main():
    OUT.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "op": op,
            "attributes": attributes,
            "inputs": [spelled(array) for array in inputs],
            "outputs": [spelled(array) for array in outputs],
        }
        for op, attributes, inputs, outputs in cases()
    ]
    OUT.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
