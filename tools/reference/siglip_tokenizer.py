"""A small sentencepiece vocabulary in SigLIP's place, for src/text/siglip-tokenizer.test.ts; see tokenizer.py.

SigLIP's own is a unigram model with T5's marks: `</s>` ends and pads, `<unk>` stands for what is unknown. The ids are
those of `SiglipTokenizer`, which asks sentencepiece itself; tokenizer.json is what its conversion to the `tokenizers`
library makes, as the repositories for transformers.js carry it.
"""
import io
import json
import pathlib
import re
import string
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import SiglipTokenizer
from transformers.utils import sentencepiece_model_pb2_new as pb

LENGTH = 64


def train(texts: list[str]) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text for text in texts if text.strip()), model_writer=model, model_type="unigram",
        vocab_size=800, character_coverage=0.98, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, num_threads=1,
        hard_vocab_limit=False, minloglevel=2,
    )
    return model.getvalue()


def fast(model: bytes, slow: SiglipTokenizer) -> Tokenizer:
    proto = pb.ModelProto.FromString(model)
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], slow.unk_token_id))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Lowercase(),
        normalizers.Replace(Regex("[" + re.escape(string.punctuation) + "]"), ""),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(),
        normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
        normalizers.Replace(Regex(" {2,}"), " "),
    ])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", slow.eos_token_id)])
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<unk>", "</s>")])
    return tokenizer


def siglip_fixture(texts: list[str], cases, lines) -> dict[str, str]:
    # The mixtures at the end hold letters that are unknown to it.
    model = train(texts[:-160])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spiece.model"
        path.write_bytes(model)
        slow = SiglipTokenizer(str(path))
        rows = cases(slow, texts, LENGTH)
        quick = fast(model, slow)
    return {"definition": quick.to_str(), "cases": lines(rows)}
