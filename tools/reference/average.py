"""PyTorch's exponential moving average of a weight over five steps: `fixtures/average.json`.

    python -m tools.reference.average
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

FIXTURE = Path(__file__).resolve().parent / "fixtures" / "average.json"
DECAY = 0.9


def main() -> None:
    generator = torch.Generator().manual_seed(3)
    model = nn.Linear(3, 2)
    weights = [torch.randn(2, 3, generator=generator) for _ in range(6)]
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    averages = []
    with torch.no_grad():
        for weight in weights:
            model.weight.copy_(weight)
            averaged.update_parameters(model)
            averages.append(averaged.module.weight.flatten().tolist())
    record = {"decay": DECAY, "weights": [w.flatten().tolist() for w in weights], "averages": averages}
    FIXTURE.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
