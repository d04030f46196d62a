"""Folders from which `idleheads prune --cut` cut heads, in transformers: they compute and write what the whole model does with
these heads switched off by a hook.

Run by scripts/test_python.sh in an environment with torch and transformers.
"""
import json
import logging
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src/prune/python"))

import torch
import transformers as hf
from tokenizers import Tokenizer, models

import tiny
from program import ROOT, run
from transformers_ablate import ablate

# Of logits up to 10. Attention's output projection sums over fewer columns in the cut model, so that the matrix product adds the
# same numbers in another order: in float32 this moves logits by up to 1e-5, and by 0.0 where the order is the same (a run prints
# the LARGEST). A head too many or too few moves some logit by 0.1 and more (assert_mask_acts).
TOLERANCE = 5e-5
LARGEST = {}
ROWS = torch.tensor([[7, 12, 3, 44, 9, 30, 21, 6, 40, 41], [8, 8, 17, 40, 5, 6, 7, 33, 2, 19]])
IS_NEW = int(hf.__version__.split(".")[0]) >= 5

FAMILIES = {
    "llama": {},
    "mistral": dict(sliding_window=8),  # shorter than what is generated
    "qwen2": {},
    "qwen3": dict(head_dim=12),
    "smollm3": dict(no_rope_layers=[1, 0, 1]),
    "gemma": dict(head_dim=12),
    "granite": dict(attention_multiplier=0.2, residual_multiplier=0.7, embedding_multiplier=3, logits_scaling=2),
    "olmo": dict(clip_qkv=2.0),
    "starcoder2": dict(use_bias=False, sliding_window=None),
}
# Of three layers with four heads, the first two of which read the first of two key/value heads.
MASKS = {
    "layers that differ": {0: [1, 2], 1: [2, 3]},
    "a layer without attention": {1: [0, 1, 2, 3], 2: [0, 1]},
    "the last layer without attention": {2: [0, 1, 2, 3]},
    "zeros": {1: [3], 2: [0, 1, 3]},
    "the same of each layer": {0: [0, 1], 1: [2, 3], 2: [0, 1]},
    "a head of each group": {0: [0, 2], 1: [1, 2], 2: [0, 3]},
}
PER_LAYER = list(MASKS)[:4]

hf.utils.logging.set_verbosity_error()
hf.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
torch.set_num_threads(1)

for name, kind in (("qwen3", "Qwen3Config"), ("smollm3", "SmolLM3Config"), ("granite", "GraniteConfig"),
                   ("starcoder2", "Starcoder2Config")):
    if hasattr(hf, kind):
        tiny.SHAPES[name] = (getattr(hf, kind), {})


def setUpModule():
    print(f"torch {torch.__version__}, transformers {hf.__version__}")


def tearDownModule():
    for name, difference in LARGEST.items():
        print(f"largest difference, {name}: {difference:.1e}")



def load(folder, trusts=True, **settings):
    """The model with nothing missing and nothing left over."""
    model, info = hf.AutoModelForCausalLM.from_pretrained(
        folder, trust_remote_code=trusts, torch_dtype="auto", output_loading_info=True, **settings)
    faults = {key: found for key, found in info.items() if found}
    assert not faults, faults
    return model.eval().requires_grad_(False)


def generate(model, **settings):
    return model.generate(ROWS, attention_mask=torch.ones_like(ROWS), max_new_tokens=12, do_sample=False, eos_token_id=None,
                          **settings)


class CutFolderTest(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def whole(self, name, **settings):
        if name not in tiny.SHAPES:
            self.skipTest(f"transformers {hf.__version__} has no {name}")
        model = tiny.make(name, **(dict(num_key_value_heads=2) | FAMILIES[name] | settings))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.2)  # norms and biases that are not 1 and 0
        return model

    def cut(self, model, heads, **saving):
        """-> the folder of the model without the heads, and what the program said"""
        number = len(list(self.place.glob("mask*")))
        whole, mask, out = (self.place / f"{what}{number}" for what in ("whole", "mask", "cut"))
        model.save_pretrained(whole, **saving)
        mask.write_text(json.dumps({str(layer): of_layer for layer, of_layer in heads.items()}))
        return out, run("prune", whole, "--mask", mask, "-o", out, "--cut")

    def assert_close(self, what, got, expected):
        difference = float((got - expected).abs().max())
        LARGEST[what] = max(LARGEST.get(what, 0), difference)
        self.assertLess(difference, TOLERANCE, what)

    def assert_mask_acts(self, model, expected):
        self.assertGreater(float((model(ROWS).logits - expected).abs().max()), 0.1)

    def each(self, check):
        for name in FAMILIES:
            if name in tiny.SHAPES:
                for kind in MASKS:
                    with self.subTest(name, mask=kind):
                        model = self.whole(name)
                        check(name, kind, model, *self.cut(model, MASKS[kind]))

    def test_logits(self):
        def check(name, kind, model, out, said):
            self.assertEqual("trust_remote_code" in said, kind in PER_LAYER)
            for attention in ("eager", "sdpa"):
                model.config._attn_implementation = attention
                with ablate(model, MASKS[kind]):
                    expected = model(ROWS).logits
                    padded = model(ROWS, attention_mask=torch.tensor([[0, 0] + [1] * 8, [1] * 10])).logits
                self.assert_mask_acts(model, expected)
                cut = load(out, trusts=kind in PER_LAYER, attn_implementation=attention)
                self.assertLess(sum(p.numel() for p in cut.parameters()), sum(p.numel() for p in model.parameters()))
                self.assert_close(f"{name}, {attention}", cut(ROWS).logits, expected)
                got = cut(ROWS, attention_mask=torch.tensor([[0, 0] + [1] * 8, [1] * 10])).logits
                self.assert_close(f"{name}, padded", got[0, 2:], padded[0, 2:])

        self.each(check)

    def test_generation(self):
        def check(name, kind, model, out, said):
            with ablate(model, MASKS[kind]):
                greedy, beams = generate(model), generate(model, num_beams=3)
            cut = load(out)
            self.assertTrue(torch.equal(generate(cut), greedy))
            self.assertTrue(torch.equal(generate(cut, use_cache=False), greedy))
            self.assertTrue(torch.equal(generate(cut, num_beams=3), beams))
            if IS_NEW:  # version 4 makes all layers' static caches of one size
                self.assertTrue(torch.equal(generate(cut, cache_implementation="static"), greedy))

        self.each(check)

    def test_cache_has_the_heads_that_are_left(self):
        model = self.whole("llama")
        out, _ = self.cut(model, {0: [0, 1], 1: [0, 1, 2, 3]})
        outputs = load(out)(ROWS, use_cache=True)
        cache = outputs["cache" if "cache" in outputs else "past_key_values"]
        if IS_NEW:
            keys = [layer.keys for layer in cache.layers]
        else:
            keys = cache.key_cache
        self.assertEqual([0 if k is None or len(k) == 0 else k.shape[1] for k in keys], [1, 0, 2])

    def test_save_and_load_again(self):
        def check(name, kind, model, out, said):
            cut, again = load(out), self.place / f"again{out.name}"
            cut.save_pretrained(again)
            self.assertTrue(torch.equal(load(again)(ROWS).logits, cut(ROWS).logits))
            # The program opens what transformers saved, and heads have their names.
            before, after = (json.loads(run("info", folder, "--json")) for folder in (out, again))
            self.assertEqual(before["heads"], 4)
            for key in ("heads", "kv_heads", "layer_heads", "layer_kv_heads"):
                self.assertEqual(before.get(key), after.get(key), key)

        self.each(check)

    def test_the_program_computes_the_same(self):
        prompts = self.place / "prompts"
        prompts.write_text(json.dumps(ROWS.tolist()))
        def check(name, kind, model, out, said):
            said = json.loads(run("probe", out, "--dtype", "f32", "--json", "--logits", "--tokens", prompts))
            expected = load(out)(ROWS).logits[:, -1].log_softmax(-1)
            for row, sample in enumerate(said["samples"]):
                got = torch.tensor(sample["runs"][0]["last_logits"]).log_softmax(-1)
                self.assert_close(f"{name}, in the program", got, expected[row])

        self.each(check)

    def test_shards(self):
        model = self.whole("llama")
        out, _ = self.cut(model, MASKS["a layer without attention"], max_shard_size="20KB")
        self.assertGreater(len(list(out.glob("model-*.safetensors"))), 2)
        with ablate(model, MASKS["a layer without attention"]):
            self.assert_close("shards", load(out)(ROWS).logits, model(ROWS).logits)

    def test_half_precision(self):
        model = self.whole("qwen2").to(torch.bfloat16)
        out, _ = self.cut(model, MASKS["layers that differ"])
        cut, model = load(out), load(self.place / "whole0", trusts=False)
        self.assertEqual(cut.dtype, torch.bfloat16)
        with ablate(model.float(), MASKS["layers that differ"]):
            self.assert_close("bfloat16 weights", cut.float()(ROWS).logits, model(ROWS).logits)

    def test_llama_as_mistral(self):
        scaling = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                       original_max_position_embeddings=16)
        for settings in ({}, dict(rope_scaling=scaling), dict(tie_word_embeddings=True)):
            model = self.whole("llama", num_key_value_heads=1, **settings)
            heads = {0: [0], 1: [2], 2: [3]}  # 3 heads, which do not divide 32
            out, said = self.cut(model, heads)
            self.assertIn("written as Mistral", said)
            cut = load(out, trusts=False)
            self.assertEqual(type(cut).__name__, "MistralForCausalLM")
            with ablate(model, heads):
                self.assert_close("llama as mistral", cut(ROWS).logits, model(ROWS).logits)
                self.assertTrue(torch.equal(generate(cut), generate(model)))

    def test_biases(self):
        heads = {0: [0], 1: [2], 2: [3]}
        for name, settings in (("llama", dict(attention_bias=True, mlp_bias=True)), ("starcoder2", dict(use_bias=True))):
            model = self.whole(name, num_key_value_heads=1, **settings)
            out, said = self.cut(model, heads)
            self.assertEqual("trust_remote_code" in said, name == "llama", "3 heads do not divide 32, and Mistral has no biases")
            with ablate(model, heads):
                self.assert_close("biases", load(out)(ROWS).logits, model(ROWS).logits)
            with self.assertRaisesRegex(RuntimeError, "layer 1 without heads, but its output projection adds a bias"):
                self.cut(model, MASKS["a layer without attention"])

    def test_windows_in_some_layers(self):
        model = self.whole("qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1, num_hidden_layers=4)
        heads = {2: [0, 1, 2, 3], 3: [2, 3]}
        out, _ = self.cut(model, heads)
        cut = load(out)
        with ablate(model, heads):
            self.assert_close("windows", cut(ROWS).logits, model(ROWS).logits)
            self.assertTrue(torch.equal(generate(cut), generate(model)))

    def test_another_kind_of_attention_afterwards(self):
        if not IS_NEW:
            self.skipTest("set_attn_implementation is of version 5")
        model = self.whole("llama")
        out, _ = self.cut(model, MASKS["layers that differ"])
        cut = load(out, attn_implementation="sdpa")
        cut.set_attn_implementation("eager")
        attentions = cut(ROWS, output_attentions=True).attentions
        self.assertEqual([a.shape[1] for a in attentions], [2, 2, 4])
        with ablate(model, MASKS["layers that differ"]):
            self.assert_close("eager afterwards", cut(ROWS).logits, model(ROWS).logits)

    def test_tokenizer(self):
        words = Tokenizer(models.WordLevel({"<pad>": 0, "<s>": 1, "</s>": 2, "sea": 3}, unk_token="<pad>"))
        model = self.whole("llama")
        hf.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>").save_pretrained(self.place / "whole0")
        out, _ = self.cut(model, MASKS["layers that differ"])
        self.assertEqual(hf.AutoTokenizer.from_pretrained(out, trust_remote_code=True)("sea").input_ids, [3])

    def test_not_without_trust(self):
        out, _ = self.cut(self.whole("llama"), MASKS["a layer without attention"])
        with self.assertRaisesRegex(ValueError, "trust_remote_code|execute"):
            hf.AutoModelForCausalLM.from_pretrained(out, trust_remote_code=False)


if __name__ == "__main__":
    unittest.main()
