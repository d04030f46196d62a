"""The installed package against the program and the goldens: scores, masks, log-probabilities, generation, tables.

Run by scripts/test_python.sh with the package in an environment of its own; nothing is imported from the source folder.
"""
import json
import math
import subprocess
import sys
import tempfile
import unittest
from importlib.metadata import version
from pathlib import Path

import numpy as np

import idleheads as ih
from idleheads import _core

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/data/golden"
TINY = GOLDEN / "families/llama_bias"
CHAT = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = [[97, 3, 12], [5, 17, 3, 44, 9, 30, 21, 8], [40, 5, 6, 7]]
RULES = ["ahon_ln<0.9", "awft>0.5", "L0H1,L2H5", "random<0.3"]
ABOVE = ("awft", "awft_ln", "sink", "mass")
# What the goldens and the engine round differently, as in tests/engine/family_golden.h.
TOLERANCE = 1e-4


def program(*arguments):
    done = subprocess.run([sys.executable, "-m", "idleheads", *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout


def probe(model, prompts, rules, dtype, *options):
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder, "tokens.json")
        tokens.write_text(json.dumps(prompts))
        rules = [argument for rule in rules for argument in ("--ablate", rule)]
        return json.loads(program("probe", model, "--tokens", tokens, "--dtype", dtype, "--json", "--logits", *rules, *options))["samples"]


def square(rows):
    """The weights of a pattern as `probe` prints them: row t has t + 1."""
    return np.array([row + [0] * (len(rows) - len(row)) for row in rows], np.float32)


def array(lists):
    return np.array([[math.nan if x is None else x for x in layer] for layer in lists], np.float32)


def flagged(mask):
    return [np.flatnonzero(layer).tolist() for layer in mask]


def log_softmax(logits):
    logits = np.array(logits, np.float32).astype(np.float64)
    return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())


class ProgramTest(unittest.TestCase):
    """The same bits as `idleheads probe`."""

    def test_probe(self):
        for name, dtype in [("families/llama_bias", "f32"), ("families/llama_bias", "auto"), ("tiny/qwen2", "f32"),
                            ("families/gpt_oss", "f32")]:
            with self.subTest(name, dtype=dtype), ih.Model(GOLDEN / name, dtype=dtype, threads=2) as model:
                self.check(model, probe(GOLDEN / name, PROMPTS, RULES, dtype))

    def check(self, model, samples):
        scored, runs = ih.score(model, PROMPTS), ih.run(model, PROMPTS, RULES)
        self.assertEqual([run.intervention for run in runs], ["none", *RULES])
        np.testing.assert_array_equal(scored.stats, runs[0].stats)
        for number, sample in enumerate(samples):
            for run, expected in zip(runs, sample["runs"], strict=True):
                of_run = ih.Scored(run.stats, scored.has_sinks)
                for slug in ih.SCORES:
                    if slug != "random" and (slug != "sink" or scored.has_sinks):
                        np.testing.assert_array_equal(of_run.scores(slug)[number], array(expected["scores"][slug]), slug)
                np.testing.assert_array_equal(run.stats[number, ..., 9], array(expected["top_position"]))
                self.assertEqual(flagged(run.masks[number]), expected["flagged"], run.intervention)
                # float64 both, from the same float32 logits
                np.testing.assert_allclose(run.log_probs[number], log_softmax(expected["last_logits"]), rtol=0, atol=1e-12)

    def test_attention(self):
        for name in ("families/llama_bias", "families/gpt_oss"):
            with self.subTest(name), ih.Model(GOLDEN / name, dtype="f32") as model:
                samples = probe(GOLDEN / name, PROMPTS, RULES[:1], "f32", "--attention", "L1H3,L0H2")
                scored = ih.score(model, PROMPTS, attention=["L1H3", (0, 2)])
                runs = ih.run(model, PROMPTS, RULES[:1], attention="L1H3,L0H2")
                for number, sample in enumerate(samples):
                    for run, expected in zip(runs, sample["runs"], strict=True):
                        patterns = np.stack([square(pattern["weights"]) for pattern in expected["attention"]])
                        np.testing.assert_array_equal(run.attention[number], patterns, run.intervention)
                    np.testing.assert_array_equal(scored.attention[number], runs[0].attention[number])

    def test_program(self):
        script = subprocess.run([Path(sys.executable).parent / "idleheads", "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(script.stdout, program("--version"))
        self.assertIn(ih.__version__, script.stdout)
        self.assertEqual(ih.__version__, version("idleheads"))

    def test_error_of_the_program(self):
        done = subprocess.run([sys.executable, "-m", "idleheads", "info", "no/such"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)


class GoldenTest(unittest.TestCase):
    def test_families(self):
        for name in ("llama_bias", "qwen3", "gpt2", "gpt_oss", "gemma2"):
            golden = json.loads((GOLDEN / "families" / name / "cases.json").read_text())
            prompts = [case["tokens"] for case in golden["cases"]]
            rules = [f"{rule['score']}{'>' if rule['score'] in ABOVE else '<'}{rule['threshold']}" for rule in golden["interventions"]]
            with self.subTest(name), ih.Model(GOLDEN / "families" / name, dtype="f32") as model:
                scored, runs = ih.score(model, prompts), ih.run(model, prompts, rules)
                for number, case in enumerate(golden["cases"]):
                    for slug, expected in case["scores"].items():
                        np.testing.assert_allclose(scored.scores(slug)[number], array(expected), TOLERANCE, TOLERANCE)
                    for run, rule in zip(runs[1:], golden["interventions"], strict=True):
                        masks = ["".join(map(str, layer.astype(int))) for layer in run.masks[number]]
                        self.assertEqual(masks, rule["cases"][number]["mask"], run.intervention)


class TinyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = ih.Model(TINY, dtype="f32", threads=2)

    def test_attributes(self):
        m = self.model
        self.assertEqual((m.layers, m.heads, m.kv_heads, m.family, m.precision), (3, 6, 2, "llama", "f32"))
        info = json.loads(program("info", TINY, "--json"))
        self.assertEqual((m.vocabulary, m.context, m.fingerprint), (info["vocabulary"], info["context"], info["fingerprint"]))
        self.assertIn("f32", m.description)
        self.assertIn("3 layers of 6 heads", repr(m))
        self.assertIs(m._core.has_sinks, False)

    def test_prompts(self):
        """What is one prompt, and what are several."""
        expected = ih.score(self.model, PROMPTS).stats
        for same in (tuple(map(tuple, PROMPTS)), [np.array(ids, np.uint16) for ids in PROMPTS]):
            np.testing.assert_array_equal(ih.score(self.model, same).stats, expected)
        for one in (PROMPTS[0], np.array(PROMPTS[0]), [PROMPTS[0]], np.array([PROMPTS[0]]), np.array(PROMPTS[0])[::-1][::-1]):
            np.testing.assert_array_equal(ih.score(self.model, one).stats, expected[:1])

    def test_scored(self):
        scored = ih.score(self.model, PROMPTS)
        self.assertEqual((scored.stats.shape, scored.stats.dtype), ((3, 3, 6, 10), np.float32))
        self.assertEqual((scored.scores("ahon_ln").shape, scored.scores("ahon_ln").dtype), ((3, 3, 6), np.float32))
        self.assertEqual(scored.mask("L0H1,L2H5").dtype, np.bool_)
        self.assertEqual(flagged(scored.mask("L0H1,L2H5")[1]), [[1], [], [5]])
        threshold = scored.threshold("ahon_ln@25%")
        np.testing.assert_array_equal(scored.mask("ahon_ln@25%"), scored.scores("ahon_ln") < np.float32(threshold))
        self.assertEqual(np.sum(scored.scores("ahon_ln") < threshold), round(0.25 * 54) - 1)  # strictly below x_13.5
        again = ih.score(self.model, PROMPTS, seed=5)
        self.assertFalse(np.array_equal(again.scores("random"), scored.scores("random")))
        self.assertEqual(scored.threshold("random@10%"), np.float32(0.1))

    def test_attention(self):
        """Rows sum to 1 and see no later token; what else is known of them is in the statistics."""
        scored = ih.score(self.model, PROMPTS, attention=[(2, 5), (0, 1), (2, 5)])
        self.assertEqual([each.shape for each in scored.attention], [(3, len(prompt), len(prompt)) for prompt in PROMPTS])
        for number, patterns in enumerate(scored.attention):
            self.assertEqual(patterns.dtype, np.float32)
            np.testing.assert_allclose(patterns.sum(-1), 1, atol=1e-6)
            np.testing.assert_array_equal(patterns, np.tril(patterns))
            np.testing.assert_array_equal(patterns[0], patterns[2])
            for pattern, (layer, head) in zip(patterns, [(2, 5), (0, 1)]):
                first = scored.stats[number, layer, head, ih.STATISTICS.index("first_weight")]
                self.assertAlmostEqual(pattern[:, 0].mean(), first, delta=1e-6)
        np.testing.assert_array_equal(scored.stats, ih.score(self.model, PROMPTS).stats)
        self.assertIsNone(ih.score(self.model, PROMPTS).attention)
        self.assertIsNone(ih.run(self.model, PROMPTS)[0].attention)

    def test_attention_of_rules(self):
        """Each run has its own, also those that wait for a threshold and those with continuations."""
        none, share, heads = ih.run(self.model, PROMPTS, ["ahon_ln@30%", "L0H0,L0H1,L0H2"], [[1, 2], [3], [4]], attention="L2H1")
        for run in (none, share, heads):
            self.assertEqual([each.shape for each in run.attention], [(1, 4, 4), (1, 8, 8), (1, 4, 4)])
        self.assertFalse(np.array_equal(none.attention[1], heads.attention[1]))
        self.assertFalse(np.array_equal(none.attention[1], share.attention[1]))

    def test_arrays_are_not_copied(self):
        """Python's array is the memory that C++ filled."""
        (masks, stats, log_probs, greedy, (attention,)), = self.model._core.run(
            [np.array(PROMPTS[1])], [_core.Rule("none")], None, True, True, attention=["L0H1"])
        for each in (masks, stats, log_probs, attention):
            self.assertFalse(each.flags.owndata)
            self.assertTrue(each.flags.c_contiguous)
            self.assertIsNotNone(each.base)
        self.assertEqual(greedy.shape, (0,))

    def test_random_goes_by_the_prompts_number(self):
        run = ih.run(self.model, PROMPTS, "random<0.3")[1]
        np.testing.assert_array_equal(run.masks, ih.score(self.model, PROMPTS).mask("random<0.3"))

    def test_share(self):
        """The threshold is that of the run's own prompts with all heads on; order of rules and of results is the same."""
        scored = ih.score(self.model, PROMPTS)
        threshold = scored.threshold("ahon_ln@30%")
        runs = ih.run(self.model, PROMPTS, ["awft>0.5", "ahon_ln@30%", "L1H1"])
        self.assertEqual([run.intervention for run in runs], ["none", "awft>0.5", "ahon_ln<" + str(np.float32(threshold)), "L1H1"])
        alone = ih.run(self.model, PROMPTS, f"ahon_ln<{threshold!r}")[1]
        np.testing.assert_array_equal(runs[2].log_probs, alone.log_probs)
        np.testing.assert_array_equal(runs[2].masks, alone.masks)
        self.assertEqual(runs[3].masks.sum(), 3)

    def test_heads(self):
        """Text, arrays, dictionaries and files name the same heads."""
        mask = np.zeros((3, 6), bool)
        mask[0, 1] = mask[2, 5] = True
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "heads.json")
            file.write_text('{"0": [1], "2": [5]}')
            runs = ih.run(self.model, PROMPTS, ["L0H1,L2H5", mask, {0: [1], 2: [5]}, file, str(file), np.zeros((3, 6), bool)])
        for run in runs[1:6]:
            self.assertEqual(run.intervention, "L0H1,L2H5")
            np.testing.assert_array_equal(run.log_probs, runs[1].log_probs)
            np.testing.assert_array_equal(run.masks, np.stack([mask] * 3))
        np.testing.assert_array_equal(runs[6].log_probs, runs[0].log_probs)
        self.assertFalse(np.array_equal(runs[1].log_probs, runs[0].log_probs))

    def test_means(self):
        """Heads of a file that has means give these, beside rules whose heads give zeros."""
        width = 12
        with tempfile.TemporaryDirectory() as folder:
            zeros, means = Path(folder, "zeros.json"), Path(folder, "means.json")
            zeros.write_text(json.dumps({"format": "idleheads mask 1", "heads": {"1": [2]}, "means": {"1": {"2": [0.0] * width}}}))
            means.write_text(json.dumps({"format": "idleheads mask 1", "heads": {"1": [2]}, "means": {"1": {"2": [1.5] * width}}}))
            none, zero, share, mean, fixed = ih.run(self.model, PROMPTS, [zeros, "ahon_ln@30%", means, "L1H2"])
        np.testing.assert_array_equal(zero.log_probs, fixed.log_probs)
        self.assertFalse(np.array_equal(mean.log_probs, fixed.log_probs))
        self.assertTrue(share.intervention.startswith("ahon_ln<"))
        self.assertEqual([run.masks.sum() for run in (none, zero, mean, fixed)], [0, 3, 3, 3])

    def test_continuations(self):
        answers = [[7, 8], [9], [1, 2, 3]]
        none, rule = ih.run(self.model, PROMPTS, "ahon_ln<0.9", answers)
        self.assertEqual([part.shape for part in rule.log_probs], [(2,), (1,), (3,)])
        for run, ablate in ((none, None), (rule, "ahon_ln<0.9")):
            for (total, greedy), part in zip(self.model.loglikelihood(list(zip(PROMPTS, answers)), ablate), run.log_probs):
                self.assertEqual(total, part.sum())
                self.assertIs(greedy, False)
        for prompt, answer, part in zip(PROMPTS, answers, none.log_probs):
            for place, token in enumerate(answer):
                next_token, = ih.run(self.model, prompt + answer[:place])
                # float32 in the engine, float64 here
                self.assertAlmostEqual(next_token.log_probs[0][token], part[place], delta=1e-5)

    def test_loglikelihood(self):
        best = [int(ih.run(self.model, prompt)[0].log_probs[0].argmax()) for prompt in PROMPTS]
        pairs = [(prompt, [token]) for prompt, token in zip(PROMPTS, best)] + [(PROMPTS[0], [(best[0] + 1) % 256])]
        self.assertEqual([greedy for _, greedy in self.model.loglikelihood(pairs)], [True, True, True, False])
        share = self.model.loglikelihood(pairs, "ahon_ln@20%")
        rule = ih.run(self.model, [*PROMPTS, PROMPTS[0]], "ahon_ln@20%", [pair[1] for pair in pairs])[1]
        self.assertEqual([total for total, _ in share], [part.sum() for part in rule.log_probs])
        self.assertEqual(self.model.loglikelihood([]), [])

    def test_bounds_change_no_bit(self):
        expected = ih.run(self.model, PROMPTS, RULES)
        with ih.Model(TINY, dtype="f32", threads=1, memory=1 << 30) as other:
            for run, same in zip(ih.run(other, PROMPTS, RULES), expected):
                np.testing.assert_array_equal(run.log_probs, same.log_probs)

    def test_progress(self):
        shares = []
        ih.run(self.model, PROMPTS, ["ahon_ln@30%"], progress=shares.append)
        self.assertEqual(shares[-1], 1)
        self.assertEqual(shares, sorted(shares))
        self.assertIn(0.5, shares)
        ih.score(self.model, PROMPTS, progress=True)  # with tqdm or without

    def test_tables(self):
        scored, run = ih.score(self.model, PROMPTS), ih.run(self.model, PROMPTS, "ahon_ln<0.9")[1]
        frame = scored.to_pandas(["ahon_ln"])
        self.assertEqual(list(frame.columns), ["sample", "layer", "head", *ih.STATISTICS, "ahon_ln"])
        self.assertEqual(len(frame), 3 * 3 * 6)
        row = frame[(frame["sample"] == 1) & (frame["layer"] == 2) & (frame["head"] == 4)].iloc[0]
        self.assertEqual(np.float32(row["ahon_ln"]), scored.scores("ahon_ln")[1, 2, 4])
        self.assertEqual(scored.to_polars(["ahon_ln"]).columns, list(frame.columns))
        self.assertEqual(set(scored.to_pandas().columns) - set(frame.columns), set(ih.SCORES) - {"random", "sink", "ahon_ln"})
        data = run.to_xarray()
        self.assertEqual(dict(data.sizes), {"sample": 3, "layer": 3, "head": 6})
        np.testing.assert_array_equal(data["off"].values, run.masks)
        self.assertEqual(run.to_pandas()["off"].sum(), run.masks.sum())
        self.assertEqual(run.to_polars()["off"].sum(), run.masks.sum())
        there = scored.stats.copy()
        there[:, 1, 3] = np.nan
        self.assertEqual(len(ih.Scored(there, False).to_pandas([])), 3 * 17)


class TextTest(unittest.TestCase):
    """A model with a tokenizer and a chat template."""

    @classmethod
    def setUpClass(cls):
        cls.model = ih.Model(CHAT, dtype="f32", threads=2)

    def test_text(self):
        m = self.model
        ids = m.encode("The capital of France is Paris.")
        self.assertEqual(m.decode(ids), "The capital of France is Paris.")
        self.assertEqual(m.decode(np.array(ids[:2], np.int32)), m.decode(ids[:2]))
        self.assertEqual(m.decode([]), "")
        self.assertEqual((m.decode([m.bos_token]), m.decode([m.eos_token])), ("<|im_start|>", "<|im_end|>"))
        np.testing.assert_array_equal(ih.score(m, "The capital of").stats, ih.score(m, [m.encode("The capital of")]).stats)

    def test_chat(self):
        m = self.model
        messages = [{"role": "user", "content": "Hello"}]
        text = m.chat(messages)
        self.assertTrue(text.endswith("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"), text)
        self.assertTrue(m.chat(messages, add_generation_prompt=False).endswith("<|im_start|>user\nHello<|im_end|>\n"))
        self.assertIn("<|im_start|>", m.chat_template)
        expected = ih.score(m, text).stats
        np.testing.assert_array_equal(ih.score(m, messages).stats, expected)
        np.testing.assert_array_equal(ih.score(m, [messages, "Hi"]).stats[:1], expected)

    def test_continuations(self):
        context, answer = self.model.encode_pair("The capital of France is ", "Paris")
        self.assertEqual((self.model.decode(context), self.model.decode(answer)), ("The capital of France is", " Paris"))
        text, = ih.run(self.model, ["The capital of France is "], (), ["Paris"])
        ids, = ih.run(self.model, [context], (), [answer])
        np.testing.assert_array_equal(text.log_probs[0], ids.log_probs[0])

    def test_generate(self):
        messages = [{"role": "user", "content": "What is the capital of France? One word."}]
        none, fixed = ih.generate(self.model, [messages, "1, 2, 3,"], max_new_tokens=6, ablate="L5H3,L7H0")
        self.assertEqual([none.intervention, fixed.intervention], ["none", "L5H3,L7H0"])
        self.assertIn("Paris", none.texts[0])
        for generated in (none, fixed):
            self.assertEqual(generated.stats.shape, (2, 30, 9, 10))
            for tokens, masks in zip(generated.tokens, generated.masks):
                self.assertEqual(masks.shape, (len(tokens), 30, 9))
        self.assertTrue(all((mask.sum((1, 2)) == 2).all() for mask in fixed.masks))
        ids = self.model.encode("1, 2, 3,")
        for step, token in enumerate(none.tokens[1]):
            next_token = ih.run(self.model, [ids + none.tokens[1][:step].tolist()])[0].log_probs[0].argmax()
            self.assertEqual(next_token, token)
        share = ih.generate(self.model, ["1, 2, 3,"], max_new_tokens=2, ablate="ahon_ln@10%")[1]
        threshold = ih.score(self.model, ["1, 2, 3,"]).threshold("ahon_ln@10%")
        self.assertEqual(share.intervention, "ahon_ln<" + str(np.float32(threshold)))

    def test_stop(self):
        whole, = ih.generate(self.model, ["1, 2, 3,"], max_new_tokens=8)
        stopped, = ih.generate(self.model, ["1, 2, 3,"], max_new_tokens=8, stop=",")
        self.assertLess(len(stopped.tokens[0]), len(whole.tokens[0]))
        self.assertEqual(stopped.texts[0], whole.texts[0].split(",")[0])


if __name__ == "__main__":
    unittest.main()
