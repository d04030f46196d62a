"""The heads that were off in every request, as idleheads_masks.npz (docs/lm_eval.md)."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Error

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_NAME = "idleheads_masks.npz"


class MaskFile:
    """A row for each mask: one a request, or one a window of a rolling log-likelihood, or one for each run of new tokens that had
    the same heads off."""

    def __init__(self, folder: Any) -> None:
        self._path = Path(str(folder), _NAME)
        if self._path.exists():
            raise Error(f"masks: {self._path} is there already; name another folder, or take it away")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Error(f"masks: {self._path.parent} cannot be made ({error.strerror})") from error
        self._masks: list[np.ndarray] = []
        self._rows: list[tuple[str, int, int, str, int]] = []

    def add(self, request: Instance, intervention: str, masks: np.ndarray) -> None:
        """The masks of one request, bool [pass, layer, head]."""
        begins = np.flatnonzero(np.r_[True, (masks[1:] != masks[:-1]).any((1, 2))])
        passes = np.diff(np.r_[begins, len(masks)])
        self._masks.append(masks[begins])
        self._rows += [(request.task_name or "", request.doc_id or 0, request.idx, intervention, int(count)) for count in passes]

    def write(self, settings: dict[str, Any]) -> None:
        """Everything that was added so far, in one piece: the file is whole at any moment."""
        task, doc_id, index, intervention, passes = zip(*self._rows)
        part = self._path.with_suffix(".part")
        with open(part, "wb") as file:
            np.savez_compressed(file, masks=np.concatenate(self._masks), task=np.array(task), doc_id=np.array(doc_id),
                                index=np.array(index), intervention=np.array(intervention), passes=np.array(passes),
                                settings=np.array(json.dumps(settings)))
        os.replace(part, self._path)
