"""Options of the INI as arguments of functions: the same names, values, defaults, checks and errors.

An argument is named by its key, such as `g`, or as `section.key` in a dictionary `**{"populations.sizes": "E: 80"}`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.schema.config import SCHEMA, Config
from randomnet.schema.plan import Run
from randomnet.settings import nearest
from randomnet.settings.interval import Interval
from randomnet.settings.readers import Key
from randomnet.settings.reading import build, unread
from randomnet.settings.schema import Text, plain, value_of
from randomnet.settings.steps import Steps
from randomnet.settings.values import Several
from randomnet.values.network import Target

Options = Mapping[Key, Any]  # (section, key) -> value, as a text or as Python has it
JOINED_BY = {Steps: " + ", Several: " + ", Interval: ":", Target: ":"}  # between the values of a list


def keys_of(
    function: str, arguments: Mapping[str, Any], sections: Sequence[str], others: Sequence[str] = ()
) -> Options:
    """The options that keyword arguments name, in the first of `sections` that has the name.

    others: further names that the function has, for the error. Raises TypeError for an unknown name, with the nearest.
    """
    return {_key_of(function, name, sections, others): value for name, value in arguments.items()}


def _key_of(function: str, name: str, sections: Sequence[str], others: Sequence[str]) -> Key:
    section, dot, key = name.partition(".")
    for owner, local in [(section, key)] if dot else [(owner, name) for owner in sections]:
        if (owner, local.lower()) in SCHEMA.names:
            return SCHEMA.names[owner, local.lower()]
    known = [*others, *(local for owner in sections for local in SCHEMA.names_in(owner))]
    near = nearest(name, known)
    elsewhere = [f"{owner}.{key}" for owner, key in SCHEMA.options if key == name.lower()]
    if not near and elsewhere:
        near = f"; it belongs to [{elsewhere[0].partition('.')[0]}]"
    where = ", ".join(f"[{owner}]" for owner in sections)
    raise TypeError(f"{function}: expected an option of {where}, got {name!r}{near}")


def config_of(function: str, kind: str, options: Options, strict: bool = True) -> Config:
    """The checked configuration of one run of this kind. Raises ConfigError, a ValueError that names the option.

    strict: whether an option that the run does not read is an error.
    """
    texts = {key: Text(text_of(key, value), function) for key, value in options.items()}
    texts[("experiment", "kind")] = Text(kind, function)
    config, _ = build(SCHEMA, texts)
    if strict:
        unread(SCHEMA, texts, [config])
    return config


def run_of(function: str, kind: str, options: Options, iteration: int = 0, strict: bool = True) -> Run:
    """The run that an INI with these options has as this iteration. Raises ConfigError."""
    config = config_of(function, kind, options, strict)
    return Run(0, iteration, config.experiment.seed, config)


def fixed_defaults(config: Config, sections: Sequence[str], options: Options) -> dict[Key, Any]:
    """The present values of options whose defaults change with a task, except those that are written already."""
    changing = [key for key, option in SCHEMA.options.items() if key[0] in sections and "task" in option.defaults]
    return {key: plain(value_of(config, key)) for key in changing
            if key not in options and SCHEMA.is_read(key, config)}  # fmt: skip


def text_of(key: Key, value: Any) -> str:
    """The text that an INI has for a value: numbers, texts, lists, {name: value}, arrays and paths."""
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {text_of(key, part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        kind = SCHEMA.options[key].value
        return JOINED_BY.get(type(kind), ", ").join(text_of(key, part) for part in value)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return str(stored_array(value))
    return str(value.item()) if isinstance(value, np.generic) else str(value)


def stored_array(array: np.ndarray) -> Path:
    """The path of a file with this array, which is removed when Python ends."""
    path = new_path("array.npy")
    np.save(path, array, allow_pickle=False)
    return path


def new_path(name: str) -> Path:
    """An unused path with this file name, in a folder that is removed when Python ends."""
    return Path(tempfile.mkdtemp(dir=_folder().name)) / name


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="randomnet-")
