"""Scenes of the held-out split for the guard of the demo: class zero-shot and retrieval on what nothing else shows."""

import itertools
import random

from .kinds import KINDS
from .scenes import Scene, add_other, draw_scene, grounds_of

SPLIT = "benchmark"
EACH = 4
"""Pictures of a class."""
Combination = tuple[str, str, int]
"""Kind, colour and background of an object."""


def combinations(scene: Scene) -> set[Combination]:
    """Of every object in the scene, letters and small extra things left out."""
    first = (scene.kind, scene.colour, scene.ground)
    return {first, (scene.other, scene.other_colour, scene.ground)} if scene.relation else {first}


def unseen_scene(rng: random.Random, shown: set[Combination], plain: bool = False) -> Scene:
    """A scene of the split that holds no combination of `shown`. Its second object keeps to the split as well."""
    while True:
        scene = draw_scene(rng, SPLIT, plain)
        while scene.relation and scene.ground not in grounds_of(scene.other, scene.other_colour, SPLIT):
            scene = add_other(rng, scene)
        if shown.isdisjoint(combinations(scene)):
            return scene


def class_scenes(seed: int, shown: set[Combination]) -> list[tuple[Scene, random.Random]]:
    """`EACH` scenes of one upright object for every kind, in the kinds' order, each with its stream of chances.

    Adds what they show to `shown`, so that no combination comes twice.
    """
    drawn = []
    for kind in KINDS:
        found = 0
        for attempt in itertools.count():
            rng = random.Random(f"{seed}/classes/{kind.noun}/{attempt}")
            scene = unseen_scene(rng, shown, plain=True)
            if scene.kind != kind.noun:
                continue
            shown |= combinations(scene)
            drawn.append((scene, rng))
            found += 1
            if found == EACH:
                break
    return drawn
