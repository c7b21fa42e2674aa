"""Which is closer to the edge of chaos, a network or its controls: by the coupling g at which chaos begins.

edge_families    each network with its controls
edge_sentences   the answer for each of these, its numbers, and what its p are

Of two networks, that which becomes chaotic at a smaller g is closer. One that does so beyond the grid, or nowhere, has
a rank among draws all the same; a study in which none does cannot tell.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.crossings import COUPLING, CurveSet, curve_sets, interval_of
from randomnet.comparison.headlines import capital, control_text, network_text
from randomnet.comparison.network_identity import origin
from randomnet.comparison.order_tests import OrderTest, listed, on_p, order_test, orders_text, p_text
from randomnet.comparison.study import REFERENCE_VALUES, Study, canonical
from randomnet.comparison.transition import iteration_crossings, place

MOST_NETWORKS = 4
EQUAL = {"spectral_radius": "spectral radius", "abscissa": "spectral abscissa"}  # last step of a normalization


class Control(NamedTuple):
    """The curves of a control, the crossings of its single networks, infinite outside the grid, and its test."""

    curves: CurveSet
    crossings: pd.Series
    test: OrderTest


def edge_sentences(study: Study) -> list[str]:
    """The answer, its numbers, and what its p are, for each network with controls; empty without any."""
    sentences = []
    for network, controls in list(edge_families(study))[:MOST_NETWORKS]:
        sentences += [_answer(network, controls), _numbers(network, controls)]
        sentences += on_p([control.test for control in controls.values()], "g_c")
    return sentences


def edge_families(study: Study) -> Iterator[tuple[CurveSet, dict[str, Control]]]:
    """Each network with those of its folder that differ from it in one option of REFERENCE_VALUES alone."""
    sets = list(curve_sets(study))
    options = [name for name in study.varied if name.split(".")[-1] != COUPLING]
    values = [(curves.combos[0].label, *(canonical(curves.combos[0].get(name)) for name in options)) for curves in sets]
    for network, values_of_network in zip(sets, values, strict=True):
        controls = {}
        for curves, others in zip(sets, values, strict=True):
            names = [name for name, a, b in zip(("", *options), values_of_network, others, strict=True) if a != b]
            reference = REFERENCE_VALUES.get(names[0].split(".")[-1]) if len(names) == 1 else None
            if reference is not None and canonical(network.combos[0].get(names[0])) == canonical(reference):
                controls[control_text(names[0], str(curves.combos[0].get(names[0])))] = _control(network, curves)
        if controls:
            yield network, controls


def _control(network: CurveSet, curves: CurveSet) -> Control:
    origins = [origin(each.runs[each.runs["g"] == each.runs["g"].iloc[0]]) for each in (network, curves)]
    crossings = [pd.Series(iteration_crossings(each.curves), each.curves.iterations) for each in (network, curves)]
    return Control(curves, crossings[1], order_test(origins, place(network.estimate), *crossings))


def _answer(network: CurveSet, controls: Mapping[str, Control]) -> str:
    name = network_text(network.combos[0])
    curves = [network, *(control.curves for control in controls.values())]
    begins = [np.isfinite(place(each.estimate)) for each in curves]
    if not any(begins) and not any(np.isfinite(control.crossings).any() for control in controls.values()):
        g = sorted(network.runs["g"].unique())
        return (f"The study cannot tell which is closer to the edge of chaos: over g = {g[0]:g} to {g[-1]:g} chaos "
                f"begins neither in {name} nor in any draw of {listed(list(controls), 'or')}.")  # fmt: skip
    tests = {each: control.test for each, control in controls.items()}
    answer = orders_text(tests, "is closer to the edge of chaos than", "is farther from the edge of chaos than",
                         "cannot be told to be closer to the edge of chaos or farther than")  # fmt: skip
    return capital(f"{_condition(curves)}{name} {answer}.")


def _condition(curves: list[CurveSet]) -> str:
    """What is equal in all of them by their normalization, besides g."""
    chains = [str(combo.record.get("normalization")) for each in curves for combo in each.combos]
    steps = {chain.split(" + ")[-1] for chain in chains}
    equal = EQUAL.get(steps.pop(), "") if len(steps) == 1 else ""
    return f"at equal {equal}, " if equal else ""


def _numbers(network: CurveSet, controls: Mapping[str, Control]) -> str:
    """Where chaos begins in the network and in each control, with intervals."""
    texts = [f"{_where(control.curves)} in {name} ({_evidence(control)})" for name, control in controls.items()]
    return f"Chaos begins {_where(network)} in {network_text(network.combos[0])}; {', '.join(texts)}."


def _where(curves: CurveSet) -> str:
    estimate = curves.estimate
    if estimate.crossing is not None:
        return f"at g = {estimate.crossing:.3g}{interval_of(estimate)}"
    if not len(estimate.g):
        return "at no g, as activity is unbounded,"
    return f"below g = {estimate.g[0]:g}" if place(estimate) < 0 else f"nowhere up to g = {estimate.g[-1]:g}"


def _evidence(control: Control) -> str:
    """The p; and where the medians have no crossing, how many draws have one."""
    count, n = int((control.crossings < np.inf).sum()), len(control.crossings)
    known = f"; in {count} of {n} networks it does" if count and control.curves.estimate.crossing is None else ""
    return f"{p_text(control.test)}{known}"
