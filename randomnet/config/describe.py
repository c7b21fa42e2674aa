"""The schema as text: what `--help-config` prints."""

from randomnet.config.schema import Option, options, sections
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
    for owner, key, about in options():
        if owner != name:
            continue
        aliases = f" (also: {', '.join(about.aliases)})" if about.aliases else ""
        lines.append(f"  {key}{aliases}")
        lines.append(f"      {about.says}")
        default = _default(getattr(kind, key)) + _other_defaults(about)
        lines.append(f"      type: {_type(about)}; allowed: {about.value.expected}; default: {default}")
        conditions = [words for words, _ in filter(None, (about.where, about.only))]
        only = f"; only where {', and '.join(conditions)}" if conditions else ""
        lines.append(f"      read by: {', '.join(about.kinds or ())}{only}")
    return "\n".join(lines) + "\n"


def _type(about: Option) -> str:
    return "Text" if type(about.value) is AnyText else type(about.value).__name__


def _other_defaults(about: Option) -> str:
    """The defaults of kinds, models and tasks that have one of their own."""
    names = {"task": "with a task"}
    texts = [f"{names.get(name, name)}: {_default(value)}" for name, value in about.defaults.items()]
    return f" ({', '.join(texts)})" if texts else ""


def _default(value: object) -> str:
    return "empty" if value == "" else str(value)
