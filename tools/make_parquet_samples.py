#!/usr/bin/env python3
"""Writes tests/data/parquet/ and seeds of the fuzz target: files as people have them (by pyarrow), and files made to harm a reader (byte by byte).

usage: make_parquet_samples.py    needs the packages of requirements_parquet.txt

The files in hostile/ promise gigabytes in a few hundred bytes, or break one rule of the format each. README.md beside them says
which.
"""
import datetime
import decimal
import gzip
import pathlib
import struct

import brotli
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "parquet"
ROWS = pa.table({
    "question": ["Which is \u00e9ven?", "Which is odd?\n", ""],
    "choices": [["1", "2"], ["4", "5", "6"], []],
    "answer": [1, 1, None],
})

# ---- files as people have them ----


def every_type():
    """A text that is wanted beside columns of all types that nobody wants."""
    day = datetime.datetime(2024, 2, 29, 12, 30)
    fields = {
        "binary": (pa.binary(), [b"\xff\x00", None]),
        "fixed": (pa.binary(3), [b"abc", b"\xff\xfe\xfd"]),
        "decimal": (pa.decimal128(9, 2), [decimal.Decimal("1.25"), None]),
        "decimal_large": (pa.decimal256(50, 2), [decimal.Decimal("1.25"), None]),
        "date": (pa.date32(), [day.date(), None]),
        "time": (pa.time64("us"), [day.time(), None]),
        "seconds": (pa.timestamp("ms", "UTC"), [day, None]),
        "nanoseconds": (pa.timestamp("ns"), [day, None]),
        "duration": (pa.duration("us"), [datetime.timedelta(1), None]),
        "half": (pa.float16(), [np.float16(0.5), None]),
        "map": (pa.map_(pa.string(), pa.int32()), [[("a", 1)], []]),
        "image": (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), [{"bytes": b"\x89PNG", "path": "a"}, None]),
        "images": (pa.list_(pa.struct([("bytes", pa.binary())])), [[{"bytes": b"\x00"}], []]),
        "deep": (pa.list_(pa.list_(pa.float64())), [[[1.5], []], None]),
        "nothing": (pa.null(), [None, None]),
        "unsigned": (pa.uint64(), [2**64 - 1, 0]),
        "small": (pa.int8(), [-1, None]),
        "flag": (pa.bool_(), [True, None]),
        "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["x", "x"]),
        "large": (pa.large_string(), ["y", None]),
        "records": (pa.list_(pa.struct([("text", pa.string()), ("n", pa.int32())])), [[{"text": "t", "n": 1}], []]),
        "question": (pa.string(), ["first", "second"]),
    }
    return pa.table({name: pa.array(values, kind) for name, (kind, values) in fields.items()})


def write_ordinary():
    for codec in ("none", "snappy", "gzip", "brotli", "lz4", "zstd"):
        pq.write_table(ROWS, TARGET / f"{codec}.parquet", compression=codec)
    pq.write_table(every_type(), TARGET / "every_type.parquet", compression="zstd")
    old = pa.table({"when": [datetime.datetime(2020, 1, 1)], "question": ["old"]})
    pq.write_table(old, TARGET / "int96.parquet", use_deprecated_int96_timestamps=True, use_compliant_nested_type=False)
    pq.write_table(ROWS, TARGET / "sums.parquet", compression="none", write_page_checksum=True)
    pq.write_table(ROWS, TARGET / "groups.parquet", row_group_size=1, data_page_version="2.0", compression="gzip")
    # 200 values: more than one block of 128 lengths
    texts = [f"prefix {i // 7} and {'x' * (i % 5)}" for i in range(200)]
    delta = pa.table({"length": texts, "prefix": texts, "number": list(range(200)), "some": [t if i % 3 else None for i, t in enumerate(texts)]})
    encodings = {"length": "DELTA_LENGTH_BYTE_ARRAY", "prefix": "DELTA_BYTE_ARRAY", "number": "DELTA_BINARY_PACKED", "some": "DELTA_BYTE_ARRAY"}
    for version in ("1.0", "2.0"):
        pq.write_table(delta, TARGET / f"delta_{version[0]}.parquet", use_dictionary=False, column_encoding=encodings, data_page_version=version)


# ---- Thrift's compact protocol ----

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def zigzag(value):
    return number(value * 2 if value >= 0 else -value * 2 - 1)


def text(value):
    return number(len(value)) + value


def items(kind, values, count=None):
    count = len(values) if count is None else count
    return (bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + number(count)) + b"".join(values)


def fields(*given):
    """A structure of (number, kind, bytes of the value), in order."""
    out, last = b"", 0
    for place, kind, value in given:
        out += bytes([(place - last) << 4 | kind]) + value
        last = place
    return out + b"\0"


# ---- Parquet ----

BOOLEAN, INT32, INT64, BYTE_ARRAY = 0, 1, 2, 6
REQUIRED, OPTIONAL, REPEATED = 0, 1, 2
UTF8, AS_LIST = 0, 3
PLAIN, RLE, DELTA_LENGTH, DELTA_TEXT, RLE_DICTIONARY = 0, 3, 6, 7, 8
NONE, SNAPPY, GZIP, BROTLI, LZ4, ZSTD = 0, 1, 2, 4, 5, 6


def element(name, physical=None, repetition=None, children=None, converted=None):
    given = [(1, I32, physical), (3, I32, repetition), (4, BINARY, text(name)), (5, I32, children), (6, I32, converted)]
    return fields(*[(p, k, v if k == BINARY else zigzag(v)) for p, k, v in given if v is not None])


TEXT_SCHEMA = [element(b"root", children=1), element(b"t", BYTE_ARRAY, REQUIRED, converted=UTF8)]
LIST_SCHEMA = [element(b"root", children=1), element(b"t", None, OPTIONAL, 1, AS_LIST), element(b"list", None, REPEATED, 1),
               element(b"element", BYTE_ARRAY, REQUIRED, converted=UTF8)]


def page(body, values, encoding=PLAIN, dictionary=False, unpacked=None, packed=None):
    header = [(1, I32, zigzag(2 if dictionary else 0)), (2, I32, zigzag(len(body) if unpacked is None else unpacked)),
              (3, I32, zigzag(len(body) if packed is None else packed))]
    counts = [(1, I32, zigzag(values)), (2, I32, zigzag(encoding))]
    header.append((7, STRUCT, fields(*counts)) if dictionary else (5, STRUCT, fields(*counts, (3, I32, zigzag(RLE)), (4, I32, zigzag(RLE)))))
    return fields(*header) + body


def plain(*texts):
    return b"".join(struct.pack("<I", len(t)) + t for t in texts)


def chunk(data, path, values, codec=NONE, dictionary=False, at=4, size=None, other_file=None):
    meta = [(1, I32, zigzag(BYTE_ARRAY)), (2, LIST, items(I32, [zigzag(PLAIN), zigzag(RLE)])), (3, LIST, items(BINARY, [text(p) for p in path])),
            (4, I32, zigzag(codec)), (5, I64, zigzag(values)), (6, I64, zigzag(len(data))),
            (7, I64, zigzag(len(data) if size is None else size)), (9, I64, zigzag(at))]
    if dictionary:
        meta.append((11, I64, zigzag(at)))
    first = [(1, BINARY, text(other_file))] if other_file else []
    return fields(*first, (2, I64, zigzag(at)), (3, STRUCT, fields(*meta)))


def parquet(data, schema, groups, rows, schema_count=None, group_count=None, magic=b"PAR1", footer_size=None):
    footer = fields((1, I32, zigzag(2)), (2, LIST, items(STRUCT, schema, schema_count)), (3, I64, zigzag(rows)),
                    (4, LIST, items(STRUCT, groups, group_count)))
    return b"PAR1" + data + footer + struct.pack("<I", len(footer) if footer_size is None else footer_size) + magic


def group(chunks, rows):
    return fields((1, LIST, items(STRUCT, chunks)), (2, I64, zigzag(100)), (3, I64, zigzag(rows)))


def one_column(data, rows, path=(b"t",), schema=None, values=None, all_rows=None, **kwargs):
    values = rows if values is None else values
    return parquet(data, schema or TEXT_SCHEMA, [group([chunk(data, path, values, **kwargs)], rows)], rows if all_rows is None else all_rows)


def lengths(count, width=0, first=0):
    """DELTA_BINARY_PACKED: a block of 128 in 4 parts, equal numbers."""
    return number(128) + number(4) + number(count) + zigzag(first) + (zigzag(0) + bytes([width] * 4)) * ((max(count, 1) + 126) // 128 if count < 10**6 else 1)


SAME = 40000  # values


def same_text(size):
    """DELTA_BYTE_ARRAY: a text of a size, and then the whole of it again for every other value."""
    header = number(128) + number(4) + number(SAME)
    rest = (zigzag(0) + bytes(4)) * 312
    prefixes = header + zigzag(0) + zigzag(0) + bytes([32, 0, 0, 0]) + struct.pack("<I", size) + bytes(124) + rest
    suffixes = header + zigzag(size) + zigzag(-size) + bytes([32] * 4) + bytes(4) + struct.pack("<I", size) * 127 + rest
    return prefixes + suffixes + b"a" * size


def lz4_of_hadoop(texts):
    """As parquet-cpp wrote it before LZ4_RAW: sizes in big-endian order before a block; here one of literals alone."""
    body = plain(*texts)
    extra = len(body) - 15
    block = bytes([0xF0]) + b"\xff" * (extra // 255) + bytes([extra % 255]) + body
    packed = struct.pack(">II", len(body), len(block)) + block
    return page(packed, len(texts), unpacked=len(body))


def write_hostile():
    zeros = zstandard.ZstdCompressor(19)
    mega = 1 << 20
    levels = struct.pack("<I", 4)
    dictionary = zeros.compress(plain(b"a" * mega))
    dictionary_page = page(dictionary, 1, dictionary=True, unpacked=4 + mega)

    def dictionary_bomb(count):
        return dictionary_page + page(zeros.compress(b"\1" + number(count << 1) + b"\0"), count, RLE_DICTIONARY,
                                      unpacked=2 + len(number(count << 1)))

    # one row with a list of as many: repetition level 1 behind the first, definition level 2
    count = 1 << 18
    repeated = b"\x02\0" + number(count - 1 << 1) + b"\1"
    defined = number(count << 1) + b"\2"
    in_list = struct.pack("<I", len(repeated)) + repeated + struct.pack("<I", len(defined)) + defined + b"\1" + number(count << 1) + b"\0"
    many = parquet(b"", [element(b"root", children=1)] + [element(b"g", None, REQUIRED, 1)] * 5000 + [element(b"t", BYTE_ARRAY, REQUIRED)], [], 0)
    small = page(plain(b"a", b"b"), 2)
    files = {
        "dictionary": one_column(dictionary_bomb(1 << 17), 1 << 17, codec=ZSTD, dictionary=True),
        "dictionary_in_list": one_column(dictionary_page + page(zeros.compress(in_list), count, RLE_DICTIONARY, unpacked=len(in_list)), 1,
                                         (b"t", b"list", b"element"), LIST_SCHEMA, count, codec=ZSTD, dictionary=True),
        "dictionary_count": one_column(page(plain(b"a"), 2**31 - 1, dictionary=True) + page(b"\1\x08\0", 4, RLE_DICTIONARY), 4, dictionary=True),
        "page_zstd": one_column(page(zeros.compress(plain(b"a" * (100 * mega))), 1, unpacked=4 + 100 * mega), 1, codec=ZSTD),
        "page_declares_2g": one_column(page(plain(b"a"), 1, unpacked=2**31 - 1), 1, codec=SNAPPY),
        "page_gzip": one_column(page(gzip.compress(b"\0" * mega, mtime=0), 1, unpacked=8), 1, codec=GZIP),
        "page_brotli": one_column(page(brotli.compress(b"\0" * (64 * mega)), 1, unpacked=8), 1, codec=BROTLI),
        "page_gzip_short": one_column(page(gzip.compress(plain(b"a"), mtime=0), 1, unpacked=mega), 1, codec=GZIP),
        "page_below_0": one_column(page(plain(b"a"), 1, unpacked=-5), 1),
        "page_too_long": one_column(page(plain(b"a"), 1, packed=1000), 1),
        "page_values": one_column(page(plain(b"a"), 2**31 - 1), 1, values=2**31 - 1),
        "page_empty_many": one_column(page(b"", 0) * 2000, 1),
        "delta_lengths": one_column(page(lengths(2**62), 4, DELTA_LENGTH), 4),
        "delta_suffixes": one_column(page(lengths(4) + lengths(2**40), 4, DELTA_TEXT), 4),
        "delta_parts": one_column(page(number(2**40) + number(2**32) + number(4) + b"\0", 4, DELTA_LENGTH), 4),
        "delta_prefix": one_column(page(zeros.compress(same_text(mega)), SAME, DELTA_TEXT, unpacked=len(same_text(mega))), SAME, codec=ZSTD),
        "rows_more_than_values": one_column(small, 1 << 18, values=2),
        "rows_2_to_62": one_column(small, 2**62, values=2),
        "rows_below_0": one_column(small, -1, values=2),
        "rows_differ": one_column(small, 2, all_rows=3),
        "rows_without_columns": parquet(b"", [element(b"root", children=0)], [group([], 2**60)], 2**60),
        "chunk_outside": one_column(small, 2, at=10**6),
        "chunk_below_0": one_column(small, 2, at=-4),
        "chunk_size": one_column(small, 2, size=2**62),
        "chunk_elsewhere": one_column(small, 2, other_file=b"/etc/passwd"),
        "footer_size": parquet(b"", TEXT_SCHEMA, [], 0, footer_size=2**32 - 1),
        "footer_list": parquet(b"", TEXT_SCHEMA, [], 0, group_count=2**31 - 1),
        "schema_list": parquet(b"", TEXT_SCHEMA, [], 0, schema_count=2**31 - 1),
        "schema_children": parquet(b"", [element(b"root", children=2**31 - 1)] + TEXT_SCHEMA[1:], [], 0),
        "schema_children_below_0": parquet(b"", [element(b"root", children=-1)] + TEXT_SCHEMA[1:], [], 0),
        "schema_deep": many,
        "schema_twice": parquet(small, [element(b"root", children=2)] + TEXT_SCHEMA[1:] * 2, [group([chunk(small, [b"t"], 2)] * 2, 2)], 2),
        "schema_empty": parquet(b"", [], [], 0),
        "text_not_utf8": one_column(page(plain(b"a", b"\xff\xfe"), 2), 2),
        "text_too_long": one_column(page(struct.pack("<I", 2**32 - 1) + b"a", 1), 1),
        "encrypted": parquet(b"", TEXT_SCHEMA, [], 0, magic=b"PARE"),
    }
    for name, data in files.items():
        (TARGET / "hostile" / f"{name}.parquet").write_bytes(data)
    (TARGET / "lz4_hadoop.parquet").write_bytes(one_column(lz4_of_hadoop([b"old", b"and older"]), 2, codec=LZ4))
    (TARGET / "two_texts.parquet").write_bytes(one_column(small, 2))


def write_seeds():
    corpus = TARGET.parent.parent / "fuzz" / "corpus" / "fuzz_parquet"
    corpus.mkdir(parents=True, exist_ok=True)
    for name in ("two_texts", "snappy", "zstd", "delta_2", "hostile/dictionary", "hostile/dictionary_in_list", "hostile/delta_suffixes"):
        (corpus / f"{pathlib.Path(name).name}.parquet").write_bytes((TARGET / f"{name}.parquet").read_bytes())


(TARGET / "hostile").mkdir(parents=True, exist_ok=True)
write_ordinary()
write_hostile()
write_seeds()
