"""The blocks of `blocks.ts` in PyTorch on the processor.

    python pytorch.py FOLDER STEPS THREADS

FOLDER holds `block.json` (name, shape, heads, groups, epsilon, AdamW's constants, weights by name with their shapes)
and one little-endian float32 file for each tensor. THREADS 0 leaves the count to PyTorch. Prints one line of JSON:
gradients at the start, milliseconds of each step after two warm ones, version and threads.
"""

import json
import pathlib
import sys
import time

import torch
from torch.nn import functional as F

folder = pathlib.Path(sys.argv[1])
steps, threads = int(sys.argv[2]), int(sys.argv[3])
if threads:
    torch.set_num_threads(threads)
block = json.loads((folder / "block.json").read_text())
epsilon, heads, groups = block["epsilon"], block["heads"], block["groups"]


def read(name: str, shape: list[int]) -> torch.Tensor:
    data = bytearray((folder / f"{name}.f32").read_bytes())
    return torch.frombuffer(data, dtype=torch.float32).reshape(shape).clone()


w = {name: read(name, shape).requires_grad_() for name, shape in block["weights"].items()}
x, target = read("input", block["shape"]), read("target", block["shape"])


def linear(rows: torch.Tensor, name: str) -> torch.Tensor:
    return rows @ w[f"{name}.weight"] + w[f"{name}.bias"]


def attention(rows: torch.Tensor) -> torch.Tensor:
    batch, tokens, width = rows.shape
    query, key, value = (
        linear(rows, name).view(batch, tokens, heads, width // heads).transpose(1, 2) for name in ("query", "key", "value")
    )
    mixed = F.scaled_dot_product_attention(query, key, value)
    return linear(mixed.transpose(1, 2).reshape(batch, tokens, width), "out")


def layer_norm(rows: torch.Tensor, name: str) -> torch.Tensor:
    return F.layer_norm(rows, rows.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], epsilon)


def vit_block() -> torch.Tensor:
    middle = x + attention(layer_norm(x, "norm1"))
    up = linear(layer_norm(middle, "norm2"), "up")
    return middle + linear(up * torch.sigmoid(1.702 * up), "down")


def unet_block() -> torch.Tensor:
    def norm(image: torch.Tensor, k: int) -> torch.Tensor:
        return F.group_norm(image, groups, w[f"norm{k}.weight"], w[f"norm{k}.bias"], epsilon)

    def convolve(image: torch.Tensor, k: int) -> torch.Tensor:
        return F.conv2d(F.silu(norm(image, k)), w[f"conv{k}.weight"], w[f"conv{k}.bias"], padding=1)

    residual = x + convolve(convolve(x, 1), 2)
    rows = norm(residual, 3).flatten(2).transpose(1, 2)
    return residual + attention(rows).transpose(1, 2).reshape(x.shape)


forward = vit_block if block["name"] == "vit-block" else unet_block
adamw = block["adamw"]
optimizer = torch.optim.AdamW(
    w.values(),
    lr=adamw["rate"],
    betas=(adamw["beta1"], adamw["beta2"]),
    eps=adamw["epsilon"],
    weight_decay=adamw["decay"],
)


def backward() -> float:
    optimizer.zero_grad()
    loss = F.mse_loss(forward(), target)
    loss.backward()
    return loss.item()


backward()
gradients = {name: tensor.grad.flatten().tolist() for name, tensor in w.items()}
milliseconds = []
for _ in range(steps + 2):
    began = time.perf_counter()
    backward()
    optimizer.step()
    milliseconds.append(1000 * (time.perf_counter() - began))
print(
    json.dumps(
        {
            "gradients": gradients,
            "milliseconds": milliseconds[2:],
            "setting": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads",
        }
    )
)
