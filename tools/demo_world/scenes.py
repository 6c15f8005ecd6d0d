"""Draws scenes: what is in a picture, in words' terms (`Scene`), and where its sprites go (`layout`).

Splits share no combination of object, colour and background: each (object, colour) pair deals the backgrounds out to
the splits in an order of its own.
"""

import random
import zlib
from dataclasses import dataclass, replace

import numpy as np

from .kinds import CARDS, COLOURS, KINDS, LETTERS, TOPS, WORDS, Kind, sprite_names

SPRITE = {name: i for i, name in enumerate(sprite_names())}
KIND = {kind.noun: kind for kind in KINDS}
GROUNDS = 24
SPLITS = {"benchmark": (0, 2), "refinement": (2, 4), "validation": (4, 7), "pretraining": (7, GROUNDS)}
LAYERS = 6
SIZES = {"": (0.44, 0.54), "big": (0.68, 0.78), "small": (0.24, 0.29)}
RELATIONS = ("left", "right", "above", "below")
Layer = tuple[int, float, float, float, float, int, int]
"""Sprite, centre x and y, width and height (shares of the picture), mirrored, upside down."""


@dataclass(frozen=True)
class Scene:
    kind: str
    colour: str
    """'' for the sprite's own colours."""
    ground: int
    look: str = ""
    mirrored: bool = False
    """Looks right, for kinds with a direction."""
    upside: bool = False
    count: int = 1
    size: str = ""
    shape: str = ""
    """'', 'tall' or 'wide'."""
    top: str = ""
    relation: str = ""
    other: str = ""
    other_colour: str = ""
    text: str = ""
    card: str = "white"
    place: tuple[float, float] = (0.0, 0.0)
    """Where in its free room the object stands, each in [-1, 1]."""

    @property
    def has_view(self) -> bool:
        return "front" in KIND[self.kind].looks

    @property
    def faces(self) -> bool:
        return KIND[self.kind].facing and self.look != "front"


def grounds_of(kind: str, colour: str, split: str) -> list[int]:
    """The backgrounds that a split may show this object in this colour on."""
    order = list(range(GROUNDS))
    random.Random(zlib.crc32(f"{kind}/{colour}".encode())).shuffle(order)
    return order[slice(*SPLITS[split])]


def pick_ground(rng: random.Random, kind: str, colour: str, split: str) -> int:
    return rng.choice(grounds_of(kind, colour, split))


def draw_scene(rng: random.Random, split: str, plain: bool = False) -> Scene:
    """A scene with every attribute free; `plain` gives one upright object and nothing else."""
    kind = rng.choice(KINDS)
    colour = "" if rng.random() < 0.15 else rng.choice(list(COLOURS))
    scene = Scene(
        kind.noun,
        colour,
        pick_ground(rng, kind.noun, colour, split),
        look=draw_look(rng, kind),
        mirrored=rng.random() < 0.5,
        place=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
        card=rng.choice(list(CARDS)),
        size=rng.choice(["", "", "big"]) if plain else "",
    )
    if plain:
        return scene
    scene = replace(scene, upside=rng.random() < 0.08)
    arrangement = rng.random()
    if arrangement < 0.24:
        return replace(scene, count=rng.randint(2, 5), upside=False)
    if arrangement < 0.48:
        return add_other(rng, scene)
    if arrangement < 0.66:
        return replace(scene, text=draw_text(rng), upside=False)
    scene = replace(scene, size=rng.choice(["", "", "big", "small"]))
    if rng.random() < 0.3:
        scene = replace(scene, shape=rng.choice(["tall", "wide"]))
    if scene.size != "big" and not scene.upside and rng.random() < 0.35:
        scene = replace(scene, top=draw_top(rng, scene.kind))
    return scene


def draw_look(rng: random.Random, kind: Kind) -> str:
    return rng.choice(list(kind.looks))


def draw_top(rng: random.Random, kind: str) -> str:
    return rng.choice([top for top in TOPS if top != kind])


def draw_text(rng: random.Random) -> str:
    return rng.choice(LETTERS) if rng.random() < 0.4 else rng.choice(WORDS)


def add_other(rng: random.Random, scene: Scene) -> Scene:
    other = rng.choice([kind for kind in KINDS if kind.noun != scene.kind])
    colour = "" if rng.random() < 0.3 else rng.choice(list(COLOURS))
    return replace(scene, relation=rng.choice(RELATIONS), other=other.noun, other_colour=colour)


def _stretch(size: float, shape: str) -> tuple[float, float]:
    across, down = {"": (1.0, 1.0), "tall": (0.66, 1.28), "wide": (1.28, 0.66)}[shape]
    return size * across, size * down


def layout(rng: random.Random, scene: Scene, tops: np.ndarray) -> list[Layer]:
    """The scene's sprites, back to front. `tops` is how far below its box's upper edge each sprite begins."""
    sprite = SPRITE[f"{scene.kind}/{scene.look}/{scene.colour}"]
    flip, upside = int(scene.mirrored), int(scene.upside)
    px, py = scene.place
    if scene.count > 1:
        return _crowd(rng, scene, sprite)
    if scene.relation:
        size = rng.uniform(0.38, 0.44)
        gap = 0.24 + 0.02 * rng.uniform(-1, 1)
        sign = -1 if scene.relation in ("left", "above") else 1
        along, across = sign * gap, 0.06 * px
        dx, dy = (along, across) if scene.relation in ("left", "right") else (across, along)
        other = SPRITE[f"{scene.other}//{scene.other_colour}"]
        other_flip = int(rng.random() < 0.5)
        return [
            (sprite, 0.5 + dx, 0.5 + dy, size, size, flip, upside),
            (other, 0.5 - dx, 0.5 - dy, size, size, other_flip, 0),
        ]
    if scene.text:
        return _sign(rng, scene, sprite, flip)
    width, height = _stretch(rng.uniform(*SIZES[scene.size]), scene.shape)
    room = 0.26 * height if scene.top else 0.0
    cx = 0.5 + px * 0.7 * max(0.0, 0.5 - width / 2)
    cy = 0.5 + room / 2 + py * 0.7 * max(0.0, 0.5 - (height + room) / 2)
    layers: list[Layer] = [(sprite, cx, cy, width, height, flip, upside)]
    if scene.top:
        side = 0.42 * min(width, height)
        edge = cy - height / 2 + tops[sprite] * height
        layers.append((SPRITE[f"top/{scene.top}"], cx, edge - 0.28 * side, side, side, 0, 0))
    return layers


CROWDS = {
    2: ((0.28, 0.5), (0.72, 0.5)),
    3: ((0.5, 0.27), (0.27, 0.72), (0.73, 0.72)),
    4: ((0.28, 0.28), (0.72, 0.28), (0.28, 0.72), (0.72, 0.72)),
    5: ((0.24, 0.24), (0.76, 0.24), (0.5, 0.5), (0.24, 0.76), (0.76, 0.76)),
}


def _crowd(rng: random.Random, scene: Scene, sprite: int) -> list[Layer]:
    size = rng.uniform(0.28, 0.34)
    turn = rng.random() < 0.5
    layers: list[Layer] = []
    for x, y in CROWDS[scene.count]:
        if turn:
            x, y = (y, x) if scene.count == 2 else (x, 1 - y)
        x, y = x + rng.uniform(-0.04, 0.04), y + rng.uniform(-0.04, 0.04)
        layers.append((sprite, x, y, size, size, int(scene.mirrored), 0))
    return layers


def _sign(rng: random.Random, scene: Scene, sprite: int, flip: int) -> list[Layer]:
    size, cx = rng.uniform(0.46, 0.52), 0.5 + 0.12 * scene.place[0]
    letters = len(scene.text)
    tall = 0.30
    width = max(0.34, 0.14 + 0.19 * letters)
    layers: list[Layer] = [
        (sprite, 0.5 - 0.1 * scene.place[0], 0.29, size, size, flip, 0),
        (SPRITE[f"card/{scene.card}"], cx, 0.77, width, 0.40, 0, 0),
    ]
    for i, character in enumerate(scene.text):
        x = cx + 0.19 * (i - (letters - 1) / 2)
        layers.append((SPRITE[f"letter/{character}"], x, 0.77, 0.9 * tall, tall, 0, 0))
    return layers
