"""Lyapunov spectra: one set, or several side by side, such as before and after training."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import (
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    ZOOM_BELOW,
    Series,
    legend,
    line_handle,
    new_figure,
    runs_text,
    zero_line,
)

SHADES_NAMED = 12  # of more shades than this only so many are named
Run = tuple[np.ndarray, np.ndarray, int]


def spectra(
    panels: Mapping[str, Mapping[str, Sequence[Run]]],
    targets: Mapping[str, np.ndarray],
    series: Sequence[Series],
    title: str = "",
    key: tuple[Mapping[float, str], Mapping[int, str]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Lyapunov spectra against index/N; one panel is one column wide, two side by side are two.

    panels:  per panel title, per series text, one (exponents (k,), standard errors (k,), N) per run, in 1/τ.
    targets: per series text, the trained exponents' targets, (nle,), in 1/τ.
    key:     of shaded series, what each shade and what each dash means; the legend then names these and not the series.
    notes:   per series text, what the legend says after the number of runs.
    The band is the standard deviation over runs, or the standard error of the estimate where there is one run. A second
    row enlarges the trained exponents where they are a small part of all.
    """
    every = [run for sets in panels.values() for runs in sets.values() for run in runs]
    limits = x_limits(every, targets.values())
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if len(panels) == 1 else DOUBLE, 0.75 + 2.0 * len(limits), title)
        grid = figure.subplots(len(limits), len(panels), sharey="row", squeeze=False)
        for column, (when, runs) in enumerate(panels.items()):
            for row, limit in enumerate(limits):
                _draw_spectra(grid[row, column], runs, targets, series, limit)
            grid[0, column].set_title(when)
            grid[-1, column].set_xlabel("index / N")
        for row, axes in enumerate(grid[:, 0]):
            axes.set_ylabel("Lyapunov exponent (1/τ)" + ("\nfirst exponents, enlarged" if row else ""))
        counts = [len(runs) for sets in panels.values() for runs in sets.values()]
        if key:
            handles, said = _key(key), [_band(counts), f"{_range(counts)} per line"]
        else:
            *_, last = panels.values()
            texts = [f"{one.text}, {runs_text(len(last.get(one.text, ())))}{(notes or {}).get(one.text, '')}"
                     for one in series]  # fmt: skip
            handles = [line_handle(one, text) for one, text in zip(series, texts, strict=True)]
            said = [_band(counts)]
        said.append(not_drawn_text(every))
        if targets:
            handles.append(Line2D([], [], color="k", linestyle=(0, (1.5, 1)), label="target"))
        legend(figure, handles, "; ".join(filter(None, said)))
        return figure


def x_limits(runs: Sequence[Run], targets: Collection[np.ndarray]) -> list[float]:
    """Where index / N ends: of all exponents, and of a second row that enlarges trained ones that are a small part."""
    most = max((len(values) for values, _, _ in runs), default=1)
    shown = max((len(values) / n for values, _, n in runs), default=1.0)
    zoom = max(map(len, targets), default=0) / most
    return [shown, shown * min(1.0, max(1.6 * zoom, 5 / most))] if 0 < zoom < ZOOM_BELOW else [shown]


def _key(key: tuple[Mapping[float, str], Mapping[int, str]]) -> list[Line2D]:
    """A line for each shade, or for some where they are many, and for each dash where there are several."""
    shades, dashes = key
    some = np.unique(np.linspace(0, len(shades) - 1, SHADES_NAMED).round().astype(int))
    named = [(shade, text) for place, (shade, text) in enumerate(shades.items()) if place in some]
    handles = [line_handle(Series(text, shade=shade), text) for shade, text in named]
    if len(dashes) > 1:
        handles += [Line2D([], [], color=REFERENCE, linestyle=Series(text, dash=dash).linestyle, label=text)
                    for dash, text in dashes.items()]  # fmt: skip
    return handles


def not_drawn_text(runs: Sequence[Run]) -> str:
    """A direction that dies out at once has an exponent that no axis can show."""
    endless = [int(np.isneginf(values).sum()) for values, _, _ in runs]
    of = f" (in {sum(count > 0 for count in endless)} of {len(runs)} runs)" if len(runs) > 1 else ""
    what = "exponent at \u2212\u221e is" if sum(endless) == 1 else "exponents at \u2212\u221e are"
    return f"{sum(endless)} {what} not drawn{of}" if any(endless) else ""


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    return runs_text(low) if low == high else f"{low} to {high} runs"


def _draw_spectra(
    axes: Axes, runs: Mapping[str, Sequence[Run]], targets: Mapping[str, np.ndarray],
    series: Sequence[Series], limit: float,
) -> None:  # fmt: skip
    zero_line(axes)
    seen: list[tuple[np.ndarray, np.ndarray, str]] = []
    for one in series:
        if not runs.get(one.text):
            continue
        x, mean, spread = _mean_spectrum(runs[one.text])
        keep = x <= limit + 1e-9
        x, mean, spread = x[keep], mean[keep], spread[keep]
        marker = one.marker if len(x) <= (30 if one.shade is None else 8) else None
        axes.plot(x, mean, color=one.color, linestyle=one.linestyle, marker=marker, markersize=2.5)
        axes.fill_between(x, mean - spread, mean + spread, color=one.color, alpha=0.25, linewidth=0)
        target = targets.get(one.text)
        if target is not None and len(target):
            places = np.arange(1, len(target) + 1) / runs[one.text][0][2]
            if not any(np.array_equal(target, other) and np.array_equal(places, place) for place, other, _ in seen):
                seen.append((places, target, one.color))
    alike = all(np.array_equal(a[: len(b)], b[: len(a)]) for _, a, _ in seen for _, b, _ in seen)
    for places, target, color in seen:
        axes.plot(places, target, color="k" if alike else color, linestyle=(0, (1.5, 1)), linewidth=1.0,
                  zorder=4, marker="." if len(target) <= 3 else None, markersize=3)  # fmt: skip
    set_x(axes, limit)


def set_x(axes: Axes, limit: float) -> None:
    """The x axis of spectra, index / N, from 0 to just beyond the limit."""
    axes.set_xlim(0, 1.03 * limit if limit < 1 else 1)
    axes.xaxis.get_major_locator().set_params(nbins=5)  # more would run into the next panel's


def _band(counts: Sequence[int]) -> str:
    several, single = max(counts, default=0) > 1, min(counts, default=0) == 1
    said = ["standard deviation over runs"] * several
    said += [f"{'for a single run the ' if several else ''}standard error of the estimate"] * single
    return f"band: {'; '.join(said)}" if said else ""


def _mean_spectrum(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x = index/N, mean and spread over runs, each (k,); runs of unequal N are laid on the largest one's indices."""
    x, rows = on_one_axis(runs)
    finite = pd.DataFrame(rows)
    if len(runs) == 1:
        return x, finite.iloc[0].to_numpy(), runs[0][1]
    return x, finite.mean(axis=0).to_numpy(), finite.std(axis=0).to_numpy()


def on_one_axis(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """x = index/N of the largest run (k,), and the exponents of all runs there, (runs, k), nan where none is finite."""
    _, size, n = max((n, len(values), n) for values, _, n in runs)
    x = np.arange(1, size + 1) / n
    rows = np.array([_on(x, values, n) for values, _, n in runs])
    return x, np.where(np.isfinite(rows), rows, np.nan)


def _on(x: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    places = np.arange(1, len(values) + 1) / n
    if len(places) == 0 or np.array_equal(places, x):
        return values if len(values) else np.full(len(x), np.nan)
    return np.interp(x, places, values, left=np.nan, right=np.nan)
