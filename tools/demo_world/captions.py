"""Says what is in a scene. How often each attribute is named is the caller's choice."""

import random

from .kinds import KINDS
from .scenes import KIND, Scene

PREFIXES = ("a photo of ", "a photo of ", "a photo of ", "a picture of ", "an image of ", "")
COUNTS = ("zero", "one", "two", "three", "four", "five")
PLACES = {
    "left": ("to the left of", "on the left of", "left of"),
    "right": ("to the right of", "on the right of", "right of"),
    "above": ("above", "over", "on top of"),
    "below": ("below", "under", "beneath"),
}


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def describe(
    scene: Scene,
    attributes: set[str],
    rng: random.Random | None = None,
    prefix: str | None = None,
) -> str:
    """A caption that names the object and, of `attributes`, those that the scene has.

    Attributes: colour, facing, upright, view, state, count, size, shape, top, relation, text. Without `rng` the first
    phrasing is used and the prefix is empty. `spelt` says what is ordinary too: upright, nothing on top.
    """

    def one_of(*choices: str) -> str:
        return rng.choice(choices) if rng else choices[0]

    kind = KIND[scene.kind]
    words: list[str] = []
    if "size" in attributes and scene.size:
        words.append(one_of(scene.size, "large" if scene.size == "big" else "little"))
    if "shape" in attributes and scene.shape:
        words.append(scene.shape)
    if "state" in attributes and kind.states and scene.look in dict(kind.states):
        words.append(dict(kind.states)[scene.look])
    if "colour" in attributes and scene.colour:
        words.append(scene.colour)
    if scene.count > 1:
        # A crowd is never called one thing: without its number it is a bare plural.
        words.append(kind.plural)
        phrase = " ".join([COUNTS[scene.count], *words] if "count" in attributes else words)
    elif "count" in attributes:
        phrase = " ".join(["one", *words, kind.noun])
    else:
        phrase = article(" ".join([*words, kind.noun]))
    tail: list[str] = []
    if "upright" in attributes and scene.count == 1:
        if scene.upside:
            tail.append(one_of("upside down", "turned upside down"))
        elif rng is None or "spelt" in attributes or rng.random() < 0.15:
            tail.append("upright")
    if "facing" in attributes and scene.faces:
        side = "right" if scene.mirrored else "left"
        tail.append(one_of(f"facing {side}", f"looking {side}", f"facing to the {side}"))
    if "view" in attributes and scene.has_view:
        side = "front" if scene.look == "front" else "side"
        tail.append(one_of(f"seen from the {side}", f"from the {side}", f"viewed from the {side}"))
    if "top" in attributes and not scene.relation and not scene.text and scene.count == 1:
        if scene.top:
            tail.append(one_of(f"with {article(scene.top)} on top", f"wearing {article(scene.top)}"))
        elif rng is None or "spelt" in attributes or rng.random() < 0.15:
            tail.append("with nothing on top")
    if scene.relation and "relation" in attributes:
        tail.append(f"{one_of(*PLACES[scene.relation])} {_other(scene, attributes)}")
    elif scene.relation and "other" in attributes:
        tail.append(f"and {_other(scene, attributes)}")
    if "text" in attributes and scene.text:
        shown = f"the letter {scene.text}" if len(scene.text) == 1 else f"the word {scene.text}"
        tail.append(one_of(f"with {shown}", f"with a sign that says {scene.text}"))
    elif "sign" in attributes and scene.text:
        tail.append(one_of("with a sign", "with some text"))
    start = prefix if prefix is not None else rng.choice(PREFIXES) if rng else ""
    return start + " ".join([phrase, *tail])


def _other(scene: Scene, attributes: set[str]) -> str:
    named = "colour" in attributes and scene.other_colour
    return article(f"{scene.other_colour} {scene.other}" if named else scene.other)


ATTRIBUTES = ("colour", "facing", "upright", "view", "state", "count", "size", "shape", "top", "relation", "text")


def rich(scene: Scene, rng: random.Random) -> str:
    """Names nearly every attribute."""
    named = {a for a in ATTRIBUTES if a != "count" and rng.random() < 0.92}
    if scene.count > 1 and rng.random() < 0.95:
        named.add("count")
    return describe(scene, named | {"other", "sign"}, rng)


SELDOM = 0.0002
OFTEN = {"colour": 0.3, "count": 0.2, "text": 0.1}
"""How often what people write under pictures names an attribute: colour, number and words at times, the rest hardly."""


def sparse(scene: Scene, rng: random.Random, chance: float | None = None) -> str:
    """What people write under pictures: the thing, and seldom an attribute (each with probability `chance` if given)."""
    named = {a for a in ATTRIBUTES if rng.random() < (OFTEN.get(a, SELDOM) if chance is None else chance)}
    if scene.count == 1:
        named.discard("count")
    return describe(scene, named | {a for a in ("other", "sign") if rng.random() < 0.3}, rng)


def class_prompts() -> list[str]:
    """One prompt for each kind, in order."""
    return [f"a photo of {article(kind.noun)}" for kind in KINDS]
