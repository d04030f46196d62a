"""What lm_eval's --model_args and the generation settings of its tasks ask for. Raises Error for what is not done."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core import Error, Rule


def rule_of(ablate: Any, mask: Any) -> Rule:
    """The intervention of ablate=RULE or mask=FILE; "none" without either. Heads are L5H3+L7H0: lm_eval takes commas."""
    if ablate is not None and mask is not None:
        raise Error("ablate and mask: a run has one intervention, give one of them")
    if mask is not None:
        return Rule.of_file(str(mask))
    if ablate is None:
        return Rule("none")
    if not isinstance(ablate, str) or sum(map(ablate.count, "<>@")) > 1:
        raise Error(f"ablate={ablate!r}: expected one rule, as ahon_ln<0.52, ahon_ln@15% or L5H3+L7H0; a run has one intervention")
    by_score = any(sign in ablate for sign in "<>@")
    return Rule(ablate if by_score else ablate.replace("+", ","))


def switches_off(rule: Rule) -> bool:
    return bool(rule.heads is None or rule.heads)


def as_count(value: Any, name: str, least: int = 1) -> int | None:
    """A whole number; None where nothing was given. lm_eval makes floats of some."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not float(value).is_integer() or value < least:
        raise Error(f"{name}={value!r}: expected a whole number from {least}")
    return int(value)


# ---- generation

_NEW_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # the first one given counts
_OF_SAMPLING = ("temperature", "top_p", "top_k", "min_p")  # mean nothing without sampling


@dataclass(frozen=True)
class Generation:
    """How a request is continued, greedily."""
    until: tuple[str, ...]
    max_new_tokens: int


def generation_of(given: Mapping[str, Any], max_new_tokens: int) -> Generation:
    """The settings of a task, or --gen_kwargs. `max_new_tokens` where they do not say."""
    known = {*_NEW_TOKENS, *_OF_SAMPLING, "until", "do_sample", "num_beams"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise Error(f"generation setting {unknown[0]!r}: not known; known: {', '.join(sorted(known))}")
    samples = given.get("do_sample")
    if samples or (samples is None and given.get("temperature")):
        raise Error("generation settings: sampling (do_sample, temperature) is not done; text is written greedily")
    if given.get("num_beams", 1) != 1:
        raise Error(f"generation setting num_beams={given['num_beams']!r}: only one beam is followed")
    until = given.get("until") or []
    until = [until] if isinstance(until, str) else until
    if not isinstance(until, list) or not all(isinstance(text, str) for text in until):
        raise Error(f"generation setting until={until!r}: expected text or a list of texts")
    lengths = [as_count(given[name], f"generation setting {name}") for name in _NEW_TOKENS if given.get(name) is not None]
    return Generation(tuple(until), lengths[0] if lengths else max_new_tokens)
