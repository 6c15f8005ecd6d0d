"""A CLIP vision tower of ViT-B/32's size with random weights, in the layout of transformers.js repositories: an encoder
of the usual cost for bench/embedding.ts, where no real one is at hand.

    python tools/reference/random_clip.py FOLDER      (needs torch, transformers, onnx)
"""
import json
import pathlib
import sys
import warnings

import torch
from transformers import CLIPConfig, CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil


class Embeds(torch.nn.Module):
    def __init__(self, model: CLIPVisionModelWithProjection):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pixel_values).image_embeds


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    # The defaults are ViT-B/32's.
    model = CLIPVisionModelWithProjection._from_config(CLIPVisionConfig(), attn_implementation="eager").eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Embeds(model), (torch.zeros(2, 3, 224, 224),), folder / "onnx" / "vision_model.onnx", dynamo=False, opset_version=14,
            input_names=["pixel_values"], output_names=["image_embeds"], dynamic_axes={"pixel_values": {0: "batch"}},
        )
    (folder / "config.json").write_text(CLIPConfig().to_json_string(use_diff=False))
    processor = json.loads(CLIPImageProcessorPil().to_json_string())
    processor["image_processor_type"] = "CLIPImageProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")


if __name__ == "__main__":
    main()
