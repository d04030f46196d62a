"""The package's scores and masks of transformers models (python/idleheads), against the goldens, the program and plain models.

Run by scripts/test_python.sh in an environment with torch and transformers.
"""
import json
import math
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src/prune/python"), str(ROOT / "tests/python")]

import numpy as np
import torch
import transformers as hf

import idleheads as ih
import tiny
import transformers_ablate
from idleheads import _core, _statistics
from idleheads._statistics import Observation
from observed import INTERFACE, OLD, PROMPTS, assert_as_before, attentions

GOLDEN = ROOT / "tests/data/golden"
ABOVE = ("awft", "awft_ln", "sink", "mass")  # scores that are inactive above the threshold
FOLDERS = sorted([*GOLDEN.glob("tiny/*"), *GOLDEN.glob("families/*")])
# Both sides compute in float32 in another order of sums. Scores: |a - b| <= this * max(1, |b|); nats of log-probabilities. The
# models in golden/tiny amplify rounding: float64 differs from float32 by 2.3e-5 of scores and 7.5e-5 of logits there, by 5e-6 and
# 2.4e-5 in the other families. A run prints the LARGEST; no score is nearer to a threshold than 0.3 % of it.
SCORE_TOLERANCE = {"tiny": 5e-5, "families": 1e-5}
LOG_PROB_TOLERANCE = {"tiny": 2e-4, "families": 1e-4}
LARGEST = {}

# What cannot be compared in a version, and why.
UNKNOWN = "transformers 4.48 does not know the family"
NO_INTERFACE = "refused"
SKIPPED = {"falcon_new": NO_INTERFACE, "falcon_old": NO_INTERFACE}
if OLD:
    SKIPPED |= dict.fromkeys(["exaone4", "gemma3_text", "glm4", "gpt_oss", "gpt_oss_mxfp4", "olmo3", "qwen3", "qwen3_moe",
                              "smollm3"], UNKNOWN)
    SKIPPED |= dict.fromkeys(["gpt_neox", "olmoe", "stablelm", "stablelm_qk"], NO_INTERFACE)
    SKIPPED |= {"llama_v5": "4.48 ignores rope_parameters", "llama_yarn": "4.48 takes another original context",
                "qwen2_sliding": "4.48 has another window in eager attention"}


def setUpModule():
    print(f"torch {torch.__version__}, transformers {hf.__version__}")
    for name, reason in SKIPPED.items():
        print(f"not compared: {name}, {reason}")


def tearDownModule():
    for name, difference in LARGEST.items():
        print(f"largest difference, {name}: {difference:.1e}")


def load(folder):
    # Grouped experts need wider rows than these models have, hooks or not.
    settings = {} if OLD else dict(experts_implementation="eager")
    model = hf.AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32, **settings)
    return model.to(torch.float32).eval()  # MXFP4 comes as bfloat16, which holds it exactly


def array(lists):
    return np.array([[math.nan if x is None else x for x in layer] for layer in lists])


def log_softmax(logits):
    return torch.tensor(logits, dtype=torch.float64).log_softmax(-1).numpy()


def rule_text(score, threshold):
    return f"{score}{'>' if score in ABOVE else '<'}{threshold}"


def flagged(mask):
    """[L, H] bool -> the heads of every layer, as the program lists them."""
    return [np.flatnonzero(layer).tolist() for layer in mask]


class Compare(unittest.TestCase):
    def assert_close(self, what, got, expected, tolerance):
        self.assertEqual(np.shape(got), np.shape(expected), what)
        self.assertTrue(np.array_equal(np.isnan(got), np.isnan(expected)), what)
        difference = np.abs(got - expected) / np.maximum(1, np.abs(expected))
        largest = float(np.nanmax(difference, initial=0))
        kind = what.split(":")[0]
        LARGEST[kind] = max(LARGEST.get(kind, 0), largest)
        self.assertLessEqual(largest, tolerance, what)


class GoldenTest(Compare):
    def test_every_folder(self):
        self.assertEqual(len(FOLDERS), 40)
        for folder in FOLDERS:
            reason = SKIPPED.get(folder.name)
            if reason is None:
                with self.subTest(folder.name):
                    self.check(folder, load(folder))

    def check(self, folder, model):
        cases, kind = json.loads((folder / "cases.json").read_text()), folder.parent.name
        interventions = cases["interventions"]
        rules = [rule_text(each["score"], each["threshold"]) for each in interventions]
        attention = attentions(model)
        heads = ih.Transformers(model, query_rows=16)  # lengths on both sides of a chunk
        for number, case in enumerate(cases["cases"]):  # from short to long: length-dependent RoPE remembers in some versions
            scored = heads.score(case["tokens"])
            for name, expected in case["scores"].items():
                self.assert_close(f"scores, {kind}: {name}", scored.scores(name)[0], array(expected), SCORE_TOLERANCE[kind])
            runs = heads.run(case["tokens"], rules)
            for run, expected in zip(runs, [case, *(each["cases"][number] for each in interventions)]):
                if "mask" in expected:
                    masks = ["".join(map(str, layer.astype(int))) for layer in run.masks[0]]
                    self.assertEqual(masks, expected["mask"], run.intervention)
                self.assert_close(f"log-probabilities, {kind}: {run.intervention}", run.log_probs[0],
                                  log_softmax(expected["last_logits"]), LOG_PROB_TOLERANCE[kind])
        assert_as_before(self, model, attention)

    def test_what_is_refused(self):
        for name, reason in SKIPPED.items():
            if reason == NO_INTERFACE:
                model = load(GOLDEN / "families" / name)
                attention = attentions(model)
                with self.assertRaisesRegex(ValueError, "ForCausalLM: its attention does not go through the attention interface"):
                    ih.Transformers(model).score([1, 2])
                assert_as_before(self, model, attention)

    def test_what_a_version_does_not_know(self):
        """Else a folder could be skipped for nothing."""
        for name, reason in SKIPPED.items():
            if reason == UNKNOWN:
                with self.assertRaisesRegex(ValueError, "does not recognize"):
                    load(GOLDEN / "families" / name)


class ProgramTest(Compare):
    """Against idleheads probe --json, which computes with the engine."""
    folder = GOLDEN / "families/gemma2"  # windows, caps, groups
    prompts = [[7, 12, 3, 44, 9, 30, 21, 2, 2, 5, 17], [8, 200], [3]]
    rules = ["ahon_ln<0.9", "awft>0.4", "afhon<1.1", "mass>0.5", "aeqd_ln<0.8", "L0H1,L2H3,L2H5"]

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.prompts, file)
            file.flush()
            ablate = [argument for rule in self.rules for argument in ("--ablate", rule)]
            command = [ROOT / "build/idleheads", "probe", self.folder, "--dtype", "f32", "--json", "--logits", "--tokens", file.name, *ablate]
            out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        self.expected = [sample["runs"] for sample in json.loads(out)["samples"]]
        self.heads = ih.Transformers(load(self.folder))

    def test_same_as_the_program(self):
        runs = self.heads.run(self.prompts, self.rules)
        some = 0
        for run, of_rule in zip(runs, zip(*self.expected)):
            for sample, expected in enumerate(of_rule):
                self.assertEqual(set(expected["scores"]), set(ih.SCORES) - {"random"})
                scored = ih.Scored(run.stats[sample:sample + 1], has_sinks=False)
                for name, values in expected["scores"].items():
                    if name not in ("random", "sink"):  # without sinks the program has 0 for sink
                        self.assert_close(f"scores, the program: {name}", scored.scores(name)[0], array(values), 1e-5)
                self.assertTrue(np.array_equal(run.stats[sample, ..., 9], array(expected["top_position"])), run.intervention)
                self.assertEqual(flagged(run.masks[sample]), expected["flagged"], run.intervention)
                self.assert_close("log-probabilities, the program: last", run.log_probs[sample],
                                  log_softmax(expected["last_logits"]), 1e-4)
                some += run.masks[sample].sum()
        self.assertGreater(some, 50)
        self.assertLess(some, 54 * len(runs))

    def test_shares(self):
        """A share is the threshold over all samples; in the first layer, above nothing ablated, masks are those by the scores."""
        scored = self.heads.score(self.prompts)
        for rule in ("ahon_ln@30%", "awft@25%"):
            run = self.heads.run(self.prompts, [rule])[1]
            score = rule.split("@")[0]
            limit = scored.threshold(rule)
            self.assertEqual(run.intervention, str(_core.Rule(rule_text(score, limit))))

            def off(of):
                values = of.scores(score)
                return values > np.float32(limit) if score in ABOVE else values < np.float32(limit)
            self.assertTrue(np.array_equal(scored.mask(rule), off(scored)))
            self.assertTrue(np.array_equal(run.masks[:, 0], off(scored)[:, 0]))
            again = self.heads.run(self.prompts, [rule_text(score, limit)])[1]
            self.assertTrue(np.array_equal(run.masks, again.masks))
            # And by the scores of this very pass, layer by layer.
            self.assertTrue(np.array_equal(run.masks, off(ih.Scored(run.stats, has_sinks=False))))

    def test_random_goes_by_the_prompts_number(self):
        """As in the engine, in batches too."""
        masks = self.heads.score(self.prompts).mask("random<0.3")
        for batch_size in (1, 2):
            self.assertTrue(np.array_equal(self.heads.run(self.prompts, "random<0.3", batch_size=batch_size)[1].masks, masks))
        self.assertEqual(len(np.unique(masks, axis=0)), len(self.prompts))


def watched_weights():
    """Attention weights as they are read: the third argument of every call."""
    layer = _statistics._Layer
    return mock.patch.object(layer, "add_weights", autospec=True, side_effect=layer.add_weights)


class TinyTest(Compare):
    def test_plain_logits(self):
        for name in INTERFACE:
            with self.subTest(name):
                model = tiny.make(name)
                run = ih.Transformers(model).run(PROMPTS)[0]
                for prompt, got in zip(PROMPTS, run.log_probs):
                    plain = log_softmax(model(torch.tensor([prompt])).logits[0, -1].tolist())
                    self.assert_close("log-probabilities, plain model: last", got, plain, 1e-5)
                self.assertFalse(run.masks.any())

    def test_chunks_and_padding_change_nothing(self):
        for name in INTERFACE:
            model = tiny.make(name)
            rules = ["ahon_ln<0.9", "awft>0.3", "mass>0.35"]
            whole = ih.Transformers(model, query_rows=64).run(PROMPTS, rules)
            self.assertTrue(all(run.masks.any() for run in whole[1:]))
            others = [ih.Transformers(model, query_rows=rows).run(PROMPTS, rules) for rows in (1, 2, 3)]
            others += [ih.Transformers(model, query_rows=2).run(PROMPTS, rules, batch_size=size) for size in (2, 3, 9)]
            for other in others:
                for run, expected in zip(other, whole):
                    self.assertTrue(np.array_equal(run.masks, expected.masks), (name, run.intervention))
                    self.assert_close("statistics, in chunks and padded: all", run.stats, expected.stats, 1e-5)
                    self.assert_close("log-probabilities, in chunks and padded: last", run.log_probs, expected.log_probs, 1e-5)

    def test_another_model_of_the_same_configuration(self):
        model, other = tiny.make("llama"), tiny.make("llama")
        for module in other.modules():
            if hasattr(module, "config"):
                module.config = model.config
        ids = torch.tensor(PROMPTS[:1])
        plain = other(ids).logits
        with ih.ablate(model, "ahon<9"):
            self.assertFalse(torch.allclose(model(ids).logits, plain, atol=1e-2))
            self.assertTrue(torch.allclose(other(ids).logits, plain, atol=1e-5))

    def test_padding_on_the_left(self):
        """As in generate(); places count from the first real token."""
        model = tiny.make("qwen2")
        alone = ih.Transformers(model).score(PROMPTS).stats
        length = max(map(len, PROMPTS))
        ids = torch.tensor([[9] * (length - len(prompt)) + prompt for prompt in PROMPTS])
        mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in PROMPTS])
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        for given in (None, mask):
            with Observation(model, attention_mask=given, query_rows=2) as observation:
                model(input_ids=ids, attention_mask=mask, position_ids=positions)
            self.assert_close("statistics, padded on the left: all", observation.stats, alone, 1e-5)
        self.assertGreater(alone[..., 9].max(), 0, "some head looks elsewhere than at the first token")

    def test_budget_of_weights(self):
        """No more weights at a time than the budget, nor less than one row of queries."""
        model = tiny.make("llama")
        for budget, expected in ((3 * 4 * 7, [(3, 3), (3, 6), (1, 7)]), (1, [(1, k + 1) for k in range(7)]), (10**6, [(7, 7)])):
            with mock.patch.object(_statistics, "QUERY_BUDGET", budget), watched_weights() as add:
                ih.Transformers(model).score(PROMPTS[0])
            shapes = [tuple(call.args[2].shape) for call in add.call_args_list]
            self.assertEqual(shapes, [(1, 4, *shape) for shape in expected * 3])  # three layers

    def test_sixteen_bits(self):
        """The model computes in its own type, and the weights of heads are those of its queries and keys in float32."""
        for dtype, tolerance in ((torch.bfloat16, 0.05), (torch.float16, 0.01)):  # 2^-8 and 2^-11 a step, three layers
            for name in ("llama", "gemma"):
                exact = ih.Transformers(tiny.make(name)).score(PROMPTS)
                model = tiny.make(name).to(dtype)
                heads = ih.Transformers(model)
                scored = heads.score(PROMPTS)
                self.assertEqual(scored.stats.dtype, np.float32)
                got, expected = (of.stats[:, 0, :, :9] for of in (scored, exact))
                self.assert_close(f"statistics, {dtype}: first layer", got, expected, tolerance)
                # Weights rounded to 16 bits would not sum to 1 as closely.
                with watched_weights() as add:
                    heads.score(PROMPTS)
                sums = torch.cat([call.args[2].sum(-1).flatten() for call in add.call_args_list])
                self.assertLess(float((sums - 1).abs().max()), 1e-6)
                plain = model(torch.tensor([PROMPTS[0]])).logits[0, -1].float().tolist()
                got = heads.run([PROMPTS[0]])[0].log_probs[0]
                self.assert_close(f"log-probabilities, {dtype}: last", got, log_softmax(plain), 0.05)

    def test_projections_whose_weight_does_not_lie_open(self):
        """Quantised layers, adapters: what W_O is is asked of the layer."""
        class Wrapped(torch.nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, x):
                return self.inner(x)
        for name, attention, projection in (("phi", "model.layers.1.self_attn", "dense"),
                                            ("gpt2", "transformer.h.1.attn", "c_proj")):
            model = tiny.make(name)
            expected = ih.Transformers(model).score(PROMPTS)
            holder = model.get_submodule(attention)
            inner = getattr(holder, projection)
            inner.bias.data.normal_()
            setattr(holder, projection, Wrapped(inner))
            self.assert_close("statistics, wrapped projection: all", ih.Transformers(model).score(PROMPTS).stats[:, 1],
                              expected.stats[:, 1], 1e-5)

    def test_continuations(self):
        model = tiny.make("llama")
        answers = [[3, 4], [9], [1, 2, 3]]
        heads = ih.Transformers(model)
        for size in (1, 3):
            first, run = heads.run(PROMPTS, ["ahon_ln<0.95"], continuations=answers, batch_size=size)
            for prompt, answer, plain, got, mask in zip(PROMPTS, answers, first.log_probs, run.log_probs, run.masks):
                ids = torch.tensor([(prompt + answer)[:-1]])

                def of_answer():
                    logits = model(ids).logits[0, -len(answer):].double().log_softmax(-1)
                    return logits.gather(1, torch.tensor(answer)[:, None])[:, 0].numpy()
                self.assert_close("log-probabilities, continuations: plain", plain, of_answer(), 1e-5)
                with transformers_ablate.ablate(model, rule="ahon_ln<0.95") as ablation:
                    self.assert_close("log-probabilities, continuations: rule", got, of_answer(), 1e-5)
                self.assertTrue(all(np.array_equal(mask[layer], ablation.off[layer][0].numpy()) for layer in range(3)))

    def test_text(self):
        class Letters:  # as a tokenizer of transformers, one token a letter
            def __call__(self, text, add_special_tokens=True):
                return {"input_ids": [1] * add_special_tokens + [ord(letter) % 50 for letter in text]}
        heads = ih.Transformers(tiny.make("llama"), Letters())
        ids = [ord(letter) % 50 for letter in "to be "]
        self.assertTrue(np.array_equal(heads.score("to be ").stats, heads.score([ids]).stats))
        self.assertTrue(np.array_equal(heads.score(["to be ", "or"]).stats[:1], heads.score(np.array(ids)).stats))
        # The prompt's last space is the continuation's.
        as_text = heads.run(["to be "], continuations=["or"])[0].log_probs[0]
        as_ids = heads.run([ids[:-1]], continuations=[[*ids[-1:], *(ord(letter) % 50 for letter in "or")]])[0].log_probs[0]
        self.assertTrue(len(as_text) == 3 and np.array_equal(as_text, as_ids))
        with self.assertRaisesRegex(ValueError, "give Transformers a tokenizer"):
            ih.Transformers(heads.model).score("to be")

    def test_layers_without_attention_or_of_other_widths(self):
        model = tiny.make("llama")
        model.model.layers[1].self_attn.forward = lambda hidden_states, **_: (torch.zeros_like(hidden_states), None)
        narrow = model.model.layers[2].self_attn
        for name, width in (("q_proj", 16), ("k_proj", 8), ("v_proj", 8)):
            setattr(narrow, name, torch.nn.Linear(32, width, bias=False))
        narrow.o_proj = torch.nn.Linear(16, 32, bias=False)
        scored = ih.Transformers(model).score(PROMPTS)
        absent = np.isnan(scored.stats).all(-1)
        self.assertEqual(flagged(absent[0]), [[], [0, 1, 2, 3], [2, 3]])
        self.assertTrue(np.array_equal(absent, np.isnan(scored.scores("ahon_ln"))))
        self.assert_close("layer mean: of heads that are there", scored.scores("ahon_ln")[:, 2, :2].mean(-1), np.ones(3), 1e-6)
        self.assertFalse(scored.mask("ahon<1e9")[absent].any())

    def test_restored_whatever_happens(self):
        model = tiny.make("llama")
        attention = attentions(model)
        heads = ih.Transformers(model)

        def broken(*_):
            raise KeyError("in the middle")
        handle = model.model.layers[1].mlp.register_forward_pre_hook(broken)
        for call in (lambda: heads.score(PROMPTS), lambda: heads.run(PROMPTS, ["ahon<1"])):
            with self.assertRaises(KeyError):
                call()
        with self.assertRaises(KeyError), ih.ablate(model, "awft>0.5"):
            model(torch.tensor(PROMPTS[:1]))
        handle.remove()
        assert_as_before(self, model, attention)
        ablation = ih.ablate(model, "awft>0.5")
        self.assertNotEqual(attentions(model), attention)
        ablation.remove()
        ablation.remove()
        assert_as_before(self, model, attention)
        heads.score(PROMPTS)
        assert_as_before(self, model, attention)


class AblateTest(Compare):
    ids = torch.tensor([PROMPTS[0], [8, 8, 17, 40, 5, 6, 7]])

    def test_agrees_with_the_file_for_transformers(self):
        for name in INTERFACE:
            model = tiny.make(name)
            for rule in ("ahon_ln<0.95", "ahon<0.9", "lthon_ln<1", "lthon<1"):
                with transformers_ablate.ablate(model, rule=rule) as expected:
                    logits = model(self.ids).logits
                with ih.ablate(model, rule) as got:
                    difference = (model(self.ids).logits - logits).abs().max()
                for layer in range(3):
                    self.assertTrue(torch.equal(got.off[layer], expected.off[layer]), (name, rule, layer))
                self.assertLess(float(difference), 1e-4)

    def test_same_as_run(self):
        model = tiny.make("qwen2")
        some = 0
        for rule in ("awft>0.3", "aeqd_ln<0.9", "afhon_ln<0.9", "avvn<1", "lthon_hn<0.9", "mass>0.4"):
            run = ih.Transformers(model).run(self.ids.tolist(), [rule])[1]
            with ih.ablate(model, rule) as ablation:
                logits = model(self.ids).logits[:, -1]
            self.assertTrue(np.array_equal(run.masks, np.stack([ablation.off[layer].numpy() for layer in range(3)], 1)), rule)
            self.assert_close("log-probabilities, ablate: last", run.log_probs, log_softmax(logits.tolist()), 1e-5)
            some += run.masks.sum()
        self.assertGreater(some, 10)

    def test_heads_in_every_form(self):
        model = tiny.make("llama")
        mask = np.zeros((3, 4), bool)
        mask[0, 1] = mask[2, 0] = mask[2, 3] = True
        with transformers_ablate.ablate(model, {0: [1], 2: [0, 3]}):
            expected = model(self.ids).logits
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"heads": {"0": [1], "2": [0, 3]}}, file)
            file.flush()
            for what in ({0: [1], 2: [0, 3]}, "L2H0,L0H1,2.3", mask, file.name, Path(file.name)):
                with ih.ablate(model, what):
                    self.assertTrue(torch.equal(model(self.ids).logits, expected), what)
        run = ih.Transformers(model).run(self.ids.tolist(), ["L0H1,L2H0,L2H3"])[1]
        self.assertTrue((run.masks == mask).all())
        self.assert_close("log-probabilities, heads: last", run.log_probs, log_softmax(expected[:, -1].tolist()), 1e-5)

    def test_generation(self):
        """A rule chooses anew at every step, without a cache."""
        model, ids = tiny.make("llama"), torch.tensor(PROMPTS[:1])
        settings = dict(max_new_tokens=3, min_new_tokens=3, do_sample=False, pad_token_id=0, attention_mask=torch.ones_like(ids))
        with ih.ablate(model, "ahon_ln<0.95"):
            got = model.generate(ids, **settings, use_cache=False)
            with self.assertRaisesRegex(ValueError, "use_cache=False"):
                model.generate(ids, **settings)
        with transformers_ablate.ablate(model, rule="ahon_ln<0.95"):
            self.assertTrue(torch.equal(got, model.generate(ids, **settings, use_cache=False)))


if __name__ == "__main__":
    unittest.main()
