"""Heads of any Hugging Face transformers model, scored and switched off by hooks: the definitions of the engine, at the speed
of eager attention. docs/python.md says what is refused.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from . import _transformers_ablate
from ._core import Error, Rule
from ._prompts import Chat, Ids, Prompt, Prompts, as_ids, as_list, as_message, is_chat
from ._statistics import Observation, has_sinks, layer_count, require_observable
from .scored import Ablation, Run, Scored, as_rule, as_rules, require_sinks


class Transformers:
    """Scores the heads of a transformers model, and runs it without some of them.

    model      a causal language model in eval mode, on any device, of any element type, quantised too. It has hooks and
               another attention implementation only while a method runs.
    tokenizer  for prompts that are text. They are encoded without special tokens, as the program does.
    query_rows rows of queries that attend at a time; by default as many as 64 MiB of weights allow.

    Raises Error for models that cannot be observed."""

    def __init__(self, model: torch.nn.Module, tokenizer: Any = None, query_rows: int | None = None) -> None:
        require_observable(model)
        self.model, self.tokenizer, self.query_rows = model, tokenizer, query_rows

    def score(self, prompts: Prompts, batch_size: int = 1) -> Scored:
        """Statistics of every head on prompts: text, token ids, chat messages, or a list of these.

        batch_size  prompts that run together, padded on the right. More than one changes nothing but rounding, unless the
                    model's RoPE depends on the length (dynamic, longrope): then leave it at 1."""
        samples = self._read(prompts)
        stats = [observation.stats for _, observation, _ in self._passes(samples, None, batch_size)]
        return Scored(np.concatenate(stats), has_sinks(self.model))

    def run(self, prompts: Prompts, ablate: Ablation | Sequence[Ablation] = (),
            continuations: Sequence[str | Ids] | None = None, batch_size: int = 1) -> list[Run]:
        """The model with all heads on, then under each intervention of `ablate`: "ahon_ln<0.52", "ahon_ln@15%", "L5H3,L7H0", a
        bool array [layers, heads], or a mask file of heads that give zeros.

        Heads are chosen per sample and layer in the same pass: layers below are ablated when a layer is scored. A share's
        threshold is that of the run with all heads on. With `continuations`, one a prompt, a sample is the prompt with all of
        its continuation but the last token."""
        rules = as_rules(ablate)
        for rule in rules:
            require_zeros(rule)
        if continuations is None:
            samples, answers = self._read(prompts), None
        else:
            samples, answers = self._read_pairs(prompts, continuations)
        first = self._run(samples, answers, Rule("none"), batch_size)
        scored = Scored(first.stats, has_sinks(self.model))
        known = [scored.calibrated(rule) for rule in rules]
        for rule in known:
            rule.mask(first.stats[:1])  # raises for heads that the model does not have
        return [first, *(self._run(samples, answers, rule, batch_size) for rule in known)]

    def _run(self, samples: list[list[int]], answers: list[list[int]] | None, rule: Rule,
             batch_size: int) -> Run:
        log_probs, masks, stats = [], [], []
        for number, observation, logits in self._passes(samples, rule, batch_size):
            of_batch = observation.stats
            stats.append(of_batch)
            off = np.zeros(of_batch.shape[:3], bool)
            for layer, of_layer in observation.off.items():
                off[:, layer, :of_layer.shape[1]] = of_layer.cpu().numpy()
            masks.append(off)
            for row in range(len(off)):
                answer = None if answers is None else answers[number + row]
                log_probs.append(log_probs_of(logits[row, :len(samples[number + row])], answer))
        return Run(str(rule), np.stack(log_probs) if answers is None else log_probs, np.concatenate(masks),
                   np.concatenate(stats))

    @torch.no_grad()
    def _passes(self, samples: list[list[int]], rule: Rule | None,
                batch_size: int) -> Iterator[tuple[int, Observation, torch.Tensor]]:
        """(number of the batch's first sample, what was observed, logits [B, S, vocabulary]), batch by batch. The model is as
        before whenever the caller has its turn."""
        if batch_size < 1:
            raise Error(f"batch_size {batch_size}: expected 1 or more")
        for begin in range(0, len(samples), batch_size):
            batch = samples[begin:begin + batch_size]
            ids, mask = (tensor.to(self.model.device) for tensor in padded(batch))
            decide = None if rule is None else decided_by(rule, begin)
            with Observation(self.model, decide, query_rows=self.query_rows) as observation:
                logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
            yield begin, observation, logits

    # ---- prompts

    def _encode(self, text: str) -> list[int]:
        if self.tokenizer is None:
            raise Error("a prompt is text: give Transformers a tokenizer, or token ids")
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _read(self, prompts: Prompts) -> list[list[int]]:
        samples = [self._tokens(prompt) for prompt in as_list(prompts)]
        if not samples:
            raise Error("there is no prompt")
        return samples

    def _tokens(self, prompt: Prompt) -> list[int]:
        if is_chat(prompt):
            prompt = self._chat(prompt)
        tokens = self._encode(prompt) if isinstance(prompt, str) else as_ids(prompt, "a prompt").tolist()
        if not tokens:
            raise Error("a prompt is empty: it has no token to start from")
        return self._known(tokens)

    def _chat(self, messages: Chat) -> str:
        if self.tokenizer is None:
            raise Error("a prompt is a chat: give Transformers a tokenizer, or token ids")
        turns = [dict(zip(("role", "content"), as_message(message))) for message in messages]
        return self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def _known(self, tokens: list[int]) -> list[int]:
        vocabulary = self.model.get_input_embeddings().num_embeddings
        for token in tokens:
            if not 0 <= token < vocabulary:
                raise Error(f"token {token}: the model has tokens from 0 to {vocabulary - 1}")
        return tokens

    def _read_pairs(self, prompts: Prompts, continuations: Sequence[str | Ids]) -> tuple[list[list[int]], list[list[int]]]:
        contexts, answers = as_list(prompts), as_list(continuations)
        if len(contexts) != len(answers):
            raise Error(f"{len(contexts)} prompts, but {len(answers)} continuations: expected one for each prompt")
        samples, targets = [], []
        for context, answer in zip(contexts, answers):
            before, after = self._pair(context, answer)
            if not after:
                raise Error("a continuation has no token")
            samples.append((before + after)[:-1])
            targets.append(after)
        return samples, targets

    def _pair(self, context: Prompt, answer: str | Ids) -> tuple[list[int], list[int]]:
        """Text is encoded together and cut where the prompt ends; a space at the prompt's end is the continuation's, as in
        lm-evaluation-harness."""
        if is_chat(context):
            context = self._chat(context)
        if not isinstance(context, str) or not isinstance(answer, str):
            return self._tokens(context), self._tokens(answer)
        before = self._tokens(context.rstrip())
        return before, self._tokens(context + answer)[len(before):]


def decided_by(rule: Rule, first_sample: int = 0) -> Callable[[int, np.ndarray], np.ndarray]:
    """What an Observation asks of every layer; the batch begins with this sample."""
    return lambda layer, stats: rule.layer_mask(stats, layer, first_sample)


def require_zeros(rule: Rule) -> None:
    if rule.has_means:
        raise Error("the mask's heads give means; in transformers they give zeros, so take the mask's heads alone")


def padded(samples: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids [B, S], padded on the right, and the mask of real tokens."""
    length = max(map(len, samples))
    ids = torch.tensor([sample + [0] * (length - len(sample)) for sample in samples])
    mask = torch.tensor([[1] * len(sample) + [0] * (length - len(sample)) for sample in samples])
    return ids, mask


def log_probs_of(logits: torch.Tensor, answer: list[int] | None) -> np.ndarray:
    """logits [S, vocabulary] of one sample -> of its last token [vocabulary], or of the answer's tokens, which end one
    behind the sample [tokens]. Float64, nats."""
    rows = logits[-1:] if answer is None else logits[-len(answer):]
    all_tokens = rows.float().cpu().double().log_softmax(-1)
    if answer is None:
        return all_tokens[0].numpy()
    return all_tokens.gather(1, torch.tensor(answer)[:, None])[:, 0].numpy()


def ablate(model: torch.nn.Module, what: str | os.PathLike | dict | np.ndarray,
           attention_mask: torch.Tensor | None = None) -> _transformers_ablate.Ablation | Observation:
    """Switches heads of the model off until remove(), or the end of `with`. `off` of what it returns is {layer: [B, H] bool}.

    what   heads: {layer: [heads]}, "L5H3,L7H0", bool [layers, heads] with True where a head is off, or a JSON file (a path that
           ends in .json) as the program reads it. They work with every attention implementation and with a KV cache, for the
           families that docs/other_tools.md names.
           Or a rule, "awft>0.9": heads are chosen anew for every row of the batch. A rule has the model use eager attention, and
           needs whole sequences: use_cache=False.
    attention_mask   [B, S], 0 at padding, for rules; by default the one that the model is called with.

    Raises Error for what is neither, and for a share, which needs a calibration: give a threshold."""
    if isinstance(what, np.ndarray):
        return without(model, heads_of_array(what, layer_count(model)))
    if not isinstance(what, str) or what.endswith(".json"):
        return without(model, what)
    rule = as_rule(what)
    if rule.is_share:
        raise Error(f"rule {what!r}: a share needs a calibration, give a threshold here")
    if rule.score == "random":
        raise Error("score random is drawn by a sample's number, which a batch does not have; use Transformers.run")
    if rule.heads is not None:
        heads: dict[int, list[int]] = {}
        for layer, head in rule.heads:
            heads.setdefault(layer, []).append(head)
        return without(model, heads)
    require_sinks(rule.score, has_sinks(model))
    return Observation(model, decided_by(rule), attention_mask)


def without(model: torch.nn.Module, heads: str | os.PathLike | dict) -> _transformers_ablate.Ablation:
    """The file that stands alone in docs/other_tools.md raises ValueError; this is the package."""
    try:
        return _transformers_ablate.ablate(model, heads)
    except ValueError as error:
        raise Error(str(error)) from error


def heads_of_array(mask: np.ndarray, layers: int) -> dict[int, list[int]]:
    if mask.ndim != 2 or mask.dtype != bool or len(mask) != layers:
        raise Error(f"a mask is bool [{layers} layers, heads], this is {mask.dtype} {list(mask.shape)}; "
                         "of one sample take mask[sample]")
    return {layer: np.flatnonzero(of_layer).tolist() for layer, of_layer in enumerate(mask)}
