"""The schema as text: what `--help-config` prints."""

import dataclasses

from randomnet.config.schema import Option, sections
from randomnet.config.values import ConfigError, nearest
from randomnet.config.values import Value as AnyText


def help_text(section: str | None = None) -> str:
    """Every option of one section or of all: key, kind of value, default, who reads it, sentence."""
    if section is not None and section not in sections():
        raise ConfigError(
            f"--help-config {section}: expected one of {', '.join(sections())}{nearest(section, sections())}"
        )
    return "\n".join(_section(name, kind) for name, kind in sections().items() if section in (None, name))


def _section(name: str, kind: type) -> str:
    lines = [f"[{name}]  {(kind.__doc__ or '').partition('] ')[2]}"]
    for entry in dataclasses.fields(kind):
        about: Option = entry.metadata["option"]
        aliases = f" (also: {', '.join(about.aliases)})" if about.aliases else ""
        lines.append(f"  {entry.name}{aliases}")
        lines.append(f"      {about.says}")
        lines.append(f"      type: {_type(about)}; allowed: {about.value.expected}; default: {_default(entry.default)}")
        readers = ", ".join(about.kinds) or "a kind that is not available yet"
        lines.append(f"      read by: {readers}" + (f"; only where {about.only[0]}" if about.only else ""))
    return "\n".join(lines) + "\n"


def _type(about: Option) -> str:
    return "Text" if type(about.value) is AnyText else type(about.value).__name__


def _default(value: object) -> str:
    return "empty" if value == "" else str(value)
