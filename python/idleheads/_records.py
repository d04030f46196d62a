"""Tables of studies as frames of pandas or polars, which are imported when they are asked for, or as plain records."""
from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

from ._core import Error
from ._frames import library

Columns = dict[str, list[Any]]
Frame = Literal["pandas", "polars", "dicts"]


def make_frame(columns: Columns, frame: Frame | None) -> Any:
    """Columns of equal length, None where a cell is empty -> a pandas.DataFrame, a polars.DataFrame, or a list with a dict a
    row. None: pandas if it is installed, else dicts. Raises Error for other kinds, and for a library that is not installed."""
    if frame is None:
        frame = "pandas" if find_spec("pandas") else "dicts"
    if frame == "pandas":
        return library("pandas").DataFrame({name: in_pandas(values) for name, values in columns.items()})
    if frame == "polars":
        return library("polars").DataFrame(columns, infer_schema_length=None)
    if frame == "dicts":
        return [dict(zip(columns, row)) for row in zip(*columns.values())]
    raise Error(f"frame {frame!r}: expected 'pandas', 'polars' or 'dicts'")


def in_pandas(values: list[Any]) -> Any:
    """A column without any value would be one of objects."""
    is_empty = all(value is None for value in values)
    return library("pandas").Series(values, dtype=float if is_empty else None)


def columns_of(rows: list[dict[str, Any]], names: list[str]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}
