"""The paper's protocol the straightforward way: transformers with eager attention, batches of eight padded prompts, logits
at all positions, one pass per score to record it and one pass per score and share to evaluate it.

Prints the seconds of each pass. One share per score is timed; the caller multiplies. `--batches N` times N of them, spread
over the subjects; `tokens` and `tokens_timed` tell what part that is."""

import json
import time

import torch
from common import arguments, load_model, padded, report
from transformers.models.llama import modeling_llama

SCORES = [
    "awft", "awft_ln", "aeqd", "aeqd_ln", "ftvvn", "ftvvn_ln", "avvn", "avvn_ln", "lthon", "lthon_ln", "lthon_hn",
    "ahon", "ahon_ln", "afhon", "afhon_ln", "random",
]  # fmt: skip
INACTIVE_ABOVE = {"awft", "awft_ln"}


class Protocol:
    """What the patched attention does in this pass: nothing, record `score`, or zero heads beyond `threshold` too."""

    score = None
    threshold = None
    mask = None  # [batch, positions]: 1 where there is a token
    recorded = []  # per layer [batch, heads]


def mean_over_tokens(x):
    """[batch, heads, positions] -> [batch, heads]; padding is left out."""
    mask = Protocol.mask[:, None, :].to(x.dtype)
    return (x * mask).sum(-1) / mask.sum(-1)


def base_statistic(name, weights, values, outputs, projection):
    first = Protocol.mask.argmax(-1)  # of the first token behind the padding
    rows = torch.arange(weights.shape[0])
    if name == "awft":
        return mean_over_tokens(weights[rows, :, :, first].float())
    if name == "aeqd":
        p = weights.float()
        return mean_over_tokens(-(p * torch.log(p.clamp_min(1e-38))).sum(-1))
    if name == "ftvvn":
        return values[rows, :, first].float().norm(dim=-1)
    if name == "avvn":
        return mean_over_tokens(values.float().norm(dim=-1))
    if name == "lthon":
        return outputs[:, :, -1].float().norm(dim=-1)
    if name == "ahon":
        return mean_over_tokens(outputs.float().norm(dim=-1))
    if name == "afhon":
        heads, dim = outputs.shape[1], outputs.shape[3]
        slices = projection.view(-1, heads, dim)  # [hidden, heads, dim]
        full = torch.einsum("bhsd,ohd->bhso", outputs, slices)
        return mean_over_tokens(full.float().norm(dim=-1))
    raise ValueError(name)


def score_of(name, *tensors):
    if name == "random":
        return torch.rand(tensors[0].shape[:2])
    base, _, normaliser = name.partition("_")
    x = base_statistic(base, *tensors)
    if not normaliser:
        return x
    reference = base_statistic("ahon", *tensors) if base == "lthon" else x
    return x / (reference if normaliser == "hn" else reference.mean(-1, keepdim=True))


def attention_with_protocol(self, hidden_states, position_embeddings, attention_mask, **_):
    batch, positions, _ = hidden_states.shape
    shape = (batch, positions, -1, self.head_dim)
    query = self.q_proj(hidden_states).view(shape).transpose(1, 2)
    key = self.k_proj(hidden_states).view(shape).transpose(1, 2)
    value = self.v_proj(hidden_states).view(shape).transpose(1, 2)
    query, key = modeling_llama.apply_rotary_pos_emb(query, key, *position_embeddings)
    key = modeling_llama.repeat_kv(key, self.num_key_value_groups)
    value = modeling_llama.repeat_kv(value, self.num_key_value_groups)
    weights = query @ key.transpose(2, 3) * self.scaling
    if attention_mask is not None:
        weights = weights + attention_mask[:, :, :, :positions]
    weights = torch.softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
    outputs = weights @ value  # [batch, heads, positions, dim]
    if Protocol.score is not None:
        scores = score_of(Protocol.score, weights, value, outputs, self.o_proj.weight)
        Protocol.recorded.append(scores)
        if Protocol.threshold is not None:
            above = Protocol.score in INACTIVE_ABOVE
            off = scores > Protocol.threshold if above else scores < Protocol.threshold
            outputs = outputs * (~off)[:, :, None, None].to(outputs.dtype)
    outputs = outputs.transpose(1, 2).reshape(batch, positions, -1)
    return self.o_proj(outputs), weights


def run_pass(model, batches, answers, score=None, threshold=None):
    """One pass over all batches: seconds, accuracy's predictions, recorded scores [batch and layer][.., heads]."""
    Protocol.score, Protocol.threshold = score, threshold
    predictions, recorded = [], []
    start = time.perf_counter()
    with torch.inference_mode():
        for (ids, mask), choices in zip(batches, answers):
            Protocol.mask, Protocol.recorded = mask, []
            logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
            log_probs = torch.log_softmax(logits[:, -1].float(), dim=-1)
            predictions += log_probs.gather(1, torch.tensor(choices)).argmax(-1).tolist()
            recorded += Protocol.recorded
    return time.perf_counter() - start, predictions, recorded


def main():
    parser = arguments()
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=0, help="time so many only, spread over the subjects; 0: all")
    parser.add_argument("--share", type=float, default=0.15)
    options = parser.parse_args()
    samples = json.load(open(options.tokens))["samples"]
    parts = [samples[i : i + options.batch] for i in range(0, len(samples), options.batch)]
    timed = parts[:: len(parts) // (options.batches or len(parts))]
    batches = [padded([sample["tokens"] for sample in part]) for part in timed]
    answers = [[sample["answers"] for sample in part] for part in timed]
    model = load_model(options, "eager")
    modeling_llama.LlamaAttention.forward = attention_with_protocol

    run_pass(model, batches[:1], answers[:1])  # once to warm up
    baseline, predictions, _ = run_pass(model, batches, answers)
    record, evaluate = {}, {}
    for score in SCORES:
        record[score], _, recorded = run_pass(model, batches, answers, score)
        flat = torch.cat([scores.flatten() for scores in recorded]).float()
        share = 1 - options.share if score in INACTIVE_ABOVE else options.share
        threshold = torch.quantile(flat, share).item()
        evaluate[score], _, _ = run_pass(model, batches, answers, score, threshold)
    count = lambda chosen: sum(len(sample["tokens"]) for part in chosen for sample in part)
    report({
        "tokens": count(parts), "tokens_timed": count(timed), "baseline": baseline, "record": record,
        "evaluate": evaluate, "predictions": predictions, "version": torch.__version__,
    })  # fmt: skip


main()
