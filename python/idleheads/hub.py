"""Models and the data of tasks from the Hugging Face Hub, into the local cache: the only part that uses the network."""
from __future__ import annotations

from pathlib import Path

from . import _core
from ._progress import Progress, phases_shown


def fetch_model(name: str, file: str | None = None, revision: str | None = None, *, progress: Progress = True) -> Path:
    """What idleheads reads of a model, as `idleheads fetch model`: a folder, or a GGUF file. What is there is not fetched again,
    and what was stopped goes on. `Model` takes the path, and the name too.

    name      org/name, as on the Hub
    file      in a repository of GGUF models the one whose name is or contains this, as in "Q8_0"
    revision  branch, tag or commit; by default main

    Raises Error: no such model, terms that must be accepted, several models to choose from, a network or a disk that fails."""
    with phases_shown(progress) as tell:
        return Path(_core.fetch_model(name, file or "", revision or "", tell))


def fetch_task(name: str, *, progress: Progress = True) -> Path:
    """The data of a task, as `idleheads fetch task`; the snapshot's folder in the cache, where the task finds it."""
    with phases_shown(progress) as tell:
        return Path(_core.fetch_task(name, tell))
