"""idleheads for Python: so far heads of Hugging Face transformers models, scored and switched off where they run.

    import idleheads as ih
    heads = ih.Transformers(model, tokenizer)
    heads.score(["A prompt"]).scores("ahon_ln")      # [sample, layer, head]
    with ih.ablate(model, "ahon_ln<0.52"):
        model(**batch)

torch and transformers are imported when one of the two names is used first.
"""
from __future__ import annotations

__all__ = ["Transformers", "ablate"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import transformers
    return getattr(transformers, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
