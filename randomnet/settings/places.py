"""Where the files and folders lie that an INI names: beside the INI, or in the current folder."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from randomnet.settings.literal import literal
from randomnet.settings.readers import Key
from randomnet.settings.reading import COMMAND_LINE, EXAMPLE, axis_named, option_origin, written_value
from randomnet.settings.schema import Schema, Texts
from randomnet.settings.values import ConfigError


def find_files(schema: Schema, texts: Texts, ini: Path) -> tuple[Texts, list[str]]:
    """The texts with the paths that are there, as seen from the current folder, and a line where two were there.

    Paths of the command line start at the current folder. What is nowhere stays as written.
    """
    lines: list[str] = []
    found = dict(texts)
    for key, written in texts.items():
        if written.origin == COMMAND_LINE:
            continue
        text = _placed(schema, key, written.text, ini, lines)
        if key in (schema.grid_key, schema.sample_key):
            text = _placed_axes(schema, texts, key, ini, lines)
        found[key] = dataclasses.replace(written, text=text)
    return found, lines


def _placed(schema: Schema, key: Key, text: Any, ini: Path, lines: list[str]) -> Any:
    """The text of an option with its paths as seen from the current folder."""
    kind = schema.options[key].value
    if not isinstance(text, str) or not text.strip():
        return text

    def place(path: str) -> str:
        taken, other = place_of(path, ini, kind.results)
        if other:
            lines.append(f"{'.'.join(key)}: {taken} is taken, not {other}, which is there too")
        return taken

    return kind.with_paths(text, place)


def place_of(path: str, ini: Path, results: bool = False) -> tuple[str, str]:
    """The path as seen from the current folder, and another one that is there too, or nothing.

    Tried are the folder of the INI, the current folder, and for a path that begins with the name of the INI's folder
    the folder above, as templates name each other. A path may go on inside a file, such as one of HDF5. results:
    whether runs write it, so that the current folder is first.
    """
    if not path.strip() or path.startswith("~") or os.path.isabs(path):
        return path, ""
    folder = ini.parent
    tried = [os.path.normpath(folder / path), path]
    if results:
        tried.reverse()
    if Path(path).parts[:1] == (folder.resolve().name,):
        tried.append(os.path.normpath(folder / ".." / path))
    there = [one for one in tried if os.path.exists(one)]
    for outer in () if there else Path(path).parents[:-1]:
        file, other = place_of(str(outer), ini, results)
        if os.path.isfile(file):
            return os.path.join(file, os.path.relpath(path, outer)), other
    others = [one for one in there[1:] if not os.path.samefile(one, there[0])]
    shortest = path if there and os.path.exists(path) and os.path.samefile(path, there[0]) else (*there, path)[0]
    return shortest, (*others, "")[0]


def _placed_axes(schema: Schema, texts: Texts, place: Key, ini: Path, lines: list[str]) -> str:
    """The text of a grid, or of samples, with the paths of its values; as written where it has none."""
    text, where = texts[place].text, option_origin(place, texts[place].origin)
    try:
        axes = literal(text or "{}", where, EXAMPLE[0])
        reader = written_value(schema, texts, schema.reader_key)
        placed = {name: _placed_values(_value_of(schema, name, where, reader, ini, lines), values)
                  for name, values in axes.items()}  # fmt: skip
    except ConfigError:  # which is told when the grid is read
        return text
    return text if placed == axes else json.dumps(placed, ensure_ascii=False)


def _value_of(schema: Schema, name: str, where: str, reader: str, ini: Path, lines: list[str]) -> Callable[[Any], Any]:
    """What one value of an axis becomes."""
    key = axis_named(schema, str(name), [], where, reader).key
    return lambda value: _placed(schema, key, value, ini, lines)


def _placed_values(change: Callable[[Any], Any], values: Any) -> Any:
    """The values of an axis with their paths; a law of samples as written."""
    return [change(value) for value in values] if isinstance(values, list) else values
