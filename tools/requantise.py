#!/usr/bin/env python3
"""A GGUF file with its matrices in another type, from the values that it has: tools/requantise.py IN.gguf OUT.gguf TYPE

TYPE is one that the package `gguf` can write: F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, Q4_1. Embeddings become Q8_0 (F16 for F16), vectors stay
float32. Needs `pip install gguf`; it made the files of docs/results.md.
"""
import sys

from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize

EMBEDDINGS = "token_embd.weight"


def copy_metadata(reader: GGUFReader, writer: GGUFWriter) -> None:
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer has these itself
        is_array = field.types[0] == GGUFValueType.ARRAY
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=field.types[-1] if is_array else None)


def copy_tensors(reader: GGUFReader, writer: GGUFWriter, wanted: GGMLQuantizationType) -> None:
    for tensor in reader.tensors:
        kind = wanted
        if tensor.tensor_type == GGMLQuantizationType.F32:
            kind = GGMLQuantizationType.F32
        elif tensor.name == EMBEDDINGS and wanted != GGMLQuantizationType.F16:
            kind = GGMLQuantizationType.Q8_0
        values = dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, quantize(values, kind), raw_dtype=kind)


def main() -> None:
    if len(sys.argv) != 4 or sys.argv[3] not in GGMLQuantizationType.__members__:
        sys.exit(__doc__)
    source, target, kind = sys.argv[1:]
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer)
    copy_tensors(reader, writer, GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
