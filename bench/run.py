#!/usr/bin/env python3
"""Runs the engine and its peers side by side and prints the table of docs/performance.md.

bench/run.py MODEL.gguf [--data MMLU_FOLDER] [--only forward,study,...]

Peers run in a virtual environment that is made on the first run (bench/peers/requirements.txt). Everything runs one after the
other on --threads threads; nothing else should run on the machine. The study needs MMLU's CSV files (--data). Raw figures
go to build/bench/results.json."""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
VENV = BUILD / "venv"
SUBJECTS = "anatomy,computer_security,marketing,sociology"
SHARES = 7


def run(command, **options):
    print("+", " ".join(map(str, command)), file=sys.stderr, flush=True)
    return subprocess.run(list(map(str, command)), check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def engine(command, model, *arguments):
    return json.loads(run([BUILD / "engine_bench", command, model, *arguments]))


def peer(script, *arguments):
    out = run([VENV / "bin" / "python", ROOT / "bench" / "peers" / script, *arguments])
    return json.loads(out.splitlines()[-1])


def prepare_peers():
    """llama.cpp is built from source, for the processor's AVX-512 but without AMX, whose int8 path is not stable."""
    if (VENV / "ready").exists():
        return
    flags = Path("/proc/cpuinfo").read_text().split()
    extensions = {"AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "BMI2": "bmi2", "AVX512": "avx512f",
                  "AVX512_VBMI": "avx512_vbmi", "AVX512_VNNI": "avx512_vnni", "AVX512_BF16": "avx512_bf16"}  # fmt: skip
    options = ["-DGGML_NATIVE=OFF"] + [f"-DGGML_{k}={'ON' if v in flags else 'OFF'}" for k, v in extensions.items()]
    run([sys.executable, "-m", "venv", VENV])
    run([VENV / "bin" / "pip", "install", "-r", ROOT / "bench" / "peers" / "requirements.txt"],
        env=os.environ | {"CMAKE_ARGS": " ".join(options)})  # fmt: skip
    (VENV / "ready").touch()


def random_prompts():
    """64 prompts of 300 to 400 random tokens: ids decide nothing about speed, and nothing is shared."""
    generator = random.Random(1)
    prompts = [[generator.randrange(1000, 40000) for _ in range(generator.randrange(300, 401))] for _ in range(64)]
    path = BUILD / "random_prompts.json"
    path.write_text(json.dumps(prompts))
    return path


def measure_start(options):
    """From exec to the first layer, the median of five."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        process = subprocess.Popen([BUILD / "engine_bench", "start", options.model, "--threads", str(options.threads)],
                                   stdout=subprocess.PIPE, text=True)  # fmt: skip
        process.stdout.readline()
        times.append(time.perf_counter() - begin)
        process.communicate()
    return {"seconds": statistics.median(times), "all": times}


def measure_engine(options):
    """Forward passes and the products alone, alternating, so that both see the same machine; the least disturbed of three."""
    prompts = random_prompts()
    rounds = []
    for _ in range(3):
        rounds.append({})
        for dtype in options.dtypes:
            for threads in sorted({1, options.threads}):
                setting = ["--dtype", dtype, "--threads", threads, "--repeat", 1]
                key = f"{dtype} {threads}"
                rounds[-1][f"gemm {key}"] = engine("gemm", options.model, *setting)
                rounds[-1][f"plain {key}"] = engine("forward", options.model, *setting, "--tokens", prompts)
                rounds[-1][f"scored {key}"] = engine("forward", options.model, *setting, "--tokens", prompts, "--stats")
    return {
        name: {**rounds[0][name], "seconds": min(r[name]["seconds"][0] for r in rounds)}
        for name in rounds[0]
    }


def measure_forward(options):
    prompts = random_prompts()
    ours = engine("forward", options.model, "--threads", options.threads, "--tokens", prompts)
    common = [options.model, prompts, "--threads", options.threads]
    return {
        "idleheads": {**ours, "seconds": min(ours["seconds"])},
        "PyTorch SDPA": peer("torch_forward.py", *common, "--dtype", options.dtypes[0]),
        "llama.cpp": peer("llama_forward.py", *common, "--folder", BUILD),
    }


def measure_study(options, dtype):
    """The whole study against the straightforward protocol, which times every score's passes for one share."""
    prompts = BUILD / "study_prompts.json"
    prompts.write_text(
        json.dumps(engine("prompts", options.model, "--data", options.data, "--subjects", SUBJECTS, "--limit", options.questions))
    )
    output = BUILD / f"study_{dtype}.db"
    output.unlink(missing_ok=True)
    begin = time.perf_counter()
    run([ROOT / "build" / "idleheads", "study", options.model, "--task", "mmlu", "--data", options.data, "--subjects", SUBJECTS,
         "--limit", options.questions, "--dtype", dtype, "--threads", options.threads, "-o", output])  # fmt: skip
    seconds = time.perf_counter() - begin
    protocol = peer("torch_protocol.py", options.model, prompts, "--dtype", dtype, "--threads", options.threads,
                    "--batches", options.batches)  # fmt: skip
    passes = protocol["baseline"] + sum(protocol["record"].values()) + SHARES * sum(protocol["evaluate"].values())
    scale = protocol["tokens"] / protocol["tokens_timed"]
    work = json.loads(run([ROOT / "build" / "idleheads", "export", output, "--json"]))["work"]
    return {"seconds": seconds, "protocol_seconds": passes * scale, "work": work, "protocol": protocol}


def rate(measured):
    return measured["flops"] / measured["seconds"]


def table(results, options):
    rows = []

    def row(figure, value, goal):
        rows.append(f"| {figure} | {value} | {goal} |")

    for dtype, goal in (("bf16", 60), ("f32", 12)):
        study = results.get(f"study {dtype}")
        if study:
            row(f"whole study, {dtype}, against PyTorch protocol",
                f"{study['protocol_seconds'] / study['seconds']:.1f} x ({study['seconds']:.0f} s, {study['protocol_seconds']:.0f} s)",
                f">= {goal} x")  # fmt: skip
    if "forward" in results:
        speeds = {name: r["tokens"] / r["seconds"] for name, r in results["forward"].items()}
        others = {name: speed for name, speed in speeds.items() if name != "idleheads"}
        best = max(others, key=others.get)
        row(f"plain forward against {best}",
            f"{speeds['idleheads'] / others[best]:.2f} x ({', '.join(f'{n} {s:.0f} tokens/s' for n, s in speeds.items())})",
            ">= 4 x")  # fmt: skip
    if "engine" in results:
        measured = results["engine"]
        for dtype in options.dtypes:
            one, many = f"{dtype} 1", f"{dtype} {options.threads}"
            for key in dict.fromkeys((one, many)):
                row(f"plain forward, share of GEMM rate, {dtype}, threads {key.split()[1]}",
                    f"{100 * rate(measured['plain ' + key]) / rate(measured['gemm ' + key]):.0f} % of "
                    f"{rate(measured['gemm ' + key]) / 1e9:.0f} GFLOP/s", ">= 75 %")  # fmt: skip
            row(f"all scores on top of plain forward, {dtype}",
                f"{100 * (measured['scored ' + many]['seconds'] / measured['plain ' + many]['seconds'] - 1):.1f} %", "<= 3 %")
            if many != one:
                row(f"{options.threads} threads against 1, {dtype}",
                    f"{measured['plain ' + one]['seconds'] / measured['plain ' + many]['seconds']:.2f} x", ">= 1.9 x (2 threads)")  # fmt: skip
    if "start" in results:
        row("start to first layer", f"{results['start']['seconds']:.2f} s", "<= 0.5 s")
    return "\n".join(["| figure | measured | goal |", "|---|---|---|", *rows])


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", help="folder of MMLU's CSV files; without it the study is left out")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="start,engine,forward,study", help="what to measure, by commas")
    parser.add_argument("--dtypes", default="bf16,f32", help="of engine and study; without bf16 products: f32")
    parser.add_argument("--questions", type=int, default=16, help="of each of the study's four subjects")
    parser.add_argument("--batches", type=int, default=0,
                        help="time the protocol on so many batches, spread over the subjects, and scale by tokens (0: all)")  # fmt: skip
    options = parser.parse_args()
    options.model = str(Path(options.model).resolve())
    options.dtypes = options.dtypes.split(",")
    wanted = options.only.split(",")
    path = BUILD / "results.json"
    results = json.loads(path.read_text()) if path.exists() and options.only != parser.get_default("only") else {}
    if {"forward", "study"} & set(wanted):
        prepare_peers()
    if "start" in wanted:
        results["start"] = measure_start(options)
    if "engine" in wanted:
        results["engine"] = measure_engine(options)
    if "forward" in wanted:
        results["forward"] = measure_forward(options)
    if "study" in wanted and options.data:
        for dtype in options.dtypes:
            results[f"study {dtype}"] = measure_study(options, dtype)
    path.write_text(json.dumps(results, indent=1))
    print(f"{processor()}, {options.threads} threads, {time.strftime('%Y-%m-%d')}\n")
    print(table(results, options))


main()
