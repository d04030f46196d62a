#!/usr/bin/env python3
"""Writes tests/data/format/dequant_<TYPE>.bin: random blocks of every supported GGML type and their float32 values.

usage: make_dequant_golden.py [OUTPUT_FOLDER]    needs numpy and gguf (made with gguf 0.19.0, numpy 2.x)

The values are those of gguf.quants.dequantize. Q8_K is not in that module: its values come from ggml's definition of the
block (float scale, 256 int8, 16 int16 sums that do not enter), in float32. Half of the blocks are random bytes all through,
scales with NaN and infinities included; in the others the scales are of the size that models have.

File: uint32 number of blocks, the blocks' bytes, the elements as float32; little-endian.
"""
import pathlib
import struct
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf import quants

SEED = 20250403
# Type: (blocks, byte offsets of the half-precision numbers in a block)
TYPES = {
    Type.F32: (256, []),
    Type.F16: (512, []),
    Type.BF16: (512, []),
    Type.Q4_0: (48, [0]),
    Type.Q4_1: (48, [0, 2]),
    Type.Q5_0: (48, [0]),
    Type.Q5_1: (48, [0, 2]),
    Type.Q8_0: (48, [0]),
    Type.Q2_K: (20, [80, 82]),
    Type.Q3_K: (20, [108]),
    Type.Q4_K: (20, [0, 2]),
    Type.Q5_K: (20, [0, 2]),
    Type.Q6_K: (20, [208]),
    Type.Q8_K: (20, []),
    Type.IQ4_NL: (48, [0]),
    Type.IQ4_XS: (20, [0]),
    Type.MXFP4: (48, []),
}


def random_blocks(rng, kind):
    count, halves = TYPES[kind]
    _, block_bytes = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (count, block_bytes), dtype=np.uint8)
    sane = count // 2
    for at in halves:
        scales = (rng.standard_normal(sane) * 0.02).astype(np.float16)
        blocks[:sane, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
    if kind == Type.Q8_K:
        scales = (rng.standard_normal(sane) * 0.02).astype(np.float32)
        blocks[:sane, :4] = scales.view(np.uint8).reshape(-1, 4)
    if kind == Type.MXFP4:  # exponents of 2, a byte with 127 for 0
        blocks[:sane, 0] = rng.integers(110, 130, sane)
        blocks[sane : sane + 6, 0] = [0, 1, 2, 3, 254, 255]
    return blocks


def dequantize_q8_k(blocks):
    scales = np.ascontiguousarray(blocks[:, :4]).view(np.float32)
    return scales * np.ascontiguousarray(blocks[:, 4:260]).view(np.int8).astype(np.float32)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "format"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    for kind in TYPES:
        blocks = random_blocks(rng, kind)
        with np.errstate(all="ignore"):
            if kind == Type.Q8_K:
                values = dequantize_q8_k(blocks)
            else:
                values = quants.dequantize(blocks, kind)
        values = np.ascontiguousarray(values, dtype=np.float32)
        assert values.size == len(blocks) * GGML_QUANT_SIZES[kind][0]
        (folder / f"dequant_{kind.name}.bin").write_bytes(struct.pack("<I", len(blocks)) + blocks.tobytes() + values.tobytes())


if __name__ == "__main__":
    main()
