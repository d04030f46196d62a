"""The table of scripts/gpu_check.sh from its logs: python3 gpu_table.py FOLDER"""

import json
import pathlib
import sys


def last_object(file):
    """The JSON object in a log's last lines, or None where the step failed."""
    for line in reversed(file.read_text().splitlines() if file.exists() else []):
        if line.startswith("{"):
            return json.loads(line)
    return None


def rate(run):
    return run["tokens"] / min(run["seconds"])


def rows(logs):
    forward, stats, streamed, protocol, torch = (
        last_object(logs / f"{name}.log") for name in ("forward", "stats", "streamed", "protocol", "torch")
    )
    if forward:
        yield "plain forward", f"{rate(forward):,.0f} tokens/s, {forward['flops'] / min(forward['seconds']) / 1e12:.3g} TFLOP/s"
        yield "rows in flight", f"{forward['rows']:,}"
    if torch:
        yield "bf16 products of these shapes (PyTorch)", f"{torch['products']:.3g} TFLOP/s"
        yield "copy from pinned memory", f"{torch['copy']:.1f} GB/s"
    if forward and torch:
        share = forward["flops"] / min(forward["seconds"]) / 1e12 / torch["products"]
        yield "plain forward over products", f"{100 * share:.0f} %"
    if forward and stats:
        yield "all scores on top", f"{100 * (rate(forward) / rate(stats) - 1):.1f} %"
    if forward and streamed:
        yield "streamed over resident weights", f"{100 * rate(streamed) / rate(forward):.0f} %"
    if torch:
        for name in ("sdpa", "eager", "recording", "zeroing"):
            if torch[name]:
                yield f"PyTorch, {name}", f"{torch[name]['rate']:,.0f} tokens/s (batches of {torch[name]['batch']})"
    if protocol:
        interventions, tokens = protocol["interventions"], protocol["tokens"]
        yield (
            f"{interventions} interventions and the baseline",
            f"{protocol['seconds']:.1f} s for {tokens:,.0f} tokens, {protocol['sharing']:.2f} times fewer rows by sharing",
        )
        if torch and torch["recording"] and torch["zeroing"]:
            # A pass a score to record it, and one a score and share.
            theirs = tokens * (16 / torch["recording"]["rate"] + interventions / torch["zeroing"]["rate"])
            yield "the authors' protocol over this", f"{theirs / protocol['seconds']:.1f} times the time"


def main():
    logs = pathlib.Path(sys.argv[1])
    print((logs / "machine.log").read_text())
    print("| | |\n|---|---|")
    for name, value in rows(logs):
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
