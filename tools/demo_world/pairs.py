"""Pairs of pictures that differ in one attribute, with the two statements that tell them apart (MMVP's form)."""

import random
from dataclasses import replace

from .captions import describe
from .kinds import COLOURS, LETTERS, WORDS
from .scenes import KIND, Scene, add_other, draw_scene, draw_top, pick_ground
from .twins import OPPOSITE

PATTERNS = (
    "Orientation and Direction",
    "Presence of Specific Features",
    "State and Condition",
    "Quantity and Count",
    "Positional and Relational Context",
    "Color and Appearance",
    "Structural Characteristics",
    "Texts",
    "Viewpoint and Perspective",
)
Pair = tuple[Scene, Scene, str, str]


def _base(rng: random.Random, split: str, fits) -> Scene:
    while True:
        scene = draw_scene(rng, split, plain=True)
        scene = replace(scene, size="")
        if fits(scene, KIND[scene.kind]):
            return scene


def _told(first: Scene, second: Scene, *attributes: str) -> Pair:
    named = set(attributes)
    return first, second, describe(first, named), describe(second, named)


def draw_pair(rng: random.Random, pattern: str, split: str) -> Pair:
    """The pictures share everything but the attribute, the background included."""
    match PATTERNS.index(pattern):
        case 0:
            if rng.random() < 0.2:
                scene = _base(rng, split, lambda s, k: s.kind not in ("moon", "star", "cloud"))
                pair = _told(scene, replace(scene, upside=True), "upright")
            else:
                scene = _base(rng, split, lambda s, k: s.faces)
                pair = _told(scene, replace(scene, mirrored=not scene.mirrored), "facing")
        case 1:
            scene = _base(rng, split, lambda s, k: True)
            pair = _told(replace(scene, top=draw_top(rng, scene.kind)), scene, "top")
        case 2:
            scene = _base(rng, split, lambda s, k: bool(k.states))
            (one, _), (two, _) = KIND[scene.kind].states
            pair = _told(replace(scene, look=one), replace(scene, look=two), "state")
        case 3:
            scene = _base(rng, split, lambda s, k: True)
            one, two = rng.sample(range(2, 6), 2)
            pair = _told(replace(scene, count=one), replace(scene, count=two), "count")
        case 4:
            scene = add_other(rng, _base(rng, split, lambda s, k: True))
            pair = _told(scene, replace(scene, relation=OPPOSITE[scene.relation]), "relation")
        case 5:
            scene = _base(rng, split, lambda s, k: s.colour != "")
            other = rng.choice([c for c in COLOURS if c != scene.colour])
            pair = _told(scene, replace(scene, colour=other), "colour")
        case 6:
            scene = _base(rng, split, lambda s, k: True)
            if rng.random() < 0.5:
                pair = _told(replace(scene, shape="tall"), replace(scene, shape="wide"), "shape")
            else:
                pair = _told(replace(scene, size="big"), replace(scene, size="small"), "size")
        case 7:
            scene = _base(rng, split, lambda s, k: True)
            one, two = rng.sample(LETTERS if rng.random() < 0.4 else WORDS, 2)
            pair = _told(replace(scene, text=one), replace(scene, text=two), "text")
        case _:
            scene = _base(rng, split, lambda s, k: s.has_view)
            pair = _told(replace(scene, look="front"), replace(scene, look=""), "view")
    first, second, one_text, two_text = pair
    if rng.random() < 0.5:
        first, second, one_text, two_text = second, first, two_text, one_text
    ground = pick_ground(rng, first.kind, first.colour, split)
    second_ground = ground if first.colour == second.colour else pick_ground(rng, second.kind, second.colour, split)
    return replace(first, ground=ground), replace(second, ground=second_ground), one_text, two_text
