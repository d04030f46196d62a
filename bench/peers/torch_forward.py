"""Plain forward passes in PyTorch: SDPA attention, logits of the last position alone. Tries batches of one and of
eight prompts sorted by length (little padding) and reports the faster."""

import json
import time

import torch
from common import arguments, load_model, padded, report


def main():
    parser = arguments()
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    prompts = sorted(json.load(open(options.tokens)), key=len)
    model = load_model(options, "sdpa")
    best = None
    for size in (1, 8):
        batches = [padded(prompts[i : i + size]) for i in range(0, len(prompts), size)]
        for _ in range(options.repeat):
            start = time.perf_counter()
            with torch.inference_mode():
                for ids, mask in batches:
                    model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=1)
            seconds = time.perf_counter() - start
            if best is None or seconds < best["seconds"]:
                best = {"seconds": seconds, "batch": size}
    report({"tokens": sum(map(len, prompts)), **best, "version": torch.__version__})


main()
