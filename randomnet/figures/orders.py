"""Overviews that answer which comes first, a network or its controls, in a quantity that some runs do not reach.

edge_overview       the coupling at which chaos begins, and then exponent, dimension and entropy rate over g
learning_overview   the epochs to a criterion, and then accuracy, loss and exponent
"""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.crossings import CurveSet
from randomnet.comparison.edge_of_chaos import edge_families
from randomnet.comparison.headlines import network_text
from randomnet.comparison.learning import Epochs, criterion_of
from randomnet.comparison.order_tests import OrderTest, p_text
from randomnet.comparison.study import Study
from randomnet.comparison.transition import iteration_crossings, place
from randomnet.figures.overviews import OVERVIEW, of_task_training, overview_figures
from randomnet.figures.runs import Figures
from randomnet.figures.transition import transition_overview
from randomnet.plotting import OrderRow, needs_log_axis

OTHERS = "quantities"  # stem of the overview of all quantities, where another one comes first


def _after(first: Figure | None, others: Figures) -> Figures:
    """The figure that answers the question as the overview, and the others after it under another name."""
    if first is not None:
        yield OVERVIEW, first
    for stem, figure in others:
        yield stem.replace(OVERVIEW, OTHERS, 1) if first is not None else stem, figure


def edge_overview(study: Study, ylabel: str | None) -> Figures:
    """The g at which chaos begins in the one network of a study and in its controls, and the quantities over g."""
    yield from _after(_edge(study), transition_overview(study, ylabel))


def _edge(study: Study) -> Figure | None:
    families = list(edge_families(study))
    if len(families) != 1:
        return None
    ((network, controls),) = families
    rows = [_edge_row(network_text(network.combos[0]), network, None)]
    rows += [_edge_row(name, control.curves, control.test) for name, control in controls.items()]
    g = np.array(sorted(network.runs["g"].unique()))
    title = f"{combo_texts.legend_text(network.combos[0].label, [network.combos[0].connectome])}, where chaos begins"
    return plotting.orders(rows, "coupling g at which the largest exponent becomes positive", (g[0], g[-1]),
                           (f"below\n{g[0]:g}", f"not up\nto {g[-1]:g}"), title, needs_log_axis(g))  # fmt: skip


def _edge_row(name: str, curves: CurveSet, test: OrderTest | None) -> OrderRow:
    estimate, values = curves.estimate, iteration_crossings(curves.curves)
    return OrderRow(name, values, place(estimate), estimate.low, estimate.high, _text(len(values), curves.over, test))


def _text(n: int, over: str, test: OrderTest | None) -> str:
    return f"n = {n} {over}" if test is None else f"n = {n} {over}, {p_text(test)}"


def learning_overview(study: Study, ylabel: str | None) -> Figures:
    """The epochs to the criterion of the one network of a study and of its controls, and the other quantities."""
    others = partial(overview_figures, quantities=of_task_training, has_courses=True)
    yield from _after(_learning(study), others(study, ylabel))


def _learning(study: Study) -> Figure | None:
    criterion = criterion_of(study)
    if criterion is None:
        return None
    rows = [_epochs_row(network_text(criterion.combo), criterion.network)]
    rows += [_epochs_row(name, epochs) for name, epochs in criterion.controls.items()]
    label = f"epochs until the validation loss is below {criterion.loss:g}"
    title = combo_texts.legend_text(criterion.combo.label, [criterion.combo.connectome])
    outside = "", f"not by\n{criterion.last}"
    return plotting.orders(rows, label, (0, criterion.last), outside, f"{title}, how fast it learns")


def _epochs_row(name: str, epochs: Epochs) -> OrderRow:
    return OrderRow(name, epochs.values.to_numpy(), epochs.median, *epochs.interval,
                    _text(len(epochs.values), epochs.over, epochs.test))  # fmt: skip
