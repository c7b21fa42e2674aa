"""Who reads which options: one record for each reader, such as an experiment kind."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from randomnet.settings.option import Section

Key = tuple[str, str]
Rule = Callable[[Any, Collection[Key]], Any]  # configuration and written options -> the value that fits, or None
Reason = Callable[[Any], str]
Rules = Mapping[Key, tuple[Rule, Reason]]
Check = Callable[[Any], "tuple[Key, str] | None"]  # configuration -> the contradicting option and what was expected


@dataclass(frozen=True)
class Keys:
    """Keys of one section: those named, or all but those named."""

    names: tuple[str, ...]
    excluded: bool = False

    def __contains__(self, key: object) -> bool:
        return (key in self.names) != self.excluded


ALL = Keys((), excluded=True)


def only(*names: str) -> Keys:
    """These keys of a section."""
    return Keys(names)


def all_but(*names: str) -> Keys:
    """All keys of a section but these."""
    return Keys(names, excluded=True)


@dataclass(frozen=True)
class Reader:
    """One reader of options.

    text: one sentence. reads: section -> keys that it reads. sections: sections that it brings along, by name.
    defaults: its defaults by `section.key`, where they differ from the option's own; choice: an option of its own,
    `section.key`, and choice_defaults: for values of that option further defaults by `section.key`. rules: defaults
    that follow other options. checks: contradictions between its options. roles: what it does, for conditions of
    options that several readers share. module: where its `KIND` is; empty for one that does no runs of its own.
    """

    name: str
    text: str
    reads: Mapping[str, Keys]
    sections: Mapping[str, type[Section]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    choice: str = ""
    choice_defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Rules = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    roles: tuple[str, ...] = ()
    module: str = ""
