"""The Python files that apply masks in other tools (src/prune/python), against the program and against slow arithmetic.

Run by scripts/test_python.sh in an environment with torch, transformers, gguf and TransformerLens.
"""
import argparse
import importlib.util
import json
import logging
import math
import random
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src/prune/python"))

import torch
import transformers

import tiny
import transformer_lens_ablate
import transformers_ablate
from program import ROOT, run
from transformers_ablate import ablate

MODEL = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTIONS = ROOT / "examples/everyday_questions.jsonl"
# Nats of a log-probability. Both sides compute in float32 from the same weights, with other kernels in another order of
# sums: over 30 layers this moves log-probabilities by up to 1e-4, with hooks and without (a run prints the LARGEST). A head too
# many or too few moves some log-probability by a thousand times as much (test_one_head_is_seen).
TOLERANCE = 2e-4
LARGEST = {}
# So that some heads are off on every prompt, and not the same.
RULES = ["ahon_ln<0.63", "ahon<0.8", "lthon_ln<0.6", "lthon<0.75"]

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)  # beside other work, two threads that wait for each other are far slower than one


def setUpModule():
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")


def tearDownModule():
    for name, difference in LARGEST.items():
        print(f"largest difference, {name}: {difference:.1e}")



def probe(prompts, *arguments):
    """For every intervention, the first being none, what the program makes of every prompt."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(prompts, file)
        file.flush()
        out = run("probe", MODEL, "--dtype", "f32", "--json", "--logits", "--tokens", file.name, *arguments)
    return list(zip(*(sample["runs"] for sample in json.loads(out)["samples"])))


def write_json(test, value):
    file = tempfile.NamedTemporaryFile("w", suffix=".json")
    test.addCleanup(file.close)
    json.dump(value, file)
    file.flush()
    return file.name


def log_probs(logits):
    return torch.as_tensor(logits, dtype=torch.float64).log_softmax(-1)


def flagged(ablation, row):
    return [ablation.off[layer][row].nonzero().flatten().tolist() for layer in range(len(ablation.off))]


def pad(prompts, side):
    """-> what the model is called with, and where each prompt's last token is"""
    length = max(map(len, prompts))
    ids, mask = torch.full((len(prompts), length), 5), torch.zeros(len(prompts), length, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        at = slice(length - len(prompt), length) if side == "left" else slice(0, len(prompt))
        ids[row, at], mask[row, at] = torch.tensor(prompt), 1
    last = [length - 1 if side == "left" else len(prompt) - 1 for prompt in prompts]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return dict(input_ids=ids, attention_mask=mask, position_ids=positions), last


class Smol:
    """SmolLM2, questions of several lengths, and heads drawn at random; made once."""
    made = None

    def __new__(cls):
        if cls.made is None:
            cls.made = super().__new__(cls)
            cls.made.load()
        return cls.made

    def load(self):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            MODEL.parent, gguf_file=MODEL.name, torch_dtype=torch.float32).eval().requires_grad_(False)
        lines = run("prompts", MODEL, "--task", QUESTIONS, "--limit", 10, "--json").splitlines()
        self.documents = [json.loads(line) for line in lines]
        contexts = [document["context_ids"] for document in self.documents]
        self.prompts = contexts[:3] + [sum(contexts[:5], []), contexts[0][:2]]
        every = [(layer, head) for layer in range(30) for head in range(9)]
        self.heads = {}
        for layer, head in sorted(random.Random(3).sample(every, 40)):
            self.heads.setdefault(str(layer), []).append(head)
        heads = ",".join(f"L{layer}H{head}" for layer in self.heads for head in self.heads[layer])
        rules = [argument for rule in [*RULES, heads] for argument in ("--ablate", rule)]
        self.runs = dict(zip(["none", *RULES, "mask"], probe(self.prompts, *rules)))


class SmolTest(unittest.TestCase):
    def setUp(self):
        self.smol = Smol()
        self.model = self.smol.model

    def assert_close(self, what, logits, expected):
        difference = float((log_probs(logits) - log_probs(expected)).abs().max())
        LARGEST[what] = max(LARGEST.get(what, 0), difference)
        self.assertLess(difference, TOLERANCE, what)

    def assert_same(self, what, ablation, row, logits, expected):
        self.assertEqual(flagged(ablation, row), expected["flagged"], what)
        self.assert_close(what, logits, expected["last_logits"])

    def assert_far_from(self, rule, runs):
        """No score is within rounding of the threshold: masks must be the same."""
        name, threshold = rule.split("<")
        for each in runs:
            scores = torch.tensor([[math.nan if x is None else x for x in layer] for layer in each["scores"][name]])
            self.assertGreater(float((scores / float(threshold) - 1).abs().nan_to_num(1).min()), 1e-6, rule)

    def test_all_heads_on(self):
        for prompt, expected in zip(self.smol.prompts, self.smol.runs["none"]):
            self.assert_close("all heads on", self.model(torch.tensor([prompt])).logits[0, -1], expected["last_logits"])

    def test_mask_file(self):
        plain = write_json(self, self.smol.heads)
        for heads in (plain, write_json(self, {"heads": self.smol.heads}), Path(plain)):
            for prompt, expected in zip(self.smol.prompts, self.smol.runs["mask"]):
                with ablate(self.model, heads) as ablation:
                    logits = self.model(torch.tensor([prompt])).logits[0, -1]
                self.assert_same("mask", ablation, 0, logits, expected)

    def test_rules_prompt_by_prompt(self):
        for rule in RULES:
            runs = self.smol.runs[rule]
            self.assert_far_from(rule, runs)
            with ablate(self.model, rule=rule) as ablation:
                for prompt, expected in zip(self.smol.prompts, runs):
                    logits = self.model(torch.tensor([prompt])).logits[0, -1]
                    self.assert_same(rule, ablation, 0, logits, expected)
            shares = [sum(map(len, each["flagged"])) / 270 for each in runs]
            self.assertTrue(0.01 < min(shares) and max(shares) < 0.4, (rule, shares))
            self.assertGreater(len({json.dumps(each["flagged"]) for each in runs}), 3, "masks depend on the prompt")

    def test_padded_batches(self):
        for rule in RULES:
            runs = self.smol.runs[rule]
            for side in ("left", "right"):
                batch, last = pad(self.smol.prompts, side)
                for given in (None, batch["attention_mask"]):
                    with ablate(self.model, rule=rule, attention_mask=given) as ablation:
                        logits = self.model(**batch).logits
                    for row, expected in enumerate(runs):
                        self.assert_same(f"{rule}, padded", ablation, row, logits[row, last[row]], expected)

    def test_padded_batch_under_a_mask(self):
        runs = self.smol.runs["mask"]
        for side in ("left", "right"):
            batch, last = pad(self.smol.prompts, side)
            with ablate(self.model, self.smol.heads) as ablation:
                logits = self.model(**batch).logits
            for row, expected in enumerate(runs):
                self.assert_same("mask, padded", ablation, row, logits[row, last[row]], expected)

    def test_choices_of_questions(self):
        """Log-likelihoods of answers as `eval` logs them; a sample is a question with one of its answers."""
        for flags, settings in ((["--mask", write_json(self, self.smol.heads)], dict(heads=self.smol.heads)),
                                (["--ablate", RULES[0]], dict(rule=RULES[0]))):
            with tempfile.TemporaryDirectory() as folder:
                run("eval", MODEL, "--dtype", "f32", "--task", QUESTIONS, "--limit", 10, "--no-baseline", "-o", folder, *flags)
                logged = {}
                for file in Path(folder).rglob("samples_*.jsonl"):
                    for sample in map(json.loads, file.read_text().splitlines()):
                        logged[sample["arguments"]["gen_args_0"]["arg_0"]] = [float(r[0][0]) for r in sample["resps"]]
            self.assertEqual(len(logged), len(self.smol.documents))
            with ablate(self.model, **settings):
                for document in self.smol.documents:
                    for answer, expected in zip(document["continuation_ids"], logged[document["context"]]):
                        ids = document["context_ids"] + answer
                        rows = log_probs(self.model(torch.tensor([ids[:-1]])).logits[0, -len(answer):])
                        got = float(rows.gather(1, torch.tensor(answer)[:, None]).sum())
                        LARGEST["answers"] = max(LARGEST.get("answers", 0), abs(got - expected))
                        self.assertLess(abs(got - expected), TOLERANCE)

    def test_one_head_is_seen(self):
        """What a single wrong head changes is far above the tolerance."""
        prompt = torch.tensor([self.smol.prompts[0]])
        before = log_probs(self.model(prompt).logits[0, -1])
        changes = []
        for layer in range(0, 30, 6):
            for head in range(9):
                with ablate(self.model, {layer: [head]}):
                    after = log_probs(self.model(prompt).logits[0, -1])
                changes.append(float((after - before).abs().max()))
        print(f"one head changes a log-probability by {min(changes):.1e} or more")
        self.assertGreater(min(changes), 100 * TOLERANCE)

    @unittest.skipUnless(importlib.util.find_spec("transformer_lens"), "TransformerLens is not installed")
    def test_transformer_lens(self):
        lens = tiny.in_lens(self.model)
        for rule in (*RULES, "mask"):
            settings = dict(heads=self.smol.heads) if rule == "mask" else dict(rule=rule)
            hooks = transformer_lens_ablate.ablate(lens, **settings)
            for prompt, expected in zip(self.smol.prompts, self.smol.runs[rule]):
                got = {}
                logits = lens.run_with_hooks(torch.tensor([prompt]), fwd_hooks=hooks + recorders(got, 30))[0, -1]
                self.assert_close(f"TransformerLens, {rule}", logits, expected["last_logits"])
                self.assertEqual([got[layer][0].nonzero().flatten().tolist() for layer in range(30)], expected["flagged"])


def recorders(got, layers):
    """Hooks of TransformerLens that see which heads are zero: got[layer] [B, H]."""
    def of(layer):
        def record(z, hook):
            got[layer] = (z == 0).all(-1).all(1)
        return record
    return [(f"blocks.{layer}.attn.hook_z", of(layer)) for layer in range(layers)]


class TinyTest(unittest.TestCase):
    rows = [[7, 12, 3, 44, 9, 30, 21], [8, 8, 17], [40, 5, 6, 7, 33]]

    def test_heads_are_columns_of_the_projection(self):
        """A head that is off is the same as zeros in its columns of W_O, and a removed hook leaves nothing behind."""
        heads = {0: [1], 2: [0, 3]}
        for name in tiny.SHAPES:
            with self.subTest(name):
                model = tiny.make(name)
                ids = torch.tensor([self.rows[0]])
                before = model(ids).logits
                with ablate(model, heads):
                    got = model(ids).logits
                self.assertTrue(torch.equal(model(ids).logits, before))
                handle = ablate(model, heads)
                self.assertTrue(torch.equal(model(ids).logits, got))
                handle.remove()
                self.assertTrue(torch.equal(model(ids).logits, before))
                _, projections = transformers_ablate.find_projections(model)
                for layer, of_layer in heads.items():
                    tiny.without_heads(projections[layer], of_layer)
                self.assertGreater(float((got - before).abs().max()), 1e-2)
                self.assertLess(float((got - model(ids).logits).abs().max()), 1e-5)

    def test_rules_by_slow_arithmetic(self):
        """Every row of a padded batch has the heads off that plain Python finds for it alone, layer after layer."""
        for name in tiny.SHAPES:
            model = tiny.make(name)
            _, projections = transformers_ablate.find_projections(model)
            for score in transformers_ablate.SCORES:
                for side in ("left", "right"):
                    with self.subTest(name, score=score, side=side):
                        self.check_rule(name, model, projections, score, side)

    def check_rule(self, name, model, projections, score, side):
        z = {}
        watch = [projection.register_forward_pre_hook(lambda _, args, layer=layer: z.update({layer: args[0].clone()}))
                 for layer, projection in enumerate(projections)]  # these run first and see z as it comes
        self.addCleanup(lambda: [handle.remove() for handle in watch])
        model(torch.tensor([self.rows[0]]))
        of_all = sorted(x for layer in z.values() for x in tiny.slow_scores(score, layer[0].unflatten(-1, (4, -1))))
        threshold = (of_all[3] + of_all[4]) / 2  # of 12
        batch, last = pad(self.rows, side)
        if name == "falcon":
            del batch["position_ids"]
        with ablate(model, rule=f"{score}<{threshold}") as ablation:
            logits = model(**batch).logits
        for row, prompt in enumerate(self.rows):
            off = flagged(ablation, row)
            real = batch["attention_mask"][row].bool()
            for layer, heads in enumerate(off):
                scores = tiny.slow_scores(score, z[layer][row, real].unflatten(-1, (4, -1)))
                self.assertEqual(heads, [h for h, value in enumerate(scores) if value < threshold], (row, layer))
            for handle in watch:
                handle.remove()
            with ablate(model, dict(enumerate(off))):
                alone = model(torch.tensor([prompt])).logits[0, -1]
            self.assertLess(float((logits[row, last[row]] - alone).abs().max()), 1e-4)
        self.assertTrue(any(sum(flagged(ablation, row), []) for row in range(3)))

    def test_scores_that_are_not_numbers(self):
        """A layer whose outputs are all zero has no relative score: nothing is off. Its absolute score is 0."""
        model = tiny.make("llama")
        model.model.layers[1].self_attn.v_proj.weight.zero_()
        for rule, of_layer_1 in (("ahon_ln<9", []), ("lthon_ln<9", []), ("ahon<1e-30", [0, 1, 2, 3]), ("ahon<0", [])):
            with ablate(model, rule=rule) as ablation:
                model(torch.tensor([self.rows[0]]))
            self.assertEqual(flagged(ablation, 0)[1], of_layer_1, rule)

    def test_numbers_at_padding_do_not_matter(self):
        z = torch.randn(1, 4, 2, 3)
        real = torch.tensor([[False, True, True, False]])
        for name in transformers_ablate.SCORES:
            expected = transformers_ablate.score(name, z[:, 1:3], torch.ones(1, 2, dtype=torch.bool))
            for value in (0, 1e30, math.nan):
                z[:, 0], z[:, 3] = value, value
                self.assertTrue(torch.equal(transformers_ablate.score(name, z, real), expected))

    def test_bfloat16_and_classifiers(self):
        z = torch.randn(1, 4, 2, 3).to(torch.bfloat16)
        for name in transformers_ablate.SCORES:
            got, exact = (transformers_ablate.score(name, of, torch.ones(1, 4) == 1) for of in (z, z.float()))
            self.assertTrue(got.dtype == torch.float32 and torch.equal(got, exact))
        model = tiny.make("llama").to(torch.bfloat16)
        with ablate(model, rule="ahon_ln<1") as ablation:
            model(torch.tensor([self.rows[0]]))
        self.assertTrue(any(flagged(ablation, 0)))
        classifier = transformers.AutoModelForSequenceClassification.from_config(model.config)
        with ablate(classifier, rule="ahon_ln<1") as ablation:
            classifier(torch.tensor([self.rows[0]]))
        self.assertTrue(any(flagged(ablation, 0)))

    def test_generation(self):
        settings = dict(max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)
        for name in tiny.SHAPES:
            with self.subTest(name):
                model = tiny.make(name)
                ids = torch.tensor([self.rows[0]])
                batch = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
                with ablate(model, {0: [1], 2: [0, 3]}):  # the same heads: a cache may be used
                    cached = model.generate(**batch, **settings)
                    self.assertTrue(torch.equal(cached, model.generate(**batch, **settings, use_cache=False)))
                with ablate(model, rule="ahon_ln<0.95"):
                    with self.assertRaisesRegex(ValueError, "use_cache=False"):
                        model.generate(**batch, **settings)
                    got = model.generate(**batch, **settings, use_cache=False)
                    for _ in range(4):
                        logits = model(ids).logits[:, -1]
                        logits[:, 2] = -math.inf  # the end of the text
                        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
                self.assertTrue(torch.equal(got, ids))

    def test_refusals(self):
        model = tiny.make("llama")
        lens = argparse.Namespace(cfg=argparse.Namespace(n_layers=3, n_heads=4))
        cases = [
            (dict(), "heads or a rule"),
            (dict(heads={}, rule="ahon<1"), "heads or a rule"),
            (dict(heads={3: [0]}), "layer 3.*3 layers of 4 heads"),
            (dict(heads={3: []}), "layer 3"),
            (dict(heads={-1: [0]}), "layer -1"),
            (dict(heads={0: [4]}), r"heads \[4\]"),
            (dict(heads={"0": [-1]}), r"heads \[-1\]"),
            (dict(heads={0: 1}), "expected layers with lists"),
            (dict(heads={"layer": [1]}), "invalid literal"),
            (dict(heads={"heads": [1]}), "expected layers with lists"),
            (dict(heads=write_json(self, [[0, 1]])), "expected layers with lists"),
            (dict(heads=write_json(self, {"heads": {"5": [0]}})), "layer 5"),
            (dict(rule="ahon>1"), "ahon<NUMBER"),
            (dict(rule="ahon_ln@15%"), "ahon_ln<NUMBER"),
            (dict(rule="ahon_ln"), "ahon_ln<NUMBER"),
            (dict(rule="ahon_ln<"), "could not convert"),
            (dict(rule="ahon_ln<=1"), "could not convert"),
            (dict(rule="ahon_ln<nan"), "not a number"),
            (dict(rule="L0H1"), "'L0H1' cannot be computed"),
            (dict(rule="none"), "'none' cannot be computed"),
        ]
        others = ["awft>1", "awft_ln>1", "aeqd<1", "aeqd_ln<1", "ftvvn<1", "ftvvn_ln<1", "avvn<1", "avvn_ln<1", "lthon_hn<1",
                  "afhon<1", "afhon_ln<1", "random<1", "sink>1", "mass>1"]  # fmt: skip
        cases += [(dict(rule=rule), f"'{rule[:-2]}' cannot be computed here, only ahon, ahon_ln") for rule in others]
        for arguments, message in cases:
            for function, of in ((ablate, model), (transformer_lens_ablate.ablate, lens)):
                with self.subTest(arguments, of=type(of).__name__), self.assertRaisesRegex(ValueError, message):
                    function(of, **arguments)
        for heads in ({0: [1.0]}, {0: ["1"]}):
            with self.assertRaises(TypeError):
                ablate(model, heads)
        self.assertFalse(any(module._forward_pre_hooks for module in model.modules()), "a refusal leaves no hooks behind")

    def test_refusals_of_models(self):
        with self.assertRaisesRegex(ValueError, "Linear: the output projection of attention was not found"):
            ablate(torch.nn.Linear(2, 2), {})
        hybrid = tiny.make("llama")
        hybrid.model.layers[1].self_attn = torch.nn.Identity()
        with self.assertRaisesRegex(ValueError, "not found in every layer"):
            ablate(hybrid, {})
        narrow = tiny.make("llama")
        narrow.config.num_attention_heads = 2
        with ablate(narrow, {0: [1]}), self.assertRaisesRegex(ValueError, "2 heads x 8"):
            narrow(torch.tensor([self.rows[0]]))

    def test_refusals_of_calls(self):
        model = tiny.make("llama")
        batch, _ = pad(self.rows, "left")
        mask = batch["attention_mask"]
        wrong = [
            (dict(attention_mask=mask[:, 1:]), lambda: model(batch["input_ids"]), "attention_mask is"),
            (dict(attention_mask=mask[:1]), lambda: model(batch["input_ids"]), "attention_mask is"),
            (dict(), lambda: model.model(batch["input_ids"], mask), "by name"),
            (dict(), lambda: model(batch["input_ids"], attention_mask=torch.zeros(3, 1, 7, 7)), r"not \[B, S\]"),
        ]
        outputs = model(**batch, use_cache=True)  # new versions of transformers say cache
        cache = {name: outputs[name] for name in ("cache", "past_key_values") if name in outputs}
        longer = torch.cat([mask, torch.ones(3, 2, dtype=torch.long)], 1)
        wrong.append((dict(), lambda: model(batch["input_ids"][:, :2], attention_mask=longer, **cache), "KV cache"))
        for arguments, call, message in wrong:
            with self.subTest(message), ablate(model, rule="ahon<1", **arguments):
                with self.assertRaisesRegex(ValueError, message):
                    call()


@unittest.skipUnless(importlib.util.find_spec("transformer_lens"), "TransformerLens is not installed")
class LensTest(unittest.TestCase):
    rows = torch.tensor([[7, 12, 3, 44, 9, 30, 21], [8, 8, 17, 40, 5, 6, 7]])

    def setUp(self):
        self.model = tiny.make("llama")
        self.lens = tiny.in_lens(self.model)

    def test_same_as_in_transformers(self):
        settings = [dict(heads={"0": [1], 2: [0, 3]})]
        for score in transformers_ablate.SCORES:
            settings += [dict(rule=f"{score}<0.9"), dict(rule=f"{score}<1.1")]
            # Real tokens need not be what the model attends to: which ones count is given.
            settings += [dict(rule=f"{score}<1.1", attention_mask=[[0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0]])]
        some = 0
        for arguments in settings:
            with ablate(self.model, **arguments) as ablation:
                expected = self.model(self.rows).logits
            got = {}
            hooks = transformer_lens_ablate.ablate(self.lens, **arguments)
            logits = self.lens.run_with_hooks(self.rows, fwd_hooks=hooks + recorders(got, 3))
            for layer in range(3):
                self.assertTrue(torch.equal(got[layer], ablation.off[layer]), (arguments, layer))
                some += int(got[layer].sum())
            self.assertLess(float((logits - expected).abs().max()), 1e-4, arguments)
        self.assertGreater(some, 30)

    def test_padded_batches(self):
        prompts = TinyTest.rows
        for score in transformers_ablate.SCORES:
            for side in ("left", "right"):
                batch, last = pad(prompts, side)
                mask, got = batch["attention_mask"], {}
                hooks = transformer_lens_ablate.ablate(self.lens, rule=f"{score}<0.9", attention_mask=mask)
                logits = self.lens.run_with_hooks(batch["input_ids"], attention_mask=mask, fwd_hooks=hooks + recorders(got, 3))
                for row, prompt in enumerate(prompts):
                    with ablate(self.model, rule=f"{score}<0.9") as ablation:
                        alone = self.model(torch.tensor([prompt])).logits[0, -1]
                    self.assertEqual([got[layer][row].nonzero().flatten().tolist() for layer in range(3)], flagged(ablation, 0))
                    self.assertLess(float((logits[row, last[row]] - alone).abs().max()), 1e-4, (score, side))

    def test_refusals_of_calls(self):
        hooks = transformer_lens_ablate.ablate(self.lens, rule="ahon<1", attention_mask=[[1, 1, 1]])
        with self.assertRaisesRegex(ValueError, "attention_mask is"):
            self.lens.run_with_hooks(self.rows, fwd_hooks=hooks)
        hooks = transformer_lens_ablate.ablate(self.lens, rule="ahon<1")
        with self.assertRaisesRegex(ValueError, "use_past_kv_cache=False"):
            self.lens.run_with_hooks(self.rows[:, :1], fwd_hooks=hooks)
        at_pattern = dict(hooks)["blocks.0.attn.hook_pattern"]
        at_pattern(torch.zeros(1, 4, 5, 5), None)
        with self.assertRaisesRegex(ValueError, "use_past_kv_cache=False"):
            at_pattern(torch.zeros(1, 4, 2, 5), None)

    def test_cache(self):
        hooks = transformer_lens_ablate.ablate(self.lens, rule="ahon<1")
        try:
            from transformer_lens import HookedTransformerKeyValueCache
        except ImportError:  # a bridge has its cache inside
            for name, hook in hooks:
                self.lens.add_hook(name, hook)
            settings = dict(max_new_tokens=3, do_sample=False, stop_at_eos=False, verbose=False)
            self.lens.generate(self.rows[:1], use_past_kv_cache=False, **settings)
            with self.assertRaisesRegex(ValueError, "use_past_kv_cache=False"):
                self.lens.generate(self.rows[:1], **settings)
            return
        cache = HookedTransformerKeyValueCache.init_cache(self.lens.cfg, "cpu", 2)
        self.lens.run_with_hooks(self.rows[:, :4], fwd_hooks=hooks, past_kv_cache=cache)
        with self.assertRaisesRegex(ValueError, "use_past_kv_cache=False"):
            self.lens.run_with_hooks(self.rows[:, 4:], fwd_hooks=hooks, past_kv_cache=cache)


if __name__ == "__main__":
    unittest.main()
