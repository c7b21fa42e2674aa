"""From the text of an INI to checked records: every combination is built and checked before anything is done.

The text of an option keeps its origin (the file, --set, a combination), so that an error can name it.
"""

import configparser
import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from randomnet.settings.literal import literal
from randomnet.settings.readers import Key
from randomnet.settings.schema import Schema, Text, Texts, unmet, value_of
from randomnet.settings.values import MOST_NAMED, ConfigError, Named, Value, names_text, nearest

COMMAND_LINE = "--set"  # the origin of what the command line overrides
EXAMPLE = ('{"lr": [0.1, 0.01]}', '{"lr": "loguniform 1e-4 1e-2"}')  # of a grid, and of samples


def read_texts(schema: Schema, path: Path, overrides: Sequence[str] = ()) -> Texts:
    """The options written in the file and in `section.key=value` overrides, unparsed. Raises ConfigError."""
    parser = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=(";", "#"), comment_prefixes=(";", "#"), default_section="\0"
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
    except OSError as error:
        raise ConfigError(f"{path}: expected an INI file, got {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected an INI file in UTF-8, got bytes that are not UTF-8") from None
    except configparser.Error as error:
        raise ConfigError(f"{path}: expected an INI file, got {' '.join(str(error).split())}") from None
    texts: Texts = {}
    for section in parser.sections():
        for name, text in parser.items(section):
            for single, value in schema.unfold(section, name, Text(text, str(path))):
                _add(schema, texts, section, single, Text(value, str(path)))
        _check_section(schema, section, str(path))
    replaced: Texts = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {override}: expected section.key=value, such as lyapunov.nle=20")
        if re.search(r"(^|\s)[;#]", text):
            raise ConfigError(
                f"--set: [{section}] {key}: expected no ; or # where an INI would begin a comment, got {text!r}"
            )
        for single, value in schema.unfold(section, key, Text(text.strip(), COMMAND_LINE)):
            _add(schema, replaced, section, single, Text(value, COMMAND_LINE))
    return texts | replaced


def _add(schema: Schema, texts: Texts, section: str, name: str, written: Text) -> None:
    key = _key(schema, section, name, written.origin)
    if key in texts:
        names = f"both times as {name}" if texts[key].name == name else f"as {texts[key].name} and as {name}"
        raise ConfigError(f"{option_origin(key, written.origin)}: expected once, got it twice, {names}")
    texts[key] = dataclasses.replace(written, earlier_name=schema.earlier_name(section, name), name=name)


def _check_section(schema: Schema, section: str, origin: str) -> None:
    if section not in schema.sections:
        raise ConfigError(
            f"{origin}: [{section}]: expected one of the sections {', '.join(schema.sections)}"
            f"{nearest(section, schema.sections)}"
        )


def _key(schema: Schema, section: str, name: str, origin: str) -> Key:
    _check_section(schema, section, origin)
    names = schema.names
    if (section, name.lower()) in names:
        return names[section, name.lower()]
    known = schema.names_in(section)
    elsewhere = [target for (_, known_name), target in names.items() if known_name == name.lower()]
    hint = _nearest_key(schema, section, name, known) if not elsewhere or nearest(name, known) else ""
    hint += _place(elsewhere[0], name) if elsewhere else ""
    names_of_section = names_text(name, known)
    if len(known) > MOST_NAMED:
        names_of_section += f" (--help-config {section} lists all)"
    raise ConfigError(f"{origin}: [{section}] {name}: expected one of {names_of_section}{hint}")


def _nearest_key(schema: Schema, section: str, name: str, known: Sequence[str]) -> str:
    """The nearest name of a section; of a misspelt earlier name, what the option is called today."""
    near = nearest(name, known)
    earlier = [other for owner, other in schema.renamed if owner == section]
    if near or not nearest(name, earlier):
        return near
    old = next(other for other in earlier if f"'{other}'" in nearest(name, earlier))
    return f"; did you mean '{old}', which is {'.'.join(schema.renamed[section, old])} now?"


def _place(key: Key, name: str) -> str:
    """Where an option of this name stands; with its key where it has another one today."""
    return f"; it belongs to [{key[0]}]" + (f" as {key[1]}" if key[1] != name.lower() else "")


class Axis(NamedTuple):
    """One axis of a grid: the option, or of an option with names (`couplings = EE: 1`) one of them, and its values."""

    key: Key
    entry: str
    values: list[Any]
    heading: str
    kind: Value
    default: str
    earlier_name: str = ""

    def is_same(self, other: "Axis") -> bool:
        """Whether both give values to the same option, or to the same one of its names."""
        return self.key == other.key and ("" in (self.entry, other.entry) or self.entry == other.entry)

    def text_with(self, texts: Mapping[Key, Text], value: Any, origin: str) -> Text:
        """The option's text with this value; of one of its names, in what the text has."""
        if not self.entry:
            return Text(as_text(value), origin, self.earlier_name)
        written = texts[self.key].text if self.key in texts else self.default
        try:
            text = self.kind.with_entry(written, self.entry, as_text(value))  # type: ignore[attr-defined]
            return Text(text, origin, self.earlier_name)
        except ValueError:
            raise ConfigError(f"{origin}: {self.heading}: expected {self.kind.expected}, got {written!r}") from None


def _heading(schema: Schema, key: Key, entry: str) -> str:
    """The one name of an axis: the key, or section.key where the key alone is reserved or has several meanings."""
    unique = key[1] in schema.common or sum(other == key[1] for _, other in schema.options) == 1
    name = key[1] if unique and key[1] not in schema.reserved else ".".join(key)
    return f"{name}.{entry}" if entry else name


def axis_named(schema: Schema, name: str, values: list[Any], where: str, reader: str) -> Axis:
    """What a name in a grid means: a key, or section.key, or one of the option's names. Raises ConfigError."""
    where = f"{where}: {name!r}"
    key, entry, earlier_name = _option_named(schema, name, where, reader)
    option = schema.options[key]
    if not option.grid:
        raise ConfigError(f"{where}: expected an option that may differ between combos; {'.'.join(key)} may not")
    if entry and not isinstance(option.value, Named):
        raise ConfigError(f"{where}: expected an option with names; {'.'.join(key)} has none")
    return Axis(key, entry, values, _heading(schema, key, entry), option.value, str(schema.default(key)), earlier_name)


def option_origin(key: Key, origin: str) -> str:
    """Where an option was written, as errors begin."""
    return f"{origin}: [{key[0]}] {key[1]}"


def written_value(schema: Schema, texts: Texts, key: Key) -> Any:
    """The value of an option in all combos: as written, or its default. Raises ConfigError."""
    return _parse(schema, key, texts[key]) if key in texts else schema.default(key)


def _option_named(schema: Schema, name: str, where: str, reader: str) -> tuple[Key, str, str]:
    """The option, one of its names or nothing, and its earlier name where the grid has that. Raises ConfigError."""
    first, dot, rest = name.partition(".")
    if not dot or (first not in schema.sections and any(known == first.lower() for _, known in schema.names)):
        key = _option_with_key(schema, first, where, reader)
        earlier = [old for old in schema.earlier_names_of(key) if old.endswith(f".{first.lower()}")]
        return key, rest, "" if first.lower() == key[1] or not earlier else earlier[0]
    name_in_section, _, entry = rest.partition(".")
    return _key(schema, first, name_in_section, where), entry, schema.earlier_name(first, name_in_section)


def _option_with_key(schema: Schema, name: str, where: str, reader: str) -> Key:
    """The option of this name: of several sections' the ones that the reader reads, and keys before aliases."""
    names = schema.names
    owners = sorted({target for (_, known), target in names.items() if known == name.lower()})
    if not owners:
        known = sorted({known for _, known in names})
        raise ConfigError(f"{where}: expected an option's key{nearest(name, known) or ', see --help-config'}")
    for narrower in ([key for key in owners if reader in schema.options[key].readers], owners):
        named = [key for key in narrower if key[1] == name.lower()] or narrower
        if len(named) == 1:
            return named[0]
    spelled = ", ".join(".".join(owner) for owner in owners)
    raise ConfigError(f"{where}: expected a key of one section, got one of several; write one of {spelled}")


def read_grid(schema: Schema, texts: Texts) -> list[Axis]:
    """The axes of the grid, in the order written. Raises ConfigError."""
    written = texts.get(schema.grid_key)
    if written is None or not written.text.strip():
        return []
    where = option_origin(schema.grid_key, written.origin)
    grid = literal(written.text, where, EXAMPLE[0])
    reader = written_value(schema, texts, schema.reader_key)
    axes: list[Axis] = []
    for name, values in grid.items():
        if not isinstance(name, str):
            raise ConfigError(f"{where}: expected names of options such as \"lr\", got {name!r}")
        axis = axis_named(schema, name, values, where, reader)
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}: {name!r}: expected a list of at least one value, got {json.dumps(values)}")
        for value in values:
            if not isinstance(value, (bool, int, float, str)):
                raise ConfigError(f"{where}: {name!r}: expected numbers, texts, true or false, got {json.dumps(value)}")
        if len({json.dumps(value) for value in values}) < len(values):
            raise ConfigError(f"{where}: {name!r}: expected different values, got {json.dumps(values)}")
        if any(axis.is_same(other) for other in axes):
            raise ConfigError(f"{where}: {name!r}: expected every option once, got {'.'.join(axis.key)} twice")
        axes.append(axis)
    return axes


def zip_names(written: Text) -> list[str]:
    """The names of axes that `zip` writes."""
    return [name for part in written.text.split(",") if (name := part.strip())]


def read_zip(schema: Schema, texts: Texts, axes: Sequence[Axis]) -> list[list[Axis]]:
    """The axes in groups, in the order of their first ones: those that `zip` pairs are one group. Raises ConfigError.

    The values of a group belong together, the first with the first and so on, and groups make up a product.
    """
    written = texts.get(schema.zip_key)
    if written is None or not written.text.strip():
        return [[axis] for axis in axes]
    where = option_origin(schema.zip_key, written.origin)
    paired = [_axis_of_zip(schema, texts, name, where, axes) for name in zip_names(written)]
    if len(paired) < 2 or len({id(axis) for axis in paired}) < len(paired):
        raise ConfigError(f"{where}: expected at least two axes, each once, such as lr, epochs, got {written.text!r}")
    lengths = [len(axis.values) for axis in paired]
    if len(set(lengths)) > 1:
        said = ", ".join(f"{axis.heading}: {len(axis.values)}" for axis in paired)
        raise ConfigError(f"{where}: expected axes of as many values each, got {said}")
    first = next(axis for axis in axes if any(axis is other for other in paired))
    alone = [axis for axis in axes if axis is first or not any(axis is other for other in paired)]
    return [paired if axis is first else [axis] for axis in alone]


def _axis_of_zip(schema: Schema, texts: Texts, name: str, where: str, axes: Sequence[Axis]) -> Axis:
    named = axis_named(schema, name, [], where, written_value(schema, texts, schema.reader_key))
    for axis in axes:
        if (axis.key, axis.entry) == (named.key, named.entry):
            return axis
    headings = [axis.heading for axis in axes]
    known = f"an axis of combos_params, {', '.join(headings)}" if axes else "combos_params with its axes"
    raise ConfigError(f"{where}: expected {known}, got {name!r}{nearest(name, headings)}")


def build(schema: Schema, texts: Mapping[Key, Text]) -> tuple[Any, tuple[str, ...]]:
    """One checked configuration, and notes on defaults that were adapted to it.

    Raises ConfigError for the first option that is wrong.
    """
    texts = schema.spell_out(dict(texts))
    values: dict[str, dict[str, Any]] = {section: {} for section in schema.sections}
    for (section, key), written in texts.items():
        values[section][key] = _parse(schema, (section, key), written)
    layers = schema.layers(values)
    for (section, key), option in schema.options.items():
        for layer in layers:
            if layer in option.defaults:
                values[section].setdefault(key, option.defaults[layer])
    built = schema.make({section: kind(**values[section]) for section, kind in schema.sections.items()})
    config, adapted = schema.adapt(built, texts)
    reader = schema.reader_of(config)
    for key in texts:
        if reader not in schema.options[key].readers:
            raise ConfigError(
                f"{_where(key, texts)}: expected it left out, as it is not available for {schema.reader_key[1]} = "
                f"{reader} but for {', '.join(schema.options[key].readers)}, got {texts[key].text!r}"
            )
    contradiction = schema.contradiction(config)
    if contradiction:
        key, expected = contradiction
        came = f"{texts[key].text!r}" if key in texts else f"the default {value_of(config, key)!r}"
        advice = "; leave it out" if key in texts and not schema.is_read(key, config) else ""
        raise ConfigError(f"{_where(key, texts)}: expected {expected}, got {came}{advice}")
    return config, (*_renaming_notes(texts), *adapted)


def _renaming_notes(texts: Mapping[Key, Text]) -> list[str]:
    return [f"{text.earlier_name} is {'.'.join(key)} now" for key, text in texts.items() if text.earlier_name]


def unread(schema: Schema, texts: Texts, configs: Sequence[Any]) -> None:
    """ConfigError for a written option that no run reads."""
    for key, written in texts.items():
        if written.text.strip() and not any(schema.is_read(key, config) for config in configs):
            raise ConfigError(
                f"{_where(key, texts)}: applies only where {unmet(schema.options[key], configs[0])}, which is so in no "
                f"run; expected it left out, got {written.text!r}"
            )


def as_text(value: Any) -> str:
    """The text that a JSON value of combos_params stands for in its section."""
    return value if isinstance(value, str) else repr(value)


def render(schema: Schema, texts: Texts) -> str:
    """The options as an INI file that gives the same experiment."""
    lines: list[str] = []
    for section in schema.sections:
        written = {key: text for (owner, key), text in texts.items() if owner == section}
        if written:
            texts_of_section = (f"{key} = {_one_line(schema, (section, key), text)}" for key, text in written.items())
            lines += [f"[{section}]", *texts_of_section, ""]
    return "\n".join(lines)


def _one_line(schema: Schema, key: Key, written: Text) -> str:
    """The text with its lines joined; where these are entries of a list, by commas."""
    lines = written.text.split("\n")
    if not schema.options[key].value.lines:
        return " ".join(lines)
    return ", ".join(entry for line in lines if (entry := line.strip().rstrip(",").rstrip()))


def _where(key: Key, texts: Mapping[Key, Text]) -> str:
    written = texts.get(key) or Text("", next(iter(texts.values()), Text("", "config")).origin)
    earlier_name = f" (written as {written.earlier_name})" if written.earlier_name else ""
    return f"{written.origin}: [{key[0]}] {key[1]}{earlier_name}"


def _parse(schema: Schema, key: Key, written: Text) -> Any:
    option, where = schema.options[key], _where(key, {key: written})
    text = _one_line(schema, key, written) if option.value.lines else written.text.strip()
    if len(text.splitlines()) > 1 and key not in (schema.grid_key, schema.sample_key):
        raise ConfigError(
            f"{where}: expected {option.value.expected} on one line, got {text!r} "
            "(an indented line continues the one above it)"
        )
    try:
        if not text and not option.value.may_be_empty:
            raise ValueError("")
        return option.value.parse(text)
    except ValueError as error:
        hint = str(error) if str(error).startswith(";") else ""
        got = f"{written.text!r}" if text else "nothing"
        raise ConfigError(f"{where}: expected {option.value.expected}, got {got}{hint}") from None
