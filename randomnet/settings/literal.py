"""Dictionaries written in an INI, as JSON or as a Python literal; read as data, never evaluated."""

import ast
import json
from typing import Any

from randomnet.settings.values import ConfigError


def literal(text: str, where: str, example: str) -> dict[str, Any]:
    """The dictionary that the text writes. Raises ConfigError."""
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        parsed = _python(text)
        if parsed is None:
            raise ConfigError(f"{where}: expected JSON such as {example}, got {error}") from None
    if not isinstance(parsed, dict):
        raise ConfigError(f"{where}: expected a JSON object such as {example}, got {type(parsed).__name__}")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the key {name!r} twice")
    return dict(pairs)


def _python(text: str) -> dict[Any, Any] | None:
    """A Python literal of a dictionary with every key once; None for anything else."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
        parsed = ast.literal_eval(tree)
        once = isinstance(tree.body, ast.Dict) and len(tree.body.keys) == len(parsed)
        return parsed if once else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
