"""Training sets drawn from the small world: pictures as bytes on the device, captions as token ids."""

import os
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from ..demo_world.captions import rich, sparse
from ..demo_world.kinds import KINDS
from ..demo_world.pairs import PATTERNS, draw_pair
from ..demo_world.render import Atlas, pack, render
from ..demo_world.scenes import draw_scene, layout
from ..demo_world.twins import telling, twin

LENGTH = 32
"""Captions are cut here while training; the longest the grammar makes is shorter."""
RICH, SPARSE = 2, 4
CHUNK = 5000
ARRAYS = ("layers", "grounds", "kinds", "full", "short", "told")


class Words:
    """CLIP's tokenisation of the grammar's captions, one lookup a word (BPE never crosses a space here)."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self._ids = lru_cache(maxsize=None)(lambda word: tokenizer(word, add_special_tokens=False).input_ids)
        self.start, self.end = tokenizer.bos_token_id, tokenizer.eos_token_id

    def encode(self, caption: str, length: int = LENGTH) -> list[int]:
        """Exactly `length` ids, padded with the end token as Stable Diffusion's tokenizer pads."""
        ids = [self.start, *(i for word in caption.split() for i in self._ids(word))][: length - 1]
        return ids + [self.end] * (length - len(ids))


@dataclass
class Pictures:
    pixels: Tensor
    """Bytes [N, 3, 64, 64]."""
    kinds: Tensor
    """Index into KINDS, [N]."""
    rich: Tensor
    """Token ids [N, RICH, LENGTH], int16."""
    sparse: Tensor
    """Token ids [N, SPARSE, LENGTH], int16."""
    telling: Tensor
    """Token ids [N, LENGTH], int16: the caption that tells a picture from its twin, its neighbour (2i and 2i + 1)."""

    def __len__(self) -> int:
        return len(self.pixels)


def _chunk(start: int, count: int, seed: int, split: str, plain: bool, folder: str, tops: np.ndarray):
    words = Words(CLIPTokenizer.from_pretrained(folder))
    order = {kind.noun: i for i, kind in enumerate(KINDS)}
    layers, grounds, kinds, full, short, told = [], [], [], [], [], []
    for i in range(start, start + count, 2):
        key = f"{seed}/{split}/{i}"
        first = draw_scene(random.Random(key), split, plain)
        # Plain pictures come alone: two scenes, not a scene and its twin.
        other = draw_scene(random.Random(f"{key}/other"), split, plain)
        second, attribute = (other, "") if plain else twin(random.Random(f"{key}/twin"), first, split)
        for j, scene in enumerate((first, second)):
            # One stream of chances for both, so that only the attribute differs.
            layers.append(layout(random.Random(f"{key}/layout"), scene, tops))
            rng = random.Random(f"{key}/{j}")
            grounds.append(scene.ground)
            kinds.append(order[scene.kind])
            full.append([words.encode(rich(scene, rng)) for _ in range(RICH)])
            short.append([words.encode(sparse(scene, rng)) for _ in range(SPARSE)])
            told.append(words.encode(telling(scene, attribute, key)))
    arrays = (grounds, kinds, full, short, told)
    return (pack(layers), *(np.array(a, dtype=np.int16) for a in arrays))


def build(
    atlas: Atlas, folder: str, count: int, split: str, seed: int = 0, plain: bool = False, cache: Path | None = None
) -> Pictures:
    """`count` scenes of a split, in pairs that differ in one attribute (`plain`: each alone). The same arguments give the same set, whatever the number of cores.

    `cache` is a file that keeps the drawn scenes for later stages.
    """
    if cache and cache.exists():
        stored = np.load(cache)
        return _pictures(atlas, [stored[name] for name in ARRAYS])
    sizes = [(i, min(CHUNK, count - i)) for i in range(0, count, CHUNK)]
    work = partial(_chunk, seed=seed, split=split, plain=plain, folder=folder, tops=atlas.tops())
    cores = min(len(sizes), os.cpu_count() or 1)
    if cores > 1:
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(work, *zip(*sizes, strict=True)))
    else:
        parts = [work(*size) for size in sizes]
    arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
    if cache:
        np.savez(cache, **dict(zip(ARRAYS, arrays, strict=True)))
    return _pictures(atlas, arrays)


def _pictures(atlas: Atlas, arrays: list[np.ndarray]) -> Pictures:
    layers, grounds, kinds, full, short, told = arrays
    device = atlas.sprites.device
    pixels = draw_all(atlas, torch.from_numpy(layers), torch.from_numpy(grounds).long())
    return Pictures(pixels, *(torch.from_numpy(a).to(device) for a in (kinds, full, short, told)))


def draw_all(atlas: Atlas, layers: Tensor, grounds: Tensor, batch: int = 4096) -> Tensor:
    device = atlas.sprites.device
    spans = range(0, len(layers), batch)
    return torch.cat([render(atlas, layers[i : i + batch].to(device), grounds[i : i + batch].to(device)) for i in spans])


@dataclass
class PairSet:
    pixels: Tensor
    """Bytes [N, 2, 3, 64, 64]."""
    statements: list[tuple[str, str]]
    patterns: list[int]


def build_pairs(atlas: Atlas, each: int, split: str, seed: int) -> PairSet:
    """`each` pairs of every pattern, in MMVP's order."""
    layers, grounds, statements, patterns = [], [], [], []
    tops = atlas.tops()
    for p, pattern in enumerate(PATTERNS):
        seen: set[tuple] = set()
        i = 0
        while len(seen) < each:
            key = f"{seed}/{split}/{pattern}/{i}"
            i += 1
            first, second, one, two = draw_pair(random.Random(key), pattern, split)
            mark = (first.kind, first.colour, one, two)
            if mark in seen:
                continue
            seen.add(mark)
            # One stream of chances for both, so that only the attribute differs.
            layers += [layout(random.Random(key), scene, tops) for scene in (first, second)]
            grounds += [first.ground, second.ground]
            statements.append((one, two))
            patterns.append(p)
    pixels = draw_all(atlas, torch.from_numpy(pack(layers)), torch.tensor(grounds))
    return PairSet(pixels.view(-1, 2, *pixels.shape[1:]), statements, patterns)


def score_pairs(
    pairs: PairSet, image: Callable[[Tensor], Tensor], text: Callable[[list[str]], Tensor], scale: float
) -> dict[str, float]:
    """MMVP-VLM's rule: each statement picks an image, a tie the second; a pair counts when both picks are right.

    `image` and `text` give L2-normalised embeddings. Scores in per cent, by pattern and their mean.
    """
    pictures = image(pairs.pixels.flatten(0, 1)).view(len(pairs.statements), 2, -1)
    prompts = [[f"a photo of {pair[i]}" for pair in pairs.statements] for i in (0, 1)]
    right = torch.ones(len(pairs.statements), dtype=torch.bool, device=pictures.device)
    for i, prompt in enumerate(prompts):
        similarity = scale * (pictures * text(prompt)[:, None]).sum(-1)
        first = similarity.softmax(dim=1)[:, 0] > 0.5
        right &= first if i == 0 else ~first
    by_pattern = torch.tensor(pairs.patterns, device=right.device)
    scores = {name: 100 * right[by_pattern == p].float().mean().item() for p, name in enumerate(PATTERNS)}
    return {**scores, "total": sum(scores.values()) / len(scores)}


def corpus(count: int = 6000, seed: int = 1) -> Iterable[str]:
    """Captions for the tokenizer: the training split's, rich and sparse, and the empty prompt."""
    for i in range(count):
        rng = random.Random(f"{seed}/words/{i}")
        scene = draw_scene(rng, "pretraining")
        yield rich(scene, rng)
        yield sparse(scene, rng, 0.5)
