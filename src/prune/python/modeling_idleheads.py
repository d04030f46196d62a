# A model whose layers have different numbers of attention heads, or no attention: heads that do nothing were cut out of it by
# idleheads. WholeConfig and WholeForCausalLM are transformers' classes of the model it was cut from. per_layer_config in
# config.json says how many query and key/value heads a layer has where these are not the numbers of the whole model, and
# {"skip": ["attention"]} where it has none. transformers 5 reads it too, as for the size of a static cache.
import copy

import torch
from torch import nn


class CutConfig(WholeConfig):
    model_type = "idleheads_" + WholeConfig.model_type
    allow_global_per_layer_attribute_access = True  # to transformers 5: num_attention_heads is the whole model's


class AddsNothing(nn.Module):  # transformers 5 takes a class with Attention in its name for one that computes it its own way
    def forward(self, hidden_states, *args, **kwargs):
        return torch.zeros_like(hidden_states), None


class CutForCausalLM(WholeForCausalLM):
    config_class = CutConfig

    def __init__(self, config):
        of_layers = {int(layer): own for layer, own in config.to_dict()["per_layer_config"].items()}
        config.per_layer_config = None  # layers are made alike, and then those that differ anew
        super().__init__(config)
        for number, own in of_layers.items():
            layer = self.model.layers[number]
            if "attention" in own.get("skip", []):
                layer.input_layernorm, layer.self_attn = nn.Identity(), AddsNothing()
                continue
            sizes = copy.copy(config)
            sizes.update(own)
            layer.self_attn = type(layer.self_attn)(sizes, number)
            layer.self_attn.config = config  # the one in which the kind of attention may be changed
        config.per_layer_config = of_layers
