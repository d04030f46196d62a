#!/usr/bin/env python3
"""Writes tests/data/task_samples: a few made-up rows of every task, once in the task's original format (original/) and once
as Hugging Face lays out Parquet files (parquet/), so that tests can compare what both give.

usage: make_task_samples.py tests/data/task_samples     (pyarrow 19.0.1)
"""
import csv
import json
import pathlib
import sys

import pyarrow
import pyarrow.parquet

LETTERS = "ABCD"
MMLU = [
    ["What is 2 + 2?", "three", "four", "5", "6", 1],
    ["  A question with \"quotes\", commas\nand a line break\u00a0", " a ", "b", "c\nc", "d", 3],
    ["Welche Farbe hat das Meer?", "grün", "blau", "weiß", "öde", 0],
]
PIQA = [
    ["to open a jar", "twist the lid", "twist the jar's floor", 0],
    ["", " Pour the café crème", "pour the 茶", 1],
    ["dry socks", "a", "b", 1],
]
WINOGRANDE = [
    ["The cup did not fit into the box because the _ was too large.", "cup", "box", "1"],
    ["Zoë asked Ann, and _ said no.", "Zoë", "Ann", "2"],
    ["_ . ", "He", "She", "2"],
]
GSM8K = [
    ["Ann has 3 apples and buys 4. How many has she?", "She has 3 + 4 = <<3+4=7>>7 apples.\n#### 7"],
    ["What is 1,000 - $1?", "It is <<1000-1=999>>999.\n#### 999"],
    ["¿Cuántos días tiene una semana?", "Siete.\n#### 7"],
]
ARC = [
    ["q1", "Which is a planet?", ["Mars", "the Moon", "the Sun"], ["A", "B", "C"], "A"],
    ["q2", "Which is largest?", ["a cell", "an atom", "a frog", "Ørsted's house", "a leaf"], list("12345"), "4"],
    ["q3", "Which is cold?", ["fire", "ice"], ["A", "B"], "B"],
]
HELLASWAG = [
    [7, "Baking", "A man stands in a kitchen.", "he", ["takes a bowl.", "is a bowl.", "sings [sic]  loudly.", "ENDS"], 0],
    [8, "Cutting bread", "[header] How to cut bread [title] Take a knife. [step] Any will do.", "",
     ["[title] Cut. [step] Slowly.", "Cut [unclosed", "cut   it", "[substeps] Eat it."], 3],
    [9, "Skiing", "A hill is seen.", "éTIENNE AND Ann", ["ski", "fall", "sit", "eat"], 2],
]
PAGES = [
    " = First page = \n \n Some text , with a word @-@ mark and 3 @.@ 5 ( numbers ) . \n = = Part = = \n It 's \" quoted \" . \n",
    " = Second page = \n \n Größe of 4 ° C ; N = 1 \n",
]
CONTEXT = {"Baking": "A man stands in a kitchen. he", "Skiing": "A hill is seen. éTIENNE AND Ann"}


def text_file(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def json_lines(path, rows):
    text_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def write_mmlu(original, hub):
    for split in ("dev", "test"):
        path = original / f"mmlu/{split}/anatomy_{split}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(row[:5] + [LETTERS[row[5]]] for row in MMLU)
        parquet(hub / f"mmlu/anatomy/{split}-00000-of-00001.parquet",
                [{"question": row[0], "subject": "anatomy", "choices": row[1:5], "answer": row[5]} for row in MMLU])


def write_piqa(original, hub):
    rows = [dict(zip(("goal", "sol1", "sol2"), row)) for row in PIQA]
    for name, split in (("valid", "validation"), ("train", "train")):
        json_lines(original / f"piqa/{name}.jsonl", rows)
        text_file(original / f"piqa/{name}-labels.lst", "".join(f"{row[3]}\n" for row in PIQA))
        parquet(hub / f"piqa/plain_text/{split}-00000-of-00001.parquet",
                [row | {"label": source[3]} for row, source in zip(rows, PIQA)])


def write_winogrande(original, hub):
    rows = [dict(zip(("sentence", "option1", "option2", "answer"), row)) for row in WINOGRANDE]
    for name, split in (("dev", "validation"), ("train_xl", "train")):
        json_lines(original / f"winogrande/{name}.jsonl", [{"qID": "x"} | row for row in rows])
        parquet(hub / f"winogrande/winogrande_xl/{split}-00000-of-00001.parquet", rows)


def write_gsm8k(original, hub):
    rows = [dict(zip(("question", "answer"), row)) for row in GSM8K]
    for split in ("test", "train"):
        json_lines(original / f"gsm8k/{split}.jsonl", rows)
        parquet(hub / f"gsm8k/main/{split}-00000-of-00001.parquet", rows)


def write_arc(original, hub):
    nested = [{"id": id, "question": {"stem": stem, "choices": [{"text": text, "label": label}
                                                                for text, label in zip(texts, labels)]}, "answerKey": key}
              for id, stem, texts, labels, key in ARC]
    flat = [{"id": id, "question": stem, "choices": {"text": texts, "label": labels}, "answerKey": key}
            for id, stem, texts, labels, key in ARC]
    for config in ("ARC-Easy", "ARC-Challenge"):
        for split in ("Test", "Train"):
            json_lines(original / f"arc/{config}-{split}.jsonl", nested)
            parquet(hub / f"arc/{config}/{split.lower()}-00000-of-00001.parquet", flat)


def write_hellaswag(original, hub):
    rows = []
    for ind, label, ctx_a, ctx_b, endings, answer in HELLASWAG:
        rows.append({"ind": ind, "activity_label": label, "ctx_a": ctx_a, "ctx_b": ctx_b, "ctx": CONTEXT.get(label, ctx_a),
                     "endings": endings, "source_id": "made-up", "split": "val", "split_type": "zeroshot", "label": answer})
    for name, split in (("val", "validation"), ("train", "train")):
        json_lines(original / f"hellaswag/hellaswag_{name}.jsonl", rows)
        parquet(hub / f"hellaswag/data/{split}-00000-of-00001.parquet",
                [row | {"label": str(row["label"])} for row in rows])


def write_wikitext(original, hub):
    text_file(original / "wikitext2/wiki.test.raw", " \n" + "".join(PAGES))
    pages = ["\n".join((PAGES[0] + PAGES[1]).split("\n")[:5]), PAGES[1]]
    parquet(hub / "wikitext2/wikitext-2-raw-v1/test-00000-of-00001.parquet", [{"page": page} for page in pages])


def main():
    root = pathlib.Path(sys.argv[1])
    for write in (write_mmlu, write_piqa, write_winogrande, write_gsm8k, write_arc, write_hellaswag, write_wikitext):
        write(root / "original", root / "parquet")


if __name__ == "__main__":
    main()
