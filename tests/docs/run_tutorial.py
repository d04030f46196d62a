#!/usr/bin/env python3
"""Runs every command that docs/tutorial.md shows, in its order, and looks for what it shows of their output.

run_tutorial.py BINARY PROJECT

The study that `make demo` makes is made here of fewer questions, so numbers are not compared: of each shown line the words must
be in the output. Exits with 77 where the model was not fetched.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

MODEL = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
STUDY = f"build/idleheads study {MODEL} --task examples/everyday_questions.jsonl --limit 2 --shares 0,10,20 -o build/demo.db --quiet"


def shown_commands(page):
    """-> (command, lines of its output) of each command in a block of the console"""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            yield command, [line for line in lines if line not in ("", "...")]


def words(text):
    """What stays the same with other numbers: "8.4 %" and "-" are both a number, a star marks what is best,
    a number in brackets is where a curve dips."""
    text = re.sub(r"(?m)^\*", " ", text)
    text = re.sub(r"-?\d+(\.\d+)?|(?<=\s)-(?=\s|$)", "#", text)
    text = re.sub(r"# ?%", "#", text)
    return " ".join(text.replace("(#) ", "").split())


def run(command, folder):
    done = subprocess.run(command, shell=True, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"{command}\nexit code {done.returncode}\n{done.stdout}")
    return done.stdout


def main():
    binary, project = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    if not (project / MODEL).exists():
        print(f"{MODEL} is not there: scripts/fetch_model.sh")
        sys.exit(77)
    commands = list(shown_commands((project / "docs/tutorial.md").read_text()))
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/build")
        os.symlink(binary, f"{folder}/build/idleheads")
        for name in ("models", "examples"):
            os.symlink(project / name, f"{folder}/{name}")
        run(STUDY, folder)
        for command, lines in commands:
            output = words(run(command, folder))
            missing += [f"{command}\n  does not say: {line}" for line in lines if words(line) not in output]
    if missing:
        sys.exit("\n".join(missing))
    print(f"{len(commands)} commands did what docs/tutorial.md shows")


if __name__ == "__main__":
    main()
