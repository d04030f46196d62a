"""Figures of studies in matplotlib, which is imported when the first one is drawn (extra `plot`).

Each function draws into `ax`, or a new figure; writes the figure to `path` if that is given, in the format of its ending
(.svg, .pdf, .png); and returns the Axes. Colours and strokes of scores are those of the report page: a colour a raw number, the
stroke for its normaliser.
"""
from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import Error
from ._frames import library
from .studies import Study, require_studies

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Path = str | os.PathLike[str]

# Colours that are told apart without telling red from green (src/report/figures/strokes.cc), and matplotlib's nearest marks.
FAMILIES = {"awft": ("#0063b0", "o"), "aeqd": ("#b87700", "s"), "ftvvn": ("#00835c", "^"), "avvn": ("#c2528f", "v"),
            "lthon": ("#2592cf", "D"), "ahon": ("#d04a00", "P"), "afhon": ("#74451c", "*"), "mass": ("#5e4fa2", "<"),
            "sink": ("#000000", "d"), "random": ("#333333", "X")}
OF_STUDIES = ("awft", "ahon", "ftvvn", "avvn", "aeqd", "lthon")  # families whose colours studies have
SOLID, DASHED, DOTTED = "-", (0, (5, 2.5)), (0, (1.5, 2))
FEW = 3  # so many lines can have bands each; of more, the best one's
WIDEST_BAND = 10  # points from the estimate, where hardly a question has been asked
METRICS = {"acc": "accuracy", "acc_norm": "accuracy, by length", "exact_match,strict-match": "right answers",
           "exact_match,flexible-extract": "right answers, flexible", "word_perplexity": "word perplexity",
           "byte_perplexity": "byte perplexity", "bits_per_byte": "bits per byte"}


# ---- lines

class Line:
    """A score's curve: heads off in percent, the metric in points less that with all heads on, and its interval."""

    def __init__(self, slug: str, points: Iterable[tuple[float, float, tuple[float, float] | None]]) -> None:
        self.slug = slug
        known = sorted(points, key=lambda point: point[0])
        if known and known[0][0] > 0:
            known.insert(0, (0.0, 0.0, (0.0, 0.0)))  # nothing off is the baseline
        self.percent = np.array([percent for percent, _, _ in known])
        self.loss = np.array([difference for _, difference, _ in known])
        banded = [(percent, *band) for percent, _, band in known if band]
        self.band = np.array(banded).reshape(-1, 3).T


class Curves:
    """The lines of a study, by score, as the page of `idleheads report` has them."""

    def __init__(self, study: Study) -> None:
        page = json.loads(study._core.page_data())
        data = page["studies"][0]
        self.name = data["model"] or study.file
        self.task = data["task"]
        self.metric = METRICS.get(data["metric"], data["metric"]) + (" (%)" if data["is_share"] else " (−100 ln)")
        self.best = data["best"]
        self.chance = data["chance"]
        self.baseline = data["baseline_height"]
        decisions = data["decisions"]
        self.tolerance = (decisions or page["terms"])["tolerance"]
        lines = decided_lines(decisions) if decisions else finished_lines(data["scores"], self.baseline)
        self.lines = {line.slug: line for line in lines if len(line.percent) > 1}
        if not self.lines:
            raise Error(f"{study.file}: no intervention of the study is finished, so that it has no curve")

    def line(self, slug: str) -> Line:
        if slug not in self.lines:
            raise Error(f"score {slug!r}: {self.name} has no curve of it; it has {', '.join(self.lines)}")
        return self.lines[slug]


def finished_lines(scores: list[dict[str, Any]], baseline: float) -> Iterable[Line]:
    for score in scores:
        points = [(point["percent"], point["height"] - baseline, point.get("difference_interval")) for point in score["points"]
                  if point["height"] is not None]
        yield Line(score["slug"], points)


def decided_lines(decisions: dict[str, Any]) -> Iterable[Line]:
    """What the questions asked lose, with the interval of what all of them can."""
    for score in decisions["scores"]:
        yield Line(score["score"], [(point["percent"], -point["loss"], (max(-point["high"], -point["loss"] - WIDEST_BAND),
                                                                       min(-point["low"], -point["loss"] + WIDEST_BAND)))
                                    for point in score["points"] if point["loss"] is not None])


def stroke_of(slug: str) -> dict[str, Any]:
    color, marker = FAMILIES.get(slug.split("_")[0], FAMILIES["random"])
    dotted = slug == "random" or slug.endswith("_hn")
    return {"color": color, "marker": marker, "linestyle": DOTTED if dotted else SOLID if slug.endswith("_ln") else DASHED}


def stroke_of_study(number: int) -> dict[str, Any]:
    color, marker = FAMILIES[OF_STUDIES[number % len(OF_STUDIES)]]
    return {"color": color, "marker": marker, "linestyle": (SOLID, DASHED, DOTTED)[(number + number // len(OF_STUDIES)) % 3]}


def draw_line(ax: Axes, line: Line, zero: float, label: str, stroke: dict[str, Any], *, thick: bool, band: bool) -> None:
    if band and line.band.shape[1]:
        percent, low, high = line.band
        ax.fill_between(percent, zero + low, zero + high, color=stroke["color"], alpha=0.15, linewidth=0)
    size = (6.5 if thick else 4.5) * (1.5 if stroke["marker"] == "*" else 1)
    ax.plot(line.percent, zero + line.loss, label=label, linewidth=2.6 if thick else 1.2, markersize=size, markeredgecolor="white",
            markeredgewidth=0.4, zorder=4 if thick else 3, **stroke)


def draw_levels(ax: Axes, zero: float, tolerance: float) -> None:
    """All heads on, and where heads stop to count as inactive."""
    ax.axhline(zero, color="0.45", linewidth=0.9, zorder=1, label="all heads on")
    ax.axhline(zero - tolerance, color="black", linewidth=1.1, linestyle=(0, (1, 2)), zorder=1,
               label=f"all heads on − {tolerance:g}")


# ---- figures

def open_axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    library("matplotlib")
    import matplotlib.pyplot as plt
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def finish(ax: Axes, path: Path | None) -> Axes:
    if path is not None:
        figure: Any = ax.figure  # or a part of one, which cannot be written alone
        figure.figure.savefig(path, dpi=150)
    return ax


def style(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, fontsize="medium", loc="left")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(color="0.9", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def show_from_zero(ax: Axes) -> None:
    """With place for marks at 0."""
    from matplotlib.ticker import MaxNLocator
    ax.set_xlim(left=-0.015 * ax.get_xlim()[1])
    ax.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))


def legend_beside(ax: Axes) -> None:
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False, fontsize="small", handlelength=3.2)


def labels_of(studies: Sequence[Study]) -> list[str]:
    """The models' names, with the file where two are alike."""
    names = [study.model or study.file for study in studies]
    return [f"{name} ({os.path.basename(study.file)})" if names.count(name) > 1 else name for name, study in zip(names, studies)]


def plot_study_curves(study: Study, scores: Sequence[str] | None, *, ax: Axes | None = None, path: Path | None = None) -> Axes:
    """The metric over the share of heads off: a line a score (by default all that the study tested), the level of all heads on and
    the one below which heads do not count as inactive. The best score and random, the control, are thick.

    Bands are intervals of the difference to all heads on over the same questions, 95 %; of a study that is not complete what
    is known of all questions. Up to three lines have one each, of more lines the best has.

    Perplexities are drawn as -100 times their logarithm, so that one point is one percent."""
    curves = Curves(study)
    wanted = curves.lines if scores is None else [scores] if isinstance(scores, str) else scores
    lines = [curves.line(slug) for slug in wanted]
    ax = open_axes(ax, 7.2, 4.4)
    draw_levels(ax, curves.baseline, curves.tolerance)
    for line in lines:
        thick = len(lines) > FEW and line.slug in (curves.best, "random")
        draw_line(ax, line, curves.baseline, line.slug, stroke_of(line.slug), thick=thick,
                  band=len(lines) <= FEW or line.slug == curves.best)
    if curves.chance is not None and curves.chance >= ax.get_ylim()[0]:
        ax.axhline(curves.chance, color="0.6", linewidth=0.9, linestyle=DASHED, zorder=1, label="guessing")
    style(ax, f"{curves.name}, {curves.task}", "heads off (%)", curves.metric)
    show_from_zero(ax)
    legend_beside(ax)
    return finish(ax, path)


def plot_curves(studies: Sequence[Study], score: str, *, ax: Axes | None = None, path: Path | None = None) -> Axes:
    """One score in several models: what the metric loses over the share of heads off, in points, with 95 % intervals.

    Raises Error for a study without a curve of the score."""
    studies = require_studies(studies)
    curves = [Curves(study) for study in studies]
    lines = [of_study.line(score) for of_study in curves]
    ax = open_axes(ax, 6.4, 4.2)
    draw_levels(ax, 0, curves[0].tolerance)
    for number, (line, label) in enumerate(zip(lines, labels_of(studies))):
        draw_line(ax, line, 0, label, stroke_of_study(number), thick=False, band=len(lines) <= FEW)
    style(ax, score, "heads off (%)", "difference to all heads on (points)")
    show_from_zero(ax)
    legend_inside(ax)
    return finish(ax, path)


def legend_inside(ax: Axes) -> None:
    ax.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none", fontsize="small", handlelength=3.2)


def plot_heatmap(study: Study, what: str, *, ax: Axes | None = None, path: Path | None = None) -> Axes:
    """Layers by heads, layer 0 on top: the mean of a score over samples ("ahon_ln"), or on what share of the forward passes each
    head was off under an intervention ("ahon_ln@15%"). Heads that the model does not have are left white.

    The colours of a score end at its 1 % and 99 % quantile over heads, so that single heads do not take all of them."""
    values = study._core.heat_map(what)
    layers, heads = values.shape
    is_score = not any(mark in what for mark in "@<>")
    ax = open_axes(ax, min(12, max(4.2, 0.2 * heads + 2.2)), min(11, max(2.6, 0.17 * layers + 1.2)))
    from matplotlib.ticker import MaxNLocator
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.01, 0.99]) if is_score and len(known) else (0, 100)
    image = ax.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, extend="both" if is_score else "neither", pad=0.02, aspect=30)
    bar.set_label(f"{what}, mean over samples" if is_score else "forward passes with the head off (%)")
    bar.outline.set_visible(False)
    ax.set_title(f"{study.model}\n{what}", fontsize="medium", loc="left")
    ax.set_xlabel("head")
    ax.set_ylabel("layer")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[:].set_visible(False)
    return finish(ax, path)


def plot_cdf(studies: Sequence[Study], score: str, *, ax: Axes | None = None, path: Path | None = None) -> Axes:
    """The share of (sample, head) pairs whose score is at or below a value, a line a study, from the least 1 % to the greatest 99 %
    quantile. Of a single study, dotted: the thresholds that it tested, with the target share of the first and the last."""
    studies = require_studies(studies)
    lines = [study._core.quantiles(score, 1001) for study in studies]
    for study, values in zip(studies, lines):
        if not len(values):
            raise Error(f"{study.file}: {score} is no number of any sample, so that it has no distribution")
    ax = open_axes(ax, 6.4, 4.0)
    for number, (label, values) in enumerate(zip(labels_of(studies), lines)):
        stroke = stroke_of_study(number) | {"marker": ""}
        ax.plot(values, np.linspace(0, 100, len(values)), label=label, linewidth=1.6, **stroke)
    style(ax, studies[0].model if len(studies) == 1 else "", score, "samples × heads at or below (%)")
    ax.set_ylim(0, 100)
    left, right = min(values[10] for values in lines), max(values[-11] for values in lines)
    if left < right:  # a score that is the same everywhere has no range
        ax.set_xlim(left, right)
    if len(studies) == 1:
        draw_thresholds(ax, studies[0], score)
    else:
        ax.legend(frameon=False, fontsize="small", handlelength=3.2)
    return finish(ax, path)


def draw_thresholds(ax: Axes, study: Study, score: str) -> None:
    tested = sorted((row["share"], row["threshold"]) for row in study.curves("dicts") if row["score"] == score and row["share"])
    left, right = ax.get_xlim()
    shown = [(share, threshold) for share, threshold in tested if threshold is not None and left <= threshold <= right]
    for share, threshold in shown:
        ax.axvline(threshold, color="0.5", linewidth=0.9, linestyle=DOTTED, zorder=1)
    ends = [(*shown[0], -1), (*shown[-1], 1)] if len(shown) > 1 else [(*at, 1) for at in shown]
    for share, threshold, side in ends:
        ax.annotate(f"{100 * share:g} %", (threshold, 100), xytext=(3 * side, -3), textcoords="offset points", va="top",
                    ha="left" if side > 0 else "right", fontsize="small", color="0.35")
