"""Heads of any Hugging Face transformers model, scored and switched off by hooks: the definitions of the engine, at the speed
of eager attention. docs/python.md says what is refused.
"""
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from . import _transformers_ablate
from ._scores import (FixedHeads, Rule, Score, ScoreRule, ShareRule, compute_scores, layer_mask, parse_rule, require_known_heads,
                      require_score, with_threshold)
from ._statistics import Observation, has_sinks, layer_count, require_observable

Tokens = Sequence[int]
Prompts = str | Tokens | Sequence[str | Tokens]


@dataclass(frozen=True)
class Scored:
    """The statistics of all heads on some samples, nothing switched off.

    stats      float32 [sample, layer, head, 10], the last axis in the order of docs/scores.md; NaN in all ten for a head that the
               model does not have
    has_sinks  whether the model has learned sinks"""
    stats: np.ndarray
    has_sinks: bool

    def scores(self, slug: str) -> np.ndarray:
        """A score by its name in docs/scores.md, all but random: float32 [sample, layer, head], NaN where it is 0/0.

        Raises ValueError for other names, and for sink where the model has no learned sinks."""
        score = require_score(slug)
        require_sinks(score, self.has_sinks)
        return compute_scores(score, self.stats)

    def threshold(self, rule: str) -> float:
        """The threshold of a share, as in "ahon_ln@15%", over all these samples, layers and heads."""
        known = self.with_threshold(parse_rule(rule))
        if isinstance(known, FixedHeads):
            raise ValueError(f"rule {rule!r}: a list of heads has no threshold")
        return known.threshold

    def mask(self, rule: str) -> np.ndarray:
        """The heads that a rule has off by these statistics: bool [sample, layer, head].

        Here no layer is ablated when the next one is scored; Transformers.run decides layer by layer in one pass."""
        known = self.with_threshold(parse_rule(rule))
        layers = range(self.stats.shape[1])
        return np.stack([layer_mask(known, layer, self.stats[:, layer]) for layer in layers], 1)

    def with_threshold(self, rule: Rule) -> ScoreRule | FixedHeads:
        """The rule, a share as a threshold. Raises ValueError for scores and heads that the model has not."""
        if isinstance(rule, FixedHeads):
            require_known_heads(rule, *self.stats.shape[1:3])
        else:
            require_sinks(rule.score, self.has_sinks)
        return with_threshold(rule, self.stats)


@dataclass(frozen=True)
class Run:
    """What a model gives under one intervention.

    intervention  "none", heads, or the rule with its threshold
    log_probs     in nats, float64: of every token that could come next [sample, vocabulary]; with continuations a list with
                  one array [tokens] a sample, of the continuation's own tokens
    masks         the heads that were off: bool [sample, layer, head]
    stats         the statistics in this very pass, before the layer's own mask: float32 [sample, layer, head, 10]"""
    intervention: str
    log_probs: np.ndarray | list[np.ndarray]
    masks: np.ndarray
    stats: np.ndarray


class Transformers:
    """Scores the heads of a transformers model, and runs it without some of them.

    model      a causal language model in eval mode, on any device, of any element type, quantised too. It has hooks and
               another attention implementation only while a method runs.
    tokenizer  for prompts that are text. They are encoded without special tokens, as the program does.
    query_rows rows of queries that attend at a time; by default as many as 64 MiB of weights allow.

    Raises ValueError for models that cannot be observed."""

    def __init__(self, model: torch.nn.Module, tokenizer: Any = None, query_rows: int | None = None) -> None:
        require_observable(model)
        self.model, self.tokenizer, self.query_rows = model, tokenizer, query_rows

    def score(self, prompts: Prompts, batch_size: int = 1) -> Scored:
        """Statistics of every head on prompts: text, token ids, or a list of either.

        batch_size  prompts that run together, padded on the right. More than one changes nothing but rounding, unless the
                    model's RoPE depends on the length (dynamic, longrope): then leave it at 1."""
        samples = self._read(prompts)
        stats = [observation.stats for _, observation, _ in self._passes(samples, None, batch_size)]
        return Scored(np.concatenate(stats), has_sinks(self.model))

    def run(self, prompts: Prompts, ablate: Sequence[str] = (), continuations: Sequence[str | Tokens] | None = None,
            batch_size: int = 1) -> list[Run]:
        """The model with all heads on, then under each intervention of `ablate` ("ahon_ln<0.52", "ahon_ln@15%", "L5H3,L7H0").

        Heads are chosen per sample and layer in the same pass: layers below are ablated when a layer is scored. A share's
        threshold is that of the run with all heads on. With `continuations`, one a prompt, a sample is the prompt with all of
        its continuation but the last token."""
        rules = [parse_rule(rule) for rule in ([ablate] if isinstance(ablate, str) else ablate)]
        if continuations is None:
            samples, answers = self._read(prompts), None
        else:
            samples, answers = self._read_pairs(prompts, continuations)
        first = self._run(samples, answers, FixedHeads(()), batch_size)
        scored = Scored(first.stats, has_sinks(self.model))
        known = [scored.with_threshold(rule) for rule in rules]
        return [first, *(self._run(samples, answers, rule, batch_size) for rule in known)]

    def _run(self, samples: list[list[int]], answers: list[list[int]] | None, rule: ScoreRule | FixedHeads,
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
    def _passes(self, samples: list[list[int]], rule: ScoreRule | FixedHeads | None,
                batch_size: int) -> Iterator[tuple[int, Observation, torch.Tensor]]:
        """(number of the batch's first sample, what was observed, logits [B, S, vocabulary]), batch by batch. The model is as
        before whenever the caller has its turn."""
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: expected 1 or more")
        decide = None if rule is None else lambda layer, stats: layer_mask(rule, layer, stats)
        for begin in range(0, len(samples), batch_size):
            batch = samples[begin:begin + batch_size]
            ids, mask = (tensor.to(self.model.device) for tensor in padded(batch))
            with Observation(self.model, decide, query_rows=self.query_rows) as observation:
                logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
            yield begin, observation, logits

    # ---- prompts

    def _encode(self, text: str) -> list[int]:
        if self.tokenizer is None:
            raise ValueError("a prompt is text: give Transformers a tokenizer, or token ids")
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _read(self, prompts: Prompts) -> list[list[int]]:
        samples = [self._tokens(prompt) for prompt in as_list(prompts)]
        if not samples:
            raise ValueError("there is no prompt")
        return samples

    def _tokens(self, prompt: str | Tokens) -> list[int]:
        tokens = self._encode(prompt) if isinstance(prompt, str) else [int(token) for token in prompt]
        if not tokens:
            raise ValueError("a prompt is empty: it has no token to start from")
        return self._known(tokens)

    def _known(self, tokens: list[int]) -> list[int]:
        vocabulary = self.model.get_input_embeddings().num_embeddings
        for token in tokens:
            if not 0 <= token < vocabulary:
                raise ValueError(f"token {token}: the model has tokens from 0 to {vocabulary - 1}")
        return tokens

    def _read_pairs(self, prompts: Prompts, continuations: Sequence[str | Tokens]) -> tuple[list[list[int]], list[list[int]]]:
        contexts, answers = as_list(prompts), as_list(continuations)
        if len(contexts) != len(answers):
            raise ValueError(f"{len(contexts)} prompts, but {len(answers)} continuations: expected one for each prompt")
        samples, targets = [], []
        for context, answer in zip(contexts, answers):
            before, after = self._pair(context, answer)
            if not after:
                raise ValueError("a continuation has no token")
            samples.append((before + after)[:-1])
            targets.append(after)
        return samples, targets

    def _pair(self, context: str | Tokens, answer: str | Tokens) -> tuple[list[int], list[int]]:
        """Text is encoded together and cut where the prompt ends; a space at the prompt's end is the continuation's, as in
        lm-evaluation-harness."""
        if not isinstance(context, str) or not isinstance(answer, str):
            return self._tokens(context), self._tokens(answer)
        before = self._tokens(context.rstrip())
        return before, self._tokens(context + answer)[len(before):]


def require_sinks(score: Score, model_has_sinks: bool) -> None:
    if score.slug == "sink" and not model_has_sinks:
        raise ValueError("score 'sink': the model has no learned sinks")


def as_list(prompts: Prompts) -> list[str | Tokens]:
    """Text or token ids alone are one prompt."""
    if isinstance(prompts, str) or (len(prompts) and np.ndim(prompts[0]) == 0 and not isinstance(prompts[0], str)):
        return [prompts]
    return list(prompts)


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

    Raises ValueError for what is neither, and for a share, which needs a calibration: give a threshold."""
    if isinstance(what, np.ndarray):
        return _transformers_ablate.ablate(model, heads_of_array(what, layer_count(model)))
    if not isinstance(what, str) or what.endswith(".json"):
        return _transformers_ablate.ablate(model, what)
    rule: Rule = parse_rule(what)
    if isinstance(rule, ShareRule):
        raise ValueError(f"rule {what!r}: a share needs a calibration, give a threshold here")
    if isinstance(rule, FixedHeads):
        heads: dict[int, list[int]] = {}
        for layer, head in rule.heads:
            heads.setdefault(layer, []).append(head)
        return _transformers_ablate.ablate(model, heads)
    require_sinks(rule.score, has_sinks(model))
    return Observation(model, lambda layer, stats: layer_mask(rule, layer, stats), attention_mask)


def heads_of_array(mask: np.ndarray, layers: int) -> dict[int, list[int]]:
    if mask.ndim != 2 or mask.dtype != bool or len(mask) != layers:
        raise ValueError(f"a mask is bool [{layers} layers, heads], this is {mask.dtype} {list(mask.shape)}; "
                         "of one sample take mask[sample]")
    return {layer: np.flatnonzero(of_layer).tolist() for layer, of_layer in enumerate(mask)}
