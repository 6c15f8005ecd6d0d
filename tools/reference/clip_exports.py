"""Exports of small CLIP vision towers in the forms that exporters give them, for src/exchange/*.test.ts.

All have one architecture and the same random weights, written once under their Hugging Face names, but for `merged`:
that has a fresh model's zeros and ones, which the exporter merges. Every name in the graphs is replaced by a number in
a shuffled order, so that nothing but structure can tell what an initialiser is. Also written: pixels, and what PyTorch
makes of them with the random weights.

    python tools/reference/clip_exports.py      (needs torch, transformers, onnx, onnxruntime, onnxscript, safetensors)
"""
import io
import pathlib
import random
import warnings

import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

OUT = pathlib.Path(__file__).parent / "fixtures" / "clip"
SIZES = {
    "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 8, "patch_size": 4, "projection_dim": 6,
}


class Embeds(torch.nn.Module):
    def __init__(self, model: CLIPVisionModelWithProjection):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pixel_values).image_embeds


class Hidden(torch.nn.Module):
    """As optimum exports CLIPVisionModel."""

    def __init__(self, model: CLIPVisionModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        out = self.model(pixel_values=pixel_values)
        return out.last_hidden_state, out.pooler_output


def projected(attention: str = "eager") -> CLIPVisionModelWithProjection:
    torch.manual_seed(0)
    config = CLIPVisionConfig(**SIZES)
    model = CLIPVisionModelWithProjection._from_config(config, attn_implementation=attention).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def plain() -> CLIPVisionModel:
    model = CLIPVisionModel._from_config(CLIPVisionConfig(**SIZES), attn_implementation="eager").eval()
    prefix = "vision_model."
    weights = projected().state_dict()
    model.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
    return model


def fresh() -> CLIPVisionModelWithProjection:
    torch.manual_seed(0)
    return CLIPVisionModelWithProjection._from_config(CLIPVisionConfig(**SIZES), attn_implementation="eager").eval()


def export(module: torch.nn.Module, opset: int, dynamo: bool = False) -> onnx.ModelProto:
    pixels = torch.zeros(2, 3, SIZES["image_size"], SIZES["image_size"])
    outputs = ["last_hidden_state", "pooler_output"] if isinstance(module, Hidden) else ["image_embeds"]
    names = {"input_names": ["pixel_values"], "output_names": outputs, "opset_version": opset}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if dynamo:
            shapes = ({0: torch.export.Dim("batch")},)
            return torch.onnx.export(module, (pixels,), dynamo=True, dynamic_shapes=shapes, **names).model_proto
        out = io.BytesIO()
        torch.onnx.export(module, (pixels,), out, dynamo=False, dynamic_axes={"pixel_values": {0: "batch"}}, **names)
    return onnx.load_from_string(out.getvalue())


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """In float16 between float32 ends. The converter appends its casts at the end: they go where they belong."""
    model = convert_float_to_float16(model, keep_io_types=True)
    waiting, ready = list(model.graph.node), {value.name for value in [*model.graph.input, *model.graph.initializer]} | {""}
    del model.graph.node[:]
    while waiting:
        node = next(node for node in waiting if ready.issuperset(node.input))
        waiting.remove(node)
        ready.update(node.output)
        model.graph.node.append(node)
    return model


def anonymous(model: onnx.ModelProto) -> onnx.ModelProto:
    """Numbers for names, in a shuffled order, and initialisers shuffled too."""
    graph = model.graph
    kept = {value.name for value in [*graph.input, *graph.output]} | {""}
    names = [t.name for t in graph.initializer] + [o for n in graph.node for o in n.output]
    names = sorted({name for name in names if name not in kept})
    random.seed(0)
    random.shuffle(names)
    new = {name: f"v{i}" for i, name in enumerate(names)}
    for i, node in enumerate(graph.node):
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
        node.name, node.doc_string = f"n{i}", ""
        del node.metadata_props[:]
    tensors = list(graph.initializer)
    random.shuffle(tensors)
    del graph.initializer[:]
    for tensor in tensors:
        tensor.name = new[tensor.name]
        del tensor.metadata_props[:]
        graph.initializer.append(tensor)
    for value in [*graph.input, *graph.output]:
        del value.metadata_props[:]
    del graph.value_info[:], graph.metadata_props[:]
    onnx.checker.check_model(model)
    return model


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    variants = {
        "script-14": export(Embeds(projected()), 14),
        "script-14-sdpa": export(Embeds(projected("sdpa")), 14),
        "script-14-half": half(export(Embeds(projected()), 14)),
        "script-14-hidden": export(Hidden(plain()), 14),
        "script-17": export(Embeds(projected()), 17),
        "dynamo-18": export(Embeds(projected()), 18, dynamo=True),
        "dynamo-18-sdpa": export(Embeds(projected("sdpa")), 18, dynamo=True),
        "dynamo-23-sdpa": export(Embeds(projected("sdpa")), 23, dynamo=True),
        "merged": export(Embeds(fresh()), 14),
    }
    for name, model in variants.items():
        onnx.save(anonymous(model), OUT / f"{name}.onnx")
    model = projected()
    pixels = torch.randn(2, 3, SIZES["image_size"], SIZES["image_size"], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        embeds = model(pixel_values=pixels).image_embeds
    save_file(dict(model.state_dict()), OUT / "weights.safetensors", {"format": "pt"})
    save_file({"pixel_values": pixels, "image_embeds": embeds}, OUT / "embedding.safetensors")


if __name__ == "__main__":
    main()
