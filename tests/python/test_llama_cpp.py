"""Models that `idleheads prune --cut` writes, in llama.cpp: against the file with zeros and against the program's own results.

Run by scripts/test_python.sh llama_cpp in an environment with xllamacpp, which is llama.cpp, numpy and gguf.
"""
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import gguf
import numpy

from program import ROOT, run

MODEL = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTIONS = ROOT / "examples/everyday_questions.jsonl"
LAYERS, HEADS, KV_HEADS, GENERATED, CONTEXT = 30, 9, 3, 40, 512

# llama.cpp rounds what meets a quantised weight to 8 bits, so that a change in the last bit of a sum anywhere comes out as
# noise. Flash attention on or off moves the log-probabilities of one file after a prompt by up to 0.2 nats in the root mean
# square over the vocabulary (by 1 nat for tokens that hardly ever come), and the distribution by a KL divergence of 0.012
# nats. Cut and zeroed files run alike, so that they may differ by twice this; where this was measured, the bits are the same.
NOISE_RMS, NOISE_KL = 0.4, 0.025
# The program rounds nothing: it is 0.19 (KL 0.004) from llama.cpp for the whole model, up to 0.35 (KL 0.06) without heads.
# Without heads and with all of them are 1.1 and more (KL 0.2) apart.
OWN_RMS, OWN_KL = 0.6, 0.15
# Any token's difference with weights, keys and values in float32 and without flash attention: what is left is other orders
# of sums, which come to 6e-5.
EXACT = 3e-4

MASKS = {
    "groups": {3: [0, 1, 2], 7: [3, 4, 5, 6, 7, 8], 20: [6, 7, 8], 29: [0, 1, 2]},
    "one of each group": {2: [0, 3, 6], 11: [1, 5, 8], 12: [0, 4, 8], 25: [2, 4, 7]},
    "no attention": {14: list(range(9))},
    "unequal": {5: [0, 1, 3], 9: [0, 1, 2, 3], 15: [3, 4, 5, 6], 18: [8], 22: [0, 1, 2, 4], 27: [0, 4, 5, 6, 7, 8]},
}
MEASURED = {}


def setUpModule():
    print(f"xllamacpp {importlib.metadata.version('xllamacpp')}")


def tearDownModule():
    for name, (text, _) in MEASURED.items():
        print(f"largest of {name}: {text}")


def questions():
    """Prompts of 5 to 100 tokens."""
    lines = run("prompts", MODEL, "--task", QUESTIONS, "--limit", 10, "--json").splitlines()
    contexts = []
    for line in lines:
        ids = json.loads(line)["context_ids"]
        if ids not in contexts:  # each of a question's answers is listed with it
            contexts.append(ids)
    return [contexts[0][:5], contexts[1], sum(contexts[:4], [])[:47], sum(contexts, [])[:100]]


def normalised(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))


class Run:
    """A model in llama.cpp after each prompt: log_probs (prompt x vocabulary), greedy, margins; and what llama.cpp says of it."""

    def __init__(self, model, prompts, generate=GENERATED, **settings):
        settings = dict(model=str(model), prompts=prompts, generate=generate, context=CONTEXT, **settings)
        done = subprocess.run([sys.executable, ROOT / "tests/python/in_llama_cpp.py"], input=json.dumps(settings),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        if done.returncode != 0:
            raise RuntimeError(f"{model} in llama.cpp: {done.stderr[-3000:]}")
        results = json.loads(done.stdout)
        # llama.cpp adds up 49152 exponentials in float32, which shifts all of a prompt's log-probabilities by some 2e-4.
        self.log_probs = normalised(numpy.array([each["log_probs"] for each in results]))
        if generate:
            self.greedy, self.margins = ([each[name] for each in results] for name in ("greedy", "margins"))
        self.says = done.stderr

    def said(self, pattern):
        return re.search(pattern, self.says).group(1)

    def numbers(self, name):
        """One for each layer; llama.cpp prints a single one if they are equal."""
        values = json.loads("[" + self.said(rf"print_info: {name} += \[?([\d, ]+)") + "]")
        return values * LAYERS if len(values) == 1 else values

    def cache(self):
        return float(self.said(r"llama_kv_cache: size = +([\d.]+) MiB"))


def probe(model, prompts):
    """-> log-probabilities by the program, prompt x vocabulary"""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(prompts, file)
        file.flush()
        samples = json.loads(run("probe", model, "--dtype", "f32", "--json", "--logits", "--tokens", file.name))["samples"]
    logits = numpy.array([sample["runs"][0]["last_logits"] for sample in samples])
    return normalised(logits)


def prune(model, mask, folder):
    """-> the file with zeros, the cut one"""
    (folder / "heads.json").write_text(json.dumps(mask))
    for name, *flags in (("zeroed",), ("cut", "--cut")):
        run("prune", model, "--mask", folder / "heads.json", "-o", folder / f"{name}.gguf", *flags)
    return folder / "zeroed.gguf", folder / "cut.gguf"


def left(mask):
    """-> query heads, KV heads by layer of a model that was cut"""
    heads, kv_heads = [], []
    size = HEADS // KV_HEADS
    for layer in range(LAYERS):
        stay = [head for head in range(HEADS) if head not in mask.get(layer, [])]
        groups = [sum(head // size == group for head in stay) for group in range(KV_HEADS)]
        kv_heads.append(sum(count > 0 for count in groups))
        heads.append(max(groups) * kv_heads[-1])  # equal in each group, some of them zeros
    return heads, kv_heads


def far(a, b):
    """-> root mean square over the vocabulary, KL divergence and largest difference, each for its worst prompt"""
    kl = (numpy.exp(a) * (a - b)).sum(axis=1)
    return numpy.sqrt(((a - b) ** 2).mean(axis=1)).max(), kl.max(), numpy.abs(a - b).max()


class Comparisons(unittest.TestCase):
    def measure(self, what, a, b):
        rms, kl, largest = far(a, b)
        if what not in MEASURED or MEASURED[what][1] <= largest:
            MEASURED[what] = f"rms {rms:.1e}, KL {kl:.1e}, any token {largest:.1e}", largest
        return rms, kl, largest

    def assert_near(self, what, a, b, most_rms=NOISE_RMS, most_kl=NOISE_KL):
        rms, kl, _ = self.measure(what, a, b)
        self.assertLess(rms, most_rms, what)
        self.assertLess(kl, most_kl, what)

    def assert_same_text(self, a, b):
        """Up to a step where the two likeliest tokens are within the noise of each other, in which case either may come."""
        for one, other, margins in zip(a.greedy, b.greedy, a.margins):
            self.assertEqual(len(one), GENERATED)
            if one != other:
                at = next(step for step in range(GENERATED) if one[step] != other[step])
                self.assertLess(margins[at], NOISE_RMS, f"greedy text differs at {at}")

    def assert_is_cut(self, mask, zeroed, cut):
        self.assertEqual(zeroed.said(r"print_info: arch += (\w+)"), "llama")
        self.assertEqual(cut.said(r"print_info: arch += (\w+)"), "deci")
        heads, kv_heads = left(mask)
        self.assertEqual(zeroed.numbers("n_head"), [HEADS] * LAYERS)
        self.assertEqual(cut.numbers("n_head"), heads)
        self.assertEqual(cut.numbers("n_head_kv"), kv_heads)
        share = sum(kv_heads) / (LAYERS * KV_HEADS)
        self.assertAlmostEqual(cut.cache() / zeroed.cache(), share, delta=0.002)


class CutTest(Comparisons):
    """The quantised model, by masks."""

    @classmethod
    def setUpClass(cls):
        cls.prompts = questions()
        cls.whole = Run(MODEL, cls.prompts)

    def test_noise(self):
        """What one file differs by in llama.cpp with other settings, and from the program, is what the tolerance is made of."""
        self.assert_near("whole, flash attention on and off", self.whole.log_probs,
                         Run(MODEL, self.prompts, flash=False, generate=0).log_probs)
        self.assert_near("whole, llama.cpp and idleheads", self.whole.log_probs, probe(MODEL, self.prompts),
                         OWN_RMS, OWN_KL)

    def check(self, name):
        mask = MASKS[name]
        with tempfile.TemporaryDirectory() as folder:
            files = prune(MODEL, mask, Path(folder))
            self.assertLess(files[1].stat().st_size, files[0].stat().st_size)
            zeroed, cut = (Run(file, self.prompts) for file in files)
            own = probe(files[1], self.prompts)
        self.assert_is_cut(mask, zeroed, cut)
        self.assert_near(f"{name}, cut and zeroed", cut.log_probs, zeroed.log_probs)
        self.assert_same_text(cut, zeroed)
        self.assert_near(f"{name}, llama.cpp and idleheads", cut.log_probs, own, OWN_RMS, OWN_KL)
        # That the heads are missed: by far more than what the comparisons allow.
        rms, kl, _ = self.measure(f"{name}, zeroed and whole", zeroed.log_probs, self.whole.log_probs)
        self.assertGreater(rms, 1.5 * OWN_RMS)
        self.assertGreater(kl, 4 * NOISE_KL)

    def test_groups(self):
        self.check("groups")

    def test_one_of_each_group(self):
        self.check("one of each group")

    def test_layer_without_attention(self):
        self.check("no attention")

    def test_means(self):
        """Heads that give their means, which are in biases of the output projections: with zeros in place, and cut."""
        mask = MASKS["unequal"] | MASKS["no attention"]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "heads.json").write_text(json.dumps(mask))
            for name, *flags in (("zeroed",), ("cut", "--cut")):
                run("prune", MODEL, "--mask", folder / "heads.json", "--mean", "--task", QUESTIONS,
                    "-o", folder / f"{name}.gguf", *flags)
            zeroed, cut = (Run(folder / f"{name}.gguf", self.prompts) for name in ("zeroed", "cut"))
            own = probe(folder / "zeroed.gguf", self.prompts)
            run("prune", MODEL, "--mask", folder / "heads.json", "-o", folder / "zeros.gguf")
            zeros = Run(folder / "zeros.gguf", self.prompts, generate=0)
        self.assert_near("means, cut and zeroed", cut.log_probs, zeroed.log_probs)
        self.assert_near("means, llama.cpp and idleheads", zeroed.log_probs, own, OWN_RMS, OWN_KL)
        # That the biases are there: zeros are far away.
        rms, _, _ = self.measure("means and zeros", zeroed.log_probs, zeros.log_probs)
        self.assertGreater(rms, 1.5 * OWN_RMS)

    def test_unequal_groups(self):
        self.check("unequal")


class Float32Test(Comparisons):
    """The same model with all weights in float32, where llama.cpp rounds nothing: all masks in one."""

    def test_all_masks(self):
        mask = {layer: heads for each in MASKS.values() for layer, heads in each.items()}
        prompts = questions()
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "float32.gguf"
            write_float32(MODEL, model)
            settings = dict(generate=0, flash=False, cache="F32")
            whole, own_whole = Run(model, prompts, **settings), probe(model, prompts)
            zeroed_file, cut_file = prune(model, mask, Path(folder))
            model.unlink()
            zeroed = Run(zeroed_file, prompts, **settings)
            zeroed_file.unlink()
            cut, own = Run(cut_file, prompts, **settings), probe(cut_file, prompts)
        self.assertEqual(cut.said(r"print_info: arch += (\w+)"), "deci")
        for what, a, b in (("whole, llama.cpp and idleheads", whole.log_probs, own_whole),
                           ("cut and zeroed", cut.log_probs, zeroed.log_probs),
                           ("cut, llama.cpp and idleheads", cut.log_probs, own)):
            self.assertLess(self.measure(f"float32, {what}", a, b)[2], EXACT, what)
        self.assertGreater(self.measure("float32, zeroed and whole", zeroed.log_probs, whole.log_probs)[2], 1000 * EXACT)


def write_float32(source, target):
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for field in reader.fields.values():
        if field.name == "general.architecture" or field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        writer.add_key_value(field.name, field.contents(), kind,
                             sub_type=field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    unittest.main()
