"""What diffusion feedback does to the blinded CLIP: recipes, controls, seeds, intervals.

    python -m tools.demo_models.effect --atlas ATLAS_NPZ --weights CHECKPOINTS|shipped --out OUT [--budget SECONDS]
        [--seeds 5] [--sentences FILE]

Every recipe is tried with one seed and scored on the validation benchmark (900 pairs) and on validation pictures; the
best that keeps class zero-shot there is then run with several seeds and scored on a hidden benchmark (900 pairs) and on
the 135 pairs of `public/demo/benchmark.zip`, as are its controls. A seed decides the noise and the order, and the
pictures where they are not those of `public/demo/images.zip`. `shipped` studies the weights in `public/models`;
`--sentences` are the app's own (`neutralSentences`), one a line, on which the map is fitted.
Writes OUT/demo-results.json (in the form the app shows), OUT/study.json (the same with retrieval and the 135 pairs) and
OUT/tried.json (all recipes), as it goes.
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
from .shipped import shipped_models, shipped_pairs, shipped_pictures
from .statistics import broken_and_fixed, interval, mcnemar, scores, verdicts
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
    steps: int = 100
    batch: int = 32
    pictures: int = 0
    """0: those of `public/demo/images.zip`."""
    sentences: str = "neutral"
    """What the map is fitted on: `neutral`, the app's list, or `world`, captions of the world's pretraining split."""
    anchor: float = 1.0
    """Weight of keeping the pictures' mutual similarities as they were."""
    warm: int = 0
    """Steps in which the linear layer alone learns."""
    lora: int = 0
    """Rank; 0 trains all weights."""
    noise: str = "uniform"
    """`uniform`; `high`: steps 400 to 999; `logit-normal`: 1000 sigmoid(z), z from N(0, 1)."""
    control: str = ""
    """`shuffled`: other pictures' latents; `captionless`: a teacher that never heard a true caption."""


# At most 3,200 picture passes each: what two CPU cores do in two minutes. The first that scores best ships.
TRIED = (
    Recipe("inverse map, lr 1e-4", components=24),
    Recipe("inverse map, lr 2e-5, anchor 10, 60 steps of 16", components=24, rate=2e-5, anchor=10.0, steps=60, batch=16),
    Recipe("inverse map, lr 3e-5, anchor 10", components=24, rate=3e-5, anchor=10.0),
    Recipe("inverse map, lr 1e-4, anchor 10", components=24, anchor=10.0),
    Recipe("inverse map, lr 1e-4, anchor 100", components=24, anchor=100.0),
    Recipe("inverse map, lr 3e-4", components=24, rate=3e-4),
    Recipe("inverse map, lr 1e-3", components=24, rate=1e-3),
    Recipe("inverse map, lr 3e-4, anchor 10", components=24, rate=3e-4, anchor=10.0),
    Recipe("inverse map, lr 1e-3, anchor 10", components=24, rate=1e-3, anchor=10.0),
    Recipe("inverse map, lr 3e-4, no anchor", components=24, rate=3e-4, anchor=0.0),
    Recipe("inverse map, lr 3e-4, 64 directions", rate=3e-4),
    Recipe("inverse map, lr 3e-4, 12 directions", components=12, rate=3e-4),
    Recipe("inverse map, lr 3e-4, high noise", components=24, rate=3e-4, noise="high"),
    Recipe("inverse map, lr 3e-4, logit-normal t", components=24, rate=3e-4, noise="logit-normal"),
    Recipe("inverse map, lr 3e-4, 200 steps of 16", components=24, rate=3e-4, steps=200, batch=16),
    Recipe("inverse map, lr 3e-4, 50 steps of 64", components=24, rate=3e-4, steps=50, batch=64),
    Recipe("inverse map, LoRA 16, lr 1e-3", components=24, lora=16, rate=1e-3),
    Recipe("inverse map, lr 2e-4", components=24, rate=2e-4),
    Recipe("inverse map, lr 2e-4, anchor 10", components=24, rate=2e-4, anchor=10.0),
    Recipe("inverse map, lr 3e-4, anchor 3", components=24, rate=3e-4, anchor=3.0),
    Recipe("inverse map, lr 1e-4, 64 directions"),
    Recipe("inverse map, lr 1e-4, high noise", components=24, noise="high"),
    Recipe("inverse map, lr 1e-4, logit-normal t", components=24, noise="logit-normal"),
    Recipe("inverse map, LoRA 16, lr 3e-4", components=24, lora=16, rate=3e-4),
    Recipe("inverse map on the world's captions, lr 3e-4", components=24, rate=3e-4, sentences="world"),
    Recipe("class token, random layer, lr 1e-5", condition="class", rate=1e-5, anchor=0.0),
    Recipe("class token, random layer warmed up, lr 1e-4", condition="class", warm=100),
    Recipe("class + part, layer warmed up, lr 1e-4", condition="class+part", warm=100),
    Recipe("inverse map, lr 3e-4, 4,000 pictures", components=24, rate=3e-4, pictures=4000),
    Recipe("inverse map, 400 steps of 128 on 4,000 pictures", components=24, steps=400, batch=128, pictures=4000),
)
BEYOND = {"inverse map, lr 3e-4, 4,000 pictures", "inverse map, 400 steps of 128 on 4,000 pictures"}
"""Tried to see what more pictures and time would give; too much for the app's two minutes, so never chosen."""


class Study:
    def __init__(self, options: argparse.Namespace) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.words = Words(CLIPTokenizer.from_pretrained(TOKENIZER))
        self.atlas = Atlas.load(options.atlas, self.device)
        torch.set_float32_matmul_precision("high")
        weights = Path(options.weights)
        self.captionless_path = Path(options.captionless or weights / "captionless.safetensors")

        def load(path: Path, module: nn.Module) -> nn.Module:
            module.load_state_dict(load_file(path))
            return module

        if options.weights == "shipped":
            self.clip, self.unet, self.vae = shipped_models()
        else:
            self.clip, self.unet, self.vae = (
                load(weights / f"{name}.safetensors", build())
                for name, build in (("clip", build_clip), ("unet", build_unet), ("vae", build_vae))
            )
        for module in (self.clip, self.unet, self.vae):
            module.to(self.device).eval().requires_grad_(False)
        self.clip.set_attn_implementation("sdpa")
        self.share = noise_schedule(self.device)
        self.empty = self.clip.text_model(self.tokens([""], CONTEXT))
        each = options.pairs
        self.sets = {
            "validation": build_pairs(self.atlas, each, "validation", 7),
            "hidden": build_pairs(self.atlas, each, "benchmark", 11),
            "shipped": shipped_pairs(self.device),
        }
        # Recipes are chosen on one split of pictures and judged on another.
        self.plain = {
            name: build(self.atlas, TOKENIZER, options.plain, name, seed=5, plain=True)
            for name in ("validation", "benchmark")
        }
        self.pictures = shipped_pictures(self.device)
        texts = build(self.atlas, TOKENIZER, options.texts, "pretraining", seed=3)
        world = torch.cat([texts.rich[:, 0], texts.telling]).long()
        neutral = Path(options.sentences).read_text().splitlines() if options.sentences else []
        self.texts = {"world": self.sentences(world)}
        self.texts["neutral"] = self.sentences(self.tokens(neutral)) if neutral else self.texts["world"]
        # Retrieval among scenes the refinement never shows, by the captions people write.
        scenes = build(self.atlas, TOKENIZER, min(1000, options.plain), "benchmark", seed=13)
        self.retrieval = (scenes.pixels[::2], scenes.rich[::2, 0].long())

    def captionless(self) -> nn.Module:
        """The control's teacher, read when first asked for: it may still be training while recipes are tried."""
        teacher = build_unet()
        teacher.load_state_dict(load_file(self.captionless_path))
        return teacher.to(self.device).eval().requires_grad_(False)

    def tokens(self, prompts: list[str], length: int = 32) -> Tensor:
        return torch.tensor([self.words.encode(prompt, length) for prompt in prompts], device=self.device)

    @torch.no_grad()
    def sentences(self, ids: Tensor) -> Tensor:
        """Projected embeddings [N, 128], not L2-scaled."""
        parts = (self.clip.text_model(part).pooler_output for part in ids.split(4096))
        return torch.cat([self.clip.text_projection(part) for part in parts])

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
        plain_set = self.plain["validation" if "validation" in sets else "benchmark"]
        guess = (image(plain_set.pixels) @ text(class_prompts()).T).argmax(dim=1)
        out["zeroShot"] = 100 * (guess == plain_set.kinds).float().mean().item()
        pixels, captions = self.retrieval
        similarity = image(pixels) @ embed_texts(clip, captions).T
        target = torch.arange(len(similarity), device=self.device)
        hits = [(matrix.argmax(dim=1) == target).float().mean().item() for matrix in (similarity, similarity.T)]
        out["retrieval"] = {"imageToText": 100 * hits[0], "textToImage": 100 * hits[1]}
        return out

    def refine(self, recipe: Recipe, seed: int) -> nn.Module:
        """The CLIP after feedback, in evaluation mode."""
        torch.manual_seed(1000 + seed)
        pictures = self.pictures
        if recipe.pictures:
            pictures = build(self.atlas, TOKENIZER, recipe.pictures, "refinement", seed=100 + seed).pixels
        latents = encode_all(self.vae, pictures).float() * FACTOR
        if recipe.control == "shuffled":
            latents = latents.roll(len(latents) // 2, dims=0)
        teacher = self.captionless() if recipe.control == "captionless" else self.unet
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
            layer: nn.Module = TextInverse(before, self.texts[recipe.sentences], self.clip.text_projection, recipe.components)
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
            if recipe.noise == "logit-normal":
                t = (1000 * torch.randn(recipe.batch, device=self.device).sigmoid()).long().clamp(max=999)
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
    parser.add_argument("--captionless", default="", help="the control's weights; as a rule beside the others")
    parser.add_argument("--sentences", default="")
    parser.add_argument("--recipe", default="", help="tries only the recipes whose names contain this")
    parser.add_argument("--chosen", default="", help="the recipe of this name, without trying any")
    parser.add_argument("--budget", type=float, default=400, help="seconds; tuning takes half of them at most")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=100, help="pairs of each pattern")
    parser.add_argument("--plain", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=0, help="overrides every recipe's steps, to try the script")
    options = parser.parse_args()
    start = time.monotonic()
    study = Study(options)
    change = {"steps": options.steps, "batch": 8, "warm": 1} if options.steps else {}
    tuning = study.measure(study.clip, "validation")
    before = study.measure(study.clip, "hidden", "shipped")
    print("before", json.dumps(plain(tuning)), json.dumps(plain(before)), flush=True)
    tried: list[dict] = []
    best, best_total = TRIED[0], -1.0
    floor = tuning["zeroShot"] - 1.0
    if options.chosen:
        best = next(recipe for recipe in TRIED if recipe.name == options.chosen)
    for recipe in (replace(recipe, **change) for recipe in TRIED if options.recipe in recipe.name and not options.chosen):
        if time.monotonic() - start > options.budget / 2:
            break
        begun = time.monotonic()
        result = plain(study.measure(study.refine(recipe, 0), "validation"))
        tried.append({**asdict(recipe), **result, "seconds": round(time.monotonic() - begun, 1)})
        (study.out / "tried.json").write_text(json.dumps({"before": plain(tuning), "tried": tried}, indent=1) + "\n")
        total = result["validation"]["total"]
        print(f"{recipe.name}: {total:.1f}, zero-shot {result['zeroShot']:.1f}", flush=True)
        if total > best_total and result["zeroShot"] >= floor and recipe.name not in BEYOND:
            best, best_total = recipe, total
    record: dict = {"recipe": asdict(best), "seeds": [], "controls": []}
    runs: list[dict] = []
    controls = [replace(best, control="shuffled")]
    if study.captionless_path.exists():
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
        low, high = change_of(study, before, runs, "hidden")
        kept = all(run["zeroShot"] >= before["zeroShot"] - 1.0 for run in runs)
        record["claim"] = "gain" if low > 0 and kept and len(runs) >= 5 else "null"
        record["hiddenInterval"] = [round(low, 2), round(high, 2)]
        record["interval"] = [round(end, 2) for end in change_of(study, before, runs, "shipped")]
        (study.out / "study.json").write_text(json.dumps(record, indent=1) + "\n")
        (study.out / "demo-results.json").write_text(json.dumps(published(record), indent=1) + "\n")
        if time.monotonic() - start > options.budget:
            break
    print(record["claim"], record["hiddenInterval"], record["interval"], flush=True)


def change_of(study: Study, before: dict, runs: list[dict], name: str) -> tuple[float, float]:
    after = [run[name]["right"] for run in runs]
    return interval(study.sets[name].patterns, before[name]["right"], after)


def published(record: dict) -> dict:
    """In the form the app shows: the 135 pairs it scores itself, their interval, and the 900 hidden pairs fixed and broken."""

    def run(entry: dict) -> dict:
        kept = {key: entry[key] for key in ("control", "seed") if key in entry}
        return {**kept, **entry["shipped"], "zeroShot": entry["zeroShot"], "hidden": {key: entry["hidden"][key] for key in ("fixed", "broken")}}

    groups = {name: [run(entry) for entry in record[name]] for name in ("seeds", "controls")}
    return {**groups, "claim": record["claim"], "interval": record["interval"]}


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
