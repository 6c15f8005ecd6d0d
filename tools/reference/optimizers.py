"""Trajectories of PyTorch's optimisers and learning rates of transformers' schedules.

Writes tools/reference/fixtures/optimizers.json. Gradients are drawn once and given to every configuration, so that the
only thing under test is the update.

    python -m tools.reference.optimizers      (needs torch and transformers; run from the repository root)
"""

import base64
import json
from pathlib import Path

import torch
from transformers import get_scheduler

SHAPES = {"matrix": [7, 5], "bias": [11], "kernel": [2, 3, 4, 1], "scale": []}
STEPS = 8
PLAIN = {"momentum": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0.0, "clipNorm": 0.0}
CASES = [
    {**PLAIN, "name": "sgd", "kind": "sgd", "learningRate": 0.05},
    {**PLAIN, "name": "sgd without momentum", "kind": "sgd", "momentum": 0.0, "learningRate": 0.05},
    {**PLAIN, "name": "sgd, decay, clipped", "kind": "sgd", "weightDecay": 0.1, "clipNorm": 1.0, "learningRate": 0.05},
    {**PLAIN, "name": "adamw", "kind": "adamw", "learningRate": 0.01},
    {**PLAIN, "name": "adamw, decay, clipped", "kind": "adamw", "weightDecay": 0.1, "clipNorm": 1.0, "learningRate": 0.01},
    {**PLAIN, "name": "adamw, two passes", "kind": "adamw", "beta2": 0.95, "clipNorm": 2.0, "learningRate": 0.01, "passes": 2},
]
SCHEDULES = [("constant", 0.0), ("constant", 0.1), ("linear", 0.0), ("linear", 0.25), ("cosine", 0.005), ("cosine", 0.1)]


def packed(tensors):
    """Float32 little-endian bytes of tensors one after another, in base64."""
    flat = torch.cat([t.detach().reshape(-1) for t in tensors]).to(torch.float32)
    return base64.b64encode(flat.numpy().tobytes()).decode()


def optimizer_for(case, parameters):
    """Decay is for weights of two or more axes."""
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": case["weightDecay"]},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    if case["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=case["learningRate"], momentum=case["momentum"])
    betas = (case["momentum"], case["beta2"])
    return torch.optim.AdamW(groups, lr=case["learningRate"], betas=betas, eps=case["epsilon"])


def trajectory(case, weights, gradients):
    parameters = [torch.nn.Parameter(w.clone()) for w in weights]
    optimizer = optimizer_for(case, parameters)
    passes = case.get("passes", 1)
    norms, drifts, after = [], [], []
    for step in range(STEPS // passes):
        for i, parameter in enumerate(parameters):
            parameter.grad = sum(gradients[step * passes + k][i] for k in range(passes)) / passes
        limit = case["clipNorm"] or float("inf")
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, limit)))
        optimizer.step()
        drifts.append(float(torch.cat([(p.detach() - w).reshape(-1) for p, w in zip(parameters, weights, strict=True)]).norm()))
        after.append(packed(parameters))
    return {**case, "passes": passes, "norms": norms, "drifts": drifts, "after": after}


def rates(kind, warmup, steps=20):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    name = "constant_with_warmup" if kind == "constant" else kind
    rising = -int(-(warmup * steps) // 1)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=rising, num_training_steps=steps)
    values = []
    for _ in range(steps):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"schedule": kind, "warmup": warmup, "learningRate": 0.1, "rates": values}


def main():
    generator = torch.Generator().manual_seed(1)
    draw = lambda shape: torch.randn(shape, generator=generator)
    weights = [draw(shape) for shape in SHAPES.values()]
    gradients = [[draw(shape) * 0.3 for shape in SHAPES.values()] for _ in range(STEPS)]
    fixture = {
        "versions": {"torch": torch.__version__},
        "shapes": SHAPES,
        "weights": packed(weights),
        "gradients": [packed(g) for g in gradients],
        "cases": [trajectory(case, weights, gradients) for case in CASES],
        "schedules": [rates(*schedule) for schedule in SCHEDULES],
    }
    path = Path(__file__).parent / "fixtures" / "optimizers.json"
    path.write_text(json.dumps(fixture, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
