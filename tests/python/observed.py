"""What the tests of python/idleheads share: prompts, families, and what a model must look like when nothing observes it."""
import logging
import warnings

import torch
import transformers as hf

from idleheads import _statistics

OLD = hf.__version__.startswith("4.")
PROMPTS = [[7, 12, 3, 44, 9, 30, 21], [8, 8, 17], [40, 5, 6, 7, 11]]
# The tiny models whose attention goes through transformers' attention interface.
INTERFACE = ["llama", "mistral", "qwen2", "gemma", "olmo", "phi", "gpt2"] + ([] if OLD else ["gpt_neox"])

hf.utils.logging.set_verbosity_error()
hf.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
torch.set_num_threads(1)
torch.manual_seed(0)


def attentions(model):
    return [m.config._attn_implementation for m in model.modules() if hasattr(m, "config")]


def assert_as_before(test, model, attention):
    """No hook is left, and the attention implementations are these."""
    test.assertEqual(attentions(model), attention)
    test.assertFalse(any(m._forward_pre_hooks or m._forward_hooks for m in model.modules()), "hooks are left")
    test.assertFalse(any(m in _statistics._OBSERVATIONS for m in model.modules()))
