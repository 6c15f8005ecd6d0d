"""Images by integer arithmetic, which src/data/testing/pictures.ts repeats."""
import numpy as np


def hashed(seed: int, count: int) -> np.ndarray:
    """32-bit numbers: the finaliser of MurmurHash3 over seed * 0x9e3779b9 + index."""
    with np.errstate(over="ignore"):
        h = np.uint32(seed) * np.uint32(0x9E3779B9) + np.arange(count, dtype=np.uint32)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return h


def picture(seed: int, width: int, height: int) -> np.ndarray:
    """Ramps and a checkerboard under noise, with full blacks and whites that make filters overshoot."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    noise = hashed(seed, height * width * 3).reshape(height, width, 3).astype(np.int64) >> 26
    ramp = (x * (2 + c) + y * 3) & 255
    checker = np.where(((x >> 3) ^ (y >> 3)) & 1 == 1, 255 - ramp, ramp)
    edges = np.where((x // 17 + y // 23 + c) % 5 == 0, 255, np.where((x // 13 + y // 11) % 7 == 0, 0, checker))
    return np.minimum(255, edges + noise * ((x + y) % 3 == 0)).astype(np.uint8)
