"""Graphs of full-size encoders and denoisers without their weights, for bench/full-size.ts and bench/memory.ts.

    python -m tools.reference.full_size OUTPUT_FOLDER [MODEL[-f16][:BATCH] ...]

The configurations are those of the published checkpoints. Modules are made on PyTorch's meta device, so that nothing
of their gigabytes is ever allocated; the dynamo exporter writes their graphs, in which each weight is an initialiser
whose elements would lie in a file `weights.bin` that is not there. Batch 1 and 8 where none is named; float16 on request.
"""

import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxscript.optimizer
import torch
from torch import nn

DENOISERS = {
    # stable-diffusion-v1-5/unet/config.json
    "sd15": dict(cross_attention_dim=768, attention_head_dim=8, sample_size=64),
    # stable-diffusion-2-1-base/unet/config.json
    "sd21-base": dict(
        cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True, sample_size=64
    ),
    # stable-diffusion-xl-base-1.0/unet/config.json
    "sdxl": dict(
        cross_attention_dim=2048,
        attention_head_dim=[5, 10, 20],
        use_linear_projection=True,
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 2, 10],
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    ),
}

#: Width, layers, heads, patch, image, projection, activation.
ENCODERS = {
    "vit-b-32": (768, 12, 12, 32, 224, 512, "quick_gelu"),
    "vit-b-16": (768, 12, 12, 16, 224, 512, "quick_gelu"),
    "vit-l-14": (1024, 24, 16, 14, 224, 768, "quick_gelu"),
    "vit-l-14-336": (1024, 24, 16, 14, 336, 768, "quick_gelu"),
    # apple/DFN5B-CLIP-ViT-H-14-378
    "dfn-h-14-378": (1280, 32, 16, 14, 378, 1024, "quick_gelu"),
}


class Tokens(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).image_embeds


class Pooled(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).pooler_output


class Denoiser(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, sample, timestep, encoder_hidden_states, *extra):
        names = ("text_embeds", "time_ids")
        conditions = dict(zip(names, extra)) if extra else None
        return self.model(
            sample, timestep, encoder_hidden_states, added_cond_kwargs=conditions, return_dict=False
        )[0]


def encoder(name: str, batch: int):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    width, layers, heads, patch, image, projection, activation = ENCODERS[name]
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        patch_size=patch,
        image_size=image,
        projection_dim=projection,
        hidden_act=activation,
        attn_implementation="eager",
    )
    return Tokens(CLIPVisionModelWithProjection(config)), {"pixel_values": torch.empty(batch, 3, image, image)}


def siglip(batch: int):
    from transformers import SiglipVisionConfig, SiglipVisionModel

    # google/siglip-so400m-patch14-384
    config = SiglipVisionConfig(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=27,
        num_attention_heads=16,
        patch_size=14,
        image_size=384,
        attn_implementation="eager",
    )
    return Pooled(SiglipVisionModel(config)), {"pixel_values": torch.empty(batch, 3, 384, 384)}


def denoiser(name: str, batch: int):
    from diffusers import UNet2DConditionModel
    from diffusers.models.attention_processor import AttnProcessor

    config = DENOISERS[name]
    model = UNet2DConditionModel(**config)
    # The older of the two forms that exports have; SDXL's keep the newer one, diffusers' default.
    if name != "sdxl":
        model.set_attn_processor(AttnProcessor())
    size = config["sample_size"]
    inputs = {
        "sample": torch.empty(batch, 4, size, size),
        "timestep": torch.empty(batch, dtype=torch.int64),
        "encoder_hidden_states": torch.empty(batch, 77, config["cross_attention_dim"]),
    }
    if name == "sdxl":
        inputs |= {"text_embeds": torch.empty(batch, 1280), "time_ids": torch.empty(batch, 6)}
    return Denoiser(model), inputs


class LatentMean(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image):
        return self.model.encode(image).latent_dist.mean


def autoencoder(batch: int):
    from diffusers import AutoencoderKL
    from diffusers.models.attention_processor import AttnProcessor

    # stable-diffusion-2-1-base/vae/config.json
    model = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=2,
        sample_size=512,
    )
    model.set_attn_processor(AttnProcessor())
    return LatentMean(model), {"image": torch.empty(batch, 3, 512, 512)}


def build(name: str, batch: int):
    if name == "sd-vae-encoder":
        return autoencoder(batch)
    if name in DENOISERS:
        return denoiser(name, batch)
    return siglip(batch) if name == "siglip-so400m-384" else encoder(name, batch)


def leave_out_weights(model: ir.Model) -> int:
    """Makes weights refer to a file that is not there; small ones are random numbers. Returns the file's size."""
    offset = 0
    for name, value in model.graph.initializers.items():
        raw = getattr(value.const_value, "raw", None)
        if raw is None or raw.device.type != "meta":
            continue
        if not raw.dtype.is_floating_point:
            # Position numbers, the only integers that these models keep.
            value.const_value = ir.tensor(torch.arange(raw.numel()).reshape(raw.shape).numpy(), name=name)
        elif raw.numel() <= 8192:
            value.const_value = ir.tensor(torch.rand(raw.shape).to(raw.dtype).numpy(), name=name)
        else:
            value.const_value = outside(value.const_value, name, raw.shape, offset)
            offset += value.const_value.length
    return offset


def outside(tensor, name: str, shape, offset: int) -> ir.ExternalTensor:
    length = int(tensor.dtype.itemsize * np.prod(shape))
    return ir.ExternalTensor(
        "weights.bin", offset, length, tensor.dtype, shape=ir.Shape(shape), name=name, base_dir=str(Path.cwd())
    )


def fold_transposes(model: ir.Model) -> None:
    """Stores matrices of Linear layers transposed, as the exporter does when it has their elements."""
    for node in list(model.graph):
        weight = node.inputs[0] if node.op_type == "Transpose" else None
        if weight is None or not isinstance(weight.const_value, ir.ExternalTensor) or len(weight.uses()) != 1:
            continue
        old, output = weight.const_value, node.outputs[0]
        turned = outside(old, f"{weight.name}.T", [old.shape[i] for i in node.attributes["perm"].value], old.offset)
        value = ir.Value(name=turned.name, shape=turned.shape, type=output.type, const_value=turned)
        ir.convenience.replace_all_uses_with(output, value)
        model.graph.remove(node, safe=True)
        del model.graph.initializers[weight.name]
        model.graph.initializers[value.name] = value


def export(name: str, batch: int, folder: Path) -> None:
    with torch.device("meta"):
        module, inputs = build(name.removesuffix("-f16"), batch)
    module.eval().requires_grad_(False)
    if name.endswith("-f16"):
        module.half()
        inputs = {key: value.half() if value.is_floating_point() else value for key, value in inputs.items()}
    program = torch.onnx.export(
        torch.export.export(module, tuple(inputs.values()), strict=False),
        dynamo=True,
        opset_version=18,
        input_names=list(inputs),
        output_names=["output"],
        optimize=False,
        verbose=False,
    )
    model = program.model
    size = leave_out_weights(model)
    logging.disable(logging.WARNING)
    onnxscript.optimizer.optimize_ir(model)
    logging.disable(logging.NOTSET)
    fold_transposes(model)
    path = folder / f"{name}-b{batch}.onnx"
    path.write_bytes(ir.to_proto(model).SerializeToString())
    path.with_suffix(".size").write_text(f"{size}\n")
    print(path.name, path.stat().st_size, "bytes", flush=True)


def main() -> None:
    warnings.filterwarnings("ignore")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or [*ENCODERS, "siglip-so400m-384", *DENOISERS, "sd-vae-encoder"]
    for wanted in names:
        name, _, batch = wanted.partition(":")
        for size in (int(batch),) if batch else (1, 8):
            export(name, size, folder)


if __name__ == "__main__":
    main()
