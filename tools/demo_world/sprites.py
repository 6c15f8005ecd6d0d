"""Draws every sprite once, in its own colours and in each of the world's, into one atlas.

    python -m tools.demo_world.sprites ICONS_JSON ATLAS_NPZ [SIZE]

SIZE is a sprite's side in pixels (64 suits pictures of 64 x 64; backgrounds are twice as large). ICONS_JSON is `icons.json` of the npm package `@iconify-json/fluent-emoji-flat`.
"""

import colorsys
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image, ImageDraw, ImageFont

from .kinds import CARDS, COLOURS, KINDS, LETTERS, LOOKS_RIGHT, TOPS

SAMPLE = 64
"""Side at which colours are measured."""
HEX = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b")


def rasterise(body: str, width: float, height: float, size: int) -> np.ndarray:
    """RGBA bytes [size, size, 4]."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{size}" height="{size}">{body}</svg>'
    )
    return np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA"))


def _hls(code: str) -> tuple[float, float, float]:
    digits = code[1:] if len(code) == 7 else "".join(2 * c for c in code[1:])
    return colorsys.rgb_to_hls(*(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)))


def body_colours(body: str, picture: np.ndarray) -> dict[str, float]:
    """The colours that make up the thing itself, with their areas: the largest family of one hue, or of greys.

    Near-black and near-white stay out, since they draw eyes, wheels and highlights; unless nothing else is there.
    """
    codes = sorted(set(HEX.findall(body)))
    opaque = picture[picture[..., 3] > 200][:, :3].astype(float)
    palette = np.array([[round(255 * v) for v in colorsys.hls_to_rgb(*_hls(code))] for code in codes], dtype=float)
    nearest = np.argmin(((opaque[:, None] - palette[None]) ** 2).sum(-1), axis=1)
    area = {code: float((nearest == i).mean()) for i, code in enumerate(codes)}
    families: list[dict[str, float]] = []
    for seed in codes:
        hue, light, saturation = _hls(seed)
        family: dict[str, float] = {}
        for code in codes:
            h, l, s = _hls(code)
            if not 0.17 < l < 0.97:
                continue
            grey, seed_grey = s < 0.16 or l > 0.93, saturation < 0.16 or light > 0.93
            apart = abs((h - hue + 0.5) % 1 - 0.5)
            if (grey and seed_grey) or (not grey and not seed_grey and apart < 28 / 360):
                family[code] = area[code]
        families.append(family)
    return max(families, key=lambda family: sum(family.values()))


def recolour(body: str, family: dict[str, float], colour: str) -> str:
    """Swaps the family's hex codes for shades of `colour`, keeping how much lighter or darker each is."""
    hue, saturation, lightness = COLOURS[colour]
    base = _hls(max(family, key=lambda code: family[code]))[1]

    def swap(match: re.Match[str]) -> str:
        code = match.group()
        if code not in family:
            return code
        light = min(0.92, max(0.14, lightness + 0.8 * (_hls(code)[1] - base)))
        rgb = colorsys.hls_to_rgb(hue / 360, light, saturation)
        return "#" + "".join(f"{round(255 * v):02x}" for v in rgb)

    return HEX.sub(swap, body)


def _card(colour: str, size: int) -> np.ndarray:
    picture = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((4, 4, 251, 251), radius=36, fill="#30303c")
    draw.rounded_rectangle((16, 16, 239, 239), radius=28, fill=colour)
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))


def _letter(character: str, size: int) -> np.ndarray:
    """A bold capital that fills the sprite's height (Aileron, Pillow's built-in font, public domain)."""
    picture = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    font = ImageFont.load_default(size=290)
    draw = ImageDraw.Draw(picture)
    draw.text((128, 256 * 0.91), character.upper(), font=font, fill="#20202a", stroke_width=9, anchor="ms")
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))


def grounds(side: int) -> np.ndarray:
    """Backgrounds, bytes [G, side, side, 3]: plain, graded, sky over ground, dots and stripes."""
    y, x = np.mgrid[0:side, 0:side] / side
    plain = ["#f4efe6", "#dfeaf2", "#e9e4f0", "#e3efe0", "#2f3440", "#fbe9d7"]
    graded = ["#fdf6e3 #f3c6a5", "#dff3ff #a3c9f0", "#f6e6ff #c7b5ea", "#e8ffe9 #a8d8b9", "#40465c #20222e", "#fff #d5d8de"]
    lands = ["#bfe3ff #8cc47a", "#ffe0c2 #c99a6b", "#d6ecff #f0e0b0", "#c9d6ff #7d8fb3", "#2b3350 #3d5a4a", "#fff1d6 #b7c98b"]
    prints = ["#fdf3f3 #f0d2d2", "#eef6fb #cfe2ee", "#f8f8ec #e3e3c4", "#efeaf8 #d8cdee", "#eef7ee #cfe5cf", "#f5f0ea #e2d5c5"]
    out = [np.broadcast_to(_rgb(code), (side, side, 3)) for code in plain]
    for pair in graded:
        top, bottom = (_rgb(code) for code in pair.split())
        out.append(top + (bottom - top) * y[..., None])
    for pair in lands:
        sky, ground = (_rgb(code) for code in pair.split())
        out.append(np.where((y > 0.68)[..., None], ground * (1.12 - 0.25 * y[..., None]), sky * (0.9 + 0.15 * y[..., None])))
    for i, pair in enumerate(prints):
        base, mark = (_rgb(code) for code in pair.split())
        dots = ((x * 6) % 1 - 0.5) ** 2 + ((y * 6) % 1 - 0.5) ** 2 < 0.06
        stripes = (x * (8 if i == 1 else 5) + (y * 5 if i == 5 else 0)) % 1 < 0.5
        out.append(np.where((dots if i % 2 == 0 else stripes)[..., None], mark, base))
    return np.stack([np.clip(ground, 0, 255).astype(np.uint8) for ground in out])


def _rgb(code: str) -> np.ndarray:
    return np.array([255 * v for v in colorsys.hls_to_rgb(*_hls(code))])


def build_atlas(icons: dict, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(sprites [N, size, size, 4] in the order of `sprite_names`, backgrounds [G, 2 size, 2 size, 3]), both bytes."""

    def draw(icon: str, colour: str) -> np.ndarray:
        entry = icons["icons"][icon]
        width, height = entry.get("width", icons.get("width", 32)), entry.get("height", icons.get("height", 32))
        body = entry["body"]
        if colour:
            body = recolour(body, body_colours(body, rasterise(body, width, height, SAMPLE)), colour)
        picture = rasterise(body, width, height, size)
        return picture[:, ::-1] if icon in LOOKS_RIGHT else picture

    sprites = [draw(icon, colour) for k in KINDS for icon in k.looks.values() for colour in ("", *COLOURS)]
    sprites += [draw(icon, "") for icon in TOPS.values()]
    sprites += [_card(colour, size) for colour in CARDS.values()]
    sprites += [_letter(character, size) for character in LETTERS]
    return np.stack(sprites), grounds(2 * size)


def main() -> None:
    icons = json.loads(Path(sys.argv[1]).read_text())
    sprites, backgrounds = build_atlas(icons, int(sys.argv[3]) if len(sys.argv) > 3 else 64)
    np.savez_compressed(sys.argv[2], sprites=sprites, grounds=backgrounds)
    print(f"{len(sprites)} sprites, {len(backgrounds)} backgrounds")


if __name__ == "__main__":
    main()
