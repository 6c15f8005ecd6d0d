"""Pillow's, transformers' and torchvision's results on generated images, for src/data/*.test.ts.

Images come from integer arithmetic that the tests repeat, so only SHA-256 digests of the results are stored.

    python tools/reference/preprocess.py      (needs numpy, pillow, torch, torchvision, transformers)
"""
import hashlib
import json
import pathlib
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional
from preprocess_pictures import hashed, picture
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


RESIZES = [
    # width, height, box or None, to width, to height
    (64, 48, None, 32, 24), (640, 427, None, 335, 224), (427, 640, None, 224, 335), (100, 100, None, 224, 224),
    (37, 53, None, 224, 224), (1000, 30, None, 64, 64), (3, 2, None, 7, 9), (1, 1, None, 5, 4), (512, 512, None, 64, 64),
    (300, 200, (17, 9, 151, 120), 64, 64), (300, 200, (0, 0, 300, 200), 300, 100), (300, 200, (149, 1, 150, 199), 512, 512),
    (90, 70, (5, 6, 64, 60), 64, 64), (224, 224, None, 224, 224), (225, 223, None, 224, 224), (2000, 1500, None, 224, 168),
    (80, 60, (10, 20, 30, 30), 30, 30),
]

PREPROCESSORS = {
    "clip": (CLIPImageProcessorPil, {}),
    "clip-small": (
        CLIPImageProcessorPil,
        {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}, "resample": 2},
    ),
    "clip-padded": (
        CLIPImageProcessorPil,
        {"size": {"shortest_edge": 40}, "crop_size": {"height": 64, "width": 55}, "image_mean": [0.5, 0.4, 0.3]},
    ),
    "siglip": (SiglipImageProcessorPil, {"size": {"height": 96, "width": 128}, "image_std": [0.5, 0.25, 0.125]}),
}
SIZES = [(224, 224), (640, 427), (427, 640), (333, 250), (100, 30), (31, 100), (500, 501)]
CROPS = [(640, 427, 0.9), (427, 640, 0.9), (100, 100, 0.9), (100, 100, 0.2), (1000, 40, 0.9), (40, 1000, 0.5), (33, 7, 0.05), (500, 375, 0.95)]


def resizes() -> list[dict]:
    cases = []
    for seed, (width, height, box, w, h) in enumerate(RESIZES):
        for name, method in (("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)):
            image = Image.fromarray(picture(seed, width, height))
            if box:
                left, top, bw, bh = box
                image = image.crop((left, top, left + bw, top + bh))
            result = np.asarray(image.resize((w, h), method))
            cases.append({"seed": seed, "image": [width, height], "box": box, "size": [w, h], "filter": name, "sha256": digest(result)})
    return cases


def preprocessed() -> list[dict]:
    cases = []
    for name, (kind, changes) in PREPROCESSORS.items():
        processor = kind(**changes)
        config = json.loads(processor.to_json_string())
        for seed, (width, height) in enumerate(SIZES):
            result = processor(Image.fromarray(picture(seed, width, height)), return_tensors="np")["pixel_values"][0]
            assert result.dtype == np.float32
            cases.append({"name": name, "config": config, "seed": seed, "image": [width, height], "shape": list(result.shape), "sha256": digest(result)})
    return cases


def center_crops() -> list[dict]:
    """Offsets by torchvision, as OpenAI's and open_clip's transforms crop."""
    cases = []
    for width, height in ((227, 224), (225, 229), (224, 231), (230, 224)):
        result = transforms.CenterCrop(224)(Image.fromarray(picture(3, width, height)))
        cases.append({"image": [width, height], "sha256": digest(np.asarray(result))})
    return cases


class Given:
    """Stands for torch's random numbers in `RandomResizedCrop.get_params`, in double precision."""

    def __init__(self, numbers: list[float]):
        self.numbers, self.place = numbers[:20], numbers[20:]

    def uniform_(self, low: torch.Tensor | float, high: torch.Tensor | float) -> torch.Tensor:
        return torch.DoubleTensor([float(low) + (float(high) - float(low)) * self.numbers.pop(0)])

    def randint(self, low: int, high: int, size: tuple[int]) -> torch.Tensor:
        return torch.LongTensor([int(self.place.pop(0) * high)])

    def box(self, image: Image.Image, scale: float) -> tuple[int, int, int, int]:
        with (
            mock.patch.object(torch, "empty", lambda count: self),
            mock.patch.object(torch, "tensor", torch.DoubleTensor),
            mock.patch.object(torch, "randint", self.randint),
        ):
            return transforms.RandomResizedCrop.get_params(image, [scale, 1.0], [3 / 4, 4 / 3])


def crops() -> list[dict]:
    cases = []
    for index, (width, height, scale) in enumerate(CROPS):
        for draw in range(6):
            seed = 100 + 10 * index + draw
            numbers = [float(n) / 2**32 for n in hashed(seed, 22)]
            image = Image.fromarray(picture(index, width, height))
            top, left, h, w = Given(numbers).box(image, scale)
            teacher = functional.resized_crop(image, top, left, h, w, [64, 64], transforms.InterpolationMode.BICUBIC)
            encoder = teacher.resize((48, 48), Image.Resampling.BILINEAR)
            cases.append({
                "image": [width, height], "pictureSeed": index, "scale": scale, "seed": seed, "box": [left, top, w, h],
                "teacher": digest(np.asarray(teacher)), "encoder": digest(np.asarray(encoder)),
            })
    return cases


def main() -> None:
    parts = {"resizes": resizes(), "preprocessed": preprocessed(), "centerCrops": center_crops(), "crops": crops()}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in parts.items()]
    path = pathlib.Path(__file__).parent / "fixtures" / "preprocess.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
