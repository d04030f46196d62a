"""What python/idleheads refuses, by name, and that the model is then as before.

Run by scripts/test_python.sh in an environment with torch and transformers.
"""
import math
import sys
import types
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))

import numpy as np
import torch
import transformers as hf

import idleheads as ih
import tiny
from idleheads import _statistics
from observed import PROMPTS, assert_as_before, attentions


class RefusalTest(unittest.TestCase):
    def test_calls(self):
        model = tiny.make("llama")
        heads = ih.Transformers(model)
        attention = attentions(model)
        scored = heads.score(PROMPTS)
        cases = [
            (lambda: heads.score([]), "no prompt"), (lambda: heads.score([[]]), "a prompt is empty"),
            (lambda: heads.score([1, 50]), "token 50: the model has tokens from 0 to 49"),
            (lambda: heads.score([-1]), "token -1"),
            (lambda: heads.score(PROMPTS, batch_size=0), "batch_size 0"),
            (lambda: ih.Transformers(model, query_rows=0).score(PROMPTS), "query_rows 0"),
            (lambda: heads.run(PROMPTS, continuations=[[1]]), "3 prompts, but 1 continuations"),
            (lambda: heads.run([[1]], continuations=[[]]), "is empty"),
            (lambda: heads.run([[1]], continuations=[[77]]), "token 77"),
            (lambda: heads.run(PROMPTS, ["L3H0"]), "L3H0 does not exist"),
            (lambda: heads.run(PROMPTS, ["sink>0.1"]), "no learned sinks"),
            (lambda: heads.run(PROMPTS, "oops<1"), "unknown score"),
            (lambda: scored.scores("sink"), "no learned sinks"), (lambda: scored.scores("randon"), "unknown score"),
            (lambda: scored.mask("L0H4"), "L0H4"), (lambda: scored.mask("sink@5%"), "no learned sinks"),
            (lambda: scored.threshold("L0H1"), "no threshold"), (lambda: ih.ablate(model, "ahon_ln@15%"), "give a threshold"),
            (lambda: ih.ablate(model, "random<0.1"), "Transformers.run"), (lambda: heads.score([1.5]), "token ids are integers"),
            (lambda: heads.score([{"role": "user", "content": "Hi"}]), "a prompt is a chat"),
            (lambda: ih.ablate(model, "sink>0.1"), "no learned sinks"), (lambda: ih.ablate(model, "L3H0"), "layer 3"),
            (lambda: ih.ablate(model, np.zeros((1, 3, 4), bool)), "a mask is bool"),
            (lambda: ih.ablate(model, np.zeros((3, 4))), "a mask is bool"),
            (lambda: ih.ablate(model, np.zeros((2, 4), bool)), "a mask"),
        ]
        for call, message in cases:
            with self.subTest(message), self.assertRaisesRegex(ih.Error, message):
                call()
        assert_as_before(self, model, attention)
        with self.assertRaises(AttributeError):
            ih.generated

    def test_models(self):
        training = tiny.make("llama").train()
        t5 = hf.T5Config(vocab_size=50, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        encoder = hf.AutoModelForSeq2SeqLM.from_config(t5).eval()
        broken = tiny.make("llama")
        broken.model.layers[1].self_attn.v_proj.weight[0, 0] = math.inf
        for model, message in [(training, "training mode"), (encoder, "an encoder as well"),
        (broken, "layer 1, head 0.*not finite"),
                               (torch.nn.Linear(2, 2), "Linear: expected a model of transformers")]:
            with self.subTest(message), self.assertRaisesRegex(ih.Error, message):
                ih.Transformers(model).score([1, 2])
            self.assertFalse(any(m._forward_pre_hooks or m._forward_hooks for m in model.modules()), "hooks are left")

    def test_attention(self):
        """What looks like a model of a family and is not."""
        def nameless(attention):
            del attention.o_proj

        def not_called(attention):
            attention.o_proj = torch.nn.Identity()  # phi's is called dense

        def twice(attention):
            attention.layer_idx = 0

        def cut(attention):
            attention.o_proj.register_forward_pre_hook(lambda _, args: args[0][:, :-1])

        def again(attention):
            attention.register_forward_hook(lambda module, _, output: (module.o_proj(output[0]), *output[1:]))

        def scaled(attention):
            beside = sys.modules[type(attention).__module__]

            def eager(*args, **kwargs):
                output, weights = beside.eager_attention_forward(*args, **kwargs)
                return output * 0.9, weights
            sys.modules["scaled"] = types.SimpleNamespace(eager_attention_forward=eager)
            self.addCleanup(sys.modules.pop, "scaled")
            attention.__class__ = type("Scaled", (type(attention),), {"__module__": "scaled"})
        for name, change, message in [
                ("llama", nameless, "layer 1: LlamaAttention has no output projection among its q_proj, k_proj, v_proj"),
                ("phi", not_called, "layer 1: the output projection was not called"),
                ("llama", twice, "layer 0: its attention is computed twice"),
                ("llama", cut, r"layer 1: the output projection gets \[1, 2, 32\], which is not 1 x 3 tokens of 4 heads"),
                ("llama", again, "Linear: an output projection was called without attention before it"),
                ("llama", scaled, "layer 1: Scaled does not give weights times values")]:
            model = tiny.make(name)
            change(model.model.layers[1].self_attn)
            with self.subTest(message), self.assertRaisesRegex(ih.Error, message):
                ih.Transformers(model).score([1, 2, 3])
        model = tiny.make("llama")
        for layer in model.model.layers:
            layer.self_attn.forward = lambda hidden_states, **_: (hidden_states, None)
        with self.assertRaisesRegex(ValueError, "LlamaForCausalLM: no layer called the attention interface"):
            ih.Transformers(model).score([1, 2, 3])
        with self.assertRaisesRegex(ValueError, "Linear has no eager attention beside it"):
            _statistics._eager_attention(torch.nn.Linear(1, 1))

    def test_calls_of_a_model_under_a_rule(self):
        model = tiny.make("llama")
        ids, ones = torch.tensor([[1, 2, 3]]), torch.ones(1, 3, dtype=torch.long)
        all_see_all = torch.zeros(1, 1, 3, 3)
        cases = [
            (dict(attention_mask=ones), lambda: model(ids, attention_mask=all_see_all), "LlamaAttention is not causal"),
            (dict(), lambda: model(ids, attention_mask=all_see_all), r"not \[B, S\]"),
            (dict(), lambda: model(ids, attention_mask=ones * 0), "a row has no real token"),
            (dict(attention_mask=ones[:, 1:]), lambda: model(ids), r"attention_mask is \[1, 2\], the batch \[1, 3\]"),
            (dict(), lambda: model.model(ids, ones), "by name"),
            (dict(), lambda: ih.ablate(model, "ahon<1"), "observed already"),
        ]
        for arguments, call, message in cases:
            with self.subTest(message), ih.ablate(model, "awft>0.5", **arguments), self.assertRaisesRegex(ih.Error, message):
                call()


if __name__ == "__main__":
    unittest.main()
