"""Writes what numpy makes of float32 bit patterns as float16, for src/onnx/narrow.ts.

Usage: python -m tools.reference.narrowing
"""

import hashlib
import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "src" / "onnx" / "fixtures" / "narrowing.json"
STRIDE = 1021


def borders():
    """Every float16 of one sign as float32, the ties above them, and the float32 neighbours of both."""
    halves = np.arange(0x7C01, dtype=np.uint16).view(np.float16).astype(np.float32)
    halves[-1] = 65536
    ties = (halves[:-1] + (halves[1:] - halves[:-1]) / 2).view(np.uint32)
    exact = halves.view(np.uint32)
    positive = np.concatenate([exact, exact + 1, exact[1:] - 1, ties, ties + 1, ties - 1])
    return np.concatenate([positive, positive | np.uint32(0x80000000)])


def main():
    spread = np.arange(0, 2**32, STRIDE, dtype=np.uint64).astype(np.uint32)
    named = {
        "one": 0x3F800000,
        "largest": 0x477FE000,
        "last below infinity": 0x477FEFFF,
        "first to infinity": 0x477FF000,
        "infinity": 0x7F800000,
        "smallest normal": 0x38800000,
        "largest subnormal": 0x387FC000,
        "smallest subnormal": 0x33800000,
        "tie to zero": 0x33000000,
        "above the tie": 0x33000001,
        "negative zero": 0x80000000,
        "float32 subnormal": 0x00000001,
        "quiet NaN": 0x7FC00000,
        "NaN whose payload is lost": 0x7F800001,
        "NaN with a payload": 0xFFBFE000,
    }
    with np.errstate(all="ignore"):
        digest = lambda bits: hashlib.sha256(bits.view(np.float32).astype(np.float16).tobytes()).hexdigest()
        single = lambda bits: int(np.array([bits], np.uint32).view(np.float32).astype(np.float16).view(np.uint16)[0])
        values = {
            "numpy": np.__version__,
            "stride": STRIDE,
            "spread": {"count": len(spread), "sha256": digest(spread)},
            "borders": {"count": len(borders()), "sha256": digest(borders())},
            "named": [{"name": name, "float32": bits, "float16": single(bits)} for name, bits in named.items()],
        }
    OUT.write_text(json.dumps(values, indent=2) + "\n")


if __name__ == "__main__":
    main()
