"""Figures of kind = convergence: running estimates of some exponents, a panel per reorthonormalization interval."""

from collections.abc import Iterator, Sequence

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study, canonical, distinct_values
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import LAMBDA, Figures, arrays_by_iteration
from randomnet.plotting import Panel, Running

INDICES = (0, 2, 4, 6)  # exponents 1, 3, 5 and 7, as in the predecessor's figure
TONS = "lyapunov.tons"
PANELS = (
    Panel("lambda_max", LAMBDA, zero=True, error="lambda_max_stderr"),
    Panel("lambda_max_spread", "spread of the largest exponent\nover initial states (1/τ)", least=0.0),
)


def convergence_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure per label, per values of all options except tons, and per iteration, as each has another network."""
    other_options = [name for name in varied_options(study, study.combos) if name.split(".")[-1] != "tons"]
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault((combo.label, *(canonical(combo.get(name)) for name in other_options)), []).append(combo)
    labels = {combo.label for combo in study.combos}
    for combos in sets.values():
        first = combos[0]
        panels = _panels(combos)
        for iteration, running in panels.items():
            values = [f"{name}={first.get(name)}" for name in other_options]
            parts = ["convergence", *[first.label] * (len(labels) > 1), *values]
            parts += [f"iter_{iteration}"] * (len(panels) > 1)
            owner = combo_texts.legend_text(first.label, [first.connectome])
            title = [combo_texts.task_text([first]), owner if len(labels) > 1 else first.connectome or owner,
                     *(f"{name} = {combo_texts.value_text(first, name)}" for name in other_options),
                     *[f"iteration\u00a0{iteration}"] * (len(panels) > 1)]  # fmt: skip
            yield "_".join(parts), plotting.convergence(running, INDICES, ", ".join(filter(None, title)))


def _panels(combos: Sequence[Combo]) -> dict[int, list[Running]]:
    """By iteration, a panel for each combo that has arrays, in the order of tons."""
    order = [canonical(value) for value in distinct_values(combos, TONS)]
    panels_of: dict[int, list[Running]] = {}
    for combo in sorted(combos, key=lambda combo: (order.index(canonical(combo.get(TONS))), combo.number)
                        if order else combo.number):  # fmt: skip
        for iteration, arrays in arrays_by_iteration(combo):
            panels_of.setdefault(iteration, []).extend(_panel(combo, arrays))
    return {iteration: panels for iteration, panels in sorted(panels_of.items()) if panels}


def _panel(combo: Combo, arrays: dict[str, np.ndarray]) -> Iterator[Running]:
    running, times = arrays.get("running"), arrays.get("times")
    if running is not None and times is not None and running.ndim == 3 and running.size:
        errors = arrays.get("running_stderr", np.full(running.shape, np.nan))
        yield Running(_title(combo, arrays.get("intervals", np.array([]))), times, running, errors)


def _title(combo: Combo, intervals: np.ndarray) -> str:
    """The value of tons, and the intervals that were used if it is adaptive."""
    tons = combo.get(TONS)
    try:
        return f"tons = {float(tons):g} τ"
    except (TypeError, ValueError):
        finite = intervals[np.isfinite(intervals)]
        ends = "–".join(dict.fromkeys(f"{value:.3g}" for value in (finite.min(), finite.max()))) if len(finite) else ""
        return f"tons = {tons}" + (f" ({ends} τ)" if ends else "") if isinstance(tons, str) else ""
