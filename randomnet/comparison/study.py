"""The combos of several results folders and their runs, in memory.

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
ALL = "all runs"  # the name of a combo where nothing is varied
LOSS = "trainvalidate.loss"
TASK = "trialparams.task_name"
REFERENCE_VALUES = {"null": "none", "random_w": False}  # options of which every other value is a control of this one
ASIDE = ("experiment.", "paths.", "execution.")  # sections that say nothing of the science; seeds have their own line


@dataclass(frozen=True)
class Combo:
    """One combo of one results folder; `place` is the folder's number and so its colour."""

    label: str
    place: int
    number: int
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    connectome: str
    loaded: Loaded
    task: Mapping[str, Any] = field(default_factory=dict)  # of a working-memory experiment: name, source, synthetic

    @property
    def loss(self) -> str:
        """What is minimised: the name of the loss, or of the task where the task is the loss; empty if unknown."""
        loss = self.get(LOSS)
        loss = self.get(TASK) if "task" in str(loss).casefold() else loss  # losses shown are the task's own part
        return "" if loss is ABSENT else str(loss)

    @property
    def record(self) -> Mapping[str, Any]:
        """What the manifest says of its connectome; empty where that is nothing."""
        entries = self.loaded.manifest["combos"]
        return next((entry.get("connectome") or {} for entry in entries if entry["combo"] == self.number), {})

    def get(self, option: str) -> Any:
        """The value of an option, by its full or its short name, gridded or not; ABSENT where none or several are."""
        for source in (self.values, self.settings):
            names = [option] if option in source else [name for name in source if same_option(name, option)]
            if names:
                return source[names[0]] if len(names) == 1 else ABSENT
        return ABSENT


class ComboGroup(NamedTuple):
    """The combos, of all folders, that have the same values of the shared options."""

    key: str  # for the table: lr=0.1, nle=5%
    title: str  # for people: lr = 0.1, nle = 5%
    combos: list[Combo]


@dataclass(frozen=True)
class Study:
    """All that was asked for, in memory.

    shared:  the options that all folders vary; varied: those that any does.
    runs:    one row per planned run, see table_of_runs.
    labels:  of all folders, also of those of which no combo is left.
    """

    groups: list[ComboGroup]
    shared: tuple[str, ...]
    varied: tuple[str, ...]
    runs: pd.DataFrame
    labels: tuple[str, ...]

    @property
    def combos(self) -> list[Combo]:
        """Of all folders."""
        return [combo for group in self.groups for combo in group.combos]


def canonical(value: Any) -> Any:
    """What two values must agree in to be the same: 0.1, "0.10" and 1e-1 are, and so are True and "true"."""
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    try:
        return ("%", float(text[:-1])) if text.endswith("%") else float(text)
    except ValueError:
        return text


def same_option(one: str, other: str) -> bool:
    """Whether two names are one option, of which one is given without its section."""
    return one.split(".")[-1] == other.split(".")[-1] and (one == other or "." not in one or "." not in other)


def distinct_values(combos: Sequence[Combo], option: str) -> list[str]:
    """The different values of an option: numbers in their order, then texts as the grids list them."""
    found = {canonical(value): str(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
    texts = [key for key in found if isinstance(key, str)]
    numbers = sorted(set(found) - set(texts), key=lambda key: (str(type(key)), key))  # shares have keys of their own
    return [found[key] for key in (*numbers, *texts)]
