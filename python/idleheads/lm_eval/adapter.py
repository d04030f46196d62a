"""The model `idleheads` of lm-evaluation-harness: the engine, with heads switched off if asked.

Prompts, cuts and stop strings are those of `idleheads eval`, which are the harness' own of 0.4.5 (docs/tasks.md).
"""
from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from .. import __version__
from .._core import Error, Rule
from .._progress import Parts, shown
from ..model import Model
from ..scored import SEED
from ._arguments import Generation, as_count, generation_of, rule_of, switches_off
from ._masks import MaskFile

_log = logging.getLogger("lm_eval.idleheads")  # shown where lm_eval's own messages are

# What lm_eval itself adds to the arguments: the engine makes its own batches, and runs no code of models.
_OF_LM_EVAL = {"batch_size", "max_batch_size", "trust_remote_code"}
_DEFAULT_DEVICE = "cuda:0"  # newer versions say so where the user says nothing


class IdleheadsLM(TemplateLM):
    """pretrained, dtype, device, memory, gpu_memory, threads, context: of idleheads.Model

    add_bos_token  a BOS token before every prompt that has none. By default for models that need it (Gemma)
    ablate         ahon_ln<0.52, ahon_ln@15%, or heads as L5H3+L7H0; a share's threshold is that of the call's own requests
    study          a study file that has the threshold of the share
    mask           a JSON file of heads
    masks          folder for idleheads_masks.npz: the heads that were off in every request
    seed           of the score random

    Raises Error for other arguments, and for what cannot be opened."""

    max_gen_toks = 256  # where a task does not say, as for lm_eval's models of transformers

    def __init__(self, pretrained: Any = None, dtype: str = "auto", device: str = "cpu", memory: Any = None, gpu_memory: Any = None,
                 threads: Any = None, context: Any = None, add_bos_token: bool | None = None, ablate: Any = None, mask: Any = None,
                 study: Any = None, masks: Any = None, seed: int = SEED, **others: Any) -> None:
        super().__init__()
        _refuse(others)
        if pretrained is None:
            raise Error("pretrained is missing: a model as idleheads takes it, as pretrained=model.gguf")
        self._rule = rule_of(ablate, mask)
        if masks is not None and not switches_off(self._rule):
            raise Error("masks: no heads are switched off; ablate or mask says which")
        sizes = {"memory": memory, "gpu_memory": gpu_memory, "threads": threads, "context": context}
        device = "auto" if device == _DEFAULT_DEVICE else str(device)
        self.model = Model(str(pretrained), dtype=str(dtype), device=device,
                           **{name: as_count(value, name) for name, value in sizes.items()})
        self._seed = as_count(seed, "seed", least=0)
        self.add_bos_token = self._adds_bos(add_bos_token)
        if study is not None:
            self._rule = self.model._core.rule_of_study(self._rule, str(study))
            _log.info("%s: the threshold of %s", self._rule, study)
        self._masks = MaskFile(masks) if masks is not None else None
        self._used: list[str] = []

    # ---- what lm_eval asks of a model

    @property
    def eot_token_id(self) -> int | None:
        return self.model.eos_token

    @property
    def prefix_token_id(self) -> int:
        for token in (self.model.bos_token, self.model.eos_token):
            if token is not None:
                return token
        raise Error(f"{self.model.name}: a text with nothing before it needs a BOS or EOS token, and the tokenizer has none")

    @property
    def max_length(self) -> int:
        return self.model.context

    @property
    def tokenizer_name(self) -> str:
        return self.model.name.replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        ids = self.model.encode(string)
        return ids if add_special_tokens is False else self._with_bos(ids)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The model's own. Templates of other names are refused."""
        if isinstance(chat_template, str):
            raise Error(f"chat template {chat_template!r}: the model's own template is the only one; give no name")
        return self.model.chat_template if chat_template else None

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Without the answer's beginning the last message is one that the answer goes on with, as in transformers."""
        text = self.model.chat(chat_history, add_generation_prompt)
        if add_generation_prompt:
            return text
        last = chat_history[-1]["content"]
        begin = text.rfind(last.strip())
        if begin < 0:
            raise Error("chat template: it changes the message that the answer is to go on with")
        kept = last.lstrip() if text.startswith(last.lstrip(), begin) else last.strip()
        return text[:begin] + kept

    def get_model_info(self) -> dict[str, Any]:
        """What results files say of the model."""
        return {"idleheads": __version__, "model_dtype": self.model.precision, "model_fingerprint": self.model.fingerprint,
                "add_bos_token": self.add_bos_token, "max_length": self.max_length, "interventions": self._used, "seed": self._seed}

    def set_cache_hook(self, cache_hook: Any) -> None:
        """lm_eval's cache of responses tells it here that it will answer in the model's place."""
        if cache_hook.dbdict is not None and switches_off(self._rule):
            raise Error("--use_cache: it would give the same answers whatever heads are off, since its keys are the prompts alone")
        super().set_cache_hook(cache_hook)

    # ---- requests: all of a call go to the engine together

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        pairs = []
        for context, continuation in (request.args for request in requests):
            before, after = self.model.encode_pair(context, continuation)
            pairs.append(((context, continuation), self._with_bos(before), after))
        return self._loglikelihood_tokens(pairs, disable_tqdm=disable_tqdm, instances=requests)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        windows, owners = [], []
        for number, request in enumerate(requests):
            ids = self.model.encode(request.args[0])
            for window in get_rolling_token_windows(ids, self.prefix_token_id, self.max_length, context_len=1):
                windows.append((None, *make_disjoint_window(window)))
                owners.append(number)
        instances = [requests[number] for number in owners]
        sums = [0.0] * len(requests)
        for number, (log_prob, _) in zip(owners, self._loglikelihood_tokens(windows, disable_tqdm=disable_tqdm, instances=instances)):
            sums[number] += log_prob
        return sums

    def _loglikelihood_tokens(self, requests: list[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False,
                              instances: Sequence[Instance] = (), **_: Any) -> list[tuple[float, bool]]:
        if not requests:
            return []
        contexts, answers = zip(*(self._fitted(before, after, number) for number, (_, before, after) in enumerate(requests)))
        with shown(not disable_tqdm, "loglikelihood", 1 + self._rule.is_share) as parts:
            rule = self._calibrated(contexts, answers, instances, parts)
            results, masks = self.model._likelihoods(contexts, answers, rule, parts, self._seed)
        self._record(rule, instances, masks[:, None])
        return results

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        if not requests:
            return []
        groups: dict[Generation, list[int]] = {}
        prompts = []
        for number, (context, given) in enumerate(request.args for request in requests):
            how = generation_of(given, self.max_gen_toks)
            if how.max_new_tokens >= self.max_length:
                raise Error(f"{how.max_new_tokens} new tokens do not fit into the context of {self.max_length}")
            ids = self.tok_encode(context) or [self.prefix_token_id]
            prompts.append(_array(ids[-(self.max_length - how.max_new_tokens):]))
            groups.setdefault(how, []).append(number)
        texts, masks = [""] * len(requests), [np.zeros(0)] * len(requests)
        with shown(not disable_tqdm, "generate_until", len(groups) + self._rule.is_share) as parts:
            rule = self._calibrated(prompts, None, requests, parts)
            for how, members in groups.items():
                ids = [prompts[number] for number in members]
                (written,) = self.model._generated(ids, [rule], how.max_new_tokens, list(how.until), parts, self._seed)
                for number, text, mask in zip(members, written.texts, written.masks):
                    texts[number], masks[number] = text, mask
        self._record(rule, requests, masks)
        return texts

    # ---- parts of it

    def _adds_bos(self, wanted: bool | None) -> bool:
        if wanted not in (None, True, False):
            raise Error(f"add_bos_token={wanted!r}: expected True or False")
        adds = self.model._core.needs_bos if wanted is None else wanted
        if adds and self.model.bos_token is None:
            raise Error("add_bos_token: the tokenizer has no BOS token")
        return adds

    def _with_bos(self, ids: list[int]) -> list[int]:
        bos = self.model.bos_token
        return [bos, *ids] if self.add_bos_token and ids[:1] != [bos] else ids

    def _fitted(self, before: list[int], after: list[int], number: int) -> tuple[np.ndarray, np.ndarray]:
        """A context cut from the left so that it fits with all of the continuation but its last token, which is predicted only."""
        if not after:
            raise Error(f"request {number}: the continuation gives no token of its own after the context")
        if len(after) > self.max_length:
            raise Error(f"request {number}: the continuation alone has {len(after)} tokens, but the context is {self.max_length}")
        return _array(before[-(self.max_length + 1 - len(after)):]), _array(after)

    def _calibrated(self, prompts: Sequence[np.ndarray], answers: Sequence[np.ndarray] | None, instances: Sequence[Instance],
                    parts: Parts | None) -> Rule:
        """A share as the threshold that it has over these requests. Equal inputs of a document count once, as in `idleheads eval`."""
        if not self._rule.is_share:
            return self._rule
        inputs: dict[Any, int] = {}
        for number, prompt in enumerate(prompts):
            document = (instances[number].task_name, instances[number].doc_id) if instances else None
            tokens = prompt if answers is None else np.r_[prompt, answers[number][:-1]]
            inputs.setdefault((document, tokens.tobytes()), number)
        chosen = list(inputs.values())
        scored = self.model._scored([prompts[number] for number in chosen],
                                    None if answers is None else [answers[number] for number in chosen], parts, self._seed)
        rule = scored.calibrated(self._rule)
        _log.info("%s: the threshold of %g%% over %d inputs of these requests", rule, 100 * self._rule.share, len(chosen))
        return rule

    def _record(self, rule: Rule, instances: Sequence[Instance], masks: Sequence[np.ndarray]) -> None:
        """The masks of each request, bool [pass, layer, head]."""
        if str(rule) not in self._used:
            self._used.append(str(rule))
        if self._masks is None:
            return
        for request, of_request in zip(instances, masks):
            self._masks.add(request, str(rule), of_request)
        if instances:
            self._masks.write(self.get_model_info())


def _refuse(others: dict[str, Any]) -> None:
    unknown = sorted(set(others) - _OF_LM_EVAL)
    if unknown:
        known = "pretrained, dtype, device, memory, gpu_memory, threads, context, add_bos_token, ablate, mask, study, masks, seed"
        raise Error(f"model argument {unknown[0]!r}: not known; known: {known}")


def _array(ids: list[int]) -> np.ndarray:
    return np.array(ids, np.int64)
