#!/usr/bin/env python3
"""Every relative link and picture of the Markdown files leads to a file, and every anchor to a heading; the pages of docs/ that
sources and help texts name are there, and docs/README.md leads to all of them.

check_links.py PROJECT

Asks no network: links to other hosts are left alone.
"""

import pathlib
import re
import sys
import urllib.parse

LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def pages(project):
    """The Markdown files of the project, without those of builds, packages and test data of others."""
    for folder in ("", "docs", "bench", "data", "examples", "models", "text", "tools", "web"):
        yield from sorted((project / folder).glob("*.md"))
    yield from sorted((project / "tests").rglob("*.md"))


def lines_outside_code(text):
    """-> (number, line) of the lines that are no code"""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield number, re.sub(r"`[^`]*`", lambda code: code[0].replace("[", " ").replace("(", " "), line)


def anchors(page):
    """What GitHub makes of the headings of a page, and the names that it gives itself."""
    names = {}
    found = set()
    for _, line in lines_outside_code(page.read_text()):
        found.update(re.findall(r'<a id="([^"]+)">', line))
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = names.get(name, 0)
        names[name] = count + 1
        found.add(f"{name}-{count}" if count else name)
    return found


def named_pages(project):
    """-> (place, page) of the pages of docs/ that sources name"""
    for folder in ("src", "include", "python", "web/src", "scripts", "tests", "bench", "tools", "examples"):
        for source in sorted((project / folder).rglob("*")):
            if source.suffix in (".cc", ".cu", ".h", ".py", ".sh", ".ts", ".ipynb"):
                for name in re.findall(r"\bdocs/\w+\.md", source.read_text()):
                    yield source.relative_to(project), name


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    dead = []
    count = 0
    for page in pages(project):
        for number, line in lines_outside_code(page.read_text()):
            for link in LINK.findall(line):
                if re.match(r"[a-z]+:", link):
                    continue
                count += 1
                path, _, anchor = urllib.parse.unquote(link).partition("#")
                target = page if not path else (page.parent / path)
                place = f"{page.relative_to(project)}:{number}: {link}"
                if path.startswith("/") or not target.resolve().is_relative_to(project) or not target.exists():
                    dead.append(f"{place}: no such file")
                elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
                    dead.append(f"{place}: no such heading")
    for source, name in named_pages(project):
        count += 1
        if not (project / name).exists() and name != "docs/gguf.md":  # llama.cpp's
            dead.append(f"{source}: {name}: no such file")
    contents = (project / "docs/README.md").read_text()
    dead += [f"docs/README.md: no link to {page.name}" for page in sorted((project / "docs").glob("*.md"))
             if page.name != "README.md" and f"({page.name})" not in contents]
    if not count:
        sys.exit(f"{project}: no links found")
    if dead:
        sys.exit("\n".join(dead))
    print(f"{count} links lead somewhere")


if __name__ == "__main__":
    main()
