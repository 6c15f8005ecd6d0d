"""Zero-shot, retrieval, k-NN, linear-probe and statistics results for src/evaluation: by scikit-learn, scipy, open_clip
(class embeddings) and CLIP_benchmark (recall), run as they are installed.

    python tools/reference/evaluation.py      (needs scikit-learn, scipy, numpy, torch, open_clip_torch, clip-benchmark)
"""
import json
import pathlib
import warnings

import numpy as np
import torch
from clip_benchmark.metrics import zeroshot_retrieval
from open_clip import OPENAI_IMAGENET_TEMPLATES, build_zero_shot_classifier
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def rounded(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.round(rng.standard_normal(shape), 3)


class Given:
    """A model whose 'texts' and 'images' are embeddings already."""

    def encode_text(self, texts: torch.Tensor, normalize: bool = False) -> torch.Tensor:
        return torch.nn.functional.normalize(texts, dim=-1) if normalize else texts

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        return images


def class_embeddings(prompts: np.ndarray) -> np.ndarray:
    """[classes, width] by open_clip's own classifier, of [classes, templates, width]."""
    table = {f"{c} {t}": torch.tensor(prompts[c, t]) for c in range(len(prompts)) for t in range(prompts.shape[1])}
    templates = [lambda name, t=t: f"{name} {t}" for t in range(prompts.shape[1])]
    lookup = lambda texts: torch.stack([table[text] for text in texts])  # noqa: E731
    names = [str(c) for c in range(len(prompts))]
    return build_zero_shot_classifier(Given(), lookup, names, templates, device="cpu").T.numpy()


def zero_shot(rng: np.random.Generator) -> dict:
    classes, templates, width, images = 7, 3, 6, 60
    labels = rng.integers(0, classes, images)
    prompts = rounded(rng, classes, templates, width)
    heads = unit(unit(prompts).mean(axis=1))
    official = class_embeddings(prompts)
    assert np.allclose(official, heads, atol=1e-6)
    pictures = np.round(heads[labels] + 0.7 * rng.standard_normal((images, width)), 3)
    scores = unit(pictures) @ heads.T
    predicted = scores.argmax(axis=1)
    every = list(range(classes))
    return {
        "classes": classes, "templates": templates, "labels": labels.tolist(),
        "prompts": prompts.ravel().tolist(), "images": pictures.ravel().tolist(), "heads": official.ravel().tolist(),
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
    # CLIP_benchmark's evaluation, over batches of images with their captions.
    own = [[torch.tensor(text) for text in texts[owner == image]] for image in range(images)]
    batches = [(torch.tensor(pictures[at : at + 10]), own[at : at + 10]) for at in range(0, images, 10)]
    found = zeroshot_retrieval.evaluate(Given(), batches, torch.stack, "cpu", amp=False, recall_k_list=[1, 5, 10])

    def recall(way: str) -> list[float]:
        return [100 * found[f"{way}_retrieval_recall@{k}"] for k in (1, 5, 10)]

    return {
        "images": pictures.ravel().tolist(), "texts": texts.ravel().tolist(), "owner": owner.tolist(), "count": images,
        "imageToText": recall("text"),
        "textToImage": recall("image"),
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


def wide() -> dict:
    """Rows as embeddings are: of length sqrt(width), more of width than of rows, which a probe can tell apart. As
    float32, from an integer hash that the test repeats."""
    rows, width, classes = 96, 128, 6
    with np.errstate(over="ignore"):
        h = np.arange(rows * width, dtype=np.uint32) * np.uint32(0x9E3779B9)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
    noise = ((h >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1).reshape(rows, width)
    labels = np.arange(rows) % classes
    noise[np.arange(rows), labels] += 2
    # scikit-learn would solve float32 rows in float32, to three digits.
    features = (np.sqrt(width) * unit(noise)).astype(np.float32).astype(np.float64)
    train, test = features[:60], features[60:]
    probe = LogisticRegression(C=1.0, tol=1e-12, max_iter=20000).fit(train, labels[:60])
    nearest = KNeighborsClassifier(20, metric="cosine", algorithm="brute").fit(train, labels[:60])
    return {
        "rows": rows, "width": width, "classes": classes, "train": 60, "weights": probe.coef_.ravel().tolist(),
        "probabilities": probe.predict_proba(test).ravel().tolist(), "predictions": probe.predict(test).tolist(),
        "neighbours": nearest.predict(test).tolist(),
    }


def seeds() -> list[dict]:
    runs = [([20.1, 21.3, 19.8], [25.9, 26.3, 24.8]), ([20.0, 22.0], [21.0, 23.5]), ([1, 2, 3, 4, 5], [2, 2, 2, 2, 9]),
            ([50.0, 50.4, 49.7, 50.2], [50.1, 50.3, 50.6])]
    out = []
    for before, after in runs:
        test = stats.ttest_ind(after, before, equal_var=False)
        interval = test.confidence_interval(0.95)
        one = stats.ttest_1samp(after, before[0])
        ends = one.confidence_interval(0.95)
        out.append({
            "before": before, "after": after, "mean": float(np.mean(after)), "deviation": float(np.std(after, ddof=1)),
            "p": float(test.pvalue), "freedom": float(test.df), "interval": [float(interval.low), float(interval.high)],
            "fromOne": {"p": float(one.pvalue), "interval": [float(end - before[0]) for end in (ends.low, ends.high)]},
        })
    return out


def main() -> None:
    warnings.simplefilter("error", category=ConvergenceWarning)
    rng = np.random.default_rng(7)
    result = {"zeroShot": zero_shot(rng), "retrieval": retrieval(rng), "classifiers": classifiers(rng), "seeds": seeds(), "wide": wide()}
    (FIXTURES / "evaluation.json").write_text(json.dumps(result) + "\n")
    templates = [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]
    (FIXTURES / "templates.json").write_text(json.dumps(templates, indent=0) + "\n")


if __name__ == "__main__":
    main()
