"""Models in the engine of idleheads: heads scored, models run and continued without some of their heads."""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from . import _core
from ._core import Error, Rule
from ._progress import Parts, Progress, shown
from ._prompts import Chat, Ids, Prompt, Prompts, as_ids, as_list, as_message, is_chat
from .scored import SEED, Ablation, Heads, Run, Scored, as_heads, as_rule, as_rules


def _size(size: int | str | None, name: str) -> str:
    """As the program takes it; "" for none."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, (int, str))):
        raise TypeError(f"{name}: expected bytes, or a text as in '4GiB'")
    if isinstance(size, int) and size <= 0:
        raise Error(f"{name} {size}: expected bytes, above 0")
    return "" if size is None else str(size)


class Model:
    """A model, opened for use.

    model       a GGUF file, a folder of Hugging Face or GGUF files, or org/name[@revision] in the local Hugging Face cache
    dtype       matrix products in "f32", "bf16" or "auto" (bf16 where the processor has it)
    device      "cpu", "cuda", "cuda:1" or "auto"
    memory      bound of the process's memory, "4GiB" or bytes: weights that do not fit are streamed. By default half of the machine's
    gpu_memory  likewise of the device's memory. By default what is free
    threads     by default as many as the process may use
    context     longest prompt in tokens. By default the model's context

    Results are the same bits for any memory and any number of threads. Several threads may use one model: they wait for each
    other. `with ih.Model(...) as m:` closes it at the end. Raises Error for what cannot be opened."""

    def __init__(self, model: str | os.PathLike, *, dtype: str = "auto", device: str = "cpu", memory: int | str | None = None,
                 gpu_memory: int | str | None = None, threads: int | None = None, context: int | None = None) -> None:
        self._core = _core.Model(os.fspath(model), dtype, device, _size(memory, "memory"), _size(gpu_memory, "gpu_memory"), threads or 0,
                                 context or 0)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._core.is_closed:
            return "<idleheads.Model, closed>"
        return f"<idleheads.Model {self.name}: {self.layers} layers of {self.heads} heads, {self.precision}>"

    def close(self) -> None:
        """Frees the memory, once who uses the model is done. All later use raises Error. May be called twice."""
        self._core.close()

    @property
    def name(self) -> str:
        """As it was given."""
        return self._core.name

    @property
    def family(self) -> str:
        """As in "llama"."""
        return self._core.family

    @property
    def layers(self) -> int:
        return self._core.layers

    @property
    def heads(self) -> int:
        """Query heads of a layer."""
        return self._core.heads

    @property
    def kv_heads(self) -> int | None:
        """Key/value heads of a layer; None where layers group their heads differently."""
        return self._core.kv_heads

    @property
    def vocabulary(self) -> int:
        """Tokens that the model has."""
        return self._core.vocabulary

    @property
    def context(self) -> int:
        """The longest prompt, in tokens."""
        return self._core.context

    @property
    def precision(self) -> str:
        """Of matrix products: "f32" or "bf16"."""
        return self._core.precision

    @property
    def description(self) -> str:
        """What computes: products, their library, the kernels."""
        return self._core.description

    @property
    def fingerprint(self) -> str:
        """Hash of settings and weights. The first call reads all files."""
        return self._core.fingerprint()

    @property
    def bos_token(self) -> int | None:
        """The token that texts begin with; None if the tokenizer has none."""
        return self._core.bos_token

    @property
    def eos_token(self) -> int | None:
        """The token that texts end with; None if the tokenizer has none."""
        return self._core.eos_token

    @property
    def chat_template(self) -> str | None:
        """The Jinja source of the model's chat template; None if it has none."""
        return self._core.chat_template

    def encode(self, text: str) -> list[int]:
        """Token ids of text, without special tokens around it; text of special tokens becomes the tokens."""
        return self._core.encode(text)

    def encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Token ids of a context and of what follows, encoded together; spaces at the context's end are the continuation's. An
        empty context becomes the BOS token, or EOS."""
        return self._core.encode_pair(context, continuation)

    def decode(self, ids: Ids, skip_special_tokens: bool = False) -> str:
        """Text of token ids."""
        return self._core.decode(as_ids(ids, "ids"), skip_special_tokens)

    def chat(self, messages: Chat, add_generation_prompt: bool = True) -> str:
        """The text of messages in the model's chat template, with the answer's beginning unless add_generation_prompt is False."""
        return self._core.chat([as_message(message) for message in messages], add_generation_prompt)

    def loglikelihood(self, pairs: Sequence[tuple[Ids, Ids]], ablate: Ablation | None = None, *, progress: Progress = False,
                      seed: int = SEED) -> list[tuple[float, bool]]:
        """Of token ids (context, continuation): the sum of the log-probabilities of the continuation's tokens, in nats, and
        whether each of them is the likeliest one. All pairs run together; a share's threshold is that of these pairs."""
        contexts = [as_ids(context, f"context {i}") for i, (context, _) in enumerate(pairs)]
        answers = [as_ids(answer, f"continuation {i}") for i, (_, answer) in enumerate(pairs)]
        rule = Rule("none") if ablate is None else as_rule(ablate)
        if not pairs:
            return []
        with shown(progress, "loglikelihood", 1 + rule.is_share) as parts:
            if rule.is_share:
                rule = self._scored(contexts, answers, parts, seed).calibrated(rule)
            return self._likelihoods(contexts, answers, rule, parts, seed)[0]

    def _ids(self, prompt: Prompt, name: str) -> np.ndarray:
        if is_chat(prompt):
            prompt = self.chat(prompt)
        return as_ids(self.encode(prompt) if isinstance(prompt, str) else prompt, name)

    def _prompts(self, prompts: Prompts) -> list[np.ndarray]:
        ids = [self._ids(prompt, f"prompt {number}") for number, prompt in enumerate(as_list(prompts))]
        if not ids:
            raise Error("there is no prompt")
        return ids

    def _pair(self, context: Prompt, answer: str | Ids, number: int) -> tuple[np.ndarray, np.ndarray]:
        if is_chat(context):
            context = self.chat(context)
        if isinstance(context, str) and isinstance(answer, str):
            context, answer = self.encode_pair(context, answer)
        return self._ids(context, f"prompt {number}"), self._ids(answer, f"continuation {number}")

    def _run(self, prompts: list[np.ndarray], rules: list[Rule], answers: list[np.ndarray] | None, parts: Parts | None, seed: int,
             *, next: bool, stats: bool = True, attention: Heads = ()) -> list[tuple]:
        """Of each rule (masks, stats, log-probabilities, is_greedy, attention); one part of the work."""
        arrays = self._core.run(prompts, rules, answers, stats, next, seed, parts, as_heads(attention))
        if parts:
            parts.finish_part()
        return arrays

    def _likelihoods(self, contexts: list[np.ndarray], answers: list[np.ndarray], rule: Rule, parts: Parts | None,
                     seed: int) -> tuple[list[tuple[float, bool]], np.ndarray]:
        """What loglikelihood() gives, and the masks [pair, layer, head]; one part of the work."""
        (masks, _, log_probs, is_greedy, _), = self._run(contexts, [rule], answers, parts, seed, next=False, stats=False)
        borders = _borders(answers)
        sums = [float(part.sum()) for part in np.split(log_probs, borders)]
        return list(zip(sums, [bool(part.all()) for part in np.split(is_greedy, borders)])), masks

    def _generated(self, ids: list[np.ndarray], rules: list[Rule], max_new_tokens: int, stop: list[str], parts: Parts | None,
                   seed: int) -> list[Generated]:
        """Of each rule; one part of the work."""
        generated = []
        for rule, (written, stats) in zip(rules, self._core.generate(ids, rules, max_new_tokens, stop, seed, parts)):
            texts, tokens, masks = (list(column) for column in zip(*written))
            generated.append(Generated(str(rule), texts, tokens, masks, stats))
        if parts:
            parts.finish_part()
        return generated

    def _scored(self, prompts: list[np.ndarray], answers: list[np.ndarray] | None, parts: Parts | None, seed: int,
                attention: Heads = ()) -> Scored:
        (_, stats, _, _, patterns), = self._run(prompts, [Rule("none")], answers, parts, seed, next=False, attention=attention)
        return Scored(stats, self._core.has_sinks, seed, patterns or None)


@dataclass(frozen=True)
class Generated:
    """What a model writes under one intervention.

    intervention  "none", heads, or the rule with its threshold
    texts         one a prompt, up to the first stop string
    tokens        one int32 array a prompt: the new tokens, an end token included
    masks         one bool array [new token, layer, head] a prompt: the heads that were off in each forward pass
    stats         the statistics of the prompts: float32 [prompt, layer, head, 10]"""
    intervention: str
    texts: list[str]
    tokens: list[np.ndarray]
    masks: list[np.ndarray]
    stats: np.ndarray


def score(model: Model, prompts: Prompts, *, attention: Heads = (), progress: Progress = False, seed: int = SEED) -> Scored:
    """Statistics of every head on prompts: text, token ids (a list or an integer array), chat messages, or a list of these.

    attention  heads whose attention patterns are wanted too: ["L5H3", (7, 0)] or "L5H3,L7H0". They take tokens x tokens numbers
               a head and prompt, and a model on the processor
    seed       of the score random"""
    ids = model._prompts(prompts)
    with shown(progress, "score", 1) as parts:
        return model._scored(ids, None, parts, seed, attention)


def run(model: Model, prompts: Prompts, ablate: Ablation | Sequence[Ablation] = (),
        continuations: Sequence[str | Ids] | None = None, *, attention: Heads = (), progress: Progress = False,
        seed: int = SEED) -> list[Run]:
    """The model with all heads on, then under each intervention of `ablate`: "ahon_ln<0.52", "ahon_ln@15%", "L5H3,L7H0", a bool
    array [layers, heads], or a mask file.

    Heads are chosen per sample and layer in the same pass: layers below are ablated when a layer is scored. A share's threshold
    is that of the run with all heads on. With `continuations`, one a prompt, a sample is the prompt with all of its
    continuation but the last token. `attention` names heads whose patterns are wanted too, as in score()."""
    if continuations is None:
        samples, answers = model._prompts(prompts), None
    else:
        samples, answers = _pairs(model, as_list(prompts), as_list(continuations))

    def run_group(rules: list[Rule], parts: Parts | None) -> list[Run]:
        runs = []
        arrays = model._run(samples, rules, answers, parts, seed, next=answers is None, attention=attention)
        for rule, (masks, stats, log_probs, _, patterns) in zip(rules, arrays):
            of_samples = log_probs if answers is None else np.split(log_probs, _borders(answers))
            runs.append(Run(str(rule), of_samples, masks, stats, patterns or None))
        return runs

    return _in_groups(model, as_rules(ablate), seed, progress, "run", run_group)


def generate(model: Model, prompts: Prompts, *, max_new_tokens: int = 256, ablate: Ablation | Sequence[Ablation] = (),
             stop: str | Sequence[str] = (), progress: Progress = False, seed: int = SEED) -> list[Generated]:
    """Continues prompts greedily, with all heads on and then under each intervention of `ablate`, as the model's generation
    settings say: end tokens, repetition penalty. A prompt ends at any of the texts in `stop` as well.

    Heads are chosen anew for every token from the whole sequence so far. A share's threshold is that of the prompts."""
    ids = model._prompts(prompts)
    stops = [stop] if isinstance(stop, str) else list(stop)

    def run_group(rules: list[Rule], parts: Parts | None) -> list[Generated]:
        return model._generated(ids, rules, max_new_tokens, stops, parts, seed)

    return _in_groups(model, as_rules(ablate), seed, progress, "generate", run_group)


# ---- rules that run together

Result = TypeVar("Result", Run, Generated)


def _groups(rules: list[Rule]) -> list[list[int]]:
    """Numbers of rules that run together, the first rule in the first group. All do, so that they share what is equal; but shares
    wait for their threshold, and heads that give means run alone."""
    first, later, alone = [], [], []
    waits = any(rule.is_share for rule in rules)
    for number, rule in enumerate(rules):
        if rule.has_means:
            alone.append([number])
        elif waits and number > 0:
            later.append(number)
        else:
            first.append(number)
    return [first, *([later] if later else []), *alone]


def _in_groups(model: Model, rules: list[Rule], seed: int, progress: Progress, what: str,
               run_group: Callable[[list[Rule], Parts | None], list[Result]]) -> list[Result]:
    """The results of the model with all heads on, and of each rule, in this order."""
    everything = [Rule("none"), *rules]
    groups = _groups(everything)
    results: dict[int, Result] = {}
    with shown(progress, what, len(groups)) as parts:
        for group in groups:
            known = [everything[number] for number in group]
            if results:
                scored = Scored(results[0].stats, model._core.has_sinks, seed)
                known = [scored.calibrated(rule) for rule in known]
            results.update(zip(group, run_group(known, parts)))
    return [results[number] for number in range(len(everything))]


# ---- prompts


def _pairs(model: Model, prompts: list[Prompt], answers: list) -> tuple[list[np.ndarray], list[np.ndarray]]:
    if len(prompts) != len(answers):
        raise Error(f"{len(prompts)} prompts, but {len(answers)} continuations: expected one for each prompt")
    if not prompts:
        raise Error("there is no prompt")
    pairs = [model._pair(*pair, number) for number, pair in enumerate(zip(prompts, answers))]
    return [context for context, _ in pairs], [answer for _, answer in pairs]


def _borders(answers: list[np.ndarray]) -> np.ndarray:
    """Where the second and the following of arrays in a row begin."""
    return np.cumsum([len(answer) for answer in answers])[:-1]
