"""idleheads for Python: heads of language models, scored and switched off.

    import idleheads as ih
    heads = ih.Transformers(model, tokenizer)
    heads.score(["A prompt"]).scores("ahon_ln")      # [sample, layer, head]
    with ih.ablate(model, "ahon_ln<0.52"):
        model(**batch)

torch and transformers are imported when one of these two names is used first.
"""
from __future__ import annotations

from ._core import Error, __version__
from .plots import plot_cdf, plot_curves
from .studies import Comparison, Study, compare

__all__ = ["Comparison", "Error", "Study", "Transformers", "ablate", "compare", "plot_cdf", "plot_curves", "__version__"]

Error.__module__ = __name__
_OF_TRANSFORMERS = ("Transformers", "ablate")


def __getattr__(name: str) -> object:
    if name not in _OF_TRANSFORMERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import transformers
    return getattr(transformers, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
