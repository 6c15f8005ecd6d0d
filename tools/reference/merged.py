"""A very small CLIP vision export in which equal weights share one initialiser, with the names they should get.

    python -m tools.reference.merged

Freshly made towers have equal biases and equal norm weights, and the exporter stores equal tensors once. Files like
that reach users too (weights that training left at zero or one), so a name map must split them.
`vision_model.onnx` is the export, `names.json` the map, `model.safetensors` the weights under Hugging Face names.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from transformers import CLIPConfig, CLIPModel, CLIPVisionModelWithProjection

from ..demo_models.export import export_vision
from .rebuild import load_from_onnx

FOLDER = Path(__file__).resolve().parent / "fixtures" / "merged"


def main() -> None:
    torch.manual_seed(5)
    vision = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "projection_dim": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": 16,
    }
    text = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(vision_config=vision, text_config=text, projection_dim=12)
    clip = CLIPModel._from_config(config, attn_implementation="eager")
    export_vision(clip, FOLDER / "vision_model.onnx")
    config.vision_config.architectures = ["CLIPVisionModelWithProjection"]
    (FOLDER / "config.json").write_text(config.vision_config.to_json_string())
    model = CLIPVisionModelWithProjection._from_config(config.vision_config, attn_implementation="eager")
    sources = load_from_onnx(model, FOLDER / "vision_model.onnx")
    names = {name: asdict(source) for name, source in sources.items()}
    (FOLDER / "names.json").write_text(json.dumps(names, indent=2) + "\n")
    (FOLDER / "model.safetensors").write_bytes(save({n: t.contiguous() for n, t in model.state_dict().items()}))
    shared = len(names) - len({source.initializer for source in sources.values()})
    print(f"{len(names)} weights, {shared} of them share another's initialiser")


if __name__ == "__main__":
    main()
