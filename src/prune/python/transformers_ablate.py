"""Switches attention heads of a Hugging Face transformers model off, as idleheads does.

    with ablate(model, heads="mask.json"):          # or heads={5: [0, 3]}: the same heads for every input
        model(**batch)
    with ablate(model, rule="ahon_ln<0.52") as ablation:   # heads are chosen anew for every row of the batch
        model(**batch)
        ablation.off[5]                             # [B, H] bool: the heads of layer 5 that were off

Without `with`, the handle's remove() takes the hooks off. A head that is off has its output z, which is what enters the
attention's output projection, set to zero at all positions. Layers and query heads count from 0.

heads   {layer: [heads]}, keys may be strings; or a JSON file of that form, or one that has it under "heads".
rule    a score, "<" and a threshold. With the means over a row's real tokens t and over the heads of its layer:
            ahon     mean over t of |z_t|                    ahon_ln   the same / mean of ahon over the heads
            lthon    |z_t| of the last t                     lthon_ln  the same / mean of ahon over the heads
        Earlier layers are ablated already when a layer is scored. Nothing is off where a score is NaN.
attention_mask   [B, S], 0 at padding, for rules: which tokens are real. Where none is given the one that the model is
        called with counts, and without any all tokens are real.

A rule needs whole sequences, one a row. With tokens in a KV cache the means would be wrong: this is refused, so pass
use_cache=False to generate(). Rows that hold several packed sequences cannot be told from others: do not use them.
"""
import json
import math
import operator
import re

import torch

PATHS = [  # the decoder, its layers, a layer's output projection of attention
    ("model", "layers", "self_attn.o_proj"),  # llama, mistral, qwen, gemma, olmo, phi3, ...
    ("model", "layers", "self_attn.dense"),  # phi
    ("transformer", "h", "attn.c_proj"),  # gpt2
    ("transformer", "h", "self_attention.dense"),  # falcon
    ("gpt_neox", "layers", "attention.dense"),
]
SCORES = ("ahon", "ahon_ln", "lthon", "lthon_ln")


class Ablation:
    def __init__(self):
        self.handles, self.off = [], {}

    def remove(self):
        for handle in self.handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def find_projections(model):
    for decoder, layers, projection in PATHS:
        try:
            base = getattr(model, decoder)
            return base, [operator.attrgetter(projection)(layer) for layer in getattr(base, layers)]
        except AttributeError:
            continue
    raise ValueError(f"{type(model).__name__}: the output projection of attention was not found in every layer")


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
    base, projections = find_projections(model)
    count = model.config.num_attention_heads
    size = getattr(model.config, "head_dim", None) or model.config.hidden_size // count
    fixed = {} if heads is None else read_heads(heads, len(projections), count)
    name, threshold = (None, None) if rule is None else parse_rule(rule)
    ablation = Ablation()
    called_with = {}

    def before_decoder(module, args, kwargs):
        if len(args) > 1:
            raise ValueError("with a rule, pass all arguments but the first by name")
        for value in kwargs.values():  # the cache's name depends on the version
            seen = value.get_seq_length() if hasattr(value, "get_seq_length") else isinstance(value, tuple) and len(value)
            if seen > 0:
                raise ValueError("a rule needs whole sequences, but the KV cache holds tokens: use_cache=False")
        called_with["mask"] = mask = kwargs.get("attention_mask")
        if attention_mask is None and mask is not None and getattr(mask, "ndim", 0) != 2:
            raise ValueError("the model's attention_mask is not [B, S]: give ablate() the mask of real tokens")

    def is_real(z):
        mask = called_with["mask"] if attention_mask is None else torch.as_tensor(attention_mask)
        real = torch.ones(z.shape[:2], dtype=torch.bool) if mask is None else mask != 0
        if real.shape != z.shape[:2]:
            raise ValueError(f"attention_mask is {list(real.shape)}, the batch {list(z.shape[:2])}")
        return real.to(z.device)

    def before_projection(layer):
        def hook(module, args):
            if args[0].ndim != 3 or args[0].shape[-1] != count * size:
                raise ValueError(f"layer {layer}: the output projection gets {list(args[0].shape)}, "
                                 f"expected [B, S, {count} heads x {size}]")
            z = args[0].unflatten(-1, (count, size))
            if rule is None:
                off = torch.zeros(len(z), count, dtype=torch.bool, device=z.device)
                off[:, fixed.get(layer, [])] = True
            else:
                off = score(name, z, is_real(z)) < threshold
            ablation.off[layer] = off
            return (z.masked_fill(off[:, None, :, None], 0).flatten(-2), *args[1:])
        return hook

    if rule is not None:
        ablation.handles.append(base.register_forward_pre_hook(before_decoder, with_kwargs=True))
    for layer, projection in enumerate(projections):
        ablation.handles.append(projection.register_forward_pre_hook(before_projection(layer)))
    return ablation
