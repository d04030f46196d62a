"""Runs a model in llama.cpp (the package xllamacpp): settings as JSON on standard input, results as JSON on standard output.

A process for each model: one that llama.cpp cannot open may end the process, and what llama.cpp says of a model (its
architecture, its cache) goes to standard error.

Settings: model (path), prompts (lists of token ids), generate (tokens), flash (flash attention), cache (F16 or F32), context.
Results, for each prompt: log_probs, of all tokens of the vocabulary after the prompt, by id, and greedy, the token ids of the
likeliest continuation, with margins, the log-probability of each above the second likeliest one's.
"""
import json
import os
import sys

import xllamacpp


def serve(model, flash=True, cache="F16", context=512, threads=1, verbosity=4):
    kinds, kv = xllamacpp.llama_flash_attn_type, getattr(xllamacpp.ggml_type, f"GGML_TYPE_{cache}")
    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx = context
    settings.n_parallel = 1
    settings.n_gpu_layers = 0
    settings.fit_params = False
    settings.warmup = False
    settings.flash_attn_type = (kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED)
    settings.cache_type_k = settings.cache_type_v = kv
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.verbosity = verbosity  # 4: what the model is
    return xllamacpp.Server(settings)


def complete(server, prompt, tokens, alternatives):
    answer = server.handle_completions(dict(prompt=prompt, n_predict=tokens, temperature=0, n_probs=alternatives,
                                            cache_prompt=False, ignore_eos=tokens > 1))
    answer = json.loads(answer) if isinstance(answer, str) else answer
    if "choices" not in answer:
        raise SystemExit(f"llama.cpp answered {json.dumps(answer)[:500]}")
    if answer["usage"]["prompt_tokens"] != len(prompt):
        raise SystemExit(f"llama.cpp read {answer['usage']['prompt_tokens']} tokens of a prompt of {len(prompt)}")
    return answer["choices"][0]["logprobs"]["content"]


def main():
    settings = json.load(sys.stdin)
    prompts, generate = settings.pop("prompts"), settings.pop("generate")
    server = serve(**settings)
    results = []
    for prompt in prompts:
        first = complete(server, prompt, 1, 10_000_000)[0]["top_logprobs"]
        result = dict(log_probs=[each["logprob"] for each in sorted(first, key=lambda each: each["id"])])
        if [each["id"] for each in sorted(first, key=lambda each: each["id"])] != list(range(len(first))):
            raise SystemExit("llama.cpp did not give every token's log-probability")
        if generate:
            steps = complete(server, prompt, generate, 2)
            result["greedy"] = [step["id"] for step in steps]
            result["margins"] = [step["top_logprobs"][0]["logprob"] - step["top_logprobs"][1]["logprob"] for step in steps]
        results.append(result)
    json.dump(results, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # nothing that the server's threads do on the way out is of interest


if __name__ == "__main__":
    main()
