"""Writes what numpy and ml_dtypes make of 16-bit floats, for the conversions in src/onnx/tensors.ts.

Usage: python -m tools.reference.half_precision
"""

import hashlib
import json
from pathlib import Path

import ml_dtypes
import numpy as np

OUT = Path(__file__).resolve().parents[2] / "src" / "onnx" / "fixtures" / "half-precision.json"


def hash_of_all(dtype):
    """SHA-256 of all 65536 values as little-endian doubles, every NaN the same."""
    values = np.arange(65536, dtype=np.uint16).view(dtype).astype(np.float64)
    values[np.isnan(values)] = np.nan
    return hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()


def hard_doubles():
    """Values next to and exactly on the borders between halves, and values of every magnitude."""
    rng = np.random.default_rng(11)
    halves = rng.integers(0, 0x7C00, 120).astype(np.uint16)
    low = halves.view(np.float16).astype(np.float64)
    high = np.append((halves + 1).astype(np.uint16).view(np.float16).astype(np.float64), 0)[:-1]
    ties = np.where(np.isfinite(high), (low + high) / 2, low)
    spread = np.exp(rng.uniform(-22, 13, 120))
    edges = [0.0, 2**-24, 2**-25, 2**-26, 1.5 * 2**-25, 65504, 65519.99999, 65520, 65536, 1e300, np.inf, 2**-14]
    values = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, 0), spread, edges])
    return np.concatenate([values, -values])


def main():
    doubles = hard_doubles()
    with np.errstate(over="ignore", under="ignore"):
        halves = doubles.astype(np.float16).view(np.uint16)
        floats = doubles.astype(np.float32)
        brains = floats.astype(ml_dtypes.bfloat16).view(np.uint16)
    result = {
        "allHalves": hash_of_all(np.float16),
        "allBfloats": hash_of_all(ml_dtypes.bfloat16),
        # Doubles as hexadecimal bits: JSON has no infinity.
        "doubles": [f"{bits:016x}" for bits in doubles.view(np.uint64)],
        "halves": halves.tolist(),
        "bfloats": brains.tolist(),
    }
    OUT.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
