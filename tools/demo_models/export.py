"""Writes models as the files users bring: TorchScript exporter, opset 14, names and axes of the public exports."""

import json
import warnings
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection

from .architecture import CONTEXT, IMAGE_SIZE, LATENT_SIZE, SCHEDULER
from .tokenizer import save_tokenizer

OPSET = 14
MEAN = [0.48145466, 0.4578275, 0.40821073]
DEVIATION = [0.26862954, 0.26130258, 0.27577711]


def export_onnx(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    path: Path,
    inputs: dict[str, dict[int, str]],
    outputs: dict[str, dict[int, str]],
) -> None:
    """`inputs` and `outputs` name the graph's values and their dynamic axes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            arguments,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            do_constant_folding=True,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={**inputs, **outputs},
        )


def export_vision(clip: CLIPModel, path: Path) -> None:
    """The split export's one output is the pooled, projected embedding (transformers.js' scripts/extra/clip.py)."""
    vision = CLIPVisionModelWithProjection._from_config(clip.config.vision_config, attn_implementation="eager")
    vision.vision_model.load_state_dict(clip.vision_model.state_dict())
    vision.visual_projection.load_state_dict(clip.visual_projection.state_dict())
    vision.forward = _only(vision, "image_embeds")
    export_onnx(
        vision,
        (torch.randn(2, 3, IMAGE_SIZE, IMAGE_SIZE),),
        path,
        {"pixel_values": {0: "batch_size", 1: "num_channels", 2: "height", 3: "width"}},
        {"image_embeds": {0: "batch_size"}},
    )


def export_text(clip: CLIPModel, path: Path) -> None:
    text = CLIPTextModelWithProjection._from_config(clip.config.text_config, attn_implementation="eager")
    text.text_model.load_state_dict(clip.text_model.state_dict())
    text.text_projection.load_state_dict(clip.text_projection.state_dict())
    text.forward = _only(text, "text_embeds")
    export_onnx(
        text,
        (torch.randint(0, 100, (2, 16)),),
        path,
        {"input_ids": {0: "batch_size", 1: "sequence_length"}},
        {"text_embeds": {0: "batch_size"}},
    )


def _only(model: nn.Module, *names: str):
    """The model's forward, returning just the named outputs. Traced in place, so node and weight names are its own."""
    forward = type(model).forward

    def call(first: Tensor):
        outputs = forward(model, first)
        return tuple(outputs[name] for name in names) if len(names) > 1 else outputs[names[0]]

    return call


def export_clip(clip: CLIPModel, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """A folder laid out as transformers.js' CLIP conversions are."""
    export_vision(clip, folder / "onnx" / "vision_model.onnx")
    export_text(clip, folder / "onnx" / "text_model.onnx")
    save_tokenizer(tokenizer, folder)
    write_json(folder / "config.json", {**json.loads(clip.config.to_json_string()), "architectures": ["CLIPModel"]})
    preprocessor = {
        "crop_size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": MEAN,
        "image_processor_type": "CLIPImageProcessor",
        "image_std": DEVIATION,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": IMAGE_SIZE},
    }
    write_json(folder / "preprocessor_config.json", preprocessor)


class _Moments(nn.Module):
    """Optimum's VAE encoder gives the mean and the log-variance; diffusers' own script would draw a sample inside."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.encoder = vae.encoder
        self.quant_conv = vae.quant_conv

    def forward(self, sample: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(sample))


class _Decoder(nn.Module):
    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.decoder = vae.decoder
        self.post_quant_conv = vae.post_quant_conv

    def forward(self, latent_sample: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latent_sample))


def export_unet(unet: UNet2DConditionModel, path: Path) -> None:
    """As diffusers' scripts/convert_stable_diffusion_checkpoint_to_onnx.py: int64 `timestep`, one for each sample."""
    forward = type(unet).forward
    unet.forward = lambda sample, timestep, context: forward(unet, sample, timestep, context, return_dict=False)[0]
    width = unet.config.cross_attention_dim
    export_onnx(
        unet,
        (
            torch.randn(2, 4, LATENT_SIZE, LATENT_SIZE),
            torch.randint(0, 1000, (2,)),
            torch.randn(2, CONTEXT, width),
        ),
        path,
        {
            "sample": {0: "batch", 1: "channels", 2: "height", 3: "width"},
            "timestep": {0: "batch"},
            "encoder_hidden_states": {0: "batch", 1: "sequence"},
        },
        {"out_sample": {0: "batch"}},
    )
    del unet.forward


def export_diffusion(
    vae: AutoencoderKL,
    unet: UNet2DConditionModel,
    clip: CLIPModel,
    tokenizer: CLIPTokenizer,
    folder: Path,
    decoder: bool = False,
) -> None:
    """A folder laid out as diffusers' ONNX pipelines are; the VAE decoder only when asked for."""
    export_unet(unet, folder / "unet" / "model.onnx")
    axes = {0: "batch", 1: "channels", 2: "height", 3: "width"}
    pixels = torch.randn(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    export_onnx(
        _Moments(vae), (pixels,), folder / "vae_encoder" / "model.onnx", {"sample": axes}, {"latent_parameters": axes}
    )
    if decoder:
        latents = torch.randn(2, 4, LATENT_SIZE, LATENT_SIZE)
        path = folder / "vae_decoder" / "model.onnx"
        export_onnx(_Decoder(vae), (latents,), path, {"latent_sample": axes}, {"sample": axes})
    text = clip.text_model
    text.forward = _only(text, "last_hidden_state", "pooler_output")
    export_onnx(
        text,
        (torch.randint(0, 100, (1, CONTEXT), dtype=torch.int32),),
        folder / "text_encoder" / "model.onnx",
        {"input_ids": {0: "batch", 1: "sequence"}},
        {"last_hidden_state": {0: "batch", 1: "sequence"}, "pooler_output": {0: "batch"}},
    )
    del text.forward
    save_tokenizer(tokenizer, folder / "tokenizer")
    for name, config in {"unet": unet.config, "vae_encoder": vae.config}.items():
        write_json(folder / name / "config.json", dict(config))
    write_json(folder / "text_encoder" / "config.json", json.loads(clip.config.text_config.to_json_string()))
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    index = {
        "_class_name": "OnnxStableDiffusionPipeline",
        "_diffusers_version": "0.42.1",
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["diffusers", "OnnxRuntimeModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "OnnxRuntimeModel"],
        "vae_encoder": ["diffusers", "OnnxRuntimeModel"],
    }
    if decoder:
        index["vae_decoder"] = ["diffusers", "OnnxRuntimeModel"]
    write_json(folder / "model_index.json", dict(sorted(index.items())))


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
