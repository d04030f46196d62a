"""idleheads for Python: heads of language models, scored and switched off.

    import idleheads as ih
    ih.fetch_model("org/name")                       # from the Hugging Face Hub into its cache
    m = ih.Model("model.gguf")                       # or a Hugging Face folder, or org/name in the cache
    ih.score(m, ["A prompt"]).scores("ahon_ln")      # [sample, layer, head]
    ih.run(m, ["A prompt"], ablate=["ahon_ln<0.52"])[1].log_probs
    ih.study(m, "piqa", limit=100).plot_curves()     # a file; the same call goes on where it was stopped
    print(ih.evaluate(m, "piqa", "ahon_ln@15%"))

    heads = ih.Transformers(model, tokenizer)        # the same of a transformers model, by hooks
    with ih.ablate(model, "ahon_ln<0.52"):
        model(**batch)

torch and transformers are imported when one of the last two names is used first.
"""
from __future__ import annotations

from . import _core
from ._core import Error
from .hub import fetch_model, fetch_task
from .model import Generated, Model, generate, run, score
from .plots import plot_cdf, plot_curves
from .scored import SCORES, STATISTICS, Run, Scored
from .studies import Comparison, Study, compare
from .tasks import Evaluation, evaluate, study, task_names

__all__ = ["SCORES", "STATISTICS", "Comparison", "Error", "Evaluation", "Generated", "Model", "Run", "Scored", "Study",
           "Transformers", "ablate", "compare", "evaluate", "fetch_model", "fetch_task", "generate", "plot_cdf", "plot_curves",
           "run", "score", "study", "task_names", "__version__"]

__version__ = _core.version()
Error.__module__ = __name__
_OF_TRANSFORMERS = ("Transformers", "ablate")


def __getattr__(name: str) -> object:
    if name not in _OF_TRANSFORMERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import transformers
    return getattr(transformers, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
