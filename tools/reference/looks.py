"""ImageHash's difference hashes of generated images, and of altered copies, for src/data/perceptual-hash.test.ts.

    python tools/reference/looks.py      (needs numpy, pillow and ImageHash)
"""
import json
import pathlib

import imagehash
from PIL import Image

from preprocess_pictures import picture

SIZES = [(9, 8), (64, 48), (333, 250), (250, 333), (640, 427), (31, 100), (5, 3), (1, 1)]


def main() -> None:
    cases = []
    for seed, (width, height) in enumerate(SIZES):
        cases.append({"seed": seed, "image": [width, height], "dhash": str(imagehash.dhash(Image.fromarray(picture(seed, width, height))))})
    path = pathlib.Path(__file__).parent / "fixtures" / "looks.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
