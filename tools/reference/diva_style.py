"""MMVP by DIVA's image embeddings on public/demo/benchmark.zip, with transformers and torch, for src/evaluation.

The embeddings are those of baaivision/DIVA, commit d53c668: condition/OpenAICLIP_for_clip_model.py (class token plus the
mean of 76 patch tokens, drawn anew for every pass) and run_DIVA_with_MetaCLIP.py (every token normalised, class token
plus the mean of all patches). torch draws otherwise than JavaScript, so the draws alone are Acuity's, by Mulberry32.

    python -m tools.reference.diva_style
"""

import csv
import json
import tempfile
import zipfile
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import CLIPImageProcessorPil, CLIPTokenizer

from .models import CLIP, load_text, load_vision

DEMO = CLIP.parents[1] / "demo"
OUTPUT = Path(__file__).resolve().parent / "fixtures" / "diva_style.json"
SEEDS = [0, 1, 7]
MASK = 0xFFFFFFFF


def draws(seed: int, image: int, statement: int, patches: int) -> list[int]:
    state = (seed * 0x9E3779B9 ^ (2 * image + statement + 1) * 0x85EBCA6B) & MASK
    out = []
    for _ in range(76):
        state = (state + 0x6D2B79F5) & MASK
        t = ((state ^ state >> 15) * (state | 1)) & MASK
        t ^= (t + (((t ^ t >> 7) * (t | 61)) & MASK)) & MASK
        out.append(int((t ^ t >> 14) / 2**32 * patches))
    return out


def openai(tokens: Tensor, picked: list[int]) -> Tensor:
    """CLIP.forward of condition/OpenAICLIP_for_clip_model.py, for one image's projected tokens."""
    selected = torch.cat([tokens[:1], tokens[1:][picked]])[None]
    global_image_features = selected[:, 0, :]
    local_image_features = selected[:, 1:, :].mean(dim=1)
    return (global_image_features + local_image_features)[0]


def metaclip(tokens: Tensor) -> Tensor:
    """benchmark_model of run_DIVA_with_MetaCLIP.py; open_clip's encode_image(normalize=True) normalises each token."""
    tokens = functional.normalize(tokens, dim=-1)[None]
    return (tokens[:, 0, :] + tokens[:, 1:, :].mean(dim=1))[0]


def outcome(images: list[list[Tensor]], texts: Tensor) -> str:
    """'1' for each pair that counts; images[row][statement of its pair]."""
    result = ""
    for pair in range(len(texts) // 2):
        picks = []
        for statement in (0, 1):
            features = torch.stack([images[2 * pair + side][statement] for side in (0, 1)])
            features = features / features.norm(dim=1, keepdim=True)
            text = texts[2 * pair + statement][None]
            text = text / text.norm(dim=1, keepdim=True)
            picks.append(bool((100.0 * features @ text.t()).t().softmax(dim=-1)[0][0] > 0.5))
        result += "1" if picks == [True, False] else "0"
    return result


@torch.no_grad()
def main() -> None:
    vision, text = load_vision()[0], load_text()
    processor, tokenizer = CLIPImageProcessorPil.from_pretrained(CLIP), CLIPTokenizer.from_pretrained(CLIP)
    with tempfile.TemporaryDirectory() as unpacked:
        with zipfile.ZipFile(DEMO / "benchmark.zip") as archive:
            archive.extractall(unpacked)
        root = Path(unpacked)
        with (root / "Questions.csv").open() as file:
            rows = list(csv.DictReader(file))
        names = ("MLLM_VLM Images", "MLLM_VLM_Images", "MMVP_VLM_Images")
        folder = next(root / name for name in names if (root / name).is_dir())
        paths = [folder / rows[i - i % 2]["Type"] / f"{row['Question ID']}.jpg" for i, row in enumerate(rows)]
        pixels = processor([Image.open(path).convert("RGB") for path in paths], return_tensors="pt")["pixel_values"]
    prompts = [f"a photo of {row['Statement']}" for row in rows]
    ids = tokenizer(prompts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    texts = text(ids).text_embeds
    hidden = vision.vision_model(pixels).last_hidden_state
    tokens = vision.visual_projection(vision.vision_model.post_layernorm(hidden))
    patches = tokens.shape[1] - 1
    embedded = {
        seed: [[openai(each, draws(seed, row, s, patches)) for s in (0, 1)] for row, each in enumerate(tokens)]
        for seed in SEEDS
    }
    whole = [[metaclip(each)] * 2 for each in tokens]
    torch.manual_seed(0)
    small = torch.randn(10, 4)
    result = {
        "seeds": SEEDS,
        "openai": [outcome(embedded[seed], texts) for seed in SEEDS],
        "metaclip": outcome(whole, texts),
        "class": outcome([[each[0]] * 2 for each in tokens], texts),
        "small": {
            "tokens": small.ravel().tolist(),
            "width": 4,
            "image": 5,
            "openai": [openai(small, draws(seed, 5, s, 9)).tolist() for seed in SEEDS for s in (0, 1)],
            "metaclip": metaclip(small).tolist(),
        },
    }
    OUTPUT.write_text(json.dumps(result) + "\n")
    for name in ("class", "metaclip"):
        print(name, 100 * result[name].count("1") / 135)
    print("openai", [100 * each.count("1") / 135 for each in result["openai"]])


if __name__ == "__main__":
    main()
