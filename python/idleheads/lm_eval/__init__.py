"""idleheads as a model of lm-evaluation-harness (docs/lm_eval.md).

    lm_eval --model idleheads --model_args pretrained=M,ablate=ahon_ln@15% --tasks piqa
    python -m idleheads.lm_eval --model idleheads ...     where lm_eval does not look for other packages' models
"""
from __future__ import annotations

from lm_eval.api.registry import get_model, register_model

from .adapter import IdleheadsLM

__all__ = ["IdleheadsLM", "register"]


def register() -> None:
    """Makes `idleheads` a name of lm_eval, unless it has found the package's entry point by itself."""
    try:
        get_model("idleheads")
    except ValueError:
        register_model("idleheads")(IdleheadsLM)
