"""A checkpoint of random weights in the shape of Llama-3.1-8B (16 GB, a file for every four layers), and prompts for it:
what timings need. `--shape tiny` is for a rehearsal.

python3 random_llama.py FOLDER [--shape 8b|tiny]    writes FOLDER and FOLDER/prompts.json"""

import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file

SHAPES = {
    "8b": dict(hidden=4096, heads=32, kv_heads=8, head_dim=128, mlp=14336, vocabulary=128256, layers=32, prompts=256, shortest=500),
    "tiny": dict(hidden=128, heads=8, kv_heads=2, head_dim=16, mlp=256, vocabulary=512, layers=4, prompts=12, shortest=20),
}  # fmt: skip


def config(s):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": s["hidden"],
        "intermediate_size": s["mlp"], "num_attention_heads": s["heads"], "num_key_value_heads": s["kv_heads"],
        "head_dim": s["head_dim"], "num_hidden_layers": s["layers"], "vocab_size": s["vocabulary"],
        "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "hidden_act": "silu",
        "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2,
        "torch_dtype": "bfloat16",
        "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    }  # fmt: skip


class Writer:
    def __init__(self, folder):
        self.folder, self.index = folder, {}
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.generator = torch.Generator(self.device).manual_seed(1)

    def matrix(self, rows, columns, scale=None):
        values = torch.randn(rows, columns, generator=self.generator, device=self.device)
        return (values * (scale or columns**-0.5)).bfloat16().cpu()

    def write(self, name, tensors):
        save_file(tensors, self.folder / name, metadata={"format": "pt"})
        self.index.update({tensor: name for tensor in tensors})


def write_model(folder, s):
    folder.mkdir(parents=True, exist_ok=True)
    w, hidden = Writer(folder), s["hidden"]
    queries, keys = s["heads"] * s["head_dim"], s["kv_heads"] * s["head_dim"]
    ones = lambda: torch.ones(hidden).bfloat16()
    w.write("model-head.safetensors", {
        "model.embed_tokens.weight": w.matrix(s["vocabulary"], hidden, scale=1.0),
        "lm_head.weight": w.matrix(s["vocabulary"], hidden), "model.norm.weight": ones(),
    })  # fmt: skip
    for first in range(0, s["layers"], 4):
        tensors = {}
        for layer in range(first, min(first + 4, s["layers"])):
            at = f"model.layers.{layer}."
            for name, rows, columns in (
                ("self_attn.q_proj", queries, hidden), ("self_attn.k_proj", keys, hidden),
                ("self_attn.v_proj", keys, hidden), ("self_attn.o_proj", hidden, queries),
                ("mlp.gate_proj", s["mlp"], hidden), ("mlp.up_proj", s["mlp"], hidden),
                ("mlp.down_proj", hidden, s["mlp"]),
            ):  # fmt: skip
                tensors[at + name + ".weight"] = w.matrix(rows, columns)
            tensors[at + "input_layernorm.weight"] = ones()
            tensors[at + "post_attention_layernorm.weight"] = ones()
        w.write(f"model-{first:02}.safetensors", tensors)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": w.index}))
    (folder / "config.json").write_text(json.dumps(config(s)))


def write_prompts(file, s):
    random.seed(1)
    lengths = [random.randint(s["shortest"], s["shortest"] * 9 // 5) for _ in range(s["prompts"])]
    file.write_text(json.dumps([[random.randrange(s["vocabulary"]) for _ in range(length)] for length in lengths]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shape", choices=SHAPES, default="8b")
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    write_model(arguments.folder, shape)
    write_prompts(arguments.folder / "prompts.json", shape)
