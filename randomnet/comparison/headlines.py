"""The quantity that a study is about, and the options by which its values are not the same quantity.

Headline              a column that answers the question of a kind
incomparable_options  options by which losses of combos are different quantities
network_text, control_text   what a network and its control are called
capital, is_number    helpers of sentences
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from randomnet.comparison.study import ABSENT, LOSS, TASK, Combo, canonical

TRIALS = "trialparams."
DATA = (TRIALS, "source.")  # beginnings of settings that decide what the loss of one run is of
TRAINING_ONLY = ("one_task_batches", "ramp_epochs", "resampled_input_noise")  # settings of TRIALS that are of training
INCOMPARABLE = (TASK, LOSS, "lyapunov.target", "lyapunov.nle")  # losses of their values are different quantities

NAMES_OF_CONTROLS = {"null": "its {value} null", "random_w": "its shuffled weights"}


class Headline(NamedTuple):
    """A column that answers the question of a kind.

    best: whether its first end, the lowest or the highest, is the better one. before: column of the same quantity of
    the untrained networks.
    """

    column: str
    words: str
    lowest_first: bool = True
    best: bool = True
    before: str = ""


def incomparable_options(combos: Sequence[Combo], of_data: bool = False) -> list[str]:
    """The options by which losses of these combos are not the same quantity. of_data: whether trials count as well."""
    names = [name for combo in combos for name in combo.settings if name.startswith(DATA) and of_data]
    names = [name for name in dict.fromkeys(names) if name.removeprefix(TRIALS) not in TRAINING_ONLY]
    values = {option: {canonical(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
              for option in dict.fromkeys((*INCOMPARABLE, *names))}  # fmt: skip
    return [option for option, different in values.items() if len(different) > 1]


def network_text(combo: Combo) -> str:
    """What the network of a combo is called, such as `the synthetic connectome EB`."""
    record = combo.record
    synthetic = "synthetic" if record.get("synthetic") else ""
    return " ".join(filter(None, ["the", synthetic, "connectome", record.get("name")]))


def control_text(option: str, value: str) -> str:
    """What the control with this value of an option is called."""
    return NAMES_OF_CONTROLS.get(option.split(".")[-1], "{value}").format(value=value.replace("_", " "))


def capital(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def is_number(value: Any) -> bool:
    """Whether a value of a table is there and finite."""
    return value is not None and bool(np.isfinite(float(value)))
