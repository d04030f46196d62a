#!/usr/bin/env python3
"""The right renderings of tests/data/chat, made by transformers' own Jinja2 environment.

Each line of tests/data/chat/*.jsonl is a template and, under "results", the conversations of inputs.json that it is
rendered with. This script fills in what each gives: {"text": ...}, or {"error": ...} where Jinja2 raises.

  python -m venv /tmp/venv && /tmp/venv/bin/pip install -r tools/requirements_chat_templates.txt
  /tmp/venv/bin/python tools/compare_chat_templates.py            # writes the results into the files
  /tmp/venv/bin/python tools/compare_chat_templates.py --check    # only says whether they are what it would write
  cargo run --release --locked --manifest-path text/Cargo.toml --example render_chats > /tmp/rendered.jsonl
  /tmp/venv/bin/python tools/compare_chat_templates.py --compare /tmp/rendered.jsonl

The last form compares the text library's renderings and counts the differences. A rendering may also be an error where
Jinja2 gives text: that is counted as refused.
"""

import argparse
import json
import re
import sys
from datetime import date
from pathlib import Path

import jinja2
from transformers.utils import chat_template_utils

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "chat"


def compiled(source, day):
    """The template as apply_chat_template compiles it, on a fixed day."""
    template = chat_template_utils._compile_jinja_template(source)
    template.environment.globals["strftime_now"] = day.strftime
    template.globals["strftime_now"] = day.strftime
    return template


def result_of(source, conversation, special_tokens, day):
    """What apply_chat_template gives or raises for a conversation without tools."""
    try:
        text = compiled(source, day).render(
            messages=conversation["messages"],
            tools=None,
            documents=None,
            add_generation_prompt=conversation["add_generation_prompt"],
            **special_tokens,
        )
        text.encode()  # half a surrogate pair is no text
        return {"text": re.sub(r" at 0x[0-9a-f]+>", " at 0x0>", text)}  # addresses differ from run to run
    except jinja2.exceptions.TemplateSyntaxError as error:
        return {"error": f"{type(error).__name__}: {error.message}"}
    except Exception as error:  # whatever a template raises is its result
        return {"error": f"{type(error).__name__}: {error}"}


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def with_results(entry, inputs):
    day = date.fromisoformat(inputs["date"])
    results = {
        name: result_of(entry["template"], inputs["conversations"][name], inputs["special_tokens"], day)
        for name in entry["results"]
    }
    return {**entry, "results": results}


def write_goldens(check):
    inputs = json.loads((DATA / "inputs.json").read_text(encoding="utf-8"))
    changed = []
    for path in sorted(DATA.glob("*.jsonl")):
        entries = [with_results(entry, inputs) for entry in read_lines(path)]
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        if text != path.read_text(encoding="utf-8"):
            changed.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {len(entries)} templates")
    if check and changed:
        sys.exit(f"not as Jinja2 renders them: {', '.join(changed)}")


def compare(rendered_path):
    expected = {}
    for path in sorted(DATA.glob("*.jsonl")):
        for entry in read_lines(path):
            for conversation, result in entry["results"].items():
                expected[entry["name"], conversation] = (entry["template"], result)
    differ = refused = 0
    for line in read_lines(rendered_path):
        template, right = expected.pop((line["name"], line["conversation"]))
        got = {key: line[key] for key in ("text", "error") if key in line}
        if "error" in right and "error" in got or right == got:
            continue
        if "error" in got:
            refused += 1
        else:
            differ += 1
        what = "refused" if "error" in got else "DIFFERS"
        print(f"{what}: {line['name']} ({line['conversation']})\n  {template!r}\n  right {right}\n  got   {got}")
    print(f"{differ} differ, {refused} refused, {len(expected)} not rendered")
    sys.exit(1 if differ or expected else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--compare", type=Path, metavar="JSONL", help="renderings of the text library")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(arguments.compare)
    else:
        write_goldens(arguments.check)


if __name__ == "__main__":
    main()
