"""Writes the shipped files of the built-in models.

    python -m tools.demo_models.build tokenizer
    python -m tools.demo_models.build models CHECKPOINTS
    python -m tools.demo_models.build untrained

`tokenizer` learns the vocabulary from the world's captions (before training); `models` exports the weights that
`tools.demo_models.train` left in CHECKPOINTS; `untrained` exports fresh weights, to try the architecture alone.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import CLIPTokenizer

from .architecture import CONTEXT, VOCABULARY, build_clip, build_unet, build_vae
from .dataset import corpus
from .export import export_clip, export_diffusion
from .tokenizer import save_tokenizer, train_tokenizer

MODELS = Path(__file__).resolve().parents[2] / "public" / "models"
CLIP, DIFFUSION = MODELS / "acuity-clip", MODELS / "acuity-diffusion"


def build_tokenizer() -> None:
    tokenizer = train_tokenizer(corpus(), VOCABULARY, CONTEXT)
    for folder in (CLIP, DIFFUSION / "tokenizer"):
        save_tokenizer(tokenizer, folder)


def build_models(checkpoints: Path | None) -> None:
    torch.manual_seed(0)
    clip, vae, unet = build_clip(), build_vae(), build_unet()
    if checkpoints:
        for module, name in ((clip, "clip"), (vae, "vae"), (unet, "unet")):
            module.load_state_dict(load_file(checkpoints / f"{name}.safetensors"))
    tokenizer = CLIPTokenizer.from_pretrained(CLIP)
    export_clip(clip, tokenizer, CLIP)
    export_diffusion(vae, unet, clip, tokenizer, DIFFUSION)
    for path in sorted(MODELS.rglob("*.onnx")):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.relative_to(MODELS)}")


def main() -> int:
    match sys.argv[1:]:
        case ["tokenizer"]:
            build_tokenizer()
        case ["models", checkpoints]:
            build_models(Path(checkpoints))
        case ["untrained"]:
            build_models(None)
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
