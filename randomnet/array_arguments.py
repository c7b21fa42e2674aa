"""Functions of tensors that take NumPy arrays too, and functions of arrays that take tensors: results are as given.

Both look one level deep into lists, tuples and dictionaries. Results that are records keep their own type.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")
NUMBERS = "fciub"  # kinds of dtype that a tensor can have


def takes_arrays(function: Callable[P, R]) -> Callable[P, R]:
    """The function of tensors, which converts arrays to tensors, and its results back where no tensor came."""

    @wraps(function)
    def converting(*args: P.args, **options: P.kwargs) -> R:
        values = _flat([*args, *options.values()])
        if not any(map(_is_array, values)):
            return function(*args, **options)
        given_args = [_converted(value, _is_array, _as_tensor) for value in args]
        given_options = {name: _converted(value, _is_array, _as_tensor) for name, value in options.items()}
        result: Any = function(*given_args, **given_options)  # type: ignore[arg-type]
        return result if any(map(_is_tensor, values)) else _converted(result, _is_tensor, _as_array)

    return converting


def takes_tensors(function: Callable[P, R]) -> Callable[P, R]:
    """The function of arrays, which converts tensors to arrays, and arrays in its results to tensors."""

    @wraps(function)
    def converting(*args: P.args, **options: P.kwargs) -> R:
        if not any(map(_is_tensor, _flat([*args, *options.values()]))):
            return function(*args, **options)
        given_args = [_converted(value, _is_tensor, _as_array) for value in args]
        given_options = {name: _converted(value, _is_tensor, _as_array) for name, value in options.items()}
        result: Any = function(*given_args, **given_options)  # type: ignore[arg-type]
        return _converted(result, _is_array, _as_tensor)  # type: ignore[no-any-return]

    return converting


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach") and hasattr(value, "dtype")


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS


def _as_array(value: Any) -> np.ndarray:
    array: np.ndarray = value.detach().cpu().numpy()
    return array


def _as_tensor(value: np.ndarray) -> Any:
    import torch  # slow to load, and not needed without tensors

    return torch.from_numpy(np.ascontiguousarray(value))


def _flat(values: list[Any]) -> list[Any]:
    """The values, with those in lists, tuples and dictionaries in place of these."""
    flat: list[Any] = []
    for value in values:
        flat += value.values() if type(value) is dict else value if type(value) in (list, tuple) else [value]
    return flat


def _converted(value: Any, chosen: Callable[[Any], bool], convert: Callable[[Any], Any]) -> Any:
    """The value, or the values in it, converted where they are chosen."""
    if chosen(value):
        return convert(value)
    if type(value) is dict:
        return {name: convert(part) if chosen(part) else part for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(convert(part) if chosen(part) else part for part in value)
    return value
