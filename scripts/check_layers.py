#!/usr/bin/env python3
"""Proves from the text of src/ that dependencies point one way only, and that only the CLI prints or exits.

usage: check_layers.py [ROOT | --self-test]    prints one line a violation; exit code 1 if there is any
"""
import pathlib
import re
import sys
import tempfile

# What each layer (a folder of src/, or the public header) may include besides itself: only layers above it in this list.
ALLOWED = {
    "base": [],
    "format": ["base"],
    "heads": ["base"],
    "model": ["base", "format"],
    "engine": ["base", "format", "heads", "model"],
    "cuda": ["base", "format", "heads", "model", "engine"],
    "analysis": ["base", "heads"],
    "task": ["base", "format", "heads", "model", "engine", "analysis"],
    "study": ["base", "format", "heads", "model", "engine", "task", "analysis"],
    "report": ["base", "format", "heads", "analysis", "study"],
    "idleheads.h": ["base", "format", "heads", "model", "engine", "task", "analysis", "study", "report"],
    "prune": ["base", "format", "heads", "model", "engine", "task", "analysis", "study", "report"],
    "cli": ["base", "format", "heads", "model", "engine", "task", "analysis", "study", "report", "prune", "idleheads.h"],
}
# Headers of libraries that only some files may include: what is included, the files, why.
ONLY_IN = [
    (r"(oneapi/)?dnnl", r"engine/cpu/linear\.cc", "oneDNN is used by engine/cpu/linear.cc alone"),
    (r"cublasLt\.h", r"cuda/products\.cc", "cuBLASLt is used by cuda/products.cc alone"),
    (r"sqlite3\.h", r"study/.*", "SQLite is used by the study layer alone"),
    (r"idleheads_text\.h", r"model/.*|format/parquet\.cc|base/(hash|regex|utf8)\.cc|report/zip_writer\.cc",
     "the text library is used by the model layer and where a class wraps a part of it"),
    (r"utf8\.h", r"base/utf8\.cc", "UTF-8 is read by base/utf8.h alone"),
    (r"CLI/", r"cli/.*", "CLI11 is used by the CLI alone"),
    (r"iostream", r"cli/.*", "only the CLI prints"),
]
PRINTS = re.compile(r"\b(v?f?printf|f?puts|fmt::print|exit|_Exit|quick_exit)\s*\(|\bstd::(cout|cerr|clog)\b")
DUMPS = re.compile(r"\.dump\(")
MARKERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
INCLUDE = re.compile(r'\s*#\s*include\s*["<]([^">]+)[">]')
MAX_LINES = 500

for position, (layer, below) in enumerate(ALLOWED.items()):
    assert set(below) <= set(list(ALLOWED)[:position]), f"the table lets {layer} depend on a later layer"


def violations_of_include(name, header):
    layer, target = name.split("/")[0], header.split("/")[0]
    is_ours = target in ALLOWED and header != target.removesuffix(".h")  # <format> is not a layer
    if is_ours and target != layer and target not in ALLOWED[layer]:
        yield f"{layer} must not include {header}; it may use: {', '.join(ALLOWED[layer]) or 'nothing'}"
    for pattern, files, why in ONLY_IN:
        if re.match(pattern, header) and not re.fullmatch(files, name):
            yield f"must not include {header}: {why}"


def violations_of_line(name, line):
    if include := INCLUDE.match(line):
        yield from violations_of_include(name, include[1])
    if marker := MARKERS.search(line):
        yield f"{marker[0]} left in the code"
    if name != "format/json.cc" and DUMPS.search(line):
        yield "dump() throws at bytes that are not UTF-8: use dump_json or dump_ascii of format/json.h"
    if not name.startswith("cli/") and (call := PRINTS.search(line.split("//")[0])):
        yield f"'{call[0]}' outside src/cli: only the CLI prints or exits"


def violations(root):
    for path in sorted(p for p in (root / "src").rglob("*") if p.suffix in (".h", ".cc")):
        name = path.relative_to(root / "src").as_posix()
        lines = path.read_text(encoding="utf-8").splitlines()
        if name.split("/")[0] not in ALLOWED:
            yield f"{path}:1: not in the folder of a layer; the layers are {', '.join(ALLOWED)}"
            continue
        for number, line in enumerate(lines, 1):
            yield from (f"{path}:{number}: {message}" for message in violations_of_line(name, line))
        if len(lines) > MAX_LINES:
            yield f"{path}:{len(lines)}: {len(lines)} lines; split files above {MAX_LINES}"


def self_test():
    """Each wrong file gives exactly one violation, the right ones none."""
    wrong = [
        ("heads/a.cc", '#include "model/config.h"'),
        ("report/a.cc", '#include "engine/engine.h"'),
        ("engine/ops.cc", "#include <oneapi/dnnl/dnnl.hpp>"),
        ("engine/b.h", '#  include "dnnl.hpp"'),
        ("format/a.h", "#include <iostream>"),
        ("base/a.cc", '  std::printf("x");'),
        ("base/b.cc", "  std::cerr << x;"),
        ("study/a.cc", "  exit(1);"),
        ("task/a.cc", "int x;  // TO" "DO"),
        ("model/long.cc", "\n" * (MAX_LINES + 1)),
        ("other/a.cc", ""),
        ("study/b.cc", '#include "idleheads.h"'),
        ("task/b.cc", "return json.dump();"),
    ]
    right = [
        ("engine/cpu/linear.cc", "#include <dnnl.hpp>"),
        ("report/b.cc", '#include "study/store.h"\n#include <format>'),
        ("idleheads.h", '#include "engine/engine.h"'),
        ("cli/main.cc", "#include <iostream>\nint main() { exit(1); }"),
        ("base/c.cc", '// exit(1) is not called\nint n = std::snprintf(x, 9, "");'),
    ]
    for name, text in wrong + right:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "src", name)
            path.parent.mkdir(parents=True)
            path.write_text(text)
            found = list(violations(pathlib.Path(folder)))
            if len(found) != ((name, text) in wrong):
                sys.exit(f"check_layers: self-test failed for {name}: {text.strip()!r} gave {found}")


if sys.argv[1:] == ["--self-test"]:
    self_test()
else:
    root = pathlib.Path(sys.argv[1] if sys.argv[1:] else pathlib.Path(__file__).parent.parent).resolve()
    found = [line.replace(f"{root}/", "") for line in violations(root)]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
