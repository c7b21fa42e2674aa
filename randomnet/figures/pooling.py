"""Runs by label and by every option; no mean is of several values of an option."""

from collections.abc import Iterator, Sequence

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.controls import option_values, values_text
from randomnet.comparison.study import ABSENT, REFERENCE_VALUES, Combo, ComboGroup, Study, canonical, distinct_values
from randomnet.figures.runs import Figures, ended, label_series
from randomnet.plotting import Panel, Series

MOST_SERIES = 8  # of one figure, which colours tell apart
Looks = dict[tuple[str, int], Series]  # of each combo, by label and number


def varied_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """The gridded options whose values differ among these combos."""
    return [option for option in study.varied if len(distinct_values(combos, option)) > 1]


def pooling_title(combos: Sequence[Combo], options: Sequence[str], said: str = "") -> str:
    """A title that says which options are pooled, after the task and what else is to be said."""
    together = f"all values of {' and '.join(options)} together" if options else ""
    return combo_texts.title_with_task(combos, ", ".join(filter(None, [said, together])))


def dot_plots_by_option(
    study: Study, groups: Sequence[ComboGroup], stem: str, panels: Sequence[Panel], said: str = "", boxes: bool = False
) -> Figures:
    """Runs of these groups by label where there are several, and by every option whose values differ among them.

    Colours tell all other options apart. Where these are too many, each set of their values has a figure of its own.
    """
    combos = [combo for group in groups for combo in group.combos]
    options = varied_options(study, combos)
    labels = label_series(study, combos)
    for option in [*[None] * (len(labels) > 1 or not options), *options]:
        others = [other for other in options if other != option]
        if option is None:
            names = {label: one.text for label, one in labels.items()}
            places = {(combo.label, combo.number): names[combo.label] for combo in combos}
        else:
            names = combo_texts.value_names(combos, option)
            places = {(combo.label, combo.number): names.get(canonical(combo.get(option))) for combo in combos}
        for text, shared, looks in _figures_of(study, combos, others, by_label=option is not None or not others):
            runs = ended(study, looks)
            runs = runs.assign(group=[places[key] for key in zip(runs["label"], runs["number"], strict=True)])
            shown = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
            if shown:
                name = "_".join([stem, f"by_{option or 'label'}", *[text] * bool(text)])
                title = combo_texts.title_with_task(combos, ", ".join(filter(None, [said, shared])))
                yield name, plotting.dot_plot(runs, shown, list(dict.fromkeys(looks.values())), list(names.values()),
                                          xlabel=option or "", title=title, boxes=boxes)  # fmt: skip


def _figures_of(
    study: Study, combos: Sequence[Combo], options: Sequence[str], by_label: bool
) -> Iterator[tuple[str, str, Looks]]:
    """The looks of one figure where few values of these options differ; else of one for each set of values.

    Before the looks come the values, for a file's name and for a title. A network and its nulls stay in one figure.
    """
    looks = _looks(study, combos, options, by_label)
    rest = [option for option in options if option.split(".")[-1] not in REFERENCE_VALUES]
    if len(set(looks.values())) <= MOST_SERIES or not rest:
        yield "", "", looks
        return
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault(option_values(combo, rest), []).append(combo)
    nulls = [option for option in options if option not in rest]
    for some in sets.values():
        looks = _looks(study, some, nulls, by_label or not nulls)
        yield values_text(some[0], rest), combo_texts.title_text(some, rest), looks


def _looks(study: Study, combos: Sequence[Combo], options: Sequence[str], by_label: bool) -> Looks:
    """How each combo is drawn: a colour for each label, if by_label, and each set of values of these options."""
    if not options:
        series = label_series(study, combos)
        return {(combo.label, combo.number): series[combo.label] for combo in combos}
    several = by_label and len({combo.label for combo in combos}) > 1
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault((combo.label if by_label else "", *option_values(combo, options)), []).append(combo)
    looks: Looks = {}
    for number, some in enumerate(sets.values()):
        values = combo_texts.title_text(some, [name for name in options if some[0].get(name) is not ABSENT])
        task = combo_texts.task_if_different(study.combos, some)
        names = [combo.connectome for combo in some]
        text = combo_texts.legend_text(some[0].label, names, ", ".join([task, values] if task else [values]))
        looks |= {(combo.label, combo.number): Series(text if several else values, number) for combo in some}
    return looks
