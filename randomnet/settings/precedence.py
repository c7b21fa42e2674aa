"""What counts where an option is given twice: `--set` before an axis of the grid, an axis before its section's value.

The texts are changed as a person would change the INI, so that the file in the results says what ran.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from randomnet.settings.literal import literal
from randomnet.settings.option import Option
from randomnet.settings.readers import Key
from randomnet.settings.reading import COMMAND_LINE, EXAMPLE, Axis, axis_named, option_origin, written_value, zip_names
from randomnet.settings.schema import Schema, Text, Texts
from randomnet.settings.values import ConfigError


def obey(schema: Schema, texts: Texts) -> tuple[Texts, list[str]]:
    """The texts after what `--set` does to others, and a line for each change. Raises ConfigError.

    An empty text unsets an option whose value cannot be empty. A JSON list adds an axis, unless the option's own value
    may be a list. Any other text replaces an axis of the INI.
    """
    given = {key: text for key, text in texts.items() if text.origin == COMMAND_LINE}
    unset = [key for key, text in given.items() if not text.text and not schema.options[key].value.may_be_empty]
    lists = {key: values for key, text in given.items() if (values := _axis_values(schema.options[key], text.text))}
    lines = {key: _line(schema, key, text, unset, lists) for key, text in given.items()}
    kept = {key: text for key, text in texts.items() if key not in unset and key not in lists}
    for place in (schema.grid_key, schema.sample_key):
        if given and place in kept:
            kept = _without_axes(schema, kept, place, given, lists, lines)
    return _with_axes(schema, kept, lists), [line for line in lines.values() if line]


def _axis_values(option: Option, text: str) -> list[Any]:
    """The values of an axis that the text lists as JSON; none where it is a value of the option."""
    if not option.grid or option.value.may_be_list or not text.startswith("["):
        return []
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return values if isinstance(values, list) else []


def _line(schema: Schema, key: Key, written: Text, unset: Collection[Key], lists: Collection[Key]) -> str:
    """What is said of one option of the command line before other options are looked at."""
    given = _as_given(key, written)
    if key in unset:
        return f"{given} unsets it: its default counts"
    if key in lists:
        return f"{given} is an axis of the grid"
    if schema.options[key].value.may_be_list and written.text.startswith("["):
        return f"{given} is one value, as it may be a list; an axis of lists is written in combos_params"
    return ""


def _as_given(key: Key, written: Text) -> str:
    return f"{COMMAND_LINE} {'.'.join(key)}={written.text}"


def _without_axes(
    schema: Schema, texts: Texts, place: Key, given: Mapping[Key, Text], lists: Mapping[Key, list[Any]],
    lines: dict[Key, str],
) -> Texts:  # fmt: skip
    """The texts with the axes of one place that the command line replaces changed or removed; says so in `lines`."""
    axes = _axes_of(schema, texts, place)
    replaced = {name: axis.key for name, (axis, _) in axes.items() if _replaces(given.get(axis.key), axis, lists)}
    for name, key in replaced.items():
        if place in given:
            where, came = option_origin(key, COMMAND_LINE), f"{given[key].text!r}"
            raise ConfigError(f"{where}: expected it left out, as {place[1]} lists {name!r}, got {came}")
        start = lines[key] or f"{_as_given(key, given[key])} counts"
        lines[key] = f"{start} instead of the axis {name!r} of {place[1]}"
    moved = lists if place == schema.grid_key else {}
    content = {name: moved.get(axis.key, content) for name, (axis, content) in axes.items()
               if name not in replaced or axis.key in moved}  # fmt: skip
    return _written(schema, texts, place, content, set(replaced.values()) - set(moved)) if replaced else texts


def _replaces(written: Text | None, axis: Axis, lists: Collection[Key]) -> bool:
    """Whether what the command line gives replaces an axis; one of a single name stays beside a value for all names."""
    return written is not None and (not axis.entry or not written.text or axis.key in lists)


def _axes_of(schema: Schema, texts: Texts, place: Key) -> dict[str, tuple[Axis, Any]]:
    """The axes that the grid, or the samples, write: by name, with their values or law. Raises ConfigError."""
    where = option_origin(place, texts[place].origin)
    written = literal(texts[place].text or "{}", where, EXAMPLE[place == schema.sample_key])
    reader = written_value(schema, texts, schema.reader_key)
    return {name: (axis_named(schema, name, [], where, reader), content)
            for name, content in written.items() if isinstance(name, str)}  # fmt: skip


def _written(schema: Schema, texts: Texts, place: Key, content: Mapping[str, Any], removed: Collection[Key]) -> Texts:
    """The texts with other content of a place, and without what belonged to removed axes."""
    texts = dict(texts)
    if content:
        texts[place] = dataclasses.replace(texts[place], text=json.dumps(content, ensure_ascii=False))
    else:
        del texts[place]
        if place == schema.sample_key and schema.count_key in texts:
            del texts[schema.count_key]
    return _unzipped(schema, texts, removed) if place == schema.grid_key and schema.zip_key in texts else texts


def _unzipped(schema: Schema, texts: Texts, removed: Collection[Key]) -> Texts:
    """The texts with zip without the removed axes; without zip where fewer than two axes are left in it."""
    written, reader = texts[schema.zip_key], written_value(schema, texts, schema.reader_key)
    if written.origin == COMMAND_LINE:
        return texts
    where = option_origin(schema.zip_key, written.origin)
    names = [name for name in zip_names(written) if axis_named(schema, name, [], where, reader).key not in removed]
    if len(names) < 2:
        return {key: text for key, text in texts.items() if key != schema.zip_key}
    return texts | {schema.zip_key: dataclasses.replace(written, text=", ".join(names))}


def _with_axes(schema: Schema, texts: Texts, lists: Mapping[Key, list[Any]]) -> Texts:
    """The texts with an axis of the grid for each list that is in none yet."""
    place = schema.grid_key
    if not lists:
        return texts
    axes = _axes_of(schema, texts, place) if place in texts else {}
    present = [axis.key for axis, _ in axes.values()]
    content = {name: values for name, (_, values) in axes.items()}
    content |= {".".join(key): values for key, values in lists.items() if key not in present}
    origin = texts[place].origin if axes else COMMAND_LINE
    both = origin if origin == COMMAND_LINE else f"{origin} and {COMMAND_LINE}"
    return texts | {place: Text(json.dumps(content, ensure_ascii=False), both)}


def axes_first(texts: Texts, axes: Sequence[tuple[Axis, Key]]) -> tuple[Texts, list[str]]:
    """The texts without those of options that an axis gives values to, and a line for each.

    axes: each with the option that lists it. An axis of one name of an option leaves the others as written.
    """
    beaten = [(axis, place) for axis, place in axes if axis.key in texts and not axis.entry]
    lines = [f"{place[1]} lists {axis.heading!r}, which counts instead of {'.'.join(axis.key)} = "
             f"{texts[axis.key].text} of {texts[axis.key].origin}" for axis, place in beaten]  # fmt: skip
    keys = [axis.key for axis, _ in beaten]
    return {key: text for key, text in texts.items() if key not in keys}, lines
