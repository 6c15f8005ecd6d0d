"""Gradients of convolutions for src/autodiff/rules/convolution.test.ts.

    python -m tools.reference.rules_convolution
"""

import torch
import torch.nn.functional as F

from .rule_cases import Cases

CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def convolutions(cases: Cases) -> None:
    for label, n, c, m, size, kernel, stride, pad, dilation, group in [
        ("plain", 2, 3, 4, (5, 6), (3, 3), 1, 0, 1, 1),
        ("same padding", 2, 3, 4, (5, 6), (3, 3), 1, 1, 1, 1),
        ("stride, even size", 2, 2, 3, (6, 8), (3, 3), 2, 1, 1, 1),
        ("stride, odd size", 1, 2, 3, (7, 5), (3, 3), 2, 1, 1, 1),
        ("stride over the kernel, rows left over", 1, 2, 3, (8, 8), (2, 2), 3, 0, 1, 1),
        ("dilation", 2, 2, 3, (8, 7), (3, 3), 1, 2, 2, 1),
        ("dilation and stride", 1, 2, 2, (9, 10), (3, 2), 2, 1, 2, 1),
        ("groups", 2, 4, 6, (5, 5), (3, 3), 1, 1, 1, 2),
        ("groups and stride", 2, 4, 4, (6, 5), (3, 3), 2, 1, 1, 2),
        ("depthwise", 2, 3, 3, (7, 7), (5, 5), 1, 2, 1, 3),
        ("depthwise multiplier", 1, 2, 4, (6, 6), (3, 3), 1, 1, 1, 2),
        ("pointwise, batch of one", 1, 3, 4, (3, 4), (1, 1), 1, 0, 1, 1),
        ("pointwise, batch", 2, 3, 4, (3, 4), (1, 1), 1, 0, 1, 1),
        ("pointwise, stride", 2, 3, 4, (5, 4), (1, 1), 2, 0, 1, 1),
        ("pointwise, padding", 1, 2, 2, (3, 3), (1, 1), 1, 1, 1, 1),
        ("patch embedding", 2, 3, 4, (6, 4), (2, 2), 2, 0, 1, 1),
        ("patches that leave a rest", 2, 3, 4, (7, 5), (2, 2), 2, 0, 1, 1),
        ("line", 2, 3, 4, (9,), (3,), 1, 1, 1, 1),
        ("line, stride, dilation, groups", 2, 4, 4, (12,), (3,), 2, 2, 2, 2),
        ("line, patches", 2, 2, 3, (6,), (3,), 3, 0, 1, 1),
        ("volume", 1, 2, 3, (4, 4, 5), (3, 3, 3), 1, 1, 1, 1),
        ("volume, stride", 1, 2, 2, (4, 5, 6), (3, 3, 2), 2, 1, 1, 1),
        ("volume, stride and dilation", 1, 2, 2, (6, 5, 6), (2, 2, 2), 2, 0, 2, 1),
        ("volume, patches", 2, 2, 3, (2, 4, 2), (2, 2, 1), (2, 2, 1), 0, 1, 1),
    ]:
        rank = len(size)
        many = lambda v: [v] * rank if isinstance(v, int) else list(v)  # noqa: E731

        def conv(x, w, b, rank=rank, stride=stride, pad=pad, dilation=dilation, group=group):
            return CONV[rank - 1](x, w, b, stride, pad, dilation, group)

        cases.add(
            label,
            "Conv",
            [[n, c, *size], [m, c // group, *kernel], [m]],
            conv,
            attributes={
                "kernel_shape": list(kernel),
                "strides": many(stride),
                "pads": many(pad) * 2,
                "dilations": many(dilation),
                "group": group,
            },
        )

    for auto_pad, size, stride in [("SAME_UPPER", 6, 2), ("SAME_LOWER", 6, 2), ("SAME_UPPER", 5, 1), ("VALID", 6, 2)]:
        kernel = 3

        def same(x, w, auto_pad=auto_pad, size=size, stride=stride):
            out = -(-size // stride) if auto_pad != "VALID" else (size - kernel) // stride + 1
            total = max((out - 1) * stride + kernel - size, 0) if auto_pad != "VALID" else 0
            small, large = total // 2, total - total // 2
            ends = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
            return F.conv2d(F.pad(x, (*ends, *ends)), w, None, stride)

        cases.add(
            f"{auto_pad}, stride {stride}",
            "Conv",
            [[1, 2, size, size], [2, 2, kernel, kernel]],
            same,
            attributes={"auto_pad": auto_pad, "strides": [stride, stride]},
        )

    def uneven(x, w):
        return F.conv2d(F.pad(x, (2, 1, 0, 1)), w, None, 2)

    cases.add(
        "uneven padding",
        "Conv",
        [[1, 2, 6, 5], [3, 2, 3, 3]],
        uneven,
        attributes={"strides": [2, 2], "pads": [0, 2, 1, 1]},
    )


def transposed_convolutions(cases: Cases) -> None:
    for label, n, c, m, size, kernel, stride, pad, out_pad, dilation, group in [
        ("plain", 2, 3, 4, (3, 4), (3, 3), 1, 0, 0, 1, 1),
        ("doubling", 2, 3, 2, (3, 4), (2, 2), 2, 0, 0, 1, 1),
        ("doubling by output padding", 1, 3, 2, (3, 4), (3, 3), 2, 1, 1, 1, 1),
        ("groups", 2, 4, 4, (3, 3), (3, 3), 2, 1, 0, 1, 2),
        ("dilation", 1, 2, 2, (4, 3), (3, 3), 1, 1, 0, 2, 1),
        ("line", 2, 2, 3, (5,), (4,), 2, 1, 1, 1, 1),
    ]:
        rank = len(size)

        def conv(x, w, b, rank=rank, args=(stride, pad, out_pad, group, dilation)):
            return TRANSPOSED[rank - 1](x, w, b, *args)

        cases.add(
            label,
            "ConvTranspose",
            [[n, c, *size], [c, m // group, *kernel], [m]],
            conv,
            attributes={
                "kernel_shape": list(kernel),
                "strides": [stride] * rank,
                "pads": [pad] * (2 * rank),
                "output_padding": [out_pad] * rank,
                "dilations": [dilation] * rank,
                "group": group,
            },
        )

    def sized(x, w):
        return F.conv_transpose2d(x, w, None, 2, 1)

    cases.add(
        "output shape",
        "ConvTranspose",
        [[1, 2, 3, 3], [2, 2, 4, 4]],
        sized,
        attributes={"strides": [2, 2], "output_shape": [6, 6]},
    )


def main() -> None:
    torch.manual_seed(0)
    cases = Cases("convolution")
    convolutions(cases)
    transposed_convolutions(cases)
    cases.write()


if __name__ == "__main__":
    main()
