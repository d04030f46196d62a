"""Writes the tiny models of tests/data/golden/families as GGUF, by the conventions of llama.cpp's converter.

usage: make_family_gguf.py FOLDER ...     writes FOLDER/model.gguf beside config.json and model.safetensors

Needs the gguf and safetensors packages. What is not obvious per family: the rows of Q and K are put in interleaved-RoPE
order ("permuted") where llama.cpp rotates neighbours; mistral is written as llama, which has no key for a window.
"""
import json
import sys
from pathlib import Path

import gguf
from safetensors.numpy import load_file

LLAMA = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
         "lm_head.weight": "output.weight"}
LLAMA_LAYER = {"input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
               "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
               "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight",
               "mlp.down_proj.weight": "ffn_down.weight"}
for _hf, _gguf in (("q_proj", "attn_q"), ("k_proj", "attn_k"), ("v_proj", "attn_v"), ("o_proj", "attn_output")):
    for _kind in ("weight", "bias"):
        LLAMA_LAYER[f"self_attn.{_hf}.{_kind}"] = f"{_gguf}.{_kind}"


def permuted(rows, heads):
    """Row half * d / 2 + j of a head becomes its row 2 j + half."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def llama_tensors(config, tensors, permute):
    for name, values in tensors.items():
        if name in LLAMA:
            yield LLAMA[name], values
            continue
        _, _, layer, rest = name.split(".", 3)
        if permute and rest.startswith(("self_attn.q_proj", "self_attn.k_proj")):
            heads = config["num_attention_heads" if "q_proj" in rest else "num_key_value_heads"]
            values = permuted(values, heads)
        yield f"blk.{layer}.{LLAMA_LAYER[rest]}", values


def write_llama_like(folder, config, architecture, permute):
    writer = gguf.GGUFWriter(folder / "model.gguf", architecture)
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    if architecture == "llama":
        writer.add_rope_dimension_count(head_dim)
        writer.add_vocab_size(config["vocab_size"])
    for name, values in llama_tensors(config, load_file(folder / "model.safetensors"), permute):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


FAMILIES = {"llama": ("llama", True), "mistral": ("llama", True), "qwen2": ("qwen2", False), "qwen3": ("qwen3", False)}


def main():
    for folder in map(Path, sys.argv[1:]):
        config = json.loads((folder / "config.json").read_text())
        write_llama_like(folder, config, *FAMILIES[config["model_type"]])


if __name__ == "__main__":
    main()
