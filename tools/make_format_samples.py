#!/usr/bin/env python3
"""Writes tests/data/format/sample.gguf and the seed corpora of the fuzz targets in tests/fuzz/corpus/.

usage: make_format_samples.py    needs numpy and gguf (made with gguf 0.19.0)

sample.gguf is written by the gguf package, so the test that reads it does not depend on this project's own idea of the
format.
"""
import json
import pathlib
import struct

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests"
CORPUS = TESTS / "fuzz" / "corpus"


def write_gguf(path, alignment=None):
    writer = GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_block_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_key_value("test.i8", -5, GGUFValueType.INT8)
    writer.add_key_value("test.u64", 2**63 - 1, GGUFValueType.UINT64)
    writer.add_key_value("test.f64", 0.1, GGUFValueType.FLOAT64)
    writer.add_bool("test.flag", True)
    writer.add_token_list(["<s>", "a", "\u0120t"])
    writer.add_token_types([3, 1, 1])
    writer.add_token_scores([0.0, -1.5, -2.0])
    writer.add_array("test.flags", [True, False])
    writer.add_tensor("output_norm.weight", np.arange(6, dtype=np.float32))
    writer.add_tensor("blk.0.attn_q.weight", np.arange(6, dtype=np.float16).reshape(2, 3))
    q8_0 = np.arange(3 * 34, dtype=np.uint8).reshape(3, 34)
    writer.add_tensor("token_embd.weight", q8_0, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_safetensors(path, header, data):
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def seeds(target):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main():
    (TESTS / "data" / "format").mkdir(parents=True, exist_ok=True)
    write_gguf(TESTS / "data" / "format" / "sample.gguf")
    write_gguf(seeds("fuzz_gguf") / "all_kinds.gguf")
    write_gguf(seeds("fuzz_gguf") / "alignment_64.gguf", alignment=64)
    (seeds("fuzz_gguf") / "empty.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 2, 0, 0))

    folder = seeds("fuzz_safetensors")
    write_safetensors(folder / "empty.safetensors", {}, b"")
    write_safetensors(folder / "scalar.safetensors", {"s": entry("F32", [], 0, 4)}, bytes(4))
    header = {
        "__metadata__": {"format": "pt"},
        "model.norm.weight": entry("F32", [2, 3], 0, 24),
        "lm_head.weight": entry("BF16", [4], 24, 32),
        "nothing": entry("F16", [0, 5], 32, 32),
    }
    write_safetensors(folder / "three.safetensors", header, bytes(range(32)))
    header = {"w_blocks": entry("U8", [1, 2, 16], 0, 32), "w_scales": entry("U8", [1, 2], 32, 34)}
    write_safetensors(folder / "mxfp4.safetensors", header, bytes(range(34)))

    folder = seeds("fuzz_json")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 64,
        "rms_norm_eps": 1e-5,
        "rope_scaling": {"factor": 8.0, "rope_type": "llama3"},
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "text": "\u00e9\u4e2d\ud83d\ude00 \"\\/\b\f\n\r\t",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "numbers.json").write_text("[0, -1, 18446744073709551615, 1e308, -0.0, 2.5E-3]\n")
    (folder / "nested.json").write_text("[" * 64 + "]" * 64)
    (folder / "duplicate.json").write_text('{"a": {"b": 1},\n "a": 2}\n')


if __name__ == "__main__":
    main()
