"""Plain forward passes in llama.cpp (llama-cpp-python), logits of the last position alone. Requantises the model to
each file type it is good at and reports the fastest."""

import argparse
import ctypes
import json
import os
import time

import llama_cpp

FILE_TYPES = {"F16": 1, "Q4_0": 2, "Q8_0": 7, "BF16": 32}


def requantised(model, folder, name):
    path = os.path.join(folder, f"llama-{name}.gguf")
    if not os.path.exists(path):
        options = llama_cpp.llama_model_quantize_default_params()
        options.ftype = FILE_TYPES[name]
        options.allow_requantize = True
        if llama_cpp.llama_model_quantize(model.encode(), path.encode(), ctypes.byref(options)) != 0:
            raise SystemExit(f"llama.cpp could not convert {model} to {name}")
    return path


def seconds_for(path, prompts, threads):
    longest = max(map(len, prompts))
    model = llama_cpp.Llama(path, n_ctx=longest + 8, n_batch=longest, n_ubatch=longest, n_threads=threads,
                            n_threads_batch=threads, logits_all=False, verbose=False)
    model.eval(prompts[0])  # once to warm up
    start = time.perf_counter()
    for tokens in prompts:
        model.reset()
        model.eval(tokens)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("--folder", required=True, help="where converted models go")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    prompts = json.load(open(options.tokens))
    times = {"as it is": seconds_for(options.model, prompts, options.threads)}
    for name in FILE_TYPES:
        times[name] = seconds_for(requantised(options.model, options.folder, name), prompts, options.threads)
    best = min(times, key=times.get)
    print(json.dumps({"tokens": sum(map(len, prompts)), "seconds": times[best], "file_type": best, "all": times,
                      "version": llama_cpp.__version__}))


main()
