#!/usr/bin/env python3
"""Keeps of a GGUF file's byte-level BPE tokenizer what the golden prompts need: their tokens, and the merges that make them.

usage: make_token_pieces.py MODEL.gguf PROMPTS TOKENS.jsonl > pieces.json
PROMPTS is the folder of golden prompts, TOKENS.jsonl the golden token ids of the model in it. Merges that never apply in these
texts change nothing in them, so the kept part gives the same ids; this program encodes the texts itself and stops if it does not.
"""
import json
import pathlib
import struct
import sys

import regex

SPLITS = {  # pre-tokenizer -> whether each digit is a piece of its own, pieces
    "smollm": (True, r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    "qwen2": (False, r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
}
SPECIAL = (3, 4)  # token types of GGUF: control, user-defined


def byte_letters():
    """GPT-2's letter for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def read_metadata(path):
    data = memoryview(pathlib.Path(path).read_bytes())
    formats = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    at = 24
    count = struct.unpack_from("<Q", data, 16)[0]

    def take(kind):
        nonlocal at
        if kind in formats:
            value = struct.unpack_from("<" + formats[kind], data, at)[0]
            at += struct.calcsize("<" + formats[kind])
            return value
        if kind == 8:
            size = take(10)
            at += size
            return str(data[at - size:at], "utf-8")
        element, size = take(4), take(10)
        return [take(element) for _ in range(size)]

    return {key: take(take(4)) for key in (take(8) for _ in range(count))}


class Bpe:
    def __init__(self, metadata):
        self.tokens = metadata["tokenizer.ggml.tokens"]
        self.types = metadata["tokenizer.ggml.token_type"]
        self.merges = [tuple(m.split(" ")) for m in metadata["tokenizer.ggml.merges"]]
        self.rank = {merge: i for i, merge in enumerate(self.merges)}
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.digits, split = SPLITS[metadata["tokenizer.ggml.pre"]]
        self.split = regex.compile(split)
        special = [t for t, kind in zip(self.tokens, self.types) if kind in SPECIAL]
        self.special = regex.compile("(" + "|".join(map(regex.escape, sorted(special, key=len, reverse=True))) + ")")
        self.letters = byte_letters()
        self.used_tokens, self.used_merges = set(), set()

    def pieces(self, text):
        parts = regex.split(r"(\p{Nd})", text) if self.digits else [text]
        return [piece for part in parts for piece in self.split.findall(part)]

    def encode(self, text):
        out = []
        for i, part in enumerate(self.special.split(text)):
            symbols_of = [[part]] if i % 2 else [self.merge(piece) for piece in self.pieces(part)]
            out += [self.ids[symbol] for symbols in symbols_of for symbol in symbols]
        self.used_tokens.update(out)
        return out

    def merge(self, piece):
        symbols = [self.letters[b] for b in piece.encode()]
        self.used_tokens.update(self.ids[s] for s in symbols)
        while len(symbols) > 1:
            rank, at = min((self.rank.get(pair, len(self.merges)), k) for k, pair in enumerate(zip(symbols, symbols[1:])))
            if rank == len(self.merges):
                break
            self.used_merges.add(rank)
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
            self.used_tokens.add(self.ids[symbols[at]])
        return symbols


def main():
    metadata = read_metadata(sys.argv[1])
    prompts = pathlib.Path(sys.argv[2])
    lines = lambda name: [json.loads(line) for line in (prompts / name).read_text().split("\n") if line]
    bpe = Bpe(metadata)
    for ids in lines(sys.argv[3]):
        prompt = lines(ids["file"])[ids["line"]]
        contexts = prompt.get("contexts") or [prompt["context"]]
        choices = prompt.get("choices", [])
        for j in range(max(len(choices), 1)):
            own = "contexts_ids" in ids
            context = contexts[j if own else 0]
            before = ids["contexts_ids"][j] if own else ids["context_ids"]
            space = context[len(context.rstrip()):] if choices else ""
            assert bpe.encode(context[:len(context) - len(space)]) == before, ids
            if choices:
                assert bpe.encode(context + choices[j]) == before + ids["continuation_ids"][j], ids
    kept = sorted(bpe.used_tokens | {i for i, kind in enumerate(bpe.types) if kind in SPECIAL})
    json.dump({
        "pre": metadata["tokenizer.ggml.pre"],
        "size": len(bpe.tokens),
        "bos": metadata.get("tokenizer.ggml.bos_token_id"),
        "eos": metadata["tokenizer.ggml.eos_token_id"],
        "tokens": {str(i): bpe.tokens[i] for i in kept},
        "special": {str(i): bpe.types[i] for i in kept if bpe.types[i] in SPECIAL},
        "merges": [" ".join(bpe.merges[i]) for i in sorted(bpe.used_merges)],
    }, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
