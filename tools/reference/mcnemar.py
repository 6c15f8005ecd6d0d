"""Exact two-sided McNemar p-values by scipy's binomial test, for src/evaluation/statistics.test.ts.

    python tools/reference/mcnemar.py      (needs scipy)
"""
import json
import pathlib

from scipy.stats import binomtest

FLIPS = [(0, 1), (1, 0), (2, 2), (6, 2), (9, 1), (3, 14), (0, 20), (31, 17), (120, 80), (1500, 1400), (900, 20)]


def main() -> None:
    cases = [
        {"fixed": fixed, "broken": broken, "p": binomtest(fixed, fixed + broken, 0.5).pvalue}
        for fixed, broken in FLIPS
    ]
    path = pathlib.Path(__file__).parent / "fixtures" / "mcnemar.json"
    path.write_text(json.dumps(cases, indent=0) + "\n")


if __name__ == "__main__":
    main()
