"""Scores a CLIP folder on a benchmark in MMVP's layout, as the official script does, with transformers and PIL.

    python -m tools.reference.mmvp [BENCHMARK] [CLIP_FOLDER]

The rule (MMVP-VLM's evaluate_vlm.py): prompt "a photo of " + statement; softmax over the pair's two images; above one
half picks the first; the odd id's statement belongs to the first image; a pair counts when both picks are right.
Writes `fixtures/mmvp.json`: cosines of every pair ([statement][image]), scores by pattern and their mean.
"""

import csv
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional
from transformers import CLIPImageProcessorPil, CLIPTokenizer

from .models import CLIP, load_text, load_vision

DEMO = CLIP.parents[1] / "demo"
OUTPUT = Path(__file__).resolve().parent / "fixtures" / "mmvp.json"
SCALE = 100.0


@torch.no_grad()
def score(benchmark: Path, folder: Path) -> dict:
    with (benchmark / "Questions.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("MLLM_VLM Images", "MLLM_VLM_Images", "MMVP_VLM_Images")
    images = next(benchmark / name for name in names if (benchmark / name).is_dir())
    vision, text = load_vision(folder)[0], load_text(folder)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    pairs, right, count = [], {}, {}
    for one, two in zip(rows[::2], rows[1::2], strict=True):
        files = [images / one["Type"] / f"{row['Question ID']}.jpg" for row in (one, two)]
        pixels = processor([Image.open(path).convert("RGB") for path in files], return_tensors="pt")["pixel_values"]
        prompts = [f"a photo of {row['Statement']}" for row in (one, two)]
        ids = tokenizer(prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        picture = functional.normalize(vision(pixels).image_embeds, dim=-1)
        statement = functional.normalize(text(ids).text_embeds, dim=-1)
        cosines = statement @ picture.T
        first = (SCALE * cosines).softmax(dim=1)[:, 0] > 0.5
        correct = bool(first[0]) and not bool(first[1])
        pairs.append({"id": int(one["Question ID"]), "cosines": cosines.tolist(), "correct": correct})
        right[one["Type"]] = right.get(one["Type"], 0) + correct
        count[one["Type"]] = count.get(one["Type"], 0) + 1
    patterns = {name: 100 * right[name] / count[name] for name in right}
    return {"total": sum(patterns.values()) / len(patterns), "patterns": patterns, "pairs": pairs}


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else CLIP
    if len(sys.argv) > 1:
        result = score(Path(sys.argv[1]), folder)
    else:
        with tempfile.TemporaryDirectory() as unpacked:
            with zipfile.ZipFile(DEMO / "benchmark.zip") as archive:
                archive.extractall(unpacked)
            result = score(Path(unpacked), folder)
    if len(sys.argv) == 1:
        OUTPUT.write_text(json.dumps(result) + "\n")
    for name, value in {**result["patterns"], "total": result["total"]}.items():
        print(f"{value:6.1f}  {name}")


if __name__ == "__main__":
    main()
