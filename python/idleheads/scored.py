"""What scoring and running a model gives: the same for the engine and for transformers models.

Statistics are float32 arrays [sample, layer, head, 10], the last axis in the order of docs/scores.md. A head that the model
does not have is NaN in all ten.
"""
from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

import numpy as np

from . import _core, _frames
from ._core import Error, Rule

if TYPE_CHECKING:
    import pandas
    import polars
    import xarray

STATISTICS: tuple[str, ...] = tuple(_core.statistic_names())
SCORES: tuple[str, ...] = tuple(_core.score_names())
SEED = 1234

# A rule ("ahon_ln<0.52", "ahon_ln@15%", "L5H3,L7H0"), bool [layers, heads] with True where a head is off, {layer: [heads]}, or a
# JSON file of heads: a path, or text that ends in .json.
Ablation = Union[str, os.PathLike, np.ndarray, Mapping[int, Sequence[int]], Rule]


def as_rule(what: Ablation) -> Rule:
    """Raises Error for what is no rule."""
    if isinstance(what, Rule):
        return what
    if isinstance(what, os.PathLike) or (isinstance(what, str) and what.endswith(".json")):
        return Rule.of_file(os.fspath(what))
    if isinstance(what, str):
        return Rule(what)
    if isinstance(what, np.ndarray):
        if what.ndim != 2 or what.dtype != bool:
            raise Error(f"a mask is bool [layers, heads], this is {what.dtype} {list(what.shape)}; of one sample take mask[sample]")
        return Rule.of_mask(np.ascontiguousarray(what))
    if isinstance(what, Mapping):
        return Rule(_head_list(what))
    raise Error(f"{type(what).__name__} is no rule; expected text as ahon_ln<0.52 or L5H3,L7H0, a bool array, or a JSON file")


def _head_list(heads: Mapping[int, Sequence[int]]) -> str:
    try:
        places = [(int(layer), int(head)) for layer, of_layer in heads.items() for head in of_layer]
    except (TypeError, ValueError) as error:
        raise Error(f"expected {{layer: [heads]}} with numbers from 0 ({error})") from error
    if any(min(place) < 0 for place in places):
        raise Error("expected {layer: [heads]} with numbers from 0, not below")
    return ",".join(f"L{layer}H{head}" for layer, head in places) or "none"


def as_rules(ablate: Ablation | Sequence[Ablation]) -> list[Rule]:
    """One rule, or several."""
    if isinstance(ablate, Sequence) and not isinstance(ablate, str):
        return [as_rule(what) for what in ablate]
    return [as_rule(ablate)]


Heads = Union[str, Sequence[Union[str, tuple[int, int]]]]  # "L5H3,L7H0", ["L5H3", (7, 0)]


def as_heads(heads: Heads) -> list[str]:
    """Each as text, in the order given; that it is a head is for the engine to check."""
    if isinstance(heads, str):
        return heads.split(",")
    if not isinstance(heads, Sequence):
        raise Error(f"{type(heads).__name__} names no heads; expected a list, as [\"L5H3\", (7, 0)]")
    return [head if isinstance(head, str) else _head_name(head) for head in heads]


def _head_name(head: tuple[int, int]) -> str:
    try:
        layer, number = map(operator.index, head)
    except (TypeError, ValueError):
        raise Error(f"{head!r} is no head; expected (layer, head) counted from 0, or text as L5H3") from None
    return f"L{layer}H{number}"


def require_sinks(slug: str | None, model_has_sinks: bool) -> None:
    if slug == "sink" and not model_has_sinks:
        raise Error("score 'sink': the model has no learned sinks")


@dataclass(frozen=True)
class Scored:
    """The statistics of all heads on some samples, nothing switched off.

    stats      float32 [sample, layer, head, 10], the last axis in the order of docs/scores.md; NaN in all ten for a head that the
               model does not have
    has_sinks  whether the model has learned sinks
    seed       of the score random
    attention  where patterns were asked for: of each sample the attention weights of the named heads, in their order, float32
               [head, token, token]; row t has the weights of token t on the tokens 0 to t, and zeros. A row sums to 1, or to less
               where the head has a learned sink"""
    stats: np.ndarray
    has_sinks: bool
    seed: int = SEED
    attention: list[np.ndarray] | None = None

    def scores(self, slug: str) -> np.ndarray:
        """A score by its name in docs/scores.md: float32 [sample, layer, head], NaN where it is 0/0.

        Raises Error for other names, and for sink where the model has no learned sinks."""
        require_sinks(slug, self.has_sinks)
        return _core.scores(self.stats, slug, self.seed)

    def threshold(self, rule: str) -> float:
        """The threshold of a share, as in "ahon_ln@15%", over all these samples, layers and heads."""
        threshold = self.calibrated(Rule(rule)).threshold
        if threshold is None:
            raise Error(f"rule {rule!r}: a list of heads has no threshold")
        return threshold

    def mask(self, rule: Ablation) -> np.ndarray:
        """The heads that a rule has off by these statistics: bool [sample, layer, head].

        Here no layer is ablated when the next one is scored; a run decides layer by layer in one pass."""
        return self.calibrated(as_rule(rule)).mask(self.stats, self.seed)

    def calibrated(self, rule: Rule) -> Rule:
        """The rule, a share as a threshold. Raises Error for scores that the model has not."""
        require_sinks(rule.score, self.has_sinks)
        return rule.calibrated(self.stats, self.seed)

    def to_pandas(self, scores: Sequence[str] | None = None) -> pandas.DataFrame:
        """A row for each head of each sample: sample, layer, head, the ten statistics, and scores (by default all)."""
        return _frames.to_pandas(self._columns(scores), self.stats)

    def to_polars(self, scores: Sequence[str] | None = None) -> polars.DataFrame:
        """The same as a polars frame."""
        return _frames.to_polars(self._columns(scores), self.stats)

    def to_xarray(self, scores: Sequence[str] | None = None) -> xarray.Dataset:
        """The same numbers as variables with dimensions sample, layer and head."""
        return _frames.to_xarray(self._columns(scores))

    def _columns(self, scores: Sequence[str] | None) -> dict[str, np.ndarray]:
        if scores is None:
            scores = [slug for slug in SCORES if slug != "random" and (slug != "sink" or self.has_sinks)]
        return {**_frames.statistics(self.stats, STATISTICS), **{slug: self.scores(slug) for slug in scores}}


@dataclass(frozen=True)
class Run:
    """What a model gives under one intervention.

    intervention  "none", heads, or the rule with its threshold
    log_probs     in nats, float64: of every token that could come next [sample, vocabulary]; with continuations a list with
                  one array [tokens] a sample, of the continuation's own tokens
    masks         the heads that were off: bool [sample, layer, head]
    stats         the statistics in this very pass, before the layer's own mask: float32 [sample, layer, head, 10]
    attention     where patterns were asked for: those of this very pass, as in Scored"""
    intervention: str
    log_probs: np.ndarray | list[np.ndarray]
    masks: np.ndarray
    stats: np.ndarray
    attention: list[np.ndarray] | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each head of each sample: sample, layer, head, off, and the ten statistics."""
        return _frames.to_pandas(self._columns(), self.stats)

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame."""
        return _frames.to_polars(self._columns(), self.stats)

    def to_xarray(self) -> xarray.Dataset:
        """The same numbers as variables with dimensions sample, layer and head."""
        return _frames.to_xarray(self._columns())

    def _columns(self) -> dict[str, np.ndarray]:
        return {"off": self.masks, **_frames.statistics(self.stats, STATISTICS)}
