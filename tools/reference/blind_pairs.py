"""Pairs that one set of embeddings holds alike and another different, by numpy over the whole matrix.

    python -m tools.reference.blind_pairs      (needs numpy)
"""
import json
import pathlib

import numpy as np

IMAGES, FIRST, SECOND = 90, 6, 4
BOUNDS = [(0.95, 0.6), (0.8, 0.2), (0.5, -0.5)]


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def main() -> None:
    rng = np.random.default_rng(11)
    centres = rng.standard_normal((12, FIRST))
    first = np.round(centres[rng.integers(0, 12, IMAGES)] + 0.25 * rng.standard_normal((IMAGES, FIRST)), 3)
    second = np.round(rng.standard_normal((IMAGES, SECOND)), 3)
    a, b = unit(first) @ unit(first).T, unit(second) @ unit(second).T
    searches = []
    for alike, different in BOUNDS:
        rows, columns = np.where(np.triu((a > alike) & (b < different), k=1))
        order = np.argsort(-(a - b)[rows, columns], kind="stable")
        pairs = [[int(i), int(j), float(a[i, j]), float(b[i, j])] for i, j in zip(rows[order], columns[order], strict=True)]
        searches.append({"alike": alike, "different": different, "pairs": pairs})
        print(alike, different, len(pairs))
    path = pathlib.Path(__file__).parent / "fixtures" / "blind_pairs.json"
    result = {"images": IMAGES, "first": first.ravel().tolist(), "second": second.ravel().tolist(), "searches": searches}
    path.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
