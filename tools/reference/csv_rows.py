"""What Python's csv.reader makes of random texts, for src/formats/csv.test.ts.

    python tools/reference/csv_rows.py
"""
import csv
import io
import json
import pathlib
import random

PARTS = ['"', ",", "\n", "\r\n", "a", "é", " ", '""', '"b"', "\r"]


def main() -> None:
    random.seed(7)
    texts = sorted({"".join(random.choices(PARTS, k=random.randint(0, 16))) for _ in range(300)})
    cases = [[text, [row for row in csv.reader(io.StringIO(text, newline="")) if row]] for text in texts]
    path = pathlib.Path(__file__).parent / "fixtures" / "csv.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
