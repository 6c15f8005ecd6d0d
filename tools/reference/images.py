"""Small image files of every kind and Pillow's pixels for them, for src/data/decode.test.ts and e2e/images.spec.ts.

    python tools/reference/images.py      (needs numpy and pillow)
"""
import base64
import io
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

from preprocess_pictures import picture

WIDTH, HEIGHT = 11, 7


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def over_white(image: Image.Image) -> np.ndarray:
    """Straight alpha over white, rounded to the nearest."""
    rgba = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = rgba[..., 3:]
    return np.floor((rgba[..., :3] * alpha + 255 * (255 - alpha)) / 255 + 0.5).astype(np.uint8)


def files() -> dict[str, bytes]:
    rgb = Image.fromarray(picture(1, WIDTH, HEIGHT))
    grey = rgb.convert("L")
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(picture(2, WIDTH, HEIGHT)[..., 1]))
    palette = rgb.quantize(16)
    keyed = rgb.getpixel((3, 4))
    smooth = rgb.resize((20, 13), Image.Resampling.BICUBIC)
    made = {
        "rgb.png": saved(rgb, "PNG"),
        "grey.png": saved(grey, "PNG"),
        "bits.png": saved(grey.convert("1"), "PNG"),
        "palette.png": saved(palette, "PNG"),
        "palette-transparent.png": saved(palette, "PNG", transparency=bytes(range(0, 256, 16))),
        "grey-alpha.png": saved(rgba.convert("LA"), "PNG"),
        "alpha.png": saved(rgba, "PNG"),
        "key.png": saved(rgb, "PNG", transparency=keyed),
        "turned.png": saved(rgb, "PNG", exif=exif(6)),
        "grey.jpg": saved(grey, "JPEG", quality=90),
        "colour.jpg": saved(smooth, "JPEG", quality=90),
        "full-chroma.jpg": saved(smooth, "JPEG", quality=95, subsampling=0),
        "progressive.jpg": saved(smooth, "JPEG", quality=80, progressive=True),
        "trailing.jpg": saved(smooth, "JPEG", quality=80) + b"camera's own data",
        "lossless.webp": saved(rgb, "WEBP", lossless=True),
        "lossless-alpha.webp": saved(rgba, "WEBP", lossless=True, exact=True),
        "lossy.webp": saved(smooth, "WEBP", quality=80),
        "turned.webp": saved(rgb, "WEBP", lossless=True, exif=exif(8)),
    }
    for orientation in range(2, 9):
        made[f"turned-{orientation}.jpg"] = saved(grey, "JPEG", quality=90, exif=exif(orientation))
    return made


def refused() -> dict[str, tuple[bytes, str]]:
    rgb = Image.fromarray(picture(1, WIDTH, HEIGHT))
    png, jpeg, webp = saved(rgb, "PNG"), saved(rgb, "JPEG"), saved(rgb, "WEBP")
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    frames = [rgb, ImageOps.mirror(rgb)]
    return {
        "empty.png": (b"", "empty"),
        "cut.png": (png[: len(png) // 2], "cut off"),
        "cut-end.png": (png[:-5], "cut off"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "cut off"),
        "cut-header.jpg": (jpeg[:12], "cut off"),
        "cut.webp": (webp[:-30], "cut off"),
        "signature-only.png": (png[:8], "cut off"),
        "text.jpg": (b"This is not an image at all.", "Not an image; PNG, JPEG and WebP are read"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        "drawing.png": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        "moving.png": (saved(rgb, "GIF"), "GIF"),
        "bitmap.jpg": (saved(rgb, "BMP"), "BMP"),
        "scan.jpg": (saved(rgb, "TIFF"), "TIFF"),
        "modern.png": (saved(rgb, "AVIF"), "AVIF"),
        "animation.webp": (saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "animation"),
        "deep.png": (saved(deep, "PNG"), "16 bits"),
        "print.jpg": (saved(rgb.convert("CMYK"), "JPEG"), "CMYK"),
    }


def main() -> None:
    good, bad = [], []
    for name, data in files().items():
        image = Image.open(io.BytesIO(data))
        upright = ImageOps.exif_transpose(image)
        rgba = np.asarray(image.convert("RGBA"))
        # What the reference mode promises: Pillow's conversion to RGB drops the alpha and leaves the colours alone.
        assert np.array_equal(rgba[..., :3], np.asarray(image.convert("RGB"))), name
        photo = over_white(upright)
        good.append({
            "name": name, "file": b64(data), "width": image.width, "height": image.height,
            "rgba": b64(rgba.tobytes()),
            "photo": {"width": upright.width, "height": upright.height, "rgb": b64(photo.tobytes())},
        })
    for name, (data, reason) in refused().items():
        bad.append({"name": name, "file": b64(data), "reason": reason})
    lines = [",\n".join(json.dumps(case) for case in cases) for cases in (good, bad)]
    path = pathlib.Path(__file__).parent / "fixtures" / "images.json"
    path.write_text('{\n"good": [\n' + lines[0] + '\n],\n"refused": [\n' + lines[1] + "\n]\n}\n")


if __name__ == "__main__":
    main()
