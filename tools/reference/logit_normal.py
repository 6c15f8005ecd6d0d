"""Quantiles of the logit-normal law by SciPy: src/training/draws.test.ts compares drawn timesteps with them."""

import json
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

shares = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
cases = [
    {"mean": mean, "std": std, "quantiles": expit(norm.ppf(shares, mean, std)).tolist()}
    for mean, std in [(0, 1), (0.5, 0.6), (-1, 1.5)]
]
out = Path(__file__).parent / "fixtures" / "logit_normal.json"
out.write_text(json.dumps({"shares": np.array(shares).tolist(), "cases": cases}, indent=1) + "\n")
