"""The schema as text: what `--help-config` prints.

explain      what it says of a word: a section, a key, all, or nothing for the index; also for one reader alone
help_text    all options, or those of one section
"""

from collections.abc import Collection

from randomnet.settings.option import Option
from randomnet.settings.readers import Key
from randomnet.settings.schema import Schema
from randomnet.settings.values import ConfigError, nearest


def explain(schema: Schema, word: str = "", reader: str = "") -> str:
    """What a word of the INI means: a section, a key or `section.key`, `all`; the index of sections without one.

    reader: only what this one reads, with its defaults; without a word all of it. Raises ConfigError for unknown words.
    """
    _check_reader(schema, reader)
    word = word.strip().strip("[]")
    if word in ("", "all"):
        return index(schema) if not word and not reader else _all(schema, list(schema.options), reader)
    keys = [key for key in schema.options if key[0] == word.lower()] or _keys_named(schema, word)
    if not keys:
        raise ConfigError(f"--help-config {word}: expected a section or a key{_near(schema, word)}")
    read = [key for key in keys if not reader or reader in schema.options[key].readers]
    if not read:
        others = _of_kinds(schema, schema.options[keys[0]].readers)
        raise ConfigError(f"--help-config {word}: expected what {_of_kinds(schema, (reader,))} reads, got what "
                          f"is read by {others}")  # fmt: skip
    return _all(schema, read, reader)


def index(schema: Schema) -> str:
    """One line for each section, and how to go on."""
    width = max(map(len, schema.sections)) + 2
    names = [f"{f'[{section}]':{width}}  {_says(schema, section)}" for section in schema.sections]
    key, reader = schema.reader_key[1], next(iter(schema.readers))
    ways = {"SECTION": "explains its options", "KEY": "one option, also as SECTION.KEY", "all": "all options",
            f"--{key} {reader}": f"what one {key} of experiment reads"}  # fmt: skip
    return "\n".join([*names, "", *(f"--help-config {way:12}  {says}" for way, says in ways.items())])


def _says(schema: Schema, section: str) -> str:
    return (schema.sections[section].__doc__ or "").partition("\n")[0].partition("] ")[2]


def _check_reader(schema: Schema, reader: str) -> None:
    if reader and reader not in schema.readers:
        known = f"one of {', '.join(schema.readers)}{nearest(reader, schema.readers)}"
        raise ConfigError(f"--{schema.reader_key[1]} {reader}: expected {known}")


def _keys_named(schema: Schema, word: str) -> list[Key]:
    """The options that a word may mean: by key, alias, earlier name or section.key; of couplings.EE, couplings."""
    names = schema.names
    first, _, rest = word.lower().partition(".")
    inside, _, _ = rest.partition(".")
    if (first, inside) in names:
        return [names[first, inside]]
    found = [] if first in schema.sections else [key for (_, name), key in names.items() if name == first]
    return [key for key in schema.options if key in found]


def _near(schema: Schema, word: str) -> str:
    """The nearest section or key, or section.key where a section is written."""
    _, dot, name = word.partition(".")
    if not dot:
        return nearest(word, [*schema.sections, *(known for _, known in schema.names)])
    elsewhere = [".".join(key) for (_, known), key in schema.names.items() if known == name.lower()]
    if elsewhere:
        return f"; did you mean '{elsewhere[0]}'?"
    return nearest(word, [".".join(key) for key in schema.names])


def _all(schema: Schema, keys: Collection[Key], reader: str) -> str:
    """The options among `keys` that the reader reads, in their sections; of all readers where it is empty."""
    chosen = [key for key in keys if not reader or reader in schema.options[key].readers]
    sections = [section for section in schema.sections if any(key[0] == section for key in chosen)]
    lines = [f"{_of_kinds(schema, (reader,))}: {schema.readers[reader].text}", ""] if reader else []
    return "\n".join([*lines, *(_section(schema, section, chosen, reader) for section in sections)])


def help_text(schema: Schema, section: str | None = None) -> str:
    """Every option of one section or of all: names, sentence, allowed values, default, and who reads it and where.

    Raises ConfigError for an unknown section.
    """
    if section is not None and section not in schema.sections:
        raise ConfigError(
            f"--help-config {section}: expected one of {', '.join(schema.sections)}{nearest(section, schema.sections)}"
        )
    return _all(schema, [key for key in schema.options if section in (None, key[0])], "")


def _section(schema: Schema, section: str, keys: Collection[Key], reader: str) -> str:
    lines = [f"[{section}]  {(schema.sections[section].__doc__ or '').partition('] ')[2]}"]
    readers = section_readers(schema, section)
    if len(readers) < len(schema.readers) and not reader:
        lines.append(f"  read by {_of_kinds(schema, readers)}")
    for key in (key for key in keys if key[0] == section):
        lines += _option(schema, key, readers, reader)
    return "\n".join(lines) + "\n"


def section_readers(schema: Schema, section: str) -> tuple[str, ...]:
    """The names of the readers that read any option of a section."""
    options = [option for (owner, _), option in schema.options.items() if owner == section]
    return tuple(name for name in schema.readers if any(name in option.readers for option in options))


def _option(schema: Schema, key: Key, readers: tuple[str, ...], reader: str) -> list[str]:
    """The lines of one option; readers: those of its section, which are not repeated; reader: the only one told of."""
    option = schema.options[key]
    lines = [f"  {key[1]}{_other_names(schema, key)}", f"      {option.says}"]
    if key == schema.reader_key:
        lines += [f"        {one.name}: {one.text}" for one in schema.readers.values()]
    default = _default(schema.default(key)) + _other_defaults(schema, option)
    if reader in option.defaults:
        default = _default(option.defaults[reader])
    lines.append(f"      allowed: {option.value.expected}; default: {default}")
    others = tuple(name for name in readers if name not in option.readers)
    if others and not reader:
        few = len(others) < len(option.readers)
        lines.append(f"      {'not ' if few else ''}read by {_of_kinds(schema, others if few else option.readers)}")
    conditions = [condition.words for condition in (option.where, option.only) if condition]
    if conditions:
        lines.append(f"      only where {', and '.join(conditions)}")
    return lines


def _of_kinds(schema: Schema, readers: tuple[str, ...]) -> str:
    return f"{schema.reader_key[1]} = {', '.join(readers)}"


def _other_names(schema: Schema, key: Key) -> str:
    aliases, earlier = schema.options[key].aliases, schema.earlier_names_of(key)
    names = [f"also: {', '.join(aliases)}"] * bool(aliases) + [f"formerly {', '.join(earlier)}"] * bool(earlier)
    return f" ({'; '.join(names)})" if names else ""


def _other_defaults(schema: Schema, option: Option) -> str:
    """The defaults of readers, choices and other layers that have one of their own."""
    labels = {value: f"{reader.choice} = {value}"
              for reader in schema.readers.values() for value in reader.choice_defaults}  # fmt: skip
    labels |= {name: f"{schema.reader_key[1]} = {name}" for name in schema.readers}
    texts = [f"{labels.get(name, f'with {name}')}: {_default(value)}" for name, value in option.defaults.items()]
    return f" ({', '.join(texts)})" if texts else ""


def _default(value: object) -> str:
    return "empty" if value == "" else str(value)
