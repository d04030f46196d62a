#!/usr/bin/env python3
"""What scoring takes by model: time, processor time and peak memory of `idleheads score` with all scores.

    bench/model_sizes.py MODEL... [--tokens 8000] [--memory 4GiB]
    bench/model_sizes.py --random-8b FOLDER [--tokens 600] [--memory 4GiB]

The text is the project's documentation, in windows of 300 tokens that share nothing. Processor time changes little with what
else runs on the machine, wall time does. --random-8b writes a model of random weights in the shape of Llama-3.1-8B (16 GB)
into FOLDER, which must not be there, scores it, and removes it: time and memory do not depend on the weights.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[1]
HIDDEN, HEADS, KV_HEADS, HEAD_DIM, MLP, VOCABULARY, LAYERS = 4096, 32, 8, 128, 14336, 128256, 32
WINDOW = 300


def tensors():
    """-> name and shape of every tensor of Llama-3.1-8B"""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (HIDDEN,)
        yield at + "self_attn.q_proj.weight", (HEADS * HEAD_DIM, HIDDEN)
        yield at + "self_attn.k_proj.weight", (KV_HEADS * HEAD_DIM, HIDDEN)
        yield at + "self_attn.v_proj.weight", (KV_HEADS * HEAD_DIM, HIDDEN)
        yield at + "self_attn.o_proj.weight", (HIDDEN, HEADS * HEAD_DIM)
        yield at + "post_attention_layernorm.weight", (HIDDEN,)
        yield at + "mlp.gate_proj.weight", (MLP, HIDDEN)
        yield at + "mlp.up_proj.weight", (MLP, HIDDEN)
        yield at + "mlp.down_proj.weight", (HIDDEN, MLP)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)


def random_weights(count):
    """-> `count` bfloat16 numbers of either sign between 1/128 and 1/32 in size"""
    random.seed(1)
    numbers = bytearray(random.randbytes(2 * count))
    high = bytes(0x3C | (byte & 0x80) for byte in range(256))
    numbers[1::2] = numbers[1::2].translate(high)
    return bytes(numbers)


def write_random_8b(folder):
    folder.mkdir(parents=True)
    header, offset = {}, 0
    for name, shape in tensors():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    head = json.dumps(header).encode()
    block = random_weights(1 << 24)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for at in range(0, offset, len(block)):
            file.write(block[: offset - at])
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": MLP,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "num_hidden_layers": LAYERS,
        "vocab_size": VOCABULARY, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
        "hidden_act": "silu", "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16",
        "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):  # of bytes: a token is one or two letters
        shutil.copy(PROJECT / "tests/data/tiny_tokenizer" / name, folder / name)


def text_of(characters):
    text = "\n".join(page.read_text() for page in sorted((PROJECT / "docs").glob("*.md")))
    return (text * (1 + characters // len(text)))[:characters]


def tokens_of(program, model, text):
    """-> tokens of the windows that the text is scored in"""
    command = [program, "prompts", model, "--task", text, "--context", str(WINDOW), "--json"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return sum(len(window["input_ids"]) for line in lines for window in json.loads(line)["windows"])


def write_text(program, model, text, wanted):
    """Writes about so many tokens. -> how many"""
    characters = 4 * WINDOW
    for _ in range(3):  # pieces of text fill their last window, so that a few characters may be a window more
        text.write_text(text_of(characters))
        tokens = tokens_of(program, model, text)
        characters = max(WINDOW, characters * wanted // tokens)
    return tokens


def row(program, model, wanted, memory):
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.txt"
        tokens = write_text(program, model, text, wanted)
        command = [program, "score", model, "--task", text, "--context", str(WINDOW), "-o", f"{folder}/study.db", "--quiet"]
        command += ["--memory", memory] if memory else []
        start = time.monotonic()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds, cpu = time.monotonic() - start, usage.ru_utime + usage.ru_stime
        if status != 0:
            sys.exit(f"{model}: idleheads score failed")
    name = pathlib.Path(model).name
    print(f"| {name} | {tokens} | {seconds:.0f} | {tokens / seconds:.0f} | {cpu:.0f} | {tokens / cpu:.0f} | {usage.ru_maxrss / 1024:.0f} MiB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--random-8b", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--tokens", type=int, default=8000, help="about so many")
    parser.add_argument("--memory", help="bound of the process, as in 4GiB")
    parser.add_argument("--program", default=str(PROJECT / "build/idleheads"))
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    print("| model | tokens | s | tokens/s | core's s | tokens/s of a core | peak memory |\n|---|---:|---:|---:|---:|---:|---:|")
    for model in options.models:
        row(options.program, model, options.tokens, options.memory)
    if options.random_8b:
        write_random_8b(options.random_8b)
        try:
            row(options.program, str(options.random_8b), options.tokens, options.memory)
        finally:
            shutil.rmtree(options.random_8b)


if __name__ == "__main__":
    main()
