"""Token ids by transformers, for src/text/tokenizer.test.ts.

    python tools/reference/tokenizer.py                    the built-in encoder's tokenizer
    python tools/reference/tokenizer.py --open-clip DIR    CLIP's own vocabulary, as the open_clip package carries it:
                                                           writes its tokenizer files and the ids to DIR, uncommitted
"""
import argparse
import gzip
import importlib.util
import json
import pathlib

from transformers import CLIPTokenizer
from transformers import AutoTokenizer

ROOT = pathlib.Path(__file__).parents[2]

TEXTS = [
    "", " ", "a", "A", "a photo of a .", "a photo of a cat", "a photo of The Dog's nose", "it's they're we've I'm he'll she'd",
    "ITS THEY'RE WE'VE", "hello   world", "  leading and trailing  ", "tabs\tand\nnewlines\r\n", "a,b;c:d", "...!!!???", "!?!?",
    "100", "1234567890", "3.14", "x1y2z3", "2+2=4", "$5.99", "50% off", "#hashtag @mention", "email@example.com",
    "https://example.com/path?query=1&b=2#top", "snake_case and camelCase and kebab-case", "C++ & C#", "a/b\\c|d",
    "(parentheses) [brackets] {braces}", '"double" and \'single\'', "“curly” ‘quotes’", "em—dash en–dash", "ellipsis…",
    "naïve café résumé", "nai\u0308ve cafe\u0301", "Ångström", "A\u030angstro\u0308m", "straße STRASSE ẞ", "İstanbul ISTANBUL ı", "ﬁ ligature ﬀ",
    "½ ¼ ² ³ Ⅷ ⑨", "日本語のテキスト", "中文字符测试", "한국어 텍스트", "ไทย", "العربية", "עברית", "हिन्दी", "தமிழ்", "русский текст", "ΕΛΛΗΝΙΚΆ ς Σ",
    "😀", "😀😃😄", "👨‍👩‍👧‍👦 family", "🏳️‍🌈", "👍🏽", "🇯🇵", "text 😀 emoji", "❤️", "☃", "♫ music ♪", "→ ← ↑ ↓", "∑∫√∞", "© ® ™", "€ £ ¥",
    "zero\u200bwidth", "non\u00a0breaking", "soft\u00adhyphen", "ideographic\u3000space", "\u2028line", "\ufeffbom", "null\u0000char", "bell\u0007",
    "combining e\u0301\u0327", "\u0301alone", "full\uff37idth", "ﷺ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𐍈", "\U0001F9FF",
    "<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "<|startoftext|>a photo", "a <|STARTOFTEXT|> b", "<|endoftext", "|>",
    "'s", "'S", "''s", "s'", "'tis", "rock'n'roll", "o'clock", "don't won't can't", "'re've'm", "y'all'd've",
    "word " * 80, "supercalifragilisticexpialidocious", "a" * 200, "ab" * 60, "1 " * 100, "😀" * 40, "日" * 90, "x. " * 30,
    "a photo of " + "very " * 71 + "long", "a photo of " + "very " * 72 + "long", "a photo of " + "very " * 73 + "long",
    "The quick brown fox jumps over the lazy dog.", "a red circle left of a blue square", "two dogs facing left",
    "The butterfly's wings are closer to being open", "A small object on the stripe", "the school bus is driving towards the camera",
    "there are no people in the picture", "black and white photograph, 35mm film, f/1.4, ISO-800", "A.I. vs. Human; U.S.A.",
    "Mr. O'Neil-Smith's 3rd try (2nd failed)", "CamelCaseWord HTTPServer iPhone11", "don’t use ’ curly", "a\u0000b", "tab\tseparated",
    "mixed日本English한국", "ÀÉÎÕÜ", "œuvre Œ æ Æ", "ñandú", "Žluťoučký kůň", "Ħal", "łódź", "ǅ ǆ Ǆ", "ß", "ŉ", "Ǳ",
    "trailing space ", "\n", "\t\t", ".", "-", "--", "_", "__init__", "0", "00", "٣٤", "१२", "x²", "H₂O", "a\u0308\u0304",
]


def ids_of(tokenizer: CLIPTokenizer) -> list[list[int]]:
    encoded = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=77)
    return encoded["input_ids"], encoded["attention_mask"]


def cases(tokenizer: CLIPTokenizer) -> list[dict]:
    """Without the padding after the text, which the test adds by the length of the context."""
    ids, masks = ids_of(tokenizer)
    return [{"text": t, "ids": i[: sum(m)], "pad": tokenizer.pad_token_id} for t, i, m in zip(TEXTS, ids, masks)]


def write(path: pathlib.Path, rows: list[dict]) -> None:
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def open_clip_tokenizer() -> CLIPTokenizer:
    """CLIP's vocabulary: 256 bytes, the same ending a word, the first 48,894 merges, two marks."""
    package = pathlib.Path(importlib.util.find_spec("open_clip").submodule_search_locations[0])
    lines = gzip.open(package / "bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    tokens = [*letters, *(c + "</w>" for c in letters), *("".join(m) for m in merges), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges, model_max_length=77)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--open-clip", type=pathlib.Path)
    given = parser.parse_args().open_clip
    if given:
        tokenizer = open_clip_tokenizer()
        tokenizer.save_pretrained(given)
        write(given / "ids.json", cases(tokenizer))
    else:
        tokenizer = AutoTokenizer.from_pretrained(ROOT / "public" / "models" / "acuity-clip")
        write(pathlib.Path(__file__).parent / "fixtures" / "tokenizer.json", cases(tokenizer))


if __name__ == "__main__":
    main()
