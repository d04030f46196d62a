"""Writes the tiny models of tests/data/golden/families as GGUF, by the conventions of llama.cpp's converter.

usage: make_family_gguf.py [--output OUTPUT] [--tokenizer] FOLDER ...

Reads config.json and model.safetensors in each FOLDER, writes model.gguf beside them or, with --output, to
OUTPUT/NAME/. Needs the gguf and safetensors packages.

Keys and tensors are those the converter writes, all tensors as F32, but MXFP4 experts of gpt_oss as they are. The
exceptions:
- Sizes that the converter takes for granted (phi and falcon: MLP of 4 x hidden; cohere2: heads x width = hidden) are
  written as they are.
- attention.sliding_window_pattern is written for cohere2 and gemma3 too: the loader has the key, and a pattern of its
  own without it.
- A falcon with alibi is not covered.
What no key can say is lost: the windows of mistral, starcoder2 and qwen2, the attention scale of gemma2 and gemma3, and
whether yarn rounds its range (gpt_oss does not, llama.cpp does).
"""
import argparse
import json
import math
import re
from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np
import safetensors

MXFP4 = gguf.GGMLQuantizationType.MXFP4

# Where the config's names differ; the right ones are llama's.
ALIASES = {"n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
           "n_ctx": "max_position_embeddings", "num_kv_heads": "num_key_value_heads",
           "layer_norm_epsilon": "layer_norm_eps", "norm_epsilon": "layer_norm_eps", "num_local_experts": "num_experts",
           "rotary_pct": "partial_rotary_factor"}

# What a key of config.json, or one that completed() adds, becomes. COMMON are written wherever the config has them.
KEYS = {"num_hidden_layers": "add_block_count", "max_position_embeddings": "add_context_length",
        "hidden_size": "add_embedding_length", "intermediate_size": "add_feed_forward_length",
        "num_attention_heads": "add_head_count", "num_key_value_heads": "add_head_count_kv",
        "rms_norm_eps": "add_layer_norm_rms_eps", "layer_norm_eps": "add_layer_norm_eps",
        "num_experts": "add_expert_count", "num_experts_per_tok": "add_expert_used_count",
        "head_dim": "add_key_length", "value_dim": "add_value_length"}
COMMON = tuple(KEYS)
KEYS |= {"vocab_size": "add_vocab_size", "rope_theta": "add_rope_freq_base",
         "rotary_width": "add_rope_dimension_count", "rope_local_base_freq": "add_rope_freq_base_swa",
         "rope_type": "add_rope_scaling_type", "rope_original_context": "add_rope_scaling_orig_ctx_len",
         "longrope_attention": "add_rope_scaling_attn_factors",
         "sliding_window": "add_sliding_window", "slides": "add_sliding_window_pattern",
         "attn_logit_softcapping": "add_attn_logit_softcapping",
         "final_logit_softcapping": "add_final_logit_softcapping", "logit_scale": "add_logit_scale",
         "logits_scaling": "add_logit_scale", "attention_multiplier": "add_attention_scale",
         "embedding_multiplier": "add_embedding_scale", "residual_multiplier": "add_residual_scale",
         "clip_qkv": "add_clamp_kqv", "expert_width": "add_expert_feed_forward_length",
         "use_parallel_residual": "add_parallel_residual", "data_layout": "add_tensor_data_layout"}
ROPE_SCALING_KEYS = {"factor": "add_rope_scaling_factor",
                     "original_max_position_embeddings": "add_rope_scaling_orig_ctx_len",
                     "attention_factor": "add_rope_scaling_yarn_attn_factor",
                     "beta_fast": "add_rope_scaling_yarn_beta_fast", "beta_slow": "add_rope_scaling_yarn_beta_slow"}

# Modules outside the layers and, by their name within a layer, inside; a family's own names go before these.
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
         "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
         "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
         "mlp.gate": "ffn_gate_inp", "mlp.experts.gate_proj": "ffn_gate_exps", "mlp.experts.up_proj": "ffn_up_exps",
         "mlp.experts.down_proj": "ffn_down_exps"}
POST_NORMS = {"post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm"}
SANDWICH_NORMS = POST_NORMS | {"pre_feedforward_layernorm": "ffn_norm"}
GLM_NORMS = {"post_self_attn_layernorm": "post_attention_norm", "post_mlp_layernorm": "post_ffw_norm",
             "mlp.gate_up_proj": "ffn_up"}
GPT2 = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm", "ln_2": "ffn_norm",
        "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
GPT_NEOX = {"gpt_neox.embed_in": "token_embd", "gpt_neox.final_layer_norm": "output_norm", "embed_out": "output",
            "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output",
            "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"}
# attn_norm is the MLP's where there are two: llama.cpp prefers attn_norm_2, if present, for attention.
FALCON = {"transformer.word_embeddings": "token_embd", "transformer.ln_f": "output_norm", "ln_attn": "attn_norm_2",
          "ln_mlp": "attn_norm", "self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
          "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"}
PHI = {"model.final_layernorm": "output_norm", "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up",
       "mlp.fc2": "ffn_down"}
PHI3 = {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
STABLELM = {"self_attn.q_layernorm": "attn_q_norm", "self_attn.k_layernorm": "attn_k_norm"}
STARCODER2 = {"mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
MIXTRAL = {"block_sparse_moe.gate": "ffn_gate_inp", "block_sparse_moe.experts.w1": "ffn_gate_exps",
           "block_sparse_moe.experts.w2": "ffn_down_exps", "block_sparse_moe.experts.w3": "ffn_up_exps"}
GPT_OSS = {"post_attention_layernorm": "post_attention_norm", "self_attn.sinks": "attn_sinks",
           "mlp.router": "ffn_gate_inp"}


def permuted(rows, heads):
    """Row half * d / 2 + j of a head becomes its row 2 j + half."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


# A step takes the config and the tensors by their names in the model and returns the tensors.
def permute_qk(config, tensors):
    """Where llama.cpp rotates neighbours, rows of Q and K, and their biases, take that order."""
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    return {name: permuted(values, heads[name.split(".")[-2]]) if "q_proj" in name or "k_proj" in name else values
            for name, values in tensors.items()}


def add_one_to_norms(_, tensors):
    return {name: values + np.float32(1) if name.endswith("norm.weight") else values
            for name, values in tensors.items()}


def stack_experts(config, tensors):
    """One tensor [expert, out, in] for all experts of a layer."""
    stacked = {}
    for name, values in tensors.items():
        if ".experts." not in name:
            stacked[name] = values
        elif ".experts.0." in name:
            of_expert = (name.replace(".experts.0.", f".experts.{expert}.") for expert in range(config["num_experts"]))
            stacked[name.replace(".experts.0.", ".experts.")] = np.stack([tensors[part] for part in of_expert])
    return stacked


def repack_mxfp4(_, tensors):
    """gpt_oss as published: bytes of neighbours and, apart, scales become GGML's blocks, a byte of two halves each."""
    repacked = {name: values for name, values in tensors.items() if not name.endswith(("_blocks", "_scales"))}
    for name, blocks in tensors.items():
        if name.endswith("_blocks"):
            codes = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*blocks.shape[:-1], 32)
            scales = tensors[name.replace("_blocks", "_scales")][..., None]
            packed = np.concatenate([scales, codes[..., :16] | codes[..., 16:] << 4], axis=-1)
            repacked[name.removesuffix("_blocks")] = packed.reshape(*blocks.shape[:2], -1)
    return repacked


def stack_head_norms(config, tensors):
    """One tensor [head, head_dim] for the norms of a layer's query heads, and one for those of its key heads."""
    heads = {"q_layernorm": config["num_attention_heads"], "k_layernorm": config["num_key_value_heads"]}
    stacked = {}
    for name, values in tensors.items():
        module, _, rest = name.partition(".norms.")
        if rest == "0.weight":
            count = heads[module.rpartition(".")[2]]
            stacked[module + ".weight"] = np.stack([tensors[f"{module}.norms.{head}.weight"] for head in range(count)])
        elif not rest:
            stacked[name] = values
    return stacked


def split_fused_experts(_, tensors):
    """gpt_oss holds experts as [expert, in, out], or in MXFP4 as [expert, out, in], gate and up in turns."""
    split = {}
    for name, values in tensors.items():
        if ".experts." not in name:
            split[name if "sinks" not in name else name + ".weight"] = values
            continue
        module, kind = (name.removesuffix("_bias"), "bias") if name.endswith("_bias") else (name, "weight")
        by_output = values if kind == "bias" or values.dtype == np.uint8 else values.swapaxes(1, 2)
        if "gate_up_proj" in module:
            split[f"{module.replace('gate_up', 'gate')}.{kind}"] = by_output[:, 0::2]
            split[f"{module.replace('gate_up', 'up')}.{kind}"] = by_output[:, 1::2]
        else:
            split[f"{module}.{kind}"] = by_output
    return split


def transpose_conv1d(_, tensors):
    """GPT-2's linear layers are [in, out]; its attn.bias is the causal mask, no parameter."""
    return {name: values.T if ".c_" in name and name.endswith("weight") else values
            for name, values in tensors.items() if not name.endswith(".attn.bias")}


def regroup_qkv(config, tensors):
    """Fused rows come as q.., k, v per group of heads with one K and V; they leave as all q, all k, all v."""
    width = head_dim(config)
    groups = config.get("num_key_value_heads", config["num_attention_heads"])
    heads = config["num_attention_heads"] // groups

    def regrouped(rows):
        by_group = rows.reshape(groups, heads + 2, width, *rows.shape[1:])
        parts = by_group[:, :heads], by_group[:, heads], by_group[:, heads + 1]
        return np.concatenate([part.reshape(-1, *rows.shape[1:]) for part in parts])

    return {name: regrouped(values) if "query_key_value" in name else values for name, values in tensors.items()}


def add_longrope_factors(config, tensors):
    scaling = config["rope_scaling"]
    if not scaling:
        return tensors
    factors = {f"rope_factors_{kind}.weight": np.array(scaling[f"{kind}_factor"], np.float32)
               for kind in ("long", "short")}
    return factors | tensors


def add_llama3_factors(config, tensors):
    """llama3's scaling has no keys: a tensor says what each frequency is divided by."""
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") != "llama3":
        return tensors
    width = head_dim(config)
    turns = scaling["original_max_position_embeddings"] / 2 / math.pi
    turns *= config["rope_theta"] ** -(np.arange(0, width, 2, dtype=np.float64) / width)
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    kept = np.clip((turns - low) / (high - low), 0, 1)
    divisors = 1 / ((1 - kept) / scaling["factor"] + kept)
    return {"rope_freqs.weight": divisors.astype(np.float32)} | tensors


class Family(NamedTuple):
    architecture: str
    keys: tuple  # names in the completed config, besides COMMON
    names: dict = {}
    steps: tuple = ()


LLAMA_KEYS = ("rope_theta", "vocab_size", "rotary_width")
GEMMA2_KEYS = ("attn_logit_softcapping", "final_logit_softcapping", "sliding_window")
GRANITE_KEYS = ("attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling")
PHI3_KEYS = ("rope_theta", "rotary_width", "rope_original_context", "longrope_attention", "sliding_window")
FAMILIES = {
    "cohere": Family("command-r", ("rope_theta", "rope_type", "logit_scale")),
    "cohere2": Family("cohere2", LLAMA_KEYS + ("rope_type", "logit_scale", "sliding_window", "slides")),
    "exaone4": Family("exaone4", ("rope_theta", "vocab_size", "sliding_window", "slides"), POST_NORMS),
    "falcon": Family("falcon", ("data_layout",), FALCON, (regroup_qkv,)),
    "gemma": Family("gemma", (), steps=(add_one_to_norms,)),
    "gemma2": Family("gemma2", GEMMA2_KEYS, SANDWICH_NORMS, (add_one_to_norms,)),
    "gemma3_text": Family("gemma3", ("rope_theta", "rope_local_base_freq", "sliding_window", "slides"), SANDWICH_NORMS,
                          (add_one_to_norms,)),
    "glm4": Family("glm4", ("rope_theta", "rotary_width"), GLM_NORMS),
    "gpt2": Family("gpt2", (), GPT2, (transpose_conv1d,)),
    "gpt_neox": Family("gptneox", ("rotary_width", "use_parallel_residual"), GPT_NEOX, (regroup_qkv,)),
    "gpt_oss": Family("gpt-oss", ("rope_theta", "sliding_window", "expert_width"), GPT_OSS,
                      (repack_mxfp4, split_fused_experts)),
    "granite": Family("granite", LLAMA_KEYS + GRANITE_KEYS, steps=(permute_qk,)),
    "llama": Family("llama", LLAMA_KEYS, steps=(permute_qk, add_llama3_factors)),
    "mistral": Family("llama", LLAMA_KEYS, steps=(permute_qk,)),
    "mixtral": Family("llama", LLAMA_KEYS, MIXTRAL, (permute_qk, stack_experts)),
    "olmo": Family("olmo", ("rope_theta", "clip_qkv"), steps=(permute_qk,)),
    "olmo3": Family("olmo2", ("rope_theta", "sliding_window", "slides"), POST_NORMS),
    "olmoe": Family("olmoe", ("rope_theta",), steps=(stack_experts,)),
    "phi": Family("phi2", ("rotary_width",), PHI),
    "phi3": Family("phi3", PHI3_KEYS, PHI3, (add_longrope_factors,)),
    "qwen2": Family("qwen2", ("rope_theta",)),
    "qwen3": Family("qwen3", ("rope_theta",)),
    "qwen3_moe": Family("qwen3moe", ("rope_theta", "expert_width"), steps=(stack_experts,)),
    "smollm3": Family("smollm3", LLAMA_KEYS, steps=(permute_qk,)),
    "stablelm": Family("stablelm", ("rotary_width", "use_parallel_residual"), STABLELM, (stack_head_norms,)),
    "starcoder2": Family("starcoder2", ("rope_theta",), STARCODER2),
}


def head_dim(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def family_defaults(config):
    """What config.json leaves to the family: the model's own default or a constant of the converter."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    if config["model_type"] == "falcon":
        one_group = config["multi_query"] and not config["new_decoder_architecture"]
        groups = 1 if one_group else config.get("num_key_value_heads", heads)
        return {"intermediate_size": config.get("ffn_hidden_size", 4 * hidden), "num_key_value_heads": groups,
                "max_position_embeddings": 2048, "data_layout": "jploski"}
    if config["model_type"] == "gpt2":
        return {"intermediate_size": config.get("n_inner") or 4 * hidden}
    if config["model_type"] == "gpt_oss":
        return {"expert_width": config["intermediate_size"]}
    if config["model_type"] == "qwen3_moe":
        return {"expert_width": config["moe_intermediate_size"]}
    if config["model_type"] == "olmo":
        return {"num_key_value_heads": config.get("num_key_value_heads", heads), "layer_norm_eps": 1e-5}
    if config["model_type"] == "phi":
        return {"num_key_value_heads": config.get("num_key_value_heads", heads)}
    if config["model_type"] in ("cohere", "cohere2"):
        return {"rope_type": gguf.RopeScalingType.NONE}
    if config["model_type"] == "phi3":
        original, longest = config["original_max_position_embeddings"], config["max_position_embeddings"]
        attention = math.sqrt(1 + math.log(longest / original) / math.log(original)) if config["rope_scaling"] else None
        return {"rope_original_context": original, "longrope_attention": attention}
    return {}


def sliding_layers(config):
    """Per layer whether it has the window, as config.json says it; None where no pattern is written."""
    if "layer_types" in config:
        return [kind == "sliding_attention" for kind in config["layer_types"]]
    pattern = config.get("sliding_window_pattern")
    return pattern and [(layer + 1) % pattern != 0 for layer in range(config["num_hidden_layers"])]


def completed(config):
    config = {ALIASES.get(name, name): value for name, value in config.items()}
    config |= family_defaults(config)
    config |= {"value_dim": config.get("head_dim"), "slides": sliding_layers(config),
               "rotary_width": int(head_dim(config) * config.get("partial_rotary_factor", 1))}
    return config


def add_rope_scaling(writer, config):
    scaling = config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind in (None, "llama3", "longrope"):  # the latter two: as tensors
        return
    writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
    for name, add in ROPE_SCALING_KEYS.items():
        if name in scaling:
            getattr(writer, add)(scaling[name])


def gguf_name(name, family):
    if name.startswith("rope_f"):  # added by a step, under its GGUF name
        return name
    module, _, kind = name.rpartition(".")
    names = NAMES | family.names
    layer = re.fullmatch(r"(?:.*\.)?(?:layers|h)\.(\d+)\.(.+)", module)
    return f"blk.{layer[1]}.{names[layer[2]]}.{kind}" if layer else f"{names[module]}.{kind}"


def write(path, config, tensors, tokenizer):
    """Tensors by their GGUF names; bytes are taken for MXFP4."""
    family = FAMILIES[config["model_type"]]
    writer = gguf.GGUFWriter(path, family.architecture)
    for name in [name for name in COMMON if name in config] + list(family.keys):
        if config[name] is not None:
            getattr(writer, KEYS[name])(config[name])
    add_rope_scaling(writer, config)
    quantised = any(values.dtype == np.uint8 for values in tensors.values())
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_MXFP4_MOE if quantised else gguf.LlamaFileType.ALL_F32)
    if tokenizer:
        writer.add_tokenizer_model("none")
        if "vocab_size" not in family.keys:
            writer.add_vocab_size(config["vocab_size"])
    for name, values in tensors.items():
        writer.add_tensor(name, values, raw_dtype=MXFP4 if values.dtype == np.uint8 else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def converted(config, tensors):
    family = FAMILIES[config["model_type"]]
    for step in family.steps:
        tensors = step(config, tensors)
    return {gguf_name(name, family): np.ascontiguousarray(values) for name, values in tensors.items()}


def load(file):
    """Bfloat16, which numpy does not have, becomes float32."""
    tensors = {}
    for name, tensor in sorted(safetensors.deserialize(file.read_bytes()), key=lambda item: item[0]):
        values = np.frombuffer(tensor["data"], {"BF16": np.uint16, "F32": np.float32, "U8": np.uint8}[tensor["dtype"]])
        if tensor["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = values.reshape(tensor["shape"])
    return tensors


def write_folder(folder, output, tokenizer):
    config = completed(json.loads((folder / "config.json").read_text()))
    tensors = converted(config, load(folder / "model.safetensors"))
    output.mkdir(parents=True, exist_ok=True)
    write(output / "model.gguf", config, tensors, tokenizer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--output", type=Path, help="write to OUTPUT/NAME/model.gguf")
    parser.add_argument("--tokenizer", action="store_true",
                        help="say that there is no tokenizer, which llama.cpp wants said before it loads a file")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        output = arguments.output / folder.resolve().name if arguments.output else folder
        write_folder(folder, output, arguments.tokenizer)


if __name__ == "__main__":
    main()
