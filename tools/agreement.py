#!/usr/bin/env python3
"""How far idleheads is from the paper's authors' code, and bf16 from float32: the tables of docs/agreement.md.

usage: tools/agreement.py [BINARY [SMOLLM2.gguf]]    run from the repository root
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

BINARY = sys.argv[1] if len(sys.argv) > 1 else "build/idleheads"
SMOLLM2 = sys.argv[2] if len(sys.argv) > 2 else "models/SmolLM2-135M-Instruct.Q4_1.gguf"
GOLDEN = pathlib.Path("tests/data/golden")
ABOVE = {"awft", "awft_ln", "mass", "sink"}


# GGUF has no key for what is special there: the file is another model (tests/engine/family_golden_test.cc).
NOT_IN_GGUF = {"mistral", "starcoder2", "gemma2", "gemma3_text"}


def probe(model, tokens, rules, dtype, context=0):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(tokens, file)
        file.flush()
        command = [BINARY, "probe", str(model), "--tokens", file.name, "--json", "--logits", "--dtype", dtype]
        if context:
            command += ["--context", str(context)]
        for rule in rules:
            command += ["--ablate", rule]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["samples"]


def rules_of(golden):
    return [f"{i['score']}{'>' if i['score'] in ABOVE else '<'}{i['threshold']!r}" for i in golden["interventions"]]


def flat(values):
    return [x for layer in values for x in layer]


def relative(got, want, rounding):
    """Largest |got - want| / |want| beyond what the golden's printed digits allow."""
    worst = 0.0
    for a, b in zip(flat(got), flat(want)):
        if a is not None and b not in (None, 0):
            worst = max(worst, max(0.0, abs(a - b) - rounding) / abs(b))
    return worst


def bits(flagged, heads):
    return ["".join("1" if h in layer else "0" for h in range(heads)) for layer in flagged]


def golden_row(name, model, golden, logits_of):
    tokens = [case["tokens"] for case in golden["cases"]]
    samples = probe(model, tokens, rules_of(golden), "f32")
    scores = {s: max(relative(sample["runs"][0]["scores"][s], case["scores"][s], 5e-7)
                     for sample, case in zip(samples, golden["cases"])) for s in golden["cases"][0]["scores"]}
    heads = len(golden["cases"][0]["scores"]["awft"][0])
    masks = wrong = 0
    logits = max(logits_of(s["runs"][0]["last_logits"], c, c) for s, c in zip(samples, golden["cases"]))
    for number, intervention in enumerate(golden["interventions"]):
        for sample, case, base in zip(samples, intervention["cases"], golden["cases"]):
            run = sample["runs"][number + 1]
            masks += 1
            wrong += bits(run["flagged"], heads) != case["mask"]
            logits = max(logits, logits_of(run["last_logits"], case, base))
    return name, scores, masks, wrong, logits


def tiny_logits(got, case, _base):
    return max(abs(a - b) for a, b in zip(got, case["last_logits"]))


def smollm2_logits(got, case, base):
    top = max(got)
    normaliser = top + math.log(sum(math.exp(x - top) for x in got))
    return max(abs(got[i] - normaliser - want) for i, want in zip(base["abcd_ids"], case["abcd_logprobs"]))


def golden_table():
    rows = []
    for family in ("llama", "qwen2", "olmo2"):
        folder = GOLDEN / "tiny" / family
        rows.append(golden_row(family, folder, json.loads((folder / "cases.json").read_text()), tiny_logits))
    rows.append(golden_row("SmolLM2", SMOLLM2, json.loads((GOLDEN / "smollm2/cases.json").read_text()), smollm2_logits))
    print("| score | " + " | ".join(row[0] for row in rows) + " |")
    print("|---|" + "---:|" * len(rows))
    for score in rows[0][1]:
        print(f"| {score} | " + " | ".join(f"{row[1][score]:.1e}" for row in rows) + " |")
    print("| logits or log-probabilities (absolute) | " + " | ".join(f"{row[4]:.1e}" for row in rows) + " |")
    print("| masks that differ | " + " | ".join(f"{row[3]} of {row[2]}" for row in rows) + " |")


def bf16_table():
    golden = json.loads((GOLDEN / "smollm2/cases.json").read_text())
    tokens = [case["tokens"] for case in golden["cases"]]
    exact, fast = (probe(SMOLLM2, tokens, rules_of(golden), dtype) for dtype in ("f32", "bf16"))
    print("\n| score | largest relative difference | median |")
    print("|---|---:|---:|")
    for score in golden["cases"][0]["scores"]:
        differences = sorted(abs(a - b) / abs(b) for x, y in zip(fast, exact)
                             for a, b in zip(flat(x["runs"][0]["scores"][score]), flat(y["runs"][0]["scores"][score]))
                             if b)
        print(f"| {score} | {differences[-1]:.1e} | {differences[len(differences) // 2]:.1e} |")
    flips = total = 0
    for x, y in zip(fast, exact):
        for a, b in zip(x["runs"][1:], y["runs"][1:]):
            for left, right in zip(a["flagged"], b["flagged"]):
                flips += len(set(left) ^ set(right))
            total += 270
    print(f"\nflags that differ: {flips} of {total} (sample, intervention, layer, head)")


def largest(got, want):
    """Of |got - want| / max(1, |want|), as tests/engine/family_golden_test.cc allows it."""
    return max((abs(a - b) / max(1, abs(b)) for a, b in zip(got, want) if b is not None), default=0.0)


def family_differences(model, golden, context):
    samples = probe(model, [case["tokens"] for case in golden["cases"]], rules_of(golden), "f32", context)
    scores = logits = 0.0
    masks = wrong = 0
    for sample, case in zip(samples, golden["cases"]):
        baseline = sample["runs"][0]
        heads = len(case["scores"]["awft"][0])
        logits = max(logits, largest(baseline["last_logits"], case["last_logits"]))
        for name, want in case["scores"].items():
            pairs = [(a, b) for a, b in zip(flat(baseline["scores"][name]), flat(want)) if a is not None]
            scores = max(scores, largest(*zip(*pairs)) if pairs else 0.0)
    for number, intervention in enumerate(golden["interventions"]):
        for sample, case in zip(samples, intervention["cases"]):
            run = sample["runs"][number + 1]
            masks += 1
            wrong += bits(run["flagged"], heads) != case["mask"]
            logits = max(logits, largest(run["last_logits"], case["last_logits"]))
    return f"{scores:.1e}", f"{logits:.1e}", f"{wrong} of {masks}"


def family_table():
    print("\n| golden | folder: scores | logits | masks that differ | GGUF: scores | logits | masks that differ |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for folder in sorted((GOLDEN / "families").iterdir()):
        if not folder.is_dir():
            continue
        golden = json.loads((folder / "cases.json").read_text())
        context = 64 if folder.name == "llama_dynamic" else 0
        cells = family_differences(folder, golden, context)
        gguf = next((folder / name for name in ("model.gguf", "model_mxfp4.gguf") if (folder / name).exists()), None)
        other = family_differences(gguf, golden, context) if gguf and folder.name not in NOT_IN_GGUF else ("", "", "")
        print(f"| {folder.name} | " + " | ".join(cells + other) + " |")


golden_table()
bf16_table()
family_table()
