"""Writes the demo's pictures: a folder to refine on, a benchmark in MMVP's layout, and two sets for the guard.

    python -m tools.demo_world.write_demo ICONS_JSON

`public/demo/images.zip`: pictures without captions, in nested folders, as PNG, JPEG and WebP. `public/demo/benchmark.zip`:
135 pairs (`Questions.csv`, `MLLM_VLM Images/<Type>/<id>.jpg`). `public/demo/classes.zip`: a folder of pictures for each
kind, one object in each. `public/demo/captions.zip`: scenes with `captions.csv`. ICONS_JSON is the npm package's
`icons.json`; the same arguments write the same bytes.
"""

import csv
import itertools
import json
import random
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .captions import rich
from .guard import Combination, class_scenes, combinations, unseen_scene
from .kinds import KINDS
from .pairs import PATTERNS, draw_pair
from .render import Atlas, pack, render
from .scenes import Layer, Scene, draw_scene, layout
from .sprites import build_atlas

DEMO = Path(__file__).resolve().parents[2] / "public" / "demo"
SIDE = 128
"""Twice what the encoder sees, for people's eyes."""
SEED = 2407
PICTURES, PAIRS_EACH, CAPTIONED = 200, 15, 300
FIRST_VEHICLE, FIRST_THING = "car", "teapot"
IMAGE_FOLDER = "MLLM_VLM Images"


def draw(atlas: Atlas, scenes: list[Scene], layers: list[list[Layer]]) -> list[Image.Image]:
    grounds = torch.tensor([scene.ground for scene in scenes])
    parts = []
    for i in range(0, len(scenes), 50):
        parts.append(render(atlas, torch.from_numpy(pack(layers[i : i + 50])), grounds[i : i + 50]))
    pixels = torch.cat(parts).permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(np.ascontiguousarray(picture)) for picture in pixels]


def group(scene: Scene) -> str:
    """The folder a picture goes to: a group of kinds, and inside it crowds and signs apart."""
    nouns = [kind.noun for kind in KINDS]
    place = nouns.index(scene.kind)
    name = "animals" if place < nouns.index(FIRST_VEHICLE) else "vehicles" if place < nouns.index(FIRST_THING) else "things"
    inner = "crowds" if scene.count > 1 else "signs" if scene.text else ""
    return f"{name}/{inner}" if inner else name


def write_images(atlas: Atlas, folder: Path) -> list[Scene]:
    """Returns the scenes that the pictures show."""
    rngs = [random.Random(f"{SEED}/refinement/{i}") for i in range(PICTURES)]
    scenes = [draw_scene(rng, "refinement") for rng in rngs]
    tops = atlas.tops()
    pictures = draw(atlas, scenes, [layout(rng, scene, tops) for rng, scene in zip(rngs, scenes, strict=True)])
    for i, (scene, picture) in enumerate(zip(scenes, pictures, strict=True)):
        extension, options = (
            ("webp", {"quality": 90, "method": 6}),
            ("jpg", {"quality": 92, "subsampling": 0}),
            ("png", {"optimize": True}),
        )[i % 3]
        path = folder / group(scene) / f"{scene.kind}-{i:03d}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, **options)
    return scenes


def write_benchmark(atlas: Atlas, folder: Path) -> list[Scene]:
    """Returns the scenes that the pictures show."""
    tops = atlas.tops()
    scenes, layers, rows = [], [], []
    for pattern in PATTERNS:
        seen: set[tuple[str, str]] = set()
        for attempt in itertools.count():
            key = f"{SEED}/benchmark/{pattern}/{attempt}"
            first, second, one, two = draw_pair(random.Random(key), pattern, "benchmark")
            # Every pair shows another kind, or another colour once the pattern's kinds are used up.
            if (first.kind, first.colour) in seen or (attempt < 200 and first.kind in {kind for kind, _ in seen}):
                continue
            seen.add((first.kind, first.colour))
            for scene, statement in ((first, one), (second, two)):
                scenes.append(scene)
                # One stream of chances for both, so that only the attribute differs.
                layers.append(layout(random.Random(key), scene, tops))
                rows.append((len(scenes), pattern, statement))
            if len(seen) == PAIRS_EACH:
                break
    for (number, pattern, _), picture in zip(rows, draw(atlas, scenes, layers), strict=True):
        path = folder / IMAGE_FOLDER / pattern / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=92, subsampling=0)
    with (folder / "Questions.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Question ID", "Type", "Statement"])
        writer.writerows(rows)
    return scenes


def write_classes(atlas: Atlas, folder: Path, shown: set[Combination]) -> None:
    tops = atlas.tops()
    drawn = class_scenes(SEED, shown)
    pictures = draw(atlas, [scene for scene, _ in drawn], [layout(rng, scene, tops) for scene, rng in drawn])
    for i, ((scene, _), picture) in enumerate(zip(drawn, pictures, strict=True)):
        save_webp(picture, folder / scene.kind / f"{i:03d}.webp")


def write_captions(atlas: Atlas, folder: Path, shown: set[Combination]) -> None:
    """Each caption belongs to one picture alone."""
    tops = atlas.tops()
    scenes, layers, captions = [], [], []
    for attempt in itertools.count():
        rng = random.Random(f"{SEED}/captions/{attempt}")
        scene = unseen_scene(rng, shown)
        caption = rich(scene, rng)
        if caption in captions:
            continue
        shown |= combinations(scene)
        scenes.append(scene)
        layers.append(layout(rng, scene, tops))
        captions.append(caption)
        if len(scenes) == CAPTIONED:
            break
    rows = [(f"images/{i:03d}.webp", caption) for i, caption in enumerate(captions)]
    for (path, _), picture in zip(rows, draw(atlas, scenes, layers), strict=True):
        save_webp(picture, folder / path)
    with (folder / "captions.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "caption"])
        writer.writerows(rows)


def save_webp(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90, method=6)


def archive(folder: Path, target: Path) -> None:
    """Pictures are stored as they are; times are fixed, so that the same pictures give the same bytes."""
    with zipfile.ZipFile(target, "w") as file:
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (path.parent.as_posix(), path.name)):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if path.suffix == ".csv" else zipfile.ZIP_STORED
            file.writestr(entry, path.read_bytes())
    print(f"{target.name}: {target.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    atlas = Atlas(*build_atlas(json.loads(Path(sys.argv[1]).read_text()), SIDE))

    def packed(name: str, write):
        with tempfile.TemporaryDirectory() as folder:
            written = write(atlas, Path(folder))
            archive(Path(folder), DEMO / f"{name}.zip")
        return written

    scenes = [*packed("images", write_images), *packed("benchmark", write_benchmark)]
    shown = set().union(*map(combinations, scenes))
    packed("classes", partial(write_classes, shown=shown))
    packed("captions", partial(write_captions, shown=shown))


if __name__ == "__main__":
    main()
