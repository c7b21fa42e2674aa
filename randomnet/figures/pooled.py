"""Runs by label and by every option, all combos together."""

from collections.abc import Sequence

import numpy as np

from randomnet import plotting
from randomnet.comparison import matching
from randomnet.comparison.matching import Combo, Matched, Study, canonical, distinct
from randomnet.figures.runs import Figures, ended, pooled_series
from randomnet.plotting import Panel


def varied_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """The gridded options whose values differ among these combos."""
    return [option for option in study.varied if len(distinct(combos, option)) > 1]


def pooled_title(combos: Sequence[Combo], options: Sequence[str], said: str = "") -> str:
    """A title that says which options are pooled, after the task and what else is to be said."""
    together = f"all values of {' and '.join(options)} together" if options else ""
    return matching.titled(combos, ", ".join(filter(None, [said, together])))


def pooled_dots(
    study: Study, groups: Sequence[Matched], stem: str, panels: Sequence[Panel], said: str = "", boxes: bool = False
) -> Figures:
    """Runs by label, with all combos of these groups pooled, and by every option whose values differ among them."""
    combos = [combo for group in groups for combo in group.combos]
    series = pooled_series(study, combos)
    runs = ended(study, {(combo.label, combo.number): series[combo.label] for combo in combos})
    panels = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
    if not panels:
        return
    looks = list(series.values())
    texts = [one.text for one in looks]
    pooled = varied_options(study, combos)

    def title(options: Sequence[str]) -> str:
        return pooled_title(combos, options, said)

    shown = runs.assign(group=runs["series"])
    yield f"{stem}_by_label", plotting.dots(shown, panels, looks, texts, title=title(pooled), boxes=boxes)
    for option in pooled:
        names = matching.group_names(combos, option)
        values = {(combo.label, combo.number): canonical(combo.get(option)) for combo in combos}
        keys = zip(runs["label"], runs["number"], strict=True)
        shown = runs.assign(group=[names.get(values[key]) for key in keys])
        rest = title([other for other in pooled if other != option])
        yield f"{stem}_by_{option}", plotting.dots(shown, panels, looks, list(names.values()), xlabel=option,
                                                   title=rest, boxes=boxes)  # fmt: skip
