"""Which is closer to the edge of chaos, a network or its controls: by the coupling g at which chaos begins.

edge_sentences   the answer for each network with controls, its numbers, and what its p are

Of two networks, that which becomes chaotic at a smaller g is closer. One that does so beyond the grid, or nowhere, has
a rank among draws all the same; a study in which none does cannot tell.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from randomnet.comparison import significance
from randomnet.comparison.crossings import COUPLING, CurveSet, curve_sets, interval_of
from randomnet.comparison.headlines import capital, control_text, network_text
from randomnet.comparison.network_identity import FIXED, REDRAWN, origin
from randomnet.comparison.study import REFERENCE_VALUES, Study, canonical
from randomnet.comparison.transition import iteration_crossings, place

MOST_NETWORKS = 4
EQUAL = {"spectral_radius": "spectral radius", "abscissa": "spectral abscissa"}  # last step of a normalization


class Control(NamedTuple):
    """A control beside its network: g_c of both, those of single draws, and the p of their order.

    draws: crossings (n,), infinite outside the grid. p: None without a test. unit: draws or pairs.
    """

    name: str
    curves: CurveSet
    network: float
    draws: np.ndarray
    p: float | None
    smallest: float
    unit: str

    @property
    def order(self) -> int:
        """-1 where the network is closer to the edge, 1 where it is farther, 0 where the study cannot tell."""
        if self.p is None or self.p > significance.ALPHA:
            return 0
        return -1 if np.mean(self.draws > self.network) > np.mean(self.draws < self.network) else 1


def edge_sentences(study: Study) -> list[str]:
    """The answer, its numbers, and what its p are, for each network with controls; empty without any."""
    sentences = []
    for network, controls in list(_families(study))[:MOST_NETWORKS]:
        sentences += [_answer(network, controls), _numbers(network, controls), *_on_p(controls)]
    return sentences


def _families(study: Study) -> Iterator[tuple[CurveSet, list[Control]]]:
    """Each network with those of its folder that differ from it in one option of REFERENCE_VALUES alone."""
    sets = list(curve_sets(study))
    options = [name for name in study.varied if name.split(".")[-1] != COUPLING]
    values = [(curves.combos[0].label, *(canonical(curves.combos[0].get(name)) for name in options)) for curves in sets]
    for network, own in zip(sets, values, strict=True):
        controls = []
        for curves, others in zip(sets, values, strict=True):
            names = [name for name, a, b in zip(("", *options), own, others, strict=True) if a != b]
            reference = REFERENCE_VALUES.get(names[0].split(".")[-1]) if len(names) == 1 else None
            if reference is not None and canonical(network.combos[0].get(names[0])) == canonical(reference):
                controls.append(_control(control_text(names[0], str(curves.combos[0].get(names[0]))), network, curves))
        if controls:
            yield network, controls


def _control(name: str, network: CurveSet, curves: CurveSet) -> Control:
    origins = [origin(each.runs[each.runs["g"] == each.runs["g"].iloc[0]]) for each in (network, curves)]
    own, draws = place(network.estimate), iteration_crossings(curves.curves)
    if origins == [FIXED, REDRAWN]:
        n = len(draws)
        p = significance.rank_p(own, draws) if n else None
        return Control(name, curves, own, draws, p, significance.smallest_rank_p(n), "draws")
    if FIXED in origins:
        return Control(name, curves, own, draws, None, 1.0, "draws")
    _, *rows = np.intersect1d(network.curves.iterations, curves.curves.iterations, return_indices=True)
    a, b = iteration_crossings(network.curves)[rows[0]], draws[rows[1]]
    signs = (b > a).astype(float) - (b < a)  # so that g_c beyond the grid count as well
    p = significance.sign_flip_p(signs) if len(signs) > 1 else None
    return Control(name, curves, own, b, p, significance.smallest_sign_flip_p(len(signs)), "pairs")


def _answer(network: CurveSet, controls: Sequence[Control]) -> str:
    name = network_text(network.combos[0])
    if not any(np.isfinite(each.network) or np.isfinite(each.draws).any() for each in controls):
        nulls = " or any draw of ".join(_listed([each.name for each in controls]).rsplit(" and ", 1))
        return (f"The study cannot tell which is closer to the edge of chaos: over {_grid(network)} chaos begins "
                f"neither in {name} nor in any draw of {nulls}.")  # fmt: skip
    parts = []
    for order, text in ((-1, "is closer to the edge of chaos than"), (1, "is farther from the edge of chaos than"),
                        (0, "cannot be told apart in this from")):  # fmt: skip
        if names := [each.name for each in controls if each.order == order]:
            parts.append(f"{text} {_listed(names)}")
    return capital(f"{_condition(network, controls)}{name} {'; it '.join(parts)}.")


def _condition(network: CurveSet, controls: Sequence[Control]) -> str:
    """What is equal in all of them by their normalization, besides g."""
    chains = {str(combo.record.get("normalization")) for each in (network, *(one.curves for one in controls))
              for combo in each.combos}  # fmt: skip
    steps = {chain.split(" + ")[-1] for chain in chains}
    equal = EQUAL.get(steps.pop(), "") if len(steps) == 1 else ""
    return f"At equal {equal}, " if equal else ""


def _numbers(network: CurveSet, controls: Sequence[Control]) -> str:
    """Where chaos begins in the network and in each control, with intervals."""
    texts = [f"{_where(each.curves)} in {each.name} ({_evidence(each)})" for each in controls]
    return f"Chaos begins {_where(network)} in {network_text(network.combos[0])}; {', '.join(texts)}."


def _where(curves: CurveSet) -> str:
    estimate = curves.estimate
    if estimate.crossing is not None:
        return f"at g = {estimate.crossing:.3g}{interval_of(estimate)}"
    if not len(estimate.g):
        return "at no g, as activity is unbounded at all,"
    return f"below g = {estimate.g[0]:g}" if place(estimate) < 0 else f"nowhere up to g = {estimate.g[-1]:g}"


def _evidence(control: Control) -> str:
    """The p; and where some draws have no crossing, how many have one."""
    p = "one network of each kind: no p" if control.p is None else f"p = {control.p:.2g}"
    beyond = int(np.isposinf(control.draws).sum())
    known = f"; in {len(control.draws) - beyond} of {len(control.draws)} draws it does" if beyond else ""
    return f"{p}{known}" if control.curves.estimate.crossing is None else p


def _on_p(controls: Sequence[Control]) -> Iterator[str]:
    """What each p is of, and what a correction for several controls leaves."""
    tested = [each for each in controls if each.p is not None]
    if not tested:
        return
    n, unit, m = len(tested[0].draws), tested[0].unit, len(tested)
    of = "the network's rank in g_c among" if unit == "draws" else "the sign of the difference in g_c over"
    text = f"Each p is from {of} {n} {unit}"
    smallest = max(each.smallest for each in tested)
    needed = math.ceil(2 * m / significance.ALPHA - 1e-9) - 1 if unit == "draws" else significance.PAIRS_NEEDED
    if m * smallest > significance.ALPHA:
        first = f", which allow no p below {smallest:.2g}" if smallest > significance.ALPHA else ""
        more = f"; Holm's correction for {m} controls needs {needed}" if m > 1 else f"; 0.05 needs {needed}"
        yield f"{text}{first}{more if unit == 'draws' else ''}."
        return
    count = int((significance.holm(np.array([each.p for each in tested])) <= significance.ALPHA).sum())
    holm = f"; with Holm's correction for {m} controls, p is at most 0.05 in {count or 'none'}" if m > 1 else ""
    yield f"{text}{holm}."


def _grid(network: CurveSet) -> str:
    values = sorted(network.runs["g"].unique())
    return f"g = {values[0]:g} to {values[-1]:g}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
