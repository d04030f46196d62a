"""From the statistics of heads to scores, thresholds and masks: docs/scores.md in numpy, with the numbers of src/heads.

Statistics are float32 arrays [..., layer, head, 10], the last axis in the order of STATISTICS. A head that the model does
not have is NaN in all ten.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

STATISTICS = ("first_weight", "entropy", "first_value_norm", "value_norm", "last_output_norm", "output_norm", "projected_norm",
              "sink_weight", "top_weight", "top_position")


@dataclass(frozen=True)
class Score:
    """numerator / normaliser. `over` is None (no normaliser), "layer" (mean over the layer's heads) or "own"."""
    slug: str
    numerator: str
    over: str | None = None
    normaliser: str = ""
    above: bool = False  # inactive above the threshold, else below


SCORES = {score.slug: score for score in (
    Score("awft", "first_weight", above=True),
    Score("awft_ln", "first_weight", "layer", "first_weight", above=True),
    Score("aeqd", "entropy"),
    Score("aeqd_ln", "entropy", "layer", "entropy"),
    Score("ftvvn", "first_value_norm"),
    Score("ftvvn_ln", "first_value_norm", "layer", "first_value_norm"),
    Score("avvn", "value_norm"),
    Score("avvn_ln", "value_norm", "layer", "value_norm"),
    Score("lthon", "last_output_norm"),
    Score("lthon_ln", "last_output_norm", "layer", "output_norm"),
    Score("lthon_hn", "last_output_norm", "own", "output_norm"),
    Score("ahon", "output_norm"),
    Score("ahon_ln", "output_norm", "layer", "output_norm"),
    Score("afhon", "projected_norm"),
    Score("afhon_ln", "projected_norm", "layer", "projected_norm"),
    Score("sink", "sink_weight", above=True),
    Score("mass", "top_weight", above=True),
)}


@dataclass(frozen=True)
class ScoreRule:
    """Heads whose score is beyond a threshold: ahon_ln<0.52."""
    score: Score
    threshold: float

    def __str__(self) -> str:
        return f"{self.score.slug}{'>' if self.score.above else '<'}{str(np.float32(self.threshold))}"


@dataclass(frozen=True)
class ShareRule:
    """The share in [0, 1] of all heads whose scores are farthest on the inactive side: ahon_ln@15%."""
    score: Score
    share: float

    def __str__(self) -> str:
        return f"{self.score.slug}@{self.share * 100:g}%"


@dataclass(frozen=True)
class FixedHeads:
    """The same heads, (layer, head) from 0, for every sample: L5H3,L7H0."""
    heads: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return ",".join(f"L{layer}H{head}" for layer, head in self.heads) or "none"


Rule = ScoreRule | ShareRule | FixedHeads

HEAD = re.compile(r"[Ll]?([0-9]+)(?:\.?[Hh]|[.-])([0-9]+)", re.ASCII)
NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?inf", re.ASCII)


def require_score(slug: str) -> Score:
    """Raises ValueError for a name that is no score, and for random, which only the program computes."""
    if slug == "random":
        raise ValueError("score 'random' is drawn by the program alone; use idleheads study or eval")
    if slug not in SCORES:
        raise ValueError(f"unknown score {slug!r}; there are {', '.join(SCORES)}")
    return SCORES[slug]


def parse_head(text: str) -> tuple[int, int]:
    """(layer, head) of "L5H3", "L5.H3", "5.3" or "5-3"."""
    match = HEAD.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a head; write layer and head counted from 0, as in L5H3, 5.3 or 5-3")
    return int(match[1]), int(match[2])


def parse_rule(text: str) -> Rule:
    """Reads "ahon_ln<0.52", "awft>0.9", "ahon_ln@15%", "L5H3,L7H0" and "none". Raises ValueError on anything else."""
    if text == "none":
        return FixedHeads(())
    if re.match(r"[Ll]?[0-9]", text):
        return FixedHeads(tuple(sorted({parse_head(head) for head in text.split(",")})))
    match = re.fullmatch(r"([^<>@]*)([<>@])(.*)", text, re.DOTALL)
    if not match:
        score = require_score(re.split(r"[=: ]", text)[0])  # the likelier mistake is the name
        raise ValueError(f"rule {text!r}: expected {score.slug}{'>' if score.above else '<'}NUMBER, {score.slug}@SHARE% "
                         "or a list of heads (L0H1,L5H3)")
    score = require_score(match[1])
    if match[2] == "@":
        return ShareRule(score, parse_share(text, match[3], score))
    direction, side = (">", "above") if score.above else ("<", "below")
    if match[2] != direction:
        raise ValueError(f"rule {text!r}: heads are inactive where {score.slug} is {side} the threshold, "
                         f"write {score.slug}{direction}...")
    if not NUMBER.fullmatch(match[3]):
        raise ValueError(f"rule {text!r}: {match[3]!r} is not a number")
    return ScoreRule(score, float(match[3]))


def parse_share(rule: str, text: str, score: Score) -> float:
    digits = text.removesuffix("%")
    if digits == text or not NUMBER.fullmatch(digits) or not 0 <= float(digits) <= 100:
        raise ValueError(f"rule {rule!r}: expected a share in percent from 0% to 100%, as in {score.slug}@15%")
    return float(digits) / 100


def compute_scores(score: Score, stats: np.ndarray) -> np.ndarray:
    """stats [..., heads, 10], any axes before the heads of a layer -> float32 [..., heads].

    NaN where the normaliser is zero and for heads that the model does not have, which are in no layer's mean."""
    def of(name: str) -> np.ndarray:
        return stats[..., STATISTICS.index(name)].astype(np.float32)
    values = of(score.numerator)
    if score.over is None:
        return values
    below = of(score.normaliser)
    if score.over == "layer":
        there = ~np.isnan(stats[..., 0])
        with np.errstate(invalid="ignore", divide="ignore"):  # a layer without attention
            mean = np.where(there, below, 0).sum(-1, dtype=np.float64) / there.sum(-1)
        below = np.broadcast_to(mean.astype(np.float32)[..., None], values.shape)
    return np.divide(values, below, out=np.full_like(values, np.nan), where=below != 0)


def is_inactive(score: Score, values: np.ndarray, threshold: float) -> np.ndarray:
    """Strictly beyond the threshold, both as float32; a NaN never is. bool of the shape of `values`."""
    limit = np.float32(threshold)
    return values > limit if score.above else values < limit


def threshold_for_share(score: Score, values: np.ndarray, share: float) -> float:
    """The threshold at which this share of `values`, of any shape, is inactive (src/heads/threshold.h): over the sorted
    x_1..x_n with y_i = i/n, x at y = share (1 - share if inactive above) by linear interpolation, y clamped to [1/n, 1].

    NaN values are left out. Raises ValueError if none is left."""
    x = np.sort(values[~np.isnan(values)].astype(np.float64))
    if not len(x):
        raise ValueError(f"score {score.slug}: no value to take a threshold from (all are NaN)")
    place = min(max((1 - share if score.above else share) * len(x), 1), len(x)) - 1
    low, fraction = int(place), place - int(place)
    if low + 1 >= len(x) or fraction == 0 or x[low] == x[low + 1]:
        return float(np.float32(x[low]))
    if not np.isfinite(x[low:low + 2]).all():  # the limit beside infinity is the infinite neighbour
        return float(x[low + 1] if np.isfinite(x[low]) else x[low])
    return float(np.float32(x[low] + fraction * (x[low + 1] - x[low])))


def require_known_heads(rule: FixedHeads, layers: int, heads: int) -> None:
    for layer, head in rule.heads:
        if layer >= layers or head >= heads:
            raise ValueError(f"L{layer}H{head}: there are {layers} layers of {heads} heads, from 0")


def with_threshold(rule: Rule, stats: np.ndarray) -> ScoreRule | FixedHeads:
    """The rule itself, or for a share the threshold that it has over these statistics [samples, layers, heads, 10]."""
    if not isinstance(rule, ShareRule):
        return rule
    return ScoreRule(rule.score, threshold_for_share(rule.score, compute_scores(rule.score, stats), rule.share))


def layer_mask(rule: ScoreRule | FixedHeads, layer: int, stats: np.ndarray) -> np.ndarray:
    """The heads that are off in one layer of some samples: stats [..., heads, 10] -> bool [..., heads]."""
    if isinstance(rule, ScoreRule):
        return is_inactive(rule.score, compute_scores(rule.score, stats), rule.threshold)
    off = np.zeros(stats.shape[:-1], bool)
    off[..., [head for of_layer, head in rule.heads if of_layer == layer]] = True
    return off
