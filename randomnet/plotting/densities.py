"""Densities of Lyapunov exponents."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from randomnet.plotting.spectra import not_drawn_text
from randomnet.plotting.style import SINGLE, STYLE, Series, legend, line_handle, new_figure, runs_text

FEWEST_EXPONENTS = 20  # of all runs of a series; fewer have no density worth drawing
FAR = 2.0  # times the range of the exponents; a line at zero that is further away would squeeze them
FEWEST_BINS, MOST_BINS = 10, 40


def exponent_density(
    exponents: Mapping[str, Sequence[tuple[np.ndarray, int]]], series: Sequence[Series], title: str = "",
    unit: str = "τ",
) -> Figure:  # fmt: skip
    """A histogram line per series: the share of all N exponents per 1/unit, over all runs of the series.

    exponents: per series text, (exponents (k,) in 1/unit, N) of each run. The area under a line is the share of the
    exponents that were computed and are finite. All lines have the same bins.
    """
    finite = {text: np.concatenate([values[np.isfinite(values)] for values, _ in runs])
              for text, runs in exponents.items()}  # fmt: skip
    edges = _edges(finite)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE, 2.4, title)
        axes = figure.subplots()
        if min(abs(edges[0]), abs(edges[-1])) < FAR * np.ptp(edges) or edges[0] < 0 < edges[-1]:
            axes.axvline(0.0, color="0.6", linewidth=0.6, zorder=0)
        for look in series:
            total = sum(n for _, n in exponents[look.text])
            counts, _ = np.histogram(finite[look.text], edges)
            axes.stairs(counts / (total * np.diff(edges)), edges, color=look.color, linestyle=look.linestyle,
                        linewidth=1.1)  # fmt: skip
        axes.set_xlabel(f"Lyapunov exponent (1/{unit})")
        axes.set_ylabel(f"density of exponents ({unit})")
        axes.set_ylim(bottom=0)
        handles = [line_handle(look, f"{look.text}, {runs_text(len(exponents[look.text]))}") for look in series]
        legend(figure, handles, _heading(exponents))
        return figure


def _edges(finite: Mapping[str, np.ndarray]) -> np.ndarray:
    """Common bins over all finite exponents, by the square root of the smallest series' number."""
    values = np.concatenate(list(finite.values()))
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    margin = 0.5 * (low == high)
    smallest = min((len(part) for part in finite.values() if len(part)), default=1)
    count = int(np.clip(np.sqrt(smallest), FEWEST_BINS, MOST_BINS))
    return np.linspace(low - margin, high + margin, count + 1)


def _heading(exponents: Mapping[str, Sequence[tuple[np.ndarray, int]]]) -> str:
    runs = [(values, values, n) for members in exponents.values() for values, n in members]
    shares = [len(values) / n for values, _, n in runs]
    partial = f"the leading {min(shares):.0%} of the exponents" if shares and max(shares) < 1 else ""
    return "; ".join(filter(None, [partial, not_drawn_text(runs)]))
