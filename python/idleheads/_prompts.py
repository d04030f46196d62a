"""What prompts may be: text, token ids, chat messages."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, Union

import numpy as np

from ._core import Error

Ids = Union[Sequence[int], np.ndarray]
Chat = Sequence[Mapping[str, str]]  # messages: {"role": "user", "content": "..."}
Prompt = Union[str, Ids, Chat]
Prompts = Union[Prompt, Sequence[Any]]  # Any: of a list with text and ids, checkers see a list of sequences of objects


def is_chat(prompt: object) -> TypeGuard[Chat]:
    return isinstance(prompt, Sequence) and len(prompt) > 0 and isinstance(prompt[0], Mapping)


def as_message(message: Mapping[str, str]) -> tuple[str, str]:
    """(role, content)"""
    is_message = isinstance(message, Mapping) and set(message) == {"role", "content"}
    if not is_message or not all(isinstance(text, str) for text in message.values()):
        raise Error(f"a chat message has a role and a content, both text; this is {message!r}")
    return message["role"], message["content"]


def as_list(prompts: Any) -> list[Any]:
    """Text, token ids, or a chat alone are one prompt."""
    if isinstance(prompts, str) or is_chat(prompts):
        return [prompts]
    if not isinstance(prompts, (Sequence, np.ndarray)):
        raise Error(f"prompts are text, token ids, chat messages, or a list of these; this is {type(prompts).__name__}")
    is_one = len(prompts) > 0 and np.isscalar(prompts[0]) and not isinstance(prompts[0], str)
    return [prompts] if is_one else list(prompts)


def as_ids(ids: Any, name: str) -> np.ndarray:
    """Token ids as int64 [tokens]."""
    try:
        array = np.asarray(ids)
    except (ValueError, OverflowError) as error:  # ragged
        raise Error(f"{name}: token ids are one list of integers ({error})") from error
    if array.ndim != 1:
        raise Error(f"{name}: token ids are one list of integers, this has {array.ndim} dimensions")
    if array.size and array.dtype.kind not in "iu":
        raise Error(f"{name}: token ids are integers, these are {array.dtype}")
    return np.ascontiguousarray(array, np.int64)
