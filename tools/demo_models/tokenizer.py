"""CLIP's byte-level BPE, trained on the world's captions.

CLIP orders its vocabulary as 256 byte symbols, the same 256 ending a word (`</w>`), the merges in the order they were
learned, then `<|startoftext|>` and `<|endoftext|>` (https://github.com/openai/CLIP, clip/simple_tokenizer.py).
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import regex
from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


def _byte_alphabet() -> dict[int, str]:
    """One printable character for each byte, in OpenAI's order: printable bytes first, then the rest from U+0100."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


ALPHABET = _byte_alphabet()


def _spelling(word: str) -> tuple[str, ...]:
    symbols = [ALPHABET[byte] for byte in word.encode()]
    return (*symbols[:-1], symbols[-1] + "</w>")


def learn_merges(captions: Iterable[str], count: int) -> list[tuple[str, str]]:
    """The `count` most frequent pair merges (fewer when every word is already one token); ties by spelling."""
    words = Counter(_spelling(word) for caption in captions for word in WORD.findall(caption.lower()))
    merges: list[tuple[str, str]] = []
    while len(merges) < count:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, frequency in words.items():
            for pair in zip(word, word[1:], strict=False):
                pairs[pair] += frequency
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = Counter({_merged(word, best): frequency for word, frequency in words.items()})
    return merges


def _merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    i = 0
    while i < len(word):
        if word[i : i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


def train_tokenizer(captions: Iterable[str], size: int, context: int) -> CLIPTokenizer:
    """A tokenizer of exactly `size` tokens; unused places between the merges and the specials get a filler name."""
    symbols = list(ALPHABET.values())
    merges = learn_merges(captions, size - 2 * len(symbols) - 2)
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), *("".join(merge) for merge in merges)]
    tokens += [f"<|unused{i}|>" for i in range(size - 2 - len(tokens))]
    vocabulary = {token: i for i, token in enumerate([*tokens, START, END])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=context)


def save_tokenizer(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Writes the fast file (`tokenizer.json`) and the older ones beside it, as published CLIP folders have them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    _write(folder / "vocab.json", model["vocab"])
    pairs = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs]) + "\n")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    _write(folder / "special_tokens_map.json", special)
    configuration = {
        **special,
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": tokenizer.model_max_length,
        "tokenizer_class": "CLIPTokenizer",
    }
    _write(folder / "tokenizer_config.json", configuration)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
