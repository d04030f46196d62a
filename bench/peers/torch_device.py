"""transformers on a GPU, on the model and prompts of random_llama.py. Prints one JSON object: tokens per second of

  sdpa         a plain forward pass with the fused attention, logits of the last token
  eager        eager attention, logits at all positions, as lm-evaluation-harness asks for them
  recording    eager, and one score of every head recorded: what the paper's authors do once a score
  zeroing      eager, and heads beyond a threshold zeroed: once a score and share

each with the largest batch of 32, 16, 8, 4, 2 that fits; and what the card does at most: bf16 products of the model's shapes
(TFLOP/s), a copy from pinned memory (GB/s).

python3 torch_device.py FOLDER"""

import argparse
import json
import pathlib
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
THRESHOLD = 0.5


class Protocol:
    """What the attention function does in this pass."""

    mode = "eager"
    recorded = []


def scores(module, weights, z):
    """[batch, heads] each: entropy of the weights, norm of the head's output, weight on the first token."""
    w = weights.clone().float()
    entropy = -(w * (w + 1e-9).log()).sum(-1).mean(-1)
    projection = module.o_proj.weight.view(-1, z.shape[1], z.shape[3])  # [hidden, heads, head_dim]
    norm = torch.stack([(z[:, h] @ projection[:, h].T).float().norm(dim=-1).mean(-1) for h in range(z.shape[1])], 1)
    return entropy, norm, w[..., 0].mean(-1)


def attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **_):
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    products = torch.matmul(query, key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        products = products + attention_mask[:, :, :, : key.shape[-2]]
    else:
        size = products.shape[-2:]
        products = products + torch.full(size, float("-inf"), device=products.device, dtype=products.dtype).triu(1)
    weights = torch.softmax(products, dim=-1, dtype=torch.float32).to(query.dtype)
    z = torch.matmul(weights, value)
    if Protocol.mode != "eager":
        entropy, norm, first = scores(module, weights, z)
        if Protocol.mode == "recording":
            Protocol.recorded.append(torch.stack([entropy, norm, first]).cpu())
        else:
            on = norm / norm.mean(1, keepdim=True) > THRESHOLD
            z = z * on[:, :, None, None].to(z.dtype)
    return z.transpose(1, 2).contiguous(), weights


transformers.AttentionInterface.register("protocol", attention)


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def best_of(repeats, work):
    best = float("inf")
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        work()
        wait()
        best = min(best, time.perf_counter() - start)
    return best


@torch.inference_mode()
def forward(model, prompts, size, all_logits):
    Protocol.recorded.clear()
    for first in range(0, len(prompts), size):
        part = prompts[first : first + size]
        width = max(map(len, part))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in part], device=DEVICE)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in part], device=DEVICE)
        kept = 0 if all_logits else 1
        logits = model(ids, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
        if all_logits:
            torch.log_softmax(logits.float(), -1)[:, -1].cpu()


def tokens_per_second(model, prompts, all_logits):
    for size in (32, 16, 8, 4, 2):
        try:
            seconds = best_of(2, lambda: forward(model, prompts, size, all_logits))
            return {"rate": sum(map(len, prompts)) / seconds, "batch": size}
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    return None


@torch.inference_mode()
def product_rate(config, rows=8192):
    """TFLOP/s of a layer's products one after the other."""
    width = config.num_attention_heads * config.head_dim
    qkv = width + 2 * config.num_key_value_heads * config.head_dim
    hidden, mlp = config.hidden_size, config.intermediate_size
    shapes = [(qkv, hidden), (hidden, width), (2 * mlp, hidden), (hidden, mlp)]
    weights = [torch.randn(o, i, device=DEVICE).bfloat16() for o, i in shapes]
    inputs = [torch.randn(rows, i, device=DEVICE).bfloat16() for _, i in shapes]

    def work():
        for w, x in zip(weights, inputs):
            torch.nn.functional.linear(x, w)

    work()
    repeats = 20 if DEVICE == "cuda" else 1
    seconds = best_of(3, lambda: [work() for _ in range(repeats)])
    return repeats * sum(2 * rows * o * i for o, i in shapes) / seconds / 1e12


def copy_rate():
    """GB/s."""
    size = 1 << 30 if DEVICE == "cuda" else 1 << 20
    host = torch.empty(size, dtype=torch.uint8, pin_memory=DEVICE == "cuda")
    there = torch.empty(size, dtype=torch.uint8, device=DEVICE)
    return size / best_of(5, lambda: there.copy_(host, non_blocking=True)) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    prompts = json.loads((folder / "prompts.json").read_text())
    load = lambda kind: (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation=kind).to(DEVICE).eval()
    )
    model = load("sdpa")
    result = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "products": product_rate(model.config),
        "copy": copy_rate(),
        "sdpa": tokens_per_second(model, prompts, False),
    }
    del model
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
    model = load("protocol")
    for Protocol.mode in ("eager", "recording", "zeroing"):
        result[Protocol.mode] = tokens_per_second(model, prompts[:64], True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
