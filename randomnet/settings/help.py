"""The schema as text: what `--help-config` prints."""

from randomnet.settings.option import Option
from randomnet.settings.schema import Schema
from randomnet.settings.values import ConfigError, nearest
from randomnet.settings.values import Value as AnyText


def help_text(schema: Schema, section: str | None = None) -> str:
    """Every option of one section or of all: key, kind of value, default, who reads it, sentence."""
    if section is not None and section not in schema.sections:
        raise ConfigError(
            f"--help-config {section}: expected one of {', '.join(schema.sections)}{nearest(section, schema.sections)}"
        )
    return "\n".join(_section(schema, name, kind) for name, kind in schema.sections.items() if section in (None, name))


def _section(schema: Schema, name: str, kind: type) -> str:
    lines = [f"[{name}]  {(kind.__doc__ or '').partition('] ')[2]}"]
    for (owner, key), option in schema.options.items():
        if owner != name:
            continue
        lines.append(f"  {key}{_other_names(schema, owner, key)}")
        lines.append(f"      {option.says}")
        default = _default(getattr(kind, key)) + _other_defaults(option)
        lines.append(f"      type: {_type(option)}; allowed: {option.value.expected}; default: {default}")
        conditions = [words for words, _ in filter(None, (option.where, option.only))]
        only = f"; only where {', and '.join(conditions)}" if conditions else ""
        lines.append(f"      read by: {', '.join(option.readers)}{only}")
    return "\n".join(lines) + "\n"


def _other_names(schema: Schema, section: str, key: str) -> str:
    aliases, earlier = schema.options[section, key].aliases, schema.earlier_names_of((section, key))
    names = [f"also: {', '.join(aliases)}"] * bool(aliases) + [f"formerly {', '.join(earlier)}"] * bool(earlier)
    return f" ({'; '.join(names)})" if names else ""


def _type(option: Option) -> str:
    return "Text" if type(option.value) is AnyText else type(option.value).__name__


def _other_defaults(option: Option) -> str:
    """The defaults of kinds, models and tasks that have one of their own."""
    names = {"task": "with a task"}
    texts = [f"{names.get(name, name)}: {_default(value)}" for name, value in option.defaults.items()]
    return f" ({', '.join(texts)})" if texts else ""


def _default(value: object) -> str:
    return "empty" if value == "" else str(value)
