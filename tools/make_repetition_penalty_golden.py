#!/usr/bin/env python3
"""Writes tests/data/golden/repetition_penalty.json: what transformers' RepetitionPenaltyLogitsProcessor chooses.

Each case has logits (some negative, some equal), the tokens that are there already, and the penalty; `processed` is what the processor
makes of the logits, `choice` the first of the largest. Needs torch and transformers==4.48.2 (requirements_lm_eval.txt)."""

import json
import pathlib
import random

import torch
from transformers import RepetitionPenaltyLogitsProcessor

VOCABULARY = 300
PENALTIES = [1.05, 1.1, 1.3, 2.0, 0.5]


def case(rng, penalty, sign):
    # Eighths are exact in f32, in sums and in JSON.
    logits = [sign * rng.randrange(1, 40) / 8 if sign else rng.randrange(-40, 40) / 8 for _ in range(VOCABULARY)]
    top = sorted(range(VOCABULARY), key=lambda v: -logits[v])[:20]
    tokens = sorted(set(rng.sample(top, 8) + rng.sample(range(VOCABULARY), 30)))
    processed = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([tokens]), torch.tensor([logits]))[0]
    return {
        "penalty": penalty,
        "logits": logits,
        "tokens": tokens,
        "processed": [float(value) for value in processed],
        "choice": int(torch.argmax(processed)),
    }


def main():
    rng = random.Random(1234)
    cases = [case(rng, penalty, sign) for penalty in PENALTIES for sign in (-1, 0, 1)]
    path = pathlib.Path(__file__).parent.parent / "tests/data/golden/repetition_penalty.json"
    path.write_text(json.dumps({"source": "transformers 4.48.2, RepetitionPenaltyLogitsProcessor", "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
