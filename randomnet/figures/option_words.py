"""Names of options in words, for axes, legends and titles of a study.

option_words   an option in words
option_label   the same with its unit, for an axis
short_name     an option without its section
time_unit      unit of times of several combos
"""

from collections.abc import Sequence

from randomnet.comparison.study import ABSENT, Combo
from randomnet.plotting.option_words import words

LABEL = "label"  # stands for the results folder, as an option does for its values


def short_name(option: str) -> str:
    """An option's name without its section."""
    return option.split(".")[-1]


def option_words(option: str, combos: Sequence[Combo] = ()) -> str:
    """An option in words, with the unit of times of these combos."""
    return words(option, time_unit(combos))


def option_label(combos: Sequence[Combo], option: str, percent: bool = False) -> str:
    """An option in words with its unit, if it has one. percent: whether its values are percentages."""
    return f"{option_words(option, combos)} (%)" if percent else option_words(option, combos)


def time_unit(combos: Sequence[Combo]) -> str:
    """Unit of times in the experiments' settings; τ if they do not state one, or differ."""
    units = {str(unit) for combo in combos if (unit := combo.get("dynamics.time_unit")) is not ABSENT}
    return units.pop() if len(units) == 1 else "τ"
