"""The stages of a pipeline as an INI lists them.

    stages     train: config/flip_flop.ini, record: config/record.ini, gru: config/fit_gru.ini
    set        train trainvalidate.epochs = 100, gru inference.hidden_size = 32

Entries stand on lines of their own, or with commas between them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from randomnet.settings.values import Value

NAME = r"[A-Za-z0-9][\w-]*"


class Chosen(NamedTuple):
    """A stage and the INI that it is written in, or an option of it: section.key=value."""

    stage: str
    text: str

    def __str__(self) -> str:
        return f"{self.stage} {self.text}" if "=" in self.text else f"{self.stage}: {self.text}"


class Chain(tuple[Chosen, ...]):
    """Stages, or their options, in the order written."""

    def __str__(self) -> str:
        return ", ".join(map(str, self)) or "none"


@dataclass(frozen=True)
class StageList(Value):
    """`name: file, name: file`, each name once; the names become folders."""

    lines = True

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "stages and their INI files, such as train: config/flip_flop.ini, record: config/record.ini"

    def parse(self, text: str) -> Any:
        """The stages. Raises ValueError."""
        if text == "none":
            return Chain()
        entries = [re.fullmatch(rf"({NAME})\s*:\s*(\S.*)", part.strip()) for part in text.split(",")]
        known = [entry for entry in entries if entry]
        if len({entry[1] for entry in known}) < len(entries):
            raise ValueError("not stages")
        return Chain(Chosen(entry[1], entry[2].strip()) for entry in known)

    def with_paths(self, text: str, place: Callable[[str], str]) -> str:
        """The text with `place` of each stage's INI."""
        entry = rf"({NAME}\s*:\s*)(\S[^,\n]*?)(?=\s*(?:,|\n|$))"
        return re.sub(entry, lambda found: found[1] + place(found[2]), text)


@dataclass(frozen=True)
class SettingList(Value):
    """`name section.key = value, ...`; a comma is part of a value unless another entry follows it."""

    lines = True

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "options of stages, such as train trainvalidate.epochs = 100, gru inference.hidden_size = 32"

    def parse(self, text: str) -> Any:
        """The settings. Raises ValueError."""
        if text == "none":
            return Chain()
        one = rf"({NAME})\s+(\w+\.\w+)\s*=\s*"
        entries = [re.fullmatch(one + r"(\S.*|)", part.strip()) for part in re.split(rf",\s*(?={one})", text)[::3]]
        known = [entry for entry in entries if entry]
        if len(known) < len(entries):
            raise ValueError("not options")
        return Chain(Chosen(entry[1], f"{entry[2]}={entry[3].strip()}") for entry in known)
