"""Values by label and by option, pooled over other options where the figure's title says so."""

from collections.abc import Iterator, Sequence

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.controls import option_values, values_text
from randomnet.comparison.study import ABSENT, REFERENCE_VALUES, Combo, ComboGroup, Study, canonical, distinct_values
from randomnet.figures.runs import Figures, ended_runs, label_series
from randomnet.plotting import Panel, Series

MOST_SERIES = 8  # of one figure, that colours can distinguish
Looks = dict[tuple[str, int], Series]  # of each combo, by (label, number)


def varied_options(study: Study, combos: Sequence[Combo]) -> list[str]:
    """Gridded options whose values differ among these combos."""
    return [option for option in study.varied if len(distinct_values(combos, option)) > 1]


def pooling_title(combos: Sequence[Combo], options: Sequence[str], note: str = "") -> str:
    """Title with the task, the note, and the options that are pooled."""
    pooled = f"pooled over {' and '.join(options)}" if options else ""
    return combo_texts.title_with_task(combos, ", ".join(filter(None, [note, pooled])))


def sampled_options(study: Study, groups: Sequence[ComboGroup]) -> list[str]:
    """Options of which no two values have the other options in common, as in random samples, where there are many."""
    combos = [combo for group in groups for combo in group.combos]
    options = varied_options(study, combos)
    alone = []
    for option in options:
        others = [other for other in options if other != option]
        sets = {option_values(combo, others) for combo in combos}
        if len(sets) > MOST_SERIES and len(sets) == len({option_values(combo, options) for combo in combos}):
            alone.append(option)
    return alone


def dot_plots_by_option(
    study: Study, groups: Sequence[ComboGroup], stem: str, panels: Sequence[Panel], note: str = "", boxes: bool = False,
    without: Sequence[str] = (),
) -> Figures:  # fmt: skip
    """Runs of these groups by label, if there are several, and by every option whose values differ among them.

    Colours distinguish the values of all other options. If these are too many, each set of their values has a figure.
    without: options that are left out.
    """
    combos = [combo for group in groups for combo in group.combos]
    options = varied_options(study, combos)
    labels = label_series(study, combos)
    for option in [*[None] * (len(labels) > 1 or not options), *options]:
        if option in without:
            continue
        others = [other for other in options if other != option]
        if option is None:
            names = {label: look.text for label, look in labels.items()}
            places = {(combo.label, combo.number): names[combo.label] for combo in combos}
        else:
            names = combo_texts.value_names(combos, option)
            places = {(combo.label, combo.number): names.get(canonical(combo.get(option))) for combo in combos}
        for text, values, looks in _figures_of(study, combos, others, by_label=option is not None or not others):
            runs = ended_runs(study, looks)
            runs = runs.assign(group=[places[key] for key in zip(runs["label"], runs["number"], strict=True)])
            drawn = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
            if drawn:
                name = "_".join([stem, f"by_{option or 'label'}", *[text] * bool(text)])
                title = combo_texts.title_with_task(combos, ", ".join(filter(None, [note, values])))
                yield name, plotting.dot_plot(runs, drawn, list(dict.fromkeys(looks.values())), list(names.values()),
                                          xlabel=option or "", title=title, boxes=boxes)  # fmt: skip


def _figures_of(
    study: Study, combos: Sequence[Combo], options: Sequence[str], by_label: bool
) -> Iterator[tuple[str, str, Looks]]:
    """(values for the file name, values for the title, looks) of each figure.

    It is one figure if few values of these options differ, else one per set of values. A network and its nulls always
    share a figure.
    """
    looks = _looks(study, combos, options, by_label)
    other_options = [option for option in options if option.split(".")[-1] not in REFERENCE_VALUES]
    if len(set(looks.values())) <= MOST_SERIES or not other_options:
        yield "", "", looks
        return
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault(option_values(combo, other_options), []).append(combo)
    nulls = [option for option in options if option not in other_options]
    for members in sets.values():
        looks = _looks(study, members, nulls, by_label or not nulls)
        yield values_text(members[0], other_options), combo_texts.title_text(members, other_options), looks


def _looks(study: Study, combos: Sequence[Combo], options: Sequence[str], by_label: bool) -> Looks:
    """The look of each combo: a colour per set of values of these options, and per label if `by_label`."""
    if not options:
        series = label_series(study, combos)
        return {(combo.label, combo.number): series[combo.label] for combo in combos}
    named = by_label and len({combo.label for combo in combos}) > 1
    sets: dict[tuple, list[Combo]] = {}
    for combo in combos:
        sets.setdefault((combo.label if by_label else "", *option_values(combo, options)), []).append(combo)
    looks: Looks = {}
    for index, members in enumerate(sets.values()):
        values = combo_texts.title_text(members, [name for name in options if members[0].get(name) is not ABSENT])
        task = combo_texts.task_if_different(study.combos, members)
        names = [combo.connectome for combo in members]
        text = combo_texts.legend_text(members[0].label, names, ", ".join([task, values] if task else [values]))
        looks |= {(combo.label, combo.number): Series(text if named else values, index) for combo in members}
    return looks
