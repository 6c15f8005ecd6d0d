"""Token ids by transformers and open_clip, for src/text/*.test.ts.

    python tools/reference/tokenizer.py                    the built-in encoder's tokenizer: fixtures/tokenizer.json
    python tools/reference/tokenizer.py --clip             CLIP's own vocabulary, as the open_clip package carries it:
                                                           fixtures/clip_tokenizer.json (needs open_clip_torch, ftfy)
    python tools/reference/tokenizer.py --open-clip DIR    the same vocabulary whole, as a model folder's files, with
                                                           the ids of all strings: to DIR, uncommitted
    python tools/reference/tokenizer.py --siglip           a small sentencepiece vocabulary in SigLIP's place:
                                                           fixtures/siglip_tokenizer.json (needs sentencepiece)
"""
import argparse
import gzip
import importlib.util
import json
import pathlib

from tokenizer_texts import HARD, TEXTS
from transformers import AutoTokenizer, CLIPTokenizer

ROOT = pathlib.Path(__file__).parents[2]
FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def cases(tokenizer, texts: list[str], length: int) -> list[dict]:
    """Without the padding after the text, which the test adds by the length of the context."""
    encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_attention_mask=True)
    rows = zip(texts, encoded["input_ids"], encoded["attention_mask"])
    return [{"text": t, "ids": i[: sum(m)], "pad": tokenizer.pad_token_id} for t, i, m in rows]


def lines(rows: list) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"


def write(path: pathlib.Path, parts: dict) -> None:
    path.write_text("{\n" + ",\n".join(f"{json.dumps(key)}: {text}" for key, text in parts.items()) + "\n}\n")


def package_folder() -> pathlib.Path:
    return pathlib.Path(importlib.util.find_spec("open_clip").submodule_search_locations[0])


def open_clip_module():
    """Its tokenizer alone: the package as a whole wants torchvision and timm."""
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", package_folder() / "tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_clip_tokenizer() -> tuple[CLIPTokenizer, list[tuple[str, str]]]:
    """CLIP's vocabulary: 256 bytes, the same ending a word, the first 48,894 merges, two marks."""
    text = gzip.open(package_folder() / "bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = [tuple(line.split()) for line in text[1 : 49152 - 256 - 2 + 1]]
    tokens = [*letters(), *("".join(m) for m in merges), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges, model_max_length=77), merges


def letters() -> list[str]:
    """The letter of each byte (GPT-2's, CLIP's and open_clip's `bytes_to_unicode`), then the same ending a word."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    each = [chr(b) for b in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    return [*each, *(c + "</w>" for c in each)]


def applied_merges(tokenizer: CLIPTokenizer, merges: list[tuple[str, str]]) -> list[list]:
    """The merges that these strings need, [rank, left, right].

    Byte-pair encoding always applies the pair of lowest rank that is present, so ids stay what they were when
    merges that never win are left out.
    """
    ranks = {merge: rank for rank, merge in enumerate(merges)}
    backend = tokenizer.backend_tokenizer
    used = set()
    for text in TEXTS:
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text)):
            parts = [*word[:-1], word[-1] + "</w>"]
            while True:
                found = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
                if not found:
                    break
                rank, at = min(found)
                used.add(rank)
                parts[at : at + 2] = ["".join(merges[rank])]
    return [[rank, *merges[rank]] for rank in sorted(used)]


def clip_fixture() -> None:
    tokenizer, merges = open_clip_tokenizer()
    module = open_clip_module()
    ours, basic_clean = module.SimpleTokenizer(), module.basic_clean
    rows = cases(tokenizer, TEXTS, 77)
    for row in rows:
        ids = ours(row["text"])[0].tolist()
        ids = ids[: ids.index(ours.eot_token_id) + 1]
        if ids != row["ids"]:
            # Its `basic_clean` repairs the text first, and its marks are spelled otherwise.
            assert basic_clean(row["text"]) != row["text"].strip() or "<|" in row["text"], row["text"]
            row["openClip"] = ids
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    model = definition.pop("model")
    model.pop("vocab"), model.pop("merges")
    write(FIXTURES / "clip_tokenizer.json", {
        "licence": json.dumps("MIT, Copyright (c) 2021 OpenAI: merges from bpe_simple_vocab_16e6.txt of CLIP"),
        "definition": json.dumps(definition), "model": json.dumps(model), "letters": json.dumps(letters()),
        "merges": lines(applied_merges(tokenizer, merges)), "cases": lines(rows),
    })


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--open-clip", type=pathlib.Path)
    parser.add_argument("--clip", action="store_true")
    parser.add_argument("--siglip", action="store_true")
    given = parser.parse_args()
    if given.open_clip:
        tokenizer, _ = open_clip_tokenizer()
        tokenizer.save_pretrained(given.open_clip)
        (given.open_clip / "ids.json").write_text(lines(cases(tokenizer, TEXTS, 77)) + "\n")
    elif given.clip:
        clip_fixture()
    elif given.siglip:
        from siglip_tokenizer import siglip_fixture

        write(FIXTURES / "siglip_tokenizer.json", siglip_fixture(TEXTS, cases, lines))
    else:
        tokenizer = AutoTokenizer.from_pretrained(ROOT / "public" / "models" / "acuity-clip")
        (FIXTURES / "tokenizer.json").write_text(lines(cases(tokenizer, HARD, 77)) + "\n")


if __name__ == "__main__":
    main()
