"""Checks of arguments; a ValueError says what was expected and what came, whatever its type."""

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from randomnet.settings import nearest


def is_number(value: Any) -> bool:
    """Whether the value is a real number; bools and strings are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def one_of(name: str, value: Any, names: Iterable[str | None]) -> None:
    """Raise ValueError unless the value is one of the names."""
    known = list(names)
    if not (value is None or isinstance(value, str)) or value not in known:
        near = nearest(value, filter(None, known)) if isinstance(value, str) else ""
        raise ValueError(f"{name} must be one of {', '.join(map(str, known))}, got {value!r}{near}")


def positive(name: str, value: Any) -> None:
    """Raise ValueError unless the value is a finite number above 0."""
    if not is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def not_negative(name: str, value: Any) -> None:
    """Raise ValueError unless the value is a finite number of at least 0."""
    if not is_number(value) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")


def whole(name: str, value: Any, minimum: int) -> None:
    """Raise ValueError unless the value is a whole number of at least the minimum."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"{name} must be a whole number of at least {minimum}, got {value!r}")


def boolean(name: str, value: Any) -> None:
    """Raise ValueError unless the value is a bool."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def names(name: str, value: Any) -> tuple[str, ...]:
    """The distinct strings of a list, in alphabetical order. Raises ValueError for anything else."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"{name} must be a list of texts, got {value!r}")
    entries = list(value)
    if not all(isinstance(entry, str) for entry in entries):
        raise ValueError(f"{name} must be a list of texts, got {entries!r}")
    return tuple(sorted(set(entries)))


def interval(name: str, value: Any) -> tuple[float, float]:
    """Two numbers 0 <= low < high. Raises ValueError for anything else."""
    is_sequence = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    ends = list(value) if is_sequence else []
    if len(ends) != 2 or not all(map(is_number, ends)) or not 0 <= ends[0] < ends[1]:
        raise ValueError(f"{name} must be two numbers 0 <= low < high, got {value!r}")
    return float(ends[0]), float(ends[1])


def dtype(value: Any) -> torch.dtype:
    """The dtype of the weights; torch's default for None. Raises ValueError unless it is a floating dtype."""
    if value is None:
        return torch.get_default_dtype()
    if not isinstance(value, torch.dtype) or not value.is_floating_point:
        raise ValueError(f"dtype must be one of torch.float32, torch.float64 or None, got {value!r}")
    return value


def device(value: Any) -> torch.device | None:
    """The device; None means torch's default. Raises ValueError for an unknown device."""
    try:
        return None if value is None else torch.device(value)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device: expected one of torch's, got {value!r} ({str(error).splitlines()[0]})") from None
