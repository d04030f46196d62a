"""Switches attention heads of a TransformerLens model off, as idleheads does.

    hooks = ablate(model, heads="mask.json")        # or heads={5: [0, 3]}: the same heads for every input
    hooks = ablate(model, rule="ahon_ln<0.52")      # heads are chosen anew for every row of the batch
    logits = model.run_with_hooks(tokens, fwd_hooks=hooks)

For HookedTransformer and TransformerBridge. A head that is off has its output z, blocks.{l}.attn.hook_z
[B, S, H, d], set to zero at all positions. Layers and query heads count from 0.

heads   {layer: [heads]}, keys may be strings; or a JSON file of that form, or one that has it under "heads".
rule    a score, "<" and a threshold. With the means over a row's real tokens t and over the heads of its layer:
            ahon     mean over t of |z_t|                    ahon_ln   the same / mean of ahon over the heads
            lthon    |z_t| of the last t                     lthon_ln  the same / mean of ahon over the heads
        Earlier layers are ablated already when a layer is scored. Nothing is off where a score is NaN.
attention_mask   [B, S], 0 at padding, for rules: which tokens are real. Without one all are: a padded batch needs it.

A rule needs whole sequences, one a row. With tokens in a KV cache the means would be wrong. This is refused, as are rows
of one token, which look the same: pass use_past_kv_cache=False to generate(). Rows that hold several packed sequences
cannot be told from others: do not use them.

Weights must be as they were trained: HookedTransformer.from_pretrained_no_processing, or TransformerBridge without
enable_compatibility_mode(). Otherwise biases of values are moved behind z, and z is another one; this cannot be told.
"""
import json
import math
import operator
import re

import torch

SCORES = ("ahon", "ahon_ln", "lthon", "lthon_ln")


def read_heads(heads, layer_count, head_count):
    if not isinstance(heads, dict):
        with open(heads, encoding="utf-8") as file:
            heads = json.load(file)
        if "means" in heads:
            raise ValueError("the mask's heads give their means, not zeros; prune writes a model that has them")
    heads = heads.get("heads", heads) if isinstance(heads, dict) else heads
    if not isinstance(heads, dict) or not all(isinstance(of_layer, list) for of_layer in heads.values()):
        raise ValueError("heads: expected layers with lists of heads, as in {5: [0, 3]}")
    heads = {int(layer): [operator.index(head) for head in of_layer] for layer, of_layer in heads.items()}
    for layer, of_layer in heads.items():
        if not 0 <= layer < layer_count or not all(0 <= head < head_count for head in of_layer):
            raise ValueError(f"layer {layer}, heads {of_layer}: there are {layer_count} layers of {head_count} heads, from 0")
    return heads


def parse_rule(rule):
    name, sign, threshold = re.match(r"(\w*)(\W?)(.*)", rule).groups()
    if name not in SCORES:
        raise ValueError(f"rule '{rule}': '{name}' cannot be computed here, only {', '.join(SCORES)}")
    if sign != "<":
        raise ValueError(f"rule '{rule}': heads are inactive where {name} is below a threshold: {name}<NUMBER")
    if math.isnan(float(threshold)):
        raise ValueError(f"rule '{rule}': the threshold is not a number")
    return name, float(threshold)


def score(name, z, real):
    """z [B, S, H, d], real [B, S] bool -> [B, H]"""
    norms = z.float().norm(dim=-1).masked_fill(~real[..., None], 0)
    mean = norms.sum(1) / real.sum(1, keepdim=True)
    last = (real * torch.arange(real.shape[1], device=real.device)).argmax(1)
    value = norms[torch.arange(len(norms), device=z.device), last] if name.startswith("lthon") else mean
    return value / mean.mean(1, keepdim=True) if name.endswith("_ln") else value


def ablate(model, heads=None, rule=None, attention_mask=None):
    if (heads is None) == (rule is None):
        raise ValueError("give heads or a rule, one of the two")
    count = model.cfg.n_heads
    fixed = {} if heads is None else read_heads(heads, model.cfg.n_layers, count)
    name, threshold = (None, None) if rule is None else parse_rule(rule)
    given = None if attention_mask is None else torch.as_tensor(attention_mask) != 0

    def at_pattern(pattern, hook):
        if pattern.shape[-1] != pattern.shape[-2] or pattern.shape[-1] == 1:
            raise ValueError("a rule needs whole sequences, not the next token of a KV cache: use_past_kv_cache=False")

    def at_z(layer):
        def switch_off(z, hook):
            if z.ndim != 4 or z.shape[2] != count:
                raise ValueError(f"{hook.name} is {list(z.shape)}, expected [B, S, {count} heads, d]")
            if rule is None:
                off = torch.zeros(len(z), count, dtype=torch.bool, device=z.device)
                off[:, fixed.get(layer, [])] = True
            else:
                real = torch.ones(z.shape[:2], dtype=torch.bool) if given is None else given
                if real.shape != z.shape[:2]:
                    raise ValueError(f"attention_mask is {list(real.shape)}, the batch {list(z.shape[:2])}")
                off = score(name, z, real.to(z.device)) < threshold
            return z.masked_fill(off[:, None, :, None], 0)
        return switch_off

    hooks = [] if rule is None else [("blocks.0.attn.hook_pattern", at_pattern)]
    return hooks + [(f"blocks.{layer}.attn.hook_z", at_z(layer)) for layer in range(model.cfg.n_layers)]
