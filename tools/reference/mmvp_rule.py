"""Outcomes of the official MMVP-VLM rule on 1,000 random embedding sets, for src/evaluation/mmvp.test.ts.

The arithmetic is that of tsb0601/MMVP, scripts/evaluate_vlm.py, over OpenAI's CLIP (clip/model.py, forward), in torch
on the CPU. Embeddings come from an integer hash that the test repeats, so only outcomes are stored.

    python tools/reference/mmvp_rule.py      (needs numpy and torch)
"""
import json
import pathlib

import numpy as np
import torch

SETS = 1000
ROWS = 270


def hashed(seed: int, count: int) -> np.ndarray:
    """`count` multiples of 2**-23 in [-1, 1): the finaliser of MurmurHash3 over seed * 0x9e3779b9 + index."""
    with np.errstate(over="ignore"):
        h = np.uint32(seed) * np.uint32(0x9E3779B9) + np.arange(count, dtype=np.uint32)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1).astype(np.float32)


def make(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Image and text embeddings. Texts lean to their image; every fifth pair has an exact tie for one statement,
    every eleventh has equal images: an exact tie for both. A tied statement has one coordinate only, since a float32
    sum of several may round differently for the two images, as BLAS pleases."""
    width = 16 + 8 * (seed % 7)
    images = hashed(2 * seed, ROWS * width).reshape(ROWS, width)
    texts = hashed(2 * seed + 1, ROWS * width).reshape(ROWS, width) + images * np.float32(0.25)
    for pair in range(ROWS // 2):
        first, second = 2 * pair, 2 * pair + 1
        if (pair + seed) % 5 == 0:
            # The second image mirrors the first where the statement is zero: equal norms, equal products.
            images[second, 0] = images[first, 0]
            images[second, 1:] = -images[first, 1:]
            texts[first if (pair + seed) % 2 == 0 else second, 1:] = 0
        elif (pair + seed) % 11 == 0:
            images[second] = images[first]
            texts[first, 1:] = 0
            texts[second, :-1] = 0
    return images, texts


def official(images: np.ndarray, texts: np.ndarray) -> str:
    """'1' for each pair that counts."""
    logit_scale = torch.tensor(100.0)
    outcome = ""
    for pair in range(ROWS // 2):
        qid1, qid2 = 2 * pair + 1, 2 * pair + 2
        predictions = []
        for row in (2 * pair, 2 * pair + 1):
            image_features = torch.from_numpy(images[2 * pair : 2 * pair + 2])
            text_features = torch.from_numpy(texts[row : row + 1])
            image_features = image_features / image_features.norm(dim=1, keepdim=True)
            text_features = text_features / text_features.norm(dim=1, keepdim=True)
            logits_per_image = logit_scale * image_features @ text_features.t()
            probabilities = logits_per_image.t().softmax(dim=-1).numpy()
            predictions.append("img1" if probabilities[0][0] > 0.5 else "img2")
        truths = ["img1" if qid % 2 == 1 else "img2" for qid in (qid1, qid2)]
        outcome += "1" if predictions == truths else "0"
    return outcome


def main() -> None:
    outcomes = [f"{int(official(*make(seed)), 2):034x}" for seed in range(SETS)]
    path = pathlib.Path(__file__).parent / "fixtures" / "mmvp_rule.json"
    path.write_text(json.dumps({"rows": ROWS, "logitScale": 100, "outcomes": outcomes}, indent=0) + "\n")


if __name__ == "__main__":
    main()
