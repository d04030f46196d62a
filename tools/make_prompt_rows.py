#!/usr/bin/env python3
"""Picks the rows of the data sets that the prompts in tests/data/prompts need, so that tests can make the data sets again
with fillers for all other rows.

usage: make_prompt_rows.py DATA_FOLDER PROMPTS_FOLDER > tests/data/prompts/rows.jsonl
DATA_FOLDER holds mmlu, piqa, winogrande, gsm8k, arc and hellaswag in their original formats; PROMPTS_FOLDER the prompts of
lm-evaluation-harness with fewshot_indices_*.jsonl. Output: one line a file with its number of rows and those needed.
"""
import csv
import json
import pathlib
import sys

FILES = {  # task: (evaluated rows, rows of examples)
    "piqa": ("piqa/valid.jsonl", None),
    "winogrande": ("winogrande/validation.jsonl", "winogrande/train.jsonl"),
    "gsm8k": ("gsm8k/test.jsonl", "gsm8k/train.jsonl"),
    "arc_easy": ("arc/arc_easy_test.jsonl", None),
    "arc_challenge": ("arc/arc_challenge_test.jsonl", None),
    "hellaswag": ("hellaswag/hellaswag_val_subset1000.jsonl", None),
}


def json_lines(path):
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def rows_of(path):
    if path.suffix == ".csv":
        return list(csv.reader(path.open(encoding="utf-8", newline="")))
    return json_lines(path)


def needed_rows(prompts):
    """(file, row number) pairs."""
    used = {task: {line["doc_index"]: line["drawn"] for line in json_lines(prompts / f"fewshot_indices_{task}.jsonl")}
            for task in ("winogrande", "gsm8k")}
    for path in sorted(prompts.glob("*.jsonl")):
        if not ("shot" in path.name and "indices" not in path.name) and not path.name.startswith("chat_"):
            continue
        for line in json_lines(path):
            if line["task"].startswith("mmlu_"):
                subject = line["task"][5:]
                yield f"mmlu/test/{subject}_test.csv", line["doc_index"]
                for row in range(5):
                    yield f"mmlu/dev/{subject}_dev.csv", row
                continue
            evaluated, examples = FILES[line["task"]]
            yield evaluated, line["doc_index"]
            if line["num_fewshot"] == 0:
                continue
            # With one message for all examples the second draw of a document counts.
            several = 1 if line.get("fewshot_as_multiturn", True) else 2
            for index in range(line["doc_index"] * several, line["doc_index"] * several + several):
                for row in used[line["task"]][index]:
                    yield examples, row


def main():
    data, prompts = map(pathlib.Path, sys.argv[1:3])
    needed = {}
    for file, row in needed_rows(prompts):
        needed.setdefault(file, set()).add(row)
    for file, rows in sorted(needed.items()):
        lines = rows_of(data / file)
        out = {"file": file, "rows": len(lines), "needed": {str(row): lines[row] for row in sorted(rows)}}
        if file.startswith("piqa"):
            labels = (data / "piqa/valid-labels.lst").read_text().split()
            out["labels"] = {str(row): int(labels[row]) for row in sorted(rows)}
        print(json.dumps(out, ensure_ascii=False))


if __name__ == "__main__":
    main()
