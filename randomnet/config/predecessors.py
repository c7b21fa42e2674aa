"""How the predecessors wrote things, brought into RandomNet's own words before anything is parsed."""

import ast
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from randomnet.config.values import ConfigError

Key = tuple[str, str]


@dataclass(frozen=True)
class Text:
    """The text of one option and where it stood."""

    text: str
    origin: str


Texts = dict[Key, Text]
TRIALS: Key = ("trialparams", "trial_params")


def literal(text: str, where: str, example: str) -> dict[str, Any]:
    """A dictionary written as JSON or as a Python literal; read as data, never evaluated. Raises ConfigError."""
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        found = _python(text)
        if found is None:
            raise ConfigError(f"{where}: expected JSON such as {example}, got {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{where}: expected a JSON object such as {example}, got {type(found).__name__}")
    return found


def unfolded(section: str, name: str, written: Text) -> Iterator[tuple[str, str]]:
    """bio_rnn_mem's trial_params = {...} as the options it sets; anything else as it is."""
    if (section, name.lower()) != TRIALS:
        yield name, written.text
        return
    where = f"{written.origin}: [{section}] {name}"
    for key, value in literal(written.text or "{}", where, '{"task_name": "seq_mem"}').items():
        if not isinstance(key, str) or not isinstance(value, (bool, int, float, str)):
            raise ConfigError(f"{where}: {key!r}: expected a number, a text, true or false, got {value!r}")
        yield key, value if isinstance(value, str) else repr(value)


def spelled_out(texts: Texts) -> Texts:
    """FlyStability's loss `MSE_Custom` is the loss mse with the target curve 1.25:-1.25."""
    loss, target = texts.get(("trainvalidate", "loss")), texts.get(("lyapunov", "target"))
    if loss is None or loss.text.strip().lower() != "mse_custom":
        return texts
    curve = Text("1.25:-1.25", loss.origin)
    if target is not None and target.text.strip() != curve.text:
        raise ConfigError(
            f"{target.origin}: [lyapunov] target: expected it left out with loss = MSE_Custom, which is loss = mse "
            f"with target = {curve.text}, got {target.text!r}"
        )
    return texts | {
        ("trainvalidate", "loss"): dataclasses.replace(loss, text="mse"),
        ("lyapunov", "target"): curve,
    }


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
        found = ast.literal_eval(tree)
        once = isinstance(tree.body, ast.Dict) and len(tree.body.keys) == len(found)
        return found if once else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
