"""The same steps as bench/gpu/acuity.ts in PyTorch on CUDA: `python bench/gpu/pytorch.py [BATCH]`.

Random weights in the published configurations, batch 1 where none is given, forward and backward; a line of JSON each, milliseconds of
every run. float32 with and without TF32, float16 throughout. Run from the repository's root; needs transformers and
diffusers.
"""

import json
import sys
import time

import torch


WARM, TIMED = 3, 10
DEVICE = "cuda"


def encoder():
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    # openai/clip-vit-large-patch14
    config = CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        patch_size=14,
        image_size=224,
        projection_dim=768,
        hidden_act="quick_gelu",
    )
    return CLIPVisionModelWithProjection(config)


def denoiser():
    from diffusers import UNet2DConditionModel

    # stable-diffusion-2-1-base/unet/config.json
    return UNet2DConditionModel(
        cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True, sample_size=64
    ).requires_grad_(False)


def timed(step) -> list[float]:
    found = []
    for i in range(WARM + TIMED):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        step()
        torch.cuda.synchronize()
        if i >= WARM:
            found.append(1000 * (time.perf_counter() - begun))
    return found


def steps(dtype: torch.dtype, batch: int):
    made = dict(device=DEVICE, dtype=dtype)
    vit, unet = encoder().to(**made), denoiser().to(**made)
    pixels = torch.randn(batch, 3, 224, 224, **made)
    latents, noise = torch.randn(2, batch, 4, 64, 64, **made)
    prompt = torch.randn(batch, 77, 1024, **made)
    project = torch.nn.Linear(768, 1024).to(**made)
    timestep = torch.tensor([500], device=DEVICE)
    weights = [*vit.parameters(), *project.parameters()]

    def of_encoder():
        embeds = vit(pixel_values=pixels).image_embeds
        torch.autograd.grad(embeds, list(vit.parameters()), torch.ones_like(embeds), allow_unused=True)

    def of_denoiser():
        context = prompt.detach().requires_grad_()
        out = unet(latents, timestep, context, return_dict=False)[0]
        torch.autograd.grad(out, context, torch.ones_like(out))

    def of_both():
        output = vit.vision_model(pixel_values=pixels)
        tokens = vit.visual_projection(vit.vision_model.post_layernorm(output.last_hidden_state))
        drawn = torch.cat([tokens[:, :1], tokens[:, 1 + torch.randint(0, 256, (76,), device=DEVICE)]], 1)
        context = project(drawn) + prompt
        predicted = unet(0.7 * latents + 0.7 * noise, timestep, context, return_dict=False)[0]
        loss = (predicted.float() - noise.float()).square().mean()
        torch.autograd.grad(loss, weights, allow_unused=True)

    return {"vit-l-14": of_encoder, "sd21-base": of_denoiser, "diva": of_both}


def main() -> None:
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name()}), flush=True)
    for precision, dtype, tf32 in (
        ("f32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("f16", torch.float16, False),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        for name, step in steps(dtype, batch).items():
            print(json.dumps({"name": name, "precision": precision, "batch": batch, "ms": timed(step)}), flush=True)
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
