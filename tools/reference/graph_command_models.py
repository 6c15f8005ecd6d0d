"""Models that tools/reference/graph_command.py exports: small, and unlike those among the fixtures."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ALL = ("torchscript-11", "torchscript-14", "torchscript-17", "dynamo-18", "dynamo-21")
MODERN = ("torchscript-14", "torchscript-18", "dynamo-18", "dynamo-21", "dynamo-23")


@dataclass
class Example:
    """A module and how to call and export it. `outputs[0]` is differentiated."""

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...] = ("output",)
    exports: tuple[str, ...] = MODERN
    #: Symbolic axes by input.
    axes: dict[str, dict[int, str]] = field(default_factory=dict)
    #: Options of the command that fix them.
    options: tuple[str, ...] = ()
    #: Float16 weights and inputs.
    half: bool = False
    #: Weights in a file beside the model.
    external: bool = False
    #: Whether the module is scripted before a TorchScript export, so that conditions stay.
    scripted: bool = False
    targets: str = "all"


class Function(nn.Module):
    """A function of its inputs with some named weights."""

    def __init__(self, function: Callable[..., object], **weights: Tensor) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterDict(weights)

    def forward(self, *inputs: Tensor) -> object:
        return self.function(self.weights, *inputs)


class ResNetBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=2)
        self.bn2 = nn.BatchNorm2d(12)
        self.down = nn.Conv2d(8, 12, 1, stride=2)
        self.squeeze = nn.Conv2d(12, 3, 1)
        self.excite = nn.Conv2d(3, 12, 1)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.stem(x)))
        y = F.relu6(self.bn2(self.conv2(x)))
        y = y * torch.sigmoid(self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        return self.head(F.hardswish(y + self.down(x)).mean((2, 3)))


class TinyVit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.position = nn.Parameter(torch.randn(1, 17, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(16)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return F.normalize(self.norm(self.encoder(x))[:, 0], dim=-1)


class TinyUnet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(2, 8, 3, padding=1)
        self.norm_a = nn.GroupNorm(4, 8)
        self.b = nn.Conv2d(8, 12, 3, padding=2, dilation=2)
        self.norm_b = nn.InstanceNorm2d(12, affine=True)
        self.middle = nn.Conv2d(12, 12, 3, padding=1, padding_mode="reflect")
        self.up = nn.ConvTranspose2d(12, 8, 4, stride=2, padding=1)
        self.c = nn.Conv2d(16, 6, 3, padding=1)
        self.out = nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        frequencies = torch.exp(torch.arange(4, dtype=x.dtype) * -0.7)
        angles = level[:, None].to(x.dtype) * frequencies
        embedding = torch.cat([torch.sin(angles), torch.cos(angles)], 1)
        a = F.silu(self.norm_a(self.a(x)) + embedding[:, :, None, None])
        b = F.gelu(self.norm_b(self.b(F.max_pool2d(a, 2))))
        b = F.leaky_relu(self.middle(F.avg_pool2d(b, 3, 1, 1)) + b, 0.1)
        y = self.c(torch.cat([self.up(b), a], 1))
        return self.out(F.interpolate(F.elu(y), scale_factor=2, mode="bilinear", align_corners=False))


class CausalLm(nn.Module):
    """RMS norm, rotary positions, grouped queries, a padding mask and tied embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(23, 16)
        self.norm1 = nn.Parameter(torch.ones(16))
        self.norm2 = nn.Parameter(torch.ones(16))
        self.q = nn.Linear(16, 16, bias=False)
        self.kv = nn.Linear(16, 16, bias=False)
        self.o = nn.Linear(16, 16, bias=False)
        self.gate = nn.Linear(16, 24, bias=False)
        self.value = nn.Linear(16, 24, bias=False)
        self.down = nn.Linear(24, 16, bias=False)

    @staticmethod
    def rms(x: Tensor, weight: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight

    @staticmethod
    def rotate(x: Tensor) -> Tensor:
        size = x.shape[-1] // 2
        angles = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * torch.exp(-torch.arange(size, dtype=x.dtype))
        a, b = x[..., :size], x[..., size:]
        return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.table(ids)
        batch, length, _ = x.shape
        h = self.rms(x, self.norm1)
        q = self.rotate(self.q(h).view(batch, length, 4, 4).transpose(1, 2))
        k, v = self.kv(h).view(batch, length, 2, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        k = self.rotate(k).repeat_interleave(2, 1)
        v = v.repeat_interleave(2, 1)
        scores = q @ k.transpose(-1, -2) / 2
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        scores = scores.masked_fill(~(causal & mask[:, None, None, :].bool()), torch.finfo(x.dtype).min)
        x = x + self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, 16))
        h = self.rms(x, self.norm2)
        x = x + self.down(F.silu(self.gate(h)) * self.value(h))
        return x @ self.table.weight.T


class Masked(nn.Module):
    """scaled_dot_product_attention with an additive mask, and MultiheadAttention with a padding mask."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.project = nn.Linear(12, 12)

    def forward(self, x: Tensor, mask: Tensor, padding: Tensor) -> Tensor:
        y, _ = self.attention(x, x, x, key_padding_mask=padding, need_weights=False)
        q = self.project(y).unflatten(-1, (2, 6)).transpose(1, 2)
        return F.scaled_dot_product_attention(q, q * 0.5, q + 1, attn_mask=mask)


class WindowAttention(nn.Module):
    """Swin: shifted windows by roll, and a bias gathered from a table of relative positions."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.table = nn.Parameter(torch.randn(49, 2))
        at = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")).flatten(1)
        relative = at[:, :, None] - at[:, None, :] + 3
        self.register_buffer("index", relative[0] * 7 + relative[1])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.roll(x, (-2, -2), (1, 2))
        x = x.view(1, 2, 4, 2, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(4, 16, 8)
        q, k, v = self.qkv(x).view(4, 16, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(16, 16, 2).permute(2, 0, 1)
        x = ((q @ k.transpose(-1, -2) * 0.5 + bias).softmax(-1) @ v).transpose(1, 2).reshape(4, 16, 8)
        x = x.view(1, 2, 2, 4, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(1, 8, 8, 8)
        return torch.roll(x, (2, 2), (1, 2))


class ContrastiveLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Linear(10, 6)
        self.text = nn.Linear(7, 6, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(1.3))

    def forward(self, images: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.logit_scale.exp() * F.normalize(self.image(images)) @ F.normalize(self.text(texts)).T
        labels = torch.arange(logits.shape[0])
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2, logits


class TwoHeads(nn.Module):
    """Two outputs that share a body; weights of the second head are no targets of the first's loss."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.first = nn.Linear(8, 3)
        self.second = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = torch.tanh(self.body(x))
        second = self.second(h)
        return self.first(h) * h.sum(), second, second.argmax(-1)


class SizeIf(nn.Module):
    """A condition on sizes, which folds."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) > 3:
            y = torch.matmul(x, self.weight)
        else:
            y = torch.sin(x)
        return y * y


def activations(w: nn.ParameterDict, x: Tensor) -> Tensor:
    y = torch.selu(x) + torch.celu(x, 1.3) + F.mish(x) + F.softplus(x) + F.logsigmoid(x) + F.hardtanh(x)
    y = y + F.prelu(x, w["slope"]) + F.hardsigmoid(x) + F.softsign(x) + torch.erf(x) + F.glu(torch.cat([x, x + 1], 1), 1)
    y = y + F.relu(x + 0.1) + F.tanhshrink(x) + torch.atan(x)
    return y * torch.log1p(x.abs() + w["shift"]) + torch.clamp(x * w["shift"], -0.4, 0.6)


def reductions(w: nn.ParameterDict, x: Tensor) -> Tensor:
    y = x * w["scale"]
    parts = [
        torch.logsumexp(y, 1),
        y.var(1),
        y.std(1, unbiased=False),
        y.norm(dim=1),
        (y.abs() + 0.5).prod(1),
        y.cumsum(1)[:, 2],
        y.amax(1),
        y.min(1).values,
        y.topk(2, dim=1).values.sum(1),
        y.abs().sum(1),
        y.sort(1).values[:, 1],
        F.log_softmax(y, 1)[:, 0],
        y.square().mean(1).sqrt(),
    ]
    return torch.stack(parts)


def indexing(w: nn.ParameterDict, x: Tensor, index: Tensor) -> Tensor:
    y = x * w["scale"]
    y = torch.roll(y, 1, 2).flip(1) + F.pad(y, (1, 2, 0, 1), mode="reflect")[:, :, :-1, 1:-2]
    y = y + y.tril() + F.pad(y, (-1, 1), value=3.0) + y.repeat(1, 2, 1, 1)[:, 2:6]
    picked = torch.gather(y, 3, index)
    scattered = torch.zeros_like(y).scatter_add(3, index, picked * 2)
    columns = F.unfold(scattered, 2)
    mixed = F.pixel_shuffle(y.index_select(3, torch.tensor([0, 2, 2, 1])), 2)
    return torch.cat([columns.flatten(1), mixed.flatten(1), y[:, ::2, 1:, ::3].flatten(1), y[:, :, [0, 2]].flatten(1)], 1)


def convolutions(w: nn.ParameterDict, x: Tensor, line: Tensor, cube: Tensor) -> Tensor:
    a = F.conv2d(x, w["depthwise"], padding="same", groups=4)
    b = F.conv_transpose2d(x, w["transposed"], stride=2, padding=1, output_padding=1, groups=2, dilation=2)
    c = F.conv1d(F.pad(line, (2, 0), mode="replicate"), w["line"], stride=2)
    d = F.conv3d(cube, w["cube"], padding=1)
    return torch.cat([part.flatten() for part in (a, b, c, d)])


def pools(w: nn.ParameterDict, x: Tensor) -> Tensor:
    y = x * w["scale"]
    return torch.cat(
        [
            F.avg_pool2d(y, 3, 2, 1, ceil_mode=True, count_include_pad=False).flatten(),
            F.max_pool2d(y, 3, 2, 1, dilation=2).flatten(),
            F.adaptive_avg_pool2d(y, (3, 3)).flatten(),
            F.max_pool2d(y, (2, 3), ceil_mode=True).flatten(),
            F.adaptive_max_pool2d(y, 1).flatten(),
        ]
    )


def resizes(w: nn.ParameterDict, x: Tensor) -> Tensor:
    y = x * w["scale"]
    return torch.cat(
        [
            F.interpolate(y, scale_factor=2, mode="nearest").flatten(),
            F.interpolate(y, size=(9, 4), mode="bilinear", align_corners=True).flatten(),
            F.interpolate(y, size=(11, 13), mode="bilinear", align_corners=False).flatten(),
            F.interpolate(y[:, :, 0], size=8, mode="linear").flatten(),
        ]
    )


def bicubic(w: nn.ParameterDict, x: Tensor) -> Tensor:
    return F.interpolate(x * w["scale"], size=(11, 9), mode="bicubic", align_corners=False)


def products(w: nn.ParameterDict, x: Tensor, y: Tensor) -> Tensor:
    a = torch.einsum("bid,bjd,dh->bhij", x, y, w["heads"])
    b = torch.einsum("bid,de->be", x, w["mix"])
    c = torch.bmm(x, y.transpose(1, 2)) @ w["square"]
    d = torch.matmul(w["stack"], x[:, None])
    e = F.cosine_similarity(x, y[:, :4], dim=-1)
    f = torch.einsum("bi,oij,bj->bo", x[:, 0], w["bilinear"], y[:, 0])
    g = torch.addmm(b[:, :2], x[:, 1], w["thin"], beta=0.5, alpha=1.5)
    return torch.cat([part.flatten() for part in (a, b, c, d, e, f, g, torch.outer(b[0], b[1]))])


def losses(w: nn.ParameterDict, x: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    logits = x @ w["weight"]
    loss = F.cross_entropy(logits, labels, ignore_index=1)
    loss = loss + F.nll_loss(F.log_softmax(logits, 1), labels, weight=torch.tensor([0.5, 1.0, 2.0, 1.0], dtype=x.dtype))
    loss = loss + F.mse_loss(logits, wanted) + (logits - wanted).abs().mean()
    loss = loss + F.binary_cross_entropy_with_logits(logits, torch.sigmoid(wanted))
    return loss + (F.softmax(wanted, 1) * (wanted - F.log_softmax(logits, 1))).sum(1).mean()


def embeddings(w: nn.ParameterDict, ids: Tensor, positions: Tensor) -> Tensor:
    x = F.embedding(ids, w["words"]) + w["positions"][positions]
    x = torch.where(ids[..., None] == 3, w["special"], x)
    mask = (ids != 0).to(x.dtype)[..., None]
    pooled = (x * mask).sum(1) / mask.sum(1).clamp(min=1)
    last = x[torch.arange(x.shape[0]), ids.argmax(-1)]
    return torch.cat([pooled, last, F.one_hot(ids[:, 0], 9).to(x.dtype) @ w["words"]], 1)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape)


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(7, 16), nn.GELU(approximate="tanh"), nn.LayerNorm(16), nn.Linear(16, 16), nn.LeakyReLU(0.2),
        nn.Dropout(0.3), nn.Linear(16, 3), nn.Softmax(-1),
    )


def examples() -> dict[str, Example]:
    batch = {0: "batch"}
    ids = torch.tensor([[1, 5, 2, 7, 0], [3, 3, 8, 4, 6]])
    return {
        "mlp": Example(mlp(), {"x": random(4, 7)}, exports=ALL, axes={"x": batch}, options=("--batch", "4")),
        "mlp-fixed": Example(mlp(), {"x": random(4, 7)}, exports=("torchscript-13", "dynamo-20")),
        "mlp-half": Example(mlp(), {"x": random(4, 7)}, exports=("torchscript-17", "dynamo-18"), half=True),
        "mlp-external": Example(
            nn.Sequential(nn.Linear(70, 90), nn.ReLU(), nn.Linear(90, 3)), {"x": random(2, 70)},
            exports=("torchscript-17", "dynamo-18"), external=True,
        ),
        "resnet-block": Example(ResNetBlock(), {"x": random(2, 3, 12, 12)}, exports=ALL, axes={"x": {0: "n", 2: "h", 3: "w"}},
                                options=("--shape", "x=2,3,12,12")),
        "resnet-block-half": Example(ResNetBlock(), {"x": random(2, 3, 12, 12)}, exports=("torchscript-14", "dynamo-18"), half=True),
        "vit": Example(TinyVit(), {"images": random(2, 3, 16, 16)}, exports=("torchscript-14", "torchscript-17", "dynamo-18", "dynamo-23"),
                       axes={"images": batch}, options=("--batch", "2")),
        "vit-half": Example(TinyVit(), {"images": random(2, 3, 16, 16)}, exports=("torchscript-17", "dynamo-18"), half=True),
        "unet": Example(TinyUnet(), {"x": random(2, 2, 8, 8), "level": torch.tensor([3, 9])}, exports=ALL,
                        axes={"x": batch, "level": batch}, options=("--batch", "2")),
        "causal-lm": Example(CausalLm(), {"ids": ids, "mask": torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])},
                             axes={"ids": {0: "batch", 1: "length"}, "mask": {0: "batch", 1: "length"}},
                             options=("--shape", "ids=2,5", "--shape", "mask=2,5")),
        "masked-attention": Example(Masked(), {"x": random(2, 5, 12), "mask": random(5, 5), "padding": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])}),
        "window-attention": Example(WindowAttention(), {"x": random(1, 8, 8, 8)}, exports=ALL),
        "contrastive": Example(ContrastiveLoss(), {"images": random(3, 10), "texts": random(3, 7)}, ("loss", "logits"),
                               exports=("torchscript-12", "torchscript-17", "dynamo-18")),
        "two-heads": Example(TwoHeads(), {"x": random(3, 6)}, ("first", "second", "choice")),
        "named-targets": Example(TwoHeads(), {"x": random(3, 6)}, ("first", "second", "choice"), targets="x,body.weight",
                                 exports=("torchscript-17", "dynamo-18")),
        "size-if": Example(SizeIf(), {"x": random(5, 6)}, exports=("torchscript-14", "torchscript-17"), scripted=True,
                           axes={"x": batch}, options=("--batch", "5")),
        "activations": Example(Function(activations, slope=torch.tensor([0.3]), shift=torch.tensor([0.7])), {"x": random(4, 5)}),
        "reductions": Example(Function(reductions, scale=random(5)), {"x": random(4, 5)}),
        "indexing": Example(Function(indexing, scale=random(6)), {"x": random(1, 4, 5, 6), "picks": torch.randint(0, 6, (1, 4, 5, 3))}),
        "convolutions": Example(
            Function(convolutions, depthwise=random(8, 1, 3, 3), transposed=random(4, 3, 3, 3), line=random(5, 3, 4), cube=random(2, 2, 3, 3, 3)),
            {"x": random(2, 4, 6, 6), "line": random(2, 3, 9), "cube": random(1, 2, 4, 4, 4)}),
        "pools": Example(Function(pools, scale=random(1, 3, 1, 1)), {"x": random(2, 3, 9, 9)}),
        "resizes": Example(Function(resizes, scale=random(3, 1, 1)), {"x": random(1, 3, 5, 6)}),
        "bicubic": Example(Function(bicubic, scale=random(3, 1, 1)), {"x": random(1, 3, 5, 6)}, exports=("torchscript-14", "dynamo-18")),
        "products": Example(
            Function(products, heads=random(6, 3), mix=random(6, 4), square=random(5, 5), stack=random(3, 4, 4), bilinear=random(2, 6, 6), thin=random(6, 2)),
            {"x": random(2, 4, 6), "y": random(2, 5, 6)}),
        "losses": Example(Function(losses, weight=random(5, 4)),
                          {"x": random(6, 5), "labels": torch.tensor([0, 1, 2, 3, 2, 0]), "wanted": random(6, 4)}, ("loss",)),
        "embeddings": Example(Function(embeddings, words=random(9, 4), positions=random(5, 4), special=random(4)),
                              {"ids": ids, "positions": torch.arange(5).flip(0)}),
    }
