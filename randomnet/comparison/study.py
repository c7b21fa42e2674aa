"""The combos of several results folders and their runs, in memory.

Arrangement      what a user asks of the layout of figures
Combo            one combo of one results folder
ComboGroup       combos of all folders with equal values of the shared options
Study            all groups and their runs
canonical        a value in the form in which equal values are equal
distinct_values  the different values of an option
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from randomnet.results import Loaded

ABSENT = object()
ALL = "all runs"  # name of a combo if no option is varied
LOSS = "trainvalidate.loss"
TASK = "trialparams.task_name"
REFERENCE_VALUES = {
    "null": "none",
    "random_w": False,
}  # option -> value of the network; other values are controls
TECHNICAL_SECTIONS = (
    "experiment.",
    "paths.",
    "execution.",
)  # sections without scientific settings


class Arrangement(NamedTuple):
    """Options that a user puts on the x axis, in colours and in panels, and those over which means may be taken."""

    x: str = ""
    colour: str = ""
    panels: str = ""
    pool: tuple[str, ...] = ()


BY_ITSELF = Arrangement()


@dataclass(frozen=True)
class Combo:
    """One combo of one results folder.

    colour: the folder's index, which is the number of its colour. task: name, source and whether synthetic, for a
    training on a task; else empty.
    """

    label: str
    colour: int
    number: int
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    connectome: str
    loaded: Loaded
    task: Mapping[str, Any] = field(default_factory=dict)

    @property
    def loss(self) -> str:
        """Name of the minimised loss, or of the task if the task is the loss; empty if unknown."""
        name = self.get(LOSS)
        name = self.get(TASK) if "task" in str(name).casefold() else name  # figures show the task's part of a loss
        return "" if name is ABSENT else str(name)

    @property
    def record(self) -> Mapping[str, Any]:
        """What the manifest records on the combo's connectome; empty without a record."""
        entries = self.loaded.manifest["combos"]
        return next((entry.get("connectome") or {} for entry in entries if entry["combo"] == self.number), {})

    def get(self, option: str) -> Any:
        """Value of an option by its full or short name, gridded or not; ABSENT if no option, or several, match."""
        for source in (self.values, self.settings):
            names = [option] if option in source else [name for name in source if same_option(name, option)]
            if names:
                return source[names[0]] if len(names) == 1 else ABSENT
        return ABSENT


class ComboGroup(NamedTuple):
    """Combos of all folders with equal values of the shared options."""

    key: str  # for tables: lr=0.1, nle=5%
    title: str  # for titles: lr = 0.1, nle = 5%
    combos: list[Combo]


@dataclass(frozen=True)
class Study:
    """All results folders of one comparison, in memory.

    groups: matched combos. shared: options that all folders vary; varied: those that any folder varies. runs: one row
    per planned run, see table_of_runs. labels: of all folders, including those without any remaining combo.
    arrangement: the layout of figures, as far as the user asks for one.
    """

    groups: list[ComboGroup]
    shared: tuple[str, ...]
    varied: tuple[str, ...]
    runs: pd.DataFrame
    labels: tuple[str, ...]
    arrangement: Arrangement = BY_ITSELF

    @property
    def combos(self) -> list[Combo]:
        """The combos of all folders."""
        return [combo for group in self.groups for combo in group.combos]


def canonical(value: Any) -> Any:
    """A value in a form in which equal values are equal: 0.1, "0.10" and 1e-1; True and "true"; 5% and "5%"."""
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    try:
        return ("%", float(text[:-1])) if text.endswith("%") else float(text)
    except ValueError:
        return text


def same_option(first: str, second: str) -> bool:
    """Whether two names mean one option, of which one may be without its section."""
    return first.split(".")[-1] == second.split(".")[-1] and (first == second or "." not in first or "." not in second)


def distinct_values(combos: Sequence[Combo], option: str) -> list[str]:
    """The different values of an option: numbers in ascending order, then texts in the grids' order."""
    text_of = {canonical(value): str(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
    texts = [key for key in text_of if isinstance(key, str)]
    numbers = sorted(set(text_of) - set(texts), key=lambda key: (str(type(key)), key))  # percentages are pairs
    return [text_of[key] for key in (*numbers, *texts)]
