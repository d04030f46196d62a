"""What the PyTorch peers share: the model, and the one line of JSON that they print."""

import argparse
import json

import torch
from transformers import AutoModelForCausalLM


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("tokens", help="JSON with the prompts' token ids")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def load_model(options, attention):
    """The model by transformers' own GGUF reader, weights in the number format of the run."""
    torch.set_num_threads(options.threads)
    folder, _, file = options.model.rpartition("/")
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(
        folder or ".", gguf_file=file, torch_dtype=dtype, attn_implementation=attention
    )
    return model.eval()


def padded(batch):
    """[[ids]] -> input_ids, attention_mask, padded on the left as generation and evaluation harnesses do."""
    width = max(len(ids) for ids in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    for row, tokens in enumerate(batch):
        ids[row, width - len(tokens) :] = torch.tensor(tokens)
        mask[row, width - len(tokens) :] = 1
    return ids, mask


def report(result):
    print(json.dumps(result))
