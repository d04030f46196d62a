"""Study files, read-only: their numbers as arrays and frames, their page, their figures.

Nothing is computed here: every number is the program's, as `idleheads export`, `show` and `compare` have it.
"""
from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, _frames
from ._core import Error
from ._records import Frame, columns_of, make_frame
from .scored import SEED, STATISTICS

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

FRAME_HEIGHT = 720  # pixels


class Study:
    """A study file.

    file        what `idleheads study` wrote, complete or not. A study that is being written can be read; every method tells
                what is there when it is called, the attributes what was there when it was opened.
    within      how many points the metric may fall below all heads on (of perplexities: percent)
    confidence  of what is said of other questions, for all interventions together
    within_kl   what decides how much is sure, instead of `within`: a mean KL divergence, in nats
    seed        of the draws of intervals by bootstrap

    model, task   names
    shape         (layers, query heads of a layer)
    scores        the scores it tests, by their names in docs/scores.md; empty if nothing was switched off
    settings      {name: text}, all that the study was made with
    complete      whether all results are there

    Tables are pandas frames if pandas is installed, else lists of dicts; `frame` chooses: "pandas", "polars", "dicts". Their
    columns are those of docs/export_format.md.

    Raises Error: no such file, not a study, damaged, of a newer idleheads."""

    def __init__(self, file: str | os.PathLike[str], *, within: float = 1.0, confidence: float = 0.95,
                 within_kl: float | None = None, seed: int = SEED) -> None:
        self.file = os.fspath(file)
        self._core = _core.StudyFile(self.file, within=within, confidence=confidence, within_kl=within_kl, seed=seed)
        about = json.loads(self._core.about)
        self.model: str = about["model"]
        self.task: str = about["task"]
        self.shape: tuple[int, int] = (about["layers"], about["heads"])
        self.scores: tuple[str, ...] = tuple(about["scores"])
        self.settings: dict[str, str] = about["settings"]
        self.complete: bool = about["complete"]
        self._documents: int = about["documents"]

    def __repr__(self) -> str:
        layers, heads = self.shape
        return (f"<idleheads.Study {self.file!r}: {self.model or 'a model'} on {self.task or 'a task'}, {self._documents} documents, "
                f"{layers} layers x {heads} heads, {len(self.scores)} scores{'' if self.complete else ', not complete'}>")

    def __str__(self) -> str:
        """What `idleheads show` prints."""
        return self._core.show()

    # ---- tables

    def _table(self, name: str, frame: Frame | None) -> Any:
        return make_frame(self._core.table(name), frame)

    def curves(self, frame: Frame | None = None) -> Any:
        """A row an intervention, the first with all heads on: threshold, heads off, metric, intervals, what is changed."""
        return self._table("curves", frame)

    def shares(self, frame: Frame | None = None) -> Any:
        """A row a score: how many heads can be off, and the normalised area."""
        return self._table("shares", frame)

    def heads(self, score: str | None = None, frame: Frame | None = None) -> Any:
        """A row a score and head: mean and spread of the score, and how often the head was off. `score`: of that one alone."""
        columns = self._core.table("heads")
        if score is not None:
            if score not in columns["score"]:
                raise Error(f"score {score!r}: the study has no heads of it; it has {', '.join(dict.fromkeys(columns['score']))}")
            kept = [i for i, name in enumerate(columns["score"]) if name == score]
            columns = {name: [values[i] for i in kept] for name, values in columns.items()}
        return make_frame(columns, frame)

    def documents(self, frame: Frame | None = None) -> Any:
        """A row a document: subject, size, and what the model answered with all heads on."""
        return self._table("documents", frame)

    def decisions(self, frame: Frame | None = None) -> Any:
        """A row an intervention, where something is decided before all questions are asked; else no row."""
        return self._table("decisions", frame)

    def static(self, frame: Frame | None = None) -> Any:
        """A row a static mask (`idleheads study --static`); no row without them."""
        return self._table("static", frame)

    def subjects(self, frame: Frame | None = None) -> Any:
        """The task, its categories and subjects (depth 0, 1, 2) with all heads on."""
        return self._table("subjects", frame)

    def samples(self, frame: Frame | None = None) -> Any:
        """A row a sample of stats() and score(): its document, and its number within that."""
        return self._table("samples", frame)

    def mask_rows(self, rule: str, frame: Frame | None = None) -> Any:
        """A row a mask of masks(rule): its document, and the forward passes that it held for: 1, or where the model writes
        its answers the new tokens."""
        return make_frame(self._core.mask_rows(rule), frame)

    # ---- arrays

    def stats(self) -> np.ndarray:
        """The statistics with all heads on: float32 [sample, layer, head, 10], in the order of docs/scores.md. NaN in all ten of
        a head that the model does not have."""
        return self._core.stats()

    def score(self, score: str) -> np.ndarray:
        """A score by its name, all but random: float32 [sample, layer, head], NaN where it is 0/0."""
        return self._core.score(score)

    def masks(self, rule: str) -> np.ndarray:
        """The heads that were off under a finished intervention, "ahon_ln@15%" or "ahon_ln<0.52": bool [sample, layer, head].
        Where the model writes its answers, [mask, layer, head]; mask_rows() has the documents."""
        return self._core.masks(rule)

    def to_xarray(self, scores: Sequence[str] | None = None) -> xarray.Dataset:
        """The statistics with all heads on, and scores (by default those that the study tests), as variables with dimensions
        sample, layer and head; the document of each sample is a coordinate."""
        if scores is None:
            scores = [slug for slug in self.scores if slug != "random"]
        columns = {**_frames.statistics(self.stats(), STATISTICS), **{slug: self.score(slug) for slug in scores}}
        return _frames.to_xarray(columns, {"document": self._core.table("samples")["document"]})

    # ---- as a whole

    def to_dict(self) -> dict[str, Any]:
        """What `idleheads export --json` writes."""
        content: dict[str, Any] = json.loads(self._core.json())
        return content

    def report(self, *others: Study) -> str:
        """The page of `idleheads report`, HTML that needs nothing else; with others compared."""
        return _core.report_page([study._core for study in require_studies((self, *others))])

    def _repr_html_(self) -> str:
        # The page's scripts see nothing of the notebook.
        return (f'<iframe srcdoc="{html.escape(self.report(), quote=True)}" sandbox="allow-scripts allow-downloads" '
                f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 1px solid #ccc"></iframe>')

    # ---- figures

    def plot_curves(self, scores: Sequence[str] | None = None, *, ax: Axes | None = None,
                    path: str | os.PathLike[str] | None = None) -> Axes:
        """The metric over the share of heads that are off, a line a score; see plots.plot_study_curves."""
        from . import plots
        return plots.plot_study_curves(self, scores, ax=ax, path=path)

    def plot_heatmap(self, what: str, *, ax: Axes | None = None, path: str | os.PathLike[str] | None = None) -> Axes:
        """Layers by heads: the mean of a score ("ahon_ln"), or on what share of the inputs each head was off ("ahon_ln@15%")."""
        from . import plots
        return plots.plot_heatmap(self, what, ax=ax, path=path)

    def plot_cdf(self, score: str, *, ax: Axes | None = None, path: str | os.PathLike[str] | None = None) -> Axes:
        """The distribution of a score over all samples and heads, with the thresholds that the study tested."""
        from . import plots
        return plots.plot_cdf([self], score, ax=ax, path=path)


class Comparison:
    """How the first of some studies differs from each other one: what `idleheads compare` prints (str() of this), as frames.

    `studies` are numbered from 0; `other` is the number of the one that study 0 is compared with."""

    def __init__(self, studies: Sequence[Study]) -> None:
        self.studies = tuple(studies)
        first, *others = self.studies
        both = [_core.compare(first._core, other._core) for other in others]
        self._parts: list[dict[str, Any]] = [json.loads(part) for part, _ in both]
        self._text = "\n".join(text for _, text in both)

    def __repr__(self) -> str:
        return f"<idleheads.Comparison of {', '.join(study.file for study in self.studies)}>"

    def __str__(self) -> str:
        return self._text

    def to_dicts(self) -> list[dict[str, Any]]:
        """What `idleheads compare --json` prints."""
        return self._parts

    def _rows(self, key: str) -> list[dict[str, Any]]:
        return [{"other": number, **row} for number, part in enumerate(self._parts, 1) for row in part[key]]

    def overview(self, frame: Frame | None = None) -> Any:
        """A row a study compared: documents that both have finished, and the metric on these with all heads on."""
        rows = [{"other": number, "model": part["models"][1], "same_shape": part["same_shape"], "documents": part["documents"],
                 "baseline_first": part["baseline"][0]["value"], "baseline_other": part["baseline"][1]["value"]}
                for number, part in enumerate(self._parts, 1)]
        return make_frame(columns_of(rows, ["other", "model", "same_shape", "documents", "baseline_first", "baseline_other"]), frame)

    def scores(self, frame: Frame | None = None) -> Any:
        """A row a score: distances of its distributions (Kolmogorov-Smirnov, Wasserstein), rank correlation of the heads' means,
        and the largest inactive share of both, in percent."""
        rows = [{**row, "inactive_first": row["largest_inactive_percent"][0], "inactive_other": row["largest_inactive_percent"][1]}
                for row in self._rows("scores")]
        return make_frame(columns_of(rows, ["other", "score", "ks", "wasserstein", "head_correlation", "inactive_first",
                                            "inactive_other"]), frame)

    def layers(self, frame: Frame | None = None) -> Any:
        """A row a score and layer: distances of the distributions; no row of models with different numbers of layers."""
        rows = [{"other": row["other"], "score": row["score"], "layer": number, **layer}
                for row in self._rows("scores") for number, layer in enumerate(row["layers"])]
        return make_frame(columns_of(rows, ["other", "score", "layer", "ks", "wasserstein"]), frame)

    def changed_heads(self, frame: Frame | None = None) -> Any:
        """A row a rule: the heads that are off in at least half of the passes of one study alone, and how many are in both."""
        rows = [{**row, "rule_first": row["rules"][0], "rule_other": row["rules"][1]} for row in self._rows("changed_heads")]
        return make_frame(columns_of(rows, ["other", "rule", "rule_first", "rule_other", "off_in_both", "on_in_both",
                                            "off_only_in_first", "off_only_in_second"]), frame)


def require_studies(studies: Sequence[Study], least: int = 1) -> list[Study]:
    """Raises TypeError for what is no study, and Error for too few."""
    if isinstance(studies, Study):
        studies = [studies]
    for study in studies:
        if not isinstance(study, Study):
            raise TypeError(f"expected studies (idleheads.Study), got {type(study).__name__}")
    if len(studies) < least:
        raise Error(f"{len(studies)} studies: expected {least} or more")
    return list(studies)


def compare(studies: Sequence[Study]) -> Comparison:
    """How the first study differs from each other one. Studies are of one task.

    Raises Error: fewer than two, different tasks or metrics, no document in common."""
    return Comparison(require_studies(studies, least=2))
