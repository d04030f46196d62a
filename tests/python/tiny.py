"""Tiny models with random weights, one for every place where the output projection of attention can be, and what they are
compared with."""
import copy
import math
import tempfile

import torch
import transformers as hf

COMMON = dict(vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
              max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)
SHAPES = {
    "llama": (hf.LlamaConfig, dict(num_key_value_heads=2)),
    "mistral": (hf.MistralConfig, dict(num_key_value_heads=1)),
    "qwen2": (hf.Qwen2Config, dict(num_key_value_heads=2)),
    "gemma": (hf.GemmaConfig, dict(num_key_value_heads=1, head_dim=12)),  # heads are wider than hidden_size / heads
    "olmo": (hf.OlmoConfig, {}),
    "phi": (hf.PhiConfig, {}),
    "gpt2": (hf.GPT2Config, dict(n_positions=64)),
    "gpt_neox": (hf.GPTNeoXConfig, {}),
    "falcon": (hf.FalconConfig, dict(new_decoder_architecture=True, num_kv_heads=2)),
}


def make(name, **settings):
    kind, own = SHAPES[name]
    torch.manual_seed(1)
    model = hf.AutoModelForCausalLM.from_config(kind(**(COMMON | own | settings))).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.normal_(std=0.3)  # far from uniform attention, heads that differ
    return model


def in_lens(model):
    """The same model in TransformerLens, as it was trained: a HookedTransformer, or a TransformerBridge from version 4 on."""
    try:
        from transformer_lens import TransformerBridge
    except ImportError:
        return hooked_transformer(model)
    from tokenizers import Tokenizer, models
    words = Tokenizer(models.WordLevel({"<pad>": 0, "<s>": 1, "</s>": 2}, unk_token="<pad>"))
    tokenizer = hf.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", bos_token="<s>", eos_token="</s>")
    with tempfile.TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        # A bridge replaces the modules of the model it is made of.
        return TransformerBridge.boot_transformers(folder, hf_model=copy.deepcopy(model), device="cpu")


def hooked_transformer(model):
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions import convert_llama_weights
    c = model.config
    cfg = HookedTransformerConfig(
        n_layers=c.num_hidden_layers, d_model=c.hidden_size, n_heads=c.num_attention_heads, d_head=c.head_dim,
        n_key_value_heads=c.num_key_value_heads, d_mlp=c.intermediate_size, d_vocab=c.vocab_size, n_ctx=512,
        eps=c.rms_norm_eps, act_fn="silu", gated_mlp=True, normalization_type="RMS", final_rms=True,
        positional_embedding_type="rotary", rotary_dim=c.head_dim, rotary_base=int(c.rope_theta),
        rotary_adjacent_pairs=False, original_architecture="LlamaForCausalLM", device="cpu")
    lens = HookedTransformer(cfg)
    lens.load_state_dict(convert_llama_weights(model, cfg), strict=False)
    return lens


def slow_scores(name, z):
    """z [S, H, d] of one sample without padding -> a score for every head, in plain Python and float64"""
    norms = [[math.sqrt(sum(x * x for x in head)) for head in token] for token in z.tolist()]
    tokens, heads = len(norms), len(norms[0])
    means = [sum(token[h] for token in norms) / tokens for h in range(heads)]
    values = norms[-1] if name.startswith("lthon") else means
    return [value / (sum(means) / heads) for value in values] if name.endswith("_ln") else values


def without_heads(projection, heads):
    """Zeros in the projection's weights of these heads, of four; Conv1D of gpt2 has them as rows."""
    inputs = projection.weight if hasattr(projection, "nf") else projection.weight.T
    inputs.unflatten(0, (4, -1))[heads] = 0
