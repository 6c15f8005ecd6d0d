"""Zero-shot, retrieval, k-NN, linear-probe and statistics results by scikit-learn, numpy and scipy, for src/evaluation.

    python tools/reference/evaluation.py      (needs scikit-learn, scipy and numpy)
"""
import json
import pathlib
import warnings

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def rounded(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.round(rng.standard_normal(shape), 3)


def zero_shot(rng: np.random.Generator) -> dict:
    classes, templates, width, images = 7, 3, 6, 60
    labels = rng.integers(0, classes, images)
    prompts = rounded(rng, classes, templates, width)
    heads = unit(unit(prompts).mean(axis=1))
    pictures = np.round(heads[labels] + 0.7 * rng.standard_normal((images, width)), 3)
    scores = unit(pictures) @ heads.T
    predicted = scores.argmax(axis=1)
    every = list(range(classes))
    return {
        "classes": classes, "templates": templates, "labels": labels.tolist(),
        "prompts": prompts.ravel().tolist(), "images": pictures.ravel().tolist(), "heads": heads.ravel().tolist(),
        "top1": 100 * top_k_accuracy_score(labels, scores, k=1, labels=every),
        "top5": 100 * top_k_accuracy_score(labels, scores, k=5, labels=every),
        "meanPerClass": 100 * balanced_accuracy_score(labels, predicted),
        "confusion": confusion_matrix(labels, predicted, labels=every).tolist(),
        "predictions": predicted.tolist(),
    }


def retrieval(rng: np.random.Generator) -> dict:
    images, width = 25, 5
    owner = np.sort(np.concatenate([np.arange(images), rng.integers(0, images, 35)]))
    pictures = rounded(rng, images, width)
    texts = np.round(pictures[owner] + 1.0 * rng.standard_normal((len(owner), width)), 3)
    scores = unit(pictures) @ unit(texts).T

    def recall(order: np.ndarray, right: np.ndarray) -> list[float]:
        hits = np.take_along_axis(right, order, axis=1)
        return [100 * float(hits[:, :k].any(axis=1).mean()) for k in (1, 5, 10)]

    right = owner[None, :] == np.arange(images)[:, None]
    return {
        "images": pictures.ravel().tolist(), "texts": texts.ravel().tolist(), "owner": owner.tolist(), "count": images,
        "imageToText": recall(np.argsort(-scores, axis=1, kind="stable"), right),
        "textToImage": recall(np.argsort(-scores.T, axis=1, kind="stable"), right.T),
    }


def classifiers(rng: np.random.Generator) -> dict:
    classes, width = 4, 5
    centres = 1.2 * rng.standard_normal((classes, width))
    labels = np.arange(80) % classes
    train = np.round(centres[labels] + rng.standard_normal((80, width)), 3)
    test = np.round(centres[np.arange(40) % classes] + rng.standard_normal((40, width)), 3)
    neighbours = {
        str(k): KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(train, labels).predict(test).tolist()
        for k in (1, 5, 20)
    }
    probes = []
    for c in (0.05, 1.0, 20.0):
        probe = LogisticRegression(C=c, tol=1e-10, max_iter=20000).fit(train, labels)
        probes.append({
            "c": c, "weights": probe.coef_.ravel().tolist(), "bias": (probe.intercept_ - probe.intercept_.mean()).tolist(),
            "probabilities": probe.predict_proba(test).ravel().tolist(), "predictions": probe.predict(test).tolist(),
        })
    return {
        "classes": classes, "labels": labels.tolist(), "train": train.ravel().tolist(), "test": test.ravel().tolist(),
        "testRows": len(test), "neighbours": neighbours, "probes": probes,
    }


def seeds() -> list[dict]:
    runs = [([20.1, 21.3, 19.8], [25.9, 26.3, 24.8]), ([20.0, 22.0], [21.0, 23.5]), ([1, 2, 3, 4, 5], [2, 2, 2, 2, 9]),
            ([50.0, 50.4, 49.7, 50.2], [50.1, 50.3, 50.6])]
    out = []
    for before, after in runs:
        test = stats.ttest_ind(after, before, equal_var=False)
        interval = test.confidence_interval(0.95)
        out.append({
            "before": before, "after": after, "mean": float(np.mean(after)), "deviation": float(np.std(after, ddof=1)),
            "p": float(test.pvalue), "freedom": float(test.df), "interval": [float(interval.low), float(interval.high)],
        })
    return out


def main() -> None:
    warnings.simplefilter("error")
    rng = np.random.default_rng(7)
    result = {"zeroShot": zero_shot(rng), "retrieval": retrieval(rng), "classifiers": classifiers(rng), "seeds": seeds()}
    (FIXTURES / "evaluation.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
