"""A schema: sections, options and their readers, from which an INI is read, checked and explained."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from randomnet.settings.option import Condition, Option, Section
from randomnet.settings.readers import Key, Reader
from randomnet.settings.values import Share


@dataclass(frozen=True)
class Text:
    """The text of one option, where it stood, and `section.key` as written where that is an earlier name.

    name: the key as written; empty where it was not in an INI or on the command line.
    """

    text: str
    origin: str
    earlier_name: str = ""
    name: str = ""


Texts = dict[Key, Text]
Values = Mapping[str, Mapping[str, Any]]  # section -> key -> parsed value, of written options


@dataclass(frozen=True)
class Schema:
    """All that the engine asks of the options.

    sections: in the order of the INI. options: by (section, key). readers: by name. reader_key: the option that names
    the reader. grid_key: the option that lists the grid. sample_key, count_key, seed_key: those with the laws of random
    values, the number of draws and their seed. zip_key: the option that names axes
    to pair. reserved: names that no axis of a grid may have. make: checked
    sections -> configuration. layers: written values -> names of layers of defaults, the first to apply first. adapt:
    configuration and written options -> adapted configuration and notes. contradiction: the first option that
    contradicts another and what was expected. unfold: one written option as those that it stands for. spell_out: all
    written options in the schema's own words. renamed: earlier names of options. common: keys of several sections that
    mean the same in all of them, so that an axis of a grid needs no section.
    """

    sections: Mapping[str, type[Section]]
    options: Mapping[Key, Option]
    readers: Mapping[str, Reader]
    reader_key: Key
    grid_key: Key
    sample_key: Key
    zip_key: Key
    count_key: Key
    seed_key: Key
    reserved: tuple[str, ...]
    make: Callable[[Mapping[str, Any]], Any]
    layers: Callable[[Values], list[str]]
    adapt: Callable[[Any, Collection[Key]], tuple[Any, tuple[str, ...]]]
    contradiction: Callable[[Any], tuple[Key, str] | None]
    unfold: Callable[[str, str, Text], Iterator[tuple[str, str]]]
    spell_out: Callable[[Texts], Texts]
    renamed: Mapping[Key, Key] = field(default_factory=dict)
    common: tuple[str, ...] = ()

    @cached_property
    def names(self) -> dict[Key, Key]:
        """(section, key, alias or earlier name) -> (section, key)."""
        current = {
            (section, name): (section, key)
            for (section, key), option in self.options.items()
            for name in (key, *option.aliases)
        }
        return {**self.renamed, **current}

    def names_in(self, section: str) -> list[str]:
        """Keys and aliases of a section, without earlier names."""
        return [name for owner, name in self.names if owner == section and (owner, name) not in self.renamed]

    def earlier_name(self, section: str, name: str) -> str:
        """`section.key` as written, where it is an earlier name of an option; else empty."""
        return f"{section}.{name.lower()}" if (section, name.lower()) in self.renamed else ""

    def earlier_names_of(self, key: Key) -> list[str]:
        """Earlier names of an option, each as `section.key`."""
        return [".".join(earlier) for earlier, current in self.renamed.items() if current == key]

    def default(self, key: Key) -> Any:
        """An option's own default."""
        return getattr(self.sections[key[0]](), key[1])

    def reader_of(self, config: Any) -> str:
        """The name of the configuration's reader."""
        return str(value_of(config, self.reader_key))

    def is_read(self, key: Key, config: Any) -> bool:
        """Whether a run with this configuration reads the option."""
        return self.reader_of(config) in self.options[key].readers and not unmet(self.options[key], config)

    def keys_read(self, config: Any) -> frozenset[Key]:
        """All options that a run with this configuration reads; each condition is asked once."""
        answers: dict[int, bool] = {}

        def holds(condition: Condition) -> bool:
            if id(condition) not in answers:
                answers[id(condition)] = bool(condition.holds(config))
            return answers[id(condition)]

        always, conditional = self._keys_of_reader[self.reader_of(config)]
        return always.union(key for key, conditions in conditional if all(map(holds, conditions)))

    @cached_property
    def _keys_of_reader(self) -> dict[str, tuple[frozenset[Key], list[tuple[Key, list[Condition]]]]]:
        """Reader -> the options that it always reads, and the others that it may read with their conditions."""
        found = {}
        for reader in self.readers:
            keys = {key: [condition for condition in (option.where, option.only) if condition]
                    for key, option in self.options.items() if reader in option.readers}  # fmt: skip
            always = frozenset(key for key, conditions in keys.items() if not conditions)
            found[reader] = always, [(key, conditions) for key, conditions in keys.items() if conditions]
        return found


def value_of(config: Any, key: Key) -> Any:
    """The value of an option."""
    return getattr(getattr(config, key[0]), key[1])


def unmet(option: Option, config: Any) -> str:
    """The first condition, in words, for which the option is not read; '' where there is none."""
    conditions = [condition for condition in (option.where, option.only) if condition]
    return next((words for words, holds in conditions if not holds(config)), "")


def plain(value: Any) -> Any:
    """A parsed value as JSON has it."""
    if isinstance(value, Share):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def assemble(sections: Mapping[str, type[Section]], readers: Mapping[str, Reader]) -> dict[Key, Option]:
    """Every option by (section, key), with its readers and their defaults, in the order of the INI.

    Raises ValueError where a reader reads or sets a default of an option that there is not.
    """
    options = {
        (section, entry.name): dataclasses.replace(entry.metadata["option"], where=kind.where)
        for section, kind in sections.items()
        for entry in dataclasses.fields(kind)  # type: ignore[arg-type]
    }
    for reader in readers.values():
        _check(reader, sections, options)
    return {key: _assembled(key, option, readers.values()) for key, option in options.items()}


def _check(reader: Reader, sections: Mapping[str, type[Section]], options: Mapping[Key, Option]) -> None:
    named = [(section, key) for section, keys in reader.reads.items() for key in keys.names]
    layers = (reader.defaults, *reader.choice_defaults.values())
    defaults = [key_of(name) for layer in layers for name in layer]
    for section in reader.reads:
        if section not in sections:
            raise ValueError(f"{reader.name}: expected sections of the INI, got [{section}]")
    for section, key in (*named, *defaults, *reader.rules):
        if (section, key) not in options:
            raise ValueError(f"{reader.name}: expected options of the INI, got {section}.{key}")


def key_of(name: str) -> Key:
    """(section, key) of `section.key`."""
    section, _, key = name.partition(".")
    return section, key


def _assembled(key: Key, option: Option, readers: Collection[Reader]) -> Option:
    section, name = key
    defaults = dict(option.defaults)
    for reader in readers:
        for layer, values in {reader.name: reader.defaults, **reader.choice_defaults}.items():
            if f"{section}.{name}" in values:
                defaults[layer] = values[f"{section}.{name}"]
    names = tuple(reader.name for reader in readers if name in reader.reads.get(section, ()))
    return dataclasses.replace(option, readers=names, defaults=defaults)
