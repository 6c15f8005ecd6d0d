"""Hard negatives: a second scene that differs from a first in one attribute, and captions that say which."""

import random
from dataclasses import replace

from .captions import ATTRIBUTES, describe
from .kinds import COLOURS, LETTERS, WORDS
from .scenes import KIND, Scene, draw_top, pick_ground

OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
WEIGHTS = {"facing": 3, "relation": 4, "upright": 1, "count": 2}
"""How much more often an attribute is the one that changes; contrastive training learns these last."""


def _choices(scene: Scene) -> list[str]:
    kind = KIND[scene.kind]
    alone = scene.count == 1 and not scene.relation and not scene.text
    fits = {
        "facing": scene.faces,
        "upright": scene.count == 1 and not scene.text,
        "view": scene.has_view,
        "state": bool(kind.states) and scene.look in dict(kind.states),
        "count": scene.count > 1,
        "relation": scene.relation != "",
        "colour": scene.colour != "",
        "size": scene.size != "",
        "shape": scene.shape != "",
        "top": alone and not scene.upside and scene.size != "big",
        "text": scene.text != "",
    }
    return [name for name, fit in fits.items() if fit for _ in range(WEIGHTS.get(name, 1))]


def twin(rng: random.Random, scene: Scene, split: str) -> tuple[Scene, str]:
    """The other scene and the attribute that changed ('' and the scene itself where none can)."""
    choices = _choices(scene)
    if not choices:
        return scene, ""
    attribute = rng.choice(choices)
    match attribute:
        case "facing":
            return replace(scene, mirrored=not scene.mirrored), attribute
        case "upright":
            return replace(scene, upside=not scene.upside, top=""), attribute
        case "view":
            return replace(scene, look="" if scene.look == "front" else "front"), attribute
        case "state":
            other = next(look for look, _ in KIND[scene.kind].states if look != scene.look)
            return replace(scene, look=other), attribute
        case "count":
            return replace(scene, count=rng.choice([n for n in range(2, 6) if n != scene.count])), attribute
        case "relation":
            return replace(scene, relation=OPPOSITE[scene.relation]), attribute
        case "colour":
            colour = rng.choice([c for c in COLOURS if c != scene.colour])
            return replace(scene, colour=colour, ground=pick_ground(rng, scene.kind, colour, split)), attribute
        case "size":
            return replace(scene, size="small" if scene.size == "big" else "big", top=""), attribute
        case "shape":
            return replace(scene, shape="wide" if scene.shape == "tall" else "tall"), attribute
        case "top":
            return replace(scene, top="" if scene.top else draw_top(rng, scene.kind)), attribute
        case _:
            pool = LETTERS if len(scene.text) == 1 else WORDS
            return replace(scene, text=rng.choice([text for text in pool if text != scene.text])), attribute


def telling(scene: Scene, attribute: str, seed: str) -> str:
    """A caption that names `attribute` and a random share of the others.

    The same seed gives both scenes of a pair the same phrasing.
    """
    rng = random.Random(seed)
    share = rng.random()
    named = {name for name in ATTRIBUTES if rng.random() < share} | {attribute, "spelt"}
    if scene.count > 1 and share > 0.5:
        named.add("count")
    elif attribute != "count":
        named.discard("count")
    return describe(scene, named | {name for name in ("other", "sign") if rng.random() < 0.5}, rng)
