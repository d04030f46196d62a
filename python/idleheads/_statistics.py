"""The ten statistics of every attention head (docs/scores.md), read in a forward pass of a transformers model, and heads
switched off in the same pass.

Queries, keys, values and masks come where transformers hands them to an attention function: after RoPE, norms and clamps,
whatever the family. The function here calls the family's own eager attention on a few rows of queries at a time, so soft
caps, sinks and windows are the family's, and never more than QUERY_BUDGET weights exist. z is what enters the
output projection.
"""
from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import torch
from transformers import __version__
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.pytorch_utils import Conv1D

from ._core import Error
from .scored import STATISTICS

QUERY_BUDGET = 1 << 24  # attention weights at a time, of all heads together; 64 MiB in float32
NAME = "idleheads"  # of the attention function below, in transformers
OUTPUT_PROJECTIONS = ("o_proj", "out_proj", "c_proj", "dense", "Wo")

Decide = Callable[[int, np.ndarray], np.ndarray]


class Observation:
    """Reads the statistics of a model's heads in every forward pass, until remove() or the end of `with`.

    model    a transformers model of whole sequences, one a row, padded on either side where the call's attention_mask
             [B, S] is 0. Without an attention_mask all tokens are real.
    decide   (layer, statistics [B, H, 10] of the layer) -> bool [B, H], the heads whose z becomes zero in this very pass.
    attention_mask   in place of that of the call.
    query_rows       rows of queries at a time; by default as many as QUERY_BUDGET allows.

    Raises Error for what cannot be observed; the model is then as before."""

    def __init__(self, model: torch.nn.Module, decide: Decide | None = None, attention_mask: torch.Tensor | None = None,
                 query_rows: int | None = None) -> None:
        self.off: dict[int, torch.Tensor] = {}  # layer -> [B, H] bool, of the last pass
        self._model, self._decide, self._query_rows = model, decide, query_rows
        self._given_mask = attention_mask
        self._layers: dict[int, np.ndarray] = {}
        self._pending: dict[torch.nn.Module, _Layer] = {}
        self._real: torch.Tensor | None = None
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._projections: set[torch.nn.Module] = set()  # that have a hook
        self._settings: list[tuple[object, object]] = []
        require_observable(model)
        if query_rows is not None and query_rows < 1:
            raise Error(f"query_rows {query_rows}: expected 1 or more")
        if any(module in _OBSERVATIONS for module in model.modules()):
            raise Error(f"{type(model).__name__}: it is being observed already; remove() the other rule first")
        self._install()

    def __enter__(self) -> Observation:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Takes all hooks off and restores the attention implementation. May be called twice."""
        for handle in self._handles:
            handle.remove()
        for config, setting in self._settings:
            config._attn_implementation = setting
        self._settings.clear()
        for module in self._model.modules():
            if _OBSERVATIONS.get(module) is self:
                del _OBSERVATIONS[module]

    @property
    def stats(self) -> np.ndarray:
        """Of the last pass: float32 [B, layers, heads, 10]; NaN where a layer has no attention or fewer heads."""
        layers = max(layer_count(self._model), 1 + max(self._layers))
        batch = len(next(iter(self._layers.values())))
        heads = max(of_layer.shape[1] for of_layer in self._layers.values())
        stats = np.full((batch, layers, heads, len(STATISTICS)), np.nan, np.float32)
        for layer, of_layer in self._layers.items():
            stats[:, layer, :of_layer.shape[1]] = of_layer
        return stats

    # ---- what is there while the model runs

    def _install(self) -> None:
        _register()
        base = getattr(self._model, "base_model", self._model)
        self._handles = [base.register_forward_pre_hook(self._before_model, with_kwargs=True),
                         base.register_forward_hook(self._after_model)]
        for module in self._model.modules():
            _OBSERVATIONS[module] = self
        configs = {id(module.config): module.config for module in self._model.modules()
                   if hasattr(getattr(module, "config", None), "_attn_implementation")}
        self._settings = [(config, config._attn_implementation) for config in configs.values()]
        for config in configs.values():
            config._attn_implementation = NAME

    def _before_model(self, _: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        if self._model.training:
            raise Error("the model is in training mode, where dropout acts: call model.eval()")
        if len(args) > 1:
            raise Error("with a rule, pass all arguments but the first by name")
        mask = kwargs.get("attention_mask") if self._given_mask is None else torch.as_tensor(self._given_mask)
        if mask is not None and getattr(mask, "ndim", 0) != 2:
            raise Error("the model's attention_mask is not [B, S]: give the mask of real tokens")
        if mask is not None and not (mask != 0).any(1).all():
            raise Error("attention_mask: a row has no real token")
        self._real = None if mask is None else mask != 0
        self._layers, self.off = {}, {}
        self._pending.clear()

    def _after_model(self, *_: object) -> None:
        if self._pending:
            raise Error(f"layer {next(iter(self._pending.values())).index}: the output projection was not called")
        if not self._layers:
            raise Error(f"{type(self._model).__name__}: no layer called the attention interface of transformers")

    def attend(self, module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
               mask: torch.Tensor | None, kwargs: dict) -> tuple[torch.Tensor, None]:
        """What transformers calls: query [B, H, S, d], key [B, Hkv, S, d], value [B, Hkv, S, dv] -> z [B, S, H, dv]."""
        index = getattr(module, "layer_idx", None)
        index = len(self._layers) if index is None else int(index)
        if index in self._layers or any(layer.index == index for layer in self._pending.values()):
            raise Error(f"layer {index}: its attention is computed twice in one pass")
        batch, heads, tokens, _ = query.shape
        if key.shape[2] != tokens:
            raise Error("a rule needs whole sequences, but the KV cache holds tokens: use_cache=False")
        real = torch.ones(batch, tokens, dtype=torch.bool) if self._real is None else self._real
        if real.shape != (batch, tokens):
            raise Error(f"attention_mask is {list(real.shape)}, the batch {[batch, tokens]}")
        real = real.to(query.device)
        _require_causal(index, module, mask, real)
        layer = _Layer(index, real, value, heads, getattr(module, "sinks", None) is not None)
        eager = _eager_attention(module)
        outputs = []
        for rows in _chunks(tokens, self._query_rows or max(1, QUERY_BUDGET // (batch * heads * tokens))):
            output, weights = _attend_rows(eager, module, rows, (query, key, value), mask, kwargs)
            _require_product(index, module, output, weights, value)
            outputs.append(output)
            layer.add_weights(rows, weights.detach())
        self._expect_projection(module, layer)
        return torch.cat(outputs, 1), None

    def _expect_projection(self, module: torch.nn.Module, layer: _Layer) -> None:
        projection = next((getattr(module, name) for name in OUTPUT_PROJECTIONS if hasattr(module, name)), None)
        if projection is None:
            raise Error(f"layer {layer.index}: {type(module).__name__} has no output projection among its "
                             f"{', '.join(name for name, _ in module.named_children()) or 'parts'}; "
                             f"known are {', '.join(OUTPUT_PROJECTIONS)}")
        self._pending[projection] = layer
        if projection not in self._projections:
            self._projections.add(projection)
            self._handles.append(projection.register_forward_pre_hook(self._before_projection))

    def _before_projection(self, projection: torch.nn.Module, args: tuple) -> tuple:
        layer = self._pending.pop(projection, None)
        if layer is None:
            raise Error(f"{type(projection).__name__}: an output projection was called without attention before it")
        batch, tokens = layer.real.shape
        if args[0].numel() % (batch * tokens * layer.heads):
            raise Error(f"layer {layer.index}: the output projection gets {list(args[0].shape)}, which is not "
                             f"{batch} x {tokens} tokens of {layer.heads} heads")
        z = args[0].reshape(batch, tokens, layer.heads, -1)
        stats = layer.statistics(z.detach(), projection)
        self._layers[layer.index] = stats
        if self._decide is None:
            return args
        off = torch.from_numpy(self._decide(layer.index, stats)).to(z.device)
        self.off[layer.index] = off
        return (z.masked_fill(off[:, None, :, None], 0).reshape(args[0].shape), *args[1:])


class _Layer:
    """The statistics of one layer in the making: sums over rows of queries, then z."""

    def __init__(self, index: int, real: torch.Tensor, value: torch.Tensor, heads: int, has_sinks: bool) -> None:
        self.index, self.real, self.heads, self.has_sinks = index, real, heads, has_sinks
        self.count = real.sum(1, dtype=torch.float32)[:, None]  # [B, 1]
        self.first = real.int().argmax(1)  # [B], places of the first and the last real token
        self.last = real.shape[1] - 1 - real.int().flip(1).argmax(1)
        norms = value.detach().float().norm(dim=-1).repeat_interleave(heads // value.shape[1], 1)  # [B, H, S]
        self.first_value_norm, self.value_norm = self._at(norms, self.first), self._mean(norms)
        self.columns = torch.zeros(*norms.shape, device=norms.device)  # [B, H, S]: sums over queries of a key's weights
        self.entropy = torch.zeros(*norms.shape[:2], device=norms.device)

    def _mean(self, of_tokens: torch.Tensor) -> torch.Tensor:
        """[B, H, S] -> [B, H], the mean over real tokens."""
        return of_tokens.masked_fill(~self.real[:, None], 0).sum(-1) / self.count

    @staticmethod
    def _at(of_tokens: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """[B, H, S] -> [B, H], at each row's own place."""
        return of_tokens[torch.arange(len(place), device=place.device), :, place]

    def add_weights(self, rows: slice, weights: torch.Tensor) -> None:
        """weights [B, H, rows, keys up to the last of the rows], float32."""
        weights = weights.masked_fill(~self.real[:, None, rows, None], 0)
        self.columns[..., :weights.shape[-1]] += weights.sum(2)
        self.entropy += torch.special.entr(weights).sum((-2, -1))

    def statistics(self, z: torch.Tensor, projection: torch.nn.Module) -> np.ndarray:
        """z [B, S, H, dv] -> float32 [B, H, 10] in the order of STATISTICS."""
        norms = z.float().norm(dim=-1).transpose(1, 2)
        columns = self.columns / self.count[..., None]
        # Places that are not real weigh nothing; numpy's argmax takes the first of several, as the engine does.
        top = torch.from_numpy(columns.cpu().numpy().argmax(-1)).to(columns.device)
        sinks = 1 - columns.sum(-1) if self.has_sinks else torch.zeros_like(self.entropy)
        numbers = (self._at(columns, self.first), self.entropy / self.count, self.first_value_norm, self.value_norm,
                   self._at(norms, self.last), self._mean(norms), self._mean(projected_norms(z, projection)), sinks,
                   columns.gather(-1, top[..., None])[..., 0], (top - self.first[:, None]).float())
        stats = torch.stack(numbers, -1).cpu().numpy()
        if not np.isfinite(stats).all():
            head = np.argwhere(~np.isfinite(stats))[0][1]
            raise Error(f"layer {self.index}, head {head}: its numbers are not finite; the weights are broken, or too large "
                             f"for the element type")
        return stats


def projected_norms(z: torch.Tensor, projection: torch.nn.Module) -> torch.Tensor:
    """|W_O^h z| of every token and head, without the bias: z [B, S, H, dv] -> float32 [B, H, S]."""
    matrix = input_columns(projection, z.shape[2] * z.shape[3], z).float().unflatten(0, z.shape[2:])  # [H, dv, hidden]
    norms = []
    for rows in _chunks(z.shape[1], max(1, QUERY_BUDGET // (len(z) * len(matrix) * matrix.shape[-1]))):
        norms.append(torch.einsum("bshd,hdo->bhso", z[:, rows].float(), matrix).norm(dim=-1))
    return torch.cat(norms, -1)


@torch.no_grad()
def input_columns(projection: torch.nn.Module, width: int, like: torch.Tensor) -> torch.Tensor:
    """What the projection makes of each of its inputs alone, without its bias: [width, outputs].

    That is the weight where it lies open. Of any other layer (quantised, with an adapter, on another device) it is what
    the layer gives for unit vectors."""
    if type(projection) in (torch.nn.Linear, Conv1D) and projection.weight.device == like.device:
        return projection.weight if type(projection) is Conv1D else projection.weight.T
    unit = torch.eye(width + 1, width, dtype=like.dtype, device=like.device)  # the last row is zero: the bias
    outputs = projection.forward(unit[None])[0].float()
    return outputs[:-1] - outputs[-1]


def require_observable(model: torch.nn.Module) -> None:
    """Raises Error for what is no decoder of transformers, or has attention that no function can be given to."""
    name = type(model).__name__
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "config"):
        raise Error(f"{name}: expected a model of transformers")
    if getattr(model.config, "is_encoder_decoder", False):
        raise Error(f"{name}: a decoder alone can be observed, this model has an encoder as well")
    if not any(_uses_interface(module) for module in model.modules()):
        raise Error(f"{name}: its attention does not go through the attention interface of transformers {__version__}")


def has_sinks(model: torch.nn.Module) -> bool:
    """Whether some layer has learned sinks."""
    return any(getattr(module, "sinks", None) is not None for module in model.modules())


def layer_count(model: torch.nn.Module) -> int:
    """The layers of the decoder, those without attention too."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    return config.num_hidden_layers


# The observation that a module's attention belongs to: transformers knows functions by one name for all models.
_OBSERVATIONS: weakref.WeakKeyDictionary[torch.nn.Module, Observation] = weakref.WeakKeyDictionary()


def _attention(module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
               attention_mask: torch.Tensor | None, **kwargs: object) -> tuple[torch.Tensor, torch.Tensor | None]:
    observation = _OBSERVATIONS.get(module)
    if observation is None:  # of another model, which shares its configuration with the observed one
        return _eager_attention(module)(module, query, key, value, attention_mask, **kwargs)
    return observation.attend(module, query, key, value, attention_mask, kwargs)


def _register() -> None:
    if not hasattr(ALL_ATTENTION_FUNCTIONS, "register"):  # older versions: a dictionary, and models make masks themselves
        ALL_ATTENTION_FUNCTIONS[NAME] = _attention
        return
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    ALL_ATTENTION_FUNCTIONS.register(NAME, _attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)


def _uses_interface(module: torch.nn.Module) -> bool:
    """Whether the file that a module's class comes from takes attention functions from the interface."""
    return any(hasattr(sys.modules.get(kind.__module__), "ALL_ATTENTION_FUNCTIONS") for kind in type(module).__mro__
               if "forward" in vars(kind) and not kind.__module__.startswith(("torch.", "transformers.modeling_")))


def _eager_attention(module: torch.nn.Module) -> Callable:
    """The eager attention of the module's family, which stands beside its class. Raises Error where there is none."""
    for kind in type(module).__mro__:
        function = getattr(sys.modules.get(kind.__module__), "eager_attention_forward", None)
        if function is not None:
            return function
    raise Error(f"{type(module).__name__} has no eager attention beside it")


def _require_causal(index: int, module: torch.nn.Module, mask: torch.Tensor | None, real: torch.Tensor) -> None:
    """Raises Error where a real token sees a later one, for rows of queries are computed with the keys before them."""
    tokens = real.shape[1]
    if tokens == 1:
        return
    if mask is not None and mask.shape[-2] == tokens:
        sees = (mask > torch.finfo(mask.dtype).min / 2) & real[:, None, :, None]
        if not sees.triu(1).any():
            return
    elif isinstance(getattr(module, "bias", None), torch.Tensor):  # gpt2 up to transformers 4.5x has a mask of its own
        return
    raise Error(f"layer {index}: {type(module).__name__} is not causal: tokens see later ones")


def _require_product(index: int, module: torch.nn.Module, output: torch.Tensor, weights: torch.Tensor,
                     value: torch.Tensor) -> None:
    """Raises Error where the last of some rows is not A V: what eager attention calls weights is then not what
    multiplies the values. output [B, rows, H, dv], weights [B, H, rows, keys], value [B, Hkv, S, dv]."""
    values = value[:, :, :weights.shape[-1]].float().repeat_interleave(weights.shape[1] // value.shape[1], 1)
    product = (weights[:, :, -1:] @ values)[:, :, 0]
    allowed = 1e-3 if value.dtype == torch.float32 else 3e-2  # rounding, as a share of the largest value
    if (product - output[:, -1].float()).abs().max() > allowed * values.abs().max():
        raise Error(f"layer {index}: {type(module).__name__} does not give weights times values, so its heads have no such "
                         "statistics")


def _chunks(tokens: int, size: int) -> Iterator[slice]:
    for begin in range(0, tokens, size):
        yield slice(begin, min(begin + size, tokens))


def _attend_rows(eager: Callable, module: torch.nn.Module, rows: slice, tensors: tuple[torch.Tensor, ...],
                 mask: torch.Tensor | None, kwargs: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Some rows of queries with the keys up to their last -> z [B, rows, H, dv] as the model has it, and weights
    [B, H, rows, keys] in float32, also where the model is of 16 bits."""
    query, key, value = tensors
    tokens = query.shape[2]

    def cut(matrix: object) -> object:
        """The part of a mask, or of a bias, [.., S or 1, S] that these rows need; anything else as it is."""
        if not isinstance(matrix, torch.Tensor) or matrix.ndim != 4 or matrix.shape[-1] != tokens:
            return matrix
        return matrix[..., rows if matrix.shape[-2] == tokens else slice(None), :rows.stop]
    query, key, value, mask = query[:, :, rows], key[:, :, :rows.stop], value[:, :, :rows.stop], cut(mask)
    kwargs = {name: cut(argument) for name, argument in kwargs.items()}
    output, weights = eager(module, query, key, value, mask, **kwargs)
    if query.dtype in (torch.float16, torch.bfloat16):
        with torch.no_grad():
            wide = [None if x is None else x.float() for x in (query, key, value[..., :1], mask)]
            weights = eager(module, *wide, **kwargs)[1]
    return output, weights.float()
