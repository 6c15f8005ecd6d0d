"""Gradients of pooling and resizing for src/autodiff/rules/{pooling,resize}.test.ts.

    python -m tools.reference.rules_pooling
"""

import torch
import torch.nn.functional as F

from .rule_cases import Cases

AVERAGE = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
LARGEST = (F.max_pool1d, F.max_pool2d, F.max_pool3d)


def pools() -> None:
    cases = Cases("pooling")
    for label, size, kernel, stride, pad, ceil, counted in [
        ("tiles", (4, 6), (2, 2), (2, 2), 0, False, False),
        ("overlapping", (5, 6), (3, 3), (2, 2), 0, False, False),
        ("stride one", (4, 4), (3, 3), (1, 1), 1, False, False),
        ("padding left out of the count", (5, 5), (3, 3), (2, 2), 1, False, False),
        ("padding counted", (5, 5), (3, 3), (2, 2), 1, False, True),
        ("ceiling", (6, 7), (3, 3), (2, 2), 0, True, False),
        ("ceiling and padding counted", (6, 6), (3, 3), (2, 2), 1, True, True),
        ("rows left over", (7, 7), (2, 2), (3, 3), 0, False, False),
        ("line", (7,), (3,), (2,), 1, False, False),
        ("volume", (4, 4, 4), (2, 2, 2), (2, 2, 2), 0, False, False),
        ("volume, overlapping", (4, 5, 4), (3, 3, 2), (1, 2, 1), 0, False, False),
    ]:
        rank = len(size)
        shared = {
            "kernel_shape": list(kernel),
            "strides": list(stride),
            "pads": [pad] * (2 * rank),
            "ceil_mode": int(ceil),
        }
        cases.add(
            label,
            "AveragePool",
            [[2, 2, *size]],
            lambda x, f=AVERAGE[rank - 1], args=(kernel, stride, pad, ceil, counted): f(x, *args),
            attributes={**shared, "count_include_pad": int(counted)},
        )
        if counted:
            continue
        for ties in (None, 0.5):
            cases.add(
                label if ties is None else f"{label}, ties",
                "MaxPool",
                [[2, 2, *size]],
                lambda x, f=LARGEST[rank - 1], args=(kernel, stride, pad, 1, ceil): f(x, *args),
                attributes=shared,
                rounded=ties,
            )
    cases.add(
        "dilation",
        "MaxPool",
        [[1, 2, 7, 8]],
        lambda x: F.max_pool2d(x, 3, 2, 1, 2),
        attributes={"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [2, 2]},
    )
    for shape in ([2, 3, 4, 5], [2, 2, 6], [1, 2, 2, 3, 2]):
        axes = tuple(range(2, len(shape)))
        cases.add(f"{shape}", "GlobalAveragePool", [shape], lambda x, a=axes: x.mean(a, keepdim=True))
        cases.add(f"{shape}", "GlobalMaxPool", [shape], lambda x, a=axes: x.amax(a, keepdim=True))
    cases.add(
        "ties",
        "GlobalMaxPool",
        [[1, 2, 4, 4]],
        lambda x: F.max_pool2d(x, 4),
        rounded=0.5,
    )
    cases.write()


def resizes() -> None:
    cases = Cases("resize")

    def add(label, size, out, mode, reference, coordinates, **attributes):
        cases.add(
            label,
            "Resize",
            [[1, 2, *size], None, None, None],
            reference,
            attributes={"mode": mode, "coordinate_transformation_mode": coordinates, **attributes},
            constants={3: {"dtype": "int64", "shape": [2 + len(size)], "values": [1, 2, *out]}},
        )

    for size, out in [((3, 4), (6, 8)), ((3, 4), (6, 4)), ((2,), (6,)), ((3, 4), (5, 7)), ((6, 7), (4, 3)), ((2, 3, 2), (4, 6, 4))]:
        add(
            f"nearest {size} to {out}",
            size,
            out,
            "nearest",
            lambda x, out=out: F.interpolate(x, out, mode="nearest"),
            "asymmetric",
            nearest_mode="floor",
        )
    for size, out in [((3, 4), (6, 8)), ((3, 4), (5, 7)), ((6, 7), (4, 3)), ((5, 5), (1, 9))]:
        for align in (False, True):
            for mode in ("bilinear", "bicubic"):
                add(
                    f"{mode} {size} to {out}, corners aligned: {align}",
                    size,
                    out,
                    "linear" if mode == "bilinear" else "cubic",
                    lambda x, out=out, mode=mode, align=align: F.interpolate(x, out, mode=mode, align_corners=align),
                    "align_corners" if align else "half_pixel",
                    cubic_coeff_a=-0.75,
                )
    for size, out in [((6, 7), (4, 3)), ((3, 4), (5, 7)), ((8, 8), (3, 5))]:
        for mode in ("bilinear", "bicubic"):
            add(
                f"{mode} {size} to {out}, antialiased",
                size,
                out,
                "linear" if mode == "bilinear" else "cubic",
                lambda x, out=out, mode=mode: F.interpolate(x, out, mode=mode, antialias=True),
                "half_pixel",
                antialias=1,
                # PyTorch's antialiased kernel is Pillow's, its plain one OpenCV's.
                cubic_coeff_a=-0.5,
                exclude_outside=1,
            )
    cases.add(
        "nearest by scales that are no quotient of the sizes",
        "Resize",
        [[1, 1, 5, 5], None, None],
        lambda x: F.interpolate(x, scale_factor=(1.5, 2.3), mode="nearest", recompute_scale_factor=False),
        attributes={"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        constants={2: {"dtype": "float32", "shape": [4], "values": [1, 1, 1.5, 2.3]}},
    )
    cases.add(
        "bilinear by scales that are no quotient of the sizes",
        "Resize",
        [[1, 1, 5, 5], None, None],
        lambda x: F.interpolate(
            x, scale_factor=(1.5, 2.3), mode="bilinear", align_corners=False, recompute_scale_factor=False
        ),
        attributes={"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
        constants={2: {"dtype": "float32", "shape": [4], "values": [1, 1, 1.5, 2.3]}},
    )
    cases.write()


if __name__ == "__main__":
    torch.manual_seed(0)
    pools()
    resizes()
