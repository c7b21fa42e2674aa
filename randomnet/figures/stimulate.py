"""Figures of kind = stimulate: rates of the groups with and without stimulation, and its effects."""

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.option_dependence import option_dependence_figures
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel, Responses

MOST_GROUPS = 11  # groups with a panel of their own, at most
PANELS = (
    Panel("targets_change", "change of the targets'\nmean rate", zero=True),
    Panel("others_change", "change of the others'\nmean rate", zero=True),
    Panel("distance_end", "distance from control\nat the end (rms)", least=0.0),
)


def stimulation_dots(study: Study, ylabel: str | None) -> Figures:
    """Changes during and after stimulation, by label and against every gridded option."""
    yield from option_dependence_figures(study, "change", PANELS)


def response_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, combo, arrays in example_networks(study, "responses", "window"):
        yield stem, plotting.responses(_responses(combo, arrays), title)


def _responses(combo: Combo, arrays: dict[str, np.ndarray]) -> Responses:
    units = combo_texts.value_text(combo, "stimulation.units") or "all units"
    action = str(combo.get("stimulation.action"))
    change = np.abs(arrays["changed"] - arrays["control"]).max((1, 2))
    drawn = np.sort(np.argsort(-change, kind="stable")[:MOST_GROUPS])  # in the network's order
    return Responses(
        groups=arrays["groups"][drawn],
        of=len(change),
        times=arrays["times"],
        control=arrays["control"][drawn],
        changed=arrays["changed"][drawn],
        distance=arrays["distance"],
        window=(float(arrays["window"][0]), float(arrays["window"][1])),
        what=f"{units} {'silenced' if action == 'silence' else 'driven'}",
    )
