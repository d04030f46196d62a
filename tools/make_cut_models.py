"""Cuts attention heads out of a llama GGUF model, and writes the same model with the heads zeroed beside it.

usage: make_cut_models.py SOURCE.gguf OUTPUT --kept '0,1,3,5;;3,4,5' [--mlp 48,32,40] [--tokenizer]

--kept names the query heads that stay, a list a layer; a layer with an empty list loses its attention. A kept group of
queries must have as many left as the layer's others. --mlp: how many units of each layer's MLP stay, the first ones.
--tokenizer: both files get a byte-level tokenizer of 256 tokens, for a model of that vocabulary without one.

OUTPUT/cut.gguf     architecture deci: head_count, head_count_kv and feed_forward_length are arrays, and what is cut is
                    gone. idleheads.* says which heads they are of the source's.
OUTPUT/zeroed.gguf  architecture llama: the columns of attn_output, and of ffn_down, that read what is cut are zero.
Both compute the same. Nothing is requantised: rows are whole, and columns must be whole blocks. Where a layer loses its
attention and has a bias of its output, the bias is zero in zeroed.gguf, for cut.gguf has no place for it.
Needs the gguf package.
"""
import argparse
from pathlib import Path

import gguf
import numpy as np

COUNT, KV_COUNT, WIDTH = "attention.head_count", "attention.head_count_kv", "feed_forward_length"


class Source:
    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        assert self.value("general.architecture") == "llama", "the source must be of architecture llama"
        self.layers, self.heads = self.value("llama.block_count"), self.value("llama." + COUNT)
        self.kv_heads = self.value("llama." + KV_COUNT)
        self.head_dim = self.value("llama.attention.key_length") or self.value("llama.embedding_length") // self.heads

    def value(self, key):
        field = self.reader.fields.get(key)
        return field.contents() if field else None


class Cut:
    """What stays of one layer."""

    def __init__(self, source, kept, width):
        self.heads, self.width = kept, width
        group = source.heads // source.kv_heads
        self.kv_heads = sorted({head // group for head in kept})
        sizes = {sum(head // group == kv for head in kept) for kv in self.kv_heads}
        assert len(sizes) <= 1, "groups of a layer must keep as many heads each"

    def rows(self, name, dim):
        """The rows of a tensor that stay; None: all."""
        heads = {"attn_q": self.heads, "attn_k": self.kv_heads, "attn_v": self.kv_heads}.get(name)
        if heads is not None:
            return np.concatenate([np.arange(head * dim, (head + 1) * dim) for head in heads])
        return np.arange(self.width) if name in ("ffn_gate", "ffn_up") and self.width else None

    def columns(self, name, dim):
        if name == "attn_output":
            return np.concatenate([np.arange(head * dim, (head + 1) * dim) for head in self.heads])
        return np.arange(self.width) if name == "ffn_down" and self.width else None


def column_bytes(tensor, columns):
    """The places in a row's bytes of columns that are whole blocks."""
    size, width = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
    blocks = columns.reshape(-1, size)[:, 0] // size
    assert np.array_equal(columns, (blocks[:, None] * size + np.arange(size)).ravel()), "columns are not whole blocks"
    return (blocks[:, None] * width + np.arange(width)).ravel()


def as_bytes(tensor):
    """[rows, bytes of a row]"""
    rows = int(np.prod(tensor.shape[1:])) if len(tensor.shape) > 1 else tensor.shape[0]
    return np.ascontiguousarray(tensor.data).view(np.uint8).reshape(rows, -1)


def cut_tensor(tensor, name, cut, dim):
    """Its bytes in the cut model, or None."""
    data = as_bytes(tensor)
    if not cut.heads and name.startswith("attn_"):
        return None
    base = name.rpartition(".")[0]
    is_matrix = name.endswith(".weight")
    rows, columns = cut.rows(base, dim), cut.columns(base, dim) if is_matrix else None
    if rows is not None:
        data = data[rows]
    return data if columns is None else data[:, column_bytes(tensor, columns)]


def zeroed_tensor(tensor, name, cut, dim):
    data = as_bytes(tensor).copy()
    base = name.rpartition(".")[0]
    if not cut.heads and name in ("attn_output.weight", "attn_output.bias"):
        data[:] = 0
    elif name.endswith(".weight") and (columns := cut.columns(base, dim)) is not None:
        gone = np.setdiff1d(np.arange(int(tensor.shape[0])), columns)
        if len(gone):
            data[:, column_bytes(tensor, gone)] = 0
    return data


def byte_tokenizer():
    """Metadata of a tokenizer in GPT-2's spelling of bytes. UTF-8 has no bytes 254 and 255: </s>, and one merge."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in plain)
    names = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    tokens = [names[byte] for byte in range(254)] + ["</s>", "th"]
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": [1] * 254 + [3, 1], "tokenizer.ggml.merges": ["t h"],
            "tokenizer.ggml.eos_token_id": 254}


def add(writer, name, value):
    adders = {list: writer.add_array, str: writer.add_string, int: writer.add_uint32}
    adders[type(value)](name, value)


def write(source, path, architecture, cuts, change, more):
    writer = gguf.GGUFWriter(path, architecture)
    for field in source.reader.fields.values():
        name = field.name.replace("llama.", architecture + ".", 1) if field.name.startswith("llama.") else field.name
        if field.name.startswith("GGUF.") or field.name == "general.architecture" or name in more:
            continue
        types = field.types
        writer.add_key_value(name, field.contents(), types[0], types[-1] if len(types) > 1 else None)
    for name, value in more.items():
        add(writer, name, value)
    for tensor in source.reader.tensors:
        data = as_bytes(tensor)
        if tensor.name.startswith("blk."):
            _, layer, name = tensor.name.split(".", 2)
            data = change(tensor, name, cuts[int(layer)], source.head_dim)
        if data is None:
            continue
        flat = np.ascontiguousarray(data.reshape(-1) if len(tensor.shape) == 1 else data)
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(tensor.name, flat.view(np.float32))
        elif tensor.tensor_type == gguf.GGMLQuantizationType.F16:
            writer.add_tensor(tensor.name, flat.view(np.float16))
        else:
            writer.add_tensor(tensor.name, flat, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("source")
    parser.add_argument("output", type=Path)
    parser.add_argument("--kept", required=True)
    parser.add_argument("--mlp")
    parser.add_argument("--tokenizer", action="store_true")
    arguments = parser.parse_args()
    source = Source(arguments.source)
    kept = [[int(head) for head in layer.split(",") if head] for layer in arguments.kept.split(";")]
    assert len(kept) == source.layers, f"--kept has {len(kept)} lists, the model {source.layers} layers"
    whole = source.value("llama." + WIDTH)
    widths = [int(width) for width in arguments.mlp.split(",")] if arguments.mlp else [whole] * source.layers
    cuts = [Cut(source, heads, width if width < whole else 0) for heads, width in zip(kept, widths, strict=True)]
    arguments.output.mkdir(parents=True, exist_ok=True)
    cut_keys = {"deci." + COUNT: [len(cut.heads) for cut in cuts],
                "deci." + KV_COUNT: [len(cut.kv_heads) for cut in cuts],
                "deci." + WIDTH: widths,
                "deci.attention.key_length": source.head_dim, "deci.attention.value_length": source.head_dim,
                "idleheads.head_count": source.heads, "idleheads.head_count_kv": source.kv_heads,
                "idleheads.kept_heads": [",".join(map(str, cut.heads)) for cut in cuts],
                "idleheads.kept_kv_heads": [",".join(map(str, cut.kv_heads)) for cut in cuts]}
    tokenizer = byte_tokenizer() if arguments.tokenizer else {}
    write(source, arguments.output / "cut.gguf", "deci", cuts, cut_tensor, cut_keys | tokenizer)
    write(source, arguments.output / "zeroed.gguf", "llama", cuts, zeroed_tensor, tokenizer)


if __name__ == "__main__":
    main()
