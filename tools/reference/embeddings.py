"""Images of every kind, small encoders, and the embeddings that transformers and open_clip give, for
src/evaluation/embedding-equality.test.ts and e2e/images.spec.ts.

The committed images are scenes of public/demo laid side by side. With a folder as argument, the same is made there of
the photographs that scikit-image, scikit-learn and matplotlib carry, for the same tests:

    python tools/reference/embeddings.py [FOLDER]      (needs numpy, pillow, torch, transformers, open_clip_torch, onnx;
                                                        for FOLDER scikit-image, scikit-learn, matplotlib)
    ACUITY_EMBEDDINGS=FOLDER npx vitest run src/evaluation/embedding-equality.test.ts
"""
import io
import json
import pathlib
import sys
import warnings
import zipfile
from collections.abc import Callable

import numpy as np
import open_clip
import torch
from PIL import Image, ImageOps
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, SiglipVisionConfig, SiglipVisionModel
from transformers.models.clip.image_processing_clip import CLIPImageProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from images import exif, png_chunks, saved

HERE = pathlib.Path(__file__).parent
OUT = HERE / "fixtures" / "embeddings"
SIDE, PATCH, WIDTH, PROJECTION = 224, 16, 32, 64
COUNT = 50

# ---- Images


def scenes() -> list[Image.Image]:
    """Scenes of the demo side by side in sizes around the encoders' own."""
    with zipfile.ZipFile(HERE.parents[1] / "public" / "demo" / "images.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[:: 7]
        small = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names[:60]]
    made = []
    for i in range(12):
        columns, rows = 2 + i % 3, 2 + (i // 3) % 2
        sheet = Image.new("RGB", (64 * columns, 64 * rows))
        for cell in range(columns * rows):
            sheet.paste(small[(5 * i + cell) % len(small)], (64 * (cell % columns), 64 * (cell // columns)))
        width, height = [(301, 227), (240, 333), (226, 230), (193, 150), (350, 233), (225, 299)][i % 6]
        made.append(sheet.resize((width, height), Image.Resampling.BICUBIC))
    return made


def photographs() -> list[Image.Image]:
    """Those that come inside the packages themselves."""
    import matplotlib
    import skimage
    import sklearn.datasets

    data = pathlib.Path(skimage.__file__).parent / "data"
    names = [
        "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
        "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
    ]
    files = [data / name for name in names]
    files += sorted((pathlib.Path(sklearn.datasets.__file__).parent / "images").glob("*.jpg"))
    files.append(pathlib.Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    return [Image.open(file).convert("RGB") for file in files]


def png16(image: Image.Image, mode: str) -> bytes:
    """16 bits a channel, with lower bytes that are not the higher ones."""
    values = np.asarray(image.convert(mode)).astype(np.uint16).reshape(image.height, -1)
    # Pillow cuts grey off at 255: what goes over that is white.
    deep = values * 4 // 3 if mode == "L" else values * 256 + (255 - values)
    return png_chunks(image.width, image.height, {"L": 0, "RGB": 2, "RGBA": 6}[mode], deep)


def clear(image: Image.Image) -> Image.Image:
    """With opacity that falls from the left to the right."""
    copy = image.copy()
    copy.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return copy


KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "rgb.png": lambda i: saved(i, "PNG"),
    "grey.png": lambda i: saved(i.convert("L"), "PNG"),
    "palette.png": lambda i: saved(i.quantize(64), "PNG"),
    "bits.png": lambda i: saved(i.convert("1"), "PNG"),
    "alpha.png": lambda i: saved(clear(i), "PNG"),
    "grey-alpha.png": lambda i: saved(clear(i).convert("LA"), "PNG"),
    "key.png": lambda i: saved(i, "PNG", transparency=i.getpixel((3, 4))),
    "turned.png": lambda i: saved(i, "PNG", exif=exif(6)),
    "deep-colour.png": lambda i: png16(i, "RGB"),
    "deep-grey.png": lambda i: png16(i, "L"),
    "deep-alpha.png": lambda i: png16(clear(i), "RGBA"),
    "420.jpg": lambda i: saved(i, "JPEG", quality=88, subsampling="4:2:0"),
    "422.jpg": lambda i: saved(i, "JPEG", quality=80, subsampling="4:2:2"),
    "444.jpg": lambda i: saved(i, "JPEG", quality=95, subsampling="4:4:4"),
    "progressive.jpg": lambda i: saved(i, "JPEG", quality=80, progressive=True),
    "grey.jpg": lambda i: saved(i.convert("L"), "JPEG", quality=90),
    "turned-6.jpg": lambda i: saved(i, "JPEG", quality=90, exif=exif(6)),
    "turned-3.jpg": lambda i: saved(i, "JPEG", quality=90, exif=exif(3)),
    "lossy.webp": lambda i: saved(i, "WEBP", quality=80),
    "lossless.webp": lambda i: saved(i, "WEBP", lossless=True),
    "alpha.webp": lambda i: saved(clear(i), "WEBP", quality=85),
    "turned.webp": lambda i: saved(i, "WEBP", quality=85, exif=exif(8)),
    "420.avif": lambda i: saved(i, "AVIF", quality=80, subsampling="4:2:0"),
    "444.avif": lambda i: saved(i, "AVIF", quality=90, subsampling="4:4:4"),
    "alpha.avif": lambda i: saved(clear(i), "AVIF", quality=80),
    "still.gif": lambda i: saved(i.quantize(128), "GIF"),
    "moving.gif": lambda i: saved(i.quantize(32), "GIF", save_all=True, append_images=[ImageOps.mirror(i).quantize(32)]),
    "transparent.gif": lambda i: saved(i.quantize(64), "GIF", transparency=3),
}


def files(pictures: list[Image.Image]) -> dict[str, bytes]:
    kinds = list(KINDS.items())
    made = {}
    for index in range(COUNT):
        kind, encode = kinds[index % len(kinds)]
        made[f"{index:02d}-{kind}"] = encode(pictures[(index * 5 + index // len(kinds)) % len(pictures)])
    return made


# ---- Encoders


class Output(torch.nn.Module):
    """A vision tower that gives its pooled output alone."""

    def __init__(self, model: torch.nn.Module, name: str | None):
        super().__init__()
        self.model, self.name = model, name

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return getattr(self.model(pixels), self.name) if self.name else self.model(pixels)


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """Random weights large enough that a pixel's shift shows."""
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            fan = parameter[0].numel()
            torch.nn.init.normal_(parameter, std=1 / fan**0.5)
    return model.eval()


def encoders() -> dict[str, tuple[torch.nn.Module, Callable[[Image.Image], torch.Tensor], dict]]:
    sizes = {
        "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": SIDE, "patch_size": PATCH, "attn_implementation": "eager",
    }
    torch.manual_seed(0)
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes, projection_dim=PROJECTION))
    siglip = SiglipVisionModel(SiglipVisionConfig(**sizes))
    vision = {"layers": 2, "width": WIDTH, "head_width": WIDTH // 2, "mlp_ratio": 2, "patch_size": PATCH, "image_size": SIDE}
    text = {"context_length": 4, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1}
    openai = open_clip.CLIP(PROJECTION, vision, text).visual
    told = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    transform = open_clip.image_transform(SIDE, is_train=False, **told)
    clip_pixels, siglip_pixels = CLIPImageProcessorPil(), SiglipImageProcessorPil()
    by = lambda processor: lambda image: processor(image, return_tensors="pt")["pixel_values"][0]
    config = {"model_cfg": {"embed_dim": PROJECTION, "vision_cfg": vision}, "preprocess_cfg": {**told, "interpolation": "bicubic", "resize_mode": "shortest"}}
    return {
        "clip": (shaken(Output(clip, "image_embeds")), by(clip_pixels), json.loads(clip_pixels.to_json_string())),
        "siglip": (shaken(Output(siglip, "pooler_output")), by(siglip_pixels), json.loads(siglip_pixels.to_json_string())),
        "open_clip": (shaken(Output(openai, None)), transform, config),
    }


def export(model: torch.nn.Module, path: pathlib.Path) -> None:
    torch.backends.mha.set_fastpath_enabled(False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (torch.zeros(2, 3, SIDE, SIDE),), path, dynamo=False, opset_version=14, input_names=["pixel_values"],
            output_names=["image_embeds"], dynamic_axes={"pixel_values": {0: "batch"}},
        )


@torch.no_grad()
def embed(model: torch.nn.Module, pixels: Callable[[Image.Image], torch.Tensor], images: list[Image.Image]) -> torch.Tensor:
    """L2-normalised rows."""
    rows = torch.cat([model(pixels(image)[None].float()) for image in images])
    return rows / rows.norm(dim=1, keepdim=True)


def main() -> None:
    own = len(sys.argv) < 2
    out = OUT if own else pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    made = files(scenes() if own else photographs())
    with zipfile.ZipFile(out / "images.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, data in made.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    # As both libraries' loaders open files: RGB before anything else.
    # The array forgets the transparent colour, by which transformers 5 would put pixels over white.
    images = [Image.fromarray(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))) for data in made.values()]
    expected = {}
    for name, (model, pixels, config) in encoders().items():
        export(model, out / f"{name}.onnx")
        rows = embed(model, pixels, images)
        expected[name] = {"config": config, "embeddings": [[round(v, 6) for v in row] for row in rows.tolist()]}
        shifted = embed(model, lambda image, pixels=pixels: pixels(image).roll(1, dims=2), images)
        apart = 1 - (rows @ rows.T)[torch.triu_indices(COUNT, COUNT, 1).unbind()].mean()
        print(f"{name}: images are {apart:.2f} apart in cosine, a pixel's shift changes every embedding by at least {(rows - shifted).abs().amax(dim=1).min():.1e}")
        if name == "clip":
            default = embed(model, lambda image: CLIPImageProcessor()(image, return_tensors="pt")["pixel_values"][0], images)
            print(f"  transformers' torchvision backend differs from its Pillow backend by {(rows - default).abs().max():.1e}")
    lines = [f'"{name}": {{"config": {json.dumps(case["config"])}, "embeddings": [\n' + ",\n".join(map(json.dumps, case["embeddings"])) + "\n]}" for name, case in expected.items()]
    (out / "embeddings.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
