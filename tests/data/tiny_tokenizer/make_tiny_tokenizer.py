#!/usr/bin/env python3
"""Writes tokenizer.json of this folder: a byte-level BPE of 300 tokens (256 bytes, 41 merges, 3 special tokens)."""
import json
import pathlib

WORDS = "Ġthe Ġand Ġing Ġthere ĠHello world 12 00 é".split()
SPECIAL = ["<s>", "</s>", "<|user|>"]


def byte_characters():
    """GPT-2's printable stand-ins of the 256 bytes, in the order of the bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in kept]
    names = {b: chr(b) for b in kept} | {b: chr(256 + i) for i, b in enumerate(moved)}
    return [names[b] for b in range(256)]


def merges_of(words, count):
    """Merges that make each word from left to right."""
    merges = []
    for word in words:
        for end in range(1, len(word)):
            merge = (word[:end], word[end])
            if merge not in merges:
                merges.append(merge)
    extra = (("a", letter) for letter in "bcdefghijklmnopqrstuvwxyz")
    while len(merges) < count:
        merges.append(next(extra))
    return merges[:count]


names = byte_characters()
words = [word.replace("é", names[0xC3] + names[0xA9]) for word in WORDS]
merges = merges_of(words, 41)
vocabulary = names + [left + right for left, right in merges]
added = [{"id": len(vocabulary) + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
          "normalized": False, "special": True} for i, text in enumerate(SPECIAL)]
bos = len(vocabulary)
tokenizer = {
    "version": "1.0",
    # Not to be used: they are the business of the caller of a tokenizer.
    "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
    "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                "pad_type_id": 0, "pad_token": "!"},
    "added_tokens": added,
    "normalizer": None,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                {"Sequence": {"id": "A", "type_id": 0}}],
                       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                       "special_tokens": {"<s>": {"id": "<s>", "ids": [bos], "tokens": ["<s>"]}}},
    "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
              "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
              "vocab": {token: i for i, token in enumerate(vocabulary)},
              "merges": [" ".join(merge) for merge in merges]},
}
path = pathlib.Path(__file__).parent / "tokenizer.json"
path.write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
