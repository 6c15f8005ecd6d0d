"""What diffusion feedback does to the blinded CLIP: recipes, controls, seeds, intervals.

    python -m tools.demo_models.effect --atlas ATLAS_NPZ --weights CHECKPOINTS --out OUT [--budget SECONDS] [--seeds 5]

Every recipe is tried with one seed and scored on the validation benchmark (900 pairs); the best that keeps class
zero-shot is then run with several seeds and scored on a hidden benchmark (900 pairs) and on the 135 pairs of
`public/demo/benchmark.zip`, as are its controls. A seed decides the refinement pictures, the noise and the order.
Writes OUT/demo-results.json (the study) and OUT/tried.json (all recipes), as it goes.
"""

import argparse
import copy
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from ..demo_world.captions import class_prompts
from ..demo_world.render import Atlas
from .architecture import CONTEXT, build_clip, build_unet, build_vae
from .condition import FACTOR, TextInverse, add_lora
from .dataset import Words, build, build_pairs
from .stages import captured, normalise
from .statistics import broken_and_fixed, interval, mcnemar, scores, shipped_pairs, verdicts
from .teacher import encode_all, noise_schedule
from .train import TOKENIZER, embed_images, embed_texts, unit


@dataclass(frozen=True)
class Recipe:
    name: str
    condition: str = "inverse"
    """`class` or `class+part`: tokens through a fresh linear layer; `inverse`: the class token through the fitted map."""
    components: int = 64
    """Principal directions of the text embeddings whose moments the map matches."""
    rate: float = 1e-4
    steps: int = 400
    batch: int = 128
    pictures: int = 4000
    anchor: float = 1.0
    """Weight of keeping the pictures' mutual similarities as they were."""
    warm: int = 0
    """Steps in which the linear layer alone learns."""
    lora: int = 0
    """Rank; 0 trains all weights."""
    noise: str = "uniform"
    """`uniform`, or `high`: steps 400 to 999."""
    control: str = ""
    """`shuffled`: other pictures' latents; `captionless`: a teacher that never heard a true caption."""


TRIED = (
    Recipe("class token, random layer", condition="class", rate=1e-5),
    Recipe("class token, warm-up, anchor", condition="class", warm=150),
    Recipe("class + part, warm-up, anchor", condition="class+part", warm=150),
    Recipe("inverse map, 24 directions", components=24),
    Recipe("inverse map, 64 directions"),
    Recipe("inverse map, 128 directions", components=128),
    Recipe("inverse map, no anchor", anchor=0.0),
    Recipe("inverse map, strong anchor", anchor=10.0),
    Recipe("inverse map, lr 3e-5", rate=3e-5),
    Recipe("inverse map, lr 3e-4", rate=3e-4),
    Recipe("inverse map, high noise", noise="high"),
    Recipe("inverse map, high noise, lr 3e-4", noise="high", rate=3e-4),
    Recipe("inverse map, LoRA 16, lr 1e-3", lora=16, rate=1e-3),
    Recipe("inverse map, 200 pictures", pictures=200),
    Recipe("inverse map, 1,200 steps, high noise, lr 3e-4", steps=1200, noise="high", rate=3e-4),
)


class Study:
    def __init__(self, options: argparse.Namespace) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.words = Words(CLIPTokenizer.from_pretrained(TOKENIZER))
        self.atlas = Atlas.load(options.atlas, self.device)
        torch.set_float32_matmul_precision("high")
        weights = Path(options.weights)

        def load(name: str, module: nn.Module) -> nn.Module:
            module.load_state_dict(load_file(weights / f"{name}.safetensors"))
            return module.to(self.device).eval().requires_grad_(False)

        self.clip = load("clip", build_clip())
        self.clip.set_attn_implementation("sdpa")
        self.unet, self.vae = load("unet", build_unet()), load("vae", build_vae())
        captionless = weights / "captionless.safetensors"
        self.captionless = load("captionless", build_unet()) if captionless.exists() else None
        self.share = noise_schedule(self.device)
        self.empty = self.clip.text_model(self.tokens([""], CONTEXT))
        each = options.pairs
        self.sets = {
            "validation": build_pairs(self.atlas, each, "validation", 7),
            "hidden": build_pairs(self.atlas, each, "benchmark", 11),
            "shipped": shipped_pairs(self.device),
        }
        self.plain = build(self.atlas, TOKENIZER, options.plain, "benchmark", seed=5, plain=True)
        texts = build(self.atlas, TOKENIZER, options.texts, "pretraining", seed=3)
        ids = torch.cat([texts.rich[:, 0], texts.telling]).long()
        with torch.no_grad():
            text_model = self.clip.text_model
            self.texts = torch.cat(
                [self.clip.text_projection(text_model(part).pooler_output) for part in ids.split(4096)]
            )
        # Retrieval among scenes the refinement never shows, by the captions people write.
        scenes = build(self.atlas, TOKENIZER, min(1000, options.plain), "benchmark", seed=13)
        self.retrieval = (scenes.pixels[::2], scenes.rich[::2, 0].long())

    def tokens(self, prompts: list[str], length: int = 32) -> Tensor:
        return torch.tensor([self.words.encode(prompt, length) for prompt in prompts], device=self.device)

    @torch.no_grad()
    def measure(self, clip: nn.Module, *sets: str) -> dict:
        def image(pixels: Tensor) -> Tensor:
            return torch.cat([embed_images(clip, part) for part in pixels.split(2048)])

        def text(prompts: list[str]) -> Tensor:
            return embed_texts(clip, self.tokens(prompts))

        out: dict = {}
        for name in sets:
            pairs = self.sets[name]
            right = verdicts(pairs, image, text)
            out[name] = {**scores(pairs, right), "right": right}
        guess = (image(self.plain.pixels) @ text(class_prompts()).T).argmax(dim=1)
        out["zeroShot"] = 100 * (guess == self.plain.kinds).float().mean().item()
        pixels, captions = self.retrieval
        similarity = image(pixels) @ embed_texts(clip, captions).T
        target = torch.arange(len(similarity), device=self.device)
        hits = [(matrix.argmax(dim=1) == target).float().mean().item() for matrix in (similarity, similarity.T)]
        out["retrieval"] = {"imageToText": 100 * hits[0], "textToImage": 100 * hits[1]}
        return out

    def refine(self, recipe: Recipe, seed: int) -> nn.Module:
        """The CLIP after feedback, in evaluation mode."""
        torch.manual_seed(1000 + seed)
        pictures = build(self.atlas, TOKENIZER, recipe.pictures, "refinement", seed=100 + seed).pixels
        latents = encode_all(self.vae, pictures).float() * FACTOR
        if recipe.control == "shuffled":
            latents = latents.roll(len(latents) // 2, dims=0)
        teacher = self.captionless if recipe.control == "captionless" else self.unet
        clip = copy.deepcopy(self.clip)
        with torch.no_grad():
            before = torch.cat([self.embed(clip, part)[:, 0] for part in pictures.split(1024)])
        visual = [*clip.vision_model.parameters(), *clip.visual_projection.parameters()]
        if recipe.lora:
            learned = add_lora(clip.vision_model, recipe.lora)
        else:
            learned = [p.requires_grad_() for p in visual]
        inverse = recipe.condition == "inverse"
        if inverse:
            layer: nn.Module = TextInverse(before, self.texts, self.clip.text_projection, recipe.components)
        else:
            layer = nn.Linear(128, 128)
        layer = layer.to(self.device)
        rates = [torch.zeros((), device=self.device) for _ in range(2)]
        groups: list[dict] = [{"params": learned, "lr": rates[0]}]
        if not inverse:
            groups.append({"params": list(layer.parameters()), "lr": rates[1]})
        gpu = self.device == "cuda"
        optimiser = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.99), fused=gpu, capturable=gpu)
        low = 400 if recipe.noise == "high" else 0

        def step() -> None:
            chosen = torch.randint(0, len(pictures), (recipe.batch,), device=self.device)
            tokens = self.embed(clip, pictures[chosen], recipe.condition == "class+part")
            context = self.context(layer(tokens), inverse)
            t = torch.randint(low, 1000, (recipe.batch,), device=self.device)
            a = self.share[t].view(-1, 1, 1, 1)
            noise = torch.randn(recipe.batch, *latents.shape[1:], device=self.device)
            noisy = a.sqrt() * latents[chosen] + (1 - a).sqrt() * noise
            with torch.autocast(self.device, torch.bfloat16, enabled=gpu, cache_enabled=False):
                loss = functional.mse_loss(teacher(noisy, t, context).sample.float(), noise)
            now, then = unit(tokens[:, 0]), unit(before[chosen])
            loss = loss + recipe.anchor * functional.mse_loss(now @ now.T, then @ then.T)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 1.0, foreach=True)
            optimiser.step()

        run = captured(step, optimiser) if gpu else step
        for i in range(recipe.warm + recipe.steps):
            progress = max(0, i - recipe.warm) / recipe.steps
            rates[0].fill_(0.0 if i < recipe.warm else recipe.rate * min(1.0, 20 * progress) * (1 - progress))
            rates[1].fill_(1e-3 if recipe.warm else recipe.rate)
            run()
        return clip.eval()

    def embed(self, clip: nn.Module, pixels: Tensor, parts: bool = False) -> Tensor:
        """Projected tokens, not L2-scaled: [B, 1, 128], or [B, 77, 128] with 76 patches drawn for each picture."""
        hidden = clip.vision_model(normalise(pixels)).last_hidden_state
        chosen = hidden[:, :1]
        if parts:
            which = torch.randint(1, hidden.shape[1], (len(hidden), 76, 1), device=hidden.device)
            chosen = torch.cat([chosen, hidden.gather(1, which.expand(-1, -1, hidden.shape[-1]))], dim=1)
        return clip.visual_projection(clip.vision_model.post_layernorm(chosen))

    def context(self, tokens: Tensor, inverse: bool) -> Tensor:
        base = self.empty.last_hidden_state
        # The map gives a sentence embedding: what it adds to the empty prompt's goes to every position.
        return base + (tokens - self.empty.pooler_output[:, None] if inverse else tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--budget", type=float, default=400, help="seconds; tuning takes half of them at most")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=100, help="pairs of each pattern")
    parser.add_argument("--plain", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=0, help="overrides every recipe's steps, to try the script")
    options = parser.parse_args()
    start = time.monotonic()
    study = Study(options)
    change = {"steps": options.steps, "pictures": 64, "batch": 8, "warm": 1} if options.steps else {}
    before = study.measure(study.clip, "validation", "hidden", "shipped")
    print("before", json.dumps(plain(before)), flush=True)
    tried: list[dict] = []
    best, best_total = TRIED[4], -1.0
    floor = before["zeroShot"] - 1.0
    for recipe in (replace(recipe, **change) for recipe in TRIED):
        if time.monotonic() - start > options.budget / 2:
            break
        begun = time.monotonic()
        result = plain(study.measure(study.refine(recipe, 0), "validation"))
        tried.append({**asdict(recipe), **result, "seconds": round(time.monotonic() - begun, 1)})
        (study.out / "tried.json").write_text(json.dumps({"before": plain(before), "tried": tried}, indent=1) + "\n")
        total = result["validation"]["total"]
        print(f"{recipe.name}: {total:.1f}, zero-shot {result['zeroShot']:.1f}", flush=True)
        if total > best_total and result["zeroShot"] >= floor:
            best, best_total = recipe, total
    record: dict = {"recipe": asdict(best), "seeds": [], "controls": []}
    runs: list[dict] = []
    controls = [replace(best, control="shuffled")]
    if study.captionless:
        controls.append(replace(best, control="captionless"))
    for seed in range(1, options.seeds + 1):
        for recipe in (best, *controls):
            after = study.measure(study.refine(recipe, seed), "hidden", "shipped")
            runs.append(after) if not recipe.control else None
            entry = outcome(seed, before, after)
            if recipe.control:
                record["controls"].append({"control": recipe.control, **entry})
            else:
                record["seeds"].append(entry)
            print(recipe.control or best.name, seed, json.dumps(entry["after"]), json.dumps(entry["hidden"]), flush=True)
        low, high = interval(study.sets["hidden"].patterns, before["hidden"]["right"], [r["hidden"]["right"] for r in runs])
        kept = all(run["zeroShot"] >= floor for run in runs)
        record["claim"] = "gain" if low > 0 and kept and len(runs) >= 5 else "null"
        record["interval"] = [round(low, 2), round(high, 2)]
        (study.out / "demo-results.json").write_text(json.dumps(record, indent=1) + "\n")
        if time.monotonic() - start > options.budget:
            break
    print(record["claim"], record["interval"], flush=True)


def plain(value):
    """Rounded figures, without the verdicts on single pairs."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "right"}
    return round(value, 2) if isinstance(value, float) else value


def outcome(seed: int, before: dict, after: dict) -> dict:
    fixed, broken = broken_and_fixed(before["hidden"]["right"], after["hidden"]["right"])
    return {
        "seed": seed,
        "before": plain(before["hidden"]),
        "after": plain(after["hidden"]),
        "shipped": {"before": plain(before["shipped"]), "after": plain(after["shipped"])},
        "zeroShot": {"before": plain(before["zeroShot"]), "after": plain(after["zeroShot"])},
        "retrieval": {"before": plain(before["retrieval"]), "after": plain(after["retrieval"])},
        "hidden": {"fixed": fixed, "broken": broken, "p": mcnemar(fixed, broken)},
    }


if __name__ == "__main__":
    main()
