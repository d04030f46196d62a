"""Tasks in Python: studies of a model that is open, and its metrics with heads switched off."""
from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

from . import _core
from ._core import Error
from ._progress import Progress, phases_shown
from ._records import Frame, columns_of, make_frame
from .model import Model
from .scored import SEED
from .studies import Study

LOG = logging.getLogger("idleheads")
Names = Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]]


def study(model: Model, task: str | os.PathLike, file: str | os.PathLike | None = None, *, scores: str | Sequence[str] = "all",
          shares: str | Sequence[float] = "0:30:5", baseline_only: bool = False, mean: bool = False, static: bool = False,
          decide: bool = False, within: float = 1.0, confidence: float = 0.95, resolution: float | None = None,
          excerpts: bool = True, store_every: float = 120, cohort_rows: int | None = None, seed: int = SEED,
          progress: Progress = True, **how: Any) -> Study:
    """A study of one task in a file, as `idleheads study`: statistics of all heads, thresholds, heads switched off, evaluated.
    What the file has is not computed again, so that the same call goes on after it was stopped by Ctrl-C or a kill.

    task           a task's name, or a file of questions (.jsonl) or of text (.txt)
    file           by default MODEL_TASK.db in the current folder
    scores         "all" (the paper's and random), or names
    shares         percent of the heads: "first:last:step", or numbers
    baseline_only  statistics and the baseline alone, as `idleheads score`
    mean           heads that are off give their means instead of zeros
    static         then test static masks too
    decide         stop asking questions under an intervention once it is known, with `confidence` for all of them together,
                   whether it loses more than `within` points; with `resolution` try further shares, until they are so many
                   percent of the heads apart
    excerpts       the file keeps how each question begins (80 characters); False for private texts
    store_every    seconds after which results are stored
    how            data, shots, limit, subjects, bos, refuse_overflow, chat, multiturn, system, date: how prompts are made, as
                   the program's options

    Raises Error: a task, score or setting that is not known, a file of another study or that another process writes."""
    request = _core.StudyRequest()
    request.file = "" if file is None else os.fspath(file)
    request.scores = scores if isinstance(scores, str) else ",".join(scores)
    request.shares = shares if isinstance(shares, str) else ",".join(f"{share:g}" for share in shares)
    request.baseline_only, request.mean, request.static_masks = baseline_only, mean, static
    request.store_every, request.cohort_rows, request.seed = store_every, cohort_rows, seed
    request.excerpts, request.confidence = excerpts, confidence
    if decide:
        request.decide_within, request.resolution = within, resolution
    with phases_shown(progress) as tell:
        path, cut, notes = _core.study(model._core, _settings(task, how), request, tell)
    _warn(cut)
    for note in notes:
        LOG.info(note)
    return Study(path, within=within, confidence=confidence)


@dataclass(frozen=True)
class Evaluation:
    """Metrics of tasks, of one intervention after the other. str() gives lm-evaluation-harness' tables."""

    runs: list[dict[str, Any]]  # as `idleheads eval --json` has them: task, shots, ablate, percent_off, against_baseline, results
    text: str
    files: list[str]            # results_*.json, where an output folder was named

    def __str__(self) -> str:
        return self.text

    def frame(self, frame: Frame | None = None) -> Any:
        """A row a task, category or subject (depth 0, 1, 2), intervention and metric: value, stderr, n, and how many percent
        of the heads were off. pandas if it is installed, else dicts; or "pandas", "polars", "dicts"."""
        rows = [{"task": run["task"], "ablate": run["ablate"], "percent_off": run["percent_off"], "name": row["name"],
                 "depth": row["depth"], "metric": metric, **row[metric]}
                for run in self.runs for row in run["results"] for metric in row if metric not in ("name", "depth")]
        return make_frame(columns_of(rows, ["task", "ablate", "percent_off", "name", "depth", "metric", "value", "stderr", "n"]), frame)


def evaluate(model: Model, tasks: Names, ablate: str | Sequence[str] = (), *, mask: str | os.PathLike | None = None,
             output: str | os.PathLike | None = None, log_samples: bool = True, baseline: bool = True, seed: int = SEED,
             progress: Progress = True, **how: Any) -> Evaluation:
    """Metrics of tasks with heads switched off, as `idleheads eval`.

    ablate    rules: "ahon_ln<0.52", "ahon_ln@15%" (the threshold for that share, by the task itself), "L5H3,L7H0". None: all
              heads on
    mask      a mask file (`idleheads mask`), one intervention more
    output    folder for results_*.json and, with log_samples, samples_*.jsonl as lm-evaluation-harness writes them
    baseline  with heads off: also run with all heads on, first, which the others are compared with (against_baseline)
    how       as in study()

    Raises Error for what study() refuses, and a rule that means nothing."""
    rules = [ablate] if isinstance(ablate, str) else list(ablate)
    with phases_shown(progress) as tell:
        results, text, files, cut = _core.evaluate(model._core, _settings(tasks, how), rules, os.fspath(mask or ""),
                                                     os.fspath(output or ""), log_samples, baseline, seed, tell)
    _warn(cut)
    return Evaluation(json.loads(results)["runs"], text, files)


def task_names() -> list[str]:
    """Tasks that have a name."""
    return _core.task_names()


def _settings(tasks: Names, how: dict[str, Any]) -> _core.TaskSettings:
    settings = _core.TaskSettings()
    names = [tasks] if isinstance(tasks, (str, os.PathLike)) else list(tasks)
    settings.tasks = [os.fspath(name) for name in names]
    for name, value in how.items():
        if name == "tasks" or name.startswith("_") or not hasattr(settings, name):
            known = ", ".join(field for field in dir(settings) if not field.startswith("_") and field != "tasks")
            raise TypeError(f"unknown argument {name!r}; how prompts are made: {known}")
        setattr(settings, name, os.fspath(value) if isinstance(value, os.PathLike) else value)
    return settings


def _warn(messages: list[str]) -> None:
    for message in messages:
        warnings.warn(message, stacklevel=3)
