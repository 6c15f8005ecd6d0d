"""Strings that tokenizers get wrong: every script, emoji, empty, very long, contractions, marks written out.

HARD is a list by hand; TEXTS adds captions and seeded mixtures to make 500.
"""
import random

HARD = [
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


WORDS = (
    "dog cat bird butterfly car bus school lamp table window stripe photograph painting sketch close-up feather wheel snowman "
    "teapot umbrella skyscraper giraffe cumulonimbus chandelier facing pointing standing holding overlapping photographed "
    "left right above below behind two three twelve no several red turquoise striped translucent blurry it's isn't children's"
).split()
#: First and last code points of what mixtures draw from.
RANGES = [
    (0x20, 0x7E), (0xA0, 0xFF), (0x100, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A),
    (0x904, 0x939), (0xE01, 0xE2E), (0x1100, 0x1112), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3),
    (0x2000, 0x206F), (0x2190, 0x21FF), (0x2460, 0x24FF), (0x2600, 0x26FF), (0xFF01, 0xFF5E), (0x1F300, 0x1F64F), (0x1F900, 0x1F9FF),
]


def captions(rng: random.Random, count: int) -> list[str]:
    return [
        rng.choice(["a photo of ", "a bad photo of the ", "", "An origami "]) + " ".join(rng.choices(WORDS, k=rng.randint(1, 14)))
        + rng.choice(["", ".", "!", " ?", "..."])
        for _ in range(count)
    ]


def mixtures(rng: random.Random, count: int) -> list[str]:
    """Some from one range, some from several, some between words."""
    made = []
    for i in range(count):
        ranges = rng.choices(RANGES, k=rng.randint(1, 4))
        letters = "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randint(1, 24)))
        made.append(f"{rng.choice(WORDS)} {letters}{rng.choice(WORDS)}" if i % 3 == 0 else letters)
    return made


def five_hundred() -> list[str]:
    rng = random.Random(0)
    rest = 500 - len(HARD)
    return [*HARD, *captions(rng, rest // 2), *mixtures(rng, rest - rest // 2)]


TEXTS = five_hundred()
