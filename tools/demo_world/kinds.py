"""The things of the small world and the Fluent Emoji sprites that show them.

Sprites: `@iconify-json/fluent-emoji-flat` (MIT, Microsoft Corporation). All sprites of a kind that has a direction look
left, except those in `LOOKS_RIGHT`; labelled by eye.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """One class of objects. `looks` maps a look to its icon: '' is the ordinary one, others are views and states."""

    noun: str
    looks: dict[str, str]
    plural: str
    facing: bool = False
    """Whether left and right differ clearly."""
    states: tuple[tuple[str, str], ...] = field(default=())
    """The looks that are states, as (look, adjective); empty when the kind has none."""


def _kind(noun: str, icon: str = "", plural: str = "", facing: bool = False, front: str = "", **states: str) -> Kind:
    """`front` is the icon seen from the front; `states` maps adjectives to icons, and the first is the ordinary one."""
    looks = {"": icon or noun}
    named: list[tuple[str, str]] = []
    for i, (adjective, sprite) in enumerate(states.items()):
        look = "" if i == 0 else adjective
        looks[look] = sprite
        named.append((look, adjective))
    if front:
        looks["front"] = front
    return Kind(noun, looks, plural or noun + "s", facing, tuple(named))


KINDS: tuple[Kind, ...] = (
    # Animals that look left.
    _kind("cat", facing=True, front="cat-face"),
    _kind("dog", facing=True, front="dog-face"),
    _kind("horse", facing=True, front="horse-face"),
    _kind("cow", facing=True, front="cow-face"),
    _kind("pig", facing=True, front="pig-face"),
    _kind("tiger", facing=True, front="tiger-face"),
    _kind("rabbit", facing=True, front="rabbit-face"),
    _kind("mouse", plural="mice", facing=True, front="mouse-face"),
    _kind("monkey", facing=True, front="monkey-face"),
    _kind("dragon", facing=True, front="dragon-face"),
    _kind("chick", "baby-chick", facing=True, front="front-facing-baby-chick"),
    _kind("elephant", facing=True),
    _kind("giraffe", facing=True),
    _kind("duck", facing=True),
    _kind("bird", facing=True),
    _kind("fish", plural="fish", facing=True),
    _kind("turtle", facing=True),
    _kind("snail", facing=True),
    _kind("dolphin", facing=True),
    _kind("whale", facing=True, quiet="whale", spouting="spouting-whale"),
    _kind("camel", facing=True),
    _kind("goat", facing=True),
    _kind("sheep", "ewe", plural="sheep", facing=True),
    _kind("kangaroo", facing=True),
    _kind("dinosaur", "t-rex", facing=True),
    # Vehicles that look left.
    _kind("car", "automobile", facing=True, front="oncoming-automobile"),
    _kind("bus", plural="buses", facing=True, front="oncoming-bus"),
    _kind("taxi", facing=True, front="oncoming-taxi"),
    _kind("truck", "delivery-truck", facing=True),
    _kind("tractor", facing=True),
    _kind("bicycle", facing=True),
    _kind("motorcycle", facing=True),
    _kind("scooter", "motor-scooter", facing=True),
    _kind("train", "locomotive", facing=True),
    _kind("helicopter", facing=True),
    # Things with a direction.
    _kind("teapot", facing=True),
    _kind("boot", "hiking-boot", facing=True),
    _kind("cap", "billed-cap", facing=True),
    _kind("mailbox", plural="mailboxes", closed="closed-mailbox-with-lowered-flag", open="open-mailbox-with-lowered-flag"),
    _kind("speaker", loud="speaker-high-volume", muted="muted-speaker"),
    # Things without one.
    _kind("umbrella", open="umbrella", closed="closed-umbrella"),
    _kind("book", closed="closed-book", open="open-book"),
    _kind("lock", locked="locked", unlocked="unlocked"),
    _kind("folder", closed="file-folder", open="open-file-folder"),
    _kind("heart", whole="red-heart", broken="broken-heart"),
    _kind("battery", plural="batteries", full="battery", low="low-battery"),
    _kind("rose", blooming="rose", wilted="wilted-flower"),
    _kind("nest", full="nest-with-eggs", empty="empty-nest"),
    _kind("moon", full="full-moon", crescent="crescent-moon"),
    _kind("star", plain="star", glowing="glowing-star"),
    _kind("cloud", dry="cloud", rainy="cloud-with-rain"),
    _kind("camera", idle="camera", flashing="camera-with-flash"),
    _kind("chair"),
    _kind("backpack"),
    _kind("shirt", "t-shirt"),
    _kind("dress", plural="dresses"),
    _kind("tent"),
    _kind("door"),
    _kind("tulip"),
    _kind("tree", "deciduous-tree"),
    _kind("mushroom"),
    _kind("apple", "red-apple"),
    _kind("pear"),
    _kind("balloon"),
    _kind("guitar"),
    _kind("bell"),
    _kind("key"),
    _kind("gift", "wrapped-gift"),
    _kind("bucket"),
    _kind("cupcake"),
    _kind("anchor"),
    _kind("magnet"),
    _kind("butterfly", plural="butterflies"),
    _kind("octopus", plural="octopuses"),
    _kind("crab"),
    _kind("penguin"),
    _kind("owl"),
    _kind("pencil"),
    _kind("trumpet"),
)

LOOKS_RIGHT = {"hiking-boot"}

COLOURS: dict[str, tuple[float, float, float]] = {
    # Hue in degrees, saturation and lightness in [0, 1].
    "red": (358, 0.85, 0.52),
    "orange": (28, 0.95, 0.53),
    "yellow": (50, 0.95, 0.55),
    "green": (140, 0.62, 0.42),
    "blue": (215, 0.88, 0.55),
    "purple": (275, 0.55, 0.52),
    "pink": (330, 0.88, 0.72),
    "gray": (220, 0.04, 0.60),
}

TOPS: dict[str, str] = {"crown": "crown", "hat": "top-hat", "bow": "ribbon", "cactus": "cactus"}
"""Small extra things that may stand on an object."""

WORDS = (
    "go no up on in hi ok we yes top hot big new old fun sky sea ice art map joy zoo tea sun box run win try all one"
).split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CARDS = {"white": "#f7f7f2", "cream": "#fff3cf", "mint": "#d8f5e5"}


def sprite_names() -> list[str]:
    """Every sprite's key, in atlas order: `noun/look/colour`, `top/name`, `card/name`, `letter/a`."""
    names = [f"{k.noun}/{look}/{colour}" for k in KINDS for look in k.looks for colour in ("", *COLOURS)]
    return [*names, *(f"top/{t}" for t in TOPS), *(f"card/{c}" for c in CARDS), *(f"letter/{c}" for c in LETTERS)]
