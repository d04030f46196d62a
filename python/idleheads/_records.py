"""Tables as frames of pandas or polars, which are imported when they are asked for, or as plain records."""
from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

Columns = dict[str, list[Any]]
Frame = Literal["pandas", "polars", "dicts"]


def make_frame(columns: Columns, frame: Frame | None) -> Any:
    """Columns of equal length, None where a cell is empty -> a pandas.DataFrame, a polars.DataFrame, or a list with a dict a
    row. None: pandas if it is installed, else dicts.

    Raises ValueError for other kinds, and ImportError if the library is not installed."""
    if frame is None:
        frame = "pandas" if find_spec("pandas") else "dicts"
    if frame == "pandas":
        import pandas
        # A column without any value would be of objects.
        return pandas.DataFrame({name: pandas.Series(values, dtype=None if any(v is not None for v in values) else float)
                                 for name, values in columns.items()})
    if frame == "polars":
        import polars
        return polars.DataFrame(columns, infer_schema_length=None)
    if frame == "dicts":
        return [dict(zip(columns, row)) for row in zip(*columns.values())]
    raise ValueError(f"frame {frame!r}: expected 'pandas', 'polars' or 'dicts'")


def columns_of(rows: list[dict[str, Any]], names: list[str]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}
