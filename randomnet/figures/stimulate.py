"""Figures of kind = stimulate: rates of the groups with and without it, and what it changes."""

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.option_dependence import option_dependence_figures
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel, Responses

MOST_GROUPS = 11  # with a panel of their own
PANELS = (
    Panel("targets_change", "change of the targets'\nmean rate", zero=True),
    Panel("others_change", "change of the others'\nmean rate", zero=True),
    Panel("distance_end", "distance from control\nat the end (rms)", least=0.0),
)


def stimulation_dots(study: Study, ylabel: str | None) -> Figures:
    """What changes while it lasts, and what is left at the end, by label and against every gridded option."""
    yield from option_dependence_figures(study, "change", PANELS)


def response_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, combo, arrays in example_networks(study, "responses", "window"):
        yield stem, plotting.responses(_responses(combo, arrays), title)


def _responses(combo: Combo, arrays: dict[str, np.ndarray]) -> Responses:
    names = combo_texts.value_text(combo, "stimulation.units") or "all units"
    action = str(combo.get("stimulation.action"))
    change = np.abs(arrays["changed"] - arrays["control"]).max((1, 2))
    most = np.sort(np.argsort(-change, kind="stable")[:MOST_GROUPS])  # in the network's order
    return Responses(
        groups=arrays["groups"][most],
        of=len(change),
        times=arrays["times"],
        control=arrays["control"][most],
        changed=arrays["changed"][most],
        distance=arrays["distance"],
        window=(float(arrays["window"][0]), float(arrays["window"][1])),
        what=f"{names} {'silenced' if action == 'silence' else 'driven'}",
    )
