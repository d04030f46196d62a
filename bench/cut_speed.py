#!/usr/bin/env python3
"""Tokens a second of two files in llama.cpp, as of a model and the same without some heads: bench/cut_speed.py MODEL CUT.

Needs the package xllamacpp, as of tests/python/requirements_llama_cpp.txt. Both are loaded and asked in turns, so that what
else the machine does meets both; the ratio is the median over the turns of each turn's own ratio.
"""
import argparse
import json
import os
import random
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))
from in_llama_cpp import serve


def rates(server, prompt, generate):
    """-> tokens a second of the prompt, and of what is generated after it"""
    answer = server.handle_completions(dict(prompt=prompt, n_predict=generate, temperature=0, cache_prompt=False, ignore_eos=True))
    timings = (json.loads(answer) if isinstance(answer, str) else answer)["timings"]
    assert timings["prompt_n"] == len(prompt) and timings["predicted_n"] == generate, timings
    return timings["prompt_per_second"], timings["predicted_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("cut")
    parser.add_argument("--contexts", type=int, nargs="+", default=[64, 4096], help="tokens of the prompt")
    parser.add_argument("--generate", type=int, default=32, help="tokens after it")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-flash", action="store_true", help="without flash attention")
    options = parser.parse_args()
    longest = max(options.contexts) + options.generate + 8
    servers = [serve(file, flash=not options.no_flash, context=longest, threads=options.threads, verbosity=1)
               for file in (options.model, options.cut)]
    print(f"{'context':>7}  {'tokens a second':15}  {'model':>8}  {'cut':>8}  {'cut/model':>9}  from - to")
    for context in options.contexts:
        prompt = random.Random(context).choices(range(1000, 20000), k=context)
        for server in servers:
            rates(server, prompt[:64], 2)  # once to warm up
        turns = []
        for turn in range(options.turns):
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            got = {each: rates(servers[each], prompt, options.generate) for each in order}
            turns.append((got[0], got[1]))
        for at, name in enumerate(("prompt", "generation")):
            ratios = [cut[at] / model[at] for model, cut in turns]
            medians = [statistics.median(turn[side][at] for turn in turns) for side in (0, 1)]
            print(f"{context:7}  {name:15}  {medians[0]:8.1f}  {medians[1]:8.1f}  {statistics.median(ratios):9.3f}  "
                  f"{min(ratios):.3f} - {max(ratios):.3f}", flush=True)
    os._exit(0)  # nothing that the servers' threads do on the way out is of interest


main()
