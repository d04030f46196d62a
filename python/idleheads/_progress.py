"""How a caller sees that the engine works: a function of the share done, or a bar of tqdm."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Union

# True: a bar, if tqdm is installed. A function: called with the share of the work that is done, in [0, 1], ten times a second
# at most, and with 1 at the end; what it raises ends the work.
Progress = Union[bool, Callable[[float], object]]


class Parts:
    """Work in several parts, which count alike."""

    def __init__(self, show: Callable[[float], object], count: int) -> None:
        self._show, self._count, self._done = show, count, 0

    def __call__(self, share: float) -> None:
        self._show((self._done + share) / self._count)

    def finish_part(self) -> None:
        self._done += 1
        self(0)


@contextmanager
def shown(progress: Progress, what: str, parts: int) -> Iterator[Parts | None]:
    """Where the parts of the work are told to; None: nobody looks."""
    if callable(progress):
        yield Parts(progress, parts)
        return
    bar = bar_of(what) if progress else None
    if bar is None:
        yield None
        return
    with bar:
        yield Parts(lambda share: bar.update(share - bar.n), parts)


@contextmanager
def phases_shown(progress: Progress) -> Iterator[Callable[[str, float, float], object] | None]:
    """What the program tells its phases to. A function hears the share of the phase that runs, in [0, 1]."""
    if callable(progress):
        yield lambda _, done, total: progress(done / total if total else 0.0)
        return
    bar = bar_of("") if progress else None
    if bar is None:
        yield None
        return

    def show(phase: str, done: float, total: float) -> None:
        if bar.desc != phase:
            bar.reset()
            bar.set_description_str(phase, refresh=False)
        bar.update((done / total if total else 0.0) - bar.n)

    with bar:
        yield show


def bar_of(what: str) -> object | None:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=1.0, desc=what, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")
