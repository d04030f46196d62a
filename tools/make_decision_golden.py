#!/usr/bin/env python3
"""Writes tests/data/decide/reference.json: sequential decisions by tests/data/decide/reference.py on fixed inputs.

usage: make_decision_golden.py > tests/data/decide/reference.json    needs NumPy
"""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent / "../tests/data/decide"))
import numpy as np
from reference import decide, draw

# name, documents, documents of a block, loss, share of answers that change, tolerance, alpha
CASES = [
    ("no answer changes", 14042, 8, 0, 0, 0.01, 0.05 / 84),
    ("no answer changes, blocks of one document", 14042, 1, 0, 0, 0.01, 0.05 / 84),
    ("loses much", 1000, 8, 0.2, 0.3, 0.01, 0.05),
    ("loses a little more than the tolerance", 1200, 4, 0.04, 0.12, 0.01, 0.05),
    ("gains", 900, 3, -0.05, 0.2, 0.02, 0.01),
    ("loses nothing, many answers change", 800, 1, 0, 0.4, 0.05, 0.05),
    ("at the tolerance", 400, 4, 0.01, 0.1, 0.01, 0.05),
    ("two documents above the tolerance", 400, 4, 0.015, 0.1, 0.01, 0.05),
    ("a tolerance between two documents", 334, 2, 0.03, 0.09, 0.0315, 0.1),
    ("a short block", 1003, 5, 0.11, 0.25, 0.01, 0.05),
    ("everything is lost", 60, 6, 1, 1, 0.3, 1e-5),
    ("certain before it is likely", 40, 4, -0.5, 0.5, 0.2, 1e-9),
    ("few documents", 7, 1, 0.15, 0.7, 0.2, 0.05),
]


def row(case, rng):
    name, documents, block, loss, flips, tolerance, alpha = case
    sums, _ = draw(rng, documents, block, loss, flips)
    verdict, used = decide(sums, block, documents, tolerance, alpha)
    shown = sums[:used].astype(int).tolist() if np.any(sums) else []  # the others are not looked at; none: all zero
    return {"name": name, "documents": documents, "block": block, "blocks": len(sums), "tolerance": tolerance,
            "alpha": alpha, "sums": shown, "verdict": verdict, "used": used}


rng = np.random.default_rng(22)
print("[\n" + ",\n".join(json.dumps(row(case, rng)) for case in CASES) + "\n]")
