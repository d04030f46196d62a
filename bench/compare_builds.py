#!/usr/bin/env python3
"""Compares two builds of idleheads: the same bits, and how fast each is, in alternating runs.

bench/compare_builds.py BEFORE AFTER MODEL [--data GSM8K_FOLDER] [--dtype f32] [--repeat 5]

BEFORE and AFTER are programs. Compared are what a study stores (statistics, log-likelihoods, masks, thresholds) of
multiple-choice questions and, with --data, of written answers, and what probe prints; of newer builds what older ones have too. Exit code 1 if a bit
differs. Times are the medians of --repeat runs of a shorter study each; nothing else should run on the machine."""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUESTIONS = Path(__file__).resolve().parent.parent / "examples" / "everyday_questions.jsonl"
TABLES = {"interventions": "intervention", "results": "intervention, document", "statistics": "document"}
PAPER_STATISTICS = 7  # of a head, the first; older builds have no others


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def paper_statistics(rows):
    """Of rows (document, float32 of all heads, numbers a head if the build says so)."""
    out = []
    for document, blob, *numbers in rows:
        size = 4 * (numbers[0] if numbers else PAPER_STATISTICS)
        heads = (blob[at:at + 4 * PAPER_STATISTICS] for at in range(0, len(blob), size))
        out.append((document, b"".join(heads)))
    return out


def study(program, options, folder, *arguments):
    """What the study stored, and the seconds it took."""
    file = Path(folder) / "study.db"
    file.unlink(missing_ok=True)
    start = time.monotonic()
    run(program, "study", options.model, "--dtype", options.dtype, "-q", "-o", file, *arguments)
    seconds = time.monotonic() - start
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
        rows = {table: store.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall() for table, order in TABLES.items()}
    rows["statistics"] = paper_statistics(rows["statistics"])
    return rows, seconds


def probe(program, options):
    # Older builds print logits without being asked.
    logits = ["--logits"] if b"--logits" in run(program, "probe", "--help") else []
    out = run(program, "probe", options.model, "--dtype", options.dtype, "--json", *logits, "--ablate", "ahon_ln<0.5", "--ablate", "L0H1",
               "--text", "The capital of France is", "--text", "One, two, three, four", "--text", "One, two, three, five")
    return json.loads(out)


def part_like(value, like):
    """What `value` has of the keys of `like`: newer builds print more."""
    if isinstance(like, dict):
        return {key: part_like(value[key], like[key]) for key in like if key in value}
    if isinstance(like, list) and len(value) == len(like):
        return [part_like(*pair) for pair in zip(value, like)]
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("before", "after", "model"):
        parser.add_argument(name)
    parser.add_argument("--data")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    questions = ["--task", QUESTIONS, "--shares", "10,20"]
    checks = {"study, 160 questions, all scores": questions,
              "study without sharing, 20 questions": [*questions, "--limit", 20, "--no-sharing"],
              "study in 600 MiB, 60 questions": [*questions, "--limit", 60, "--memory", "600MiB"]}
    if options.data:
        checks["written answers, 2 questions"] = ["--task", "gsm8k", "--data", options.data, "--limit", 2, "--shots", 1,
                                                  "--scores", "ahon_ln,awft,random", "--shares", "5,20"]
    differs = False
    with tempfile.TemporaryDirectory() as folder:
        for what, arguments in checks.items():
            before, after = (study(p, options, folder, *arguments)[0] for p in (options.before, options.after))
            differs |= before != after
            print(f"{what}: {'the same' if before == after else 'DIFFERENT'} "
                  f"({', '.join(f'{len(after[table])} {table}' for table in TABLES)})", flush=True)
        before, after = (probe(program, options) for program in (options.before, options.after))
        same = before == part_like(after, before)
        differs |= not same
        print(f"probe, 3 prompts, 3 interventions: {'the same' if same else 'DIFFERENT'}", flush=True)
        seconds = {options.before: [], options.after: []}
        for _ in range(options.repeat):
            for program, list_ in seconds.items():
                list_.append(study(program, options, folder, *questions, "--limit", 80, "--scores", "ahon_ln,awft,random")[1])
    if options.repeat:
        before, after = (statistics.median(list_) for list_ in seconds.values())
        spread = max((max(list_) - min(list_)) / statistics.median(list_) for list_ in seconds.values())
        print(f"time: {before:.2f} s before, {after:.2f} s after, ratio {after / before:.3f} "
              f"(medians of {options.repeat} alternating runs, which spread by {spread:.0%})")
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
