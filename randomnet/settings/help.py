"""The schema as text: what `--help-config` prints."""

from randomnet.settings.option import Option
from randomnet.settings.readers import Key
from randomnet.settings.schema import Schema
from randomnet.settings.values import ConfigError, nearest


def help_text(schema: Schema, section: str | None = None) -> str:
    """Every option of one section or of all: names, sentence, allowed values, default, and who reads it and where.

    Raises ConfigError for an unknown section.
    """
    if section is not None and section not in schema.sections:
        raise ConfigError(
            f"--help-config {section}: expected one of {', '.join(schema.sections)}{nearest(section, schema.sections)}"
        )
    return "\n".join(_section(schema, name) for name in schema.sections if section in (None, name))


def _section(schema: Schema, section: str) -> str:
    lines = [f"[{section}]  {(schema.sections[section].__doc__ or '').partition('] ')[2]}"]
    readers = section_readers(schema, section)
    if len(readers) < len(schema.readers):
        lines.append(f"  read by {_of_kinds(schema, readers)}")
    for key in (key for key in schema.options if key[0] == section):
        lines += _option(schema, key, readers)
    return "\n".join(lines) + "\n"


def section_readers(schema: Schema, section: str) -> tuple[str, ...]:
    """The names of the readers that read any option of a section."""
    options = [option for (owner, _), option in schema.options.items() if owner == section]
    return tuple(name for name in schema.readers if any(name in option.readers for option in options))


def _option(schema: Schema, key: Key, readers: tuple[str, ...]) -> list[str]:
    """The lines of one option; readers: those of its section, which are not repeated."""
    option = schema.options[key]
    lines = [f"  {key[1]}{_other_names(schema, key)}", f"      {option.says}"]
    if key == schema.reader_key:
        lines += [f"        {reader.name}: {reader.text}" for reader in schema.readers.values()]
    default = _default(schema.default(key)) + _other_defaults(schema, option)
    lines.append(f"      allowed: {option.value.expected}; default: {default}")
    others = tuple(name for name in readers if name not in option.readers)
    if others:
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
