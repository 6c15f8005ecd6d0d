"""Real architectures with narrow widths: every kind of block is there, every number small."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn

Axes = dict[int, str]


@dataclass(frozen=True)
class Input:
    """A model input: floating point unless its integer values are given."""

    shape: tuple[int, ...]
    values: tuple[int, ...] | None = None
    axes: Axes = field(default_factory=dict)


@dataclass(frozen=True)
class Narrow:
    """A module with one output tensor, and what it takes."""

    module: nn.Module
    inputs: dict[str, Input]
    output: str
    output_axes: Axes = field(default_factory=lambda: {0: "batch"})


class Only(nn.Module):
    """A model's one output of interest: a field of its result, or an element of a tuple."""

    def __init__(self, model: nn.Module, pick: str | int | None = None, call: Callable | None = None, **fixed) -> None:
        super().__init__()
        self.model = model
        self.pick = pick
        self.call = call or (lambda model, *arguments: model(*arguments, **fixed))

    def forward(self, *arguments: Tensor) -> Tensor:
        out = self.call(self.model, *arguments)
        if self.pick is None:
            return out
        return getattr(out, self.pick) if isinstance(self.pick, str) else out[self.pick]


BATCH: Axes = {0: "batch"}
PIXELS = Input((2, 3, 32, 32), axes=BATCH)


def clip_vision(attention: str = "sdpa") -> Narrow:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        projection_dim=16,
    )
    model = CLIPVisionModelWithProjection._from_config(config, attn_implementation=attention)
    return Narrow(Only(model, "image_embeds"), {"pixel_values": PIXELS}, "image_embeds")


def clip_text(attention: str = "eager") -> Narrow:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=8,
        projection_dim=16,
        eos_token_id=39,
        hidden_act="quick_gelu",
    )
    model = CLIPTextModelWithProjection._from_config(config, attn_implementation=attention)
    ids = Input((2, 8), values=(38, 3, 17, 39, 1, 1, 1, 1, 38, 5, 9, 20, 3, 11, 39, 1), axes=BATCH)
    return Narrow(Only(model, "text_embeds"), {"input_ids": ids}, "text_embeds")


def siglip_vision(attention: str = "sdpa") -> Narrow:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    config = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    model = SiglipVisionModel._from_config(config, attn_implementation=attention)
    return Narrow(Only(model, "pooler_output"), {"pixel_values": PIXELS}, "pooler_output")


def open_clip_vision() -> Narrow:
    """MetaCLIP's and DFN's towers are open_clip's ViT with QuickGELU and fused query, key and value weights."""
    from open_clip.transformer import QuickGELU, VisionTransformer

    model = VisionTransformer(
        image_size=32, patch_size=8, width=32, layers=2, heads=4, mlp_ratio=2, output_dim=16, act_layer=QuickGELU
    )
    return Narrow(Only(model), {"image": PIXELS}, "features")


def open_clip_text() -> Narrow:
    from open_clip.transformer import QuickGELU, TextTransformer

    model = TextTransformer(
        context_length=8, vocab_size=40, width=32, heads=4, layers=2, mlp_ratio=2, output_dim=16, act_layer=QuickGELU
    )
    ids = Input((2, 8), values=(38, 3, 17, 39, 0, 0, 0, 0, 38, 5, 9, 20, 3, 11, 39, 0), axes=BATCH)
    return Narrow(Only(model), {"text": ids}, "features")


def clip_resnet() -> Narrow:
    """CLIP's RN50 form: three-convolution stem, average-pooled strides, attention pooling."""
    from open_clip.modified_resnet import ModifiedResNet

    model = ModifiedResNet(layers=[1, 1, 1, 1], output_dim=8, heads=4, image_size=64, width=4)
    return Narrow(Only(model), {"image": Input((2, 3, 64, 64), axes=BATCH)}, "features")


def clip_resnet_fused() -> Narrow:
    """The same with batch norms folded into their convolutions, as exporters do in evaluation mode."""
    narrow = clip_resnet()
    fold_batch_norms(narrow.module)
    return narrow


def fold_batch_norms(module: nn.Module) -> None:
    for parent in list(module.modules()):
        children = dict(parent.named_children())
        for name, child in children.items():
            norm = name.replace("conv", "bn") if name.startswith("conv") else None
            if norm in children and isinstance(children[norm], nn.BatchNorm2d):
                setattr(parent, name, nn.utils.fuse_conv_bn_eval(child.eval(), children[norm].eval()))
                setattr(parent, norm, nn.Identity())
        if isinstance(parent, nn.Sequential) and {"0", "1"} <= set(children):
            if isinstance(children["0"], nn.Conv2d) and isinstance(children["1"], nn.BatchNorm2d):
                setattr(parent, "0", nn.utils.fuse_conv_bn_eval(children["0"].eval(), children["1"].eval()))
                setattr(parent, "1", nn.Identity())


def convnext() -> Narrow:
    """open_clip's ConvNeXt towers are timm's."""
    import timm

    model = timm.create_model("convnext_base", pretrained=False, depths=[1, 1, 2, 1], dims=[8, 16, 24, 32], num_classes=8)
    return Narrow(Only(model), {"image": Input((2, 3, 64, 64), axes=BATCH)}, "features")


def dinov2(attention: str = "sdpa") -> Narrow:
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=28, patch_size=14
    )
    model = Dinov2Model._from_config(config, attn_implementation=attention)
    return Narrow(
        Only(model, "last_hidden_state"), {"pixel_values": Input((2, 3, 28, 28), axes=BATCH)}, "last_hidden_state"
    )


LATENT_AXES: Axes = {0: "batch", 2: "height", 3: "width"}


def unet(**changes) -> Narrow:
    from diffusers import UNet2DConditionModel

    added = changes.pop("added", None)
    config = {
        "sample_size": 8,
        "block_out_channels": (16, 24, 32, 32),
        "norm_num_groups": 8,
        "cross_attention_dim": 12,
        "attention_head_dim": 4,
        "layers_per_block": 2,
        **changes,
    }
    model = UNet2DConditionModel(**config)
    inputs = {
        "sample": Input((2, 4, 8, 8), axes=LATENT_AXES),
        "timestep": Input((2,), values=(17, 801), axes=BATCH),
        "encoder_hidden_states": Input((2, 5, config["cross_attention_dim"]), axes={0: "batch", 1: "sequence"}),
    }
    if added is None:

        def call(model, sample, timestep, context):
            return model(sample, timestep, context, return_dict=False)

    else:
        inputs["text_embeds"] = Input((2, added), axes=BATCH)
        inputs["time_ids"] = Input((2, 6), axes=BATCH)

        def call(model, sample, timestep, context, text_embeds, time_ids):
            conditions = {"text_embeds": text_embeds, "time_ids": time_ids}
            return model(sample, timestep, context, added_cond_kwargs=conditions, return_dict=False)

    return Narrow(Only(model, 0, call), inputs, "out_sample", LATENT_AXES)


def sd15() -> Narrow:
    """Stable Diffusion 1.5: convolutional projections, a fixed number of heads in every block."""
    return unet(attention_head_dim=4)


def sd21() -> Narrow:
    """Stable Diffusion 2.1: linear projections, heads of one size, their number given for each block."""
    return unet(use_linear_projection=True, attention_head_dim=[2, 3, 4, 4])


def sdxl() -> Narrow:
    """Stable Diffusion XL: three levels, deeper transformers, pooled text and size embeddings."""
    return unet(
        block_out_channels=(16, 24, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 1, 2],
        attention_head_dim=[2, 3, 4],
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=10 + 6 * 4,
        added=10,
    )


def autoencoder() -> nn.Module:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 12, 16),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=16,
    )


def vae_encoder() -> Narrow:
    model = autoencoder()
    module = nn.Sequential(model.encoder, model.quant_conv)
    return Narrow(Only(module), {"sample": Input((1, 3, 16, 16), axes=LATENT_AXES)}, "latent_parameters", LATENT_AXES)


def vae_decoder() -> Narrow:
    model = autoencoder()
    module = nn.Sequential(model.post_quant_conv, model.decoder)
    return Narrow(Only(module), {"latent_sample": Input((1, 4, 4, 4), axes=LATENT_AXES)}, "sample", LATENT_AXES)


def tiny_autoencoder() -> nn.Module:
    from diffusers import AutoencoderTiny

    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 2, 2),
        num_decoder_blocks=(2, 2, 1),
    )


def taesd_encoder() -> Narrow:
    module = Only(tiny_autoencoder().encoder)
    return Narrow(module, {"sample": Input((1, 3, 16, 16), axes=LATENT_AXES)}, "latents", LATENT_AXES)


def taesd_decoder() -> Narrow:
    module = Only(tiny_autoencoder().decoder)
    return Narrow(module, {"latents": Input((1, 4, 4, 4), axes=LATENT_AXES)}, "sample", LATENT_AXES)


def dit() -> Narrow:
    from diffusers import DiTTransformer2DModel

    model = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        norm_num_groups=8,
        sample_size=8,
        patch_size=2,
        num_embeds_ada_norm=20,
    )

    def call(model, sample, timestep, labels):
        return model(sample, timestep=timestep, class_labels=labels, return_dict=False)

    inputs = {
        "sample": Input((2, 4, 8, 8), axes=BATCH),
        "timestep": Input((2,), values=(17, 801), axes=BATCH),
        "class_labels": Input((2,), values=(3, 11), axes=BATCH),
    }
    return Narrow(Only(model, 0, call), inputs, "out_sample")


def pixart() -> Narrow:
    from diffusers import PixArtTransformer2DModel

    model = PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        cross_attention_dim=16,
        sample_size=8,
        patch_size=2,
        caption_channels=12,
        use_additional_conditions=False,
    )

    def call(model, sample, context, timestep):
        added = {"resolution": None, "aspect_ratio": None}
        return model(sample, context, timestep, added_cond_kwargs=added, return_dict=False)

    inputs = {
        "sample": Input((2, 4, 8, 8), axes=BATCH),
        "encoder_hidden_states": Input((2, 5, 12), axes=BATCH),
        "timestep": Input((2,), values=(17, 801), axes=BATCH),
    }
    return Narrow(Only(model, 0, call), inputs, "out_sample")


MODELS: dict[str, Callable[[], Narrow]] = {
    "clip-vision": clip_vision,
    "clip-text": clip_text,
    "siglip-vision": siglip_vision,
    "open-clip-vision": open_clip_vision,
    "open-clip-text": open_clip_text,
    "clip-resnet": clip_resnet,
    "clip-resnet-fused": clip_resnet_fused,
    "convnext": convnext,
    "dinov2": dinov2,
    "sd15": sd15,
    "sd21": sd21,
    "sdxl": sdxl,
    "vae-encoder": vae_encoder,
    "vae-decoder": vae_decoder,
    "taesd-encoder": taesd_encoder,
    "taesd-decoder": taesd_decoder,
    "dit": dit,
    "pixart": pixart,
}
