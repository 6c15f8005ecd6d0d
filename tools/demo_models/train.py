"""Trains the built-in models, one stage a run; every stage saves its weights in OUT and reads the earlier ones there.

    python -m tools.demo_models.train STAGE --atlas ATLAS_NPZ --out OUT [--seconds S] [--pictures N] [--batch B]
        [--cache FOLDER]

Stages, in order: `sighted` (a CLIP on rich captions and untouched pictures: its text tower knows every attribute),
`blind` (a fresh visual tower against that frozen text tower, with flips, crops, colour jitter and captions that seldom
name an attribute: the CLIP that ships), `vae`, `unet` (on rich captions through the same text tower), `captionless`
(the same under other scenes' captions: a teacher that has learned to ignore them, for control).
Figures go to OUT/report.json.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPModel, CLIPTokenizer

from ..demo_world.captions import class_prompts
from ..demo_world.kinds import KINDS
from ..demo_world.render import Atlas
from .architecture import CONTEXT, build_clip, build_unet, build_vae
from .condition import TextInverse
from .dataset import LENGTH, Pictures, Words, build, build_pairs, score_pairs
from .stages import Trainer, augment, contrastive, normalise, twins

MODELS = Path(__file__).resolve().parents[2] / "public" / "models"
TOKENIZER = str(MODELS / "acuity-clip")
FACTOR = 0.18215
"""Stable Diffusion's latent scale; the trained VAE is rescaled to fit it."""
HARD = 4.0
"""Weight of telling twins apart. Without it a text tower this small learns neither direction nor order."""
SENTENCE = 0.5
"""How often the diffusion model hears a caption as one vector, its sentence embedding, at every position."""


class Stage:
    def __init__(self, options: argparse.Namespace) -> None:
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.options = options
        self.words = Words(CLIPTokenizer.from_pretrained(TOKENIZER))
        self.atlas = Atlas.load(options.atlas, self.device)
        torch.manual_seed(1 + list(STAGES).index(options.stage))
        torch.set_float32_matmul_precision("high")

    def pictures(self) -> Pictures:
        start = time.monotonic()
        cache = Path(self.options.cache) / f"scenes-{self.options.pictures}.npz" if self.options.cache else None
        pictures = build(self.atlas, TOKENIZER, self.options.pictures, "pretraining", cache=cache)
        print(f"{len(pictures)} pictures in {time.monotonic() - start:.0f} s", flush=True)
        return pictures

    def some(self, total: int, batch: int) -> Tensor:
        return torch.randint(0, total, (batch,), device=self.device)

    def save(self, name: str, module: nn.Module) -> None:
        save_file({k: v.detach().float().cpu().contiguous() for k, v in module.state_dict().items()}, self.out / name)

    def load(self, name: str, module: nn.Module) -> nn.Module:
        module.load_state_dict(load_file(self.out / name))
        return module.to(self.device)

    def report(self, values: dict) -> None:
        path = self.out / "report.json"
        values = rounded(values)
        record = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**record, self.options.stage: values}, indent=2) + "\n")
        print(json.dumps(values), flush=True)

    def tokens(self, prompts: list[str], length: int = LENGTH) -> Tensor:
        return torch.tensor([self.words.encode(prompt, length) for prompt in prompts], device=self.device)


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def unit(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors.float(), dim=-1)


def embed_images(clip: CLIPModel, pixels: Tensor) -> Tensor:
    return unit(clip.visual_projection(clip.vision_model(normalise(pixels)).pooler_output))


def embed_texts(clip: CLIPModel, ids: Tensor) -> Tensor:
    return unit(clip.text_projection(clip.text_model(ids).pooler_output))


@torch.no_grad()
def judge(stage: Stage, clip: CLIPModel) -> dict:
    """MMVP-style score on 900 pairs, and class zero-shot, both on the validation split."""
    clip.eval()
    pairs = build_pairs(stage.atlas, 100, "validation", 7)

    def image(pixels: Tensor) -> Tensor:
        return torch.cat([embed_images(clip, part) for part in pixels.split(1024)])

    def text(prompts: list[str]) -> Tensor:
        return embed_texts(clip, stage.tokens(prompts))

    scores = score_pairs(pairs, image, text, clip.logit_scale.exp().item())
    plain = build(stage.atlas, TOKENIZER, 2000, "validation", seed=5, plain=True)
    guess = (image(plain.pixels) @ text(class_prompts()).T).argmax(dim=1)
    accuracy = 100 * (guess == plain.kinds).float().mean().item()
    return {"pairs": scores, "zeroShot": accuracy, "scale": clip.logit_scale.exp().item()}


def train_sighted(stage: Stage) -> None:
    data = stage.pictures()
    clip = build_clip().to(stage.device).train()
    clip.set_attn_implementation("sdpa")
    # Half of each batch shares eight kinds, so that telling its pictures apart needs the attributes.
    kinds_of = data.kinds[::2].contiguous()
    order = torch.argsort(kinds_of, stable=True)
    first = torch.searchsorted(kinds_of[order].contiguous(), torch.arange(len(KINDS), device=stage.device).short())
    last = torch.cat([first[1:], first.new_tensor([len(kinds_of)])])
    half = stage.options.batch // 4

    def loss() -> Tensor:
        kinds = stage.some(len(KINDS), 8).repeat_interleave(half // 8)
        low, high = first[kinds], last[kinds]
        # Rounding may carry the highest chance past the last picture of a kind.
        picked = (low + (high - low) * torch.rand(len(kinds), device=stage.device)).long()
        close = order[picked.minimum(high - 1)]
        pairs = torch.cat([close, stage.some(len(kinds_of), half)])
        chosen = torch.stack([2 * pairs, 2 * pairs + 1], dim=1).flatten()
        # Two captions in five name nearly everything, two tell a picture from its twin and leave much out, and one is
        # what people write: without it the name of a thing alone lies far from its pictures.
        rich = data.rich[chosen, torch.randint(0, data.rich.shape[1], chosen.shape, device=stage.device)]
        chance = torch.rand(len(pairs), device=stage.device).repeat_interleave(2)[:, None]
        told, seldom = data.telling[chosen].long(), data.sparse[chosen, 0].long()
        ids = torch.where(chance < 0.4, told, torch.where(chance < 0.6, seldom, rich.long()))
        image = embed_images(clip, data.pixels[chosen])
        text, told_text = embed_texts(clip, torch.cat([ids, told])).chunk(2)
        scale = clip.logit_scale.clamp(max=4.6).exp()
        near = 2 * len(close)
        both = contrastive(image[:near], text[:near], scale, ids[:near])
        rest = contrastive(image[near:], text[near:], scale, ids[near:])
        return both + rest + HARD * twins(image, told_text, scale)

    trainer = Trainer(list(clip.parameters()), loss, rate=1.2e-3, decay=0.05)
    steps = trainer.run(stage.options.seconds, "sighted")
    stage.save("sighted.safetensors", clip)
    stage.report({"steps": steps, **judge(stage, clip)})


def train_blind(stage: Stage) -> None:
    data = stage.pictures()
    teacher = stage.load("sighted.safetensors", build_clip()).eval()
    clip = build_clip().to(stage.device).train()
    clip.set_attn_implementation("sdpa")
    clip.text_model.load_state_dict(teacher.text_model.state_dict())
    clip.text_projection.load_state_dict(teacher.text_projection.state_dict())
    with torch.no_grad():
        flat = data.sparse.flatten(0, 1).split(16384)
        texts = torch.cat([embed_texts(teacher, part.long()).half() for part in flat]).view(len(data), -1, 128)
        name_ids = stage.tokens(class_prompts())
        names = embed_texts(teacher, name_ids).half()

    def loss() -> Tensor:
        chosen = stage.some(len(data), stage.options.batch)
        which = torch.randint(0, texts.shape[1], chosen.shape, device=stage.device)
        image = embed_images(clip, augment(data.pixels[chosen]))
        scale = clip.logit_scale.clamp(max=4.6).exp()
        kinds = data.kinds[chosen].long()
        plain = torch.rand(len(chosen), 1, device=stage.device) < stage.options.plain
        text = torch.where(plain, names[kinds], texts[chosen, which])
        return contrastive(image, text, scale, torch.where(plain, name_ids[kinds].short(), data.sparse[chosen, which]))

    learned = [*clip.vision_model.parameters(), *clip.visual_projection.parameters(), clip.logit_scale]
    trainer = Trainer(learned, loss, rate=1.2e-3, decay=0.05)
    steps = trainer.run(stage.options.seconds, "blind")
    stage.save("clip.safetensors", clip)
    stage.report({"steps": steps, **judge(stage, clip)})


def train_vae(stage: Stage) -> None:
    data = stage.pictures()
    vae = build_vae().to(stage.device).train()

    def loss() -> Tensor:
        pixels = data.pixels[stage.some(len(data), stage.options.batch)].float() / 127.5 - 1
        mean, spread = vae.quant_conv(vae.encoder(pixels)).float().chunk(2, dim=1)
        spread = spread.clamp(-30, 20)
        latents = mean + (0.5 * spread).exp() * torch.randn_like(mean)
        seen = vae.decoder(vae.post_quant_conv(latents)).float()
        difference = seen - pixels
        across = (difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()) / 2
        divergence = 0.5 * (mean**2 + spread.exp() - 1 - spread).mean()
        return difference.abs().mean() + (difference**2).mean() + across + 2e-4 * divergence

    trainer = Trainer(list(vae.parameters()), loss, rate=1.5e-3, decay=0.0, average=0.995)
    steps = trainer.run(stage.options.seconds, "vae")
    trainer.finish()
    with torch.no_grad():
        pixels = data.pixels[:2000].float() / 127.5 - 1
        moments = torch.cat([vae.quant_conv(vae.encoder(part)) for part in pixels.split(250)])
        scale = 1 / (FACTOR * moments[:, :4].std().item())
        # Multiply the mean by `scale`, the variance by its square, and undo both before decoding.
        vae.quant_conv.weight[:4] *= scale
        vae.quant_conv.bias[:4] *= scale
        vae.quant_conv.bias[4:] += 2 * torch.tensor(scale).log().item()
        vae.post_quant_conv.weight /= scale
        latents = torch.cat([vae.quant_conv(vae.encoder(part))[:, :4] for part in pixels.split(250)])
        seen = torch.cat([vae.decoder(vae.post_quant_conv(part)) for part in latents.split(250)])
        error = ((seen.clamp(-1, 1) - pixels) ** 2).mean().item() / 4
    stage.save("vae.safetensors", vae)
    psnr = -10 * torch.tensor(error).log10().item()
    stage.report({"steps": steps, "psnr": psnr, "latentDeviation": (latents * FACTOR).std().item()})


EYES = {"sighted eyes": "sighted.safetensors", "blind eyes": "clip.safetensors"}


@torch.no_grad()
def states_of(stage: Stage, sighted: CLIPModel, held: Pictures, file: str) -> Tensor:
    """What an image tower says of pictures as pooled text states [N, 128], by the map that refinement fits."""
    clip = stage.load(file, build_clip()).eval()
    images = torch.cat([clip.visual_projection(clip.vision_model(normalise(p)).pooler_output) for p in held.pixels.split(1024)])
    texts = sighted.text_projection(sighted.text_model(held.telling.long()).pooler_output)
    return TextInverse(images, texts, sighted.text_projection, 64).to(stage.device)(images)


def train_unet(stage: Stage) -> None:
    from .teacher import encode_all, noise_schedule, one_vector, sample_grid, teacher_losses

    captionless = stage.options.stage == "captionless"
    data = stage.pictures()
    clip = stage.load("sighted.safetensors", build_clip()).eval().requires_grad_(False)
    clip.set_attn_implementation("sdpa")
    vae = stage.load("vae.safetensors", build_vae()).eval().requires_grad_(False)
    unet = build_unet().to(stage.device).train()
    latents = encode_all(vae, data.pixels) * FACTOR
    share = noise_schedule(stage.device)
    empty = stage.tokens(["", "a photo of a ."], CONTEXT)
    padding = empty.new_full((1, CONTEXT - LENGTH), stage.words.end)

    def loss() -> Tensor:
        chosen = stage.some(len(latents), stage.options.batch)
        which = torch.randint(0, data.rich.shape[1], chosen.shape, device=stage.device)
        ids = torch.cat([data.rich[chosen, which].long(), padding.expand(len(chosen), -1)], dim=1)
        # One prompt in ten is one of the two that mean "nothing said".
        chance = torch.rand(len(chosen), 1, device=stage.device)
        ids = torch.where(chance < 0.05, empty[:1], torch.where(chance < 0.1, empty[1:], ids))
        if captionless:
            ids = ids.roll(1, dims=0)
        output = clip.text_model(ids)
        sentence = torch.rand(len(chosen), 1, 1, device=stage.device) < SENTENCE
        context = torch.where(sentence, one_vector(clip, output.pooler_output, empty[:1]), output.last_hidden_state)
        # Half of the steps are uniform, half lean to high noise, where the caption decides most.
        uniform = torch.rand(len(chosen), device=stage.device)
        lean = torch.rand(len(chosen), device=stage.device) < 0.5
        t = (1000 * torch.where(lean, uniform.sqrt(), uniform)).long().clamp(max=999)
        a = share[t].view(-1, 1, 1, 1)
        noise = torch.randn(len(chosen), *latents.shape[1:], device=stage.device)
        noisy = a.sqrt() * latents[chosen].float() + (1 - a).sqrt() * noise
        return functional.mse_loss(unet(noisy, t, context).sample.float(), noise)

    trainer = Trainer(list(unet.parameters()), loss, rate=1.0e-3, decay=0.01, average=0.999)
    name = stage.options.stage
    steps = trainer.run(stage.options.seconds, name)
    trainer.finish()
    unet.eval()
    stage.save(f"{name}.safetensors", unet)
    held = build(stage.atlas, TOKENIZER, 1024, "validation", seed=9)
    eyes = {name: states_of(stage, clip, held, file) for name, file in EYES.items() if (stage.out / file).exists()}
    figures = teacher_losses(stage, unet, clip, encode_all(vae, held.pixels) * FACTOR, held.rich[:, 0].long(), eyes)
    stage.report({"steps": steps, **figures})
    if not captionless:
        sample_grid(stage, unet, clip, vae, stage.out / "samples.png")


STAGES = {
    "sighted": train_sighted,
    "blind": train_blind,
    "vae": train_vae,
    "unet": train_unet,
    "captionless": train_unet,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--pictures", type=int, default=300_000)
    parser.add_argument("--cache", default="", help="folder that keeps the drawn scenes between stages")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--plain", type=float, default=0.0, help="share of pictures whose caption names the kind alone")
    options = parser.parse_args()
    stage = Stage(options)
    STAGES[options.stage](stage)


if __name__ == "__main__":
    main()
