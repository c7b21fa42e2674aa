"""Which learns faster, a network or its controls: epochs until the loss is below trainvalidate.stop_below.

criterion_of        the network of a study with its controls, and the epochs of all their runs
learning_sentences  the answer, its numbers, and what its p are

Runs that end before their loss is below it are censored: their epochs are infinite, and have an order all the same.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.controls import families, runs_of_combos
from randomnet.comparison.headlines import capital, control_text, network_text
from randomnet.comparison.intervals import median_interval
from randomnet.comparison.loss_minima import CRITERION, EPOCHS_TO
from randomnet.comparison.network_identity import SAME, origin, source_of_variation
from randomnet.comparison.order_tests import OrderTest, listed, on_p, order_test, orders_text, p_text
from randomnet.comparison.study import Combo, Study
from randomnet.results import COMPLETE


class Epochs(NamedTuple):
    """Epochs of the runs of a combo by iteration, infinite where the loss stays above, and their median with interval.

    over: what the runs differ in. test: of the order of the network and this control; None for the network.
    """

    values: pd.Series
    over: str
    test: OrderTest | None = None

    @property
    def median(self) -> float:
        """The median; infinite where half of the runs stay above."""
        ordered = np.sort(self.values.to_numpy(dtype=float))
        return float(ordered[len(ordered) // 2]) if len(ordered) else np.nan  # of two middle ones the later

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the median at 95 %; nan for fewer than 6 runs."""
        return median_interval(self.values.to_numpy(dtype=float))

    @property
    def reached(self) -> int:
        """How many runs are below."""
        return int(np.isfinite(self.values).sum())


class Criterion(NamedTuple):
    """A network and its controls. loss: the criterion. last: the number of epochs after which runs are censored."""

    combo: Combo
    loss: float
    last: int
    network: Epochs
    controls: Mapping[str, Epochs]


def criterion_of(study: Study) -> Criterion | None:
    """The one network of a study and its controls; None without a criterion, and where other options vary."""
    if EPOCHS_TO not in study.runs or not study.runs[EPOCHS_TO].notna().any():
        return None
    family = next(iter(families(study)), None)
    if family is None or len(family.network) != 1 or any(len(combos) != 1 for combos in family.controls.values()):
        return None
    combo = family.network[0]
    network, runs = _epochs(study, combo)
    controls = {}
    for name, (control,) in family.controls.items():
        values, others = _epochs(study, control)
        option, _, value = name.partition("=")
        text = control_text(option, value) if value else name
        origins = [origin(each) for each in (runs, others)]
        test = order_test(origins, network.median, network.values, values.values)
        controls[text] = values._replace(test=test)
    last = max(int(float(each.get("trainvalidate.epochs"))) for each in family.combos)
    return Criterion(combo, float(combo.get(CRITERION)), last, network, controls)


def _epochs(study: Study, combo: Combo) -> tuple[Epochs, pd.DataFrame]:
    runs = runs_of_combos(study.runs, [combo])
    complete = runs[(runs["status"] == COMPLETE) & runs[EPOCHS_TO].notna()]
    return Epochs(complete.set_index("iteration")[EPOCHS_TO].astype(float), _over(runs)), runs


def _over(runs: pd.DataFrame) -> str:
    """What the trainings of a combo differ in."""
    over = source_of_variation(runs)
    return "trainings of the same network" if over == SAME else over


def learning_sentences(study: Study) -> list[str]:
    """The answer, its numbers, and what its p are; empty without a criterion or without controls."""
    criterion = criterion_of(study)
    if criterion is None:
        return []
    name, loss = network_text(criterion.combo), f"a validation loss below {criterion.loss:g}"
    every = [criterion.network, *criterion.controls.values()]
    if not any(each.reached for each in every):
        return [f"The study cannot tell which learns faster: within {criterion.last} epochs no run of {name} or of "
                f"{listed(list(criterion.controls), 'or')} has {loss}."]  # fmt: skip
    tests = {name: each.test for name, each in criterion.controls.items() if each.test}
    unknown = "cannot be told to learn faster or more slowly than"
    answer = orders_text(tests, "learns faster than", "learns more slowly than", unknown)
    texts = [f"{_when(each)} in {control} ({p_text(each.test)})" for control, each in criterion.controls.items()
             if each.test]  # fmt: skip
    numbers = f"Epochs to {loss}, as the median over runs: {_when(criterion.network)} in {name}; {', '.join(texts)}."
    return [f"{capital(name)} {answer}.", numbers, *_censored(criterion), *on_p(list(tests.values()), "epochs")]


def _when(epochs: Epochs) -> str:
    """The median with its interval, or that half of the runs have none."""
    low, high = epochs.interval
    end = f"{high:g}" if np.isfinite(high) else "later than all"
    interval = f" [{low:g}, {end}]" if np.isfinite(low) else ""
    if not np.isfinite(epochs.median):
        return f"not reached by half of the runs (by {epochs.reached} of {len(epochs.values)})"
    return f"{epochs.median:g}{interval}"


def _censored(criterion: Criterion) -> list[str]:
    """How many runs ended before they were below."""
    every = {network_text(criterion.combo): criterion.network, **criterion.controls}
    counts = [f"{lost} of {len(each.values)} of {name}" for name, each in every.items()
              if (lost := len(each.values) - each.reached)]  # fmt: skip
    if not counts:
        return []
    return [f"Of the runs, {listed(counts)} ended after {criterion.last} epochs without it: later than all others."]
