#!/usr/bin/env python3
"""Compares `idleheads eval` with a real run of lm-evaluation-harness 0.4.5 on the same model and documents.

  compare_lm_eval.py model MODEL.gguf FOLDER      the model as a float32 Hugging Face folder, by transformers' own reader
  compare_lm_eval.py reference FOLDER --data DIR --output OUT [--tasks a,b] [--limit N] [--chat]
  idleheads eval FOLDER --task a,b --data DIR --limit N --dtype f32 --output OURS     (mmlu: --limit 2; winogrande: --shots 5)
  compare_lm_eval.py compare OUT OURS             a table in Markdown; exit code 1 if something differs

DIR holds one folder a data set in its original format: mmlu, piqa, winogrande, gsm8k, arc, hellaswag, wikitext2. Nothing
comes from the network. What it needs: tools/requirements_lm_eval.txt.
"""
import argparse
import collections
import csv
import json
import os
import pathlib
import sys

SHOTS = {"mmlu": 5, "winogrande": 5, "gsm8k": 5}  # the paper's; the others 0
TASKS = ["mmlu", "piqa", "winogrande", "gsm8k", "arc_easy", "arc_challenge", "hellaswag", "wikitext"]
NEAR = 1e-3  # two log-likelihoods that lie nearer may change places
TOLERANCE = 1e-2


# --- model


def write_model(gguf, folder):
    import torch
    import tokenizers.pre_tokenizers as pre
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf = pathlib.Path(gguf)
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    AutoModelForCausalLM.from_pretrained(**where, torch_dtype=torch.float32).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(**where)
    field = GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    if field is not None and bytes(field.parts[field.data[0]]).decode() == "smollm":
        # transformers' reader forgets that SmolLM's digits are tokens of their own.
        tokenizer.backend_tokenizer.pre_tokenizer = pre.Sequence(
            [pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)])
    tokenizer.clean_up_tokenization_spaces = False  # as the published tokenizers have it
    tokenizer.save_pretrained(folder)


# --- reference


def json_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def mmlu_split(data, subject, split):
    with open(data / "mmlu" / split / f"{subject}_{split}.csv", encoding="utf-8", newline="") as file:
        return [{"question": row[0], "subject": subject, "choices": row[1:5], "answer": "ABCD".index(row[5])}
                for row in csv.reader(file)]


def piqa_split(data):
    labels = (data / "piqa/valid-labels.lst").read_text().split()
    return [{**row, "label": int(label)} for row, label in zip(json_lines(data / "piqa/valid.jsonl"), labels)]


def hellaswag_split(data):
    path = next(p for p in (data / "hellaswag").glob("hellaswag_val*.jsonl"))
    return [{**row, "label": str(row["label"])} for row in json_lines(path)]


def wikitext_pages(data):
    pages, page = [], []
    for line in (data / "wikitext2/wiki.test.raw").read_text(encoding="utf-8").split("\n"):
        form = line.replace("= = =", "===").replace("= =", "==").strip()
        if form.startswith("= ") and form.endswith(" ="):
            pages.append("\n".join(page))
            page = []
        page.append(line)
    pages.append("\n".join(page))
    return [{"page": page} for page in pages if page.strip()]


def local_dataset(data, path, name):
    """What datasets.load_dataset would give. Splits that 0-shot runs only look at are the evaluated one again."""
    path = path.split("/")[-1]
    if path == "mmlu_no_train":
        return {split: mmlu_split(data, name, split) for split in ("test", "dev")}
    if path == "piqa":
        rows = piqa_split(data)
        return {"train": rows, "validation": rows}
    if path == "winogrande":
        return {split: json_lines(data / f"winogrande/{split}.jsonl") for split in ("train", "validation")}
    if path == "gsm8k":
        return {split: json_lines(data / f"gsm8k/{split}.jsonl") for split in ("train", "test")}
    if path == "ai2_arc":
        stem = name.lower().replace("-", "_")
        return {split: json_lines(data / f"arc/{stem}_{split}.jsonl") for split in ("train", "validation", "test")}
    if path == "hellaswag":
        rows = hellaswag_split(data)
        return {"train": rows, "validation": rows}
    if path == "wikitext_document_level":
        rows = wikitext_pages(data)
        return {"train": rows, "validation": rows, "test": rows}
    raise SystemExit(f"no local copy of data set {path} is known")


def run_reference(args):
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    import datasets
    import lm_eval
    import torch
    from lm_eval.models.huggingface import HFLM

    data = pathlib.Path(args.data)

    def load(path, name=None, **_):
        splits = local_dataset(data, path, name)
        return datasets.DatasetDict({split: datasets.Dataset.from_list(rows) for split, rows in splits.items()})

    datasets.load_dataset = load
    torch.set_num_threads(args.threads)
    output = pathlib.Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    model = HFLM(pretrained=args.folder, dtype="float32", device="cpu", batch_size=1, max_length=args.context)
    for task in args.tasks.split(","):
        results = lm_eval.simple_evaluate(
            model=model, tasks=[task], num_fewshot=SHOTS.get(task, 0), limit=2 if task == "mmlu" else args.limit,
            bootstrap_iters=0, log_samples=True, apply_chat_template=args.chat, fewshot_as_multiturn=args.chat)
        for name, samples in results["samples"].items():
            with open(output / f"samples_{name}_reference.jsonl", "w", encoding="utf-8") as file:
                for sample in sorted(samples, key=lambda sample: sample["doc_id"]):
                    file.write(json.dumps(sample, ensure_ascii=False, default=str) + "\n")
        print(task, json.dumps({k: v for k, v in results["results"].items() if k == task}), flush=True)


# --- compare


def read_samples(folder):
    """task -> {(document, filter): sample}."""
    samples = collections.defaultdict(dict)
    for path in sorted(pathlib.Path(folder).rglob("samples_*.jsonl")):
        task = path.stem[len("samples_"):].rsplit("_", 1)[0]
        for number, sample in enumerate(json_lines(path)):
            samples[task].setdefault(sample["doc_id"], sample)
    return samples


def arguments(sample):
    given = sample["arguments"]
    if isinstance(given, dict):
        given = [list(given[key].values()) for key in sorted(given, key=lambda k: int(k.rsplit("_", 1)[1]))]
    return [[part for part in request if isinstance(part, str)] for request in given]


def responses(sample):
    """The log-likelihoods, or the texts, one a request."""
    out = []
    for response in sample["resps"]:
        first = response[0]
        out.append(first[0] if isinstance(first, (list, tuple)) else first)
    return out


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def compare_task(ours, reference):
    row = collections.Counter(documents=len(reference))
    differences, notes = [], []
    for document, theirs in reference.items():
        mine = ours.get(document)
        if mine is None:
            row["missing"] += 1
            continue
        row["prompts"] += arguments(mine) != arguments(theirs)
        a, b = responses(mine), responses(theirs)
        values = [(number(x), number(y)) for x, y in zip(a, b)]
        if any(x is None or y is None for x, y in values):
            if a != b:
                row["responses"] += 1
                notes.append(f"document {document}: {a[0]!r} instead of {b[0]!r}")
            continue
        differences += [abs(x - y) for x, y in values]
        row["requests"] += len(values)
        metric = next((m for m in ("acc", "acc_norm") if m in theirs), None)
        for metric in ("acc", "acc_norm"):
            if metric in theirs and float(mine[metric]) != float(theirs[metric]):
                best = sorted((y for _, y in values), reverse=True)
                row["predictions"] += 1
                notes.append(f"document {document}: {metric} differs, the best two lie {best[0] - best[1]:.2g} apart")
    return row, differences, notes


def compare(args):
    reference, ours = read_samples(args.reference), read_samples(args.ours)
    merged = collections.defaultdict(lambda: (collections.Counter(), [], []))
    for task, samples in reference.items():
        row, differences, notes = compare_task(ours.get(task, {}), samples)
        total = merged["mmlu" if task.startswith("mmlu_") else task]
        total[0].update(row)
        total[1].extend(differences)
        total[2].extend(f"{task}, {note}" for note in notes)
    print("| task | documents | requests | largest difference | mean | prompts that differ | predictions | responses |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    failed = False
    for task in sorted(merged, key=lambda t: TASKS.index(t) if t in TASKS else 99):
        row, differences, notes = merged[task]
        largest = f"{max(differences):.1e}" if differences else "-"
        mean = f"{sum(differences) / len(differences):.1e}" if differences else "-"
        print(f"| {task} | {row['documents']} | {row['requests']} | {largest} | {mean} | {row['prompts']} | "
              f"{row['predictions']} | {row['responses'] if not differences else '-'} |")
        failed = failed or row["missing"] or row["prompts"] or (differences and max(differences) > TOLERANCE)
        if row["missing"]:
            notes.append(f"{row['missing']} documents of {task} are missing")
    for _, _, notes in merged.values():
        for note in notes:
            print(note)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    model = commands.add_parser("model")
    model.add_argument("gguf")
    model.add_argument("folder")
    reference = commands.add_parser("reference")
    reference.add_argument("folder")
    reference.add_argument("--data", required=True)
    reference.add_argument("--output", required=True)
    reference.add_argument("--tasks", default=",".join(TASKS))
    reference.add_argument("--limit", type=int, default=20, help="documents a task; mmlu always has 2 a subject")
    reference.add_argument("--context", type=int, help="instead of the model's own, where memory is short")
    reference.add_argument("--threads", type=int, default=2)
    reference.add_argument("--chat", action="store_true", help="chat template, examples as turns")
    comparison = commands.add_parser("compare")
    comparison.add_argument("reference")
    comparison.add_argument("ours")
    args = parser.parse_args()
    if args.command == "model":
        write_model(args.gguf, args.folder)
    elif args.command == "reference":
        run_reference(args)
    else:
        sys.exit(compare(args))


if __name__ == "__main__":
    main()
