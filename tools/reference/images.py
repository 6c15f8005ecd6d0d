"""Small image files of every kind and Pillow's pixels for them, for src/data/decode.test.ts and e2e/images.spec.ts.

    python tools/reference/images.py      (needs numpy and pillow)
"""
import base64
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from preprocess_pictures import hashed, picture

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


def over_white_16(rgba: np.ndarray) -> np.ndarray:
    """16 bits rounded to 8, then over white."""
    eight = np.floor(rgba / 257 + 0.5)
    return np.floor((eight[..., :3] * eight[..., 3:] + 255 * (255 - eight[..., 3:])) / 255 + 0.5).astype(np.uint8)


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
    made |= {
        "still.gif": saved(palette, "GIF"),
        "moving.gif": saved(palette, "GIF", save_all=True, append_images=[ImageOps.mirror(palette)]),
        "transparent.gif": saved(palette, "GIF", transparency=3),
        "interlaced.gif": saved(palette, "GIF", interlace=1),
        "deep-colour.png": png16(2),
        "deep-alpha.png": png16(6),
        "deep-grey-alpha.png": png16(4),
        "deep-grey.png": png16(0),
    }
    for orientation in range(2, 9):
        made[f"turned-{orientation}.jpg"] = saved(grey, "JPEG", quality=90, exif=exif(orientation))
    return made


def png16(colour_type: int) -> bytes:
    """A PNG of 16 bits a channel, which Pillow reads but does not write."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    values = hashed(7, WIDTH * HEIGHT * channels).astype(np.uint32) >> 16
    return png_chunks(WIDTH, HEIGHT, colour_type, values.reshape(HEIGHT, -1))


def png_chunks(width: int, height: int, colour_type: int, values: np.ndarray) -> bytes:
    """The file of 16-bit values [height, width * channels]."""
    raw = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def values16(data: bytes) -> np.ndarray:
    """Straight RGBA of 16 bits of a file from `png16`, [height, width, 4]."""
    colour_type, at = data[25], data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at], "big")
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    rows = np.frombuffer(zlib.decompress(data[at + 4 : at + 4 + length]), np.uint8).reshape(HEIGHT, -1)[:, 1:]
    values = np.ascontiguousarray(rows).view(">u2").reshape(HEIGHT, WIDTH, channels).astype(np.uint16)
    alpha = values[..., -1:] if channels in (2, 4) else np.full((HEIGHT, WIDTH, 1), 65535, np.uint16)
    colours = values[..., :3] if channels > 2 else np.repeat(values[..., :1], 3, axis=2)
    return np.concatenate([colours, alpha], axis=2)


def refused() -> dict[str, tuple[bytes, str]]:
    rgb = Image.fromarray(picture(1, WIDTH, HEIGHT))
    png, jpeg, webp = saved(rgb, "PNG"), saved(rgb, "JPEG"), saved(rgb, "WEBP")
    frames = [rgb, ImageOps.mirror(rgb)]
    return {
        "empty.png": (b"", "empty"),
        "cut.png": (png[: len(png) // 2], "cut off"),
        "cut-end.png": (png[:-5], "cut off"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "cut off"),
        "cut-header.jpg": (jpeg[:12], "cut off"),
        "cut.webp": (webp[:-30], "cut off"),
        "signature-only.png": (png[:8], "cut off"),
        "text.jpg": (b"This is not an image at all.", "Not an image; PNG, JPEG, WebP, AVIF and GIF are read"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        "drawing.png": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        "cut.gif": (saved(rgb, "GIF")[:-20], "cut off"),
        "bitmap.jpg": (saved(rgb, "BMP"), "BMP"),
        "scan.jpg": (saved(rgb, "TIFF"), "TIFF"),
        "cut.avif": (saved(rgb, "AVIF")[:-20], "cut off"),
        "turned.avif": (saved(rgb, "AVIF", exif=exif(6)), "turned or mirrored"),
        "animation.webp": (saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "animation"),
        "print.jpg": (saved(rgb.convert("CMYK"), "JPEG"), "CMYK"),
        "print-scan.tif": (saved(rgb.convert("CMYK"), "TIFF"), "TIFF"),
        "deep-scan.tif": (saved(Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257), "TIFF"), "TIFF"),
    }


def main() -> None:
    good, bad = [], []
    for name, data in files().items():
        image = Image.open(io.BytesIO(data))
        upright = ImageOps.exif_transpose(image)
        rgba = np.asarray(image.convert("RGBA"))
        deep = values16(data) if name.startswith("deep") else None
        if deep is not None:
            # Pillow's conversion of 16-bit grey to RGBA is not that to RGB; the latter is what pipelines ask for.
            rgba = np.dstack([np.asarray(image.convert("RGB")), (deep[..., 3] >> 8).astype(np.uint8)])
        # What the reference mode promises: Pillow's conversion to RGB drops the alpha and leaves the colours alone.
        assert np.array_equal(rgba[..., :3], np.asarray(image.convert("RGB"))), name
        photo = over_white(upright) if deep is None else over_white_16(deep)
        good.append({
            "name": name, "file": b64(data), "width": image.width, "height": image.height,
            "rgba": b64(rgba.tobytes()),
            **({"rgba16": b64(deep.astype("<u2").tobytes())} if deep is not None else {}),
            "photo": {"width": upright.width, "height": upright.height, "rgb": b64(photo.tobytes())},
        })
    near = []
    smooth = Image.fromarray(picture(1, WIDTH, HEIGHT)).resize((64, 48), Image.Resampling.BICUBIC)
    clear = smooth.copy()
    clear.putalpha(Image.linear_gradient("L").resize(smooth.size))
    for name, image in (("colour.avif", smooth), ("alpha.avif", clear), ("grey.avif", smooth.convert("L"))):
        data = saved(image, "AVIF", quality=90, subsampling="4:2:0")
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        near.append({"name": name, "file": b64(data), "width": 64, "height": 48, "rgb": b64(pixels.tobytes())})
    for name, (data, reason) in refused().items():
        bad.append({"name": name, "file": b64(data), "reason": reason})
    lines = [",\n".join(json.dumps(case) for case in cases) for cases in (good, near, bad)]
    path = pathlib.Path(__file__).parent / "fixtures" / "images.json"
    path.write_text('{\n"good": [\n' + lines[0] + '\n],\n"near": [\n' + lines[1] + '\n],\n"refused": [\n' + lines[2] + "\n]\n}\n")


if __name__ == "__main__":
    main()
