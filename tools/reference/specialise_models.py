"""Small models as PyTorch's exporters write them, with the types that ONNX's own inference finds in them.

Usage: python -m tools.reference.specialise_models  (needs torch, onnx, onnxscript, numpy)

Each model is there for the shape arithmetic, the old operator forms or the decompositions of one exporter and opset.
Beside `NAME.onnx` lies `NAME.json`: the input shapes that the types hold for, and every type that
`onnx.shape_inference.infer_shapes` (strict, data propagation) makes fully static for them.
"""

import io
import json
import warnings
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import helper, shape_inference
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "src" / "onnx" / "fixtures" / "specialise"


class Attention(nn.Module):
    """Self- or cross-attention with the heads split by shapes that are read at run time."""

    def __init__(self, width: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(context, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        return x.view(batch, tokens, self.heads, width // self.heads).permute(0, 2, 1, 3)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        key, value = self.key_value(context).chunk(2, dim=-1)
        query, key, value = self.split(self.query(x)), self.split(key), self.split(value)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        scores = scores if mask is None else scores.masked_fill(mask, torch.finfo(torch.float32).min)
        mixed = F.softmax(scores, dim=-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(x.shape))


class Encoder(nn.Module):
    """A vision transformer's block between patches and a normalised embedding; QuickGELU and GELU both."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4, bias=False)
        self.class_token = nn.Parameter(torch.randn(8))
        self.positions = nn.Embedding(5, 8)
        self.register_buffer("position_ids", torch.arange(5)[None])
        self.before = nn.LayerNorm(8)
        self.attention = Attention(8, 8, 2)
        self.after = nn.LayerNorm(8, eps=1e-6)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.head = nn.Linear(8, 6, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], 1, -1), x], dim=1) + self.positions(self.position_ids)
        y = self.before(x)
        x = x + self.attention(y, y)
        y = self.up(self.after(x))
        x = x + self.down(F.gelu(y) + y * torch.sigmoid(1.702 * y))
        pooled = self.head(x[:, 0])
        return pooled / pooled.norm(dim=-1, keepdim=True) * self.logit_scale.exp()


class Denoiser(nn.Module):
    """A UNet in miniature: time embedding, group norms, cross-attention, GEGLU, resizing to the skip's size."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Linear(8, 8)
        self.enter = nn.Conv2d(2, 8, 3, padding=1)
        self.norm = nn.GroupNorm(4, 8)
        self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.attention = Attention(8, 6, 2)
        self.geglu = nn.Linear(8, 32)
        self.ungeglu = nn.Linear(16, 8)
        self.leave = nn.Conv2d(16, 2, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor, context: Tensor) -> Tensor:
        frequencies = torch.exp(-torch.arange(4, dtype=torch.float32) * 2.3)
        angles = timestep.float()[:, None] * frequencies[None]
        time = self.time(torch.cat([angles.sin(), angles.cos()], dim=-1))
        skip = self.enter(sample)
        x = F.silu(self.norm(skip)) + time[:, :, None, None]
        x = self.down(x)
        batch, channels, height, width = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        tokens = tokens + self.attention(tokens, context)
        value, gate = self.geglu(tokens).chunk(2, dim=-1)
        tokens = tokens + self.ungeglu(value * F.gelu(gate))
        x = tokens.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        x = F.interpolate(x, size=skip.shape[2:], mode="nearest")
        return self.leave(torch.cat([x, skip], dim=1))


class TextEncoder(nn.Module):
    """Causal attention and the token with the highest id picked out, as CLIP's text tower has it."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(20, 8)
        self.positions = nn.Parameter(torch.randn(12, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = Attention(8, 8, 2)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        length = ids.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        x = self.tokens(ids) + self.positions[:length]
        y = self.norm(x)
        x = x + self.attention(y, y, mask)
        return x, x[torch.arange(ids.shape[0]), ids.argmax(dim=-1)]


class Tower(nn.Module):
    """Convolutional parts: batch norm, depthwise convolution, layer norm over channels, pooling, tanh GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(6)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.norm = nn.LayerNorm(6)
        self.up, self.down = nn.Linear(6, 12), nn.Linear(12, 6)
        self.gamma = nn.Parameter(torch.full((6,), 0.5))
        self.dropout = nn.Dropout(0.1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.batch_norm(self.stem(image))), 3, stride=2, ceil_mode=True)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.down(F.gelu(self.up(y), approximate="tanh")) * self.gamma
        x = x + self.dropout(y.permute(0, 3, 1, 2))
        return F.adaptive_avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 1).flatten(1)


class Branches(nn.Module):
    """Scripted, so that its conditions become If nodes; one inside the other, both reading outer values."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        if x.shape[0] > 1:
            if x.shape[1] == 4:
                y = y * 2.0 + x
            else:
                y = y - x
        else:
            y = y.relu()
        return y + 1.0


def randomise(module: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    for parameter in module.parameters():
        if parameter.dim() > 0:
            nn.init.normal_(parameter, std=0.4)
    for name, buffer in module.named_buffers():
        if buffer.is_floating_point():
            nn.init.uniform_(buffer, 0.5, 1.5)
    return module.eval()


def torchscript(module, inputs, names, outputs, axes, opset, **more) -> onnx.ModelProto:
    buffer = io.BytesIO()
    torch.onnx.export(
        module, inputs, buffer, input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=opset, dynamo=False, **more
    )
    return onnx.load_from_string(buffer.getvalue())


def dynamo(module, inputs, names, outputs, shapes, opset) -> onnx.ModelProto:
    program = torch.onnx.export(
        module, inputs, input_names=names, output_names=outputs, dynamic_shapes=shapes, opset_version=opset, dynamo=True, optimize=False
    )
    model = program.model_proto
    for graph_part in [model.graph, *model.functions]:
        for node in graph_part.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer]:
        del value.metadata_props[:]
    return model


def inferred(model: onnx.ModelProto, shapes: dict[str, list[int]]) -> dict[str, list]:
    """Types by value name, for these input shapes; those that stay open are left out."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    del fixed.graph.value_info[:]
    for value in fixed.graph.input:
        dims = value.type.tensor_type.shape.dim
        for dim, size in zip(dims, shapes[value.name], strict=True):
            dim.dim_value = size
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    done = shape_inference.infer_shapes(fixed, check_type=True, strict_mode=True, data_prop=True)
    types = {}
    for value in [*done.graph.value_info, *done.graph.output]:
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
            dtype = str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
            types[value.name] = [dtype, [dim.dim_value for dim in kind.shape.dim]]
    return types


def save(name: str, model: onnx.ModelProto, shapes: dict[str, list[int]]) -> None:
    onnx.checker.check_model(model)
    model.producer_version = ""
    model.doc_string = ""
    onnx.save(model, OUT / f"{name}.onnx")
    types = inferred(model, shapes)
    (OUT / f"{name}.json").write_text(json.dumps({"shapes": shapes, "types": types}, separators=(",", ":")) + "\n")
    size = (OUT / f"{name}.onnx").stat().st_size
    print(f"{name}: {len(model.graph.node)} nodes, {len(types)} types, {size} bytes")


def encoders() -> None:
    pixels = torch.randn(2, 3, 8, 8)
    axes = {"pixel_values": {0: "batch_size"}, "image_embeds": {0: "batch_size"}}
    shapes = {"pixel_values": [3, 3, 8, 8]}
    for opset in [11, 17]:
        model = torchscript(randomise(Encoder()), (pixels,), ["pixel_values"], ["image_embeds"], axes, opset)
        save(f"encoder-torchscript-{opset}", model, shapes)
    batch = torch.export.Dim("batch")
    model = dynamo(randomise(Encoder()), (pixels,), ["pixel_values"], ["image_embeds"], ({0: batch},), 18)
    save("encoder-dynamo-18", model, shapes)


def denoiser() -> None:
    inputs = (torch.randn(2, 2, 8, 8), torch.tensor([3, 500]), torch.randn(2, 5, 6))
    names = ["sample", "timestep", "encoder_hidden_states"]
    axes = {
        "sample": {0: "batch", 2: "height", 3: "width"},
        "timestep": {0: "batch"},
        "encoder_hidden_states": {0: "batch", 1: "sequence"},
    }
    model = torchscript(randomise(Denoiser()), inputs, names, ["out_sample"], axes, 14)
    save("denoiser-torchscript-14", model, {"sample": [1, 2, 10, 6], "timestep": [1], "encoder_hidden_states": [1, 7, 6]})


def text_encoder() -> None:
    ids = torch.randint(20, (2, 12))
    axes = {"input_ids": {0: "batch", 1: "sequence"}}
    outputs = ["last_hidden_state", "pooled"]
    model = torchscript(randomise(TextEncoder()), (ids,), ["input_ids"], outputs, axes, 14)
    save("text-torchscript-14", model, {"input_ids": [2, 9]})


def tower() -> None:
    image = torch.randn(2, 3, 15, 15)
    axes = {"image": {0: "batch"}}
    more = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    model = torchscript(randomise(Tower()), (image,), ["image"], ["features"], axes, 11, **more)
    save("tower-torchscript-11", model, {"image": [2, 3, 15, 15]})
    batch = torch.export.Dim("batch")
    model = dynamo(randomise(Tower()), (image,), ["image"], ["features"], ({0: batch},), 20)
    save("tower-dynamo-20", model, {"image": [2, 3, 15, 15]})


def branches() -> None:
    scripted = torch.jit.script(randomise(Branches()))
    model = torchscript(scripted, (torch.randn(3, 4),), ["x"], ["y"], {"x": {0: "rows"}}, 16)
    save("branches-torchscript-16", model, {"x": [3, 4]})


def main() -> None:
    warnings.filterwarnings("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for make in [encoders, denoiser, text_encoder, tower, branches]:
        make()


if __name__ == "__main__":
    main()
