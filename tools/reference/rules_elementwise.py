"""Gradients of elementwise operators and activations for src/autodiff/rules/pytorch.test.ts.

    python -m tools.reference.rules_elementwise
"""

import torch
import torch.nn.functional as F

from .rule_cases import Cases

PAIRS = [([2, 3], [2, 3]), ([2, 3], [3]), ([3], [2, 1]), ([2, 1, 3], [4, 1]), ([2, 3], []), ([], [])]


def scalar(value: float, dtype: str = "float") -> dict:
    return {"dtype": dtype, "shape": [], "values": [value]}


def arithmetic() -> None:
    cases = Cases("elementwise")
    for x, y in PAIRS:
        label = f"{x} and {y}"
        cases.add(label, "Add", [x, y], torch.add)
        cases.add(label, "Sub", [x, y], torch.sub)
        cases.add(label, "Mul", [x, y], torch.mul)
        cases.add(label, "Div", [x, y], torch.div, positive=[1])
        cases.add(label, "Pow", [x, y], torch.pow, positive=[0])
        cases.add(label, "Mod", [x, y], torch.fmod, positive=[1], shifted={0: 2.3}, attributes={"fmod": 1})
    for x, y in PAIRS:
        cases.add(f"{x} and {y}, ties", "Max", [x, y], torch.maximum, rounded=1)
        cases.add(f"{x} and {y}, ties", "Min", [x, y], torch.minimum, rounded=1)
    three = [[2, 3], [3], [2, 1]]
    cases.add("three", "Sum", three, lambda x, y, z: x + y + z)
    cases.add("three", "Mean", three, lambda x, y, z: (x + y + z) / 3)
    cases.add(
        "three, ties",
        "Max",
        [[3, 4]] * 3,
        lambda *all: torch.stack(all).amax(0),
        rounded=1,
    )
    cases.add(
        "three, ties",
        "Min",
        [[3, 4]] * 3,
        lambda *all: torch.stack(all).amin(0),
        rounded=1,
    )

    for exponent in (0, 1, 2, 3, 4, 5, 0.5, 1.5, -0.5, -1, -2, -3):
        whole = float(exponent).is_integer()
        cases.add(
            f"to the power of {exponent}",
            "Pow",
            [[3, 4], None],
            lambda x, p=exponent: x**p,
            constants={1: scalar(exponent)},
            positive=[] if whole else [0],
        )
    cases.add("zero and negative bases", "Pow", [[3, 4], None], lambda x: x**3, constants={1: scalar(3)}, rounded=0.5)
    cases.add(
        "zero bases, tensor exponent",
        "Pow",
        [[3, 4], [3, 4]],
        torch.pow,
        rounded=1,
        shifted={0: 1, 1: 1},
    )

    one = [[3, 4]]
    cases.add("", "Neg", one, torch.neg)
    cases.add("", "Abs", one, torch.abs)
    cases.add("with zeros", "Abs", one, torch.abs, rounded=0.5)
    for op, function in [("Sqrt", torch.sqrt), ("Log", torch.log), ("Reciprocal", torch.reciprocal)]:
        cases.add("", op, one, function, positive=[0])
    for op in ("Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Erf"):
        cases.add("", op, one, getattr(torch, op.lower()))
    for op in ("Asin", "Acos", "Atanh"):
        # Squares plus a quarter, less 0.6: within (-0.35, 0.65].
        cases.add("", op, one, getattr(torch, op.lower()), positive=[0], shifted={0: -0.6})
    cases.add("", "Acosh", one, torch.acosh, positive=[0], shifted={0: 1})

    cases.add("both bounds", "Clip", [[3, 4], None, None], lambda x: x.clamp(-0.5, 0.5), rounded=0.5,
              constants={1: scalar(-0.5), 2: scalar(0.5)})
    cases.add("upper bound", "Clip", [[3, 4], None, None], lambda x: x.clamp(max=0.25), constants={2: scalar(0.25)})
    for label, low, high in [("bounds as inputs", -1, 0), ("crossed bounds as inputs", 1, -1)]:
        cases.add(label, "Clip", [[3, 4], [], []], torch.clamp, shifted={1: low, 2: high})
    mask = torch.tensor([[True], [False]])
    cases.add(
        "broadcast condition",
        "Where",
        [None, [2, 3], [3]],
        lambda x, y: torch.where(mask, x, y),
        constants={0: {"dtype": "bool", "shape": [2, 1], "values": [1, 0]}},
    )
    cases.write()


def activations() -> None:
    cases = Cases("activations")

    def add(op, reference, label="", shifted=None, **attributes) -> None:
        for rounded in (None, 0.5):
            cases.add(
                f"{label}{' with kinks' if rounded else ''}",
                op,
                [[3, 5]],
                reference,
                attributes=attributes,
                rounded=rounded,
                shifted=shifted,
            )

    add("Sigmoid", torch.sigmoid)
    add("Tanh", torch.tanh)
    add("Relu", F.relu)
    add("LeakyRelu", F.leaky_relu)
    add("LeakyRelu", lambda x: F.leaky_relu(x, 0.25), "slope", alpha=0.25)
    add("ThresholdedRelu", lambda x: F.threshold(x, 0.5, 0), alpha=0.5)
    add("Elu", F.elu)
    add("Elu", lambda x: F.elu(x, 1.5), "alpha", alpha=1.5)
    add("Selu", F.selu)
    add("Celu", F.celu)
    add("Celu", lambda x: F.celu(x, 0.5), "alpha", alpha=0.5)
    for by in (3, -3):
        add("HardSigmoid", F.hardsigmoid, f"shifted by {by}", {0: by}, alpha=1 / 6, beta=0.5)
        add("HardSwish", F.hardswish, f"shifted by {by}", {0: by})
    add("Shrink", lambda x: F.hardshrink(x, 0.5), lambd=0.5)
    add("Shrink", lambda x: F.softshrink(x, 0.5), "soft", lambd=0.5, bias=0.5)
    add("Softplus", F.softplus)
    add("Softsign", F.softsign)
    add("Gelu", F.gelu)
    add("Gelu", lambda x: F.gelu(x, approximate="tanh"), "tanh", approximate="tanh")
    add("Mish", F.mish)
    add("com.microsoft::QuickGelu", lambda x: x * torch.sigmoid(1.702 * x))
    add("com.microsoft::QuickGelu", lambda x: F.silu(2 * x) / 2, "alpha", alpha=2)
    for slope in ([1], [4, 1], [4, 3], []):
        cases.add(
            f"slope {slope}",
            "PRelu",
            [[2, 4, 3], slope],
            lambda x, a: torch.where(x > 0, x, a * x),
            rounded=0.25,
        )
    # PyTorch's own, whose slopes run along axis one.
    cases.add("slope of each channel", "PRelu", [[2, 4, 3], [4, 1]], lambda x, a: F.prelu(x, a.flatten()))
    cases.write()


if __name__ == "__main__":
    arithmetic()
    activations()
