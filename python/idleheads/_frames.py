"""Arrays [sample, layer, head] as tables of pandas, polars and xarray, which are imported here alone, when a table is asked for."""
from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from ._core import Error

AXES = ("sample", "layer", "head")


def library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Error(f"{name} is needed for this and is not installed: pip install {name}") from error


def statistics(stats: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: stats[..., place] for place, name in enumerate(names)}


def long_columns(columns: dict[str, np.ndarray], stats: np.ndarray) -> dict[str, np.ndarray]:
    """One row a head, without heads that the model does not have: their statistics are all NaN."""
    there = ~np.isnan(stats).all(-1)
    return {**dict(zip(AXES, np.nonzero(there))), **{name: values[there] for name, values in columns.items()}}


def to_pandas(columns: dict[str, np.ndarray], stats: np.ndarray) -> Any:
    return library("pandas").DataFrame(long_columns(columns, stats))


def to_polars(columns: dict[str, np.ndarray], stats: np.ndarray) -> Any:
    return library("polars").DataFrame(long_columns(columns, stats))


def to_xarray(columns: dict[str, np.ndarray], of_sample: dict[str, list[Any]] | None = None) -> Any:
    """`of_sample`: coordinates of the samples."""
    coordinates = {name: (AXES[:1], values) for name, values in (of_sample or {}).items()}
    return library("xarray").Dataset({name: (AXES, values) for name, values in columns.items()}, coordinates)
