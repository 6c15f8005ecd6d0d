"""Writes a small safetensors file with the reference library and what it reads in it.

Usage: python -m tools.reference.safetensors_files  (needs safetensors, torch)
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "src" / "formats" / "fixtures"


def main():
    torch.manual_seed(5)
    tensors = {
        "vision_model.embeddings.class_embedding": torch.randn(6),
        "vision_model.encoder.layers.0.mlp.fc1.weight": torch.randn(4, 3),
        "half": torch.randn(2, 5).to(torch.float16),
        "brain": torch.randn(7).to(torch.bfloat16),
        "double": torch.randn(1, dtype=torch.float64),
        "ids": torch.arange(5)[None],
        "bytes": torch.tensor([0, 255], dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
        "scalar": torch.tensor(4.6052),
        "empty": torch.zeros(0, 3),
        "grüße": torch.tensor([-1], dtype=torch.int32),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "reference.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    read = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():
            tensor = file.get_tensor(name)
            raw = bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()) if tensor.numel() else b""
            read[name] = {
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
                "sha256": hashlib.sha256(raw).hexdigest(),
            }
    described = {"metadata": {"format": "pt"}, "tensors": read}
    (OUT / "reference.json").write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
