#!/usr/bin/env python3
"""Proves that dependencies point one way only, by what CMakeLists.txt links and what files include; and that only the
CLI prints or exits.

usage: check_layers.py [ROOT | --self-test]    prints one line a violation; exit code 1 if there is any
"""
import pathlib
import re
import sys
import tempfile

# A layer is a folder of src/, with its public headers in the folder of the same name in include/idleheads/. It may include
# what it links, also through others: idleheads_layer(NAME ...) of CMakeLists.txt says that. The program is the layer cli;
# cuda is compiled twice, and links what the emulated one does.
LAYER = re.compile(r"idleheads_layer\((\w+) ([^)]*)\)")
LINKED_ELSEWHERE = {
    "cli": ("CMakeLists.txt", re.compile(r"target_link_libraries\(idleheads PRIVATE ([^)]*)\)")),
    "cuda": ("src/cuda/CMakeLists.txt", re.compile(r"target_link_libraries\(idleheads_cuda_emulated PUBLIC ([^)]*)\)")),
}
# What must never be linked, not even through others: who, what.
NEVER_LINKED = [
    ("base", "idleheads_rust"),
    ("studyfile", "idleheads_engine"),
    ("studyfile", "DNNL::dnnl"),
    ("report", "idleheads_engine"),
    ("report", "DNNL::dnnl"),
    ("engine", "SQLite::SQLite3"),
    ("evaluation", "CLI11::CLI11"),
    ("evaluation", "CURL::libcurl"),
    ("cuda", "CURL::libcurl"),
    ("hub", "CLI11::CLI11"),
]
# Headers of libraries that only some files may include: what is included, the files, why.
ONLY_IN = [
    (r"(oneapi/)?dnnl", r"engine/cpu/linear\.cc", "oneDNN is used by engine/cpu/linear.cc alone"),
    (r"cublasLt\.h", r"cuda/products\.cc", "cuBLASLt is used by cuda/products.cc alone"),
    (r"sqlite3\.h", r"studyfile/.*", "SQLite is used by the studyfile layer alone"),
    (r"idleheads_text\.h", r"model/.*|format/parquet\.cc|strings/.*|report/exports/zip_writer\.cc",
     "the text library is used by the model layer and where a class wraps a part of it"),
    (r"utf8\.h", r"base/utf8\.cc", "UTF-8 is read by base/utf8.h alone"),
    (r"curl/", r"hub/http\.cc", "libcurl is used by hub/http.cc alone"),
    (r"CLI/", r"cli/.*", "CLI11 is used by the CLI alone"),
    (r"iostream", r"cli/.*", "only the CLI prints"),
]
PRINTS = re.compile(r"\b(v?f?printf|f?puts|fmt::print|exit|_Exit|quick_exit)\s*\(|\bstd::(cout|cerr|clog)\b")
DUMPS = re.compile(r"\.dump\(")
MARKERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
INCLUDE = re.compile(r'\s*#\s*include\s*["<]([^">]+)[">]')
MAX_LINES = 500


def links_of(root):
    """What each layer links by itself, by its name."""
    text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    links = {name: linked.split() for name, linked in LAYER.findall(text)}
    for name, (file, pattern) in LINKED_ELSEWHERE.items():
        if (root / file).exists() and (found := pattern.search((root / file).read_text(encoding="utf-8"))):
            links[name] = found[1].split()
    return links


def closure(links, layer):
    """All that a layer links, through others too."""
    out, todo = set(), list(links[layer])
    while todo:
        library = todo.pop()
        if library not in out:
            out.add(library)
            todo += links.get(library.removeprefix("idleheads_"), [])
    return out


def layers_of(links):
    """By layer: the layers that it may include."""
    return {layer: {name.removeprefix("idleheads_") for name in closure(links, layer)} & set(links) for layer in links}


def violations_of_links(links):
    for layer, library in NEVER_LINKED:
        if layer in links and library in closure(links, layer):
            yield f"CMakeLists.txt:1: {layer} links {library}, and must not"
    for layer, below in layers_of(links).items():
        if layer in below:
            yield f"CMakeLists.txt:1: {layer} links itself, through others"


def violations_of_include(allowed, name, include):
    header = include.removeprefix("idleheads/")
    layer, target = name.split("/")[0], header.split("/")[0]
    is_ours = target in allowed and "/" in header  # <format> is not a layer
    if is_ours and target != layer and target not in allowed[layer]:
        yield f"{layer} must not include {header}; it links: {', '.join(sorted(allowed[layer])) or 'nothing'}"
    for pattern, files, why in ONLY_IN:
        if re.match(pattern, header) and not re.fullmatch(files, name):
            yield f"must not include {header}: {why}"


def violations_of_public(line):
    """Public headers need the standard library and one another alone."""
    include = INCLUDE.match(line)
    if include and not include[1].startswith("idleheads/") and not re.fullmatch(r"[a-z_]+", include[1]):
        yield f"a public header must not include {include[1]}: those who use the library do not have it"


def violations_of_line(allowed, name, line):
    if include := INCLUDE.match(line):
        yield from violations_of_include(allowed, name, include[1])
    if marker := MARKERS.search(line):
        yield f"{marker[0]} left in the code"
    if name != "format/json.cc" and DUMPS.search(line):
        yield "dump() throws at bytes that are not UTF-8: use dump_json or dump_ascii of format/json.h"
    if not name.startswith("cli/") and (call := PRINTS.search(line.split("//")[0])):
        yield f"'{call[0]}' outside src/cli: only the CLI prints or exits"


def violations(root):
    links = links_of(root)
    allowed = layers_of(links)
    yield from violations_of_links(links)
    for top, is_public in ((root / "src", False), (root / "include" / "idleheads", True)):
        for path in sorted(p for p in top.rglob("*") if p.suffix in (".h", ".cc", ".cu")):
            name = path.relative_to(top).as_posix()
            lines = path.read_text(encoding="utf-8").splitlines()
            is_of_all = is_public and "/" not in name  # idleheads.h and the like
            if not is_of_all and name.split("/")[0] not in allowed:
                yield f"{path}:1: not in the folder of a layer; the layers are {', '.join(allowed)}"
                continue
            for number, line in enumerate(lines, 1):
                found = [] if is_of_all else list(violations_of_line(allowed, name, line))
                found += violations_of_public(line) if is_public else []
                yield from (f"{path}:{number}: {message}" for message in found)
            if len(lines) > MAX_LINES:
                yield f"{path}:{len(lines)}: {len(lines)} lines; split files above {MAX_LINES}"


def self_test():
    """Each wrong file gives exactly one violation, the right ones none."""
    cmake = """idleheads_layer(base fmt::fmt)
idleheads_layer(heads idleheads_base)
idleheads_layer(engine idleheads_heads DNNL::dnnl)
idleheads_layer(studyfile idleheads_heads)
idleheads_layer(study idleheads_engine idleheads_studyfile)
idleheads_layer(report idleheads_studyfile)
target_link_libraries(idleheads PRIVATE idleheads_study CLI11::CLI11)
"""
    wrong = [
        ("src/heads/a.cc", '#include "engine/config.h"'),
        ("src/report/a.cc", '#include "idleheads/engine/engine.h"'),
        ("src/engine/ops.cc", "#include <oneapi/dnnl/dnnl.hpp>"),
        ("src/engine/b.h", '#  include "dnnl.hpp"'),
        ("src/base/a.h", "#include <iostream>"),
        ("src/base/a.cc", '  std::printf("x");'),
        ("src/base/b.cc", "  std::cerr << x;"),
        ("src/study/a.cc", "  exit(1);"),
        ("src/study/a.cc", "int x;  // TO" "DO"),
        ("src/heads/long.cc", "\n" * (MAX_LINES + 1)),
        ("src/other/a.cc", ""),
        ("src/study/b.cc", "return json.dump();"),
        ("include/idleheads/engine/engine.h", '#include "engine/private.h"'),
        ("include/idleheads/heads/a.h", "#include <fmt/format.h>"),
        ("CMakeLists.txt", cmake.replace("(studyfile idleheads_heads", "(studyfile idleheads_heads DNNL::dnnl")),
        ("CMakeLists.txt", cmake.replace("(heads idleheads_base", "(heads idleheads_base idleheads_heads")),
    ]
    right = [
        ("src/engine/cpu/linear.cc", "#include <dnnl.hpp>"),
        ("src/report/b.cc", '#include "idleheads/studyfile/store.h"\n#include <format>'),
        ("include/idleheads/idleheads.h", '#include "idleheads/engine/engine.h"'),
        ("include/idleheads/report/a.h", '#include <string>\n#include "idleheads/heads/score.h"'),
        ("src/cli/main.cc", "#include <iostream>\nint main() { exit(1); }"),
        ("src/base/c.cc", '// exit(1) is not called\nint n = std::snprintf(x, 9, "");'),
    ]
    for name, text in wrong + right:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(folder, "CMakeLists.txt").write_text(cmake)
            path.write_text(text)
            found = list(violations(pathlib.Path(folder)))
            if bool(found) != ((name, text) in wrong) or len(found) > 2:
                sys.exit(f"check_layers: self-test failed for {name}: {text.strip()!r} gave {found}")


if sys.argv[1:] == ["--self-test"]:
    self_test()
else:
    root = pathlib.Path(sys.argv[1] if sys.argv[1:] else pathlib.Path(__file__).parent.parent).resolve()
    found = [line.replace(f"{root}/", "") for line in violations(root)]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
