"""Zero-shot segmentation by PyTorch and scikit-learn, for src/evaluation/segmentation.ts.

    python tools/reference/segmentation.py      (needs torch, scikit-learn and numpy)
"""
import json
import pathlib

import numpy as np
import torch
from sklearn.metrics import accuracy_score, jaccard_score

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def picture(rng: np.random.Generator, grid: int, width: int, heads: torch.Tensor, size: tuple[int, int]) -> dict:
    tokens = np.round(rng.standard_normal((1 + grid * grid, width)), 3)
    patches = torch.nn.functional.normalize(torch.tensor(tokens[1:]), dim=-1)
    scores = (patches @ heads.T).T.reshape(1, len(heads), grid, grid)
    large = torch.nn.functional.interpolate(scores, size=size, mode="bilinear", align_corners=False)
    labels = large.argmax(dim=1)[0].numpy()
    noise = rng.integers(0, len(heads) - 1, labels.shape)
    mask = np.where(rng.random(labels.shape) < 0.6, labels, noise)
    mask[rng.random(labels.shape) < 0.1] = 255
    return {"tokens": tokens.ravel().tolist(), "labels": labels.ravel().tolist(), "mask": mask.ravel().tolist()}


def main() -> None:
    rng = np.random.default_rng(11)
    grid, width, classes, size = 5, 6, 4, (17, 23)
    heads = torch.nn.functional.normalize(torch.tensor(rng.standard_normal((classes, width))), dim=-1)
    pictures = [picture(rng, grid, width, heads, size) for _ in range(2)]
    truth = np.concatenate([p["mask"] for p in pictures])
    predicted = np.concatenate([p["labels"] for p in pictures])
    counted = truth != 255
    iou = jaccard_score(truth[counted], predicted[counted], labels=range(classes), average=None)
    result = {
        "grid": grid, "classes": classes, "height": size[0], "width": size[1], "heads": heads.ravel().tolist(),
        "pictures": pictures, "iou": (100 * iou).tolist(), "meanIou": 100 * float(iou.mean()),
        "pixelAccuracy": 100 * accuracy_score(truth[counted], predicted[counted]),
    }
    (FIXTURES / "segmentation.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
